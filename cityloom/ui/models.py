"""Forms that have been sent, so that a second click does nothing."""

from __future__ import annotations

from django.db import models

CLASSIFICATION = {"SentForm": {"id": "clear", "at": "clear", "leads_to": "restricted"}}


class SentForm(models.Model):
    """A form that was sent, by the random word that its page carried; `leads_to` is where its sender was sent on."""

    id = models.CharField(primary_key=True, max_length=43)
    at = models.DateTimeField(db_index=True)
    leads_to = models.CharField(max_length=2000, default="", blank=True)

    def __str__(self) -> str:
        return self.id
