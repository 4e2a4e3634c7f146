"""Rules tried on the past from a page: what was sent, and how often they would have fired."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.detection import queries
from cityloom.detection.domain.firing import Fired
from cityloom.detection.domain.pack import Pack
from cityloom.detection.views.rule_words import titled
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.charts import Chart, Series

MOST = 3_000_000
"""Readings that a page tries rules on; the command line takes more."""
PERIODS = (
    ("day", gettext_noop("the last day"), 1), ("week", gettext_noop("the last week"), 7),
    ("month", gettext_noop("the last 30 days"), 30),
)  # fmt: skip
_SHOWN = 50
_AROUND = 2
_MOST_BARS = 62


def text_of(request: HttpRequest) -> str:
    """The rules that were sent: a file goes before what stands in the field."""
    sent: UploadedFile | None = request.FILES.get("file")
    if sent:
        return sent.read(queries.LARGEST_PACK_BYTES + 1).decode("utf-8", "replace")
    return request.POST.get("text", "").replace("\r\n", "\n")


def outcome(request: HttpRequest, pack: Pack) -> dict[str, Any]:
    """What came of it: the rules are well, or also when they would have fired.

    Raises: Refused like `queries.fired_on_sent` and `queries.fired_in_city`.
    """
    if request.POST.get("do") != "try":
        return {"is_well": True}
    sent: UploadedFile | None = request.FILES.get("recording")
    if sent:
        tried = queries.fired_on_sent(pack, sent.name or "", sent.read())
    else:
        now = clock.now()
        days = next((days for key, _words, days in PERIODS if key == request.POST.get("period")), 30)
        tried = queries.fired_in_city(pack, now - timedelta(days=days), now, most=MOST)
    return {
        "tried": [_rule(rule.name, titled(rule.title), tried.fired[rule.name], tried) for rule in pack.rules],
        "readings": tried.readings, "since": _at(tried.since_s), "until": _at(tried.until_s),
    }  # fmt: skip


def near(text: str, refusal: Refused) -> list[tuple[int, str, bool]]:
    """The lines around the one that a refusal names, with their numbers; none where it names none."""
    if refusal.code not in ("detection.pack_unfit", "detection.pack_unreadable") or not isinstance(refusal.limit, int):
        return []
    lines = text.split("\n")
    first, last = max(refusal.limit - 1 - _AROUND, 0), min(refusal.limit + _AROUND, len(lines))
    return [(row + 1, lines[row][:200], row + 1 == refusal.limit) for row in range(first, last)]


def _rule(name: str, title: str, fired: list[Fired], tried: queries.Tried) -> dict[str, Any]:
    return {
        "name": name, "title": title, "count": len(fired), "chart": _picture(title, fired, tried),
        "times": [(_at(one.at_s), one.streams) for one in fired[:_SHOWN]], "more": max(len(fired) - _SHOWN, 0),
    }  # fmt: skip


def _picture(title: str, fired: list[Fired], tried: queries.Tried) -> Chart | None:
    """How often it would have fired on each day, or in each hour of a short time."""
    if not fired:
        return None
    is_short = tried.until_s - tried.since_s <= 2 * 86_400
    step, form = (3_600, "%d %H:00") if is_short else (86_400, "%m-%d")
    size = max(int((tried.until_s - tried.since_s) // (step * _MOST_BARS)) + 1, 1) * step
    count = int((tried.until_s - tried.since_s) // size) + 1
    by = Counter(min(int((one.at_s - tried.since_s) // size), count - 1) for one in fired)
    labels = [localtime(_at(tried.since_s + row * size)).strftime(form) for row in range(count)]
    series = Series(_("Times"), [float(by[row]) for row in range(count)])
    return Chart(_("When “{title}” would have fired").format(title=title), labels, [series],
                 first_column=_("From"))  # fmt: skip


def _at(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
