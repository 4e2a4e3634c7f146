"""A resident asks for a correction, a steward decides, and nothing that was known is overwritten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from cityloom.accounts import actions as accounts
from cityloom.gate import actions as gate
from cityloom.gate.models import SealedPart
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.registers import actions, queries
from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.loading import residents
from cityloom.registers.models import CorrectionRequest, Load, OrganisationRecord
from tests.gate.conftest import keeper  # noqa: F401
from tests.gate.residents import Resident, in_register, linked
from tests.registers.test_department_files import Desk, code, desk, refused  # noqa: F401
from tests.registers.test_disagreements import STEWARD, load, open_ones
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db
WHY = "The licence of 2026-10-01, No. 12"


@pytest.fixture
def resident(keeper: gate.Running) -> Resident:  # noqa: F811
    units = [("city/nanshan", "Nanshan", "南山区", "district")]
    accounts.create_units(communities=units, by=SYSTEM, at=clock.now())
    (subject,), (number,) = in_register(1)
    return linked(subject, number)


@pytest.fixture
def company(desk: Desk) -> str:  # noqa: F811
    load(desk, "market", (code(1), "Wrong name", "2020-01-02"))
    return code(1)


def ask(by: Resident, **over: Any) -> str:
    asked = {"register": "organisations", "key": code(1), "field": "name", "value": "Right name", "reason": WHY} | over
    return actions.ask_correction(by=by.actor, at=clock.now(), **asked)


def grant(request_id: str, by: Actor = STEWARD, reason: str = "seen the licence") -> int:
    return actions.grant_correction(request_id, reason=reason, by=by, at=clock.now())


def believed(name: str = "name") -> tuple[object, str]:
    entry = queries.believed("organisations", code(1))
    assert entry is not None
    return entry.fields[name].value, entry.fields[name].source


def test_a_granted_correction_is_a_record_with_its_history_and_wins_until_the_department_says_something_else(
    resident: Resident, company: str, desk: Desk  # noqa: F811
) -> None:
    before = clock.now()
    number = grant(ask(resident))
    assert believed() == ("Right name", "resident-corrections")
    assert believed("registered_on")[1] == "market"
    fact = next(fact for fact in queries.facts_of("organisations", company) if fact.origin.load == number)
    assert (fact.values, fact.origin.source) == ({"name": "Right name"}, "resident-corrections")
    then = queries.believed("organisations", company, known_at=before)
    assert then is not None
    assert then.fields["name"].value == "Wrong name"
    assert open_ones() == [(company, "name", ("market", "resident-corrections"))], "the department is to look at it"
    load(desk, "market", (company, "Wrong name", "2020-01-03"))
    assert believed() == ("Right name", "resident-corrections")
    load(desk, "market", (company, "Third name", "2020-01-03"))
    assert believed() == ("Third name", "market")


def test_a_second_correction_keeps_the_first_and_names_are_found(resident: Resident, company: str) -> None:
    grant(ask(resident))
    grant(ask(resident, field="registered_on", value="2019-05-06"))
    assert (believed()[0], str(believed("registered_on")[0])) == ("Right name", "2019-05-06")
    own = residents.book.source_of("resident-corrections").id
    assert OrganisationRecord.objects.filter(key=company, source_id=own, closed_by=2**31 - 1).count() == 1
    assert company in [row[0] for row in queries.organisations_called("right n", 5)]


def test_what_was_written_is_in_no_table_and_each_opening_is_one_of_a_steward(
    resident: Resident, company: str
) -> None:
    request_id = ask(resident)
    rows = repr(list(CorrectionRequest.objects.values())) + repr(list(SealedPart.objects.values()))
    assert "Right name" not in rows
    assert "licence" not in rows
    words = actions.open_correction(request_id, by=STEWARD, at=clock.now())
    assert (words.value, words.reason) == ("Right name", WHY)
    visitor = Actor("x", "city", frozenset({"duty-officer"}))
    told = refused(lambda: actions.open_correction(request_id, by=visitor, at=clock.now()))
    assert told.code == "registers.role"


@pytest.mark.parametrize(("over", "refusal"), [
    ({"key": code(9)}, "registers.no_entry"), ({"field": "code"}, "registers.no_correctable"),
    ({"field": "representative"}, "registers.no_correctable"), ({"register": "zones"}, "registers.no_correctable"),
    ({"register": "people"}, "registers.no_correctable"), ({"value": " "}, "registers.correction_empty"),
    ({"reason": "so"}, "registers.correction_empty"), ({"reason": "x" * 3_000}, "registers.correction_long"),
    ({"value": "x" * 300}, "registers.correction_unfit"), ({"value": "a\x1b[2Jb"}, "registers.correction_unfit"),
    ({"field": "registered_on", "value": "0000-00-00"}, "registers.correction_unfit"),
    ({"field": "registered_on", "value": "2999-01-01"}, "registers.correction_unfit"),
    ({"field": "status", "value": "alive"}, "registers.correction_unfit"),
    ({"field": "capital_fen", "value": "much"}, "registers.correction_unfit"),
    ({"field": "lon", "value": "114.05"}, "registers.correction_unfit"),
    ({"field": "lon", "value": "22.5, 214.05"}, "registers.correction_unfit"),
])  # fmt: skip
def test_what_cannot_be_asked_for_is_told_at_once(
    resident: Resident, company: str, over: dict[str, str], refusal: str
) -> None:
    assert refused(lambda: ask(resident, **over)).code == refusal
    assert CorrectionRequest.objects.count() == 0


def test_a_place_is_corrected_as_a_whole(resident: Resident, company: str) -> None:
    grant(ask(resident, field="lon", value="114.0579, 22.5431"))
    assert (believed("lon")[0], believed("lat")[0]) == (114.0579, 22.5431)


def test_a_refusal_has_a_reason_and_is_final_for_that_request(resident: Resident, company: str) -> None:
    request_id = ask(resident)
    told = refused(lambda: actions.refuse_correction(request_id, reason="", by=STEWARD, at=clock.now()))
    assert told.code == "registers.reason"
    actions.refuse_correction(request_id, reason="the licence says otherwise", by=STEWARD, at=clock.now())
    assert refused(lambda: grant(request_id)).code == "registers.correction_decided"
    (own,) = queries.corrections_of(resident.account)
    assert (own.state, own.reason) == ("refused", "the licence says otherwise")
    assert Load.objects.count() == 1


def test_a_grant_that_fails_changes_nothing(
    resident: Resident, company: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = ask(resident)
    with monkeypatch.context() as broken:
        broken.setattr(residents.book, "finish", lambda *_: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            grant(request_id)
    assert queries.correction(request_id).state == "asked"
    assert believed() == ("Wrong name", "market")
    grant(request_id)
    assert believed()[0] == "Right name"


def test_somebody_elses_request_is_not_taken_back_and_too_many_wait(resident: Resident, company: str) -> None:
    request_id = ask(resident)
    other = Actor("somebody-else", "", frozenset({"resident"}))
    told = refused(lambda: actions.withdraw_correction(request_id, by=other, at=clock.now()))
    assert told.code == "registers.no_correction"
    actions.withdraw_correction(request_id, by=resident.actor, at=clock.now())
    assert queries.correction(request_id).state == "withdrawn"
    for _ in range(20):
        ask(resident)
    assert refused(lambda: ask(resident)).code == "registers.corrections_many"


def test_what_was_written_is_erased_in_time_and_the_decision_stays(resident: Resident, company: str) -> None:
    request_id = ask(resident)
    actions.refuse_correction(request_id, reason="no evidence at all", by=STEWARD, at=clock.now())
    assert actions.erase_old_corrections(by=SYSTEM, at=clock.now() + timedelta(days=179)) == 0
    assert actions.erase_old_corrections(by=SYSTEM, at=clock.now() + timedelta(days=181)) == 1
    assert queries.correction(request_id).state == "refused"
    told = refused(lambda: actions.open_correction(request_id, by=STEWARD, at=clock.now()))
    assert told.code == "registers.correction_erased"


def test_no_file_speaks_as_residents(desk: Desk) -> None:  # noqa: F811
    assert refused(lambda: load(desk, "resident-corrections", (code(1), "One"))).code == "registers.mapping_unfit"


@given(st.sampled_from([(name, field.name) for name in residents.RECORDS for field in REGISTERS[name].fields]),
       st.text(max_size=50))  # fmt: skip
def test_any_text_for_any_field_is_kept_or_refused(about: tuple[str, str], text: str) -> None:
    register, name = about
    field = REGISTERS[register].field(name)
    if field in residents.correctable_fields(REGISTERS[register]):
        try:
            values = residents._values(field, register, code(1), text, clock.now())
        except residents.Refused as told:
            assert told.code == "registers.correction_unfit"
        else:
            assert None not in values.values()


def post(there: Client, address: str, **said: str) -> Any:
    return there.post(address, said)


def test_a_resident_asks_on_a_page_and_reads_the_answer_there(resident: Resident, company: str) -> None:
    browser = resident.browser()
    assert "/me/corrections/" in browser.get("/me/").content.decode()
    said = {"about": "organisations.name", "key": company.lower(), "value": "Right name", "reason": WHY}
    again = post(browser, "/me/corrections/ask/", **said | {"key": code(9)})
    assert again.status_code == 404
    assert "Right name" in again.content.decode(), "what was typed stays"
    assert post(browser, "/me/corrections/ask/", **said).status_code == 302
    page = browser.get("/me/corrections/").content.decode()
    assert "waits for an answer" in page
    assert "Right name" not in page
    (one,) = queries.corrections_of(resident.account)
    steward = client("steward")
    assert company in steward.get("/registers/corrections/").content.decode()
    shown = steward.get(f"/registers/corrections/{one.id}/").content.decode()
    assert "Wrong name" in shown
    assert WHY not in shown
    opened = post(steward, f"/registers/corrections/{one.id}/open/")
    assert WHY in opened.content.decode()
    assert opened["Cache-Control"] == "no-store"
    assert post(steward, f"/registers/corrections/{one.id}/decide/", decision="refuse", reason="").status_code == 409
    answer = post(steward, f"/registers/corrections/{one.id}/decide/", decision="refuse", reason="the paper is of 2019")
    assert answer.status_code == 302
    page = browser.get("/me/corrections/").content.decode()
    assert "the paper is of 2019" in page
    assert "article 20" in page


def test_pages_of_corrections_keep_residents_and_officials_apart(resident: Resident, company: str) -> None:
    request_id = ask(resident)
    assert resident.browser().get("/registers/corrections/").status_code in (302, 403)
    there = client("duty-officer")
    for address in ("/registers/corrections/", f"/registers/corrections/{request_id}/", "/me/corrections/"):
        assert there.get(address).status_code == 403, address
    for step in ("open", "decide"):
        answer = post(there, f"/registers/corrections/{request_id}/{step}/", decision="grant", reason="because so")
        assert answer.status_code == 403
    assert queries.correction(request_id).state == "asked"


@pytest.mark.parametrize("register", [name for name in residents.RECORDS if name != "people"])
def test_any_register_that_files_come_into_can_be_compared_and_corrected(
    resident: Resident, register: str, desk: Desk  # noqa: F811
) -> None:
    table, today = residents.RECORDS[register], clock.now().date()
    sources = [residents.book.source_of(name) for name in ("market", "tax")]
    for number, source in enumerate(sources, 1):
        made = Load.objects.create(
            number=number, source_id=source.id, register=register, file_name="a", file_digest="d", file_bytes=1,
            mapping="", mapping_digest="m", as_of=today, state=Load.RUNNING, started_at=clock.now(), loaded_by="x",
        )  # fmt: skip
        table._default_manager.create(id=number << 32 | 2, source_id=source.id, key="K1", valid_from=today, digest=1)
        residents.book.finish(made)
    residents.comparing.compare_due(clock.now())
    texts = {"text": "Seen", "date": "2020-01-02", "number": "2", "whole": "2", "money": "2", "lon": "114.05, 22.54"}
    done = 0
    for field in residents.correctable_fields(REGISTERS[register]):
        if field.kind in texts and field.name not in ("ended_on",):
            request_id = actions.ask_correction(register=register, key="K1", field=field.name, value=texts[field.kind],
                                                reason=WHY, by=resident.actor, at=clock.now())  # fmt: skip
            grant(request_id)
            done += 1
    entry = queries.believed(register, "K1")
    assert entry is not None
    assert len([one for one in entry.fields.values() if one.source == "resident-corrections"]) >= done > 0
