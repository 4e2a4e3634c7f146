"""The kind `health`: attendances and beds month by month, from people, season and assumptions that somebody owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.health import months
from cityloom.insight.domain.health.assumptions import Assumption, checked
from cityloom.insight.domain.health.outlook import ADMITTED, GROWTH, OCCUPANCY, STAY
from cityloom.insight.domain.persons import look_like_persons
from cityloom.insight.studies.health_example import example
from cityloom.insight.studies.health_told import NOTES, foreseen, tell
from cityloom.insight.studies.health_work import assumptions_of, work
from cityloom.insight.studies.kinds import InputSpec, Kind
from cityloom.kernel.refused import Refused

_OWNER = "An assumption is owned by an office, not by a person: {value} looks like somebody's account or name."
_DATE = r"^\d{4}-\d{2}-\d{2}$"


def _assumption(low: float, high: float) -> dict[str, Any]:
    number = {"type": "number", "minimum": low, "maximum": high}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["value", "low", "high", "owner", "date"],
        "properties": {
            "value": number, "low": number, "high": number,
            "level": {"type": "number", "minimum": 0.5, "maximum": 0.99, "default": 0.8},
            "owner": {"type": "string", "minLength": 2, "maxLength": 120},
            "date": {"type": "string", "pattern": _DATE},
            "source": {"type": "string", "maxLength": 300},
        },
    }  # fmt: skip


_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["first_month", "assumptions"],
    "properties": {
        "first_month": {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
        "months": {"type": "integer", "minimum": 1, "maximum": 360, "default": 36},
        "assumptions": {
            "type": "object",
            "additionalProperties": False,
            "required": [ADMITTED, STAY, OCCUPANCY, GROWTH],
            "properties": {ADMITTED: _assumption(0, 1), STAY: _assumption(0, 365), OCCUPANCY: _assumption(0, 1),
                           GROWTH: _assumption(-0.5, 0.5)},
        },
        "short_at": {"type": "number", "minimum": 0.05, "maximum": 0.95, "default": 0.5},
        "draws": {"type": "integer", "minimum": 200, "maximum": 20_000, "default": 2000},
        "seed": {"type": "integer", "minimum": 0, "default": 1},
    },
}  # fmt: skip


def _check(question: Mapping[str, Any]) -> None:
    months.month_of(question["first_month"])
    for one in assumptions_of(question).values():
        _check_one(one)


def _check_one(one: Assumption) -> None:
    checked(one)
    if look_like_persons([one.owner]):
        raise Refused("insight.owner_is_person", _OWNER, value=one.owner)


KIND = Kind(
    "health",
    _("Attendances and beds"),
    _("How many come to a health service month by month, how many beds they need, when beds run short, and which "
      "assumption moves the answer most."),
    (
        InputSpec("people", _("People"), (), {"year": _("the year at whose start they are counted")}, {
            "district": _("the district"), "age": _("age at which the group begins"), "group": _("or the age group"),
            "sex": _("female or male"), "people": _("how many people"), "median": _("or the median of a projection"),
            "central": _("or its central figure"), "low80": _("80 %: from"), "high80": _("80 %: to"),
        }, words=frozenset({"district", "age", "group", "sex"})),
        InputSpec("rates", _("Attendance rates"), (), {
            "age": _("age at which the group begins"), "rate": _("attendances a person and year"),
        }, {"sex": _("female or male")}, words=frozenset({"age", "sex"})),
        InputSpec("history", _("Past months"), (), {
            "month": _("the month, as 2026-03"), "attendances": _("attendances of the month"),
        }, {}, needed=False, words=frozenset({"month"})),
        InputSpec("beds", _("Beds"), ("month",), {"beds": _("beds that can be used from that month on")}, {},
                  needed=False, words=frozenset({"month"})),
    ),
    _SCHEMA,
    work,
    tell,
    check=_check,
    notes=NOTES,
    example=example,
    foresee=foreseen,
)  # fmt: skip
