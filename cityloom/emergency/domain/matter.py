"""From a stored plan to what its words are about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import shapely

from cityloom.emergency.domain.places import LANGUAGES, said
from cityloom.emergency.domain.words import Matter

_STREET = {"en": "street", "zh-Hans": "道路"}
_BUILDING = {"en": "public building", "zh-Hans": "公共建筑"}
_KINDS = {
    "school": {"en": "school", "zh-Hans": "学校"},
    "kindergarten": {"en": "kindergarten", "zh-Hans": "幼儿园"},
    "university": {"en": "university", "zh-Hans": "大学"},
    "sports_hall": {"en": "sports hall", "zh-Hans": "体育馆"},
    "community_centre": {"en": "community centre", "zh-Hans": "社区中心"},
    "park": {"en": "park", "zh-Hans": "公园"},
}


@dataclass(frozen=True)
class Occasion:
    """Why something is said, and where."""

    purpose: str
    category: str
    place: Mapping[str, str]
    lon: float
    lat: float
    hazard_radius_m: float
    exercise: bool
    synthetic_city: bool
    real_place: bool = False


def matter_of(occasion: Occasion, plan: Mapping[str, Any]) -> Matter:
    """What the words are about; `plan` is what `plan.as_json` gives."""
    counts = plan["counts"]
    return Matter(
        purpose=occasion.purpose, category=occasion.category, place=occasion.place, lon=occasion.lon,
        lat=occasion.lat, hazard_radius_m=round(occasion.hazard_radius_m), buildings=counts["buildings"],
        households=counts["households"], needing_help=counts["needing_help"], in_hazard=counts["in_hazard"],
        exercise=occasion.exercise, synthetic_city=occasion.synthetic_city,
        shelters={language: [_shelter(one, language) for one in plan["shelters"]] for language in LANGUAGES},
        streets={language: _streets(plan["streets"], language) for language in LANGUAGES},
        valves={kind: [str(one["id"]) for one in plan["valves"] if one["kind"] == kind] for kind in ("water", "gas")},
        real_place=occasion.real_place,
    )  # fmt: skip


def _shelter(shelter: Mapping[str, Any], language: str) -> str:
    kind = _KINDS.get(shelter["kind"], _BUILDING)
    return said(shelter["name"], language, kind=kind, lon=shelter["lon"], lat=shelter["lat"])


def _streets(streets: list[Mapping[str, Any]], language: str) -> list[str]:
    return list(dict.fromkeys(_street(one, language) for one in streets))


def _street(street: Mapping[str, Any], language: str) -> str:
    line = shapely.from_geojson(json.dumps(street["line"]))
    middle = shapely.line_interpolate_point(shapely.get_geometry(line, 0), 0.5, normalized=True)
    return said(street["names"][language], language, kind=_STREET, lon=middle.x, lat=middle.y)
