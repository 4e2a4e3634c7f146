"""The tables of the chain's first links, and one row for each link."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cityloom.insight.domain.study.tables import Table, as_column, table
from cityloom.insight.studies.chain_sites import Chosen, Given, Seen, mean_way, spread
from cityloom.insight.studies.travel import Points

Floats = np.ndarray


def people_table(years: Sequence[int], needing: Floats, level: float) -> Table:
    """People of the ages in the city, by year."""
    rows = [spread(one.sum(0), level) for one in needing]
    return table("year", year=list(years), **_three(rows))


def areas_demand(at: Points, needing: Floats, demand: Floats, level: float) -> Table:
    """Of each area people of the ages now and at the end, and what they then need."""
    low, high = np.quantile(demand[-1], [(1 - level) / 2, (1 + level) / 2], axis=1)
    return table("area", area=as_column(at.code), name=as_column(at.name), lon=at.lon, lat=at.lat,
                 now=needing[0].mean(1), people=needing[-1].mean(1), demand=demand[-1].mean(1), low=low, high=high,
                 change=demand[-1].mean(1) - demand[0].mean(1))  # fmt: skip


def gap_table(years: Sequence[int], demand: Floats, capacity: Floats, level: float) -> Table:
    """Of each year demand beside all capacity, what is missing, and the chance that any is."""
    room, whole = float(capacity.sum()), demand.sum(1)
    rows = [spread(one, level) for one in whole]
    missing = [spread(np.maximum(one - room, 0), level) for one in whole]
    return table("year", year=list(years), **_three(rows), capacity=[room] * len(whole),
                 missing=[one[0] for one in missing], missing_low=[one[1] for one in missing],
                 missing_high=[one[2] for one in missing],
                 short=[float((one > room).mean()) for one in whole])  # fmt: skip


def links_table(needing: Floats, demand: Floats, capacity: Floats, before: Seen, after: Seen, given: Given,
                chosen: Chosen, level: float) -> Table:  # fmt: skip
    """One row for each link in the last year: what is expected and its interval, from the same futures."""
    room = float(capacity.sum())
    opened = chosen.open[given.existing :]
    added = float(given.capacity[given.existing :][opened].sum())
    rows = {
        "people": spread(needing[-1].sum(0), level), "demand": spread(demand[-1].sum(0), level),
        "gap": spread(np.maximum(demand[-1].sum(0) - room, 0), level),
        "gap_after": spread(np.maximum(demand[-1].sum(0) - room - added, 0), level),
        "without": spread(before.without, level), "without_after": spread(after.without, level),
        "overfull": spread(before.overfull, level), "overfull_after": spread(after.overfull, level),
        "unplaced": spread(before.missing, level), "unplaced_after": spread(after.missing, level),
        "gini": spread(before.gini, level), "gini_after": spread(after.gini, level),
        "minutes": (mean_way(before),) * 3, "minutes_after": (mean_way(after),) * 3,
        "planned": (chosen.planned,) * 3, "opened": (float(opened.sum()),) * 3,
        "cost": (float(given.price[given.existing :][opened].sum()),) * 3, "gap_of_choice": (chosen.gap,) * 3,
    }  # fmt: skip
    return table("link", link=list(rows), **_three(list(rows.values())))


def _three(rows: list[tuple[float, float, float]]) -> dict[str, Floats]:
    return {name: np.array([one[place] for one in rows]) for place, name in enumerate(("expected", "low", "high"))}
