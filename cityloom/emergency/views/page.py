"""The incident room as one reader sees it, now or as it was known at an instant; each part can be had alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.timezone import get_current_timezone
from django.utils.translation import get_language

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.emergency import policies, queries
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

_MOST_DIGITS = 6


@dataclass(frozen=True)
class Room:
    """An incident, who looks at it, and the instant at which it is looked at (None: now).

    `since` is the revision that this page showed last, from which the next one is told apart.
    """

    incident_id: str
    actor: Actor
    at: datetime | None = None
    since: int = 0
    role: str = ""

    @cached_property
    def facts(self) -> queries.IncidentFacts:
        """The incident."""
        if self.at:
            return queries.incident_known(self.incident_id, self.at)
        return queries.incident(self.incident_id)

    @cached_property
    def proposals(self) -> list[queries.ProposalFacts]:
        """Every revision, oldest first."""
        if self.at:
            return queries.proposals_known(self.incident_id, self.at)
        return queries.proposals_of(self.incident_id)

    @property
    def proposal(self) -> queries.ProposalFacts | None:
        """The newest revision."""
        return self.proposals[-1] if self.proposals else None

    @cached_property
    def evacuation(self) -> queries.ProposalFacts | None:
        """The newest revision of an evacuation: what the map and the figures show."""
        return next((facts for facts in reversed(self.proposals) if facts.purpose == "evacuation"), None)

    @cached_property
    def standing(self) -> policies.Standing:
        """Where the incident stands, as the policies want it."""
        return queries.standing_of(queries.find_incident(self.incident_id))

    def refusal(self, action: str) -> str:
        """Why this reader may not do something now; "" where they may."""
        return why_not(lambda: policies.check_can(action, self.standing, self.actor))

    def is_known(self, instant: datetime | None) -> bool:
        """Whether something had happened by the instant that is looked at."""
        return instant is not None and (self.at is None or instant <= self.at)


Part = Callable[[Room], Mapping[str, Any]]


def room_of(request: HttpRequest, incident_id: str, *, since: int = 0) -> Room:
    """The room that a request asks for.

    Raises: Http404 for an instant or a revision that is none.
    """
    asked = request.GET
    return Room(
        incident_id=incident_id, actor=accounts.as_actor(request.user),  # type: ignore[arg-type]
        at=_past(incident_id, _instant(asked.get("at", ""))), since=since or _number(asked.get("since", "")),
        role=asked.get("role", "")[:32],
    )  # fmt: skip


def why_not(check: Callable[[], object]) -> str:
    """The sentence of a refusal; "" where there is none."""
    try:
        check()
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def in_language(words: Mapping[str, Any]) -> Any:
    """The entry for the reader's language, else the English one, else any."""
    key = "zh-Hans" if get_language() == "zh-hans" else "en"
    return words.get(key) or words.get("en") or next(iter(words.values()), "")


def _instant(text: str) -> datetime | None:
    """An instant of an address or of a form's field, which has the city's own time and no zone."""
    if not text:
        return None
    try:
        return clock.asked_for(text.replace(" ", "+"), get_current_timezone())  # a plus sign that was not escaped
    except ValueError as error:
        raise Http404 from error


def _past(incident_id: str, at: datetime | None) -> datetime | None:
    """None for what is still to come where the incident happens: nothing is known of it but what is known now."""
    if at is None or at >= bus.now_in(queries.incident(incident_id).exercise_id):
        return None
    return at


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0
