"""Measure the cockpit's map in a browser: until it rests with a million buildings, and from an event to its pixel.

Run: python -m bench.cockpit [--buildings N] [--runs N] [--events N] [--home FOLDER]
A city of 20,000 people is built, and copies of its buildings are laid around until there are enough, 3,300 to a square
kilometre; --home takes a city that is there. The browser draws in software, on the same cores as the city. Cold means a
browser that has nothing yet, once with tiles that the city must draw first and then with tiles that it has drawn. The
time of an event runs from its commit in the database to the frame of the browser that shows it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.city import setup

FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
CHROMIUM = "/usr/bin/chromium"
ZOOM = 15.2
DENSE_KM2 = 3300
_PATIENCE_S = 60
_IDLE = "performance.getEntriesByName('cityloom-map-idle')[0]?.startTime ?? null"
_COUNT = "document.querySelector('[data-map]').map.queryRenderedFeatures().length"
_WATCH = """() => { const {map} = document.querySelector('[data-map]'); let known = 0; window.drawnAt = [];
  map.on('render', () => { const now = map.queryRenderedFeatures({layers: ['reports-0']}).length;
    while (known < now) { known += 1; window.drawnAt.push(Date.now()); } }); }"""
_HAPPEN = """
import sys, time
from bench.city import setup
from pathlib import Path
setup(Path(sys.argv[1]))
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.signals import actions
from cityloom.signals.domain.reading import CallReport
for line in sys.stdin:
    lon, lat = map(float, line.split())
    report = CallReport(ids.random_token(), "noise", lon, lat, clock.now())
    actions.record(reports=[report], by=SYSTEM, at=clock.now())
    print(time.time() * 1e3, flush=True)
"""


# --- the city


def build(home: Path, buildings: int) -> None:
    """A small city, its buildings repeated to the east and north until there are enough."""
    command = [sys.executable, "-m", "cityloom", "city", "build", "--people", "20000"]
    subprocess.run(command, env=os.environ | {"CITYLOOM_HOME": str(home)}, check=True, stdout=subprocess.DEVNULL)
    setup(home)
    repeat(buildings)


def repeat(wanted: int) -> None:
    """Lay copies of the buildings side by side, around those that there are."""
    import shapely
    from django.db import connection, transaction

    from cityloom.kernel.cells import cells_of

    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registers_building")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    place = {name: names.index(name) for name in names}
    shapes = shapely.from_wkb([bytes(row[place["footprint"]]) for row in rows])
    west, south, east, north = shapely.total_bounds(shapes)
    steps = _around(-(-wanted // len(rows)) - 1)
    wide, tall = _spacing(east - west, north - south, (south + north) / 2, len(rows))
    insert = f"INSERT INTO registers_building ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
    highest = max(row[place["id"]] for row in rows)
    for number, (right, up) in enumerate(steps, 1):
        dx, dy = right * wide, up * tall
        moved = shapely.to_wkb(shapely.transform(shapes, lambda xy, by=(dx, dy): xy + by))
        lons = np.array([row[place["lon"]] for row in rows]) + dx
        lats = np.array([row[place["lat"]] for row in rows]) + dy
        columns = list(zip(*rows, strict=True))
        columns[place["id"]] = [one + number * (highest + 1) for one in columns[place["id"]]]
        columns[place["lon"]], columns[place["lat"]] = lons.tolist(), lats.tolist()
        columns[place["cell"]], columns[place["footprint"]] = cells_of(lons, lats).tolist(), moved.tolist()
        copies = list(zip(*columns, strict=True))
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(insert, copies)


def _spacing(wide: float, tall: float, lat: float, count: int) -> tuple[float, float]:
    """Degrees between copies: close enough for the buildings of a dense city to stand in each square kilometre."""
    area_km2 = wide * 111.3 * np.cos(np.radians(lat)) * tall * 111.3
    closer = max(1.0, (DENSE_KM2 * area_km2 / count) ** 0.5)
    return wide / closer, tall / closer


def _around(count: int) -> list[tuple[int, int]]:
    """So many places of a grid, the nearest to its middle first, without the middle."""
    reach = int(count**0.5) + 2
    grid = [(x, y) for x in range(-reach, reach + 1) for y in range(-reach, reach + 1) if (x, y) != (0, 0)]
    return sorted(grid, key=lambda at: at[0] ** 2 + at[1] ** 2)[:count]


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The city's processes; where they answer."""
    command = [sys.executable, "-m", "cityloom"]
    environment = os.environ | {"CITYLOOM_HOME": str(home)}
    process = subprocess.Popen([*command, "serve"], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield re.findall(r"http://\S+", process.stdout.readline())[0]
    finally:
        subprocess.run([*command, "stop"], env=environment, check=False, stdout=subprocess.DEVNULL)
        process.wait(20)


# --- the browser


def measure(home: Path, runs: int, events: int) -> dict[str, Any]:
    """Everything, in one run of the city."""
    from playwright.sync_api import sync_playwright

    cache = next(home.rglob("tiles.db"), None)
    if cache:
        cache.unlink()
    with served(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        kept = sign_in(browser, url)
        address = middle(browser, url, kept)
        taken = [cold(browser, address, kept) for _ in range(runs)]
        result = {
            "buildings": buildings(home), "load_average": os.getloadavg()[0],
            "idle_s_first_tiles": taken[0]["idle_s"], "idle_s": sorted(one["idle_s"] for one in taken[1:]),
            "features_on_screen": taken[-1]["features"], "scripts_kb": scripts_kb(),
            "event_to_pixel": late(browser, address, kept, home, events),
        }  # fmt: skip
        browser.close()
    return result


def buildings(home: Path) -> int:
    """How many there are, asked in a process of its own: Playwright's loop keeps Django from its database here."""
    asking = ("from bench.city import setup; from pathlib import Path; import sys; setup(Path(sys.argv[1])); "
              "from cityloom.registers.models import Building; print(Building.objects.count())")  # fmt: skip
    return int(subprocess.run([sys.executable, "-c", asking, str(home)], capture_output=True, check=True).stdout)


def sign_in(browser: Any, url: str) -> dict[str, Any]:
    """What a browser keeps of the commander's sign-in."""
    page = browser.new_context().new_page()
    page.goto(f"{url}/sign-in/")
    page.locator("ul.roles button", has=page.locator(".small:text-is('commander')")).click()
    page.wait_for_url(f"{url}/")
    kept = page.context.storage_state()
    page.context.close()
    return kept


def window(browser: Any, kept: dict[str, Any]) -> Any:
    """A browser that is signed in and has nothing in its cache."""
    return browser.new_context(storage_state=kept, viewport={"width": 1440, "height": 900}).new_page()


def middle(browser: Any, url: str, kept: dict[str, Any]) -> str:
    """The address of the map at zoom 15 over the middle of the city."""
    page = window(browser, kept)
    lon, lat, _zoom = json.loads(page.goto(f"{url}/map/layers.json").body())["view"]
    page.context.close()
    return f"{url}/map/#map={ZOOM}/{lat:.5f}/{lon:.5f}"


def until(page: Any, script: str, wanted: Any = bool) -> Any:
    """Ask until the answer is there; the pages' policy forbids Playwright's own waiting."""
    end = time.monotonic() + _PATIENCE_S
    while not wanted(found := page.evaluate(script)):
        if time.monotonic() > end:
            raise TimeoutError(script)
        time.sleep(0.02)
    return found


def cold(browser: Any, address: str, kept: dict[str, Any]) -> dict[str, float]:
    """Seconds from the address to a map at rest, as the browser counts them, and what is on it."""
    page = window(browser, kept)
    page.goto(address)
    idle = until(page, _IDLE)
    found = {"idle_s": round(idle / 1e3, 2), "features": page.evaluate(_COUNT)}
    page.context.close()
    return found


def late(browser: Any, address: str, kept: dict[str, Any], home: Path, events: int) -> dict[str, float]:
    """Milliseconds from the commit of a call to the frame that shows it."""
    page = window(browser, kept)
    page.goto(address)
    until(page, _IDLE)
    page.evaluate(_WATCH)
    lon, lat = page.evaluate("document.querySelector('[data-map]').map.getCenter().toArray()")
    command = [sys.executable, "-c", _HAPPEN, str(home)]
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert program.stdin
    assert program.stdout
    chance, taken = np.random.default_rng(1), []
    for number in range(events):
        dx, dy = chance.uniform(-0.004, 0.004, 2)
        print(lon + dx, lat + dy, file=program.stdin, flush=True)
        committed = float(program.stdout.readline())
        drawn = until(page, "window.drawnAt", lambda found, count=number: len(found) > count)
        taken.append(drawn[number] - committed)
        time.sleep(float(chance.uniform(0.2, 0.6)))
    program.communicate(timeout=20)
    page.context.close()
    p50, p95 = np.quantile(taken, [0.5, 0.95])
    return {"p50_ms": round(float(p50)), "p95_ms": round(float(p95)), "max_ms": round(max(taken)), "count": len(taken)}


def scripts_kb() -> float:
    """Compressed scripts of the cockpit with its map, all that it can load."""
    from cityloom.ui import built

    scripts = {path for name in ("map/index.ts", "fonts/index.ts") for path in built.scripts_of(name)}
    scripts |= set(built.FOLDER.parent.glob("*.js"))
    return round(sum(len(gzip.compress(path.read_bytes())) for path in scripts) / 1e3, 1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home with a city; without it one is made")
    parser.add_argument("--buildings", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--events", type=int, default=60)
    options = parser.parse_args()
    subprocess.run([sys.executable, "tools/islands.py"], check=True)
    if options.home:
        print(json.dumps(measure(options.home.resolve(), options.runs, options.events), indent=2))
        return 0
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        subprocess.run([sys.executable, "-c", "import sys; from pathlib import Path; from bench.cockpit import build; "
                        "build(Path(sys.argv[1]), int(sys.argv[2]))", str(home), str(options.buildings)],
                       check=True)  # fmt: skip
        print(json.dumps(measure(home, options.runs, options.events), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
