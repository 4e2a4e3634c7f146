"""What detection declares to the user interface, and its words."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cityloom.detection import policies
from cityloom.detection.domain.judging import CONFIRMED, DUPLICATE, FALSE
from cityloom.detection.events import (
    DetectionJudged,
    MissNoted,
    MissWithdrawn,
    RulesPutInForce,
    RulesWithdrawn,
    SensorFailed,
    SensorRecovered,
)  # fmt: skip
from cityloom.kernel.envelope import type_of
from cityloom.ui.domain.declared import Display, Layer, LegendItem, Outlook, Page, WorkList

_HERE = "cityloom.detection.layers"
CATEGORIES = {
    "ground-collapse": _("Ground collapse"), "pipe-burst": _("Pipe burst"), "leak": _("Water leak"),
    "gas-leak": _("Gas leak"), "flooding": _("Flooding"), "traffic-incident": _("Traffic incident"),
    "sensor-fault": _("Sensor fault"),
}  # fmt: skip
MISSED_BY = {
    "call": _("a call"), "report": _("a resident's report"), "crew": _("a crew on the spot"),
    "inspection": _("an inspection"), "department": _("a department"), "media": _("the news"),
    "incident": _("an incident opened without a detection"),
}  # fmt: skip
"""How what was missed became known."""
MATTERS = {"incident": _("Incident"), "case": _("Case")}
"""What a detection led to, by the name of its page."""
VERDICTS = {CONFIRMED: _("It was real"), FALSE: _("A false alarm"), DUPLICATE: _("A duplicate")}
STATES = {CONFIRMED: "good", FALSE: "bad", DUPLICATE: "", "": "wait"}
"""The look of a verdict."""
HEALTH = {
    "in_service": (_("in service"), "good"), "silent": (_("silent"), "bad"), "stuck": (_("stuck"), "bad"),
    "drifting": (_("drifting"), "wait"), "noisy": (_("noisy"), "wait"), "out_of_range": (_("out of range"), "bad"),
    "out": (_("out of service"), ""), "unknown": (_("not known yet"), ""),
}  # fmt: skip
"""The words of a sensor's states, and their look."""
KINDS = {
    "pressure": _("Water pressure"), "flow": _("Flow in a water main"), "settlement": _("Settlement of the ground"),
    "traffic_speed": _("Speed of traffic"), "rain": _("Rain"), "call": _("Residents' calls"),
    "scene": _("Camera scenes"), "camera": _("Scenes on the street"), "level": _("Water level in a tank"),
    "water_level": _("Water level"), "methane": _("Methane in a chamber"), "gas_pressure": _("Gas pressure"),
    "wind_speed": _("Speed of the wind"), "wind_from": _("Where the wind comes from"),
    "air_temperature": _("Temperature of the air"), "relative_humidity": _("Humidity of the air"),
    "air_pressure": _("Pressure of the air"),
}  # fmt: skip


def category_word(category: str) -> str:
    """What a detection is of; a category that has no name here is made readable."""
    return gettext(CATEGORIES[category]) if category in CATEGORIES else category.replace("-", " ").capitalize()


def verdict_word(verdict: str) -> str:
    """What a verdict is called; "" is not judged yet."""
    return gettext(VERDICTS[verdict]) if verdict in VERDICTS else gettext("not judged yet")


def state_word(state: str) -> str:
    """How a sensor does."""
    return gettext(HEALTH[state][0])


def kind_word(kind: str) -> str:
    """What a kind of source measures or tells."""
    return gettext(KINDS[kind]) if kind in KINDS else kind.replace("_", " ").capitalize()


_POINT = {"circle-stroke-color": "--map-point-line", "circle-stroke-width": 1.5, "circle-radius": 8}
_COLOURS = {
    "in_service": "--map-sensor", "silent": "--map-sensor-silent", "out_of_range": "--map-incident",
    "stuck": "--map-task-open", "drifting": "--map-scene", "noisy": "--map-scene",
}  # fmt: skip
DISPLAY = Display(
    pages=(
        Page("detections", _("Detections"), "now", 30),
        Page("sensor-list", _("State of the sensors"), "city", 30),
        Page("rule-packs", _("Rule packs"), "city", 40),
        Page("scorecard", _("Scorecard of detections"), "oversight", 60),
    ),
    layers=(
        Layer(
            key="detections", label=_("Detections of the last day"), kind="live", source=f"{_HERE}.detections",
            section="signals", order=124, card=f"{_HERE}.card",
            events=frozenset({"DetectionRaised", "DetectionJudged"}),
            style=({"type": "circle", "paint": _POINT | {
                "circle-color": ["match", ["get", "state"], "false", "--map-sensor-off", "--map-incident"],
                "circle-opacity": ["match", ["get", "state"], "duplicate", 0.5, 1],
            }},),
            legend=(
                LegendItem("--map-incident", _("Detection")), LegendItem("--map-sensor-off", _("A false alarm")),
            ),
        ),
        Layer(
            key="sensor-faults", label=_("Sensors that fail"), kind="live", source=f"{_HERE}.failing",
            section="signals", order=114, card="cityloom.signals.layers.sensor_card",
            events=frozenset({"SensorFailed", "SensorRecovered"}),
            style=({"type": "circle", "paint": _POINT | {
                "circle-color": ["match", ["get", "state"], "silent", "--map-sensor-silent", "out_of_range",
                                 "--map-incident", "stuck", "--map-task-open", "--map-scene"],
                "circle-radius": 6,
            }},),
            legend=(
                LegendItem("--map-sensor-silent", _("silent")), LegendItem("--map-incident", _("out of range")),
                LegendItem("--map-task-open", _("stuck")), LegendItem("--map-scene", _("drifting or noisy")),
            ),
        ),
        Layer(
            key="sensor-list", label=_("Sensors by state"), kind="live", source=f"{_HERE}.listed", section="signals",
            order=115, card="cityloom.signals.layers.sensor_card", is_on=False, asks=("kind", "state", "unit"),
            events=frozenset({"SensorFailed", "SensorRecovered"}),
            style=({"type": "circle", "paint": _POINT | {"circle-radius": 6, "circle-color": [
                "match", ["get", "state"], *(part for state, colour in _COLOURS.items() for part in (state, colour)),
                "--map-sensor-off",
            ]}},),
            legend=(
                LegendItem("--map-sensor", _("in service")), LegendItem("--map-sensor-silent", _("silent")),
                LegendItem("--map-incident", _("out of range")), LegendItem("--map-task-open", _("stuck")),
                LegendItem("--map-scene", _("drifting or noisy")),
                LegendItem("--map-sensor-off", _("out of service, or not known yet")),
            ),
        ),
    ),
    outlooks=(
        Outlook("detections", _("What was detected"), "cityloom.detection.figures.outlook.risks", 20,
                _("Nothing that was detected waits to be judged.")),
        Outlook("silent-sensors", _("Sensors that fail"), "cityloom.detection.figures.outlook.silent", 60,
                _("No watched sensor is known to fail.")),
    ),
    work=(
        WorkList("detections-to-judge", _("Detections to judge"), f"{_HERE}.to_judge", 40, policies.JUDGES,
                 events=frozenset({"DetectionRaised", "DetectionJudged"})),
    ),
    moments={
        type_of(DetectionJudged): _("A detection is judged"), type_of(SensorFailed): _("A sensor has failed"),
        type_of(SensorRecovered): _("A sensor works again"),
        type_of(MissNoted): _("Something was not detected"), type_of(MissWithdrawn): _("A miss is taken back"),
        type_of(RulesPutInForce): _("Rules are put in force"), type_of(RulesWithdrawn): _("Rules are withdrawn"),
    },
)  # fmt: skip
