"""Rules tried on the past from a page: what was sent, how far it is, and how often they would have fired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.detection import queries
from cityloom.detection.actions import Past
from cityloom.detection.domain import trial
from cityloom.detection.models import Trial
from cityloom.detection.trust import replay, trials
from cityloom.detection.views.rule_words import titled
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.charts import Chart, Series
from cityloom.ui.words import sentence_of

PERIODS = (
    ("day", gettext_noop("the last day"), 1), ("week", gettext_noop("the last week"), 7),
    ("month", gettext_noop("the last 30 days"), 30),
)  # fmt: skip
STATES = {
    trial.WAITING: (gettext_noop("waiting for its turn"), "wait"), trial.RUNNING: (gettext_noop("at work"), "wait"),
    trial.DONE: (gettext_noop("done"), "good"), trial.REFUSED: (gettext_noop("not possible"), "bad"),
    trial.CANCELLED: (gettext_noop("cancelled"), ""),
}  # fmt: skip
"""The words of a trial's states, and their look."""
_AROUND = 2
_HOUR_S = 3_600


def text_of(request: HttpRequest) -> str:
    """The rules that were sent: a file goes before what stands in the field."""
    sent: UploadedFile | None = request.FILES.get("file")
    if sent:
        return sent.read(queries.LARGEST_PACK_BYTES + 1).decode("utf-8", "replace")
    return request.POST.get("text", "").replace("\r\n", "\n")


def past_of(request: HttpRequest) -> Past:
    """On what they are to be tried: a recording goes before a period."""
    sent: UploadedFile | None = request.FILES.get("recording")
    if sent:
        return Past(recording=sent.name or "recording.csv", content=sent.read())
    now = clock.now()
    days = next((days for key, _words, days in PERIODS if key == request.POST.get("period")), 30)
    return Past(now - timedelta(days=days), now)


def told(row: Trial) -> dict[str, Any]:
    """How far a trial is, and what came of it."""
    pack, found = queries.written(row.text), row.result
    rules = found.get("rules", {})
    return {
        "trial": row, "pack": pack, "state": state_word(row.state), "look": STATES[row.state][1],
        "is_open": row.state in trial.OPEN, "is_stopping": row.state == trial.RUNNING and bool(row.cancelled_at),
        "share": round(100 * row.done / row.of), "version": trials.version_of(row),
        "refusal": sentence_of(_refusal(row.refusal)) if row.refusal else "",
        "tried": [_rule(titled(rule.title), rules[rule.name]) for rule in replay.rules_of(pack) if rule.name in rules],
        "readings": found.get("readings", 0), "since": _at(found["since_s"]) if found else row.since,
        "until": _at(found["until_s"]) if found else row.until,
    }  # fmt: skip


def listed(digests: set[str] | None = None, most: int = 10) -> list[dict[str, Any]]:
    """The trials that were asked for last."""
    return [{"one": row, "state": state_word(row.state), "look": STATES[row.state][1]}
            for row in trials.latest(most, digests)]  # fmt: skip


def state_word(state: str) -> str:
    """How a trial does."""
    return _(STATES[state][0])


def near(text: str, refusal: Refused) -> list[tuple[int, str, bool]]:
    """The lines around the one that a refusal names, with their numbers; none where it names none."""
    if refusal.code not in ("detection.pack_unfit", "detection.pack_unreadable") or not isinstance(refusal.limit, int):
        return []
    lines = text.split("\n")
    first, last = max(refusal.limit - 1 - _AROUND, 0), min(refusal.limit + _AROUND, len(lines))
    return [(row + 1, lines[row][:200], row + 1 == refusal.limit) for row in range(first, last)]


def _refusal(said: dict[str, Any]) -> Refused:
    return Refused(said["code"], said["sentence"], value=said["value"], limit=said["limit"])


def _rule(title: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": title, "count": found["count"], "chart": _picture(title, found) if found["count"] else None,
        "times": [(_at(at_s), streams) for at_s, streams in found["times"]],
        "more": max(found["count"] - len(found["times"]), 0),
    }  # fmt: skip


def _picture(title: str, found: dict[str, Any]) -> Chart:
    """How often it would have fired on each day, or in each hour of a short time."""
    form = "%d %H:00" if found["size_s"] <= _HOUR_S else "%m-%d"
    labels = [localtime(_at(found["from_s"] + row * found["size_s"])).strftime(form)
              for row in range(len(found["bars"]))]  # fmt: skip
    series = Series(_("Times"), [float(count) for count in found["bars"]])
    return Chart(_("When “{title}” would have fired").format(title=title), labels, [series],
                 first_column=_("From"))  # fmt: skip


def _at(at_s: float) -> datetime:
    return datetime.fromtimestamp(at_s, UTC)
