"""The city's own history of cases as a log, read from what the lake has of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.insight.domain.cleaning import RawEvents
from cityloom.insight.domain.eventlog import UNKNOWN, CaseAttribute
from cityloom.insight.domain.limits import NEVER
from cityloom.insight.eventlogs import attributes
from cityloom.insight.eventlogs.limits import check_events
from cityloom.insight.eventlogs.tables import coded
from cityloom.kernel.refused import Refused
from cityloom.lake import catalogue, engines
from cityloom.lake.domain.dataset import Span

DATASET = "case_history"
OPENED = "opened"
GIVEN = ("given", "offered", "taken-over")
_STEPS = ("CaseOpened", "CaseMoved", "CaseGiven")
_COLUMNS = ("key", "at", "kind", "step", "unit", "how", "what", "category", "origin", "clock")
_NO_CASES = "The history has no case of type {value} in that time; `cityloom cases types` lists the types."


@dataclass(frozen=True)
class History:
    """Events of the city's cases, and by case when its limit passed (`NEVER` where it did not)."""

    raw: RawEvents
    due: np.ndarray


def read(root: Path, casetype: str, since: date | None = None, until: date | None = None) -> History:
    """The cases of a type of which something happened in that time.

    Raises: Refused `insight.no_cases`, `lake.no_dataset`, `insight.too_many_events`.
    """
    span = Span(since.isoformat() if since else "", until.isoformat() if until else "")
    facts = engines.OnDuckDB().table(catalogue.table(root, DATASET), span)
    rows = facts.filter(facts.casetype == casetype).select(*_COLUMNS).order_by("at", "key").to_pyarrow()
    check_events(rows.num_rows)
    steps = rows.filter(pc.is_in(rows["kind"], pa.array(_STEPS)))
    if not steps.num_rows:
        raise Refused("insight.no_cases", _NO_CASES, value=casetype[:80])
    return _history(rows, steps)


def _history(rows: pa.Table, steps: pa.Table) -> History:
    case, ids = coded(steps["key"])
    named = pc.if_else(pc.equal(steps["kind"], "CaseMoved"), steps["step"],
                       pc.if_else(pc.equal(steps["kind"], "CaseOpened"), OPENED, steps["how"]))  # fmt: skip
    activity, activities = coded(_chunked(named))
    office, offices = coded(_chunked(steps["unit"]))
    at = _micros(steps["at"])
    known = {name: found for name in ("category", "origin") if (found := _first(steps, name, case, len(ids)))}
    place = {one: code for code, one in enumerate(ids)}
    raw = RawEvents(case, activity, office, at, np.full(len(at), UNKNOWN), ids, activities, offices, known)
    return History(raw, _due(rows, place))


def _first(steps: pa.Table, name: str, case: Any, cases: int) -> CaseAttribute | None:
    """What the opening of each case says."""
    found = np.full(cases, "", object)
    opened = pc.equal(steps["kind"], "CaseOpened").to_numpy(zero_copy_only=False)
    found[case[opened]] = pc.fill_null(steps[name], "").to_numpy(zero_copy_only=False)[opened]
    return attributes.of_cases(pa.array(list(found), pa.string()), "UTC")


def _due(rows: pa.Table, place: dict[str, int]) -> np.ndarray:
    due = np.full(len(place), NEVER)
    over = rows.filter(pc.and_(pc.equal(rows["kind"], "CaseClockRang"), pc.equal(rows["what"], "overdue")))
    for key, at in zip(over["key"].to_pylist(), _micros(over["at"]).tolist(), strict=True):
        if key in place:
            due[place[key]] = min(due[place[key]], at)
    return due


def _chunked(column: Any) -> pa.ChunkedArray:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _micros(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
