"""Where to look for causes: clusters of what is out of the ordinary, each weighed with what is near to it.

Bounded whatever happens: at most so many clusters of a cause, so many odd streams and calls that begin a cluster, and
so many sensors around it are looked at in one turn; the most telling go first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cityloom.detection.domain import weighing
from cityloom.detection.domain.cause import Cause, Sign
from cityloom.detection.domain.gathering import NOTICED, Finding, findings
from cityloom.detection.domain.lately import Lately
from cityloom.detection.domain.moment import Floats, Ints
from cityloom.detection.domain.said import Heard, Said, off_usual
from cityloom.detection.domain.topology import Network
from cityloom.kernel import units
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused

_MOST_CLUSTERS, _MOST_SEEDS, _MOST_NEAR = 8, 12, 100
_FURTHEST = 8.0
"""So many times what an effect carries, nothing of it is left."""
Flags = NDArray[np.bool_]
Networks = Callable[[str], Network | None]


@dataclass(frozen=True)
class Streams:
    """What streams are, as columns; `source` is as in evidence. What has no place or no kind says nothing."""

    source: NDArray[np.object_]
    name: NDArray[np.object_]
    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: Floats
    lat: Floats

    def __len__(self) -> int:
        return len(self.source)


NOBODY = Streams(*(np.zeros(0, dtype) for dtype in (object, object, object, object, np.float64, np.float64)))


class Lookers:
    """Causes that are looked for among some streams."""

    def __init__(self, causes: Sequence[Cause], streams: Streams) -> None:
        self.causes, self.streams = causes, streams
        placed = np.isfinite(streams.lon) & np.isfinite(streams.lat)
        asked = sorted({sign.kind for cause in causes for sign in cause.signs})
        of_kind = {kind: np.flatnonzero((streams.kind == kind).astype(np.bool_) & placed) for kind in asked}
        self._of = {(cause.name, sign.kind): _Asked.of(sign, of_kind[sign.kind], streams)
                    for cause in causes for sign in cause.signs}  # fmt: skip
        self.wanted = np.zeros(len(streams), np.bool_)
        for asked_of in self._of.values():
            self.wanted[asked_of.rows] = True
        self.recurring = np.zeros(len(streams), np.bool_)
        for asked_of in self._of.values():
            self.recurring[asked_of.rows] |= asked_of.recurs
        self.categories = frozenset(told.category for cause in causes for told in cause.calls)
        self.within_s = max((cause.within_s for cause in causes), default=0.0)

    def findings(self, lately: Lately, working: Flags, heard: Heard, networks: Networks, at_s: float) -> list[Finding]:
        """What is worth waking someone for at an instant, the most probable first."""
        found: list[Finding] = []
        for cause in self.causes:
            for said, calls in self._clusters(cause, lately, working, heard, at_s):
                found += findings([cause], _only(cause, networks), said, calls, at_s)
        return sorted(found, key=lambda one: -one.probability)

    def said(self, rows: Ints, lately: Lately, working: Flags) -> Said:
        """What some of the streams said last."""
        facts = (getattr(self.streams, name)[rows] for name in ("source", "name", "kind", "unit", "lon", "lat"))
        told = (lately[name][rows] for name in ("at_s", "value", "expected", "spread", "moved", "over_s"))
        return Said(*facts, *told, working[rows], lately.low[rows], lately.high[rows])

    def _clusters(self, cause: Cause, lately: Lately, working: Flags, heard: Heard, at_s: float
                  ) -> list[tuple[Said, Heard]]:  # fmt: skip
        """What is odd, in clusters that cannot have one cause of this kind in common, each with what is near to it."""
        of = [self._of[cause.name, sign.kind] for sign in cause.signs]
        rows = {one.kind: one.fresh(lately, working, at_s - cause.within_s, at_s) for one in of}
        odd = [one.odd(rows[one.kind], lately) for one in of]
        fresh = {one.kind: one.rows[rows[one.kind]] for one in of}
        calls = heard.recent(at_s, cause.within_s)
        ours = np.flatnonzero(np.isin(calls.category.astype(str), [told.category for told in cause.calls]))
        streams, felt = (np.concatenate([one[at] for one in odd] or [np.zeros(0)]) for at in (0, 1))
        streams = streams.astype(np.int64)
        if not len(streams) + len(ours):
            return []
        lon = np.r_[self.streams.lon[streams], calls.lon[ours]]
        lat = np.r_[self.streams.lat[streams], calls.lat[ours]]
        plane = LocalProjection(float(np.median(lon)), float(np.median(lat)))
        xy = plane.xy(lon, lat)
        wide = [sign.carries_m for sign in cause.signs if not sign.is_nearest]
        reach_m = 2 * max([*wide, *(told.carries_m for told in cause.calls)])
        loud = np.r_[felt, np.full(len(ours), NOTICED)]
        clusters = _clustered(xy, 2 * reach_m, loud)
        if len(clusters) == 1 and len(xy) <= _MOST_SEEDS and all(len(one) <= _MOST_NEAR for one in fresh.values()):
            return [(self.said(np.concatenate([*fresh.values(), streams[:0]]), lately, working), calls)]
        return [self._near(cause, fresh, xy[rows], plane, calls, lately, working, reach_m) for rows in clusters]

    def _near(self, cause: Cause, fresh: dict[str, Ints], seeds: Floats, plane: LocalProjection, calls: Heard,
              lately: Lately, working: Flags, reach_m: float) -> tuple[Said, Heard]:  # fmt: skip
        tree = cKDTree(seeds)
        chosen = []
        for sign in cause.signs:
            rows = fresh[sign.kind]
            metres, _ = tree.query(plane.xy(self.streams.lon[rows], self.streams.lat[rows]))
            order = np.argsort(metres, kind="stable")[:_MOST_NEAR]
            chosen.append(np.sort(rows[order[metres[order] <= _FURTHEST * sign.carries_m + reach_m]]))
        metres, _ = tree.query(plane.xy(calls.lon, calls.lat)) if len(calls) else (np.zeros(0), None)
        near = metres <= reach_m
        heard = Heard(calls.source[near], calls.category[near], calls.lon[near], calls.lat[near], calls.at_s[near])
        return self.said(np.concatenate(chosen), lately, working), heard


@dataclass(frozen=True)
class _Asked:
    """The streams that a sign asks of, with the least spread of each and what is usual where the sign says that."""

    kind: str
    moves: int
    rows: Ints
    floor: Floats
    middle: Floats | None
    together: bool
    is_nearest: bool
    recurs: bool

    @classmethod
    def of(cls, sign: Sign, rows: Ints, streams: Streams) -> _Asked:
        """Streams in a unit that has nothing to do with the sign's are left out."""
        unit = streams.unit[rows].astype(str)
        least, usual = np.full(len(rows), sign.least), np.full(len(rows), np.nan)
        for own in np.unique(unit).tolist() if sign.unit else ():
            least[unit == own], usual[unit == own] = _in_unit(sign, own)
        known = np.isfinite(least)
        return cls(sign.kind, sign.moves, rows[known], least[known], None if sign.usual is None else usual[known],
                   sign.together, sign.is_nearest, sign.recurs)  # fmt: skip

    def fresh(self, lately: Lately, working: Flags, since_s: float, until_s: float) -> Ints:
        """Places of the streams that said something lately, and have a past."""
        at_s = lately["at_s"][self.rows]
        late = (at_s > since_s) & (at_s <= until_s) & working[self.rows]
        known = np.isfinite(lately["value"][self.rows]) & np.isfinite(lately["expected"][self.rows])
        return np.flatnonzero(late & known)

    def odd(self, places: Ints, lately: Lately) -> tuple[Ints, Floats]:
        """Those of them that are out of the ordinary, and by how many spreads; as `Said.in_spreads` counts them."""
        if self.is_nearest:  # it says nothing of where a cause is
            return self.rows[:0], np.zeros(0)
        rows, floor = self.rows[places], self.floor[places]
        value = lately["value"][rows]
        if self.middle is None:
            usual = (lately["expected"], lately["spread"], lately.low, lately.high)
            off = off_usual(value, *(each[rows] for each in usual), floor)
        else:
            off = (value - self.middle[places]) / np.where(floor > 0, floor, 1.0)
        off = off - weighing.common(off) if self.together else off
        felt = off * self.moves if self.moves else np.abs(off)
        wild = felt >= NOTICED
        return rows[wild], felt[wild]


def _in_unit(sign: Sign, own: str) -> tuple[float, float]:
    """The least spread and what is usual in a stream's unit; NaN where that measures something else."""
    try:
        least = units.convert(sign.least, sign.unit, own) - units.convert(0.0, sign.unit, own)
        return least, np.nan if sign.usual is None else units.convert(sign.usual, sign.unit, own)
    except Refused:
        return np.nan, np.nan


def _only(cause: Cause, networks: Networks) -> dict[str, Network]:
    network = networks(cause.network) if cause.network != "none" else None
    return {cause.network: network} if network is not None else {}


def _clustered(xy: Floats, apart_m: float, loud: Floats) -> list[Ints]:
    """Rows that hang together within a distance, the loudest clusters and in each the loudest rows."""
    pairs = cKDTree(xy).query_pairs(apart_m, output_type="ndarray") if len(xy) <= 5_000 else _in_squares(xy, apart_m)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(xy), len(xy)))
    group = connected_components(links, directed=False)[1]
    order = np.lexsort((np.arange(len(xy)), -loud, group))
    found = [np.sort(rows[:_MOST_SEEDS]) for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1)]
    return sorted(found, key=lambda rows: (-float(loud[rows].sum()), int(rows[0])))[:_MOST_CLUSTERS]


def _in_squares(xy: Floats, side_m: float) -> Ints:
    """Of very many rows only those of one square hang together."""
    square = np.unique(np.floor(xy / side_m).astype(np.int64), axis=0, return_inverse=True)[1]
    order = np.argsort(square, kind="stable")
    same = square[order][1:] == square[order][:-1]
    return np.column_stack([order[:-1][same], order[1:][same]])
