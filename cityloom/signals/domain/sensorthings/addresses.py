"""Read the address of a resource: `Things(1)/Datastreams(2)/Observations/$ref`.

Source: OGC 18-088, 9.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import BY_NAME, Entity, Relation

_SEGMENT = re.compile(r"([A-Za-z]+)(?:\((-?\d{1,18}|'-?\d{1,18}(?:-\d{1,18})?')\))?")
_MOST_SEGMENTS = 12


@dataclass(frozen=True)
class Step:
    """From where one stands over a relation (None at the beginning), perhaps to one entity of the set."""

    relation: Relation | None
    entity: Entity
    id: int | str | None
    """A text of an observation in columns: its stream and its instant."""


@dataclass(frozen=True)
class Address:
    """The way to a resource, then the property or what lies inside it; whether its value alone, or links, are meant."""

    steps: tuple[Step, ...]
    inside: tuple[str, ...] = ()
    is_value: bool = False
    is_ref: bool = False

    @property
    def entity(self) -> Entity:
        return self.steps[-1].entity

    @property
    def is_set(self) -> bool:
        """Whether several entities lie there."""
        last = self.steps[-1]
        return not self.inside and last.id is None and (last.relation is None or last.relation.many)


def read(path: str) -> Address:
    """The address in a path below the root. Raises: Refused `signals.no_resource`."""
    segments = [part for part in path.split("/") if part]
    if not segments or len(segments) > _MOST_SEGMENTS:
        raise nowhere(path)
    is_ref, is_value = segments[-1] == "$ref", segments[-1] == "$value"
    steps, rest = _steps(segments[:-1] if is_ref or is_value else segments, path)
    address = Address(tuple(steps), tuple(rest), is_value, is_ref)
    if not steps or (is_value and not rest) or (is_ref and rest):
        raise nowhere(path)
    if rest and (_stands_on_a_set(steps) or (not address.entity.property_named(rest[0]) and rest != ["@iot.id"])):
        raise nowhere(path)
    return address


def nowhere(path: str) -> Refused:
    """That there is nothing at an address."""
    return Refused("signals.no_resource", "There is nothing at {value}; begin with one of the sets that the root of the"
                   " service lists.", value=path[:80])  # fmt: skip


def _steps(segments: list[str], path: str) -> tuple[list[Step], list[str]]:
    steps: list[Step] = []
    for at, segment in enumerate(segments):
        found = _SEGMENT.fullmatch(segment)
        step = _step(steps, found[1], found[2]) if found else None
        if step is None:
            if not steps:
                raise nowhere(path)
            return steps, segments[at:]
        steps.append(step)
    return steps, []


def _step(steps: list[Step], name: str, key: str | None) -> Step | None:
    """The step that a segment means; None where it is a property or nothing."""
    id_ = _key(key) if key else None
    if not steps:
        return Step(None, BY_NAME[name], id_) if name in BY_NAME else None
    relation = steps[-1].entity.relation_named(name)
    if relation is None or _stands_on_a_set(steps) or (id_ is not None and not relation.many):
        return None
    return Step(relation, _target(relation), id_)


def _key(text: str) -> int | str:
    plain = text.strip("'")
    return plain if "-" in plain[1:] else int(plain)


def _target(relation: Relation) -> Entity:
    return next(entity for entity in BY_NAME.values() if entity.title == relation.target)


def _stands_on_a_set(steps: list[Step]) -> bool:
    last = steps[-1]
    return last.id is None and (last.relation is None or last.relation.many)
