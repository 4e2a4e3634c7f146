"""The page of statuses that burden people: proposed by one person, set by another, always with an end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.gate import actions, display, policies, queries
from cityloom.gate.forms import StatusForm
from cityloom.gate.models import AdverseStatus
from cityloom.gate.views.page import INCOMPLETE, actor_of, carry_out, posted, shown, why_not
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


@require_safe
def statuses(request: HttpRequest) -> HttpResponse:
    """What is proposed, what burdens people now, and a form to propose."""
    return _page(request)


@posted("statuses")
def propose(request: HttpRequest) -> HttpResponse:
    """Propose a status for people, each with evidence of its own."""
    form = StatusForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=INCOMPLETE)
    by, sent = actor_of(request), form.cleaned_data
    return carry_out(
        request, lambda: actions.propose_status(by=by, at=clock.now(), **sent),
        _("Proposed: it burdens nobody until another person has approved it."), to="statuses",
        page=lambda request, refusal: _page(request, refusal, form=form),
    )  # fmt: skip


@posted("statuses")
def approve(request: HttpRequest) -> HttpResponse:
    """Set a status as another person."""
    step_up = accounts.require_step_up(request)
    by, batch = actor_of(request), request.POST.get("batch", "")[:26]
    return carry_out(
        request, lambda: actions.approve_status(by=by, at=clock.now(), step_up_at=step_up.at, batch=batch),
        _("Set: those concerned see it in their entries, with the way to appeal."), to="statuses", page=_page,
    )  # fmt: skip


@posted("statuses")
def end(request: HttpRequest) -> HttpResponse:
    """End a status, or withdraw one that was only proposed."""
    by, batch = actor_of(request), request.POST.get("batch", "")[:26]
    return carry_out(
        request, lambda: actions.end_status(by=by, at=clock.now(), batch=batch), _("It has ended."), to="statuses",
        page=_page,
    )  # fmt: skip


def batches(rows: Sequence[AdverseStatus]) -> list[dict[str, Any]]:
    """Statuses as they were decided together, in the order of the rows."""
    ordered = sorted(rows, key=attrgetter("proposed_at", "batch"))
    return [_batch(list(group)) for _key, group in groupby(ordered, key=attrgetter("batch"))]


def _batch(rows: Sequence[AdverseStatus]) -> dict[str, Any]:
    lacking = sum(not row.evidence for row in rows)
    sentence = ngettext(
        "{count} person without evidence of their own", "{count} people without evidence of their own", lacking
    )
    return {
        "row": rows[0], "kind": display.word(rows[0].kind), "people": len(rows), "rows": rows,
        "lacking": sentence.format(count=lacking) if lacking else "",
    }  # fmt: skip


def _page(
    request: HttpRequest, refusal: Refused | None = None, *, form: StatusForm | None = None, status: int = 200
) -> HttpResponse:
    by, rules = actor_of(request), queries.live_purposes()[queries.STATUS]
    policies.check_has_role(by, {*rules["roles"], *rules["approvers"], *policies.REVIEWERS})
    context = {
        "form": form or StatusForm(), "rules": rules,
        "waiting": [_with_reasons(one, by, rules) for one in batches(queries.statuses_waiting())],
        "in_force": [_with_reasons(one, by, rules) for one in batches(queries.statuses_set(clock.now()))],
        "may_not_propose": why_not(lambda: policies.check_has_role(by, rules["roles"])),
    }  # fmt: skip
    return shown(request, "gate/statuses.html", context, refusal, status)


def _with_reasons(batch: dict[str, Any], by: Actor, rules: dict[str, Any]) -> dict[str, Any]:
    """A batch with why this person may not set it, and why they may not end it."""
    proposed_by = batch["row"].proposed_by
    return batch | {
        "may_not_set": why_not(
            lambda: policies.check_has_role(by, rules["approvers"]),
            lambda: policies.check_is_another(by, proposed_by),
        ),
        "may_not_end": why_not(
            lambda: policies.check_has_role(by, {*rules["approvers"], *policies.REVIEWERS})
        ),
    }
