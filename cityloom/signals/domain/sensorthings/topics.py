"""Topics on which subscribers are told what was made or changed.

Source: OGC 18-088, clause 14.2: a set, an entity, one of its properties, or a set with `$select`, each by any way that
leads there. Where a broker stands between, nobody sees who subscribes to what; so the topics that are told are named
before, with `*` for any id and for any property.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import addresses
from cityloom.signals.domain.sensorthings.addresses import Step
from cityloom.signals.domain.sensorthings.entities import ENTITIES, Entity, Relation

VERSION = "v1.1"
ANY = 0
"""In place of an id; ids begin at 1."""
_SELECT = "$select="
_ID = re.compile(r"\(\d{1,18}\)")

Parents = Callable[[Relation, Entity, Entity, int | str], list[int]]
"""From a relation, its source, its target and an id there: the ids of the sources."""


@dataclass(frozen=True)
class Template:
    """A form of topics; `inside` is a property, `*` for each that changed, or empty where the entity itself is told."""

    text: str
    steps: tuple[Step, ...]
    inside: str = ""
    select: tuple[str, ...] = ()

    @property
    def entity(self) -> Entity:
        return self.steps[-1].entity

    @property
    def is_set(self) -> bool:
        """Whether new entities are told there, too."""
        last = self.steps[-1]
        return not self.inside and last.id is None and (last.relation is None or last.relation.many)


def read(text: str) -> Template:
    """The form of topics in a text such as `v1.1/Datastreams(*)/Observations?$select=result`.

    Raises: Refused `signals.sta_topic`.
    """
    path, _, query = text.partition("?")
    version, _, below = path.partition("/")
    if version != VERSION or (query and not query.startswith(_SELECT)):
        raise _wrong(text)
    every = below.endswith("/*")
    try:
        address = addresses.read(below.removesuffix("/*").replace("(*)", f"({ANY})"))
    except Refused:
        raise _wrong(text) from None
    name = "*" if every else "/".join(address.inside)
    select = tuple(query.removeprefix(_SELECT).split(",")) if query else ()
    found = Template(text, address.steps, name, select)
    _check(found, text, has_more=address.is_ref or address.is_value or len(address.inside) > 1 or (every and bool(
        address.inside)))  # fmt: skip
    return found


def usual() -> tuple[Template, ...]:
    """The topics of the standard's examples: each set, each set of an entity, each entity, each of its properties."""
    texts = [f"{VERSION}/{one.name}" for one in ENTITIES]
    texts += [f"{VERSION}/{one.name}(*)/{tie.name}" for one in ENTITIES for tie in one.relations if tie.many]
    texts += [f"{VERSION}/{one.name}(*)" for one in ENTITIES] + [f"{VERSION}/{one.name}(*)/*" for one in ENTITIES]
    return tuple(map(read, texts))


def asked_for(filter_: str) -> list[Template]:
    """The forms of topics, for any id, that a subscription asks for; none where it asks for nothing of ours."""
    if {"+", "#"} & set(filter_.split("/")):
        return [one for one in usual() if _fits(filter_.split("/"), one.text.split("/"))]
    try:
        return [read(_ID.sub("(*)", filter_))]
    except Refused:
        return []


def _fits(wanted: list[str], levels: list[str]) -> bool:
    """Whether topics of a form come to a subscription with wildcards."""
    if not wanted or wanted[0] == "#":
        return bool(wanted) or not levels
    if not levels:
        return False
    named = levels[0] == "*" and wanted[0][:1].islower()  # a property; relations begin with a capital
    same = wanted[0] == "+" or named or _ID.sub("(*)", wanted[0]) == levels[0]
    return same and _fits(wanted[1:], levels[1:])


def topics(template: Template, key: int | str, names: Iterable[str], parents: Parents) -> list[tuple[str, str]]:
    """The topics of a form on which a change is told, each with the property that is told there or none.

    `names` are the properties that changed; none where the entity is new.
    """
    changed = list(names)
    if not template.is_set and not changed:
        return []
    told = [one for one in changed if template.inside in (one, "*")] if template.inside else [""]
    if not told:
        return []
    query = f"?{_SELECT}{','.join(template.select)}" if template.select else ""
    return [
        (f"{VERSION}/{way}{'/' if name else ''}{name}{query}", name)
        for way in _ways(template.steps, key, parents) for name in told
    ]  # fmt: skip


def _ways(steps: tuple[Step, ...], key: int | str, parents: Parents) -> list[str]:
    """The paths that lead to an entity over such steps."""
    last = steps[-1]
    if last.id is not None and last.id not in (ANY, key):
        return []
    name = last.relation.name if last.relation else last.entity.name
    own = name if last.id is None else f"{name}({key})" if isinstance(key, int) else f"{name}('{key}')"
    if last.relation is None or len(steps) == 1:
        return [own]
    above = parents(last.relation, steps[-2].entity, last.entity, key)
    return [f"{way}/{own}" for one in above for way in _ways(steps[:-1], one, parents)]


def _check(found: Template, text: str, *, has_more: bool) -> None:
    last = found.steps[-1]
    one = last.id is not None or (last.relation is not None and not last.relation.many)
    known = {name.name for name in found.entity.properties} | {name.name for name in found.entity.relations}
    if has_more or (found.inside and not one) or not set(found.select) <= known | {"@iot.id", "@iot.selfLink"}:
        raise _wrong(text)
    if found.select and found.inside:
        raise _wrong(text)


def _wrong(text: str) -> Refused:
    return Refused("signals.sta_topic", "{value} is no topic on which changes can be told; write it as in {limit}.",
                   value=text[:100], limit=f"{VERSION}/Datastreams(*)/Observations")  # fmt: skip


