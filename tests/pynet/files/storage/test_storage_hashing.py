from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynet.errors import ConfigurationError
from pynet.files.hashing import (
    ALGORITHMS,
    LEAF,
    hasher,
    leaf_count,
    leaf_size,
    root_digest,
    zeros_digest,
)


def test_a_leaf_of_sha256_is_what_others_say() -> None:
    assert hasher("sha256")(b"abc") == hashlib.sha256(b"abc").digest()


def test_an_unknown_digest_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="blake3"):
        hasher("md5")


@pytest.mark.parametrize(("algorithm", "size"), ALGORITHMS.items())
def test_roots_have_the_size_of_the_digest(algorithm: str, size: int) -> None:
    leaves = [hasher(algorithm)(b"a"), hasher(algorithm)(b"b")]
    assert len(root_digest(algorithm, LEAF + 1, leaves)) == len(leaves[0]) == size
    assert root_digest(algorithm, 1, leaves[:1]) == leaves[0]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_no_file_of_one_leaf_has_the_root_of_a_larger_one(algorithm: str) -> None:
    leaves = [hasher(algorithm)(b"a"), hasher(algorithm)(b"b")]
    size = LEAF + 1
    pretender = size.to_bytes(8, "little") + b"".join(leaves)
    assert hasher(algorithm)(pretender) != root_digest(algorithm, size, leaves)


@given(
    st.sampled_from(sorted(ALGORITHMS)),
    st.lists(st.binary(max_size=3), min_size=2, max_size=5),
    st.data(),
)
def test_the_root_depends_on_every_leaf_their_order_and_the_size(
    algorithm: str, contents: list[bytes], data: st.DataObject
) -> None:
    size = (len(contents) - 1) * LEAF + 7
    leaves = list(map(hasher(algorithm), contents))
    root = root_digest(algorithm, size, leaves)
    assert root_digest(algorithm, size + 1, leaves) != root
    other = data.draw(st.permutations(leaves))
    assert (root_digest(algorithm, size, other) == root) == (other == leaves)
    at = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:at], hasher(algorithm)(b"four"), *leaves[at + 1 :]]
    assert root_digest(algorithm, size, changed) != root


def test_a_root_of_too_few_leaves_is_no_root() -> None:
    with pytest.raises(ValueError, match="2 leaves"):
        root_digest("xxh3", LEAF + 1, [b"x"])


@pytest.mark.parametrize(
    ("size", "leaves", "last"), [(0, 1, 0), (1, 1, 1), (LEAF, 1, LEAF), (LEAF + 1, 2, 1)]
)
def test_leaves_of_a_file(size: int, leaves: int, last: int) -> None:
    assert leaf_count(size) == leaves
    assert leaf_size(size, leaves - 1) == last


def test_a_hole_has_the_digest_of_zeros() -> None:
    assert zeros_digest("blake3", 5) == hasher("blake3")(bytes(5))
