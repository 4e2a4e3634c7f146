"""Why an index changed between two years: the data, the method, the set of units, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cityloom.insight.domain.index_audit import change
from cityloom.insight.domain.indicators.collecting import Data
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.working import worked
from cityloom.insight.domain.robustness.tree import Floats
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import index_question
from cityloom.insight.studies.index_base import Base
from cityloom.kernel.refused import Refused

PARTS = ("data", "method", "units")
_NO_BEFORE = "There is no year before {value} to compare with; years are {limit}."


def question_before(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """The question as it was asked in the earlier year: the method of `before`, where one is told."""
    return {**{name: question[name] for name in ("framework", "overrides") if name in question},
            **question.get("before", {})}  # fmt: skip


def steps_of(question: Mapping[str, Any], inputs: Mapping[str, Table], base: Base) -> list[Step]:
    """The change of each unit that has both years; none for a table of one year.

    Raises: Refused `insight.index_no_year`, and as the recipe's steps.
    """
    new = base.framework
    old = index_question.framework_of(question_before(question))
    data = {False: index_question.data_of(old, inputs), True: index_question.data_of(new, inputs)}
    years = data[True].years
    if years is None or len(np.unique(years)) < 2:
        return []
    to = index_question.year_of(question, data[True])
    since = _since(question, years, int(to or 0))
    given = {"from": since, "to": to, "parts": list(PARTS)}
    units = [sorted({unit for unit, year in zip(data[True].units, years, strict=True) if year == one})
             for one in (since, to)]  # fmt: skip
    both = [unit for unit in units[0] if unit in set(units[1])]

    def value(changed: frozenset[str]) -> Floats:
        framework = new if "method" in changed else old
        rows = _rows(data["method" in changed], units["units" in changed], since, int(to or 0),
                     first_new="data" in changed)  # fmt: skip
        return _scores(framework, data["method" in changed].of(rows), both)

    shares = change.split(value, PARTS)
    before, after = value(frozenset()), value(frozenset(PARTS))
    known = np.isfinite(before) & np.isfinite(after) & np.isfinite(sum(shares.values()))
    kept = [unit for unit, is_known in zip(both, known, strict=True) if is_known]
    return [Step("change", table("unit", unit=kept, before=before[known], after=after[known],
                                 change=(after - before)[known],
                                 **{part: share[known] for part, share in shares.items()}), given)]  # fmt: skip


def _since(question: Mapping[str, Any], years: Any, to: int) -> int:
    known = np.unique(years)
    earlier = known[known < to]
    since = question.get("from_year", int(earlier[-1]) if len(earlier) else to)
    if since not in earlier:
        raise Refused("insight.index_no_before", _NO_BEFORE, value=to, limit=", ".join(map(str, known.tolist())))
    return int(since)


def _rows(data: Data, units: list[str], since: int, to: int, *, first_new: bool) -> Any:
    """For each unit of a set the row of the year that is asked for; of the other one where it has only that."""
    place = {(unit, int(year)): at for at, (unit, year) in enumerate(zip(data.units, data.years, strict=True))}
    order = (to, since) if first_new else (since, to)
    return np.array([next(place[unit, year] for year in order if (unit, year) in place) for unit in units], np.int64)


def _scores(framework: Framework, data: Data, units: list[str]) -> Floats:
    """The index of some units, of one year alone; nan for one without a score."""
    index = worked(framework, replace(data, years=None))
    found = dict(zip(index.data.units, index.index.tolist(), strict=True))
    return np.array([found.get(unit, np.nan) for unit in units], float)
