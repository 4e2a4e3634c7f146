"""Measure access from 1,000 areas on a road graph, and from a million places, beside pandas in one run.

Run: python -m bench.access [--places N] [--edges N]
Travel times along a made-up grid of streets; then 2SFCA, balanced FCA and spatial availability over the pairs. The peer
is pandas: the same pairs as a long table, merged and grouped by each step (as the package access of PySAL does it).
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench import _made_up_streets as made_up
from cityloom.insight.domain.access import catchments, decay, inequality, pairs, places, roads, speeds


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--places", type=int, default=1_000_000)
    arguments.add_argument("--edges", type=int, default=50_000)
    chosen = arguments.parse_args()
    rng = np.random.default_rng(5)
    tables = made_up.streets(chosen.edges)
    nodes, edges = tables["nodes"], tables["edges"]
    minutes = speeds.edge_minutes(edges["kind"], edges["length_m"], "drive")
    points = places.in_space(nodes["lon"], nodes["lat"])
    at, cpu = _timed(lambda: roads.graph(points, edges["from"], edges["to"], minutes))
    spots = [places.in_space(*made_up.spots(chosen.edges, count, rng)) for count in (1_000, 800)]
    snapped, snap_cpu = _timed(lambda: [roads.snap(at, one) for one in spots])
    found, way_cpu = _timed(lambda: roads.travel_minutes(at, *snapped, limit=40))
    print(f"{len(edges['kind']):,} edges, 1,000 areas x 800 sites within 40 minutes: {found.nnz:,} pairs;")
    print(f"graph {cpu:.2f}, snapping {snap_cpu:.2f}, ways {way_cpu:.2f} s of the processor")  # fmt: skip
    _check(at, snapped, found)
    _measures("1,000 areas x 800 sites", found, rng)
    many = places.in_space(*made_up.spots(chosen.edges, chosen.places, rng))
    near, line_cpu = _timed(lambda: places.straight_line(many, spots[1], 25 / 0.06, 1.3, 10))
    print(f"{chosen.places:,} places x 800 sites within 10 minutes in a straight line: {near.nnz:,} pairs, "
          f"{line_cpu:.2f} s of the processor")  # fmt: skip
    _measures(f"{chosen.places:,} places", near, rng)
    print(f"at the most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB (with the peer)")
    return 0


def _check(at: roads.Graph, snapped: list[roads.Snapped], found: pairs.Sparse) -> None:
    """One place's ways again, by a search of its own without a limit."""
    import scipy.sparse.csgraph

    alone = scipy.sparse.csgraph.dijkstra(at.matrix, indices=int(snapped[0].node[0]))[snapped[1].node]
    whole = alone + snapped[0].metres[0] / 80 + snapped[1].metres / 80
    row = found[[0]].toarray()[0]
    if not np.allclose(np.where(whole <= 40, whole, 0), row):
        raise SystemExit("the ways of the first area are not those of a search of its own")


def _measures(name: str, found: pairs.Sparse, rng: np.random.Generator) -> None:
    n, m = found.shape
    people, capacity = rng.gamma(2, 100, n), rng.integers(50, 500, m).astype(float)
    form = decay.gaussian(float(found.data.max()))
    ours, spent = {}, 0.0
    for measure in (catchments.weighted_two_step, catchments.balanced, catchments.spatial_availability):
        ours[measure.__name__], cpu = _timed(lambda measure=measure: measure(people, capacity, found, form))
        spent += cpu
        print(f"  {name}, {measure.__name__}: {cpu:.2f} s of the processor")
    _, cpu = _timed(lambda: [one(ours["weighted_two_step"].per_head, people) for one in
                             (inequality.gini, inequality.palma, inequality.theil)])  # fmt: skip
    print(f"  {name}, Gini, Palma, Theil: {cpu:.2f} s of the processor")
    theirs, cpu = _timed(lambda: _pandas(found, people, capacity, form))
    same = max(float(np.abs(theirs[one] - ours[one].per_head).max()) for one in theirs)
    print(f"  {name}, the same three by pandas: {cpu:.2f} s of the processor; ours {spent / cpu:.2f} times that, "
          f"largest difference {same:.1e}")  # fmt: skip


def _pandas(found: pairs.Sparse, people: np.ndarray, capacity: np.ndarray, form: decay.Decay) -> dict[str, Any]:
    import pandas as pd

    frame = pd.DataFrame({"i": pairs.rows_of(found), "j": found.indices, "cost": found.data})
    frame = frame.merge(pd.DataFrame({"i": np.arange(len(people)), "people": people}), on="i")
    frame = frame.merge(pd.DataFrame({"j": np.arange(len(capacity)), "capacity": capacity}), on="j")
    frame["w"] = form(frame["cost"].to_numpy())
    out = {}

    def by_place(values: Any) -> np.ndarray:
        return values.groupby(frame["i"]).sum().reindex(range(len(people)), fill_value=0.0).to_numpy()

    load = (frame["people"] * frame["w"]).groupby(frame["j"]).transform("sum")
    out["weighted_two_step"] = by_place((frame["capacity"] / load).where(load > 0, 0) * frame["w"])
    share = frame["w"] / frame.groupby("i")["w"].transform("sum")
    load = (frame["people"] * share.fillna(0)).groupby(frame["j"]).transform("sum")
    other = (frame["w"] / frame.groupby("j")["w"].transform("sum")).fillna(0)
    out["balanced"] = by_place((frame["capacity"] / load).where(load > 0, 0) * other)
    pull = frame["people"] * frame["w"]
    factor = (pull / pull.groupby(frame["j"]).transform("sum")).fillna(0)
    out["spatial_availability"] = by_place(factor * frame["capacity"]) / people
    return out


def _timed(do: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.process_time()
    done = do()
    return done, time.process_time() - begun


if __name__ == "__main__":
    raise SystemExit(main())
