"""What was heard in the words of a case, as a question or a suggestion to whoever works on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.cases import actions, queries
from cityloom.cases.display import said
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.queries import CaseFacts, EventFacts
from cityloom.cases.views.asking import actor
from cityloom.cases.views.ruling import kind_title
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of


def shown(facts: CaseFacts, casetype: CaseType) -> dict[str, Any]:
    """What is asked or suggested of the category of an open case; empty where the type has none."""
    if not facts.is_open or not casetype.categories:
        return {}
    heard = queries.heard_of(facts.id)
    likely = [{"category": one.category, "kind": one.kind, "sure": f"{100 * one.sure:.0f} %",
               "title": _title(casetype, one.category), "finer": _finer(one.category, one.kind)}
              for one in (heard.likely if heard else ())]  # fmt: skip
    return {
        "likely": likely, "standing": heard.standing if heard else "", "now": _title(casetype, facts.category),
        "kind": _finer(facts.category, heard.kind) if heard else "",
        "categories": [(one.name, said(one.title)) for one in casetype.categories.values()],
    }  # fmt: skip


def described(each: EventFacts, casetype: CaseType) -> str:
    """Why a case was routed, or got its category, in words; "" for anything else that happened."""
    if each.kind not in ("routed", "categorised"):
        return ""
    data, parts = each.data, list[str]()
    before = data.get("before", {})
    if data.get("category") != before.get("category"):
        parts.append(f"{_title(casetype, before.get('category', ''))} → {_title(casetype, data.get('category', ''))}")
    if data.get("unit") != before.get("unit"):
        names = accounts.unit_names_of({data.get("unit", ""), before.get("unit", "")})
        parts.append(" → ".join(names.get(unit, unit) for unit in (before.get("unit", ""), data.get("unit", ""))))
    if "sure" in data:
        parts.append(_("category by the classifier, {sure} sure").replace("{sure}", f"{100 * data['sure']:.0f} %"))
    if "rule" in data:
        parts.append(_ruled(data))
    return _("; ").join(parts)


def _ruled(data: dict[str, Any]) -> str:
    words = _("by rule {rule} of version {version}")
    if not data["rule"]:
        words = _("by what version {version} says of the rest")
    return words.replace("{rule}", str(data["rule"])).replace("{version}", str(data["version"]))


def _title(casetype: CaseType, category: str) -> str:
    known = casetype.categories.get(category)
    return said(known.title) if known else category or "–"


def _finer(category: str, kind: str) -> str:
    return kind_title(kind) if kind and kind != category else ""


@require_POST
@only_once
def category(request: HttpRequest, case_id: str) -> HttpResponse:
    """Say of what category a case is; it is routed anew."""
    from cityloom.cases.views import case

    by, sent = actor(request), request.POST
    at, seen = bus.now_in(queries.case_for(by, case_id).exercise_id), sent.get("seen", "")
    chosen, _sign, kind = sent.get("category", "")[:81].partition(":")
    try:
        actions.set_category(
            case_id=case_id, category=chosen, kind=kind, reason=sent.get("reason", ""), by=by, at=at,
            seen=int(seen) if seen.isdecimal() and len(seen) < 10 else 0, command=word_of(request),
        )  # fmt: skip
    except Refused as refusal:
        return case.shown(request, case_id, status_of(refusal), refusal=sentence_of(refusal))
    messages.success(request, _("The category is set, and the case is where such cases go."))
    return redirect("case", case_id) if _is_seen(request, case_id) else redirect("cases")


def _is_seen(request: HttpRequest, case_id: str) -> bool:
    try:
        queries.case_for(actor(request), case_id)
    except Refused:
        return False
    return True
