"""What was detected and nobody has judged yet, and sensors that do not do their work, as the risk brief has them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityloom.detection.display import category_word, kind_word, state_word
from cityloom.detection.domain.judging import CONFIRMED, FALSE
from cityloom.detection.domain.scorecard import wilson
from cityloom.detection.models import Detection, SensorState
from cityloom.detection.trust.judgements import with_verdict
from cityloom.registers import queries as registers
from cityloom.signals import queries as signals
from cityloom.ui.domain.declared import Risk

_DAYS, _WEEK, _YEAR = timedelta(days=3), timedelta(days=7), timedelta(days=365)
_MOST = 50
_ENOUGH = 8
"""Judged detections of a category, from which on its precision says how sure another one is."""
_SEVERE = {"ground-collapse": 4, "gas-leak": 4, "flooding": 3, "pipe-burst": 3, "traffic-incident": 2, "leak": 2}


def risks(unit: str, at: datetime) -> list[Risk]:
    """Detections of three days that nobody has judged, each once; how sure they are is told by those that were."""
    every = Detection.objects.filter(exercise_id="", part_of="", raised_at__lte=at)
    rows = with_verdict(every.filter(raised_at__gt=at - _DAYS)).filter(verdict="").order_by("-raised_at", "id")[:_MOST]
    lately, before = _raised(every, at - _WEEK, at), _raised(every, at - 2 * _WEEK, at - _WEEK)
    precision = _precisions(every, at)
    return [_risk(row, lately[row.category], before[row.category], precision) for row in rows]


def _risk(row: Detection, lately: int, before: int, precision: Callable[[str], tuple[int, int]]) -> Risk:
    confirmed, judged = precision(row.category)
    if judged >= _ENOUGH:
        chance, (low, high) = confirmed / judged, wilson(confirmed, judged)
        grounds = _("Of {judged} such detections that were judged in a year, {confirmed} were real.").format(
            judged=judged, confirmed=confirmed)  # fmt: skip
    elif row.rule:
        chance, low, high = None, None, None
        grounds = _("A rule fired; too few of its kind have been judged to say how sure it is.")
    else:
        chance, low, high = 1 / (1 + math.exp(-row.score)), None, None
        grounds = _("What its sources say together; too few of its kind have been judged to check that.")
    return Risk(
        _("{kind}, not judged yet").format(kind=category_word(row.category)), reverse("detection", args=[row.id]),
        "now", _SEVERE.get(row.category, 1), registers.unit_at(row.lon, row.lat), lately, before,
        _("such detections a week, in the whole city"), chance, low, high, grounds, row.raised_at,
    )  # fmt: skip


def _raised(every: QuerySet[Detection], since: datetime, until: datetime) -> Counter[str]:
    return Counter(every.filter(raised_at__gt=since, raised_at__lte=until).values_list("category", flat=True))


def _precisions(every: QuerySet[Detection], at: datetime) -> Callable[[str], tuple[int, int]]:
    @cache
    def of(category: str) -> tuple[int, int]:
        past = with_verdict(every.filter(category=category, raised_at__gt=at - _YEAR))
        found = Counter(past.filter(verdict__in=(CONFIRMED, FALSE)).values_list("verdict", flat=True))
        return found[CONFIRMED], found[CONFIRMED] + found[FALSE]

    return of


def silent(unit: str, at: datetime) -> list[Risk]:
    """Sensors that do not do their work, by kind and state: what happens beside them is noticed late, or not at all."""
    failed = SensorState.objects.filter(is_failed=True, since__lte=at)
    rows = list(failed.values_list("datastream_id", "state", "since"))
    streams = signals.datastreams(key for key, _state, _since in rows)
    kinds = dict(zip(streams.id.tolist(), streams.kind.tolist(), strict=True))
    by: dict[tuple[str, str], list[datetime]] = {}
    for key, state, since in rows:
        if key in kinds:
            by.setdefault((kinds[key], state), []).append(since)
    found = []
    for (kind, state), since in sorted(by.items()):
        lately = sum(at - _WEEK < one for one in since)
        before = sum(at - 2 * _WEEK < one <= at - _WEEK for one in since)
        found.append(Risk(
            ngettext("{kind}: {count} sensor {state}", "{kind}: {count} sensors {state}", len(since)).format(
                kind=kind_word(kind), count=len(since), state=state_word(state)),
            f"{reverse('sensor-list')}?kind={kind}&state={state}", "days", 2 if len(since) > 1 else 1, "", lately,
            before, _("that failed in a week and still do"), 1.0, grounds=_("Told by the sensors' own readings."),
            since=min(since), note=_("What happens beside them is noticed later, or not at all."),
        ))  # fmt: skip
    return found
