"""Decision tables and processes looked at before anything runs by them: a file is read and drawn, and not kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cityloom.cases import actions, queries
from cityloom.cases.domain.decisions.tables import Table
from cityloom.cases.domain.processes.process import Process
from cityloom.cases.policies import PUBLISHERS
from cityloom.cases.views import drawing
from cityloom.cases.views.asking import actor
from cityloom.cases.views.tables import listed
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_BPMN, _BEGINNING_OF_FILE = b"http://www.omg.org/spec/BPMN/", 5_000
_LARGEST = 2 * 1024 * 1024
_BEGINNING = """table: stall
title: A stall at the market
hit_policy: UNIQUE
inputs:
  - {name: area_m2, type: number, values: ">= 0", label: Area}
  - {name: kind, type: string, values: '"food", "goods", "art"'}
outputs:
  - {name: outcome, type: string}
rules:
  - when: {area_m2: "<= 6", kind: 'not("food")'}
    then: {outcome: '"granted"'}
    because: Small stalls without food need no inspection.
"""


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def rules(request: HttpRequest) -> HttpResponse:
    """Read a table or a process that somebody writes or uploads, and show it with what is to be said of it."""
    kept = {"stored": [listed(one) for one in queries.tables()], "may": bool(PUBLISHERS & actor(request).roles)}
    if request.method != "POST":
        return render(request, "cases/rules.html", {"text": _BEGINNING} | kept)
    data = _asked(request)
    text = data.decode("utf-8", "replace")
    try:
        if request.POST.get("do") == "publish":
            return _published(request, data)
        return render(request, "cases/rules.html", {"text": text} | kept | _shown(data))
    except Refused as refusal:
        said = {"text": text, "refusal": sentence_of(refusal)} | _sketched(data)
        return render(request, "cases/rules.html", kept | said, status=422)


def _published(request: HttpRequest, data: bytes) -> HttpResponse:
    """Put a table in force, for those who may."""
    name, number = actions.publish_table(data=data, by=actor(request), at=clock.now())
    messages.success(request, _("The table decides from now on."))
    return redirect("decision-table", name, number)


def _asked(request: HttpRequest) -> bytes:
    """What was uploaded, or else written."""
    file = request.FILES.get("file")
    return file.read(_LARGEST + 1) if file else request.POST.get("text", "").encode()  # type: ignore[union-attr]


def _shown(data: bytes) -> dict[str, Any]:
    if _BPMN in data[:_BEGINNING_OF_FILE]:
        return _process(queries.process_of(data))
    return _table(queries.decision_table_of(data))


def _sketched(data: bytes) -> dict[str, Any]:
    """A process that cannot be run is drawn all the same."""
    sketch = queries.process_sketch(data) if _BPMN in data[:_BEGINNING_OF_FILE] else None
    return {"sketch": drawing.picture(sketch)} if sketch else {}


def _table(table: Table) -> dict[str, Any]:
    return {
        "table": table, "findings": queries.table_findings(table),
        "rows": [zip((*table.inputs, *table.outputs), (*rule.when, *rule.then), strict=True) for rule in table.rules],
        "reasons": [rule.because for rule in table.rules],
    }  # fmt: skip


def _process(process: Process) -> dict[str, Any]:
    return {"process": process, "picture": drawing.picture(process), "tasks": drawing.tasks(process)}
