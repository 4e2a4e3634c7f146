"""The one document that people approve, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cityloom.emergency.domain.places import LANGUAGES
from cityloom.kernel import canonical
from cityloom.kernel.refused import Refused

VERSION = 1
_MANNER = {
    "evacuation": {"urgency": "Immediate", "severity": "Extreme", "certainty": "Observed", "response": "Evacuate"},
    "all-clear": {"urgency": "Past", "severity": "Minor", "certainty": "Observed", "response": "AllClear"},
    "cancellation": {"urgency": "Past", "severity": "Minor", "certainty": "Unlikely", "response": "None"},
}
_CATEGORIES = {"ground-collapse": "Infra", "gas-leak": "Infra", "fire": "Fire"}


@dataclass(frozen=True)
class Sending:
    """How and when the document would leave; times are texts as CAP writes them."""

    incident_id: str
    revision: int
    references: Sequence[str]
    sender: str
    sent: str
    expires: str
    exercise: bool
    synthetic_city: bool
    channels: Sequence[str]


def compose(
    purpose: str,
    category: str,
    sending: Sending,
    polygons: Sequence[str],
    buildings: Sequence[int],
    info: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """The document; `polygons` are CAP texts exactly as they will be sent. Strings, integers and booleans only."""
    return {
        "version": VERSION,
        "incident": sending.incident_id,
        "revision": sending.revision,
        "message_type": message_type(purpose, sending.references),
        "references": list(sending.references),
        "identifier": f"cityloom-{sending.incident_id}-{sending.revision}",
        "sender": sending.sender,
        "sent": sending.sent,
        "exercise": sending.exercise,
        "synthetic_city": sending.synthetic_city,
        "polygons": list(polygons),
        "buildings": sorted(set(buildings)),
        "languages": list(LANGUAGES),
        "info": {language: dict(info[language]) for language in LANGUAGES},
        "category": _CATEGORIES.get(category, "Safety"),
        **_MANNER[purpose],
        "expires": sending.expires,
        "channels": sorted(set(sending.channels)),
    }


def message_type(purpose: str, references: Sequence[str]) -> str:
    """What kind of CAP message it is: an alert that is out is updated or cancelled, never repeated."""
    if purpose == "cancellation":
        return "Cancel"
    return "Update" if references else "Alert"


def text_of(document: Mapping[str, Any]) -> str:
    """The canonical text that is stored and hashed."""
    return canonical.canonical_bytes(document).decode()


def read(text: str, digest: str) -> dict[str, Any]:
    """The document in a stored text, if it is byte for byte the one with that digest.

    Raises: Refused `emergency.document_changed`.
    """
    try:
        document = json.loads(text)
        same = bool(digest) and canonical.digest(document) == digest and text_of(document) == text
    except (ValueError, TypeError, RecursionError) as error:  # not even a document any more
        raise _changed() from error
    if not same:
        raise _changed()
    return dict(document)


def _changed() -> Refused:
    return Refused(
        "emergency.document_changed",
        "The stored document is not the one that was shown and approved, so nothing was done with it; "
        "make a new proposal and approve that.",
    )
