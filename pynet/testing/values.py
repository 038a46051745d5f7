"""What becomes of a value on its way."""

from __future__ import annotations

from typing import Any

import numpy as np

from pynet.wire.values import Decoder, Encoder


def travelled(value: Any) -> Any:
    """The value as the other side would receive it, in memory of its own.

    The quickest test of a class you registered::

        assert travelled(Reading(1.5)) == Reading(1.5)

    Raises:
        EncodeError: the value cannot travel.
        DecodeError: it can leave but not arrive, as when ``decode`` does not fit ``encode``.
    """
    meta, buffers = Encoder().encode(value)
    memory = b"".join(buffers)
    body = np.frombuffer(memory, np.uint8).copy() if memory else None
    return Decoder().decode(meta, body)
