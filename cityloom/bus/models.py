"""The outbox, and how far each handler has come with each event."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "OutboxEvent": {
        "position": "clear", "id": "clear", "type": "clear", "source": "clear", "time": "clear", "data": "clear",
        "exercise_id": "clear", "caused_by": "clear", "settled": "clear",
    },
    "HandlerRun": {
        "key": "clear", "event": "clear", "handler": "clear", "state": "clear", "attempts": "clear",
        "next_try_at": "clear", "claimed_until": "clear", "why": "clear",
    },
    "Hold": {"exercise_id": "clear", "until": "clear"},
    "Carrying": {"name": "clear", "holder": "clear", "until": "clear", "position": "clear"},
    "ExerciseClock": {"exercise_id": "clear", "drill_at": "clear", "wall_at": "clear", "pace": "clear"},
}  # fmt: skip


class OutboxEvent(models.Model):
    """A fact, written in the transaction that made it true; `position` is the order in which it is delivered."""

    position = models.BigAutoField(primary_key=True)
    id = models.CharField(max_length=26, unique=True)
    type = models.CharField(max_length=120)
    source = models.CharField(max_length=120)
    time = models.DateTimeField()
    data = models.JSONField()
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    caused_by = models.CharField(max_length=26, default="", blank=True)
    settled = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["position"], name="bus_unsettled", condition=models.Q(settled=False)),
            models.Index(fields=["type", "time"], name="bus_by_type_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.id}"


class HandlerRun(models.Model):
    """One handler's work on one event: waiting, done, or dead until an operator replays it."""

    STATES = [(state, state) for state in ("waiting", "done", "dead")]

    key = models.CharField(primary_key=True, max_length=26)
    event = models.ForeignKey(OutboxEvent, on_delete=models.CASCADE, related_name="runs")
    handler = models.CharField(max_length=120)
    state = models.CharField(max_length=8, choices=STATES, default="waiting")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    why = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        indexes = [models.Index(fields=["key"], name="bus_dead", condition=models.Q(state="dead"))]

    def __str__(self) -> str:
        return f"{self.handler} {self.state}"


class Hold(models.Model):
    """An exercise whose events are delivered by the process that runs it, until the lease ends."""

    exercise_id = models.CharField(primary_key=True, max_length=26)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.exercise_id


class ExerciseClock(models.Model):
    """The time of an exercise that is played in front of people: `drill_at` at `wall_at`, then `pace` times as fast."""

    exercise_id = models.CharField(primary_key=True, max_length=26)
    drill_at = models.DateTimeField()
    wall_at = models.DateTimeField()
    pace = models.FloatField()

    def __str__(self) -> str:
        return self.exercise_id


class Carrying(models.Model):
    """Which process serves a capability, or sends on what happens up to a position, until the lease ends."""

    name = models.CharField(primary_key=True, max_length=40)
    holder = models.CharField(max_length=60, default="")
    until = models.DateTimeField()
    position = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
