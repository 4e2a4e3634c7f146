"""Change the properties of many entities at once: each is judged alone, and few statements reach the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import checking
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity
from cityloom.signals.sensorthings import deleting
from cityloom.signals.sensorthings.changes import Changes, documents
from cityloom.signals.sensorthings.terms import is_postgresql, listed
from cityloom.signals.sensorthings.writing import no_entity

_PLAIN = frozenset({"text", "object", "json", "unit"})
_TITLES = frozenset({"Thing", "Location", "Datastream", "Sensor", "ObservedProperty", "FeatureOfInterest"})

Place = tuple[str, int]


@dataclass(frozen=True)
class Update:
    """New values for some properties of an entity."""

    entity: Entity
    key: int
    payload: dict[str, Any]

    @property
    def is_plain(self) -> bool:
        """Whether each value lies in a column of its own and nothing else follows from it."""
        return self.entity.title in _TITLES and all(_is_plain(self.entity, name) for name in self.payload)


def update(changes: Changes, updates: Sequence[Update]) -> list[Refused | None]:
    """Make plain updates, in their order; for each None, or why it was not made."""
    before, ours = _before(changes, updates)
    columns: dict[Place, dict[str, Any]] = {}
    outcomes: list[Refused | None] = []
    for one in updates:
        try:
            fields, values = _judged(one, before, ours)
        except Refused as refusal:
            outcomes.append(refusal)
            continue
        place = (one.entity.title, one.key)
        columns.setdefault(place, {}).update(fields)
        before[place] = before[place] | values
        if values:
            changes.changed(one.entity, one.key, values, before[place])
        outcomes.append(None)
    _write(columns)
    return outcomes


def _is_plain(entity: Entity, name: str) -> bool:
    found = entity.property_named(name)
    return found.kind in _PLAIN if found else entity.relation_named(name) is None


def _before(changes: Changes, updates: Iterable[Update]) -> tuple[dict[Place, dict[str, Any]], set[Place]]:
    """How the entities are, as far as anybody wants to know it, and which of them the city has installed."""
    keys: dict[str, set[int]] = {}
    for one in updates:
        keys.setdefault(one.entity.title, set()).add(one.key)
    before: dict[Place, dict[str, Any]] = {}
    ours: set[Place] = set()
    for title, some in sorted(keys.items()):
        entity = BY_TITLE[title]
        there = _held(entity, sorted(some))
        found = documents(entity, there) if changes.wants(entity) else {key: {} for key in there}
        before |= {(title, key): document for key, document in found.items()}
        ours |= {(title, key) for key in deleting.installed(entity, there)}
    return before, ours


def _held(entity: Entity, keys: list[int]) -> list[int]:
    """Those that there are; nobody else changes them before we are done (SQLite has one writer anyway)."""
    term = listed("t0.id", keys)
    hold = " ORDER BY t0.id FOR UPDATE" if is_postgresql() else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT t0.id FROM {entity.table} t0 WHERE {term.sql}{hold}", term.parameters)  # noqa: S608 - names of ours
        return [row[0] for row in cursor.fetchall()]


def _judged(
    one: Update, before: dict[Place, dict[str, Any]], ours: set[Place]
) -> tuple[dict[str, Any], dict[str, Any]]:  # fmt: skip
    """The columns and the properties that an update sets."""
    place = (one.entity.title, one.key)
    if place not in before:
        raise no_entity(one.entity, one.key)
    if place in ours:
        raise deleting.not_ours_to_change(one.entity, one.key)
    properties, _ = checking.split(one.entity, one.payload)
    return checking.columns(one.entity, properties, whole=False), properties


def _write(columns: dict[Place, dict[str, Any]]) -> None:
    """One statement for all entities of a type of which the same columns change."""
    alike: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for (title, key), fields in sorted(columns.items(), key=lambda item: item[0]):
        if fields:
            alike.setdefault((title, tuple(fields)), []).append((*fields.values(), key))
    with connection.cursor() as cursor:
        for (title, names), rows in alike.items():
            sets = ", ".join(f"{name} = %s" for name in names)
            cursor.executemany(f"UPDATE {BY_TITLE[title].table} SET {sets} WHERE id = %s", rows)  # noqa: S608 - names of ours
