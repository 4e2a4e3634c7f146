"""Measure zone to buildings to households: warm, with caches dropped, at 3 km, and beside PostGIS on the same rows.

Run: python -m bench.city --people 20000000 --keep FOLDER
     python -m bench.zone --home FOLDER [--places N] [--postgis URL]
The places are the homes of people drawn at random; each zone is the circle that holds about 700 households.
PostGIS gets the same buildings and residents, in a schema of its own that is dropped afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.city import setup

HOUSEHOLDS = 700
SCHEMA = "cityloom_bench_zone"
_PEER_RESIDENTS = (
    "SELECT r.subject, d.building_id, r.dwelling_id "
    "FROM registers_resident r JOIN registers_dwelling d ON d.id = r.dwelling_id"
)


@dataclass(frozen=True)
class Zone:
    """A circle in WGS 84 and what it was drawn around."""

    lon: float
    lat: float
    radius_m: float

    @property
    def polygon(self) -> shapely.Polygon:
        from cityloom.kernel import geometry

        return geometry.circle(self.lon, self.lat, self.radius_m)


def draw_zones(count: int, seed: int) -> list[Zone]:
    """Zones around the homes of people drawn at random, each grown until it holds about 700 households."""
    from django.db import connection

    rng = np.random.default_rng(seed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM registers_dwelling")
        last = cursor.fetchone()[0]
        zones = []
        for dwelling in rng.integers(1, last + 1, count).tolist():
            cursor.execute("SELECT building_id FROM registers_dwelling WHERE id = %s", [dwelling])
            cursor.execute("SELECT lon, lat FROM registers_building WHERE id = %s", cursor.fetchone())
            zones.append(_grown(*cursor.fetchone()))
    return zones


def _grown(lon: float, lat: float) -> Zone:
    low, high = 60.0, 1500.0
    while high - low > 4:
        radius = (low + high) / 2
        low, high = (radius, high) if _households(Zone(lon, lat, radius)) < HOUSEHOLDS else (low, radius)
    return Zone(lon, lat, high)


def _households(zone: Zone) -> int:
    from cityloom.registers import queries

    return len(queries.residents_of(queries.buildings_touching(zone.polygon)).households)


def timed(zones: list[Zone], ask: Callable[[Zone], int], before: Callable[[], None] = lambda: None) -> dict[str, float]:
    """Milliseconds of one question at each zone."""
    taken, answers = [], []
    for zone in zones:
        before()
        started = time.perf_counter()
        answers.append(ask(zone))
        taken.append((time.perf_counter() - started) * 1e3)
    p50, p99 = np.quantile(taken, [0.5, 0.99])
    return {
        "p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "max_ms": round(max(taken), 2),
        "households": int(np.median(answers)), "zones": len(zones),
    }  # fmt: skip


def dropper(home: Path) -> Callable[[], None]:
    """Throw the database's pages out of every cache that we can reach."""
    from django.db import connection

    def drop() -> None:
        connection.close()
        for path in (home / "current").glob("city.db*"):
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)
        connection.ensure_connection()

    return drop


class Peer:
    """PostGIS with the same buildings and residents: GiST index, ST_DWithin, and an equality join."""

    def __init__(self, url: str) -> None:
        import psycopg

        self.link = psycopg.connect(url, autocommit=True)
        self.link.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        self.link.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        self.link.execute(f"CREATE SCHEMA {SCHEMA}")
        self.link.execute(f"SET search_path = {SCHEMA}, public")

    def fill(self) -> None:
        """Copy buildings and residents out of the city."""
        self.link.execute("CREATE TABLE building (id bigint PRIMARY KEY, shape geometry(Geometry, 4326))")
        self.link.execute("CREATE TABLE resident (subject bigint PRIMARY KEY, building_id bigint, dwelling_id bigint)")
        self._copy("building (id, shape)", _peer_buildings())
        self._copy("resident (subject, building_id, dwelling_id)", _rows(_PEER_RESIDENTS))
        self.link.execute("CREATE INDEX ON building USING gist (shape)")
        self.link.execute("CREATE INDEX ON resident (building_id, dwelling_id, subject)")
        self.link.execute("VACUUM ANALYZE building")
        self.link.execute("VACUUM ANALYZE resident")

    def _copy(self, target: str, rows: Iterator[tuple]) -> None:
        with self.link.cursor().copy(f"COPY {target} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def buildings(self, zone: Zone) -> set[int]:
        """The buildings that touch the zone."""
        rows = self.link.execute(
            "SELECT id FROM building WHERE ST_DWithin(shape, ST_GeomFromWKB(%s, 4326), 0)",
            [shapely.to_wkb(zone.polygon)], binary=True,
        )  # fmt: skip
        return {row[0] for row in rows}

    def households(self, zone: Zone) -> int:
        """People and their dwellings in the zone, counted as households."""
        rows = self.link.execute(
            "SELECT r.subject, r.dwelling_id "
            "FROM building b JOIN resident r ON r.building_id = b.id "
            "WHERE ST_DWithin(b.shape, ST_GeomFromWKB(%s, 4326), 0)",
            [shapely.to_wkb(zone.polygon)], binary=True,
        ).fetchall()  # fmt: skip
        table: NDArray[np.int64] = np.array(rows, np.int64).reshape(-1, 2)
        return len(np.unique(table[:, 1]))

    def close(self) -> None:
        self.link.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        self.link.close()


def _rows(statement: str) -> Iterator[tuple]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(50_000):
            yield from rows


def _peer_buildings() -> Iterator[tuple]:
    for number, footprint in _rows("SELECT id, footprint FROM registers_building"):
        shape = shapely.set_srid(shapely.from_wkb(bytes(footprint)), 4326)
        yield number, shapely.to_wkb(shape, hex=True, include_srid=True)


def differences(zones: list[Zone], peer: Peer) -> dict[str, int]:
    """Buildings that only one of the two finds."""
    from cityloom.registers import queries

    both = [(set(queries.buildings_touching(zone.polygon).id.tolist()), peer.buildings(zone)) for zone in zones]
    return {"buildings": sum(len(ours) for ours, _ in both), "different": sum(len(a ^ b) for a, b in both)}


def measure(home: Path, count: int, seed: int, postgis: str) -> dict[str, object]:
    """Everything, in one run."""
    zones = draw_zones(count, seed)
    far = [Zone(zone.lon, zone.lat, 3000.0) for zone in zones[: max(1, count // 10)]]
    timed(zones, _households)
    result: dict[str, object] = {"radius_m": round(float(np.median([zone.radius_m for zone in zones])))}
    result["warm"] = [timed(zones, _households) for _ in range(3)]
    if postgis:
        peer = Peer(postgis)
        try:
            peer.fill()
            timed(zones, peer.households)
            result["postgis_warm"] = [timed(zones, peer.households) for _ in range(3)]
            result["warm_again"] = [timed(zones, _households) for _ in range(3)]
            result["differences"] = differences(zones, peer)
        finally:
            peer.close()
    result["cold"] = timed(zones[: max(1, count // 3)], _households, dropper(home))
    result["far_3_km"] = timed(far, _households)
    return result | {"load_average": os.getloadavg()[0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home with a city; without it one of 200,000 people is built")
    parser.add_argument("--places", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--postgis", default=os.environ.get("CITYLOOM_POSTGIS_URL", ""), help="postgresql://... to compare"
    )
    options = parser.parse_args()
    if options.home:
        setup(options.home)
        print(json.dumps(measure(options.home, options.places, options.seed, options.postgis), indent=2))
        return 0
    import shutil
    import tempfile

    from bench.city import build

    folder = Path(tempfile.mkdtemp(prefix="cityloom-bench-"))
    try:
        (folder / "home").mkdir(mode=0o700)
        print(json.dumps(build(200_000, options.seed, folder / "home"), indent=2))
        print(json.dumps(measure(folder / "home", options.places, options.seed, options.postgis), indent=2))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
