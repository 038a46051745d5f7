"""Everything pynet raises, in one tree. The class says whose fault it is.

``str(error)`` is a sentence fit for a person: what happened, to what, and what to do.
"""

from __future__ import annotations

from dataclasses import dataclass


class PynetError(Exception):
    """Root of every error of this package."""


class ConfigurationError(PynetError, ValueError):
    """An argument given to pynet cannot work; the message says which and why."""


class ConnectError(PynetError, ConnectionError):
    """The other side could not be reached or did not answer in time."""


class AuthenticationError(PynetError):
    """One side does not know the other, or cannot prove who it is.

    Attributes:
        alert: what TLS would tell the other side.
    """

    def __init__(self, message: str, alert: bytes = b"") -> None:
        super().__init__(message)
        self.alert = alert


class UnknownMachine(AuthenticationError, ConnectError):
    """Another machine answers than one that is known here, or another program."""


class PairingError(AuthenticationError):
    """Two machines did not become acquainted; the message says why and what to do."""


class VersionMismatch(ConnectError):
    """The other side speaks another major version of the protocol, or not pynet at all."""


class ConnectionLost(PynetError, ConnectionError):
    """A connection that worked is gone; the message names the reason."""


class GatewayStopped(ConnectionLost):
    """The Gateway said goodbye: it was stopped on purpose."""


class StreamLost(ConnectionLost):
    """A reliable stream broke and items may be missing; open it again to start over."""


class Busy(PynetError):
    """Every Handler of the Gateway's pool is taken.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    def __init__(self, message: str, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Closed(PynetError):
    """You used an object after closing it, or after its other end finished."""


class TalkEnded(Closed):
    """A talk is over: its other end has nothing more to say, or one end has cancelled it.

    Attributes:
        talk: which.
    """

    def __init__(self, message: str, talk: object = None) -> None:
        super().__init__(message)
        self.talk = talk


class DeadlineExceeded(PynetError, TimeoutError):
    """No answer within the time you gave; the remote function may still be running."""


class CallbackError(PynetError):
    """Your callback raised, so its stream was closed; ``__cause__`` is what it raised."""


class HandlerStopped(PynetError):
    """The Handler at the other end was stopped by somebody."""


class ProtocolError(PynetError):
    """Frames that break the protocol."""


class LocalProtocolError(ProtocolError):
    """This side tried to send what the protocol does not allow now; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The other side sent what the protocol does not allow; the lane is closed."""


class LimitExceeded(RemoteProtocolError):
    """The other side announced more than this side accepts; nothing was allocated for it."""


class ValueTransferError(PynetError, ValueError):
    """A value cannot travel."""


class EncodeError(ValueTransferError):
    """This side cannot send the value; the message says which part and the remedy."""


class DecodeError(ValueTransferError):
    """This side cannot read the value it received."""


class SubroutineError(PynetError):
    """The request for a subroutine was wrong; the Gateway did not run it."""


class Forbidden(SubroutineError):
    """The role that the other side gives this machine does not allow it."""


class UnknownSubroutine(SubroutineError):
    """No subroutine of that name is registered at the Gateway."""


class WrongKind(SubroutineError):
    """The subroutine exists but is of another kind (stream, batch or sink)."""


class WrongArguments(SubroutineError):
    """The arguments do not fit the subroutine's signature."""


class FilesError(PynetError):
    """Something about files went wrong; of single files a transfer's report tells instead."""


class NotShared(FilesError):
    """There is no such root over there, or what was asked for is not below it."""


class BadName(FilesError, ValueError):
    """A name that no file here may have: it leads elsewhere, or cannot be stored."""


class NoSpace(FilesError):
    """A disk is full, or would be fuller than it may get."""


class SourceChanged(FilesError):
    """A file was changed, replaced or removed while it was read."""


class Damaged(FilesError):
    """What arrived, or what the disk gives back, is not what was sent."""


class Cancelled(FilesError):
    """The transfer was cancelled; what had arrived is kept and need not be sent again."""


@dataclass
class RemoteError(PynetError):
    """The subroutine raised on the other side.

    Attributes:
        type: name of the remote exception class, e.g. ``"ValueError"``.
        message: its text.
        traceback: its traceback, if the Gateway allows that, else None.
    """

    type: str
    message: str
    traceback: str | None = None

    def __str__(self) -> str:
        text = f"{self.type}: {self.message}" if self.message else self.type
        return f"{text}\n{self.traceback}" if self.traceback else text

    __hash__ = PynetError.__hash__


# What may cross the wire under its own name; anything else arrives as RemoteError.
TRAVELLING: dict[str, type[PynetError]] = {
    cls.__name__: cls
    for cls in (
        AuthenticationError,
        Forbidden,
        UnknownSubroutine,
        WrongKind,
        WrongArguments,
        HandlerStopped,
        GatewayStopped,
        EncodeError,
        DecodeError,
        ConfigurationError,
        FilesError,
        NotShared,
        BadName,
        NoSpace,
        SourceChanged,
        Damaged,
        Cancelled,
    )
}
