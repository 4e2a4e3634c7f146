"""What a score says, as a sentence to be translated with the numbers in it."""

from __future__ import annotations

from dataclasses import dataclass

from cityloom.detection.domain.moment import CHANGE, LEVEL, OUT_OF_RANGE, REASONS, STEP, Scores

TEMPLATES = {
    "step-fell": "{name} fell {moved} {unit} in {time}, {times} times its usual step",
    "step-rose": "{name} rose {moved} {unit} in {time}, {times} times its usual step",
    "level-low": "{name} is at {value} {unit}, {times} times its usual spread below the {expected} that are usual now",
    "level-high": "{name} is at {value} {unit}, {times} times its usual spread above the {expected} that are usual now",
    "change-low": "{name} has been {moved} {unit} lower for {time}; its level has changed",
    "change-high": "{name} has been {moved} {unit} higher for {time}; its level has changed",
    "fell-spreads": "{name} fell {moved} {unit} in {time}, {times} times its usual spread",
    "rose-spreads": "{name} rose {moved} {unit} in {time}, {times} times its usual spread",
    "out-of-range": "{name} says {value} {unit}, which is out of its range",
}
TIMES = {"s": "{count} s", "min": "{count} min", "h": "{count} h", "d": "{count} d"}
_SECONDS = (("d", 2 * 86_400), ("h", 2 * 3_600), ("min", 120), ("s", 0))
_UNIT_S = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True)
class Reason:
    """Why a reading scored: a key of `TEMPLATES`, its numbers as text, and how long as a key of `TIMES` and a count."""

    key: str
    numbers: dict[str, str]
    time: tuple[str, int]


def reason_of(scores: Scores, row: int, value: float) -> Reason | None:
    """The reason of one score in numbers; None where there is nothing to say."""
    code = int(scores.reason[row])
    if code not in (OUT_OF_RANGE, LEVEL, STEP, CHANGE):
        return None
    by = {LEVEL: scores.z, STEP: scores.step_z}.get(code, scores.z)[row]
    moved, over_s = float(scores.moved[row]), float(scores.over_s[row])
    side = {LEVEL: ("low", "high")[int(by > 0)], STEP: ("fell", "rose")[int(by > 0)],
            CHANGE: ("low", "high")[int(moved > 0)]}.get(code)  # fmt: skip
    key = "out-of-range" if side is None else f"{REASONS[code]}-{side}"
    numbers = {
        "value": _short(value), "expected": _short(float(scores.expected[row])), "moved": _short(abs(moved)),
        "times": _short(abs(float(by)), 2),
    }  # fmt: skip
    return Reason(key, numbers, _time(over_s))


def moved(by: float, over_s: float, spreads: float) -> Reason:
    """That a value fell or rose at once, in so many of its usual spreads."""
    numbers = {"moved": _short(abs(by)), "times": _short(abs(spreads), 2)}
    return Reason("fell-spreads" if by < 0 else "rose-spreads", numbers, _time(over_s))


def shifted(value: float, expected: float, spreads: float) -> Reason:
    """That a value is so many of its usual spreads from what is usual now."""
    numbers = {"value": _short(value), "expected": _short(expected), "times": _short(abs(spreads), 2)}
    return Reason("level-low" if spreads < 0 else "level-high", numbers, ("s", 1))


def _time(over_s: float) -> tuple[str, int]:
    unit = next(name for name, least in _SECONDS if over_s >= least)
    return unit, max(round(over_s / _UNIT_S[unit]), 1)


def _short(number: float, digits: int = 3) -> str:
    return f"{float(f'{number:.{digits}g}'):,.10g}"
