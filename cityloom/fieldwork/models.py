"""Workers on duty and their tasks."""

from __future__ import annotations

from django.db import models

from cityloom.fieldwork.domain import states

CLASSIFICATION = {
    "Worker": {
        "id": "clear", "account": "clear", "lon": "clear", "lat": "clear", "cell": "clear", "unit_id": "clear",
        "on_duty": "clear", "languages": "clear",
    },
    "Task": {
        "id": "clear", "exercise_id": "clear", "incident_id": "clear", "kind": "clear", "subjects": "clear",
        "dwelling_id": "clear", "building_id": "clear", "lon": "clear", "lat": "clear", "worker": "clear",
        "grant_id": "clear", "state": "clear", "assigned_at": "clear", "delivered_at": "clear", "finished_at": "clear",
        "until": "clear",
    },
    "Repair": {
        "id": "clear", "what": "clear", "name": "clear", "kind": "clear", "fault": "clear", "lon": "clear",
        "lat": "clear", "asked_at": "clear", "ended_at": "clear",
    },
}  # fmt: skip


class Worker(models.Model):
    """Someone who goes out, and the place where they start from."""

    id = models.CharField(primary_key=True, max_length=26)
    account = models.OneToOneField("accounts.Account", on_delete=models.CASCADE, related_name="+")
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField(db_index=True)
    unit_id = models.CharField(max_length=80, default="", blank=True)
    on_duty = models.BooleanField(default=True, db_index=True)
    languages = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.id


class Task(models.Model):
    """One dwelling to go to; the people are random subject ids, and only the gate knows more about them."""

    KINDS = [("assist", "assist")]

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    incident_id = models.CharField(max_length=26, db_index=True)
    kind = models.CharField(max_length=16, choices=KINDS, default="assist")
    subjects = models.JSONField(default=list)
    dwelling_id = models.BigIntegerField()
    building_id = models.BigIntegerField()
    lon = models.FloatField()
    lat = models.FloatField()
    worker = models.ForeignKey(Worker, null=True, blank=True, on_delete=models.PROTECT)
    grant_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    state = models.CharField(max_length=12, choices=[(s, s) for s in states.STATES], default=states.WAITING)
    assigned_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["worker", "state"]), models.Index(fields=["incident_id", "state"])]

    def __str__(self) -> str:
        return self.id

    @property
    def account(self) -> str:
        """The account that the task was given to."""
        return self.worker.account_id if self.worker else ""


class Repair(models.Model):
    """Something of the city's own to be looked at, such as a sensor: what it is, where, and what is wrong with it."""

    id = models.CharField(primary_key=True, max_length=26)
    what = models.CharField(max_length=40, db_index=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)
    fault = models.CharField(max_length=24)
    lon = models.FloatField()
    lat = models.FloatField()
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.id
