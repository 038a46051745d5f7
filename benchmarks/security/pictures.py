"""What TLS costs pictures on a link."""

from __future__ import annotations

from benchmarks.harness import Report, Target
from benchmarks.video.contenders import INSECURE
from benchmarks.video.contest import Setting, compete, seconds_of
from benchmarks.video.figures import results_of, tell

PROFILES = ("lan", "wifi-bad")
MOST = Target(1.05)
"""How much older than over plain TCP a picture may be."""


def measure(report: Report) -> None:
    """Age on display over TLS and over plain TCP in the same run."""
    for profile in PROFILES:
        _measure_over(report, profile)


def _measure_over(report: Report, profile: str) -> None:
    setting = Setting(profile, seconds_of(report))
    sealed = {name.removesuffix("-insecure"): name for name in INSECURE}
    results = results_of(compete(report, [*sealed, *INSECURE], lambda _: setting))
    tell(report, results, {})
    for name, plain in sealed.items():
        if name not in results or plain not in results:
            continue
        for metric in ("age_p50", "age_p99"):
            report.figure(
                f"{profile} {metric} over TLS",
                results[name].median(metric),
                "ms",
                baseline=results[plain].median(metric),
                target=MOST,
                of=name,
            )
