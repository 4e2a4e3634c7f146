"""Who of a department's file is somebody whom another department told of, though no number says so.

Each test has a birthday and telephones of its own, as the keeper outlives a test.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.contrib.csv_file import reader
from cityloom.registers.loading import person_settling, person_writing
from cityloom.registers.models import LinkDecision, PersonRecord, RecordLink, Resident
from tests.gate.conftest import keeper  # noqa: F401
from tests.registers.test_people import STEWARD, Desk, Row, at, counts, desk, found, number, opened, row  # noqa: F401
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper")]


def said(name: str, born: str, phone: str, serial: int = 0, no: int = 1) -> Row:
    """What a department says of one person; `serial` 0 is no identity number."""
    day = f"{born[:4]}-{born[4:6]}-{born[6:]}"
    return row(no, name, born=day, phone=phone, number=number(serial, born) if serial else "", home=str(no % 20 or 1))


def second_source(desk: Desk) -> str:  # noqa: F811
    return f"{desk.source}-b"[:60]


def test_one_person_in_other_letters_and_without_a_number_is_joined(desk: Desk) -> None:  # noqa: F811
    first = desk.load(said("张伟", "19500111", "13910110001"), said("王芳", "19910506", "13910110003", no=2))
    second = desk.load(said("Zhang Wei", "19500111", "13910110001", no=301), source=second_source(desk))
    assert counts(first) == {"new": 2}
    assert counts(second) == {"new": 1, "linked": 1}
    (subject,) = found("13910110001", "phone")
    assert {fact.origin.load for fact in queries.person_facts(subject=subject)} == {first.load, second.load}
    assert Resident.objects.count() == 2
    link = RecordLink.objects.get()
    assert (link.state, link.register) == ("certain", "people")
    assert not {"张伟", "13910110001", "Zhang Wei"} & {str(part) for line in link.parts for part in line}


def test_what_is_unsure_waits_and_both_stay_people_of_their_own(desk: Desk) -> None:  # noqa: F811
    desk.load(said("张伟", "19510211", "13911110001", serial=3))
    second = desk.load(said("张卫", "19510211", "13911220002", serial=603, no=301), source=second_source(desk))
    assert counts(second) == {"new": 1, "to_review": 1}
    assert Resident.objects.count() == 2
    (pair,) = queries.pairs_waiting()
    assert pair.register == "people"


def test_two_whose_identity_numbers_differ_are_never_joined_unasked(desk: Desk) -> None:  # noqa: F811
    """Twins share a birthday, a surname and a telephone."""
    desk.load(said("张伟", "19520311", "13912110001", serial=3))
    second = desk.load(said("张伟", "19520311", "13912110001", serial=13, no=301), source=second_source(desk))
    assert counts(second) == {"new": 1, "to_review": 1}


def test_a_source_that_knows_somebody_already_knows_nobody_twice_though_its_word_changes_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    desk.load(said("张伟", "19611117", "13921110001"))
    monkeypatch.setattr(person_writing, "BATCH", 1)
    monkeypatch.setattr(reader, "batch_for", lambda _columns: 1)
    changed, twin = said("张伟", "19611117", "13921110001"), said("Zhang Wei", "19611117", "13921110001", no=2)
    second = desk.load((*changed[:-1], "轮椅"), twin, key="compare_within: false")
    assert counts(second) == {"new": 1, "changed": 1, "to_review": 1}


def test_strangers_are_not_linked(desk: Desk) -> None:  # noqa: F811
    desk.load(*[said(f"张伟{no}", f"195304{no:02d}", f"139131100{no:02d}", no=no) for no in range(11, 20)])
    second = desk.load(said("王芳", "19900708", "13700000000", no=301), source=second_source(desk))
    assert counts(second) == {"new": 1}
    assert not RecordLink.objects.exists()


def test_only_who_is_new_and_known_by_no_number_is_looked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    asked: list[int] = []
    real = gate.alike_people
    monkeypatch.setattr(gate, "alike_people", lambda **how: asked.append(len(how["people"])) or real(**how))
    desk.load(said("张伟", "19540511", "13914110001", serial=3), said("王芳", "19541212", "13914110002", no=2))
    desk.load(said("张伟", "19540511", "13914110009", serial=3))
    desk.load(said("张伟", "19540511", "13914110009", serial=3, no=301), source=second_source(desk))
    assert not asked
    desk.load(said("赵云", "19550505", "13914110005", no=7))
    assert asked == [1]


def test_everybody_can_be_indexed_anew(desk: Desk) -> None:  # noqa: F811
    desk.load(said("张伟", "19570811", "13917110001"), said("王芳", "19570812", "13917110002", no=2))
    assert actions.index_people(by=SYSTEM, at=clock.now()) == 2
    second = desk.load(said("张威", "19570811", "13917110001", no=301), source=second_source(desk))
    assert counts(second) == {"new": 1, "linked": 1}


def test_a_load_goes_on_without_comparing_where_the_days_limit_is_reached(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    def refuses(**_how: object) -> None:
        raise Refused("gate.budget", "That would be {value} different people today.")

    monkeypatch.setattr(gate, "alike_people", refuses)
    desk.load(said("张伟", "19550611", "13915110001"))
    second = desk.load(said("张伟", "19550611", "13915110001", no=301), source=second_source(desk))
    assert counts(second) == {"new": 1, "not_compared": 1}


def test_pairs_of_a_load_that_is_cut_short_are_not_seen_and_go_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    desk.load(said("张伟", "19560711", "13916110001", serial=3))

    def cut(_writer: object) -> None:
        assert RecordLink.objects.count() == 1
        assert queries.pairs_waiting() == []
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(person_writing.PersonWriter, "commit", cut)
        desk.load(said("张卫", "19560711", "13916220002", serial=603, no=301), source=second_source(desk))
    assert not RecordLink.objects.exists()
    assert not LinkDecision.objects.exists()


def waiting(desk: Desk) -> tuple[int, int, int]:  # noqa: F811
    """A pair that waits: its number, the earlier person and the later one."""
    desk.load(said("张伟", "19580911", "13918110001", serial=3), as_of="2026-11-01")
    desk.load(said("张卫", "19580911", "13918220002", serial=603, no=301), source=second_source(desk),
              as_of="2026-11-08")  # fmt: skip
    (pair,) = queries.pairs_waiting()
    earlier, later = sorted(Resident.objects.values_list("subject", flat=True))
    return pair.number, earlier, later


def held(subject: int) -> dict[str, str]:
    return opened(subject, ("name", "phone"))


def test_a_steward_sees_both_and_makes_them_one_and_two_again(desk: Desk) -> None:  # noqa: F811
    number_, earlier, later = waiting(desk)
    left, right = actions.show_pair_of_people(queries.pair(number_), reason="both at the counter", by=STEWARD,
                                              at=clock.now())  # fmt: skip
    assert {left["name"], right["name"]} == {"张伟", "张卫"}
    actions.judge_pair(number_, same=True, reason="asked at the counter", by=STEWARD, at=clock.now())
    assert list(Resident.objects.values_list("subject", flat=True)) == [earlier]
    assert held(earlier) == {"name": "张卫", "phone": "13918220002"}  # what is true since the later day
    assert found("13918220002", "phone") == [earlier]
    assert found("13918110001", "phone") == []
    said_of = queries.person_facts(subject=earlier)
    assert len(said_of) == 2
    assert not PersonRecord.objects.filter(subject=later).exists()
    again = desk.load(said("张卫", "19580911", "13918330003", serial=603, no=301), source=second_source(desk),
                      as_of="2026-11-15")  # fmt: skip
    assert counts(again) == {"changed": 1}
    actions.undo_join(number_, reason="two brothers", by=STEWARD, at=clock.now())
    fresh = max(Resident.objects.values_list("subject", flat=True))
    assert fresh not in (earlier, later)
    assert held(earlier) == {"name": "张伟", "phone": "13918110001"}
    assert held(fresh) == {"name": "张卫", "phone": "13918330003"}
    assert [step.state for step in queries.pair(number_).steps] == ["review", "review", "same", "undone"]


def test_what_was_joined_unasked_is_taken_back_as_well(desk: Desk) -> None:  # noqa: F811
    desk.load(said("张伟", "19591011", "13919110001"))
    desk.load(said("Zhang Wei", "19591011", "13919110001", no=301), source=second_source(desk))
    (link,) = queries.pairs_joined_lately()
    actions.undo_join(link.number, reason="two brothers", by=STEWARD, at=clock.now())
    assert Resident.objects.count() == 2
    assert len(found("13919110001", "phone")) == 2
    third = desk.load(said("Zhang Wei", "19591011", "13919110009", no=301), source=second_source(desk))
    assert counts(third) == {"changed": 1}


def test_nothing_is_lost_when_it_is_cut_off_in_the_middle(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    number_, earlier, later = waiting(desk)

    def cut(*_given: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(person_settling, "put_in_force", cut)
        actions.judge_pair(number_, same=True, reason="", by=STEWARD, at=clock.now())
    assert queries.pair(number_).state == "review"
    assert [held(one)["name"] for one in (earlier, later)] == ["张伟", "张卫"]
    actions.judge_pair(number_, same=True, reason="", by=STEWARD, at=clock.now())
    assert held(earlier)["name"] == "张卫"


def test_the_page_opens_both_for_a_steward_who_says_why_and_never_on_a_look(desk: Desk) -> None:  # noqa: F811
    number_, _earlier, _later = waiting(desk)
    steward, address = client("steward"), f"/registers/links/{number_}/"
    page = steward.get(address).content.decode()
    assert "<svg" in page and f"{address}open/" in page
    assert "张伟" not in page and "13918220002" not in page
    short = steward.post(f"{address}open/", {"why": "look"})
    assert short.status_code == 422 and "张伟" not in short.content.decode()
    opened_ = steward.post(f"{address}open/", {"why": "the family came to the counter"})
    assert opened_.status_code == 200 and "no-store" in opened_["Cache-Control"]
    text = opened_.content.decode()
    assert "张伟" in text and "13918220002" in text and "the family came to the counter" in text
    assert "张伟" not in steward.get(address).content.decode()
    other = client("auditor")
    assert other.post(f"{address}open/", {"why": "just to have a look"}).status_code == 403
    assert "张伟" not in other.get(address).content.decode()


def test_the_system_grants_a_pair_and_no_more(desk: Desk) -> None:  # noqa: F811
    desk.load(*[said("张伟", f"196011{no:02d}", f"139201100{no:02d}", no=no) for no in (11, 12, 13)])
    people = sorted(Resident.objects.values_list("subject", flat=True))
    for some, code in ((people[:2], ""), (people, "gate.not_allowed")):
        try:
            gate.grant(by=SYSTEM, at=clock.now(), purpose="register-maintenance", subjects=some, fields=["name"],
                       holder=STEWARD.account, until=clock.now() + timedelta(hours=1))  # fmt: skip
            told = ""
        except Refused as refusal:
            told = refusal.code
        assert told == code
