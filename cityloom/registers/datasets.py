"""What the lake keeps of the registers' own work: loads, disagreements and divisions, in numbers."""

from __future__ import annotations

from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published
from cityloom.registers import events

PUBLISHED = (
    Published(
        "loads", "Files that came into the registers and the lake", (events.FileLoaded, events.RecordsDisagree),
        ("load",),
        (
            Column("register", "text", source="all"), Column("source", "text", source="all"),
            Column("rows", "integer", unit="rows", source="FileLoaded"),
            Column("set_aside", "integer", unit="rows", source="FileLoaded"),
            Column("found", "integer", unit="entries", source="RecordsDisagree"),
        ),
    ),
    Published(
        "divisions", "Divisions of the city into work zones", (events.ZonePlanPublished,), ("plan_id",),
        (
            Column("valid_from", "text", unit="date", source="ZonePlanPublished"),
            Column("zones", "integer", unit="zones", source="ZonePlanPublished"),
            Column("cells_moved", "integer", unit="cells", source="ZonePlanPublished"),
        ),
        each="year",
    ),
)  # fmt: skip
