"""A made-up emergency department for the kind `health`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cityloom.insight.domain.health.months import days_of
from cityloom.insight.domain.study.tables import Table, table

_GROUPS = {"0-17": 42_000, "18-59": 118_000, "60-79": 38_000, "80+": 9_000}
_GROWTH = {"0-17": -0.008, "18-59": 0.002, "60-79": 0.021, "80+": 0.034}
_RATES = {0: 0.38, 18: 0.27, 60: 0.41, 80: 0.92}


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """A question of three years and its made-up tables."""
    desk = {"owner": "Health planning office", "date": "2025-11-03"}
    ward = {"owner": "Emergency department, bed management unit", "date": "2025-10-20"}
    question = {
        "first_month": "2026-01", "months": 36, "seed": 4,
        "assumptions": {
            "admission_share": {"value": 0.19, "low": 0.175, "high": 0.205, **ward},
            "stay_days": {"value": 4.6, "low": 4.1, "high": 5.3, **ward},
            "occupancy": {"value": 0.88, "low": 0.85, "high": 0.92, **desk},
            "growth": {"value": 0.01, "low": -0.005, "high": 0.025, **desk},
        },
    }  # fmt: skip
    rates = table((), age=[str(one) for one in _RATES], rate=list(_RATES.values()))
    return question, {"people": _people(), "rates": rates, "history": _history(),
                      "beds": table("month", month=["2025-01", "2027-07"], beds=[196, 206])}  # fmt: skip


def _people() -> Table:
    rows = [(year, group, round(count * (1 + _GROWTH[group]) ** (year - 2022)), 0.004 * max(year - 2025, 0))
            for year in range(2022, 2030) for group, count in _GROUPS.items()]  # fmt: skip
    year, group, people, wide = zip(*rows, strict=True)
    median, spread = np.array(people, float), np.array(wide)
    return table((), year=year, group=group, median=median, low80=np.rint(median * (1 - spread)),
                 high80=np.rint(median * (1 + spread)))  # fmt: skip


def _history() -> Table:
    """Four years of made-up months with a winter peak."""
    rng = np.random.default_rng(12)
    month = np.arange(48)
    each_day = 178 * (1 + 0.012 * month / 12) * (1 + 0.05 * np.cos(2 * np.pi * (month - 0.5) / 12))
    counts = np.rint(each_day * days_of(2022 * 12 + month) * np.exp(rng.normal(0, 0.015, 48)))
    return table((), month=[f"{2022 + one // 12}-{one % 12 + 1:02d}" for one in month], attendances=counts)
