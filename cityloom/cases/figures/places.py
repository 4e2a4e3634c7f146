"""How many cases were opened by place, category and day: places are cells of the map, and nobody is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from cityloom.cases.domain.clocks import calendars
from cityloom.cases.figures.reading import COUNTED_NEVER, table_of
from cityloom.kernel.cells import parents_of

_COLUMNS = 4
MOST_DAYS = 1_100


@dataclass(frozen=True, eq=False)
class PlaceCounts:
    """`counts` of shape (categories, cells, days); `units` says how many cases of each category which unit had.

    `is_off` marks weekdays on which the city does not work. Left out are drills, made-up, withdrawn and joined cases
    (several reports of one matter count once), restricted and secret ones, and those without a place.
    """

    casetype: str
    categories: list[str]
    cells: NDArray[np.int64]
    days: list[date]
    is_off: NDArray[np.bool_]
    counts: NDArray[np.int32]
    units: Mapping[str, Mapping[str, int]]


def counts_by_place(casetype: str, since: date, until: date, resolution: int) -> PlaceCounts:
    """The cases of a type that were opened on the days [since, until), by cells of a resolution of H3."""
    days = [since + timedelta(one) for one in range(min((until - since).days, MOST_DAYS))]
    starts = [_midnight(one) for one in (*days, since + timedelta(len(days)))]
    words: dict[int, dict[str, int]] = {0: {}, 1: {}}
    span = [connection.ops.adapt_datetimefield_value(at) for at in (starts[0], starts[-1])]
    rows = table_of(
        "SELECT c.category, c.unit, c.cell, {opened} FROM cases_case AS c WHERE c.casetype = %s AND c.opened_at >= %s"
        " AND c.opened_at < %s AND c.exercise_id = '' AND NOT c.made_up AND c.matter = c.id AND c.cell IS NOT NULL"
        " AND c.confidentiality IN ('open', 'internal') AND c.result NOT IN (%s, %s, %s)",
        [casetype, *span, *COUNTED_NEVER], words, _COLUMNS, instants={3: "opened"},
    )  # fmt: skip
    cells, place = np.unique(parents_of(rows[:, 2], resolution), return_inverse=True)
    day = np.searchsorted([int(at.timestamp()) for at in starts], rows[:, 3], side="right") - 1
    shape = (len(words[0]), len(cells), len(days))
    inside = (day >= 0) & (day < len(days))
    flat = np.ravel_multi_index((rows[inside, 0], place[inside], day[inside]), shape) if inside.any() else day[:0]
    counts = np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape).astype(np.int32)
    return PlaceCounts(casetype, list(words[0]), cells, days, _days_off(days), counts, _by_unit(rows, words))


def _by_unit(rows: NDArray[np.int64], words: Mapping[int, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    units = list(words[1])
    return {
        name: {units[at]: int(many) for at, many in enumerate(np.bincount(rows[rows[:, 0] == code, 1])) if many}
        for name, code in words[0].items()
    }


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(day.isoformat()))


def _days_off(days: list[date]) -> NDArray[np.bool_]:
    calendar = calendars.named(settings.CITYLOOM_CALENDAR)
    return np.array([bool(calendar.hours[one.weekday()]) and not calendar.spans(one) for one in days], bool)
