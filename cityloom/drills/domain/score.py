"""What a drill is measured by: how long after the first signal each step was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STEPS: Mapping[str, tuple[str, str]] = {
    "detected": ("Detection raised", "first"), "proposed": ("Proposal ready", "first"),
    "commander": ("Commander approved", "first"), "second": ("Second person approved", "first"),
    "warned": ("Residents warned", "first"), "told": ("Departments acknowledged", "last"),
    "delivered": ("Tasks delivered", "first"), "helped": ("Help completed", "first"), "cleared": ("All clear", "first"),
}  # fmt: skip
"""Each figure: the step of the timeline that it is taken from, and whether its first or its last time counts."""


@dataclass(frozen=True)
class Timing:
    """Seconds after the first signal in this run, in the one before, and the best of all earlier; None: not reached."""

    key: str
    this_s: float | None
    before_s: float | None
    best_s: float | None

    @property
    def difference_s(self) -> float | None:
        """How much later than the run before."""
        if self.this_s is None or self.before_s is None:
            return None
        return self.this_s - self.before_s


def timings_of(report: Mapping[str, Any]) -> dict[str, float]:
    """Seconds after the first signal of each step that a run reached."""
    times: dict[str, list[float]] = {}
    for line in report.get("timeline", ()):
        times.setdefault(line["step"], []).append(float(line["t_s"]))
    found = {}
    for key, (step, which) in STEPS.items():
        if step in times:
            found[key] = times[step][0 if which == "first" else -1]
    return found


def compared(report: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> list[Timing]:
    """The timings of a run beside earlier ones, the latest of them first."""
    now, past = timings_of(report), [timings_of(one) for one in earlier]
    return [
        Timing(
            key, now.get(key), past[0].get(key) if past else None,
            min((one[key] for one in past if key in one), default=None),
        )
        for key in STEPS
    ]  # fmt: skip
