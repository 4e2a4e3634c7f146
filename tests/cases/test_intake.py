"""A new case is classified, routed and joined by itself; what is not sure is left to a person, and all happens once."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.bus import actions as bus
from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.intake import taking
from cityloom.cases.models import Case, CaseClock, CaseEvent, CaseHeard, CaseSketch
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper
from tests.cases.test_routing_pages import RULES

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
DARK, BURST, VAGUE = "路灯不亮，没人管", "The water pipe has burst and floods the street", "please help us here"


@pytest.fixture(autouse=True)
def now() -> object:
    with clock.use(clock.DrillClock(NOW)) as drill:
        yield drill


def asked(words: str = "", **more: Any) -> Asked:
    said = {"casetype": "request", "category": "something-else", "origin": "web", "lon": 114.05, "lat": 22.54}
    return Asked(**(said | {"answers": {"words": words} if words else {}} | more))


def opened(words: str = "", **more: Any) -> str:
    return actions.open_case(asked(words, **more), by=SYSTEM, at=NOW)


def row(case_id: str) -> Case:
    return Case.objects.select_related("heard").get(id=case_id)


def routed(case_id: str) -> dict[str, Any]:
    return CaseEvent.objects.get(case__id=case_id, kind="routed").data


def test_words_are_heard_before_they_are_sealed_and_not_kept(keeper: OpenKeeper, officials: Officials) -> None:
    case = opened(DARK)
    heard = CaseHeard.objects.get(case__id=case)
    assert (heard.kinds[0][0], heard.classifier, heard.standing) == ("street-lamp", 0, "waiting")
    assert CaseSketch.objects.get(case__id=case).words
    everything = str([list(model.objects.values()) for model in (Case, CaseHeard, CaseEvent, CaseSketch)])
    assert "路灯" not in everything and "没人管" not in everything


def test_a_case_goes_its_way_once(keeper: OpenKeeper, officials: Officials) -> None:
    """Opened, told, taken in by the worker: a rule and the classifier decide, and the history says so."""
    actions.put_routing(text=RULES, by=officials["supervisor"], at=NOW)
    lamp, chosen, burst, vague = opened(DARK), opened(BURST, category="noise"), opened(BURST), opened(VAGUE)
    limit = CaseClock.objects.get(case__id=lamp, clock="resolution").due_at
    for _ in range(2):
        bus.drain(at=NOW)
    assert (row(lamp).category, row(lamp).unit, row(lamp).branch_2) == ("street-light", "city/traffic", "city/traffic")
    assert routed(lamp) == {
        "category": "street-light", "kind": "street-lamp", "unit": "city/traffic", "rule": "lamps", "version": 1,
        "before": {"category": "something-else", "unit": "city/social"}, "sure": routed(lamp)["sure"], "classifier": 0,
    }  # fmt: skip
    changed = CaseClock.objects.get(case__id=lamp, clock="resolution").due_at
    assert limit and changed and changed < limit  # five working days for a lamp, ten for what is something else
    assert row(lamp).due_at == min(CaseClock.objects.filter(case__id=lamp).values_list("due_at", flat=True))  # type: ignore[type-var]
    assert (row(chosen).category, row(chosen).heard.standing) == ("noise", "doubted")
    assert (row(burst).category, row(burst).unit) == ("water-leak", "city/water")
    assert (row(vague).category, row(vague).unit, row(vague).heard.standing) == (
        "something-else", "city/social", "asked")  # fmt: skip
    assert CaseEvent.objects.filter(kind="routed").count() == 3
    assert [one.revision for one in map(row, (lamp, chosen, burst, vague))] == [2, 2, 2, 1]
    assert {one["standing"] for one in CaseHeard.objects.values("standing")} == {"taken", "doubted", "asked"}


def test_without_rules_the_unit_of_the_category_gets_it(keeper: OpenKeeper, officials: Officials) -> None:
    actions.stop_classifier(by=officials["supervisor"], at=NOW)
    unheard, named = opened(BURST), opened(category="noise", unit="city/police")
    actions.take_in(case_id=unheard, at=NOW)
    assert (row(unheard).heard.kinds, row(unheard).heard.standing) == ([], "asked")
    actions.put_routing(text=RULES, by=officials["supervisor"], at=NOW)
    actions.take_in(case_id=named, at=NOW)
    assert (row(named).unit, row(named).heard.standing) == ("city/police", "taken")  # whoever opened it said whose


def test_duplicates_are_joined_by_what_was_kept_of_their_words(keeper: OpenKeeper, officials: Officials) -> None:
    told = "the street light no 4312 is out"
    first, second = (actions.open_cases([asked(told, lat=22.54 + north)], by=SYSTEM, at=NOW)[0]
                     for north in (0.0, 0.00005))  # fmt: skip
    other = opened("loud music all night", lat=22.5401)
    bus.drain(at=NOW)
    assert (row(str(second)).matter, row(str(second)).state) == (first, "joined")
    assert row(other).is_open and row(str(first)).is_open
    assert queries.history_of(str(second))[-1].step == "join"


def test_what_somebody_works_on_already_stays_theirs(keeper: OpenKeeper, officials: Officials) -> None:
    case = opened(DARK)
    actions.take_step(case_id=case, step="accept", by=officials["clerk"], at=NOW)
    actions.take_in(case_id=case, at=NOW + timedelta(minutes=1))
    kept = row(case)
    assert (kept.category, kept.unit, kept.heard.standing) == ("something-else", "city/social", "doubted")


def test_one_that_cannot_be_taken_in_holds_up_no_other(
    keeper: OpenKeeper, officials: Officials, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, last = opened(DARK), opened(BURST), opened(DARK, lon=114.2)
    sound = taking.Desk.decide

    def failing(self: taking.Desk, heard: CaseHeard) -> Any:
        if heard.case.id == bad:
            raise ValueError("a defect")
        return sound(self, heard)

    monkeypatch.setattr(taking.Desk, "decide", failing)
    for case in (good, last):
        assert actions.take_in(case_id=case, at=NOW) == 1
    with pytest.raises(ValueError, match="a defect"):
        actions.take_in(case_id=bad, at=NOW)
    assert [row(case).heard.standing for case in (good, bad, last)] == ["taken", "waiting", "taken"]


def test_many_are_opened_in_one_call_and_each_says_what_is_wrong(
    keeper: OpenKeeper, officials: Officials, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def sealing(*, by: Actor, at: Any, texts: dict[str, str]) -> dict[str, bytes]:
        calls.extend([len(texts)] if texts else [])
        return {key: b"sealed " + key.encode() for key in texts}

    monkeypatch.setattr("cityloom.cases.working.recording.gate.seal_matters", sealing)
    many = [asked(DARK, key="a", secret="s", links=[("report", "R1")]), asked(category="lampe"), asked(key="b"),
            asked(DARK, key="a"), asked("x" * 4_001)]  # fmt: skip
    first = actions.open_cases(many, by=SYSTEM, at=NOW)
    assert calls == [1]
    assert [one.code if isinstance(one, Refused) else "" for one in first] == [
        "", "cases.no_category", "", "", "cases.answer_long"]  # fmt: skip
    assert first[0] == first[3] and Case.objects.count() == 2
    again = actions.open_cases(many, by=SYSTEM, at=NOW)
    assert [str(one) for one in again] == [str(one) for one in first]
    one = row(str(first[0]))
    assert bytes(one.sealed or b"").startswith(b"sealed")
    single = row(opened(DARK, key="c", secret="t", links=[("report", "R2")]))
    for name in ("clocks", "links", "followers", "events"):
        assert getattr(one, name).count() == getattr(single, name).count() > 0
    assert (one.due_at, one.rank, one.unit) == (single.due_at, single.rank, single.unit)


def signed_in(name: str) -> Client:
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username=name).pk})
    return client


def test_a_person_says_what_a_case_is_about_and_it_goes_where_such_cases_go(
    keeper: OpenKeeper, officials: Officials, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.cases.listing.cases.gate.open_texts", lambda **said: ["{}"] * len(said["sealed"]))
    actions.put_routing(text=RULES, by=officials["supervisor"], at=NOW)
    case, doubted = opened(VAGUE), opened(BURST, category="noise")
    bus.drain(at=NOW)
    clerk = signed_in("clerk")
    here = f"/cases/{case}/"
    page = clerk.get(here).content.decode()
    assert "is not sure what this is about" in page and page.count('name="category" value=') >= 3
    assert "The words sound like: Water leak" in clerk.get(f"/cases/{doubted}/").content.decode()
    heard = queries.heard_of(case)
    assert heard and len(heard.likely) >= 3
    other = clerk.post(f"{here}category/", {"category": "nonsense", "seen": "1"})
    assert other.status_code == 404 and "no category nonsense" in other.content.decode()
    sent = {"category": "water-leak:water-burst", "seen": "1", "reason": "They mean the pipe"}
    assert clerk.post(f"{here}category/", sent).url == "/cases/"  # type: ignore[attr-defined] # it is the water company's
    kept, said = row(case), CaseEvent.objects.get(case__id=case, kind="categorised")
    assert (kept.category, kept.unit, kept.heard.kind, kept.heard.put_right) == (
        "water-leak", "city/water", "water-burst", "water-leak")  # fmt: skip
    assert said.data["rule"] == "water" and said.sealed is not None and said.account == officials["clerk"].account
    assert kept.due_at == min(CaseClock.objects.filter(case=kept).values_list("due_at", flat=True))  # type: ignore[type-var]
    late = clerk.post(f"/cases/{doubted}/category/", {"category": "noise", "seen": "1"})
    assert (late.status_code, "Somebody else changed" in late.content.decode()) == (409, True)
    assert clerk.post(f"/cases/{doubted}/category/", {"category": "noise"}).status_code == 302
    assert row(doubted).heard.standing == "taken"
    water = signed_in("water").get(here).content.decode()
    assert "by rule water of version 1" in water and "Something else → Water leak" in water
    counted = queries.classifier_counted(0)
    assert (counted.heard, counted.chosen, counted.asked) == (2, 0, 2)


def test_officials_are_told_what_the_words_sound_like_and_an_address_is_a_place(
    keeper: OpenKeeper, officials: Officials, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {"1 Lamp Road": (114.06, 22.55)}
    monkeypatch.setattr("cityloom.cases.views.deeds.registers.geocoded", lambda text: SimpleNamespace(
        lon=found.get(text, (None, None))[0], lat=found.get(text, (None, None))[1]))  # fmt: skip
    clerk, sent = signed_in("clerk"), {"type": "request", "answer-words": DARK, "address": "1 Lamp Road"}
    page = clerk.get("/cases/new/?type=request").content.decode()
    assert "Suggest a category" in page and 'id="answer-words"' in page and 'id="answer-lamp_number"' not in page
    page = clerk.post("/cases/new/", sent | {"do": "suggest"}).content.decode()
    assert "The words sound like: Street light" in page and 'value="street-light" selected' in page
    assert DARK in page and "1 Lamp Road" in page and 'id="answer-lamp_number"' in page and not Case.objects.exists()
    vague = clerk.post("/cases/new/", sent | {"do": "suggest", "answer-words": VAGUE}).content.decode()
    assert "do not say surely enough" in vague
    lost = clerk.post("/cases/new/", sent | {"address": "Nowhere 9"})
    assert lost.status_code == 422 and "know no address like Nowhere 9" in lost.content.decode()
    assert clerk.post("/cases/new/", sent | {"category": "street-light"}).status_code == 302
    case = Case.objects.get()
    assert (case.category, case.lon, case.lat, case.origin) == ("street-light", 114.06, 22.55, "official")
