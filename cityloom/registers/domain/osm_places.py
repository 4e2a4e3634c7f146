"""Schools, hospitals, parks and other places that matter in an emergency, out of tags."""

from __future__ import annotations

from collections.abc import Mapping

from cityloom.registers.domain.osm_words import Tags

_AMENITY = {
    "school": "school", "kindergarten": "kindergarten", "childcare": "kindergarten", "university": "university",
    "college": "university", "hospital": "hospital", "clinic": "clinic", "doctors": "clinic",
    "community_centre": "community_centre", "social_centre": "community_centre", "townhall": "town_hall",
    "place_of_worship": "place_of_worship", "monastery": "place_of_worship", "nursing_home": "nursing_home",
    "retirement_home": "nursing_home", "prison": "other", "theatre": "other", "cinema": "other", "library": "other",
    "marketplace": "other", "police": "other", "fire_station": "other", "arts_centre": "other",
    "exhibition_centre": "other", "conference_centre": "other", "events_venue": "other", "courthouse": "other",
}  # fmt: skip
_BUILDING = {
    "school": "school", "kindergarten": "kindergarten", "university": "university", "college": "university",
    "hospital": "hospital", "clinic": "clinic", "community_centre": "community_centre", "sports_hall": "sports_hall",
    "sports_centre": "sports_hall", "gymnasium": "sports_hall", "townhall": "town_hall", "town_hall": "town_hall",
    "church": "place_of_worship", "cathedral": "place_of_worship", "mosque": "place_of_worship",
    "temple": "place_of_worship", "synagogue": "place_of_worship", "chapel": "place_of_worship",
    "nursing_home": "nursing_home", "retirement_home": "nursing_home",
}  # fmt: skip
_LEISURE = {
    "sports_centre": "sports_hall", "sports_hall": "sports_hall", "park": "park", "recreation_ground": "park",
    "stadium": "other",
}  # fmt: skip
_HEALTHCARE = {"hospital": "hospital", "clinic": "clinic", "centre": "clinic", "doctor": "clinic"}
_FACILITY = {"nursing_home": "nursing_home", "assisted_living": "nursing_home", "group_home": "nursing_home",
             "hospice": "nursing_home"}  # fmt: skip
_BY_KEY: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("social_facility", _FACILITY), ("amenity", _AMENITY), ("healthcare", _HEALTHCARE), ("leisure", _LEISURE),
    ("building", _BUILDING), ("landuse", {"recreation_ground": "park", "village_green": "park"}),
    ("railway", {"station": "other"}), ("shop", {"mall": "other", "department_store": "other"}),
)  # fmt: skip
KEYS = tuple(key for key, _ in _BY_KEY)
_GONE = frozenset({"yes", "true", "1"})


def kind_of(tags: Tags) -> str:
    """The kind of place that the tags describe; "" for none.

    Places that are closed for good or that nobody from outside may enter do not count.
    """
    if tags.get("disused") in _GONE or tags.get("abandoned") in _GONE:
        return ""
    for key, kinds in _BY_KEY:
        for value in tags.get(key, "").split(";"):
            kind = kinds.get(value.strip().lower())
            if kind:
                return "" if kind == "park" and tags.get("access") in {"private", "no"} else kind
    return ""
