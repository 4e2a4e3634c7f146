"""Log-likelihood ratios of a window, as published; each grows with the cases inside, and is 0 without an excess.

`inside` are the cases of windows, `base` what is expected there (Bernoulli: the population there); both broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

Floats = NDArray[np.float64]
GRID, _HALVINGS, _FLOORS = 1_024, 60, 10


class Model(Protocol):
    """A log-likelihood ratio of the cases inside a window, and which count reaches a given one."""

    def llr(self, inside: Floats, base: Floats) -> Floats:
        """The log-likelihood ratio of windows; 0 where there are no more cases than expected."""
        ...

    def relative_risk(self, inside: Floats, base: Floats) -> Floats:
        """The risk inside over the risk outside; nan where it cannot be said."""
        ...

    def expected(self, base: Floats) -> Floats:
        """The cases that are expected."""
        ...

    def most(self) -> float:
        """As many cases as there can be in a window."""
        ...


@dataclass(frozen=True)
class Poisson:
    """Given `total` cases, each falls into a window with the probability `base` / `total`.

    Source: Kulldorff (1997), equation of the Poisson model; the same for space-time permutation (Kulldorff, Heffernan,
    Hartman, Assuncao and Mostashari 2005).
    """

    total: float

    def llr(self, inside: Floats, base: Floats) -> Floats:
        """c ln(c/e) + (C-c) ln((C-c)/(C-e)) where c > e."""
        outside, rest = np.maximum(self.total - inside, 0), np.maximum(self.total - base, 1e-300)
        found = xlogy(inside, inside / np.maximum(base, 1e-300)) + xlogy(outside, outside / rest)
        return np.where(inside > base * (1 + 1e-12), np.maximum(found, 0), 0.0)

    def relative_risk(self, inside: Floats, base: Floats) -> Floats:
        """(c/e) / ((C-c)/(C-e))."""
        return _ratio(inside * (self.total - base), base * (self.total - inside))

    def expected(self, base: Floats) -> Floats:
        """The base itself."""
        return base

    def most(self) -> float:
        """All cases."""
        return self.total


@dataclass(frozen=True)
class Bernoulli:
    """`total` of `population` are cases; `base` is the population (cases and controls) inside.

    Source: Kulldorff and Nagarwalla (1995), Kulldorff (1997).
    """

    total: float
    population: float

    def llr(self, inside: Floats, base: Floats) -> Floats:
        """The binomial likelihoods inside and outside over that of one rate, logarithmic, where c/n > (C-c)/(N-n)."""
        outside, rest = np.maximum(self.total - inside, 0), np.maximum(self.population - base, 0)
        without, spared = np.maximum(base - inside, 0), np.maximum(rest - outside, 0)
        found = xlogy(inside, _share(inside, base)) + xlogy(without, _share(without, base))
        found += xlogy(outside, _share(outside, rest)) + xlogy(spared, _share(spared, rest))
        one = xlogy(self.total, self.total / self.population)
        one += xlogy(self.population - self.total, (self.population - self.total) / self.population)
        return np.where(inside * self.population > base * self.total * (1 + 1e-12), np.maximum(found - one, 0), 0.0)

    def relative_risk(self, inside: Floats, base: Floats) -> Floats:
        """(c/n) / ((C-c)/(N-n))."""
        return _ratio(inside * (self.population - base), base * (self.total - inside))

    def expected(self, base: Floats) -> Floats:
        """C n/N."""
        return base * (self.total / self.population)

    def most(self) -> float:
        """All cases."""
        return self.total


@dataclass(frozen=True)
class ExpectationPoisson:
    """Counts are Poisson with the baseline as their mean, or with more of it: q > 1 times as much.

    Source: Neill, D. B. (2009), Expectation-based scan statistics for monitoring spatial time series data (EBP).
    """

    limit: float = np.inf

    def llr(self, inside: Floats, base: Floats) -> Floats:
        """c ln(c/b) + b - c where c > b."""
        found = xlogy(inside, inside / np.maximum(base, 1e-300)) + base - inside
        return np.where(inside > base * (1 + 1e-12), np.maximum(found, 0), 0.0)

    def relative_risk(self, inside: Floats, base: Floats) -> Floats:
        """c/b."""
        return _ratio(inside, base)

    def expected(self, base: Floats) -> Floats:
        """The baseline."""
        return base

    def most(self) -> float:
        """The largest count that is drawn."""
        return self.limit


@dataclass(frozen=True)
class ExpectationGauss:
    """Counts are normal with mean b and deviation s; `inside` is the sum of c b/s^2, `base` that of b^2/s^2.

    Source: Neill (2009), EBG.
    """

    limit: float = np.inf

    def llr(self, inside: Floats, base: Floats) -> Floats:
        """(C-B)^2 / 2B where C > B."""
        over = inside - base
        return np.where(over > 0, np.square(over) / (2 * np.maximum(base, 1e-300)), 0.0)

    def relative_risk(self, inside: Floats, base: Floats) -> Floats:
        """C/B, the factor q that is most likely."""
        return _ratio(inside, base)

    def expected(self, base: Floats) -> Floats:
        """The base itself."""
        return base

    def most(self) -> float:
        """The largest sum that is drawn."""
        return self.limit


class Fewest:
    """For each base a count that is at most the fewest cases whose ratio reaches a floor, by table.

    The table's points are even in the root of the base, as chance is, and what is looked up is the point below: never
    too many, since more must be expected for the same ratio to need more cases.
    """

    def __init__(self, model: Model, bases: Floats) -> None:
        inner = bases[bases > 0]
        low, high = (float(inner.min()), float(inner.max())) if len(inner) else (1.0, 1.0)
        self._model, self._tables = model, dict[float, Floats]()
        self._first, self._step = np.sqrt(low), max((np.sqrt(high) - np.sqrt(low)) / (GRID - 2), 1e-12)
        self._grid = np.square(self._first + self._step * np.arange(GRID)) * (1 - 1e-9)

    def places(self, bases: Floats) -> NDArray[np.int64]:
        """Where bases stand in the table; those of nothing at its first point."""
        at = (np.sqrt(np.maximum(bases, 0)) - self._first) / self._step - 1e-6
        return np.clip(at, 0, GRID - 1).astype(np.int64)

    def table(self, floor: float) -> Floats:
        """The counts of a floor, rounded down a little so that few tables are made."""
        floor = np.floor(floor * _FLOORS) / _FLOORS
        if floor not in self._tables:
            self._tables[floor] = self._made(floor)
        return self._tables[floor]

    def _made(self, floor: float) -> Floats:
        low, high = self._model.expected(self._grid) * (1 - 1e-9), np.full(GRID, self._model.most())
        for _turn in range(_HALVINGS):
            middle = (low + high) / 2
            reaches = self._model.llr(middle, self._grid) >= floor
            high, low = np.where(reaches, middle, high), np.where(reaches, low, middle)
            if np.all(high - low <= 1e-3 * (high - self._grid)):
                break
        return low


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=np.asarray(whole) > 0)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=np.asarray(below) > 0)
