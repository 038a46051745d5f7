"""Digests of files, leaf by leaf: leaves are hashed by any lane in any order, and never twice."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from functools import lru_cache

import blake3
import xxhash

from pynet.errors import ConfigurationError

Buffer = bytes | bytearray | memoryview
"""What digests are made of."""

LEAF = 1024 * 1024
"""Bytes; a file is hashed in leaves of this size, the last may be shorter."""

_ROOT = "pynet files 2026 root of leaves"


def _blake3(data: Buffer) -> bytes:
    return blake3.blake3(data).digest()


def _sha256(data: Buffer) -> bytes:
    return hashlib.sha256(data).digest()


_LEAVES: dict[str, Callable[[Buffer], bytes]] = {
    "blake3": _blake3,
    "xxh3": xxhash.xxh3_128_digest,
    "sha256": _sha256,
}
_ROOTS: dict[str, Callable[[bytes], bytes]] = {
    "blake3": lambda data: blake3.blake3(data, derive_key_context=_ROOT).digest(),
    "xxh3": lambda data: xxhash.xxh3_128_digest(data, seed=1),
    "sha256": lambda data: hmac.digest(_ROOT.encode(), data, "sha256"),
}

ALGORITHMS: dict[str, int] = {"blake3": 32, "xxh3": 16, "sha256": 32}
"""Name and bytes of a digest. ``xxh3`` finds accidents only; the others withstand a forger."""


def hasher(algorithm: str) -> Callable[[Buffer], bytes]:
    """The function that gives the digest of one leaf. Any thread.

    Raises:
        ConfigurationError: there is no such algorithm.
    """
    try:
        return _LEAVES[algorithm]
    except KeyError:
        known = ", ".join(_LEAVES)
        raise ConfigurationError(f"no digest is called {algorithm!r}; there are {known}") from None


def leaf_count(size: int) -> int:
    """How many leaves a file has; an empty file has one, which is empty."""
    return max(1, -(-size // LEAF))


def leaf_size(size: int, index: int) -> int:
    """Bytes of one leaf of a file of that size."""
    return min(LEAF, size - index * LEAF)


def root_digest(algorithm: str, size: int, leaves: Sequence[bytes]) -> bytes:
    """The digest of a whole file.

    Of a file of one leaf it is the leaf's own. Else it is the digest of the size (8 bytes, little
    end first) and all leaf digests, keyed so that no leaf can have it: ``derive_key`` of BLAKE3,
    HMAC of SHA-256, seed 1 of XXH3. It is compared together with the size.
    """
    if len(leaves) != leaf_count(size):
        raise ValueError(f"{size} bytes have {leaf_count(size)} leaves, not {len(leaves)}")
    if len(leaves) == 1:
        return leaves[0]
    return _ROOTS[algorithm](size.to_bytes(8, "little") + b"".join(leaves))


@lru_cache(maxsize=64)
def zeros_digest(algorithm: str, size: int) -> bytes:
    """The digest of a leaf that lies in a hole."""
    return hasher(algorithm)(bytes(size))
