"""The files of a case without what is in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from cityloom.cases.models import CaseFile


@dataclass(frozen=True)
class FileFacts:
    """A file of a case; name and content are sealed. `scanner` is "" where nothing looked through it."""

    id: str
    kind: str
    media_type: str
    size_bytes: int
    field: str
    scanner: str
    role: str
    added_at: datetime
    is_erased: bool
    is_released: bool


def files_of(case_id: str) -> list[FileFacts]:
    """The files of a case in their order."""
    rows = CaseFile.objects.filter(case__id=case_id).select_related("released").defer("released__content")
    return [
        FileFacts(row.id, row.kind, row.media_type, row.size_bytes, row.field, row.scanner, row.role, row.added_at,
                  row.packet is None, hasattr(row, "released"))
        for row in rows.order_by("added_at", "id")
    ]  # fmt: skip


def first_released(numbers: Collection[int]) -> dict[int, str]:
    """The first photo of each of these cases that everybody may see, by the case's number."""
    rows = CaseFile.objects.filter(case__in=numbers, released__isnull=False).order_by("-added_at", "-id")
    return dict(rows.values_list("case_id", "id"))
