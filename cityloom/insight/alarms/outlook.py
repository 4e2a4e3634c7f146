"""Hot spots that wait for an answer, as the risk brief tells them."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from cityloom.insight.alarms.listing import open_alarms_in
from cityloom.insight.alarms.words import question_of
from cityloom.insight.models import HotspotAlarm
from cityloom.ui.domain.declared import Risk

_RARE_YEARS = 10


def risks(unit: str, _at: datetime) -> list[Risk]:
    """The open alarms of a branch; the trend is of the last two weeks in the area, where neither count is small."""
    return [_risk(one) for one in open_alarms_in(unit)]


def _risk(row: HotspotAlarm) -> Risk:
    before, lately = ([None, None] + [week[1] for week in row.weeks])[-2:]
    return Risk(
        question_of(row), reverse("hotspot", args=[row.id]), "days", 3 if row.recurrence_years >= _RARE_YEARS else 2,
        row.unit, lately, before, _("cases in the last two weeks there"),
        grounds=_("By chance about once in {years} years for this office; what it is, nobody has said yet.").format(
            years=round(row.recurrence_years, 1)), since=row.raised_at,
    )  # fmt: skip
