"""Detections as a list that can be narrowed, and as the figures of the scorecard."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Min, QuerySet, TextField
from django.db.models.functions import Cast

from cityloom.detection.domain import scorecard
from cityloom.detection.domain.judging import VERDICTS
from cityloom.detection.domain.scorecard import Found, Line
from cityloom.detection.models import Detection, Miss
from cityloom.detection.trust.judgements import with_verdict
from cityloom.detection.trust.misses import counted

PERIODS = {name: timedelta(days=days) for name, days in (("day", 1), ("week", 7), ("month", 30), ("year", 365))}
_SOURCE = re.compile(r"(datastream|report|scene):[0-9A-Za-z]{1,26}")
OPEN = "open"
DRILLS = "drills"


@dataclass(frozen=True)
class Asked:
    """What a list is narrowed to; "" leaves nothing out, and `of` is "" for the city, `drills` for all its drills.

    `source` names one that speaks for them, as in `report:01M8`.
    """

    category: str = ""
    verdict: str = ""
    period: str = ""
    of: str = ""
    source: str = ""

    @classmethod
    def read(cls, words: dict[str, str], period: str = "") -> Asked:
        """From an address; what makes no sense asks nothing. Drills have times of their own: no period holds first."""
        verdict, of, source = words.get("verdict", ""), words.get("of", ""), words.get("source", "")
        asked = words.get("period", "" if of == DRILLS else period)
        return cls(
            words.get("category", "")[:40], verdict if verdict in (*VERDICTS, OPEN) else "",
            asked if asked in PERIODS else "", of if of == DRILLS else "",
            source if _SOURCE.fullmatch(source) else "",
        )  # fmt: skip


def detections(asked: Asked, at: datetime) -> QuerySet[Detection]:
    """Those that were asked for, newest first, each with its `verdict`."""
    rows = _of(asked.of)
    if asked.period:
        rows = rows.filter(raised_at__gt=at - PERIODS[asked.period], raised_at__lte=at)
    rows = with_verdict(rows.filter(category=asked.category) if asked.category else rows)
    if asked.source:
        rows = rows.annotate(text=Cast("evidence", TextField())).filter(text__contains=f'"{asked.source}"')
    if asked.verdict:
        rows = rows.filter(verdict="" if asked.verdict == OPEN else asked.verdict)
    return rows.order_by("-raised_at", "id")


def categories() -> list[str]:
    """The categories of which there is any detection, or any that was missed."""
    return sorted(set().union(*(rows.order_by().values_list("category", flat=True).distinct()
                                for rows in (Detection.objects, Miss.objects))))  # fmt: skip


def waiting(limit: int) -> list[Detection]:
    """What nobody has judged, the oldest first; drills left out."""
    rows = with_verdict(Detection.objects.filter(exercise_id="", part_of="")).filter(verdict="")
    return list(rows.order_by("raised_at", "id")[:limit])


def scorecard_of(asked: Asked, at: datetime) -> tuple[list[Line], datetime]:
    """A line for each category, and since when: the beginning of the period, or the first detection of all."""
    rows = detections(Asked(asked.category, "", asked.period, asked.of), at)
    columns = ("category", "verdict", "first_at", "raised_at", "judged_first")
    found = list(rows.annotate(judged_first=Min("judgements__at")).values_list(*columns))
    missed = list(misses(asked, at).values_list("category", "happened_at"))
    first = min([*(raised for _, _, _, raised, _ in found), *(happened for _, happened in missed)], default=at)
    since = at - PERIODS[asked.period] if asked.period else first
    told = [
        Found(category, verdict, (raised - began).total_seconds(), judged and (judged - raised).total_seconds())
        for category, verdict, began, raised, judged in found
    ]
    return scorecard.lines(told, (at - since).total_seconds(), Counter(category for category, _ in missed)), since


def misses(asked: Asked, at: datetime) -> QuerySet[Miss]:
    """What happened in the time that is asked of and was not detected, latest first."""
    rows = counted(asked.of == DRILLS).filter(happened_at__lte=at)
    if asked.period:
        rows = rows.filter(happened_at__gt=at - PERIODS[asked.period])
    return rows.filter(category=asked.category) if asked.category else rows


def _of(of: str) -> QuerySet[Detection]:
    """Each event once: what is part of another detection is told with that one."""
    rows = Detection.objects.filter(part_of="")
    return rows.exclude(exercise_id="") if of == DRILLS else rows.filter(exercise_id="")
