"""Questions about incidents, proposals, approvals and notices."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cityloom.alerts import queries as alerts
from cityloom.bus import queries as bus
from cityloom.detection import queries as detection
from cityloom.emergency import display, policies
from cityloom.emergency.domain import document as documents
from cityloom.emergency.domain import known, past, states
from cityloom.emergency.domain import zone as zones
from cityloom.emergency.domain.dossier import RESIDENT_KINDS
from cityloom.emergency.domain.plan import Buildings, Households, Roads, Shelters, Site, Surroundings
from cityloom.emergency.domain.zone import Parameters, Zone
from cityloom.emergency.models import Approval, Incident, Notice, Proposal, ResponseParameters, RoomEntry
from cityloom.fieldwork import queries as fieldwork
from cityloom.gate import queries as gate
from cityloom.kernel.actor import Actor
from cityloom.kernel.geometry import LocalProjection, centre, circle
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.registers.queries import Residents
from cityloom.ui.domain import series
from cityloom.ui.domain.declared import MOST_WORK, URGENCIES, Reading, Urgency, WorkItem

VALVE_REACH_M = 60.0
FIRST_REACH_M = 1_000.0
LAST_REACH_M = 6_000.0
ROOM_TO_CHOOSE = 1.5
"""The search for shelters widens until they have this many places a person."""
ROADS_BEYOND = 1.25
"""Roads reach farther than shelters, because ways on foot bend."""
M2_A_PLACE = 2.0
FALLBACK_SHARE = 0.5
"""How much of the floor of a building that was not made for it can take people: without walls, stairs and machines."""
_OWN_APPROVER = {"ordered": "approve-alert", "clearing": "approve-alert", "proposed": "approve"}


@dataclass(frozen=True)
class IncidentFacts:
    """An incident as others see it."""

    id: str
    exercise_id: str
    detection_id: str
    category: str
    state: str
    lon: float
    lat: float
    hazard_radius_m: float
    buffer_m: float
    ring_fractions: tuple[float, ...]
    scene_id: str
    place: dict[str, str]
    first_signal_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    revision: int


@dataclass(frozen=True)
class ApprovalFacts:
    """One account's agreement."""

    account_id: str
    role: str
    digest: str
    at: datetime


@dataclass(frozen=True)
class ProposalFacts:
    """A revision: `document` is what is approved, `plan` what it rests on (see docs/explanation/evacuation.md)."""

    id: str
    incident_id: str
    exercise_id: str
    revision: int
    purpose: str
    document: dict[str, Any]
    digest: str
    plan: dict[str, Any]
    proposed_by: str
    created_at: datetime
    sent_back_at: datetime | None
    sent_back_sealed: bytes
    approvals: tuple[ApprovalFacts, ...]


@dataclass(frozen=True)
class NoticeFacts:
    """What a department was asked; `asks` is a list of sentences for each language."""

    id: str
    incident_id: str
    proposal_id: str
    exercise_id: str
    department: str
    asks: dict[str, list[str]]
    scene_id: str
    state: str
    sent_at: datetime
    acknowledged_at: datetime | None
    escalated_at: datetime | None


@dataclass(frozen=True)
class EntryFacts:
    """An entry of an incident's log; `text` is None where it was not opened."""

    id: str
    role: str
    unit: str
    at: datetime
    text: str | None


@dataclass(frozen=True)
class Ending:
    """What ends with an incident."""

    grants: int
    people_in_grants: int
    open_tasks: int
    alerts_in_force: tuple[str, ...]
    departments: tuple[str, ...]


@dataclass(frozen=True)
class Moment:
    """One line of an incident's timeline: `what` is the name of the event, `seconds` count from the first signal."""

    at: datetime
    seconds: float
    what: str
    data: dict[str, Any]


@dataclass(frozen=True)
class MapLayer:
    """Geometries of one kind (WGS 84) for the map, with a name for each where there is one."""

    name: str
    geometries: tuple[shapely.Geometry, ...]
    labels: tuple[str, ...] = ()


def incident(incident_id: str) -> IncidentFacts:
    """An incident by its id.

    Raises: Refused `emergency.no_incident`.
    """
    return _facts(find_incident(incident_id))


def incidents_of(exercise_id: str) -> list[IncidentFacts]:
    """Every incident of an exercise ("" for the real city), oldest first."""
    return [_facts(row) for row in Incident.objects.filter(exercise_id=exercise_id).order_by("opened_at", "id")]


def known_matters(names: set[str]) -> dict[str, frozenset[str] | None]:
    """Which of these matters there are; None says that an incident is for whomever its commander names."""
    return dict.fromkeys(Incident.objects.filter(id__in=names - {""}).values_list("id", flat=True))


def open_incidents(exercise_id: str | None = None) -> list[IncidentFacts]:
    """Incidents that are not over, newest first; of every exercise and the real city, or of one."""
    rows = Incident.objects.exclude(state__in=states.FINAL)
    if exercise_id is not None:
        rows = rows.filter(exercise_id=exercise_id)
    return [_facts(row) for row in rows.order_by("-opened_at", "id")]


def has_open_incident() -> bool:
    """Whether any incident, real or of an exercise, is not over."""
    return Incident.objects.exclude(state__in=states.FINAL).exists()


def recent_incidents(most: int) -> list[IncidentFacts]:
    """The newest incidents of every exercise and the real city, over or not."""
    return [_facts(row) for row in Incident.objects.order_by("-opened_at", "id")[:most]]


def proposal(proposal_id: str) -> ProposalFacts:
    """A proposal by its id, its document read and checked against its digest.

    Raises: Refused `emergency.no_proposal` or `emergency.document_changed`.
    """
    row = Proposal.objects.filter(id=proposal_id).first()
    if row is None:
        raise Refused("emergency.no_proposal", "There is no proposal with that id; open the incident again.")
    return _proposal_facts(row)


def proposals_of(incident_id: str) -> list[ProposalFacts]:
    """Every revision for an incident, oldest first."""
    return [_proposal_facts(row) for row in Proposal.objects.filter(incident_id=incident_id).order_by("revision")]


def current_proposal(incident_id: str) -> ProposalFacts | None:
    """The newest revision, None before the first."""
    row = newest_proposal(incident_id)
    return _proposal_facts(row) if row else None


def revision_of(proposal_id: str) -> int:
    """The number of a revision; 0 for a proposal that there is not."""
    return Proposal.objects.filter(id=proposal_id).values_list("revision", flat=True).first() or 0


def approved_revisions(incident_id: str, role: str) -> list[int]:
    """The revisions of an evacuation that someone has approved in a role, in order."""
    found = Proposal.objects.filter(incident_id=incident_id, purpose="evacuation", approvals__role=role)
    return list(found.order_by("revision").values_list("revision", flat=True))


def notices_of(incident_id: str) -> list[NoticeFacts]:
    """Every notice for an incident, in the order of sending."""
    return [_notice_facts(row) for row in Notice.objects.filter(incident_id=incident_id).order_by("sent_at", "id")]


def notices_for(department: str) -> list[NoticeFacts]:
    """What a department was asked, newest first."""
    rows = Notice.objects.filter(department=department).order_by("-sent_at", "id")
    return [_notice_facts(row) for row in rows[:200]]


def timeline(incident_id: str) -> list[Moment]:
    """Everything that was published about an incident, with seconds since its first signal; no personal data."""
    row = find_incident(incident_id)
    return [
        Moment(e.time, round((e.time - row.first_signal_at).total_seconds(), 3), e.type.split(".")[-2], e.data)
        for e in bus.events_of(row.exercise_id)
        if e.data.get("incident_id") == incident_id or e.data.get("detection_id") == row.detection_id
    ]


def incident_known(incident_id: str, at: datetime) -> IncidentFacts:
    """An incident as it was known at an instant.

    Raises: Refused `emergency.no_incident`; `emergency.no_incident_yet` where nobody knew of it then.
    """
    facts = incident(incident_id)
    if at < facts.opened_at:
        raise Refused("emergency.no_incident_yet", "Nobody knew of this incident at {value}; look at a later moment.",
                      value=localtime(at).isoformat(" ", "seconds"))  # fmt: skip
    purposes = dict(Proposal.objects.filter(incident_id=incident_id).values_list("id", "purpose"))
    happened = [(m.what, purposes.get(m.data.get("proposal_id", ""), "")) for m in timeline(incident_id) if m.at <= at]
    closed_at = facts.closed_at if facts.closed_at and facts.closed_at <= at else None
    revision = Proposal.objects.filter(incident_id=incident_id, created_at__lte=at).count()
    return replace(facts, state=known.state_after(happened), closed_at=closed_at, revision=revision)


def proposals_known(incident_id: str, at: datetime) -> list[ProposalFacts]:
    """Every revision that there was at an instant, with what people had decided on it by then, oldest first."""
    return [_known_proposal(facts, at) for facts in proposals_of(incident_id) if facts.created_at <= at]


def entries_of(
    incident_id: str, *, by: Actor, at: datetime | None = None, role: str = "", most: int = 200
) -> list[EntryFacts]:
    """The log of an incident, newest first; the words only for those who work on it.

    Raises: Refused `gate.keeper_down` where they cannot be opened.
    """
    rows = RoomEntry.objects.filter(incident_id=incident_id).order_by("-at", "-id")
    rows = rows.filter(at__lte=at) if at else rows
    found = list((rows.filter(role=role) if role else rows)[:most])
    texts: Sequence[str | None] = [None] * len(found)
    if found and policies.writing_roles(by):
        texts = gate.open_texts(by=by, matter=incident_id, sealed=[bytes(row.sealed) for row in found])
    return [
        EntryFacts(row.id, row.role, row.unit, row.at, text) for row, text in zip(found, texts, strict=True)
    ]


def reason_of(facts: ProposalFacts, *, by: Actor) -> str | None:
    """Why a proposal was sent back, for those who work on its incident; None for others, and where there is no reason.

    Raises: Refused `gate.keeper_down` where it cannot be opened.
    """
    if not facts.sent_back_sealed or not policies.writing_roles(by):
        return None
    return gate.open_texts(by=by, matter=facts.incident_id, sealed=[facts.sent_back_sealed])[0]


def entry_heads(incident_id: str, at: datetime | None = None) -> list[EntryFacts]:
    """The log of an incident without its words, newest first: for a moment in which nothing can be opened."""
    rows = RoomEntry.objects.filter(incident_id=incident_id).order_by("-at", "-id")
    rows = rows.filter(at__lte=at) if at else rows
    return [EntryFacts(row.id, row.role, row.unit, row.at, None) for row in rows[:200]]


def ending_of(incident_id: str, at: datetime) -> Ending:
    """What an all clear or a cancellation of an incident would end."""
    row = find_incident(incident_id)
    grants, people = gate.live_grants(row.id, row.exercise_id, at)
    counts = fieldwork.counts_by_state(row.id)
    in_force = tuple(alert.identifier for alert in alerts.alerts_of(row.id) if alert.state == "issued")
    told = Notice.objects.filter(incident=row).order_by("department").values_list("department", flat=True)
    still_open = sum(counts[state] for state in ("waiting", "assigned", "delivered", "accepted"))
    return Ending(grants, people, still_open, in_force, tuple(dict.fromkeys(told)))


def may(actor: Actor, incident_id: str, action: str) -> tuple[bool, str]:
    """Whether an actor may do an action now, and the sentence that says why not ("" where they may)."""
    try:
        policies.check_can(action, standing_of(find_incident(incident_id)), actor)
    except Refused as refused:
        return False, refused.sentence
    return True, ""


def waiting_for(actor: Actor) -> list[IncidentFacts]:
    """Open incidents whose next decision this actor may take."""
    rows = Incident.objects.filter(state__in=_OWN_APPROVER).order_by("-opened_at", "id")
    return [_facts(row) for row in rows if may(actor, row.id, _OWN_APPROVER[row.state])[0]]


def decisions(exercise_id: str) -> str:
    """Everything that was decided in an exercise, as JSON without ids of records and without times.

    Two runs of one scenario give the same text. Buildings, shelters, segments and valves keep their ids: these belong
    to the city, not to the run.
    """
    body = [_decided(row) for row in Incident.objects.filter(exercise_id=exercise_id).order_by("opened_at", "id")]
    return json.dumps(body, ensure_ascii=False, sort_keys=True, indent=1)


def map_layers(incident_id: str) -> list[MapLayer]:
    """What the map of an incident shows, from the ground up."""
    row = find_incident(incident_id)
    newest = newest_proposal(incident_id, purpose="evacuation")
    hazard = circle(row.lon, row.lat, row.hazard_radius_m)
    if newest is None:
        return [MapLayer("hazard", (hazard,))]
    return [*_plan_layers(newest.plan), MapLayer("hazard", (hazard,))]


def map_bounds(incident_id: str) -> tuple[float, float, float, float]:
    """West, south, east, north of everything on an incident's map."""
    shapes = [shape for layer in map_layers(incident_id) for shape in layer.geometries]
    west, south, east, north = shapely.total_bounds(np.array(shapes, dtype=object)).tolist()
    return west, south, east, north


def find_incident(incident_id: str) -> Incident:
    """The record of an incident, for this capability's own rooms.

    Raises: Refused `emergency.no_incident`.
    """
    row = Incident.objects.filter(id=incident_id).first()
    if row is None:
        raise Refused("emergency.no_incident", "There is no incident with that id; open the list of incidents.")
    return row


def phones_reached(texts: Sequence[str], around: Surroundings) -> dict[str, int]:
    """About how many phones an alert for these polygons rings in the zone, and outside it."""
    area = shapely.union_all([alerts.polygon_from(text) for text in texts])
    inside = int(around.households.persons.sum())
    everybody = len(registers.residents_of(registers.buildings_touching(area)).subject)
    square_m = shapely.area(LocalProjection(*centre(area)).to_metres(area))
    found = alerts.estimate_phones(inside, max(everybody - inside, 0), area_m2=float(square_m))
    return {"phones_inside": found.inside, "phones_overshoot": found.overshoot}


def scene_of(row: Incident) -> str:
    """The scene that shows an incident: the one it was opened with, else the weightiest seen since; "" without any."""
    return row.scene_id or next(iter(detection.scenes_of(row.detection_id)), "")


def newest_proposal(incident_id: str, purpose: str = "") -> Proposal | None:
    """The record of the newest revision, of one purpose if given, for this capability's own rooms."""
    rows: QuerySet[Proposal] = Proposal.objects.filter(incident_id=incident_id).order_by("-revision")
    return (rows.filter(purpose=purpose) if purpose else rows).first()


def standing_of(row: Incident) -> policies.Standing:
    """Where an incident stands, as the policies want it."""
    newest = newest_proposal(row.id)
    given = dict(newest.approvals.values_list("role", "account_id")) if newest else {}
    return policies.Standing(row.state, newest.proposed_by if newest else "", given)


def surroundings_of(
    row: Incident, parameters: Parameters, shelter_radius_m: float | None, at: datetime
) -> Surroundings:
    """What stands around an incident, for this capability's own rooms; people come as counts only."""
    found = registers.buildings_touching(circle(row.lon, row.lat, parameters.radius_m))
    zone = zones.draw(row.lon, row.lat, parameters, found.footprint)
    residents = registers.residents_of(found)
    households = _households(residents)
    needs = gate.count_needs(
        residents.subject, purpose=gate.EMERGENCY, incident_id=row.id, exercise_id=row.exercise_id, at=at
    )
    people = len(residents.subject)
    around, reach_m = _shelters_for(row, zone, found.id, people, shelter_radius_m, parameters)
    return Surroundings(
        zone=zone, buildings=_buildings(found), households=households,
        needing_help=int(needs.needing_help.sum()), by_need={k: int(v.sum()) for k, v in needs.by_need.items()},
        roads=_roads(registers.road_graph(row.lon, row.lat, reach_m)), shelters=around,
        sites=[_site(one) for one in registers.places_in(zone.polygon, RESIDENT_KINDS)],
        valves=[_site(one) for one in registers.valves_for(zone.hazard, VALVE_REACH_M)],
    )  # fmt: skip


def parameters_of(exercise_id: str, category: str) -> Parameters:
    """What an evacuation for a category starts from, in an exercise or ("") in the real city."""
    row = ResponseParameters.objects.filter(exercise_id=exercise_id).first()
    given = (row.hazard_radius_m, row.buffer_m, row.ring_fractions) if row else (None, None, None)
    return zones.parameters_for(category, *given)


def taken_places(exercise_id: str, but_incident_id: str) -> dict[int, int]:
    """Places that other open incidents of the exercise have filled, by shelter."""
    taken: Counter[int] = Counter()
    others = Incident.objects.filter(exercise_id=exercise_id, state__in=("ordered", "warned", "clearing"))
    for row in others.exclude(id=but_incident_id):
        newest = newest_proposal(row.id, purpose="evacuation")
        taken.update({one["id"]: one["people"] for one in newest.plan["shelters"]} if newest else {})
    return dict(taken)


def _facts(row: Incident) -> IncidentFacts:
    return IncidentFacts(
        id=row.id, exercise_id=row.exercise_id, detection_id=row.detection_id, category=row.category, state=row.state,
        lon=row.lon, lat=row.lat, hazard_radius_m=row.hazard_radius_m, buffer_m=row.buffer_m,
        ring_fractions=tuple(row.ring_fractions), scene_id=scene_of(row), place=row.place,
        first_signal_at=row.first_signal_at, opened_at=row.opened_at, closed_at=row.closed_at, revision=row.revision,
    )  # fmt: skip


def _proposal_facts(row: Proposal) -> ProposalFacts:
    given = row.approvals.order_by("at", "role").values_list("account_id", "role", "digest", "at")
    return ProposalFacts(
        id=row.id, incident_id=row.incident_id, exercise_id=row.exercise_id, revision=row.revision,
        purpose=row.purpose, document=documents.read(row.document, row.digest), digest=row.digest, plan=row.plan,
        proposed_by=row.proposed_by, created_at=row.created_at, sent_back_at=row.sent_back_at,
        sent_back_sealed=bytes(row.sent_back_sealed), approvals=tuple(ApprovalFacts(*one) for one in given),
    )  # fmt: skip


def _known_proposal(facts: ProposalFacts, at: datetime) -> ProposalFacts:
    sent_back = facts.sent_back_at is not None and facts.sent_back_at <= at
    return replace(
        facts, approvals=tuple(one for one in facts.approvals if one.at <= at),
        sent_back_at=facts.sent_back_at if sent_back else None,
        sent_back_sealed=facts.sent_back_sealed if sent_back else b"",
    )  # fmt: skip


def _notice_facts(row: Notice) -> NoticeFacts:
    return NoticeFacts(
        id=row.id, incident_id=row.incident_id, proposal_id=row.proposal_id, exercise_id=row.exercise_id,
        department=row.department, asks=row.asks, scene_id=row.scene_id, state=row.state, sent_at=row.sent_at,
        acknowledged_at=row.acknowledged_at, escalated_at=row.escalated_at,
    )  # fmt: skip


_OF_THE_RUN = ("incident", "identifier", "references", "sent", "expires")
"""Fields of the document that differ from run to run."""


def _decided(row: Incident) -> dict[str, Any]:
    return {
        "category": row.category, "state": row.state, "lon": row.lon, "lat": row.lat, "place": row.place,
        "hazard_radius_m": row.hazard_radius_m, "buffer_m": row.buffer_m, "ring_fractions": row.ring_fractions,
        "proposals": [_decided_proposal(one) for one in row.proposals.order_by("revision")],
        "notices": list(row.notices.order_by("proposal__revision", "department").values("department", "asks", "state")),
    }  # fmt: skip


def _decided_proposal(row: Proposal) -> dict[str, Any]:
    facts = _proposal_facts(row)
    return {
        "revision": facts.revision, "purpose": facts.purpose, "plan": facts.plan,
        "document": {key: value for key, value in facts.document.items() if key not in _OF_THE_RUN},
        "approved_as": sorted(one.role for one in facts.approvals), "sent_back": bool(facts.sent_back_at),
    }  # fmt: skip


def _plan_layers(plan: dict[str, Any]) -> list[MapLayer]:
    zone = shapely.from_geojson(json.dumps(plan["zone"]))
    found = registers.buildings_touching(zone)
    in_zone = np.isin(found.id, np.array([i for ring in plan["rings"] for i in ring["building_ids"]], dtype=np.int64))
    streets = plan["streets"]
    shelters = [one for one in plan["shelters"] if one["people"]]
    return [
        MapLayer("zone", (zone,)),
        MapLayer("rings", tuple(shapely.from_geojson(json.dumps(ring["outline"])) for ring in plan["rings"])),
        MapLayer("buildings", tuple(found.footprint[in_zone])),
        MapLayer("streets", tuple(shapely.from_geojson(json.dumps(s["line"])) for s in streets),
                 tuple(s["names"]["en"] for s in streets)),
        MapLayer("routes", tuple(shapely.LineString(route["line"]) for route in plan["routes"])),
        MapLayer("shelters", tuple(shapely.Point(one["lon"], one["lat"]) for one in shelters),
                 tuple(one["name"] for one in shelters)),
    ]  # fmt: skip


def _shelters_for(
    row: Incident, zone: Zone, inside: NDArray[np.int64], people: int, fixed_m: float | None, parameters: Parameters
) -> tuple[Shelters, float]:
    """Shelters within a radius that grows until they have room to choose from, and how far the roads must reach."""
    radius_m = fixed_m or parameters.radius_m + FIRST_REACH_M
    while True:
        found = _free_shelters(row, radius_m)
        outside = ~np.isin(found.building_id, inside) & ~shapely.intersects_xy(zone.polygon, found.lon, found.lat)
        if fixed_m or radius_m >= LAST_REACH_M or found.places[outside].sum() >= ROOM_TO_CHOOSE * people:
            break
        radius_m = min(radius_m * 1.6, LAST_REACH_M)
    if found.places[outside].sum() < people:
        found = _with_fallback(found, registers.non_residential_largest(zone.polygon, row.lon, row.lat, radius_m, 40))
    return found, radius_m * ROADS_BEYOND


def _free_shelters(row: Incident, radius_m: float) -> Shelters:
    found = registers.shelters_near(row.lon, row.lat, radius_m)
    taken = taken_places(row.exercise_id, row.id)
    used = np.array([taken.get(one, 0) for one in found.id.tolist()], dtype=np.int64)
    return Shelters(
        found.id, [str(name) for name in found.name], [str(kind) for kind in found.kind], found.lon, found.lat,
        np.maximum(found.places - used, 0), found.building_id,
    )  # fmt: skip


def _households(residents: Residents) -> Households:
    _, first, persons = np.unique(residents.dwelling_id, return_index=True, return_counts=True)
    return Households(residents.building_index[first].astype(np.int64), persons.astype(np.int64))


def _with_fallback(found: Shelters, large: registers.Buildings) -> Shelters:
    """The shelters, and after them the largest buildings that are no homes, under the negative of their ids."""
    new = large.taken(~np.isin(large.id, found.building_id))
    return replace(
        found, id=np.append(found.id, -new.id), name=[*found.name, *_names(new)],
        kind=[*found.kind, *map(str, new.use)], lon=np.append(found.lon, new.lon), lat=np.append(found.lat, new.lat),
        places=np.append(found.places, _places_in(new)), building_id=np.append(found.building_id, new.id),
    )  # fmt: skip


def _names(buildings: registers.Buildings) -> list[str]:
    """What people know a building by: its name, else its address."""
    rows = zip(buildings.name, buildings.street, buildings.house_number, strict=True)
    return [str(name) or f"{street} {number}".strip() for name, street, number in rows]


def _places_in(buildings: registers.Buildings) -> NDArray[np.int64]:
    return (buildings.gross_floor_m2 * FALLBACK_SHARE / M2_A_PLACE).astype(np.int64)


def _buildings(found: registers.Buildings) -> Buildings:
    return Buildings(
        found.id, found.lon, found.lat, found.footprint, found.dwellings.astype(np.int64),
        found.people_day.astype(np.int64),
    )  # fmt: skip


def _roads(graph: registers.RoadGraph) -> Roads:
    return Roads(
        lon=graph.node_lon, lat=graph.node_lat, start=graph.start, end=graph.end, length_m=graph.length_m,
        segment_id=graph.segment_id, name=graph.name, name_zh=graph.name_zh, geometry=graph.geometry,
        walkable=graph.walkable, drivable=graph.drivable,
    )  # fmt: skip


def _site(one: registers.PlaceFacts | registers.ValveFacts) -> Site:
    return Site(one.id, one.kind, getattr(one, "name", ""), one.lon, one.lat)


# --- what the overview shows

_MOST_LINES = 1_000
_MOST_ENDED = 20
_ORDERS_OF = timedelta(days=30)
_SPANS = 20_000  # incidents that a line of figures looks at


@dataclass(frozen=True)
class IncidentLine:
    """An incident in a list: its state then, and since when."""

    id: str
    exercise_id: str
    category: str
    state: str
    place: dict[str, str]
    opened_at: datetime
    closed_at: datetime | None

    @property
    def urgency(self) -> Urgency:
        return states.URGENCY[self.state]  # type: ignore[return-value]

    @property
    def place_words(self) -> str:
        return display.in_words(self.place)


def incident_lines(at: datetime | None = None) -> list[IncidentLine]:
    """Incidents by urgency, real ones first, as they are, or as they were known at an instant; bounded.

    What waits for a decision stands in the order of waiting, everything else the newest first.
    """
    known = Incident.objects.all() if at is None else Incident.objects.filter(opened_at__lte=at)
    over = Q(closed_at__isnull=False) if at is None else Q(closed_at__lte=at)
    rows = [*known.exclude(over).order_by("exercise_id", "-opened_at", "id")[:_MOST_LINES],
            *known.filter(over).order_by("-closed_at", "id")[:_MOST_ENDED]]  # fmt: skip
    state = {row.id: row.state for row in rows} if at is None else _states_at(rows, at)
    lines = [
        IncidentLine(
            row.id, row.exercise_id, row.category, state[row.id], row.place, row.opened_at,
            row.closed_at if at is None or (row.closed_at and row.closed_at <= at) else None,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(lines, key=_by_urgency)


def _by_urgency(line: IncidentLine) -> tuple[int, bool, float]:
    seconds = line.opened_at.timestamp()
    return URGENCIES.index(line.urgency), bool(line.exercise_id), seconds if line.urgency == "now" else -seconds


def _states_at(rows: Sequence[Incident], at: datetime) -> dict[str, str]:
    """The state of each of these incidents at an instant."""
    ids = [row.id for row in rows]
    given: dict[str, set[str]] = {}
    approvals = Approval.objects.filter(proposal__incident__in=ids, at__lte=at)
    for proposal_id, role in approvals.values_list("proposal_id", "role"):
        given.setdefault(proposal_id, set()).add(role)
    newest: dict[str, past.Revision] = {}
    made = Proposal.objects.filter(incident__in=ids, created_at__lte=at).order_by("revision")
    for incident_id, proposal_id, purpose, sent_back_at in made.values_list(
        "incident_id", "id", "purpose", "sent_back_at"
    ):
        is_sent_back = sent_back_at is not None and sent_back_at <= at
        newest[incident_id] = past.Revision(purpose, is_sent_back, given.get(proposal_id, ()))
    return {
        row.id: past.state_of(newest.get(row.id), row.state if row.closed_at and row.closed_at <= at else "")
        for row in rows
    }


def places_of(incident_ids: Iterable[str]) -> dict[str, str]:
    """Where incidents are, in the reader's language."""
    found = Incident.objects.filter(id__in=set(incident_ids)).values_list("id", "place")
    return {incident_id: display.in_words(place) for incident_id, place in found}


def decisions_to_take(actor: Actor, at: datetime) -> list[WorkItem]:
    """Open incidents whose next decision the actor may take, in the order of waiting."""
    waiting = Incident.objects.filter(state__in=_OWN_APPROVER).order_by("exercise_id", "opened_at", "id")
    rows = list(waiting[:_MOST_LINES])
    standing = _standings(rows)
    mine = [row for row in rows if _is_allowed(_OWN_APPROVER[row.state], standing[row.id], actor)]
    return [
        WorkItem(
            title=display.decision_words(row.state, row.place), url=f"{reverse('incident', args=[row.id])}#decision",
            urgency="now", since=row.opened_at, is_exercise=bool(row.exercise_id),
        )
        for row in mine[:MOST_WORK]
    ]  # fmt: skip


def _standings(rows: Sequence[Incident]) -> dict[str, policies.Standing]:
    """Where many incidents stand, by their ids; few questions for all."""
    newest = {
        incident_id: (proposal_id, by)
        for incident_id, proposal_id, by in Proposal.objects.filter(
            incident__in=[row.id for row in rows], revision=F("incident__revision")
        ).values_list("incident_id", "id", "proposed_by")
    }
    given: dict[str, dict[str, str]] = {}
    approvals = Approval.objects.filter(proposal__in=[proposal_id for proposal_id, _by in newest.values()])
    for proposal_id, role, account in approvals.values_list("proposal_id", "role", "account_id"):
        given.setdefault(proposal_id, {})[role] = account
    nothing = ("", "")
    return {
        row.id: policies.Standing(
            row.state, newest.get(row.id, nothing)[1], given.get(newest.get(row.id, nothing)[0], {})
        )
        for row in rows
    }


def _is_allowed(action: str, standing: policies.Standing, actor: Actor) -> bool:
    try:
        policies.check_can(action, standing, actor)
    except Refused:
        return False
    return True


def notices_to_answer(actor: Actor, at: datetime) -> list[WorkItem]:
    """What the actor's departments were asked and have not answered, the overdue first."""
    departments = [role.removeprefix("department-") for role in actor.roles if role.startswith("department-")]
    asked = Notice.objects.filter(department__in=departments, state__in=("sent", "escalated"))
    rows = asked.exclude(incident__state__in=states.FINAL).select_related("incident").order_by("sent_at", "id")
    items = [
        WorkItem(
            title=_("A notice to acknowledge: {place}").format(place=display.in_words(row.incident.place)),
            url=f"{reverse('incident', args=[row.incident_id])}#notices", urgency="now", since=row.sent_at,
            due_at=row.sent_at + policies.SILENCE,
            note=_("Overdue: it was escalated.") if row.state == "escalated" else "",
            is_exercise=bool(row.exercise_id),
        )
        for row in rows[:MOST_WORK]
    ]  # fmt: skip
    return sorted(items, key=lambda item: not item.note)


def open_incident_count(actor: Actor, at: datetime) -> Reading:
    """How many real incidents are not over, and over the last day."""
    instants = series.hours_to(at)
    spans = Incident.objects.filter(exercise_id="", opened_at__lte=at).exclude(closed_at__lt=instants[0])
    counted = series.lasting(spans.order_by("-opened_at").values_list("opened_at", "closed_at")[:_SPANS], instants)
    drilled = Incident.objects.filter(opened_at__lte=at).exclude(exercise_id="").exclude(closed_at__lte=at).count()
    note = _("{count} more in exercises").format(count=drilled) if drilled else ""
    value = counted[-1][1]
    return Reading(value, counted, state="wait" if value else "good", note=note)


def minutes_to_order(actor: Actor, at: datetime) -> Reading:
    """The median time from the first signal to the commander's order, over the orders of the last 30 days."""
    given = Approval.objects.filter(
        role=states.COMMANDER, exercise_id="", at__gt=at - _ORDERS_OF, at__lte=at, proposal__revision=1
    )
    times = given.order_by("at").values_list("at", "proposal__incident__first_signal_at")[:_SPANS]
    minutes = [(when, (when - first).total_seconds() / 60) for when, first in times]
    if not minutes:
        return Reading(None, why_none=_("No evacuation was ordered in these 30 days."))
    return Reading(float(np.median([value for _when, value in minutes])), minutes[-series.HOURS :])
