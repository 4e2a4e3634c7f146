"""The risk brief: what each capability knows, by branch, with its trend and how sure it is."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.cases.models import Case, CaseEvent
from cityloom.cases.working.recording import placed, rank_of
from cityloom.detection.domain.judging import CONFIRMED, FALSE
from cityloom.detection.figures import outlook
from cityloom.detection.models import Detection, Judgement, SensorState
from cityloom.emergency.models import Incident
from cityloom.insight import actions, policies, queries
from cityloom.insight.actions import Sent
from cityloom.insight.briefing import gathering
from cityloom.insight.domain.counted_trend import FALLING, RISING, STEADY, UNKNOWN, trend_of
from cityloom.insight.studies import kinds
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals
from cityloom.ui.domain.declared import Outlook, Risk
from tests.insight.conftest import NOW

WEEK = timedelta(days=7)


def test_a_trend_is_what_chance_does_not_explain() -> None:
    assert trend_of(12, 2) == RISING
    assert trend_of(2, 12) == FALLING
    assert trend_of(5, 4) == trend_of(0, 0) == STEADY
    assert trend_of(None, 3) == trend_of(3, None) == trend_of(float("nan"), 1) == UNKNOWN
    assert trend_of(30_000, 20_000) == RISING  # beyond what is tested exactly


def detected(number: int, raised: timedelta, **more: object) -> Detection:
    at = NOW - raised
    return Detection.objects.create(
        id=f"D{number}", category="ground-collapse", lon=114.0, lat=22.5, radius_m=50, first_at=at, last_at=at,
        raised_at=at, score=1.0, evidence=[], **more,
    )  # fmt: skip


def opened(number: int, unit: str, due: timedelta, **more: object) -> Case:
    fields = {"is_open": True, "closed_at": None} | more
    return Case.objects.create(
        id=f"C{number:03}", casetype="request", version=1, state="received", confidentiality="internal",
        opened_at=NOW - timedelta(days=20), changed_at=NOW, due_at=NOW + due, matter=f"C{number:03}", origin="web",
        rank=rank_of(NOW + due, fields["closed_at"]), **placed(unit, "internal"), **fields,
    )  # fmt: skip


@pytest.mark.django_db
def test_each_part_tells_what_it_knows_and_how_sure_that_is(
    officials: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    Incident.objects.create(id="I1", category="ground-collapse", lon=114.0, lat=22.5, state="proposed",
                            hazard_radius_m=10, buffer_m=5, ring_fractions=[], place={"en": "Nanhai Road"},
                            first_signal_at=NOW, opened_at=NOW)  # fmt: skip
    detected(1, timedelta(hours=2))
    detected(2, timedelta(hours=2), exercise_id="E1")
    for number in range(3, 13):
        past = detected(number, timedelta(days=100))
        Judgement.objects.create(id=f"J{number}", detection=past, verdict=FALSE if number < 5 else CONFIRMED,
                                 reason="seen there", by="a", at=NOW)  # fmt: skip
    words, numbers = np.array(["pressure"], object), np.array([1])
    streams = signals.Datastreams(numbers, words, words, words, numbers * 1.0, numbers * 1.0, numbers)
    monkeypatch.setattr(outlook.signals, "datastreams", lambda _ids: streams)
    SensorState.objects.create(datastream_id=1, state="silent", since=NOW - WEEK / 2, found=1, limit=1, is_failed=True)
    late = opened(1, "city/d01", -timedelta(days=1))
    CaseEvent.objects.create(id="V1", case=late, revision=1, at=NOW - timedelta(days=1), kind="overdue")
    opened(2, "city/d01", timedelta(days=2))
    for number in range(3, 13):
        opened(number, "city/d01", -timedelta(days=5), is_open=False,
               closed_at=NOW - timedelta(days=4 if number < 6 else 6))  # fmt: skip
    found = queries.risk_brief("city", NOW)
    told = {(one.outlook.key, one.risk.horizon): one.risk for _horizon, each in found.by for one in each}
    assert not found.unread
    assert told["incidents", "now"].chance == 1.0 and "Nanhai Road" in told["incidents", "now"].title
    noticed = told["detections", "now"]  # the one of the drill is not there
    assert noticed.chance == pytest.approx(0.8) and noticed.low == pytest.approx(0.49, abs=0.01)
    assert "1 sensor" in told["silent-sensors", "days"].title
    assert (told["clocks", "now"].unit, told["clocks", "now"].lately) == ("city/d01", 1)
    soon = told["clocks", "days"]
    assert soon.chance == pytest.approx(4 / 11) and soon.low < soon.chance < soon.high  # the one over its time counts
    first = json.loads(json.dumps(queries.risk_brief_as_json(found)))["risks"][0]
    assert (first["part"], first["horizon"], first["trend"]) == ("incidents", "now", "steady")


@pytest.mark.django_db
def test_a_branch_sees_its_own_and_says_what_could_not_be_told(
    officials: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    outlooks = [Outlook("a", "A", "a.risks"), Outlook("b", "B", "b.risks"), Outlook("c", "C", "c.risks")]
    risks = [Risk("here", "/", "days", 1, "city/d01/s01"), Risk("grave", "/", "days", 4, "city/d02", chance=0.2),
             Risk("nowhere", "/", "weeks", 2)]  # fmt: skip

    def source(name: str):
        def ask(_unit: str, _at: object) -> list[Risk]:
            if name == "b.risks":
                raise Refused("b.closed", "B is closed today; ask tomorrow.")
            return risks if name == "a.risks" else []
        return ask

    monkeypatch.setattr(gathering.registry, "outlooks", lambda: outlooks)
    monkeypatch.setattr(gathering.registry, "source_of", source)
    whole = queries.risk_brief("city", NOW)
    assert [(horizon, [one.risk.title for one in each]) for horizon, each in whole.by] == [
        ("days", ["grave", "here"]), ("weeks", ["nowhere"])]  # fmt: skip
    assert whole.nowhere == 1 and [one.key for one in whole.quiet] == ["c"]
    assert [why for _one, why in whole.unread] == ["B is closed today; ask tomorrow."]
    part = queries.risk_brief("city/d01", NOW)
    assert [one.risk.title for _horizon, each in part.by for one in each] == ["here"]


@pytest.mark.django_db
def test_the_page_is_for_those_who_lead_and_for_their_branch(officials: dict[str, Actor]) -> None:
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username="commander").pk})
    page = client.get("/brief/").content.decode()
    assert "Risk brief" in page and "No incident is open." in page and "Silence is not absence" in page
    assert json.loads(client.get("/brief/?as=json").content)["risks"] == []
    assert client.get("/brief/?unit=other/place").status_code == 403
    client.post("/sign-in/demo/", {"account": Account.objects.get(username="clerk").pk})
    assert client.get("/brief/").status_code == 403
    lead = Actor(account="a", unit="city/d01", roles=frozenset({"supervisor"}))
    assert policies.branch_of(lead, "") == "city/d01" and policies.branch_of(lead, "city/d01/s02") == "city/d01/s02"
    with pytest.raises(Refused, match=r"city/d02 is not in your branch"):
        policies.branch_of(lead, "city/d02")


@pytest.mark.parametrize("kind", ["schools", "health"])
def test_studies_foresee_what_runs_short_in_their_own_examples(kind: str) -> None:
    one = kinds.kind(kind)
    foreseen = one.foresee(kinds.worked(kind, *one.example()))
    assert foreseen and all(0 < each.chance <= 1 and each.missing >= 0 and each.there > 0 for each in foreseen)


@pytest.mark.django_db
def test_a_study_stands_in_the_brief_from_when_it_is_put_there_until_a_newer_one_is(
    officials: dict[str, Actor], lake: Path
) -> None:
    lead = officials["supervisor"]
    names = []
    for _turn in range(2):
        names.append(actions.ask_for_study(sent=Sent("health", "Beds", is_example=True), by=lead, at=NOW))
        actions.do_studies(by=SYSTEM)
    assert queries.risk_brief("city", NOW).count == 0
    assert actions.put_into_brief(study_id=names[0], by=lead, at=NOW) > 0
    assert actions.put_into_brief(study_id=names[1], by=lead, at=NOW + WEEK) > 0
    [(horizon, [told, *_rest])] = queries.risk_brief("city", NOW + WEEK).by
    assert horizon == "months" and told.risk.title.startswith("Beds:") and "Made-up" in told.risk.note
    assert told.risk.url.endswith(f"{names[1]}/") and told.risk.lately == told.risk.before
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username="supervisor").pk})
    page = f"/insight/studies/{names[1]}/"
    assert "Take them out of the brief" in client.get(page).content.decode()
    client.post(f"{page}brief/", {"out": "1"})
    assert queries.risk_brief("city", NOW + WEEK).count == 0
    assert "Put them into the brief" in client.get(page).content.decode()
