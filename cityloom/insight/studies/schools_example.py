"""A made-up district for the kind `schools`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cityloom.insight.domain.study.tables import Table, table


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """A made-up district: six schools, seven grades, twelve years, births that rise, one quarter that is built up."""
    chance = np.random.default_rng(11)
    schools = ("Ash Lane", "Brook Street", "Canal Side", "Dock Road", "East Park", "Fair Hill")
    grades, years = ("K", "1", "2", "3", "4", "5", "6"), list(range(2013, 2025))
    births = {year: round(420 + 9 * (year - 2006) + float(chance.normal(0, 8))) for year in range(2006, 2024)}
    share = np.array([0.2, 0.17, 0.15, 0.14, 0.22, 0.12])
    now = np.outer(share * 0.86 * births[2007], np.ones(7))
    rows = []
    for year in years:
        entry = 0.88 * (births[year - 5] * 2 / 3 + births[year - 6] / 3) * share
        now = np.concatenate([entry[:, None], now[:, :-1] * (1.0 + 0.01 * (np.arange(6)[:, None] == 2))], 1)
        now = np.maximum(np.rint(now + chance.normal(0, 2.0, now.shape)), 0)
        rows += [
            (name, grade, year, int(now[s, g])) for s, name in enumerate(schools) for g, grade in enumerate(grades)
        ]
    school, grade, year, pupils = zip(*rows, strict=True)
    last = now.sum(1)
    room = np.rint(last * np.array([1.02, 1.15, 1.0, 1.2, 1.05, 1.1]))
    area = {name: "North" if place < 3 else "South" for place, name in enumerate(schools)}
    return {"horizons": [1, 3, 6], "seed": 1}, {
        "rolls": table((), school=school, grade=grade, year=year, pupils=pupils, area=[area[one] for one in school]),
        "births": table((), year=list(births), births=list(births.values())),
        "places": table((), school=schools, places=room.tolist(), lon=[114.0 + 0.01 * one for one in range(6)],
                        lat=[22.5 + 0.004 * (one % 3) for one in range(6)]),
        "housing": table((), school=["Canal Side"], year=[2026], dwellings=[300], **{"yield": [0.3]}),
    }  # fmt: skip
