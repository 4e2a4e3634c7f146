"""Open incidents as the risk brief has them."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from cityloom.emergency.display import in_words
from cityloom.emergency.domain import states
from cityloom.emergency.models import Incident
from cityloom.registers import queries as registers
from cityloom.ui.domain.declared import Risk
from cityloom.ui.templatetags.cityloom import translated

_WEEK = timedelta(days=7)
_MOST = 50
_SEVERITY = {"now": 4, "today": 3, "later": 2}


def risks(unit: str, at: datetime) -> list[Risk]:
    """Incidents that are open: they are certain; the weeks tell whether there are more of them than there were."""
    opened = Incident.objects.filter(exercise_id="", opened_at__lte=at)
    lately = opened.filter(opened_at__gt=at - _WEEK).count()
    before = opened.filter(opened_at__gt=at - 2 * _WEEK, opened_at__lte=at - _WEEK).count()
    return [
        Risk(
            _("{kind}: {place}").format(kind=translated(row.category), place=in_words(row.place)),
            reverse("incident", args=[row.id]), "now", _SEVERITY[states.URGENCY[row.state]],
            registers.unit_at(row.lon, row.lat), lately, before, _("incidents a week, in the whole city"),
            chance=1.0, grounds=_("It is there; state: {state}.").format(state=translated(row.state)),
            since=row.opened_at,
        )
        for row in opened.filter(closed_at=None).order_by("-opened_at")[:_MOST]
    ]  # fmt: skip
