"""What a question about observations asks of the columns: which stores, streams, times and results."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import narrowing
from cityloom.signals.domain.sensorthings.entities import BY_TITLE
from cityloom.signals.sensorthings import kept
from cityloom.signals.sensorthings.kept import Kept
from cityloom.signals.sensorthings.reading import Budget, Wanted, fetched, filtered

if TYPE_CHECKING:
    from cityloom.signals.readings.asking import Rows, Wish

_STREAM = BY_TITLE["Datastream"]


@dataclass(frozen=True)
class Asked:
    """A question about observations in columns, and whether the wish says all of it."""

    stores: list[Kept]
    wish: Wish
    is_whole: bool

    def count(self) -> int:
        """How many there are, without a look at any where whole streams are meant."""
        from cityloom.signals.readings import asking

        if self.wish.is_of_whole_streams:
            return sum(one.count(self.wish.things, self.wish.hidden, self.wish.gone) for one in self.stores)
        return sum(asking.count(one.following, self.wish) for one in self.stores)

    def some(self, order: str, *, turned: bool, skip: int = 0, limit: int | None = None) -> Rows:
        """Some of them in an order."""
        if order == "thing" and limit is not None and self.wish.is_of_whole_streams:
            return self._by_stream(turned=turned, skip=skip, limit=limit)
        return self._of_all(order, turned=turned, skip=skip, limit=limit)

    def _of_all(self, order: str, *, turned: bool, skip: int, limit: int | None) -> Rows:
        from cityloom.signals.readings import asking

        if len(self.stores) == 1:
            return asking.some(self.stores[0].following, self.wish, order, turned=turned, skip=skip, limit=limit)
        most = None if limit is None else skip + limit
        rows = asking.joined([asking.some(one.following, self.wish, order, turned=turned, limit=most)
                              for one in self.stores])  # fmt: skip
        chosen = asking.order_of(rows, order, turned=turned)[skip:most]
        return asking.in_order(rows, chosen)

    def last(self) -> Rows | None:
        """The last one of one stream, twice where there are more: a tally says it; None where none does."""
        from cityloom.signals.readings import asking

        wish = self.wish
        if wish.things is None or len(wish.things) != 1 or not wish.is_of_whole_streams or len(wish.gone.thing):
            return None
        told = [row for store in self.stores for row in store.tally if row["id"] == wish.things[0]]
        if len(told) != 1:
            return None
        times = min(int(told[0]["count"]), 2)
        return asking.Rows(np.repeat(wish.things, times), np.repeat(told[0]["last_us"], times),
                           np.repeat(told[0]["last"], times))  # fmt: skip

    def _by_stream(self, *, turned: bool, skip: int, limit: int) -> Rows:
        """One stream after the other; counts say which ones need no look."""
        from cityloom.signals.readings import asking

        told = [(store, *store.counts(self.wish.things, self.wish.hidden, self.wish.gone)) for store in self.stores]
        streams = sorted(
            ((int(thing), int(count), store) for store, ids, counts in told
             for thing, count in zip(ids, counts, strict=True)), key=lambda one: one[0], reverse=turned,
        )  # fmt: skip
        if len({thing for thing, _, _ in streams}) < len(streams):  # adopted by the city: both stores have some of it
            return self._of_all("thing", turned=turned, skip=skip, limit=limit)
        found, need = [], limit
        for thing, count, store in streams:
            if skip >= count:
                skip -= count
                continue
            one = replace(self.wish, things=np.array([thing], np.int64))
            found.append(asking.some(store.following, one, "at", turned=turned, skip=skip, limit=need))
            need, skip = need - len(found[-1].thing), 0
            if need <= 0:
                break
        return asking.joined(found)


def asked_of_columns(wanted: Wanted, budget: Budget) -> Asked | None:
    """What is asked of columns; None where there is nothing to ask for."""
    if wanted.ids is not None and not any(isinstance(one, str) for one in wanted.ids):
        return None
    stores = kept.stores()
    if not stores:
        return None
    found = narrowing.narrowed(wanted.filter)
    around = narrowing.looks_around(wanted.filter, *(one.by for one in wanted.order))
    wish = _wish(wanted, budget, narrowing.Narrowed(rest=wanted.filter) if around else found)
    if wish is None:
        return None
    asked = Asked(stores, wish, not around and found.rest is None)
    whole = replace(wish, first_us=narrowing.EARLIEST, last_us=narrowing.LATEST, results=(), known_us=None)
    if not replace(asked, wish=whole).count():
        return None
    return asked


def _wish(wanted: Wanted, budget: Budget, found: narrowing.Narrowed) -> Wish | None:
    from cityloom.signals.readings.asking import Wish

    first, last, things = found.first_us, found.last_us, _streams(wanted, budget, found)
    keys = [parts for parts in map(narrowing.parts_of, wanted.ids or ()) if parts] + ([found.key] if found.key else [])
    if found.never or (wanted.ids is not None and not keys):
        return None
    if len(keys) == 1 or found.key:
        key = found.key or keys[0]
        if any(one != key for one in keys) or not first <= key[1] <= last:
            return None
        things = _both(things, np.array([key[0]], np.int64))
        first = last = key[1]
    elif keys:
        raise Refused("signals.sta_many_ids", "Observations in columns are asked for one at a time by their ids.")
    if things is not None and not len(things):
        return None
    hidden = kept.hidden(private_too=budget.private_too)
    one = int(things[0]) if things is not None and len(things) == 1 else None
    return Wish(things, hidden, first, last, found.results, budget.known_us, kept.gone(budget.known_us, one))


def _streams(wanted: Wanted, budget: Budget, found: narrowing.Narrowed) -> Any:
    """The ids of the streams that are meant, in order; None: all."""
    things: Any = None
    inside = wanted.within
    if inside is not None and inside.source.title == "Datastream":
        things = np.array([inside.id], np.int64)
    elif inside is not None:
        sql = f"{budget.prefix}SELECT id FROM signals_datastream WHERE feature_id = %s ORDER BY id"  # noqa: S608 - names of ours
        things = np.array([row[0] for row in fetched(sql, [inside.id])], np.int64)
    if found.of_stream is None:
        return things
    tables, where, parameters, scope = filtered(Wanted(_STREAM, filter=found.of_stream), budget)
    sql = f"{budget.prefix}SELECT t0.id FROM {' '.join([*tables, *scope.joins])} WHERE {where}"  # noqa: S608 - names of ours
    return _both(things, np.unique(np.array([row[0] for row in fetched(sql, parameters)], np.int64)))


def _both(first: Any, second: Any) -> Any:
    return second if first is None else np.intersect1d(first, second)


def candidates(asked: Asked) -> Rows:
    """All that may be meant. Raises: Refused `signals.sta_many`."""
    from cityloom.signals.sensorthings import beside

    count = asked.count()
    if count > beside.MOST:
        raise beside.too_many(count)
    return asked.some("thing", turned=False)
