"""Find entities: one door for all types; behind it observations lie in a table and in columns.

A request is bounded as a whole: in how many entities it may return and in how many queries it may cause.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol

from django.db import connection

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import Entity, Relation
from cityloom.signals.domain.sensorthings.expressions import Node, Order
from cityloom.signals.readings import deadline
from cityloom.signals.sensorthings import counting, past, rows
from cityloom.signals.sensorthings.compiling import condition, ordering
from cityloom.signals.sensorthings.scopes import Scope, visible, within
from cityloom.signals.sensorthings.terms import Term, listed

MOST_ENTITIES = 50_000
MOST_QUERIES = 5_000
_FIGURES = (("SUM(t0.result)", {"sum", "average"}), ("MIN(t0.result)", {"min"}), ("MAX(t0.result)", {"max"}))


@dataclass(frozen=True)
class Within:
    """The entities on the other side of a relation of one entity."""

    relation: Relation
    source: Entity
    id: int


@dataclass(frozen=True)
class Wanted:
    """Which entities of a type: within what, by which ids, by which filter, in which order, and which part of them."""

    entity: Entity
    within: Within | None = None
    ids: Sequence[int | str] | None = None
    filter: Node | None = None
    order: tuple[Order, ...] = ()
    skip: int = 0
    top: int = 100
    columns: rows.Columns = field(default_factory=rows.Columns)


@dataclass
class Budget:
    """What a request may still cost, whether it may see what is not public, and what was known at which instant."""

    private_too: bool = False
    known_us: int | None = None
    entities: int = MOST_ENTITIES
    queries: int = MOST_QUERIES

    @property
    def prefix(self) -> str:
        """What stands before each SELECT."""
        return past.prefix(self.known_us)

    def spend(self, entities: int) -> None:
        """Raises: Refused `signals.sta_too_much`, `signals.sta_slow`."""
        deadline.check()
        self.entities -= entities
        self.queries -= 1
        if self.entities < 0 or self.queries < 0:
            raise Refused("signals.sta_too_much", "The answer would hold more than {limit} entities; ask with a smaller"
                          " $top or with less in $expand.", limit=MOST_ENTITIES)  # fmt: skip


class Source(Protocol):
    """Where entities of a type can be had."""

    def page(self, wanted: Wanted, budget: Budget) -> list[dict[str, Any]]:
        """One part of them, with one more than asked for where there are more."""
        ...

    def count(self, wanted: Wanted, budget: Budget) -> int:
        """How many there are, whatever part was asked for."""
        ...


class Tables:
    """The tables of the city's database; `prefix` stands before each SELECT."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def page(self, wanted: Wanted, budget: Budget) -> list[dict[str, Any]]:
        found, read = self.rows(wanted, budget)
        budget.spend(min(len(found), wanted.top))
        return [read(row) for row in found]

    def rows(self, wanted: Wanted, budget: Budget, also: str = "") -> tuple[list[tuple[Any, ...]], rows.Read]:
        """The rows of a page, and what makes a dictionary of one; `also` are columns behind those."""
        budget.spend(0)
        selected, read = wanted.columns.of(wanted.entity, private_too=budget.private_too)
        tables, where, parameters, scope = filtered(wanted, budget)
        order, order_parameters = _ordered(wanted, scope)
        prefix, joined = self._prefix or budget.prefix, " ".join([*tables, *scope.joins])
        sql = (
            f"{prefix}SELECT {selected}{also} FROM {joined} WHERE {where}"  # noqa: S608 - names of ours
            f" ORDER BY {order} LIMIT %s OFFSET %s"
        )
        return fetched(sql, [*parameters, *order_parameters, wanted.top + 1, wanted.skip]), read

    def numbers(self, wanted: Wanted, budget: Budget, most: int) -> list[tuple[Any, ...]]:
        """Stream, instant, number and id of the observations whose result is a number; one more than `most` at most."""
        budget.spend(0)
        sql, parameters = self._of_numbers(wanted, budget)
        return fetched(f"{sql[0]}t0.datastream_id, t0.phenomenon_us, t0.result, t0.id{sql[1]} LIMIT %s",
                       [*parameters, most + 1])  # fmt: skip

    def reach(self, wanted: Wanted, budget: Budget) -> tuple[int, int] | None:
        """The first and the last instant of the observations whose result is a number."""
        budget.spend(0)
        sql, parameters = self._of_numbers(wanted, budget)
        ends = [fetched(f"{sql[0]}{end}(t0.phenomenon_us){sql[1]}", parameters)[0][0] for end in ("MIN", "MAX")]
        return None if ends[0] is None else (ends[0], ends[1])

    def sums(
        self, wanted: Wanted, budget: Budget, edges: Sequence[int], methods: Collection[str]
    ) -> list[tuple[Any, ...]]:  # fmt: skip
        """What numbers come to between edges: the first instant, how many, sum, least, greatest; none where none are.

        What none of `methods` asks for is not worked out, and is 0.

        One walk along the index for each: sorting them into groups costs more than adding them up.
        """
        budget.spend(0)
        sql, parameters = self._of_numbers(wanted, budget)
        figures = ", ".join(one if how & set(methods) else "0" for one, how in _FIGURES)
        asked = f"{sql[0]}COUNT(*), {figures}{sql[1]} AND t0.phenomenon_us >= %s AND t0.phenomenon_us < %s"
        found = []
        for pair in pairwise(edges):
            deadline.check()
            found.append(fetched(asked, [*parameters, *pair])[0])
        return [(begin, *row) for begin, row in zip(edges, found, strict=False) if row[0]]

    def _of_numbers(self, wanted: Wanted, budget: Budget) -> tuple[tuple[str, str], list[Any]]:
        """A question about observations whose result is a number: what stands before and behind what is selected."""
        tables, where, parameters, scope = filtered(wanted, budget)
        from_ = f" FROM {' '.join([*tables, *scope.joins])} WHERE {where} AND t0.result IS NOT NULL"
        return (f"{self._prefix or budget.prefix}SELECT ", from_), parameters

    def count(self, wanted: Wanted, budget: Budget) -> int:
        budget.spend(0)
        if not self._prefix and budget.known_us is None and _is_counted(wanted):
            return _counted(wanted, budget)
        tables, where, parameters, scope = filtered(wanted, budget)
        sql = f"{self._prefix or budget.prefix}SELECT COUNT(*) FROM {' '.join([*tables, *scope.joins])} WHERE {where}"  # noqa: S608 - names of ours
        return int(fetched(sql, parameters)[0][0])


TABLES = Tables()


def source_of(entity: Entity) -> Source:
    """Where entities of a type are had."""
    from cityloom.signals.sensorthings import around, united  # they stand on this module

    return united.OBSERVATIONS if entity.title == "Observation" else around.OTHERS


def _is_counted(wanted: Wanted) -> bool:
    """Whether the database has counted them already: all observations, or those of a datastream."""
    whole = wanted.within is None or wanted.within.source.title == "Datastream"
    asks = wanted.filter is not None or wanted.ids is not None
    return wanted.entity.title == "Observation" and whole and not asks


def _counted(wanted: Wanted, budget: Budget) -> int:
    return counting.counted(None if wanted.within is None else wanted.within.id, private_too=budget.private_too)


def exists(entity: Entity, key: int, inside: Within | None = None) -> bool:
    """Whether there is an entity with that id, and within that relation if one is given."""
    sql, parameters = f"SELECT 1 FROM {entity.table} t0 WHERE t0.id = %s", [key]  # noqa: S608 - names of ours
    if inside is not None:
        term = within(inside.relation, inside.source, "t0", inside.id)
        sql, parameters = f"{sql} AND {term.sql}", [key, *term.parameters]
    return bool(fetched(sql, parameters))


def filtered(wanted: Wanted, budget: Budget) -> tuple[list[str], str, list[Any], Scope]:
    """Tables, condition, parameters and the scope whose joins the order may add to."""
    scope = Scope(wanted.entity, private_too=budget.private_too, prefix=budget.prefix)
    terms = list(_bounds(wanted))
    tables = [f"{wanted.entity.table} t0"]
    if wanted.filter is not None:
        term = condition(wanted.filter, scope)
        if scope.is_many:  # joins to many would show a root several times
            joins = " ".join([*tables, *scope.joins])
            term = Term("bool", f"t0.id IN (SELECT t0.id FROM {joins} WHERE {term.sql})", term.parameters)  # noqa: S608 - names of ours
            scope = Scope(wanted.entity, private_too=budget.private_too, prefix=budget.prefix)
        terms.append(term)
    if shown := visible(wanted.entity, "t0", private_too=budget.private_too):
        terms.append(Term("bool", shown))
    where = " AND ".join(term.sql for term in terms) or "1 = 1"
    return tables, where, [one for term in terms for one in term.parameters], scope


def _bounds(wanted: Wanted) -> list[Term]:
    terms = []
    if wanted.within is not None:
        terms.append(within(wanted.within.relation, wanted.within.source, "t0", wanted.within.id))
    if wanted.ids is not None:
        terms.append(listed("t0.id", [one for one in wanted.ids if isinstance(one, int)]))
    return terms


def _ordered(wanted: Wanted, scope: Scope) -> tuple[str, tuple[Any, ...]]:
    """The order asked for, then by id; the observations of a stream come by their time, as its index has them."""
    if wanted.order:
        sql, parameters = ordering(wanted.order, scope)
        return f"{sql}, t0.id", parameters
    inside = wanted.within
    if inside is not None and inside.relation.name == "Observations" and inside.source.title == "Datastream":
        return "t0.phenomenon_us, t0.id", ()
    return "t0.id", ()


def fetched(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
