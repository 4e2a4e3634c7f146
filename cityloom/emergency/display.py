"""How an incident is shown: its map, and a name for everything that happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import shapely
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.ui.svgmap import Layer, Words, draw

BBox = tuple[float, float, float, float]

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
LANES = {
    "waiting": gettext_noop("Waiting for a worker"), "assigned": gettext_noop("Given"),
    "delivered": gettext_noop("Received"), "accepted": gettext_noop("At the door"), "done": gettext_noop("Done"),
    "unable": gettext_noop("Needs other help"), "cancelled": gettext_noop("Not needed any more"),
}  # fmt: skip
HANDLING = {
    "message_type": gettext_noop("Kind of message"), "urgency": gettext_noop("Urgency"),
    "severity": gettext_noop("Severity"), "certainty": gettext_noop("Certainty"), "response": gettext_noop("Response"),
    "headline": gettext_noop("Headline"), "description": gettext_noop("Description"),
    "instruction": gettext_noop("Instruction"), "area": gettext_noop("Area"), "en": gettext_noop("English"),
    "zh-Hans": gettext_noop("Chinese"),
}  # fmt: skip
_MAJOR = ("motorway", "trunk", "primary", "secondary", "tertiary", "arterial")
_MINOR_WAYS = ("footway", "path", "steps", "cycleway", "pedestrian", "track")
_ABOVE = {
    "zone": ("zone", gettext_noop("Zone to leave")), "buildings": ("evacuated", gettext_noop("Buildings to leave")),
    "streets": ("closed-street", gettext_noop("Closed streets")), "hazard": ("hazard", gettext_noop("Danger")),
    "routes": ("route", gettext_noop("Ways to shelters")), "shelters": ("shelter", gettext_noop("Shelters")),
}  # fmt: skip
_RINGS = ("ring-1", "ring-2", "ring-3")


class Ground(Protocol):
    """What lies below: `registers.queries.map_features`."""

    building: Sequence[shapely.Geometry]
    road: Sequence[shapely.Geometry]
    road_name: Sequence[str]
    road_kind: Sequence[str]
    water: Sequence[shapely.Geometry]
    green: Sequence[shapely.Geometry]


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
    layers = [*_ground(ground), *_situation(situation)]
    if len(alert_area):
        layers.append(Layer("alert-area", alert_area, legend=_("Area of the alert")))
    return draw(layers, bbox=bbox, words=_words(facts), size=size, key=key)


def with_margin(bbox: BBox, share: float = 0.08) -> BBox:
    """A bounding box with some room around it, never narrower than about 600 m."""
    west, south, east, north = bbox
    wide, tall = east - west, north - south
    x, y = max(wide * share, 0.003 - wide / 2), max(tall * share, 0.003 - tall / 2)
    return west - x, south - y, east + x, north + y


def _ground(ground: Ground) -> list[Layer]:
    kinds = [_road_style(kind) for kind in ground.road_kind]
    roads = [
        Layer(style, [road for road, kind in zip(ground.road, kinds, strict=True) if kind == style],
              [str(name) for name, kind in zip(ground.road_name, kinds, strict=True) if kind == style])
        for style in ("path", "road", "road-major")
    ]  # fmt: skip
    return [
        Layer("green", ground.green, legend=_("Parks")), Layer("water", ground.water, legend=_("Water")),
        Layer("building", ground.building, legend=_("Buildings")), *roads,
    ]  # fmt: skip


def _road_style(kind: str) -> str:
    base = kind.removesuffix("_link")
    return "road-major" if base in _MAJOR else "path" if base in _MINOR_WAYS else "road"


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
