"""What a transfer that is over says to who wants something of it."""

from __future__ import annotations

from typing import Any

import pytest

from pynet.errors import Closed, NoSpace
from pynet.files.transfer import Transfer


class Still:
    """Does nothing of what it is told."""

    def pause(self, paused: bool) -> None: ...

    def cancel(self) -> None: ...

    def pace(self, rate: float) -> None: ...


def test_who_pauses_too_late_learns_why_it_is_over() -> None:
    transfer: Transfer[Any] = Transfer("logs/large")
    transfer.begin(Still())
    transfer.pause()
    transfer.end(None, NoSpace("the disk of /films is full"))
    with pytest.raises(Closed, match=r"^the transfer of logs/large is over: the disk of /films is"):
        transfer.pause()
    with pytest.raises(NoSpace):
        transfer.wait()


def test_one_that_is_done_says_only_that() -> None:
    transfer: Transfer[str] = Transfer("logs/large")
    transfer.begin(Still())
    transfer.end("a report", None)
    with pytest.raises(Closed, match=r"is over$"):
        transfer.resume()
    assert transfer.wait() == "a report"
