"""What departments say differently of one person: noted without a value, and whose word is in force.

Each test has a birthday and telephones of its own, as the keeper outlives a test.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from cityloom.bus.models import OutboxEvent
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from cityloom.registers.models import Disagreement, Resident
from tests.gate.conftest import keeper  # noqa: F401
from tests.registers.test_people import STEWARD, Desk, Row, at, counts, desk, found, number, row  # noqa: F401
from tests.registers.test_people_linking import held, second_source, waiting
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper")]


def said(name: str, born: str, phone: str, no: int = 1, **over: str) -> Row:
    """What a department says of the one person of a test, whose identity number everybody knows."""
    day = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    return row(no, name, born=day, phone=phone, number=number(3, born), home="1", **over)


def two(desk: Desk, one: Row, other: Row, as_of: str = "2026-11-08") -> int:  # noqa: F811
    """One person of whom two sources speak; the person's id."""
    desk.load(one, as_of="2026-11-01")
    assert counts(desk.load(other, source=second_source(desk), as_of=as_of))["linked"] == 1
    return Resident.objects.get().subject


def apart() -> set[str]:
    return set(Disagreement.objects.filter(state="open", register="people").values_list("field", flat=True))


def test_sources_that_differ_are_listed_by_field_without_a_value(desk: Desk) -> None:  # noqa: F811
    subject = two(desk, said("张伟", "19700101", "13940010001", needs="轮椅"),
                  said("张伟", "19700101", "13940010002", no=9, needs="听障"))  # fmt: skip
    assert apart() == {"phone", "needs"}
    (one, other) = queries.disagreements_listed(register="people")
    assert {one.key, other.key} == {str(subject)}
    kept = str(list(Disagreement.objects.values_list()))
    assert "1394001" not in kept and "轮椅" not in kept
    told = str(list(OutboxEvent.objects.values_list()))
    assert "RecordsDisagree" in told and '"phone"' in told.replace("\\", "").replace("'", '"')
    assert "1394001" not in told


def test_the_same_in_other_letters_is_no_disagreement(desk: Desk) -> None:  # noqa: F811
    desk.load(row(1, "张伟", born="1970-01-02", phone="13940020001", number="", home="1"))
    desk.load(row(9, "Zhang Wei", born="1970-01-02", phone="+8613940020001", number="", home="1"),
              source=second_source(desk))  # fmt: skip
    assert Resident.objects.count() == 1
    assert apart() == set()


def test_what_only_one_source_says_is_no_disagreement_and_stays_in_force(desk: Desk) -> None:  # noqa: F811
    subject = two(desk, said("张伟", "19700103", "13940030001"), said("张伟", "19700103", "", no=9))
    assert apart() == set()
    assert held(subject)["phone"] == "13940030001"
    assert found("13940030001", "phone") == [subject]


def test_the_believed_source_is_in_force_field_by_field(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    rules = tmp_path / "rules.yaml"
    rules.write_text(f"""cityloom: 1
registers:
  people:
    fields:
      phone: {{sources: [{desk.source}]}}
""", "utf-8")  # fmt: skip
    actions.set_source_rules(rules, reason="the council's decision", by=STEWARD, at=clock.now())
    subject = two(desk, said("张伟", "19700104", "13940040001"), said("张卫", "19700104", "13940040002", no=9))
    # the names differ, so that the number alone joins nobody: they sound the same and share all else
    assert held(subject) == {"name": "张卫", "phone": "13940040001"}
    assert found("13940040001", "phone") == [subject]
    assert found("13940040002", "phone") == []


def test_a_steward_settles_it_and_the_next_words_open_it_again(desk: Desk) -> None:  # noqa: F811
    subject = two(desk, said("张伟", "19700105", "13940050001"), said("张伟", "19700105", "13940050002", no=9))
    assert held(subject)["phone"] == "13940050002"
    (one,) = queries.disagreements_listed(register="people")
    actions.settle_disagreement(one.number, right=desk.source, reason="called that number", by=STEWARD, at=clock.now())
    assert held(subject)["phone"] == "13940050001"
    desk.load(said("张伟", "19700105", "13940050001", needs="轮椅"), as_of="2026-11-15")
    assert held(subject)["phone"] == "13940050001"
    assert queries.disagreement(one.number).state == "settled"
    desk.load(said("张伟", "19700105", "13940050003", no=9), source=second_source(desk), as_of="2026-11-22")
    assert queries.disagreement(one.number).state == "open"
    assert held(subject)["phone"] == "13940050003"
    desk.load(said("张伟", "19700105", "13940050003"), as_of="2026-11-29")
    assert queries.disagreement(one.number).state == "ended"


def test_both_sides_open_for_a_stated_reason_alone(desk: Desk) -> None:  # noqa: F811
    two(desk, said("张伟", "19700106", "13940060001"), said("张伟", "19700106", "13940060002", no=9))
    (one,) = queries.disagreements_listed(register="people")
    steward, address = client("steward"), f"/registers/disagreements/{one.number}/"
    page = steward.get(address).content.decode()
    assert "1394006" not in page and f"{address}open/" in page
    assert steward.post(f"{address}open/", {"why": "look"}).status_code == 422
    page = steward.post(f"{address}open/", {"why": "asked for by the family"}).content.decode()
    assert "13940060001" in page and "13940060002" in page and "asked for by the family" in page
    assert client("auditor").post(f"{address}open/", {"why": "asked for by nobody"}).status_code == 403
    assert "1394006" not in steward.get(address).content.decode()
    assert "1394006" not in steward.get("/registers/disagreements/").content.decode()


def test_who_is_joined_is_compared_and_what_is_parted_has_no_disagreement(desk: Desk) -> None:  # noqa: F811
    pair, earlier, _later = waiting(desk)
    assert apart() == set()
    actions.judge_pair(pair, same=True, reason="asked at the counter", by=STEWARD, at=clock.now())
    assert {"phone", "name", "national_id"} >= apart() >= {"phone"}
    assert {one.key for one in queries.disagreements_listed(register="people")} == {str(earlier)}
    actions.undo_join(pair, reason="two brothers", by=STEWARD, at=clock.now())
    assert apart() == set()


def test_nothing_of_one_person_can_be_put_into_another(desk: Desk) -> None:  # noqa: F811
    from cityloom.gate import actions as gate
    from cityloom.gate import queries as gate_queries

    desk.load(said("张伟", "19700107", "13940070001"), row(2, "王芳", phone="13940070002"))
    one, other = sorted(Resident.objects.values_list("subject", flat=True))
    envelopes = [gate_queries.versions_of(each)[0] for each in (one, other)]
    made = gate.compose_versions(by=SYSTEM, at=clock.now(), subjects=[one], versions=[envelopes],
                                 choices=[[0, 0, 1, 0, 0, 0]])  # fmt: skip
    assert not made.alive.any()
    told = gate.said_digests(by=SYSTEM, at=clock.now(), versions=[(one, envelopes[0]), (one, envelopes[1])])
    assert told[0].any() and not told[1].any()
