"""Values to bytes and back: msgpack, with arrays beside it.

A value becomes a msgpack part (*meta*) and a list of raw buffers (*body*).
numpy arrays and long byte strings leave only a note in the meta part; their
memory goes into the body as it is, so that sending copies nothing. Each raw
buffer starts at a multiple of :data:`ALIGNMENT` so that arrays arrive aligned.

==== ============================================================================
ext  payload
==== ============================================================================
1    ndarray: msgpack [dtype, shape, Fortran order]; memory in the body;
     dtypes as in :mod:`pynet.wire.dtypes`
2    long bytes: msgpack length; memory in the body
3    numpy scalar: msgpack [dtype, raw bytes]
4    registered class: msgpack [name, value]
5    datetime, date, time: msgpack [letter, ISO 8601 text]; timedelta: ["d", [d, s, us]]
==== ============================================================================
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any, ClassVar

import msgpack
import numpy as np

from pynet.errors import DecodeError, EncodeError, PynetError
from pynet.wire.dtypes import dtype_note, read_dtype
from pynet.wire.frames import Body
from pynet.wire.registry import BY_NAME, BY_TYPE, Registration

ALIGNMENT = 16
LONG_BYTES = 4096
MAX_DIMENSIONS = 32
MAX_NESTING = 32
UNCHECKED = 4096
"""Bytes of msgpack that are unpacked without looking first whether they are whole."""

PACKER_BYTES = 4096
"""Memory that a packer begins with; it grows as values need."""

LIFT_WIDTH = 64
"""Members of a list or dict up to which long bytes are looked for in it."""

ARRAY, BYTES, SCALAR, CLASS, TIME = 1, 2, 3, 4, 5

Buffer = bytes | bytearray | memoryview
_PADDING = [bytes(n) for n in range(ALIGNMENT)]


class Encoder:
    """Turns values into (meta, body). Not thread-safe: one for each thread or lane."""

    def __init__(self) -> None:
        self._body: list[Buffer] = []
        self._depth = 0
        self._packers = [_packer(self._default)]

    def encode(self, value: Any) -> tuple[bytes, list[Buffer]]:
        """Pack a value.

        Raises:
            EncodeError: some part of it cannot travel; says which type and what to do.
        """
        if self._body:
            self._body = []
        self._depth = 0
        try:
            meta = self._packers[0].pack(value)
            # Only a large result can hold long bytes, so small values pay nothing for the search.
            if len(meta) >= LONG_BYTES and (lifted := _lift(value)) is not value:
                self._body = []
                meta = self._packers[0].pack(lifted)
            return meta, self._body
        except PynetError:
            raise
        except OverflowError:
            raise EncodeError(
                "an integer is outside -2**63 .. 2**64-1, msgpack's range; send it as a string"
            ) from None
        except Exception as error:  # msgpack's, numpy's, or of a class's own encode function
            raise EncodeError(f"this value cannot travel: {error}") from error

    def _pack(self, value: Any) -> bytes:
        """Pack the inside of an extension, with a packer of its own for each level."""
        if self._depth >= MAX_NESTING:
            raise EncodeError(
                f"classes are nested more than {MAX_NESTING} deep, or contain themselves"
            )
        self._depth += 1
        try:
            if self._depth == len(self._packers):
                self._packers.append(_packer(self._default))
            packed: bytes = self._packers[self._depth].pack(value)
            return packed
        finally:
            self._depth -= 1

    def _default(self, value: Any) -> msgpack.ExtType:
        entry = BY_TYPE.get(type(value))
        if entry is not None:
            return self._registered(entry, value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if type(value) is _LongBytes:
            self._append(value.value)
            return msgpack.ExtType(BYTES, msgpack.packb(len(value.value)))
        if isinstance(value, np.generic):
            return msgpack.ExtType(SCALAR, self._pack([dtype_note(value.dtype), value.tobytes()]))
        note = _time_note(value)
        if note is not None:
            return msgpack.ExtType(TIME, self._pack(note))
        if isinstance(value, int):
            raise OverflowError
        kind = type(value)
        raise EncodeError(
            f"{kind.__module__}.{kind.__qualname__} cannot travel; register it on both sides "
            f"with pynet.register({kind.__name__}, encode, decode), or send plain values"
        )

    def _registered(self, entry: Registration, value: Any) -> msgpack.ExtType:
        return msgpack.ExtType(CLASS, self._pack([entry.name, _lift(entry.encode(value))]))

    def _array(self, array: np.ndarray[Any, Any]) -> msgpack.ExtType:
        dtype = dtype_note(array.dtype)
        if type(array) is not np.ndarray:
            if isinstance(array, np.ma.MaskedArray):
                raise EncodeError("a masked array cannot travel; send its .data and its .mask")
            array = np.asarray(array)
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        memory = array.T if fortran else np.ascontiguousarray(array)
        if memory.nbytes:
            self._append(memory.reshape(-1).view(np.uint8).data)
        return msgpack.ExtType(ARRAY, self._pack([dtype, list(array.shape), fortran]))

    def _append(self, memory: Buffer) -> None:
        self._body.append(memory)
        size = memory.nbytes if isinstance(memory, memoryview) else len(memory)
        if size % ALIGNMENT:
            self._body.append(_PADDING[-size % ALIGNMENT])


def _packer(default: Callable[[Any], Any]) -> msgpack.Packer:
    """A packer that begins with little memory; msgpack's own 256 KiB are a lot for a lane."""
    try:
        return msgpack.Packer(default=default, buf_size=PACKER_BYTES)
    except TypeError:  # msgpack before 1.1 has no say in it
        return msgpack.Packer(default=default)


class _LongBytes:
    """Bytes that leave the msgpack part: a mark for the packer, which meets it in its turn."""

    __slots__ = ("value",)

    def __init__(self, value: bytes) -> None:
        self.value = value


def _lift(value: Any, depth: int = 4) -> Any:
    """The value with its long bytes marked; itself, if there are none within easy reach."""
    kind = type(value)
    if kind is bytes:
        return _LongBytes(value) if len(value) >= LONG_BYTES else value
    if depth and kind in (list, tuple, dict) and len(value) <= LIFT_WIDTH:
        old = list(value.values() if kind is dict else value)
        new = [_lift(part, depth - 1) for part in old]
        if any(a is not b for a, b in zip(old, new, strict=True)):
            return dict(zip(value, new, strict=True)) if kind is dict else new
    return value


class Decoder:
    """Turns (meta, body) into values. Not thread-safe: one for each thread or lane."""

    def __init__(self) -> None:
        self._body: Body | None = None
        self._offset = 0
        self._depth = 0

    def decode(self, meta: bytes | bytearray, body: Body | None) -> Any:
        """Unpack one value.

        Raises:
            DecodeError: torn or hostile bytes, or a class not registered here.
        """
        self._body, self._offset, self._depth = body, 0, 0
        try:
            value = unpack(meta, self._extension)
        except PynetError:
            raise
        except Exception as error:  # msgpack and numpy raise half a dozen unrelated classes
            raise DecodeError(f"a value arrived that cannot be read: {error!r:.200}") from error
        finally:
            self._body = None
        if body is not None and self._offset != body.nbytes:
            raise DecodeError(
                f"a value of {self._offset} raw bytes arrived with {body.nbytes} of them"
            )
        return value

    def _extension(self, code: int, payload: bytes) -> Any:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise DecodeError(f"a value is nested more than {MAX_NESTING} classes deep")
        try:
            reader = self._READERS.get(code)
            if reader is None:
                raise DecodeError(f"a value of the unknown extension type {code} arrived")
            return reader(self, unpack(payload, self._extension))
        finally:
            self._depth -= 1

    def _take(self, size: int) -> Body:
        start = self._offset
        body = self._body
        if size < 0 or body is None or start + size > body.nbytes:
            have = 0 if body is None else body.nbytes - start
            raise DecodeError(f"a value announces {size} bytes but only {have} arrived")
        self._offset = start + size + (-size % ALIGNMENT)
        return body[start : start + size]

    def _array(self, note: Any) -> np.ndarray[Any, Any]:
        dtype, shape, fortran = read_dtype(note[0]), note[1], note[2]
        if len(shape) > MAX_DIMENSIONS:
            raise DecodeError(f"an array of {len(shape)} dimensions arrived; numpy knows no such")
        if not all(type(n) is int and n >= 0 for n in shape):
            raise DecodeError(f"an array of the impossible shape {shape!r:.80} arrived")
        size = math.prod(shape) * dtype.itemsize
        if size == 0:
            return np.ndarray(shape, dtype, b"")  # np.empty would make S1 of S0
        flat = self._take(size).view(dtype)
        return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)

    def _bytes(self, size: Any) -> bytes:
        return self._take(int(size)).tobytes()

    def _scalar(self, note: Any) -> Any:
        dtype = read_dtype(note[0])
        if len(note[1]) != dtype.itemsize:
            raise DecodeError(f"a {dtype} scalar arrived with {len(note[1])} bytes")
        return np.frombuffer(note[1], dtype)[0]

    def _class(self, note: Any) -> Any:
        name, plain = note
        entry = BY_NAME.get(name)
        if entry is None:
            raise DecodeError(
                f"a {name!r:.80} arrived, but no class of that name is registered on this side; "
                "call pynet.register() for it here too"
            )
        try:
            return entry.decode(plain)
        except PynetError:
            raise
        except Exception as error:
            raise DecodeError(f"a {name} arrived that cannot be rebuilt: {error}") from error

    def _time(self, note: Any) -> Any:
        letter, text = note
        if letter == "d":
            return dt.timedelta(*text)
        return _TIMES[letter].fromisoformat(text)

    _READERS: ClassVar[dict[int, Callable[[Decoder, Any], Any]]] = {
        ARRAY: _array,
        BYTES: _bytes,
        SCALAR: _scalar,
        CLASS: _class,
        TIME: _time,
    }


def unpack(packed: bytes | bytearray, extension: Callable[[int, bytes], Any]) -> Any:
    """One msgpack value.

    Memory for a list is set aside when its head is read, so a thousand heads of lists
    that never come would cost gigabytes; a first pass that makes nothing finds them out.

    Raises:
        Exception: msgpack raises half a dozen unrelated classes.
    """
    if len(packed) > UNCHECKED:
        scanner = msgpack.Unpacker(None, max_buffer_size=len(packed))
        scanner.feed(packed)
        scanner.skip()
    return msgpack.unpackb(packed, ext_hook=extension, strict_map_key=False)


_TIMES: dict[str, Any] = {"T": dt.datetime, "D": dt.date, "t": dt.time}


def _time_note(value: Any) -> list[Any] | None:
    kind = type(value)
    if kind is dt.timedelta:
        return ["d", [value.days, value.seconds, value.microseconds]]
    for letter, cls in _TIMES.items():
        if kind is cls:
            return [letter, value.isoformat()]
    return None
