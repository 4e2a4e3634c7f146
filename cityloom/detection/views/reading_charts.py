"""What a stream said in a period, beside what its own past let expect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from cityloom.detection.domain import health
from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.online import Baseline
from cityloom.signals import queries as signals
from cityloom.signals.queries import Outline, SensorFacts
from cityloom.ui.timechart import TimeChart


@dataclass(frozen=True)
class Period:
    """A time that can be looked at: what it is called, and how long it is.

    What is usual is learnt stretch by stretch, of `step` each, and `together` of them are drawn as one point.
    """

    word: str
    span: timedelta
    step: timedelta
    point: str
    together: int = 1


PERIODS = {
    "hour": Period(gettext_noop("an hour"), timedelta(hours=1), timedelta(seconds=6), gettext_noop("6 seconds")),
    "day": Period(gettext_noop("a day"), timedelta(days=1), timedelta(minutes=2), gettext_noop("2 minutes")),
    "week": Period(gettext_noop("a week"), timedelta(days=7), timedelta(minutes=15), gettext_noop("15 minutes")),
    "month": Period(gettext_noop("30 days"), timedelta(days=30), timedelta(hours=1), gettext_noop("an hour")),
    "year": Period(gettext_noop("a year"), timedelta(days=365), timedelta(hours=6), gettext_noop("a day"), 4),
}
_BEFORE = 2 / 3
"""How much of a period's length before it what is usual is learnt from first."""
Floats = NDArray[np.float64]
_USUAL = 4.0
_LAST_CADENCES = 60
_LONGEST_LAST = timedelta(hours=6)


@dataclass(frozen=True)
class Shown:
    """A period of a stream: the picture, how many readings it has, and the last single ones of it.

    `point` is the stretch that a point stands for; up to `hourly_until` only hours are kept.
    """

    since: datetime
    chart: TimeChart
    count: int
    point: str
    hourly_until: datetime | None
    readings: list[tuple[datetime, float]]
    state: str


def shown(facts: SensorFacts, until: datetime, period: str, exercise_id: str) -> Shown:
    """The readings before an instant; what is usual is learnt from them and from some of those before."""
    chosen = PERIODS[period]
    since = until - chosen.span
    before = (chosen.span * _BEFORE) // chosen.step * chosen.step
    rows = signals.outline([facts.id], since - before, until, exercise_id, most=(chosen.span + before) // chosen.step)
    baseline, usual = _learnt(rows, facts, until)
    first = int(np.searchsorted(rows.at_us, since.timestamp() * 1e6))
    drawn = Outline(*(getattr(rows, name)[first:] for name in _COLUMNS))
    drawn, band = _together(drawn, usual[first:], since, chosen)
    chart = TimeChart(
        facts.name, facts.unit, since, until, drawn.instants(), drawn.mean.tolist(),
        list(zip(drawn.low.tolist(), drawn.high.tolist(), strict=True)) if (drawn.count > 1).any() else (),
        [(low, high) for low, high in band.tolist()],
    )  # fmt: skip
    return Shown(
        since, chart, int(drawn.count.sum()), _(chosen.point),
        None if exercise_id else signals.hourly_until(facts.id, since, until),
        _last(facts, until, chosen.span, exercise_id), _state(baseline, facts, _as_of(rows, until, exercise_id)),
    )  # fmt: skip


_COLUMNS = ("datastream_id", "at_us", "count", "low", "mean", "high")


def _as_of(rows: Outline, until: datetime, exercise_id: str) -> datetime:
    """When the state is judged: a drill falls silent as it ends, which says nothing of its sensors."""
    return min(until, rows.instants()[-1]) if exercise_id and len(rows) else until


def _together(rows: Outline, usual: Floats, since: datetime, chosen: Period) -> tuple[Outline, Floats]:
    """Several stretches as one point: the mean of all readings, the lowest and highest, and the mean of the band."""
    if chosen.together == 1 or not len(rows):
        return rows, usual
    width_us = int((chosen.step * chosen.together).total_seconds() * 1e6)
    number = (rows.at_us - int(since.timestamp() * 1e6)) // width_us
    first = np.flatnonzero(np.r_[True, np.diff(number) != 0])
    size = np.diff(np.r_[first, len(rows)])
    count = np.add.reduceat(rows.count, first)
    points = Outline(
        rows.datastream_id[first], np.maximum.reduceat(rows.at_us, first), count,
        np.minimum.reduceat(rows.low, first), np.add.reduceat(rows.mean * rows.count, first) / count,
        np.maximum.reduceat(rows.high, first),
    )  # fmt: skip
    return points, np.add.reduceat(usual, first) / size[:, None]


def _learnt(rows: Outline, facts: SensorFacts, until: datetime) -> tuple[Baseline, Floats]:
    """What is usual at each stretch, learnt from those before it."""
    baseline = Baseline(1, _calendar(until))
    baseline.low[0] = -np.inf if facts.low is None else facts.low
    baseline.high[0] = np.inf if facts.high is None else facts.high
    if not len(rows):
        return baseline, np.zeros((0, 2))
    scores = baseline.score(np.zeros(len(rows), np.int64), rows.at_us / 1e6, rows.mean)
    known = scores.spread > 0
    low = np.where(known, scores.expected - _USUAL * scores.spread, np.nan)
    high = np.where(known, scores.expected + _USUAL * scores.spread, np.nan)
    return baseline, np.column_stack([low, high])


def _calendar(until: datetime) -> Calendar:
    offset = localtime(until).utcoffset()
    return Calendar.ahead(offset.total_seconds() / 3600 if offset else 0.0)


def _state(baseline: Baseline, facts: SensorFacts, until: datetime) -> str:
    """How the sensor does, by the readings that are drawn; where nothing watches it."""
    cadence = np.array([np.nan if facts.cadence_s is None else float(facts.cadence_s)])
    found = health.health(baseline, until.timestamp(), cadence_s=cadence)
    return health.STATES[int(found.state[0])]


def _last(facts: SensorFacts, until: datetime, span: timedelta, exercise_id: str) -> list[tuple[datetime, float]]:
    """The last single readings before an instant, oldest first."""
    reach = min(span, _LONGEST_LAST, timedelta(seconds=(facts.cadence_s or 60) * _LAST_CADENCES))
    found = signals.recent([facts.id], until - reach, until, exercise_id)
    return list(zip(found.instants(), found.result.tolist(), strict=True))
