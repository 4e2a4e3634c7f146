"""Who of the register may be meant by a new row: few are named, only they are opened, each with an entry of the log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cityloom.keeper import index, matching, protocol, record, sound
from cityloom.keeper import office as office_room
from cityloom.keeper.protocol import Opened, Sought
from cityloom.keeper.vault import MOST_ALIKE, Vault, create
from cityloom.kernel.actor import SYSTEM, Actor
from tests.keeper.conftest import OFFICER, STEWARD, Office


def records(*people: tuple[str, str, str]) -> NDArray[np.uint8]:
    """People as name, day of birth and telephone."""
    names, births, phones = (np.array([each[at].encode() for each in people], "S16") for at in range(3))
    blank = np.array([b""] * len(people), "S1")
    return record.people_records(name=names, national_id=blank, phone=phones, birth_date=births.astype("S8"),
                                 need_note=blank)  # fmt: skip


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    create(tmp_path)
    return Vault(tmp_path)


def named(vault: Vault, person: tuple[str, str, str]) -> list[int]:
    return sorted((vault.alike(records(person))[1] >> 32).tolist())


def test_names_that_sound_alike_are_one_number_in_any_order_and_script() -> None:
    def told(*names: str) -> set[int]:
        return set(sound.sounds(np.array([name.encode() for name in names], "S48").view(np.uint8).reshape(-1, 48)))

    assert len(told("张伟", "章威", "Zhang Wei", "wei ZHANG", "臧维")) == 1
    assert len(told("John Smith", "Smyth, Jon")) == 1
    assert len(told("José García", "Garcia Jose")) == 1
    assert len(told("张伟", "李伟", "John Smith", "Mary Smith")) == 4
    assert told("", "--") == {0}


def test_two_of_three_name_somebody_and_one_alone_nobody(vault: Vault) -> None:
    people = records(("张伟", "19800101", "13800000001"), ("李娜", "19900202", "13800000002"), ("", "", ""))
    vault.seal(0, people, np.zeros(3, np.uint16))
    assert named(vault, ("章威", "19800101", "")) == [0]
    assert named(vault, ("Wei Zhang", "", "+8613800000001")) == [0]
    assert named(vault, ("王芳", "19800101", "13800000001")) == [0]
    assert named(vault, ("张伟", "19810101", "13800000009")) == []
    assert named(vault, ("", "", "")) == []


def test_of_many_who_are_alike_the_closest_five_are_named_and_of_too_many_none(vault: Vault) -> None:
    crowd = [("张伟", "19800101", f"1380000{at:04d}") for at in range(10)]
    crowd += [("李娜", "19900101", "")] * 40
    vault.seal(0, records(*crowd), np.zeros(50, np.uint16))
    found = named(vault, ("张伟", "19800101", "13800000007"))
    assert 7 in found
    assert len(found) == MOST_ALIKE
    assert named(vault, ("李娜", "19900101", "")) == []


def test_who_is_erased_hidden_or_changed_is_named_as_such(vault: Vault) -> None:
    person = ("张伟", "19800101", "13800000001")
    subjects, _sealed = vault.seal(0, records(person, person, person), np.zeros(3, np.uint16))
    vault.erase(int(subjects[0]))
    vault.hidden_from = 2
    assert named(vault, person) == [1]
    changed = vault.reseal(int(subjects[1]), records(("李娜", "19900202", "13800000002")), np.zeros(1, np.uint16))
    assert vault.follow(subjects[1:2], changed) == 1
    assert named(vault, person) == []
    assert named(vault, ("李娜", "19900202", "")) == [1]
    vault.rotate()
    assert named(Vault(vault.slots._folder), ("李娜", "19900202", "")) == [1]


def test_meetings_are_all_equal_pairs() -> None:
    drawn = np.random.default_rng(1)
    held, wanted = (drawn.integers(1, 300, size, np.uint32) for size in (2_000, 50))
    rows, slots = index.meetings(held, wanted)
    assert set(zip(rows.tolist(), slots.tolist(), strict=True)) == {
        (row, slot) for row in range(50) for slot in range(2_000) if wanted[row] == held[slot]
    }


def sought(office: Office, people: NDArray[np.uint8]) -> Sought:
    return office.ask(protocol.Seek(office.sign(SYSTEM), people.tobytes()), Sought)


@pytest.fixture
def three(office: Office) -> tuple[NDArray[np.int64], bytes]:
    people = records(("张伟", "19800101", "13800000001"), ("张伟", "19800101", ""), ("李娜", "19900202", "13800000002"))
    return office.seal(record.PeopleBatch(people, np.zeros(3, np.uint16)))


def weigh(office: Office, ticket: str, subjects: NDArray[np.int64], envelopes: bytes) -> protocol.Weigh:
    return protocol.Weigh(office.sign(SYSTEM), ticket, subjects.tobytes(), envelopes)


def test_only_those_who_were_named_are_opened_each_with_an_entry(
    office: Office, three: tuple[NDArray[np.int64], bytes]
) -> None:
    subjects, envelopes = three
    found = sought(office, records(("章威", "19800101", "13800000001")))
    assert np.frombuffer(found.subjects, "<i8").tolist() == subjects[:2].tolist()
    size = 2 * record.ENVELOPE_BYTES
    assert office.refused(weigh(office, found.ticket, subjects, envelopes)) == "gate.not_granted"
    assert office.refused(weigh(office, found.ticket, subjects[:2], envelopes[:size])) == "gate.no_search"
    assert office.leaves("weighed") == []
    found = sought(office, records(("章威", "19800101", "13800000001")))
    told = office.ask(weigh(office, found.ticket, subjects[:2], envelopes[:size]), Opened).people
    assert told == [["张伟", "", "13800000001", "19800101"], ["张伟", "", "", "19800101"]]
    assert len(office.leaves("weighed")) == 2
    assert "need_note" not in matching.FIELDS


@pytest.mark.parametrize("who", [STEWARD, OFFICER])
def test_only_the_system_may_look_for_who_is_alike(
    office: Office, three: tuple[NDArray[np.int64], bytes], who: Actor
) -> None:
    people = records(("章威", "19800101", ""))
    assert office.refused(protocol.Seek(office.sign(who), people.tobytes())) == "gate.not_allowed"
    found = sought(office, people)
    one = three[0][:1].tobytes(), three[1][: record.ENVELOPE_BYTES]
    assert office.refused(protocol.Weigh(office.sign(who), found.ticket, *one)) == "gate.not_allowed"


def test_a_day_has_a_limit_for_it_that_a_restart_does_not_forget(
    office: Office, three: tuple[NDArray[np.int64], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    subjects, envelopes = three
    monkeypatch.setattr(office_room, "WEIGHED_A_DAY", 2)
    both, last = records(("张伟", "19800101", "")), records(("李娜", "19900202", ""))
    size = 2 * record.ENVELOPE_BYTES
    for _twice in range(2):  # the same people again cost nothing
        office.ask(weigh(office, sought(office, both).ticket, subjects[:2], envelopes[:size]), Opened)
        office.again()
    third = weigh(office, sought(office, last).ticket, subjects[2:], envelopes[size:])
    assert office.refused(third) == "gate.budget"
    assert len(office.leaves("weighed")) == 4
