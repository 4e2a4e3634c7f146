"""A made-up city for the kinds that need people: four districts, single years of age, plain curves of rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.study.tables import Table, table

Floats = NDArray[np.float64]
DISTRICTS = {"Harbour": (62_000, 34), "Hill": (48_000, 45), "Meadow": (35_000, 30), "Old Town": (28_000, 50)}
"""Made-up districts: people, and the age around which most of them are."""
LAST_AGE = 100
_YEAR = 2025


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """A question of twenty years and its made-up tables."""
    question = {"base_year": _YEAR, "years": 20, "mortality_change": -0.01, "seed": 7,
                "futures": {"count": 300, "migration": 0.003}}  # fmt: skip
    return question, {"base": base(), "fertility": fertility(), "mortality": mortality(), "migration": migration(),
                      "housing": housing()}  # fmt: skip


def base() -> Table:
    """Made-up people."""
    ages = np.arange(LAST_AGE + 1)
    rows: list[tuple[str, str, int, float]] = []
    for name, (people, middle) in DISTRICTS.items():
        shape = (0.6 + np.exp(-(((ages - middle) / 22) ** 2))) * np.exp(-((np.maximum(ages - 45, 0) / 28) ** 2))
        for sex, share in (("female", 0.51), ("male", 0.49)):
            counts = np.rint(people * share * shape / shape.sum())
            rows += [(name, sex, int(age), float(count)) for age, count in zip(ages, counts, strict=True)]
    district, sex, age, count = zip(*rows, strict=True)
    return table(("district", "sex", "age"), district=district, sex=sex, age=age, people=count)


def fertility() -> Table:
    """Made-up birth rates: 1.3 children a woman, most at 30."""
    ages = np.arange(15, 50)
    curve = np.exp(-(((ages - 30) / 6.5) ** 2))
    return table((), age=[str(one) for one in ages], rate=np.round(1.3 * curve / curve.sum(), 5))


def mortality() -> Table:
    """Made-up death rates: infants, and Gompertz's law from there on."""
    ages = np.arange(LAST_AGE + 1)
    parts = []
    for sex, level in (("female", 1.0), ("male", 1.55)):
        rates = level * (0.0003 * np.exp(-ages / 2.0) * 10 + 0.00002 * np.exp(0.096 * ages)) + 0.0001
        parts += [(sex, str(age), round(float(rate), 6)) for age, rate in zip(ages, rates, strict=True)]
    sex, age, rate = zip(*parts, strict=True)
    return table((), sex=sex, age=age, rate=rate)


def migration() -> Table:
    """Made-up net migrants a year: the young come to Meadow and Harbour."""
    rows = [(name, sex, str(age), float(net)) for name, net in (("Harbour", 9), ("Hill", -2), ("Meadow", 14),
                                                                ("Old Town", 1))
            for sex in ("female", "male") for age in range(20, 36)]  # fmt: skip
    district, sex, age, net = zip(*rows, strict=True)
    return table((), district=district, sex=sex, age=age, net=net)


def housing() -> Table:
    """Made-up dwellings: Meadow is built on, the others hardly."""
    rows = [(name, year, round(people / 2.1 * (1.02 if name != "Meadow" else 1.03 + 0.025 * (year - _YEAR))), 2.1, 0.02)
            for name, (people, _middle) in DISTRICTS.items() for year in range(_YEAR + 1, _YEAR + 21, 5)]  # fmt: skip
    district, year, dwellings, each, vacancy = zip(*rows, strict=True)
    return table(("district", "year"), district=district, year=year, dwellings=dwellings, people_per_dwelling=each,
                 vacancy=vacancy)  # fmt: skip
