"""Event logs in XES (IEEE 1849), read as a stream: no document type, no entities, and nobody who is named in them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from cityloom.insight.domain import persons
from cityloom.insight.domain.cleaning import RawEvents
from cityloom.insight.domain.eventlog import NONE, UNKNOWN, Codes
from cityloom.insight.domain.findings import Finding
from cityloom.insight.eventlogs import attributes
from cityloom.insight.eventlogs.columns import Columns, check_office
from cityloom.insight.eventlogs.instants import Times, instants
from cityloom.insight.eventlogs.limits import check_events
from cityloom.insight.eventlogs.tables import _MISSING, opened, time_findings
from cityloom.kernel.refused import Refused

_BLOCK = 1 << 20
_FLUSH = 200_000
_DEEPEST = 12
_BROKEN = "The file cannot be read as XES; it goes wrong at line {value}. Write it anew, or send it as CSV."
_DOCTYPE = "The file has a document type, which is not read; take its DOCTYPE away."
_NO_EVENTS = "The file has no event in a trace, so there is nothing to review."
_OFFICES = ("org:group", "org:role", "department", "unit", "workgroup")
_STARTS = ("start_timestamp", "time:start")


class _Texts:
    """A column of texts as codes, while it is read."""

    def __init__(self) -> None:
        self.codes, self.known = array("i"), dict.fromkeys(_MISSING, NONE)
        self.labels: list[str] = []

    def add(self, text: str) -> None:
        code = self.known.get(text)
        if code is None:
            code = self.known[text] = len(self.labels)
            self.labels.append(text)
        self.codes.append(code)

    @property
    def column(self) -> Codes:
        return np.frombuffer(self.codes, np.int32).copy() if self.codes else np.zeros(0, np.int32)


class _Instants:
    """A column of times, read by the ten thousand, so that texts do not pile up."""

    def __init__(self, zone: str, style: str) -> None:
        self.zone, self.style, self.waiting, self.read = zone, style, [], []  # type: ignore[var-annotated]

    def add(self, text: str) -> None:
        self.waiting.append(text)
        if len(self.waiting) >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        found = instants(pa.array(self.waiting, pa.string()), self.zone, self.style)
        self.style = self.style or (found.style if (found.at != UNKNOWN).any() else "")
        self.read.append(found)
        self.waiting = []

    @property
    def times(self) -> Times:
        self.flush()
        offsets = {offset for one in self.read for offset in one.offsets}
        return Times(np.concatenate([one.at for one in self.read]), self.style,
                     sum(one.unreadable for one in self.read), sum(one.without_zone for one in self.read),
                     tuple(sorted(offsets)))  # fmt: skip


class _Walk:
    """What the parser tells, element by element; attributes lie as name, value, name, value."""

    def __init__(self, asked: Columns) -> None:
        self.names = (asked.activity or "concept:name", asked.time or "time:timestamp",
                      asked.transition or "lifecycle:transition")  # fmt: skip
        self.activity, self.transition = _Texts(), _Texts()
        self.at, self.started_at = (_Instants(asked.zone, asked.style) for _ in range(2))
        self.starts = (asked.start,) if asked.start else _STARTS
        self.offices = {name: _Texts() for name in ((asked.office,) if asked.office else _OFFICES)}
        self.case, self.case_ids = array("i"), []  # type: ignore[var-annotated]
        self.traces: list[dict[str, str]] = []
        self.people: dict[str, bool] = {}
        self.case_name = asked.case or "concept:name"
        self.depth, self.event, self.trace = 0, None, None  # type: ignore[var-annotated]
        self.wanted = {*self.names, *self.starts, *self.offices}

    def start(self, name: str, said: list[str]) -> None:
        self.depth += 1
        if self.depth == 4:
            if self.event is not None and len(said) == 4:
                key, value = (said[1], said[3]) if said[0] == "key" else (said[3], said[1])
                if key in self.wanted:
                    self.event[key] = value
                elif key not in self.people:
                    self.people[key] = persons.names_persons(key)
        elif self.depth == 3 and self.trace is not None:
            if name.endswith("event"):
                self.event = {}
            elif len(said) == 4:
                key, value = (said[1], said[3]) if said[0] == "key" else (said[3], said[1])
                self.trace[key] = value
        elif self.depth == 2 and name.endswith("trace"):
            self.trace = {}
            self.first = len(self.case)
        elif self.depth > _DEEPEST:
            raise _TooDeep

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.depth == 2 and self.event is not None:
            self._take(self.event)
            self.event = None
        elif self.depth == 1 and self.trace is not None:
            self._take_trace(self.trace)
            self.trace = None

    def _take(self, event: dict[str, str]) -> None:
        get = event.get
        self.case.append(len(self.case_ids))
        self.activity.add(get(self.names[0], ""))
        self.at.add(get(self.names[1], ""))
        self.transition.add(get(self.names[2], ""))
        self.started_at.add(next((event[one] for one in self.starts if one in event), ""))
        for name, texts in self.offices.items():
            texts.add(get(name, ""))

    def _take_trace(self, trace: dict[str, str]) -> None:
        check_events(len(self.case))
        if self.first == len(self.case):
            return
        self.case_ids.append(trace.pop(self.case_name, "") or f"#{len(self.case_ids) + 1}")
        self.people |= {key: persons.names_persons(key) for key in trace if key not in self.people}
        self.traces.append({key: value for key, value in trace.items() if not self.people[key]})


class _TooDeep(Exception):  # noqa: N818 - raised and caught here
    pass


def read(path: Path, asked: Columns) -> tuple[RawEvents, Columns]:
    """The events of a log, and from which attributes they were read.

    Raises: Refused `insight.xes_unreadable`, `insight.xes_doctype`, `insight.log_empty`, `insight.office_is_person`.
    """
    check_office(asked.office, ())
    walk = _Walk(asked)
    _parse(path, walk)
    if not walk.case:
        raise Refused("insight.log_empty", _NO_EVENTS)
    return _events(walk, asked)


def _parse(path: Path, walk: _Walk) -> None:
    parser = expat.ParserCreate(namespace_separator=None)
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = walk.start, walk.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with opened(path) as file:
            for block in _blocks(file):
                parser.Parse(block, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, _TooDeep, EOFError, OSError) as error:
        raise Refused("insight.xes_unreadable", _BROKEN, value=parser.CurrentLineNumber) from error


def _blocks(file: object) -> Iterator[bytes]:
    while block := file.read(_BLOCK):  # type: ignore[attr-defined]
        yield block


def _refuse_doctype(*_: object) -> None:
    raise Refused("insight.xes_doctype", _DOCTYPE)


def _events(walk: _Walk, asked: Columns) -> tuple[RawEvents, Columns]:
    case = np.frombuffer(walk.case, np.int32).copy()
    office_name = next((name for name, texts in walk.offices.items() if texts.labels), "")
    office = walk.offices[office_name] if office_name else None
    check_office(office_name, office.labels if office else [])
    at, begun = walk.at.times, walk.started_at.times
    known, left_out = _attributes(walk, asked.zone)
    people = sorted(key for key, is_one in walk.people.items() if is_one)
    transition = np.where(walk.transition.column == NONE, len(walk.transition.labels), walk.transition.column)
    noted = [*time_findings([at, *([begun] if (begun.at != UNKNOWN).any() else [])], len(case)),
             Finding("persons_left_out", len(people), len(walk.people), tuple(people)),
             Finding("attributes_left_out", len(left_out), len(left_out) + len(known), tuple(left_out))]  # fmt: skip
    raw = RawEvents(case, walk.activity.column, office.column if office else np.full(len(case), NONE, np.int32), at.at,
                    begun.at, walk.case_ids, walk.activity.labels, office.labels if office else [], known,
                    transition.astype(np.int32), [*walk.transition.labels, ""], tuple(noted))  # fmt: skip
    from_where = Columns(
        walk.case_name, walk.names[0], walk.names[1], "", office_name, walk.names[2], asked.zone, at.style
    )
    return raw, from_where


def _attributes(walk: _Walk, zone: str) -> tuple[dict[str, attributes.CaseAttribute], list[str]]:
    names = dict.fromkeys(key for trace in walk.traces for key in trace)
    kept, left_out = {}, []
    for name in names:
        found = attributes.of_cases(pa.array([one.get(name, "") for one in walk.traces], pa.string()), zone)
        if found is None or len(kept) >= attributes.MOST:
            left_out.append(name)
        else:
            kept[name] = found
    return kept, left_out
