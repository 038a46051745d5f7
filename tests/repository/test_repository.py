"""Rules of the house that no other tool watches."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "assets",
    "benchmarks",
    "docs",
    "pi_agent",
    "pynet",
    "pyproject.toml",
    "rcapp",
    "tests",
}
PACKAGES = ("pynet", "pi_agent", "rcapp")
MODULE_LIMIT = 24_000
QT = ("PySide6", "shiboken6", "pyqtgraph")


def tracked_files() -> list[str]:
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [name for name in listing.stdout.split("\0") if name]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        stdin=subprocess.DEVNULL,
    )


def test_the_top_level_holds_what_it_should_and_nothing_else() -> None:
    names = {name.split("/")[0] for name in tracked_files()}
    assert names == TOP_LEVEL


def test_no_module_is_too_long_to_read() -> None:
    modules = [
        path
        for folder in (*PACKAGES, "tests", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
    ]
    too_long = {
        str(path.relative_to(ROOT)): path.stat().st_size
        for path in modules
        if path.stat().st_size > MODULE_LIMIT
    }
    assert modules
    assert too_long == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


IMPORT_ALL = """
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in forbidden:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

package, hidden, absent = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
forbidden = set(absent)
sys.meta_path.insert(0, Refuse())
root = importlib.import_module(package)
names = [package]
if hasattr(root, "__path__"):
    names += [module.name for module in pkgutil.walk_packages(root.__path__, package + ".",
                                                              onerror=lambda name: None)]
for name in names:
    if name.rpartition(".")[2] == "__main__" or any(
            hide and (name == hide or name.startswith(hide + ".")) for hide in hidden):
        continue
    importlib.import_module(name)
"""


@pytest.mark.parametrize(
    ("package", "left_out", "absent"),
    [
        (
            "pynet",
            "",
            (*QT, "cv2", "av", "gpiozero", "sdl2", "platformdirs", "psutil", "pi_agent", "rcapp"),
        ),
        ("pi_agent", "pi_agent.hardware", (*QT, "gpiozero", "sdl2", "platformdirs", "rcapp")),
        ("pi_agent.hardware", "", (*QT, "sdl2", "platformdirs", "rcapp")),
        ("rcapp.core", "", (*QT, "gpiozero", "pi_agent")),
    ],
)
def test_packages_import_without_what_they_must_not_need(
    package: str, left_out: str, absent: tuple[str, ...]
) -> None:
    done = python(IMPORT_ALL, package, left_out, ",".join(absent))
    assert done.returncode == 0, done.stderr


def test_the_agent_starts_where_gpiozero_and_opencv_are_not_installed() -> None:
    done = python(
        IMPORT_ALL.replace("for name in names", "for name in ['pi_agent.cli']"),
        "pi_agent",
        "",
        ",".join((*QT, "gpiozero", "cv2")),
    )
    assert done.returncode == 0, done.stderr


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("command", "module"),
    [("pynet", "pynet.cli"), ("pi-agent", "pi_agent.cli"), ("rcapp", "rcapp.cli")],
)
def test_commands_tell_the_version_of_the_project(command: str, module: str) -> None:
    scripts = project()["scripts"] | project()["gui-scripts"]
    assert scripts[command] == f"{module}:main"
    done = python(
        f"import sys; from {module} import main; sys.argv[0] = {command!r}; sys.exit(main())",
        "--version",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [command, project()["version"]]


def test_one_version_everywhere() -> None:
    import pynet

    version = project()["version"]
    assert pynet.__version__ == version
    assert re.search(rf"^## \[{re.escape(version)}\]", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_a_pi_never_installs_qt_and_a_laptop_no_pins() -> None:
    extras = project()["optional-dependencies"]
    assert not any("PySide" in need or "pyqtgraph" in need for need in extras["pi"] + extras["sim"])
    assert not any("gpiozero" in need for need in extras["app"] + extras["sim"])


def test_every_folder_of_assets_is_installed() -> None:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = configuration["tool"]["setuptools"]["data-files"]
    folders = {str(Path(name).parent) for name in tracked_files() if name.startswith("assets/")}
    assert {f"share/pynet-rc/{folder}" for folder in folders} <= set(installed)


def test_what_make_installs_is_pinned() -> None:
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    groups = [project()["dependencies"], *project()["optional-dependencies"].values()]
    needs = [need for group in groups for need in group]
    names = {re.match(r"[A-Za-z0-9-]+", need)[0].lower() for need in needs}
    assert names <= pinned


def test_the_benchmarks_can_be_listed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--list"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert "core" in done.stdout.split()


def test_no_file_names_the_machine_it_was_written_on() -> None:
    home = str(Path.home())
    if home in ("/", ""):
        pytest.skip("this person has no home")
    guilty = [
        name
        for name in tracked_files()
        if name.endswith((".py", ".md", ".toml", ".txt", ".svg", "Makefile"))
        or name.startswith(".ci/")
        if home + "/" in (ROOT / name).read_text(errors="replace")
    ]
    assert guilty == []
