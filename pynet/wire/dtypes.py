"""What an array's memory means: dtypes to plain values and back.

A plain dtype is noted as numpy's code (``"<f4"``), an array within a record as
``[note, shape]``, and a record as a map of its names, formats (notes), offsets,
titles and itemsize, so that gaps and overlaps between the fields stay as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pynet.errors import DecodeError, EncodeError

# Objects, and 80-bit floats whose layout differs between machines, stay at home.
SAFE_KINDS = frozenset("biufcmMSUV")
UNSAFE_CODES = frozenset("gG")

LONGEST_CODE = 32
MAX_NESTING = 16


def dtype_note(dtype: np.dtype[Any]) -> Any:
    """Plain values that stand for a dtype.

    Raises:
        EncodeError: memory of this kind means nothing elsewhere.
    """
    if dtype.hasobject:
        raise EncodeError(
            "an array of Python objects cannot travel (dtype object); convert it to a numeric "
            "dtype, or send a list"
        )
    if dtype.names is not None:
        fields = [dtype.fields[name] for name in dtype.names] if dtype.fields else []
        return {
            "names": list(dtype.names),
            "formats": [dtype_note(field[0]) for field in fields],
            "offsets": [field[1] for field in fields],
            "titles": [field[2] if len(field) > 2 else None for field in fields],
            "itemsize": dtype.itemsize,
        }
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return [dtype_note(base), list(shape)]
    if not _is_safe(dtype):
        raise EncodeError(
            f"an array of dtype {dtype} cannot travel: its memory layout differs between "
            "machines; convert it, for example with .astype('f8')"
        )
    return dtype.str


def read_dtype(note: Any, depth: int = 0) -> np.dtype[Any]:
    """The dtype that a note from the wire stands for; never one that holds Python objects.

    Raises:
        DecodeError: no such dtype, or an unsafe one.
        Exception: numpy raises half a dozen unrelated classes for nonsense.
    """
    if isinstance(note, str):
        # numpy understands much more than dtype_note() writes; only that is welcome.
        dtype = np.dtype(note) if len(note) <= LONGEST_CODE else None
        if dtype is None or dtype.str != note or not _is_safe(dtype):
            raise DecodeError(f"an array of the unsafe dtype {note!r:.80} arrived")
        return dtype
    if depth == MAX_NESTING:
        raise DecodeError(f"an array of records nested more than {MAX_NESTING} deep arrived")
    if isinstance(note, dict):
        return np.dtype(
            {
                "names": note["names"],
                "formats": [read_dtype(part, depth + 1) for part in note["formats"]],
                "offsets": note["offsets"],
                "titles": note["titles"],
                "itemsize": note["itemsize"],
            }
        )
    base, shape = note
    return np.dtype((read_dtype(base, depth + 1), tuple(shape)))


def _is_safe(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in SAFE_KINDS and dtype.char not in UNSAFE_CODES and not dtype.hasobject
