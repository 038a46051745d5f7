"""The functions a Gateway offers, and what is known about them."""

from __future__ import annotations

import difflib
import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pynet.errors import (
    ConfigurationError,
    Forbidden,
    UnknownSubroutine,
    WrongArguments,
    WrongKind,
)
from pynet.policy import Policy
from pynet.trust.peers import Peer, Role

STREAM, BATCH, SINK, TALK = "stream", "batch", "sink", "talk"

_HOW = {
    STREAM: "open it with stream()",
    BATCH: "call it with call(), or with batches() if it yields",
    SINK: "send to it with send() or feed()",
    TALK: "it is there for pynet's own transfers",
}


@dataclass(frozen=True, slots=True)
class Subroutine:
    """One registered function.

    Attributes:
        name: how Controllers ask for it.
        kind: ``"stream"``, ``"batch"``, ``"sink"`` or ``"talk"``.
        function: what runs.
        policy: default policy of a stream or sink.
        max_age: seconds after which an item for a sink is too old to be worth taking, or None.
        silence: seconds without an item after which a sink is told, or None.
        shared: a stream whose generator runs once for all viewers with equal arguments.
        role: what a peer must be at least to run it.
    """

    name: str
    kind: str
    function: Callable[..., Any]
    policy: Policy
    max_age: float | None = None
    silence: float | None = None
    shared: bool = False
    role: Role = Role.OWNER

    def check_role(self, peer: Peer) -> None:
        """Raise Forbidden if this peer may not run it."""
        if peer.role < self.role:
            raise Forbidden(
                f"{self.name} is for the {self.role.word}; {peer.name} is {peer.role.word} here. "
                "The owner of that machine can give another role"
            )

    def describe(self) -> dict[str, Any]:
        """What ``pynet ls`` shows: name, kind, signature, first line of the docstring, policy."""
        doc = inspect.getdoc(self.function) or ""
        return {
            "name": self.name,
            "kind": self.kind,
            "signature": self.signature(),
            "doc": doc.partition("\n")[0],
            "policy": self.policy.kind,
            "shared": self.shared,
            "role": self.role.word,
            "yields": inspect.isgeneratorfunction(_plain(self.function)),
        }

    def signature(self) -> str:
        """The arguments a Controller passes, as text."""
        try:
            signature = _signature(self.function)
        except (TypeError, ValueError):
            return "(...)"
        parameters = list(signature.parameters.values())
        if self.kind in (SINK, TALK):
            parameters = parameters[1:]
        return str(signature.replace(parameters=parameters, return_annotation=signature.empty))

    def run(self, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Call the function.

        Raises:
            WrongArguments: it cannot be called like this.
            BaseException: what it raises.
        """
        try:
            return self.function(*args, **kwargs)
        except TypeError as error:
            # Deeper than this frame and the next: the function ran, the fault is inside.
            if error.__traceback__ is None or error.__traceback__.tb_next is None:
                self.check_arguments(error, args, kwargs)
            raise

    def check_arguments(self, error: TypeError, args: list[Any], kwargs: dict[str, Any]) -> None:
        """Raise WrongArguments if this TypeError came from the call itself, not from inside."""
        try:
            inspect.signature(self.function).bind(*args, **kwargs)
        except TypeError as mismatch:
            raise WrongArguments(
                f"{self.name}{self.signature()} cannot be called like this: {mismatch}"
            ) from error
        except ValueError:
            return  # a builtin without a signature


class Registry:
    """Subroutines by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Subroutine] = {}

    def add(self, subroutine: Subroutine) -> None:
        """Register; a name can be taken once.

        Raises:
            ConfigurationError: the name is taken, or cannot be a name.
        """
        name = subroutine.name
        if not name or len(name) > 128 or not name.isprintable():
            raise ConfigurationError(f"{name!r} cannot be the name of a subroutine")
        with self._lock:
            if name in self._by_name:
                raise ConfigurationError(f"a subroutine called {name!r} is registered already")
            self._by_name[name] = subroutine

    def remove(self, name: str) -> None:
        """Take a subroutine off the list; what runs goes on.

        Raises:
            UnknownSubroutine: there is none of that name.
        """
        with self._lock:
            if self._by_name.pop(name, None) is None:
                raise self._unknown(name)

    def find(self, name: Any, kind: str) -> Subroutine:
        """The subroutine of that name and kind.

        Raises:
            UnknownSubroutine: there is none.
            WrongKind: there is one, of another kind.
        """
        subroutine = self._by_name.get(name) if isinstance(name, str) else None
        if subroutine is None:
            raise self._unknown(name)
        if subroutine.kind != kind:
            raise WrongKind(f"{name} is a {subroutine.kind}; {_HOW[subroutine.kind]}")
        return subroutine

    def describe(self) -> list[dict[str, Any]]:
        """All of them, by name."""
        with self._lock:
            known = sorted(self._by_name.items())
        return [subroutine.describe() for _, subroutine in known]

    def _unknown(self, name: Any) -> UnknownSubroutine:
        known = sorted(self._by_name)
        close = difflib.get_close_matches(str(name), known, n=1)
        hint = (
            f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known) or 'none'}"
        )
        return UnknownSubroutine(f"no subroutine is called {str(name)!r:.140}; {hint}")


def name_of(function: Callable[..., Any]) -> str:
    """The name a function is registered under by default.

    Raises:
        ConfigurationError: it has none; pass name=.
    """
    name = getattr(_plain(function), "__name__", "")
    if not name or name == "<lambda>":
        raise ConfigurationError(f"{function!r} has no name of its own; pass name=")
    return str(name)


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """With annotations as they were written, not as quoted text, where that can be."""
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # names that exist for the type checker only
        return inspect.signature(function)


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    while isinstance(function, functools.partial):
        function = function.func
    return function
