"""Exercises that were run."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "DrillRun": {
        "exercise_id": "clear", "scenario": "clear", "document": "clear", "state": "clear", "lon": "clear",
        "lat": "clear", "started_at": "clear", "finished_at": "clear", "wall_s": "clear", "outcome": "clear",
        "report": "clear", "report_path": "clear", "is_paced": "clear", "start": "clear", "pace": "clear",
        "is_paused": "clear", "approves": "clear", "injections": "clear", "stop_asked_at": "clear", "fault": "clear",
        "started_by": "clear",
    },
}  # fmt: skip


class DrillRun(models.Model):
    """A run of a scenario; `document` is the scenario as it was then, `report` what came of it."""

    STATES = [(state, state) for state in ("queued", "running", "waiting", "finished", "stopped", "failed")]

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

    is_paced = models.BooleanField(default=False)
    """Whether it is played in front of people, by a process of its own; the fields below are for these alone."""
    start = models.DateTimeField(null=True)
    pace = models.PositiveSmallIntegerField(default=1)
    is_paused = models.BooleanField(default=False)
    approves = models.BooleanField(default=True)
    injections = models.JSONField(default=list)
    stop_asked_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, default="", blank=True)
    started_by = models.CharField(max_length=26, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["is_paced"], condition=models.Q(is_paced=True, state__in=("queued", "running")),
                name="drills_one_at_a_time",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.scenario} {self.exercise_id}"
