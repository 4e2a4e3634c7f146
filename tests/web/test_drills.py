"""Drills as pages: who may begin one, how it is paced, disturbed, stopped and scored, and that it says what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from django.test import Client

from cityloom.alerts import plugins
from cityloom.bus import queries as bus
from cityloom.drills import actions, queries
from cityloom.drills.jobs import run
from cityloom.drills.jobs.pacing import ByRecord
from cityloom.drills.jobs.play import Play, Turn
from cityloom.drills.models import DrillRun
from cityloom.emergency import queries as incidents
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.geometry import LocalProjection
from cityloom.project import drilling
from cityloom.signals import actions as signals
from tests.web.conftest import City
from tests.web.test_pages import buttons, read, text

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]


@pytest.fixture
def sensors(city: City) -> None:
    """Sensors of each kind around the busy place, every 90 m."""
    steps = np.arange(-3, 4) * 90.0
    xy = np.array([(x, y) for x in steps for y in steps])
    kinds = np.array(["pressure", "settlement", "traffic_speed", "camera"], dtype=object)
    lonlat = LocalProjection(city.lon, city.lat).lonlat(np.repeat(xy, len(kinds), axis=0))
    count = len(lonlat)
    sites = SimpleNamespace(
        kind=np.tile(kinds, len(xy)), lon=lonlat[:, 0], lat=lonlat[:, 1], street=np.full(count, "", dtype=object),
        made_up=np.ones(count, dtype=np.int64),
    )  # fmt: skip
    signals.install(sites, by=SYSTEM, at=clock.now())


def begin(client: Client, pace: str = "0", approves: str = "drill", key: str = "K", scenario: str = "sinkhole"):
    form = {"scenario": scenario, "pace": pace, "approves": approves, "key": key}
    return client.post("/drills/start/", form, follow=True)


def test_a_drill_is_started_once_and_by_those_who_may(signed_in: SignIn, city: City) -> None:
    assert buttons(signed_in("auditor").get("/drills/"))["Start the drill"] is False
    assert "You cannot run a drill" in text(begin(signed_in("auditor")))
    duty = signed_in("duty")
    for _ in range(2):
        page = begin(duty)
        assert page.status_code == 200
    assert DrillRun.objects.count() == 1
    assert "starting" in text(page)
    other = begin(duty, key="another")
    assert other.status_code == 409
    assert "is running; stop it" in text(other)
    assert queries.running().exercise_id in text(signed_in("commander").get("/drills/"))


def test_two_who_start_at_the_same_moment_begin_one_drill(
    signed_in: SignIn, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(signed_in("duty"))
    seen = iter([None])  # the second one looked before the first one's drill was there
    real = queries.running
    monkeypatch.setattr(queries, "running", lambda: next(seen, real()))
    page = begin(signed_in("commander"))
    assert (page.status_code, DrillRun.objects.count()) == (409, 1)
    assert "is running; stop it" in text(page)


@pytest.mark.parametrize(("pace", "scenario", "status"), [
    ("7", "sinkhole", 422), ("1", "../../etc/passwd", 404), ("1", "no-such", 404), ("fast", "sinkhole", 422),
])  # fmt: skip
def test_what_is_not_offered_is_not_started(
    signed_in: SignIn, city: City, pace: str, scenario: str, status: int
) -> None:
    assert begin(signed_in("duty"), pace=pace, scenario=scenario).status_code == status
    assert DrillRun.objects.count() == 0


def test_every_page_says_that_a_drill_is_on(signed_in: SignIn, city: City) -> None:
    duty = signed_in("duty")
    assert "Sinkhole" not in text(duty.get("/health/"))
    begin(duty)
    for path in ("/health/", "/drills/"):
        (bar,) = read(duty.get(path)).xpath("//aside[@class='drill-bar']")
        assert "DRILL" in bar.text_content()
        assert "As fast as possible" in bar.text_content()
    page = duty.get(f"/drills/{queries.running().exercise_id}/")
    assert "EXERCISE: this is a drill" in text(page)
    assert read(page).xpath("string(//title)").startswith("DRILL")


def test_it_is_paced_paused_and_disturbed_while_it_runs(signed_in: SignIn, city: City) -> None:
    duty = signed_in("duty")
    begin(duty, pace="10")
    path = f"/drills/{queries.running().exercise_id}/"
    duty.post(f"{path}pace/", {"pace": "60"})
    assert (queries.running().pace, queries.running().is_paused) == (60, False)
    assert "paused" in text(duty.post(f"{path}pace/", {"pace": "1", "paused": "on"}, follow=True))
    assert duty.post(f"{path}pace/", {"pace": "7"}).status_code == 422
    for _ in range(2):
        duty.post(f"{path}inject/", {"kind": "call-wave", "amount": "5", "key": "one"})
    (made,) = queries.running().injections
    assert (made.kind, made.amount) == ("call-wave", 5)
    assert duty.post(f"{path}inject/", {"kind": "earthquake"}).status_code == 422
    assert duty.post(f"{path}inject/", {"kind": "call-wave", "amount": "9999"}).status_code == 422
    auditor = signed_in("auditor")
    assert auditor.post(f"{path}inject/", {"kind": "call-wave"}).status_code == 403
    assert not any(buttons(auditor.get(path))[name] for name in ("Begin", "Go on", "Stop and score…"))


def test_stopping_and_removing_say_first_what_follows(signed_in: SignIn, city: City) -> None:
    duty = signed_in("duty")
    begin(duty)
    exercise_id = queries.running().exercise_id
    path = f"/drills/{exercise_id}/"
    assert "It ends where it is" in text(duty.post(f"{path}stop/"))
    assert not queries.running().is_stopping
    assert "stop it before you remove it" in text(duty.post(f"{path}remove/"))
    duty.post(f"{path}stop/", {"confirmed": "yes"})
    assert queries.running().is_stopping
    DrillRun.objects.update(state="stopped")
    assert "The keeper's log keeps its leaves" in text(duty.post(f"{path}remove/"))
    duty.post(f"{path}remove/", {"confirmed": "yes"})
    assert DrillRun.objects.count() == 0
    assert duty.get(path).status_code == 404


def test_a_drill_with_failures_is_played_scored_and_compared(
    signed_in: SignIn, city: City, sensors: None
) -> None:
    real = plugins.CHANNELS["demo_works"]
    duty = signed_in("duty")
    begin(duty)
    exercise_id = queries.running().exercise_id
    path = f"/drills/{exercise_id}/"
    for kind in ("keeper-down", "channel-down", "call-wave", "worker-out", "false-readings"):
        duty.post(f"{path}inject/", {"kind": kind, "key": kind})
    report = run.play_paced(exercise_id)
    assert report["outcome"] == "safe", [check for check in report["checks"] if not check["passed"]]
    assert plugins.CHANNELS["demo_works"] is real
    steps = {line["step"]: line for line in report["timeline"]}
    assert steps["Proposal ready"]["t_s"] >= 120, "not before the keeper was back"
    warned = next(line["t_s"] for line in report["timeline"] if line["step"] == "Residents warned")
    assert warned >= 300, "not before the channel was back"
    page = duty.get(path)
    assert "checks held" in text(page)
    assert "A wave of calls" in text(page)
    assert duty.get(f"{path}report.json").status_code == 200
    assert duty.get(f"{path}report.exe").status_code == 404
    assert signed_in("auditor").get(f"{path}report.json").status_code == 403
    (incident,) = incidents.incidents_of(exercise_id)
    assert incident.state == "closed"
    assert {alert["status"] for alert in report["alerts"]} == {"Exercise"}


def test_a_drill_whose_process_was_killed_goes_on_where_it_was(
    signed_in: SignIn, city: City, sensors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(signed_in("duty"))
    exercise_id = queries.running().exercise_id
    waits, real = iter(range(10_000)), ByRecord.wait

    def die(self: ByRecord, due: datetime | None) -> Turn | None:
        if next(waits) == 14:
            raise KeyboardInterrupt
        return real(self, due)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ByRecord, "wait", die)
        run.play_paced(exercise_id)
    begun = queries.running()
    assert begun.state == "running"
    report = run.play_paced(exercise_id)
    assert report["outcome"] == "safe", [check for check in report["checks"] if not check["passed"]]
    assert queries.run_of(exercise_id).start == begun.start
    assert len(incidents.incidents_of(exercise_id)) == 1


def test_a_drill_whose_process_keeps_ending_is_given_up_with_words(
    signed_in: SignIn, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(signed_in("duty"))
    exercise_id = queries.running().exercise_id
    started: list[list[str]] = []
    monkeypatch.setattr(
        drilling.subprocess, "Popen", lambda command, **_: started.append(command) or SimpleNamespace(poll=lambda: 1)
    )
    monkeypatch.setattr(drilling.clock, "stopwatch", iter(range(0, 10**9, 1000)).__next__)
    stage, closed = drilling.Stage(), []
    monkeypatch.setattr(actions, "close_out", lambda exercise_id, **_: closed.append(exercise_id))
    for _ in range(12):
        stage.tend(clock.now())
    assert closed == [exercise_id], "no task and no grant outlives the drill that nobody plays"
    assert [command[-1] for command in started] == [exercise_id] * 5
    assert queries.run_of(exercise_id).state == "failed"
    assert "ended 5 times" in text(signed_in("duty").get(f"/drills/{exercise_id}/"))
    stage.close()


def test_people_approve_at_the_drills_own_time_and_a_stopped_drill_leaves_nothing_open(
    signed_in: SignIn, city: City, sensors: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(signed_in("duty"), approves="people")
    exercise_id = queries.running().exercise_id
    seen: list[tuple] = []

    def people(self: Play) -> bool:
        """Approve as soon as there is something to approve; then have it stopped."""
        for incident in incidents.open_incidents(exercise_id):
            shown = incidents.current_proposal(incident.id)
            if shown and incident.state == "proposed":
                form = {"proposal": shown.id, "digest": shown.digest, "role": "commander"}
                signed_in("commander").post(f"/incidents/{incident.id}/approve/", form)
                seen.append((shown.created_at, bus.now_in(exercise_id)))
            elif incident.state == "ordered":
                actions.ask_to_stop(exercise_id=exercise_id, by=city.people["duty"].actor, at=clock.now())
        return not incidents.open_incidents(exercise_id)

    monkeypatch.setattr(Play, "_is_over", people)
    report = run.play_paced(exercise_id)
    assert queries.run_of(exercise_id).state == "stopped"
    ((proposed_at, approved_at),) = seen
    assert timedelta(0) <= approved_at - proposed_at < timedelta(minutes=5)
    assert report["outcome"] == "unsafe"
    assert incidents.open_incidents(exercise_id) == []


def test_a_drill_that_people_decide_on_happened_just_now_and_resumes_where_it_was(db: None) -> None:
    now = clock.now()
    DrillRun.objects.create(exercise_id="HELD", scenario="sinkhole", document={}, lon=0.0, lat=0.0, started_at=now)
    begins = actions.begin_lately(exercise_id="HELD", at=now)
    assert timedelta(0) < now - begins < timedelta(minutes=15)
    assert actions.begin_lately(exercise_id="HELD", at=now + timedelta(hours=1)) == begins
