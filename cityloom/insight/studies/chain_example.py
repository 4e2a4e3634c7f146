"""A made-up question for the chain: primary school places in a synthetic town of nine areas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import people_example as rates

_LON, _LAT, _STEP = 113.90, 22.50, 0.012


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """Places for children of 6 to 11, six years ahead."""
    question = {"base_year": 2025, "years": 6, "ages": [6, 11], "rate": 0.97, "catchment": 25, "limit": 45, "p": 2,
                "seed": 7, "futures": {"count": 40}, "others": [0.1, 0.9]}  # fmt: skip
    return question, city(9, 60_000, 6, 5, 3)


def city(areas: int, people: float, facilities: int, candidates: int, seed: int) -> dict[str, Table]:
    """Synthetic people by area, sex and age, with schools that have a little less room than there are children."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(areas)))
    row, column = np.divmod(np.arange(areas), side)
    code = [f"A{one:04d}" for one in range(areas)]
    ages = np.arange(rates.LAST_AGE + 1)
    middle = rng.uniform(28, 46, areas)
    shape = (0.6 + np.exp(-(((ages - middle[:, None]) / 22) ** 2))) * np.exp(-((np.maximum(ages - 45, 0) / 28) ** 2))
    share = rng.gamma(6, 1, areas)
    counts = np.rint(shape / shape.sum(1, keepdims=True) * (share / share.sum() * people)[:, None] / 2)
    whole = np.repeat(counts[:, None], 2, 1)
    base = table(("district", "sex", "age"), district=np.repeat(np.array(code, object), 2 * len(ages)),
                 sex=np.tile(np.repeat(np.array(["female", "male"], object), len(ages)), areas),
                 age=np.tile(ages, 2 * areas), people=whole.ravel())  # fmt: skip
    children = float(whole[:, :, 6:12].sum())
    spot = rng.choice(areas, facilities, replace=facilities > areas)
    other = rng.choice(areas, candidates, replace=candidates > areas)
    lon, lat = _LON + _STEP * column, _LAT + _STEP * row
    off = [rng.normal(0, _STEP / 4, (2, len(one))) for one in (spot, other)]
    return {
        "base": base, "fertility": rates.fertility(), "mortality": rates.mortality(),
        "areas": table("area", area=code, name=[f"Synthetic area {one}" for one in range(areas)], lon=lon, lat=lat),
        "supply": table("facility", facility=[f"F{one}" for one in range(facilities)], lon=lon[spot] + off[0][0],
                        lat=lat[spot] + off[0][1],
                        capacity=np.rint(0.93 * children * (part := rng.uniform(0.6, 1.4, facilities)) / part.sum())),
        "candidates": table("site", site=[f"S{one}" for one in range(candidates)], lon=lon[other] + off[1][0],
                            lat=lat[other] + off[1][1],
                            capacity=np.rint(children / facilities * rng.uniform(0.5, 1.2, candidates)),
                            cost=rng.integers(3, 12, candidates)),
    }  # fmt: skip
