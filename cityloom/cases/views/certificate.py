"""A permit on paper: what was granted, with which conditions and reasons, by which version of the rule."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue, queries
from cityloom.cases.display import said
from cityloom.cases.domain import numbers
from cityloom.cases.queries import CaseFacts
from cityloom.cases.views import asked, decided
from cityloom.cases.views.asking import actor
from cityloom.registers import queries as registers


@require_safe
def of_case(request: HttpRequest, case_id: str) -> HttpResponse:
    """For officials who see the case."""
    return answered(request, queries.case_for(actor(request), case_id))


def answered(request: HttpRequest, facts: CaseFacts) -> HttpResponse:
    """The page of a permit that stands.

    Raises: Http404 where nothing was granted, or a review has taken it up again.
    """
    casetype = catalogue.casetype_of(facts.casetype, facts.version)
    rows = decided.decisions(facts, casetype)
    one, silence = decided.standing(rows), decided.silent(facts, casetype)
    if facts.is_open or (one is None and silence is None) or (one is not None and one["is_against"]):
        raise Http404
    category = casetype.categories.get(facts.category)
    return render(request, "cases/certificate.html", {
        "facts": facts, "spoken": numbers.spoken(facts.number), "decision": one, "silence": silence,
        "title": said(category.title if category else casetype.title), "reference": _reference(facts, one),
        "unit": accounts.unit_names_of({facts.unit}).get(facts.unit, facts.unit), "town": registers.city(),
        "answers": asked.answered(casetype, facts.category, facts.answers | queries.sealed_answers(facts.id)),
        "result": said(casetype.results[facts.result].title) if facts.result in casetype.results else "",
    })  # fmt: skip


def _reference(facts: CaseFacts, one: dict[str, Any] | None) -> str:
    """What is written on the paper, and found again by: the number of the case, and the decision."""
    return f"{numbers.spoken(facts.number)} / {one['one'].id[:10] if one else 'S'}"
