"""Studies: the list, and one with its answer, what it shows, its steps, and the ways to take it away."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.insight import policies
from cityloom.insight.display import STATES, state_word
from cityloom.insight.domain import published, stages
from cityloom.insight.domain.study.study import Cell
from cityloom.insight.memos import making, writing
from cityloom.insight.models import StoredStudy
from cityloom.insight.reviewing import waiting
from cityloom.insight.studies import kinds
from cityloom.insight.studying import briefed, keeping
from cityloom.insight.studying.folders import Kept
from cityloom.insight.telling import areas, page, step_rows, words
from cityloom.insight.views.reviews import actor_of
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

A_PAGE = 100
_NOT_DONE = "This study has not come to its end; look at how far it is."
_NO_QUESTION = "Say in one sentence what the memo answers; it stands above it."
_LONGEST_QUESTION = 300


def why_no_study(by: Actor) -> str:
    """Why somebody may not ask for a study; "" where they may."""
    try:
        policies.check_can_study(by)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def worked(request: HttpRequest, study_id: str) -> tuple[StoredStudy, Kept]:
    """A study that has come to its end.

    Raises: Refused `insight.reader`, `insight.no_study`, `insight.study_open`.
    """
    policies.check_can_read_studies(actor_of(request))
    row = keeping.found(study_id)
    if row.state != stages.DONE:
        raise Refused("insight.study_open", _NOT_DONE)
    return row, keeping.kept(study_id)


@require_safe
def studies(request: HttpRequest) -> HttpResponse:
    """All studies, and the kinds of which one may ask for a new one."""
    by = actor_of(request)
    policies.check_can_read_studies(by)
    known = {name: kinds.kind(name) for name in sorted(kinds.MODULES)}
    rows = [{"one": row, "state": state_word(row.state), "look": STATES[row.state][1], "name": words.known(row.name),
             "kind": words.known(known[row.kind].title) if row.kind in known else row.kind}
            for row in keeping.latest()]  # fmt: skip
    offered = [(one.name, words.known(one.title), words.known(one.about)) for one in known.values()]
    return render(request, "insight/studies.html", {"rows": rows, "why_not": why_no_study(by), "kinds": offered})


@require_safe
def study(request: HttpRequest, study_id: str) -> HttpResponse:
    """One study; `?fragment=state` is how far it is."""
    by = actor_of(request)
    policies.check_can_read_studies(by)
    row = keeping.found(study_id)
    context = state_of(row) | {"why_not": why_no_study(by)}
    if request.GET.get("fragment"):
        return render(request, "insight/_study_state.html", context)
    if row.state == stages.DONE:
        context |= _told(row, keeping.kept(study_id)) | {
            "foresees": briefed.foresees(study_id), "in_brief": briefed.is_in(study_id),
            "may_brief": bool(by.roles & policies.LEADERS),
        }  # fmt: skip
    return render(request, "insight/study.html", context)


@require_safe
def step(request: HttpRequest, study_id: str, name: str) -> HttpResponse:
    """The rows of a step; `?row=…&row=…&column=…` leads to a cell, `?sort=-column` sorts, `?form=csv` is all of it."""
    row, kept = worked(request, study_id)
    found = kept.study.step(name)
    if request.GET.get("form") == "csv":
        at = [one.name for one in kept.study.steps].index(name) + 1
        return _file(keeping.folder_of(study_id) / f"steps/{at:02d}-{name}.csv", f"{name}.csv", "text/csv")
    sort = request.GET.get("sort", "")
    places = step_rows.sorted_places(found.table, sort)
    sought = step_rows.sought(found.table, request.GET.getlist("row"))
    listed = Paginator(places, A_PAGE)
    here = places.index(sought) // A_PAGE + 1 if sought is not None else 1
    shown = listed.get_page(request.GET.get("page", here))
    return render(request, "insight/study_step.html", {
        "study": row, "name": name, "page": shown, "title": words.known(row.name), "given": step_rows.given(found),
        "table": step_rows.shown(found.table, list(shown), sought, request.GET.get("column", ""), sort),
        "seed": found.seed, "digest": found.table.digest(),
    })  # fmt: skip


@require_safe
def as_zip(request: HttpRequest, study_id: str) -> HttpResponse:
    """The study's folder, to take away and to check elsewhere."""
    row, _kept = worked(request, study_id)
    with tempfile.TemporaryDirectory() as within:
        path = Path(within) / "study.zip"
        writing.packed(keeping.folder_of(study_id), path)
        return _file(path, f"study-{row.id}.zip", "application/zip")


@require_safe
def memo(request: HttpRequest, study_id: str) -> HttpResponse:
    """The memo of a study as a ZIP, for the question that it answers."""
    row, kept = worked(request, study_id)
    question = " ".join(request.GET.get("question", "").split())[:_LONGEST_QUESTION]
    if not question:
        raise Refused("insight.memo_question", _NO_QUESTION)
    with tempfile.TemporaryDirectory() as within:
        path = Path(within) / "memo.zip"
        first = "zh-hans" if request.GET.get("language") == "zh-hans" else "en"
        making.make(keeping.folder_of(study_id), question, path, first, areas.outlines(page.areas_of(kept.study)))
        return _file(path, f"memo-{row.id}.zip", "application/zip")


def state_of(row: StoredStudy) -> dict[str, Any]:
    """How far a study is."""
    refusal = waiting.refusal_of(row)
    return {
        "study": row, "title": words.known(row.name), "state": state_word(row.state), "look": STATES[row.state][1],
        "is_open": row.state in stages.OPEN, "is_done": row.state == stages.DONE, "share": row.done,
        "is_stopping": row.state == stages.RUNNING and bool(row.cancelled_at),
        "refusal_words": sentence_of(refusal) if refusal else "",
    }  # fmt: skip


def _told(row: StoredStudy, kept: Kept) -> dict[str, Any]:
    def address(cell: Cell) -> str:
        at = reverse("study-step", args=[row.id, cell.step])
        return f"{at}?{urlencode([*(('row', part) for part in cell.row), ('column', cell.column)])}#here"

    told = page.shown(kept.study, address, areas.outlines(page.areas_of(kept.study)))
    return {
        "told": told, "steps": [
            {"name": one.name, "rows": one.table.rows, "seed": one.seed} for one in kept.study.steps],
        "sources": making.sources(kept), "synthetic": making.synthetic(kept),
        "asked": step_rows.pairs(kept.study.question), "longest": _LONGEST_QUESTION,
        "can_publish": any(set(published.COLUMNS) <= set(one.table.columns) for one in kept.study.steps),
        "memo_question": _("What does “{title}” say?").format(title=words.known(row.name)),
    }  # fmt: skip


def _file(path: Path, name: str, kind: str) -> FileResponse:
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type=kind)
