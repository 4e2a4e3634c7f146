"""A service's months to come: attendances by demography, season and growth, admissions and beds, each drawn many times.

What is drawn: the level, season and noise of the past (`season.ahead`), growth beyond demography, the share admitted,
the days of a stay, the occupancy aimed at, and the number of people. All are drawn apart from each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.health import beds, months, season
from cityloom.insight.domain.health.assumptions import Assumption, Swing, drawn, tornado
from cityloom.insight.domain.health.demography import Expected
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
YEAR_DAYS = 365.25
ADMITTED, STAY, OCCUPANCY, GROWTH = "admission_share", "stay_days", "occupancy", "growth"
PEOPLE, PAST = "people", "level_and_season"
_EIGHTY = 1.2815515655446004
_BEFORE = "The months asked for begin in {value}, which is not after the last month of the history, {limit}."
_GAP = "The history has no count for {value}; it wants every month from its first to its last."
_UNKNOWN = "The history has a count that is not known in {value}; give it, or leave that place out of all months."


@dataclass(frozen=True)
class History:
    """Counts (months,) of `month` numbers without a gap."""

    month: Ints
    counts: Floats


@dataclass(frozen=True)
class Outlook:
    """Draws (draws, months) for `month` numbers; `swings` of the answer, the beds in the month `peak` of the last year.

    `fit` is None without a history. `middle` (months,) is the central attendances, `demography` those that people alone
    make, at the level of the last year known.
    """

    month: Ints
    attendances: Floats
    admissions: Floats
    beds: Floats
    demography: Floats
    peak: int
    swings: Sequence[Swing]
    fit: season.Seasonal | None


def history_of(words: Sequence[str], counts: Floats) -> History:
    """Counts of months, added up where a month is there several times.

    Raises: Refused `insight.history_unknown`, `insight.history_gap`, `insight.bad_month`.
    """
    month = months.months_of(words)
    unknown = ~np.isfinite(counts)
    if unknown.any():
        raise Refused("insight.history_unknown", _UNKNOWN, value=words[int(np.flatnonzero(unknown)[0])][:40])
    first = int(month.min())
    sums = np.bincount(month - first, counts)
    there = np.bincount(month - first)
    if (there == 0).any():
        raise Refused("insight.history_gap", _GAP, value=months.word_of(first + int(np.flatnonzero(there == 0)[0])))
    return History(np.arange(first, first + len(sums)), sums)


def outlook(expected: Expected, assumed: Mapping[str, Assumption], history: History | None, first: int, count: int, *,
            draws: int, seed: int) -> Outlook:  # fmt: skip
    """The months from `first` on. Raises: Refused `insight.history_after`, and as `season.fit_season`."""
    rng = np.random.default_rng(seed)
    samples = {name: drawn(one, draws, rng) for name, one in assumed.items()}
    ahead = np.arange(first, first + count)
    people = _people(expected, ahead)
    shift = rng.standard_normal(draws)[:, None] * people.spread
    fit, level = None, np.zeros((draws, count))
    if history is not None:
        if first <= history.month[-1]:
            raise Refused("insight.history_after", _BEFORE, value=months.word_of(first),
                          limit=months.word_of(int(history.month[-1])))  # fmt: skip
        offset = np.log(_people(expected, history.month).each_day)
        fit = season.fit_season(history.counts, months.days_of(history.month), int(history.month[0]) % 12 + 1, offset)
        skipped = first - int(history.month[-1]) - 1
        level = season.ahead(fit, skipped + count, draws, rng, trend=np.zeros(draws))[:, skipped:]
    since = (ahead - (history.month[-1] if history is not None else first)) / 12
    growth = np.log1p(samples[GROWTH])[:, None] * since
    each_day = people.each_day * np.maximum(1 + shift, 0.05) * np.exp(level + growth)
    days = months.days_of(ahead)
    admitted = each_day * samples[ADMITTED][:, None]
    needed = admitted * samples[STAY][:, None] / samples[OCCUPANCY][:, None]
    middles = np.median(needed, 0)
    peak = int(np.argmax(middles[-12:])) + max(0, count - 12)
    swings = _swings(assumed, people, level, since, peak)
    central = np.exp(np.median(level[:, :12].mean(1))) if history is not None else 1.0
    return Outlook(ahead, each_day * days, admitted * days, needed, people.each_day * days * central, peak, swings, fit)


@dataclass(frozen=True)
class _People:
    each_day: Floats
    spread: Floats


def _people(expected: Expected, at: Ints) -> _People:
    middle = months.middle_of(at)
    return _People(beds.by_month(expected.attendances.sum(0), expected.years, middle) / YEAR_DAYS,
                   beds.by_month(expected.spread, expected.years, middle))  # fmt: skip


def _swings(assumed: Mapping[str, Assumption], people: _People, level: Floats, since: Floats, peak: int
            ) -> list[Swing]:  # fmt: skip
    """Each assumption at its ends, the people and the past at the ends of their 80 of 100."""
    low, middle, high = np.exp(np.quantile(level[:, peak], [0.1, 0.5, 0.9]))
    wide = _EIGHTY * float(people.spread[peak])
    others = (Assumption(PEOPLE, 1.0, 1 - wide, 1 + wide, "", "", "number"),
              Assumption(PAST, float(middle), float(low), float(high), "", "", "number"))  # fmt: skip

    def answer(at: Mapping[str, float]) -> float:
        each_day = people.each_day[peak] * at[PEOPLE] * at[PAST] * (1 + at[GROWTH]) ** since[peak]
        return float(each_day * at[ADMITTED] * at[STAY] / at[OCCUPANCY])

    return tornado([*assumed.values(), *others], answer)
