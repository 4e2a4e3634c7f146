"""Kill loads at random instants: `python -m tests.flow.load_kills HOME COUNT SEED FORMAT [ROWS]`, for csv or parquet.

A register of organisations is kept by one file after another; each has changed names, new and closed ones, and some
rows that nobody can take. Each load is killed: then the register must show what it did before, and the same command
must finish that load and have it show what the file says. At the end two files of the source are loaded at once.

As in `tests.flow.kills` one process loads the libraries and forks a child for each load. Where `CITYLOOM_DATABASE_URL`
names an empty database, the register is kept there.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.flow.kills import begin_child, end_child, in_child

ROWS = 2_000
SPOILED = 7
"""Rows of each file whose code is mistyped."""
MAPPING = """\
cityloom: 1
source: market
register: organisations
covers: everything
as_of: {day}
file: {{format: {form}}}
columns:
  code: {{field: code}}
  name: {{field: name}}
  founded: {{field: registered_on}}
"""


def main() -> int:
    home, count, seed, form = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    rows, chance = int(sys.argv[5]) if sys.argv[5:] else ROWS, random.Random(seed)
    set_up(home, rows)
    whole_s = timed_loads(home, form, rows)
    wrong, killed = [], 0
    for number in range(2, count + 2):
        file = File(home, form, rows, number)
        fault, was_killed = one_killed(file, chance.uniform(0.02, whole_s))
        killed += was_killed
        wrong += [f"file {number}: {fault}"] if fault else []
    wrong += at_once(File(home, form, rows, count + 2), File(home, form, rows, count + 3))
    print(json.dumps({"kills": count, "whole_s": round(whole_s, 2), "killed_in_time": killed, "wrong": wrong[:5]}))
    return 1 if wrong else 0


def set_up(home: Path, rows: int) -> None:
    """An empty city's database, and loads that are written in ten parts."""
    os.environ |= {"CITYLOOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}
    folder = home if os.environ.get("CITYLOOM_DATABASE_URL") else home / "current"  # there a city's id names a schema
    folder.mkdir(parents=True, exist_ok=True)
    from cityloom.registers.domain import tables

    tables.BATCH = rows // 10  # before anybody else imports it: so a kill falls between two parts as in a large file
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def load_libraries(file: File) -> None:
    """Have in memory all that a load and the register's pages use, so that no child spends its time on loading."""
    from django.db import connections

    from cityloom.kernel import clock
    from cityloom.registers import actions
    from cityloom.registers.loading import run

    assert run
    actions.check_file(actions.read_mapping(file.mapping), file.path, at=clock.now())
    shown()
    connections.close_all()  # each child opens its own


class File:
    """A department's file, the mapping for it, and what a register that has it shows."""

    def __init__(self, home: Path, form: str, rows: int, number: int) -> None:
        self.path, self.mapping = home / f"{number}.{form}", home / f"{number}.yaml"
        day = date(2026, 1, 1) + timedelta(days=number)
        self.mapping.write_text(MAPPING.format(day=day, form=form), "utf-8")
        places = range(number * rows // 20, number * rows // 20 + rows)
        self.says = {code(place): f"Firm {place} {number if place % 3 == 0 else ''}".strip() for place in places}
        lines = [["code", "name", "founded"], *([key, name, "2020-01-02"] for key, name in self.says.items())]
        lines[1:1] = [[mistyped(place), "Mistyped", "2020-01-02"] for place in places[:SPOILED]]
        if form == "csv":
            with self.path.open("w", newline="", encoding="utf-8") as stream:
                csv.writer(stream).writerows(lines)
        else:
            import pyarrow
            from pyarrow import parquet

            columns = dict(zip(lines[0], zip(*lines[1:], strict=True), strict=True))
            parquet.write_table(pyarrow.table(columns), self.path, row_group_size=rows // 4)

    def load(self) -> dict[str, Any]:
        """Load it; which load that is, and whether it is new."""
        from cityloom.kernel import clock
        from cityloom.kernel.actor import SYSTEM
        from cityloom.kernel.refused import Refused
        from cityloom.registers import actions

        try:
            done = actions.load_file(actions.read_mapping(self.mapping), self.path, by=SYSTEM, at=clock.now())
        except Refused as refusal:
            return {"refused": refusal.code}
        return {"load": done.load, "is_new": done.is_new}

    def is_shown(self, seen: dict[str, Any]) -> bool:
        """Whether a register shows this file and nothing else."""
        return {key: name for key, name, *_ in seen["entries"]} == self.says and len(seen["entries"]) == len(self.says)


def code(place: int) -> str:
    from cityloom.registers.domain.identifiers import credit_code_sign

    start = f"91440305MA{place:07d}"
    return start + credit_code_sign(start)


def mistyped(place: int) -> str:
    right = code(place)
    return right[:-1] + ("1" if right[-1] == "0" else "0")


def shown() -> dict[str, Any]:
    """What the register shows: its entries as an export has them, some histories, and the loads that are done."""
    from cityloom.registers import queries
    from cityloom.registers.browsing import export
    from cityloom.registers.browsing.sought import Sought

    text = "".join(export.written("organisations", "csv", text="", area=None, by=Sought())).removeprefix("\ufeff")
    header, *lines = csv.reader(io.StringIO(text))
    wanted = [header.index(name) for name in (header[0], "name", "true since", "file", "load")]
    entries = [[line[place] for place in wanted] for line in lines]
    histories = [str(queries.facts_of("organisations", key)) for key, *_ in entries[:: len(entries) // 5 or 1]]
    known = [one.number for one in queries.loads(10_000) if one.state == "done"]
    return {"entries": entries, "histories": histories, "loads": known}


def cut_short() -> list[int]:
    """The loads that were begun and are not done, as the list of loads tells them."""
    from cityloom.registers import queries

    return [one.number for one in queries.loads(10_000) if one.state == "running"]


def set_aside(load: int) -> list[int]:
    """How many rows of a load were set aside, as it counts them and as they wait."""
    from cityloom.registers import queries

    facts = queries.load_facts(load)
    return [facts.counts["set_aside"], facts.waiting]


def timed_loads(home: Path, form: str, rows: int) -> float:
    """How many seconds an undisturbed load takes, once there is something to compare with."""
    load_libraries(File(home, form, rows, 0))
    for number in (0, 1):
        file, started = File(home, form, rows, number), time.monotonic()
        assert in_child(file.load)["is_new"]
        took_s = time.monotonic() - started
        assert file.is_shown(in_child(shown))
    return took_s


def one_killed(file: File, after_s: float) -> tuple[str, bool]:
    """What is wrong after a load that is killed, the same load again, and a third time; and whether it was killed."""
    before = in_child(shown)
    killed = in_child(file.load, kill_after_s=after_s) is None
    after, left = in_child(shown), in_child(cut_short)
    if after != before and not file.is_shown(after):
        return f"half of it is seen after {after_s:.3f} s", killed
    fault = after_finishing(file, left, len(before["loads"]))
    return f"{fault} after {after_s:.3f} s" if fault else "", killed


def after_finishing(file: File, left: list[int], loads: int) -> str:
    """What is wrong after the same load again and a third time; `left` were cut short, and `loads` were done before."""
    again, whole = in_child(file.load), in_child(shown)
    if "load" not in (again or {}) or not file.is_shown(whole):
        return f"not finished by the same load: {again}"
    if left not in ([], [again["load"]]) or in_child(cut_short):
        return f"load {again['load']} was finished, and {left} were cut short"
    if (waiting := in_child(lambda: set_aside(again["load"]))) != [SPOILED, SPOILED]:
        return f"{waiting} rows are set aside instead of {SPOILED}"
    third = in_child(file.load)
    if third != {"load": again["load"], "is_new": False} or in_child(shown) != whole:
        return f"the same file again changed something: {third}"
    return "" if len(whole["loads"]) == loads + 1 else f"{loads} loads became {len(whole['loads'])}"


def at_once(first: File, second: File) -> list[str]:
    """What is wrong after two files of a source are loaded at the same time: one waits its turn or is told to."""
    children = [begin_child(file.load) for file in (first, second)]
    told = [end_child(*child) for child in children]
    seen, wrong = in_child(shown), []
    if not any(file.is_shown(seen) for file in (first, second)):
        wrong.append(f"two loads at once left a mixture: {told}")
    if any("load" not in one and one != {"refused": "registers.load_running"} for one in told):
        wrong.append(f"two loads at once: {told}")
    if second.load().get("load") is None or not second.is_shown(shown()):
        wrong.append("after two loads at once the second file could not be loaded again")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
