"""What the city keeps of the keeper's work: sealed envelopes, links, grants, and what waits for an answer."""

from __future__ import annotations

from django.db import models

from cityloom.gate.domain import reasons

CLASSIFICATION: dict[str, dict[str, str]] = {
    "Envelope": {"subject": "clear", "sealed": "sealed", "field_set": "clear", "key_id": "clear"},
    "EnvelopeVersion": {
        "id": "clear", "subject": "clear", "sealed": "sealed", "field_set": "clear", "key_id": "clear",
    },
    "GrantRecord": {
        "id": "clear", "purpose": "clear", "basis": "clear", "fields": "clear", "holder": "clear",
        "incident_id": "clear", "exercise_id": "clear", "zone_digest": "clear", "subject_count": "clear",
        "subjects": "clear", "granted_at": "clear", "granted_by": "clear", "until": "clear", "revoked_at": "clear",
        "needs_second": "clear", "seconded_at": "clear",
    },
    "ResidentLink": {"account_id": "clear", "link": "sealed", "handle": "clear", "linked_at": "clear"},
    "OpeningNotice": {
        "id": "clear", "handle": "clear", "leaf_index": "clear", "kind": "clear", "opened_at": "clear",
        "noticed_at": "clear", "read_at": "clear",
    },
    "Contest": {
        "id": "clear", "account_id": "clear", "leaf_index": "clear", "reason": "clear", "contested_at": "clear",
        "due_at": "clear", "escalated_at": "clear", "outcome": "clear", "answered_by": "clear", "answered_at": "clear",
    },
    "GateAlarm": {
        "number": "clear", "at": "clear", "kind": "clear", "purpose": "clear", "actor": "clear", "unit": "clear",
        "service": "clear", "about": "clear", "people": "clear", "exercise_id": "clear", "seen_by": "clear",
        "seen_at": "clear",
    },
    "GlassReview": {
        "id": "clear", "account_id": "clear", "incident_id": "clear", "exercise_id": "clear", "reason": "clear",
        "people": "clear", "broken_at": "clear", "due_at": "clear", "outcome": "clear", "reviewed_by": "clear",
        "reviewed_at": "clear", "suspended_at": "clear",
    },
    "AdverseStatus": {
        "id": "clear", "batch": "clear", "kind": "clear", "subject": "clear", "matter": "clear", "evidence": "clear",
        "proposed_by": "clear", "proposed_at": "clear", "approved_by": "clear", "set_at": "clear", "until": "clear",
        "appeal_until": "clear", "ended_at": "clear", "emergency": "clear",
    },
    "SealedPart": {"id": "clear", "packet": "clear", "name": "clear", "sealed": "sealed"},
    "Position": {"name": "clear", "at": "clear"},
}  # fmt: skip


class Envelope(models.Model):
    """A person's identifying fields, sealed; only the keeper can open them."""

    subject = models.BigIntegerField(primary_key=True)
    sealed = models.BinaryField()
    field_set = models.SmallIntegerField()
    key_id = models.SmallIntegerField()


class EnvelopeVersion(models.Model):
    """What was sealed of a person at another time than now; the id is that of the register's record."""

    id = models.BigIntegerField(primary_key=True)
    subject = models.BigIntegerField(db_index=True)
    sealed = models.BinaryField()
    field_set = models.SmallIntegerField()
    key_id = models.SmallIntegerField()


class GrantRecord(models.Model):
    """The city's copy of a grant's head, for lists and clean-up; the keeper's own copy decides.

    `subjects` names the people of a small grant, so that its holder can be shown a list; it is empty for a large one.
    """

    id = models.CharField(primary_key=True, max_length=26)
    purpose = models.CharField(max_length=64)
    basis = models.CharField(max_length=64)
    fields = models.JSONField(default=list)
    holder = models.CharField(max_length=64, db_index=True)
    incident_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    zone_digest = models.CharField(max_length=64, default="", blank=True)
    subject_count = models.IntegerField()
    subjects = models.JSONField(default=list, blank=True)
    granted_at = models.DateTimeField()
    granted_by = models.CharField(max_length=64, default="", blank=True)
    until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    needs_second = models.BooleanField(default=False)
    seconded_at = models.DateTimeField(null=True, blank=True)


class ResidentLink(models.Model):
    """To whom a resident's account leads, sealed by the keeper; `handle` is what news of it are told by."""

    account_id = models.CharField(primary_key=True, max_length=26)
    link = models.BinaryField()
    handle = models.CharField(max_length=26, db_index=True)
    linked_at = models.DateTimeField()


class OpeningNotice(models.Model):
    """News for a resident: an entry of the log is about them."""

    id = models.CharField(primary_key=True, max_length=26)
    handle = models.CharField(max_length=26)
    leaf_index = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    opened_at = models.DateTimeField()
    noticed_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["handle", "-leaf_index"])]


class Contest(models.Model):
    """A resident's objection to one entry, and the answer to it."""

    id = models.CharField(primary_key=True, max_length=26)
    account_id = models.CharField(max_length=26, db_index=True)
    leaf_index = models.BigIntegerField()
    reason = models.CharField(max_length=24, choices=[(r, r) for r in reasons.CONTEST])
    contested_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=24, default="", blank=True)
    answered_by = models.CharField(max_length=64, default="", blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)


class GateAlarm(models.Model):
    """An alarm that the keeper rang, and who has seen it; `actor` is a pseudonym."""

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=24)
    purpose = models.CharField(max_length=64)
    actor = models.CharField(max_length=32)
    unit = models.CharField(max_length=80)
    service = models.CharField(max_length=64)
    about = models.CharField(max_length=64)
    people = models.IntegerField()
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    seen_by = models.CharField(max_length=64, default="", blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)


class GlassReview(models.Model):
    """One breaking of the glass, and whether it was right; the id is that of its grant."""

    id = models.CharField(primary_key=True, max_length=26)
    account_id = models.CharField(max_length=64, db_index=True)
    incident_id = models.CharField(max_length=26, default="", blank=True)
    exercise_id = models.CharField(max_length=26, default="", blank=True, db_index=True)
    reason = models.CharField(max_length=24, choices=[(r, r) for r in reasons.GLASS])
    people = models.IntegerField()
    broken_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)
    outcome = models.CharField(max_length=24, default="", blank=True)
    reviewed_by = models.CharField(max_length=64, default="", blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    suspended_at = models.DateTimeField(null=True, blank=True)


class AdverseStatus(models.Model):
    """A status that burdens one person; `batch` is what was decided together, `evidence` the number of its file."""

    id = models.CharField(primary_key=True, max_length=26)
    batch = models.CharField(max_length=26, db_index=True)
    kind = models.CharField(max_length=24, choices=[(k, k) for k in reasons.STATUSES])
    subject = models.BigIntegerField(db_index=True)
    matter = models.CharField(max_length=64)
    evidence = models.CharField(max_length=64, default="", blank=True)
    proposed_by = models.CharField(max_length=64)
    proposed_at = models.DateTimeField()
    approved_by = models.CharField(max_length=64, default="", blank=True)
    set_at = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField()
    appeal_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    emergency = models.BooleanField(default=False)


class SealedPart(models.Model):
    """One part of a packet: what somebody who stands in no register entrusted to the city, sealed."""

    packet = models.BigIntegerField()
    name = models.CharField(max_length=20)
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["packet", "name"], name="gate_sealed_part")]


class Position(models.Model):
    """How far a job has read something that only grows."""

    name = models.CharField(primary_key=True, max_length=32)
    at = models.BigIntegerField(default=0)
