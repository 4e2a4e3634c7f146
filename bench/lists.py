"""Measure lists of a register that are narrowed down: `python -m bench.lists [--rows N] [--people N]`.

A made-up city in a temporary home, and street lamps and covers of a made-up department all over it. Each list is asked
for its first part of 50, and for a part in the middle, as a page does; nothing is kept between two of them but what the
database keeps. What fits nothing costs most: a part ends after 20,000 records all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_MAPPING = """\
cityloom: 1
source: works
register: components
as_of: 2026-11-01
file: {path: lamps.csv, format: csv}
columns:
  id: {field: code}
  x: {field: lon}
  y: {field: lat}
  state: {field: state}
"""
_CLASSES = ("0118", "0101", "0119")
_A_PART = 50
_TURNS = 21


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=200_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        print(json.dumps(_measured(wanted, Path(place)), ensure_ascii=False), flush=True)
    return 0


def _measured(wanted: argparse.Namespace, place: Path) -> dict[str, Any]:
    from cityloom.gate import actions as gate
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions

    keeper = gate.start_keeper()
    try:
        actions.build_synthetic(wanted.people, seed=1, by=SYSTEM, at=clock.now())
    finally:
        keeper.stop()
    _write(place / "lamps.csv", wanted.rows)
    (place / "lamps.yaml").write_text(_MAPPING, "utf-8")
    load = os.getloadavg()[0]
    actions.load_file(actions.read_mapping(place / "lamps.yaml"), place / "lamps.csv", by=SYSTEM, at=clock.now())
    return {"rows": wanted.rows, **_lists(), "load": [round(load, 1), round(os.getloadavg()[0], 1)]}


def _write(path: Path, rows: int) -> None:
    """Components where buildings are; one in a thousand is damaged, and none is removed."""
    from cityloom.registers.models import Building

    chance = np.random.default_rng(1)
    buildings = np.array(list(Building.objects.values_list("lon", "lat")))
    places = buildings[chance.integers(0, len(buildings), rows)] + chance.normal(0, 1e-4, (rows, 2))
    with path.open("w", encoding="utf-8") as stream:
        stream.write("id,x,y,state\n")
        for number, (lon, lat) in enumerate(places.tolist()):
            code = f"44030{5 + number % 3}{_CLASSES[number // 3 % 3]}{number // 9:06d}"
            state = "damaged" if number % 1000 == 7 else "intact"
            stream.write(f"{code},{lon:.6f},{lat:.6f},{state}\n")


def _lists() -> dict[str, Any]:
    from cityloom.registers.browsing import communities, sought

    area = next(str(number) for number, kind, *_ in sought.areas() if kind == "district")
    community = communities.communities()[0].id
    began = time.perf_counter()
    communities.outline_of(community)
    outline_s = time.perf_counter() - began
    asked: dict[str, dict[str, str]] = {
        "all": {}, "source": {"source": "works"}, "one in a thousand": {"state": "damaged"},
        "nothing fits": {"state": "removed"}, "district": {"area": area}, "community": {"community": community},
    }  # fmt: skip
    return {name: _timed(by) for name, by in asked.items()} | {"outline of a community, once": round(outline_s, 3)}


def _timed(by: dict[str, str]) -> dict[str, float]:
    """Milliseconds of the first part and of one in the middle, median and greatest; processor time of the first."""
    from cityloom.registers.browsing import entries, sought

    def part(after: str) -> Callable[[], object]:
        return lambda: entries.narrowed("components", sought.sought("components", by), after=after, limit=_A_PART)

    out = {}
    for name, ask in (("first", part("")), ("middle", part("4403060101"))):
        taken, cpu = [], time.process_time()
        for _ in range(_TURNS):
            began = time.perf_counter()
            ask()
            taken.append((time.perf_counter() - began) * 1000)
        out |= {f"{name}_ms": round(float(np.median(taken)), 1), f"{name}_most_ms": round(max(taken), 1),
                f"{name}_cpu_ms": round((time.process_time() - cpu) / _TURNS * 1000, 1)}  # fmt: skip
    return out


if __name__ == "__main__":
    raise SystemExit(main())
