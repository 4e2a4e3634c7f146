"""Incidents, what was proposed for them, who approved it, and what departments were asked."""

from __future__ import annotations

from django.db import models

from cityloom.emergency.domain import states

CLASSIFICATION = {
    "Incident": {
        "id": "clear", "exercise_id": "clear", "detection_id": "clear", "category": "clear", "state": "clear",
        "lon": "clear", "lat": "clear", "hazard_radius_m": "clear", "buffer_m": "clear", "ring_fractions": "clear",
        "scene_id": "clear", "place": "clear", "first_signal_at": "clear", "opened_at": "clear",
        "closed_at": "clear", "revision": "clear",
    },
    "Proposal": {
        "id": "clear", "exercise_id": "clear", "incident": "clear", "revision": "clear", "purpose": "clear",
        "document": "clear", "digest": "clear", "plan": "clear", "proposed_by": "clear", "created_at": "clear",
        "sent_back_at": "clear", "sent_back_by": "clear", "sent_back_sealed": "restricted",
    },
    "Approval": {
        "id": "clear", "exercise_id": "clear", "proposal": "clear", "account_id": "clear", "role": "clear",
        "digest": "clear", "at": "clear",
    },
    "Notice": {
        "id": "clear", "exercise_id": "clear", "incident": "clear", "proposal": "clear", "department": "clear",
        "asks": "clear", "scene_id": "clear", "state": "clear", "sent_at": "clear", "acknowledged_at": "clear",
        "acknowledged_by": "clear", "escalated_at": "clear",
    },
    "RoomEntry": {
        "id": "clear", "exercise_id": "clear", "incident": "clear", "account_id": "clear", "role": "clear",
        "unit": "clear", "sealed": "restricted", "at": "clear",
    },
    "ResponseParameters": {
        "exercise_id": "clear", "hazard_radius_m": "clear", "buffer_m": "clear", "ring_fractions": "clear",
        "shelter_radius_m": "clear", "channels": "clear",
    },
}  # fmt: skip


class Incident(models.Model):
    """A danger at a place, from its opening to the all clear."""

    STATES = [(state, state) for state in states.STATES]

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    detection_id = models.CharField(max_length=26, unique=True)
    category = models.CharField(max_length=40)
    state = models.CharField(max_length=16, choices=STATES, default="open", db_index=True)
    lon = models.FloatField()
    lat = models.FloatField()
    hazard_radius_m = models.FloatField()
    buffer_m = models.FloatField()
    ring_fractions = models.JSONField()
    scene_id = models.CharField(max_length=26, default="", blank=True)
    place = models.JSONField()
    first_signal_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.id


class Proposal(models.Model):
    """One revision of what should happen; `document` is the canonical JSON text whose SHA-256 is approved."""

    PURPOSES = [(purpose, purpose) for purpose in states.PURPOSES]

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="proposals")
    revision = models.PositiveIntegerField()
    purpose = models.CharField(max_length=16, choices=PURPOSES)
    document = models.TextField()
    digest = models.CharField(max_length=64)
    plan = models.JSONField()
    proposed_by = models.CharField(max_length=26)
    created_at = models.DateTimeField()
    sent_back_at = models.DateTimeField(null=True, blank=True)
    sent_back_by = models.CharField(max_length=26, default="", blank=True)
    sent_back_sealed = models.BinaryField(default=b"", blank=True)
    """The reason, sealed for the incident."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "revision"], name="one_proposal_a_revision")]

    def __str__(self) -> str:
        return self.id


class Approval(models.Model):
    """One account's agreement to one digest."""

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="approvals")
    account_id = models.CharField(max_length=26)
    role = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["proposal", "role"], name="one_approval_a_role"),
            models.UniqueConstraint(fields=["proposal", "account_id"], name="one_approval_an_account"),
        ]

    def __str__(self) -> str:
        return self.id


class Notice(models.Model):
    """What one department is asked to do for one approved proposal."""

    STATES = [(state, state) for state in ("sent", "escalated", "acknowledged")]

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notices")
    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="notices")
    department = models.CharField(max_length=20)
    asks = models.JSONField()
    scene_id = models.CharField(max_length=26, default="", blank=True)
    state = models.CharField(max_length=16, choices=STATES, default="sent", db_index=True)
    sent_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=26, default="", blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "department"], name="one_notice_a_department")]

    def __str__(self) -> str:
        return self.id


class RoomEntry(models.Model):
    """What somebody wrote into the log of an incident, sealed for that incident; nothing of it is ever changed."""

    id = models.CharField(primary_key=True, max_length=26)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    account_id = models.CharField(max_length=26)
    role = models.CharField(max_length=32)
    unit = models.CharField(max_length=80, default="", blank=True)
    sealed = models.BinaryField()
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.id


class ResponseParameters(models.Model):
    """What one exercise sets in place of the category's defaults; a null keeps the default."""

    exercise_id = models.CharField(primary_key=True, max_length=26)
    hazard_radius_m = models.FloatField(null=True, blank=True)
    buffer_m = models.FloatField(null=True, blank=True)
    ring_fractions = models.JSONField(null=True, blank=True)
    shelter_radius_m = models.FloatField(null=True, blank=True)
    channels = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        return self.exercise_id
