"""Entries that may be one: a queue to look through, both side by side, a decision, and a join taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, policies, queries
from cityloom.registers.display import PAIR_STATES, field_word, held_words, value_word
from cityloom.registers.domain.facts import Fact
from cityloom.registers.domain.reviewing import REVIEW, PairFacts, Step, waterfall
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_A_PAGE = 50
_NARROW, _WIDE, _ROW = 150, 420, 28
Side = dict[str, Any]
Shown = Callable[[PairFacts, HttpRequest, str], tuple[Side, Side]]
"""Called with the pair, the request, and why its values are opened; empty where they are not."""


@require_safe
def pairs(request: HttpRequest) -> HttpResponse:
    """What waits for a decision, and what was joined last."""
    counted = queries.pairs_counted()
    return render(request, "registers/pairs.html", {
        "waiting": [_line(one) for one in queries.pairs_waiting(limit=_A_PAGE)],
        "joined": [_line(one) for one in queries.pairs_joined_lately()],
        "counted": [(_(word), counted[state]) for state, word in PAIR_STATES.items() if state in counted],
        "why_not": _why_not(_actor(request)),
    })  # fmt: skip


@require_safe
def pair(request: HttpRequest, number: int) -> HttpResponse:
    """Both entries side by side, and what speaks for and against their being one."""
    return _page(request, number)


@never_cache
@require_POST
@only_once
def opened(request: HttpRequest, number: int) -> HttpResponse:
    """The same with what is said of both people, opened for a stated reason; shown once and kept by no cache."""
    reason = request.POST.get("why", "")
    try:
        return _page(request, number, why=policies.check_reason(reason))
    except Refused as refusal:
        if refusal.code != "registers.reason":
            raise
        return _page(request, number, refusal=sentence_of(refusal), opening_reason=reason[:300], status=422)


@require_POST
@only_once
def judge(request: HttpRequest, number: int) -> HttpResponse:
    """Write down that both are one, or are not, and go on to the next."""
    answer = request.POST.get("answer", "")
    if answer not in ("same", "different"):
        raise Refused("linkage.no_answer", "Nothing was chosen; say whether both entries are one, or skip the pair.")
    following = queries.pair_after(number)
    actions.judge_pair(number, same=answer == "same", reason=request.POST.get("reason", ""), by=_actor(request),
                       at=clock.now())  # fmt: skip
    words = _("Both entries are one now.") if answer == "same" else _("Written down: they are two entries.")
    messages.success(request, words)
    return redirect("pair", following) if following else redirect("pairs")


@require_POST
@only_once
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """Take a join back, with a reason."""
    reason = request.POST.get("reason", "")
    try:
        actions.undo_join(number, reason=reason, by=_actor(request), at=clock.now())
    except Refused as refusal:
        if refusal.code != "registers.reason":
            raise
        return _page(request, number, refusal=sentence_of(refusal), reason=reason[:300], status=422)
    messages.success(request, _("The join is taken back: they are two entries again."))
    return redirect("pair", number)


def _page(request: HttpRequest, number: int, status: int = 200, why: str = "", **more: Any) -> HttpResponse:
    found = queries.pair(number)
    left, right = SHOWN.get(found.register, _from_records)(found, request, why)
    found = queries.pair(number) if why else found
    names = {name for side in (left, right) for name in side["values"]}
    rows = [(field_word(name), left["values"].get(name, ""), right["values"].get(name, "")) for name in _ordered(names)]
    context = _line(found) | {
        "left": left, "right": right, "rows": rows, "parts": _parts(found),
        "pictures": [_picture(found, _NARROW, "slim"), _picture(found, _WIDE, "broad")],
        "steps": [(_step_word(step), step) for step in found.steps],
        "can_open": found.register in SHOWN and found.state == REVIEW and not why,
        "next": queries.pair_after(number), "why_not": _why_not(_actor(request)),
    } | more  # fmt: skip
    return render(request, "registers/pair.html", context, status=status)


def _step_word(step: Step) -> str:
    """What a step is called; one with a reason that leaves the pair undecided is an opening."""
    return _("both people opened") if step.state == REVIEW and step.reason else _(PAIR_STATES[step.state])


def _from_records(found: PairFacts, _request: HttpRequest, _why: str) -> tuple[Side, Side]:
    """Both sides from records whose values lie in clear."""
    left, right = (_side(found, place) for place in (0, 1))
    return left, right


def _row_of(record: int) -> str:
    """Where a record of a person is from; one below zero came with the city."""
    load, row = record >> 32, record & 0xFFFF_FFFF
    return _("load {load}, row {row}").format(load=load, row=row) if record > 0 else _("came with the city")


def _from_people(found: PairFacts, request: HttpRequest, why: str) -> tuple[Side, Side]:
    """Both people, opened through the gate where the pair waits and somebody says why; else nothing of them."""
    told: tuple[dict[str, str], dict[str, str]] = {}, {}
    if found.state == REVIEW and why:
        told = actions.show_pair_of_people(found, reason=why, by=_actor(request), at=clock.now())
    left, right = ({"key": _row_of(found.records[at]), "source": found.sources[at],
                    "values": {name: value for name, value in told[at].items() if value}} for at in (0, 1))  # fmt: skip
    return left, right


SHOWN: dict[str, Shown] = {"people": _from_people}
"""How the values of a register's pairs come to the page, where they are sealed: whoever opens them is added here."""


def _side(found: PairFacts, place: int) -> Side:
    facts = queries.facts_of(found.register, found.keys[place], every=False)
    fact = next((one for one in facts if one.record == found.records[place]), facts[0] if facts else None)
    return {"key": found.keys[place], "source": found.sources[place], "fact": fact, "values": _told(fact)}


def _told(fact: Fact | None) -> dict[str, str]:
    return {} if fact is None else {name: value_word(name, value) for name, value in fact.values.items()}


def _ordered(names: set[str]) -> list[str]:
    first = ("name", "address", "division", "registered_on")
    return [*(name for name in first if name in names), *sorted(names - set(first))]


def _line(one: PairFacts) -> dict[str, Any]:
    return {"one": one, "state": _(PAIR_STATES[one.state]), "percent": round(100 * one.probability, 1),
            "sources": " / ".join(one.sources)}  # fmt: skip


def _parts(found: PairFacts) -> list[tuple[str, str, float]]:
    return [(_name(name), held_words(held), bits) for name, held, bits in found.parts]


def _name(name: str) -> str:
    return _("before anything is compared") if name == "start" else field_word(name)


def _picture(found: PairFacts, width: int, kind: str) -> dict[str, Any]:
    bars = waterfall(_parts(found), width)
    words_width = 120 if kind == "slim" else 260
    drawn = [{"bar": bar, "x": words_width + bar.left, "y": at * _ROW + 6, "text": at * _ROW + 20,
              "after": words_width + width + 6, "bits": f"{bar.bits:+.1f}",
              "words": bar.label if kind == "slim" else " · ".join(filter(None, (bar.label, bar.held)))}
             for at, bar in enumerate(bars)]  # fmt: skip
    return {"kind": kind, "bars": drawn, "width": words_width + width + 60, "height": len(bars) * _ROW + 8,
            "words": words_width - 8}  # fmt: skip


def _why_not(by: Actor) -> str:
    try:
        policies.check_can_judge_links(by)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _actor(request: HttpRequest) -> Actor:
    return accounts.as_actor(request.user)  # type: ignore[arg-type]
