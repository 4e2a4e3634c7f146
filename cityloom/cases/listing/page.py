"""A page of cases in SQL: for each thing that somebody may see, one look into an index in the order of the list.

A list that filtered a common order by rights would read a million rows for whoever may see few of them. Here each kind
of right is a branch of one statement and gives its first rows only, so a page costs the same whatever the rights are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from cityloom.cases.domain.visibility import Rights
from cityloom.kernel.refused import Refused

PAGE, MOST_COUNTED = 50, 1_000
WHOSE = ("all", "mine", "offered")
_COLUMNS = ("number", "id", "casetype", "version", "state", "category", "confidentiality", "unit", "offered_unit",
            "handler", "lon", "lat", "opened_at", "changed_at", "closed_at", "due_at", "result", "matter", "origin",
            "rank", "is_open", "exercise_id", "made_up")  # fmt: skip
_INSTANTS = {name for name in _COLUMNS if name.endswith("_at")}
_FLAGS = {"is_open", "made_up"}


@dataclass(frozen=True)
class Wanted:
    """Which cases, and after which place in the list; `whose` is one of `WHOSE`."""

    is_open: bool = True
    whose: str = "all"
    casetype: str = ""
    category: str = ""
    exercise_id: str = ""
    after: tuple[int, int] | None = None
    most: int = PAGE


@dataclass(frozen=True)
class CaseRow:
    """A case in a list."""

    number: int
    id: str
    casetype: str
    version: int
    state: str
    category: str
    confidentiality: str
    unit: str
    offered_unit: str
    handler: str
    lon: float | None
    lat: float | None
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    due_at: datetime | None
    result: str
    matter: str
    origin: str
    rank: int
    is_open: bool
    exercise_id: str
    made_up: bool


@dataclass(frozen=True)
class CasePage:
    """Some cases in order, where the list goes on, and how many there are, counted up to `MOST_COUNTED`."""

    rows: tuple[CaseRow, ...]
    cursor: str
    count: int | None


@dataclass(frozen=True)
class _Way:
    """One way to see a case: a condition that an index answers in the order of the list."""

    condition: str
    values: tuple[object, ...]
    source: str = "cases_case AS c"


def page_of(rights: Rights, wanted: Wanted) -> CasePage:
    """A page of what somebody may see; counted on the first page only. One statement."""
    ways = [*_own_ways(rights, wanted), *_branch_ways(rights, wanted)]
    if not ways:
        return CasePage((), "", 0 if wanted.after is None else None)
    statement, values = _statement(ways, wanted, _counted(rights, wanted))
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchall()
    rows = tuple(_row(each) for each in found[: wanted.most])
    cursor_text = f"{rows[-1].rank}.{rows[-1].number}" if len(found) > wanted.most else ""
    count = (min(found[0][-1], MOST_COUNTED + 1) if found else 0) if wanted.after is None else None
    return CasePage(rows, cursor_text, count)


def cursor_of(text: str) -> tuple[int, int] | None:
    """The place in a list that an address names.

    Raises: Refused `cases.cursor`.
    """
    if not text:
        return None
    rank, _, number = text.partition(".")
    if not (rank.removeprefix("-").isdecimal() and number.isdecimal() and len(text) < 40):
        raise Refused("cases.cursor", "This page of the list cannot be found; begin with the first one.")
    return int(rank), int(number)


def _own_ways(rights: Rights, wanted: Wanted) -> Iterator[_Way]:
    """What is given or offered to somebody, or names them.

    SQLite uses an index with a condition only where the question says the condition in the index's own words.
    """
    if wanted.whose in ("all", "mine") and rights.account:
        yield _Way("c.handler = %s AND NOT (c.handler = '')", (rights.account,))
        yield _Way("m.account = %s AND m.until IS NULL", (rights.account,),
                   "cases_casemember AS m JOIN cases_case AS c ON c.number = m.case_id")  # fmt: skip
    if wanted.whose in ("all", "offered") and (types := _types(rights, wanted)):
        offered = f"c.offered_unit = %s AND NOT (c.offered_unit = '') AND c.casetype IN ({_marks(types)})"
        yield _Way(offered, (rights.unit, *types))


def _branch_ways(rights: Rights, wanted: Wanted) -> Iterator[_Way]:
    """What somebody sees by role and unit: a way for each type, so that each is read in the order of the list."""
    for name in _types(rights, wanted) if wanted.whose == "all" else ():
        yield _Way(f"c.casetype = %s AND c.branch_{rights.depth} = %s", (name, rights.unit))


def _types(rights: Rights, wanted: Wanted) -> list[str]:
    return [name for name in rights.types if wanted.casetype in ("", name)]


def _marks(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def _statement(ways: Sequence[_Way], wanted: Wanted, counting: tuple[str, list[object]]) -> tuple[str, list[object]]:
    condition, shared = _shared(wanted)
    after, place = ("", []) if wanted.after is None else (" AND (c.rank, c.number) > (%s, %s)", list(wanted.after))
    limit = wanted.most + 1
    parts = [
        f"SELECT * FROM (SELECT c.number, c.rank FROM {way.source} WHERE {way.condition}{condition}{after}"  # noqa: S608 - our own words
        " ORDER BY c.rank, c.number LIMIT %s) AS one"
        for way in ways
    ]
    values: list[object] = []
    counted, of_count = counting
    for way in ways:
        values += [*way.values, *shared, *place, limit]
    columns = ", ".join(f"c.{name}" for name in _COLUMNS)
    union = " UNION ALL ".join(parts)
    statement = (
        f"SELECT {columns}, {counted} FROM (SELECT DISTINCT number, rank FROM ({union}) AS each_way"  # noqa: S608 - our own words
        " ORDER BY rank, number LIMIT %s) AS found JOIN cases_case AS c ON c.number = found.number"
        " ORDER BY c.rank, c.number"
    )
    return statement, [*of_count, *values, limit]


def _counted(rights: Rights, wanted: Wanted) -> tuple[str, list[object]]:
    """How many there are, as long as they are few: all types at once, in no order, and no further than is said."""
    if wanted.after is not None:
        return "NULL", []
    ways, types = list(_own_ways(rights, wanted)), _types(rights, wanted)
    if types and wanted.whose == "all":
        ways.append(_Way(f"c.casetype IN ({_marks(types)}) AND c.branch_{rights.depth} = %s", (*types, rights.unit)))
    condition, shared = _shared(wanted)
    union = " UNION ALL ".join(
        f"SELECT c.number FROM {way.source} WHERE {way.condition}{condition}"  # noqa: S608 - our own words
        for way in ways
    )
    values = [value for way in ways for value in (*way.values, *shared)]
    statement = f"(SELECT COUNT(*) FROM (SELECT DISTINCT number FROM ({union}) AS each_way LIMIT %s) AS counted)"  # noqa: S608
    return statement, [*values, MOST_COUNTED + 1]


def _shared(wanted: Wanted) -> tuple[str, list[object]]:
    """What is asked of every case whatever the way to it."""
    condition, values = " AND c.exercise_id = %s AND c.is_open = %s", [wanted.exercise_id, wanted.is_open]
    if wanted.casetype:
        condition, values = f"{condition} AND c.casetype = %s", [*values, wanted.casetype]
    if wanted.category:
        condition, values = f"{condition} AND c.category = %s", [*values, wanted.category]
    return condition, values


def _row(values: Sequence[Any]) -> CaseRow:
    return CaseRow(*(_read(name, value) for name, value in zip(_COLUMNS, values, strict=False)))


def _read(name: str, value: Any) -> Any:
    if name in _INSTANTS and value is not None:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return bool(value) if name in _FLAGS else value
