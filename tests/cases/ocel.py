"""Whether a file is an OCEL 2.0 log, by the words of the standard and by nothing of ours.

Source: A. Berti and others, OCEL (Object-Centric Event Log) 2.0 Specification (2023): its definition, relational form
and JSON form.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema

_TEXT = {"type": "string"}
_TYPES = {"type": "array", "items": {
    "type": "object", "required": ["name", "attributes"],
    "properties": {"name": _TEXT, "attributes": {"type": "array", "items": {
        "type": "object", "required": ["name", "type"], "properties": {"name": _TEXT, "type": _TEXT}}}}}}  # fmt: skip
_RELATIONS = {"type": "array", "items": {
    "type": "object", "required": ["objectId", "qualifier"],
    "properties": {"objectId": _TEXT, "qualifier": _TEXT}}}  # fmt: skip


def _things(*needed: str, timed: tuple[str, ...]) -> dict[str, Any]:
    values = {"type": "object", "required": ["name", "value", *timed], "properties": {"name": _TEXT, "time": _TEXT}}
    fields = {"id": _TEXT, "type": _TEXT, "time": _TEXT, "relationships": _RELATIONS,
              "attributes": {"type": "array", "items": values}}  # fmt: skip
    return {"type": "array", "items": {"type": "object", "required": list(needed), "properties": fields}}


SCHEMA = {
    "type": "object", "required": ["eventTypes", "objectTypes", "events", "objects"],
    "properties": {"eventTypes": _TYPES, "objectTypes": _TYPES, "events": _things("id", "type", "time", timed=()),
                   "objects": _things("id", "type", timed=("time",))},
}  # fmt: skip
_KINDS = {"string": str, "integer": int, "float": (int, float), "boolean": bool, "time": str}
_TABLES = {
    "event": {"ocel_id", "ocel_type"}, "object": {"ocel_id", "ocel_type"},
    "event_map_type": {"ocel_type", "ocel_type_map"}, "object_map_type": {"ocel_type", "ocel_type_map"},
    "event_object": {"ocel_event_id", "ocel_object_id", "ocel_qualifier"},
    "object_object": {"ocel_source_id", "ocel_target_id", "ocel_qualifier"},
}  # fmt: skip


def faults_of_json(log: Any) -> list[str]:
    """What of a JSON log the standard forbids."""
    wrong = [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(log)]
    return wrong or [*_named_twice(log), *_undeclared(log), *_pointing_nowhere(log)]


def _named_twice(log: Any) -> Iterator[str]:
    for part, key in (("eventTypes", "name"), ("objectTypes", "name")):
        names = Counter(one[key] for one in log[part])
        yield from (f"{part}: {name} twice" for name, count in names.items() if count > 1)
    named = Counter(one["id"] for part in ("events", "objects") for one in log[part])
    yield from (f"{name} is no id of one thing" for name, count in named.items() if count > 1)


def _undeclared(log: Any) -> Iterator[str]:
    for part, types in (("events", "eventTypes"), ("objects", "objectTypes")):
        declared = {one["name"]: {each["name"]: each["type"] for each in one["attributes"]} for one in log[types]}
        for one in log[part]:
            if one["type"] not in declared:
                yield f"{one['id']}: no type {one['type']}"
                continue
            yield from (f"{one['id']}: {fault}" for fault in _odd_values(one, declared[one["type"]]))


def _odd_values(one: Any, declared: dict[str, str]) -> Iterator[str]:
    for each in one.get("attributes", []):
        kind = declared.get(each["name"])
        if kind not in _KINDS:
            yield f"{each['name']} is not declared"
        elif not isinstance(each["value"], _KINDS[kind]) or (kind == "time" and not _is_instant(each["value"])):
            yield f"{each['name']} is no {kind}"
    times = [each["time"] for each in (one, *one.get("attributes", [])) if "time" in each]
    yield from (f"{time} is no instant" for time in times if not _is_instant(time))


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _pointing_nowhere(log: Any) -> Iterator[str]:
    objects = {one["id"] for one in log["objects"]}
    for one in (*log["events"], *log["objects"]):
        yield from (f"{one['id']}: no object {each['objectId']}" for each in one.get("relationships", [])
                    if each["objectId"] not in objects)  # fmt: skip


def faults_of_sqlite(path: Path) -> list[str]:
    """What of a relational log the standard forbids."""
    link = sqlite3.connect(path)
    try:
        tables = {name: {row[1] for row in link.execute(f'PRAGMA table_info("{name}")')}
                  for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}  # fmt: skip
        wrong = [f"{name} lacks {columns - tables.get(name, set())}" for name, columns in _TABLES.items()
                 if columns - tables.get(name, set())]  # fmt: skip
        return wrong or [*_rows_without_another(link), *_odd_tables(link, tables)]
    finally:
        link.close()


def _rows_without_another(link: sqlite3.Connection) -> Iterator[str]:
    for table, column, of in (("event_object", "ocel_event_id", "event"), ("event_object", "ocel_object_id", "object"),
                              ("object_object", "ocel_source_id", "object"),
                              ("object_object", "ocel_target_id", "object")):  # fmt: skip
        asked = f"SELECT DISTINCT {column} FROM {table} WHERE {column} NOT IN (SELECT ocel_id FROM {of})"
        yield from (f"{table}: no {of} {key}" for (key,) in link.execute(asked))
    for of in ("event", "object"):
        asked = f"SELECT DISTINCT ocel_type FROM {of} WHERE ocel_type NOT IN (SELECT ocel_type FROM {of}_map_type)"
        yield from (f"{of}: no type {key}" for (key,) in link.execute(asked))
        yield from (f"{of} {key} twice" for (key,) in link.execute(
            f"SELECT ocel_id FROM {of} GROUP BY ocel_id HAVING COUNT(*) > 1"))  # fmt: skip


def _odd_tables(link: sqlite3.Connection, tables: dict[str, set[str]]) -> Iterator[str]:
    """Each type has its table, whose rows are those of the type, each with its time."""
    for of, more in (("event", set()), ("object", {"ocel_changed_field"})):
        for kind, short in link.execute(f"SELECT ocel_type, ocel_type_map FROM {of}_map_type").fetchall():
            name = f"{of}_{short}"
            if lacking := {"ocel_id", "ocel_time", *more} - tables.get(name, set()):
                yield f"{name} lacks {lacking}"
                continue
            ids = {key for (key,) in link.execute(f'SELECT ocel_id FROM "{name}"')}
            meant = {key for (key,) in link.execute(f"SELECT ocel_id FROM {of} WHERE ocel_type = ?", [kind])}
            if ids != meant:
                yield f"{name} has other rows than {of}s of {kind}"
            times = [time for (time,) in link.execute(f'SELECT ocel_time FROM "{name}"')]
            yield from (f"{name}: {time} is no instant" for time in times if not _is_instant(str(time)))
