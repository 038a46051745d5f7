"""A Controller's connection to the files of a Gateway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pynet.dial import Dialler
from pynet.files.process import for_files
from pynet.remote import RemoteGateway
from pynet.stranger import FILES_WORD
from pynet.trust.store import Trust

if TYPE_CHECKING:
    from pynet.files.client import Files


def files_gateway(
    dialler: Dialler,
    on_closed: Callable[[RemoteGateway], None] = lambda _: None,
    trust: Trust | None = None,
) -> RemoteGateway:
    """Connect to the file service behind the same address, of the same peer.

    Args:
        dialler: leads to the Gateway.
        on_closed: told when the connection is closed by this side.
        trust: for who has not met that peer yet: whoever answers is to answer from now on.

    Raises:
        NotShared: that Gateway shares no files.
        Busy: its file process cannot take the connection now.
        ConnectError: nobody answers, or it knows nothing of files.
    """
    return RemoteGateway(files_dialler(dialler), on_closed, trust)


def open_files(gateway: RemoteGateway) -> Files:
    """What a Gateway shares.

    Raises:
        As :func:`files_gateway`.
    """
    from pynet.files.client import Files
    from pynet.files.way import Way

    dialler, peer = gateway.dialler, gateway.peer
    origin = gateway.address if peer is None else peer.id
    return Files(files_gateway(dialler), files_dialler(dialler), Way.of(gateway), origin)


def files_dialler(dialler: Dialler) -> Dialler:
    """The same way, to the file service."""
    return replace(dialler, word=FILES_WORD, limits=for_files(dialler.limits))
