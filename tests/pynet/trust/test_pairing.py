"""Pairing without a network: who knows the code becomes acquainted, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pynet.errors import ConfigurationError, PairingError
from pynet.trust.identity import Identity, load_identity
from pynet.trust.link import new_code, read_code
from pynet.trust.pairing import Asked, Asker, WrongCode, refusal
from pynet.trust.peers import Role

CODE = "31415926"


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Identity]:
    folder: Path = tmp_path_factory.mktemp("identities")
    return lambda name: load_identity(folder / name, name)


@pytest.fixture(scope="module")
def desk(identities: Callable[[str], Identity]) -> Identity:
    return identities("desk")


@pytest.fixture(scope="module")
def car(identities: Callable[[str], Identity]) -> Identity:
    return identities("car")


@pytest.fixture(scope="module")
def crook(identities: Callable[[str], Identity]) -> Identity:
    return identities("crook")


def test_who_knows_the_code_becomes_acquainted(desk: Identity, car: Identity) -> None:
    asker = Asker(desk, "my desk", "3141 5926", car.certificate)
    asked = Asked(car, "my car", CODE, Role.DRIVER)
    reply, known = asked.finish(asker.prove(asked.answer(asker.begin())))
    peer, role = asker.finish(reply)
    assert (known.name, known.role, known.certificate) == ("my desk", Role.DRIVER, desk.certificate)
    assert (peer.name, role, peer.certificate) == ("my car", Role.DRIVER, car.certificate)


def test_a_wrong_code_is_noticed_by_the_machine_that_shows_it(
    desk: Identity, car: Identity
) -> None:
    asker = Asker(desk, "desk", "31415927", car.certificate)
    asked = Asked(car, "car", CODE, Role.DRIVER)
    with pytest.raises(WrongCode, match="not the code"):
        asked.finish(asker.prove(asked.answer(asker.begin())))


def test_somebody_in_between_ends_with_another_key(
    desk: Identity, car: Identity, crook: Identity
) -> None:
    # All that is said is passed on; but TLS ends at the crook, who can show his certificate only.
    asker = Asker(desk, "desk", CODE, crook.certificate)
    asked = Asked(car, "car", CODE, Role.DRIVER)
    with pytest.raises(WrongCode):
        asked.finish(asker.prove(asked.answer(asker.begin())))


def test_a_machine_that_only_pretends_to_know_the_code_is_noticed(
    desk: Identity, crook: Identity
) -> None:
    asker = Asker(desk, "desk", CODE, crook.certificate)
    pretender = Asked(crook, "car", "00000000", Role.DRIVER)
    asker.prove(pretender.answer(asker.begin()))
    reply = {"proof": bytes(32), "signature": bytes(64), "name": "car", "role": "driver"}
    with pytest.raises(PairingError, match="does not know the code"):
        asker.finish(msgpack.packb(reply))


def test_a_certificate_without_its_key_is_noticed(
    desk: Identity, car: Identity, crook: Identity
) -> None:
    # The crook knows the code, and shows the desk's certificate, which is no secret.
    thief = Identity(crook.path, desk.certificate)
    asker = Asker(thief, "desk", CODE, car.certificate)
    asked = Asked(car, "car", CODE, Role.OWNER)
    with pytest.raises(PairingError, match="key it does not have"):
        asked.finish(asker.prove(asked.answer(asker.begin())))


def test_a_machine_does_not_pair_with_itself(car: Identity) -> None:
    asker = Asker(car, "car", CODE, car.certificate)
    with pytest.raises(PairingError, match="this machine itself"):
        Asked(car, "car", CODE, Role.OWNER).answer(asker.begin())


def test_another_version_says_so(desk: Identity, car: Identity) -> None:
    first = msgpack.unpackb(Asker(desk, "desk", CODE, car.certificate).begin())
    with pytest.raises(PairingError, match="same pynet release"):
        Asked(car, "car", CODE, Role.OWNER).answer(msgpack.packb(first | {"version": 2}))


def test_messages_have_their_turn(desk: Identity, car: Identity) -> None:
    asker, asked = Asker(desk, "desk", CODE, car.certificate), Asked(car, "car", CODE, Role.OWNER)
    first = asker.begin()
    second = asked.answer(first)
    asker.prove(second)
    for again in (lambda: asker.prove(second), lambda: asked.answer(first)):
        with pytest.raises(PairingError, match="out of turn"):
            again()


def test_what_was_said_before_is_no_proof_later(desk: Identity, car: Identity) -> None:
    asker = Asker(desk, "desk", CODE, car.certificate)
    first = Asked(car, "car", CODE, Role.DRIVER)
    begin = asker.begin()
    proof = asker.prove(first.answer(begin))
    first.finish(proof)
    second = Asked(car, "car", CODE, Role.DRIVER)
    second.answer(begin)
    with pytest.raises(WrongCode):
        second.finish(proof)


def test_a_refusal_arrives_as_what_it_is(desk: Identity, car: Identity) -> None:
    asker = Asker(desk, "desk", CODE, car.certificate)
    asker.begin()
    with pytest.raises(WrongCode, match="not the code"):
        asker.prove(refusal(WrongCode("this is not the code that is shown"), 2))
    asker = Asker(desk, "desk", CODE, car.certificate)
    asker.begin()
    with pytest.raises(PairingError, match="window is closed"):
        asker.prove(refusal(PairingError("the window is closed"), 0))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_nonsense_is_refused_by_both(garbage: bytes) -> None:
    for read in (_asked().answer, _asked().finish, _asker().prove, _asker().finish):
        with pytest.raises(PairingError):
            read(garbage)


def _asker() -> Asker:
    return Asker(_any(), "desk", CODE, _any().certificate)


def _asked() -> Asked:
    return Asked(_any(), "car", CODE, Role.VIEWER)


def _any() -> Identity:
    if not _kept:
        import tempfile

        _kept.append(load_identity(Path(tempfile.mkdtemp(prefix="pynet-pairing-"))))
    return _kept[0]


_kept: list[Identity] = []


def test_codes() -> None:
    codes = {new_code() for _ in range(50)}
    assert len(codes) == 50
    assert all(read_code(code) == code for code in codes)
    assert read_code(" 1234-5678 ") == "12345678"
    for wrong in ("", "1234567", "123456789", "1234567a", "١٢٣٤٥٦٧٨"):
        with pytest.raises(ConfigurationError, match="8 digits"):
            read_code(wrong)
