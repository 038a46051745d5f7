"""Errors as sentences with a remedy."""

from __future__ import annotations

import socket
import ssl

import pytest

from pynet import errors
from pynet.trust.pairing import WrongCode
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


def refused_tls(reason: str) -> errors.AuthenticationError:
    cause = ssl.SSLError(1, reason)
    cause.reason = reason
    return errors.AuthenticationError("x") if not reason else _because("x", cause)


def _because(text: str, cause: Exception) -> errors.AuthenticationError:
    error = errors.AuthenticationError(text)
    error.__cause__ = cause
    return error


def test_strangers() -> None:
    unknown = _because("x", ssl.SSLCertVerificationError(1, "verify failed"))
    first = sentences.explain_connect(unknown, "car:1857")
    assert "do not know each other yet" in first
    assert "Pair them" in first
    assert sentences.can_be_paired(unknown)
    other = sentences.explain_stranger(unknown, "car:1857", "Rover-1")
    assert "is not the Rover-1 that was paired" in other
    assert "another certificate" in other
    revoked = errors.AuthenticationError("it does not know this machine; pair the two")
    assert "has revoked it" in sentences.explain_connect(revoked, "car:1857")
    plain = refused_tls("WRONG_VERSION_NUMBER")
    assert "does not encrypt" in sentences.explain_connect(plain, "car:1857")
    assert "--insecure" in sentences.explain_connect(plain, "car:1857")
    assert not sentences.can_be_paired(plain)
    sealed = errors.VersionMismatch("the other side wants TLS")
    assert "without --insecure" in sentences.explain_connect(sealed, "car:1857", insecure=True)
    key = errors.ConfigurationError("others may read the key in /x; chmod 600 it")
    assert "chmod 600" in sentences.explain_connect(key, "car:1857")


def test_losing_for_reasons_of_trust() -> None:
    gone = errors.AuthenticationError("Rover does not know this machine any more")
    assert "revoked it" in sentences.explain_loss(gone, "Rover")
    role = errors.AuthenticationError("your role has changed; connect again")
    assert "another role" in sentences.explain_loss(role, "Rover")


@pytest.mark.parametrize(
    ("error", "told", "again"),
    [
        (WrongCode("x", 2), "There are 2 more tries.", True),
        (WrongCode("x", 1), "There is one more try.", True),
        (WrongCode("x", 0), "pi-agent pair", False),
        (errors.PairingError("no pairing window is open there"), "No pairing window", False),
        (errors.PairingError("somebody stands in between; do not trust it"), "Somebody", False),
        (errors.ConfigurationError("a pairing code has 8 digits"), "8 digits", True),
        (
            caused(errors.ConnectError("x"), ConnectionRefusedError(111, "refused")),
            "Nothing listens",
            True,
        ),
        (sentences.AddressError("No address was given."), "No address", True),
        (TimeoutError(), "did not answer in time", True),
    ],
)
def test_pairing(error: Exception, told: str, again: bool) -> None:
    sentence, may_try = sentences.explain_pairing(error, "car:1857")
    assert told in sentence
    assert sentence.endswith(".")
    assert sentence[0].isupper()
    assert may_try is again


def test_what_a_role_forbids_is_said() -> None:
    said = sentences.explain_refused(errors.Forbidden("drive is for the driver"), "Rover", "viewer")
    assert said.startswith("Rover knows this computer as viewer")
    assert "pi-agent peers role" in said
    assert said == sentences.explain_drive_feed(errors.Forbidden("x"), "Rover", "viewer")
    late = sentences.explain_refused(errors.DeadlineExceeded("x"), "Rover", "driver")
    assert late == "Rover did not answer. Try again."
    refused = errors.RemoteError("LeaseError", "somebody else drives")
    assert sentences.explain_refused(refused, "Rover", "driver") == "Somebody else drives."
    closed = sentences.explain_drive_feed(errors.Closed("It is closed"), "Rover", "driver")
    assert closed == "Rover takes no drive commands: It is closed."


def test_stop() -> None:
    assert "switch the car off" in sentences.explain_stop(errors.DeadlineExceeded("No answer"))
