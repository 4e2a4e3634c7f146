"""Figures of disputes by category, month, outcome and unit: whole months, all of the city, and never a small count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue
from cityloom.cases.display import said
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.disputes import suppression
from cityloom.cases.domain.disputes.suppression import Told
from cityloom.cases.models import Case
from cityloom.kernel.refused import Refused

BY = {"category": gettext_lazy("Category"), "month": gettext_lazy("Month"), "outcome": gettext_lazy("Outcome"),
      "unit": gettext_lazy("Unit")}  # fmt: skip
MONTHS = 12
UNDER_WAY = "under-way"


@dataclass(frozen=True)
class DisputeFigures:
    """A table that may be told, of the months that are over; `since` and `until` bound the openings."""

    by: str
    over: str
    since: datetime
    until: datetime
    table: Told


def figures_of(by: str, over: str, at: datetime) -> DisputeFigures:
    """Disputes that were opened in the last twelve whole months, by one thing, or by one over another.

    A month that is not over is left out, and so is any other span: else two of them would differ by a few disputes.
    Raises: Refused `cases.figures_by`.
    """
    for name in (by, over or by):
        if name not in BY:
            raise Refused("cases.figures_by", "Disputes are not counted by {value}; there is: {limit}.",
                          value=name[:20], limit=", ".join(BY))  # fmt: skip
    since, until = _months(at)
    seen = Counter(_seen(by, over, since, until))
    rows, columns = sorted({row for row, _ in seen}), sorted({column for _, column in seen})
    counts = np.array([[seen[row, column] for column in columns] for row in rows], np.int64)
    table = suppression.told(_titles(by, rows), _titles(over, columns) if over else [gettext("Disputes")],
                             counts.reshape(len(rows), max(len(columns), 1)))  # fmt: skip
    return DisputeFigures(by, over, since, until, table)


def mediated_types() -> list[CaseType]:
    """The case types that have parties."""
    return [one for one in map(catalogue.newest, catalogue.names()) if one.is_mediated]


def _seen(by: str, over: str, since: datetime, until: datetime) -> list[tuple[str, str]]:
    names = [one.name for one in mediated_types()]
    rows = Case.objects.filter(casetype__in=names, exercise_id="", opened_at__gte=since, opened_at__lt=until)
    row_of, column_of = _READ[by], _READ[over] if over else lambda _row: ""
    found = rows.values_list("category", "opened_at", "result", "is_open", "unit")
    return [(row_of(row), column_of(row)) for row in found.iterator(chunk_size=5_000)]


Row = tuple[str, datetime, str, bool, str]
_READ: dict[str, Callable[[Row], str]] = {
    "category": lambda row: row[0],
    "month": lambda row: f"{timezone.localtime(row[1]):%Y-%m}",
    "outcome": lambda row: UNDER_WAY if row[3] else row[2],
    "unit": lambda row: row[4],
}


def _months(at: datetime) -> tuple[datetime, datetime]:
    """The first instants of the month twelve months ago and of this month, in the city's zone."""
    first = timezone.localtime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    months = first.year * 12 + first.month - 1 - MONTHS
    return first.replace(year=months // 12, month=months % 12 + 1), first


def _titles(by: str, keys: list[str]) -> list[str]:
    if by == "unit":
        names = accounts.unit_names_of(set(keys))
        return [names.get(key, key) for key in keys]
    titles = {UNDER_WAY: gettext("under way")} if by == "outcome" else {}
    for one in mediated_types():
        known = {"category": one.categories, "outcome": one.results}.get(by, {})
        titles |= {name: said(each.title) for name, each in known.items()}
    return [titles.get(key, key or "–") for key in keys]
