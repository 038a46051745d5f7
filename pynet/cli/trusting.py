"""``pynet id`` and ``pynet peers``: who this machine is, and whom it knows."""

from __future__ import annotations

import argparse
import datetime as dt
import sys

from pynet.cli.signs import qr
from pynet.cli.text import aligned, print_json, print_table, printable
from pynet.trust.peers import Peer, Role
from pynet.trust.store import Trust


def show_id(options: argparse.Namespace) -> None:
    """Print the device id, which is made on first start, and where it is kept."""
    trust = Trust()
    fields = {"id": trust.identity.id, "folder": str(trust.folder)}
    if options.json:
        print_json(fields)
        return
    print("\n".join(aligned(fields)))
    if options.qr:
        print(qr(trust.identity.id))


def list_peers(options: argparse.Namespace) -> None:
    """Print whom this machine knows."""
    peers = Trust().peers.all()
    if options.json:
        print_json([_plain(peer) for peer in peers])
    elif peers:
        print_table(
            ("NAME", "MAY HERE", "WE MAY THERE", "SINCE", "ADDRESS", "ID"), [_row(p) for p in peers]
        )
    else:
        sys.stderr.write("pynet: no other machine is known here yet; pynet pair makes one known\n")


def _row(peer: Peer) -> tuple[str, ...]:
    since = dt.datetime.fromtimestamp(peer.since).strftime("%Y-%m-%d %H:%M")
    role = f"{peer.role.word}, by settings" if peer.placed else peer.role.word
    there = peer.granted.word if peer.address else "-"
    return peer.name, role, there, since, peer.address or "-", peer.id


def _plain(peer: Peer) -> dict[str, object]:
    return {
        "name": peer.name,
        "id": peer.id,
        "role": peer.role.word,
        "granted": peer.granted.word,
        "since": peer.since,
        "address": peer.address,
        "placed": peer.placed,
    }


def rename(options: argparse.Namespace) -> None:
    """Call a peer otherwise."""
    peers = Trust().peers
    before = peers.find(options.peer)
    after = peers.rename(before, options.name)
    print(printable(f"{before.name} is called {after.name} now"))


def set_role(options: argparse.Namespace) -> None:
    """Let a peer do more or less here."""
    peers = Trust().peers
    peer = peers.set_role(peers.find(options.peer), Role.of(options.role, none=True))
    note = "; its id in a settings file decides as long as it is there" if peer.placed else ""
    print(printable(f"{peer.name} is {peer.role.word} here now{note}"))


def revoke(options: argparse.Namespace) -> None:
    """Know a peer no longer."""
    peers = Trust().peers
    peer = peers.find(options.peer)
    peers.revoke(peer)
    print(printable(f"{peer.name} is not known here any more; what it had open ends at once"))


def known_by_name(host: str, trust: Trust) -> Peer | None:
    """The one machine of this name that was paired by this one, if there is one."""
    found = [peer for peer in trust.peers.all() if peer.name == host and peer.address]
    return found[0] if len(found) == 1 else None
