"""Pieces of SQL with what they stand for, and how each database says the same thing.

Only names from the list of entities become SQL text; all that a client wrote becomes a parameter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.times import DAY_US

LARGEST = 2**63 - 1
LONGEST_SQL = 100_000


@dataclass(frozen=True)
class Term:
    """SQL with its parameters; `kind` is number, string, bool, instant, moment, day, clock, duration, json, result,
    place or null. A moment has an `end`; JSON a `path` inside the column `sql`."""

    kind: str
    sql: str
    parameters: tuple[Any, ...] = ()
    end: str = ""
    end_parameters: tuple[Any, ...] = ()
    path: tuple[str, ...] = ()


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def value(kind: str, what: object) -> Term:
    """A value that a client wrote."""
    if kind == "number" and isinstance(what, int) and abs(what) > LARGEST:
        what = float(what)
    return Term(kind, "%s", (what,))


def listed(sql: str, ids: list[int]) -> Term:
    """Whether a number is one of any number of ids, with one parameter."""
    if is_postgresql():
        return Term("bool", f"{sql} = ANY(%s)", (ids,))
    return Term("bool", f"{sql} IN (SELECT value FROM json_each(%s))", (json.dumps(ids),))  # noqa: S608 - names of ours


def joined(kind: str, template: str, *terms: Term) -> Term:
    """A term from others: each `{0}`, `{1}` in the template stands for one, and its parameters follow in that order."""
    order = [int(piece[0]) for piece in template.split("{")[1:]]
    if sum(len(terms[number].sql) for number in order) > LONGEST_SQL:  # what a function needs twice doubles each time
        raise Refused("signals.sta_filter_wide", "The expression would become too large for the database; nest fewer"
                      " functions, mod and date inside each other.")  # fmt: skip
    parameters = tuple(one for number in order for one in terms[number].parameters)
    return Term(kind, template.format(*(term.sql for term in terms)), parameters)


def as_number(term: Term) -> Term:
    if term.kind == "number":
        return term
    if term.kind == "null":
        return replace(term, kind="number")
    if term.kind == "result":
        return Term("number", term.sql, term.parameters)
    if term.kind == "json":
        return _inside(term, "number")
    raise unfit("number")


def as_string(term: Term) -> Term:
    if term.kind in ("string", "null"):
        return replace(term, kind="string")
    if term.kind == "result":
        return _inside(Term("json", term.end), "string")
    if term.kind == "json":
        return _inside(term, "string")
    raise unfit("text")


def as_bool(term: Term) -> Term:
    if term.kind in ("bool", "null"):
        return replace(term, kind="bool")
    if term.kind == "result":
        return _inside(Term("json", term.end), "bool")
    if term.kind == "json":
        return _inside(term, "bool")
    raise unfit("condition")


def as_moment(term: Term) -> Term:
    """With a beginning and an end."""
    if term.kind == "moment":
        return term
    if term.kind == "day":
        term = joined("instant", f"({{0}} * {DAY_US})", term)
    if term.kind in ("instant", "null"):
        return replace(term, kind="moment", end=term.sql, end_parameters=term.parameters)
    raise unfit("time")


def as_instant(term: Term) -> Term:
    found = as_moment(term)
    return Term("instant", found.sql, found.parameters)


def end_of(term: Term) -> Term:
    found = as_moment(term)
    return Term("instant", found.end, found.end_parameters)


def unfit(wanted: str) -> Refused:
    """That a part of an expression is of another kind than what stands around it needs."""
    return Refused("signals.sta_type", "A part of the expression is no {value} where one is needed; compare numbers"
                   " with numbers, times with times, and texts with texts.", value=wanted)  # fmt: skip


_SQLITE = {
    "number": "CASE WHEN json_type({0}, %s) IN ('integer', 'real') THEN json_extract({0}, %s) END",
    "string": "CASE WHEN json_type({0}, %s) = 'text' THEN json_extract({0}, %s) END",
    "bool": "CASE json_type({0}, %s) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
}
_POSTGRESQL = {
    kind: f"CASE WHEN jsonb_typeof({{0}}::jsonb #> %s::text[]) = '{name}' THEN ({{0}}::jsonb #>> %s::text[]){cast} END"
    for kind, name, cast in (
        ("number", "number", "::float8"), ("string", "string", ""), ("bool", "boolean", "::boolean"),
    )
}  # fmt: skip


def _inside(term: Term, kind: str) -> Term:
    """What lies in JSON, where it is of the kind; else null."""
    template = (_POSTGRESQL if is_postgresql() else _SQLITE)[kind]
    path: Any = list(term.path) if is_postgresql() else "$" + "".join(f'."{step}"' for step in term.path)
    return Term(kind, f"({template.format(term.sql)})", (path,) * template.count("%s"))
