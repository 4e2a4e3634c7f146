"""Whether what several sources say, close together in space and time, amounts to a ground collapse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.scoring import RULES
from cityloom.kernel.geometry import LocalProjection

RADIUS_M = 250.0
WINDOW_S = 600
PRIOR = -9.0
"""Log-odds of a collapse at a place in ten minutes before anything speaks for it: about 1 in 8,000."""
RAISE_AT = 2.0
"""Log-odds from which people are asked to look: about 7 to 1."""
AGAINST = -0.2
"""Log-odds of a kind whose streams close by all look ordinary: little, since a main may hold beside a hole."""
AGAINST_WITHIN_M = 150.0
LEAST_KINDS, LEAST_UTILITIES, LEAST_SOURCES = 2, 2, 3
LEAST_WEIGHT = 0.5
"""A source that contributes less than this is not counted among the independent ones."""

_EXACT_UP_TO = 96  # sources; beyond it circles are tried on a grid instead of through each pair of sources
_GRID_M = 50.0
_SLACK_M = 0.01  # rounding, where a source lies exactly on a circle


@dataclass(frozen=True)
class Finding:
    """The best-supported place: whether to raise it, why or why not, and what speaks for it.

    `reason` is one of raised, nothing, one_kind, one_utility, few_sources, weak.
    """

    raised: bool
    reason: str
    score: float
    lon: float = 0.0
    lat: float = 0.0
    radius_m: float = 0.0
    evidence: tuple[Evidence, ...] = ()


def fuse(evidence: Sequence[Evidence]) -> Finding:
    """Find the circle of 250 m whose sources speak most for a collapse, and judge it.

    All evidence must come from one window of ten minutes. A source that appears several times counts once, at its
    strongest. Each kind is capped, so the sum is the posterior log-odds of independent kinds (naive Bayes).
    """
    sources = _strongest_of_each(evidence)
    speaking = [item for item in sources if item.weight > 0]
    if not speaking:
        return Finding(raised=False, reason="nothing", score=PRIOR)
    plane = LocalProjection(speaking[0].lon, speaking[0].lat)
    places = _places(plane, speaking)
    centres = _candidate_centres(places)
    inside = _distances(centres, places) <= RADIUS_M + _SLACK_M
    ordinary = [item for item in sources if item.weight == 0]
    score = _scores(plane, centres, inside, speaking, ordinary)
    best = _best(score, inside, speaking)
    members = tuple(item for item, held in zip(speaking, inside[best].tolist(), strict=True) if held)
    reason = _reason(members, float(score[best]))
    lon, lat, radius_m = _located(plane, members)
    return Finding(reason == "raised", reason, round(float(score[best]), 3), lon, lat, radius_m, members)


def _strongest_of_each(evidence: Sequence[Evidence]) -> list[Evidence]:
    """One item for each source, in an order that does not depend on the order of arrival."""
    found: dict[str, Evidence] = {}
    for item in sorted(evidence, key=lambda item: (item.at, item.source)):
        if item.kind in RULES and (item.source not in found or item.weight > found[item.source].weight):
            found[item.source] = item
    return list(found.values())


def _candidate_centres(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centres among which one holds as much as any circle of 250 m could.

    Any circle can be moved, keeping what it holds, until two of its points lie on its rim or one lies at its centre.
    Source: Chazelle and Lee (1986), On a circle placement problem.
    """
    if len(places) > _EXACT_UP_TO:
        return np.vstack([places, _grid(places)])
    first, second = np.triu_indices(len(places), k=1)
    half = (places[second] - places[first]) / 2
    length = np.hypot(*half.T)
    near = (length > 0) & (length <= RADIUS_M)
    half, length, middle = half[near], length[near, None], places[first[near]] + half[near]
    aside = half[:, ::-1] * (-1, 1) / length * np.sqrt(RADIUS_M**2 - length**2)
    return np.vstack([places, middle, middle + aside, middle - aside])


def _grid(places: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = places.min(axis=0), places.max(axis=0)
    x, y = (np.arange(low[axis], high[axis] + _GRID_M, _GRID_M) for axis in (0, 1))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def _scores(
    plane: LocalProjection, centres: NDArray[np.float64], inside: NDArray[np.bool_],
    speaking: Sequence[Evidence], ordinary: Sequence[Evidence],
) -> NDArray[np.float64]:  # fmt: skip
    total = np.full(len(centres), PRIOR)
    for kind in sorted({item.kind for item in (*speaking, *ordinary)}):
        weights = np.array([item.weight if item.kind == kind else 0.0 for item in speaking])
        found = np.minimum(inside @ weights, RULES[kind].kind_cap)
        calm = [item for item in ordinary if item.kind == kind]
        if calm:
            beside = (_distances(centres, _places(plane, calm)) <= AGAINST_WITHIN_M).any(axis=1)
            found = np.where((found == 0) & beside, AGAINST, found)
        total += found
    return total


def _best(score: NDArray[np.float64], inside: NDArray[np.bool_], speaking: Sequence[Evidence]) -> int:
    """The centre to report: one that may be raised before one that may not, then by score, then by all its weight."""
    order = np.lexsort((-(inside @ np.array([item.weight for item in speaking])), -score))
    seen: set[bytes] = set()
    for centre in order.tolist():
        if score[centre] < RAISE_AT:
            break
        held = inside[centre].tobytes()
        members = [item for item, member in zip(speaking, inside[centre].tolist(), strict=True) if member]
        if held not in seen and _reason(members, float(score[centre])) == "raised":
            return centre
        seen.add(held)
    return int(order[0])


def _reason(members: Sequence[Evidence], score: float) -> str:
    counted = [item for item in members if item.weight >= LEAST_WEIGHT]
    if len({item.kind for item in counted}) < LEAST_KINDS:
        return "one_kind"
    if len({RULES[item.kind].utility for item in counted}) < LEAST_UTILITIES:
        return "one_utility"
    if len(counted) < LEAST_SOURCES:
        return "few_sources"
    return "raised" if score >= RAISE_AT else "weak"


def _located(plane: LocalProjection, members: Sequence[Evidence]) -> tuple[float, float, float]:
    """The weighted geometric median of the sources, which one stray source cannot drag away, and their spread.

    A source weighs by its log-odds and by how close such sources usually lie to what they notice.
    Source: Weiszfeld (1937); Vardi and Zhang (2000), The multivariate L1-median.
    """
    places = _places(plane, members)
    weight = np.array([item.weight / RULES[item.kind].reach_m for item in members])
    centre = weight @ places / weight.sum()
    for _ in range(60):
        pull = weight / np.maximum(np.hypot(*(places - centre).T), 1.0)
        centre = pull @ places / pull.sum()
    radius_m = float(weight @ np.hypot(*(places - centre).T) / weight.sum())
    lon, lat = plane.lonlat(centre[None])[0].tolist()
    return round(lon, 7), round(lat, 7), round(max(radius_m, 10.0), 1)


def _places(plane: LocalProjection, items: Sequence[Evidence]) -> NDArray[np.float64]:
    return plane.xy(np.array([item.lon for item in items]), np.array([item.lat for item in items]))


def _distances(centres: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.hypot(centres[:, None, 0] - places[None, :, 0], centres[:, None, 1] - places[None, :, 1])
