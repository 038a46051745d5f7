"""Machines whose ids are in a settings file pair without a code."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pynet import AuthenticationError, Controller, Gateway, PairingError, Role, Trust
from pynet.trust import pair
from pynet.trust.pairing import Asker
from pynet.trust.store import Placed
from tests.pynet.trust.strangers import InBetween, soon, talk_to

pytestmark = pytest.mark.usefixtures("short_rest")

Machines = Callable[[str], Trust]


@pytest.fixture
def expecting(tmp_path: Path, desk: Trust) -> Iterator[Gateway]:
    """A car whose settings name the desk."""
    placed = [Placed.of("Anna", desk.identity.id.lower().replace("-", " "), "owner")]
    trust = Trust(tmp_path / "expecting", "car", placed)
    with Gateway(port=0, name="rover", trust=trust) as gateway:
        gateway.batch(lambda: "toot", name="horn")
        yield gateway


def test_an_id_in_the_settings_needs_no_code(expecting: Gateway, desk: Trust) -> None:
    peer = pair("127.0.0.1", expecting.port, None, trust=desk)
    assert (peer.name, peer.granted) == ("rover", Role.OWNER)
    with Controller(trust=desk) as controller:
        assert controller.connect(expecting.address).call("horn") == "toot"
    assert expecting.trust is not None
    (known,) = expecting.trust.peers.all()
    assert (known.name, known.role, known.placed) == ("Anna", Role.OWNER, True)


def test_another_id_needs_a_code(expecting: Gateway, trust: Machines) -> None:
    with pytest.raises(PairingError, match="your id is not in the settings"):
        pair("127.0.0.1", expecting.port, None, trust=trust("stranger"))
    with pytest.raises(PairingError, match="no pairing window is open"):
        pair("127.0.0.1", expecting.port, "12345678", trust=trust("stranger"), timeout=20)


def test_an_id_without_its_key_does_not_get_in(expecting: Gateway, desk: Trust) -> None:
    with Gateway(port=0, trust=Trust(desk.folder.parent / "thief")) as thief:
        assert thief.trust is not None
        stolen = replace(thief.trust.identity, certificate=desk.identity.certificate)
    with talk_to(expecting.port, desk) as talk:
        asker = Asker(stolen, "desk", None, talk.certificate)
        talk.send(asker.begin(), soon())
        talk.send(asker.prove(talk.receive(soon())), soon())
        with pytest.raises(PairingError, match="whose key it does not have"):
            asker.finish(talk.receive(soon()))
    assert expecting.trust is not None
    assert expecting.trust.peers.all() == []


def test_somebody_in_between_is_noticed_by_the_car_without_a_code_too(
    expecting: Gateway, desk: Trust, trust: Machines
) -> None:
    with (
        contextlib.closing(InBetween(expecting.port, trust("crook"), False)) as crook,
        pytest.raises(PairingError, match="somebody stands in between"),
    ):
        pair("127.0.0.1", crook.port, None, trust=desk)
    assert expecting.trust is not None
    assert expecting.trust.peers.all() == []


def test_who_was_revoked_needs_a_code_in_spite_of_the_settings(
    expecting: Gateway, desk: Trust
) -> None:
    pair("127.0.0.1", expecting.port, None, trust=desk)
    assert expecting.trust is not None
    (known,) = expecting.trust.peers.all()
    expecting.trust.peers.revoke(known)
    with pytest.raises(PairingError, match="was revoked here"):
        pair("127.0.0.1", expecting.port, None, trust=desk, timeout=20)
    with expecting.open_pairing() as window:
        pair("127.0.0.1", expecting.port, window.code, trust=desk, timeout=20)
    assert expecting.trust.expected(desk.identity.id) is not None


def test_who_came_by_the_settings_may_do_what_they_say_now(expecting: Gateway, desk: Trust) -> None:
    pair("127.0.0.1", expecting.port, None, trust=desk)
    assert expecting.trust is not None
    folder, owned = expecting.trust.folder, expecting.trust.identity.certificate
    certificate = desk.identity.certificate
    changed = Trust(folder, placed=[Placed.of("Anna", desk.identity.id, "viewer")])
    assert changed.admit(certificate).role is Role.VIEWER
    assert changed.admit(owned).role is Role.OWNER
    with pytest.raises(AuthenticationError, match="not in the settings"):
        Trust(folder).admit(certificate)
