"""Exercises that were run."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "DrillRun": {
        "exercise_id": "clear", "scenario": "clear", "document": "clear", "state": "clear", "lon": "clear",
        "lat": "clear", "started_at": "clear", "finished_at": "clear", "wall_s": "clear", "outcome": "clear",
        "report": "clear", "report_path": "clear",
    },
}  # fmt: skip


class DrillRun(models.Model):
    """A run of a scenario; `document` is the scenario as it was then, `report` what came of it."""

    STATES = [(state, state) for state in ("running", "waiting", "finished")]

    exercise_id = models.CharField(primary_key=True, max_length=26)
    scenario = models.CharField(max_length=40)
    document = models.JSONField()
    state = models.CharField(max_length=10, choices=STATES, default="running")
    lon = models.FloatField()
    lat = models.FloatField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    wall_s = models.FloatField(null=True)
    outcome = models.CharField(max_length=10, default="", blank=True)
    report = models.JSONField(null=True)
    report_path = models.CharField(max_length=300, default="", blank=True)

    def __str__(self) -> str:
        return f"{self.scenario} {self.exercise_id}"
