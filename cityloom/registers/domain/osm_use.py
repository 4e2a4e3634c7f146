"""What a building is for, out of its own tags and of the ground it stands on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from cityloom.registers.domain import osm_words
from cityloom.registers.domain.osm_words import Tags


def _by_value(uses: Mapping[str, str]) -> dict[str, str]:
    return {value: use for use, values in uses.items() for value in values.split()}


NOT_BUILDINGS = frozenset({"no", "none", "false", "entrance", "demolished", "razed", "removed",
                           "proposed", "destroyed"})  # fmt: skip
"""Values of `building` that say there is none, or not one that a person could be in."""

_BUILDING = _by_value({
    "residential": "residential apartments apartment flats terrace tenement block_of_flats condominium "
                   "apartment_building multifamily multi_family tower_block 住宅 居住 公寓",
    "house": "house detached semidetached_house semi semi-detached bungalow villa cabin farm cottage static_caravan "
             "houseboat ger manor chalet townhouse trullo stilt_house houses semidetached semi_detached row_house "
             "rowhouse duplex single_family single-family family_house dwelling 别墅",
    "dormitory": "dormitory barracks student_residence",
    "retail": "retail supermarket shop mall department_store kiosk restaurant pub bar cafe market bakery pharmacy "
              "商业",
    "office": "office offices commercial bank 办公 写字楼",
    "hotel": "hotel hostel motel guest_house resort",
    "industrial": "industrial factory manufacture works power utility sawmill brewery slaughterhouse water_works "
                  "pumping_station power_station substation 工业 厂房",
    "warehouse": "warehouse storage silo storage_tank depot cold_storage",
    "school": "school education 学校 教育",
    "kindergarten": "kindergarten nursery childcare",
    "university": "university college library research",
    "hospital": "hospital 医院 医疗",
    "clinic": "clinic doctors medical health_centre healthcare",
    "nursing_home": "nursing_home retirement_home care_home assisted_living",
    "civic": "civic public government townhall town_hall fire_station police museum courthouse community_centre "
             "theatre cinema embassy gallery post_office prison arts_centre conference_centre exhibition "
             "social_facility entertainment",
    "sports": "stadium grandstand sports_hall sports_centre riding_hall pavilion gym swimming_pool ice_rink gymnasium",
    "worship": "church cathedral chapel mosque temple synagogue shrine monastery religious place_of_worship basilica "
               "kingdom_hall convent gurdwara pagoda wayside_shrine presbytery",
    "transport": "train_station transportation station bus_station terminal hangar railway ferry_terminal subway "
                 "subway_entrance metro_station airport_terminal",
    "parking": "parking parking_garage multi-storey_parking car_park multi_storey_car_park",
    "shed": "shed garage garages carport roof hut outbuilding greenhouse barn stable cowshed sty farm_auxiliary "
            "toilets service bunker ruins collapsed construction tank tent container gatehouse transformer_tower "
            "canopy boathouse bicycle_shed digester chicken_coop allotment_house guardhouse "
            "outbuilding agricultural",
    "other": "tower castle fort military water_tower bridge gate city_gate fortress windmill lighthouse",
})  # fmt: skip
_AMENITY = _by_value({
    "school": "school",
    "kindergarten": "kindergarten childcare",
    "university": "university college research_institute library",
    "office": "music_school language_school driving_school prep_school",
    "hospital": "hospital",
    "clinic": "clinic doctors dentist veterinary",
    "nursing_home": "nursing_home retirement_home",
    "civic": "townhall community_centre police fire_station courthouse theatre cinema arts_centre prison "
             "public_building social_centre exhibition_centre conference_centre events_venue embassy post_office "
             "social_facility ranger_station crematorium casino nightclub studio",
    "worship": "place_of_worship monastery",
    "parking": "parking parking_space bicycle_parking motorcycle_parking",
    "transport": "bus_station ferry_terminal taxi",
    "retail": "marketplace",
    "shed": "toilets shelter recycling waste_disposal",
})  # fmt: skip
_TRADE = frozenset({"restaurant", "cafe", "bar", "pub", "fast_food", "bank", "pharmacy", "fuel", "ice_cream",
                    "car_wash", "car_rental", "biergarten", "food_court", "bureau_de_change"})  # fmt: skip
_TOURISM = _by_value({
    "hotel": "hotel hostel motel guest_house apartment chalet",
    "civic": "museum gallery aquarium zoo theme_park information",
})
_LEISURE = _by_value({
    "sports": "sports_centre sports_hall stadium swimming_pool ice_rink fitness_centre horse_riding bowling_alley "
              "dance trampoline_park",
    "civic": "adult_gaming_centre amusement_arcade hackerspace",
})  # fmt: skip
_FACILITY = frozenset({"nursing_home", "assisted_living", "group_home", "hospice"})
_GROUND = _by_value({
    "residential": "residential",
    "retail": "retail",
    "office": "commercial",
    "industrial": "industrial port quarry landfill",
    "transport": "railway",
    "school": "education",
    "worship": "religious churchyard",
    "shed": "garages allotments",
})
_GROUND_AMENITY = frozenset({"school", "kindergarten", "university", "hospital", "clinic", "nursing_home"})


def is_building(tags: Tags) -> bool:
    """Whether the tags describe a building that stands."""
    value = tags.get("building", "").strip().lower()
    return bool(value) and value not in NOT_BUILDINGS


def use_of(tags: Tags) -> str:
    """The use that the building's own tags give; "" where they leave it open.

    A shop or office named on a building of three levels or more tells of its ground floor only, so it leaves it open.
    """
    return _listed(_BUILDING, tags.get("building", "")) or _by_function(tags) or _by_trade(tags)


def use_below(tags: Tags) -> str:
    """The use that the ground lends to the buildings on it; "" where it lends none."""
    by_amenity = _listed(_AMENITY, tags.get("amenity", "")) or _social(tags)
    if by_amenity in _GROUND_AMENITY:
        return by_amenity
    return _listed(_GROUND, tags.get("landuse", ""))


def _by_function(tags: Tags) -> str:
    return (
        _social(tags)
        or _listed(_AMENITY, tags.get("amenity", ""))
        or _listed({"hospital": "hospital", "clinic": "clinic", "doctor": "clinic"}, tags.get("healthcare", ""))
        or _listed(_TOURISM, tags.get("tourism", ""))
        or _listed(_LEISURE, tags.get("leisure", ""))
        or _by_structure(tags)
    )


def _by_structure(tags: Tags) -> str:
    if tags.get("man_made") in {"works", "wastewater_plant", "water_works"} or "power" in tags or "industrial" in tags:
        return "industrial"
    if tags.get("man_made") in {"storage_tank", "silo"}:
        return "warehouse"
    if tags.get("railway") in {"station", "halt"} or tags.get("aeroway") in {"terminal", "hangar"}:
        return "transport"
    if tags.get("public_transport") == "station":
        return "transport"
    return "other" if "military" in tags or tags.get("historic") in {"castle", "fort", "ruins", "city_gate"} else ""


def _by_trade(tags: Tags) -> str:
    levels = osm_words.levels_of(tags)
    if not math.isnan(levels) and levels >= 3:
        return ""
    if "shop" in tags or tags.get("amenity") in _TRADE:
        return "retail"
    return "office" if "office" in tags else "industrial" if "craft" in tags else ""


def _social(tags: Tags) -> str:
    return "nursing_home" if _FACILITY & set(_parts(tags.get("social_facility", ""))) else ""


def _listed(uses: Mapping[str, str], value: str) -> str:
    return next((uses[part] for part in _parts(value) if part in uses), "")


def _parts(value: str) -> Iterable[str]:
    return (part.strip().lower().replace(" ", "_") for part in value.split(";"))
