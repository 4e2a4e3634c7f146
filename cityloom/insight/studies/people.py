"""The kind `people`: how many people of which ages live where, year by year, with the range of a thousand futures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from cityloom.insight.studies.kinds import InputSpec, Kind
from cityloom.insight.studies.people_example import example
from cityloom.insight.studies.people_told import NOTES, tell
from cityloom.insight.studies.people_work import work
from cityloom.kernel.refused import Refused

_GROUPS = "Broader age groups begin at 0 and rise; they are {value}."
_SHARE = {"type": "number", "minimum": -0.2, "maximum": 0.2, "default": 0.0}
_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["base_year"],
    "properties": {
        "base_year": {"type": "integer", "minimum": 1800, "maximum": 2200},
        "years": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        "sex_ratio": {"type": "number", "minimum": 0.8, "maximum": 1.4, "default": 1.05},
        "migration": {"enum": ["spread", "end"], "default": "spread"},
        "infants": {"enum": ["andreev-kingkade", "coale-demeny"], "default": "andreev-kingkade"},
        "fertility_change": _SHARE,
        "mortality_change": _SHARE,
        "without_room": {"enum": ["move", "stay"], "default": "move"},
        "age_groups": {
            "type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 120}, "minItems": 1, "maxItems": 30,
            "default": [0, 3, 6, 12, 15, 18, 60, 80],
        },
        "areas": {"type": "boolean", "default": False},
        "futures": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "count": {"type": "integer", "minimum": 20, "maximum": 10_000, "default": 1000},
                "fertility": {"type": "number", "minimum": 0, "maximum": 0.5},
                "mortality": {"type": "number", "minimum": 0, "maximum": 0.5},
                "migration": {"type": "number", "minimum": 0, "maximum": 0.2},
                "persistence": {"type": "number", "minimum": 0, "maximum": 0.98},
                "correlation": {"type": "number", "minimum": 0, "maximum": 1},
            },
        },
        "seed": {"type": "integer", "minimum": 0, "default": 1},
    },
}  # fmt: skip
_AREA = frozenset({"district"})


def _check(question: Mapping[str, Any]) -> None:
    starts = question.get("age_groups", [0])
    if starts != sorted(set(starts)) or starts[0] != 0:
        raise Refused("insight.people_groups", _GROUPS, value=", ".join(map(str, starts)))


KIND = Kind(
    "people",
    _("People by district and age"),
    _("A cohort-component projection: who lives where in the years to come, by sex and age, with births, deaths, "
      "migration, room in housing, and the range in which it may turn out."),
    (
        InputSpec("base", _("People at the start"), ("district", "sex", "age"), {"people": _("how many people")}, {},
                  words=frozenset({"district", "sex"})),
        InputSpec("fertility", _("Birth rates"), (), {
            "age": _("age of the mother at which the group begins"), "rate": _("births a woman and year"),
        }, {"district": _("where districts differ"), "year": _("from which year on")},
            words=_AREA | {"age"}),
        InputSpec("mortality", _("Death rates"), (), {
            "sex": _("female or male"), "age": _("age at which the group begins"),
        }, {"rate": _("deaths a person and year"), "qx": _("or the chance of dying before the next group"),
            "district": _("where districts differ"), "year": _("from which year on")},
            words=_AREA | {"sex", "age"}),
        InputSpec("migration", _("Net migration"), (), {
            "district": _("the district"), "sex": _("female or male"), "age": _("age at the start of the step"),
        }, {"net": _("people a year who come, less those who leave"), "rate": _("or the same as a share of the people"),
            "year": _("from which year on")}, needed=False, words=_AREA | {"sex", "age"}),
        InputSpec("housing", _("Housing"), ("district", "year"), {
            "dwellings": _("dwellings there are"), "people_per_dwelling": _("people in each that is lived in"),
        }, {"vacancy": _("share of dwellings that stand empty")}, needed=False, words=_AREA),
        InputSpec("total", _("The city's projection"), ("year",), {"people": _("people of the whole city")}, {},
                  needed=False),
        InputSpec("past", _("Past years"), ("year",), {}, {
            "tfr": _("children a woman"), "people": _("people of the city"), "net_migration": _("net migrants"),
        }, needed=False),
        InputSpec("past_mortality", _("Past death rates"), ("year", "sex", "age"), {
            "rate": _("deaths a person and year"),
        }, {}, needed=False, words=frozenset({"sex"})),
    ),
    _SCHEMA,
    work,
    tell,
    check=_check,
    notes=NOTES,
    example=example,
)  # fmt: skip
