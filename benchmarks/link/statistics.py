"""What a link did to the packets it was given."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WayStatistics:
    """One direction, since the start of the link's clock.

    Attributes:
        sent: packets that one end gave to the link.
        sent_bytes: their bytes, with IP headers.
        passed: packets that the other end got.
        passed_bytes: their bytes.
        under_way: packets in the queue or in the air.
        lost: packets lost, by cause: "queue" (it was full), "outage", "random", "burst", and
            "device" (the other end would not take it).
        queue_max_ms: the longest that a packet waited for the air.
        late_us: how much later than computed packets were handed over, in us: "p50", "p90",
            "p99" and "max". More than a fraction of a ms says that this machine is too busy.
    """

    sent: int
    sent_bytes: int
    passed: int
    passed_bytes: int
    under_way: int
    lost: dict[str, int]
    queue_max_ms: float
    late_us: dict[str, float]

    @property
    def total_lost(self) -> int:
        """Packets lost, for whatever cause."""
        return sum(self.lost.values())

    @property
    def air_loss(self) -> float:
        """% of the packets on the air that chance took, by itself or in bursts."""
        on_air = self.sent - self.lost["queue"] - self.lost["outage"]
        return 100.0 * (self.lost["random"] + self.lost["burst"]) / on_air if on_air else 0.0

    def __str__(self) -> str:
        causes = ", ".join(f"{count} {cause}" for cause, count in self.lost.items() if count)
        return (
            f"{self.sent} packets, {self.total_lost} lost ({causes or 'none'}), "
            f"queue up to {self.queue_max_ms:.1f} ms, released {self.late_us['p50']:.0f} us late "
            f"(p99 {self.late_us['p99']:.0f})"
        )


@dataclass(frozen=True)
class Statistics:
    """Both directions of a link.

    Attributes:
        seconds: since the start of the link's clock.
        up: from the laptop to the car.
        down: from the car to the laptop.
    """

    seconds: float
    up: WayStatistics
    down: WayStatistics

    @classmethod
    def parse(cls, line: str) -> Statistics:
        """Read what the forwarder printed.

        Raises:
            ValueError: that was something else.
        """
        try:
            content = json.loads(line)
            ways = {way: WayStatistics(**content[way]) for way in ("up", "down")}
            return cls(content["seconds"], **ways)
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are no statistics: {line!r}") from error

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return dataclasses.asdict(self)
