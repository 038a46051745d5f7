"""Which classes may travel: a class is turned into plain values and back by functions you name.

Nothing is ever unpickled and no class is looked up by what the peer writes:
only classes registered on *this* side can come into being here.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any, TypeVar, overload

from pynet.errors import ConfigurationError, DecodeError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Registration:
    """How one class travels."""

    type: type
    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


BY_TYPE: dict[type, Registration] = {}
BY_NAME: dict[str, Registration] = {}


@overload
def register(type_: type[T], /, *, name: str | None = None) -> type[T]: ...
@overload
def register(
    type_: type[T],
    encode: Callable[[T], Any],
    decode: Callable[[Any], T],
    *,
    name: str | None = None,
) -> type[T]: ...
def register(
    type_: type[T],
    encode: Callable[[T], Any] | None = None,
    decode: Callable[[Any], T] | None = None,
    *,
    name: str | None = None,
) -> type[T]:
    """Let instances of a class travel. Both sides must register it under one name.

    A dataclass needs nothing else and ``register`` serves as its decorator::

        @pynet.register
        @dataclass
        class Reading:
            metres: float

    Any other class needs two functions::

        pynet.register(Fraction, lambda f: [f.numerator, f.denominator], lambda v: Fraction(*v))

    Args:
        type_: the class. Subclasses are not included.
        encode: turns an instance into a value that can travel.
        decode: makes an instance from what ``encode`` returned. Treat it as
            input from a stranger: raise ValueError when it makes no sense.
        name: how the class is called on the wire; its qualified name by default.

    Returns:
        The class itself.

    Raises:
        ConfigurationError: not a dataclass and no functions given, or the name
            belongs to another class.
    """
    if (encode is None) != (decode is None):
        raise ConfigurationError(f"register({type_.__name__}) needs both encode and decode")
    if encode is None or decode is None:
        if not dataclasses.is_dataclass(type_):
            raise ConfigurationError(
                f"{type_.__name__} is not a dataclass; give register() encode and decode functions"
            )
        encode, decode = _dataclass_codec(type_)
    wire_name = name or type_.__qualname__
    known = BY_NAME.get(wire_name)
    if known is not None and (known.type.__module__, known.type.__qualname__) != (
        type_.__module__,
        type_.__qualname__,
    ):
        raise ConfigurationError(
            f"the name {wire_name!r} already belongs to {known.type.__module__}."
            f"{known.type.__qualname__}; pass name= to register() on both sides"
        )
    entry = Registration(type_, wire_name, encode, decode)
    BY_TYPE[type_] = BY_NAME[wire_name] = entry
    return type_


def _dataclass_codec(cls: type[T]) -> tuple[Callable[[T], Any], Callable[[Any], T]]:
    """Fields by position: a newer side may append fields with defaults."""
    names = [f.name for f in dataclasses.fields(cls) if f.init]  # type: ignore[arg-type]
    tuples: list[int] | None = None

    def encode(value: T) -> list[Any]:
        return [getattr(value, name) for name in names]

    def decode(values: Any) -> T:
        nonlocal tuples
        if not isinstance(values, list):
            raise DecodeError(f"{cls.__name__} arrived as {type(values).__name__}, not as a list")
        if tuples is None:
            hints = typing.get_type_hints(cls)
            tuples = [i for i, name in enumerate(names) if typing.get_origin(hints[name]) is tuple]
        for index in tuples:
            if index < len(values) and isinstance(values[index], list):
                values[index] = tuple(values[index])
        return cls(**dict(zip(names, values, strict=False)))

    return encode, decode
