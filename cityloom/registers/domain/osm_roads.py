"""Which ways are streets, and who may use them, out of tags."""

from __future__ import annotations

from cityloom.registers.domain.draft import NOT_DRIVABLE, NOT_WALKABLE, ROAD_KINDS
from cityloom.registers.domain.osm_words import Tags

_NOT_STREETS = frozenset({
    "proposed", "construction", "abandoned", "razed", "disused", "planned", "removed", "raceway", "escape",
    "bus_guideway", "rest_area", "services", "elevator", "corridor", "bus_stop", "emergency_bay", "via_ferrata", "no",
    "traffic_island", "toll_gantry", "emergency_access_point", "historic",
})  # fmt: skip
_ALIASES = {
    "road": "unclassified", "minor": "unclassified", "busway": "service", "platform": "footway", "crossing": "footway",
    "sidewalk": "footway", "footpath": "footway", "trail": "path", "bridleway": "path", "walkway": "footway",
    "street": "residential", "local": "residential", "alley": "service", "driveway": "service", "highway": "primary",
    "expressway": "motorway", "freeway": "motorway", "arterial": "primary", "collector": "secondary",
    "track_grade1": "track", "track_grade2": "track", "track_grade3": "track", "track_grade4": "track",
    "track_grade5": "track", "lane": "residential",
}  # fmt: skip
_YES = frozenset({"yes", "designated", "permissive", "official", "destination", "public"})
_NO = frozenset({"no", "use_sidepath"})


def kind_of(tags: Tags) -> str:
    """The class of a street or path; "" for what is none, or is not built, or runs indoors.

    Links count as the road that they lead to; a class of its own invention counts as `unclassified`.
    """
    value = tags.get("highway", "").split(";")[0].strip().lower()
    if not value or value in _NOT_STREETS:
        return ""
    value = value.removesuffix("_link")
    kind = _ALIASES.get(value, value)
    return kind if kind in ROAD_KINDS else "unclassified"


def is_walkable(tags: Tags, kind: str) -> bool:
    """Whether people may walk it: oneway does not bind them, and private drives count, since residents use them."""
    foot = tags.get("foot", "")
    if foot in _YES or (foot in _NO and tags.get("sidewalk") in {"both", "left", "right", "yes"}):
        return True
    if foot in _NO or tags.get("motorroad") == "yes" or (tags.get("access") in _NO and foot == ""):
        return False
    return kind not in NOT_WALKABLE or tags.get("sidewalk") in {"both", "left", "right", "yes"}


def is_drivable(tags: Tags, kind: str) -> bool:
    """Whether vehicles may pass it."""
    motor = tags.get("motor_vehicle") or tags.get("motorcar") or tags.get("vehicle") or tags.get("access") or ""
    if kind in NOT_DRIVABLE:
        return motor in _YES and kind in {"pedestrian", "path"} and "motor_vehicle" in tags
    return motor not in _NO


def stands_apart(tags: Tags) -> bool:
    """Whether a street passes over or under others, so that lines that cross it do not meet it."""
    layer = tags.get("layer", "0").strip()
    lifted = any(tags.get(key, "no") not in {"no", "", "F", "0"} for key in ("bridge", "tunnel"))
    return lifted or layer not in {"0", ""}
