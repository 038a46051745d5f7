"""Conditional backup: when a disk is too full, its oldest files move away, just enough of them."""

from __future__ import annotations

from pynet.backup.backup import Backup, Status
from pynet.backup.plan import Plan
from pynet.backup.policy import Policy
from pynet.backup.report import BackupReport

__all__ = ["Backup", "BackupReport", "Plan", "Policy", "Status"]
