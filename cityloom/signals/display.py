"""What sensors, calls and scenes declare to the user interface: the map, the search, figures and pages."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cityloom.signals import policies
from cityloom.ui.domain.declared import Display, KeyFigure, Layer, LegendItem, Page, Search, Service, Watch

_HERE = "cityloom.signals.layers"
KINDS = {
    "pressure": _("Pressure in a water main"), "flow": _("Flow in a water main"),
    "settlement": _("Settlement of the ground"), "traffic_speed": _("Speed of traffic"), "rain": _("Rain"),
    "camera": _("Scenes on the street"), "level": _("Level of a water tank"),
    "water_level": _("Level of water outdoors"), "methane": _("Methane in a chamber"),
    "gas_pressure": _("Pressure in a gas main"), "wind_speed": _("Speed of the wind"),
    "wind_from": _("Where the wind comes from"), "air_temperature": _("Temperature of the air"),
    "relative_humidity": _("Humidity of the air"), "air_pressure": _("Pressure of the air"),
}  # fmt: skip
CATEGORIES = {
    "ground-collapse": _("Ground collapse"), "road-damage": _("Damaged road"),
    "building-crack": _("Crack in a building"), "water-leak": _("Water leak"), "gas-smell": _("Smell of gas"),
    "fire": _("Fire"), "flooding": _("Flooding"), "noise": _("Noise"), "traffic-jam": _("Traffic jam"),
    "gas-leak": _("Smell of gas"), "flood": _("Flooding"), "power-line": _("Power line down"),
    "traffic-light": _("Traffic light or sign"), "street-light": _("Street light"), "fallen-tree": _("Fallen tree"),
    "rubbish": _("Rubbish"), "something-else": _("Something else"),
}  # fmt: skip


def kind_word(kind: str) -> str:
    """What a kind of datastream measures, in the reader's language."""
    return gettext(KINDS[kind]) if kind in KINDS else kind


def category_word(category: str) -> str:
    """What a call or a scene is about; the word itself made readable where it has no other name."""
    return gettext(CATEGORIES[category]) if category in CATEGORIES else category.replace("-", " ").capitalize()


_POINT = {"circle-stroke-color": "--map-point-line", "circle-stroke-width": 1.2}
_GREY = {"circle-color": "--map-sensor-off"}
_GROWS = ["interpolate", ["linear"], ["zoom"], 14, 1.5, 15, 2.5, 17, 5, 19, 8]
_FINE = {"circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 14, 0, 16, 1.2]}

WORDS = {
    "ground-collapse": _("The ground or the road has caved in"),
    "gas-leak": _("It smells of gas"), "fire": _("Something burns or smokes"),
    "flood": _("Water stands or rises"),
    "power-line": _("A power line is down or sparks"),
    "building-crack": _("A building has cracks or leans"),
    "road-damage": _("The road or pavement is damaged"),
    "water-leak": _("Water leaks, or the tap runs dry"),
    "traffic-light": _("A traffic light or sign is broken"),
    "street-light": _("A street light is out"), "fallen-tree": _("A tree or branch has fallen"),
    "rubbish": _("Rubbish lies about"), "noise": _("It is too loud"),
    "traffic-jam": _("Traffic stands still"), "service": _("An office or a service of the city"),
    "something-else": _("Something else"),
}  # fmt: skip
"""What each category is called by those who report it."""

DISPLAY = Display(
    pages=(
        Page("reports", _("Reports by residents"), "work", 60, policies.READERS,
             _("For duty officers, case handlers and supervisors.")),
        Page("sensors", _("Sensors"), "people", 60, is_public=True),
    ),
    layers=(
        Layer(
            key="sensors", label=_("Sensors"), kind="tile", source=f"{_HERE}.sensors", section="signals", order=110,
            is_public=True, min_zoom=14, card=f"{_HERE}.sensor_card",
            style=({"type": "circle", "paint": _POINT | _GREY | _FINE | {"circle-radius": _GROWS}},),
            legend=(LegendItem("--map-sensor-off", _("Sensor")),),
        ),
        Layer(
            key="sensor-states", label=_("Sensors that speak or are silent"), kind="live", source=f"{_HERE}.states",
            section="signals", order=112, card=f"{_HERE}.sensor_card", events=frozenset({"SignalsRecorded"}),
            min_zoom=12,
            style=({"type": "circle", "paint": _POINT | {
                "circle-radius": _GROWS,
                "circle-color": ["match", ["get", "state"], "speaking", "--map-sensor", "silent",
                                 "--map-sensor-silent", "--map-sensor-off"],
            }},),
            legend=(
                LegendItem("--map-sensor", _("Speaks")), LegendItem("--map-sensor-silent", _("Silent for too long")),
            ),
        ),
        Layer(
            key="reports", label=_("Calls and reports of the last day"), kind="live", source=f"{_HERE}.reports",
            section="signals", order=120, card=f"{_HERE}.report_card", events=frozenset({"SignalsRecorded"}),
            style=({"type": "circle", "paint": _POINT | {"circle-color": "--map-report", "circle-radius": 6}},),
            legend=(LegendItem("--map-report", _("Call")),),
        ),
        Layer(
            key="scenes", label=_("Scenes seen by cameras"), kind="live", source=f"{_HERE}.scenes", section="signals",
            order=122, card=f"{_HERE}.scene_card", events=frozenset({"SignalsRecorded"}),
            style=({"type": "circle", "paint": _POINT | {"circle-color": "--map-scene", "circle-radius": 6}},),
            legend=(LegendItem("--map-scene", _("Scene")),),
        ),
    ),
    searches=(Search("sensors", _("Sensors"), f"{_HERE}.search", order=40, is_public=True),),
    watches=(
        Watch("sensors", _("Sensors"), "cityloom.signals.queries.sensor_faults", 25,
              _("Every sensor that spoke in this day still does.")),
    ),
    figures=(
        KeyFigure(
            key="sensors-in-service", label=_("Sensors in service"), order=40, is_public=True,
            definition=_("Sensors whose readings count; those that were taken out of service are not in it."),
            source="cityloom.signals.queries.sensors_in_service", url_name="sensors",
        ),
        KeyFigure(
            key="reports-of-a-day", label=_("Problems reported in the last 24 hours"), order=45,
            definition=_("Calls and reports by residents, each once, without drills. They are counted by"
                         " place and kind, never by who reported."),
            source="cityloom.signals.queries.reports_of_a_day", is_public=True,
        ),
    ),
    services=(
        Service(
            key="sensors", url_name="sensors", event="city", order=10,
            title=_("See which sensors stand in my street"),
            summary=_("What each measures and what it does not, whose it is, how long readings are kept."),
            words=("sensor", "camera", "CCTV", "surveillance", "recording", "monitor", "measuring", "microphone",
                   "传感器", "摄像头", "监控", "探头", "录像", "测量"),
        ),
    ),
)  # fmt: skip
