"""Values to bytes and back: msgpack, with arrays beside it.

A value becomes a msgpack part (*meta*) and a list of raw buffers (*body*).
numpy arrays and long byte strings leave only a note in the meta part; their
memory goes into the body as it is, so that sending copies nothing. Each raw
buffer starts at a multiple of :data:`ALIGNMENT` so that arrays arrive aligned.

==== ============================================================================
ext  payload
==== ============================================================================
1    ndarray: msgpack [dtype, shape, Fortran order]; memory in the body
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
from pynet.wire.frames import Body
from pynet.wire.registry import BY_NAME, BY_TYPE, Registration

ALIGNMENT = 16
LONG_BYTES = 4096
MAX_DIMENSIONS = 32
MAX_NESTING = 32
# Objects, and 80-bit floats whose layout differs between machines, stay at home.
SAFE_KINDS = frozenset("biufcmMSUV")

ARRAY, BYTES, SCALAR, CLASS, TIME = 1, 2, 3, 4, 5

Buffer = bytes | bytearray | memoryview
_PADDING = [bytes(n) for n in range(ALIGNMENT)]


class Encoder:
    """Turns values into (meta, body). Not thread-safe: one for each thread or lane."""

    def __init__(self) -> None:
        self._body: list[Buffer] = []
        self._depth = 0
        self._packers = [msgpack.Packer(default=self._default)]

    def encode(self, value: Any) -> tuple[bytes, list[Buffer]]:
        """Pack a value.

        Raises:
            EncodeError: some part of it cannot travel; says which type and what to do.
        """
        if self._body:
            self._body = []
        self._depth = 0
        if type(value) is bytes and len(value) >= LONG_BYTES:
            value = self._long_bytes(value)
        try:
            return self._packers[0].pack(value), self._body
        except PynetError:
            raise
        except OverflowError:
            raise EncodeError(
                "an integer is outside -2**63 .. 2**64-1, msgpack's range; send it as a string"
            ) from None
        except (TypeError, ValueError, RecursionError) as error:
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
                self._packers.append(msgpack.Packer(default=self._default))
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
        if isinstance(value, np.generic):
            _check_dtype(value.dtype)
            return msgpack.ExtType(SCALAR, self._pack([_dtype_note(value.dtype), value.tobytes()]))
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
        plain = entry.encode(value)
        if type(plain) is list:
            plain = [
                self._long_bytes(part) if type(part) is bytes and len(part) >= LONG_BYTES else part
                for part in plain
            ]
        return msgpack.ExtType(CLASS, self._pack([entry.name, plain]))

    def _array(self, array: np.ndarray[Any, Any]) -> msgpack.ExtType:
        _check_dtype(array.dtype)
        fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        memory = array.T if fortran else np.ascontiguousarray(array)
        if memory.nbytes:
            self._append(memory.reshape(-1).view(np.uint8).data)
        note = [_dtype_note(array.dtype), list(array.shape), fortran]
        return msgpack.ExtType(ARRAY, self._pack(note))

    def _long_bytes(self, value: bytes) -> msgpack.ExtType:
        self._append(value)
        return msgpack.ExtType(BYTES, msgpack.packb(len(value)))

    def _append(self, memory: Buffer) -> None:
        self._body.append(memory)
        size = memory.nbytes if isinstance(memory, memoryview) else len(memory)
        if size % ALIGNMENT:
            self._body.append(_PADDING[-size % ALIGNMENT])


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
            value = self._unpack(meta)
        except PynetError:
            raise
        except Exception as error:  # msgpack raises half a dozen unrelated classes
            raise DecodeError(f"a value arrived that cannot be read: {error!r}") from error
        if body is not None and self._offset != body.nbytes:
            raise DecodeError(f"{body.nbytes - self._offset} bytes of a value belong to nothing")
        self._body = None
        return value

    def _unpack(self, packed: bytes | bytearray) -> Any:
        return msgpack.unpackb(packed, ext_hook=self._extension, strict_map_key=False)

    def _extension(self, code: int, payload: bytes) -> Any:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise DecodeError(f"a value is nested more than {MAX_NESTING} classes deep")
        try:
            reader = self._READERS.get(code)
            if reader is None:
                raise DecodeError(f"a value of the unknown extension type {code} arrived")
            return reader(self, self._unpack(payload))
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
        dtype, shape, fortran = _read_dtype(note[0]), note[1], note[2]
        if len(shape) > MAX_DIMENSIONS or not all(type(n) is int and n >= 0 for n in shape):
            raise DecodeError(f"an array of the impossible shape {shape!r:.80} arrived")
        size = math.prod(shape) * dtype.itemsize
        if size == 0:
            return np.zeros(shape, dtype)
        flat = self._take(size).view(dtype)
        return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)

    def _bytes(self, size: Any) -> bytes:
        return self._take(int(size)).tobytes()

    def _scalar(self, note: Any) -> Any:
        dtype = _read_dtype(note[0])
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


_TIMES: dict[str, Any] = {"T": dt.datetime, "D": dt.date, "t": dt.time}


def _time_note(value: Any) -> list[Any] | None:
    kind = type(value)
    if kind is dt.timedelta:
        return ["d", [value.days, value.seconds, value.microseconds]]
    for letter, cls in _TIMES.items():
        if kind is cls:
            return [letter, value.isoformat()]
    return None


def _dtype_note(dtype: np.dtype[Any]) -> Any:
    """``'<f4'`` for a plain dtype; the list of fields for a record."""
    return dtype.str if dtype.names is None else [list(field) for field in dtype.descr]


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise EncodeError(
            "an array of Python objects cannot travel (dtype object); convert it to a numeric "
            "dtype, or send a list"
        )
    if dtype.names is not None:
        for name in dtype.names:
            _check_dtype(dtype[name])
    elif dtype.subdtype is not None:
        _check_dtype(dtype.subdtype[0])
    elif dtype.kind not in SAFE_KINDS or dtype.char in "gG":
        raise EncodeError(
            f"an array of dtype {dtype} cannot travel: its memory layout differs between "
            "machines; convert it, for example with .astype('f8')"
        )


def _read_dtype(note: Any) -> np.dtype[Any]:
    """A dtype from the wire; never one that holds Python objects."""
    if isinstance(note, list):
        dtype = np.dtype(
            [tuple(tuple(p) if isinstance(p, list) else p for p in field) for field in note]
        )
    else:
        dtype = np.dtype(str(note))
    if dtype.hasobject or (dtype.names is None and dtype.kind not in SAFE_KINDS):
        raise DecodeError(f"an array of the unsafe dtype {note!r:.80} arrived")
    return dtype
