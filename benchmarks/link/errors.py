"""What goes wrong with links; each error is a sentence for a person."""

from __future__ import annotations


class LinkError(RuntimeError):
    """A link could not be made, or has failed."""
