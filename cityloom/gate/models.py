"""What the city keeps of the keeper's work: sealed envelopes, and which grants exist."""

from __future__ import annotations

from django.db import models

CLASSIFICATION: dict[str, dict[str, str]] = {
    "Envelope": {"subject": "clear", "sealed": "sealed", "field_set": "clear", "key_id": "clear"},
    "GrantRecord": {
        "id": "clear",
        "purpose": "clear",
        "basis": "clear",
        "fields": "clear",
        "holder": "clear",
        "incident_id": "clear",
        "exercise_id": "clear",
        "zone_digest": "clear",
        "subject_count": "clear",
        "granted_at": "clear",
        "until": "clear",
        "revoked_at": "clear",
    },
}


class Envelope(models.Model):
    """A person's identifying fields, sealed; only the keeper can open them."""

    subject = models.BigIntegerField(primary_key=True)
    sealed = models.BinaryField()
    field_set = models.SmallIntegerField()
    key_id = models.SmallIntegerField()


class GrantRecord(models.Model):
    """The city's copy of a grant's head, for lists and clean-up; the keeper's own copy decides and names the people."""

    id = models.CharField(primary_key=True, max_length=26)
    purpose = models.CharField(max_length=64)
    basis = models.CharField(max_length=64)
    fields = models.JSONField(default=list)
    holder = models.CharField(max_length=64)
    incident_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    zone_digest = models.CharField(max_length=64, default="", blank=True)
    subject_count = models.IntegerField()
    granted_at = models.DateTimeField()
    until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
