"""Who may come in: identities, the peers a machine knows, and how two of them become acquainted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pynet.trust.asking import pair
    from pynet.trust.pairing import WrongCode

__all__ = ["WrongCode", "pair"]

_PLACES = {"pair": "pynet.trust.asking", "WrongCode": "pynet.trust.pairing"}


def __getattr__(name: str) -> Any:
    """What takes long to import, and is wanted once in a machine's life."""
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
