"""Offices beside each other, by what kind of cases each had: how long those took, over how long such cases take.

For each case its elapsed time is compared with what is expected of a case of its kind, whoever has it: the mean of the
cases with the same label in each attribute, drawn towards the whole where a label is rare, one attribute after another.
An office's figure is the sum of what was observed over the sum of what was expected (indirect standardisation); its
interval is that of a ratio of sums (delta method, on the logarithm). Of several offices some differ by chance: those
are named that differ at a false discovery rate of one in twenty. What no attribute says is not adjusted for.

Source: D. Spiegelhalter, Handling over-dispersion of performance indicators, Qual. Saf. Health Care 14, 2005;
Y. Benjamini and Y. Hochberg, JRSS B 57(1), 1995.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, sqrt
from math import log as ln

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import HOUR, NONE, EventLog

Floats = NDArray[np.float64]
LEAST_CASES = 30
MOST_LABELS = 40
_WIDE = 1.959964
FALSE_SHARE = 0.05
_HIGHEST = 0.99
_DRAWN_TO = 2.0
"""How many cases the whole counts as, beside those of a label."""
_ROUNDS = 20
_OFFICE = re.compile(r"unit|office|department|section|team|group|部门|科室|单位", re.IGNORECASE)


@dataclass(frozen=True)
class Compared:
    """An office: `raw` is its mean over that of all, `ratio` the observed over the expected; above 1 is slower."""

    office: int
    cases: int
    mean_h: float
    expected_h: float
    raw: float
    ratio: float
    low: float
    high: float
    differs: bool


@dataclass(frozen=True)
class Comparison:
    """Offices with enough cases, the slowest first; `names` are theirs, `adjusted` the attributes adjusted for.

    `by` is the attribute that says the office, "" where the steps do.
    """

    rows: Sequence[Compared]
    names: Sequence[str]
    adjusted: Sequence[str]
    by: str


def compared(log: EventLog) -> Comparison:
    """Compare the offices of a log by the elapsed time of their cases.

    A case is that of the office with most of its steps or, where the steps say none, of an attribute that is called as
    offices are. Elapsed times above the 99th hundredth count as that.
    """
    office, names, by = offices_of(log)
    hours = (log.last_at - log.first_at) / HOUR
    hours = np.minimum(hours, np.quantile(hours, _HIGHEST)) if len(hours) else hours
    known, mix = office != NONE, _mix(log, office)
    adjusted = [name for name, _ in mix]
    wanted = np.flatnonzero(np.bincount(office[known], minlength=len(names)) >= LEAST_CASES)
    if len(wanted) < 2 or not hours[known].mean() > 0:  # one alone is compared with nothing
        return Comparison([], names, adjusted, by)
    expected = expected_hours(hours, [codes for _, codes in mix], office)
    mean = float(hours[known].mean())
    found = [_office(int(one), office, hours, expected, mean) for one in wanted]
    return Comparison(_named(found), names, adjusted, by)


def offices_of(log: EventLog) -> tuple[NDArray[np.int64], Sequence[str], str]:
    """For each case its office, what offices are called, and the attribute that says so, if one does.

    The first of these that has two offices with enough cases: the steps, then attributes that are called like offices.
    """
    ways = [(main_office(log), log.offices, "")]
    ways += [(one.values.astype(np.int64), one.labels, name) for name, one in sorted(log.attributes.items())
             if one.kind == "label" and _OFFICE.search(name)]  # fmt: skip
    return next((way for way in ways if _can_be_compared(way[0], len(way[1]))), ways[0])


def _can_be_compared(office: NDArray[np.int64], wide: int) -> bool:
    return bool((np.bincount(office[office != NONE], minlength=wide) >= LEAST_CASES).sum() > 1)


def main_office(log: EventLog) -> NDArray[np.int64]:
    """For each case the office with most of its steps, the lower number where two have as many; `NONE` for none."""
    wide = len(log.offices)
    if not wide:
        return np.full(log.cases, NONE, np.int64)
    has = log.office != NONE
    keys, counts = np.unique(log.case[has].astype(np.int64) * wide + log.office[has], return_counts=True)
    case, office = np.divmod(keys, wide)
    order = np.lexsort((office, -counts, case))
    first = order[np.append(True, np.diff(case[order]) != 0)] if len(order) else order
    found = np.full(log.cases, NONE, np.int64)
    found[case[first]] = office[first]
    return found


def expected_hours(hours: Floats, mix: Sequence[NDArray[np.int64]], office: NDArray[np.int64]) -> Floats:
    """What is expected of each case by its labels, whoever has it, so that all together it is what was observed.

    The mean, times a factor for each label and one for each office, fitted in turns; the office's is then left out.
    """
    known, every = office != NONE, [*mix, office + 1]
    fitted = np.full(len(hours), float(hours[known].mean()))
    factors = [np.ones(int(codes.max(initial=0)) + 1) for codes in every]
    for _ in range(_ROUNDS):
        for number, codes in enumerate(every):
            without = fitted / factors[number][codes]
            seen = np.bincount(codes[known], hours[known], len(factors[number]))
            thought = np.bincount(codes[known], without[known], len(factors[number]))
            prior = _DRAWN_TO * float(without[known].mean())
            factors[number] = (seen + prior) / (thought + prior)
            fitted = without * factors[number][codes]
    expected = fitted / factors[-1][office + 1]
    return expected * (hours[known].sum() / expected[known].sum())


def _mix(log: EventLog, office: NDArray[np.int64]) -> list[tuple[str, NDArray[np.int64]]]:
    """The attributes that say what kind of case one is: labels, not too many, and not another name of the office."""
    found = []
    for name, one in sorted(log.attributes.items()):
        if one.kind != "label" or not 1 < len(one.labels) <= MOST_LABELS:
            continue
        codes = one.values.astype(np.int64) + 1  # 0 is for those that say nothing
        if not _is_office(codes, office):
            found.append((name, codes))
    return found


def _is_office(codes: NDArray[np.int64], office: NDArray[np.int64]) -> bool:
    """Whether (nearly) each label belongs to one office alone: then there is nothing to be told apart by it."""
    pairs = np.unique(codes * (int(office.max(initial=0)) + 2) + office + 1, return_counts=True)
    label, count = pairs[0] // (int(office.max(initial=0)) + 2), pairs[1]
    largest = np.zeros(int(label.max(initial=0)) + 1)
    np.maximum.at(largest, label, count)
    return bool(largest.sum() >= 0.95 * len(codes))


def _office(one: int, office: NDArray[np.int64], hours: Floats, expected: Floats, mean: float
            ) -> tuple[Compared, float]:  # fmt: skip
    ours = office == one
    seen, thought = hours[ours], expected[ours]
    ratio = max(float(seen.sum() / thought.sum()), 1e-9)
    spread = float(np.sqrt(((seen - ratio * thought) ** 2).sum()) / thought.sum()) / ratio  # of the logarithm
    low, high = ratio * exp(-_WIDE * spread), ratio * exp(_WIDE * spread)
    chance_of = erfc(abs(ln(ratio)) / max(spread, 1e-12) / sqrt(2))
    row = Compared(one, int(ours.sum()), float(seen.mean()), float(thought.mean()), float(seen.mean()) / mean, ratio,
                   low, high, differs=False)  # fmt: skip
    return row, chance_of


def _named(found: list[tuple[Compared, float]]) -> list[Compared]:
    """The slowest first; those that differ at the false discovery rate are flagged."""
    ordered = sorted(chance_of for _, chance_of in found)
    passed = [one for place, one in enumerate(ordered, 1) if one <= FALSE_SHARE * place / len(ordered)]
    most = max(passed, default=-1.0)
    rows = [Compared(**vars(row) | {"differs": chance_of <= most}) for row, chance_of in found]
    return sorted(rows, key=lambda row: -row.ratio)
