"""Figures of cases for machines: each share with its numerator, its denominator and what is left out."""

from __future__ import annotations

from typing import Any

from cityloom.cases.domain.figures.formulas import FORMULAS
from cityloom.cases.domain.figures.tally import Group
from cityloom.cases.figures.counting import CaseFigures
from cityloom.kernel import clock


def as_json(found: CaseFigures, by: str) -> dict[str, Any]:
    """The figures of a scope, of all and by one dimension; times in UTC."""
    return {
        "counted_at": clock.to_text(found.at), "casetype": found.scope.casetype, "unit": found.scope.unit,
        "since": clock.to_text(found.span.since), "until": clock.to_text(found.span.until), "by": by,
        "all": _group(found.whole), "groups": [_group(one) for one in found.by[by]],
    }  # fmt: skip


def as_rows(found: CaseFigures, by: str) -> list[list[object]]:
    """A table: a row for each group and formula, with a column for each reason."""
    reasons = list(dict.fromkeys(name for formula in FORMULAS.values() for name in formula.labels[2:]))
    head = [by, "formula", "counted", "of", "share", "low_95", "high_95", *(f"left_out_{name}" for name in reasons),
            "all_cases"]  # fmt: skip
    return [head, *(row for one in [found.whole, *found.by[by]] for row in _rows(one, reasons))]


def _rows(one: Group, reasons: list[str]) -> list[list[object]]:
    return [
        [one.name or "all", rate.formula, rate.counted, rate.of, _digits(rate.share),
         *map(_digits, rate.interval or (None, None)), *(rate.left_out.get(name, "") for name in reasons), rate.total]
        for rate in one.rates.values()
    ]  # fmt: skip


def _group(one: Group) -> dict[str, Any]:
    solved, standing = one.solved, one.standing
    bounds = solved.honest(one.rates["resolution"].of)
    return {
        "name": one.name,
        "rates": {
            name: {"formula": rate.formula, "counted": rate.counted, "of": rate.of, "share": rate.share,
                   "interval_95": rate.interval, "if_silent": rate.if_silent, "left_out": dict(rate.left_out),
                   "all_cases": rate.total}
            for name, rate in one.rates.items()
        },
        "solved": {"said": solved.claimed, "confirmed": solved.confirmed, "partly": solved.partly,
                   "denied": solved.denied, "silent": solved.silent, "share_between": bounds},
        "standing": {"cases": standing.cases, "open": standing.open, "overdue": standing.overdue,
                     "reopened": standing.reopened, "done": standing.done, "median_working_hours": standing.median_h,
                     "p90_working_hours": standing.late_h},
    }  # fmt: skip


def _digits(value: float | None) -> object:
    return "" if value is None else f"{value:.4f}"
