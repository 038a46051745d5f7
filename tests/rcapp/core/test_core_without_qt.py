"""The core runs where Qt is not installed at all."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import rcapp.core

BLOCK = """
import importlib, sys
for name in ("PySide6", "shiboken6", "pyqtgraph"):
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not [name for name in sys.modules if name.startswith("PySide6.")]
"""


def test_every_module_of_the_core_imports_without_qt() -> None:
    names = [module.name for module in pkgutil.walk_packages(rcapp.core.__path__, "rcapp.core.")]
    assert {"rcapp.core.session", "rcapp.core.files.station"} <= set(names)
    subprocess.run([sys.executable, "-c", BLOCK, "rcapp.cli", *names], check=True, timeout=50)


def test_the_core_does_not_know_the_agent() -> None:
    code = "import sys, rcapp.cli, rcapp.core.demo_drive; print('pi_agent' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
