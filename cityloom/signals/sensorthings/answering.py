"""Answer what is asked by an address and its options, as the JSON that goes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import addresses
from cityloom.signals.domain.sensorthings.addresses import Address
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity, Relation
from cityloom.signals.domain.sensorthings.options import MOST_A_PAGE, Options
from cityloom.signals.domain.sensorthings.times import text_of
from cityloom.signals.sensorthings import summing
from cityloom.signals.sensorthings.compiling import unknown
from cityloom.signals.sensorthings.reading import Budget, Wanted, Within, exists, source_of
from cityloom.signals.sensorthings.rows import KEY, Columns

SELF, NEXT, COUNT = "@iot.selfLink", "@iot.nextLink", "@iot.count"
_SAFE = "$()/:,'=;.-@*"
_WITH_APPLY = frozenset({"$apply", "timezone", "$top", "$skip", "$as_of"})


@dataclass(frozen=True)
class Place:
    """Where an address has led: a set (perhaps within something) or one entity by id."""

    entity: Entity
    id: int | str | None = None
    within: Within | None = None


def resolve(address: Address, path: str, budget: Budget) -> Place:
    """Go the way of an address. Raises: Refused `signals.no_resource`."""
    place = Place(address.steps[0].entity)
    for step in address.steps:
        inside = Within(step.relation, place.entity, place.id) if step.relation and place.id is not None else None
        if step.id is not None:
            place = _existing(step.entity, step.id, inside, path, budget)
        elif step.relation is not None and not step.relation.many:
            place = Place(step.entity, _other_end(place, step.relation, path, budget))
        else:
            place = Place(step.entity, None, inside)
    return place


def _existing(entity: Entity, key: int | str, inside: Within | None, path: str, budget: Budget) -> Place:
    if entity.title == "Observation" or budget.known_us is not None:  # some are not shown
        wanted = Wanted(entity, inside, [key], top=1, columns=Columns(frozenset()))
        found = bool(source_of(entity).page(wanted, budget))
    else:
        found = exists(entity, key, inside)
    if not found:
        raise addresses.nowhere(path)
    return Place(entity, key)


def _other_end(place: Place, relation: Relation, path: str, budget: Budget) -> int:
    columns = Columns(frozenset(), (relation.name,))
    found = source_of(place.entity).page(Wanted(place.entity, None, [place.id or 0], top=1, columns=columns), budget)
    key = found[0][f">{relation.name}"] if found else None
    if key is None:
        raise addresses.nowhere(path)
    return int(key)


@dataclass(frozen=True)
class Answerer:
    """Makes answers for one request; `root` is the address of the service."""

    root: str
    budget: Budget

    def one(self, entity: Entity, key: int | str, options: Options) -> dict[str, Any] | None:
        """One entity; None where there is none."""
        found = self._entities(Wanted(entity, None, [key], top=1), options)
        return found[0] if found else None

    def set_(self, place: Place, options: Options, path: str) -> dict[str, Any]:
        """A page of a set, with the address of the next one."""
        wanted = Wanted(place.entity, place.within, None, options.filter, options.order, options.skip, options.top)
        answer: dict[str, Any] = {}
        if options.count:
            answer[COUNT] = source_of(place.entity).count(wanted, self.budget)
        if options.top == 0:
            return answer | {"value": []}
        found = self._entities(wanted, options)
        if len(found) > options.top:
            answer[NEXT] = f"{self.root}/{path}?{self._next(options)}"
        return answer | {"value": found[: options.top]}

    def sums(self, place: Place, options: Options, path: str) -> dict[str, Any]:
        """A page of sums of observations. Raises: Refused `signals.sta_apply_with`."""
        others = {name.strip() for name, _ in options.pairs} - _WITH_APPLY
        if options.apply is None or place.entity.title != "Observation" or others:
            raise Refused("signals.sta_apply_with", "$apply sums up Observations, and goes with {limit} alone; put a"
                          " condition in front of it, as in filter(result gt 0)/groupby(…).",
                          limit=", ".join(sorted(_WITH_APPLY - {"$apply"})))  # fmt: skip
        wanted = Wanted(place.entity, place.within)
        found = summing.summed(wanted, options.apply, options.zone, self.budget)
        top = options.top if any(name.strip() == "$top" for name, _ in options.pairs) else MOST_A_PAGE
        shown = found[options.skip : options.skip + top]
        is_last = len(found) <= options.skip + top
        more = {} if is_last else {NEXT: f"{self.root}/{path}?{self._next(replace(options, top=top))}"}
        return more | {"value": shown}

    def _next(self, options: Options) -> str:
        """The same question for what comes after, as known at the same instant."""
        is_said = self.budget.known_us is None or any(name.strip() == "$as_of" for name, _ in options.pairs)
        return _next(options) + ("" if is_said else f"&$as_of={text_of(self.budget.known_us or 0)}")

    def refs(self, place: Place, options: Options, path: str) -> dict[str, Any]:
        """Only the links of a set or of one entity."""
        if place.id is not None:
            return {SELF: self.link(place.entity, place.id)}
        bare = replace(options, select=(KEY,), expand={})
        answer = self.set_(place, bare, path)
        return answer | {"value": [{SELF: self.link(place.entity, one[KEY])} for one in answer["value"]]}

    def link(self, entity: Entity, key: int | str) -> str:
        """The address of an entity."""
        return f"{self.root}/{entity.name}({address_of(key)})"

    def _entities(self, wanted: Wanted, options: Options) -> list[dict[str, Any]]:
        columns = _columns(wanted.entity, options)
        found = source_of(wanted.entity).page(replace(wanted, columns=columns), self.budget)
        shown = found[: wanted.top]
        whole = [self.dressed(wanted.entity, one, options) for one in shown]
        for name, inner in options.expand.items():
            self._expand(wanted.entity, name, inner, shown, whole)
        return whole + found[wanted.top :]

    def dressed(self, entity: Entity, row: dict[str, Any], options: Options) -> dict[str, Any]:
        """With links, and with no more than was selected."""
        key, chosen = row[KEY], options.select
        link = self.link(entity, key)
        links = {
            f"{one.name}@iot.navigationLink": f"{link}/{one.name}"
            for one in entity.relations if not chosen or one.name in chosen or one.name in options.expand
        }  # fmt: skip
        absent = {one.name for one in entity.properties if one.absent}
        plain = {
            name: value for name, value in row.items()
            if not name.startswith((">", "@")) and (value is not None or name not in absent)
        }  # fmt: skip
        if chosen and KEY not in chosen:
            return plain | links
        return {SELF: link, KEY: key} | plain | links

    def _expand(
        self, entity: Entity, name: str, options: Options, found: list[dict[str, Any]], whole: list[dict[str, Any]]
    ) -> None:
        relation = entity.relation_named(name)
        if relation is None:
            raise unknown(name)
        target = BY_TITLE[relation.target]
        if not relation.many:
            self._expand_to_one(target, relation, options, found, whole)
            return
        for row, outer in zip(found, whole, strict=True):
            place = Place(target, None, Within(relation, entity, row[KEY]))
            path = f"{entity.name}({address_of(row[KEY])})/{name}"
            inner = self.set_(place, options, path)
            outer[name] = inner["value"]
            outer |= {f"{name}{extra}": inner[extra] for extra in (COUNT, NEXT) if extra in inner}

    def _expand_to_one(
        self, target: Entity, relation: Relation, options: Options, found: list[dict[str, Any]],
        whole: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        keys = sorted({row[f">{relation.name}"] for row in found} - {None})
        seen = replace(options, select=(*options.select, KEY)) if options.select else options
        rows = self._entities(Wanted(target, None, keys, top=len(keys)), seen) if keys else []
        by_key = {row[KEY]: row for row in rows}
        self._spend_on_copies(options, by_key, [row[f">{relation.name}"] for row in found])
        drop = bool(options.select) and KEY not in options.select
        bare = {key: {name: value for name, value in row.items() if not drop or name not in (KEY, SELF)}
                for key, row in by_key.items()}  # fmt: skip
        for row, outer in zip(found, whole, strict=True):
            outer[relation.name] = bare.get(row[f">{relation.name}"])


    def _spend_on_copies(self, options: Options, rows: dict[Any, dict[str, Any]], keys: list[Any]) -> None:
        """What is found once and shown many times is answered many times: there and back again it would multiply."""
        sizes = {key: _entities_in(row, options) for key, row in rows.items()}
        self.budget.spend(sum(sizes.get(key, 0) for key in keys) - sum(sizes.values()))


def _entities_in(row: dict[str, Any], options: Options) -> int:
    """How many entities an answer holds, itself and all that is inlined in it."""
    count = 1
    for name, inner in options.expand.items():
        value = row.get(name)
        for one in value if isinstance(value, list) else [value] if value else []:
            count += _entities_in(one, inner)
    return count


def address_of(key: int | str) -> str:
    """An id as it stands in an address."""
    return str(key) if isinstance(key, int) else f"'{key}'"


def _columns(entity: Entity, options: Options) -> Columns:
    known = {one.name for one in entity.properties} | {one.name for one in entity.relations} | {KEY, SELF}
    for name in options.select:
        if name not in known:
            raise unknown(name)
    keys = [name for name in options.expand if (one := entity.relation_named(name)) and not one.many]
    return Columns(frozenset(options.select) if options.select else None, tuple(keys))


def _next(options: Options) -> str:
    """The same question for what comes after."""
    kept = [f"{name}={quote(value, safe=_SAFE)}" for name, value in options.pairs if name.strip() != "$skip"]
    return "&".join([*kept, f"$skip={options.skip + options.top}"])


def as_arrays(answer: dict[str, Any], root: str, components: Iterable[str]) -> dict[str, Any]:
    """The same page of observations in SensorThings' dataArray form, a list for each datastream."""
    names = list(components)
    by_stream: dict[int, list[list[Any]]] = {}
    for one in answer["value"]:
        by_stream.setdefault(one["Datastream"][KEY], []).append([one.get(name) for name in names])
    lists = [
        {
            "Datastream@iot.navigationLink": f"{root}/Datastreams({stream})",
            "components": ["id" if name == KEY else name for name in names],
            "dataArray@iot.count": len(rows), "dataArray": rows,
        } for stream, rows in by_stream.items()
    ]  # fmt: skip
    return answer | {"value": lists}
