"""A permit on paper: what was granted, with which conditions and reasons, by which version of the rule."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue, queries
from cityloom.cases.contrib import paper
from cityloom.cases.display import said
from cityloom.cases.domain import numbers
from cityloom.cases.queries import CaseFacts
from cityloom.cases.views import asked, decided
from cityloom.cases.views.asking import actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.templatetags.cityloom import city_name
from cityloom.ui.words import sentence_of


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
    context = {
        "facts": facts, "spoken": numbers.spoken(facts.number), "decision": one, "silence": silence,
        "title": said(category.title if category else casetype.title), "reference": _reference(facts, one),
        "unit": accounts.unit_names_of({facts.unit}).get(facts.unit, facts.unit), "town": registers.city(),
        "answers": asked.answered(casetype, facts.category, facts.answers | queries.sealed_answers(facts.id)),
        "result": said(casetype.results[facts.result].title) if facts.result in casetype.results else "",
    }  # fmt: skip
    if request.GET.get("as") == "pdf":
        try:
            return _paper(context)
        except Refused as refusal:
            return render(request, "cases/certificate.html", context | {"refusal": sentence_of(refusal)}, status=409)
    return render(request, "cases/certificate.html", context)


def _paper(context: dict[str, Any]) -> HttpResponse:
    """The same as a PDF."""
    name = f"permit-{context['spoken']}.pdf"
    return HttpResponse(paper.pdf(_sheet(context)), content_type="application/pdf", headers={
        "Content-Disposition": content_disposition_header(True, name) or "attachment", "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    })  # fmt: skip


def _sheet(context: dict[str, Any]) -> dict[str, Any]:
    one, silence, town = context["decision"], context["silence"], context["town"]
    since = localtime(one["one"].at if one else silence["at"]).strftime("%Y-%m-%d %H:%M")
    until = one["one"].valid_until if one else None
    head = [(_("Reference"), context["reference"]), (_("Decided"), since)]
    parts = [(_("Conditions"), one["conditions"] if one else []), (_("Reasons"), _reasons(one, silence))]
    return {
        "title": context["title"], "result": context["result"], "reference": context["reference"],
        "office": " · ".join(filter(None, (city_name(town.name) if town else "", context["unit"]))),
        "pairs": [*head, *([(_("Valid until"), until.isoformat())] if until else []), *context["answers"]],
        "parts": [{"title": title, "lines": lines} for title, lines in parts if lines],
        "notes": _notes(one) if one else [],
    }  # fmt: skip


def _reasons(one: dict[str, Any] | None, silence: dict[str, Any] | None) -> list[str]:
    if one is not None:
        return [*one["reasons"], *filter(None, [one["words"]])]
    said = _("Nobody answered within %(limit)s, so it counts as granted.")
    return [said % {"limit": silence["limit"]}, silence["law"]] if silence else []


def _notes(one: dict[str, Any]) -> list[str]:
    """By which rule, or by whom, and until when one may object."""
    row = one["one"]
    rule = _("Decided at once by the published rule %(name)s, version %(number)s, row %(rows)s.")
    by = rule % {"name": row.table, "number": row.table_version, "rows": one["rows"]} if one["is_at_once"] else (
        f"{one['role']} {one['official']}")  # fmt: skip
    return [by, _("A review by a person can be asked for until %(day)s.") % {"day": one["review_until"].date()}]


def _reference(facts: CaseFacts, one: dict[str, Any] | None) -> str:
    """What is written on the paper, and found again by: the number of the case, and the decision."""
    return f"{numbers.spoken(facts.number)} / {one['one'].id[:10] if one else 'S'}"
