"""Tables that a query stands on: the root, and what its paths lead to, joined once each."""

from __future__ import annotations

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity, Property, Relation
from cityloom.signals.sensorthings.terms import Term

_MOST_JOINS = 20
FEATURE_OF = "COALESCE({0}.feature_id, (SELECT s.feature_id FROM signals_datastream s WHERE s.id = {0}.datastream_id))"
_PRIVATE = "{0}.datastream_id NOT IN (SELECT s.id FROM signals_datastream s WHERE NOT s.is_public)"


def visible(entity: Entity, alias: str, *, private_too: bool) -> str:
    """The condition under which a row is shown at all: drills never are, and streams that are not public to nobody."""
    if entity.title != "Observation":
        return ""
    return f"{alias}.exercise_id = ''" + ("" if private_too else f" AND {_PRIVATE.format(alias)}")


def bound(relation: Relation, source: Entity, here: str, there: str) -> str:
    """The condition that ties the row `there` to the row `here`, for relations without a table between."""
    if source.title == "Observation" and relation.column == "feature_id":
        return f"{there}.id = {FEATURE_OF.format(here)}"
    if source.title == "FeatureOfInterest":
        return f"{here}.id = {FEATURE_OF.format(there)}"
    return f"{there}.id = {here}.{relation.column}" if relation.column else f"{there}.{relation.back} = {here}.id"


def within(relation: Relation, source: Entity, alias: str, key: int) -> Term:
    """The condition that a row is on the other side of a relation of one entity."""
    if relation.through:
        table, own, other = relation.through
        there = f"SELECT x.{other} FROM {table} x WHERE x.{own} = %s"  # noqa: S608 - names of ours
        return Term("bool", f"{alias}.id IN ({there})", (key,))
    if source.title == "FeatureOfInterest":
        of_stream = "SELECT s.id FROM signals_datastream s WHERE s.feature_id = %s"
        return Term(
            "bool",
            f"({alias}.feature_id = %s OR ({alias}.feature_id IS NULL AND {alias}.datastream_id IN ({of_stream})))",
            (key, key),
        )
    return Term("bool", f"{alias}.{relation.back} = %s", (key,))


class Scope:
    """The joins of one query; `is_many` says that a root may come out several times, `prefix` stands before SELECT."""

    def __init__(self, root: Entity, *, private_too: bool, prefix: str = "") -> None:
        self.root = root
        self.private_too = private_too
        self.prefix = prefix
        self.joins: list[str] = []
        self.is_many = False
        self._aliases: dict[tuple[str, ...], str] = {(): "t0"}

    def follow(self, steps: tuple[str, ...]) -> tuple[str, Entity, tuple[str, ...]]:
        """Where a path leads: alias, entity, and the steps that are left there."""
        entity, at = self.root, 0
        while at < len(steps) and (relation := entity.relation_named(steps[at])):
            at += 1
            if steps[:at] not in self._aliases:
                self._join(steps[:at], relation, entity)
            self.is_many |= relation.many
            entity = BY_TITLE[relation.target]
        return self._aliases[steps[:at]], entity, steps[at:]

    def _join(self, steps: tuple[str, ...], relation: Relation, source: Entity) -> None:
        if len(self._aliases) > _MOST_JOINS:
            raise Refused("signals.sta_paths", "The expression follows more than {limit} relations; ask for less at"
                          " once.", limit=_MOST_JOINS)  # fmt: skip
        here, alias, target = self._aliases[steps[:-1]], f"t{len(self._aliases)}", BY_TITLE[relation.target]
        if relation.through:
            table, own, other = relation.through
            between = f"x{len(self._aliases)}"
            self.joins.append(f"LEFT JOIN {table} {between} ON {between}.{own} = {here}.id")
            tie = f"{alias}.id = {between}.{other}"
        else:
            tie = bound(relation, source, here, alias)
        shown = visible(target, alias, private_too=self.private_too)
        self.joins.append(f"LEFT JOIN {target.table} {alias} ON {tie}" + (f" AND {shown}" if shown else ""))
        self._aliases[steps] = alias


def extent(alias: str, name: str, *, private_too: bool) -> tuple[str, str]:
    """SQL of the first and the last instant that a datastream's observations cover, by its indexes alone."""
    rows = f"FROM signals_observation e WHERE e.exercise_id = '' AND e.datastream_id = {alias}.id"
    if name == "resultTime":
        first, last = (f"(SELECT {one}(e.result_time_us) {rows} AND e.result_time_us IS NOT NULL)"
                       for one in ("MIN", "MAX"))  # fmt: skip
    else:
        first = f"(SELECT MIN(e.phenomenon_us) {rows})"
        begun = f"(SELECT MAX(e.phenomenon_us) {rows})"
        ended = f"(SELECT MAX(e.phenomenon_end_us) {rows} AND e.phenomenon_end_us IS NOT NULL)"
        last = f"CASE WHEN {ended} > {begun} THEN {ended} ELSE {begun} END"
    if private_too:
        return first, last
    return tuple(f"CASE WHEN {alias}.is_public THEN {one} END" for one in (first, last))  # type: ignore[return-value]


def term_of(entity: Entity, one: Property, alias: str, rest: tuple[str, ...], *, private_too: bool) -> Term | None:
    """The term of a property; None where it has nothing inside and something is asked for."""
    column = f"{alias}.{one.column}"
    if one.kind in ("object", "json", "unit"):
        return Term("json", column, path=rest)
    if one.kind == "result":
        text = f"{alias}.{one.end}"
        return Term("json", text, path=rest) if rest else Term("result", column, end=text)
    if rest:
        return None
    if one.kind in ("moment", "interval"):
        end = f"{alias}.{one.end}"
        return Term("moment", column, end=f"COALESCE({end}, {column})" if one.kind == "moment" else end)
    if one.kind == "extent":
        first, last = extent(alias, one.name, private_too=private_too)
        return Term("moment", first, end=last)
    kind = "string" if one.kind == "text" else one.kind
    return Term(kind, column, path=(entity.title, one.name))
