"""`make docs`: write the pages of docs/ that are generated from tables in the code; `--check` only compares."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def wiring_page() -> str:
    """The wiring table as a diagram and as a table."""
    from cityloom.bus.domain.wiring import handler_name
    from cityloom.project.wiring import REACTIONS

    lines = ["# What wakes what", "", "Generated from `cityloom/project/wiring.py` by `make docs`.", "",
             "```mermaid", "flowchart LR"]  # fmt: skip
    rows = ["| event | handler |", "|---|---|"]
    for event, handlers in REACTIONS.items():
        source = event.__module__.split(".")[1]
        for handler in handlers:
            name = handler_name(handler)
            lines.append(f"  {source}.{event.__name__}([{source}: {event.__name__}]) --> {name}[{name}]")
            rows.append(f"| `{source}.events.{event.__name__}` | `{name}` |")
    return "\n".join([*lines, "```", "", *rows, "", *_kept_in_the_lake(), ""])


def _kept_in_the_lake() -> list[str]:
    """Which events become facts of which dataset."""
    from cityloom.project.wiring import PUBLISHED

    rows = ["## What the lake keeps", "", "| dataset | events | columns |", "|---|---|---|"]
    for one in PUBLISHED:
        events = ", ".join(f"`{event.__name__}`" for event in one.events)
        columns = ", ".join(f"`{column.name}`" + (f" ({column.unit})" if column.unit else "") for column in one.columns)
        rows.append(f"| `{one.name}` | {events} | {columns} |")
    return rows


_STUDIES = """# Kinds of studies

Generated from `cityloom/insight/studies` by `make docs`. A study is a question in YAML with tables in CSV, Parquet or
Excel (at most 5,000,000 rows and 2,000 columns each). `cityloom insight study kind NAME` prints its part of this page,
`cityloom insight study example NAME --out DIR` writes one that works. How to go on:
[the tutorial](../tutorials/insight.md).

| kind | title | what it does |
|---|---|---|"""


def studies_page() -> str:
    """Every kind of study: what it reads, what may be asked."""
    from cityloom.insight import queries

    kinds = queries.study_kinds()
    rows = [f"| [`{one.name}`](#{one.name}-{_anchor(one.title)}) | {one.title} | {one.about} |" for one in kinds]
    return "\n".join([_STUDIES, *rows, "", *(queries.described(one.name) for one in kinds)])


def _anchor(title: str) -> str:
    return "".join(sign for sign in title.lower().replace(" ", "-") if sign.isalnum() or sign == "-")


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    from cityloom.cases.domain.casetypes import drawing, reading
    from cityloom.emergency.domain import states
    from cityloom.registers.domain import reference
    from tools import scale

    return {
        ROOT / "docs/reference/wiring.md": wiring_page(),
        ROOT / "docs/scale.md": scale.page(),
        ROOT / "docs/reference/studies.md": studies_page(),
        ROOT / "docs/reference/incident-states.md": states.markdown(),
        ROOT / "docs/reference/case-types.md": drawing.markdown(
            reading.casetype_of(path.read_text(encoding="utf-8")) for path in reading.shipped().values()
        ),
        ROOT / "docs/reference/registers.md": reference.markdown(),
        ROOT / "docs/reference/register-mapping.schema.json": reference.schema(),
        ROOT / "docs/reference/register-rules.schema.json": reference.rules_schema(),
    }


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cityloom.project.settings")
    os.environ.setdefault("CITYLOOM_HOME", tempfile.mkdtemp())
    import django

    django.setup()
    stale = []
    for path, text in pages().items():
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path.relative_to(ROOT)))
        else:
            path.write_text(text)
    for name in stale:
        print(f"{name} is not what the code says; run `make docs`.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
