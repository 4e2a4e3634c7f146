"""Where sources disagree: listed, looked at side by side, decided with a reason, sent back to a department."""

from __future__ import annotations

import io
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, policies, queries
from cityloom.registers.browsing.entries import LISTED
from cityloom.registers.display import DISAGREEMENT_STATES, WHY, field_word, value_word
from cityloom.registers.domain.facts import DisagreementFacts
from cityloom.registers.domain.survivorship import PEOPLE, Entry
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_A_PAGE = 50
_SHUT = ("sex", "dwelling")
"""Of people: what is opened nowhere, and what is never sealed."""
_FILTERS = ("register", "field", "source", "other", "state")
_ENTRY = {"organisations": "organisation"}
"""Names of the pages of registers' entries, where another than the register's own."""


@require_safe
def disagreements(request: HttpRequest) -> HttpResponse:
    """What there is to decide, by register, field and sources; and how often sources disagree."""
    asked = {name: request.GET.get(name, "")[:60] for name in _FILTERS}
    asked["state"] = asked["state"] if asked["state"] in DISAGREEMENT_STATES else "open"
    found = queries.disagreements_listed(**asked, before=_number(request.GET.get("before", "")), limit=_A_PAGE + 1)
    context = {
        "rows": [_row(one) for one in found[:_A_PAGE]], "asked": asked,
        "states": [(state, _(word)) for state, word in DISAGREEMENT_STATES.items()],
        "counted": [_counted(*one) for one in queries.disagreements_counted(asked["state"])],
        "rates": [(field_word(rate.field), rate) for rate in queries.disagreement_rates() if rate.differing],
        "further": urlencode(asked | {"before": found[_A_PAGE - 1].number}) if len(found) > _A_PAGE else "",
        "why_not": _why_not(_actor(request)), "rules": queries.source_rules().number,
    }  # fmt: skip
    return render(request, "registers/disagreements.html", context)


@require_safe
def disagreement(request: HttpRequest, number: int) -> HttpResponse:
    """One of them, side by side."""
    return _one(request, number)


@require_POST
@only_once
def settle(request: HttpRequest, number: int) -> HttpResponse:
    """Write down which source is right, or that both may stand."""
    right = request.POST.get("right", "")
    try:
        if not right:
            raise Refused("registers.no_choice", "Nothing was chosen; say which source is right, or that both may "
                          "stand.")  # fmt: skip
        actions.settle_disagreement(number, right="" if right == "both" else right, at=clock.now(), by=_actor(request),
                                    reason=request.POST.get("reason", ""))  # fmt: skip
    except Refused as refusal:
        if refusal.code not in ("registers.reason", "registers.no_choice"):
            raise
        return _one(request, number, refusal=sentence_of(refusal), chosen=right, status=422,
                    reason=request.POST.get("reason", "")[:300])  # fmt: skip
    messages.success(request, _("Your decision is written down; it holds until one of the sources says something new."))
    return redirect("disagreement", number)


@never_cache
@require_POST
@only_once
def opened(request: HttpRequest, number: int) -> HttpResponse:
    """The same with what both sources say of a sealed field, opened for a stated reason; kept by no cache."""
    why = request.POST.get("why", "")
    try:
        told = actions.open_disagreement(number, reason=why, by=_actor(request), at=clock.now())
    except Refused as refusal:
        if refusal.code != "registers.reason":
            raise
        return _one(request, number, refusal=sentence_of(refusal), opening_reason=why[:300], status=422)
    return _one(request, number, told=told)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """What a department should look at again, as a file with the rows of its own files."""
    stream, source = io.StringIO(), request.GET.get("source", "")[:60]
    actions.write_disagreements(source, stream, by=_actor(request))
    answer = HttpResponse(stream.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="disagreements-{source}.csv"'
    return answer


@require_safe
def source_rules(request: HttpRequest) -> HttpResponse:
    """The rules on sources that hold, and those before them."""
    return render(request, "registers/source_rules.html", {
        "held": queries.source_rules(), "versions": queries.source_rules_versions(),
    })  # fmt: skip


def _one(
    request: HttpRequest, number: int, status: int = 200, told: tuple[str, str] | None = None, **more: Any
) -> HttpResponse:
    found = queries.disagreement(number)
    entry = _believed(found) if found.register in {*queries.register_names()} - {PEOPLE} else None
    held = entry.fields.get(found.field) if entry else None
    context = _row(found) | {
        "sides": [_side(found, place) | ({"is_sealed": False, "says": told[place]} if told else {})
                  for place in (0, 1)],
        "can_open": found.register == PEOPLE and not told and found.field not in _SHUT and found.state != "ended",
        "held": held, "why": _word(held.why) if held else "",
        "past": found.past, "why_not": _why_not(_actor(request)),
    } | more  # fmt: skip
    return render(request, "registers/disagreement.html", context, status=status)


def _believed(found: DisagreementFacts) -> Entry | None:
    joined, _pairs = queries.linked_with(found.register, found.key)
    return queries.believed(found.register, found.key, joined=joined)


def _side(found: DisagreementFacts, place: int) -> dict[str, Any]:
    record = found.records[place]
    value = queries.said_in(found.register, record, found.field)
    origin = queries.load_facts(record >> 32)
    return {"source": found.sources[place], "key": found.keys[place] if found.other_key else "",
            "load": origin.number, "file": origin.file, "row": record & 0xFFFFFFFF,
            "as_of": origin.as_of, "is_sealed": value is None,
            "says": "" if value is None else value_word(found.field, value)}  # fmt: skip


def _row(one: DisagreementFacts) -> dict[str, Any]:
    return {"one": one, "field": field_word(one.field), "entries": _entries(one), "pair": " / ".join(one.sources),
            "state": _(DISAGREEMENT_STATES[one.state])}  # fmt: skip


def _entries(one: DisagreementFacts) -> list[tuple[str, str]]:
    """The entry's key, both where two are joined, each with the address of its page."""
    return [(key, _entry(one.register, key)) for key in dict.fromkeys(one.keys)]


def _entry(register: str, key: str) -> str:
    """The address of the entry's page, where its register has one."""
    if register == PEOPLE:
        return reverse("person", args=[int(key)]) if key.isdecimal() else ""
    if register not in LISTED:
        return ""
    for name in (_ENTRY.get(register), register.removesuffix("s"), "register-entry"):
        for given in ([key], [register, key]):
            try:
                return reverse(name, args=given) if name else ""
            except NoReverseMatch:
                continue
    return ""


def _counted(register: str, name: str, one: str, other: str, count: int) -> dict[str, Any]:
    asked = urlencode({"register": register, "field": name, "source": one, "other": other})
    return {"register": register, "field": field_word(name), "pair": f"{one} / {other}", "count": count, "asked": asked}


def _word(why: str) -> str:
    return _(WHY[why])


def _why_not(by: Actor) -> str:
    try:
        policies.check_can_decide(by)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]
