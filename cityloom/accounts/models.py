"""People who log in, and the units that they belong to."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from cityloom.kernel import ids

ROLES = (
    "duty-officer", "commander", "alert-approver", "social-worker", "department-fire", "department-police",
    "department-traffic", "department-water", "department-gas", "data-protection-officer", "steward", "operator",
    "auditor",
)  # fmt: skip

CLASSIFICATION = {
    "Unit": {"id": "clear", "name_en": "clear", "name_zh": "clear", "kind": "clear", "parent": "clear"},
    "Account": {
        "id": "clear", "password": "restricted", "last_login": "restricted", "is_superuser": "clear",
        "username": "restricted", "first_name": "restricted", "last_name": "restricted", "email": "restricted",
        "is_staff": "clear", "is_active": "clear", "date_joined": "clear", "unit": "clear", "roles": "clear",
        "is_demo": "clear",
    },
}  # fmt: skip


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

    def __str__(self) -> str:
        return self.id
