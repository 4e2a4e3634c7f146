"""Measure the chain from people to sites for a city of 20 million in 1,000 areas, all links with the same futures.

Run: python -m bench.chain [--areas N] [--people N] [--futures N] [--edges N]
The city is made up: people by area, sex and single year of age, 500 schools, 300 candidates, a road graph of some
50,000 edges, 10 years. There is no peer that does all links; what each takes is told, in seconds of the processor.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np

from bench import _made_up_streets as made_up
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import chain_example, kinds

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
GOAL_S = 120.0


def main() -> int:
    arguments = argparse.ArgumentParser()
    for name, default in (("areas", 1_000), ("people", 20_000_000), ("futures", 500), ("edges", 50_000),
                          ("facilities", 500), ("candidates", 300), ("sites", 20), ("years", 10)):  # fmt: skip
        arguments.add_argument(f"--{name}", type=int, default=default)
    chosen = arguments.parse_args()
    tables = _city(chosen)
    question = {"base_year": 2025, "years": chosen.years, "ages": [6, 11], "rate": 0.97, "mode": "drive",
                "catchment": 15, "limit": 40, "p": chosen.sites, "seed": 7, "futures": {"count": chosen.futures},
                "others": []}  # fmt: skip
    print(f"{chosen.people:,} people in {chosen.areas:,} areas, {chosen.futures} futures of {chosen.years} years,")
    print(f"{tables['edges'].rows:,} edges, {chosen.facilities} facilities, {chosen.candidates} candidates")
    spent: dict[str, float] = {}
    last = ["inputs", time.process_time()]

    def told(_share: float, step: str) -> None:
        now = time.process_time()
        spent[str(last[0])] = spent.get(str(last[0]), 0.0) + now - float(last[1])
        last[:] = [step, now]

    begun, wall = time.process_time(), time.monotonic()
    study = kinds.worked("demand-chain", question, tables, told)
    told(1.0, "")
    cpu, clock = time.process_time() - begun, time.monotonic() - wall
    for name, seconds in spent.items():
        print(f"  {name}: {seconds:.1f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"all: {cpu:.1f} s of the processor, {clock:.1f} s by the clock, {peak:.0f} MB (goal {GOAL_S:.0f} s)")
    links = study.step("links").table
    for name in ("demand", "gap", "gap_after", "unplaced", "unplaced_after", "gap_of_choice"):
        row = links.row_of((name,))
        print(f"  {name}: {links['expected'][row]:,.4g} ({links['low'][row]:,.4g} to {links['high'][row]:,.4g})")
    return 0 if cpu <= GOAL_S else 1


def _city(chosen: argparse.Namespace) -> dict[str, Table]:
    tables = chain_example.city(chosen.areas, chosen.people, chosen.facilities, chosen.candidates, 3)
    rng = np.random.default_rng(11)
    for name, key in (("areas", "area"), ("supply", "facility"), ("candidates", "site")):
        lon, lat = made_up.spots(chosen.edges, tables[name].rows, rng)
        columns = {one: column for one, column in tables[name].columns.items() if one not in ("lon", "lat")}
        tables[name] = table(key, **columns, lon=lon, lat=lat)
    return tables | made_up.streets(chosen.edges)


if __name__ == "__main__":
    raise SystemExit(main())
