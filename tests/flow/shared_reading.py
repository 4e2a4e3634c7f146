"""Load a file of dwellings alone, and by several processes and cut short: `python -m tests.flow.shared_reading HOME`.

What the register and the quarantine then have is printed for both, without what must differ.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

ROWS = 900
MAPPING = """\
cityloom: 1
source: {source}
register: dwellings
as_of: 2026-11-01
columns:
  code: {{field: code}}
  floor: {{field: floor}}
  area: {{field: area_m2, unit: m2}}
  registered: {{field: registered_on}}
  owner: {{field: owner_name}}
"""


def main(home: Path) -> None:
    """Load as one source, then as another."""
    (home / "current").mkdir(parents=True)
    os.environ |= {"CITYLOOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from cityloom.gate import actions as gate
    from cityloom.registers.loading import crew, writing

    writing.MOST = writing.BATCH = 200
    written(home / "file.parquet")
    keeper = gate.start_keeper()
    try:
        told = {"alone": loaded(home, "alone")}
        crew.WORTH, crew.size = 1, lambda: 2  # type: ignore[assignment]
        with suppress(KeyboardInterrupt):
            loaded(home, "together", stop_at=300)
        told["together"] = loaded(home, "together")
    finally:
        keeper.stop()
    print(json.dumps(told))


def written(path: Path) -> None:
    """Dwellings of which some have an owner, and some are bad: by themselves, or since their key is repeated."""
    import pyarrow
    from pyarrow import parquet

    numbers = range(ROWS)
    parquet.write_table(pyarrow.table({
        "code": [f"d-{number - 1 if number == 500 else number}" for number in numbers],
        "floor": ["x" if number == 250 else str(number % 30) for number in numbers],
        "area": [None if number % 7 == 0 else 40 + number / 10 for number in numbers],
        "registered": ["1995-02-30" if number == 777 else "1995-02-03" for number in numbers],
        "owner": ["王小明" if number % 3 == 0 else "" for number in numbers],
    }), path)  # fmt: skip


def loaded(home: Path, source: str, stop_at: int = ROWS + 1) -> dict[str, Any]:
    """Load the file, and say what is there of it; somebody stops it in the middle."""
    from cityloom.gate.models import SealedPart
    from cityloom.kernel import clock
    from cityloom.kernel.actor import SYSTEM
    from cityloom.registers import actions
    from cityloom.registers.models import DwellingRecord, Load, SetAside

    mapping = home / f"{source}.yaml"
    mapping.write_text(MAPPING.format(source=source), "utf-8")

    def tell(step: str, rows: int) -> None:
        if step == "write" and rows >= stop_at:
            raise KeyboardInterrupt

    path = home / "file.parquet"
    outcome = actions.load_file(actions.read_mapping(mapping), path, by=SYSTEM, at=clock.now(), tell=tell)
    start, end = outcome.load << 32, outcome.load + 1 << 32
    records = list(DwellingRecord.objects.filter(id__gte=start, id__lt=end).order_by("id").values())
    for row in records:
        sealed = SealedPart.objects.filter(packet=row["packet"] or 0).values_list("sealed", flat=True)
        row |= {"id": row["id"] - start, "source_id": 0, "packet": [len(part) for part in sealed]}
    aside = SetAside.objects.filter(load=outcome.load).order_by("row").values_list("row", "findings", "texts")
    return {"records": json.loads(json.dumps(records, default=str)), "aside": list(aside),
            "counts": Load.objects.get(number=outcome.load).counts}  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
