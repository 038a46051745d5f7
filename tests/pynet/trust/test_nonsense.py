"""Whatever bytes come from outside: one family of errors, and nothing is kept."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pynet import ConfigurationError, PairingError
from pynet.trust.identity import FROM, UNTIL, Identity, check_certificate, load_identity
from pynet.trust.identity import read_device_id as read_id
from pynet.trust.link import Link, read_code
from pynet.trust.pairing import Asked, Asker
from pynet.trust.peers import Peers, Role
from pynet.trust.store import Placed

CODE = "27182818"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.binary()
    | st.text() | st.sampled_from(["WrongCode", "driver", "", b"", 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
FIELDS = st.sampled_from(
    ["version", "name", "certificate", "share", "nonce", "proof", "signature", "role", "error",
     "message", "left"]
)  # fmt: skip


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Identity, Identity]:
    folder = tmp_path_factory.mktemp("machines")
    return load_identity(folder / "desk"), load_identity(folder / "car")


@settings(max_examples=300, deadline=None)
@given(
    step=st.integers(0, 3),
    by_code=st.booleans(),
    changes=st.dictionaries(FIELDS, VALUES, max_size=3),
    dropped=st.sets(FIELDS, max_size=1),
    cut=st.tuples(st.integers(0, 300), st.binary(max_size=4)) | st.none(),
)
def test_a_talk_in_which_one_message_is_changed_gets_nobody_in(
    machines: tuple[Identity, Identity],
    step: int,
    by_code: bool,
    changes: dict[str, Any],
    dropped: set[str],
    cut: tuple[int, bytes] | None,
) -> None:
    desk, car = machines

    def meddle(number: int, message: bytes) -> bytes:
        if number != step:
            return message
        fields = {name: v for name, v in msgpack.unpackb(message).items() if name not in dropped}
        changed: bytes = msgpack.packb(fields | changes)
        if cut is not None:
            place, inserted = cut
            changed = changed[:place] + inserted + changed[place + len(inserted) :]
        return changed

    code = CODE if by_code else None
    placed = Placed("desk", desk.id, Role.DRIVER)
    asker = Asker(desk, "desk", code, car.certificate)
    asked = Asked(car, "car", code, Role.DRIVER, lambda who: placed if who == desk.id else None)
    with contextlib.suppress(PairingError):
        first = meddle(0, asker.begin())
        third = meddle(2, asker.prove(meddle(1, asked.answer(first))))
        last, known = asked.finish(third)
        # It came so far with what the two have really said, or with a name that is not signed yet.
        assert known.certificate == desk.certificate
        peer, _ = asker.finish(meddle(3, last))
        assert peer.certificate == car.certificate


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_a_link_a_code_an_id_or_a_configuration_error(text: str) -> None:
    readers: tuple[Callable[[str], object], ...] = (
        Link.read,
        read_code,
        read_id,
        lambda text: Link.read(f"pynet://{text}"),
        lambda text: Link.read(f"pynet://car.local:1857?{text}"),
        lambda text: Placed.of(text, text, text),
    )
    for read in readers:
        with contextlib.suppress(ConfigurationError):
            read(text)


@settings(max_examples=200, deadline=None)
@given(place=st.integers(0, 260), inserted=st.binary(min_size=1, max_size=8), more=st.booleans())
@example(place=168, inserted=b"\0", more=False)  # in the second name of its algorithm
def test_a_certificate_that_was_changed_is_none(
    machines: tuple[Identity, Identity], place: int, inserted: bytes, more: bool
) -> None:
    good = machines[0].certificate
    changed = good[:place] + inserted + good[place + (0 if more else len(inserted)) :]
    if changed == good:
        check_certificate(changed)
    else:
        with pytest.raises(ConfigurationError):
            check_certificate(changed)


def certificate(key: Any, signer: Any, algorithm: Any) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crook")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(FROM)
        .not_valid_after(UNTIL)
        .sign(signer, algorithm)
    )
    return made.public_bytes(serialization.Encoding.DER)


def test_certificates_of_other_kinds_are_refused() -> None:
    one, other = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate()
    curve = ec.generate_private_key(ec.SECP256R1())
    check_certificate(certificate(one, one, None))
    for wrong in (
        certificate(one, other, None),
        certificate(one, curve, hashes.SHA256()),
        certificate(curve, curve, hashes.SHA256()),
        certificate(one, one, None) * 2,
        b"",
    ):
        with pytest.raises(ConfigurationError, match="no certificate of a pynet machine"):
            check_certificate(wrong)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=100)
    | st.builds(lambda v: json.dumps({"peers": v}).encode(), st.lists(st.dictionaries(
        st.sampled_from(["name", "role", "since", "certificate"]), st.text() | st.integers()
    )))
)  # fmt: skip
def test_any_file_is_a_list_of_peers_or_a_configuration_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path: Path = tmp_path_factory.mktemp("peers") / "peers.json"
    path.write_bytes(content)
    with contextlib.suppress(ConfigurationError):
        assert Peers(path).all() == []
