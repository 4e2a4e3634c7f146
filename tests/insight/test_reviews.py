"""A review from the file to its page: asked for, made by the worker's process, read, looked at again."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.insight import actions, queries
from cityloom.insight.actions import Source
from cityloom.insight.domain import stages
from cityloom.insight.models import Review
from cityloom.insight.reviewing import keeping
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.insight.conftest import NOW

pytestmark = pytest.mark.django_db


def table(cases: int = 40) -> bytes:
    """Cases of which every fourth is checked twice, every tenth is due too early, and three go a way of their own."""
    lines = ["case,activity,time,office,clerk,deadline"]
    for one in range(cases):
        due = "2026-01-08" if one % 10 else "2026-01-02"
        steps = ["receive", "check", "decide"] if one % 4 else ["receive", "check", "adjust", "check", "decide"]
        for at, step in enumerate(["receive", "phone"] if one >= cases - 3 else steps):
            office = "works" if step == "check" else "desk"
            lines.append(f"c{one},{step},2026-01-0{at + 1}T0{one % 10}:00:00Z,{office},Li Wei {one},{due}")
    return "\n".join(lines).encode()


def signed_in(username: str) -> Client:
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username=username).pk})
    return client


def text(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_file_becomes_a_page_without_people_and_small_counts(officials: dict[str, Actor], lake: Path) -> None:
    client = signed_in("supervisor")
    asked = client.post("/insight/reviews/new/", {"file": SimpleUploadedFile("permits.csv", table()), "limit_days": ""})
    page = asked.headers["Location"]
    assert "waiting for its turn" in text(client.get(page))
    assert queries.is_any_review_open()
    assert actions.do_reviews(by=SYSTEM) == 1
    shown = text(client.get(page))
    assert "40 cases with" in shown and "Get “check” right the first time" not in shown  # 10 cases are too few for it
    assert '<svg class="process-map"' in shown and "receive" in shown
    assert "phone" not in shown.partition('id="again"')[0]  # three cases alone went there
    assert "4 of 40" in shown or "fewer than 8" in shown
    assert "clerk" in shown and "Li Wei" not in shown
    row = Review.objects.get()
    assert (row.state, row.done, row.of) == (stages.DONE, stages.PARTS, stages.PARTS)
    assert not [path for path in keeping.folder().iterdir() if path.suffix == ".csv"]  # the file is let go
    assert "Li Wei" not in str(row.result) and '"c1"' not in str(row.result)
    kept = queries.log_of_review(row.id)
    assert (kept.cases, list(kept.case_ids[:2])) == (40, ["1", "2"])
    assert client.get(f"{page}json/").json()["figures"]["cases"] == 40
    assert "流程图" in text(client.get(page, headers={"accept-language": "zh-hans"}))
    _look_again(client, page)


def _look_again(client: Client, page: str) -> None:
    again = client.post(f"{page}again/", {"outside": ["check"], "limit_days": "2.5"})
    assert actions.do_reviews(by=SYSTEM) == 1
    shown = text(client.get(again.headers["Location"]))
    assert "Waiting for somebody outside: <strong>" in shown and "<q>check</q>" in shown
    assert "the same log, other choices" in text(client.get("/insight/reviews/"))
    assert "10 of 40 cases (25 %) ended after their limit" in shown  # those that are checked twice take four days


def test_what_cannot_be_reviewed_is_said_and_kept_as_such(officials: dict[str, Actor], lake: Path) -> None:
    client = signed_in("supervisor")
    assert "Nothing was chosen" in text(client.post("/insight/reviews/new/", {}))
    named = {"file": SimpleUploadedFile("letter.docx", b"x")}
    assert "no event log that can be read" in text(client.post("/insight/reviews/new/", named))
    wrong = {"file": SimpleUploadedFile("a.csv", table()), "limit_days": "soon"}
    assert "no number of days" in text(client.post("/insight/reviews/new/", wrong))
    page = client.post("/insight/reviews/new/", {"file": SimpleUploadedFile("a.csv", b"who,when\n1,2\n")}).headers[
        "Location"
    ]
    actions.do_reviews(by=SYSTEM)
    assert "No column of the table looks like the case" in text(client.get(page))
    waiting = client.post("/insight/reviews/new/", {"file": SimpleUploadedFile("a.csv", table())}).headers["Location"]
    client.post(f"{waiting}cancel/")
    assert actions.do_reviews(by=SYSTEM) == 0
    assert "cancelled" in text(client.get(waiting))
    assert list(keeping.folder().iterdir()) == []


def test_who_may(officials: dict[str, Actor], lake: Path) -> None:
    with pytest.raises(Refused, match="supervisors") as refused:
        actions.ask_for_review(source=Source(file="a.csv"), asked={}, by=officials["clerk"], at=NOW)
    assert refused.value.code == "insight.role"
    assert signed_in("clerk").get("/insight/reviews/").status_code == 200
    assert signed_in("water").get("/insight/reviews/").status_code == 409


def test_a_review_that_a_process_left_is_settled(officials: dict[str, Actor], lake: Path) -> None:
    key = actions.ask_for_review(
        source=Source(file="a.csv", content=table()), asked={}, by=officials["supervisor"], at=NOW
    )
    for _ in range(stages.MOST_BEGUN):
        assert keeping.next_one(NOW) is not None
    assert keeping.next_one(NOW) is None
    row = Review.objects.get(pk=key)
    assert (row.state, row.refusal["code"]) == (stages.REFUSED, "insight.review_broken")
    for _ in range(stages.MOST_OPEN):
        actions.ask_for_review(source=Source(file="a.csv", content=b""), asked={}, by=officials["supervisor"], at=NOW)
    with pytest.raises(Refused, match="wait already"):
        actions.ask_for_review(source=Source(file="a.csv", content=b""), asked={}, by=officials["supervisor"], at=NOW)


def test_changes_are_tried_where_there_are_cases_enough(officials: dict[str, Actor], lake: Path) -> None:
    """Half of the permits lie with the works for a day before they are checked; the page says what less would save."""
    lines = ["case,activity,time,office,kind"]
    for one in range(160):
        day, lies = one // 2, 30 if one % 4 else 2
        for step, hour in (("receive", 0), ("check", lies), ("decide", lies + 1)):
            at = f"2026-{1 + day // 28:02}-{1 + day % 28:02}T00:{one % 60:02}:00Z"
            moved = (datetime.fromisoformat(at) + timedelta(hours=hour)).isoformat()
            lines.append(f"c{one},{step},{moved},{'north' if one % 2 else 'south'},{'stall' if one % 3 else 'tree'}")
    client = signed_in("supervisor")
    sent = {"file": SimpleUploadedFile("permits.csv", "\n".join(lines).encode()), "limit_days": ""}
    page = client.post("/insight/reviews/new/", sent).headers["Location"]
    actions.do_reviews(by=SYSTEM)
    shown = text(client.get(page))
    assert "Tried on later cases" in shown and "What each change would have saved, a case" in shown
    assert "Offices, adjusted for their cases" in shown and "north" in shown
    client.cookies["django_language"] = "zh-hans"
    assert "在后期事项上试算" in text(client.get(page))
