"""Observations wherever they lie, in the table and in columns, as one.

What an observation's stream, time and result decide is asked of the columns as they are, page by page. Any other
question puts those that may be meant beside the table, so that SQL answers for both.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import narrowing, times
from cityloom.signals.domain.sensorthings.expressions import Path
from cityloom.signals.sensorthings import counting
from cityloom.signals.sensorthings.asked import Asked, asked_of_columns, candidates
from cityloom.signals.sensorthings.parts import Parts
from cityloom.signals.sensorthings.reading import TABLES, Budget, Tables, Wanted, fetched
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.terms import listed

if TYPE_CHECKING:
    from cityloom.signals.readings.asking import Rows

MOST_MERGED = 200_000
_FEWEST_ADDED_UP = 2_000
_ROWS_A_SPAN = 20
"""A question of its own for each span costs as much as so many rows."""
_ORDERS = {("phenomenonTime",): "at", ("result",): "result", (KEY,): "thing"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Into:
    """What numbers are added up into: the edges of spans between two instants, where they can be had, and how."""

    edges: Callable[[int, int], list[int] | None]
    methods: frozenset[str]


class Observations:
    """Observations of the table and in columns."""

    def page(self, wanted: Wanted, budget: Budget) -> list[Row]:
        plain = _for_tables(wanted)
        asked = asked_of_columns(wanted, budget)
        if asked is None:
            return TABLES.page(plain, budget)
        order = _native(wanted)
        if order is None or not asked.is_whole:
            return _beside_page(wanted, budget, asked)
        name, turned = order
        if name == "thing" and not turned:
            return _one_after_the_other(plain, budget, asked, wanted)
        return _merged(plain, budget, asked, wanted, name, turned=turned)

    def count(self, wanted: Wanted, budget: Budget) -> int:
        plain = _for_tables(wanted)
        asked = asked_of_columns(wanted, budget)
        if asked is None:
            return TABLES.count(plain, budget)
        if asked.is_whole:
            return TABLES.count(plain, budget) + asked.count()
        from cityloom.signals.sensorthings import beside

        with beside.put(candidates(asked), budget.known_us) as prefix:
            return Tables(prefix).count(plain, budget)

    def numbers(self, wanted: Wanted, budget: Budget, most: int, into: Into) -> Parts:
        """Numbers, those of the table added up in part where that saves work. Raises: Refused `signals.sta_many`."""
        from cityloom.signals.sensorthings import beside

        plain, asked = _for_tables(wanted), asked_of_columns(wanted, budget)
        if asked is not None and not asked.is_whole:
            with beside.put(candidates(asked), budget.known_us) as prefix:
                return Parts.of_rows(_as_columns(Tables(prefix).numbers(plain, budget, most), most))
        found = _of_the_table(plain, budget, most, into)
        if asked is None:
            return found
        if not asked.wish.is_of_whole_streams or asked.count() <= most:
            found = found.and_(Parts.of_rows(asked.some("any", turned=False)))
        if int(found.count.sum()) > most or (asked.wish.is_of_whole_streams and asked.count() > most):
            raise beside.too_many(max(asked.count(), int(found.count.sum())), most)
        return found


def _of_the_table(plain: Wanted, budget: Budget, most: int, into: Into) -> Parts:
    """Added up by the database where many rows of one stream fall into few spans, else each for itself."""
    inside = plain.within
    if inside is not None and inside.source.title == "Datastream":
        many = counting.counted(inside.id, private_too=True)
        reach = TABLES.reach(plain, budget) if many >= _FEWEST_ADDED_UP else None
        found = into.edges(*reach) if reach else None
        if found is not None and len(found) * _ROWS_A_SPAN <= many:
            return Parts.of_stream(inside.id, TABLES.sums(plain, budget, found, into.methods))
    return Parts.of_rows(_as_columns(TABLES.numbers(plain, budget, most), most))


OBSERVATIONS = Observations()


def _as_columns(found: list[tuple[Any, ...]], most: int) -> Rows:
    from cityloom.signals.readings import asking
    from cityloom.signals.sensorthings import beside

    if len(found) > most:
        raise beside.too_many(len(found), most)
    if not found:
        return asking.joined([])
    thing, at_us, result, _ = zip(*found, strict=True)
    return asking.Rows(np.array(thing, np.int64), np.array(at_us, np.int64), np.array(result, np.float64))


def _for_tables(wanted: Wanted) -> Wanted:
    return replace(wanted, filter=narrowing.plain_ids(wanted.filter)) if wanted.filter else wanted


def _native(wanted: Wanted) -> tuple[str, bool] | None:
    """The order in which columns can give observations; None where they cannot."""
    if not wanted.order:
        inside = wanted.within
        return ("at" if inside is not None and inside.source.title == "Datastream" else "thing"), False
    first, *more = wanted.order
    if more or not isinstance(first.by, Path) or first.by.steps not in _ORDERS:
        return None
    return _ORDERS[first.by.steps], first.descending


def _beside_page(wanted: Wanted, budget: Budget, asked: Asked) -> list[Row]:
    """Answered by SQL, for both; ids of columns come back as a stream and an instant."""
    from cityloom.signals.sensorthings import beside

    with beside.put(candidates(asked), budget.known_us) as prefix:
        found, read = Tables(prefix).rows(_for_tables(wanted), budget, ", t0.datastream_id, t0.phenomenon_us")
    budget.spend(min(len(found), wanted.top))
    out = []
    for row in found:
        one = read(row)
        if row[0] >= beside.FIRST:
            one[KEY] = narrowing.key_of(row[-2], row[-1])
        out.append(one)
    return out


def _one_after_the_other(plain: Wanted, budget: Budget, asked: Asked, wanted: Wanted) -> list[Row]:
    """In the order of ids: those of the table first."""
    found = TABLES.page(plain, budget) if wanted.ids is None or plain.ids else []
    need = wanted.top + 1 - len(found)
    if need <= 0:
        return found
    skip = 0 if found or not wanted.skip else wanted.skip - TABLES.count(plain, budget)
    return found + _shown(asked.some("thing", turned=False, skip=max(skip, 0), limit=need), wanted, budget)


def _merged(
    plain: Wanted, budget: Budget, asked: Asked, wanted: Wanted, order: str, *, turned: bool
) -> list[Row]:  # fmt: skip
    """In another order, out of both; where the table has none, columns alone pass over what is skipped."""
    if not TABLES.count(plain, budget):
        is_last = order == "at" and turned and not wanted.skip and wanted.top == 1
        if is_last and (last := asked.last()) is not None:
            return _shown(last, wanted, budget)
        return _shown(asked.some(order, turned=turned, skip=wanted.skip, limit=wanted.top + 1), wanted, budget)
    need = wanted.skip + wanted.top + 1
    if need > MOST_MERGED:
        raise Refused("signals.sta_skip", "Behind the first {limit} observations there is no passing over in this"
                      " order; ask for a later phenomenonTime instead.", limit=MOST_MERGED)  # fmt: skip
    also = ", t0.phenomenon_us, t0.result"
    rows, read = TABLES.rows(replace(plain, skip=0, top=need - 1), budget, also)
    columns = asked.some(order, turned=turned, limit=need)
    sign = -1 if turned else 1
    ours = ((_place(order, sign, row[-2], row[-1], 0 if order != "thing" else -sign), False, row) for row in rows)
    keys = zip(columns.at_us.tolist(), columns.result.tolist(), strict=True)
    theirs = ((_place(order, sign, at, value, 1 if order != "thing" else sign), True, number)
              for number, (at, value) in enumerate(keys))  # fmt: skip
    merged = list(heapq.merge(ours, theirs, key=lambda one: one[0]))[wanted.skip : need]
    budget.spend(min(len(merged), wanted.top))
    chosen = iter(rows_of(columns, [one[2] for one in merged if one[1]], wanted, budget))
    return [next(chosen) if is_theirs else read(row) for _, is_theirs, row in merged]


def _place(order: str, sign: int, at_us: int, result: float | None, behind: int) -> tuple[Any, ...]:
    if order == "thing":
        return (behind,)
    if order == "at":
        return (sign * at_us, behind)
    return (result is None, sign * (result or 0.0), behind)


def _shown(rows: Rows, wanted: Wanted, budget: Budget) -> list[Row]:
    budget.spend(min(len(rows.thing), wanted.top))
    return rows_of(rows, range(len(rows.thing)), wanted, budget)


def rows_of(rows: Rows, chosen: Any, wanted: Wanted, budget: Budget) -> list[Row]:
    """Observations as the table gives them."""
    places = np.array(list(chosen), np.int64)
    names = [one.name for one in wanted.entity.properties
             if wanted.columns.properties is None or one.name in wanted.columns.properties]  # fmt: skip
    things = rows.thing[places].tolist()
    features = _features(set(things), budget) if "FeatureOfInterest" in wanted.columns.keys else {}
    ends = {"Datastream": lambda thing: thing, "FeatureOfInterest": features.get}
    out = []
    for thing, at_us, value in zip(things, rows.at_us[places].tolist(), rows.result[places].tolist(), strict=True):
        one: Row = {KEY: narrowing.key_of(thing, at_us)} | dict.fromkeys(names)
        if "phenomenonTime" in one:
            one["phenomenonTime"] = times.text_of(at_us)
        if "result" in one:
            one["result"] = int(value) if value.is_integer() and abs(value) < 2**53 else value
        out.append(one | {f">{name}": ends[name](thing) for name in wanted.columns.keys})
    return out


def _features(things: set[int], budget: Budget) -> dict[int, int | None]:
    wanted = listed("id", sorted(things))
    sql = f"{budget.prefix}SELECT id, feature_id FROM signals_datastream WHERE {wanted.sql}"  # noqa: S608 - names of ours
    return dict(fetched(sql, wanted.parameters))


