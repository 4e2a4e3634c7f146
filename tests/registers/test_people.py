"""A department's file about people: sealed as it comes, seen whole or not at all, found again by the next file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.apps import apps

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.gate.models import Envelope, EnvelopeVersion
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.domain.identifiers import resident_id_sign
from cityloom.registers.loading import person_settling, person_writing
from cityloom.registers.models import Building, Dwelling, Load, PersonRecord, Resident, SetAside
from tests.gate.conftest import keeper  # noqa: F401
from tests.registers.test_record_pages import client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper")]
HEADER = ("no", "name", "number", "born", "sex", "phone", "home", "needs")
MAPPING = """\
cityloom: 1
source: {source}
register: people
{key}
covers: {covers}
as_of: {as_of}
file: {{format: csv, empty: ["-"]}}
columns:
  no: {{field: code}}
  name: {{field: name}}
  number: {{field: national_id}}
  born: {{field: birth_date}}
  sex: {{field: sex, codes: {{男: male, 女: female}}}}
  phone: {{field: phone}}
  home: {{field: dwelling}}
  needs: {{field: needs, codes: {{轮椅: mobility, 听障: hearing}}}}
"""
STEWARD = Actor("steward-1", "city", frozenset({"steward"}))
OFFICER = Actor("officer-1", "city", frozenset({"data-protection-officer"}))
A_MONDAY = datetime(2026, 11, 2, 8, tzinfo=UTC)
Row = tuple[str, ...]


def number(serial: int, born: str = "19800101") -> str:
    start = f"440305{born}{serial:03d}"
    return start + resident_id_sign(start)


def row(serial: int, name: str = "", **over: str) -> Row:
    says = {
        "no": f"P{serial}", "name": name or f"李雷{serial}", "number": number(2 * serial + 1), "born": "1980-01-01",
        "sex": "男", "phone": f"1380000{serial:04d}", "home": str(serial), "needs": "",
    } | over  # fmt: skip
    return tuple(says[name] for name in HEADER)


@pytest.fixture(autouse=True)
def at(keeper: gate.Running) -> Iterator[clock.DrillClock]:  # noqa: F811
    """Time stands still, at a moment that the keeper's own clock believes."""
    with clock.use(clock.DrillClock(clock.now())) as still:
        yield still


class Desk:
    """A steward's desk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = f"civil-{folder.name[-20:].strip('_').lower().replace('_', '-')}"  # the keeper outlives a test

    def file(self, *rows: Row, header: Row = HEADER) -> Path:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        return path

    def load(
        self, *rows: Row, covers: str = "changes", as_of: str = "2026-11-01", source: str = "", key: str = ""
    ) -> actions.Outcome:  # fmt: skip
        return self.load_path(self.file(*rows), covers=covers, as_of=as_of, source=source, key=key)

    def load_path(self, path: Path, *, covers: str = "changes", as_of: str = "2026-11-01", source: str = "",
                  key: str = "") -> actions.Outcome:  # fmt: skip
        text = self.folder / "mapping.yaml"
        text.write_text(MAPPING.format(source=source or self.source, covers=covers, as_of=as_of, key=key), "utf-8")
        return actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=clock.now())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    Building.objects.create(id=1, large=0, cell=0, lon=0, lat=0, reach_m=1, use="residential", levels=5, dwellings=20,
                            gross_floor_m2=1, first_dwelling_id=1, people_day=0, street="Sea Road", house_number="1",
                            unit_id="city/one", made_up=0, footprint=b"")  # fmt: skip
    Dwelling.objects.bulk_create([Dwelling(id=home, building_id=1, label=home) for home in range(1, 21)])
    return Desk(tmp_path)


def counts(outcome: actions.Outcome) -> dict[str, int]:
    return {name: count for name, count in queries.load_facts(outcome.load).counts.items() if count}


def found(value: str, field: str = "national_id") -> list[int]:
    return gate.search(by=STEWARD, at=clock.now(), purpose="register-maintenance", field=field, value=value).tolist()


def opened(subject: int, fields: tuple[str, ...] = ("name", "phone")) -> dict[str, str]:
    grant = gate.grant(by=OFFICER, at=clock.now(), purpose="register-maintenance", subjects=[subject], fields=fields,
                       holder=STEWARD.account, until=clock.now() + timedelta(hours=1))  # fmt: skip
    return gate.open_people(by=STEWARD, at=clock.now(), grant_id=grant, subjects=[subject], fields=fields)[subject]


def test_people_of_a_file_are_found_opened_and_counted_like_all_others(desk: Desk) -> None:
    outcome = desk.load(row(1, "李雷", needs="轮椅、听障"), row(2, "韩梅梅", number=number(8), sex="女", home="1"))
    assert counts(outcome) == {"new": 2}
    (subject,) = found(number(3))
    assert opened(subject, ("name", "phone", "birth_date", "need_note")) == {
        "name": "李雷", "phone": "13800000001", "birth_date": "19800101", "need_note": "坐轮椅 wheelchair or walker +1",
    }  # fmt: skip
    assert found("138 0000 0001", "phone") == [subject]
    assert queries.residents_in([1]) == sorted([subject, *found(number(8))])
    people = np.array(queries.residents_in([1]))
    told = gate_queries.count_needs(people, purpose=gate_queries.EMERGENCY, incident_id="I")
    assert (told.people.tolist(), told.needing_help.tolist(), told.by_need["hearing"].tolist()) == ([2], [1], [1])


def test_nothing_that_the_file_says_lies_in_the_citys_database(desk: Desk) -> None:
    desk.load(row(1, "李雷", needs="轮椅"))
    secrets = ["李雷", number(3), "13800000001", "19800101", "1980-01-01", "P1\x00", "轮椅"]
    kept = []
    for model in apps.get_models():
        if model._meta.app_label in ("registers", "gate", "audit"):
            kept += [str([bytes(value) if isinstance(value, (bytes, memoryview)) else value for value in line])
                     for line in model._default_manager.values_list() if model is not Load]  # fmt: skip
    assert len(kept) > 3
    everything = "\n".join(kept)
    for secret in secrets:
        assert secret not in everything
        assert str(secret.encode())[2:-1] not in everything


def test_the_next_file_finds_its_own_people_and_keeps_what_was_said_before(desk: Desk) -> None:
    desk.load(row(1, "李雷"), row(2, "韩梅梅"))
    (subject,) = found(number(3))
    outcome = desk.load(row(1, "李雷雷", phone="13911112222", home="7"), row(2, "韩梅梅"), as_of="2026-11-08")
    assert counts(outcome) == {"changed": 1, "unchanged": 1}
    assert opened(subject) == {"name": "李雷雷", "phone": "13911112222"}
    assert found("13911112222", "phone") == [subject]
    assert found("13800000001", "phone") == []
    assert (queries.residents_in([1]), queries.residents_in([7])) == ([], [subject])
    first, last = PersonRecord.objects.filter(subject=subject).order_by("id")
    assert (first.closed_by, last.key == first.key) == (outcome.load, True)
    assert EnvelopeVersion.objects.filter(subject=subject).count() == 2


def test_each_source_knows_people_by_its_own_numbers(desk: Desk) -> None:
    desk.load(row(1))
    desk.load(row(1, "Another", number=number(11), phone="13700000000"), source=f"{desk.source}-b"[:60])
    one, other = PersonRecord.objects.order_by("id")
    assert one.key != other.key
    assert one.subject != other.subject


def test_one_person_of_two_sources_is_one_person_where_number_and_name_agree(desk: Desk) -> None:
    desk.load(row(1, "李雷"), row(2, "韩梅梅"))
    (subject,) = found(number(3))
    other = desk.load(
        row(301, "李雷", number=number(3), phone="13711112222", home="9"), row(302, "Somebody else", number=number(5)),
        row(303), source=f"{desk.source}-b"[:60], as_of="2026-11-08",
    )  # fmt: skip
    assert counts(other) == {"new": 3, "linked": 1, "no_dwelling": 2}
    assert found(number(3)) == [subject]
    assert opened(subject) == {"name": "李雷", "phone": "13711112222"}
    assert queries.residents_in([1, 9]) == [subject], "the word that is true since the latest day is in force"
    assert len(found(number(5))) == 2, "another name with the same number is another person until somebody decides"
    gone = desk.load(covers="everything", source=f"{desk.source}-b"[:60], as_of="2026-11-15")
    assert counts(gone) == {"gone": 3}
    assert opened(subject) == {"name": "李雷", "phone": "13800000001"}
    assert queries.residents_in([1, 9]) == [subject]


def test_two_who_were_taken_for_one_are_parted(desk: Desk) -> None:
    other = f"{desk.source}-b"[:60]
    first = desk.load(row(1, "李雷"))
    (subject,) = found(number(3))
    said = {"number": number(3), "phone": "13711112222", "home": "9"}
    second = desk.load(row(301, "李雷", **said), source=other, as_of="2026-11-08")
    with pytest.raises(Refused) as refusal:
        actions.part_person(first.load, 2, by=STEWARD, at=clock.now())
    assert refusal.value.code == "registers.first_of_person"
    fresh = actions.part_person(second.load, 2, by=STEWARD, at=clock.now())
    assert found(number(3)) == sorted([subject, fresh])
    assert (opened(subject)["phone"], opened(fresh)["phone"]) == ("13800000001", "13711112222")
    assert (queries.residents_in([1]), queries.residents_in([9])) == ([subject], [fresh])
    again = desk.load(row(301, "李雷", **said | {"phone": "13733334444"}), source=other, as_of="2026-11-15")
    assert counts(again) == {"changed": 1}
    assert found("13733334444", "phone") == [fresh]


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    path = desk.file(row(1), row(2))
    first, again = desk.load_path(path), desk.load_path(path)
    assert (first.is_new, again.is_new, again.load) == (True, False, first.load)
    assert Resident.objects.count() == Envelope.objects.count() == PersonRecord.objects.count() == 2


def test_whoever_a_whole_file_lacks_lives_nowhere_any_more_and_may_come_back(desk: Desk) -> None:
    desk.load(row(1), row(2))
    (subject,) = found(number(3))
    gone = desk.load(row(2), covers="everything", as_of="2026-11-08")
    assert counts(gone) == {"unchanged": 1, "gone": 1}
    assert queries.residents_in([1]) == []
    back = desk.load(row(1), row(2), covers="everything", as_of="2026-11-15")
    assert counts(back) == {"new": 1, "unchanged": 1}
    assert queries.residents_in([1]) == [subject]
    assert opened(subject)["name"] == "李雷1"


def test_whoever_was_erased_stays_so_whatever_a_file_says(desk: Desk) -> None:
    desk.load(row(1), row(2))
    (subject,) = found(number(3))
    desk.load(row(1, "Changed"), as_of="2026-11-05")
    gate.erase(by=STEWARD, at=clock.now(), subject=subject)
    assert not EnvelopeVersion.objects.filter(subject=subject).exists()
    outcome = desk.load(row(1, "Changed again"), row(2), as_of="2026-11-08")
    assert counts(outcome) == {"unchanged": 1, "erased": 1}
    assert found(number(3)) == []
    assert not Envelope.objects.filter(subject=subject).exists()


def test_a_number_may_be_the_key_where_a_source_has_no_other(desk: Desk, tmp_path: Path) -> None:
    text = tmp_path / "by-number.yaml"
    text.write_text(f"cityloom: 1\nsource: {desk.source}\nregister: people\nkey: national_id\ncolumns:\n"
                    "  name: {field: name}\n  number: {field: national_id}\n")  # fmt: skip
    rows = [("李雷", number(3)), ("韩梅梅", ""), ("Lucy", number(5)[:-1] + "Y")]
    path = desk.file(*rows, header=("name", "number"))
    outcome = actions.load_file(actions.read_mapping(text), path, by=SYSTEM, at=clock.now())
    assert counts(outcome) == {"new": 1, "set_aside": 2, "no_dwelling": 1}
    assert len(found(number(3))) == 1


def test_a_load_that_fails_leaves_nobody_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.load(row(1))
    before = {model: list(model.objects.values_list()) for model in (Resident, Envelope, PersonRecord)}
    monkeypatch.setattr(person_writing.PersonWriter, "_count", _fails)
    with pytest.raises(RuntimeError):
        desk.load(row(1, "Changed"), row(2), as_of="2026-11-08")
    monkeypatch.undo()
    assert {model: list(model.objects.values_list()) for model in before} == before
    assert found(number(5)) == []
    assert counts(desk.load(row(1, "Changed"), row(2), as_of="2026-11-09")) == {"new": 1, "changed": 1}
    assert len(found(number(5))) == 1


def _fails(*_: object) -> None:
    raise RuntimeError("the disk is gone")


def test_people_of_a_load_that_is_not_known_are_neither_counted_nor_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(row(1))
    seen: list[list[int]] = []

    def look(*_: object) -> None:
        seen.extend([queries.residents_in(list(range(1, 21))), found(number(5)), list(queries.homes_of(_everybody()))])
        seen.append([Resident.objects.count()])

    monkeypatch.setattr(person_writing.PersonWriter, "_note_gone", look)
    desk.load(row(1), row(2), covers="everything", as_of="2026-11-08")
    (subject,) = found(number(3))
    assert seen == [[subject], [], [subject], [2]]
    assert len(queries.residents_in([1, 2])) == 2
    assert len(found(number(5))) == 1


def _everybody() -> list[int]:
    return list(Resident.objects.values_list("subject", flat=True))


def test_a_load_that_was_killed_goes_on_and_what_was_not_written_is_destroyed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = desk.file(*(row(serial) for serial in range(1, 13)))
    real, calls = person_writing.PersonWriter._write, []

    def dies(self: person_writing.PersonWriter, *more: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt  # no handler of a load sees it, as none sees kill -9
        real(self, *more)

    monkeypatch.setattr(person_writing.PersonWriter, "_batches", _by_fives(person_writing.PersonWriter._batches))
    monkeypatch.setattr(person_writing.PersonWriter, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        desk.load_path(path)
    assert Load.objects.get().state == Load.RUNNING
    assert Resident.objects.count() == 5
    monkeypatch.setattr(person_writing.PersonWriter, "_write", real)
    outcome = desk.load_path(path)
    assert counts(outcome) == {"new": 12}
    assert [len(found(number(2 * serial + 1))) for serial in range(1, 13)] == [1] * 12
    assert Resident.objects.count() == Envelope.objects.count() == 12


def _by_fives(batches: Callable[..., Iterator[object]]) -> Callable[..., Iterator[object]]:
    class Fives:
        def __init__(self, table: object) -> None:
            self.table = table

        def batches(self) -> Iterator[object]:
            for batch in self.table.batches():  # type: ignore[attr-defined]
                for first in range(0, len(batch.numbers), 5):
                    yield type(batch)(batch.numbers[first : first + 5], batch.texts[first : first + 5], {})

    return lambda self, table, tell: batches(self, Fives(table), tell)


def test_what_follows_from_a_load_is_done_by_the_next_one_where_it_was_cut_short(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.load(row(1), row(2))
    (subject,) = found(number(3))
    monkeypatch.setattr(person_settling, "_put", _fails)
    with pytest.raises(RuntimeError):
        desk.load(row(1, "Changed"), row(3), as_of="2026-11-08")
    monkeypatch.undo()
    assert Load.objects.order_by("number").last().state == Load.DONE
    desk.load(row(2, "Changed as well"), as_of="2026-11-09")
    assert opened(subject)["name"] == "Changed"
    assert not Load.objects.filter(is_settled=False).exists()


def test_findings_about_people_name_the_rule_and_no_value(desk: Desk) -> None:
    outcome = desk.load(
        row(1), row(2, born="1990-02-02"), row(3, sex="女"), row(4, number="440305800101123"),
        row(5, name="阿卜杜拉•买买提", phone="１３９１２３４５６７８"), row(6, phone="call me"), row(7, needs="飞行"),
    )  # fmt: skip
    assert dict(outcome.survey.findings) == {
        ("birth_date", "not_as_in_number"): 1, ("sex", "not_as_in_number"): 1, ("phone", "shape"): 1,
        ("needs", "unknown_code"): 1,
    }  # fmt: skip
    assert set(SetAside.objects.values_list("texts", flat=True)) == {None}
    (subject,) = found(number(11))
    assert opened(subject) == {"name": "阿卜杜拉·买买提", "phone": "13912345678"}
    old = "44030519800101123" + resident_id_sign("44030519800101123")
    assert len(found(old)) == 1


def test_what_was_known_of_a_person_on_a_day_is_told_by_subject_and_by_the_sources_number(
    desk: Desk, at: clock.DrillClock
) -> None:
    desk.load(row(1), row(2))
    (subject,) = found(number(3))
    between = clock.now() + timedelta(seconds=30)
    at.advance_to(clock.now() + timedelta(minutes=1))
    desk.load(row(1, "Changed", home="7"), as_of="2026-11-08")
    now = queries.person_facts(subject=subject)
    assert [(fact.dwelling, fact.is_current, fact.holds) for fact in now] == [(7, True, True), (1, False, False)]
    assert [fact.row for fact in now] == [2, 2]
    token = actions.person_token(desk.source, " p1", at=clock.now())
    then = queries.person_facts(source=desk.source, token=token, known_at=between)
    assert [(fact.subject, fact.dwelling, fact.holds) for fact in then] == [(subject, 1, True)]
    assert queries.person_facts(source="nobody", token=token) == []
    assert queries.person_facts(subject=subject, known_at=between - timedelta(hours=1)) == []
    said = opened_versions(subject)
    assert [says["name"] for _record, says in sorted(said.items())] == ["李雷1", "Changed"]


def opened_versions(subject: int) -> dict[int, dict[str, str]]:
    gate.grant(by=OFFICER, at=clock.now(), purpose="register-maintenance", subjects=[subject], fields=["name"],
               holder=STEWARD.account, until=clock.now() + timedelta(hours=1))  # fmt: skip
    return actions.open_person_versions(subject, by=STEWARD, at=clock.now())


def test_versions_are_opened_under_a_grant_alone(desk: Desk) -> None:
    desk.load(row(1))
    (subject,) = found(number(3))
    for by, code in ((STEWARD, "registers.not_assigned"), (SYSTEM, "registers.role")):
        with pytest.raises(Refused) as refusal:
            actions.open_person_versions(subject, by=by, at=clock.now())
        assert refusal.value.code == code


def test_a_household_has_a_history(desk: Desk, at: clock.DrillClock) -> None:
    desk.load(row(1, home="3"), row(2, home="3"))
    before = clock.now()
    at.advance_to(clock.now() + timedelta(minutes=1))
    desk.load(row(1, home="4"), as_of="2026-11-08")
    assert len(queries.household_facts(3)) == len(queries.household_facts(4)) == 1
    assert len(queries.household_facts(3, known_at=before)) == 2
    assert queries.household_facts(4, known_at=before) == []


def test_a_steward_finds_a_person_and_sees_who_said_something_and_when(desk: Desk, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    desk.load(row(1, "李雷"), row(2, home="1"))
    (subject,) = found(number(3))
    there = client("steward")
    page = there.post("/people/", {"field": "national_id", "value": number(3)}).content.decode()
    assert f"/people/{subject}/" in page
    page = there.get(f"/people/{subject}/").content.decode()
    assert desk.source in page
    assert "李雷" not in page
    assert there.post(f"/people/{subject}/opened/").status_code == 409
    assert there.get("/people/12345/").status_code == 404
    assert client("duty-officer").get("/people/").status_code == 403
