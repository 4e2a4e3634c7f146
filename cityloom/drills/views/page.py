"""What every page about drills shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.drills import queries
from cityloom.drills.display import FAILURES, PACES, STATES
from cityloom.drills.queries import DrillFacts
from cityloom.emergency import queries as incidents
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of


@dataclass(frozen=True)
class Failure:
    """Something that was made to go wrong, as the pages name it."""

    words: str
    at_s: float
    amount: int
    is_on: bool


@dataclass(frozen=True)
class Bar:
    """A drill that is on, as every page shows it: its time is `drill_at` at `wall_at`, and goes on at `pace`."""

    facts: DrillFacts
    title: str
    state: str
    pace_words: str
    drill_at: datetime
    wall_at: datetime
    now_s: float
    pace: int
    failures: tuple[Failure, ...]
    incident_id: str


def actor_of(request: HttpRequest) -> Actor:
    """Who asks."""
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def bar_of(facts: DrillFacts) -> Bar:
    """How a drill stands now."""
    now = bus.now_in(facts.exercise_id)
    now_s = (now - facts.start).total_seconds() if facts.start else 0.0
    found = incidents.incidents_of(facts.exercise_id)
    return Bar(
        facts=facts, title=title_of(facts.scenario), state=_(STATES[facts.state]),
        pace_words=_("paused") if facts.is_paused else _(PACES.get(facts.pace, "")), drill_at=now,
        wall_at=clock.SystemClock().now(), now_s=now_s,
        pace=facts.pace if facts.state == "running" and not facts.is_paused else 0,
        failures=tuple(
            Failure(_(FAILURES[one.kind][0]), one.at_s, one.amount, one.is_on(now_s)) for one in facts.injections
        ),
        incident_id=found[-1].id if found else "",
    )  # fmt: skip


def title_of(name: str) -> str:
    """What a scenario is called."""
    known = {facts.name: facts.title for facts in queries.scenario_facts()}
    return in_language(known.get(name, {"en": name}))


def in_language(words: Mapping[str, Any]) -> str:
    """The entry for the reader's language, else the English one."""
    key = "zh-Hans" if get_language() == "zh-hans" else "en"
    return str(words.get(key) or words.get("en") or "")


def why_not(check: Callable[[], object]) -> str:
    """The sentence of a refusal; "" where there is none."""
    try:
        check()
    except Refused as refusal:
        return sentence_of(refusal)
    return ""
