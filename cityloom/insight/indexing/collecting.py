"""The public service of units, collected from the city's own cases as the framework `public-service` reads it.

Shares whose cases are seven or fewer are left unknown, and the number of cases is rounded to five: what is written here
leaves the city's own pages. No case, no official and no resident is in it.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cityloom.accounts import queries as accounts
from cityloom.cases import queries as cases
from cityloom.insight.domain.small import is_told
from cityloom.kernel import clock

ROUNDED_TO = 5
COLUMNS = ("unit", "name", "cases", "response", "resolution", "first_time_right", "satisfaction", "overdue", "since",
           "until", "counted_at")  # fmt: skip


def rows_of(casetype: str, unit: str, since: str, until: str, at: datetime) -> list[list[object]]:
    """A row for each unit right below `unit` (with all below it); the first row names the columns.

    Raises: Refused `cases.no_such_type`, `cases.day`, `cases.figures_span`.
    """
    found = cases.case_figures(casetype, unit, since, until, at)
    names = accounts.unit_names_of({group.name for group in found.by["unit"]})
    span = [clock.to_text(found.span.since)[:10], clock.to_text(found.span.until)[:10], clock.to_text(found.at)]
    rows = [[group.name, names.get(group.name, group.name), *_figures(group), *span] for group in found.by["unit"]]
    return [list(COLUMNS), *rows]


def write(path: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write the table."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _figures(group: Any) -> list[object]:
    standing = group.standing
    again = group.rates["repeats"]
    return [
        ROUNDED_TO * round(standing.cases / ROUNDED_TO) if is_told(standing.cases) else "",
        _share(group.rates["response"].counted, group.rates["response"].of),
        _share(group.rates["resolution"].counted, group.rates["resolution"].of),
        _share(again.of - again.counted, again.of),
        _share(group.rates["satisfaction"].counted, group.rates["satisfaction"].of),
        _share(standing.overdue, standing.open),
    ]  # fmt: skip


def _share(counted: int, of: int) -> object:
    return f"{counted / of:.3f}" if is_told(of) else ""
