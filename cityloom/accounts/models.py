"""People who log in, and the units that they belong to."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from cityloom.kernel import ids

ROLES = (
    "duty-officer", "commander", "alert-approver", "social-worker", "department-fire", "department-police",
    "department-traffic", "department-water", "department-gas", "data-protection-officer", "steward", "operator",
    "auditor", "case-handler", "supervisor",
)  # fmt: skip

RESIDENT = "resident"
KINDS = ("staff", "contractor", RESIDENT)
"""Residents have no unit and no roles, and reach only pages that are theirs."""

CLASSIFICATION = {
    "Unit": {"id": "clear", "name_en": "clear", "name_zh": "clear", "kind": "clear", "parent": "clear"},
    "Account": {
        "id": "clear", "password": "restricted", "last_login": "restricted", "is_superuser": "clear",
        "username": "restricted", "first_name": "restricted", "last_name": "restricted", "email": "restricted",
        "is_staff": "clear", "is_active": "clear", "date_joined": "clear", "unit": "clear", "roles": "clear",
        "is_demo": "clear", "kind": "clear",
    },
    "SignedIn": {
        "id": "clear", "account": "clear", "device_digest": "restricted", "agent": "restricted",
        "began_at": "restricted", "seen_at": "restricted", "ends_at": "clear", "idle_s": "clear",
    },
    "Suspension": {
        "id": "clear", "account": "clear", "reason_code": "clear", "by": "clear", "at": "clear", "ended_by": "clear",
        "ended_at": "clear",
    },
    "ContractorTerm": {
        "account": "clear", "company": "restricted", "sponsor": "clear", "made_by": "clear", "made_at": "clear",
        "ends_at": "clear", "approved_by": "clear", "approved_at": "clear", "ended_at": "clear",
    },
}  # fmt: skip

LIBRARIES = {
    "account.EmailAddress": dict.fromkeys(("id", "user", "email", "verified", "primary"), "restricted"),
    "account.EmailConfirmation": dict.fromkeys(("id", "email_address", "created", "sent", "key"), "restricted"),
    "auth.Group": {"id": "clear", "name": "clear"},
    "auth.Permission": {"id": "clear", "name": "clear", "content_type": "clear", "codename": "clear"},
    "contenttypes.ContentType": {"id": "clear", "app_label": "clear", "model": "clear"},
    "mfa.Authenticator": {
        "id": "clear", "user": "clear", "type": "clear", "data": "restricted", "created_at": "clear",
        "last_used_at": "restricted",
    },
    "sessions.Session": {"session_key": "restricted", "session_data": "restricted", "expire_date": "clear"},
    "socialaccount.SocialAccount": {
        "id": "clear", "user": "clear", "provider": "clear", "uid": "restricted", "last_login": "restricted",
        "date_joined": "clear", "extra_data": "restricted",
    },
    "socialaccount.SocialApp": dict.fromkeys(
        ("id", "provider", "provider_id", "name", "client_id", "secret", "key", "settings"), "restricted"
    ),
    "socialaccount.SocialToken": dict.fromkeys(
        ("id", "app", "account", "token", "token_secret", "expires_at"), "restricted"
    ),
}  # fmt: skip
"""Tables of the libraries that sign people in; e-mail addresses, provider applications and tokens stay empty."""


class Unit(models.Model):
    """A branch of the city's administration; its id is the path from the top, as in `city/d02/s01/c03`."""

    KINDS = [(kind, kind) for kind in ("city", "district", "subdistrict", "community", "department")]

    id = models.CharField(primary_key=True, max_length=80)
    name_en = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=KINDS)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")

    def __str__(self) -> str:
        return self.name_en


class Account(AbstractUser):
    """Someone who works here; everything else refers to the id, which is not a name."""

    id = models.CharField(primary_key=True, max_length=26, default=ids.new_ulid, editable=False)
    unit = models.ForeignKey(Unit, null=True, blank=True, on_delete=models.PROTECT)
    roles = models.JSONField(default=list, blank=True)
    is_demo = models.BooleanField(default=False)
    kind = models.CharField(max_length=16, default="staff", choices=[(kind, kind) for kind in KINDS])

    def __str__(self) -> str:
        return self.id


class SignedIn(models.Model):
    """An account at one device, from signing in until it ends; the row is what makes a session count.

    `idle_s` is None for roles that open nobody.
    """

    id = models.CharField(primary_key=True, max_length=26, default=ids.new_ulid, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    device_digest = models.CharField(max_length=64)
    agent = models.CharField(max_length=40)
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    idle_s = models.PositiveIntegerField(null=True)

    def __str__(self) -> str:
        return self.id


class Suspension(models.Model):
    """An account that may not sign in until another person says so; `by` and `ended_by` are account ids."""

    id = models.CharField(primary_key=True, max_length=26, default=ids.new_ulid, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    reason_code = models.CharField(max_length=40)
    by = models.CharField(max_length=26)
    at = models.DateTimeField()
    ended_by = models.CharField(max_length=26, default="", blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(ended_at=None), name="one_open_suspension_an_account"
            )
        ]

    def __str__(self) -> str:
        return self.id


class ContractorTerm(models.Model):
    """How long someone of a service provider may work here, who vouches for it, and which two people agreed."""

    account = models.OneToOneField(Account, primary_key=True, on_delete=models.PROTECT, related_name="term")
    company = models.CharField(max_length=120)
    sponsor = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sponsored")
    made_by = models.CharField(max_length=26)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True)
    approved_by = models.CharField(max_length=26, default="", blank=True)
    approved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.account_id
