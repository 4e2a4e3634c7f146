"""Whether a sensor works, by rules on what was learnt of its stream; and whether it is the sensor that is odd."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.baseline import LEAST_READINGS
from cityloom.detection.domain.moment import REFERENCE_S, Floats, Ints
from cityloom.detection.domain.online import Baseline

STATES = ("unknown", "in_service", "silent", "out_of_range", "stuck", "noisy", "drifting")
UNKNOWN, IN_SERVICE, SILENT, OUT_OF_RANGE, STUCK, NOISY, DRIFTING = range(len(STATES))
VERDICTS = ("calm", "sensor", "event", "alone")
CALM, SENSOR, EVENT, ALONE = range(len(VERDICTS))


@dataclass(frozen=True)
class Limits:
    """From where on a sensor does not work.

    Silent after so many of its cadences; stuck after so many equal readings and so many times its longest stay at one
    value; noisy at so many times its usual step; drifting at so many spreads from where it was two weeks before.
    """

    silent_cadences: float = 5.0
    stuck_readings: int = 12
    stuck_times: float = 3.0
    noisy_times: float = 2.5
    drifting_spreads: float = 3.0
    drifting_readings: int = 200


@dataclass(frozen=True)
class Health:
    """Columns by stream: its state as a place in `STATES`, and the number that it was judged by with its limit."""

    state: NDArray[np.int8]
    found: Floats
    limit: Floats


def health(baseline: Baseline, at_s: float, limits: Limits | None = None, cadence_s: Floats | None = None) -> Health:
    """The state of each sensor at an instant; the first rule that holds gives it, in the order of `STATES`.

    `cadence_s` is how often each should report, where that is stated (NaN where not); otherwise it is as learnt. A
    sensor whose value has never changed is not called stuck: nobody knows that it ever would.
    """
    limits = limits or Limits()
    cadence = baseline.column("cadence_s")
    if cadence_s is not None:
        cadence = np.where(np.isfinite(cadence_s), cadence_s, cadence)
    rules = (
        (SILENT, _ratio(at_s - baseline.column("at_s"), cadence), limits.silent_cadences),
        (OUT_OF_RANGE, _outside(baseline), 1.0),
        (STUCK, _stuck(baseline, limits), limits.stuck_times),
        (NOISY, _noise(baseline), limits.noisy_times),
        (DRIFTING, np.abs(drift(baseline, limits)), limits.drifting_spreads),
    )
    state = np.where(baseline.column("count") >= LEAST_READINGS, IN_SERVICE, UNKNOWN).astype(np.int8)
    found, limit = np.zeros(len(baseline)), np.zeros(len(baseline))
    for code, number, bound in reversed(rules):
        holds = (number > bound if code == SILENT else number >= bound) & ((state != UNKNOWN) | (code == OUT_OF_RANGE))
        state[holds], found[holds], limit[holds] = code, number[holds], bound
    return Health(state, found, limit)


def drift(baseline: Baseline, limits: Limits | None = None) -> Floats:
    """How many spreads the level of each stream has crept from where it was, without a change that was noticed."""
    old = baseline.column("count") >= (limits or Limits()).drifting_readings
    return np.where(old, _ratio(baseline.column("level") - baseline.column("reference"), baseline.spread()), 0.0)


def drift_per_day(baseline: Baseline) -> Floats:
    """How fast each level creeps, in its unit: in the long run the reference stays two weeks behind, before less."""
    return (baseline.column("level") - baseline.column("reference")) / (REFERENCE_S / 86_400)


def told_apart(odd: NDArray[np.int8], working: NDArray[np.bool_], neighbours: Ints) -> NDArray[np.int8]:
    """Whether what is odd about a stream is its sensor, or something that happens there.

    `odd` is -1 or +1 where a stream is off its baseline downwards or upwards, 0 where not. `neighbours` are pairs of
    streams of one kind, as rows of two. It is an event when at least a third of its working neighbours are odd in the
    same way, its sensor when fewer are, and nobody can tell (`alone`) with fewer than two of them.
    """
    first = np.concatenate([neighbours[:, 0], neighbours[:, 1]])
    second = np.concatenate([neighbours[:, 1], neighbours[:, 0]])
    first, second = first[working[second]], second[working[second]]
    asked = np.bincount(first, minlength=len(odd))
    agreeing = np.bincount(first[odd[first] == odd[second]], minlength=len(odd))
    verdict = np.where(3 * agreeing >= asked, EVENT, SENSOR)
    return np.where(odd == 0, CALM, np.where(asked < 2, ALONE, verdict)).astype(np.int8)


def _outside(baseline: Baseline) -> Floats:
    value = baseline.column("value")
    return ((baseline.column("count") > 0) & ((value < baseline.low) | (value > baseline.high))).astype(np.float64)


def _stuck(baseline: Baseline, limits: Limits) -> Floats:
    """How many times its longest stay a stream has stayed at its value; one that never stayed has its cadence."""
    stay = baseline.column("at_s") - baseline.column("run_s")
    longest = np.maximum(baseline.column("longest_run_s"), baseline.column("cadence_s"))
    may_be = (baseline.column("run") >= limits.stuck_readings) & (baseline.column("moved") > 0)
    return np.where(may_be, _ratio(stay, longest), 0.0)


def _noise(baseline: Baseline) -> Floats:
    return _ratio(baseline.column("step_now"), np.maximum(baseline.column("step"), baseline.column("least_step")))


def _ratio(number: Floats, of: Floats) -> Floats:
    return np.divide(number, of, out=np.zeros(len(of)), where=(of > 0) & np.isfinite(number))
