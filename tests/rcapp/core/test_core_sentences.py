"""Errors as sentences with a remedy."""

from __future__ import annotations

import socket

import pytest

from pynet import errors
from rcapp.core import sentences


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("car.local:1857", "car.local:1857"),
        ("  car.local ", "car.local:1857"),
        ("127.0.0.1:2000", "127.0.0.1:2000"),
        ("[::1]:2000", "[::1]:2000"),
        ("::1", "[::1]:1857"),
        ("[fe80::1]", "[fe80::1]:1857"),
        ("car:01857", "car:1857"),
        ("car:", "car:1857"),
    ],
)
def test_what_people_type_is_understood(typed: str, address: str) -> None:
    assert sentences.parse_address(typed) == address


NO_ADDRESSES = [
    *["", "   ", ":1857", "my car:1857", "car:http", "car:0", "car:65536", "car:-1"],
    *["http://car:1857", "me@car", "[::1", "[::1]x", "car:\N{SUPERSCRIPT TWO}"],
]


@pytest.mark.parametrize("typed", NO_ADDRESSES)
def test_what_is_no_address_is_said_with_an_example(typed: str) -> None:
    with pytest.raises(sentences.AddressError, match=r"for example car\.local:1857"):
        sentences.parse_address(typed)


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "told", "remedy"),
    [
        (
            caused(errors.ConnectError("x"), ConnectionRefusedError(111, "refused")),
            "Nothing listens at car:1857",
            "Start pi-agent",
        ),
        (
            caused(errors.ConnectError("x"), socket.gaierror(-2, "unknown")),
            "No machine named car was found",
            "Check the spelling",
        ),
        (
            caused(errors.ConnectError("x"), TimeoutError()),
            "does not answer",
            "same network",
        ),
        (errors.VersionMismatch("x"), "is no car", "same version"),
        (errors.UnknownSubroutine("x"), "is no car", "Check the port"),
        (sentences.NotACarError(), "is no car", "Check the port"),
        (errors.Busy("x", 2.0), "no room", "Close other apps"),
        (errors.RemoteProtocolError("x"), "does not speak pynet", "Check the port"),
        (errors.ConnectError("The wire broke"), "The wire broke.", ""),
    ],
)
def test_connecting(error: Exception, told: str, remedy: str) -> None:
    sentence = sentences.explain_connect(error, "car:1857")
    assert told in sentence
    assert remedy in sentence
    assert sentence.endswith(".")


def test_losing() -> None:
    assert "stops by itself" in sentences.explain_loss(errors.ConnectionLost("x"), "Rover")
    assert "Rover was stopped" in sentences.explain_loss(errors.GatewayStopped("x"), "Rover")
    assert "stops by itself" in sentences.explain_loss(None, "Rover")
    assert "ended this" in sentences.explain_loss(errors.HandlerStopped("x"), "Rover")


def test_feeds() -> None:
    broken = errors.RemoteError("OSError", "The camera is unplugged")
    assert "The camera is unplugged." in sentences.explain_feed(broken, "camera", "Rover")
    assert "no room" in sentences.explain_feed(errors.Busy("x"), "camera", "Rover")
    assert "ended its camera" in sentences.explain_feed(None, "camera", "Rover")


def test_refused_drivers() -> None:
    refused = errors.RemoteError("LeaseError", "Ann drives this car")
    assert sentences.explain_refused_driver(refused, "Ann").startswith("Ann drives this car now.")
    assert "Ann drives this car." in sentences.explain_refused_driver(refused, "")
    assert "no drive" in sentences.explain_refused_driver(errors.Closed("It is closed"), "")


def test_stop() -> None:
    assert "switch the car off" in sentences.explain_stop(errors.DeadlineExceeded("No answer"))
    refused = errors.RemoteError("ValueError", "Let go of the throttle first.\nmore")
    assert sentences.explain_clear(refused) == "STOP stays latched: Let go of the throttle first."
    assert sentences.explain_clear(ValueError()) == "STOP stays latched: ValueError."
