"""What the app remembers of each car's files: policy, consent, and how full it was lately."""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomlkit

from rcapp.core.files.policy import BackupPolicy
from rcapp.core.files.storage import Sample

logger = logging.getLogger("rcapp.files")

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def default_destination() -> str:
    """The folder that files of all cars are moved to, each in one of its own, unless changed."""
    return str(Path.home() / "Car backup")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is kept of one car.

    Attributes:
        policy: as a person has set it, else as the car suggests.
        own: a person has set it.
        consent: the policy's rules that a person has rehearsed and agreed to; empty for none.
        samples: how full it was in the last day.
    """

    policy: BackupPolicy = field(default_factory=BackupPolicy)
    own: bool = False
    consent: str = ""
    samples: tuple[Sample, ...] = ()


def rules_of(policy: BackupPolicy) -> str:
    """What a consent is for: everything that decides which files go, and where."""
    table = policy.to_table()
    return json.dumps(table, sort_keys=True)


class KeptFiles:
    """Reads and writes it, one file for each car. May wait for the disk.

    Args:
        folder: where the files lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, car_id: str) -> Path:
        """The file of a car."""
        return self._folder / f"{_UNSAFE.sub('-', car_id) or 'car'}.toml"

    def load(self, car_id: str, car_name: str) -> Remembered:
        """What is kept of a car; never fails."""
        try:
            with self.path(car_id).open("rb") as file:
                tables = tomllib.load(file)
        except FileNotFoundError:
            tables = {}
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            logger.warning("what was kept of %s cannot be used: %s", car_name, error)
            tables = {}
        policy = BackupPolicy.from_table(_table(tables, "policy"))
        if not policy.destination:
            policy = replace(policy, destination=default_destination())
        consent = _table(tables, "consent").get("rules", "")
        own = bool(_table(tables, "policy"))
        return Remembered(
            policy, own, consent if isinstance(consent, str) else "", _samples(tables)
        )

    def save(self, car_id: str, kept: Remembered) -> None:
        """Keep it: the old file or the new one is there at any moment.

        Raises:
            OSError: the folder cannot be written.
        """
        document = tomlkit.document()
        document.add(tomlkit.comment("The backup of one car, as rcapp's Files tab keeps it."))
        if kept.own:
            document["policy"] = kept.policy.to_table()
        document["consent"] = {"rules": kept.consent}
        document["usage"] = {"samples": [[round(at), used] for at, used in kept.samples]}
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self.path(car_id)
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=path.name, suffix=".new")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(tomlkit.dumps(document))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = tables.get(name, {})
    return found if isinstance(found, dict) else {}


def _samples(tables: Mapping[str, Any]) -> tuple[Sample, ...]:
    found = _table(tables, "usage").get("samples", [])
    pairs = found if isinstance(found, list) else []
    return tuple(
        (float(pair[0]), int(pair[1]))
        for pair in pairs
        if isinstance(pair, list)
        and len(pair) == 2
        and all(isinstance(one, int | float) for one in pair)
    )
