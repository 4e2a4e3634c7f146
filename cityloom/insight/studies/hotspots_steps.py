"""A scan, step by step: clusters and how rare they are, simulated maxima, neighbours that are alike, the course.

Counts below the threshold are not in any table, nor what would give them away: a window with fewer cases is not looked
at, and where one place alone of a cluster would be left out, a second one is, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.hotspots import autocorrelation, baselines, discovery, scanning, significance, weights
from cityloom.insight.domain.hotspots.scanning import Choices, Scan
from cityloom.insight.domain.study.study import Step
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.hotspots_inputs import Read, needed

Floats = NDArray[np.float64]
DEFAULTS: Mapping[str, Any] = {
    "method": "poisson", "category": "", "most_share": 0.5, "most_radius_m": 0, "most_periods": 0, "prospective": False,
    "simulations": 999, "seed": 1, "threshold": 8, "level": 0.05, "neighbours": 8, "looks_per_year": 365.25,
    "holidays": [], "most_clusters": 10,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Found:
    """A scan with what was observed and expected of each place and period that it looked at."""

    scan: Scan
    observed: Floats
    expected: Floats
    periods: list[str]


def choices_of(question: Mapping[str, Any]) -> dict[str, Any]:
    """The question with all that it leaves open."""
    return {**DEFAULTS, **question}


def scanned(read: Read, said: Mapping[str, Any]) -> Found:
    """The scan that is asked for. Raises: Refused `insight.scan_*`, `insight.past_*`."""
    choices = Choices(
        said["most_share"], said["most_radius_m"] or np.inf, read.on_sphere, said["simulations"], said["seed"],
        max(2, said["threshold"]), most_clusters=said["most_clusters"],
    )  # fmt: skip
    if said["method"] in ("expectation", "gauss"):
        return _expected(read, said, choices)
    if said["method"] == "bernoulli":
        cases = read.counts.sum(axis=1)
        both = cases + needed(read.controls, "controls", "counts").sum(axis=1)
        scan = scanning.bernoulli_scan(read.xy, cases, both - cases, choices)
        return Found(scan, cases[:, None], both[:, None] * (cases.sum() / max(both.sum(), 1)), [read.periods[-1]])
    if said["method"] == "permutation":
        scan = scanning.space_time_permutation_scan(
            read.xy, read.counts, said["most_periods"], said["prospective"], choices
        )
        by_place, by_time = read.counts.sum(axis=1), read.counts.sum(axis=0)
        return Found(scan, read.counts, np.outer(by_place, by_time) / max(read.counts.sum(), 1), read.periods)
    people = needed(read.population, "population", "places") if read.expected is None else read.population
    size = read.expected.sum(axis=1) if people is None else people  # type: ignore[union-attr]
    scan = scanning.space_time_poisson_scan(read.xy, read.counts, size, read.expected, said["most_periods"],
                                            said["prospective"], choices)  # fmt: skip
    base = np.broadcast_to(size[:, None], read.counts.shape) if read.expected is None else read.expected
    return Found(scan, read.counts, base * (read.counts.sum() / max(base.sum(), 1e-9)), read.periods)


def _expected(read: Read, said: Mapping[str, Any], choices: Choices) -> Found:
    """What was seen last against what the past lets expect."""
    ahead = said["most_periods"] or 7
    cut = max(0, len(read.periods) - ahead)
    weekday, holidays = read.weekdays(), frozenset(said["holidays"])
    free = np.array([one in holidays for one in read.periods])
    base = baselines.baseline(
        read.counts[:, :cut], weekday[:cut], free[:cut], weekday[cut:], free[cut:], read.population
    )
    spread = base.deviation() if said["method"] == "gauss" else None
    null = (lambda rng, maps: base.null_maps(rng, maps).astype(np.float64)) if spread is not None else base.null_maps
    scan = scanning.expectation_scan(read.xy, read.counts[:, cut:], base.mean, spread, read.population, null, choices)  # type: ignore[arg-type]
    return Found(scan, read.counts[:, cut:], base.mean, read.periods[cut:])


def steps_of(read: Read, said: Mapping[str, Any], found: Found) -> list[Step]:
    """The steps of a scan."""
    given = {name: said[name] for name in ("method", "most_share", "simulations", "threshold", "prospective")}
    scan = found.scan
    steps = [
        Step("clusters", _clusters(read, said, found), given, said["seed"]),
        Step("members", _members(read, scan), {}),
        Step("maxima", table("map", map=np.arange(1, len(scan.maxima) + 1), largest=scan.maxima),
             {"windows": scan.windows}, said["seed"]),
    ]  # fmt: skip
    alike, local = _alike(read, said, found)
    steps += [
        Step("autocorrelation", alike, {"neighbours": said["neighbours"]}, said["seed"]),
        Step("places", _places(read, said, found, local), {"threshold": said["threshold"]}, said["seed"]),
    ]
    if scan.clusters and len(found.periods) > 1:
        steps.append(Step("course", _course(said, found), {"cluster": 1}))
    return steps


def _clusters(read: Read, said: Mapping[str, Any], found: Found) -> Table:
    clusters, lon = found.scan.clusters, read.on_sphere
    centres = [int(one.places[0]) for one in clusters]
    yearly = [significance.recurrence_interval(one.gumbel_p or one.p_value, said["looks_per_year"]) for one in clusters]
    return table(
        "cluster", cluster=[str(number) for number in range(1, len(clusters) + 1)],
        centre=[read.names[one] for one in centres], places=np.array([len(one.places) for one in clusters], np.int64),
        **dict(zip(("lon", "lat") if lon else ("x", "y"), read.xy[centres].T, strict=True)),
        radius_m=np.array([one.radius for one in clusters], np.float64),
        since=[found.periods[one.since] for one in clusters], until=[found.periods[one.until - 1] for one in clusters],
        **{name: np.array([getattr(one, name) for one in clusters], np.float64)
           for name in ("observed", "expected", "relative_risk", "llr", "p_value")},
        gumbel_p=np.array([np.nan if one.gumbel_p is None else one.gumbel_p for one in clusters], np.float64),
        recurrence_years=np.minimum(np.array(yearly, np.float64), 1e6),
    )  # fmt: skip


def _members(read: Read, scan: Scan) -> Table:
    rows = [(str(number), read.codes[at], read.names[at]) for number, one in enumerate(scan.clusters, 1)
            for at in one.places.tolist()]  # fmt: skip
    cluster, place, name = zip(*rows, strict=True) if rows else ((), (), ())
    return table(("cluster", "place"), cluster=cluster, place=place, name=name)


def _alike(read: Read, said: Mapping[str, Any], found: Found) -> tuple[Table, dict[str, Any]]:
    """Moran's I of observed over expected, and for each place Gi* and LISA at a false discovery rate."""
    ratio = _ratio(found.observed.sum(axis=1), found.expected.sum(axis=1))
    near = weights.k_nearest(read.xy, min(said["neighbours"], len(read.xy) - 1))
    permutations = min(said["simulations"], 999)
    whole = autocorrelation.moran(ratio, near.row_standardised(), permutations, said["seed"])
    star = autocorrelation.getis_ord(ratio, near)
    lisa = autocorrelation.local_moran(ratio, near, permutations, said["seed"])
    alike = table("measure", measure=["Moran's I"], value=[whole.index], expected=[whole.expected], z=[whole.z],
                  p_value=[whole.p_value], p_permutation=[whole.p_permutation])  # fmt: skip
    lisa_p = discovery.adjusted(lisa.p_value)
    told = [autocorrelation.QUADRANTS[at] if at >= 0 and one <= said["level"] else ""
            for at, one in zip(lisa.quadrant.tolist(), lisa_p.tolist(), strict=True)]  # fmt: skip
    return alike, {"gi_z": star.z, "gi_p": discovery.adjusted(star.p_value), "lisa": told, "lisa_p": lisa_p}


def _places(read: Read, said: Mapping[str, Any], found: Found, local: Mapping[str, Any]) -> Table:
    observed, expected = found.observed.sum(axis=1), found.expected.sum(axis=1)
    cluster = np.zeros(len(observed), np.int64)
    for number, one in enumerate(found.scan.clusters, 1):
        if one.p_value <= said["level"]:
            cluster[one.places] = number
    hidden = suppressed(observed, said["threshold"], [one.places for one in found.scan.clusters])
    told = np.where(hidden, np.nan, observed)
    return table(
        "place", place=read.codes, name=read.names,
        **dict(zip(("lon", "lat") if read.on_sphere else ("x", "y"), read.xy.T, strict=True)),
        observed=told, expected=expected, ratio=_ratio(told, expected), cluster=cluster, **local,
    )  # fmt: skip


def suppressed(counts: Floats, threshold: int, groups: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which counts of places are not told: those below the threshold, and a second one where a sum would tell one.

    A sum is that of a group, or of all places.
    """
    hidden = (counts > 0) & (counts < threshold)
    for group in (*groups, np.arange(len(counts))):
        if int(hidden[group].sum()) == 1 and len(group) > 1:
            others = group[~hidden[group]]
            hidden[others[np.argmin(counts[others])]] = True
    return hidden


def _course(said: Mapping[str, Any], found: Found) -> Table:
    """Observed and expected over the periods in the most likely cluster's places."""
    places = found.scan.clusters[0].places
    observed, expected = found.observed[places].sum(axis=0), found.expected[places].sum(axis=0)
    hidden = suppressed(observed, said["threshold"], [])
    return table("period", period=found.periods, observed=np.where(hidden, np.nan, observed), expected=expected)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
