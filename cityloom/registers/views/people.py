"""What departments' files said of people: found by a number, through the gate; opened under a grant alone."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.registers import actions, policies, queries
from cityloom.registers.display import field_word
from cityloom.registers.domain.facts import PersonFact


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """A search by identity or phone number; it counts as an opening, whether it finds anybody or not."""
    by = _actor(request)
    policies.check_can_search_people(by)
    found = None
    if request.method == "POST":
        field, value = request.POST.get("field", ""), request.POST.get("value", "")[:100]
        found = actions.find_person(field, value, by=by, at=clock.now())
    return render(request, "registers/people.html", {"found": found})


@never_cache
@require_safe
def person(request: HttpRequest, subject: int) -> HttpResponse:
    """Which sources said something of a person, and when; never what."""
    policies.check_can_search_people(_actor(request))
    return _page(request, subject, {})


@never_cache
@require_POST
def opened(request: HttpRequest, subject: int) -> HttpResponse:
    """The same with what was said; shown once and kept by no cache."""
    return _page(request, subject, actions.open_person_versions(subject, by=_actor(request), at=clock.now()))


def _page(request: HttpRequest, subject: int, said: dict[int, dict[str, str]]) -> HttpResponse:
    facts = queries.person_facts(subject=subject) if subject < 1 << 63 else []
    home = queries.homes_of([subject]).get(subject, 0) if subject < 1 << 63 else 0
    if not facts and not home:
        raise Http404
    addresses = queries.addresses(sorted({fact.dwelling for fact in facts if fact.dwelling} | {home} - {0}))
    context: dict[str, Any] = {
        "subject": subject, "home": addresses.get(home, "") if home else "", "opened": bool(said),
        "rows": [_row(fact, addresses, said.get(fact.record, {})) for fact in facts],
        "others": [other for other in queries.residents_in([home]) if other != subject] if home else [],
    }  # fmt: skip
    return render(request, "registers/person.html", context)


def _row(fact: PersonFact, addresses: dict[int, str], said: dict[str, str]) -> dict[str, Any]:
    told = [(field_word(name, "people"), value) for name, value in said.items() if value]
    return {"fact": fact, "address": addresses.get(fact.dwelling, fact.dwelling or ""), "told": told}


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]
