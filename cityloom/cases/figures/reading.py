"""Cases of a span as columns, in four statements: the cases, their limits, who may be asked, what was answered.

Raw and by the thousand, since a year of a large city is a million rows and each would pass through the ORM.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.utils import timezone
from numpy.typing import NDArray

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.figures import formulas, repeats
from cityloom.cases.domain.figures.columns import NEVER, PARTLY, SILENT, SOLVED, UNSOLVED, Cases, Ints, Marks
from cityloom.cases.domain.verdicts import CONFIRM

_AT_ONCE, _DENSE = 1_000, 4
_WITHDRAWN, _JOINED = ("withdrawn", "taken-back"), ("joined",)
COUNTED_NEVER = (*_WITHDRAWN, *_JOINED)
"""Results of cases that are no matter of their own."""
_COLUMNS = (
    "c.number, c.unit, c.category, c.origin, c.result, c.state, CASE WHEN c.is_open THEN 1 ELSE 0 END,"
    " c.exercise_id <> '', CASE WHEN c.made_up THEN 1 ELSE 0 END, c.matter <> c.id, COALESCE(c.cell, 0)"
)
_LATE = "CASE WHEN k.was_late THEN 1 ELSE 0 END"
_LIMITS = ("has_first", "first_in_time", "first_late", "has_main", "main_late", "is_reopened")
_VERDICTS = {"yes": SOLVED, "partly": PARTLY, "no": UNSOLVED}


@dataclass(frozen=True)
class Scope:
    """Whose cases: of one type, and of a branch of the tree of units as deep as it lies."""

    casetype: str
    depth: int
    unit: str
    only_open: bool = False
    """What anybody may know: neither restricted nor secret cases."""

    def condition(self) -> tuple[str, list[object]]:
        """The scope in SQL, with its values."""
        said = f"c.casetype = %s AND c.branch_{self.depth} = %s"
        level = " AND c.confidentiality IN ('open', 'internal')" if self.only_open else ""
        return said + level, [self.casetype, self.unit]


def cases_of(scope: Scope, casetype: CaseType, since: datetime, until: datetime, now: datetime) -> Cases:
    """The cases of a scope that were opened in a span, as they stand now; with what came again after each."""
    last = until + _REPEATS if until + _REPEATS < now else now
    condition, values = scope.condition()
    span = [connection.ops.adapt_datetimefield_value(at) for at in (since, last)]
    where = f"{condition} AND c.opened_at >= %s AND c.opened_at < %s", [*values, *span]
    found = _cases(where, casetype, int(now.timestamp()))
    found = replace(found, came_again=repeats.came_again(found, formulas.is_real(found)))
    return found.chosen(found.opened < int(until.timestamp()))


_REPEATS = timedelta(seconds=repeats.WITHIN_S)
Where = tuple[str, list[object]]
Read = Callable[[Sequence[Any]], Sequence[Any] | Ints]


def _cases(where: Where, casetype: CaseType, now: int) -> Cases:
    words: dict[str, dict[str, int]] = {name: {} for name in ("unit", "category", "origin", "result", "state")}
    table = _table(
        f"SELECT {_COLUMNS}, {_second('c.opened_at')} FROM cases_case AS c WHERE {where[0]}",  # noqa: S608 - our words
        where[1], dict(enumerate(words.values(), 1)), 12, instants={11},
    )  # fmt: skip
    table = table[np.argsort(table[:, 0], kind="stable")]
    number, opened = table[:, 0], table[:, 11]
    month, months = _months(opened)
    result, codes = table[:, 4], {"unit": table[:, 1], "category": table[:, 2], "origin": table[:, 3], "month": month}
    verdict, satisfaction = _verdicts(where, number)
    return Cases(
        number=number, opened=opened, cell=table[:, 10], verdict=verdict, satisfaction=satisfaction,
        is_exercise=table[:, 7] == 1, is_made_up=table[:, 8] == 1,
        is_joined=(table[:, 9] == 1) | _among(result, words["result"], _JOINED),
        is_withdrawn=_among(result, words["result"], _WITHDRAWN), is_open=table[:, 6] == 1,
        is_solved=_among(result, words["result"], solved_results(casetype)),
        is_asked=_asked(where, casetype, number), came_again=np.zeros(len(number), bool), codes=codes,
        names={name: list(words[name]) for name in ("unit", "category", "origin")} | {"month": months},
        **_limits(where, casetype, number, _among(table[:, 5], words["state"], _over(casetype)), now),
    )  # fmt: skip


def solved_results(casetype: CaseType) -> tuple[str, ...]:
    """The results that say that a case is solved: `solved` where the type has it, else each that is against nobody."""
    if "solved" in casetype.results:
        return ("solved",)
    left_out = {*_WITHDRAWN, *_JOINED}
    return tuple(name for name, one in casetype.results.items() if not one.is_against and name not in left_out)


def limits_of(casetype: CaseType) -> tuple[str, str]:
    """The limit of the first reaction, and that of the solution: the last that runs from the opening."""
    from_opening = [clock.name for clock in casetype.clocks if not clock.since]
    return (from_opening[0], from_opening[-1]) if from_opening else ("", "")


def _over(casetype: CaseType) -> tuple[str, ...]:
    """The states in which a case is said to be done: where the limit of its solution stops, and every end."""
    main = casetype.clock(limits_of(casetype)[1])
    ends = {name for name, state in casetype.states.items() if state.ends}
    return tuple(ends | (main.until if main else set()))


def _limits(where: Where, casetype: CaseType, number: Ints, is_over: Marks, now: int) -> dict[str, Any]:
    """What the runs of both limits say of each case; one that went on after its last run is done no more."""
    first, main = limits_of(casetype)
    source, values = _beside(where, number, "cases_caseclock")
    due = "CASE WHEN k.standing <> 'stopped' THEN k.due_at END"
    runs = _table(
        f"SELECT k.case_id, CASE WHEN k.clock = %s THEN 0 ELSE 1 END, k.standing <> 'stopped', {_LATE},"
        f" {_second('k.started_at')}, {_second(due)}, {_stopped_at()} {source} AND k.clock IN (%s, %s)",
        [first, *values, first, main], {}, 7, instants={4, 5, 6},
    )  # fmt: skip
    runs, row = _rows_of(number, runs)
    if not len(runs):
        never = np.zeros(len(number), bool)
        return dict.fromkeys(_LIMITS, never) | {"done": np.full(len(number), NEVER)}
    order = np.lexsort((runs[:, 4], row))
    runs, row = runs[order], row[order]
    stopped, late = runs[:, 2] == 0, (runs[:, 3] == 1) | ((runs[:, 2] != 0) & (runs[:, 5] >= 0) & (runs[:, 5] < now))
    ours = runs[:, 1] == 0
    theirs = runs[:, 1] == 1 if main != first else ours
    first_run, has_first = _of_each(row, ours, len(number), is_last=False)
    last_run, has_main = _of_each(row, theirs, len(number), is_last=True)
    count, was_done = np.bincount(row[theirs], minlength=len(number)), has_main & stopped[last_run]
    return {
        "has_first": has_first, "first_in_time": has_first & stopped[first_run] & ~late[first_run],
        "first_late": has_first & late[first_run], "has_main": has_main, "main_late": has_main & late[last_run],
        "done": np.where(was_done & is_over, runs[:, 6][last_run], NEVER),
        "is_reopened": (count > 1) | (was_done & ~is_over),
    }  # fmt: skip


def _beside(where: Where, number: Ints, table: str) -> Where:
    """Where the rows of a table lie that belong to the cases: all between the first and the last of them where they are
    many there, since that is read in one go, else one case after the other."""
    if number.size and number.size * _DENSE > number[-1] - number[0]:
        return f"FROM {table} AS k WHERE k.case_id BETWEEN %s AND %s", [int(number[0]), int(number[-1])]
    return f"FROM cases_case AS c JOIN {table} AS k ON k.case_id = c.number WHERE {where[0]}", where[1]


def _rows_of(number: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """The rows that belong to one of the cases, and the place of its case for each."""
    if not number.size:
        return rows[:0], rows[:0, 0]
    place = np.minimum(np.searchsorted(number, rows[:, 0]), len(number) - 1)
    ours = number[place] == rows[:, 0]
    return rows[ours], place[ours]


def _of_each(row: Ints, wanted: Marks, cases: int, *, is_last: bool) -> tuple[Ints, Marks]:
    """The place of the first or last wanted run of each case (0 where it has none), and whether it has one."""
    places = np.flatnonzero(wanted)
    places = places if is_last else places[::-1]
    found = np.full(cases, NEVER)
    found[row[places]] = places  # what is written last stays
    return np.maximum(found, 0), found >= 0


def _asked(where: Where, casetype: CaseType, number: Ints) -> Marks:
    """Which cases have somebody who reported them and can be asked."""
    found = np.zeros(len(number), bool)
    if casetype.step(CONFIRM) is not None:
        source, values = _beside(where, number, "cases_casefollower")
        rows = _table(f"SELECT k.case_id {source}", values, {}, 1)
        found[_rows_of(number, rows)[1]] = True
    return found


def _verdicts(where: Where, number: Ints) -> tuple[Ints, NDArray[np.float64]]:
    """What was said of the last end of each case: the least content answer, and how satisfied they are in the mean."""
    source, values = _beside(where, number, "cases_caseverdict")
    rows = _table(f"SELECT k.case_id, k.revision, k.solved, COALESCE(k.satisfaction, 0) {source}", values,
                  {2: dict(_VERDICTS)}, 4)  # fmt: skip
    rows, row = _rows_of(number, rows)
    newest = np.zeros(len(number), np.int64)
    np.maximum.at(newest, row, rows[:, 1])
    now = rows[:, 1] == newest[row]
    verdict = np.full(len(number), SILENT)
    np.maximum.at(verdict, row[now], rows[now, 2])
    said = now & (rows[:, 3] > 0)
    total = np.bincount(row[said], weights=rows[said, 3], minlength=len(number))
    count = np.bincount(row[said], minlength=len(number))
    return verdict, np.divide(total, count, out=np.zeros(len(number)), where=count > 0)


def _among(codes: Ints, words: dict[str, int], wanted: Sequence[str]) -> Marks:
    return np.isin(codes, [words[name] for name in wanted if name in words])


def _months(opened: Ints) -> tuple[Ints, list[str]]:
    """The month of each instant in the city's zone, and the names of the months."""
    if not opened.size:
        return opened, []
    at = timezone.localtime(datetime.fromtimestamp(int(opened.min()), timezone.get_default_timezone()))
    starts, names, first = list[int](), list[str](), at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while not starts or starts[-1] <= opened.max():
        starts.append(int(first.timestamp()))
        names.append(f"{first:%Y-%m}")
        first = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return np.searchsorted(np.array(starts), opened, side="right") - 1, names[:-1]


def _table(
    statement: str, values: Sequence[object], words: dict[int, dict[str, int]], columns: int,
    instants: Collection[int] = (),
) -> Ints:  # fmt: skip
    """Rows as whole numbers: words of some columns are numbered as they come, instants are seconds."""
    read = [_reader(words.get(at), at in instants) for at in range(columns)]
    parts = list(_parts(statement, values, read))
    return np.concatenate(parts) if parts else np.zeros((0, columns), np.int64)


def table_of(statement: str, values: Sequence[object], words: dict[int, dict[str, int]], columns: int,
             instants: dict[int, str]) -> Ints:  # fmt: skip
    """Rows of cases as whole numbers: words of some columns are numbered as they come.

    An instant stands in the statement as `{its name}` of the case and becomes seconds since 1970.
    """
    said = statement.format(**{name: _second(f"c.{name}_at") for name in instants.values()})
    return _table(said, values, words, columns, instants)


def _parts(statement: str, values: Sequence[object], read: Sequence[Read]) -> Iterator[Ints]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(_AT_ONCE):
            parts = [one(column) for one, column in zip(read, zip(*rows, strict=True), strict=True)]
            yield np.array(parts, np.int64).T


def _reader(words: dict[str, int] | None, is_instant: bool) -> Read:
    if words is not None:
        return lambda column: [words.setdefault(text, len(words)) for text in column]
    if not is_instant:
        return lambda column: column
    return _seconds if connection.vendor == "sqlite" else lambda column: [NEVER if at is None else at for at in column]


def _seconds(column: Sequence[str | None]) -> Ints:
    at = np.array(column, "datetime64[s]")
    return np.where(np.isnat(at), NEVER, at.astype(np.int64))


def _second(instant: str) -> str:
    """An instant as whole seconds since 1970; as words from SQLite, which numpy reads several times as fast."""
    return f"substr({instant}, 1, 19)" if connection.vendor == "sqlite" else f"EXTRACT(EPOCH FROM {instant})::bigint"


def _stopped_at() -> str:
    """When a clock was stopped: the last that happened to it, `..., "2026-11-02T08:00:00.000Z"]]`."""
    last = "substr(k.history, -27, 19)" if connection.vendor == "sqlite" else "(k.history -> -1 ->> 1)::timestamptz"
    return _second(f"CASE WHEN k.standing = 'stopped' THEN {last} END")
