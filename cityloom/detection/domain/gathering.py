"""Gather what sensors and callers say into findings: one cause, how probable, where, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from cityloom.detection.domain import weighing
from cityloom.detection.domain.cause import Cause, Sign
from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.places import Places, places_near
from cityloom.detection.domain.said import Heard, Said
from cityloom.detection.domain.topology import Network
from cityloom.kernel.geometry import LocalProjection

Floats = NDArray[np.float64]
NOTICED = 4.0
"""Spreads from which a sensor makes anybody look; as everywhere in detection."""
_COUNTS = 0.5
_MOST_FINDINGS = 20
_YEAR_S = 365.25 * 86_400
_HELD = 0.8
"""The place is told as the smallest circle around the likeliest spot that holds so much of the probability."""
_ODDS_LEFT = 2.0
"""Log-odds that must be left without the loudest source: no finding hangs on one."""
_WEIGHTS_KEPT = 50
_FURTHEST = 8.0
"""So many times as far as an effect carries it may be felt at all."""
_NEXT_M = 2000.0
"""What is odd so near to something odd is a part of it, where an effect carries as far at all."""
_REACHES = (0.4, 1.0, 2.0, 4.0)
"""How far an effect carries differs from place to place: so many times what the pack says, all as likely."""


@dataclass(frozen=True)
class Finding:
    """One cause at one place; `places` are edges of its network (or spots) with their shares of the probability.

    `score` are log-odds, and `evidence` weights are what each source adds to them: below 0 where it speaks against.
    """

    category: str
    probability: float
    score: float
    lon: float
    lat: float
    radius_m: float
    first_at: datetime
    at: datetime
    places: tuple[tuple[str, float], ...]
    evidence: tuple[Evidence, ...]
    reason: str = "raised"
    calm: int = 0


def findings(
    causes: Sequence[Cause], networks: Mapping[str, Network], said: Said, heard: Heard, at_s: float
) -> list[Finding]:  # fmt: skip
    """What is worth waking someone for at an instant, the most probable first.

    `networks` are by the names that causes give them; a cause whose network is not there is looked for over the ground.
    Each source speaks for one place of a cause; the same source may speak for several causes.
    """
    found = [each for cause in causes for each in _of_cause(cause, networks.get(cause.network), said, heard, at_s)]
    return sorted(found, key=lambda each: -each.probability)


def _of_cause(cause: Cause, network: Network | None, said: Said, heard: Heard, at_s: float) -> Iterator[Finding]:
    said, heard = said.recent(at_s, cause.within_s), heard.recent(at_s, cause.within_s)
    spent: set[str] = set()
    for _ in range(_MOST_FINDINGS):
        free = ~np.isin(said.source.astype(str), list(spent))
        best = _best(cause, network, said.only(free), _without(heard, spent), at_s)
        if best is None:
            return
        yield best
        spent |= {item.source for item in best.evidence if item.weight > 0} | _around(cause, best, said, heard)


def _around(cause: Cause, best: Finding, said: Said, heard: Heard) -> set[str]:
    """The sources next to a finding, and next to those of them that are odd, and so on, whatever they say."""
    far = {sign.kind: sign.carries_m for sign in cause.signs} | {told.category: told.carries_m for told in cause.calls}
    reach = _FURTHEST * np.array([far.get(str(kind), 0.0) for kind in (*said.kind, *heard.category)])
    reach = np.minimum(reach, _NEXT_M)
    xy = LocalProjection(best.lon, best.lat).xy(np.r_[said.lon, heard.lon], np.r_[said.lat, heard.lat])
    from scipy.spatial import cKDTree

    odd = np.r_[_odd(cause, said), np.zeros(len(heard), bool)]
    part, edge = np.zeros(len(xy), bool), np.zeros((1, 2))
    while len(edge):
        near = ~part & (cKDTree(edge).query(xy)[0] <= reach)
        part |= near
        edge = xy[near & odd]
    return set(np.r_[said.source, heard.source][part].astype(str).tolist())


def _odd(cause: Cause, said: Said) -> NDArray[np.bool_]:
    """Which streams make somebody look for this cause."""
    found = np.zeros(len(said), bool)
    for sign in cause.signs:
        rows = np.flatnonzero(said.kind == sign.kind)
        found[rows] = _felt(sign, _spreads(sign, said.only(rows))) >= NOTICED
    return found


def _without(heard: Heard, spent: set[str]) -> Heard:
    kept = ~np.isin(heard.source.astype(str), list(spent))
    return Heard(heard.source[kept], heard.category[kept], heard.lon[kept], heard.lat[kept], heard.at_s[kept])


@dataclass
class _Weighed:
    """What speaks for a cause at each place, by size and reach."""

    cause: Cause
    places: Places
    prior: Floats
    columns: list[tuple[str, list[Floats], NDArray[np.int64]]] = field(default_factory=list)
    silence: float = 0.0

    def odds(self, left_out: int = -1) -> Floats:
        """Log-odds of each size and reach at each place, (sizes, places); without one source, where that is asked."""
        count = len(self.cause.sizes) * len(_REACHES)
        total = np.zeros((count, len(self.prior))) + self.prior + self.silence - np.log(count)
        first = 0
        for _, by_size, rows in self.columns:
            for at, weights in enumerate(by_size):
                total[at] += weights.sum(axis=1)
                if first <= left_out < first + len(rows):
                    total[at] -= weights[:, left_out - first]
            first += len(rows)
        return total

    def at(self, size: int, place: int) -> Floats:
        """What each source adds there, in the order of the columns."""
        return np.concatenate([by_size[size][place] for _, by_size, _ in self.columns])


def _best(cause: Cause, network: Network | None, said: Said, heard: Heard, at_s: float) -> Finding | None:
    weighed = _weighed(cause, network, said, heard)
    if weighed is None:
        return None
    odds = weighed.odds()
    total = float(logsumexp(odds))
    size, place = np.unravel_index(int(odds.argmax()), odds.shape)
    weights = weighed.at(int(size), int(place))
    probability = 1 / (1 + np.exp(-np.clip(total, -50, 50)))
    if probability < cause.raise_at or not _stands(weighed, weights):
        return None
    share = np.exp(logsumexp(odds, axis=0) - logsumexp(odds))
    return _told(weighed, weights, share, (probability, total), said, heard, at_s)


def _stands(weighed: _Weighed, weights: Floats) -> bool:
    """Whether it has enough sources and kinds, and all but the loudest would still speak for it."""
    counted = weights >= _COUNTS
    kinds = np.concatenate([np.full(len(rows), kind, dtype=object) for kind, _, rows in weighed.columns])
    if counted.sum() < weighed.cause.least_sources or len(set(kinds[counted])) < weighed.cause.least_kinds:
        return False
    if weighed.cause.least_sources < 2:
        return True
    left = weighed.odds(left_out=int(weights.argmax()))
    return float(logsumexp(left) - logsumexp(weighed.prior)) >= _ODDS_LEFT


def _weighed(cause: Cause, network: Network | None, said: Said, heard: Heard) -> _Weighed | None:
    """All evidence near to what is out of the ordinary; None where nothing is."""
    rows = [np.flatnonzero(said.kind == sign.kind) for sign in cause.signs]
    spreads = [_spreads(sign, said.only(at)) for sign, at in zip(cause.signs, rows, strict=True)]
    calls = [np.flatnonzero(heard.category == told.category) for told in cause.calls]
    wild = [at[_felt(sign, values) >= NOTICED] for sign, at, values in zip(cause.signs, rows, spreads, strict=True)
            if not sign.is_nearest]  # fmt: skip
    seeds = np.concatenate([*wild, np.zeros(0, np.int64)]), np.concatenate([*calls, np.zeros(0, np.int64)])
    if not len(seeds[0]) + len(seeds[1]):
        return None
    near = [sign.carries_m for sign in cause.signs if not sign.is_nearest]
    reach = 2 * max(near + [told.carries_m for told in cause.calls])
    places = places_near(network, np.r_[said.lon[seeds[0]], heard.lon[seeds[1]]],
                         np.r_[said.lat[seeds[0]], heard.lat[seeds[1]]], reach)  # fmt: skip
    found = _Weighed(cause, places, np.log(cause.often * cause.within_s / _YEAR_S * places.extent))
    for sign, at, values in zip(cause.signs, rows, spreads, strict=True):
        _add_sensors(found, sign, said.only(at), values, at)
    _add_calls(found, heard, calls)
    return found


def _add_calls(found: _Weighed, heard: Heard, calls: list[NDArray[np.int64]]) -> None:
    """All calls together say no more than a bound: neighbours see the same, and so do friends who agree on a prank."""
    cause = found.cause
    says = [weighing.of_calls(told, found.places.straight(heard.lon[at], heard.lat[at]), cause.within_s)
            for told, at in zip(cause.calls, calls, strict=True)]  # fmt: skip
    whole = sum((weights.sum(axis=1) for weights, _ in says), np.zeros(len(found.prior)))
    part = np.minimum(1.0, weighing.ALL_CALLS / np.maximum(whole, 1e-9))[:, None]
    for told, (weights, silence), at in zip(cause.calls, says, calls, strict=True):
        found.columns.append((told.category, [weights * part] * len(cause.sizes) * len(_REACHES), at))
        found.silence += silence


def _spreads(sign: Sign, said: Said) -> Floats:
    values = said.in_spreads(sign.least, sign.usual, sign.unit)
    return values - weighing.common(values) if sign.together else values


def _felt(sign: Sign, spreads: Floats) -> Floats:
    return spreads * sign.moves if sign.moves else np.abs(spreads)


def _add_sensors(found: _Weighed, sign: Sign, said: Said, spreads: Floats, rows: NDArray[np.int64]) -> None:
    sizes = found.cause.sizes
    far = found.places.metres(said.lon, said.lat, sign.along, _FURTHEST * sign.carries_m) / sign.carries_m
    near = (far <= _FURTHEST).any(axis=0)  # what lies further off feels nothing of it
    weights = [weighing.for_size(sign, spreads[near], np.exp(-far[:, near] / reach), size)
               for reach in _REACHES for size in sizes]  # fmt: skip
    if sign.is_nearest and near.any():
        weights = [weighing.nearest(each, far[:, near]) for each in weights]
    found.columns.append((sign.kind, weights, rows[near]))


def _told(
    weighed: _Weighed, weights: Floats, share: Floats, sure: tuple[float, float], said: Said, heard: Heard, at_s: float
) -> Finding:  # fmt: skip
    lon, lat, radius_m = weighed.places.circle(share, _HELD)
    evidence = sorted(_evidence(weighed, weights, said, heard), key=lambda item: -abs(item.weight))
    speaks = [item for item in evidence if item.weight >= _COUNTS] or evidence[:1]
    order = np.argsort(-share, kind="stable")[:_WEIGHTS_KEPT]
    shares = tuple((str(weighed.places.code[at]), round(float(share[at]), 4)) for at in order if share[at] >= 0.001)
    against = [item for item in evidence if item.weight <= -_COUNTS]
    calm = sum(1 for item in evidence if item.z is not None and abs(item.z) < NOTICED and item.weight < 0)
    return Finding(
        weighed.cause.name, round(float(sure[0]), 4), round(sure[1], 3), lon, lat, radius_m,
        min(item.at for item in speaks), datetime.fromtimestamp(at_s, UTC), shares, (*speaks, *against), calm=calm,
    )  # fmt: skip


def _evidence(weighed: _Weighed, weights: Floats, said: Said, heard: Heard) -> Iterator[Evidence]:
    signs = {sign.kind: sign for sign in weighed.cause.signs}
    first = 0
    for kind, _, rows in weighed.columns:
        for row, weight in zip(rows.tolist(), weights[first : first + len(rows)].tolist(), strict=True):
            yield _of_stream(said, row, weight, signs[kind]) if kind in signs else _of_call(heard, row, weight)
        first += len(rows)


def _of_stream(said: Said, row: int, weight: float, sign: Sign) -> Evidence:
    z = float(said.only(np.array([row])).in_spreads(sign.least, sign.usual, sign.unit)[0])
    return Evidence(
        sign.kind, str(said.source[row]), float(said.lon[row]), float(said.lat[row]),
        datetime.fromtimestamp(float(said.at_s[row]), UTC), round(weight, 3), float(said.value[row]),
        str(said.unit[row]), round(float(said.expected[row]), 3), round(z, 2),
    )  # fmt: skip


def _of_call(heard: Heard, row: int, weight: float) -> Evidence:
    at = datetime.fromtimestamp(float(heard.at_s[row]), UTC)
    return Evidence("call", str(heard.source[row]), float(heard.lon[row]), float(heard.lat[row]), at, round(weight, 3))
