"""Plans on their way: of very many files too, and from the hands of a stranger."""

from __future__ import annotations

import msgpack
import pytest

from pynet.backup.plan import plan
from pynet.backup.policy import Policy
from pynet.backup.sheet import (
    FILES,
    ROWS,
    pack_files,
    pack_head,
    pack_skips,
    pack_steps,
    unpack,
    unpack_files,
)
from pynet.errors import RemoteProtocolError
from pynet.wire.limits import Limits
from pynet.wire.values import Encoder
from tests.pynet.backup.made import MIB, NOW, disk, file

POLICY = Policy(groups=("tub*", "all"), protect=("kept*",))


def test_a_plan_of_very_many_files_travels_in_messages_that_are_taken() -> None:
    groups = [
        file(f"tub{group}/{image}_cam_image_array_.jpg", 90_000 - group, 1000)
        for group in range(200)
        for image in range(150)
    ]
    one = [file(f"all/{image}_cam_image_array_.jpg", 5000, 1000) for image in range(90_000)]
    kept = [file(f"kept{number}", 5000, 10) for number in range(ROWS + 1)]
    made = plan(POLICY, disk(0.9, 1000 * MIB), [*groups, *one, *kept], NOW)
    parts = [{"head": pack_head(made)}, *pack_steps(made), *pack_skips(made)]
    encoder, limits = Encoder(), Limits()
    for part in parts:
        meta, body = encoder.encode(part)
        assert len(meta) < limits.meta / 10
        assert sum(map(len, body)) < limits.body / 10
    assert len(parts) >= 30_000 // FILES + 3
    assert unpack(POLICY, parts) == made


def test_what_makes_no_sense_is_refused() -> None:
    good = pack_files([file("a")])
    assert unpack_files(good) == [file("a")]
    row = msgpack.unpackb(good)[0]
    for bad in (b"", b"\xc1", good[:-1], good + b"\0", msgpack.packb(7), msgpack.packb([7]),
                msgpack.packb([row[:-1]]), msgpack.packb([["a", *row[1:]]]),
                msgpack.packb([[*row[:2], "1", *row[3:]]]), b"\x91" * 3000):  # fmt: skip
        with pytest.raises(RemoteProtocolError, match="make no sense"):
            unpack_files(bad)
    for part in ({}, {"steps": [[]], "files": good}, {"steps": []}, {"skipped": [[1]]}):
        with pytest.raises(RemoteProtocolError, match="makes no sense"):
            unpack(POLICY, [part])
