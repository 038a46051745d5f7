"""Errors as a person needs them: what happened, and what to do about it."""

from __future__ import annotations

import socket
import ssl

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


def split_address(address: str) -> tuple[str, int]:
    """Host and port of what a person typed.

    Raises:
        AddressError: when it cannot be an address.
    """
    host, _, port = parse_address(address).rpartition(":")
    return host.strip("[]"), int(port)


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__ or at.__context__
    return found


def explain_connect(error: Exception, address: str, *, insecure: bool = False) -> str:
    """Why no connection to ``address`` came about, and the remedy.

    Args:
        error: what came of it.
        address: ``host:port`` of the car.
        insecure: it was tried over plain TCP.
    """
    if isinstance(error, errors.AuthenticationError):
        return explain_stranger(error, address)
    if isinstance(error, errors.ConfigurationError):
        return explain_own_key(error)
    if isinstance(error, errors.VersionMismatch) and insecure:
        return (
            f"What answers at {address} wants an encrypted connection, or is no car. "
            "Start the app without --insecure, and check the port."
        )
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


def explain_stranger(error: Exception, address: str, expected: str = "") -> str:
    """Why two machines do not talk to each other although they could, and the remedy.

    Args:
        error: what came of it.
        address: ``host:port`` of the car.
        expected: name of the car that was paired and should answer there, or empty.
    """
    if shows_another_certificate(error):
        if expected:
            return (
                f"What answers at {address} is not the {expected} that was paired: it shows "
                "another certificate. If its card was set up anew, pair again; if not, somebody "
                "may be in between, so do not."
            )
        return (
            f"The car at {address} and this computer do not know each other yet. "
            "Pair them with the code that the car shows."
        )
    if _speaks_plain_tcp(error):
        return (
            f"What answers at {address} does not encrypt: it is no car, or one that runs insecure. "
            "Check the port. In a network that is yours alone, --insecure connects to it all the "
            "same."
        )
    return (
        f"The car at {address} does not know this computer, or its owner has revoked it. "
        "Pair them with the code that the car shows."
    )


_PLAIN_TCP = ("WRONG_VERSION_NUMBER", "TLSV1_ALERT_PROTOCOL_VERSION", "RECORD_LAYER_FAILURE")
"""What OpenSSL says where the other end speaks no TLS."""


def can_be_paired(error: Exception) -> bool:
    """Pairing is the remedy."""
    return isinstance(error, errors.AuthenticationError) and not _speaks_plain_tcp(error)


def _speaks_plain_tcp(error: Exception) -> bool:
    tls = (cause for cause in _causes(error) if isinstance(cause, ssl.SSLError))
    return any(getattr(cause, "reason", "") in _PLAIN_TCP for cause in tls)


def shows_another_certificate(error: Exception) -> bool:
    """What answers is not one of the machines that this computer knows."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def explain_own_key(error: Exception) -> str:
    """Why this computer cannot prove who it is."""
    return f"No car can be reached safely: {_plain(error)}"


def explain_pairing(error: Exception, address: str) -> tuple[str, bool]:
    """Why two machines did not become acquainted.

    Returns:
        The sentence, and whether another code may be tried at once: otherwise the car must show
        a new one first.
    """
    from pynet.trust.pairing import WrongCode  # which takes a while, and is seldom needed

    if isinstance(error, AddressError):
        return str(error), True
    if isinstance(error, WrongCode):
        if error.left:
            left = "is one more try" if error.left == 1 else f"are {error.left} more tries"
            return f"This is not the code that the car shows. There {left}.", True
        return (
            (
                "This is not the code that the car shows, and it was the last try: the code is no "
                "longer good. Let the car show a new one with pi-agent pair."
            ),
            False,
        )
    if isinstance(error, errors.PairingError):
        return as_sentence(error), False
    if isinstance(error, errors.ConfigurationError):
        return as_sentence(error), True
    if isinstance(error, TimeoutError):
        return (
            (
                f"The car at {address} did not answer in time. "
                "Check that it is on and still shows the code."
            ),
            True,
        )
    return explain_connect(error, address), True


def explain_refused(error: Exception, name: str, role: str) -> str:
    """Why the car did not do what was asked.

    Args:
        error: what came of it.
        name: of the car.
        role: what this computer may do there, or empty.
    """
    if isinstance(error, errors.Forbidden):
        known = f" as {role}" if role else ""
        return (
            f"{name} knows this computer{known}, and that role does not allow it. "
            "Its owner can give another one with: pi-agent peers role."
        )
    if isinstance(error, errors.DeadlineExceeded | errors.ConnectionLost):
        return f"{name} did not answer. Try again."
    return as_sentence(error)


def explain_loss(error: Exception | None, name: str) -> str:
    """Why a connection that worked is gone, and what happens now."""
    causes = [] if error is None else _causes(error)
    if any(isinstance(cause, errors.GatewayStopped) for cause in causes):
        return (
            f"{name} was stopped: its pi-agent ended. Start it again; the app reconnects by itself."
        )
    if isinstance(error, errors.AuthenticationError):
        if "role" in str(error):
            return f"The owner of {name} gave this computer another role. Connecting again."
        return (
            f"{name} does not know this computer any more: its owner has revoked it. "
            "Ask the owner, and pair the two again."
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


def explain_drive_feed(error: Exception, name: str, role: str) -> str:
    """Why drive commands are not taken."""
    if isinstance(error, errors.Forbidden):
        return explain_refused(error, name, role)
    return f"{name} takes no drive commands: {_plain(error)}"


def explain_stop(error: Exception) -> str:
    """Why a STOP has not been acknowledged yet."""
    return (
        f"STOP is not acknowledged yet: {_plain(error)} "
        "Trying again; switch the car off if it moves."
    )


def _plain(error: Exception) -> str:
    """The error's own sentence, with a full stop."""
    text = error.message if isinstance(error, errors.RemoteError) else str(error)
    text = (text or type(error).__name__).strip().splitlines()[0]
    return text if text.endswith((".", "?")) else f"{text}."


def as_sentence(error: Exception) -> str:
    """The error's own sentence, to stand alone."""
    text = _plain(error)
    return text[0].upper() + text[1:]
