from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rcapp.core.files.kept import KeptFiles, Remembered, default_destination, rules_of
from rcapp.core.files.policy import BackupPolicy

GOOD = BackupPolicy(destination="/home/ben/Car backup")


def test_the_usual_policy_is_good() -> None:
    assert GOOD.complaints() == {}
    assert GOOD.notes() == {}
    assert GOOD.sentence() == (
        "When the car is 75 % full, its oldest files move to this laptop until it is 25 % full. "
        "Files changed in the last 10 min stay."
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"high": 0.99}, "high"),
        ({"high": 0.01}, "high"),
        ({"low": 0.75}, "low"),
        ({"low": 0.0}, "low"),
        ({"min_age": -1.0}, "min_age"),
        ({"keep_newest": -1}, "keep_newest"),
        ({"keep_days": -1.0}, "keep_days"),
        ({"protect": ("a*", "../x")}, "protect"),
        ({"protect": ("~/x",)}, "protect"),
        ({"protect": ("**",)}, "protect"),
        ({"groups": ("*",)}, "groups"),
        ({"destination": ""}, "destination"),
        ({"destination": "backup"}, "destination"),
    ],
)
def test_what_cannot_be_is_said_where_it_stands(changes: dict[str, Any], field: str) -> None:
    complaints = replace(GOOD, **changes).complaints()
    assert list(complaints) == [field]
    assert complaints[field].endswith(".")


def test_what_may_surprise_is_said() -> None:
    assert "min_age" in replace(GOOD, min_age=30.0).notes()
    assert "low" in replace(GOOD, low=0.73).notes()
    assert "high" in replace(GOOD, high=0.95).notes()


def test_the_sentence_names_what_stays() -> None:
    policy = replace(GOOD, keep_days=2.0, keep_newest=5, protect=("a", "b", "c", "d"))
    said = policy.sentence()
    assert "of the last 2 days" in said
    assert "among the newest 5" in said
    assert "a or b or c and 1 more patterns" in said


@given(
    st.builds(
        BackupPolicy,
        high=st.floats(0, 1),
        low=st.floats(0, 1),
        protect=st.lists(st.text(), max_size=4).map(tuple),
        destination=st.text(),
        keep_newest=st.integers(0, 1000),
    )
)
def test_a_policy_comes_back_from_its_table(policy: BackupPolicy) -> None:
    assert BackupPolicy.from_table(policy.to_table()) == policy


def test_what_is_no_value_has_its_default() -> None:
    table = {"high": "much", "low": 0.5, "protect": 7, "keep_newest": True, "other": 1}
    assert BackupPolicy.from_table(table) == BackupPolicy(low=0.5)


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "backup")
    policy = replace(GOOD, protect=("calibration*",))
    given = Remembered(policy, True, rules_of(policy), ((100.0, 5), (400.0, 6)))
    kept.save("ABC-DEF", given)
    assert kept.load("ABC-DEF", "Rover-1") == given
    assert [path.name for path in (tmp_path / "backup").iterdir()] == ["ABC-DEF.toml"]


def test_a_policy_that_nobody_has_set_is_not_kept(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path)
    kept.save("X", Remembered(replace(GOOD, low=0.5), False, "agreed", ((100.0, 5),)))
    loaded = kept.load("X", "Rover-1")
    assert loaded.policy == BackupPolicy(destination=default_destination())
    assert (loaded.own, loaded.consent, loaded.samples) == (False, "agreed", ((100.0, 5),))


def test_another_policy_needs_another_consent() -> None:
    assert rules_of(GOOD) == rules_of(replace(GOOD))
    assert rules_of(GOOD) != rules_of(replace(GOOD, low=0.2))
    assert rules_of(GOOD) != rules_of(replace(GOOD, root="logs"))


@pytest.mark.parametrize("text", ["", "not toml [", "policy = 3", "[usage]\nsamples = [1, [2]]"])
def test_a_file_that_is_broken_is_no_harm(tmp_path: Path, text: str) -> None:
    kept = KeptFiles(tmp_path)
    kept.path("X").write_text(text)
    loaded = kept.load("X", "Rover-1")
    assert loaded.policy.destination == default_destination()
    assert loaded.consent == ""
    assert loaded.samples == ()


def test_ids_make_safe_paths(tmp_path: Path) -> None:
    assert KeptFiles(tmp_path).path("../../x:1857").parent == tmp_path
