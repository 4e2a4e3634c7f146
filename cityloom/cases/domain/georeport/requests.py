"""Cases as the requests of Open311: what anybody may know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cityloom.cases.domain import numbers
from cityloom.cases.domain.casetypes.casetype import CaseType, Titles
from cityloom.cases.domain.georeport.services import said
from cityloom.kernel import clock

_EXTENDED = {
    "received": "OPEN", "in-progress": "IN_PROGRESS", "waiting": "INVESTIGATING", "done": "FIXED", "closed": "CLOSED",
    "joined": "DUPLICATE",
}  # fmt: skip
_BY_RESULT = {"not-the-citys": "NOT_COUNCILS_RESPONSIBILITY", "solved": "FIXED"}
OVER = frozenset({"CLOSED", "FIXED", "NO_FURTHER_ACTION", "NOT_COUNCILS_RESPONSIBILITY", "DUPLICATE"})
_NONE: Titles = {"en": ""}


@dataclass(frozen=True)
class Known:
    """What anybody may know of a case; `words` are those that an official released."""

    number: int
    state: str
    is_open: bool
    category: str
    result: str
    unit_name: str
    opened_at: datetime
    changed_at: datetime
    due_at: datetime | None
    lon: float | None
    lat: float | None
    answers: Mapping[str, Any]
    words: str = ""


@dataclass(frozen=True)
class Changed:
    """That a case came into another state."""

    event_id: str
    number: int
    before: str
    after: str
    result: str
    at: datetime


def request_of(
    case: Known, casetype: CaseType, language: str, *, is_extended: bool = False, photo: str = ""
) -> Mapping[str, Any]:
    """The seventeen fields of a request, numbers as texts; what is not known is empty.

    Source: GeoReport v2, "GET Service Requests". `is_extended` adds what cities answer to `extensions=true`; `photo` is
    the address of one that was released.
    """
    category = casetype.categories.get(case.category)
    entry: dict[str, Any] = {
        "service_request_id": numbers.spoken(case.number), "status": "open" if case.is_open else "closed",
        "status_notes": notes_of(casetype, case.state, case.result, language),
        "service_name": said(category.title, language) if category else case.category,
        "service_code": case.category, "description": case.words or None, "agency_responsible": case.unit_name,
        "service_notice": None, "requested_datetime": clock.to_text(case.opened_at),
        "updated_datetime": clock.to_text(case.changed_at),
        "expected_datetime": clock.to_text(case.due_at) if case.due_at else None, "address": None, "address_id": None,
        "zipcode": None, "lat": _degrees(case.lat), "long": _degrees(case.lon), "media_url": photo or None,
    }  # fmt: skip
    if is_extended:
        entry["extended_attributes"] = {"state": case.state, "status": status_of(casetype, case.state, case.result)}
        entry["attributes"] = dict(case.answers)
    return entry


def notes_of(casetype: CaseType, state: str, result: str, language: str) -> str:
    """Where a case stands, in words."""
    standing = said(casetype.states[state].title if state in casetype.states else _NONE, language) or state
    ended = said(casetype.results[result].title, language) if result in casetype.results else ""
    return f"{standing}: {ended}" if ended else standing


def status_of(casetype: CaseType, state: str, result: str) -> str:
    """The status of mySociety's extension for a state; states that a city made itself are open or closed."""
    known = casetype.states.get(state)
    if known is not None and known.ends and result in _BY_RESULT:
        return _BY_RESULT[result]
    if state == "declined":
        return "NO_FURTHER_ACTION"
    return _EXTENDED.get(state, "CLOSED" if known is not None and known.ends else "OPEN")


def update_of(change: Changed, casetype: CaseType, language: str) -> Mapping[str, Any]:
    """A change of a request's state. Source: mySociety's extension, "GET service request updates"."""
    return {
        "update_id": change.event_id, "service_request_id": numbers.spoken(change.number),
        "status": status_of(casetype, change.after, change.result), "updated_datetime": clock.to_text(change.at),
        "description": notes_of(casetype, change.after, change.result, language), "media_url": None,
    }  # fmt: skip


def _degrees(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
