"""The approved document: what it must hold, and which parts of it an alert's XML carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from cityloom.alerts.domain.cap import CapAlert, CapInfo
from cityloom.kernel.refused import Refused

LANGUAGES = frozenset({"zh-Hans", "en"})
UNSENT = ("version", "revision", "synthetic_city", "buildings", "channels")
"""Parts that the public XML does not carry; they travel beside it, and the digest covers them all the same."""
DIGEST_PARAMETER = "cityloom:approved-sha256"

_FORBIDDEN_IN_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Channel = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the alert says in one language."""

    event: Text
    headline: Text
    description: Text
    instruction: Text
    area: Text


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The approved document, checked; times and polygons are texts, exactly as they will be sent."""

    version: Literal[1]
    incident: Id
    revision: int
    message_type: Literal["Alert", "Update", "Cancel"]
    references: list[str]
    identifier: Id
    sender: Id
    sent: Id
    exercise: bool
    synthetic_city: bool
    polygons: Annotated[list[Text], msgspec.Meta(min_length=1)]
    buildings: list[int]
    languages: list[str]
    info: dict[str, Words]
    category: Id
    urgency: Id
    severity: Id
    certainty: Id
    response: Id
    expires: Id
    channels: Annotated[list[Channel], msgspec.Meta(min_length=1)]

    @property
    def status(self) -> str:
        """The CAP status: an exercise is Exercise, a synthetic city at most Test, only a real city Actual."""
        if self.exercise:
            return "Exercise"
        return "Test" if self.synthetic_city else "Actual"


def read(document: Mapping[str, Any]) -> Document:
    """The document as a checked value.

    Raises: Refused `alerts.document_malformed` for a part that is missing, unknown or of another type.
    """
    try:
        checked = msgspec.convert(document, Document, strict=True)
    except msgspec.ValidationError as error:
        raise _malformed(str(error)) from error
    if set(checked.languages) != LANGUAGES or len(checked.languages) != len(LANGUAGES):
        raise _malformed("the languages must be zh-Hans and en, each once")
    if set(checked.info) != LANGUAGES:
        raise _malformed("info must hold one block for zh-Hans and one for en")
    if any(_FORBIDDEN_IN_XML.search(text) for text in _texts(checked)):
        raise _malformed("a text holds a control character that XML cannot carry")
    if checked.buildings != sorted(set(checked.buildings)) or checked.channels != sorted(set(checked.channels)):
        raise _malformed("buildings and channels must be sorted, each once")
    return checked


def unsent_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The parts that travel beside the XML."""
    return {name: document[name] for name in UNSENT}


def document_of(alert: CapAlert, unsent: Mapping[str, Any]) -> dict[str, Any]:
    """The document again, from a parsed alert and the parts that travelled beside it.

    Every part that the XML carries is taken from the XML, whatever `unsent` says.
    Raises: Refused `alerts.not_ours` if the alert's blocks do not all speak of the same area, times and danger.
    """
    if set(unsent) != set(UNSENT):
        raise _not_ours()
    first, *others = [_shared(info) for info in alert.infos] or [None]
    if first is None or any(other != first for other in others) or len(alert.incidents) != 1:
        raise _not_ours()
    synthetic = unsent["synthetic_city"] if alert.status == "Exercise" else alert.status == "Test"
    return dict(unsent) | first | {
        "synthetic_city": synthetic,
        "exercise": alert.status == "Exercise",
        "incident": alert.incidents[0],
        "message_type": alert.message_type,
        "references": list(alert.references),
        "identifier": alert.identifier,
        "sender": alert.sender,
        "sent": alert.sent,
        "languages": [info.language for info in alert.infos],
        "info": {info.language: _words(info) for info in alert.infos},
    }  # fmt: skip


def note_of(document: Document) -> str:
    """Which exercise this is. Source: CAP 1.2, element `status`: an exercise is identified in `note`."""
    return f"Exercise for incident {document.incident}. No action by the public." if document.exercise else ""


def _shared(info: CapInfo) -> dict[str, Any]:
    if len(info.areas) != 1 or len(info.categories) != 1 or len(info.responses) != 1:
        raise _not_ours()
    return {
        "polygons": list(info.areas[0].polygons), "category": info.categories[0], "response": info.responses[0],
        "urgency": info.urgency, "severity": info.severity, "certainty": info.certainty, "expires": info.expires,
    }  # fmt: skip


def _words(info: CapInfo) -> dict[str, str]:
    return {
        "event": info.event, "headline": info.headline, "description": info.description,
        "instruction": info.instruction, "area": info.areas[0].words,
    }  # fmt: skip


def _texts(document: Document) -> list[str]:
    words = [text for block in document.info.values() for text in msgspec.structs.astuple(block)]
    return [
        *words, *document.polygons, *document.references, document.incident, document.identifier, document.sender,
        document.sent, document.expires,
    ]  # fmt: skip


def _malformed(reason: str) -> Refused:
    return Refused(
        "alerts.document_malformed",
        "The approved document cannot be sent as an alert: {value}. Nothing was sent; make a new proposal.",
        value=reason,
    )


def _not_ours() -> Refused:
    return Refused(
        "alerts.not_ours",
        "The alert does not have the form in which this city sends alerts, so it cannot be compared with what was "
        "approved. It was stopped; make a new proposal.",
    )
