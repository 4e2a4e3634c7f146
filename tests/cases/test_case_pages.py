"""The pages of cases: what one may do is a button, what one may not says why, in both languages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.domain import followcode
from cityloom.cases.domain.casetypes import picture
from cityloom.cases.domain.casetypes.reading import shipped
from cityloom.cases.listing import cases as opened
from cityloom.cases.matters import joining
from cityloom.cases.models import Case
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from tests.cases.casetypes import ours
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db


@pytest.fixture
def case_id(officials: dict[str, Actor], keeper: OpenKeeper, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(opened.gate, "open_texts", lambda **said: ["Words that were sealed"] * len(said["sealed"]))
    asked = Asked("request", "street-light", {"danger": "no"}, origin="call")
    return actions.open_case(asked, by=officials["clerk"], at=clock.now())


def signed_in(name: str) -> Client:
    client = Client()
    account = Account.objects.get(username=name).pk
    assert client.post("/sign-in/demo/", {"account": account}).status_code == 302
    return client


def page(name: str, address: str, **sent: Any) -> Any:
    client = signed_in(name)
    return client.post(address, sent, follow=True) if sent else client.get(address)


def test_a_case_is_worked_on_from_its_page(case_id: str) -> None:
    here = f"/cases/{case_id}/"
    first = page("clerk", here).content.decode()
    assert "Take it on" in first and "with a reason" in first  # a button, and why another one is not
    assert "Somebody works on it" in page("clerk", f"{here}step/", step="accept", seen="1").content.decode()
    late = page("supervisor", f"{here}step/", step="decline", reason="No", seen="1", result="cannot-be-done")
    assert (late.status_code, "Somebody else changed this case" in late.content.decode()) == (409, True)
    noted = page("clerk", f"{here}note/", text="Asked the lamp people").content.decode()
    assert "Words that were sealed" in noted and "Asked the lamp people" not in noted
    assert Case.objects.get(id=case_id).revision == 3


def test_lists_types_and_new_cases_have_pages(case_id: str, officials: dict[str, Actor]) -> None:
    spoken = queries.facts_of(case_id).spoken
    assert spoken in page("clerk", "/cases/?whose=all").content.decode()
    assert spoken not in page("water", "/cases/").content.decode()
    assert page("water", f"/cases/{case_id}/").status_code == 403
    assert "is no number of a case" in page("clerk", "/cases/?number=12").content.decode()
    for address in ("/case-types/", "/case-types/request/", "/cases/new/", "/cases/new/?type=request&category=noise"):
        assert page("clerk", address).status_code == 200
    sent = {"type": "request", "category": "rubbish", "answer-since": "yesterday"}
    assert "does not fit" in page("clerk", "/cases/new/", **sent).content.decode()
    made = page("clerk", "/cases/new/", **sent | {"answer-since": "2026-11-01", "call": "1"}).content.decode()
    assert "The case is opened" in made and "2026-11-01" in made
    called = page("clerk", "/cases/new/", **sent | {"answer-since": "", "call": "1", "once": "A" * 43}).content.decode()
    assert "Tell the caller" in called and followcode.shown(actions.new_code("A" * 43)) in called


def test_the_pages_speak_chinese(case_id: str) -> None:
    client = signed_in("clerk")
    client.cookies["django_language"] = "zh-hans"
    for address, words in ((f"/cases/{case_id}/", "承办"), ("/cases/", "路灯"), ("/case-types/review/", "复核中")):
        assert words in client.get(address).content.decode()


def test_what_cannot_be_opened_is_said_and_the_page_stays(
    case_id: str, officials: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.note(case_id=case_id, text="Something", by=officials["clerk"], at=NOW + timedelta(days=1))

    def down(**_said: object) -> list[str]:
        raise Refused("gate.keeper_down", "The keeper does not answer; try again.")

    monkeypatch.setattr(opened.gate, "open_texts", down)
    assert "The keeper does not answer" in page("clerk", f"/cases/{case_id}/").content.decode()


@pytest.mark.parametrize("name", list(shipped()))
def test_each_state_and_step_of_a_type_is_drawn(name: str) -> None:
    found = ours(name)
    drawn = picture.picture_of(found)
    assert {box.state for box in drawn.boxes} == set(found.states)
    assert len({(box.x, box.y) for box in drawn.boxes}) == len(found.states)
    numbers = {int(number) for arrow in drawn.arrows for number in arrow.numbers.split(", ")}
    assert numbers == set(range(1, len(found.steps) + 1))


def test_a_matter_shows_its_reports_and_what_may_belong_to_it(
    case_id: str, officials: dict[str, Actor], settings: Any
) -> None:
    settings.SECRET_KEY = "sketches of words are drawn by it, and now and then by chance alike"
    at = clock.now()
    lamps = [actions.open_case(Asked("request", "street-light", {}, 114.05, 22.54 + metres / 111_195, origin="call"),
                               by=officials["clerk"], at=at) for metres in (0, 4, 90, 110)]  # fmt: skip
    rows = [Case.objects.get(id=lamp) for lamp in lamps]
    words = ("the street light no 4312 is out", "street light 4312 is out", "a lamp is out", "")
    assert joining.join_new(rows[:2], dict(zip(lamps, words, strict=True)), at) == {lamps[1]: lamps[0]}
    joining.join_new(rows[2:], dict(zip(lamps, words, strict=True)), at)
    numbers = [queries.facts_of(lamp).spoken for lamp in lamps]
    here = page("clerk", f"/cases/matters/{lamps[1]}/").content.decode()
    shown = (*numbers[:2], "2 reports", "4 m away", "same category", "a number in both", "<svg")
    assert [words for words in shown if words not in here] == []
    assert "2 reports of one matter" in page("clerk", f"/cases/{lamps[0]}/").content.decode()
    assert numbers[0] in page("clerk", "/cases/matters/?order=largest").content.decode()
    assert numbers[0] not in page("water", "/cases/matters/").content.decode()
    assert page("water", f"/cases/matters/{lamps[0]}/").status_code == 403
    asked = page("clerk", f"/cases/{lamps[2]}/").content.decode()
    assert "Perhaps the same" in asked and "m away" in asked
    page("clerk", f"/cases/{lamps[2]}/apart/", other=lamps[0])
    done = page("clerk", f"/cases/{lamps[3]}/join/", number=numbers[0], reason="The same pole").content.decode()
    assert "They are one matter now" in done and "Goes on as" in done
    assert "Say why" in page("clerk", f"/cases/{lamps[3]}/part/", reason=" ").content.decode()
    assert "stands for itself" in page("clerk", f"/cases/{lamps[3]}/part/", reason="Another pole").content.decode()
    assert "goes on for the matter" in page("clerk", f"/cases/{lamps[1]}/lead/", reason="Better").content.decode()
    assert "are one matter already" in page("clerk", f"/cases/{lamps[1]}/join/", other=lamps[0]).content.decode()
    client = signed_in("clerk")
    client.cookies["django_language"] = "zh-hans"
    assert "同一事项" in client.get(f"/cases/matters/{lamps[1]}/").content.decode()
