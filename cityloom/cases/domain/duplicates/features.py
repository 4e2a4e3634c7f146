"""How a report compares with each matter around it: its reports, where they agree it is, how many there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.pairs import Floats, Others, Report, measures, places, reach_m

NAMES = (
    "spread", "metres", "nearest_m", "sigma_m", "reports", "days_first", "days_last", "words_best", "words_mean",
    "numbers_best", "numbers_worst", "same_category", "category", "nearer", "crowd", "reach_m", "odds_best",
    "odds_mean", "odds_rival", "days_between",
)  # fmt: skip
"""`spread` is metres to the middle of the matter over what the errors of places make likely; `nearer` and `crowd`
count other matters of the category, as near or around at all; `odds_rival` is the best of any other matter."""
_DAY_S, _NO_WORDS, _NO_NUMBERS, _NO_RIVAL = 86_400.0, -1.0, 9.0, -9.0
_BEST = 8
"""Of more reports of a matter than this, the odds of the best ones are averaged: a chain does not grow from its end."""


@dataclass(frozen=True)
class Compared:
    """Each matter around a report: columns of `NAMES`, shape (n, 20), and the row of its report that is most alike."""

    numbers: NDArray[np.int64]
    features: Floats
    best: NDArray[np.int64]


def compared(report: Report, others: Others, matters: NDArray[np.int64], fitted: Floats) -> Compared:
    """Compare a report with the matters of some others; `fitted` are the weights of pairs of reports."""
    numbers, of = np.unique(matters, return_inverse=True)
    group = _Groups(of, len(numbers))
    measured = measures(report, others)
    odds = np.asarray(places(measured) @ fitted[:-1] + fitted[-1], dtype=float)
    spread, metres, sigma = _middle(report, others, group)
    days = (report.at_s - others.at_s) / _DAY_S
    first, last = group.most(days), group.least(days)
    same = group.mean((measured["category"] == 0).astype(float))
    is_same = same >= 0.5
    nearer = ((spread[None, :] < spread[:, None]) & is_same[None, :]).sum(axis=1)
    said = measured["numbers"]
    best, order = group.most(odds), np.lexsort((odds, of))
    features = np.column_stack([
        spread, metres, group.least(np.hypot(others.x, others.y)), sigma, group.count, first, last,
        *_words(measured["words"], group), group.most(said), group.least(np.where(said == 0, _NO_NUMBERS, said)),
        same, group.least(measured["category"]), nearer, is_same.sum() - is_same,
        np.full(len(numbers), reach_m(report.category)), best, _mean_of_best(odds, order, group), _rival(best),
        first - last,
    ])  # fmt: skip
    return Compared(numbers, features, order[np.cumsum(group.count.astype(int)) - 1])


class _Groups:
    """Reports by matter."""

    def __init__(self, of: NDArray[np.int64], count: int) -> None:
        self.of, self.size = of, count
        self.count = np.bincount(of, minlength=count).astype(float)

    def sum(self, values: Floats) -> Floats:
        return np.bincount(self.of, values, self.size)

    def mean(self, values: Floats) -> Floats:
        return self.sum(values) / self.count

    def most(self, values: Floats) -> Floats:
        found = np.full(self.size, -np.inf)
        np.maximum.at(found, self.of, values)
        return found

    def least(self, values: Floats) -> Floats:
        return -self.most(-values)


def _middle(report: Report, others: Others, group: _Groups) -> tuple[Floats, Floats, Floats]:
    """Where each matter is, by its reports as precise as each is: spread, metres and standard deviation."""
    reach2 = reach_m(report.category) ** 2 / 2
    weights = 1 / (others.error_m**2 + reach2 + 1)
    sums = group.sum(weights)
    metres = np.hypot(group.sum(weights * others.x) / sums, group.sum(weights * others.y) / sums)
    sigma = np.sqrt(report.error_m**2 + reach2 + 1 / sums)
    return metres / np.maximum(sigma, 1), metres, sigma


def _words(words: Floats, group: _Groups) -> tuple[Floats, Floats]:
    is_known = np.isfinite(words)
    known = group.sum(is_known.astype(float))
    best = group.most(np.where(is_known, words, -np.inf))
    mean = group.sum(np.where(is_known, words, 0.0)) / np.maximum(known, 1)
    return np.where(known > 0, best, _NO_WORDS), np.where(known > 0, mean, _NO_WORDS)


def _mean_of_best(odds: Floats, order: NDArray[np.int64], group: _Groups) -> Floats:
    """The mean of the best odds of each matter; `order` is by matter, then by odds."""
    ends = np.cumsum(group.count.astype(int))
    starts = np.maximum(ends - _BEST, ends - group.count.astype(int))
    sums = np.concatenate([[0.0], np.cumsum(odds[order])])
    return (sums[ends] - sums[starts]) / (ends - starts)


def _rival(best: Floats) -> Floats:
    """For each matter the best of the others."""
    if len(best) < 2:
        return np.full(len(best), _NO_RIVAL)
    ranked = np.sort(best)
    return np.where(best == ranked[-1], ranked[-2], ranked[-1])
