"""Crash log and logging: what is left behind when something goes wrong."""

from __future__ import annotations
