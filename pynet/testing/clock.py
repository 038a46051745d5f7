"""A clock for tests."""

from __future__ import annotations

from pynet.errors import ConfigurationError


class MockClock:
    """A clock that stands still until it is advanced. Call it for the time, in seconds.

    It takes the place of :func:`time.monotonic` in anything that is given its clock::

        clock = MockClock()
        clock.advance(0.25)
        assert clock() == 1000.25

    Args:
        start: its first time, seconds. Not 0, so that code which takes 0 for "never" shows.
    """

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start

    def __call__(self) -> float:
        """The time now, seconds."""
        return self._now

    def advance(self, seconds: float) -> float:
        """Move on.

        Args:
            seconds: how far; a monotonic clock never goes back.

        Returns:
            The time now.

        Raises:
            ConfigurationError: ``seconds`` is negative.
        """
        if not seconds >= 0:
            raise ConfigurationError(f"a monotonic clock cannot be moved by {seconds} s")
        self._now += seconds
        return self._now

    def advance_to(self, time: float) -> float:
        """Move on to a time; stay where it is if that has passed."""
        self._now = max(self._now, time)
        return self._now

    def __repr__(self) -> str:
        return f"<MockClock at {self._now:.6f} s>"
