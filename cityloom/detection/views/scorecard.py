"""The scorecard: for each category and period how often a detection was right, how fast it came, and what is open."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.detection.browsing import listing
from cityloom.detection.browsing.listing import Asked
from cityloom.detection.display import category_word
from cityloom.detection.domain.scorecard import Line
from cityloom.detection.views.detections import choices
from cityloom.kernel import clock

_COLUMNS = (
    "category", "since", "until", "raised", "confirmed", "false", "duplicate", "not_judged", "precision",
    "precision_low_95", "precision_high_95", "median_seconds_first_sign_to_raised", "median_seconds_raised_to_judged",
    "false_alarms_a_week", "missed", "recall", "recall_low_95", "recall_high_95",
)  # fmt: skip


@require_safe
def scorecard(request: HttpRequest) -> HttpResponse:
    """The figures as a page."""
    asked, until = Asked.read(request.GET.dict(), "month"), clock.now()
    lines, since = listing.scorecard_of(asked, until)
    return render(request, "detection/scorecard.html", choices(asked) | {
        "rows": [_row(line) for line in lines], "since": since, "until": until,
        "open": sum(line.open for line in lines), "raised": sum(line.raised for line in lines),
    })  # fmt: skip


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The same figures as CSV, with their denominators."""
    asked, until = Asked.read(request.GET.dict(), "month"), clock.now()
    lines, since = listing.scorecard_of(asked, until)
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(_COLUMNS)
    writer.writerows(_cells(line, since, until) for line in lines)
    answer = HttpResponse(stream.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="scorecard.csv"'
    return answer


def _cells(line: Line, since: datetime, until: datetime) -> list[Any]:
    return [
        line.category, clock.to_text(since), clock.to_text(until), line.raised, line.confirmed, line.false,
        line.duplicates, line.open, _digits(line.precision), *(map(_digits, (line.low, line.high)) if line.judged
        else ("", "")), _digits(line.raised_after_s), _digits(line.judged_after_s), _digits(line.false_a_week),
        line.missed, _digits(line.recall), *(map(_digits, (line.recall_low, line.recall_high)) if line.real
        else ("", "")),
    ]  # fmt: skip


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _row(line: Line) -> dict[str, Any]:
    return {
        "line": line, "what": category_word(line.category), "precision": _percent(line.precision),
        "low": _percent(line.low), "high": _percent(line.high), "raised_after": _long(line.raised_after_s),
        "judged_after": _long(line.judged_after_s), "false_a_week": f"{line.false_a_week:.2g}",
        "recall": _percent(line.recall), "recall_low": _percent(line.recall_low),
        "recall_high": _percent(line.recall_high),
    }  # fmt: skip


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _long(seconds: float | None) -> str:
    """A delay in words."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return _("{count} s").format(count=round(seconds))
    if seconds < 7_200:
        return _("{count} min").format(count=round(seconds / 60))
    return _("{count} h").format(count=round(seconds / 3_600))
