"""From an application to a decision: at once where a table grants it, else by a person, and reviewed on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked, Ruling
from cityloom.cases.approving import applying, asking, deciding, registered
from cityloom.cases.domain.approvals import wording
from cityloom.cases.domain.decisions.deciding import Change
from cityloom.cases.listing import decisions as told
from cityloom.cases.models import Case, CaseDecision, CaseEvent, TableVersion
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.casetypes import ours
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
STALL = {"use": "stall", "where": "Bay Road 1", "starts_on": "2026-11-10", "days": 10, "area_m2": 4, "path_m": 2,
         "loud": "no", "food": "no", "name": "Li Na"}  # fmt: skip
PARKING = {"parking_area": "city/d01/s01/c01", "lives_there": "yes", "aged_60": "yes", "cars": 1, "plate": "粤B12345",
           "name": "Li Na"}  # fmt: skip
SECRET = "K" * 20
LATER = NOW + timedelta(hours=3)


@pytest.fixture(autouse=True)
def sealing(keeper: OpenKeeper, monkeypatch: pytest.MonkeyPatch) -> OpenKeeper:
    for room in (applying, deciding):
        monkeypatch.setattr(room.gate, "seal_texts", keeper.seal_texts)

    def opened(*, by: Actor, matter: str, sealed: list[bytes]) -> list[str]:
        texts = [text for known, text in keeper.sealed if known == matter]
        return [texts[0] if len(sealed) == 1 else texts[at] for at in range(len(sealed))]

    monkeypatch.setattr(told.gate, "open_texts", opened)
    return keeper


def applied(category: str = "street-use", *, vouched: dict[str, Any] | None = None, key: str = "", **more: Any) -> str:
    answers = (STALL if category == "street-use" else PARKING) | more
    origin = "official" if category == "street-use" else "web"
    asked = Asked("permit", category, answers, origin=origin, key=key, secret=SECRET)
    return actions.apply(asked, by=SYSTEM, at=NOW, vouched=vouched).case_id


def refused(action: Any, **said: Any) -> str:
    with pytest.raises(Refused) as refusal:
        action(**said)
    return refusal.value.code


def test_a_stall_is_granted_at_once_with_reasons_rule_version_and_conditions(officials: dict[str, Actor]) -> None:
    case = Case.objects.get(id=applied(key="once"))
    assert (case.state, case.result, case.is_open) == ("notified", "granted-with-conditions", False)
    (one,) = queries.decisions_of(case.id)
    assert (one.how, one.table, one.table_version, one.rows, one.conditions) == (
        "table", "permit-street-use", 1, [1], ["free-path", "clean-up"],
    )  # fmt: skip
    assert one.reasons_in("en")[0].startswith("A stall of at most 6") and "摊位" in one.reasons_in("zh-hans")[0]
    assert applied(key="once") == case.id and CaseDecision.objects.count() == 1 and Case.objects.count() == 1
    assert [event.kind for event in CaseEvent.objects.order_by("revision")] == ["opened", "stepped"]


def test_what_an_applicant_sends_has_its_evidence_with_it(officials: dict[str, Actor]) -> None:
    asked = Asked("permit", "street-use", STALL, origin="web")
    assert refused(actions.apply, asked=asked, by=SYSTEM, at=NOW) == "cases.no_evidence"
    bad = replace(asked, files=[("plan.png", b"\x89PNG\r\n\x1a\nlies", "site-plan")])
    assert refused(actions.apply, asked=bad, by=SYSTEM, at=NOW).startswith("files.")
    assert not Case.objects.exists()


def test_what_no_row_grants_waits_for_a_person_and_is_told_what_would_have(
    officials: dict[str, Actor], sealing: OpenKeeper
) -> None:
    case = Case.objects.get(id=applied(area_m2=9))
    assert (case.state, case.result, case.is_open) == ("received", "", True)
    (one,) = queries.decisions_of(case.id)
    opened = queries.opened([one])[1]
    assert (one.result, opened.facts["area_m2"]) == ("", 9)
    assert opened.ways_in("en") == [["Area: at most 6 m²"], ["What for: a scaffold or a skip"]] and opened.ways_in(
        "zh-hans"
    ) == [["面积：不超过 6 m²"], ["用途：脚手架或堆料"]]
    assert "Li Na" not in str(CaseDecision.objects.values())


def test_only_what_a_register_said_grants_a_parking_permit(officials: dict[str, Actor]) -> None:
    typed = Case.objects.get(id=applied("resident-parking"))
    assert (typed.state, len(queries.clocks_of(typed.id))) == ("received", 2)  # a person looks, and silence grants
    assert "a register has to say so" in queries.opened(queries.decisions_of(typed.id))[1].ways_in("en")[0][0]
    proved = applied("resident-parking", vouched={"lives_there": True, "aged_60": True})
    (one,) = queries.decisions_of(proved)
    assert (one.rows, one.conditions, one.valid_until) == ([1], ["one-car", "no-fee"], date(2028, 11, 2))
    denied = applied("resident-parking", vouched={"lives_there": False})  # the register said no, the form yes
    assert Case.objects.get(id=denied).state == "received"


def test_what_was_filled_in_is_vouched_for_this_account_and_place_alone(
    officials: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    resident, other = (Actor(name, "", frozenset({"resident"})) for name in ("resident-1", "resident-2"))
    asked: list[Any] = []

    def ask_own(**said: Any) -> tuple[dict[str, str], list[bool | None]]:
        asked.append((said["fields"], said["questions"], said["lives_there"](7), said["lives_there"](0)))
        return {"name": "Li Na", "phone": ""}, [True, None]

    monkeypatch.setattr(asking.gate, "ask_own", ask_own)
    monkeypatch.setattr(asking.accounts, "unit_names_of", lambda units: dict.fromkeys(units, "Bay"))
    monkeypatch.setattr(asking.registers, "unit_of_dwelling", lambda _home: "city/d01/s01/c01")
    found, proof = actions.fill_in("permit", "resident-parking", PARKING, by=resident, at=NOW)
    assert found == {"name": "Li Na", "lives_there": True} and "Li Na" not in proof
    assert asked == [({"name", "phone"}, [("lives-in", ""), ("age-at-least", "60")], True, None)]
    vouched = lambda by, **more: actions.vouched_for(proof, "permit", "resident-parking", PARKING | more, by=by)  # noqa: E731
    assert vouched(resident) == {"lives_there": True}
    assert vouched(other) == {} and vouched(resident, parking_area="city/d02") == {}
    assert actions.vouched_for(proof[:-1], "permit", "resident-parking", PARKING, by=resident) == {}


def test_a_company_is_looked_up_and_not_believed(officials: dict[str, Actor], monkeypatch: pytest.MonkeyPatch) -> None:
    known = "91440306MA00000008"
    monkeypatch.setattr(registered.registers, "organisations_called", lambda code, _: [(known, "Bay Food", "")])
    food = {"food": "yes", "area_m2": 10, "registered": "yes"}
    assert Case.objects.get(id=applied(organisation=known, **food)).result == "granted-with-conditions"
    assert Case.objects.get(id=applied(organisation="91440306MA00000016", **food)).result == ""
    assert Case.objects.get(id=applied(**food)).result == ""  # nobody was named, so the box alone is no proof


def test_a_person_decides_with_grounds_and_the_second_is_told(officials: dict[str, Actor]) -> None:
    clerk, supervisor = officials["clerk"], officials["supervisor"]
    case_id = applied(area_m2=90)
    seen = actions.take_step(case_id=case_id, step="take-on", by=clerk, at=LATER)
    rule = lambda ruling, **said: refused(  # noqa: E731
        actions.decide_application, case_id=case_id, ruling=ruling, at=LATER, **{"by": supervisor} | said
    )
    assert refused(actions.take_step, case_id=case_id, step="decide", by=supervisor, at=LATER) == "cases.ruling"
    assert rule(Ruling("granted", "It fits"), by=clerk) == "cases.role"
    assert rule(Ruling("refused", "No room is left")) == "cases.ground"
    assert rule(Ruling("refused", "No room is left", grounds=["not-resident"])) == "cases.ground"
    assert rule(Ruling("refused", "", grounds=["taken"])) == "cases.reason"
    assert rule(Ruling("granted-with-conditions", "Fits")) == "cases.condition"
    assert rule(Ruling("granted", "Fits", valid_until=date(2020, 1, 1))) == "cases.valid_until"
    assert CaseDecision.objects.filter(how="person").count() == 0
    said = {"case_id": case_id, "by": supervisor, "at": LATER, "seen": seen}
    actions.decide_application(ruling=Ruling("refused", "The fair is there", grounds=["taken"]), **said)
    assert (
        refused(actions.decide_application, ruling=Ruling("granted", "I see it otherwise"), **said) == "cases.changed"
    )
    first, last = queries.decisions_of(case_id)
    assert (last.how, last.result, last.account, last.role) == ("person", "refused", supervisor.account, "decider")
    assert last.reasons_in("en") == ["The place is taken at that time."] and first.result == ""
    assert Case.objects.get(id=case_id).state == "notified"  # whoever has the code can read it


def test_a_decision_at_once_is_reviewed_on_request_and_taken_up_again_where_it_was_wrong(
    officials: dict[str, Actor],
) -> None:
    supervisor, case_id = officials["supervisor"], applied()
    ask = {"case_id": case_id, "words": "Why clean up on Sunday?", "at": LATER}
    assert refused(actions.ask_review, secret="another", **ask) == "cases.no_follower"
    assert refused(actions.ask_review, secret=SECRET, **ask | {"words": ""}) == "cases.reason"
    late = ask | {"at": NOW + timedelta(days=61)}
    assert refused(actions.ask_review, secret=SECRET, **late) == "cases.review_late"
    waiting = applied(area_m2=9)
    assert refused(actions.ask_review, secret=SECRET, **ask | {"case_id": waiting}) == "cases.nothing_decided"
    review = actions.ask_review(secret=SECRET, **ask)
    assert actions.ask_review(secret=SECRET, **ask) == review  # asked again, it is the same
    row = Case.objects.get(id=review)
    assert (row.casetype, row.category, row.due_at is not None) == ("review", "automatic-decision", True)
    assert ("case", review) in queries.links_of(case_id) and ("case", case_id) in queries.links_of(review)
    actions.take_step(case_id=review, step="begin", by=supervisor, at=LATER)
    actions.take_step(case_id=review, step="decide", result="changed", reason="Sunday is hard", by=supervisor, at=LATER)
    for _ in range(2):  # an event that comes twice
        actions.follow_review(review_id=review, result="changed", command="E1", at=LATER)
    case = Case.objects.get(id=case_id)
    assert (case.state, case.result, case.is_open) == ("in-hand", "", True)


def test_silence_grants_a_parking_permit_and_no_stall(officials: dict[str, Actor]) -> None:
    parking, stall = applied("resident-parking"), applied(area_m2=9)
    actions.ring_due(at=NOW + timedelta(days=60))
    actions.ring_due(at=NOW + timedelta(days=60))
    assert Case.objects.get(id=parking).result == "granted"
    assert Case.objects.get(id=stall).result == ""


TABLE = """table: permit-tree-felling
hit_policy: UNIQUE
inputs:
  - {name: girth_cm, type: number, values: '>= 1'}
outputs:
  - {name: outcome, type: string}
rules:
  - when: {girth_cm: '<= 30'}
    then: {outcome: '"granted"'}
    because: {en: A thin tree., zh-hans: 细小树木。}
"""


def test_tables_are_published_as_versions_and_what_decided_stays_readable(officials: dict[str, Actor]) -> None:
    steward, clerk = officials["steward"], officials["clerk"]
    publish = lambda text, by=steward: actions.publish_table(data=text.encode(), by=by, at=NOW)  # noqa: E731
    assert [one.standing for one in queries.tables()] == ["shipped"] * 3
    assert refused(publish, text=TABLE, by=clerk) == "cases.may_not_publish"
    assert publish(TABLE) == ("permit-tree-felling", 2)  # the shipped one is 1, and stays
    assert publish(TABLE) == ("permit-tree-felling", 2)
    for wrong, code in (
        (TABLE.replace('"granted"', '"refused"'), "cases.table_refuses"),
        (TABLE.replace("permit-tree", "permit-bush"), "cases.table_for_nothing"),
        (TABLE.replace("girth_cm", "colour"), "cases.table_column"),
        (TABLE.replace("type: number", "type: string").replace(", values: '>= 1'", "").replace("'<= 30'", "'\"x\"'"),
         "cases.table_column"),
        (TABLE.replace("because: {en: A thin tree., zh-hans: 细小树木。}", "because: thin"), "cases.table_row"),
        (TABLE.replace('"granted"', '"granted-with-conditions"'), "cases.table_row"),
        (TABLE + TABLE[TABLE.index("  - when") :].replace("30", "20"), "cases.table_overlaps"),
        ("<a>" * 400_000, "cases.xml_deep"), ("x: " + "[" * 900_000, "cases.table_too_large"),
    ):  # fmt: skip
        assert refused(publish, text=wrong).split("_")[0] == code.split("_")[0], code
    with pytest.raises(Refused) as overlap:
        publish(TABLE + TABLE[TABLE.index("  - when") :].replace("30", "20"))
    assert overlap.value.value == "1+2"
    assert actions.withdraw_table(name="permit-tree-felling", why="A mistake", by=steward, at=NOW) == 2
    standing = {one.number: one.standing for one in queries.tables() if one.name == "permit-tree-felling"}
    assert standing == {2: "withdrawn", 1: "in force"}
    assert "A thin tree" in queries.table_version("permit-tree-felling", 2).document
    assert refused(actions.withdraw_table, name="permit-tree-felling", number=2, why="Once more", by=steward, at=NOW
                   ) == "cases.table_withdrawn"  # fmt: skip
    actions.withdraw_table(name="permit-tree-felling", why="All to people", by=steward, at=NOW)
    assert TableVersion.objects.filter(withdrawn_at=None).count() == 0


@pytest.mark.parametrize(("field", "cell", "english", "chinese"), [
    ("use", '"stall", "event"', "What for: a stall or an event", "用途：摊位或活动"),
    ("use", 'not("scaffold")', "What for: not a scaffold or a skip", "用途：非 脚手架或堆料"),
    ("days", "[1..30]", "For how many days: 1 to 30", "天数：1 至 30"),
    ("path_m", "> 1.5", "Width that stays free for people on foot: more than 1.5 m", "保留的行人通行宽度：大于 1.5 m"),
    ("food", "false", "Is food sold: no", "是否售卖食品：否"),
    ("starts_on", '>= date("2026-01-01")', "First day: 2026-01-01 or later", "开始日期：2026-01-01 或之后"),
])  # fmt: skip
def test_cells_are_read_as_sentences(field: str, cell: str, english: str, chinese: str) -> None:
    said = wording.change(Change(field, field, cell, was_missing=False), ours("permit"), "street-use")
    assert said["zh-hans"] == chinese and said["en"] == english
