"""Who is to be warned of what, without saying who or what: random ids here, the rest in sealed packets of the gate."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "Subscription": {
        "id": "clear", "packet": "clear", "state": "clear", "secret_digest": "clear", "is_demo": "clear",
        "asked_at": "clear", "letter_at": "clear", "confirmed_at": "clear",
    },
    "Telling": {
        "alert_id": "clear", "exercise_id": "clear", "state": "clear", "begun_at": "clear", "ended_at": "clear",
        "next_try_at": "clear", "waits_for": "clear", "candidates": "clear", "told": "clear", "outside": "clear",
        "gone": "clear", "failed": "clear",
    },
    "Told": {
        "id": "clear", "exercise_id": "clear", "telling": "clear", "subscription": "clear", "state": "clear",
        "attempts": "clear", "next_try_at": "clear",
    },
}  # fmt: skip


class Subscription(models.Model):
    """Somebody asked to be warned; place, address and wishes are in the packet, and only the keeper opens that."""

    class State(models.TextChoices):
        WAITING = "waiting"  # for the confirmation of the address
        ACTIVE = "active"
        ENDING = "ending"  # nobody is told any more; the packet waits to be erased

    id = models.CharField(primary_key=True, max_length=26)
    packet = models.BigIntegerField(unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    secret_digest = models.CharField(max_length=64)
    is_demo = models.BooleanField(default=False)
    asked_at = models.DateTimeField()
    letter_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "asked_at"], name="subscriptions_state")]


class Telling(models.Model):
    """An alert on its way to those who asked; when it is done only counts are left."""

    class State(models.TextChoices):
        MATCHING = "matching"
        TELLING = "telling"
        DONE = "done"
        WITHDRAWN = "withdrawn"  # another alert replaced it, or it expired, before everybody was told

    alert_id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.MATCHING, db_index=True)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField()
    waits_for = models.CharField(max_length=60, default="", blank=True)
    candidates = models.IntegerField(default=0)
    told = models.IntegerField(default=0)
    outside = models.IntegerField(default=0)
    gone = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)


class Told(models.Model):
    """One alert for one subscription, once; deleted when its telling is done."""

    class State(models.TextChoices):
        PENDING = "pending"
        ATTEMPTING = "attempting"  # written before the letter leaves
        SENT = "sent"
        OUTSIDE = "outside"  # the place is not in the area, or the packet does not open any more
        GONE = "gone"
        FAILED = "failed"

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    telling = models.ForeignKey(Telling, on_delete=models.CASCADE, related_name="rows")
    subscription = models.CharField(max_length=26)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["telling", "state", "next_try_at"], name="subscriptions_due")]
