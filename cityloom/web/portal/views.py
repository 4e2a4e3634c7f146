"""Pages for residents that show several capabilities: home, catalogue, and how this city uses their data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import get_language, gettext, gettext_noop
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.alerts import queries as alerts
from cityloom.gate import queries as gate
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.navigation import address
from cityloom.ui.strangers import same_for_strangers
from cityloom.ui.words import sentence_of, unmarked
from cityloom.web.domain.finding import LONGEST_QUERY
from cityloom.web.portal import catalogue
from cityloom.web.portal.installed import language_of

Value = TypeVar("Value")
_MOMENT_S = 10
_WHILE_S = 30
_WAYS = (
    ("me", gettext_noop("Who looked at my data"),
     gettext_noop("Every look by somebody of the city, with the reason, the law and a proof.")),
    ("report", gettext_noop("Report a problem"),
     gettext_noop("A hole in the road, a leak, a smell of gas: say where, and send photos.")),
    ("places", gettext_noop("Warnings for my places"),
     gettext_noop("By e-mail or on your phone, for home, school or work. No account needed.")),
    ("sensors", gettext_noop("Sensors in my street"),
     gettext_noop("What stands where, whose it is, what it measures and what it does not.")),
    ("figures", gettext_noop("The city in figures"),
     gettext_noop("Open figures with their definitions, to read and to download.")),
    ("how", gettext_noop("How this city uses your data"),
     gettext_noop("For what, by which law, for how long, and what it will never do.")),
)  # fmt: skip
WILL_NOT = (
    gettext_noop("It does not recognise or track people in video. Cameras report scenes and counts, and people are"
                 " blotted out before a picture is stored."),
    gettext_noop("It gives no person a score, a rank or a rating. Figures measure offices, places and services."),
    gettext_noop("It does not predict what anybody will do, and does not watch opinions, beliefs or friendships."),
    gettext_noop("It puts no burden on a person without a named decision, evidence, a second official, notice and a"
                 " way to appeal."),
    gettext_noop("No computer refuses you anything: a rule may say yes at once, only a person may say no."),
    gettext_noop("It keeps no list of who complains often. What is reported again is counted by place and kind."),
)  # fmt: skip
"""Section 5 of the house, as docs/explanation/what-it-will-not-do.md says it to everybody."""


@dataclass(frozen=True)
class Way:
    """One of the things that residents come for most."""

    name: str
    title: str
    summary: str
    url: str


@login_not_required
@require_safe
@same_for_strangers(5)
def home(request: HttpRequest) -> HttpResponse:
    """What residents come for: search, warnings in force, the way to who looked, and everything by life event."""
    context = {
        "ways": _ways(), "groups": catalogue.groups(), "alerts": [one for one in _alerts() if one.is_in_force],
        "at": clock.now(), "news": _news(request), "portal_search": "",  # one search on the page is enough
    }  # fmt: skip
    return render(request, "web/portal/home.html", context)


@login_not_required
@require_safe
@same_for_strangers(60)
def services(request: HttpRequest) -> HttpResponse:
    """The catalogue, or what a few words find in it."""
    query = unmarked(request.GET.get("q", "")).strip()[:LONGEST_QUERY]
    context = {"query": query, "found": catalogue.find(query) if query else [], "groups": catalogue.groups(),
               "portal_search": ""}  # fmt: skip
    return render(request, "web/portal/services.html", context)


@login_not_required
@require_safe
@same_for_strangers(30)
def how(request: HttpRequest) -> HttpResponse:
    """For what the city opens data of people, from the purposes in force, and what it will not do."""
    context = {"purposes": [], "fault": "", "will_not": [gettext(words) for words in WILL_NOT], "at": clock.now()}
    try:
        context["purposes"] = kept(f"purposes:{get_language()}", _WHILE_S, lambda: gate.published_purposes(clock.now()))
    except Refused as refusal:
        context["fault"] = sentence_of(refusal)
    return render(request, "web/portal/how.html", context)


@login_not_required
@require_safe
@same_for_strangers(5)
def offline(request: HttpRequest) -> HttpResponse:
    """The warnings of the last days; a browser keeps this page for when there is no network."""
    with translation.override(language_of(request)):
        return render(request, "web/portal/offline.html", {"alerts": _alerts(), "at": clock.now()})


def kept(name: str, seconds: int, make: Callable[[], Value]) -> Value:
    """What was made for this name a moment ago, else made now; the same for everybody, so nothing about one person."""
    return cache.get_or_set(f"portal:{name}", make, seconds)  # type: ignore[return-value]


def _alerts() -> list[alerts.PublicAlert]:
    return kept("alerts", _MOMENT_S, lambda: alerts.public_alerts(clock.now()))


def _ways() -> list[Way]:
    found = ((name, title, summary, address(name)) for name, title, summary in _WAYS)
    return [Way(name, gettext(title), gettext(summary), url) for name, title, summary, url in found if url]


def _news(request: HttpRequest) -> int:
    """How many entries a resident who is signed in has not seen."""
    if not request.user.is_authenticated or request.user.kind != "resident":  # type: ignore[union-attr]
        return 0
    return gate.unread_of(accounts.as_actor(request.user))  # type: ignore[arg-type]
