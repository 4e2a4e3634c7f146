"""What insight keeps: reviews of processes, and what came of them. Nothing in them names a person."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {
    "Review": dict.fromkeys(
        (
            "id",
            "name",
            "form",
            "base",
            "digest",
            "asked",
            "unit",
            "role",
            "asked_at",
            "begun_at",
            "ended_at",
            "cancelled_at",
            "state",
            "begun",
            "done",
            "of",
            "result",
            "refusal",
        ),
        "clear",
    )
    | {"by": "restricted"},
}


class Review(models.Model):
    """A review of a process: of a file (`form` is file), of own cases (casetype) or of a kept log (again).

    `name` is the file's name or the case type; `base` is the review whose log is used again. `asked` are the choices of
    `Wanted`, as JSON. `done` counts parts `of` all, `begun` how often a process began with it. The log itself lies in
    the lake's folder, without ids of cases.
    """

    id = models.CharField(primary_key=True, max_length=26)
    name = models.CharField(max_length=120)
    form = models.CharField(max_length=12)
    base = models.CharField(max_length=26, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")
    asked = models.JSONField(default=dict)
    by = models.CharField(max_length=26)
    unit = models.CharField(max_length=80, blank=True, default="")
    role = models.CharField(max_length=32, blank=True, default="")
    asked_at = models.DateTimeField(db_index=True)
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
        return f"{self.name}: {self.state}"
