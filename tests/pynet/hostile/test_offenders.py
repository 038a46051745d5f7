"""One line for each offender and interval."""

from __future__ import annotations

import logging

import pytest

from pynet import offenders
from pynet.offenders import Offenders, neighbourhood


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "pynet.gateway")


def test_the_first_complaint_is_written_and_the_next_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(offenders.time, "monotonic", lambda: now)
    some = Offenders(interval=60.0)
    for _ in range(5):
        some.complain("10.0.0.1", "10.0.0.1 is rude")
    some.complain("10.0.0.2", "10.0.0.2 is rude")
    assert caplog.messages == ["10.0.0.1 is rude", "10.0.0.2 is rude"]
    now += 60.0
    some.complain("10.0.0.1", "10.0.0.1 is rude again")
    assert caplog.messages[2:] == [
        "10.0.0.1 is rude again (4 more complaints about 10.0.0.1 were left out)"
    ]
    now += 60.0
    some.complain("10.0.0.1", "and again")
    assert caplog.messages[3:] == ["and again"]


def test_only_so_many_are_remembered(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offenders, "MOST", 3)
    some = Offenders()
    for last in (1, 2, 3, 1, 4, 1, 2):
        some.complain(f"10.0.0.{last}", f"{last}")
    assert caplog.messages == ["1", "2", "3", "4", "2"], "who was quiet longest is forgotten first"


@pytest.mark.parametrize(
    ("host", "known_as"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8::1:2:3", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_what_one_machine_may_have_to_itself(host: str, known_as: str) -> None:
    assert neighbourhood(host) == known_as
