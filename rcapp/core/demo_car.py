"""A simulated car as a child process, behind the same gateway a real one has."""

from __future__ import annotations

from types import TracebackType
from typing import Any


class DemoCarError(Exception):
    """The simulated car did not start; str() is a sentence for a person."""


class DemoCar:
    """Starts ``pi_agent --sim`` at once and returns; poll :attr:`address` and :attr:`error`.

    Or wait with :meth:`wait_ready` on a thread that may wait.
    """

    def __init__(self, *, name: str = "Demo car") -> None:
        self.name = name

    @property
    def address(self) -> str | None:
        """``host:port`` once the car is ready, else None."""
        return None

    @property
    def error(self) -> str:
        """Why it is not running, with a remedy; empty while it starts and runs."""
        return ""

    def wait_ready(self, timeout: float = 15.0) -> str:
        """Wait for the address.

        Raises:
            DemoCarError: when the car ended, or was not ready within ``timeout`` seconds.
        """
        raise DemoCarError("skeleton")

    def report(self) -> dict[str, Any]:
        """The agent's own account of itself; empty when it has not written one yet."""
        return {}

    def kill(self) -> None:
        """SIGKILL, as a crash would."""

    def close(self) -> None:
        """Ask it to leave (neutral first), then make it; < 3 s; twice is fine."""

    def __enter__(self) -> DemoCar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
