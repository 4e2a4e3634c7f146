"""Figures of cases as they are read from the database and shown: every case once, only what one may see, no person."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.cases import actions
from cityloom.cases.actions import Asked
from cityloom.cases.figures import counting, public
from cityloom.cases.figures.counting import CaseFigures, scope_for, span_of
from cityloom.cases.models import Case
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
LAMP = {"casetype": "request", "category": "street-light", "lon": 114.05, "lat": 22.54, "unit": "city/social"}


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    counting._kept.clear()


def opened(at: datetime, **more: Any) -> str:
    return actions.open_case(Asked(**(LAMP | {"origin": "web"} | more)), by=SYSTEM, at=at)


def finished(case_id: str, by: Actor, at: datetime, result: str = "solved") -> None:
    actions.take_step(case_id=case_id, step="accept", by=by, at=at)
    actions.take_step(case_id=case_id, step="finish", by=by, at=at, reason="Bulb", result=result)


@pytest.fixture
def some(officials: Officials, keeper: OpenKeeper) -> None:
    """Eight requests: solved and confirmed, denied, silent, late, withdrawn, joined, a drill, made up."""
    clerk, day = officials["clerk"], timedelta(days=1)
    for secret, solved, satisfaction in (("a", "yes", 5), ("b", "no", 2)):
        case_id = opened(NOW, secret=secret)
        finished(case_id, clerk, NOW + timedelta(hours=2))
        actions.answer_whether_solved(secret=secret, solved=solved, satisfaction=satisfaction, reason="It is",
                                      at=NOW + day)  # fmt: skip
    silent = opened(NOW, secret="c", category="noise")
    finished(silent, clerk, NOW + timedelta(hours=4))
    opened(NOW, category="rubbish")
    gone = opened(NOW)
    actions.take_step(case_id=gone, step="accept", by=clerk, at=NOW)
    actions.take_step(case_id=gone, step="decline", by=clerk, at=NOW, reason="They took it back", result="withdrawn")
    twin = opened(NOW)
    actions.take_step(case_id=twin, step="join", by=clerk, at=NOW)
    opened(NOW, exercise_id="0" * 26)
    opened(NOW, made_up=True)
    opened(NOW + 20 * day)  # after the first was confirmed, at its place


def counted(by: Actor, at: datetime = NOW + timedelta(days=30), unit: str = "") -> CaseFigures:
    return counting.figures_of(scope_for(by, "request", unit), span_of("2026-11-01", "2026-12-31", at), at)


def test_every_case_is_counted_once_and_closed_is_not_solved(some: None, officials: Officials) -> None:
    whole = counted(officials["clerk"]).whole
    always = {"exercise": 1, "made-up": 1, "joined": 1, "withdrawn": 1}
    rates = {name: (rate.counted, rate.of, {key: count for key, count in rate.left_out.items() if count})
             for name, rate in whole.rates.items()}  # fmt: skip
    assert rates["response"] == (3, 5, always)
    assert rates["resolution"] == (2, 5, always)  # confirmed, and silent; denied was opened again; two are late
    assert rates["satisfaction"] == (1, 1, always | {"not-done": 3, "silent": 1})
    assert rates["repeats"] == (1, 1, always | {"not-done": 3, "too-soon": 1})
    assert all(rate.total == 9 for rate in whole.rates.values())
    assert (whole.solved.confirmed, whole.solved.silent, whole.solved.denied) == (1, 1, 0)
    standing = whole.standing
    assert (standing.cases, standing.open, standing.overdue, standing.reopened) == (5, 3, 3, 1)
    assert (standing.median_h, standing.done) == (2.5, 2)  # 2 hours; 3 of the 4, for there is a pause at noon


def test_only_what_one_may_see_is_counted(some: None, officials: Officials) -> None:
    for who, unit in (("water", "city/social"), ("auditor", ""), ("clerk", "city")):
        with pytest.raises(Refused, match="not for you to see"):
            scope_for(officials[who], "request", unit)
    Case.objects.filter(category="noise").update(confidentiality="secret", branch_1="", branch_2="")
    Case.objects.filter(category="rubbish").update(confidentiality="restricted", branch_1="")
    assert counted(officials["clerk"]).whole.rates["response"].total == 8
    at = NOW + timedelta(days=30)
    everybody = counting.figures_of(counting.open_scope("request"), span_of("2026-11-01", "2026-12-31", at), at)
    assert everybody.whole.rates["response"].total == 7


def test_what_was_counted_is_kept_for_some_minutes(some: None, officials: Officials) -> None:
    at = NOW + timedelta(days=30)
    before = counted(officials["clerk"], at)
    opened(at)
    assert counted(officials["clerk"], at + timedelta(minutes=9)) is before
    after = counted(officials["clerk"], at + timedelta(minutes=10))
    assert (after.at, after.whole.standing.cases) == (at + timedelta(minutes=10), 6)


def test_the_portal_tells_nothing_where_few_cases_count(some: None, officials: Officials) -> None:
    at = NOW + timedelta(days=30)
    assert public.response(Actor(account=""), at).why_none.startswith("Too few")
    for number in range(12):
        finished(opened(NOW, key=f"k{number}"), officials["clerk"], NOW + timedelta(hours=1))
    counting._kept.clear()
    found = public.resolution(Actor(account=""), at)
    assert found.value == 82.0 and "of about 15 cases" in found.note and "between 6 and 82 %" in found.note


def test_the_page_its_files_and_the_cases_behind_a_number(some: None, officials: Officials) -> None:
    client = Client()
    assert client.post("/sign-in/demo/", {"account": Account.objects.get(username="clerk").pk}).status_code == 302
    Case.objects.update(opened_at=clock.now() - timedelta(days=3))
    for by in ("unit", "category", "month", "origin"):
        assert client.get(f"/cases/figures/?by={by}").status_code == 200
    shown = client.get("/cases/figures/?by=category&compared=response").content.decode()
    assert "Closed is not solved" in shown and "left out: made up" in shown and "What may not be concluded" in shown
    file = client.get("/cases/figures/?by=category&as=csv").content.decode("utf-8-sig")
    whole = next(csv.DictReader(io.StringIO(file)))
    assert (whole["counted"], whole["left_out_joined"], whole["all_cases"]) == ("3", "1", "9")
    assert client.get("/cases/figures/?as=json").json()["all"]["solved"]["silent"] == 1
    behind = client.get("/cases/figures/cases/?formula=response&label=withdrawn").content.decode()
    assert behind.count("/cases/") >= 1 and "declined" in behind
    assert client.get("/cases/figures/cases/?formula=response&label=gossip").status_code == 404
    assert "at most 1098 days" in client.get("/cases/figures/?since=2001-01-01").content.decode()
    assert "Write the day" in client.get("/cases/figures/?since=soon").content.decode()
    client.cookies["django_language"] = "zh-hans"
    assert "未答复" in client.get("/cases/figures/").content.decode()
    other = Client()
    other.post("/sign-in/demo/", {"account": Account.objects.get(username="steward").pk})
    refused = other.get("/cases/figures/")
    assert (refused.status_code, "not for you to see" in refused.content.decode()) == (409, True)
