"""What other entities say of observations, those in columns included: in filters, in orders, in extents."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.signals.domain.sensorthings import narrowing, times
from cityloom.signals.sensorthings import kept
from cityloom.signals.sensorthings.asked import Asked, candidates
from cityloom.signals.sensorthings.kept import Kept
from cityloom.signals.sensorthings.reading import TABLES, Budget, Tables, Wanted
from cityloom.signals.sensorthings.rows import KEY

if TYPE_CHECKING:
    from cityloom.signals.readings.asking import Gone

Row = dict[str, Any]


class Others:
    """All other entities; what they say of observations counts those in columns too."""

    def page(self, wanted: Wanted, budget: Budget) -> list[Row]:
        with _tables_for(wanted, budget) as tables:
            found = tables.page(wanted, budget)
        return _with_extents(found, budget) if wanted.entity.title == "Datastream" else found

    def count(self, wanted: Wanted, budget: Budget) -> int:
        with _tables_for(wanted, budget) as tables:
            return tables.count(wanted, budget)


OTHERS = Others()


def _tables_for(wanted: Wanted, budget: Budget) -> AbstractContextManager[Tables]:
    """The tables, with as much of the columns beside them as a filter or an order needs."""
    asks = (wanted.filter, *(one.by for one in wanted.order))
    whole = narrowing.asks_observations(*asks)
    if not whole and not (narrowing.asks_extents(*asks) and wanted.entity.title != "Observation"):
        return nullcontext(TABLES)
    stores = kept.stores()
    if not stores:
        return nullcontext(TABLES)
    return _beside(stores, budget, whole=whole)


def _beside(stores: list[Kept], budget: Budget, *, whole: bool) -> AbstractContextManager[Tables]:
    from cityloom.signals.readings import asking
    from cityloom.signals.sensorthings import beside

    hidden = kept.hidden(private_too=budget.private_too)
    if whole or budget.known_us is not None:
        gone = kept.gone(budget.known_us)
        rows = candidates(Asked(stores, asking.Wish(hidden=hidden, known_us=budget.known_us, gone=gone), True))
    else:
        ends = np.concatenate([one.tally for one in stores])
        ends = ends[~np.isin(ends["id"], hidden)]
        rows = asking.Rows(np.tile(ends["id"], 2), np.concatenate([ends["first_us"], ends["last_us"]]),
                           np.tile(ends["last"], 2))  # fmt: skip

    @contextmanager
    def tables() -> Iterator[Tables]:
        with beside.put(rows, budget.known_us) as prefix:
            yield Tables(prefix)

    return tables()


def _with_extents(found: list[Row], budget: Budget) -> list[Row]:
    """From when to when the observations of datastreams are, those in columns included."""
    if not found or "phenomenonTime" not in found[0]:
        return found
    stores = kept.stores()
    if not stores:
        return found
    hidden, away = set(kept.hidden(private_too=budget.private_too).tolist()), kept.gone(budget.known_us)
    for store in stores:
        ids = store.tally["id"]
        for row in found:
            at = int(np.searchsorted(ids, row[KEY]))
            if at < len(ids) and ids[at] == row[KEY] and row[KEY] not in hidden:
                gone = away.only(away.thing == row[KEY])
                row["phenomenonTime"] = _wider(row["phenomenonTime"], store, store.tally[at], gone, budget.known_us)
    return found


def _wider(said: str | None, store: Kept, told: np.void, away: Gone, known_us: int | None) -> str | None:
    first, last = int(told["first_us"]), int(told["last_us"])
    if len(away.thing) or known_us is not None:
        ends = _ends(store, int(told["id"]), away, known_us)
        if ends is None:
            return said
        first, last = ends
    if said is not None:
        begin, end = times.interval_of(said)
        first, last = min(first, begin), max(last, end)
    return f"{times.text_of(first)}/{times.text_of(last)}"


def _ends(store: Kept, thing: int, away: Gone, known_us: int | None) -> tuple[int, int] | None:
    """The first and last instant of a stream of which not all counts."""
    from cityloom.signals.readings import asking

    wish = asking.Wish(np.array([thing], np.int64), known_us=known_us, gone=away)
    ends = [asking.some(store.following, wish, "at", turned=turned, limit=1).at_us for turned in (False, True)]
    return (int(ends[0][0]), int(ends[1][0])) if len(ends[0]) else None
