"""What the lake keeps of detections: what, where, when, and how sure."""

from __future__ import annotations

from cityloom.detection import events
from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "detections", "Detections from several sources", (events.DetectionRaised,), ("detection_id",),
        (Column("category", "text", source="DetectionRaised"),
         Column("score", "number", unit="1", source="DetectionRaised")),
    ),
    Published(
        "judgements", "What people found detections to be", (events.DetectionJudged,), ("detection_id",),
        (Column("category", "text", source="DetectionJudged"), Column("verdict", "text", source="DetectionJudged")),
    ),
    Published(
        "misses", "What happened and was not detected", (events.MissNoted, events.MissWithdrawn), ("miss_id",),
        (Column("category", "text", source="MissNoted"), Column("source", "text", source="MissNoted")),
    ),
    Published(
        "sensor_faults", "Sensors that fail and work again", (events.SensorFailed, events.SensorRecovered),
        ("datastream_id",), (Column("state", "text", source="SensorFailed"),),
    ),
    Published(
        "rules", "Rule packs put in force and withdrawn", (events.RulesPutInForce, events.RulesWithdrawn), ("pack",),
        (Column("digest", "text", source="RulesPutInForce"),),
    ),
)  # fmt: skip
