"""Errors as a person needs them: what happened, and what to do about it."""

from __future__ import annotations

import socket

from pynet import errors

DEFAULT_PORT = 1857


class NotACarError(Exception):
    """What answers is a pynet Gateway, but its ``describe`` describes no car."""


class AddressError(ValueError):
    """A text that is no address; str() is a sentence for a person."""


def parse_address(text: str) -> str:
    """``host:port`` from what a person typed; the port is 1857 when left out.

    Raises:
        AddressError: when it cannot be an address.
    """
    typed = text.strip()
    remedy = "Write it as host:port, for example car.local:1857."
    if not typed:
        raise AddressError(f"No address was given. {remedy}")
    if typed.count(":") > 1 and not typed.startswith("["):
        typed = f"[{typed}]"  # a bare IPv6 address
    host, port = typed, ""
    if typed.startswith("["):
        host, closed, rest = typed.partition("]")
        host += closed
        if not closed or (rest and not rest.startswith(":")):
            raise AddressError(f"{text!r} is no address. {remedy}")
        port = rest[1:]
    elif ":" in typed:
        host, _, port = typed.partition(":")
    if not host.strip("[]") or any(character.isspace() or character in "/@" for character in host):
        raise AddressError(f"{text!r} is no address. {remedy}")
    port = port or str(DEFAULT_PORT)
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise AddressError(f"{port!r} is no port: ports are numbers from 1 to 65535. {remedy}")
    return f"{host}:{int(port)}"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__ or at.__context__
    return found


def explain_connect(error: Exception, address: str) -> str:
    """Why no connection to ``address`` came about, and the remedy."""
    if isinstance(error, errors.VersionMismatch):
        return (
            f"What answers at {address} is no car, or its pi-agent is of another version. "
            "Check the port, and install the same version on the car and here."
        )
    if isinstance(error, NotACarError | errors.UnknownSubroutine | errors.WrongKind):
        return (
            f"What answers at {address} speaks pynet but is no car. "
            "Check the port: pi-agent uses 1857 unless told otherwise."
        )
    if isinstance(error, errors.Busy):
        return (
            "The car has no room for another connection. "
            "Close other apps that are connected to it; trying again by itself."
        )
    causes = _causes(error)
    if any(isinstance(cause, errors.ProtocolError) for cause in causes):
        return f"What answers at {address} does not speak pynet. Check the port."
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return (
            f"Nothing listens at {address}. "
            "Start pi-agent on the car, and check that the port is the one it printed."
        )
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        host = address.rpartition(":")[0]
        return (
            f"No machine named {host} was found. Check the spelling, or use the car's IP address."
        )
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return (
            f"{address} does not answer. "
            "Check that the car is switched on and in the same network as this computer."
        )
    return f"Cannot connect to {address}: {_plain(error)} Check the address and the port."


def explain_loss(error: Exception | None, name: str) -> str:
    """Why a connection that worked is gone, and what happens now."""
    causes = [] if error is None else _causes(error)
    if any(isinstance(cause, errors.GatewayStopped) for cause in causes):
        return (
            f"{name} was stopped: its pi-agent ended. Start it again; the app reconnects by itself."
        )
    if any(isinstance(cause, errors.HandlerStopped) for cause in causes):
        return f"{name} ended this connection. The app reconnects by itself."
    return f"The connection to {name} is lost. The car stops by itself; the app goes on trying."


def explain_feed(error: Exception | None, what: str, name: str) -> str:
    """Why one feed of a connected car ended."""
    if error is None:
        return f"{name} ended its {what}. The app asks for it again."
    if isinstance(error, errors.Busy):
        return (
            f"{name} has no room for its {what}. "
            "Close other apps that are connected to it; trying again by itself."
        )
    return f"{name} cannot give its {what}: {_plain(error)} The app asks for it again."


def explain_refused_driver(error: Exception, driver: str) -> str:
    """Why drive commands are not taken."""
    if isinstance(error, errors.RemoteError):
        who = f"{driver} drives this car now" if driver else _plain(error).rstrip(".")
        return f"{who}. You see what the car sees; try again when they have let go."
    return f"The car takes no drive commands: {_plain(error)}"


def explain_stop(error: Exception) -> str:
    """Why a STOP has not been acknowledged yet."""
    return (
        f"STOP is not acknowledged yet: {_plain(error)} "
        "Trying again; switch the car off if it moves."
    )


def explain_clear(error: Exception) -> str:
    """Why the car keeps its STOP."""
    return f"STOP stays latched: {_plain(error)}"


def _plain(error: Exception) -> str:
    """The error's own sentence, with a full stop."""
    text = error.message if isinstance(error, errors.RemoteError) else str(error)
    text = (text or type(error).__name__).strip().splitlines()[0]
    return text if text.endswith((".", "?")) else f"{text}."
