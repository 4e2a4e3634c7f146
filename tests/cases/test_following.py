"""The page of whoever reported a matter: how it stands in plain words, and what they may still do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cityloom.cases import actions, handlers, queries
from cityloom.cases.actions import Asked
from cityloom.cases.domain import followcode
from cityloom.cases.events import CaseMoved
from cityloom.cases.listing import toldfollowers
from cityloom.cases.models import Case, CaseEvent, CaseFollower
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.envelope import Envelope
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
CODE = followcode.code_of(b"a secret of 13 bytes")
OTHER = followcode.code_of(b"another one of 13 bytes")


@pytest.fixture(autouse=True)
def now() -> Any:
    with clock.use(clock.DrillClock(NOW)) as drill:
        yield drill


@pytest.fixture
def case_id(keeper: OpenKeeper, officials: Officials, monkeypatch: pytest.MonkeyPatch) -> str:
    def opened(*, by: Actor, matter: str, sealed: Sequence[bytes]) -> list[str | None]:
        kept = [keeper.sealed[int(text.split()[1]) - 1] for text in sealed]
        return [text if of == matter else None for of, text in kept]

    monkeypatch.setattr(toldfollowers.gate, "open_texts", opened)
    asked = Asked("request", "street-light", {"words": "Dark since Friday", "contact": "Li, 139"}, origin="web",
                  secret=CODE)  # fmt: skip
    return actions.open_case(asked, by=officials["clerk"], at=NOW)


def page(code: str = CODE) -> str:
    answer = Client().get(f"/my-report/{code}/")
    assert answer.status_code == 200
    assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("same-origin", "no-store")
    assert "noindex" in answer["X-Robots-Tag"]
    return answer.content.decode()


def send(what: str, code: str = CODE, **sent: str) -> tuple[int, str]:
    answer = Client().post(f"/my-report/{code}/{what}/", sent, follow=True)
    return answer.status_code, answer.content.decode()


def step(case_id: str, name: str, by: Actor, hours: float, **more: str) -> None:
    actions.take_step(case_id=case_id, step=name, by=by, at=NOW + timedelta(hours=hours), **more)


def state(case_id: str) -> str:
    return Case.objects.values_list("state", flat=True).get(id=case_id)


def test_from_received_to_confirmed_and_reopened_in_plain_words(case_id: str, officials: Officials, now: Any) -> None:
    clerk = officials["clerk"]
    first = page()
    assert queries.facts_of(case_id).spoken in first and followcode.shown(CODE) in first
    assert "nobody has taken it on yet" in first and "Expected to be done by" in first
    assert "Dark since Friday" in first and "139" not in first
    actions.note(case_id=case_id, text="The neighbour is a nuisance", by=clerk, at=NOW)
    actions.note(case_id=case_id, text="We come on Monday", by=clerk, at=NOW, for_reporter=True)
    step(case_id, "accept", clerk, 1)
    step(case_id, "ask-reporter", clerk, 2, reason="Which of the two lamps?")
    now.advance_to(NOW + timedelta(hours=3))
    asked = page()
    assert "Which of the two lamps?" in asked and "stands still until you have answered" in asked
    assert "We come on Monday" in asked and "nuisance" not in asked and clerk.account not in asked
    assert send("more", text="The left one") [0] == 200
    assert state(case_id) == "in-progress"
    assert "The left one" in page()
    step(case_id, "finish", clerk, 4, reason="The bulb is new", result="solved")
    now.advance_to(NOW + timedelta(hours=5))
    done = page()
    assert "Is it solved?" in done and "The bulb is new" in done
    status, refused = send("solved", solved="no")
    assert (status, "Say why" in refused) == (409, True)
    assert "It goes on" in send("solved", solved="no", text="Dark again")[1]
    assert state(case_id) == "in-progress"
    step(case_id, "finish", clerk, 6, reason="And the cable too", result="solved")
    now.advance_to(NOW + timedelta(hours=7))
    assert "The matter is closed" in send("solved", solved="yes", satisfaction="4")[1]
    assert (state(case_id), "Is it solved?" in page()) == ("closed", False)


def test_what_others_reported_too_is_theirs_as_well_but_not_each_others_words(
    case_id: str, officials: Officials
) -> None:
    actions.follow(case_id=case_id, secret=OTHER, at=NOW)
    send("more", text="I live at number 7")
    other = page(OTHER)
    assert "2 people follow this matter" in other
    assert "number 7" not in other and "Dark since Friday" not in other
    assert "number 7" in page()
    assert "it goes on" in send("withdraw")[1]
    assert (state(case_id), CaseFollower.objects.count()) == ("received", 1)
    assert Client().get(f"/my-report/{CODE}/").status_code == 404
    assert "is withdrawn" in send("withdraw", OTHER, text="It burns again")[1]
    assert (state(case_id), Case.objects.get().result) == ("closed", "withdrawn")
    assert "Ask for another look" not in page(OTHER)


def test_what_is_joined_is_followed_in_the_case_that_goes_on(case_id: str, officials: Officials, now: Any) -> None:
    clerk = officials["clerk"]
    asked = Asked("request", "street-light", {"words": "A dark lamp"}, origin="web", secret=OTHER)
    later = actions.open_case(asked, by=clerk, at=NOW + timedelta(hours=1))
    actions.join_matters(case_id=later, other=case_id, by=clerk, at=NOW + timedelta(hours=2))
    lead, joined = queries.facts_of(case_id), queries.facts_of(later)
    assert (joined.state, joined.matter) == ("joined", case_id)
    step(case_id, "accept", clerk, 3)
    step(case_id, "finish", clerk, 4, reason="The bulb is new", result="solved")
    now.advance_to(NOW + timedelta(hours=5))
    theirs = page(OTHER)
    assert f"goes on as matter {lead.spoken}" in theirs and joined.spoken in theirs
    assert "The bulb is new" in theirs and "A dark lamp" in theirs and "Dark since Friday" not in theirs
    assert "the unit reads why" in send("solved", OTHER, solved="no", text="Mine is dark")[1].lower()
    assert state(case_id) == "done"
    assert "Mine is dark" in page(OTHER) and "Mine is dark" not in page()
    assert "The matter is closed" in send("solved", solved="yes")[1]


def test_another_look_is_a_review_of_its_own_followed_with_the_same_code(case_id: str, officials: Officials) -> None:
    boss = officials["supervisor"]
    with pytest.raises(Refused) as refused:
        actions.ask_for_another_look(secret=CODE, reason="I want it", at=NOW)
    assert refused.value.code == "cases.no_review"
    step(case_id, "decline", boss, 1, reason="A private road", result="not-the-citys")
    assert "A private road" in page()
    for _ in range(2):
        assert "A supervisor looks at it again" in send("look", text="The road is the city's")[1]
    review = Case.objects.get(casetype="review")
    assert (review.state, queries.links_of(review.id)) == ("asked", [("case", case_id)])
    assert CaseEvent.objects.filter(case=review, kind="noted").count() == 1
    assert queries.links_of(case_id) == [("case", review.id)]
    step(review.id, "begin", boss, 2)
    assert "under review" in page()
    step(review.id, "decide", boss, 3, reason="The road is the city's", result="changed")
    moved = CaseMoved(review.id, "review", "decision", "decide", "under-review", "decided", "changed", "", True, NOW)
    handlers.follow_review(moved, envelope=Envelope("E1", "", "", NOW, {}))
    assert state(case_id) == "in-progress"
    assert "the decision was changed" in page()


def test_what_is_no_code_or_opens_nothing_is_told_at_the_door(case_id: str) -> None:
    for text, words in (("short", "20 letters and digits"), (OTHER, "Nothing is followed with this code")):
        answer = Client().post("/my-report/", {"code": text})
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    spoken = followcode.shown(CODE).lower().replace("-", " ").replace("0", "o")
    assert Client().post("/my-report/", {"code": spoken}).headers["Location"] == f"/my-report/{CODE}/"
    assert Client().get(f"/my-report/{OTHER}/").status_code == 404
    assert Client().post(f"/my-report/{CODE}/burn/").status_code == 404


def test_words_are_bounded_cleaned_and_stay_where_they_are_refused(case_id: str, keeper: OpenKeeper) -> None:
    status, refused = send("more", text="x" * 4_001)
    assert (status, "it may have 4,000" in refused or "it may have 4000" in refused, "x" * 4_001 in refused) == (
        409, True, True)  # fmt: skip
    send("more", text="<script>alert(1)</script>\x07\u202e over")
    assert (case_id, "<script>alert(1)</script> over") in keeper.sealed
    assert "&lt;script&gt;alert(1)" in page() and "<script>alert" not in page()
    for _ in range(19):
        actions.say_more(secret=CODE, text="and more", at=NOW)
    assert "which is the most" in send("more", text="once more")[1]
