"""Measure the map: tiles drawn anew and from the cache, in the process and over HTTP, and the search; with a peer.

Run: python -m bench.tiles [--people N] [--home FOLDER] [--tiles N] [--seed N]
Without --home a synthetic city of 200,000 people is built, its ground only; 20,000,000 people are a million buildings.
Tiles are those over buildings drawn at random. The peer is shapely with mapbox-vector-tile, given the same features of
the same tiles in the same run; only writing is compared, since reading the features is the same for both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from bench.city import _family, _resident, setup

if TYPE_CHECKING:
    from cityloom.kernel.mvt import Layer, Tile

ZOOMS = (14, 15, 16)
GOALS_MS = {14: 250, 15: 60}
CACHED_GOAL_MS = 10
SEARCH_GOAL_MS = 50
_WAIT_S = 30.0


def build_ground(people: int, seed: int, home: Path) -> None:
    """A city in which nobody lives yet: the map shows no people."""
    setup(home)
    from django.core.management import call_command

    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions
    from cityloom.signals import actions as signals

    (home / "cities" / "bench").mkdir(parents=True)
    (home / "current").symlink_to(home / "cities" / "bench")
    call_command("migrate", verbosity=0)
    draft = actions.completed(actions.draft_synthetic(people, seed), seed)
    actions.load(draft, seed=seed, people=False, by=SYSTEM, at=clock.now())
    signals.install(draft.sensor_sites, by=SYSTEM, at=clock.now())


def draw_tiles(zoom: int, count: int, seed: int) -> list[Tile]:
    """Different tiles over buildings drawn at random, as many as there are."""
    from django.db import connection

    from cityloom.kernel.mvt import Tile

    rng = np.random.default_rng(seed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM registers_building")
        last = cursor.fetchone()[0]
        found: dict[Tile, None] = {}
        for number in rng.integers(1, last + 1, 20 * count).tolist():
            cursor.execute("SELECT lon, lat FROM registers_building WHERE id = %s", [number])
            found[Tile.holding(*cursor.fetchone(), zoom)] = None
            if len(found) == count:
                break
    return list(found)


def milliseconds(ask: Callable[[Any], object], things: list[Any]) -> dict[str, float]:
    """Quantiles of the time that one answer takes."""
    taken = []
    for thing in things:
        started = time.perf_counter()
        ask(thing)
        taken.append((time.perf_counter() - started) * 1e3)
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    return {"p50_ms": round(float(p50), 1), "p95_ms": round(float(p95), 1), "max_ms": round(max(taken), 1)}


def in_process(tiles: list[Tile]) -> dict[str, Any]:
    """The view's own work, drawn anew and then from the cache."""
    from django.contrib.auth.models import AnonymousUser
    from django.test import RequestFactory

    from cityloom.registers import queries
    from cityloom.web import map as maps
    from cityloom.web import map_layers
    from cityloom.web.tile_cache import tile_cache

    city = queries.city()
    version = str(map_layers.version_of(city))
    factory, sizes = RequestFactory(headers={"Accept-Encoding": "gzip"}), []

    def ask(tile: Tile) -> None:
        request = factory.get("/")
        request.city, request.user = city, AnonymousUser()  # type: ignore[attr-defined]
        sizes.append(len(maps.tile(request, version, "ground", tile.z, tile.x, tile.y).content))

    forget(tile_cache().path)
    uncached = milliseconds(ask, tiles)
    size_kb = round(float(np.median(sizes)) / 1e3, 1)
    return {"uncached": uncached, "cached": milliseconds(ask, tiles), "gzip_kb": size_kb}


def forget(path: Path) -> None:
    """Empty the cache of tiles."""
    from cityloom.web.tile_cache import tile_cache

    tile_cache().close()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def beside_peer(tiles: list[Tile]) -> dict[str, Any]:
    """Writing the same features of the same tiles, ours and the peer's one after the other."""
    from cityloom.kernel import mvt
    from cityloom.ui import registry
    from cityloom.web import map_layers

    layers = map_layers.layers_in("ground", None)
    read = []
    for tile in tiles:
        bounds = tile.bounds(mvt.BUFFER)
        shown = [one for one in layers if one.min_zoom <= tile.z < one.max_zoom]
        features = [(one.key, registry.source_of(one.source)(*bounds, tile.z)) for one in shown]
        read.append((tile, [mvt.Layer(key, f.geometry, f.id, f.properties) for key, f in features]))
    ours = milliseconds(lambda one: mvt.encode(*one), read)
    peers = milliseconds(lambda one: peer_encode(*one), read[: max(1, len(read) // 3)])
    return {
        "features": int(np.median([sum(len(layer.id) for layer in found) for _, found in read])), "ours": ours,
        "peer": peers, "ratio_p50": round(ours["p50_ms"] / peers["p50_ms"], 3),
    }  # fmt: skip


def peer_encode(tile: Tile, layers: list[Layer]) -> bytes:
    """The same tile by shapely and mapbox-vector-tile: project, clip, write."""
    import mapbox_vector_tile

    frame = shapely.box(-64, -64, 4160, 4160)
    named = []
    for layer in layers:
        flat = shapely.transform(layer.geometry, tile.units)
        cut = shapely.intersection(flat, frame)
        columns = {key: column.tolist() for key, column in layer.properties.items()}
        features = [
            {"geometry": cut[row], "id": number, "properties": {key: column[row] for key, column in columns.items()
                                                                if column[row] is not None}}
            for row, number in enumerate(layer.id.tolist()) if not cut[row].is_empty
        ]  # fmt: skip
        named.append({"name": layer.name, "features": features})
    return bytes(mapbox_vector_tile.encode(named, default_options={"extents": 4096, "y_coord_down": True}))


@contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    """The city's pages on a port of their own, as the web process serves them."""
    import httpx

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "cityloom.project.asgi:application", "--port", str(port),
               "--log-level", "error"]  # fmt: skip
    server = subprocess.Popen(command, env=os.environ | {"CITYLOOM_HOME": str(home)})
    url = f"http://localhost:{port}"
    try:
        deadline = time.perf_counter() + _WAIT_S
        while time.perf_counter() < deadline:
            try:
                httpx.get(f"{url}/health/live/").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(timeout=10)


def over_http(home: Path, tiles: dict[int, list[Tile]]) -> dict[str, Any]:
    """Requests one after the other from a client in this process, so that both share the cores."""
    import httpx

    from cityloom.web.tile_cache import tile_cache

    forget(tile_cache().path)
    with served(home) as (url, pid), httpx.Client(base_url=url, headers={"Accept-Encoding": "gzip"}) as client:
        pattern = client.get("/map/layers.json").json()["sources"]["ground"]["tiles"][0]

        def ask(tile: Tile) -> None:
            client.get(pattern.format(z=tile.z, x=tile.x, y=tile.y)).raise_for_status()

        started = time.perf_counter()
        ask(next(iter(tiles.values()))[0])
        first_ms = (time.perf_counter() - started) * 1e3
        result: dict[str, Any] = {"first_tile_ms": round(first_ms, 1)}
        for zoom, wanted in tiles.items():
            result[f"zoom_{zoom}"] = {"uncached": milliseconds(ask, wanted), "cached": milliseconds(ask, wanted)}
        result["server_memory_mb"] = round(sum(_resident(one) for one in _family(pid)) / 1e6)
    return result


def searched(seed: int) -> dict[str, Any]:
    """The search box, with beginnings of names, whole names, addresses and what there is not."""
    from cityloom.kernel.actor import Actor
    from cityloom.registers.models import Building, Name
    from cityloom.web import search

    rng = np.random.default_rng(seed)
    last = Name.objects.order_by("-id").values_list("id", flat=True).first() or 1
    texts = []
    for row in Name.objects.filter(id__in=rng.integers(1, last + 1, 100).tolist()):
        texts += [row.name, row.name[:3], row.name_zh or row.name[-3:]]
    houses = Building.objects.exclude(street="").values_list("street", "house_number", "id")
    texts += [f"{street} {number}" for street, number, _id in houses[:3000:60]] + [str(one[2]) for one in houses[:20]]
    texts += ["nothing like it", "的", "a", "' OR 1=1"]
    reader = Actor("bench", roles=frozenset({"commander"}))
    return milliseconds(lambda text: search.found(search.cleaned(text), reader, 8), texts) | {"queries": len(texts)}


def measure(home: Path, count: int, seed: int) -> dict[str, Any]:
    """Everything, in one run."""
    from cityloom.registers import queries

    tiles = {zoom: draw_tiles(zoom, count, seed) for zoom in ZOOMS}
    in_process(tiles[14][:1])
    result: dict[str, Any] = {
        "buildings": queries.loaded_city().counts["buildings"],
        "tiles": {zoom: len(wanted) for zoom, wanted in tiles.items()},
        "goals_ms": {"uncached_p95": GOALS_MS, "cached_p95": CACHED_GOAL_MS, "search": SEARCH_GOAL_MS},
        "in_process": {f"zoom_{zoom}": in_process(wanted) for zoom, wanted in tiles.items()},
        "writing_beside_peer": {f"zoom_{zoom}": beside_peer(wanted[:30]) for zoom, wanted in tiles.items()},
        "over_http": over_http(home, tiles), "search": searched(seed), "load_average": os.getloadavg()[0],
    }  # fmt: skip
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home with a city; without it one is built and thrown away")
    parser.add_argument("--people", type=int, default=200_000, help="of the city that is built")
    parser.add_argument("--tiles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if options.home:
        setup(options.home)
        print(json.dumps(measure(options.home, options.tiles, options.seed), indent=2))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="cityloom-bench-"))
    try:
        (folder / "home").mkdir(mode=0o700)
        build_ground(options.people, options.seed, folder / "home")
        print(json.dumps(measure(folder / "home", options.tiles, options.seed), indent=2))
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
