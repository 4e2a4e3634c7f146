"""What studies in the risk brief foresee to run short."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cityloom.insight.models import BriefedStudy
from cityloom.ui.domain.declared import Horizon, Risk

_LIKELY, _MUCH, _SOON_MONTHS = 0.8, 0.05, 1
_SURE = 0.99  # futures that are simulated are not all that may come
_LACKS = {
    "places": _("{what}: {missing} places short in {when}"), "beds": _("{what}: {missing} beds short in {when}"),
    "attendances": _("{what}: {missing} attendances too many in {when}"),
    "appointments": _("{what}: {missing} appointments short in {when}"),
}  # fmt: skip


def studies(unit: str, at: datetime) -> list[Risk]:
    """What runs short by the studies that somebody put into the brief; the trend is against the study before."""
    found = []
    for row in BriefedStudy.objects.filter(until=None, since__lte=at).select_related("study").order_by("-since")[:20]:
        before = _before(row)
        found += [_risk(row, one, before) for one in row.foreseen if not _is_past(one["when"], at)]
    return found


def _risk(row: BriefedStudy, one: Mapping[str, Any], before: Mapping[tuple[str, str], float]) -> Risk:
    is_grave = one["chance"] >= _LIKELY and one["missing"] >= _MUCH * max(one["there"], 1)
    words = gettext(_LACKS[one["kind"]])
    note = gettext("Made-up data: an example.") if row.study.is_example else ""
    return Risk(
        words.format(what=one["what"] or gettext(row.study.name), missing=round(one["missing"]), when=one["when"]),
        reverse("study", args=[row.study_id]), _horizon(one["when"], row.since), 3 if is_grave else 2, one["unit"],
        one["missing"], before.get((one["what"], one["when"])), gettext("missing, by this study and the one before it"),
        min(one["chance"], _SURE), grounds=gettext("The share of the study's simulated futures in which it is short."),
        since=row.since, note=note,
    )  # fmt: skip


def _before(row: BriefedStudy) -> dict[tuple[str, str], float]:
    """What the study that stood there before this one said of the same."""
    same = BriefedStudy.objects.filter(study__kind=row.study.kind, study__name=row.study.name, since__lt=row.since)
    older = same.exclude(study=row.study_id).order_by("-since").first()
    return {(one["what"], one["when"]): one["missing"] for one in older.foreseen} if older else {}


def _is_past(when: str, at: datetime) -> bool:
    return when < (f"{at:%Y-%m}" if "-" in when else f"{at:%Y}")


def _horizon(when: str, at: datetime) -> Horizon:
    year, _dash, month = when.partition("-")
    away = (int(year) - at.year) * 12 + (int(month) if month else 12) - at.month
    return "weeks" if away <= _SOON_MONTHS else "months"
