"""Open figures: what the capabilities count for everybody, with definitions, to read and to take away."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.domain.declared import KeyFigure
from cityloom.ui.strangers import same_for_strangers
from cityloom.ui.words import sentence_of
from cityloom.web.domain import openness
from cityloom.web.portal.views import kept

log = logging.getLogger(__name__)
_KEPT_S = 30
_MOST_POINTS = 1000
_NOBODY = Actor(account="")


@dataclass(frozen=True)
class OpenFigure:
    """A figure as anybody may have it; `value` None with `why_none`."""

    key: str
    label: str
    definition: str
    unit: str
    at: datetime
    value: float | None
    why_none: str
    note: str
    counts_people: bool
    series: Sequence[tuple[datetime, float | None]]

    @property
    def words(self) -> str:
        """The value as it is read."""
        return openness.in_words(self.value) if self.value is not None else "–"

    def as_json(self) -> dict[str, Any]:
        """The figure for machines; times in UTC."""
        return {
            "key": self.key, "label": self.label, "definition": self.definition, "unit": self.unit,
            "as_of": clock.to_text(self.at), "value": self.value, "why_none": self.why_none,
            "small_counts_withheld": self.counts_people,
            "series": [{"at": clock.to_text(at), "value": value} for at, value in self.series],
        }  # fmt: skip


@login_not_required
@require_safe
@same_for_strangers(30)
def figures(request: HttpRequest) -> HttpResponse:
    """Every open figure with what is counted and what is not."""
    return render(request, "web/portal/figures.html", {"figures": _all(), "small": openness.WITHHELD_UP_TO})


@login_not_required
@require_safe
def as_json(request: HttpRequest) -> HttpResponse:
    """All open figures with their series, for machines."""
    answer = JsonResponse({"figures": [one.as_json() for one in _all()]}, json_dumps_params={"ensure_ascii": False})
    return _open(answer, "cityloom-figures.json")


@login_not_required
@require_safe
def as_csv(request: HttpRequest) -> HttpResponse:
    """All open figures as a table."""
    names = ("key", "label", "value", "unit", "as_of", "why_none", "definition")
    rows = [[one.as_json()[name] for name in names] for one in _all()]
    return _open(_table(names, rows), "cityloom-figures.csv")


@login_not_required
@require_safe
def series_csv(request: HttpRequest, key: str) -> HttpResponse:
    """The series of one figure as a table."""
    found = next((one for one in _all() if one.key == key), None)
    if found is None:
        raise Http404
    rows = [[clock.to_text(at), "" if value is None else value] for at, value in found.series]
    return _open(_table(("at", "value"), rows), f"cityloom-{key}.csv")


def _all() -> list[OpenFigure]:
    return kept(f"figures:{get_language()}", _KEPT_S, _read_all)


def _read_all() -> list[OpenFigure]:
    return [_read(figure) for figure in registry.figures() if figure.is_public and not figure.roles]


def _read(figure: KeyFigure) -> OpenFigure:
    """What a figure says now; one that cannot be told does not hide the others."""
    at, people = clock.now(), figure.counts_people
    value, series, why_none, note = None, (), "", ""
    try:
        reading = registry.source_of(figure.source)(_NOBODY, at)
    except Refused as refusal:
        why_none = sentence_of(refusal)
    except Exception:
        log.exception("figure %s", figure.key)
        why_none = _("It cannot be read just now.")
    else:
        value = openness.opened(reading.value, counts_people=people)
        series = tuple((when, openness.opened(point, counts_people=people)) for when, point in reading.series)
        why_none, note = gettext(reading.why_none) if reading.why_none else "", reading.note
        if openness.is_withheld(reading.value, counts_people=people):
            why_none, note = _("Too few people: counts of 7 or fewer are not published."), ""
    return OpenFigure(
        figure.key, gettext(figure.label), gettext(figure.definition), gettext(figure.unit) if figure.unit else "", at,
        value, why_none, note, people, series[-_MOST_POINTS:],
    )  # fmt: skip


def _table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([[_harmless(value) for value in row] for row in rows])
    return HttpResponse(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")


def _harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else "" if value is None else value


def _open(answer: HttpResponse, name: str) -> HttpResponse:
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=30"
    return answer
