"""What cannot travel is refused before it leaves, in words that help."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import threading
from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from pynet.errors import ConfigurationError, EncodeError
from pynet.testing import travelled
from pynet.wire.registry import register
from pynet.wire.values import Encoder


class Stranger:
    pass


class Colour(enum.Enum):
    RED = 1


class Moment(dt.datetime):
    """Subclasses of times might carry more than their time."""


UNABLE: dict[str, tuple[Any, str]] = {
    "unregistered": (Stranger(), r"Stranger cannot travel; register it .* pynet\.register\(Str"),
    "unregistered, inside": ({"a": [1, Stranger()]}, "Stranger"),
    "set": ({1, 2}, "set cannot travel"),
    "complex": (1 + 2j, "complex cannot travel"),
    "enum": (Colour.RED, "Colour cannot travel"),
    "subclass of a time": (Moment(2020, 1, 1), "Moment cannot travel"),
    "generator": ((n for n in ()), "generator cannot travel"),
    "function": (len, "cannot travel"),
    "lock": (threading.Lock(), "lock cannot travel"),
    "exception": (ValueError("x"), "ValueError cannot travel"),
    "class": (Stranger, "type cannot travel"),
    "too big": (2**64, "send it as a string"),
    "too small": ([-(2**63) - 1], "send it as a string"),
    "big key": ({2**100: 1}, "send it as a string"),
    "half a character": ("\ud800", "cannot travel"),
    "objects": (np.array([object()]), "Python objects .* numeric"),
    "records with objects": (np.zeros(2, [("a", "O"), ("b", "i4")]), "Python objects"),
    "object scalar": (np.zeros(1, [("a", "O")])[0], "Python objects"),
    "masked": (np.ma.masked_array([1, 2], [True, False]), "masked"),
}
if hasattr(np, "dtypes") and hasattr(np.dtypes, "StringDType"):  # numpy 2
    UNABLE["text of any length"] = (np.array(["a"], np.dtypes.StringDType()), "cannot travel")
if np.dtype("g") != np.dtype("f8"):
    UNABLE["longdouble"] = (np.zeros(1, "g"), r"float128.*\.astype\('f8'\)")
    UNABLE["longdouble scalar"] = (np.longdouble(1), "cannot travel")
    UNABLE["complex longdouble"] = (np.zeros(1, "G"), "cannot travel")
    UNABLE["longdouble in a record"] = (np.zeros(1, [("a", "g", (2,))]), "cannot travel")


@pytest.mark.parametrize("name", UNABLE)
def test_refused(name: str) -> None:
    value, words = UNABLE[name]
    encoder = Encoder()
    with pytest.raises(EncodeError, match=words):
        encoder.encode(value)
    assert encoder.encode([1, 2])[1] == []  # and the encoder can go on


def test_a_list_that_contains_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodeError):
        travelled(endless)
    with pytest.raises(EncodeError):
        travelled({"a": (endless,)})


@register
@dataclasses.dataclass
class Node:
    inside: Any = None


def test_a_dataclass_that_contains_itself() -> None:
    node = Node()
    node.inside = [{"again": node}]
    with pytest.raises(EncodeError, match="contain themselves"):
        travelled(node)


@pytest.mark.parametrize("depth", [100, 5_000])
def test_very_deep_values(depth: int) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    if depth < 500:
        assert travelled(value) == value
    else:
        with pytest.raises(EncodeError):
            travelled(value)
    value = 1
    for _ in range(depth):
        value = Node(value)
    with pytest.raises(EncodeError, match="nested more than 32 deep"):
        travelled(value)


def test_what_leaves_can_arrive_however_deep() -> None:
    """The nesting that may be sent is not more than what may be received."""
    value: Any = 1
    deepest = 0
    for depth in range(1, 50):
        value = Node(value)
        try:
            assert travelled(value) == value
            deepest = depth
        except EncodeError:
            break
    assert deepest >= 31
    nested: Any = np.arange(3)
    for _ in range(deepest - 1):
        nested = Node(nested)
    travelled(nested)


def test_a_field_that_was_never_set() -> None:
    with pytest.raises(EncodeError, match="value"):
        travelled(object.__new__(Unset))


@register
@dataclasses.dataclass(slots=True)
class Unset:
    value: int


def test_an_encode_function_that_fails() -> None:
    class Strange:
        pass

    def encode(value: Strange) -> Any:
        raise KeyError("no such thing")

    register(Strange, encode, lambda _: Strange())
    with pytest.raises(EncodeError, match="no such thing") as caught:
        travelled([Strange()])
    assert isinstance(caught.value.__cause__, KeyError)


class TestRegister:
    def test_needs_functions_for_what_is_no_dataclass(self) -> None:
        with pytest.raises(ConfigurationError, match="Stranger is not a dataclass"):
            register(Stranger)

    def test_needs_both_functions(self) -> None:
        with pytest.raises(ConfigurationError, match="both"):
            register(Stranger, lambda _: None, None)  # type: ignore[call-overload]

    def test_a_name_belongs_to_one_class(self) -> None:
        with pytest.raises(ConfigurationError, match="'Node' already belongs to"):
            register(Stranger, lambda _: None, lambda _: Stranger(), name="Node")

    def test_a_class_can_be_registered_again_as_after_a_reload(self) -> None:
        assert register(Node) is Node

    def test_subclasses_are_not_included(self) -> None:
        @dataclasses.dataclass
        class Leaf(Node):
            pass

        with pytest.raises(EncodeError, match="Leaf cannot travel"):
            travelled(Leaf())

    @pytest.mark.parametrize(
        ("kind", "base"),
        [
            (namedtuple("Pair", "a b"), "tuple"),
            (enum.IntEnum("Number", "ONE"), "int"),
            (enum.StrEnum("Word", "ONE"), "str"),
            (type("Table", (dict,), {}), "dict"),
            (bool, "int"),
            (list, "list"),
        ],
    )
    def test_what_travels_as_something_plain_cannot_be_registered(
        self, kind: type, base: str
    ) -> None:
        """msgpack would send it as that, and the functions would never be called."""
        with pytest.raises(ConfigurationError, match=f"travels as a plain {base} already"):
            register(kind, lambda v: v, lambda v: v)
