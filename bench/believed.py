"""Measure how fast two departments' words on the same people are compared inside the keeper, and composed.

Run: python -m bench.believed [--people N]
Two departments tell of the same made-up people under the same identity numbers; the second has another telephone for
each fifth of them. After the second load's linking everybody is compared once more, and
put in force once more under a rule that believes the first department's telephones. Then the second department sends
everybody again with another telephone: a whole load of changed people whom two know. Told is processor time, the city's
and the keeper's, and how many disagreements were noted that are true.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from bench import people as bench_people

_RULES = """\
cityloom: 1
registers:
  people:
    fields:
      phone: {sources: [bench]}
"""


def main() -> int:
    """Measure, and print one row as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
        (Path(place) / "city").mkdir()
        os.environ |= {"CITYLOOM_HOME": place, "CITYLOOM_CITY_DIR": f"{place}/city", "CITYLOOM_DATABASE_URL": "",
                       "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}  # fmt: skip
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from cityloom.gate import actions as gate

        keeper = gate.start_keeper()
        try:
            print(json.dumps(_measured(wanted.people, Path(place), keeper.pid)), flush=True)
        finally:
            keeper.stop()
    return 0


def _measured(people: int, place: Path, keeper: int) -> dict[str, object]:
    from cityloom.kernel import clock
    from cityloom.registers.domain.survivorship import read
    from cityloom.registers.loading import person_believed, person_settling
    from cityloom.registers.models import Disagreement, Resident
    from cityloom.registers.trust import rules

    load = os.getloadavg()[0]
    _load(place, people, "bench")
    _load(place, people, "second", every=5, begins="139")
    subjects = sorted(Resident.objects.values_list("subject", flat=True))
    noted = Counter(Disagreement.objects.values_list("field", flat=True))
    compare = _timed(keeper, lambda: person_believed.found_among(subjects, 2, Counter(), Counter()))
    rules.keep(read(_RULES), reason="bench", by="bench", at=clock.now())
    put = _timed(keeper, lambda: [person_settling.put_in_force(subjects[at : at + 2_000], 2)
                                  for at in range(0, len(subjects), 2_000)])  # fmt: skip
    began = time.perf_counter()
    again = _timed(keeper, lambda: _load(place, people, "second", every=1, begins="137", as_of="2026-11-02"))
    again_s = time.perf_counter() - began
    return {
        "people": people, "entries": len(subjects), "noted": dict(noted),
        "true": {"phone": len(range(0, people, 5))},
        "compared_per_cpu_s": round(people / sum(compare)), "compare_city_keeper_s": compare,
        "in_force_per_cpu_s": round(people / sum(put)), "in_force_city_keeper_s": put,
        "changed_again_100k_cpu_s": round(sum(again) * 100_000 / people, 1), "changed_again_city_keeper_s": again,
        "changed_again_100k_wall_s": round(again_s * 100_000 / people, 1),
        "noted_at_the_end": Disagreement.objects.filter(state=Disagreement.OPEN).count(),
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }  # fmt: skip


def _timed(keeper: int, work: object) -> tuple[float, float]:
    mine, theirs = time.process_time(), _cpu_of(keeper)
    work()  # type: ignore[operator]
    return round(time.process_time() - mine, 2), round(_cpu_of(keeper) - theirs, 2)


def _cpu_of(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _load(
    place: Path, people: int, source: str, *, every: int = 1, begins: str = "138", as_of: str = "2026-11-01"
) -> None:
    """Load everybody, with another beginning of the telephone for one of so many."""
    import pyarrow as pa
    from pyarrow import parquet

    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions

    columns = bench_people._columns(np.arange(people), "雷")
    columns["phone"] = [f"{begins}{at:08d}" if at % every == 0 else phone for at, phone in enumerate(columns["phone"])]
    path, text = place / f"{source}.parquet", place / f"{source}.yaml"
    parquet.write_table(pa.table(columns), path)
    text.write_text(bench_people._MAPPING.format(as_of=as_of).replace("source: bench", f"source: {source}"))
    actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=clock.now())


if __name__ == "__main__":
    raise SystemExit(main())
