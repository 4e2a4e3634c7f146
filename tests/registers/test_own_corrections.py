"""A resident asks to have the own entry corrected: sealed, in force once granted, and nothing before it is lost.

Each test has a birthday and telephones of its own, as the keeper outlives a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from cityloom.accounts import actions as accounts
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from cityloom.registers.loading import person_settling, residents
from cityloom.registers.loading.sealable import to_seal
from cityloom.registers.models import OPEN, CorrectionRequest, Disagreement, Load, PersonRecord
from cityloom.registers.models import Resident as Home
from tests.gate.conftest import keeper  # noqa: F401
from tests.gate.residents import Resident, in_register, linked
from tests.registers.test_department_files import refused
from tests.registers.test_people import OFFICER, STEWARD, Desk, at, desk, found, number, opened, row  # noqa: F401
from tests.registers.test_people_linking import held
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keeper", "units")]
WHY = "The contract of the telephone, No. 12"
_SEX = gate.DIGESTED.index("sex")
_born: Iterator[int] = iter(range(19610101, 19610129))


@pytest.fixture
def units() -> None:
    accounts.create_units(communities=[("city/nanshan", "Nanshan", "南山区", "district")], by=SYSTEM, at=clock.now())


class Asker:
    """Somebody of whom a department's file tells, and who signs in."""

    def __init__(self, desk: Desk) -> None:  # noqa: F811
        self.desk, self.born = desk, str(next(_born))
        self.wrong, self.right = f"139{self.born}", f"137{self.born}"
        self.load()
        self.subject = Home.objects.get().subject
        self.resident = linked(self.subject, number(3, self.born))

    def load(self, phone: str = "", as_of: str = "2026-11-01", **over: str) -> int:
        day = f"{self.born[:4]}-{self.born[4:6]}-{self.born[6:]}"
        says = {"name": "李雷", "born": day, "number": number(3, self.born), "phone": phone or self.wrong, "home": "1"}
        source = over.pop("source", "")
        return self.desk.load(row(1, **says | over), as_of=as_of, source=source).load

    def ask(self, field: str = "phone", value: str = "") -> str:
        return ask(self.resident, field, value or self.right)

    @property
    def phone(self) -> str:
        return held(self.subject)["phone"]


@pytest.fixture
def asker(desk: Desk) -> Asker:  # noqa: F811
    return Asker(desk)


def ask(by: Resident, field: str, value: str) -> str:
    return actions.ask_correction(register="people", key="", field=field, value=value, reason=WHY, by=by.actor,
                                  at=clock.now())  # fmt: skip


def grant(request_id: str, reason: str = "seen the contract") -> int:
    return actions.grant_correction(request_id, reason=reason, by=STEWARD, at=clock.now())


def test_a_granted_correction_is_in_force_and_the_former_value_stays_in_history(asker: Asker) -> None:
    request_id = asker.ask()
    assert asker.phone == asker.wrong
    load = grant(request_id)
    assert opened(asker.subject, ("name", "phone", "birth_date")) == {
        "name": "李雷", "phone": asker.right, "birth_date": asker.born,
    }  # fmt: skip
    assert (found(asker.right, "phone"), found(asker.wrong, "phone")) == ([asker.subject], [])
    assert queries.residents_in([1]) == [asker.subject]
    told = {fact.origin.source: fact.origin.load for fact in queries.person_facts(subject=asker.subject)}
    assert told == {asker.desk.source: 1, "resident-corrections": load}
    versions = [each for _record, each in sorted(gate_queries.versions_of(asker.subject)[1].items())]
    grant_id = gate.grant(by=OFFICER, at=clock.now(), purpose="register-maintenance", subjects=[asker.subject],
                          fields=["phone"], holder=STEWARD.account, until=clock.now() + timedelta(hours=1))  # fmt: skip
    former = gate.open_versions(by=STEWARD, at=clock.now(), grant_id=grant_id, fields=["phone"],
                                versions=[(asker.subject, each) for each in versions])  # fmt: skip
    assert [each and each["phone"] for each in former] == [asker.wrong, asker.right]
    (own,) = queries.corrections_of(asker.resident.account)
    assert (own.state, own.reason) == ("granted", "seen the contract")
    assert "corrected" in [entry.facts["kind"] for entry in gate_queries.own_entries(asker.resident.actor).entries]


def test_the_same_mistake_again_does_not_bring_it_back_and_another_word_does(asker: Asker) -> None:
    grant(asker.ask())
    asker.load(as_of="2026-12-01", needs="轮椅")
    assert asker.phone == asker.right, "the department repeats its mistake"
    assert set(Disagreement.objects.filter(state="open").values_list("field", flat=True)) == {"phone"}
    third = f"136{asker.born}"
    asker.load(third, as_of="2026-12-08")
    assert asker.phone == third, "the department says something new"


def test_a_rule_that_names_the_corrections_first_or_as_a_cross_check_holds(asker: Asker, tmp_path: Path) -> None:
    grant(asker.ask())
    rules = tmp_path / "rules.yaml"
    text = "cityloom: 1\nregisters:\n  people:\n    fields:\n      phone: {%s: [resident-corrections]}\n"
    rules.write_text(text % "cross_checks", "utf-8")
    actions.set_source_rules(rules, reason="the council's decision", by=STEWARD, at=clock.now())
    asker.load(as_of="2026-12-01", needs="轮椅")
    assert asker.phone == asker.wrong
    rules.write_text(text % "sources", "utf-8")
    actions.set_source_rules(rules, reason="the council's decision", by=STEWARD, at=clock.now())
    asker.load(f"136{asker.born}", as_of="2026-12-08")
    assert asker.phone == asker.right


@pytest.mark.parametrize(("field", "value", "shown", "says"), [
    ("name", "李蕾", "name", "李蕾"), ("birth_date", "1961-03-04", "birth_date", "19610304"),
    ("needs", "听障", "need_note", "听"),
])  # fmt: skip
def test_each_field_is_corrected_alone(asker: Asker, field: str, value: str, shown: str, says: str) -> None:
    grant(asker.ask(field, value))
    assert says in opened(asker.subject, (shown,))[shown]
    assert asker.phone == asker.wrong


def test_a_second_correction_keeps_the_first_and_the_sex_is_counted_as_said(asker: Asker) -> None:
    grant(asker.ask())
    grant(asker.ask("sex", "女"))
    assert asker.phone == asker.right
    assert PersonRecord.objects.filter(subject=asker.subject, closed_by=OPEN).count() == 2
    last = PersonRecord.objects.order_by("id").last()
    now, kept = gate_queries.versions_of(asker.subject)
    assert last is not None and now is not None
    versions = [(asker.subject, each) for each in (now, kept[last.id], kept[min(kept)])]
    in_force, corrected, before = gate.said_digests(by=SYSTEM, at=clock.now(), versions=versions)[:, _SEX]
    assert in_force == corrected != before
    assert set(Disagreement.objects.filter(state="open").values_list("field", flat=True)) == {"phone", "sex"}


def test_whoever_came_with_the_city_and_no_file_keeps_all_else_and_their_home(desk: Desk) -> None:  # noqa: F811
    (subject,), (identity,) = in_register(1)
    Home.objects.create(subject=subject, dwelling_id=7)
    resident, phone = linked(subject, identity), "13719610130"
    grant(ask(resident, "phone", phone))
    assert opened(subject, ("name", "national_id", "phone")) == {
        "name": "李明 0", "national_id": identity, "phone": phone,
    }  # fmt: skip
    grant(ask(resident, "name", "李鸣"))
    assert opened(subject) == {"name": "李鸣", "phone": phone}
    assert queries.residents_in([7]) == [subject]


@pytest.mark.parametrize(("field", "value", "code"), [
    ("national_id", "440305198001010012", "registers.number_not_corrected"),
    ("dwelling", "3", "registers.no_correctable"),
    ("phone", "secret words", "registers.correction_unfit"), ("birth_date", "2999-01-01", "registers.correction_unfit"),
    ("sex", "unknown", "registers.correction_unfit"), ("needs", "a lift", "registers.correction_unfit"),
    ("name", "李" * 40, "registers.correction_unfit"),
])  # fmt: skip
def test_what_cannot_be_written_is_told_at_once_and_not_repeated(
    asker: Asker, field: str, value: str, code: str
) -> None:
    told = refused(lambda: asker.ask(field, value))
    assert told.code == code
    assert value not in str(told)
    assert CorrectionRequest.objects.count() == 0


def test_a_refused_request_changes_nothing(asker: Asker) -> None:
    request_id = asker.ask()
    actions.refuse_correction(request_id, reason="the contract is of 2019", by=STEWARD, at=clock.now())
    assert refused(lambda: grant(request_id)).code == "registers.correction_decided"
    assert (asker.phone, Load.objects.count()) == (asker.wrong, 1)


def test_whoever_was_erased_is_not_corrected(asker: Asker) -> None:
    request_id = asker.ask()
    gate.erase(by=OFFICER, at=clock.now(), subject=asker.subject)
    assert refused(lambda: grant(request_id)).code == "registers.asker_gone"
    assert queries.correction(request_id).state == "asked"
    assert Load.objects.count() == 1


def test_a_link_leads_nowhere_for_another_account(asker: Asker) -> None:
    links = apps.get_model("gate", "ResidentLink").objects
    other = linked(*[each[0] for each in in_register(1)])
    request_id = ask(other, "phone", asker.right)
    links.filter(account_id=other.account).update(link=links.get(account_id=asker.resident.account).link)
    assert refused(lambda: grant(request_id)).code == "registers.asker_gone"
    assert asker.phone == asker.wrong


def test_the_keeper_seals_no_identity_number_as_a_correction(asker: Asker) -> None:
    people = to_seal({"name": [""], "national_id": [number(5, asker.born)]}, 1, clock.now().date())
    account = asker.resident.account
    told = refused(lambda: gate.seal_correction(by=SYSTEM, at=clock.now(), account=account, people=people))
    assert told.code == "gate.bad_request"


def test_a_correction_is_never_made_a_person_of_its_own(asker: Asker) -> None:
    load = grant(asker.ask())
    told = refused(lambda: actions.part_person(load, 1, by=STEWARD, at=clock.now()))
    assert told.code == "registers.no_record"


def test_what_is_cut_short_behind_the_record_is_done_later(asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    request_id = asker.ask()
    with monkeypatch.context() as broken:
        broken.setattr(residents.person_settling, "settle", lambda *_: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            grant(request_id)
    assert asker.phone == asker.wrong
    person_settling.settle_all()
    assert asker.phone == asker.right


def test_the_value_is_in_clear_nowhere_in_the_database(asker: Asker) -> None:
    grant(asker.ask())
    grant(asker.ask("name", "李蕾蕾"))
    kept = connection.connection.serialize() if connection.vendor == "sqlite" else b""
    assert len(kept) > 10_000 or connection.vendor != "sqlite"
    for secret in (asker.right, asker.wrong, "李蕾蕾", WHY):
        assert secret.encode() not in kept


def test_there_can_be_none_any_more_and_a_later_correction_says_another(asker: Asker) -> None:
    asker.load(as_of="2026-11-02", needs="轮椅")
    grant(asker.ask("sex", "女"))
    grant(none(asker, "phone"))
    assert (asker.phone, found(asker.wrong, "phone")) == ("", [])
    assert "轮" in opened(asker.subject, ("need_note",))["need_note"]
    grant(none(asker, "needs"))
    assert opened(asker.subject, ("phone", "need_note")) == {"phone": "", "need_note": ""}
    asker.load(as_of="2026-12-01", name="李雷", needs="轮椅")
    assert asker.phone == "", "the department repeats its mistake"
    assert {"phone", "needs", "sex"} == set(Disagreement.objects.filter(state="open").values_list("field", flat=True))
    grant(asker.ask())
    assert (asker.phone, found(asker.right, "phone")) == (asker.right, [asker.subject])
    third = f"136{asker.born}"
    asker.load(third, as_of="2026-12-08")
    assert asker.phone == third, "the department says something new"


def test_nothing_is_said_of_a_name_or_of_other_registers_and_nothing_twice(asker: Asker) -> None:
    for field, value, code in (("name", "", "not_none"), ("sex", "", "not_none"), ("phone", "137", "both")):
        told = refused(lambda field=field, value=value: none(asker, field, value))
        assert told.code == f"registers.correction_{code}"
    assert refused(lambda: ask(asker.resident, "phone", "")).code == "registers.correction_empty"
    assert not CorrectionRequest.objects.exists()


def none(asker: Asker, field: str, value: str = "") -> str:
    return actions.ask_correction(register="people", key="", field=field, value=value, reason=WHY, none=True,
                                  by=asker.resident.actor, at=clock.now())  # fmt: skip


def test_that_there_is_none_is_asked_taken_back_and_granted_on_pages(asker: Asker) -> None:
    browser, steward = asker.resident.browser(), client("steward")
    said = {"about": "people.name", "key": "", "value": "", "reason": WHY, "none": "1"}
    page = browser.post("/me/corrections/ask/", said)
    assert page.status_code >= 400 and "checked" in page.content.decode()
    for _turn in range(2):
        assert browser.post("/me/corrections/ask/", said | {"about": "people.phone"}).status_code == 302
        one = queries.corrections_of(asker.resident.account)[0]
        if _turn == 0:
            assert browser.post(f"/me/corrections/{one.id}/withdraw/").status_code == 302
            assert queries.correction(one.id).state == "withdrawn"
    chinese = {"accept-language": "zh-hans"}
    assert "现已没有" in browser.get("/me/corrections/", headers=chinese).content.decode()
    address = f"/registers/corrections/{one.id}/"
    assert "there is none any more" in steward.post(f"{address}open/").content.decode()
    assert steward.post(f"{address}decide/", {"decision": "grant", "reason": "seen the letter"}).status_code == 302
    assert asker.phone == ""


def test_a_resident_and_a_steward_do_it_on_pages(asker: Asker) -> None:
    browser, steward = asker.resident.browser(), client("steward")
    page = browser.get("/me/corrections/").content.decode()
    assert 'value="people.phone"' in page and "people.national_id" not in page
    said = {"about": "people.phone", "key": "", "value": asker.right, "reason": WHY}
    assert browser.post("/me/corrections/ask/", said).status_code == 302
    (one,) = queries.corrections_of(asker.resident.account)
    address = f"/registers/corrections/{one.id}/"
    assert asker.right not in steward.get(address).content.decode()
    assert asker.right in steward.post(f"{address}open/").content.decode()
    decided = steward.post(f"{address}decide/", {"decision": "grant", "reason": "seen the contract"})
    assert decided.status_code == 302
    page = browser.get("/me/corrections/").content.decode()
    assert "seen the contract" in page and asker.right not in page
    assert asker.phone == asker.right
    assert "A correction that you asked for was written into your entry" in browser.get("/me/").content.decode()
    chinese = browser.get("/me/", headers={"accept-language": "zh-hans"}).content.decode()
    assert "您申请的更正已写入您的记录" in chinese
