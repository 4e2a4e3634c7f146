"""The watch over counts by place: what is unlike its past now, so rarely by chance that somebody is told.

Days before the last ones are the past; the last `ahead` days are looked at. An office that answers for several
categories is watched several times a day, so that each look may raise the fewer false alarms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.hotspots import baselines, scanning, significance
from cityloom.insight.domain.hotspots.clusters import Cluster
from cityloom.insight.domain.hotspots.scanning import Choices

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LOOKS_PER_YEAR = 365.25
_BY_RANK, _WEEK = 10, 7


@dataclass(frozen=True)
class Watch:
    """How one looks: spans up to `ahead` days, against `past` days before; circles up to a share and a radius.

    Alarms come about `per_year` times a year by chance for an office, and are of at least `least` cases.
    """

    ahead: int = 7
    past: int = 182
    most_share: float = 0.25
    most_radius_m: float = 3_000.0
    least: int = 8
    simulations: int = 999
    per_year: float = 1.0

    @property
    def days(self) -> int:
        """How many days it reads."""
        return self.past + self.ahead


@dataclass(frozen=True, eq=False)
class Noticed:
    """A cluster, how rare it is, and weeks of its places: `weeks` of (last day's position, observed, expected)."""

    cluster: Cluster
    p_value: float
    years: float
    weeks: Sequence[tuple[int, float, float]]


def noticed(counts: Floats, lonlat: Floats, weekday: Ints, is_off: NDArray[np.bool_], watch: Watch, seed: int,
            watches: int = 1) -> list[Noticed]:  # fmt: skip
    """What an office is told of counts by place and day, (n, `watch.days`); most often nothing.

    Raises: Refused `insight.scan_*`, `insight.past_*`.
    """
    cut = watch.past
    past, now = counts[:, :cut], counts[:, cut:]
    if len(counts) < 2 or now.sum() < watch.least:
        return []
    base = baselines.baseline(past, weekday[:cut], is_off[:cut], weekday[cut:], is_off[cut:])
    choices = Choices(watch.most_share, watch.most_radius_m, True, watch.simulations, seed, watch.least,
                      stop_after=_BY_RANK * 5, most_clusters=3)  # fmt: skip
    found = scanning.expectation_scan(lonlat, now, base.mean, null=base.null_maps, choices=choices)
    limit = significance.p_for(watch.per_year, LOOKS_PER_YEAR, watches)
    rated = [(one, rarity(one, found.simulations)) for one in found.clusters]
    return [
        Noticed(one, p, significance.recurrence_interval(p, LOOKS_PER_YEAR * watches),
                _weeks(counts[one.places].sum(axis=0), _expected(base, one, weekday, is_off, watch)))
        for one, p in rated if p <= limit
    ]  # fmt: skip


def rarity(cluster: Cluster, simulations: int) -> float:
    """The p-value of an alarm: by Gumbel where fewer than ten simulated maps are as extreme, else by rank."""
    is_far = cluster.p_value * (simulations + 1) <= _BY_RANK
    return cluster.gumbel_p if is_far and cluster.gumbel_p is not None else cluster.p_value


def _expected(
    base: baselines.Baseline, cluster: Cluster, weekday: Ints, is_off: NDArray[np.bool_], watch: Watch
) -> Floats:
    """What was expected of the cluster's places on each day, past and now."""
    columns = base.course.columns(np.arange(watch.days), weekday, is_off)
    found: Floats = base.level[cluster.places].sum() * np.exp(columns @ base.course.effects)
    return found


def _weeks(observed: Floats, expected: Floats) -> list[tuple[int, float, float]]:
    """Whole weeks that end with the last day, the oldest first."""
    whole = len(observed) // _WEEK
    seen, usual = (one[len(one) - whole * _WEEK :].reshape(whole, _WEEK).sum(axis=1) for one in (observed, expected))
    first = len(observed) - whole * _WEEK
    return [(first + (at + 1) * _WEEK - 1, float(seen[at]), float(usual[at])) for at in range(whole)]
