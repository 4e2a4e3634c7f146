"""Begin, finish and erase exercises."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.drills.models import DrillRun
from cityloom.drills.queries import find
from cityloom.emergency import queries as incidents
from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals


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


def finish(*, exercise_id: str, report: dict[str, Any], report_path: Path, wall_s: float, at: datetime) -> None:
    """Keep what came of an exercise."""
    DrillRun.objects.filter(exercise_id=exercise_id).update(
        state="finished", report=report, report_path=str(report_path), wall_s=wall_s, finished_at=at,
        outcome=report["outcome"],
    )  # fmt: skip


def wait(*, exercise_id: str) -> None:
    """Leave an exercise to the people at the screens: its approvals are theirs."""
    DrillRun.objects.filter(exercise_id=exercise_id).update(state="waiting")


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


def _with_exercise() -> list[Any]:
    """Every table of the city that has rows of exercises, those that are referred to first."""
    own = [model for model in apps.get_models() if model.__module__.startswith("cityloom.")]
    return [model for model in own if any(field.name == "exercise_id" for field in model._meta.get_fields())]


@transaction.atomic
def _erase(model: Any, exercise_id: str) -> int:
    return int(model.objects.filter(exercise_id=exercise_id).delete()[0])
