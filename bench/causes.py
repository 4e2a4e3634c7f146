"""The cause packs on recordings whose truth is known: recall, precision, delay, false alarms a week, metres.

Run: python -m bench.causes [--only bursts,gas,flood,traffic,faults]
* bursts: L-TOWN simulated by WNTR (synthetic), eight weeks in steps of five minutes, 36 holes of 2 to 8 cm, four hours
  each, five weeks of them watched;
* gas, flood: made up (synthetic, see `_made_up_causes`), four weeks watched after one of learning;
* traffic: a week of METR-LA, 207 detectors; it has no labels, so incidents are put into it: speeds of the three to five
  detectors nearest to a place fall to a third for 45 minutes, one after the other. What is told elsewhere may be a real
  incident as well as a false alarm: their number is an upper bound. Roads are not in the data: each detector is joined
  to its nearest ones;
* faults: on the bursts' recording, where nothing happens, one sensor at a time is put 8 to 40 spreads off for an hour.
"""

from __future__ import annotations

import argparse
import csv
import time

import numpy as np

from bench._causes_tally import WEEK_S, Case, Feed, watch
from bench._leak_year import Leak, recorded
from bench._made_up_causes import LEARNT_WEEKS, PLANE, WEEKS, MadeUp, flood, gas
from bench._made_up_roads import LEARNT_WEEKS as LEARNT_WEEKS_OF_ROADS
from bench._made_up_roads import roads
from bench._networks import water_network
from bench.leaks import BEGINS_DAY, CACHE, DATA, INP, METERS
from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.cause import Cause, cause_of, shipped
from cityloom.detection.domain.said import heard
from cityloom.detection.domain.topology import Network

SEED = 12
_DAY_S = 86_400.0
_KPA_OF_M = 9.80665


def main() -> None:
    """Print what each pack does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--seed", type=int, default=SEED)
    wanted = parser.parse_args()
    for name in wanted.only.split(","):
        started = time.process_time()
        PARTS[name](wanted.seed)
        print(f"  {time.process_time() - started:.0f} s of processor time", flush=True)


def pack(name: str) -> Cause:
    """A shipped pack."""
    return cause_of(shipped()[name].read_text(encoding="utf-8"))


def bursts(seed: int) -> None:
    """Holes that open at once in a simulated network."""
    network, feed, at_s, value, cases = burst_recording(seed)
    since = 21 * _DAY_S
    moments = feed.moments(at_s, value, heard([]), since)
    watch(pack("pipe-burst"), {"water": network}, moments, cases, near_m=1000, weeks=(at_s[-1] - since) / WEEK_S).tell()


def burst_recording(seed: int) -> tuple[Network, Feed, np.ndarray, np.ndarray, list[Case]]:
    """The network, its streams, their readings and the holes."""
    network = water_network(INP)
    holes = holes_of(seed)
    kept = CACHE / f"bursts-{seed}.npz"
    CACHE.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        np.savez(kept, **recorded(INP, METERS, holes, days=56, start_day=BEGINS_DAY, seed=seed, work=CACHE / kept.stem,
                                  step_s=300))  # type: ignore[arg-type]  # fmt: skip
    with np.load(kept) as data:
        names, at_s, value = data["names"], data["at_s"], data["values"].astype(np.float64)
    kind, code = np.array([str(name).split(":") for name in names], dtype=object).T
    value = value * np.where(kind == "pressure", _KPA_OF_M, 1.0)
    unit = np.array([{"pressure": "kPa", "flow": "L/s", "level": "m"}[each] for each in kind], dtype=object)
    lonlat = np.array([_place(network, each) for each in code])
    middle = network.plane.lonlat(network.middle)
    row = {each: at for at, each in enumerate(network.edge)}
    cases = [Case(hole.start_s, hole.end_s, *middle[row[hole.pipe]].tolist(), f"{hole.diameter_m * 100:.0f} cm")
             for hole in holes]  # fmt: skip
    return network, Feed(kind, code, unit, lonlat[:, 0], lonlat[:, 1]), at_s, value, cases


def holes_of(seed: int) -> list[Leak]:
    """A hole somewhere each 22 hours, from the fourth week on."""
    chance = np.random.default_rng(seed)
    found = []
    for number in range(36):
        start = float((21 + number * 0.9 + chance.uniform(0, 0.5)) * _DAY_S // 300 * 300)
        pipe, size = f"p{chance.integers(1, 906)}", float(chance.choice([0.02, 0.03, 0.05, 0.08]))
        found.append(Leak(pipe, start, start + 4 * 3600, size, start))
    return found


def _place(network: Network, code: str) -> tuple[float, float]:
    node, edge = np.flatnonzero(network.node == code), np.flatnonzero(network.edge == code)
    if len(node):
        return float(network.lon[node[0]]), float(network.lat[node[0]])
    lon, lat = network.plane.lonlat(network.middle[edge[:1]])[0].tolist()
    return lon, lat


def made_up(name: str, recording: MadeUp, near_m: float) -> None:
    """A pack on a made-up recording."""
    lonlat = PLANE.lonlat(recording.xy)
    feed = Feed(recording.kind, recording.kind, recording.unit, lonlat[:, 0], lonlat[:, 1])
    networks = {"gas": recording.network} if recording.network else {}
    moments = feed.moments(recording.at_s, recording.value, recording.heard, LEARNT_WEEKS * WEEK_S)
    watch(pack(name), networks, moments, recording.cases, near_m=near_m, weeks=WEEKS - LEARNT_WEEKS).tell()


def traffic(seed: int) -> None:
    """Incidents put into a real week."""
    at_s, value, lonlat = week_of_speeds()
    network = joined(lonlat)
    chance = np.random.default_rng(seed)
    cases = blocked(chance, at_s, value, lonlat, count=40)
    count = value.shape[1]
    feed = Feed(np.full(count, "traffic_speed", object), np.arange(count).astype(str).astype(object),
                np.full(count, "km/h", object), lonlat[:, 0], lonlat[:, 1], Calendar.ahead(0), recurs=True)  # fmt: skip
    since = at_s[0] + 3 * _DAY_S
    moments = feed.moments(at_s, value, heard([]), since)
    weeks = (at_s[-1] - since) / WEEK_S
    watch(pack("traffic-incident"), {"road": network}, moments, cases, near_m=2500, weeks=weeks).tell()


def jams(seed: int) -> None:
    """Incidents on made-up motorways that jam by themselves most days."""
    made = roads(seed)
    count = made.value.shape[1]
    feed = Feed(np.full(count, "traffic_speed", object), np.arange(count).astype(str).astype(object),
                np.full(count, "km/h", object), *made.lonlat.T, Calendar.ahead(0), recurs=True)  # fmt: skip
    moments = feed.moments(made.at_s, made.value, heard([]), LEARNT_WEEKS_OF_ROADS * WEEK_S)
    weeks = (made.at_s[-1] / WEEK_S) - LEARNT_WEEKS_OF_ROADS
    watch(pack("traffic-incident"), {"road": made.network}, moments, made.cases, near_m=2500, weeks=weeks).tell()


def week_of_speeds() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Seconds, km/h (NaN where a detector said nothing) and places of METR-LA's detectors."""
    with (DATA / "sensors" / "metr_la_week_los_speed.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    with (DATA / "sensors" / "metr_la_sensor_locations.csv").open(newline="") as file:
        places = {row["sensor_id"]: (float(row["longitude"]), float(row["latitude"])) for row in csv.DictReader(file)}
    value = np.array([[float(cell) for cell in row] for row in rows[1:]]) * 1.609344
    at_s = np.arange(len(value)) * 300.0
    return at_s, np.where(value > 0, value, np.nan), np.array([places[name] for name in rows[0]])


def joined(lonlat: np.ndarray) -> Network:
    """Each detector joined to its three nearest within 2.5 km: a stand-in for the roads, which are not in the data."""
    from scipy.spatial import cKDTree

    from cityloom.kernel.geometry import LocalProjection

    xy = LocalProjection(*np.median(lonlat, axis=0).tolist()).xy(lonlat[:, 0], lonlat[:, 1])
    metres, other = cKDTree(xy).query(xy, k=4)
    pairs = {(min(a, b), max(a, b)): m for a, (row, far) in enumerate(zip(other, metres, strict=True))
             for b, m in zip(row[1:].tolist(), far[1:].tolist(), strict=True) if m <= 2500}  # fmt: skip
    begin, end = np.array(list(pairs)).T
    names = np.array([f"{a}-{b}" for a, b in pairs], object)
    return Network(np.arange(len(xy)).astype(str).astype(object), lonlat[:, 0], lonlat[:, 1], names, begin, end,
                   np.array(list(pairs.values())))  # fmt: skip


def blocked(chance: np.random.Generator, at_s: np.ndarray, value: np.ndarray, lonlat: np.ndarray, *,
            count: int) -> list[Case]:  # fmt: skip
    """Slow down detectors around places where traffic flows, and say where that was."""
    from cityloom.kernel.geometry import LocalProjection

    xy = LocalProjection(*np.median(lonlat, axis=0).tolist()).xy(lonlat[:, 0], lonlat[:, 1])
    cases: list[Case] = []
    while len(cases) < count:
        step = int(chance.integers(3 * 288, len(at_s) - 24))
        first = int(chance.integers(len(xy)))
        near = np.argsort(np.hypot(*(xy - xy[first]).T))[: chance.integers(3, 6)]
        flows = np.nanmean(value[step - 3 : step + 1, near]) > 75
        if not flows or any(abs(at_s[step] - case.start_s) < 3600 for case in cases):
            continue
        for late, detector in enumerate(near.tolist()):
            rows = slice(step + late, step + 9)
            value[rows, detector] = np.maximum(value[rows, detector] * chance.uniform(0.25, 0.5), 5.0)
        cases.append(Case(at_s[step], at_s[step + 9], *lonlat[first].tolist(), f"{len(near)} detectors"))
    return cases


def faults(seed: int) -> None:
    """Sensors that are off by themselves: nothing may be told."""
    network, feed, at_s, value, _ = burst_recording(seed)
    chance = np.random.default_rng(seed)
    spread = np.nanstd(value[at_s < 21 * _DAY_S], axis=0) / 3
    hours = np.arange(14 * _DAY_S, 21 * _DAY_S, 3 * 3600.0)
    for now in hours:
        sensor = int(chance.integers(value.shape[1]))
        rows = (at_s >= now) & (at_s < now + 3600)
        value[rows, sensor] += chance.choice([-1, 1]) * chance.uniform(8, 40) * spread[sensor]
    cause, nobody = pack("pipe-burst"), heard([])
    moments = feed.moments(at_s[at_s < 21 * _DAY_S], value[at_s < 21 * _DAY_S], nobody, 14 * _DAY_S)
    found = watch(cause, {"water": network}, moments, [], near_m=1000, weeks=1.0).at(cause.raise_at)
    print(f"sensor faults: {len(hours)} put into a week, {len(found.false)} told as bursts")


def _of(name: str, make: object, near_m: float) -> object:
    return lambda seed: made_up(name, make(seed), near_m)  # type: ignore[operator]


PARTS = {
    "bursts": bursts, "gas": _of("gas-leak", gas, 300), "flood": _of("flooding", flood, 600), "traffic": traffic,
    "roads": jams,
    "faults": faults,
}  # fmt: skip


if __name__ == "__main__":
    main()
