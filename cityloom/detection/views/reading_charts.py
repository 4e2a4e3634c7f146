"""What a stream said in a period, beside what its own past let expect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.utils.timezone import localtime
from django.utils.translation import gettext_noop

from cityloom.detection.domain import health
from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.online import Baseline
from cityloom.signals import queries as signals
from cityloom.signals.queries import Outline, SensorFacts
from cityloom.ui.timechart import Pair, TimeChart

PERIODS = {
    "hour": (gettext_noop("an hour"), timedelta(hours=1)), "day": (gettext_noop("a day"), timedelta(days=1)),
    "week": (gettext_noop("a week"), timedelta(days=7)), "month": (gettext_noop("30 days"), timedelta(days=30)),
}
_MOST, _BEFORE = 600, 400
"""Stretches that are drawn, and those before them from which what is usual is learnt first."""
_USUAL = 4.0
_LAST_CADENCES = 60
_LONGEST_LAST = timedelta(hours=6)


@dataclass(frozen=True)
class Shown:
    """A period of a stream: the picture, how many readings it has, and the last single ones of it."""

    since: datetime
    chart: TimeChart
    count: int
    readings: list[tuple[datetime, float]]
    state: str


def shown(facts: SensorFacts, until: datetime, period: str, exercise_id: str) -> Shown:
    """The readings before an instant; what is usual is learnt from them and from some of those before."""
    span = PERIODS[period][1]
    since = until - span
    learnt_since = since - span * _BEFORE / _MOST
    rows = signals.outline([facts.id], learnt_since, until, exercise_id, most=_MOST + _BEFORE)
    baseline, usual = _learnt(rows, facts, until)
    first = int(np.searchsorted(rows.at_us, since.timestamp() * 1e6))
    drawn = Outline(*(getattr(rows, name)[first:] for name in ("datastream_id", "at_us", "count", "low", "mean",
                                                               "high")))  # fmt: skip
    chart = TimeChart(
        facts.name, facts.unit, since, until, drawn.instants(), drawn.mean.tolist(),
        list(zip(drawn.low.tolist(), drawn.high.tolist(), strict=True)) if (drawn.count > 1).any() else (),
        usual[first:],
    )  # fmt: skip
    return Shown(since, chart, int(drawn.count.sum()), _last(facts, until, span, exercise_id),
                 _state(baseline, facts, until))  # fmt: skip


def _learnt(rows: Outline, facts: SensorFacts, until: datetime) -> tuple[Baseline, list[Pair]]:
    """What is usual at each stretch, learnt from those before it."""
    baseline = Baseline(1, _calendar(until))
    baseline.low[0] = -np.inf if facts.low is None else facts.low
    baseline.high[0] = np.inf if facts.high is None else facts.high
    if not len(rows):
        return baseline, []
    scores = baseline.score(np.zeros(len(rows), np.int64), rows.at_us / 1e6, rows.mean)
    known = scores.spread > 0
    low = np.where(known, scores.expected - _USUAL * scores.spread, np.nan)
    high = np.where(known, scores.expected + _USUAL * scores.spread, np.nan)
    return baseline, list(zip(low.tolist(), high.tolist(), strict=True))


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
