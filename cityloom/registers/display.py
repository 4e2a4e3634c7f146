"""What the register declares to the user interface: the ground of the map."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

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


FIELDS = {
    "name": _("Name"), "kind": _("Kind"), "status": _("Status"), "address": _("Address"),
    "division": _("Administrative area"), "registered_on": _("Registered on"), "ended_on": _("Ended on"),
    "capital_fen": _("Registered capital"), "industry": _("Industry"), "owner": _("Owned by"), "lon": _("Longitude"),
    "lat": _("Latitude"), "representative": _("Legal representative"), "representative_id": _("Identity number"),
    "phone": _("Telephone"),
}  # fmt: skip
"""What fields of registers are called."""
VALUES = {
    "company": _("Company"), "branch": _("Branch"), "partnership": _("Partnership"),
    "sole-trader": _("Sole trader"), "cooperative": _("Cooperative"),
    "public-institution": _("Public institution"), "association": _("Association"), "active": _("Active"),
    "suspended": _("Suspended"), "revoked": _("Licence revoked"), "dissolved": _("Dissolved"),
    "moved-away": _("Moved away"), "unknown": _("Unknown"), "other": _("Other"),
}  # fmt: skip
"""What codes of registers are called."""


WHY = {
    "settled": _("a steward found it to be right"), "corrected": _("corrected at a resident's request"),
    "authoritative": _("the rules name it first"), "newest": _("its word is the newest"),
    "most-complete": _("its record is the fullest"), "only": _("nobody else says anything"),
    "nobody": _("only cross-checks say anything"),
}
"""Why a source is believed."""


ARRIVAL_STATES = {
    "waiting": _("waits until it is complete"), "work": _("is being loaded, or waits to be loaded again"),
    "done": _("loaded"), "refused": _("refused"),
}  # fmt: skip
"""What states of files that arrive are called."""
DISAGREEMENT_STATES = {
    "open": _("to be decided"), "settled": _("one is right"), "accepted": _("both may stand"),
    "ended": _("they agree again"),
}  # fmt: skip
"""What states of disagreements are called."""


def field_word(name: str) -> str:
    """What a field of a register is called in the reader's language."""
    return gettext(FIELDS[name]) if name in FIELDS else name


def value_word(name: str, value: object) -> str:
    """A value of a register in the reader's language."""
    if name == "capital_fen":
        return f"{int(str(value)) / 100:,.2f} CNY"
    return gettext(VALUES[str(value)]) if name in ("kind", "status") and value in VALUES else str(value)


_MAJOR = ["match", ["get", "kind"], ["motorway", "trunk", "primary", "secondary"], True, False]
_WAYS = ["match", ["get", "kind"], ["footway", "path", "steps", "cycleway", "track", "pedestrian"], True, False]
_STREETS = ["all", ["!", _MAJOR], ["!", _WAYS]]


def _grows(*stops: float) -> list[Any]:
    """A width that doubles with the scale: pairs of zoom and points."""
    return ["interpolate", ["exponential", 1.6], ["zoom"], *stops]


def _line(colour: str, width: list[Any], filters: list[Any] | None = None, **more: Any) -> dict[str, Any]:
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
    ),
    layers=(LAND, DENSITY, BUILDINGS, ROADS, AREAS, ZONES, PLACES, SHELTERS, MAINS, VALVES),
    searches=(
        Search("places", _("Places and streets"), "cityloom.registers.layers.search.find", 20, is_public=True),
        Search("addresses", _("Addresses and buildings"), "cityloom.registers.layers.search.addresses", 30,
               is_public=True),
        Search("organisations", _("Organisations"), "cityloom.registers.layers.search.organisations", 35),
    ),
)  # fmt: skip
