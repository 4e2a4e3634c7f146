"""Which event wakes which handler: the whole main flow of the city as one table."""

from __future__ import annotations

from cityloom.alerts import datasets as alerts_datasets
from cityloom.alerts.events import AlertDelivered, AlertIssued
from cityloom.bus.domain.wiring import Reactions
from cityloom.cases import datasets as cases_datasets
from cityloom.cases import handlers as cases
from cityloom.cases.events import CaseMoved, CaseOpened
from cityloom.detection import datasets as detection_datasets
from cityloom.detection import handlers as detection
from cityloom.detection.events import DetectionRaised, SensorFailed, SensorRecovered
from cityloom.emergency import datasets as emergency_datasets
from cityloom.emergency import handlers as emergency
from cityloom.emergency.events import (
    AlertApproved,
    EvacuationApproved,
    IncidentCancelled,
    IncidentClosed,
    IncidentOpened,
)  # fmt: skip
from cityloom.fieldwork import datasets as fieldwork_datasets
from cityloom.fieldwork.events import TaskFinished
from cityloom.gate import datasets as gate_datasets
from cityloom.gate import events as gate
from cityloom.insight import datasets as insight_datasets
from cityloom.kernel.envelope import type_of
from cityloom.lake.domain.published import Published
from cityloom.registers import datasets as registers_datasets
from cityloom.signals.events import SignalsRecorded
from cityloom.subscriptions import handlers as subscriptions
from cityloom.subscriptions.events import SubscriptionAsked

REACTIONS: Reactions = {
    SignalsRecorded: (detection.assess,),
    DetectionRaised: (emergency.open_incident, cases.open_case),
    SensorFailed: (detection.ask_for_repair, cases.open_maintenance),
    SensorRecovered: (detection.end_repair, cases.note_recovery),
    CaseOpened: (cases.take_in,),
    CaseMoved: (cases.follow_review, cases.note_in_joined),
    IncidentOpened: (emergency.propose,),
    EvacuationApproved: (emergency.send_notices, emergency.assign_tasks, emergency.withdraw_replaced),
    AlertApproved: (emergency.send_alerts,),
    TaskFinished: (emergency.note_progress,),
    AlertIssued: (subscriptions.begin_telling,),
    AlertDelivered: (emergency.note_progress,),
    SubscriptionAsked: (subscriptions.send_confirmation,),
    IncidentClosed: (emergency.close_out,),
    IncidentCancelled: (emergency.close_out,),
}

PUBLISHED: tuple[Published, ...] = (
    *cases_datasets.PUBLISHED, *detection_datasets.PUBLISHED, *emergency_datasets.PUBLISHED,
    *fieldwork_datasets.PUBLISHED, *alerts_datasets.PUBLISHED, *gate_datasets.PUBLISHED, *registers_datasets.PUBLISHED,
    *insight_datasets.PUBLISHED,
)  # fmt: skip
"""Which events the lake keeps, as which datasets."""
OPENINGS = gate_datasets.OPENINGS

_OVERSIGHT = frozenset({"data-protection-officer"})
_DECIDES = frozenset({"data-protection-officer", "case-handler", "supervisor"})
HEARD_BY = {
    type_of(event): roles
    for event, roles in {
        gate.GateAlarmRaised: _OVERSIGHT, gate.OpeningContested: _OVERSIGHT, gate.ContestAnswered: _OVERSIGHT,
        gate.GlassBroken: _OVERSIGHT | {"commander"}, gate.GlassReviewed: _OVERSIGHT | {"commander"},
        gate.StatusSet: _DECIDES,
    }.items()
}  # fmt: skip
"""Roles that are told live that a thing of this kind has happened, by type; everyone who works here for all others.

An alarm about an opening must not warn the one who opened.
"""
