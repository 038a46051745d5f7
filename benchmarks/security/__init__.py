"""What security and safety cost, and whether they hold."""

from __future__ import annotations

PARTS = {
    "failsafe": "1 000 cuts on a busy machine; kill -9; a held stick; 1 000 000 fuzzed commands",
}
