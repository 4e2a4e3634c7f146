"""Begin, finish and erase exercises."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, transaction

from cityloom.bus import actions as bus
from cityloom.bus import queries as bus_queries
from cityloom.drills import policies, queries
from cityloom.drills.domain.injections import Injection
from cityloom.drills.domain.injections import check as check_injection
from cityloom.drills.domain.pacing import LEAD_S, check_pace
from cityloom.drills.domain.scenario import scenario_from
from cityloom.drills.events import DrillChanged
from cityloom.drills.models import DrillRun
from cityloom.drills.queries import find
from cityloom.emergency import queries as incidents
from cityloom.fieldwork import actions as fieldwork
from cityloom.gate import actions as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals

_UP_TO_PROPOSAL = timedelta(minutes=10)
"""More than any shipped scenario takes from its first signal to a proposal."""


def begin(
    *, exercise_id: str, scenario: str, document: Any, place: tuple[float, float], by: Actor, at: datetime
) -> None:
    """Make the record of an exercise, or find the one that was interrupted.

    Raises: Refused `drill.other_scenario`, `drill.finished`.
    """
    row, _ = DrillRun.objects.get_or_create(
        exercise_id=exercise_id,
        defaults={"scenario": scenario, "document": document, "started_at": at, "lon": place[0], "lat": place[1]},
    )
    if row.document != document:
        raise Refused("drill.other_scenario", "Exercise {value} was begun with another scenario; resume it with that.",
                      value=exercise_id)  # fmt: skip
    if row.state == "finished":
        raise Refused("drill.finished", "Exercise {value} is finished; run the scenario again without --resume.",
                      value=exercise_id)  # fmt: skip


def start(
    *, scenario: str, pace: int, approves: bool, by: Actor, at: datetime, key: str = ""
) -> str:  # fmt: skip
    """Have a shipped scenario played in front of people, and return the exercise; the same key is the same exercise.

    A process of its own takes it up in a moment.
    Raises: Refused `drill.role`, `drill.one_at_a_time`, `drill.pace`, `drill.unknown_scenario`, and what the scenario
    breaks.
    """
    exercise_id = ids.named_id("drill", by.account, key) if key else ids.new_ulid()
    if DrillRun.objects.filter(exercise_id=exercise_id).exists():
        return exercise_id
    running = queries.running()
    policies.check_can_start(by, running.exercise_id if running else "")
    check_pace(pace)
    document = queries.shipped_document(scenario)
    chosen = scenario_from(document, queries.schema())
    lon, lat = queries.choose_place(chosen)
    row = DrillRun(
        exercise_id=exercise_id, scenario=chosen.name, document=document, state="queued", lon=lon, lat=lat,
        started_at=at, is_paced=True, pace=pace, approves=approves, started_by=by.account,
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            _tell(exercise_id, "started", at)
    except IntegrityError:  # somebody else was faster by a moment: the database lets one drill run
        faster = queries.running()
        if faster is None or faster.exercise_id != exercise_id:
            policies.check_can_start(by, faster.exercise_id if faster else exercise_id)
    return exercise_id


def take_up(*, exercise_id: str, at: datetime) -> None:
    """Say that a process plays an exercise; the first time its first signal is set to a moment from now."""
    row = find(exercise_id)
    policies.check_is_running(row.state)
    begins = row.start or (at + timedelta(seconds=LEAD_S)).replace(microsecond=0)
    DrillRun.objects.filter(exercise_id=exercise_id).update(state="running", start=begins)
    _tell(exercise_id, "running", at)


def set_pace(*, exercise_id: str, pace: int, is_paused: bool, by: Actor, at: datetime) -> None:
    """Let a running drill go faster or slower, or stand still.

    Raises: Refused `drill.unknown`, `drill.role`, `drill.not_running`, `drill.pace`.
    """
    _check_may_change(exercise_id, by)
    DrillRun.objects.filter(exercise_id=exercise_id).update(pace=check_pace(pace), is_paused=is_paused)
    _tell(exercise_id, f"pace {pace} {'paused' if is_paused else ''}", at)


def inject(*, exercise_id: str, kind: str, amount: int | None, by: Actor, at: datetime, key: str = "") -> str:
    """Make something go wrong in a running drill from now on, and return the failure's id; the same key is one failure.

    Raises: Refused like `set_pace`, and `drill.injection`, `drill.injection_amount`, `drill.injections`.
    """
    injection_id = ids.named_id("injection", exercise_id, key) if key else ids.new_ulid()
    with transaction.atomic():
        row = DrillRun.objects.select_for_update().get(pk=_check_may_change(exercise_id, by).pk)
        if any(one["id"] == injection_id for one in row.injections):
            return injection_id
        for_s, chosen = check_injection(kind, amount, len(row.injections))
        now_s = (bus_queries.now_in(exercise_id) - row.start).total_seconds() if row.start else 0.0
        made = Injection(injection_id, kind, round(now_s), for_s, chosen)
        DrillRun.objects.filter(exercise_id=exercise_id).update(injections=[*row.injections, made.as_json()])
        _tell(exercise_id, injection_id, at)
    return injection_id


def ask_to_stop(*, exercise_id: str, by: Actor, at: datetime) -> None:
    """Have a drill end where it is; it is scored as it stands, and what it left open is closed.

    Raises: Refused `drill.unknown`, `drill.role`, `drill.not_running`.
    """
    _check_may_change(exercise_id, by)
    DrillRun.objects.filter(exercise_id=exercise_id, stop_asked_at=None).update(stop_asked_at=at)
    _tell(exercise_id, "stopping", at)


def fail(*, exercise_id: str, why: str, at: datetime) -> None:
    """Give a drill up that cannot be played, with the sentence that says why; what it left open is closed."""
    DrillRun.objects.filter(exercise_id=exercise_id).update(state="failed", fault=why[:300], finished_at=at)
    _tell(exercise_id, "failed", at)
    with suppress(Refused):  # without a keeper the grants end by themselves, each at its time
        close_out(exercise_id=exercise_id, by=SYSTEM, at=bus_queries.now_in(exercise_id))


def close_out(*, exercise_id: str, by: Actor, at: datetime) -> None:
    """End the tasks and the grants that a stopped drill left open."""
    for incident in incidents.open_incidents(exercise_id):
        fieldwork.cancel_all(by=by, at=at, incident_id=incident.id)
        gate.revoke_all(by=by, at=at, incident_id=incident.id, exercise_id=exercise_id)


def finish(
    *, exercise_id: str, report: dict[str, Any], report_path: Path, wall_s: float, at: datetime,
    state: str = "finished",
) -> None:  # fmt: skip
    """Keep what came of an exercise."""
    DrillRun.objects.filter(exercise_id=exercise_id).update(
        state=state, report=report, report_path=str(report_path), wall_s=wall_s, finished_at=at,
        outcome=report["outcome"],
    )  # fmt: skip
    _tell(exercise_id, state, at)


def begin_lately(*, exercise_id: str, at: datetime) -> datetime:
    """Let an exercise that people will decide on have its first signal a little before now; return when that was.

    What happens up to the proposal is then over as they read it, and their decisions come after it by the wall's clock.
    """
    row = find(exercise_id)
    begins = row.start or (at - _UP_TO_PROPOSAL).replace(microsecond=0)
    DrillRun.objects.filter(exercise_id=exercise_id).update(start=begins)
    return begins


def wait(*, exercise_id: str) -> None:
    """Leave an exercise to the people at the screens: its approvals are theirs."""
    DrillRun.objects.filter(exercise_id=exercise_id).update(state="waiting")


def remove_at_screen(*, exercise_id: str, by: Actor) -> int:
    """The same as `remove`, for whoever may run drills.

    Raises: Refused `drill.unknown`, `drill.role`, `drill.still_running`.
    """
    policies.check_can_remove(by, find(exercise_id).state)
    return remove(exercise_id=exercise_id, by=SYSTEM)


def remove(*, exercise_id: str, by: Actor) -> int:
    """Erase everything that an exercise wrote, and end its grants; return the number of rows.

    The keeper's log keeps its leaves: what was opened was opened.
    Raises: Refused `drill.unknown`.
    """
    row = find(exercise_id)
    end = clock.now()
    for incident in incidents.incidents_of(exercise_id):
        gate.revoke_all(by=by, at=end, incident_id=incident.id, exercise_id=exercise_id)
    removed = signals.forget(exercise_id=exercise_id, by=by, at=end) + bus.forget(exercise_id=exercise_id)
    removed += sum(_erase(model, exercise_id) for model in reversed(_with_exercise()))
    for path in Path(settings.CITYLOOM["REPORTS_DIR"]).glob(f"{row.exercise_id}*"):
        path.unlink()
    return removed


def _check_may_change(exercise_id: str, by: Actor) -> DrillRun:
    policies.check_can_run(by)
    row = find(exercise_id)
    policies.check_is_running(row.state)
    return row


def _tell(exercise_id: str, what: str, at: datetime) -> None:
    """Say that pages about drills are out of date; it belongs to no exercise, whose own clock is another."""
    bus.publish(DrillChanged(exercise_id, what.strip()), at=at)


def _with_exercise() -> list[Any]:
    """Every table of the city that has rows of exercises, those that are referred to first."""
    own = [model for model in apps.get_models() if model.__module__.startswith("cityloom.")]
    return [model for model in own if any(field.name == "exercise_id" for field in model._meta.get_fields())]


@transaction.atomic
def _erase(model: Any, exercise_id: str) -> int:
    return int(model.objects.filter(exercise_id=exercise_id).delete()[0])
