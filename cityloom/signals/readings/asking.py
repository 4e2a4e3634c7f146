"""Ask a store for readings: how many, or some of them in an order; files are asked with DuckDB, journals in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cityloom.lake.domain.dataset import Span
from cityloom.lake.engines import bare
from cityloom.lake.parquet import File
from cityloom.signals.readings import deadline
from cityloom.signals.readings.earlier import Rows
from cityloom.signals.readings.following import Following, Part, State

Ints = NDArray[np.int64]
EARLIEST, LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
_DAY_US = 86_400_000_000
_SIGNS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_COMPARED = {"eq": np.equal, "ne": np.not_equal, "gt": np.greater, "ge": np.greater_equal, "lt": np.less,
             "le": np.less_equal}  # fmt: skip
_SORTED = {"thing": 'thing, "at"', "at": '"at", thing', "result": 'result, thing, "at"'}
_TURNED = {"thing": 'thing DESC, "at" DESC', "at": '"at" DESC, thing', "result": 'result DESC, thing, "at"'}
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Gone:
    """Stretches of streams that are not shown any more, with both ends, and how many readings each held."""

    thing: Ints = field(default_factory=lambda: NONE)
    first_us: Ints = field(default_factory=lambda: NONE)
    last_us: Ints = field(default_factory=lambda: NONE)
    count: Ints = field(default_factory=lambda: NONE)

    def has(self, thing: Ints, at_us: Ints) -> NDArray[np.bool_]:
        """Which readings lie in one."""
        out = np.zeros(len(thing), np.bool_)
        for one, first, last in zip(self.thing, self.first_us, self.last_us, strict=True):
            out |= (thing == one) & (at_us >= first) & (at_us <= last)
        return out

    def only(self, chosen: NDArray[np.bool_]) -> Gone:
        return Gone(self.thing[chosen], self.first_us[chosen], self.last_us[chosen], self.count[chosen])


@dataclass(frozen=True)
class Wish:
    """Which readings: of `things` (ids in order; None: all) without `hidden` ones, from `first_us` to `last_us`, both
    included, whose results compare so, known by an instant, and not gone."""

    things: Ints | None = None
    hidden: Ints = field(default_factory=lambda: NONE)
    first_us: int = EARLIEST
    last_us: int = LATEST
    results: tuple[tuple[str, float], ...] = ()
    known_us: int | None = None
    gone: Gone = field(default_factory=Gone)

    @property
    def is_of_whole_streams(self) -> bool:
        whole = self.first_us <= EARLIEST and self.last_us >= LATEST
        return whole and not self.results and self.known_us is None


def count(following: Following, wish: Wish) -> int:
    """How many readings there are."""
    state = following.look()
    total = sum(int(_chosen(part, wish).sum()) for part in state.parts)
    files = _files(following, state, wish)
    if files:
        where, given, tables = _condition(wish, following)
        total += int(_asked(f"SELECT count(*) AS n FROM {_FACTS} WHERE {where}", [_paths(following, files), *given],  # noqa: S608 - names of ours
                            tables)["n"][0])  # fmt: skip
    return total


def ends(following: Following, state: State) -> NDArray[np.void]:
    """By stream, in the order of ids: how many readings it has (`count`), and when the first was (`first_us`)."""
    kinds = [("id", np.int64), ("count", np.int64), ("first_us", np.int64)]
    parts = [(one.thing, np.ones(len(one.thing), np.int64), one.at_us) for one in state.parts]
    if state.files:
        found = _asked(
            f'SELECT thing, count(*) AS n, epoch_us(min("at")) AS first_us FROM {_FACTS} GROUP BY thing',  # noqa: S608 - names of ours
            [_paths(following, state.files)], {},
        )  # fmt: skip
        parts.append((found["thing"], found["n"], found["first_us"]))
    thing, count, first = (np.concatenate([one[at] for one in parts]) if parts else NONE for at in range(3))
    ids, place = np.unique(thing, return_inverse=True)
    out = np.zeros(len(ids), kinds)
    out["id"], out["first_us"] = ids, LATEST
    np.add.at(out["count"], place, count)
    np.minimum.at(out["first_us"], place, first)
    return out


def some(
    following: Following, wish: Wish, order: str = "thing", *, turned: bool = False, skip: int = 0,
    limit: int | None = None,
) -> Rows:  # fmt: skip
    """Readings in an order (`thing`, `at` or `result`, then by the others), or `turned` from the greatest on."""
    state = following.look()
    waiting = joined([_rows(part, wish) for part in state.parts])
    most = None if limit is None else skip + limit
    found = [waiting]
    for files in _groups(_files(following, state, wish), order, turned=turned):
        found.append(_of_files(following, files, wish, order, turned=turned, most=most))
        if most is not None and order == "at" and sum(len(one.thing) for one in found[1:]) >= most:
            break  # the next ones are all further on
    rows = _ordered(joined(found), order, turned=turned)
    end = None if most is None else most
    return Rows(rows.thing[skip:end], rows.at_us[skip:end], rows.result[skip:end])


def _groups(files: list[File], order: str, *, turned: bool) -> Iterator[list[File]]:
    """Files that have to be asked together: in the order of time one partition after the other."""
    if order != "at":
        if files:
            yield files
        return
    by_day: dict[str, list[File]] = {}
    for one in files:
        by_day.setdefault(one.day, []).append(one)
    for day in sorted(by_day, reverse=turned):
        yield by_day[day]


def _of_files(
    following: Following, files: list[File], wish: Wish, order: str, *, turned: bool, most: int | None
) -> Rows:  # fmt: skip
    where, given, tables = _condition(wish, following)
    sql = f"SELECT thing, epoch_us(\"at\") AS at_us, result FROM {_FACTS} WHERE {where}"  # noqa: S608 - names of ours
    if most is not None:
        sql += f" ORDER BY {(_TURNED if turned else _SORTED)[order]} LIMIT {int(most)}"
    found = _asked(sql, [_paths(following, files), *given], tables)
    return Rows(found["thing"], found["at_us"], found["result"])


_FACTS = "read_parquet(?, hive_partitioning = false) AS facts"


def _condition(wish: Wish, following: Following) -> tuple[str, list[Any], dict[str, pa.Table]]:
    """The condition of a wish as SQL of DuckDB, its values, and the tables that it names."""
    terms, given, tables = ["true"], [], {}
    if wish.things is not None and len(wish.things) == 1:
        terms.append("facts.thing = ?")
        given.append(int(wish.things[0]))
    elif wish.things is not None:
        terms += ["facts.thing BETWEEN ? AND ?", "facts.thing IN (SELECT thing FROM wanted)"]
        given += [int(wish.things.min()), int(wish.things.max())]
        tables["wanted"] = pa.table({"thing": wish.things})
    if len(wish.hidden):
        terms.append("facts.thing NOT IN (SELECT thing FROM hidden)")
        tables["hidden"] = pa.table({"thing": wish.hidden})
    for sign, bound, limit in ((">=", wish.first_us, EARLIEST), ("<=", wish.last_us, LATEST)):
        if bound != limit:
            terms.append(f'facts."at" {sign} make_timestamptz(?)')
            given.append(bound)
    for word, number in wish.results:
        terms.append(f"facts.result {_SIGNS[word]} ?")
        given.append(number)
    if wish.known_us is not None:
        terms.append(f"facts.{_known(following)} <= make_timestamptz(?)")
        given.append(wish.known_us)
    if len(wish.gone.thing):
        terms.append("NOT EXISTS (SELECT 1 FROM gone WHERE gone.thing = facts.thing AND"
                     " epoch_us(facts.\"at\") BETWEEN gone.first_us AND gone.last_us)")  # fmt: skip
        tables["gone"] = pa.table({"thing": wish.gone.thing, "first_us": wish.gone.first_us,
                                   "last_us": wish.gone.last_us})  # fmt: skip
    return " AND ".join(terms), given, tables


def _known(following: Following) -> str:
    """The column that says since when a reading is known; where none does, its own instant has to."""
    return "known_at" if any(one.name == "known_at" for one in following.table.dataset.columns) else '"at"'


def _chosen(part: Part, wish: Wish) -> NDArray[np.bool_]:
    thing, at_us = part.thing, part.at_us
    out = (at_us >= wish.first_us) & (at_us <= wish.last_us)
    if wish.things is not None:
        least, most = int(wish.things[0]), int(wish.things[-1])
        if part.most < least or part.least > most:
            return np.zeros(len(thing), np.bool_)
        out &= thing == least if len(wish.things) == 1 else np.isin(thing, wish.things)
    if len(wish.hidden):
        out &= ~np.isin(thing, wish.hidden)
    for word, number in wish.results:
        out &= _COMPARED[word](part.result, number)
    if wish.known_us is not None:
        out &= (at_us if part.known_us is None else part.known_us) <= wish.known_us
    if len(wish.gone.thing) and out.any():
        out &= ~wish.gone.has(thing, at_us)
    return out


def _rows(part: Part, wish: Wish) -> Rows:
    chosen = _chosen(part, wish)
    return Rows(part.thing[chosen], part.at_us[chosen], part.result[chosen])


def joined(parts: Sequence[Rows]) -> Rows:
    """Several as one, in the order in which they come."""
    parts = [one for one in parts if len(one.thing)]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Rows(NONE, NONE, np.zeros(0))
    return Rows(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("thing", "at_us", "result")))


def _ordered(rows: Rows, order: str, *, turned: bool) -> Rows:
    return in_order(rows, order_of(rows, order, turned=turned))


def order_of(rows: Rows, order: str, *, turned: bool) -> NDArray[np.intp]:
    """The places of rows in an order; in `any` they stay."""
    thing, at_us, result = rows.thing, rows.at_us, rows.result
    if order == "any":
        return np.arange(len(thing))
    if order == "thing":
        keys = (-at_us, -thing) if turned else (at_us, thing)
    elif order == "at":
        keys = (thing, -at_us if turned else at_us)
    else:
        keys = (at_us, thing, -result if turned else result)  # type: ignore[assignment]
    return np.lexsort(keys)


def in_order(rows: Rows, order: NDArray[np.intp]) -> Rows:
    """The rows in those places."""
    return Rows(rows.thing[order], rows.at_us[order], rows.result[order])


def _files(following: Following, state: State, wish: Wish) -> list[File]:
    """The files that may hold something of what is wanted."""
    each = following.table.dataset.each
    span = Span(_day(wish.first_us, EARLIEST), _day(wish.last_us + _DAY_US, LATEST))
    files = [one for one in state.files if span.holds(one.day, one.place, 0, each)]
    if wish.things is None:
        return files
    if not len(wish.things):
        return []
    return [one for one in files if _overlaps(one, wish.things)]


def _overlaps(file: File, things: Ints) -> bool:
    least, most = file.least.get("thing"), file.most.get("thing")
    if least is None or most is None:
        return True
    at = np.searchsorted(things, least)
    return bool(at < len(things) and things[at] <= most)


def _day(at_us: int, limit: int) -> str:
    return "" if not -abs(limit) < at_us < abs(limit) else str(np.datetime64(at_us // _DAY_US, "D"))


def _paths(following: Following, files: Sequence[File]) -> list[str]:
    return [str(following.table.folder / one.path) for one in files]


_engine: list[Any] = []
_beginning = threading.Lock()


def _asked(sql: str, given: list[Any], tables: dict[str, pa.Table]) -> Any:
    """What DuckDB answers; one of it for the process, a cursor for each question."""
    with _beginning:
        if not _engine:
            _engine.append(bare())
        cursor = _engine[0].cursor()
    try:
        cursor.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            cursor.register(name, table)
        with deadline.ending(cursor):
            return cursor.execute(sql, given).fetchnumpy()
    finally:
        cursor.close()
