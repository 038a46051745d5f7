"""Registering functions: as decorators, with or without arguments, or as plain calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from pynet.errors import ConfigurationError
from pynet.fanout import Broadcasts
from pynet.policy import Policy, as_policy, reliable
from pynet.subroutines import BATCH, SINK, STREAM, TALK, Registry, Subroutine, name_of
from pynet.trust.peers import Role

F = TypeVar("F", bound=Callable[..., Any])


class Registrar:
    """The part of a Gateway that functions are registered at.

    Attributes:
        registry: the subroutines by name.
        broadcasts: the shared streams that run.
    """

    def __init__(self) -> None:
        self.registry = Registry()
        self.broadcasts = Broadcasts()

    @overload
    def stream(
        self, function: F, /, *, name: str | None = ..., policy: Policy | str = ...,
        shared: bool = ..., role: str = ...,
    ) -> F: ...  # fmt: skip
    @overload
    def stream(
        self, /, *, name: str | None = ..., policy: Policy | str = ..., shared: bool = ...,
        role: str = ...,
    ) -> Callable[[F], F]: ...  # fmt: skip
    def stream(
        self,
        function: F | None = None,
        /,
        *,
        name: str | None = None,
        policy: Policy | str = reliable,
        shared: bool = False,
        role: str = "owner",
    ) -> F | Callable[[F], F]:
        """Offer a generator whose items are pushed to a Controller's callback.

        Use it as a decorator, with or without arguments, or call it with the function.

        Args:
            function: a generator function; it runs once for each stream that is opened.
            name: how it is asked for; the function's name by default.
            policy: what happens when the receiver is slow, unless the Controller says otherwise.
            shared: fan-out: it runs once for all viewers that gave equal arguments, from the
                first to the last, at the pace of the fastest; each has a mailbox by its own
                policy, and who comes late gets the newest item at once. All viewers get the
                same objects, so what was yielded must not be changed any more.
            role: what a peer must be at least: ``"viewer"``, ``"driver"`` or ``"owner"``.
        """
        return self._add(function, STREAM, name, role, as_policy(policy), shared=shared)

    @overload
    def batch(self, function: F, /, *, name: str | None = ..., role: str = ...) -> F: ...
    @overload
    def batch(self, /, *, name: str | None = ..., role: str = ...) -> Callable[[F], F]: ...
    def batch(
        self, function: F | None = None, /, *, name: str | None = None, role: str = "owner"
    ) -> F | Callable[[F], F]:
        """Offer a function: one call, one result. A generator function serves ``batches()``.

        Use it as a decorator, with or without arguments, or call it with the function. ``role`` is
        what a peer must be at least: ``"viewer"``, ``"driver"`` or ``"owner"``.
        """
        return self._add(function, BATCH, name, role, reliable)

    @overload
    def sink(
        self, function: F, /, *, name: str | None = ..., policy: Policy | str = ...,
        max_age: float | None = ..., silence: float | None = ..., role: str = ...,
    ) -> F: ...  # fmt: skip
    @overload
    def sink(
        self, /, *, name: str | None = ..., policy: Policy | str = ...,
        max_age: float | None = ..., silence: float | None = ..., role: str = ...,
    ) -> Callable[[F], F]: ...  # fmt: skip
    def sink(
        self,
        function: F | None = None,
        /,
        *,
        name: str | None = None,
        policy: Policy | str = reliable,
        max_age: float | None = None,
        silence: float | None = None,
        role: str = "owner",
    ) -> F | Callable[[F], F]:
        """Offer a function that data is sent into: its first argument iterates over the items.

        Args:
            function: takes an :class:`~pynet.Incoming`; its return value is the feed's result.
            name: how it is asked for; the function's name by default.
            policy: what happens when the function is slow, unless the Controller says otherwise.
            max_age: seconds; an item older than this when the function could take it is dropped.
            silence: seconds; after so long without an item the iteration yields
                :data:`pynet.SILENCE`, again and again until one comes.
            role: what a peer must be at least: ``"viewer"``, ``"driver"`` or ``"owner"``.
        """
        for label, value in (("max_age", max_age), ("silence", silence)):
            if value is not None and not value > 0:
                raise ConfigurationError(f"{label}={value} must be more than 0 seconds")
        return self._add(function, SINK, name, role, as_policy(policy), max_age, silence)

    def talk(self, function: F, /, *, name: str | None = None, role: str = "owner") -> F:
        """Offer a function that talks with its caller: pynet's transfers of files are made of such.

        Args:
            function: takes a :class:`~pynet.talk.Talk`; its return value is the talk's result.
            name: how it is asked for; the function's name by default.
            role: what a peer must be at least: ``"viewer"``, ``"driver"`` or ``"owner"``.
        """
        self._add(function, TALK, name, role, reliable)
        return function

    def remove(self, name: str) -> None:
        """Offer a subroutine no longer; what runs goes on.

        Raises:
            UnknownSubroutine: there is none of that name.
        """
        self.registry.remove(name)

    def _add(
        self,
        function: F | None,
        kind: str,
        name: str | None,
        role: str,
        policy: Policy,
        max_age: float | None = None,
        silence: float | None = None,
        shared: bool = False,
    ) -> F | Callable[[F], F]:
        needed = Role.of(role)

        def register(function: F) -> F:
            if not callable(function):
                raise ConfigurationError(f"{function!r} cannot be called, so it cannot be offered")
            called = name or name_of(function)
            self.registry.add(
                Subroutine(called, kind, function, policy, max_age, silence, shared, needed)
            )
            return function

        return register if function is None else register(function)
