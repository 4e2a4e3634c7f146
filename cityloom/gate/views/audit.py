"""The page of the auditor: who opened how much for what, who works here for a time, and how to check the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.timezone import localdate
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.audit import queries as log
from cityloom.gate import display, policies, queries
from cityloom.gate.forms import DaysForm
from cityloom.gate.queries import Flow
from cityloom.gate.views.page import INCOMPLETE, actor_of, purpose_titles, shown
from cityloom.gate.views.purposes import near_limits
from cityloom.kernel import clock

_USUAL = timedelta(days=6)
_ROWS = 500
_REACHED = ("opened", "listed", "searched", "asked")


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Flows between two days, contractors, open reviews, purposes near their limits, and the log's head."""
    by, at = actor_of(request), clock.now()
    policies.check_can_watch(by)
    today = localdate(at)
    usual = {"first": today - _USUAL, "last": today}
    form = DaysForm(request.GET if request.GET else usual)
    days = form.cleaned_data if form.is_valid() else usual
    rows = queries.flows(by, **days)
    titles, units = purpose_titles(), accounts.unit_names_of({row.unit for row in rows})
    context = {
        "form": form, "rows": [
            {"flow": row, "kind": display.word(row.kind), "unit": units.get(row.unit, row.unit),
             "title": titles.get(row.purpose, row.purpose)} for row in rows[:_ROWS]
        ],
        "left_out": max(0, len(rows) - _ROWS), "entries": sum(row.entries for row in rows),
        "people": sum(row.people for row in rows), "bars": _bars(rows, titles, units),
        "terms": [{"term": term, "state": term.state_at(at)} for term in accounts.contractor_terms()],
        "reviews": [{"row": row, "is_late": row.due_at < at} for row in queries.open_reviews()],
        "near": near_limits(queries.purposes(by)), "head": queries.log_head(), "vkey": log.log_key(),
    }  # fmt: skip
    return shown(request, "gate/audit.html", context, status=200 if form.is_valid() else INCOMPLETE)


def _bars(rows: Sequence[Flow], titles: Mapping[str, str], units: Mapping[str, str]) -> list[dict[str, Any]]:
    """How many people each unit reached for each purpose, the most first, with the longest bar's length."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in rows:
        if row.kind in _REACHED:
            sums[row.unit, row.purpose] += row.people
    longest = max(sums.values(), default=0)
    ordered = sorted(sums.items(), key=lambda one: -one[1])[:12]
    return [
        {"unit": unit, "unit_name": units.get(unit, unit), "purpose": purpose, "title": titles.get(purpose, purpose),
         "people": people, "longest": longest}
        for (unit, purpose), people in ordered if people
    ]  # fmt: skip
