"""Scan statistics: where, or where and since when, there are more cases than chance makes likely.

Counts have shape (n,) for places, or (n, t) for places and periods, the oldest first. Each function looks at all
circular windows, tells the most likely clusters without a place in common, and how rare they are among `simulations`
maps without any cluster. Sources: Kulldorff (1997); Kulldorff (2001), prospective; Kulldorff, Heffernan, Hartman,
Assuncao and Mostashari (2005), space-time permutation; Neill (2009), expectation-based.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.hotspots import significance
from cityloom.insight.domain.hotspots.clusters import Cluster, Search
from cityloom.insight.domain.hotspots.likelihood import (
    Bernoulli,
    ExpectationGauss,
    ExpectationPoisson,
    Model,
    Poisson,
)  # fmt: skip
from cityloom.insight.domain.hotspots.maxima import Layer, maxima
from cityloom.insight.domain.hotspots.windows import Windows, circular_windows
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
"""Simulated maps: so many of shape (maps, n, t)."""
_BATCH, _CELLS = 1_000, 48_000_000
_UNKNOWN = "{value} counts are negative or not known; each place and period needs one. Mend or leave out."
_NOBODY = "There are cases in {value} places where nobody lives and nothing is expected. Mend the population there."
_SHAPE = (
    "The counts have the shape {value}, and the places, the population or the baseline {limit}; they have to agree."
)
_LONG = (
    "This scan would look at {value} windows of all simulated maps, and at most at {limit}: choose a shorter longest "
    "span, a smaller share of the population, or fewer simulations."
)
MOST_LOOKS = 500_000_000_000


@dataclass(frozen=True)
class Choices:
    """What is chosen of a scan; the defaults are SaTScan's.

    Windows hold at most `most_share` of the population, reach at most `most_radius` metres, and at least `least_cases`
    cases. `stop_after` simulated maps that are more extreme end the simulation (0: never).
    Of each centre its best window may be a cluster; any of its windows where `every_window`.
    """

    most_share: float = 0.5
    most_radius: float = np.inf
    on_sphere: bool = False
    simulations: int = 999
    seed: int = 0
    least_cases: int = 2
    stop_after: int = 0
    most_clusters: int = 10
    every_window: bool = False


@dataclass(frozen=True, eq=False)
class Scan:
    """`clusters`, the most likely first; the `maxima` of the simulated maps; how many windows were looked at."""

    clusters: Sequence[Cluster]
    maxima: Floats
    windows: int
    total: float

    @property
    def simulations(self) -> int:
        """How many maps were simulated."""
        return len(self.maxima)


def poisson_scan(xy: Floats, cases: Floats, population: Floats, expected: Floats | None = None,
                 choices: Choices = Choices()) -> Scan:  # fmt: skip
    """Circular clusters of cases given the `population` of each place, or the cases `expected` there.

    Expected cases are scaled to the total; without them they are even over the population.
    Raises: Refused `insight.scan_*`.
    """
    return space_time_poisson_scan(xy, _two(cases), population, None if expected is None else _two(expected),
                                   most_periods=1, choices=choices)  # fmt: skip


def space_time_poisson_scan(
    xy: Floats,
    cases: Floats,
    population: Floats,
    expected: Floats | None = None,
    most_periods: int = 0,
    prospective: bool = False,
    choices: Choices = Choices(),
) -> Scan:
    """Cylinders: circles by spans of up to `most_periods` (0: half of all), which end now where `prospective`.

    `cases` and `expected` have shape (n, t), `population` (n,) or (n, t). Raises: Refused `insight.scan_*`.
    """
    cases, population = _two(cases), _two(population)
    base = population if expected is None else _two(expected)
    base = np.repeat(base, cases.shape[1], axis=1) if base.shape[1] == 1 else base
    _check(xy, cases, base)
    total = float(cases.sum())
    base = base * (total / base.sum()) if base.sum() > 0 else base
    if total == 0:
        return Scan((), np.zeros(0), 0, 0.0)
    windows = circular_windows(xy, population.mean(axis=1), choices.most_share, choices.most_radius, choices.on_sphere)
    spans = time_spans(cases.shape[1], most_periods, prospective)
    whole = round(total)
    return _scan(windows, Poisson(total), _layers(base, spans), cases, _multinomial(base / total, whole), choices)


def bernoulli_scan(xy: Floats, cases: Floats, controls: Floats, choices: Choices = Choices()) -> Scan:
    """Circular clusters of cases among cases and controls, each of shape (n,). Raises: Refused `insight.scan_*`."""
    cases, both = _two(cases), _two(np.asarray(cases, np.float64) + controls)
    _check(xy, cases, both)
    total, of = float(cases.sum()), float(both.sum())
    if total in (0, of):
        return Scan((), np.zeros(0), 0, total)
    windows = circular_windows(xy, both[:, 0], choices.most_share, choices.most_radius, choices.on_sphere)

    def draw(rng: np.random.Generator, maps: int) -> Floats:
        whole = both[:, 0].round().astype(np.int64)
        return rng.multivariate_hypergeometric(whole, round(total), maps, method="marginals")[:, :, None]

    return _scan(windows, Bernoulli(total, of), _layers(both, [(0, 1)]), cases, draw, choices)


def space_time_permutation_scan(xy: Floats, cases: Floats, most_periods: int = 0, prospective: bool = False,
                                choices: Choices = Choices()) -> Scan:  # fmt: skip
    """Cylinders with more cases than their place and their time have otherwise; no population is needed.

    `cases` has shape (n, t), whole numbers; a place that reports less in all periods is no less expected of. Simulated
    maps give the cases of each place the times of others. Raises: Refused `insight.scan_*`.
    """
    cases = _two(cases).round()
    _check(xy, cases, np.ones(cases.shape))
    total = float(cases.sum())
    if total == 0:
        return Scan((), np.zeros(0), 0, 0.0)
    by_place, by_time = cases.sum(axis=1), cases.sum(axis=0)
    windows = circular_windows(xy, by_place, choices.most_share, choices.most_radius, choices.on_sphere)
    spans = time_spans(cases.shape[1], most_periods, prospective)
    layers = _layers(np.outer(by_place, by_time) / total, spans)
    return _scan(windows, Poisson(total), layers, cases, _permuted(cases), choices)


def expectation_scan(
    xy: Floats,
    cases: Floats,
    baseline: Floats,
    deviation: Floats | None = None,
    population: Floats | None = None,
    null: Draw | None = None,
    choices: Choices = Choices(),
) -> Scan:
    """Clusters now: spans that end with the last period, with more cases than their `baseline` (n, t) expects.

    With `deviation` (n, t) counts are normal (EBG), else Poisson (EBP). Circles hold at most a share of `population`,
    or of the baseline. `null` draws maps without a cluster; else they are as the model says.
    Raises: Refused `insight.scan_*`.
    """
    cases, baseline = _two(cases), _two(baseline)
    _check(xy, cases, baseline)
    size = baseline.sum(axis=1) if population is None else np.asarray(population, np.float64)
    windows = circular_windows(xy, size, choices.most_share, choices.most_radius, choices.on_sphere)
    spans = time_spans(cases.shape[1], cases.shape[1], prospective=True)
    if deviation is None:
        own = null or (lambda rng, maps: rng.poisson(baseline, (maps, *baseline.shape)))
        model = ExpectationPoisson(1e3 + 1e3 * float(baseline.sum()))
        return _scan(windows, model, _layers(baseline, spans), cases, own, choices)
    weight = baseline / np.square(_two(deviation))
    drawn = null or (lambda rng, maps: rng.normal(baseline, _two(deviation), (maps, *baseline.shape)))
    gauss = ExpectationGauss(1e6 * float((baseline * weight).sum()))
    found = _scan(windows, gauss, _layers(baseline * weight, spans), cases * weight,
                  lambda rng, maps: drawn(rng, maps) * weight, replace(choices, least_cases=0))  # fmt: skip
    return replace(found, clusters=[_in_cases(one, cases, baseline) for one in found.clusters])


def time_spans(periods: int, most: int = 0, prospective: bool = False) -> list[tuple[int, int]]:
    """Spans [since, until) of up to `most` periods (0: half of all, at least 1); those that end last if prospective."""
    most = min(most or max(1, periods // 2), periods)
    ends = [periods] if prospective else list(range(1, periods + 1))
    return [(since, until) for until in ends for since in range(max(0, until - most), until)]


def _scan(windows: Windows, model: Model, layers: list[Layer], cases: Floats, draw: Draw, choices: Choices) -> Scan:
    if (looks := windows.count * len(layers) * max(1, choices.simulations)) > MOST_LOOKS:
        raise Refused("insight.scan_long", _LONG, value=f"{looks:,}", limit=f"{MOST_LOOKS:,}")
    sums = [cases[:, one.since : one.until].sum(axis=1) for one in layers]
    clusters = Search(windows, model, layers, sums, choices.least_cases).clusters(
        choices.most_clusters, choices.every_window
    )
    rng = np.random.default_rng(choices.seed)
    batch = max(1, min(_BATCH, _CELLS // cases.size, 100 if choices.stop_after else _BATCH))

    def drawn(maps: int) -> Floats:
        return _maxima(windows, model, layers, draw(rng, maps), choices.least_cases)

    top = clusters[0].llr if clusters else np.inf
    found = significance.simulated(drawn, choices.simulations, batch, top, choices.stop_after if clusters else 0)
    rated = [
        replace(one, p_value=significance.monte_carlo_p(one.llr, found, choices.stop_after),
                gumbel_p=significance.gumbel_p(one.llr, found)) for one in clusters
    ]  # fmt: skip
    return Scan(rated, found, windows.count * len(layers), float(cases.sum()))


def _maxima(windows: Windows, model: Model, layers: list[Layer], maps: Floats, least: int) -> Floats:
    whole = maps.dtype.kind in "iu"
    most = int(maps.sum(axis=(1, 2)).max()) if whole else 0
    kind = np.float64 if not whole else np.int16 if most < np.iinfo(np.int16).max else np.int32
    cells = np.ascontiguousarray(maps.transpose(2, 1, 0), kind)

    def counts(layer: Layer) -> NDArray:  # type: ignore[type-arg]
        return cells[layer.since : layer.until].sum(axis=0, dtype=kind)

    return maxima(windows, model, layers, counts, len(maps), least)


def _layers(base: Floats, spans: Sequence[tuple[int, int]]) -> list[Layer]:
    return [Layer(since, until, base[:, since:until].sum(axis=1)) for since, until in spans]


def _multinomial(share: Floats, total: int) -> Draw:
    odds = share.ravel() / share.sum()
    return lambda rng, maps: rng.multinomial(total, odds, maps).reshape(maps, *share.shape)


def _permuted(cases: Floats) -> Draw:
    places, periods = cases.shape
    rows = np.repeat(np.arange(places), cases.sum(axis=1).astype(np.int64)) * periods
    times = np.repeat(np.arange(periods), cases.sum(axis=0).astype(np.int64))

    def draw(rng: np.random.Generator, maps: int) -> Floats:
        found = np.empty((maps, places, periods), np.int32)
        for one in found:
            one[:] = np.bincount(rows + rng.permutation(times), minlength=cases.size).reshape(cases.shape)
        return found  # type: ignore[return-value]

    return draw


def _in_cases(one: Cluster, cases: Floats, baseline: Floats) -> Cluster:
    """A cluster of weighted sums, with its plain counts."""
    span = one.places, slice(one.since, one.until)
    return replace(one, observed=float(cases[span].sum()), expected=float(baseline[span].sum()))


def _two(values: Floats) -> Floats:
    found = np.asarray(values, np.float64)
    return found[:, None] if found.ndim == 1 else found


def _check(xy: Floats, cases: Floats, base: Floats) -> None:
    if cases.shape != base.shape or len(cases) != len(xy):
        raise Refused("insight.scan_shape", _SHAPE, value=str(cases.shape), limit=f"{len(xy)}; {base.shape}")
    if wrong := int((~(np.isfinite(cases) & (cases >= 0))).sum() + (~(np.isfinite(base) & (base >= 0))).sum()):
        raise Refused("insight.scan_unknown", _UNKNOWN, value=wrong)
    if nobody := int(((cases.sum(axis=1) > 0) & (base.sum(axis=1) <= 0)).sum()):
        raise Refused("insight.scan_nobody", _NOBODY, value=nobody)
