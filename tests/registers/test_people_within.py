"""Rows of one file that are the same person: one person with two records, found before anybody is sealed.

Each test has a birthday and telephones of its own, as the keeper outlives a test.
"""

from __future__ import annotations

import pytest

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.contrib.csv_file import reader
from cityloom.registers.loading import person_within, person_writing
from cityloom.registers.models import PersonRecord, RecordLink, Resident
from tests.gate.conftest import keeper  # noqa: F401
from tests.registers.test_people import STEWARD, Desk, at, counts, desk, found  # noqa: F401
from tests.registers.test_people_linking import held, said, second_source

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper")]


def test_somebody_twice_in_a_file_is_one_person_with_two_records(desk: Desk) -> None:  # noqa: F811
    load = desk.load(said("张伟", "19500112", "13930110001"), said("王芳", "19910507", "13930110002", no=2),
                     said("Zhang Wei", "19500112", "13930110001", no=3))  # fmt: skip
    assert counts(load) == {"new": 2, "twice": 1}
    assert Resident.objects.count() == 2
    (subject,) = found("13930110001", "phone")
    assert [fact.row for fact in queries.person_facts(subject=subject)] in ([1, 3], [3, 1], [2, 4], [4, 2])
    assert held(subject)["name"] == "Zhang Wei"  # of two words of one day the later one
    link = RecordLink.objects.get()
    assert link.state == "certain"
    assert not {"张伟", "13930110001", "Zhang Wei"} & {str(part) for line in link.parts for part in line}


def test_the_next_file_finds_both_rows_and_joins_nothing_anew(desk: Desk) -> None:  # noqa: F811
    first, second = said("张伟", "19500113", "13930120001"), said("张卫", "19500113", "13930120001", no=2)
    desk.load(first, second)
    again = desk.load((*first[:-1], "轮椅"), second)
    assert counts(again) == {"changed": 1, "unchanged": 1}
    assert Resident.objects.count() == 1
    assert RecordLink.objects.count() == 1


def test_twins_with_one_telephone_wait_for_somebodys_look(desk: Desk) -> None:  # noqa: F811
    load = desk.load(said("张伟", "20100114", "13930130001"), said("张丽", "20100114", "13930130001", no=2))
    assert counts(load) == {"new": 2, "to_review": 1}
    assert Resident.objects.count() == 2
    (pair,) = queries.pairs_waiting()
    assert pair.sources[0] == pair.sources[1]
    actions.judge_pair(pair.number, same=True, reason="one child, two names", by=STEWARD, at=clock.now())
    assert Resident.objects.count() == 1


def test_two_whole_identity_numbers_that_differ_are_never_one_unasked(desk: Desk) -> None:  # noqa: F811
    load = desk.load(said("张伟", "19500115", "13930140001", serial=3),
                     said("张伟", "19500115", "13930140001", serial=13, no=2),
                     said("张伟", "19500115", "13930140001", no=5))  # fmt: skip
    assert counts(load)["new"] >= 2
    assert Resident.objects.count() >= 2
    numbers = [{fact.row for fact in queries.person_facts(subject=one)}
               for one in Resident.objects.values_list("subject", flat=True)]  # fmt: skip
    first = min(row for rows in numbers for row in rows)
    assert not any({first, first + 1} <= rows for rows in numbers)


def test_a_name_and_a_birthday_alone_join_nobody(desk: Desk) -> None:  # noqa: F811
    load = desk.load(said("张伟", "19500116", "13930150001"), said("张伟", "19500116", "13930150777", no=2))
    assert counts(load).get("twice", 0) == 0
    assert Resident.objects.count() == 2


def test_who_another_file_told_of_gets_both_rows(desk: Desk) -> None:  # noqa: F811
    desk.load(said("张伟", "19500117", "13930160001"))
    load = desk.load(said("张伟", "19500117", "13930160001", no=301), said("张卫", "19500117", "13930160001", no=302),
                     source=second_source(desk))  # fmt: skip
    assert counts(load) == {"new": 1, "linked": 1, "twice": 1}
    assert Resident.objects.count() == 1


def test_a_join_within_a_file_is_taken_back(desk: Desk) -> None:  # noqa: F811
    desk.load(said("张伟", "19500118", "13930170001"), said("张卫", "19500118", "13930170001", no=2))
    (link,) = queries.pairs_joined_lately()
    actions.undo_join(link.number, reason="two cousins", by=STEWARD, at=clock.now())
    assert {held(one)["name"] for one in Resident.objects.values_list("subject", flat=True)} == {"张伟", "张卫"}
    again = desk.load(said("张伟", "19500118", "13930170001"), said("张卫", "19500118", "13930170001", no=2),
                      said("赵云", "19900118", "13930170003", no=3))  # fmt: skip
    assert counts(again) == {"new": 1, "unchanged": 2}


def test_a_load_cut_short_goes_on_and_writes_each_row_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    rows = [said("张伟", "19500119", "13930180001"), said("王芳", "19910519", "13930180002", no=2),
            said("Zhang Wei", "19500119", "13930180001", no=3), said("赵云", "19920519", "13930180004", no=4)]
    monkeypatch.setattr(person_writing, "MOST", 1)
    monkeypatch.setattr(reader, "batch_for", lambda _columns: 1)
    path = desk.file(*rows)

    def cut(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(person_writing.PersonWriter, "_note_within", cut)
        patch.setattr("cityloom.registers.loading.book.take_back", cut, raising=False)
        desk.load_path(path)
    load = desk.load_path(path)
    assert counts(load) == {"new": 3, "twice": 1}
    assert PersonRecord.objects.count() == 4
    assert Resident.objects.count() == 3


def test_a_mapping_may_leave_it_out_or_ask_for_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    one, other = said("张伟", "19500120", "13930190001"), said("张卫", "19500120", "13930190001", no=2)
    load = desk.load(one, other, key="compare_within: false")
    assert counts(load) == {"new": 2}
    monkeypatch.setattr(person_within, "MOST_ROWS", 1)
    load = desk.load(one, other, source=second_source(desk))
    assert counts(load)["not_compared_within"] == 2
    with pytest.raises(Refused, match="compare_within") as refusal:
        desk.load(one, other, source=f"{second_source(desk)[:50]}-c", key="compare_within: true")
    assert (refusal.value.value, refusal.value.limit) == (2, 1)
