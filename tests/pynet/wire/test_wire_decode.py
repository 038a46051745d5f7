"""Hostile values: an error of pynet's, never another one, and never much memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.errors import DecodeError
from pynet.wire.limits import MIB
from pynet.wire.registry import register
from pynet.wire.values import ARRAY, BYTES, CLASS, MAX_NESTING, SCALAR, TIME, Decoder, Encoder


@register
@dataclasses.dataclass
class Leaf:
    left: Any
    right: tuple[Any, ...] = ()


register(Fraction, lambda f: [f.numerator, f.denominator], lambda v: Fraction(*v))


def ext(code: int, content: Any) -> bytes:
    packed: bytes = msgpack.packb(msgpack.ExtType(code, msgpack.packb(content)))
    return packed


def array(dtype: Any, shape: Any, fortran: Any = False) -> bytes:
    return ext(ARRAY, [dtype, shape, fortran])


def record(names: Any, formats: Any, offsets: Any, itemsize: Any, titles: Any = None) -> Any:
    return {
        "names": names,
        "formats": formats,
        "offsets": offsets,
        "titles": [None] * len(names) if titles is None else titles,
        "itemsize": itemsize,
    }


def body(size: int) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    return np.arange(size).astype(np.uint8) if size else None


@contextmanager
def little_memory(limit: int = MIB) -> Iterator[None]:
    """Fail when more than ``limit`` bytes are allocated at one time."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit


def nested_ext(depth: int) -> bytes:
    packed = msgpack.packb(["Leaf", [1]])
    for _ in range(depth):
        inner = msgpack.packb(msgpack.ExtType(CLASS, packed))
        packed = b"\x92\xa4Leaf\x91" + inner
    return msgpack.packb(msgpack.ExtType(CLASS, packed))


BIG = 1 << 62

HOSTILE: dict[str, tuple[bytes, int]] = {
    # torn and broken msgpack
    "nothing": (b"", 0),
    "never used byte": (b"\xc1", 0),
    "two values": (b"\xc0\xc0", 0),
    "torn list": (b"\x92\x01", 0),
    "list of 4 billion": (b"\xdd\xff\xff\xff\xff\x01", 0),
    "map of 4 billion": (b"\xdf\xff\xff\xff\xff\x01\x01", 0),
    "text of 4 GB": (b"\xdb\xff\xff\xff\xff", 0),
    "bytes of 4 GB": (b"\xc6\xff\xff\xff\xff", 0),
    "extension of 4 GB": (b"\xc9\xff\xff\xff\xff\x01", 0),
    "bad UTF-8": (b"\xa2\xc3\x28", 0),
    "bad UTF-8 for a key": (b"\x81\xa1\xff\x01", 0),
    "half a character": (b"\xa3\xed\xa0\x80", 0),
    "a list for a key": (b"\x81\x90\x01", 0),
    "a map for a key": (b"\x81\x80\x01", 0),
    "an array for a key": (b"\x81" + array("<f4", [1]) + b"\x01", 16),
    "a leaf for a key": (b"\x81" + ext(CLASS, ["Leaf", [1]]) + b"\x01", 0),
    "lists 100 000 deep": (b"\x91" * 100_000 + b"\xc0", 0),
    "lists 2000 deep": (b"\x91" * 2000 + b"\xc0", 0),
    "maps 100 000 deep": (b"\x81\x01" * 100_000 + b"\xc0", 0),
    "a thousand long lists": (b"\xdd\x00\x07\x00\x00" * 1000 + b"\xc0" * 500_000, 0),
    "a thousand long maps": (b"\xdf\x00\x03\x00\x00\x01" * 1000 + b"\xc0" * 500_000, 0),
    # arrays
    "negative shape": (array("<f4", [-1]), 16),
    "two negative shapes": (array("<f4", [-2, -2]), 16),
    "too many": (array("<f4", [5]), 16),
    "too few": (array("<f4", [3]), 32),
    "wrong product": (array("<f4", [2, 3]), 16),
    "overflow": (array("<f4", [BIG, BIG]), 16),
    "overflow to nothing": (array("<f4", [1 << 32, 1 << 32]), 16),
    "overflow times nothing": (array("<f4", [BIG, BIG, 0]), 0),
    "a terabyte": (array("<f8", [1 << 37]), 0),
    "33 dimensions": (array("<f4", [1] * 33), 16),
    "a million dimensions": (array("<f4", [1] * 1_000_000), 16),
    "shape is a number": (array("<f4", 4), 16),
    "shape is a text": (array("<f4", "4"), 16),
    "shape is nothing": (array("<f4", None), 16),
    "shape of texts": (array("<f4", ["4"]), 16),
    "shape of floats": (array("<f4", [4.0]), 16),
    "shape of truths": (array("<f4", [True]), 16),
    "no body": (array("<f4", [4]), 0),
    "body for nothing": (b"\xc0", 16),
    "note too short": (ext(ARRAY, ["<f4", [4]]), 16),
    "note is a number": (ext(ARRAY, 7), 16),
    "note is a map": (ext(ARRAY, {"a": 1}), 16),
    "note is nothing": (msgpack.packb(msgpack.ExtType(ARRAY, b"")), 16),
    # dtypes
    "objects": (array("|O", [2]), 16),
    "objects, nothing of them": (array("|O", [0]), 0),
    "objects by name": (array("object", [2]), 16),
    "longdouble": (array(np.dtype("g").str if np.dtype("g").char == "g" else "<f16", [1]), 16),
    "longdouble by name": (array("g", [1]), 16),
    "two in one": (array("f4,f4", [2]), 16),
    "objects among others": (array("f4,O", [1]), 16),
    "array in a text": (array("(2,2)f4", [1]), 16),
    "no dtype": (array("nonsense", [1]), 16),
    "empty dtype": (array("", [2]), 16),
    "very long dtype": (array("f4," * 100_000, [1]), 16),
    "huge item": (array("|V2147483647", [1]), 16),
    "huger item": (array("|V99999999999999999999", [1]), 16),
    "negative item": (array("|V-4", [1]), 16),
    "time of no unit": (array("<M8[xx]", [2]), 16),
    "dtype is a number": (array(4, [4]), 16),
    "dtype is nothing": (array(None, [2]), 16),
    "dtype is bytes": (array(b"<f4", [4]), 16),
    "dtype is empty": (array([], [4]), 16),
    # records
    "record of objects": (array(record(["a"], ["|O"], [0], 8), [2]), 16),
    "record in a record of objects": (
        array(record(["a"], [record(["b"], ["|O"], [0], 8)], [0], 8), [2]),
        16,
    ),
    "array of objects in a record": (array(record(["a"], [["|O", [2]]], [0], 16), [1]), 16),
    "objects over numbers": (array(record(["a", "b"], ["<i8", "|O"], [0, 0], 8), [2]), 16),
    "field outside": (array(record(["a"], ["<f8"], [12], 16), [1]), 16),
    "field far outside": (array(record(["a"], ["<f8"], [1 << 31], 16), [1]), 16),
    "field before": (array(record(["a"], ["<f8"], [-8], 16), [1]), 16),
    "negative itemsize": (array(record(["a"], ["<f8"], [0], -8), [1]), 16),
    "huge itemsize": (array(record(["a"], ["<f8"], [0], 1 << 40), [1]), 16),
    "more names": (array(record(["a", "b"], ["<f4"], [0], 8), [2]), 16),
    "same names": (array(record(["a", "a"], ["<f4", "<f4"], [0, 4], 8), [2]), 16),
    "names of numbers": (array(record([1], ["<f4"], [0], 4), [4]), 16),
    "names are a text": (array({**record(["a"], ["<f4"], [0], 4), "names": 7}, [4]), 16),
    "title like a name": (array(record(["a", "b"], ["<f4"] * 2, [0, 4], 8, ["b", "a"]), [2]), 16),
    "no offsets": (array({"names": ["a"], "formats": ["<f4"]}, [4]), 16),
    "old list of fields": (array([["a", "<f4"]], [4]), 16),
    "array of a negative shape": (array(["<f4", [-1]], [1]), 16),
    "array of a huge shape": (array(["<f4", [BIG]], [1]), 16),
    # the other extensions
    "unknown extension": (ext(77, []), 0),
    "negative extension": (b"\xd4\xfb\x90", 0),
    "bad timestamp": (b"\xd7\xff" + b"\xff" * 8, 0),
    "long bytes, negative": (ext(BYTES, -5), 16),
    "long bytes, too many": (ext(BYTES, 17), 16),
    "long bytes, far too many": (ext(BYTES, 1 << 63), 16),
    "long bytes, infinite": (ext(BYTES, float("inf")), 16),
    "long bytes, a text": (ext(BYTES, "x"), 16),
    "scalar too short": (ext(SCALAR, ["<f8", b"1234"]), 0),
    "scalar too long": (ext(SCALAR, ["<f8", b"123456789"]), 0),
    "scalar object": (ext(SCALAR, ["|O", b"12345678"]), 0),
    "scalar of nothing": (ext(SCALAR, ["|V0", b""]), 0),
    "scalar of no character": (ext(SCALAR, ["<U1", b"\xff\xff\xff\x7f"]), 0),
    "scalar of a number": (ext(SCALAR, ["<f8", 8]), 0),
    "unknown class": (ext(CLASS, ["os.system", ["ls"]]), 0),
    "class by a number": (ext(CLASS, [1, []]), 0),
    "class by a list": (ext(CLASS, [[], []]), 0),
    "class by a deep list": (ext(CLASS, [[], []]).replace(b"\x92\x90", b"\x92" + b"\x91" * 50), 0),
    "class by a very long name": (ext(CLASS, ["x" * 100_000, []]), 0),
    "class without content": (ext(CLASS, ["Leaf"]), 0),
    "class with too little": (ext(CLASS, ["Leaf", []]), 0),
    "class with a map": (ext(CLASS, ["Leaf", {"left": 1}]), 0),
    "class with a number": (ext(CLASS, ["Leaf", 3]), 0),
    "class that cannot be rebuilt": (ext(CLASS, ["Fraction", [1, 0]]), 0),
    "class with the wrong types": (ext(CLASS, ["Fraction", ["x", []]]), 0),
    "classes in classes": (nested_ext(MAX_NESTING), 0),
    "many classes in classes": (nested_ext(2000), 0),
    "time of no kind": (ext(TIME, ["x", "2020-01-01"]), 0),
    "time of nonsense": (ext(TIME, ["T", "yesterday"]), 0),
    "time of a number": (ext(TIME, ["T", 5]), 0),
    "time out of range": (ext(TIME, ["D", "99999-01-01"]), 0),
    "duration out of range": (ext(TIME, ["d", [10**12, 0, 0]]), 0),
    "duration of nan": (ext(TIME, ["d", [float("nan")]]), 0),
    "duration of too much": (ext(TIME, ["d", [1] * 50]), 0),
    "duration of texts": (ext(TIME, ["d", ["a", "b", "c"]]), 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refused(name: str) -> None:
    meta, size = HOSTILE[name]
    raw = body(size)
    decoder = Decoder()
    with (
        little_memory(12 * MIB if len(meta) > MIB // 2 else 4 * MIB),
        pytest.raises(DecodeError) as caught,
    ):
        decoder.decode(meta, raw)
    assert len(str(caught.value)) < 500
    assert decoder.decode(b"\x93\x01\x02\x03", None) == [1, 2, 3]  # and it can go on


@pytest.mark.parametrize("around", [b"\x91", b"\x81\xa1x", b"\x91\x91"], ids=bytes.hex)
def test_refused_inside_a_value(around: bytes) -> None:
    for name, (meta, size) in HOSTILE.items():
        with suppress(DecodeError):
            Decoder().decode(around + meta, body(size))
            pytest.fail(f"{name} was taken")


@pytest.mark.parametrize("code", ["|S0", "<U0", "|V0"])
def test_items_of_no_size_take_no_memory(code: str) -> None:
    with little_memory(), suppress(DecodeError):
        arrived = Decoder().decode(array(code, [1_000_000, 1000]), None)
        assert arrived.nbytes == 0
        assert arrived.dtype.itemsize == 0


def test_nesting_up_to_the_limit_is_fine() -> None:
    value = Decoder().decode(nested_ext(MAX_NESTING - 1), None)
    for _ in range(MAX_NESTING - 1):
        value = value.left
    assert value == Leaf(1)


def test_a_class_is_never_looked_up_by_its_name() -> None:
    for name in ("builtins.eval", "Decoder", "dict", "__class__", "tests.Leaf"):
        with pytest.raises(DecodeError, match=r"no class of that name .* pynet\.register"):
            Decoder().decode(ext(CLASS, [name, []]), None)


def test_arrays_never_share_their_memory() -> None:
    two = b"\x92" + array("<i4", [4]) * 2
    first, second = Decoder().decode(two, body(32))
    assert not np.shares_memory(first, second)
    with pytest.raises(DecodeError, match="only 0 arrived"):
        Decoder().decode(two, body(16))


# ---- fuzzing --------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(meta=st.binary(max_size=100), size=st.integers(0, 40))
def test_random_bytes(meta: bytes, size: int) -> None:
    with suppress(DecodeError):
        Decoder().decode(meta, body(size))


scraps = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(-2, 9)
    | st.floats()
    | st.sampled_from(["<f4", "|u1", "|O", "Leaf", "Fraction", "T", "d", "names", "formats"])
    | st.text(max_size=5)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["names", "formats", "offsets", "itemsize"]), inner)
        | st.tuples(st.integers(-2, 7), inner).map(
            lambda t: msgpack.ExtType(t[0] % 128, msgpack.packb(t[1]))
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(value=scraps, size=st.integers(0, 64))
def test_extensions_with_random_content(value: Any, size: int) -> None:
    with suppress(DecodeError):
        Decoder().decode(msgpack.packb(value), body(size))


SEEDS: list[Any] = [
    {"a": [1, 2.5, "text", b"bytes", None, True], "b": {"c": -(2**40)}},
    [np.arange(6, dtype="<i2").reshape(2, 3), np.ones((2, 2), order="F"), b"x" * 4100],
    np.zeros(2, [("x", "<f4"), ("in", [("y", ">i2"), ("z", "S3")]), ("s", "u1", (2,))]),
    Leaf(Leaf(np.float32(1.5), (1, 2)), (Fraction(1, 3), np.datetime64("2020-01-01"))),
    [
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        dt.date(2020, 1, 1),
        dt.time(1),
        dt.timedelta(1, 2, 3),
    ],
]


def mutated(meta: bytes, chance: random.Random) -> bytes:
    data = bytearray(meta)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                del data[at : at + chance.randint(1, 4)]
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 8)]
            case 4:
                data[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"\x7f\xff\xff\xff", b"\0\0\0\0")
                )
        if not data:
            return b""
    return bytes(data)


@pytest.mark.parametrize("seed", range(len(SEEDS)))
def test_mutated_values(seed: int) -> None:
    meta, buffers = Encoder().encode(SEEDS[seed])
    raw = np.frombuffer(b"".join(buffers), np.uint8).copy() if buffers else None
    chance = random.Random(seed)
    decoder = Decoder()
    for _ in range(2500):
        with suppress(DecodeError):
            decoder.decode(mutated(meta, chance), raw)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_values_torn_anywhere(data: st.DataObject) -> None:
    meta, buffers = Encoder().encode(data.draw(st.sampled_from(SEEDS)))
    raw = np.frombuffer(b"".join(buffers), np.uint8)
    cut = data.draw(st.integers(0, len(meta) - 1))
    with pytest.raises(DecodeError):
        Decoder().decode(meta[:cut], raw)
    if len(raw):
        with pytest.raises(DecodeError):
            Decoder().decode(meta, raw[: data.draw(st.integers(0, len(raw) - 1))])
