"""Create, change and delete entities, with all that hangs on them, in the caller's transaction.

Source: OGC 18-088, clause 10.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Max, Model

from cityloom.kernel.refused import Refused
from cityloom.signals import models
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.domain.sensorthings import checking, patching
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity, Relation
from cityloom.signals.policies import Writer, check_can_create
from cityloom.signals.sensorthings import deleting, numbering, observing
from cityloom.signals.sensorthings.changes import Changes
from cityloom.signals.sensorthings.reading import Budget, Wanted, exists, source_of
from cityloom.signals.sensorthings.rows import KEY

MODELS: dict[str, type[Model]] = {title: getattr(models, title) for title in BY_TITLE}
DEEPEST = 6
MOST_AT_ONCE = 10_000
_EMPTY = {"description": "", "observation_type": models.MEASUREMENT}


@dataclass
class Writing:
    """One request's writing: whose it is, when, how much it may still make, and which observations it made."""

    by: Writer
    at: datetime
    left: int = MOST_AT_ONCE
    observed: observing.Observed = field(default_factory=observing.Observed)
    changes: Changes = field(default_factory=Changes)
    is_part: bool = False

    def part(self) -> Writing:
        """The writing of one request of a batch: what was looked up already is known to it."""
        return Writing(self.by, self.at, observed=self.observed, changes=Changes(self.changes), is_part=True)

    def take_back(self, announced: int) -> None:
        """Forget what a request that failed has looked up, and what it would have announced after the first ones."""
        self.observed = observing.Observed(announced=self.observed.announced[:announced])

    def finish(self) -> None:
        """Announce what sensors of the city have said, and note for subscribers what was made or changed."""
        if not self.is_part:
            self.observed.announce(self.at)
        self.changes.finish()


def create(work: Writing, entity: Entity, payload: object, given: dict[str, int], depth: int = 0) -> int:
    """Make an entity and what lies inlined in it; `given` are relations that are known already. Return its id.

    Raises: Refused for what is missing, unknown or not as it should be; nothing is made then.
    """
    _count(work, depth)
    properties, related = checking.split(entity, payload)
    keys = {name: key for name, key in given.items() if not _relation(entity, name).many}
    for name, value in related.items():
        relation = _relation(entity, name)
        if not relation.many and name not in keys:
            keys[name] = _one(work, relation, value, depth)
    _check_complete(entity, keys)
    check_can_create(work.by, entity.title, _thing_of(work.by, keys))
    if entity.title == "Observation":
        key = observing.add(work.observed, properties, keys, work.at)
        work.changes.made(entity, [key])
        return key
    row = MODELS[entity.title](**checking.columns(entity, properties, whole=True), **_columns(entity, keys))
    row.pk = numbering.chosen(work.by, entity, payload) if isinstance(payload, dict) else None
    row.save(force_insert=True)
    if work.by.chooses_ids:
        numbering.count_on(entity, row.pk)
    work.changes.made(entity, [row.pk])
    linked = {name: [key] for name, key in given.items() if _relation(entity, name).many}
    _add_many(work, entity, row.pk, related, linked, depth)
    return int(row.pk)


def change(work: Writing, entity: Entity, key: int, payload: object, *, whole: bool) -> None:
    """Change the properties that are given (or, `whole`, all), and tie the entity to others by their ids.

    Raises: Refused `signals.no_entity`, `.sta_inline` and those of `create`.
    """
    _check_there(entity, key)
    deleting.check_ours(entity, key)
    properties, related = checking.split(entity, payload)
    if not whole and {"location", "feature"} & properties.keys():  # how a place is judged depends on its encoding
        properties = {"encodingType": _encoding(entity, key)} | properties
    fields = checking.columns(entity, properties, whole=whole)
    for name, value in related.items():
        relation = _relation(entity, name)
        keys = [_reference(relation, one) for one in (value if relation.many and isinstance(value, list) else [value])]
        if relation.many:
            _tie(work, entity, relation, key, keys)
        else:
            fields[relation.column] = keys[0]
    if "location" in fields:
        fields["feature"] = None  # what was observed at the old place stays there
    fields = {name: _EMPTY[name] if value is None and name in _EMPTY else value for name, value in fields.items()}
    if fields:
        MODELS[entity.title].objects.filter(pk=key).update(**fields)  # type: ignore[attr-defined]
        work.changes.changed(entity, key, properties or related)


def patch(work: Writing, entity: Entity, key: int, operations: object) -> None:
    """Apply a JSON Patch to an entity's properties. Raises: Refused `signals.sta_patch` and those of `change`."""
    _check_there(entity, key)
    found = source_of(entity).page(Wanted(entity, None, [key], top=1), Budget(private_too=True))[0]
    written = {one.name for one in entity.properties if one.is_written}
    document = {name: value for name, value in found.items() if name in written and value is not None}
    change(work, entity, key, patching.patched(document, operations), whole=True)


def remove(work: Writing, entity: Entity, key: int) -> None:
    """Delete an entity and what cannot be without it. Raises: Refused `signals.no_entity`, `.not_allowed`."""
    _check_there(entity, key)
    deleting.check_ours(entity, key)
    deleting.DELETES[entity.title]([key])


def no_entity(entity: Entity, key: object) -> Refused:
    """That there is no such entity."""
    return Refused("signals.no_entity", "There is no {value}; it may have been deleted.",
                   value=f"{entity.title} {key}"[:60])  # fmt: skip


def _count(work: Writing, depth: int) -> None:
    work.left -= 1
    if work.left < 0 or depth > DEEPEST:
        raise Refused("signals.sta_too_deep", "One request may make at most {value} entities, inlined at most {limit}"
                      " deep; send several.", value=MOST_AT_ONCE, limit=DEEPEST)  # fmt: skip


def _relation(entity: Entity, name: str) -> Relation:
    found = entity.relation_named(name)
    if found is None:
        raise LookupError(name)
    return found


def _one(work: Writing, relation: Relation, value: object, depth: int) -> int:
    """The id of the entity on a relation's single side: one that is there, or one that is made."""
    if isinstance(value, dict) and set(value) != {KEY}:
        return create(work, BY_TITLE[relation.target], value, {}, depth + 1)
    return _reference(relation, value)


def _reference(relation: Relation, value: object) -> int:
    """The id in `{"@iot.id": 1}`, of an entity that there is."""
    target = BY_TITLE[relation.target]
    if not isinstance(value, dict) or set(value) != {KEY}:
        raise Refused("signals.sta_inline", "{value} has to be named by its id here, as in {\"@iot.id\": 1}.",
                      value=relation.name)  # fmt: skip
    key = value[KEY]
    if type(key) is not int or not 0 < key < 2**63 or not exists(target, key):
        raise Refused("signals.sta_reference", "There is no {value} to refer to; make it first.",
                      value=f"{target.title} {key}"[:60])  # fmt: skip
    return key


def _check_complete(entity: Entity, keys: dict[str, int]) -> None:
    for relation in entity.relations:
        if relation.required and relation.name not in keys:
            raise checking.missing(entity, relation.name)


def _columns(entity: Entity, keys: dict[str, int]) -> dict[str, int]:
    return {_relation(entity, name).column: key for name, key in keys.items()}


def _thing_of(by: Writer, keys: dict[str, int]) -> int | None:
    """The thing that an observation's datastream is mounted on; looked up only where the writer is bound to one."""
    if by.thing_id is None or "Datastream" not in keys:
        return None
    return models.Datastream.objects.filter(pk=keys["Datastream"]).values_list("thing_id", flat=True).first()


def _add_many(
    work: Writing, entity: Entity, key: int, related: dict[str, Any], linked: dict[str, list[int]], depth: int
) -> None:
    """Tie or make what an entity has many of: places first, since observations further in need them."""
    ordered = sorted((one for one in entity.relations if one.many), key=lambda one: one.through is None)
    for relation in ordered:
        value = related.get(relation.name, [])
        if not isinstance(value, list):
            raise Refused("signals.sta_body", "A list is expected for {value}.", value=relation.name)
        keys = list(linked.get(relation.name, []))
        for one in value:
            if isinstance(one, dict) and set(one) == {KEY}:
                keys.append(_reference(relation, one))
            elif relation.through:
                keys.append(create(work, BY_TITLE[relation.target], one, {}, depth + 1))
            else:
                create(work, BY_TITLE[relation.target], one, {relation.inverse: key}, depth + 1)
        if keys:
            _tie(work, entity, relation, key, keys)


def _tie(work: Writing, entity: Entity, relation: Relation, key: int, keys: list[int]) -> None:
    """Tie an entity to others that there are, as the standard says what follows from it."""
    if entity.title == "Thing" and relation.name == "Locations":
        move(work, key, keys)
    elif entity.title == "Location" and relation.name == "Things":
        for thing in keys:
            move(work, thing, [key])
    elif entity.title == "HistoricalLocation":
        past = models.HistoricalLocation.objects.get(pk=key)
        past.locations.set(keys)
        _note_newest(past, keys)
    elif relation.through:
        models.Location.objects.get(pk=key).historicallocation_set.add(*keys)
    else:
        target = BY_TITLE[relation.target]
        for one in keys:
            deleting.check_ours(target, one)
        MODELS[target.title].objects.filter(pk__in=keys).update(**{relation.back: key})  # type: ignore[attr-defined]


def move(work: Writing, thing: int, locations: list[int]) -> None:
    """Say where a thing is from now on, and keep where it was."""
    deleting.check_ours(BY_TITLE["Thing"], thing)
    models.Thing.objects.get(pk=thing).locations.set(locations)
    past = models.HistoricalLocation.objects.create(thing_id=thing, time_us=microseconds(work.at))
    past.locations.set(locations)
    work.changes.made(BY_TITLE["HistoricalLocation"], [past.pk])


def _note_newest(past: models.HistoricalLocation, locations: list[int]) -> None:
    """A note of a place that is newer than all others says where the thing is now."""
    newest = models.HistoricalLocation.objects.filter(thing_id=past.thing_id).aggregate(last=Max("time_us"))["last"]
    if past.time_us == newest:
        past.thing.locations.set(locations)


def _check_there(entity: Entity, key: int) -> None:
    if not exists(entity, key):
        raise no_entity(entity, key)


def _encoding(entity: Entity, key: int) -> str:
    model = MODELS[entity.title]
    return str(model.objects.filter(pk=key).values_list("encoding_type", flat=True).get())  # type: ignore[attr-defined]
