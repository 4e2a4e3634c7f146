"""The work list: what one may see of cases, due first, a page at a time."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from cityloom.cases import queries
from cityloom.cases.display import said
from cityloom.cases.domain import numbers
from cityloom.cases.listing.page import MOST_COUNTED, WHOSE
from cityloom.cases.queries import CaseRow, Wanted
from cityloom.cases.views.asking import actor, type_of_row, what
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

_CHOSEN = ("whose", "state", "type")


@require_safe
def cases(request: HttpRequest) -> HttpResponse:
    """Cases, narrowed by whose they are, whether they are over and their type; `?number=` leads to one."""
    by, refusal = actor(request), ""
    if number := request.GET.get("number", "").strip():
        try:
            return redirect("case", queries.case_numbered(by, number).id)
        except Refused as refused:
            refusal = sentence_of(refused)
    wanted = _wanted(request)
    page = queries.cases_for(by, wanted)
    names = queries.unit_names(page.rows)
    return render(request, "cases/cases.html", {
        "rows": [_row(row, names) for row in page.rows], "wanted": wanted, "refusal": refusal, "number": number[:24],
        "count": _count(page.count), "next": _next(request, page.cursor), "is_first": wanted.after is None,
        "types": sorted((name, said(queries.newest_casetype(name).title)) for name in queries.rights(by).types),
    })  # fmt: skip


def _wanted(request: HttpRequest) -> Wanted:
    whose, name = request.GET.get("whose", ""), request.GET.get("type", "")[:40]
    return Wanted(
        is_open=request.GET.get("state") != "over", whose=whose if whose in WHOSE else "all", casetype=name,
        after=queries.cursor_of(request.GET.get("after", "")),
    )  # fmt: skip


def _row(row: CaseRow, names: dict[str, str]) -> dict[str, Any]:
    casetype = type_of_row(row)
    return {
        "one": row, "number": numbers.spoken(row.number), "what": what(casetype, row.category),
        "type": said(casetype.title), "state": said(casetype.states[row.state].title),
        "look": "" if row.is_open else "good", "unit": names.get(row.unit, row.unit),
        "offered": names.get(row.offered_unit, ""), "is_late": row.is_open and row.due_at and row.due_at < clock.now(),
        "result": said(casetype.results[row.result].title) if row.result in casetype.results else "",
    }  # fmt: skip


def _count(count: int | None) -> str:
    if count is None:
        return ""
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def _next(request: HttpRequest, cursor: str) -> str:
    if not cursor:
        return ""
    chosen = {name: request.GET[name] for name in _CHOSEN if request.GET.get(name)}
    return "?" + urlencode(chosen | {"after": cursor})
