"""The pages of an index: ranking, one unit, two units, structure, recipe; all stages as CSV, a report as PDF."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.insight import policies
from cityloom.insight.domain import stages
from cityloom.insight.domain.study.blocks import Block, MapOf
from cityloom.insight.domain.study.study import Cell
from cityloom.insight.indexing import compared, exporting, looking, profiled, ranked, recipe, report, sunburst
from cityloom.insight.indexing.looking import Look
from cityloom.insight.memos import making
from cityloom.insight.models import StoredStudy
from cityloom.insight.studies import index_differences
from cityloom.insight.studying.folders import Kept
from cityloom.insight.telling import areas, page, paper, words
from cityloom.insight.views.reviews import actor_of
from cityloom.insight.views.studies import worked
from cityloom.kernel.refused import Refused
from cityloom.ui import typeset

_MOST_LISTED = 100
_NO_FONT = "This computer has no font for {value}; take the report in another language, or install one."


@require_safe
def indexes(request: HttpRequest) -> HttpResponse:
    """All indices that were worked."""
    policies.check_can_read_studies(actor_of(request))
    rows = StoredStudy.objects.filter(kind="index", state=stages.DONE).order_by("-asked_at")[:_MOST_LISTED]
    return render(request, "insight/indexes.html", {"rows": [{"one": one, "name": words.known(one.name)}
                                                             for one in rows]})  # fmt: skip


@require_safe
def ranking(request: HttpRequest, study_id: str) -> HttpResponse:
    """The ranking with intervals, and a map where units have places."""
    row, kept, look = _looked(request, study_id)
    study, told = ranked.told(look)
    drawn = page.blocks(study, told, _address(row.id, look), areas.outlines(_areas(look, told)))
    return _page(request, "insight/index.html", row, kept, look, "index", {
        "told": {"answers": drawn[:1], "blocks": drawn[1:2] if look.sure else []},
        "pictures": {"answers": [], "blocks": drawn[2 if look.sure else 1 :]},
        "rows": ranked.rows(look, _address(row.id, look)), "how_sure": ranked.how_sure(look),
    })  # fmt: skip


@require_safe
def unit(request: HttpRequest, study_id: str) -> HttpResponse:
    """One unit (`?unit=`), held against its group (`?group=`) or all."""
    row, kept, look = _looked(request, study_id)
    place = index_differences.place_of(look.base, request.GET.get("unit", look.base.units[look.order[0]]))
    groups = profiled.groups(look, place)
    group = request.GET.get("group", "")
    group = group if group in [name for name, _title, _own in groups] else ""
    at = look.order.index(place)
    return _page(request, "insight/index_unit.html", row, kept, look, "index-unit", {
        "one": profiled.profile(look, place, group, _address(row.id, look)), "groups": groups, "group": group,
        "units": _units(look), "above": _unit(look, at - 1), "below": _unit(look, at + 1),
    })  # fmt: skip


@require_safe
def compare(request: HttpRequest, study_id: str) -> HttpResponse:
    """Two units (`?one=`, `?other=`), and why one is above the other; the first two of the ranking else."""
    row, kept, look = _looked(request, study_id)
    asked = [request.GET.get(name, look.base.units[look.order[at]]) for at, name in enumerate(("one", "other"))]
    one, other = (index_differences.place_of(look.base, name) for name in asked)
    context: dict[str, Any] = {"units": _units(look), "asked": asked, "is_same": one == other}
    if one != other:
        study, told = compared.told(look, one, other)
        drawn = page.blocks(study, told, _address(row.id, look))
        context |= {"told": {"answers": drawn[:1], "blocks": drawn[1:]},
                    "split": compared.rows(look, study, one, other, _address(row.id, look))}  # fmt: skip
    return _page(request, "insight/index_compare.html", row, kept, look, "index-compare", context)


@require_safe
def structure(request: HttpRequest, study_id: str) -> HttpResponse:
    """The structure as rings and as a nested list."""
    row, kept, look = _looked(request, study_id)
    label = _("Structure of {title}; the list beside it says the same").format(title=look.title)
    return _page(request, "insight/index_structure.html", row, kept, look, "index-structure", {
        "picture": mark_safe(sunburst.draw(look, label)), "top": sunburst.nested(look),  # noqa: S308 - drawn by us
    })


@require_safe
def recipe_of(request: HttpRequest, study_id: str) -> HttpResponse:
    """The recipe as prose, each step with its digest."""
    row, kept, look = _looked(request, study_id)
    framework = look.base.framework
    return _page(request, "insight/index_recipe.html", row, kept, look, "index-recipe", {
        "steps": recipe.told(look), "about": looking.title_of(framework.about) if framework.about else "",
        "source": framework.source, "framework": framework,
        "notes": page.notes_of(kept.study), "digest": kept.study.digest(),
    })  # fmt: skip


@require_safe
def as_csv(request: HttpRequest, study_id: str) -> StreamingHttpResponse:
    """All stages as one long table."""
    row, kept, _look = _looked(request, study_id)
    answer = StreamingHttpResponse(exporting.lines(kept.study), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="index-{row.id}.csv"'
    return answer


@require_safe
def as_pdf(request: HttpRequest, study_id: str) -> HttpResponse:
    """The report, in the reader's language or that of `?language=`."""
    row, kept, look = _looked(request, study_id)
    asked = request.GET.get("language", get_language() or "en").lower()
    sheet = report.sheet(look, "zh-hans" if asked.startswith("zh") else "en", making.synthetic(kept))
    if not typeset.can_set(sheet):
        raise Refused("insight.report_font", _NO_FONT, value=asked)
    answer = HttpResponse(paper.pdf(sheet), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="index-{row.id}.pdf"'
    return answer


def _looked(request: HttpRequest, study_id: str) -> tuple[StoredStudy, Kept, Look]:
    row, kept = worked(request, study_id)
    return row, kept, looking.look(kept.study)


def _page(request: HttpRequest, template: str, row: StoredStudy, kept: Kept, look: Look, here: str,
          context: dict[str, Any]) -> HttpResponse:  # fmt: skip
    tabs = [("index", _("Ranking")), ("index-unit", _("One unit")), ("index-compare", _("Two units")),
            ("index-structure", _("Structure")), ("index-recipe", _("Recipe"))]  # fmt: skip
    return render(request, template, {
        "study": row, "look": look, "title": look.title, "here": here, "synthetic": making.synthetic(kept),
        "tabs": [(reverse(name, args=[row.id]), label, name == here) for name, label in tabs],
        "here_title": dict(tabs)[here], **context,
    })  # fmt: skip


def _address(study_id: str, look: Look) -> Callable[[Cell], str]:
    """Where a cell of the study's own steps is looked at; what a page works itself has no address."""
    kept = {one.name for one in look.study.steps}

    def address(cell: Cell) -> str:
        if cell.step not in kept:
            return ""
        at = reverse("study-step", args=[study_id, cell.step])
        return f"{at}?{urlencode([*(('row', part) for part in cell.row), ('column', cell.column)])}#here"

    return address


def _areas(look: Look, told: Sequence[Block]) -> set[str]:
    named = [one for one in told if isinstance(one, MapOf) and one.area]
    return {str(code) for code in look.study.step("ranking").table[named[0].area].tolist()} if named else set()


def _units(look: Look) -> list[tuple[str, str]]:
    return sorted(((look.base.units[place], look.names[place]) for place in look.order), key=lambda one: one[1])


def _unit(look: Look, at: int) -> tuple[str, str] | None:
    return (look.base.units[look.order[at]], look.names[look.order[at]]) if 0 <= at < len(look.order) else None
