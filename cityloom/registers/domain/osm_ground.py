"""Land and named areas out of tags."""

from __future__ import annotations

from collections.abc import Mapping

from cityloom.registers.domain.osm_words import Tags


def _by_value(kinds: Mapping[str, str]) -> dict[str, str]:
    return {value: kind for kind, values in kinds.items() for value in values.split()}


_LANDUSE = _by_value({
    "water": "reservoir basin salt_pond pond",
    "green": "grass forest meadow recreation_ground village_green cemetery allotments orchard vineyard greenfield "
             "farmland plant_nursery flowerbed greenery farmyard churchyard",
    "residential": "residential",
    "commercial": "commercial retail",
    "industrial": "industrial port quarry landfill depot",
    "railway": "railway",
    "other": "construction brownfield military religious education institutional civic_admin garages",
})  # fmt: skip
_NATURAL = _by_value({
    "water": "water bay",
    "green": "wood scrub grassland heath wetland beach sand tree_group shrubbery fell tundra",
})
_LEISURE = _by_value({"green": "park garden golf_course nature_reserve pitch playground dog_park common"})
_BY_KEY = (
    ("natural", _NATURAL), ("waterway", {"riverbank": "water", "dock": "water"}), ("leisure", _LEISURE),
    ("landuse", _LANDUSE), ("water", _by_value({"water": "river lake pond canal reservoir basin lagoon harbour"})),
)  # fmt: skip
_PLACE = {
    "borough": "district", "suburb": "district", "city_district": "district", "quarter": "subdistrict",
    "neighbourhood": "neighbourhood", "neighborhood": "neighbourhood",
}  # fmt: skip
KEYS = ("natural", "waterway", "leisure", "landuse", "water")


def land_kind_of(tags: Tags) -> str:
    """What an area of ground is; "" where the tags do not say."""
    return next((kinds[tags[key]] for key, kinds in _BY_KEY if tags.get(key) in kinds), "")


def area_kind_of(tags: Tags) -> str:
    """The kind of a named area; "" for what is larger than a city or not a part of one.

    Source: admin_level in the OpenStreetMap wiki; levels below 6 are countries, states and regions almost everywhere.
    """
    if not any(key in tags for key in ("name", "name:en", "name:zh")):
        return ""
    if tags.get("boundary") == "administrative" and tags.get("admin_level", "").isdecimal():
        level = int(tags["admin_level"][:3])
        return "" if level < 6 else "district" if level <= 8 else "subdistrict" if level == 9 else "neighbourhood"
    return _PLACE.get(tags.get("place", ""), "")
