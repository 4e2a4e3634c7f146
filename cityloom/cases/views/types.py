"""Case types: all of them, and one as it is: diagram, steps, clocks, form, who sees it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_safe

from cityloom.cases import display, queries
from cityloom.cases.display import said, word
from cityloom.cases.domain.casetypes import picture
from cityloom.cases.domain.casetypes.casetype import CaseType

_KEPT = {
    "days": gettext_noop("{count} days"), "months": gettext_noop("{count} months"),
    "years": gettext_noop("{count} years"),
}  # fmt: skip


@require_safe
def casetypes(request: HttpRequest) -> HttpResponse:
    """All types that cases can be opened of."""
    found = [queries.newest_casetype(name) for name in queries.casetype_names()]
    rows = [{"one": one, "title": said(one.title), "about": said(one.about)} for one in found]
    return render(request, "cases/types.html", {"rows": rows})


@require_safe
def casetype(request: HttpRequest, name: str) -> HttpResponse:
    """A type in its newest version, or in `?version=`."""
    number = request.GET.get("version", "")
    known = queries.casetype(name, int(number)) if number.isdecimal() and len(number) < 6 else None
    found = known or queries.newest_casetype(name)
    return render(request, "cases/type.html", {
        "one": found, "title": said(found.title), "about": said(found.about),
        "versions": queries.versions_of_type(name), "picture": _drawn(found), "steps": _steps(found),
        "clocks": _clocks(found), "roles": _roles(found),
        "states": [{"title": said(each.title), "meaning": said(each.meaning), "one": each}
                   for each in found.states.values()],
        "fields": [{"title": said(each.title), "help": said(each.help), "one": each,
                    "choices": [said(choice.title) for choice in each.choices]} for each in found.form],
        "categories": [said(each.title) for each in found.categories.values()],
        "level": word(display.LEVELS, found.access.confidentiality), "seen_by": sorted(found.access.seen_by),
        "kept": _(_KEPT[found.keep[1]]).format(count=found.keep[0]),
    })  # fmt: skip


def _drawn(found: CaseType) -> dict[str, Any]:
    drawn = picture.picture_of(found)
    boxes = [{"one": box, "label": said(found.states[box.state].title), "x": box.x + picture.WIDTH // 2,
              "y": box.y + picture.HEIGHT // 2 + 5} for box in drawn.boxes]  # fmt: skip
    return {"whole": drawn, "boxes": boxes, "wide": picture.WIDTH, "high": picture.HEIGHT}


def _steps(found: CaseType) -> list[dict[str, Any]]:
    return [
        {
            "one": step, "title": said(step.title), "to": said(found.states[step.to].title),
            "sources": [said(found.states[source].title) for source in step.sources],
            "who": [said(found.roles[role].title) for role in found.roles if role in step.who],
            "results": [said(found.results[result].title) for result in step.results], "refusal": said(step.refusal),
        }
        for step in found.steps
    ]  # fmt: skip


def _clocks(found: CaseType) -> list[dict[str, Any]]:
    return [
        {
            "one": clock, "title": said(clock.title),
            "until": [said(found.states[state].title) for state in found.states if state in clock.until],
            "since": [said(found.states[state].title) for state in found.states if state in clock.since],
            "deemed": said(step.title) if (step := found.step(clock.deemed)) else "",
            "escalates": said(found.roles[clock.escalate_to].title) if clock.escalate_to else "",
        }
        for clock in found.clocks
    ]  # fmt: skip


def _roles(found: CaseType) -> list[dict[str, Any]]:
    return [{"title": said(role.title), "held_by": sorted(role.held_by)} for role in found.roles.values()]
