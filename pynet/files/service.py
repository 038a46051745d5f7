"""What a Gateway offers about its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pynet.context import caller
from pynet.files.shares import Shares
from pynet.trust.peers import Role

if TYPE_CHECKING:
    from pynet.gateway import Gateway


def register(gateway: Gateway, shares: Shares) -> None:
    """Let Controllers ask for what is shared.

    Args:
        gateway: of the file process.
        shares: the roots, which may become more.
    """

    @gateway.batch(name="files.roots", role="viewer")
    def roots() -> list[list[Any]]:
        """The roots that the caller may see: name, and whether files may be put there."""
        who = caller()
        return [[s.name, s.write] for s in shares.visible(Role.NONE if who is None else who.role)]
