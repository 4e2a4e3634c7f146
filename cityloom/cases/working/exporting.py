"""Event logs as files: OCEL 2.0 as JSON or SQLite, XES; a file is there whole, or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from cityloom.cases.domain import eventlog
from cityloom.cases.domain.eventlog import Told
from cityloom.cases.listing import telling

FORMATS = {".json": "ocel-json", ".sqlite": "ocel-sqlite", ".xes": "xes"}


def write(path: Path, form: str, told: Iterable[Told]) -> int:
    """Write a log beside its place and put it there when it is whole; return how many cases it has."""
    making = path.with_name(f".{path.name}.part")
    making.unlink(missing_ok=True)
    try:
        count = _WRITERS[form](making, told)
        making.replace(path)
    finally:
        making.unlink(missing_ok=True)
    return count


def _ocel_json(path: Path, told: Iterable[Told]) -> int:
    count, kinds, known = 0, set(), set()
    events = path.with_name(f"{path.name}.events")
    try:
        with path.open("w", encoding="utf-8") as stream, events.open("w+", encoding="utf-8") as aside:
            stream.write('{"objects":[')
            for count, one in enumerate(told, 1):
                fresh = [each for each in eventlog.ocel_objects(one) if each["id"] not in known]
                known |= {each["id"] for each in fresh if each["type"] != "case"}
                kinds |= {each["type"] for each in fresh}
                _append(stream, fresh, is_first=count == 1)
                _append(aside, [eventlog.ocel_event(one, each) for each in one.history], is_first=count == 1)
            stream.write('],"events":[')
            aside.seek(0)
            while part := aside.read(1 << 20):
                stream.write(part)
            types = eventlog.ocel_types(telling.activities(), sorted(kinds - {"case", "unit"}))
            stream.write("]," + json.dumps(types, ensure_ascii=False)[1:] + "\n")
    finally:
        events.unlink(missing_ok=True)
    return count


def _append(stream: TextIO, rows: Iterable[dict[str, Any]], *, is_first: bool) -> None:
    for at, row in enumerate(rows):
        stream.write(("" if is_first and at == 0 else ",\n") + json.dumps(row, ensure_ascii=False))


def _xes(path: Path, told: Iterable[Told]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        stream.write(eventlog.XES_HEAD)
        for one in told:
            stream.writelines(eventlog.xes_trace(one))
            count += 1
        stream.write(eventlog.XES_TAIL)
    return count


_TABLES = """
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT);
CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT,
                           PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier));
CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT,
                            PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier));
"""


def _ocel_sqlite(path: Path, told: Iterable[Told]) -> int:
    link, count = sqlite3.connect(path), 0
    try:
        link.executescript(_TABLES)
        log = _Tables(link)
        for one in told:
            log.take(one)
            count += 1
        link.commit()
    finally:
        link.close()
    return count


class _Tables:
    """The tables of an OCEL 2.0 database: one for each type, made when its first row comes."""

    def __init__(self, link: sqlite3.Connection) -> None:
        self._link = link
        self._made: dict[tuple[str, str], str] = {}

    def take(self, told: Told) -> None:
        for each in eventlog.ocel_objects(told):
            self._object(each)
        for happened in told.history:
            self._event(eventlog.ocel_event(told, happened))

    def _object(self, row: dict[str, Any]) -> None:
        self._put("INSERT OR IGNORE INTO object VALUES (?, ?)", row["id"], row["type"])
        values = {each["name"]: each["value"] for each in row["attributes"]}
        at = row["attributes"][0]["time"] if row["attributes"] else "1970-01-01T00:00:00.000Z"
        names = [name for name, _ in eventlog.CASE_COLUMNS] if row["type"] == "case" else []
        table = self._table("object", row["type"], ["ocel_id", "ocel_time", "ocel_changed_field", *names])
        self._row(table, [row["id"], at, None, *(values.get(name) for name in names)])
        for one in row.get("relationships", ()):
            self._put("INSERT OR IGNORE INTO object_object VALUES (?, ?, ?)", row["id"], one["objectId"],
                      one["qualifier"])  # fmt: skip

    def _event(self, row: dict[str, Any]) -> None:
        self._put("INSERT OR IGNORE INTO event VALUES (?, ?)", row["id"], row["type"])
        values = {each["name"]: each["value"] for each in row["attributes"]}
        names = [name for name, _ in eventlog.EVENT_COLUMNS]
        table = self._table("event", row["type"], ["ocel_id", "ocel_time", *names])
        self._row(table, [row["id"], row["time"], *(values.get(name) for name in names)])
        for one in row["relationships"]:
            self._put("INSERT OR IGNORE INTO event_object VALUES (?, ?, ?)", row["id"], one["objectId"],
                      one["qualifier"])  # fmt: skip

    def _table(self, what: str, kind: str, columns: list[str]) -> str:
        """The table of a type; its name is put together of letters and digits alone."""
        if (what, kind) not in self._made:
            short = "".join(part.capitalize() for part in "".join(c if c.isalnum() else " " for c in kind).split())
            self._made[what, kind] = f"{what}_{short}"
            self._put(f"INSERT INTO {what}_map_type VALUES (?, ?)", kind, short)  # noqa: S608 - event or object
            declared = ", ".join(f'"{name}" {"PRIMARY KEY" if name == "ocel_id" else ""}' for name in columns)
            self._link.execute(f'CREATE TABLE "{what}_{short}" ({declared})')
        return self._made[what, kind]

    def _row(self, table: str, values: list[Any]) -> None:
        marks = ", ".join("?" * len(values))
        self._put(f'INSERT OR IGNORE INTO "{table}" VALUES ({marks})', *values)  # noqa: S608 - a name of our own making

    def _put(self, statement: str, *values: Any) -> None:
        self._link.execute(statement, values)


_WRITERS = {"ocel-json": _ocel_json, "ocel-sqlite": _ocel_sqlite, "xes": _xes}
