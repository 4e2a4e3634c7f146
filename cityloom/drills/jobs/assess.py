"""Collect what a drill left in every room, and put it to the safety checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from django.conf import settings
from django.db import connection

from cityloom.alerts import plugins
from cityloom.alerts import queries as alerts
from cityloom.alerts.domain import binding, capxml
from cityloom.alerts.models import Alert
from cityloom.bus import queries as bus
from cityloom.detection import queries as detection
from cityloom.drills.domain import safety
from cityloom.drills.domain.safety import Check
from cityloom.drills.domain.scenario import Scenario
from cityloom.emergency import queries as incidents
from cityloom.fieldwork.models import Task
from cityloom.gate import queries as gate
from cityloom.gate.models import GrantRecord
from cityloom.kernel import cells
from cityloom.kernel.refused import Refused
from cityloom.registers.models import Building, Resident

_LARGEST_REACH_M = 400.0


@dataclass(frozen=True)
class Traces:
    """What a drill left behind."""

    incident: incidents.IncidentFacts | None
    evacuation: incidents.ProposalFacts | None
    alerts: Sequence[alerts.AlertFacts]
    openings: Sequence[gate.OpeningSummary]
    log: gate.LogHead


def traces_of(exercise_id: str) -> Traces:
    """Everything that the checks and the report look at."""
    found = incidents.incidents_of(exercise_id)
    incident = found[0] if found else None
    proposals = incidents.proposals_of(incident.id) if incident else []
    evacuations = [facts for facts in proposals if facts.purpose == "evacuation"]
    return Traces(
        incident=incident, evacuation=evacuations[-1] if evacuations else None,
        alerts=alerts.alerts_of(incident.id) if incident else [],
        openings=gate.openings_of(exercise_id=exercise_id), log=gate.log_head(),
    )  # fmt: skip


def check(
    scenario: Scenario, place: tuple[float, float], exercise_id: str, traces: Traces, before: gate.LogHead
) -> list[Check]:  # fmt: skip
    """Every safety check of a finished drill."""
    detections = detection.detections_of(exercise_id)
    return [
        safety.noticed([(found.lon, found.lat, found.raised_at) for found in detections], place, scenario.start),
        *(_checks_of_plan(traces.incident, traces.evacuation) if traces.incident and traces.evacuation else ()),
        *_checks_of_alerts(exercise_id, traces, scenario),
        _check_openings(exercise_id, traces),
        safety.closed_down(_live_grants(exercise_id), _open_tasks(exercise_id), _stuck(exercise_id)),
        safety.log_holds(traces.log.size, gate.log_extends(before, traces.log)),
    ]


def _checks_of_plan(incident: incidents.IncidentFacts, facts: incidents.ProposalFacts) -> list[Check]:
    hazard = (incident.lon, incident.lat, incident.hazard_radius_m)
    reach = (incident.lon, incident.lat, incident.hazard_radius_m + incident.buffer_m)
    ids, footprints, homes = _buildings_around(*reach)
    named = np.isin(ids, np.array(facts.document["buildings"], np.int64))
    households, people = _residents(homes[named])
    polygons = [alerts.polygon_from(text) for text in facts.document["polygons"]]
    approvals = [(one.account_id, one.role, one.digest) for one in facts.approvals]
    return [
        safety.whole_zone(facts.document, reach, ids, footprints),
        safety.covered(polygons, footprints[named]),
        safety.everyone_placed(facts.plan, households, people),
        safety.within_capacity(facts.plan),
        safety.routes_avoid(facts.plan, hazard),
        safety.two_people(facts.document, approvals),
    ]


def _checks_of_alerts(exercise_id: str, traces: Traces, scenario: Scenario) -> list[Check]:
    deliveries = [(alert.id, delivery.channel) for alert in traces.alerts for delivery in alert.deliveries]
    sent = [d.settled_at for alert in traces.alerts[:1] for d in alert.deliveries if d.state == "sent" and d.settled_at]
    demo = {name for name, channel in plugins.CHANNELS.items() if channel.is_demo}
    return [
        safety.as_approved([(alert.identifier, _says_what_was_approved(alert.id)) for alert in traces.alerts]),
        safety.never_twice(deliveries, _received(traces.alerts)),
        safety.stayed_an_exercise({alert.status for alert in traces.alerts}, {name for _, name in deliveries}, demo),
        safety.in_time((min(sent) - scenario.start).total_seconds() if sent else None),
    ]


def _says_what_was_approved(alert_id: str) -> bool:
    row = Alert.objects.get(id=alert_id)
    try:
        binding.check_bytes(row.xml.encode(), row.unsent, row.document_digest)
    except Refused:
        return False
    return True


def _received(found: Sequence[alerts.AlertFacts]) -> list[str]:
    """The identifiers of these alerts that the working demo channel's other end holds, one for each file."""
    wanted = {alert.identifier for alert in found}
    files = settings.CITYLOOM["OUTBOX_DIR"].rglob("*.xml")
    kept = [capxml.parse(path.read_bytes()).identifier for path in files]
    return [identifier for identifier in kept if identifier in wanted]


def _check_openings(exercise_id: str, traces: Traces) -> Check:
    opened = [summary for summary in traces.openings if summary.kind == "opened"]
    delivered = Task.objects.filter(exercise_id=exercise_id, delivered_at__isnull=False)
    approved = [one.at for one in (traces.evacuation.approvals if traces.evacuation else ()) if one.role == "commander"]
    return safety.opened_rightly(
        sum(summary.people for summary in opened), sum(len(task.subjects) for task in delivered),
        min((summary.first_at for summary in opened), default=None), min(approved, default=None),
    )  # fmt: skip


def _live_grants(exercise_id: str) -> int:
    return GrantRecord.objects.filter(exercise_id=exercise_id, revoked_at=None).count()


def _open_tasks(exercise_id: str) -> int:
    return Task.objects.filter(exercise_id=exercise_id, finished_at=None).count()


def _stuck(exercise_id: str) -> int:
    dead = sum(letter.exercise_id == exercise_id for letter in bus.dead_letters())
    return bus.pending(exercise_id) + dead


def _buildings_around(lon: float, lat: float, radius_m: float) -> tuple[Any, Any, Any]:
    """Ids, footprints and dwelling ranges of all buildings of which any part may lie within a radius."""
    covering = cells.cover_circle(lon, lat, radius_m + _LARGEST_REACH_M)
    rows = [
        row
        for start in range(0, len(covering), 500)
        for row in Building.objects.filter(cell__in=covering[start : start + 500]).values_list(
            "id", "footprint", "first_dwelling_id", "dwellings"
        )
    ]
    ids = np.array([row[0] for row in rows], np.int64)
    footprints = shapely.from_wkb(np.array([bytes(row[1]) for row in rows], dtype=object))
    return ids, footprints, np.array([row[2:] for row in rows], np.int64).reshape(-1, 2)


def _residents(homes: Any) -> tuple[int, int]:
    """Households and people in ranges of dwellings, counted one building at a time."""
    households = people = 0
    for first, count in homes.tolist():
        rows = Resident.objects.filter(dwelling_id__gte=first, dwelling_id__lt=first + count)
        dwellings = list(rows.values_list("dwelling_id", flat=True))
        households, people = households + len(set(dwellings)), people + len(dwellings)
    return households, people


def vendor() -> str:
    """The database in use, for the report."""
    return connection.vendor


def seconds_since(start: Any, moment: Any) -> float | None:
    """Seconds between two instants; None where there is no second one."""
    return None if moment is None else round((moment - start).total_seconds(), 1)


def figures_of(traces: Traces) -> Mapping[str, Any]:
    """The counts of the plan, empty where nothing was proposed."""
    return traces.evacuation.plan["counts"] if traces.evacuation else {}
