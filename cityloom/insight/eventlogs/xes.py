"""Event logs in XES (IEEE 1849): no document type, no entities, and nobody who is named in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cityloom.insight.domain.cleaning import RawEvents
from cityloom.insight.domain.eventlog import NONE, UNKNOWN, CaseAttribute
from cityloom.insight.domain.findings import Finding
from cityloom.insight.eventlogs import attributes
from cityloom.insight.eventlogs.columns import Columns, check_office
from cityloom.insight.eventlogs.tables import time_findings
from cityloom.insight.eventlogs.xes_flat import NotFlat, read_flat
from cityloom.insight.eventlogs.xes_gathered import Gathered
from cityloom.insight.eventlogs.xes_walk import walk
from cityloom.kernel.refused import Refused

_NO_EVENTS = "The file has no event in a trace, so there is nothing to review."


def read(path: Path, asked: Columns) -> tuple[RawEvents, Columns]:
    """The events of a log, and from which attributes they were read.

    Raises: Refused `insight.xes_unreadable`, `insight.xes_doctype`, `insight.log_empty`, `insight.office_is_person`.
    """
    check_office(asked.office, ())
    try:
        read_flat(path, gathered := Gathered(asked))
    except NotFlat:
        walk(path, gathered := Gathered(asked))
    if not gathered.case:
        raise Refused("insight.log_empty", _NO_EVENTS)
    return _events(gathered, asked)


def _events(said: Gathered, asked: Columns) -> tuple[RawEvents, Columns]:
    case = np.frombuffer(said.case, np.int32).copy()
    name = next((name for name, texts in said.offices.items() if texts.labels), "")
    office = said.offices[name] if name else None
    check_office(name, office.labels if office else [])
    at, begun = said.at.times, said.started_at.times
    known, left_out = _attributes(said, asked.zone)
    people = sorted(key for key, is_one in said.people.items() if is_one)
    transition = said.transition.column
    transition = np.where(transition == NONE, len(said.transition.labels), transition).astype(np.int32)
    noted = (*time_findings([at, *([begun] if (begun.at != UNKNOWN).any() else [])], len(case)),
             Finding("persons_left_out", len(people), len(said.people), tuple(people)),
             Finding("attributes_left_out", len(left_out), len(left_out) + len(known), tuple(left_out)))  # fmt: skip
    raw = RawEvents(case, said.activity.column, office.column if office else np.full(len(case), NONE, np.int32), at.at,
                    begun.at, said.case_ids, said.activity.labels, office.labels if office else [], known, transition,
                    [*said.transition.labels, ""], noted)  # fmt: skip
    return raw, Columns(said.case_name, *said.names[:2], "", name, said.names[2], asked.zone, at.style)


def _attributes(said: Gathered, zone: str) -> tuple[dict[str, CaseAttribute], list[str]]:
    kept, left_out = {}, []
    for name in sorted(said.said):
        found = attributes.of_cases(said.attribute(name), zone)
        if found is None or len(kept) >= attributes.MOST:
            left_out.append(name)
        else:
            kept[name] = found
    return kept, left_out
