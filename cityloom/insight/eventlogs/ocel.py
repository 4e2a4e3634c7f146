"""Event logs in OCEL 2.0 (JSON, SQLite): what happened to one type of object, one case an object.

Source: OCEL 2.0 specification, sections 4 (SQLite) and 6 (JSON). An event of several objects of the type is told once
in each of them, and that is said.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cityloom.insight.domain import persons
from cityloom.insight.domain.cleaning import RawEvents
from cityloom.insight.domain.eventlog import UNKNOWN, Codes
from cityloom.insight.domain.findings import Finding
from cityloom.insight.eventlogs import attributes
from cityloom.insight.eventlogs.columns import USUAL, Columns, check_office
from cityloom.insight.eventlogs.instants import instants
from cityloom.insight.eventlogs.limits import check_events
from cityloom.insight.eventlogs.tables import coded, opened, time_findings
from cityloom.kernel.refused import Refused

LARGEST_JSON = 400_000_000
_BROKEN = "The file cannot be read as OCEL 2.0; it lacks {value}. Write it anew, or send it as CSV."
_NO_TYPE = "The log has no objects of type {value}; there are: {limit}."
_LARGE = "An OCEL file in JSON has at most {limit} bytes; write it as SQLite, which is read in parts."
_EMPTY = "No event of the log belongs to an object of type {value}, so there is nothing to review."
_OFFICES = (*USUAL["office"],)
_SECONDS = 120


@dataclass
class _Log:
    """Events by id: name, time, attributes; objects by id: type and attributes; which event belongs to which object."""

    events: dict[str, tuple[str, str, dict[str, str]]] = field(default_factory=dict)
    objects: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    belongs: list[tuple[str, str]] = field(default_factory=list)


def read(path: Path, asked: Columns, object_type: str = "") -> tuple[RawEvents, Columns, str]:
    """The events of one type of object, from which attributes they were read, and the type.

    Raises: Refused `insight.ocel_unreadable`, `insight.ocel_no_type`, `insight.ocel_too_large`, `insight.log_empty`.
    """
    with opened(path) as file:
        is_database = file.read(16).startswith(b"SQLite format 3")
    log = _of_database(path) if is_database else _of_json(path)
    kind = _type_of(log, object_type)
    pairs = [(event, one) for event, one in log.belongs
             if event in log.events and one in log.objects and log.objects[one][0] == kind]  # fmt: skip
    if not pairs:
        raise Refused("insight.log_empty", _EMPTY, value=kind[:80])
    check_events(len(pairs))
    return *_events(log, pairs, asked), kind


def _type_of(log: _Log, asked: str) -> str:
    """The type that is asked for, or `case`, or the one to which the most events belong; a type of people is none."""
    types = {kind for kind, _ in log.objects.values() if not persons.names_persons(kind)}
    if asked:
        if asked not in types:
            raise Refused("insight.ocel_no_type", _NO_TYPE, value=asked[:80], limit=", ".join(sorted(types))[:400])
        return asked
    known = Counter(log.objects[one][0] for _, one in log.belongs if one in log.objects)
    return "case" if "case" in types else max(types, key=lambda kind: (known[kind], kind), default="")


def _events(log: _Log, pairs: list[tuple[str, str]], asked: Columns) -> tuple[RawEvents, Columns]:
    ids = list(dict.fromkeys(one for _, one in pairs))
    place = {one: at for at, one in enumerate(ids)}
    case = np.array([place[one] for _, one in pairs], np.int32)
    told = [log.events[event] for event, _ in pairs]
    activity, activities = _coded(name for name, _, _ in told)
    names = {key for _, _, said in told for key in said}
    office_name = asked.office or next((one for one in _OFFICES if one in names), "")
    office, offices = _coded(said.get(office_name, "") for _, _, said in told)
    check_office(office_name, offices)
    times = instants(pa.array([at for _, at, _ in told], pa.string()), asked.zone, asked.style)
    kept, left_out = {}, []
    for name in dict.fromkeys(key for one in ids for key in log.objects[one][1]):
        if persons.names_persons(name):
            continue
        found = attributes.of_cases(
            pa.array([log.objects[one][1].get(name, "") for one in ids], pa.string()), asked.zone
        )
        kept |= {name: found} if found and len(kept) < attributes.MOST else {}
        left_out += [name] if name not in kept else []
    people = sorted(one for one in names if persons.names_persons(one))
    shared = len(pairs) - len({event for event, _ in pairs})
    noted = (*time_findings([times], len(pairs)), Finding("shared_events", shared, len(pairs)),
             Finding("persons_left_out", len(people), len(names), tuple(people)),
             Finding("attributes_left_out", len(left_out), len(left_out) + len(kept), tuple(left_out)))  # fmt: skip
    raw = RawEvents(case, activity, office, times.at, np.full(len(pairs), UNKNOWN), ids, activities, offices, kept,
                    noted=noted)  # fmt: skip
    return raw, Columns("object", "type", "time", "", office_name, "", asked.zone, times.style)


def _coded(texts: Iterable[str]) -> tuple[Codes, list[str]]:
    return coded(pa.chunked_array([pa.array(list(texts), pa.string())]))


def _of_json(path: Path) -> _Log:
    with opened(path) as file:
        data = file.read(LARGEST_JSON + 1)
    if len(data) > LARGEST_JSON:
        raise Refused("insight.ocel_too_large", _LARGE, limit=f"{LARGEST_JSON:,}")
    try:
        said = json.loads(data)
        log = _Log()
        for one in said["events"]:
            log.events[one["id"]] = (str(one["type"]), str(one["time"]), _values(one.get("attributes", ())))
            log.belongs += [(one["id"], each["objectId"]) for each in one.get("relationships", ())]
        for one in said["objects"]:
            log.objects[one["id"]] = (str(one["type"]), _values(one.get("attributes", ())))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        missing = error.args[0] if isinstance(error, KeyError) else "events"
        raise Refused("insight.ocel_unreadable", _BROKEN, value=str(missing)[:40]) from error
    return log


def _values(said: Iterable[Any]) -> dict[str, str]:
    """The first value of each attribute."""
    found: dict[str, str] = {}
    for one in said:
        found.setdefault(str(one["name"]), str(one["value"]))
    return found


def _of_database(path: Path) -> _Log:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as base:
            base.execute("PRAGMA trusted_schema = OFF")
            base.execute("PRAGMA query_only = ON")
            base.text_factory = lambda raw: raw.decode("utf-8", "replace")
            return _rows(base)
    except sqlite3.Error as error:
        missing = str(error).rpartition(":")[2].strip()
        raise Refused("insight.ocel_unreadable", _BROKEN, value=missing[:60]) from error


def _rows(base: sqlite3.Connection) -> _Log:
    log = _Log()
    log.belongs = list(base.execute("SELECT ocel_event_id, ocel_object_id FROM event_object"))
    check_events(len(log.belongs))
    for kind, rows in _of_types(base, "event"):
        for row in rows:
            log.events[row["ocel_id"]] = (kind, str(row.get("ocel_time", "")), _others(row))
    for kind, rows in _of_types(base, "object"):
        for row in rows:
            log.objects.setdefault(row["ocel_id"], (kind, _others(row)))
    return log


def _of_types(base: sqlite3.Connection, what: str) -> Iterable[tuple[str, Iterable[dict[str, Any]]]]:
    """The rows of each type, from the table that the log's own map names."""
    tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for kind, short in base.execute(f"SELECT ocel_type, ocel_type_map FROM {what}_map_type").fetchall():  # noqa: S608
        name = f"{what}_{short}"
        if name in tables:
            quoted = name.replace('"', '""')
            cursor = base.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a table that is there, quoted
            names = [one[0] for one in cursor.description]
            yield kind, (dict(zip(names, row, strict=True)) for row in cursor)


def _others(row: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items() if not name.startswith("ocel_") and value not in (None, "")}
