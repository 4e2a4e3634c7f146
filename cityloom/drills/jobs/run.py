"""Run a scenario from its file to its report."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from cityloom.bus import queries as bus
from cityloom.drills import actions, queries
from cityloom.drills.domain.scenario import Scenario, scenario_from
from cityloom.drills.domain.timeline import lines_of
from cityloom.drills.jobs import assess, reporting
from cityloom.drills.jobs.keeping import OwnLine
from cityloom.drills.jobs.pacing import ByRecord
from cityloom.drills.jobs.play import Keeper, Narrator, Play, Road
from cityloom.emergency import actions as emergency
from cityloom.gate import queries as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import Envelope


class Silent:
    """Nobody watches."""

    def note(self, words: str) -> None:
        pass

    def events(self, events: list[tuple[Envelope, float | None]], first_signal_at: datetime) -> None:
        pass


def run(
    name: str, *, narrator: Narrator, keeper: Keeper | None, exercise_id: str | None = None, approve: bool = True,
    road: Road | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Run a scenario, or go on with an exercise that was interrupted; return its report.

    With a `road` its readings come on that one.

    Raises: Refused for a scenario that cannot be run here.
    """
    document = queries.scenario_document(name)
    scenario = scenario_from(document, queries.schema())
    started = clock.stopwatch()
    exercise_id = exercise_id or ids.new_ulid()
    place = _begin(scenario, document, exercise_id)
    if not approve:
        scenario = replace(scenario, start=actions.begin_lately(exercise_id=exercise_id, at=clock.now()))
    narrator.note(f"exercise {exercise_id}: {scenario.title['en']} at {place[0]:.5f}, {place[1]:.5f}")
    before = gate.log_head()
    play = Play(
        scenario=scenario, exercise_id=exercise_id, place=place, narrator=narrator, keeper=keeper, approve=approve,
        road=road,
    )  # fmt: skip
    play.run()
    wall_s = clock.stopwatch() - started
    if not approve:
        actions.wait(exercise_id=exercise_id)
        return {"exercise_id": exercise_id, "outcome": "waiting"}
    return _finish(
        scenario=scenario, place=place, exercise_id=exercise_id, play=play, before=before, wall_s=wall_s
    )


def play_paced(exercise_id: str) -> dict[str, Any]:
    """Play a drill that was started at a page, at the pace that people set, to its end or to where it is stopped.

    Raises: Refused for one that cannot be played here.
    """
    actions.take_up(exercise_id=exercise_id, at=clock.now())
    row = queries.find(exercise_id)
    scenario = replace(scenario_from(row.document, queries.schema()), start=row.start)
    started, before = clock.stopwatch(), gate.log_head()
    _set_parameters(scenario, exercise_id, clock.now())
    line = OwnLine()
    play = Play(
        scenario=scenario, exercise_id=exercise_id, place=(row.lon, row.lat), narrator=Silent(), keeper=line,
        approve=row.approves, control=ByRecord(exercise_id),
    )  # fmt: skip
    try:
        play.run()
    finally:
        line.start()
    report = _finish(
        scenario=scenario, place=(row.lon, row.lat), exercise_id=exercise_id, play=play, before=before,
        wall_s=clock.stopwatch() - started, state="stopped" if play.was_stopped else "finished",
    )  # fmt: skip
    if play.was_stopped:
        play.withdraw()
    actions.close_out(exercise_id=exercise_id, by=SYSTEM, at=bus.now_in(exercise_id))
    return report


def _begin(scenario: Scenario, document: Any, exercise_id: str) -> tuple[float, float]:
    now = clock.now()
    place = queries.place_of(exercise_id) or queries.choose_place(scenario)
    actions.begin(exercise_id=exercise_id, scenario=scenario.name, document=document, place=place, by=SYSTEM, at=now)
    _set_parameters(scenario, exercise_id, now)
    return place


def _set_parameters(scenario: Scenario, exercise_id: str, at: datetime) -> None:
    emergency.set_parameters(
        exercise_id=exercise_id, by=SYSTEM, at=at, hazard_radius_m=scenario.radius_m, buffer_m=scenario.buffer_m,
        ring_fractions=scenario.rings, channels=scenario.channels,
    )  # fmt: skip


def _finish(
    *, scenario: Scenario, place: tuple[float, float], exercise_id: str, play: Play, before: gate.LogHead,
    wall_s: float, state: str = "finished",
) -> dict[str, Any]:  # fmt: skip
    traces = assess.traces_of(exercise_id)
    checks = assess.check(scenario, place, exercise_id, traces, before)
    known = {event.id: wall_ms for event, wall_ms in play.walls}
    events = [(event, known.get(event.id)) for event in bus.events_of(exercise_id)]
    lines = lines_of(events, scenario.start)
    report = reporting.compose(
        scenario=scenario, exercise_id=exercise_id, lines=lines, checks=checks, traces=traces,
        walls_ms=play.closing_wall_ms, wall_s=wall_s,
    )  # fmt: skip
    report = reporting.write(report, traces, Path(settings.CITYLOOM["REPORTS_DIR"]))
    actions.finish(
        exercise_id=exercise_id, report=report, report_path=Path(report["files"][0]), wall_s=wall_s, at=clock.now(),
        state=state,
    )  # fmt: skip
    return report
