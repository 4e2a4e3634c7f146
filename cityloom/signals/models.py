"""Sensors and what they, callers and cameras have said.

The words are those of OGC SensorThings 1.1: a Thing carries Datastreams, each made by a Sensor (the procedure).
"""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "Thing": {"id": "clear", "name": "clear", "street": "clear", "lon": "clear", "lat": "clear", "cell": "clear",
              "made_up": "clear"},
    "Sensor": {"id": "clear", "kind": "clear", "description": "clear"},
    "Datastream": {"id": "clear", "thing": "clear", "sensor": "clear", "name": "clear", "kind": "clear",
                   "unit": "clear", "lon": "clear", "lat": "clear", "cell": "clear", "cadence_s": "clear",
                   "low": "clear", "high": "clear", "state": "clear", "made_up": "clear"},
    "Observation": {"id": "clear", "exercise_id": "clear", "datastream_id": "clear", "phenomenon_us": "clear",
                    "result": "clear", "message_id": "clear"},
    "Report": {"id": "clear", "exercise_id": "clear", "category": "clear", "lon": "clear", "lat": "clear",
               "cell": "clear", "reported_at": "clear", "caller_digest": "restricted", "text_digest": "restricted",
               "source": "clear", "packet": "clear", "has_words": "clear", "photos": "clear"},
    "SceneEvent": {"id": "clear", "exercise_id": "clear", "camera_id": "clear", "category": "clear", "lon": "clear",
                   "lat": "clear", "cell": "clear", "noticed_at": "clear", "still": "restricted"},
    "RejectedSignal": {"id": "clear", "exercise_id": "clear", "kind": "clear", "code": "clear", "count": "clear",
                       "rejected_at": "clear"},
}  # fmt: skip


class Thing(models.Model):
    """A pole, a chamber, a mast: what sensors are mounted on."""

    id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=80, unique=True)
    street = models.CharField(max_length=120, blank=True, default="")
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField(db_index=True)
    made_up = models.SmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Sensor(models.Model):
    """A procedure that makes observations."""

    kind = models.CharField(max_length=20, unique=True)
    description = models.CharField(max_length=120)

    def __str__(self) -> str:
        return self.kind


class Datastream(models.Model):
    """A series of observations of one kind, in one unit, at one place; `name` is what its sender calls it."""

    IN_SERVICE, OUT_OF_SERVICE = "in-service", "out-of-service"

    id = models.BigIntegerField(primary_key=True)
    thing = models.ForeignKey(Thing, on_delete=models.CASCADE)
    sensor = models.ForeignKey(Sensor, on_delete=models.PROTECT)
    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=20)
    unit = models.CharField(max_length=16)
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField(db_index=True)
    cadence_s = models.IntegerField()
    low = models.FloatField()
    high = models.FloatField()
    state = models.CharField(max_length=16, default=IN_SERVICE)
    made_up = models.SmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class Observation(models.Model):
    """One reading, in its stream's unit; the instant is microseconds since 1970 in UTC, for bulk work."""

    exercise_id = models.CharField(max_length=26, default="", blank=True)
    datastream_id = models.BigIntegerField()
    phenomenon_us = models.BigIntegerField()
    result = models.FloatField()
    message_id = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["datastream_id", "message_id", "exercise_id"], name="observation_once"),
        ]
        indexes = [models.Index(fields=["exercise_id", "datastream_id", "phenomenon_us"], name="observation_recent")]

    def __str__(self) -> str:
        return f"{self.datastream_id}@{self.phenomenon_us}"


class Report(models.Model):
    """A call, or a report from the portal: category, place and time.

    A call's words are kept as a keyed digest only; words and photos of a report lie in the sealed `packet` of the gate.
    The caller's digest is made with a key that changes every day, so it tells two callers apart and follows nobody.
    """

    CALL, WEB = "call", "web"

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    category = models.CharField(max_length=40)
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField()
    reported_at = models.DateTimeField(db_index=True)
    caller_digest = models.CharField(max_length=64)
    text_digest = models.CharField(max_length=64, blank=True, default="")
    source = models.CharField(max_length=8, default=CALL)
    packet = models.BigIntegerField(null=True, blank=True)
    has_words = models.BooleanField(default=False)
    photos = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["reported_at"], condition=models.Q(packet__isnull=False), name="report_sealed"),
        ]

    def __str__(self) -> str:
        return self.id


class SceneEvent(models.Model):
    """What a camera noticed; `still` is the name of a masked picture in the stills' folder, or empty."""

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    camera_id = models.BigIntegerField()
    category = models.CharField(max_length=40)
    lon = models.FloatField()
    lat = models.FloatField()
    cell = models.BigIntegerField()
    noticed_at = models.DateTimeField(db_index=True)
    still = models.CharField(max_length=40, blank=True, default="")

    def __str__(self) -> str:
        return self.id


class RejectedSignal(models.Model):
    """How many signals of one batch were set aside for one reason; never what they said."""

    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    kind = models.CharField(max_length=12)
    code = models.CharField(max_length=24)
    count = models.IntegerField()
    rejected_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.code}"
