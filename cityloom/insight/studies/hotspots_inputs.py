"""What a scan reads: places with coordinates and people, and counts by place, period and category, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _
from numpy.typing import NDArray

from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.kinds import InputSpec
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_PERIODS = 4_000
INPUTS = (
    InputSpec(
        "places", _("Places"), ("place",), {},
        {"name": _("what the place is called"), "lon": _("longitude, in degrees"), "lat": _("latitude, in degrees"),
         "x": _("easting, in metres"), "y": _("northing, in metres"), "population": _("how many people live there")},
        words=frozenset({"place", "name"}),
    ),
    InputSpec(
        "counts", _("Counts by place"), (), {"place": _("the place's code"), "count": _("how many cases")},
        {"period": _("a day as 2026-11-28, or a whole number such as a year or week"),
         "category": _("what kind of case"), "expected": _("how many cases are expected"),
         "controls": _("how many others that are no cases, for the Bernoulli model")},
        words=frozenset({"place", "period", "category"}),
    ),
)  # fmt: skip
_NO_COORDINATES = "The places need columns lon and lat in degrees, or x and y in metres; there are {value}."
_UNPLACED = "{value} has no coordinates that are finite numbers; fill them in, or leave the place and its counts out."
_UNKNOWN_PLACE = "The counts name the place {value}, which is not among the places; add it there, or leave it out."
_COUNT = "A count is a number that is not negative; at {limit} there is {value}. Mend it or leave the row out."
_TWICE = "The counts have {value} more than once; add the rows up."
_MANY = "The counts go over {value} periods, more than {limit}; use longer ones, such as weeks."
_PERIODS = "Periods are all days, as 2026-11-28, or all whole numbers; {value} is neither like the others."
_CATEGORY = "No count is of the category {value}; there are {limit}."
_COLUMN = "This method needs the column {value} in the table {limit}; add it, or choose another method."


@dataclass(frozen=True, eq=False)
class Read:
    """Places with their coordinates, and counts of shape (n, t) with what is expected and the controls, if said."""

    codes: list[str]
    names: list[str]
    xy: Floats
    on_sphere: bool
    population: Floats | None
    periods: list[str]
    counts: Floats
    expected: Floats | None
    controls: Floats | None

    def weekdays(self) -> NDArray[np.int64]:
        """The weekday of each period; 0 for all where they are no days."""
        days = [_day(one) for one in self.periods]
        return np.array([one.weekday() if one else 0 for one in days], np.int64)


def read(inputs: Mapping[str, Table], category: str = "") -> Read:
    """The arrays of both tables; places without a count have 0, and so have days between others.

    Raises: Refused `insight.scan_*`.
    """
    places, counts = inputs["places"], inputs["counts"]
    codes = [str(one) for one in places["place"].tolist()]
    xy, on_sphere = _coordinates(places, codes)
    kept = _of_category(counts, category)
    periods, when = _periods(counts, kept)
    where = _rows(codes, counts, kept)
    names = [str(one) for one in places["name"].tolist()] if "name" in places.columns else codes
    return Read(
        codes, [name or code for name, code in zip(names, codes, strict=True)], xy, on_sphere,
        _population(places, codes), periods, *(_laid_out(counts, name, kept, where, when, (len(codes), len(periods)))
                                               for name in ("count", "expected", "controls")),
    )  # type: ignore[arg-type]  # fmt: skip


def needed(values: Floats | None, column: str, table: str) -> Floats:
    """A column that a method cannot do without. Raises: Refused `insight.scan_column`."""
    if values is None:
        raise Refused("insight.scan_column", _COLUMN, value=column, limit=table)
    return values


def _coordinates(places: Table, codes: list[str]) -> tuple[Floats, bool]:
    pairs = [pair for pair in (("lon", "lat"), ("x", "y")) if all(one in places.columns for one in pair)]
    if not pairs:
        raise Refused("insight.scan_coordinates", _NO_COORDINATES, value=", ".join(places.columns)[:200])
    xy = np.stack([places[one].astype(np.float64) for one in pairs[0]], axis=1)
    lost = np.flatnonzero(~np.isfinite(xy).all(axis=1))
    if len(lost):
        raise Refused("insight.scan_unplaced", _UNPLACED, value=codes[lost[0]][:80])
    return xy, pairs[0][0] == "lon"


def _population(places: Table, codes: list[str]) -> Floats | None:
    if "population" not in places.columns:
        return None
    found = places["population"].astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(found) & (found >= 0)))
    if len(wrong):
        raise Refused("insight.scan_count", _COUNT, value=str(found[wrong[0]]), limit=codes[wrong[0]][:80])
    return found


def _of_category(counts: Table, category: str) -> NDArray[np.int64]:
    if not category or "category" not in counts.columns:
        return np.arange(counts.rows)
    kept = np.flatnonzero(counts["category"] == category)
    if not len(kept):
        known = sorted({str(one) for one in counts["category"].tolist()})
        raise Refused("insight.scan_category", _CATEGORY, value=category[:80], limit=", ".join(known)[:400])
    return kept


def _rows(codes: list[str], counts: Table, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    at = {code: row for row, code in enumerate(codes)}
    said = [str(one) for one in counts["place"][kept].tolist()]
    if unknown := next((one for one in said if one not in at), ""):
        raise Refused("insight.scan_unknown_place", _UNKNOWN_PLACE, value=unknown[:80])
    return np.array([at[one] for one in said], np.int64)


def _periods(counts: Table, kept: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    if "period" not in counts.columns or not len(kept):
        return [""], np.zeros(len(kept), np.int64)
    said = [str(one) for one in counts["period"][kept].tolist()]
    known = sorted(set(said))
    days = [_day(one) for one in known]
    if all(days):
        every = [(days[0] + timedelta(one)).isoformat() for one in range((days[-1] - days[0]).days + 1)]  # type: ignore
    else:
        if strange := next((one for one in known if not one.lstrip("-").isdigit() or len(one) > 9), ""):
            raise Refused("insight.scan_periods", _PERIODS, value=strange[:40])
        first, last = min(map(int, known)), max(map(int, known))
        every = [str(first + one) for one in range(min(last - first, MOST_PERIODS) + 1)]
        said = [str(int(one)) for one in said]
    if len(every) > MOST_PERIODS:
        raise Refused("insight.scan_periods_many", _MANY, value=f"{len(every):,}", limit=f"{MOST_PERIODS:,}")
    at = {one: number for number, one in enumerate(every)}
    return every, np.array([at[one] for one in said], np.int64)


def _laid_out(counts: Table, name: str, kept: NDArray[np.int64], where: NDArray[np.int64], when: NDArray[np.int64],
              shape: tuple[int, int]) -> Floats | None:  # fmt: skip
    """A column as an array by place and period; rows of several categories are added up."""
    if name not in counts.columns:
        return None
    values = counts[name][kept].astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if len(wrong):
        row = int(kept[wrong[0]])
        raise Refused("insight.scan_count", _COUNT, value=str(values[wrong[0]]), limit=str(counts["place"][row])[:80])
    _check_once(counts, kept, where, when, shape)
    return np.bincount(where * shape[1] + when, values, shape[0] * shape[1]).reshape(shape)


def _check_once(counts: Table, kept: NDArray[np.int64], where: NDArray[Any], when: NDArray[Any], shape: tuple[int, int]
                ) -> None:  # fmt: skip
    kinds = np.zeros(len(kept), np.int64)
    if "category" in counts.columns:
        _, kinds = np.unique(counts["category"][kept].astype(str), return_inverse=True)
    codes = (kinds * shape[0] + where) * shape[1] + when
    _, first, times = np.unique(codes, return_index=True, return_counts=True)
    if len(twice := first[times > 1]):
        row = int(kept[twice[0]])
        said = ", ".join(str(counts[one][row]) for one in ("place", "period", "category") if one in counts.columns)
        raise Refused("insight.scan_twice", _TWICE, value=said[:200])


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None
