"""What departments' files say: what was loaded, and an organisation with its history and sources."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, policies, queries
from cityloom.registers.display import field_word, value_word
from cityloom.registers.domain.facts import Fact

_MOST = 50


@require_safe
def registers(request: HttpRequest) -> HttpResponse:
    """What was loaded, and a way to organisations."""
    text = request.GET.get("q", "")[:100]
    found = queries.organisations_called(text, _MOST) if text else []
    return render(request, "registers/registers.html", {"loads": queries.loads(), "q": text, "found": found})


@require_safe
def organisation(request: HttpRequest, key: str) -> HttpResponse:
    """What each source says of an organisation, as it is known now or was on a day."""
    return _page(request, key, request.GET.get("known", ""))


@require_POST
def open_people(request: HttpRequest, key: str, record: int) -> HttpResponse:
    """The same, with whom one record names; shown once and kept by no cache."""
    opened = actions.open_people("organisations", key, record, by=_actor(request), at=clock.now())
    return _page(request, key, "", record, opened)


def _page(
    request: HttpRequest, key: str, known: str, record: int = 0, opened: dict[str, str] | None = None
) -> HttpResponse:  # fmt: skip
    facts = queries.facts_of("organisations", key[:64], known_at=_end_of(known))
    if not facts and not known:
        raise Http404
    rows = [_row(fact, opened if fact.record == record else None) for fact in facts]
    context: dict[str, Any] = {
        "key": key, "known": known, "title": next((str(f.values["name"]) for f in facts if "name" in f.values), key),
        "now": [row for row in rows if row["fact"].is_current],
        "before": [row for row in rows if not row["fact"].is_current],
        "may_open": bool(_actor(request).roles & policies.OPENERS),
    }  # fmt: skip
    return render(request, "registers/organisation.html", context)


def _row(fact: Fact, opened: dict[str, str] | None) -> dict[str, Any]:
    told = [(field_word(name), value_word(name, value)) for name, value in fact.values.items()]
    named = [(field_word(name), value) for name, value in (opened or {}).items()]
    return {"fact": fact, "told": told, "named": named}


def _end_of(day: str) -> datetime | None:
    """The end of a day in the city's zone.

    Raises: Refused `registers.bad_date`.
    """
    if not day:
        return None
    try:
        return (clock.asked_for(day[:10], queries.time_zone()) + timedelta(days=1)).astimezone(UTC)
    except ValueError as error:
        raise Refused("registers.bad_date", "{value} is no date; write it as 2026-11-22.", value=day[:40]) from error


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]
