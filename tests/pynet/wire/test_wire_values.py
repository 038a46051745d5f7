"""What travels arrives as it was, and arrays are not copied on the way."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import string
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pynet.testing import MemoryLink, travelled
from pynet.wire.frames import Kind
from pynet.wire.registry import register
from pynet.wire.states import Side
from pynet.wire.values import ALIGNMENT, LONG_BYTES, Decoder, Encoder

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=5) | st.integers(-9, 9), inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=100, deadline=None)
@given(value=plain)
def test_plain_values(value: Any) -> None:
    assert travelled(value) == value


def test_nan_and_infinities() -> None:
    arrived = travelled([math.nan, math.inf, -math.inf, -0.0])
    assert math.isnan(arrived[0])
    assert arrived[1:] == [math.inf, -math.inf, -0.0]
    assert math.copysign(1, arrived[3]) == -1


def test_tuples_arrive_as_lists_and_bytearrays_as_bytes() -> None:
    assert travelled((1, (2, 3))) == [1, [2, 3]]
    assert travelled(bytearray(b"abc")) == b"abc"
    assert travelled([memoryview(b"abc")]) == [b"abc"]


@pytest.mark.parametrize("size", [0, 1, LONG_BYTES - 1, LONG_BYTES, LONG_BYTES + 1, 100_000])
def test_bytes_of_any_length(size: int) -> None:
    value = bytes(i % 251 for i in range(size))
    assert travelled(value) == value
    assert travelled([value, {"x": value}]) == [value, {"x": value}]


# ---- arrays -------------------------------------------------------------------------------

DTYPES = [
    *("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"),
    *("M8[us]", "M8[D]", "m8[ns]", "S1", "S7", "U1", "U5", "V3", "V16"),
]
SHAPES = [(), (0,), (1,), (7,), (0, 3), (3, 0), (2, 3), (1, 1, 1), (2, 3, 4), (1, 0, 5), (2,) * 8]


def filled(dtype: Any, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array with something different in each byte, as far as the dtype allows."""
    dtype = np.dtype(dtype)
    count = math.prod(shape)
    if dtype.kind == "U":
        words = [string.ascii_letters[i % 52 :][: dtype.itemsize // 4] for i in range(count)]
        return np.array(words, dtype).reshape(shape)
    if dtype.kind in "bfc":
        return (np.arange(count) % 13 - 4).astype(dtype).reshape(shape)
    raw = bytes((i * 7 + 1) % 127 for i in range(count * dtype.itemsize))
    return np.frombuffer(raw, dtype, count).reshape(shape) if count else np.zeros(shape, dtype)


def assert_same(arrived: Any, sent: np.ndarray[Any, Any]) -> None:
    assert type(arrived) is np.ndarray
    assert arrived.dtype == sent.dtype
    assert arrived.shape == sent.shape
    assert arrived.tobytes() == sent.tobytes()
    assert arrived.size == 0 or arrived.flags.writeable


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", DTYPES)
def test_arrays_of_every_dtype_shape_and_byte_order(name: str, order: str) -> None:
    for shape in SHAPES:
        array = filled(np.dtype(name).newbyteorder(order), shape)
        assert_same(travelled(array), array)
        if shape:  # numpy makes one dimension of none
            assert_same(travelled(np.asfortranarray(array)), array)


def test_the_memory_order_is_kept() -> None:
    array = np.asfortranarray(filled("f4", (3, 4, 5)))
    arrived = travelled(array)
    assert arrived.flags.f_contiguous
    assert_same(arrived, array)


BASE = filled("i4", (6, 8, 4))
VIEWS = {
    "every second": BASE[::2],
    "backwards": BASE[::-1, ::-3],
    "inner": BASE[1:3, 2:5, 1],
    "transposed": BASE.transpose(1, 0, 2),
    "one element": BASE[2:3, 3:4, 1:2],
    "repeated": np.broadcast_to(BASE[0], (3, 8, 4)),
    "empty": BASE[3:3],
    "read-only": np.frombuffer(b"12345678", "i4"),
    "unaligned": np.frombuffer(b"x" + bytes(16), np.uint8)[1:].view("f8"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views(name: str) -> None:
    assert_same(travelled(VIEWS[name]), VIEWS[name])


def test_several_arrays_and_long_bytes_in_one_value() -> None:
    value = {"a": filled("u1", (5,)), "b": [filled("f8", (2, 2)), b"x" * 5001], "c": {"d": BASE}}
    arrived = travelled(value)
    assert_same(arrived["a"], value["a"])
    assert_same(arrived["b"][0], value["b"][0])
    assert arrived["b"][1] == value["b"][1]
    assert_same(arrived["c"]["d"], BASE)
    assert arrived["b"][0].ctypes.data % ALIGNMENT == 0


RECORDS = {
    "flat": np.dtype([("x", "<f4"), ("n", ">i2"), ("name", "S4")]),
    "nested": np.dtype([("at", [("x", "f4"), ("y", "f4")]), ("when", "M8[us]")]),
    "with arrays": np.dtype([("pos", "f8", (3,)), ("grid", "u1", (2, 2))]),
    "arrays of records": np.dtype([("legs", [("a", "i4"), ("b", "u1")], (2, 3))]),
    "aligned": np.dtype([("flag", "?"), ("value", "f8"), ("tail", "u1")], align=True),
    "overlapping": np.dtype({"names": ["all", "low"], "formats": ["u4", "u2"], "offsets": [0, 0]}),
    "backwards": np.dtype({"names": ["b", "a"], "formats": ["u1", "u4"], "offsets": [4, 0]}),
    "with a gap": np.dtype({"names": ["a"], "formats": ["u2"], "offsets": [6], "itemsize": 16}),
    "aligned inside": np.dtype(
        [("in", np.dtype([("a", "u1"), ("b", "u8")], align=True)), ("c", "u1")]
    ),
    "strange names": np.dtype([("f1", "u1"), ("ü ß", "u1"), ("f0", "u1")]),
}


@pytest.mark.parametrize("name", RECORDS)
def test_records(name: str) -> None:
    dtype = RECORDS[name]
    array = np.frombuffer(bytes(range(dtype.itemsize)) * 3, dtype)
    arrived = travelled(array)
    assert_same(arrived, array)
    assert arrived.dtype.fields == dtype.fields
    one = travelled(array[1])
    assert isinstance(one, np.void)
    assert one.dtype == dtype
    assert one.tobytes() == array[1].tobytes()


def test_records_without_fields() -> None:
    array = np.zeros(3, np.dtype([]))
    assert travelled(array).shape == (3,)
    assert travelled(array).dtype == array.dtype


def test_subclasses_of_arrays_arrive_as_arrays() -> None:
    matrix = np.arange(12.0).reshape(3, 4).view(np.matrix)
    for order in ("C", "F"):
        sent = np.asarray(matrix, order=order).view(np.matrix)
        assert_same(travelled(sent), np.asarray(matrix))
    _, body = Encoder().encode(np.asfortranarray(matrix).view(np.matrix))
    assert [memoryview(part).ndim for part in body] == [1]
    records = np.array([(1, 2.0)], "i4,f8").view(np.recarray)
    assert_same(travelled(records), np.asarray(records).view(records.dtype.descr))


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_arrays_of_any_dtype_and_shape(data: st.DataObject) -> None:
    from hypothesis.extra import numpy as hnp

    dtypes = hnp.scalar_dtypes().filter(lambda d: d.char not in "gG" and d.itemsize)
    dtypes |= hnp.array_dtypes(dtypes, max_size=4)
    shapes = hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
    array = data.draw(hnp.arrays(data.draw(dtypes), shapes))
    assert_same(travelled(array), array)


@pytest.mark.parametrize("name", [n for n in DTYPES if n[0] not in "SU"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_numpy_scalars(name: str, order: str) -> None:
    scalar = filled(np.dtype(name).newbyteorder(order), (5,))[4]
    arrived = travelled([scalar])[0]
    assert arrived == scalar
    if not isinstance(scalar, float):  # numpy's own 64-bit float is a Python float too
        assert type(arrived) is type(scalar)
        assert arrived.dtype == scalar.dtype


def test_numpy_texts_arrive_as_texts() -> None:
    assert travelled([np.str_("ü"), np.bytes_(b"x")]) == ["ü", b"x"]


# ---- no copies ------------------------------------------------------------------------------


def address(memory: Any) -> int:
    return int(np.frombuffer(memory, np.uint8).ctypes.data)


@pytest.mark.parametrize("order", ["C", "F"])
def test_encoding_does_not_copy_arrays(order: Any) -> None:
    array = np.ones((300, 200), order=order)
    _, body = Encoder().encode({"picture": array})
    assert np.shares_memory(np.frombuffer(body[0], np.uint8), array)
    assert memoryview(body[0]).nbytes == array.nbytes


def test_encoding_does_not_copy_long_bytes() -> None:
    value = b"x" * 100_000
    _, body = Encoder().encode(value)
    assert body[0] is value
    _, body = Encoder().encode(Picture(1.0, value))
    assert body[0] is value


def test_decoding_does_not_copy_arrays() -> None:
    meta, buffers = Encoder().encode([np.ones(100), np.arange(7), np.ones((3, 4), order="F")])
    body = np.frombuffer(b"".join(buffers), np.uint8).copy()
    for array in Decoder().decode(meta, body):
        assert np.shares_memory(array, body)


def test_an_array_crosses_a_lane_with_one_copy() -> None:
    """From the sender's memory into the wire, from the wire into the frame; no more."""
    link = MemoryLink()
    link.greet()
    link.send(Side.CONTROLLER, Kind.CALL, np.arange(100_000))
    (frame,) = link.settle().gateway
    assert np.shares_memory(link.value(frame), frame.body)


def test_a_decoder_lets_go_of_what_it_read() -> None:
    meta, buffers = Encoder().encode(b"x" * LONG_BYTES)
    decoder = Decoder()
    body = np.frombuffer(buffers[0], np.uint8).copy()
    decoder.decode(meta, body)
    assert decoder._body is None
    with pytest.raises(ValueError, match="arrived"):
        decoder.decode(meta, body[:-1].copy())
    assert decoder._body is None


# ---- times ----------------------------------------------------------------------------------

ZONES = (
    st.none()
    | st.sampled_from([dt.UTC])
    | st.integers(-86_000, 86_000).map(lambda s: dt.timezone(dt.timedelta(seconds=s)))
)


@settings(max_examples=100, deadline=None)
@given(
    value=st.datetimes(timezones=ZONES) | st.dates() | st.times(timezones=ZONES) | st.timedeltas()
)
@example(dt.timedelta.min)
@example(dt.timedelta(microseconds=-1))
@example(dt.datetime.min)
def test_times(value: Any) -> None:
    arrived = travelled([value])[0]
    assert arrived == value
    assert type(arrived) is type(value)
    if isinstance(value, dt.datetime):
        assert arrived.utcoffset() == value.utcoffset()


# ---- classes --------------------------------------------------------------------------------


@register
@dataclasses.dataclass
class Picture:
    time: float
    jpeg: bytes


@register
@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    x: float
    y: float = 0.0


@register
@dataclasses.dataclass
class Scan:
    at: Point
    ranges: np.ndarray[Any, Any]
    path: tuple[Point, ...] = ()
    pair: tuple[int, str] | None = None
    bare: tuple = ()  # type: ignore[type-arg]
    names: list[str] = dataclasses.field(default_factory=list)
    note: dict[str, Any] = dataclasses.field(default_factory=dict)
    count: int = dataclasses.field(default=0, init=False)


register(Fraction, lambda f: [f.numerator, f.denominator], lambda v: Fraction(*v))


def test_dataclasses_nested_with_arrays() -> None:
    sent = Scan(
        Point(1, 2),
        filled("f4", (3, 4)),
        (Point(0), Point(1)),
        (1, "x"),
        (2, [3]),
        ["n"],
        {"inner": Scan(Point(3), np.zeros(0)), "jpeg": Picture(0.5, b"y" * 9000)},
    )
    arrived = travelled([sent])[0]
    assert type(arrived) is Scan
    assert_same(arrived.ranges, sent.ranges)
    assert arrived.at == sent.at
    assert arrived.path == sent.path
    assert arrived.pair == (1, "x")
    assert arrived.bare == (2, [3])
    assert arrived.names == ["n"]
    assert arrived.note["inner"].at == Point(3)
    assert arrived.note["jpeg"] == sent.note["jpeg"]


def test_an_absent_tuple_stays_absent() -> None:
    assert travelled(Scan(Point(1), np.zeros(1))).pair is None


@settings(max_examples=50, deadline=None)
@given(x=st.floats(allow_nan=False), f=st.fractions(-(10**9), 10**9, max_denominator=10**9))
def test_registered_classes(x: float, f: Fraction) -> None:
    value = [Point(x, -x), f, {"p": Point(x)}]
    assert travelled(value) == value


def test_dataclasses_made_inside_a_function() -> None:
    """Their annotations name what nobody outside the function can look up."""

    @dataclasses.dataclass
    class Inner:
        values: tuple[int, ...]

    @dataclasses.dataclass
    class Outer:
        inner: Inner
        several: tuple[Inner, ...]
        maybe: tuple[int, ...] | None = None

    register(Inner)
    register(Outer)
    value = Outer(Inner((1, 2)), (Inner((3,)),), (4,))
    assert travelled(value) == value


def test_a_newer_side_may_append_fields_with_defaults() -> None:
    @dataclasses.dataclass
    class Reading:
        metres: float
        error: float = 0.5

    register(Reading, name="TestReading")
    longer, _ = Encoder().encode(Reading(1.0, 2.0))
    register(Reading, lambda r: [r.metres, r.error, "new field"], Reading, name="TestReading")
    newer, _ = Encoder().encode(Reading(1.0, 2.0))
    register(Reading, lambda r: [r.metres], Reading, name="TestReading")
    older, _ = Encoder().encode(Reading(1.0, 2.0))
    register(Reading, name="TestReading")
    assert Decoder().decode(longer, None) == Reading(1.0, 2.0)
    assert Decoder().decode(newer, None) == Reading(1.0, 2.0)
    assert Decoder().decode(older, None) == Reading(1.0, 0.5)


def test_one_encoder_and_decoder_serve_many_values() -> None:
    encoder, decoder = Encoder(), Decoder()
    for value in ([1], b"x" * 5000, Point(1), [Point(2), b"y" * 5000], None):
        meta, buffers = encoder.encode(value)
        body = np.frombuffer(b"".join(buffers), np.uint8).copy() if buffers else None
        assert decoder.decode(meta, body) == value


def test_long_bytes_anywhere_keep_their_place_among_arrays() -> None:
    @dataclasses.dataclass
    class Mixed:
        first: np.ndarray
        second: bytes
        third: np.ndarray

    register(Mixed, name="MixedBytesAndArrays")
    value = [
        np.arange(5),
        b"a" * 5000,
        {"x": b"b" * 6001, "y": np.ones(3), "z": [b"c" * 7000]},
        Mixed(np.arange(3), b"d" * 4097, np.zeros(2)),
    ]
    meta, body = Encoder().encode(value)
    assert len(meta) < 1000
    back = Decoder().decode(meta, np.frombuffer(b"".join(body), np.uint8))
    assert back[1] == value[1]
    assert back[2]["x"] == value[2]["x"]
    assert back[2]["z"] == value[2]["z"]
    assert np.array_equal(back[0], value[0])
    assert np.array_equal(back[2]["y"], value[2]["y"])
    assert back[3].second == value[3].second
    assert np.array_equal(back[3].first, [0, 1, 2])
    assert np.array_equal(back[3].third, [0, 0])
