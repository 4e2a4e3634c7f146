"""Decision tables of this city for everybody to read: each version drawn, tried, and by those who may taken back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cityloom.cases import actions, queries
from cityloom.cases.display import said
from cityloom.cases.domain.approvals import verdict, wording
from cityloom.cases.domain.casetypes.casetype import CaseType, Field
from cityloom.cases.domain.decisions.tables import Table
from cityloom.cases.policies import PUBLISHERS
from cityloom.cases.queries import TableFacts
from cityloom.cases.views.asked import titled
from cityloom.cases.views.asking import actor
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

STANDINGS = {
    "in force": (gettext_noop("decides now"), "good"),
    "shipped": (gettext_noop("decides now; comes with Cityloom"), "good"),
    "earlier": (gettext_noop("an earlier version"), ""), "withdrawn": (gettext_noop("withdrawn"), "bad"),
}  # fmt: skip
_TRUTHS = {"true": True, "false": False}


@login_not_required
@require_safe
def table(request: HttpRequest, name: str, number: int = 0) -> HttpResponse:
    """A version in words and as it is written; with `?try=1` what it says of some facts."""
    try:
        one = queries.table_version(name, number)
        casetype = queries.newest_casetype(one.casetype)
    except Refused as refusal:
        raise Http404 from refusal
    fields = {each.name: each for each in casetype.fields_for(one.category)}
    may = request.user.is_authenticated and bool(PUBLISHERS & actor(request).roles)
    context = {
        "one": one, "table": one.table, "columns": [_label(each.name, each.label, fields) for each in one.table.inputs],
        "rows": _rows(one.table, fields, casetype), "gaps": _gaps(one.table, fields), "may": may,
        "category": said(casetype.categories[one.category].title), "standing": listed(one),
        "versions": [listed(each) for each in queries.tables() if each.name == one.name],
        "dmn": queries.table_as(one.table, "xml"),
    }  # fmt: skip
    return render(request, "cases/decision_table.html", context | _tried(request, one, casetype, fields))


@require_POST
@only_once
def withdraw(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """Take a version out of force, with a reason that everybody reads."""
    why = request.POST.get("why", "")
    try:
        actions.withdraw_table(name=name, number=number, why=why, by=actor(request), at=clock.now())
    except Refused as refusal:
        messages.error(request, sentence_of(refusal))
    else:
        messages.success(request, _("The version is withdrawn; what it decided stays readable."))
    return redirect("decision-table", name, number)


def listed(one: TableFacts) -> dict[str, Any]:
    """A version as a row of a list."""
    words, look = STANDINGS[one.standing]
    return {"one": one, "word": _(words), "look": look, "since": one.withdrawn_at or one.published_at}


def _label(name: str, label: str, fields: dict[str, Field]) -> str:
    each = fields.get(name)
    return titled(each) if each else label or name


def _rows(found: Table, fields: dict[str, Field], casetype: CaseType) -> list[dict[str, Any]]:
    language = "zh-hans" if get_language() == "zh-hans" else "en"
    conditions = {each.name: said(each.title) for each in casetype.conditions}
    outputs = [column.name for column in found.outputs]
    rows = []
    for rule in found.rules:
        then = dict(zip(outputs, rule.outcome, strict=True))
        result = casetype.results.get(str(then.get("outcome")))
        cells = [(_label(column.name, column.label, fields),
                  "–" if cell in ("", "-") else wording.cell(cell, fields.get(column.name), language))
                 for column, cell in zip(found.inputs, rule.when, strict=True)]  # fmt: skip
        named = [name.strip() for name in str(then.get("conditions", "")).split(",") if name.strip()]
        rows.append({"cells": cells, "result": said(result.title) if result else "", "months": then.get("valid_months"),
                     "conditions": [conditions.get(name, name) for name in named],
                     "because": wording.because(rule.because)[language]})  # fmt: skip
    return rows


def _gaps(found: Table, fields: dict[str, Field]) -> list[str]:
    """What no row is for, in words."""
    language = "zh-hans" if get_language() == "zh-hans" else "en"
    labels = {column.name: column.label for column in found.inputs}
    return ["; ".join(f"{_label(name, labels[name], fields)}: {wording.cell(cell, fields.get(name), language)}"
                      for name, cell in gap.cells) for gap in queries.table_findings(found).gaps]  # fmt: skip


def _tried(request: HttpRequest, one: TableFacts, casetype: CaseType, fields: dict[str, Field]) -> dict[str, Any]:
    """The form to try facts, filled in as it was sent; made-up ones, so they may stand in the address."""
    sent = request.GET
    inputs = [_input(column.name, fields.get(column.name), sent.get(f"in-{column.name}", "")[:200])
              for column in one.table.inputs]  # fmt: skip
    if not sent.get("try"):
        return {"inputs": inputs}
    given = {each["name"]: _TRUTHS.get(each["value"], each["value"]) for each in inputs if each["value"]}
    try:
        found = verdict.reached(one.table, casetype, one.category, given)
    except Refused as refusal:
        return {"inputs": inputs, "fault": sentence_of(refusal)}
    language = "zh-hans" if get_language() == "zh-hans" else "en"
    result = casetype.results.get(found.result)
    return {"inputs": inputs, "tried": {
        "result": said(result.title) if result else "", "rows": ", ".join(map(str, found.rows)),
        "reasons": [each[language] for each in found.reasons],
        "ways": [[change[language] for change in way] for way in found.ways],
    }}  # fmt: skip


def _input(name: str, each: Field | None, value: str) -> dict[str, Any]:
    choices = [(one.value, said(one.title)) for one in each.choices] if each else []
    if each and each.kind == "boolean":
        choices = [("true", _("yes")), ("false", _("no"))]
    label = f"{said(each.title)} ({each.unit})" if each and each.unit else said(each.title) if each else name
    return {"name": name, "label": label, "choices": choices, "value": value}
