"""The Gateway that a command line names."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator

from pynet.cli.trusting import known_by_name
from pynet.controller import Controller
from pynet.remote import RemoteGateway


@contextlib.contextmanager
def connected(options: argparse.Namespace) -> Iterator[RemoteGateway]:
    """The Gateway of ``options.host``, as long as the block runs."""
    with Controller(insecure=options.insecure) as controller:
        trust = controller.trust
        peer = None if trust is None else known_by_name(options.host, trust)
        address = options.host if peer is None else peer.address
        yield controller.connect(address, timeout=options.timeout, peer=peer)
