"""Which classes may travel: a class is turned into plain values and back by functions you name.

Nothing is ever unpickled and no class is looked up by what the peer writes:
only classes registered on *this* side can come into being here.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar, overload

from pynet.errors import ConfigurationError, DecodeError

T = TypeVar("T")

_TUPLE = re.compile(r"(None *\| *|(typing\.)?Optional\[)?(typing\.)?[Tt]uple\b")


@dataclasses.dataclass(frozen=True, slots=True)
class Registration:
    """How one class travels."""

    type: type
    name: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


PLAIN = (int, float, str, bytes, bytearray, memoryview, list, tuple, dict)
"""What msgpack packs by itself, subclasses included, without asking anybody."""

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
        ConfigurationError: not a dataclass and no functions given, a subclass of
            something that travels as it is, or the name belongs to another class.
    """
    if (encode is None) != (decode is None):
        raise ConfigurationError(f"register({type_.__name__}) needs both encode and decode")
    if encode is None or decode is None:
        if not dataclasses.is_dataclass(type_):
            raise ConfigurationError(
                f"{type_.__name__} is not a dataclass; give register() encode and decode functions"
            )
        encode, decode = _dataclass_codec(type_)
    for base in PLAIN:
        if issubclass(type_, base):
            raise ConfigurationError(
                f"{type_.__name__} travels as a plain {base.__name__} already, because it is one; "
                "rebuild it from that on the other side, or send a dataclass that holds it"
            )
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
            hints = _hints(cls)
            tuples = [i for i, name in enumerate(names) if _is_tuple(hints[name])]
        for index in tuples:
            if index < len(values) and isinstance(values[index], list):
                values[index] = tuple(values[index])
        return cls(**dict(zip(names, values, strict=False)))

    return encode, decode


def _hints(cls: type) -> dict[str, Any]:
    """What the fields are annotated with; texts where that cannot be looked up."""
    try:
        return typing.get_type_hints(cls)
    except Exception:  # a class made in a function, or imported for the type checker only
        return {f.name: f.type for f in dataclasses.fields(cls)}


def _is_tuple(hint: Any) -> bool:
    """True for an annotation whose lists off the wire must have been tuples."""
    if isinstance(hint, str):
        return _TUPLE.match(hint) is not None
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        kinds = typing.get_args(hint)
        return any(map(_is_tuple, kinds)) and not any(
            kind is list or typing.get_origin(kind) is list for kind in kinds
        )
    return hint is tuple or typing.get_origin(hint) is tuple
