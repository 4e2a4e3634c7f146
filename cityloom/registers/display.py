"""What the register declares to the user interface: the ground of the map."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language, gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_noop as _

from cityloom.registers.domain import components
from cityloom.registers.domain.land_uses import LAND_USES
from cityloom.registers.policies import SEARCHERS
from cityloom.ui.domain.declared import Display, Layer, LegendItem, Page, Search

_GROUND, _CARDS = "cityloom.registers.layers.ground", "cityloom.registers.layers.cards"
_ZONES = "cityloom.registers.layers.zones"
_NAME = "@name"
"""In a style: the feature's name in the reader's language."""
WORDS = {
    "residential": _("Flats"), "house": _("House"), "dormitory": _("Dormitory"), "retail": _("Shop"),
    "office": _("Office"), "hotel": _("Hotel"), "industrial": _("Industry"), "warehouse": _("Warehouse"),
    "school": _("School"), "kindergarten": _("Kindergarten"), "university": _("University"),
    "hospital": _("Hospital"), "clinic": _("Clinic"), "nursing_home": _("Nursing home"),
    "civic": _("Public building"), "sports": _("Sports"), "worship": _("Worship"), "transport": _("Transport"),
    "parking": _("Parking"), "shed": _("Shed"), "other": _("Other"), "community_centre": _("Community centre"),
    "sports_hall": _("Sports hall"), "park": _("Park"), "town_hall": _("Town hall"),
    "place_of_worship": _("Place of worship"), "water": _("Water main"), "sewer": _("Sewer"), "gas": _("Gas main"),
    "district": _("District"), "subdistrict": _("Subdistrict"), "neighbourhood": _("Neighbourhood"),
    "street": _("Street"), "building": _("Building"), "land": _("Land"), "land-water": _("Water"),
    "land-green": _("Parks and green"),
}  # fmt: skip
"""What uses, kinds of places, mains and areas are called."""


def word(key: str) -> str:
    """What a use or a kind is called in the reader's language; the word itself where it has no other name."""
    return gettext(WORDS[key]) if key in WORDS else key


REGISTERS = {
    "organisations": _("Organisations"), "buildings": _("Buildings"), "dwellings": _("Dwelling units"),
    "parcels": _("Land parcels"), "addresses": _("Addresses"), "places": _("Places and facilities"),
    "components": _("City components"), "roads": _("Roads"), "mains": _("Utility networks: mains"),
    "fittings": _("Utility networks: fittings"), "people": pgettext_lazy("register", "People"),
}  # fmt: skip
"""What registers are called."""
FIELDS = {
    "name": _("Name"), "kind": _("Kind"), "status": _("Status"), "address": _("Address"),
    "division": _("Administrative area"), "registered_on": _("Registered on"), "ended_on": _("Ended on"),
    "capital_fen": _("Registered capital"), "industry": pgettext_lazy("register", "Industry"),
    "owner": _("Owned by"), "lon": _("Longitude"),
    "lat": _("Latitude"), "representative": _("Legal representative"), "representative_id": _("Identity number"),
    "phone": _("Telephone"), "code": _("Number"), "use": _("Use"), "levels": _("Floors"), "height_m": _("Height, m"),
    "area_m2": _("Area, m²"), "built_on": _("Built on"), "building": _("Building"), "floor": _("Floor"),
    "door": _("Door"), "owner_name": _("Owner"), "owner_id": _("Identity number"), "street": _("Street"),
    "house_number": _("House number"), "land_use": _("Land use"), "right_kind": _("Kind of right"),
    "holder_name": _("Holder of the right"), "holder_id": _("Identity number"), "capacity": _("Capacity"),
    "opening": _("Opening hours"), "opened_on": _("Opened on"), "operator": pgettext_lazy("register", "Operator"),
    "state": _("State"),
    "department": _("Department in charge"), "owner_unit": _("Owner unit"), "upkeep_unit": _("Kept up by"),
    "installed_on": _("Installed on"), "lanes": _("Lanes"), "width_m": _("Width, m"), "surface": _("Surface"),
    "network": _("Network"), "diameter_mm": _("Diameter, mm"), "material": _("Material"), "depth_m": _("Depth, m"),
    "length_m": _("Length, m"), "roughness": _("Roughness (Hazen and Williams)"), "elevation_m": _("Elevation, m"),
    "demand_ls": _("Demand, L/s"),
    "laid_on": _("Laid on"), "begin_fitting": _("Begins at fitting"), "end_fitting": _("Ends at fitting"),
    "geometry": _("Shape"),
    "national_id": _("Identity number"), "surname": _("Surname"), "given_name": _("Given name"),
    "birth_date": _("Date of birth"), "need_note": _("What is needed"),
}  # fmt: skip
"""What fields of registers are called."""
VALUES = {
    "company": pgettext_lazy("register", "Company"), "branch": _("Branch"), "partnership": _("Partnership"),
    "sole-trader": _("Sole trader"), "cooperative": _("Cooperative"),
    "public-institution": _("Public institution"), "association": _("Association"), "active": _("Active"),
    "suspended": _("Suspended"), "revoked": _("Licence revoked"), "dissolved": _("Dissolved"),
    "moved-away": _("Moved away"), "unknown": _("Unknown"), "other": _("Other"), "education": _("Education"),
    "health": _("Health care"), "state-granted": _("Granted by the state"),
    "state-allocated": _("Allocated by the state"),
    "collective": _("Collective"), "leased": _("Leased"), "open": pgettext_lazy("register", "Open"),
    "closed": pgettext_lazy("register", "Closed"),
    "planned": _("Planned"), "nursing-home": _("Nursing home"), "shelter": _("Shelter"), "culture": _("Culture"),
    "market": _("Market"), "intact": _("Intact"), "damaged": _("Damaged"), "missing": _("Missing"),
    "abandoned": _("Abandoned"), "removed": _("Removed"), "expressway": _("Expressway"), "arterial": _("Arterial road"),
    "collector": _("Collector road"), "local": _("Local road"), "pedestrian": _("Pedestrian way"),
    "asphalt": _("Asphalt"), "concrete": _("Concrete"), "paving": _("Paving"), "unpaved": _("Unpaved"),
    "storm": _("Rainwater"), "power": _("Power"), "heat": _("Heating"), "telecom": _("Telecom"),
    "cast-iron": _("Cast iron"), "ductile-iron": _("Ductile iron"), "steel": _("Steel"), "pe": _("PE"),
    "pvc": _("PVC"), "copper": _("Copper"), "fibre": _("Optical fibre"), "masonry": _("Masonry"),
    "in-use": _("In use"), "out-of-use": _("Out of use"), "pipe": _("Pipe"), "valve": _("Valve"),
    "hydrant": _("Hydrant"), "chamber": _("Chamber"), "pump": _("Pump"), "meter": _("Meter"),
    "regulator": _("Pressure regulator"),
    "transformer": _("Transformer"), "junction": _("Junction"), "outlet": _("Outlet"), "end": _("End"),
    "reservoir": _("Reservoir"), "tank": _("Tank"),
}  # fmt: skip
"""What codes of registers are called."""


WHY = {
    "settled": _("a steward found it to be right"), "corrected": _("corrected at a resident's request"),
    "authoritative": _("the rules name it first"), "newest": _("its word is the newest"),
    "most-complete": _("its record is the fullest"), "only": _("nobody else says anything"),
    "nobody": _("only cross-checks say anything"),
}
"""Why a source is believed."""


CORRECTION_STATES = {
    "asked": _("waits for an answer"), "granted": pgettext_lazy("register", "granted"),
    "refused": pgettext_lazy("register", "refused"), "withdrawn": _("taken back"),
}  # fmt: skip
"""What states of requests for corrections are called."""
ARRIVAL_STATES = {
    "waiting": _("waits until it is complete"), "work": _("is being loaded, or waits to be loaded again"),
    "done": _("loaded"), "refused": pgettext_lazy("register", "refused"),
}  # fmt: skip
"""What states of files that arrive are called."""
PAIR_STATES = {
    "certain": _("joined: certain"), "review": _("to be decided"), "same": _("joined by a steward"),
    "different": _("two entries"), "undone": _("join taken back"),
}  # fmt: skip
"""What states of pairs of entries are called."""
HELD = {
    "": "", "the same": _("the same"), "sounds the same": _("sounds the same"), "begins the same": _("begins the same"),
    "nearly the same": _("nearly the same"), "shares words": _("shares words"), "same address": _("same address"),
    "same road, number, unit": _("same road, number, unit"), "same road, number": _("same road, number"),
    "same road": _("same road"), "same district": _("same district"), "mistyped": _("mistyped"),
    "day and month swapped": _("day and month swapped"), "names swapped": _("names swapped"), "differs": _("differs"),
    "missing": _("missing"),
}  # fmt: skip
"""What held when two records were compared."""
DISAGREEMENT_STATES = {
    "open": _("to be decided"), "settled": _("one is right"), "accepted": _("both may stand"),
    "ended": _("they agree again"),
}  # fmt: skip
"""What states of disagreements are called."""


def field_word(name: str, register: str = "") -> str:
    """What a field of a register is called in the reader's language; people's names are no things' names there."""
    if name == "name" and register != "people":
        return pgettext("thing", "Name")
    return gettext(FIELDS[name]) if name in FIELDS else name


_CODED = frozenset({"kind", "status", "use", "state", "network", "material", "surface", "right_kind"})


def register_word(name: str) -> str:
    """What a register is called in the reader's language."""
    return gettext(REGISTERS[name]) if name in REGISTERS else name


_WHY_THERE = (
    _("the building with this number"), _("{count} buildings with this number"), _("the building of this name"),
    _("{count} buildings have this street and number"), _("{count} buildings are called so"),
    _("between numbers {before} and {after} on its side of the street"),
    _("between numbers {before} and {after} in the street"),
    _("just beyond number {number}, the last that is known"), _("{count} streets are called so"),
    _("the middle of {place}: no number near {number} is known there"),
    _("the middle of {place}: the address tells no number"), _("the middle of {place}"),
    _("the city knows no such street, building or area"), _("the address names no street, building or area"),
)  # fmt: skip
"""The geocoder's reasons; of those that fit a sentence the first one is meant."""
_VALUE = re.compile(r"\\{(\w+)\\}")


@lru_cache(maxsize=1)
def _why_there() -> list[tuple[str, re.Pattern[str]]]:
    return [(one, re.compile(_VALUE.sub(r"(?P<\1>.+)", re.escape(one)), re.DOTALL)) for one in _WHY_THERE]


def place_reason(reason: str) -> str:
    """Why an address is where the geocoder has it, in the reader's language; records keep the reason in English."""
    for words, form in _why_there():
        if found := form.fullmatch(reason):
            return gettext(words).format(**found.groupdict())
    return reason


def held_words(held: str) -> str:
    """What held in a comparison, in the reader's language."""
    return " + ".join(gettext(HELD[word]) if word in HELD else word for word in _split(held))


def _split(held: str) -> list[str]:
    """The words of a level with several conditions; one that holds `and` itself stays whole."""
    return [held] if held in HELD else held.split(" and ")


def value_word(name: str, value: object) -> str:
    """A value of a register in the reader's language."""
    if value in ("", None):
        return ""
    if name == "capital_fen":
        return f"{int(str(value)) / 100:,.2f} CNY"
    if name == "land_use":
        return f"{value} {in_language(LAND_USES.get(str(value), ('', '')))}".strip()
    if name in _CODED:
        return gettext(VALUES[str(value)]) if value in VALUES else word(str(value))
    if isinstance(value, float):
        return f"{value:.6f}" if name in ("lon", "lat") else f"{value:g}"
    return str(value)


def component_word(code: str) -> str:
    """What a city component is, by its number."""
    return in_language(components.names(code))


def in_language(pair: tuple[str, str]) -> str:
    """The English or the Chinese of two names, for the reader."""
    return pair[1] if (get_language() or "").startswith("zh") else pair[0]


_MAJOR = ["match", ["get", "kind"], ["motorway", "trunk", "primary", "secondary"], True, False]
_WAYS = ["match", ["get", "kind"], ["footway", "path", "steps", "cycleway", "track", "pedestrian"], True, False]
_STREETS = ["all", ["!", _MAJOR], ["!", _WAYS]]


def _grows(*stops: float) -> list[Any]:
    """A width that doubles with the scale: pairs of zoom and points."""
    return ["interpolate", ["exponential", 1.6], ["zoom"], *stops]


def _line(colour: object, width: list[Any], filters: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    style: dict[str, Any] = {
        "type": "line", "paint": {"line-color": colour, "line-width": width} | more.pop("paint", {}),
        "layout": {"line-cap": "round", "line-join": "round"},
    }  # fmt: skip
    return style | ({"filter": filters} if filters else {}) | more


def _words(field: object, size: object, *, quiet: bool = False, **layout: Any) -> dict[str, Any]:
    return {
        "type": "symbol",
        "layout": {"text-field": field, "text-size": size} | layout,
        "paint": {
            "text-color": "--map-text-quiet" if quiet else "--map-text", "text-halo-color": "--map-halo",
            "text-halo-width": 1.4,
        },
    }  # fmt: skip


def _fill(colour: object, kinds: list[str], **paint: Any) -> dict[str, Any]:
    chosen = ["match", ["get", "kind"], kinds, True, False]
    return {"type": "fill", "filter": chosen, "paint": {"fill-color": colour} | paint}


_THIN = {"fill-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0.3, 15, 1]}
"""Where the hexagons below tell how much is built, the use of the land is a hint."""
LAND = Layer(
    key="land", label=_("Land and water"), kind="tile", source=f"{_GROUND}.land", order=10, is_public=True,
    style=(
        _fill("--map-built", ["residential", "other"], **_THIN), _fill("--map-commercial", ["commercial"], **_THIN),
        _fill("--map-industrial", ["industrial", "railway"], **_THIN), _fill("--map-green", ["green"]),
        _fill("--map-water", ["water"], **{"fill-outline-color": "--map-water-line"}),
    ),
    legend=(LegendItem("--map-water", _("Water")), LegendItem("--map-green", _("Parks and green"))),
)  # fmt: skip
DENSITY = Layer(
    key="density", label=_("Buildings by hexagon"), kind="tile", source=f"{_GROUND}.density", order=5, is_public=True,
    max_zoom=15,
    style=({
        "type": "fill",
        "paint": {
            "fill-color": ["step", ["get", "share"], "--map-density-1", 0.08, "--map-density-2", 0.2, "--map-density-3",
                           0.4, "--map-density-4", 0.7, "--map-density-5"],
            "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0.9, 15, 0], "fill-antialias": False,
        },
    },),
    legend=(LegendItem("--map-density-1", _("Few buildings")), LegendItem("--map-density-5", _("Many buildings"))),
    card=f"{_CARDS}.density",
)  # fmt: skip
BUILDINGS = Layer(
    key="buildings", label=_("Buildings"), kind="tile", source=f"{_GROUND}.buildings", order=30, is_public=True,
    min_zoom=15,
    style=(
        {"type": "fill", "paint": {"fill-color": "--map-building", "fill-outline-color": "--map-building-line"}},
        _words(["get", "number"], 10, quiet=True) | {"minzoom": 17},
    ),
    legend=(LegendItem("--map-building", _("Building")),), card=f"{_CARDS}.building",
)  # fmt: skip
ROADS = Layer(
    key="roads", label=_("Streets"), kind="tile", source=f"{_GROUND}.roads", order=40, is_public=True,
    style=(
        _line("--map-path", _grows(15, 0.6, 18, 3), _WAYS, minzoom=15, paint={"line-dasharray": [3, 1.5]}),
        _line("--map-road-casing", _grows(13, 0.8, 15, 4, 18, 18), _STREETS, minzoom=13),
        _line("--map-road-major-casing", _grows(9, 1, 13, 3.4, 15, 8, 18, 28), _MAJOR),
        _line("--map-road", _grows(13, 0.4, 15, 2.8, 18, 15), _STREETS, minzoom=13),
        _line("--map-road-major", _grows(9, 0.6, 13, 2.2, 15, 6, 18, 24), _MAJOR),
        _words(_NAME, ["interpolate", ["linear"], ["zoom"], 12, 10, 17, 13], **{
            "symbol-placement": "line", "symbol-spacing": 320, "text-max-angle": 30,
        }) | {"minzoom": 12},
    ),
    legend=(
        LegendItem("--map-road-major", _("Main street")), LegendItem("--map-road", _("Street")),
        LegendItem("--map-path", _("Path")),
    ),
)  # fmt: skip
AREAS = Layer(
    key="areas", label=_("Districts"), kind="tile", source=f"{_GROUND}.areas", order=50, is_public=True, is_on=False,
    style=(
        {"type": "line", "paint": {"line-color": "--map-area-line", "line-width": 1.6, "line-dasharray": [5, 2, 1, 2]}},
        _words(_NAME, 13, **{"text-letter-spacing": 0.08}) | {"minzoom": 10},
    ),
    legend=(LegendItem("--map-area-line", _("Boundary of a district or neighbourhood")),),
)  # fmt: skip
_POINT = {"circle-stroke-color": "--map-point-line", "circle-stroke-width": 1.2}
PLACES = Layer(
    key="places", label=_("Places"), kind="tile", source=f"{_GROUND}.places", order=60, is_public=True, min_zoom=12,
    style=(
        {
            "type": "circle",
            "paint": _POINT | {
                "circle-radius": ["interpolate", ["linear"], ["zoom"], 12, 1.8, 15, 3, 17, 5],
                "circle-opacity": ["interpolate", ["linear"], ["zoom"], 12, 0.55, 16, 0.9],
                "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 13, 0.4, 16, 1.2],
                "circle-color": ["match", ["get", "kind"], ["hospital", "clinic", "nursing_home"], "--map-place-care",
                                 ["school", "kindergarten", "university"], "--map-place-school", "--map-place"],
            },
        },
        _words(_NAME, 11, quiet=True, **{
            "text-anchor": "top", "text-offset": [0, 0.7], "text-optional": True, "text-max-width": 9,
        }) | {"minzoom": 15.5},
    ),
    legend=(
        LegendItem("--map-place-care", _("Hospital, clinic or nursing home")),
        LegendItem("--map-place-school", _("School or university")), LegendItem("--map-place", _("Other place")),
    ), card=f"{_CARDS}.place",
)  # fmt: skip
SHELTERS = Layer(
    key="shelter-places", label=_("Places that can shelter people"), kind="tile", source=f"{_GROUND}.shelters",
    order=62, is_public=True, is_on=False, min_zoom=12,
    style=(
        {"type": "circle", "paint": _POINT | {"circle-color": "--map-shelter", "circle-radius": 7}},
        _words(["concat", "@name", " · ", ["to-string", ["get", "places"]]], 11.5, **{
            "text-anchor": "top", "text-offset": [0, 0.9], "text-max-width": 9,
        }) | {"minzoom": 14},
    ),
    legend=(LegendItem("--map-shelter", _("Shelter, with its places")),), card=f"{_CARDS}.place",
)  # fmt: skip
MAINS = Layer(
    key="mains", label=_("Mains"), kind="tile", source=f"{_GROUND}.mains", order=70, section="works", is_on=False,
    min_zoom=15,
    style=tuple(
        _line(f"--map-main-{kind}", _grows(15, 1.2, 18, 3), ["==", ["get", "kind"], kind], paint={"line-offset": aside})
        for kind, aside in (("sewer", 0), ("water", 3), ("gas", -3))
    ),
    legend=(
        LegendItem("--map-main-water", _("Water main")), LegendItem("--map-main-gas", _("Gas main")),
        LegendItem("--map-main-sewer", _("Sewer")),
    ), card=f"{_CARDS}.main",
)  # fmt: skip
VALVES = Layer(
    key="valves", label=_("Valves"), kind="tile", source=f"{_GROUND}.valves", order=72, section="works", is_on=False,
    min_zoom=15,
    style=({"type": "circle", "paint": {
        "circle-color": "--map-halo", "circle-stroke-color": "--map-valve", "circle-stroke-width": 2,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 15, 2.5, 18, 6],
    }},),
    legend=(LegendItem("--map-valve", _("Valve")),), card=f"{_CARDS}.valve",
)  # fmt: skip
ZONES = Layer(
    key="work-zones", label=_("Work zones"), kind="tile", source=f"{_ZONES}.zones", order=52, is_on=False, min_zoom=10,
    revision=f"{_ZONES}.revision",
    style=(
        {"type": "fill", "paint": {
            "fill-color": ["step", ["get", "share"], "--map-load-1", 0.9, "--map-load-2", 0.97, "--map-load-3",
                           1.03, "--map-load-4", 1.1, "--map-load-5"],
            "fill-opacity": 0.55,
        }},
        {"type": "line", "paint": {"line-color": "--map-area-line", "line-width": _grows(10, 0.4, 14, 1.4, 17, 2.4)}},
        _words(["get", "code"], 11) | {"minzoom": 13.5},
    ),
    legend=(
        LegendItem("--map-load-1", _("Load under 90 % of the mean")), LegendItem("--map-load-3", _("97 to 103 %")),
        LegendItem("--map-load-5", _("over 110 %")),
    ), card=f"{_ZONES}.card",
)  # fmt: skip
_REGISTERED = "cityloom.registers.layers.registered"
_CLASS_COLOURS = (
    ("01", "--map-valve", _("Public utilities")), ("02", "--map-road-major-casing", _("Roads and traffic")),
    ("03", "--map-place", _("City environment")), ("04", "--map-shelter", _("Greening")),
    ("05", "--map-place-school", _("Housing and land")), ("06", "--map-place-care", _("Other facilities")),
)  # fmt: skip
COMPONENTS = Layer(
    key="components", label=_("City components"), kind="tile", source=f"{_REGISTERED}.components", order=64,
    section="works", is_on=False, min_zoom=15, revision=f"{_REGISTERED}.revision",
    style=({"type": "circle", "paint": _POINT | {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 15, 2, 18, 6],
        "circle-color": ["match", ["get", "class"], *(part for number, colour, _label in _CLASS_COLOURS[:-1]
                                                     for part in (number, colour)), _CLASS_COLOURS[-1][1]],
    }},),
    legend=tuple(LegendItem(colour, label) for _number, colour, label in _CLASS_COLOURS),
    card=f"{_REGISTERED}.component_card",
)  # fmt: skip
_NETWORK_COLOURS = (
    ("water", "--map-main-water", _("Water")), ("sewer", "--map-main-sewer", _("Sewer")),
    ("storm", "--map-water-line", _("Rainwater")), ("gas", "--map-main-gas", _("Gas")),
    ("power", "--map-valve", _("Power")), ("heat", "--map-place-care", _("Heating")),
    ("telecom", "--map-place", _("Telecom")),
)  # fmt: skip
NETWORKS = Layer(
    key="networks", label=_("Utility networks, from files"), kind="tile", source=f"{_REGISTERED}.networks", order=74,
    section="works", is_on=False, min_zoom=15, revision=f"{_REGISTERED}.revision",
    style=(_line(["match", ["get", "network"], *(part for name, colour, _label in _NETWORK_COLOURS[:-1]
                                                for part in (name, colour)), _NETWORK_COLOURS[-1][1]],
                 _grows(15, 1.4, 18, 4)),),
    legend=tuple(LegendItem(colour, label) for _name, colour, label in _NETWORK_COLOURS),
    card=f"{_REGISTERED}.main_card",
)  # fmt: skip
FITTINGS = Layer(
    key="fittings", label=_("Fittings of networks, from files"), kind="tile", source=f"{_REGISTERED}.fittings",
    order=76, section="works", is_on=False, min_zoom=16, revision=f"{_REGISTERED}.revision",
    style=({"type": "circle", "paint": {
        "circle-color": "--map-halo", "circle-stroke-color": "--map-valve", "circle-stroke-width": 1.5,
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 16, 2.5, 18, 5],
    }},),
    legend=(LegendItem("--map-valve", _("Valve, chamber, pump or another fitting")),),
    card=f"{_REGISTERED}.fitting_card",
)  # fmt: skip
COUNTED_FROM = {
    "organisations": _("companies from the register of organisations: {count}"),
    "buildings": _("companies: {count} buildings that companies use stand in, since no organisation has a place yet"),
    "components": _("components from the register of city components: {count}"),
    "valves": _("components: {count} valves stand in, since no component is registered yet"),
}  # fmt: skip
"""What a plan's loads of companies and components were counted from."""
ZONE_REASONS = {
    "heavy_cell": _("one cell alone is too heavy"),
    "pieces": _("its subdistrict lies in pieces"),
    "left_over": _("heavy cells of the subdistrict leave the others too little"),
    "rounding": _("whole cells do not add up"),
}
"""Why a zone is not within a tenth of its subdistrict's mean."""

DISPLAY = Display(
    pages=(
        Page("zones", _("Work zones"), "city", 20), Page("registers", _("Registers"), "work", 70),
        Page("register-folder", _("Files that arrive"), "work", 71),
        Page("disagreements", _("Disagreements"), "work", 72),
        Page("people", _("People in files"), "work", 73, roles=SEARCHERS,
             why_not=_("What files said of people is looked up by data stewards and the data protection officer.")),
        Page("corrections", _("Requests for corrections"), "work", 73, frozenset({"steward"}), _("For data stewards.")),
        Page("pairs", _("Pairs of entries"), "work", 74),
    ),
    layers=(LAND, DENSITY, BUILDINGS, ROADS, AREAS, ZONES, PLACES, SHELTERS, MAINS, VALVES, COMPONENTS, NETWORKS,
            FITTINGS),
    searches=(
        Search("places", _("Places and streets"), "cityloom.registers.layers.search.find", 20, is_public=True),
        Search("addresses", _("Addresses and buildings"), "cityloom.registers.layers.search.addresses", 30,
               is_public=True),
        Search("organisations", _("Organisations"), "cityloom.registers.layers.search.organisations", 35),
        Search("registers", _("Entries of registers"), "cityloom.registers.layers.search.registers", 36),
    ),
)  # fmt: skip
