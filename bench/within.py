"""Measure how a file of people is compared with itself before anybody is sealed: speed, precision, recall.

Run: python -m bench.within [--people N] [--twice SHARE] [--latin]
Made-up people without identity numbers, of whom a share stands in the file twice under two keys, the second time with
the generator's stated noise (`linkage_example.Noise`), rows shuffled. Told is processor time of this process.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

_MAPPING = """\
cityloom: 1
source: bench
register: people
as_of: 2026-11-01
file: {format: csv, encoding: utf-8}
columns:
  no: {field: code}
  name: {field: name}
  born: {field: birth_date}
  phone: {field: phone}
"""


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--twice", type=float, default=0.02)
    parser.add_argument("--latin", action="store_true", help="names in pinyin instead of Chinese signs")
    wanted = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        print(json.dumps(_measured(wanted, Path(place) / "people.csv")))
    return 0


def _measured(wanted: argparse.Namespace, path: Path) -> dict[str, object]:
    from cityloom.registers import plugins
    from cityloom.registers.domain import mapping as mappings
    from cityloom.registers.loading.person_within import look_within
    from cityloom.registers.loading.survey import survey

    twice = int(wanted.people * wanted.twice)
    true = _write(path, wanted.people, twice, chinese=not wanted.latin)
    mapping = mappings.read(_MAPPING)
    table = plugins.open_table(path, mapping.wanted)
    today = date(2026, 11, 1)
    found = survey(table, mapping, today, lambda _register, _keys: set())
    load, began = os.getloadavg()[0], time.process_time()
    within = look_within(table, mapping, today, found)
    took = time.process_time() - began
    joined = {(lead, row) for row, lead in within.leader.items()}
    asked = {(pair.first, pair.second) for pair in within.pairs if pair.state == "review"}
    return {
        "rows": found.rows, "twice": twice, "names": "pinyin" if wanted.latin else "signs", "cpu_s": round(took, 2),
        "rows_per_cpu_s": round(found.rows / took), "joined": len(joined),
        "precision": round(len(joined & true) / max(len(joined), 1), 4), "recall": round(len(joined & true) / twice, 4),
        "to_review": len(asked), "right_to_review": len(asked & true), "not_asked": within.not_asked,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "load": round(load, 1),
    }  # fmt: skip


def _write(path: Path, people: int, twice: int, *, chinese: bool) -> set[tuple[int, int]]:
    """Write the file; return the pairs of row numbers that are one person."""
    from cityloom.registers.domain import linkage_example
    from cityloom.registers.domain.linkage_sound import is_chinese

    made = linkage_example.people(people, twice, twice, 7, chinese=chinese)
    rows = []
    for side, table in enumerate((made.left, made.right)):
        columns = (table[name] for name in ("surname", "given_name", "birth_date", "phone"))
        for at, (surname, given, born, phone) in enumerate(zip(*columns, strict=True)):
            name = surname + given if is_chinese(surname) else f"{given} {surname}"
            rows.append(((side, at), (name, born, phone)))
    order = np.random.default_rng(7).permutation(len(rows))
    place = {}
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["no", "name", "born", "phone"])
        for number, at in enumerate(order.tolist()):
            member, says = rows[at]
            place[member] = number
            out.writerow([f"P{number}", *says])
    first = _first_row()
    pairs = (sorted((place[0, one] + first, place[1, other] + first))
             for one, other in zip(*(side.tolist() for side in made.same), strict=True))  # fmt: skip
    return {(one, other) for one, other in pairs}


def _first_row() -> int:
    """The number of a file's first row, as loads count."""
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
