"""What was said to people, and what became of it on each channel."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "Alert": {
        "id": "clear", "exercise_id": "clear", "incident_id": "clear", "identifier": "clear", "message_type": "clear",
        "status": "clear", "document_digest": "clear", "xml": "clear", "unsent": "clear", "references": "clear",
        "issued_by": "clear", "issued_at": "clear", "sent_at": "clear", "expires_at": "clear", "state": "clear",
    },
    "Delivery": {
        "id": "clear", "exercise_id": "clear", "alert": "clear", "channel": "clear", "state": "clear",
        "attempts": "clear", "next_try_at": "clear", "started_at": "clear", "settled_at": "clear", "code": "clear",
        "reason": "clear", "receipt": "clear",
    },
}  # fmt: skip


class Alert(models.Model):
    """An approved document as CAP: `xml` leaves, `unsent` is the rest of what was approved."""

    class State(models.TextChoices):
        ISSUED = "issued"
        UPDATED = "updated"
        CANCELLED = "cancelled"

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    incident_id = models.CharField(max_length=200, db_index=True)
    identifier = models.CharField(max_length=200, unique=True)
    message_type = models.CharField(max_length=8)
    status = models.CharField(max_length=8)
    document_digest = models.CharField(max_length=64, unique=True)
    xml = models.TextField()
    unsent = models.JSONField()
    references = models.JSONField(default=list)
    issued_by = models.CharField(max_length=26)
    issued_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ISSUED)

    def __str__(self) -> str:
        return self.identifier


class Delivery(models.Model):
    """One alert on one channel, once."""

    class State(models.TextChoices):
        PENDING = "pending"  # to be tried at next_try_at
        ATTEMPTING = "attempting"  # a call to the channel has started; written before it does
        SENT = "sent"
        REFUSED = "refused"  # by the channel for good, or stopped because it is not what was approved
        FAILED = "failed"  # tried too often, or too late
        WITHDRAWN = "withdrawn"  # replaced by an Update or Cancel before it left
        UNKNOWN = "unknown"  # a call started and nobody knows how it ended; an operator decides

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    code = models.CharField(max_length=60, default="", blank=True)
    reason = models.CharField(max_length=300, default="", blank=True)
    receipt = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["alert", "channel"], name="alerts_once_per_channel")]
        indexes = [models.Index(fields=["state", "next_try_at"], name="alerts_due")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.state}"
