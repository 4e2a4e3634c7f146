"""Open reports around a place, from the database: every process sees the same, and nothing is built at a start."""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection

from cityloom.cases.domain.duplicates.index import MOST_COMPARED
from cityloom.cases.domain.duplicates.joining import RESOLUTION, cells_around
from cityloom.cases.domain.duplicates.pairs import Others, Report, search_m
from cityloom.cases.domain.duplicates.sketch import MOST_NUMBERS, WIDTH
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.standing import is_catch_all
from cityloom.cases.models import Case
from cityloom.kernel import cells
from cityloom.kernel.geometry import LocalProjection

_MOST_READ = 2 * MOST_COMPARED
# the crossed tables are read in this order: SQLite would rather begin with all cases of the type
_AROUND = """
SELECT c.number, c.matter, c.lon, c.lat, s.error_m, c.opened_at, c.category, s.words, s.numbers, s.script, h.kind
FROM (SELECT case_id FROM cases_casesketch WHERE is_live AND place IN ({places}) AND kind = %s
      ORDER BY case_id DESC LIMIT %s) near
CROSS JOIN cases_case c CROSS JOIN cases_casesketch s LEFT JOIN cases_caseheard h ON h.case_id = c.number
WHERE c.number = near.case_id AND s.case_id = c.number AND c.lon BETWEEN %s AND %s AND c.lat BETWEEN %s AND %s
AND c.casetype = %s AND c.exercise_id = %s AND c.number <> %s
"""
METRES_A_DEGREE = 111_195.0
_NO_WORDS, _NO_NUMBERS = bytes(WIDTH), bytes(4 * MOST_NUMBERS)


@dataclass(frozen=True)
class Around:
    """Reports near another one: numbers of their cases, the ids of the cases that go on for them, and how they are."""

    numbers: list[int]
    matters: list[str]
    others: Others


def around(row: Case, report: Report, kind: str, but: Container[int] = ()) -> Around:
    """The reports of live matters near a case, but for itself and some; of very many the newest ones."""
    radius = search_m(report)
    places = cells_around(cells.cell_of(report.lon, report.lat, RESOLUTION), radius)
    statement = _AROUND.format(places=", ".join(["%s"] * len(places)))
    with connection.cursor() as cursor:
        cursor.execute(statement, [*places, kind, _MOST_READ, *_box(report, radius), row.casetype, row.exercise_id,
                                   row.number])  # fmt: skip
        found = [one for one in cursor.fetchall() if one[0] not in but]
    if not found:
        return Around([], [], _others(row, report, []))
    metres = LocalProjection(report.lon, report.lat).xy([one[2] for one in found], [one[3] for one in found])
    near = [at for at in np.argsort([-one[0] for one in found])
            if np.hypot(*metres[at]) <= radius][:MOST_COMPARED]  # fmt: skip
    kept = [found[at] for at in near]
    return Around([one[0] for one in kept], [one[1] for one in kept], _others(row, report, kept))


def _box(report: Report, radius_m: float) -> tuple[float, float, float, float]:
    """West, east, south and north of a circle, a little wide, so that what is far is not read."""
    north = 1.01 * radius_m / METRES_A_DEGREE
    east = north / max(math.cos(math.radians(report.lat)), 0.01)
    return report.lon - east, report.lon + east, report.lat - north, report.lat + north


def _others(row: Case, report: Report, rows: Sequence[tuple[Any, ...]]) -> Others:
    metres = LocalProjection(report.lon, report.lat).xy([one[2] for one in rows], [one[3] for one in rows])
    words = b"".join(bytes(one[7]) if one[7] is not None else _NO_WORDS for one in rows)
    numbers = b"".join(bytes(one[8]) if one[8] is not None else _NO_NUMBERS for one in rows)
    return Others(
        metres[:, 0], metres[:, 1], np.array([one[4] for one in rows], float),
        np.array([_seconds(one[5]) for one in rows], float), [_about(row, report, one[6], one[10]) for one in rows],
        np.frombuffer(words, np.int8).reshape(-1, WIDTH), np.frombuffer(numbers, np.int32).reshape(-1, MOST_NUMBERS),
        np.array([one[9] for one in rows], np.int64),
    )  # fmt: skip


def _about(row: Case, report: Report, category: str, kind: str | None) -> str:
    """What another report is about: the finer kind where both are known so finely, else by the types' categories.

    Two of which nobody knows what they are about are not of one category.
    """
    if kind in shipped() and report.category in shipped():
        return str(kind)
    return report.category if category == row.category and not is_catch_all(category) else ""


def _seconds(value: str | datetime) -> float:
    read = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
