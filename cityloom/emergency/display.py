"""How an incident is shown: its map, and a name for everything that happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import shapely
from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from cityloom.ui.domain.declared import Display, KeyFigure, LegendItem, Outlook, Search, WorkList
from cityloom.ui.domain.declared import Layer as Declared
from cityloom.ui.ground import BBox, Ground, ground_layers
from cityloom.ui.svgmap import Layer, Words, draw

MOMENTS = {
    "DetectionRaised": gettext_noop("The signals add up to a detection"),
    "IncidentOpened": gettext_noop("Incident opened"),
    "ProposalReady": gettext_noop("Proposal ready: it waits for approval"),
    "EvacuationApproved": gettext_noop("Evacuation approved by the commander"),
    "AlertApproved": gettext_noop("Alert approved by a second person"),
    "ProposalSentBack": gettext_noop("Proposal sent back"),
    "NoticeSent": gettext_noop("Notice sent"),
    "NoticeAcknowledged": gettext_noop("Notice acknowledged"),
    "NoticeEscalated": gettext_noop("Notice escalated: no answer within a minute"),
    "TasksAssigned": gettext_noop("Tasks given to workers"),
    "TasksDelivered": gettext_noop("Tasks received by workers"),
    "TasksAccepted": gettext_noop("Workers at the door"),
    "TaskFinished": gettext_noop("Task ended"),
    "AlertIssued": gettext_noop("Alert issued"),
    "AlertDelivered": gettext_noop("Alert delivered"),
    "AlertUndeliverable": gettext_noop("Alert could not be delivered"),
    "PublicWarned": gettext_noop("Public warned"),
    "HelpCompleted": gettext_noop("Everyone who needed help was visited"),
    "IncidentUpdated": gettext_noop("A changed zone waits for approval"),
    "IncidentClosed": gettext_noop("All clear: incident closed"),
    "IncidentCancelled": gettext_noop("Incident cancelled"),
    "EntryWritten": gettext_noop("Entry in the log"),
}
FIGURES = {
    "buildings": gettext_noop("Buildings"), "dwellings": gettext_noop("Dwellings"),
    "households": gettext_noop("Households"), "people_night": gettext_noop("People by night"),
    "people_day": gettext_noop("People by day"), "needing_help": gettext_noop("Need help to leave"),
    "schools": gettext_noop("Schools"), "hospitals": gettext_noop("Hospitals and homes"),
    "streets": gettext_noop("Streets to close"), "valves": gettext_noop("Valves to shut"),
    "phones_inside": gettext_noop("Phones in the zone (estimate)"),
    "phones_overshoot": gettext_noop("Phones outside that ring too (estimate)"),
    "shelters_used": gettext_noop("Shelters used"), "placed_households": gettext_noop("Households with a place"),
    "unplaced_households": gettext_noop("Households without a place"),
    "longest_walk_m": gettext_noop("Longest walk, m"),
}  # fmt: skip
FIRST_FIGURES = frozenset({
    "buildings", "households", "people_night", "people_day", "needing_help", "unplaced_households"
})  # fmt: skip
"""What whoever decides looks at first; the others are a click away."""
LANES = {
    "waiting": gettext_noop("Waiting for a worker"), "assigned": gettext_noop("Given"),
    "delivered": gettext_noop("With the worker"), "accepted": gettext_noop("At the door"), "done": gettext_noop("Done"),
    "unable": gettext_noop("Needs other help"), "cancelled": gettext_noop("Not needed any more"),
}  # fmt: skip
HANDLING = {
    "message_type": gettext_noop("Kind of message"), "urgency": gettext_noop("Urgency"),
    "severity": gettext_noop("Severity"), "certainty": gettext_noop("Certainty"), "response": gettext_noop("Response"),
    "headline": gettext_noop("Headline"), "description": gettext_noop("Description"),
    "instruction": gettext_noop("Instruction"), "area": gettext_noop("Area"), "en": gettext_noop("English"),
    "zh-Hans": gettext_noop("Chinese"),
}  # fmt: skip
CAP_VALUES = (
    gettext_noop("Immediate"), gettext_noop("Past"), gettext_noop("Extreme"), gettext_noop("Minor"),
    gettext_noop("Observed"), gettext_noop("Unlikely"), gettext_noop("Evacuate"), gettext_noop("AllClear"),
)  # fmt: skip
"""What CAP 1.2 calls urgency, severity, certainty and response; English keeps the standard's own words."""
_ABOVE = {
    "zone": ("zone", gettext_noop("Zone to leave")), "buildings": ("evacuated", gettext_noop("Buildings to leave")),
    "streets": ("closed-street", gettext_noop("Closed streets")), "hazard": ("hazard", gettext_noop("Danger")),
    "routes": ("route", gettext_noop("Ways to shelters")), "shelters": ("shelter", gettext_noop("Shelters")),
}  # fmt: skip
_RINGS = ("ring-1", "ring-2", "ring-3")


class Named(Protocol):
    """One layer of `emergency.queries.map_layers`."""

    @property
    def name(self) -> str: ...
    @property
    def geometries(self) -> Sequence[shapely.Geometry]: ...
    @property
    def labels(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class MapFacts:
    """What is written on the map of an incident."""

    title: str
    is_exercise: bool
    is_synthetic: bool
    attribution: str
    counts: Mapping[str, int]


def draw_map(ground: Ground, situation: Sequence[Named], alert_area: Sequence[shapely.Geometry], bbox: BBox,
             facts: MapFacts, *, size: tuple[int, int] = (960, 680), key: str = "incident") -> str:  # fmt: skip
    """The map of an incident as SVG: the city below, the danger and the way out above."""
    layers = [*ground_layers(ground), *_situation(situation)]
    if len(alert_area):
        layers.append(Layer("alert-area", alert_area, legend=_("Area of the alert")))
    return draw(layers, bbox=bbox, words=_words(facts), size=size, key=key)


def _situation(situation: Sequence[Named]) -> list[Layer]:
    layers: list[Layer] = []
    for part in situation:
        if part.name == "rings":
            layers += [Layer(_RINGS[min(phase, 2)], [ring]) for phase, ring in enumerate(part.geometries)]
        elif part.name in _ABOVE:
            style, legend = _ABOVE[part.name]
            layers.append(Layer(style, part.geometries, part.labels, _(legend)))
    return layers


def _words(facts: MapFacts) -> Words:
    counts = facts.counts
    sentence = _("Map of the danger and of the zone to leave: {buildings} buildings, {households} households.")
    description = sentence.format(buildings=counts.get("buildings", 0), households=counts.get("households", 0))
    marks = [_("EXERCISE")] * facts.is_exercise + [_("SYNTHETIC DATA")] * facts.is_synthetic
    return Words(facts.title, description, facts.attribution, " · ".join(marks))


_HERE = "cityloom.emergency.layers"
_EVENTS = frozenset({
    "IncidentOpened", "ProposalReady", "EvacuationApproved", "AlertApproved", "ProposalSentBack", "IncidentUpdated",
    "PublicWarned", "HelpCompleted", "IncidentClosed", "IncidentCancelled",
})  # fmt: skip
_PLANNED = ["==", ["get", "state"], "planned"]
_FAINT = ["case", _PLANNED, 0.8, 1]


def _part(name: str) -> list[object]:
    return ["==", ["get", "part"], name]


def in_words(place: Mapping[str, str]) -> str:
    """A place in the reader's language, else in English."""
    return place.get("zh-Hans" if get_language() == "zh-hans" else "en") or place.get("en", "")


def decision_words(state: str, place: Mapping[str, str]) -> str:
    """What is to be decided on an incident in a state."""
    words = {
        "proposed": _("Approve the evacuation, or send it back: {place}"),
        "ordered": _("Approve the alert as the second person: {place}"),
        "clearing": _("Approve the last alert as the second person: {place}"),
    }
    return words.get(state, _("A decision: {place}")).format(place=in_words(place))


def _published_by(name: str) -> str:
    """The capability that publishes what MOMENTS names."""
    if name == "DetectionRaised":
        return "detection"
    if name.startswith("Task"):
        return "fieldwork"
    return "alerts" if name in ("AlertIssued", "AlertDelivered", "AlertUndeliverable") else "emergency"


_DECISIONS = frozenset({"ProposalReady", "EvacuationApproved", "AlertApproved", "ProposalSentBack", "IncidentUpdated",
                        "IncidentClosed", "IncidentCancelled"})  # fmt: skip
DISPLAY = Display(
    layers=(
        Declared(
            key="zones", label=gettext_noop("Danger and zone to leave"), kind="live", source=f"{_HERE}.zones",
            section="situation", order=130, events=_EVENTS, card=f"{_HERE}.card",
            style=(
                {"type": "fill", "filter": _part("zone"),
                 "paint": {"fill-color": "--map-zone", "fill-opacity": 0.2}},
                *({"type": "fill", "filter": _part(ring),
                   "paint": {"fill-color": f"--map-{ring}", "fill-opacity": 0.26}} for ring in reversed(_RINGS)),
                *({"type": "line", "filter": _part(ring), "paint": {"line-color": f"--map-{ring}", "line-width": 1.4}}
                  for ring in reversed(_RINGS)),
                {"type": "line", "filter": ["all", _part("zone"), _PLANNED],
                 "paint": {"line-color": "--map-zone", "line-width": 3, "line-dasharray": [2.4, 1.4]}},
                {"type": "line", "filter": ["all", _part("zone"), ["!", _PLANNED]],
                 "paint": {"line-color": "--map-zone", "line-width": 3.4}},
                {"type": "fill", "filter": _part("hazard"),
                 "paint": {"fill-color": "--map-hazard", "fill-opacity": 0.45}},
                {"type": "line", "filter": _part("hazard"), "paint": {"line-color": "--map-hazard", "line-width": 2.6}},
            ),
            legend=(
                LegendItem("--map-hazard", gettext_noop("Danger")),
                LegendItem("--map-ring-1", gettext_noop("First to leave")),
                LegendItem("--map-ring-2", gettext_noop("Second to leave")),
                LegendItem("--map-ring-3", gettext_noop("Third to leave")),
                LegendItem("--map-zone", gettext_noop("Zone to leave; broken until it is approved")),
            ),
        ),
        Declared(
            key="closed-streets", label=gettext_noop("Streets to close"), kind="live", source=f"{_HERE}.streets",
            section="situation", order=140, events=_EVENTS, card=f"{_HERE}.card",
            style=(
                {"type": "line", "layout": {"line-cap": "butt"}, "paint": {
                    "line-color": "--map-closed-street", "line-opacity": _FAINT,
                    "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 12, 2, 15, 5, 18, 14]}},
                {"type": "line", "paint": {
                    "line-color": "--map-halo", "line-dasharray": [2, 2],
                    "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 12, 0.7, 15, 1.8, 18, 5]}},
            ),
            legend=(LegendItem("--map-closed-street", gettext_noop("Street to close")),),
        ),
        Declared(
            key="routes", label=gettext_noop("Ways to shelters"), kind="live", source=f"{_HERE}.routes",
            section="situation", order=150, events=_EVENTS, card=f"{_HERE}.card",
            style=(
                {"type": "line", "layout": {"line-cap": "round", "line-join": "round"},
                 "paint": {"line-color": "--map-halo", "line-width": 7, "line-opacity": 0.9}},
                {"type": "line", "layout": {"line-cap": "round", "line-join": "round"},
                 "paint": {"line-color": "--map-route", "line-width": 4, "line-opacity": _FAINT}},
            ),
            legend=(LegendItem("--map-route", gettext_noop("Way on foot to a shelter")),),
        ),
        Declared(
            key="shelters", label=gettext_noop("Shelters filling up"), kind="live", source=f"{_HERE}.shelters",
            section="situation", order=160, events=_EVENTS, card="cityloom.emergency.layers.shelter_card",
            style=(
                {"type": "circle", "paint": {
                    "circle-color": ["match", ["get", "state"], "full", "--map-shelter-full", "--map-shelter"],
                    "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 4, 15, 9],
                    "circle-stroke-color": "--map-point-line", "circle-stroke-width": 2}},
                {"type": "symbol", "minzoom": 14, "layout": {
                    "text-field": ["concat", ["get", "title"], "\n", ["to-string", ["get", "people"]], " / ",
                                   ["to-string", ["get", "places"]]],
                    "text-size": 12, "text-anchor": "top", "text-offset": [0, 0.9], "text-max-width": 10},
                 "paint": {"text-color": "--map-text", "text-halo-color": "--map-halo", "text-halo-width": 1.6}},
            ),
            legend=(
                LegendItem("--map-shelter", gettext_noop("Shelter with room: people sent there / places")),
                LegendItem("--map-shelter-full", gettext_noop("Full shelter")),
            ),
        ),
        Declared(
            key="incidents", label=gettext_noop("Incidents"), kind="live", source=f"{_HERE}.incidents",
            section="situation", order=190, events=_EVENTS, card=f"{_HERE}.card",
            style=(
                {"type": "circle", "paint": {
                    "circle-color": ["case", ["get", "exercise"], "--map-incident-exercise", "--map-incident"],
                    "circle-radius": ["interpolate", ["linear"], ["zoom"], 11, 8, 14, 9, 17, 12],
                    "circle-stroke-color": "--map-point-line", "circle-stroke-width": 2.6}},
                {"type": "symbol", "minzoom": 11, "layout": {
                    "text-field": ["get", "title"], "text-size": 13, "text-anchor": "top", "text-offset": [0, 1],
                    "text-optional": True},
                 "paint": {"text-color": "--map-text", "text-halo-color": "--map-halo", "text-halo-width": 1.8}},
            ),
            legend=(
                LegendItem("--map-incident", gettext_noop("Incident")),
                LegendItem("--map-incident-exercise", gettext_noop("Incident of an exercise")),
            ),
        ),
    ),
    searches=(Search("incidents", gettext_noop("Incidents"), f"{_HERE}.search", order=10),),
    figures=(
        KeyFigure(
            key="open-incidents", label=gettext_noop("Open incidents"), order=10,
            definition=gettext_noop("Incidents that are neither closed nor cancelled, at each full hour of a day."
                                    " Exercises are not counted."),
            source="cityloom.emergency.queries.open_incident_count",
            events=frozenset({"IncidentOpened", "IncidentClosed", "IncidentCancelled"}),
        ),
        KeyFigure(
            key="minutes-to-order", label=gettext_noop("From first signal to order"), unit=gettext_noop("min"),
            order=60, definition=gettext_noop("The median, over the first orders of the last 30 days, of the time from"
                                              " the first signal of an incident to the commander's approval."
                                              " Exercises are not counted."),
            source="cityloom.emergency.queries.minutes_to_order", events=frozenset({"EvacuationApproved"}),
        ),
    ),
    outlooks=(
        Outlook("incidents", gettext_noop("Open incidents"), "cityloom.emergency.figures.outlook.risks", 10,
                gettext_noop("No incident is open.")),
    ),
    work=(
        WorkList(
            key="decisions", label=gettext_noop("Decisions"), source="cityloom.emergency.queries.decisions_to_take",
            order=10, roles=frozenset({"commander", "alert-approver"}),
            events=_DECISIONS | {"IncidentOpened"},
        ),
        WorkList(
            key="notices", label=gettext_noop("Notices to my department"), order=20,
            source="cityloom.emergency.queries.notices_to_answer",
            roles=frozenset(f"department-{name}" for name in ("fire", "police", "traffic", "water", "gas")),
            events=frozenset({"NoticeSent", "NoticeAcknowledged", "NoticeEscalated", "IncidentClosed"}),
        ),
    ),
    moments={f"cityloom.{_published_by(name)}.{name}.v1": words for name, words in MOMENTS.items()},
)  # fmt: skip
