"""The page of the data protection officer: what rang, what waits for a word, and what was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.gate import actions, display, policies, queries
from cityloom.gate.domain import reasons
from cityloom.gate.forms import EraseForm, HoneyForm, ReviewForm, UnmaskForm
from cityloom.gate.models import Contest, GlassReview
from cityloom.gate.views.page import (
    INCOMPLETE,
    actor_of,
    carry_out,
    number_in,
    posted,
    purpose_titles,
    shown,
    unit_name,
    why_not,
)  # fmt: skip
from cityloom.gate.views.statuses import batches
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.confirmation import Question, asked

_ALARMS = 50


@require_safe
def oversight(request: HttpRequest) -> HttpResponse:
    """Everything that waits for the data protection officer."""
    return _page(request)


@posted("oversight")
def see(request: HttpRequest) -> HttpResponse:
    """Say that an alarm was seen."""
    by, number = actor_of(request), request.POST.get("number", "")
    return carry_out(
        request, lambda: actions.see_alarm(by=by, at=clock.now(), number=number_in(number)),
        _("The alarm is marked as seen."), to="oversight", page=_page,
    )  # fmt: skip


@posted("oversight")
def review(request: HttpRequest) -> HttpResponse:
    """Say whether breaking the glass was right."""
    form = ReviewForm(request.POST, outcomes=reasons.GLASS_OUTCOMES)
    if not form.is_valid():
        return _page(request, status=INCOMPLETE, incomplete=True)
    by, sent = actor_of(request), form.cleaned_data
    return carry_out(
        request,
        lambda: actions.review_glass(by=by, at=clock.now(), grant_id=sent["about"], outcome=sent["outcome"]),
        _("Reviewed; the clock has stopped."), to="oversight", page=_page,
    )  # fmt: skip


@posted("oversight")
def answer(request: HttpRequest) -> HttpResponse:
    """Answer a resident's objection."""
    form = ReviewForm(request.POST, outcomes=reasons.CONTEST_OUTCOMES)
    if not form.is_valid():
        return _page(request, status=INCOMPLETE, incomplete=True)
    by, sent = actor_of(request), form.cleaned_data
    return carry_out(
        request,
        lambda: actions.answer_contest(by=by, at=clock.now(), contest_id=sent["about"], outcome=sent["outcome"]),
        _("Answered; the resident can read it."), to="oversight", page=_page,
    )  # fmt: skip


@posted("oversight")
def reset(request: HttpRequest) -> HttpResponse:
    """Let a system that was stopped open people again."""
    step_up = accounts.require_step_up(request)
    by, sent = actor_of(request), request.POST
    return carry_out(
        request,
        lambda: actions.reset_breaker(
            by=by, at=clock.now(), step_up_at=step_up.at, purpose=sent.get("purpose", "")[:64],
            service=sent.get("service", "")[:64],
        ),
        _("This system can open people again; what was used up today stays used up."), to="oversight", page=_page,
    )  # fmt: skip


@posted("oversight")
def honey(request: HttpRequest) -> HttpResponse:
    """Make people honey residents."""
    form = HoneyForm(request.POST)
    if not form.is_valid():
        return _page(request, honey_form=form, status=INCOMPLETE)
    step_up = accounts.require_step_up(request)
    by, sent = actor_of(request), form.cleaned_data
    subjects = sorted({*sent["people"], *queries.residents_in(sent["dwellings"])})
    said = ngettext(
        "{count} person rings an alarm when opened.", "{count} people ring an alarm when opened.", len(subjects)
    )
    return carry_out(
        request, lambda: actions.set_honey(by=by, at=clock.now(), step_up_at=step_up.at, subjects=subjects),
        said.format(count=len(subjects)), to="oversight", page=_page,
    )  # fmt: skip


@posted("oversight")
def erase(request: HttpRequest) -> HttpResponse:
    """Erase a person: what the register held of them opens nowhere any more, in no backup either."""
    form = EraseForm(request.POST)
    if not form.is_valid():
        return _page(request, erase_form=form, status=INCOMPLETE)
    accounts.require_step_up(request)
    by, (subject,) = actor_of(request), form.cleaned_data["person"]
    policies.check_can_review(by)
    page = asked(request, _before_erasing(subject))
    return page or carry_out(
        request, lambda: actions.erase(by=by, at=clock.now(), subject=subject),
        _("Erased. What was held of this person opens nowhere any more; the log stays."), to="oversight", page=_page,
    )  # fmt: skip


def _before_erasing(subject: int) -> Question:
    return Question(
        _("Erase person {number}?").format(number=subject),
        [_("The person's key is destroyed: name, numbers and needs open nowhere any more, in no backup either."),
         _("Grants that name this person open nothing of them any more."),
         _("The entries of the log stay, and lead to nobody.")],
        _("Erase; there is no way back"), reverse("oversight"),
    )  # fmt: skip


@posted("oversight")
def unmask(request: HttpRequest) -> HttpResponse:
    """Find the account behind a pseudonym of the log; that is logged too."""
    form = UnmaskForm(request.POST)
    if not form.is_valid():
        return _page(request, unmask_form=form, status=INCOMPLETE)
    step_up = accounts.require_step_up(request)
    known = accounts.accounts(demo=True)
    try:
        behind = actions.unmask(
            by=actor_of(request), at=clock.now(), step_up_at=step_up.at, reason=form.cleaned_data["reason"],
            candidates=[one.id for one in known],
        )  # fmt: skip
    except Refused as refusal:
        return _page(request, refusal=refusal)
    account = behind.get(form.cleaned_data["pseudonym"].strip())
    return _page(request, unmasked=next((one for one in known if one.id == account), None), was_unmasked=True)


def _page(request: HttpRequest, refusal: Refused | None = None, *, status: int = 200, **more: Any) -> HttpResponse:
    by, at = actor_of(request), clock.now()
    policies.check_can_review(by)
    names = {one.id: one.username for one in accounts.accounts(demo=True)}
    contests = queries.open_contests()
    entries = queries.entries(by, [row.leaf_index for row in contests])
    unseen = queries.alarms(by, unseen=True)
    seen = [one for one in queries.alarms(by, limit=_ALARMS) if one.seen_at is not None]
    titles = purpose_titles()
    context = {
        "alarms": [_alarm(row, titles) for row in (*unseen, *seen)], "unseen": len(unseen),
        "reviews": [_review(row, by, at, names.get(row.account_id, "")) for row in queries.open_reviews()],
        "contests": [_contest(row, entries.get(row.leaf_index, {})) for row in contests],
        "breakers": queries.breakers(by), "honey_form": HoneyForm(), "unmask_form": UnmaskForm(),
        "erase_form": EraseForm(),
        "batches": batches(queries.statuses_waiting()), "at": at,
        "incomplete": False,
    }  # fmt: skip
    return shown(request, "gate/oversight.html", context | more, refusal, status)


def _alarm(row: Any, titles: Mapping[str, str]) -> dict[str, Any]:
    return {"row": row, "kind": display.word(row.kind), "unit": unit_name(row.unit),
            "purpose": titles.get(row.purpose, row.purpose)}  # fmt: skip


def _review(row: GlassReview, by: Actor, at: datetime, who: str) -> dict[str, Any]:
    return {
        "row": row, "who": who, "reason": display.word(row.reason),
        "form": ReviewForm(outcomes=reasons.GLASS_OUTCOMES, initial={"about": row.id}, auto_id=f"{row.id}-%s"),
        "why_not": why_not(lambda: policies.check_is_another(by, row.account_id)),
    }  # fmt: skip


def _contest(row: Contest, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "row": row, "reason": display.word(row.reason), "facts": facts, "kind": display.word(facts.get("kind", "")),
        "opened_at": clock.from_text(facts["at"]) if "at" in facts else None,
        "fields": display.fields(facts.get("fields", ())),
        "form": ReviewForm(outcomes=reasons.CONTEST_OUTCOMES, initial={"about": row.id}, auto_id=f"{row.id}-%s"),
    }  # fmt: skip
