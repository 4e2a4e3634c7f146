"""Case types of this city: the versions that were published, and those that come with the program until one is."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from cityloom.cases.domain.casetypes import reading
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.models import CaseTypeVersion
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused


def casetype_of(name: str, version: int) -> CaseType:
    """A published version.

    Raises: Refused `cases.no_such_type`.
    """
    return _published(key_of(name, version))


def newest(name: str) -> CaseType:
    """The version that new cases get: the newest that was published, or the one that comes with the program.

    Raises: Refused `cases.no_such_type`.
    """
    rows = CaseTypeVersion.objects.filter(name=name).order_by("-number").values_list("id", flat=True)
    key, shipped = rows.first(), _shipped(name)
    found = _published(key) if key else None
    if found is None and shipped is None:
        raise _unknown(name)
    return max((one for one in (shipped, found) if one), key=lambda one: one.version)


def names() -> list[str]:
    """All types that cases can be opened of, by name."""
    return sorted({*reading.shipped(), *CaseTypeVersion.objects.values_list("name", flat=True)})


def versions(name: str) -> list[tuple[int, datetime]]:
    """The published versions of a type, the newest first, with when that was."""
    return list(CaseTypeVersion.objects.filter(name=name).order_by("-number").values_list("number", "published_at"))


def seen_by() -> dict[str, frozenset[str]]:
    """The roles that see cases of each published type, as its newest version says; one statement."""
    rows = CaseTypeVersion.objects.order_by("number").values_list("name", "seen_by")
    return {name: frozenset(roles.split(",")) for name, roles in rows}


def keep(document: dict[str, Any], by: str, at: datetime) -> tuple[CaseTypeVersion, bool]:
    """Keep a document as a published version; return it, and whether it is new."""
    name, version = document["casetype"], document["version"]
    return CaseTypeVersion.objects.get_or_create(
        id=key_of(name, version),
        defaults={
            "name": name, "number": version, "document": document, "digest": digest_of(document), "published_by": by,
            "published_at": at, "seen_by": ",".join(sorted(document["access"]["seen_by"])),
        },
    )  # fmt: skip


def is_published(name: str, version: int) -> bool:
    """Whether a version has been published."""
    return CaseTypeVersion.objects.filter(id=key_of(name, version)).exists()


def shipped_document(name: str) -> dict[str, Any]:
    """What the type that comes with the program says."""
    return _shipped_document(name)


def key_of(name: str, version: int) -> str:
    """The id of a version's row."""
    return ids.named_id("casetype", name, version)


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of what a type says."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@lru_cache(maxsize=512)
def _published(key: str) -> CaseType:
    """A version never changes, so it is read once."""
    row = CaseTypeVersion.objects.filter(id=key).first()
    if row is None:
        raise _unknown(key)
    return reading.casetype_from(row.document)


@lru_cache(maxsize=64)
def _shipped_document(name: str) -> dict[str, Any]:
    return reading.document_of(reading.shipped()[name].read_text(encoding="utf-8"))


@lru_cache(maxsize=64)
def _shipped(name: str) -> CaseType | None:
    return reading.casetype_from(_shipped_document(name)) if name in reading.shipped() else None


def _unknown(name: str) -> Refused:
    return Refused("cases.no_such_type", "There is no case type {value}; `cityloom cases types` shows them.",
                   value=name[:40])  # fmt: skip
