"""What a manager may ask: anything, and it gets an answer or an error it can read."""

from __future__ import annotations

from typing import Any

import pytest

from pynet import ConfigurationError, Controller, Gateway, RemoteGateway, UnknownSubroutine


@pytest.mark.parametrize(
    "question",
    [
        (),
        (None,),
        ([1],),
        ({"a": 1},),
        ("ping", 1),
        ("no such",),
        ("stop_handler",),
        ("stop_handler", [1], "me"),
        ("stop_handler", None, None),
        ("open_pairing",),
        ("open_pairing", 3, 3),
        ("open_pairing", "driver", "long"),
        ("open_pairing", "driver", float("nan")),
        ("open_pairing", "none", 10),
    ],
)
def test_a_strange_question_is_refused_and_the_next_one_answered(
    gateway: Gateway, car: RemoteGateway, question: tuple[Any, ...]
) -> None:
    with pytest.raises((ConfigurationError, UnknownSubroutine)):
        car.ask(*question)
    assert car.ask("ping") is True
    assert "state" not in car.ask("pairing")


def test_a_gateway_tells_itself_what_it_tells_others(gateway: Gateway, car: RemoteGateway) -> None:
    gateway.batch(lambda: 1, name="one")
    assert car.call("one") == 1
    (ours,), (theirs,) = gateway.handlers(), car.handlers()
    assert ours["id"] == theirs["id"]
    assert gateway.stats()["handlers"] == car.stats()["handlers"] == 1
    gateway.stop_handler(ours["id"], "a test")


def test_an_insecure_gateway_has_nothing_to_pair() -> None:
    with (
        Gateway(port=0, insecure=True) as gateway,
        Controller(insecure=True) as controller,
        pytest.raises(ConfigurationError, match="nothing to pair"),
    ):
        controller.connect(gateway.address).ask("pairing")
