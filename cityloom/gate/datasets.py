"""What the lake keeps of openings: how many people, for which purpose, by which unit; nobody's name, on either side."""

from __future__ import annotations

from cityloom.gate import events
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "gate_alarms", "Alarms and objections at the gate",
        (events.GateAlarmRaised, events.GlassBroken, events.GlassReviewed, events.OpeningContested,
         events.ContestAnswered, events.StatusSet),
        ("number", "grant_id", "contest_id", "batch"),
        (
            Column("purpose", "text", source="GateAlarmRaised"), Column("unit", "text", source="GateAlarmRaised"),
            Column("people", "integer", unit="people", source="GateAlarmRaised, GlassBroken, StatusSet"),
            Column("reason", "text", source="OpeningContested"),
            Column("outcome", "text", source="GlassReviewed, ContestAnswered"),
        ),
    ),
)  # fmt: skip

OPENINGS = Dataset(
    "openings", "Openings of people's data by day, unit and purpose",
    (
        Column("unit", "text", source="the keeper's log"), Column("role", "text", source="the keeper's log"),
        Column("purpose", "text", source="the keeper's log"), Column("kind", "text", source="the keeper's log"),
        Column("leaves", "integer", unit="leaves", source="the keeper's log"),
        Column("people", "integer", unit="people", source="the keeper's log"),
    ),
    each="month",
)  # fmt: skip
"""Filled once a day is over, from the keeper's own counts; exercises are left out."""
