"""Which programs may file requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cityloom.cases.models import GeoReportKey


@dataclass(frozen=True)
class KeyFacts:
    """Whose key it is, and whether it may still be used."""

    id: str
    owner: str
    made_at: datetime
    ended_at: datetime | None


def keys() -> list[KeyFacts]:
    """All keys, the newest first."""
    return [KeyFacts(row.id, row.owner, row.made_at, row.ended_at) for row in GeoReportKey.objects.order_by("-made_at")]
