"""What is normal for each stream, what was found out of the ordinary, and what people made of it."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "Baseline": {"id": "clear", "exercise_id": "clear", "datastream_id": "clear", "count": "clear", "median": "clear",
                 "spread": "clear", "updated_at": "clear"},
    "Detection": {"id": "clear", "exercise_id": "clear", "category": "clear", "lon": "clear", "lat": "clear",
                  "radius_m": "clear", "first_at": "clear", "last_at": "clear", "raised_at": "clear",
                  "score": "clear", "evidence": "clear", "rule": "clear", "places": "clear", "litres_s": "clear",
                  "part_of": "clear"},
    "LeakWatch": {"network": "clear", "since": "clear", "until": "clear", "set_at": "clear"},
    "SensorState": {"datastream_id": "clear", "state": "clear", "since": "clear", "found": "clear", "limit": "clear",
                    "is_failed": "clear"},
    "Judgement": {"id": "clear", "detection": "clear", "verdict": "clear", "duplicate_of": "clear",
                  "reason": "restricted", "by": "clear", "unit": "clear", "role": "clear", "at": "clear"},
    "PackVersion": {"id": "clear", "pack": "clear", "number": "clear", "text": "clear", "digest": "clear",
                    "by": "clear", "unit": "clear", "role": "clear", "reason": "restricted", "at": "clear"},
    "PackStep": {"id": "clear", "pack": "clear", "version": "clear", "by": "clear", "unit": "clear", "role": "clear",
                 "reason": "restricted", "at": "clear"},
    "Miss": {"id": "clear", "exercise_id": "clear", "category": "clear", "lon": "clear", "lat": "clear",
             "happened_at": "clear", "source": "clear", "kind": "clear", "matter_id": "clear", "by": "clear",
             "unit": "clear", "role": "clear", "at": "clear", "withdrawn_at": "clear", "withdrawn_by": "clear"},
    "Trial": {"id": "clear", "pack": "clear", "digest": "clear", "text": "clear", "since": "clear", "until": "clear",
              "recording": "restricted", "by": "clear", "unit": "clear", "role": "clear", "asked_at": "clear",
              "begun_at": "clear", "ended_at": "clear", "cancelled_at": "clear", "state": "clear", "begun": "clear",
              "done": "clear", "of": "clear", "result": "clear", "refusal": "clear"},
    "Outcome": {"id": "clear", "detection": "clear", "kind": "clear", "matter_id": "clear", "at": "clear"},
}  # fmt: skip


class Baseline(models.Model):
    """Median and spread of a stream, in its unit, as learnt for the real city ("") or for one exercise."""

    exercise_id = models.CharField(max_length=26, default="", blank=True)
    datastream_id = models.BigIntegerField()
    count = models.IntegerField()
    median = models.FloatField()
    spread = models.FloatField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["exercise_id", "datastream_id"], name="baseline_once")]

    def __str__(self) -> str:
        return f"{self.exercise_id}:{self.datastream_id}"


class Detection(models.Model):
    """Something that several sources agree on, or that a rule noticed; `evidence` says what each of them says.

    `rule` is empty where sources were weighed. `places` are the likeliest mains or roads, each with its share;
    `litres_s` is what a leak loses; `part_of` is the detection of a cause that says what this one says, and more.
    """

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    category = models.CharField(max_length=40)
    lon = models.FloatField()
    lat = models.FloatField()
    radius_m = models.FloatField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)
    raised_at = models.DateTimeField()
    score = models.FloatField()
    evidence = models.JSONField()
    rule = models.CharField(max_length=40, blank=True, default="")
    places = models.JSONField(default=list, blank=True)
    litres_s = models.FloatField(null=True, blank=True)
    part_of = models.CharField(max_length=26, blank=True, default="")

    def __str__(self) -> str:
        return self.id


class LeakWatch(models.Model):
    """The quiet weeks in which it is learnt what is usual in a network, for leaks to be seen after them."""

    network = models.CharField(max_length=16, primary_key=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.network}: {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"


class SensorState(models.Model):
    """The state of a sensor that does not work, or did not (`health.STATES`); one that always did has no row."""

    datastream_id = models.BigIntegerField(primary_key=True)
    state = models.CharField(max_length=16)
    since = models.DateTimeField()
    found = models.FloatField()
    limit = models.FloatField()
    is_failed = models.BooleanField(db_index=True)

    def __str__(self) -> str:
        return f"{self.datastream_id}: {self.state}"


class Judgement(models.Model):
    """What somebody found a detection to be; the newest holds, those before it stay."""

    id = models.CharField(primary_key=True, max_length=26)
    detection = models.ForeignKey(Detection, on_delete=models.CASCADE, related_name="judgements")
    verdict = models.CharField(max_length=12)
    duplicate_of = models.CharField(max_length=26, blank=True, default="")
    reason = models.CharField(max_length=300)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["detection", "at"], name="judgement_newest")]

    def __str__(self) -> str:
        return f"{self.detection_id}: {self.verdict}"


class Outcome(models.Model):
    """A matter that a detection led to, as whoever opened it says: `kind` is the name of its page."""

    detection = models.ForeignKey(Detection, on_delete=models.CASCADE, related_name="outcomes")
    kind = models.CharField(max_length=20)
    matter_id = models.CharField(max_length=26)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["detection", "kind", "matter_id"], name="outcome_once")]

    def __str__(self) -> str:
        return f"{self.detection_id}: {self.kind} {self.matter_id}"


class Miss(models.Model):
    """Something that really happened and that nothing detected; `source` says how it became known.

    `kind` and `matter_id` name the matter that was opened without a detection, where it was one. A note that was wrong
    is withdrawn and stays.
    """

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    category = models.CharField(max_length=40)
    lon = models.FloatField()
    lat = models.FloatField()
    happened_at = models.DateTimeField(db_index=True)
    source = models.CharField(max_length=20)
    kind = models.CharField(max_length=20, blank=True, default="")
    matter_id = models.CharField(max_length=26, blank=True, default="")
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.CharField(max_length=26, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.category}: {self.id}"


class PackVersion(models.Model):
    """A rule pack as somebody wrote it; it stays as it is, and another one is another version."""

    pack = models.CharField(max_length=40)
    number = models.PositiveIntegerField()
    text = models.TextField()
    digest = models.CharField(max_length=64)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pack", "number"], name="pack_version_once")]

    def __str__(self) -> str:
        return f"{self.pack} {self.number}"


class PackStep(models.Model):
    """A version put in force, or (without one) a pack taken out of force; the newest step of a pack holds."""

    pack = models.CharField(max_length=40, db_index=True)
    version = models.ForeignKey(PackVersion, null=True, on_delete=models.PROTECT)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    reason = models.CharField(max_length=300, blank=True, default="")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pack}: {self.version_id or 'off'}"


class Trial(models.Model):
    """Rules tried on the past: what was asked, how far it is, and what came of it (`trial.summary`).

    `recording` is the name of a file that was sent; without one it is what the city keeps from `since` to `until`.
    `done` counts steps `of` all, `begun` how often a process began with it, `refusal` is what was refused, in parts.
    """

    id = models.CharField(primary_key=True, max_length=26)
    pack = models.CharField(max_length=40)
    digest = models.CharField(max_length=64, db_index=True)
    text = models.TextField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    recording = models.CharField(max_length=80, blank=True, default="")
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    asked_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, db_index=True)
    begun = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    of = models.PositiveIntegerField()
    result = models.JSONField(default=dict)
    refusal = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.pack}: {self.state}"
