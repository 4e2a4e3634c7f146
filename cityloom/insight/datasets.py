"""What the lake keeps of insight: alarms of hot spots and how offices answered them."""

from __future__ import annotations

from cityloom.insight import events
from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "hotspots", "Alarms of hot spots, and what offices found them to be",
        (events.HotspotRaised, events.HotspotAnswered), ("alarm_id",),
        (Column("category", "text", source="all"), Column("unit", "text", source="all"),
         Column("since", "text", source="HotspotRaised"),
         Column("recurrence_years", "number", unit="years", source="HotspotRaised"),
         Column("answer", "text", source="HotspotAnswered")),
    ),
)  # fmt: skip
