"""What formulas give for some cases, as a whole and by group: counts that add up, shares, intervals, times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.figures import formulas, intervals
from cityloom.cases.domain.figures.columns import DIMENSIONS, PARTLY, SILENT, SOLVED, UNSOLVED, Cases, Marks
from cityloom.cases.domain.figures.formulas import COUNTED, FORMULAS, LEFT_OUT, NOT_COUNTED, Formula
from cityloom.cases.domain.figures.intervals import Interval


@dataclass(frozen=True)
class Rate:
    """A share by a formula: of all cases, those counted, those not, and those left out by reason add up."""

    formula: str
    counted: int
    of: int
    left_out: Mapping[str, int]

    @property
    def total(self) -> int:
        return self.of + sum(self.left_out.values())

    @property
    def share(self) -> float | None:
        return self.counted / self.of if self.of else None

    @property
    def interval(self) -> Interval | None:
        return intervals.wilson(self.counted, self.of)

    @property
    def if_silent(self) -> Interval | None:
        """The share if all who did not answer were against, and if all were for; None where nobody is silent."""
        silent = self.left_out.get("silent", 0)
        return intervals.silent_bounds(self.counted, self.of, silent) if silent else None


@dataclass(frozen=True)
class Solved:
    """Closed is not solved: of the cases said to be solved, what those who reported them say."""

    claimed: int
    confirmed: int
    partly: int
    denied: int
    silent: int

    def honest(self, of: int) -> Interval | None:
        """The share that is solved if none of the silent ones were, and if all were."""
        return (self.confirmed / of, (self.confirmed + self.silent) / of) if of else None


@dataclass(frozen=True)
class Standing:
    """How cases stand and how long they took: working hours from the opening until they were done."""

    cases: int
    open: int
    overdue: int
    reopened: int
    done: int
    median_h: float | None
    late_h: float | None


@dataclass(frozen=True)
class Group:
    """The figures of some cases; `name` is a unit, a category, a month or an origin, "" for all."""

    name: str
    rates: Mapping[str, Rate]
    solved: Solved
    standing: Standing


def groups_of(cases: Cases, hours: NDArray[np.float64], now: int) -> tuple[Group, dict[str, list[Group]]]:
    """The figures of all cases, and by each dimension; `hours` is the working time of each until it was done."""
    codes = {name: formula.codes(cases, now) for name, formula in FORMULAS.items()}
    whole = _groups(cases, hours, codes, np.zeros(len(cases), np.int64), [""])[0]
    return whole, {name: _groups(cases, hours, codes, cases.codes[name], cases.names[name]) for name in DIMENSIONS}


def _groups(
    cases: Cases, hours: NDArray[np.float64], codes: Mapping[str, formulas.Codes], at: formulas.Codes,
    names: Sequence[str],
) -> list[Group]:  # fmt: skip
    rates = {name: _rates(FORMULAS[name], found, at, len(names)) for name, found in codes.items()}
    solved, standing = _solved(cases, at, len(names)), _standings(cases, hours, at, len(names))
    return [
        Group(name, {key: found[place] for key, found in rates.items()}, solved[place], standing[place])
        for place, name in enumerate(names)
    ]


def _rates(formula: Formula, codes: formulas.Codes, at: formulas.Codes, groups: int) -> list[Rate]:
    labels = formula.labels
    counts = np.bincount(at * len(labels) + codes, minlength=groups * len(labels)).reshape(groups, len(labels))
    return [
        Rate(formula.key, line[COUNTED], line[COUNTED] + line[NOT_COUNTED],
             dict(zip(labels[LEFT_OUT:], line[LEFT_OUT:], strict=True)))
        for line in counts.tolist()
    ]  # fmt: skip


def _solved(cases: Cases, at: formulas.Codes, groups: int) -> list[Solved]:
    claimed = formulas.is_real(cases) & formulas.is_claimed(cases)
    by_verdict = [_count(claimed & (cases.verdict == verdict), at, groups)
                  for verdict in (SOLVED, PARTLY, UNSOLVED, SILENT)]  # fmt: skip
    return [Solved(sum(line), *line) for line in np.array(by_verdict).T.tolist()]


def _standings(cases: Cases, hours: NDArray[np.float64], at: formulas.Codes, groups: int) -> list[Standing]:
    real = formulas.is_real(cases)
    under_way = real & cases.is_open & ~cases.is_done
    marks = real, under_way, under_way & cases.main_late, real & cases.is_reopened, real & cases.is_done
    counts = np.array([_count(each, at, groups) for each in marks]).T.tolist()
    known = real & cases.is_done & np.isfinite(hours)
    order = np.lexsort((hours[known], at[known]))
    times, starts = hours[known][order], np.searchsorted(at[known][order], np.arange(groups + 1))
    return [Standing(*line, *_quantiles(times[starts[group] : starts[group + 1]]))
            for group, line in enumerate(counts)]  # fmt: skip


def _quantiles(times: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """The median and the 90th percentile."""
    if not times.size:
        return None, None
    middle, late = np.quantile(times, (0.5, 0.9))
    return float(middle), float(late)


def _count(marks: Marks, at: formulas.Codes, groups: int) -> NDArray[np.int64]:
    return np.bincount(at[marks], minlength=groups)
