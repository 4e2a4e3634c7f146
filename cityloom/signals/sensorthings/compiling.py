"""Turn the tree of an expression into parameterised SQL."""

from __future__ import annotations

from typing import Any

import numpy as np
from django.db import connection

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.domain.sensorthings import shapes
from cityloom.signals.domain.sensorthings.entities import BY_TITLE
from cityloom.signals.domain.sensorthings.expressions import Call, Literal, Node, Order, Path
from cityloom.signals.sensorthings import functions
from cityloom.signals.sensorthings.scopes import Scope, term_of
from cityloom.signals.sensorthings.terms import (
    Term,
    as_bool,
    as_moment,
    as_number,
    as_string,
    is_postgresql,
    joined,
    listed,
    unfit,
    value,
)

_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_TURNED = {"eq": "eq", "ne": "ne", "gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_MOMENTS = {
    "eq": "({0} = {2} AND {1} = {3})", "ne": "NOT COALESCE({0} = {2} AND {1} = {3}, 1 = 0)", "gt": "({0} > {3})",
    "ge": "({0} >= {2})", "lt": "({0} < {2} AND {1} < {2})", "le": "({0} <= {3} AND {1} <= {3})",
}  # fmt: skip
"""By beginnings {0}, {2} and ends {1}, {3}; where one condition would do, the other lets an index be used."""
_MOST_SHAPES = 200_000


def condition(node: Node, scope: Scope) -> Term:
    """The condition of a `$filter`. Raises: Refused `signals.sta_type`, `.sta_unknown_*`."""
    return as_bool(_term(node, scope))


def ordering(parts: tuple[Order, ...], scope: Scope) -> tuple[str, tuple[Any, ...]]:
    """The SQL of an `$orderby`, nulls last, without its ORDER BY."""
    pieces, parameters = [], ()
    for part in parts:
        for term in _sortable(_term(part.by, scope)):
            pieces.append(f"{term.sql} {'DESC' if part.descending else 'ASC'} NULLS LAST")
            parameters += term.parameters
    if scope.is_many:
        raise Refused("signals.sta_order_many", "$orderby cannot follow a relation to many; sort by what there is one"
                      " of.")  # fmt: skip
    return ", ".join(pieces), parameters


def _sortable(term: Term) -> list[Term]:
    if term.kind == "place":
        raise unfit("number")
    if term.kind == "result":
        return [Term("number", term.sql), Term("string", term.end)]
    if term.kind == "json":
        return [as_number(term), as_string(term)]
    return [term]


def _term(node: Node, scope: Scope) -> Term:
    if isinstance(node, Literal):
        return _literal(node)
    if isinstance(node, Path):
        return _path(node, scope)
    if node.name in _SIGNS:
        return _comparison(node, scope)
    return _OPERATORS.get(node.name, _function)(node, scope)


def _logical(node: Call, scope: Scope) -> Term:
    terms = [as_bool(_term(one, scope)) for one in node.arguments]
    sql = f" {node.name.upper()} ".join(term.sql for term in terms)
    return Term("bool", f"({sql})", tuple(one for term in terms for one in term.parameters))


def _not(node: Call, scope: Scope) -> Term:
    """What cannot be told is false, so that its contrary is true. Source: OData 4.01 URL conventions, 5.1.1."""
    return joined("bool", "(NOT COALESCE({0}, 1 = 0))", as_bool(_term(node.arguments[0], scope)))


def _negative(node: Call, scope: Scope) -> Term:
    return joined("number", "(-{0})", as_number(_term(node.arguments[0], scope)))


def _arithmetic(node: Call, scope: Scope) -> Term:
    return functions.arithmetic(node.name, *(_term(one, scope) for one in node.arguments))


def _literal(node: Literal) -> Term:
    if node.kind == "interval":
        start, end = node.value  # type: ignore[misc]
        return Term("moment", "%s", (start,), "%s", (end,))
    if node.kind == "place":
        raise unfit("number, text or time")
    return Term("null", "NULL") if node.kind == "null" else value(node.kind, node.value)


def _path(node: Path, scope: Scope) -> Term:
    alias, entity, rest = scope.follow(node.steps)
    if rest == ("@iot.id",):
        return Term("number", f"{alias}.id")
    found = entity.property_named(rest[0]) if rest else None
    term = term_of(entity, found, alias, rest[1:], private_too=scope.private_too) if found else None
    if term is None:
        raise unknown("/".join(node.steps))
    return term


def unknown(name: str) -> Refused:
    """That an entity has no such property."""
    return Refused("signals.sta_unknown_property", "There is no property {value} there; see the table of entities"
                   " in the reference.", value=name[:60])  # fmt: skip


def _comparison(node: Call, scope: Scope) -> Term:
    left, right = node.arguments
    for measure, other, word in ((left, right, node.name), (right, left, _TURNED[node.name])):
        if isinstance(measure, Call) and measure.name in shapes.MEASURES:
            if not isinstance(other, Literal) or other.kind != "number":
                raise Refused("signals.sta_measure", "A distance or length can be compared with a number only.")
            return _measure(measure, word, other.value, scope)
    found = compared(node.name, _term(left, scope), _term(right, scope))
    many = [alias for one in (left, right) if (alias := _of_many(one, scope))]
    if node.name != "ne" or not many:
        return found
    there = " AND ".join(f"{alias}.id IS NOT NULL" for alias in many)  # of nothing, nothing is unequal
    return joined("bool", f"({there} AND {{0}})", found)


def _of_many(node: Node, scope: Scope) -> str:
    """The alias at the end of a path over a relation to many; empty where it is none."""
    if not isinstance(node, Path):
        return ""
    entity, many = scope.root, False
    for step in node.steps:
        relation = entity.relation_named(step)
        if relation is None:
            break
        many |= relation.many
        entity = BY_TITLE[relation.target]
    return scope.follow(node.steps)[0] if many else ""


def compared(name: str, left: Term, right: Term) -> Term:
    """A comparison of two terms of kinds that go together; `ne` is true where one side has no value.

    Source: OData 4.01 URL conventions, 5.1.1.1.2.
    """
    kinds = {left.kind, right.kind}
    if "null" in kinds:
        return _with_null(name, left if right.kind == "null" else right)
    if kinds & {"instant", "moment"}:
        first, second = as_moment(left), as_moment(right)
        ends = (Term("instant", one.end, one.end_parameters) for one in (first, second))
        begins = (Term("instant", one.sql, one.parameters) for one in (first, second))
        return joined("bool", _MOMENTS[name], *(one for pair in zip(begins, ends, strict=True) for one in pair))
    as_ = _common(kinds)
    sign = _SIGNS[name] if name != "ne" else "IS DISTINCT FROM" if is_postgresql() else "IS NOT"
    return joined("bool", f"({{0}} {sign} {{1}})", as_(left), as_(right))


def _common(kinds: set[str]) -> Any:
    """What turns both sides into the same kind."""
    if len(kinds) == 1 and kinds & {"day", "clock", "duration"}:
        return lambda term: term
    loose = kinds - {"json", "result"}
    if loose <= {"number"}:
        return as_number
    if loose == {"string"}:
        return as_string
    if loose == {"bool"}:
        return as_bool
    raise unfit("value")


def _with_null(name: str, term: Term) -> Term:
    if name not in ("eq", "ne"):
        return Term("bool", "(1 = 0)")
    is_ = "IS NULL" if name == "eq" else "IS NOT NULL"
    if term.kind in ("json", "result") and (term.path or term.kind == "result"):
        every = [as_number(term), as_string(term), as_bool(term)]
        glue = " AND " if name == "eq" else " OR "
        return joined("bool", "(" + glue.join(f"{{{at}}} {is_}" for at in range(3)) + ")", *every)
    return joined("bool", f"({{0}} {is_})", term)


def _function(node: Call, scope: Scope) -> Term:
    if node.name in shapes.RELATIONS or node.name == "st_relate":
        return _related(node, scope)
    if node.name == "now" and not node.arguments:
        return value("instant", microseconds(clock.now()))
    least, most, build = functions.FUNCTIONS.get(node.name, (0, -1, None))
    if build is None or not least <= len(node.arguments) <= most:
        raise Refused("signals.sta_unknown_function", "There is no function {value} with so many arguments; see the"
                      " list of functions in the reference.", value=node.name[:40])  # fmt: skip
    return build(*(_term(one, scope) for one in node.arguments))


def _measure(node: Call, word: str, number: object, scope: Scope) -> Term:
    wanted = 1 if node.name == "geo.length" else 2
    return _shaped(
        node, wanted, scope, lambda *given: shapes.compared(word, shapes.measured(node.name, *given), number)
    )


def _related(node: Call, scope: Scope) -> Term:
    if node.name != "st_relate":
        return _shaped(node, 2, scope, lambda first, second: shapes.related(node.name, first, second))
    pattern = node.arguments[2] if len(node.arguments) == 3 else None
    if not isinstance(pattern, Literal) or pattern.kind != "string":
        raise unfit("text")
    without = Call(node.name, node.arguments[:2])
    return _shaped(without, 2, scope, lambda first, second: shapes.matches(first, second, str(pattern.value)))


def _shaped(node: Call, wanted: int, scope: Scope, question: Any) -> Term:
    """Ask of all places at once, exactly, and let SQL know which said yes: no database needs an extension for it."""
    if len(node.arguments) != wanted:
        raise unfit("shape")
    given = [shapes.literal(one.value) if isinstance(one, Literal) and one.kind == "place" else one
             for one in node.arguments]  # fmt: skip
    paths = [one for one in given if isinstance(one, Path)]
    if len(paths) > 1 or any(isinstance(one, (Call, Literal)) for one in given):
        raise unfit("shape")
    if not paths:
        return Term("bool", "(1 = 1)" if bool(question(*given)) else "(1 = 0)")
    term = _path(paths[0], scope)
    if term.kind != "place":
        raise unfit("shape")
    ids, places = _places(*term.path, scope.prefix)
    answers = np.asarray(question(*(places if isinstance(one, Path) else one for one in given)), dtype=bool)
    return listed(f"{term.sql.partition('.')[0]}.id", ids[answers].tolist())


def _places(title: str, name: str, prefix: str) -> tuple[np.ndarray, shapes.Shapes]:
    """Ids and shapes of all entities of a type."""
    entity = BY_TITLE[title]
    column = entity.property_named(name).column  # type: ignore[union-attr]
    sql = f"{prefix}SELECT id, {column} FROM {entity.table} WHERE {column} IS NOT NULL LIMIT {_MOST_SHAPES + 1}"  # noqa: S608 - names of ours
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows = cursor.fetchall()
    if len(rows) > _MOST_SHAPES:
        raise Refused("signals.sta_shapes", "There are more than {limit} places to look at; filter by another property,"
                      " or follow a relation.", limit=_MOST_SHAPES)  # fmt: skip
    return np.array([row[0] for row in rows], dtype=np.int64), shapes.of_json([row[1] for row in rows])


_OPERATORS = {"and": _logical, "or": _logical, "not": _not, "neg": _negative} | dict.fromkeys(
    ("add", "sub", "mul", "div", "mod"), _arithmetic
)
