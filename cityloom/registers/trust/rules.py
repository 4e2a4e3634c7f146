"""The versions of the rules on sources: the last one holds, and for a past day the one of that day."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import lru_cache

from django.db import connection

from cityloom.registers.domain.survivorship import Rules, read
from cityloom.registers.models import SurvivorshipRules

NONE = Rules()


def in_force(at: datetime | None = None) -> Rules:
    """The rules that hold now, or held at an instant; without any, the newest word is believed."""
    found = _found(at)
    return _read(*found) if found else NONE


def _found(at: datetime | None) -> tuple[int, str] | None:
    """Number and digest of a version; raw, since every look at an entry asks for it."""
    until, asked = ("", []) if at is None else ("WHERE set_at <= %s", [connection.ops.adapt_datetimefield_value(at)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT number, digest FROM {SurvivorshipRules._meta.db_table} {until} ORDER BY number DESC LIMIT 1",  # noqa: S608
            asked,
        )
        row = cursor.fetchone()
    return (row[0], row[1]) if row else None


@lru_cache(maxsize=32)
def _read(number: int, digest: str) -> Rules:
    """A version, read once; another city may have another text under the same number, but not the same digest."""
    return read(SurvivorshipRules.objects.values_list("text", flat=True).get(number=number), number)


def versions() -> list[SurvivorshipRules]:
    """Every version, the newest first."""
    return list(SurvivorshipRules.objects.order_by("-number"))


def keep(rules: Rules, *, reason: str, by: str, at: datetime) -> int:
    """Write a new version; the same text again is none. Returns the version in force."""
    digest = hashlib.sha256(rules.text.encode()).hexdigest()
    last = SurvivorshipRules.objects.order_by("-number").first()
    if last is not None and last.digest == digest:
        return last.number
    # no version begins before the one that it replaces, whatever the clocks of two machines say
    begins = max(filter(None, (at, last.set_at if last else None)))
    row = SurvivorshipRules.objects.create(text=rules.text, digest=digest, reason=reason, set_by=by, set_at=begins)
    return row.number
