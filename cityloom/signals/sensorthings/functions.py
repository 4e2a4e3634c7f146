"""The functions of `$filter` as SQL.

Source: OGC 18-088, tables 22 and 23. `indexof` counts from 1 as the example there does, `substring` from 0.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

from cityloom.signals.domain.sensorthings.times import DAY_US
from cityloom.signals.sensorthings.terms import (
    Term,
    as_instant,
    as_moment,
    as_number,
    as_string,
    end_of,
    is_postgresql,
    joined,
    unfit,
    value,
)

FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
_DAY = f"(({{0}} - CASE WHEN {{0}} < 0 THEN {DAY_US - 1} ELSE 0 END) / {DAY_US})"  # division cuts towards zero
_CLOCK = f"({{0}} - {_DAY} * {DAY_US})"


def _moment(one: Term) -> Term:
    return Term("instant", one.sql, one.parameters)


def _of_string(kind: str, template: str) -> Callable[..., Term]:
    return lambda *terms: joined(kind, template, *(as_string(one) for one in terms))


def _cased(name: str, change: Callable[[str], str]) -> Callable[[Term], Term]:
    """SQLite knows A to Z only, so it is lent ours; PostgreSQL goes by the database's own collation."""

    def build(term: Term) -> Term:
        if is_postgresql():
            return joined("string", f"{name}({{0}})", as_string(term))
        connection.ensure_connection()
        connection.connection.create_function(f"sta_{name}", 1, lambda text: text and change(text), deterministic=True)
        return joined("string", f"sta_{name}({{0}})", as_string(term))

    return build


def _position(kind: str, template: str, turned: bool = False) -> Callable[[Term, Term], Term]:
    def build(first: Term, second: Term) -> Term:
        whole, part = (second, first) if turned else (first, second)
        name = "strpos" if is_postgresql() else "instr"
        return joined(kind, template.replace("position", name), as_string(whole), as_string(part))

    return build


def _substring(text: Term, start: Term, length: Term | None = None) -> Term:
    whole, first = as_string(text), _whole(as_number(start))
    if length is None:
        return joined("string", "substr({0}, {1} + 1)", whole, first)
    return joined("string", "substr({0}, {1} + 1, {2})", whole, first, _whole(as_number(length)))


def _whole(term: Term) -> Term:
    """A number of signs: not below zero, so that it means the same in each database."""
    return joined("number", "CASE WHEN {0} > 0 THEN CAST({0} AS INTEGER) ELSE 0 END", term)


def _calendar(name: str, letter: str) -> Callable[[Term], Term]:
    def build(term: Term) -> Term:
        day = joined("number", _DAY, as_instant(term))
        if is_postgresql():
            return joined("number", f"EXTRACT({name} FROM DATE '1970-01-01' + ({{0}})::int)::int", day)
        return joined("number", f"CAST(strftime('%%{letter}', {{0}} * 86400, 'unixepoch') AS INTEGER)", day)

    return build


def _of_clock(template: str) -> Callable[[Term], Term]:
    return lambda term: joined("number", template, joined("clock", _CLOCK, as_instant(term)))


def _rounded(name: str) -> Callable[[Term], Term]:
    def build(term: Term) -> Term:
        cast = f"{name}({{0}}::numeric)::float8" if is_postgresql() else f"{name}({{0}})"
        return joined("number", cast, as_number(term))

    return build


def _temporal(*conditions: str) -> Callable[[Term, Term], Term]:
    """By the beginnings {0}, {2} and the ends {1}, {3} of two moments."""

    def build(first: Term, second: Term) -> Term:
        parts = [_moment(as_moment(first)), end_of(first), _moment(as_moment(second)), end_of(second)]
        return joined("bool", "(" + " AND ".join(conditions) + ")", *parts)

    return build


FUNCTIONS: dict[str, tuple[int, int, Callable[..., Term]]] = {
    "substringof": (2, 2, _position("bool", "(position({0}, {1}) > 0)", turned=True)),
    "contains": (2, 2, _position("bool", "(position({0}, {1}) > 0)")),
    "indexof": (2, 2, _position("number", "position({0}, {1})")),
    "startswith": (2, 2, _of_string("bool", "(substr({0}, 1, length({1})) = {1})")),
    "endswith": (2, 2, _of_string(
        "bool", "(length({0}) >= length({1}) AND substr({0}, length({0}) - length({1}) + 1) = {1})")),
    "length": (1, 1, _of_string("number", "length({0})")),
    "substring": (2, 3, _substring),
    "tolower": (1, 1, _cased("lower", str.lower)),
    "toupper": (1, 1, _cased("upper", str.upper)),
    "trim": (1, 1, _of_string("string", "trim({0})")),
    "concat": (2, 2, _of_string("string", "({0} || {1})")),
    "year": (1, 1, _calendar("YEAR", "Y")),
    "month": (1, 1, _calendar("MONTH", "m")),
    "day": (1, 1, _calendar("DAY", "d")),
    "hour": (1, 1, _of_clock("({0} / 3600000000)")),
    "minute": (1, 1, _of_clock("({0} / 60000000 - {0} / 3600000000 * 60)")),
    "second": (1, 1, _of_clock("({0} / 1000000 - {0} / 60000000 * 60)")),
    "fractionalseconds": (1, 1, _of_clock("(({0} - {0} / 1000000 * 1000000) / 1000000.0)")),
    "date": (1, 1, lambda term: joined("day", _DAY, as_instant(term))),
    "time": (1, 1, lambda term: joined("clock", _CLOCK, as_instant(term))),
    "totaloffsetminutes": (1, 1, lambda term: joined("number", "({0} * 0)", as_instant(term))),
    "mindatetime": (0, 0, lambda: value("instant", FIRST_US)),
    "maxdatetime": (0, 0, lambda: value("instant", LAST_US)),
    "round": (1, 1, _rounded("ROUND")),
    "floor": (1, 1, _rounded("FLOOR")),
    "ceiling": (1, 1, _rounded("CEILING")),
    "before": (2, 2, _temporal("{1} < {2}")),
    "after": (2, 2, _temporal("{0} > {3}")),
    "meets": (2, 2, _temporal("({1} = {2} OR {3} = {0})")),
    "during": (2, 2, _temporal("{0} >= {2}", "{1} <= {3}")),
    "overlaps": (2, 2, _temporal("{0} <= {3}", "{2} <= {1}")),
    "starts": (2, 2, _temporal("{0} = {2}")),
    "finishes": (2, 2, _temporal("{1} = {3}")),
}  # fmt: skip
"""By name: how few and how many arguments, and what makes the SQL."""

_SIGNS = {"add": "+", "sub": "-"}


def arithmetic(name: str, left: Term, right: Term) -> Term:
    """`add`, `sub`, `mul`, `div` and `mod`; times and durations may be added and subtracted."""
    timely = ("instant", "moment", "day")
    if left.kind in timely or right.kind in timely or "duration" in (left.kind, right.kind):
        return _with_times(name, left, right)
    first, second = as_number(left), as_number(right)
    if name in _SIGNS:
        return joined("number", f"({{0}} {_SIGNS[name]} {{1}})", _real(first), second)
    if name == "mul":
        return joined("number", "({0} * {1})", _real(first), second)
    if name == "div":
        return joined("number", "({0} / NULLIF({1}, 0))", _real(first), second)
    if is_postgresql():
        return joined("number", "MOD(({0})::numeric, NULLIF({1}, 0)::numeric)::float8", first, second)
    return joined("number", "CASE WHEN {1} <> 0 THEN MOD({0}, {1}) END", first, second)


def _real(term: Term) -> Term:
    """In floating point: whole numbers would overflow, and would divide without a rest."""
    return joined("number", "CAST({0} AS double precision)" if is_postgresql() else "CAST({0} AS REAL)", term)


def _with_times(name: str, left: Term, right: Term) -> Term:
    kinds = tuple("duration" if one.kind == "duration" else "time" for one in (left, right))
    if name == "sub" and kinds == ("time", "time"):
        return joined("duration", "({0} - {1})", as_instant(left), as_instant(right))
    if name in _SIGNS and kinds == ("duration", "duration"):
        return joined("duration", f"({{0}} {_SIGNS[name]} {{1}})", left, right)
    if name in _SIGNS and kinds == ("time", "duration"):
        return joined("instant", f"({{0}} {_SIGNS[name]} {{1}})", as_instant(left), right)
    if name == "add" and kinds == ("duration", "time"):
        return joined("instant", "({0} + {1})", left, as_instant(right))
    raise unfit("number")
