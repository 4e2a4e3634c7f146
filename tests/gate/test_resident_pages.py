"""What a resident sees: who looked, why and by which law; a bundle to take away; objections; and being erased."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from cityloom.accounts import actions as accounts
from cityloom.accounts.models import Account, SignedIn
from cityloom.audit import queries as audit
from cityloom.gate import actions, jobs, models, queries
from cityloom.gate.domain import reasons
from cityloom.keeper import protocol, verifier
from cityloom.keeper.witness import Witness
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.gate.residents import OFFICER, Resident, entries, in_register, linked, look, page, sealed

pytestmark = pytest.mark.django_db
SCHEMA = Path(audit.__file__).with_name("bundle.schema.json")
CHINESE = {"Accept-Language": "zh-hans"}
CLERK = Actor("clerk-1", "city/nanshan", frozenset({"case-handler"}))
STEWARD = Actor("steward-1", "city", frozenset({"steward"}))
SUPERVISOR = Actor("supervisor-1", "city/nanshan", frozenset({"supervisor"}))


@pytest.fixture
def resident(keeper: actions.Running) -> Resident:
    units = [("city/nanshan", "Nanshan", "南山区", "district")]
    accounts.create_units(communities=units, by=SYSTEM, at=clock.now())
    (subject, other), (number, _) = in_register(2)
    look(other)
    return linked(subject, number)


@pytest.fixture
def browser(resident: Resident) -> Client:
    return resident.browser()


def test_an_opening_is_told_in_the_readers_words(resident: Resident, browser: Client) -> None:
    look(resident.subject)
    newest = next(iter(entries(page(browser)).values()))
    law = "Personal Information Protection Law, Article 13(1)(4)"
    fields = "your name, your telephone number"
    for words in ("Your data were opened", "Nanshan · Social worker", "Help in an emergency", law, fields):
        assert words in newest
    assert re.search(r"\b[0-9a-f]{4} [0-9a-f]{4}\b", newest)
    assert "DRILL" not in newest
    assert "worker-1" not in page(browser).text_content()
    chinese = next(iter(entries(page(browser, **CHINESE)).values()))
    for words in ("您的数据被查看", "南山区", "应急救助", "您的姓名、您的电话号码", "个人信息保护法"):
        assert words in chinese
    codes = r"emergency-assistance|pipl-13-1-4|\b[0-9a-f]{4} [0-9a-f]{4}\b"
    assert not re.search(r"[A-Za-z]{3,}", re.sub(codes, "", chinese))


def test_a_drill_is_told_apart(resident: Resident, browser: Client) -> None:
    look(resident.subject, exercise_id="01EXERCISE0000000000000000")
    newest = next(iter(entries(page(browser)).values()))
    assert "DRILL" in newest
    assert "emergency-assistance" in newest


def test_nobody_sees_what_is_about_another(resident: Resident, browser: Client) -> None:
    found = entries(page(browser))
    assert ["signed in as you" in text for text in found.values()] == [True]
    text = page(browser).text_content()
    assert "Nobody has looked at your data" in text
    assert "Contest this" not in text


def test_the_openings_of_one_person_by_one_official_have_one_name(resident: Resident, browser: Client) -> None:
    for _ in range(2):
        look(resident.subject)
    names = [one.text for one in page(browser).xpath("//*[@class='official']")]
    assert len(names) == 2
    assert len(set(names)) == 1


def test_older_entries_are_on_further_pages(resident: Resident, browser: Client) -> None:
    for _ in range(54):
        look(resident.subject)
    first = page(browser)
    (older,) = first.xpath("//a[@rel='next']/@href")
    second = page(browser, f"/me/{older}")
    assert (len(entries(first)), len(entries(second))) == (50, 5)
    together = [*entries(first), *entries(second)]
    assert together == sorted(together, reverse=True)
    assert not second.xpath("//a[@rel='next']")
    for odd in ("x", "-1", "9" * 30, "1.5", "٣"):
        assert len(entries(page(browser, f"/me/?before={odd}"))) == 50


def test_the_bundle_holds_everything_in_one_checkpoint(
    resident: Resident, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "_READ_AT_ONCE", 4)
    for _ in range(10):
        look(resident.subject)
    answer = browser.get("/me/bundle.json")
    assert 'attachment; filename="cityloom-bundle.json"' in answer["Content-Disposition"]
    assert (answer["Cache-Control"], answer["Content-Type"]) == ("no-store", "application/json")
    made = answer.json()
    jsonschema.validate(made, json.loads(SCHEMA.read_text()))
    report = verifier.verify_bundle(made, verifier.read_key(audit.log_key()))
    kinds = [entry.leaf["kind"] for entry in report.entries]
    assert (kinds.count("opened"), kinds.count("linked"), len(kinds)) == (10, 1, 11)
    assert {entry["index"] for entry in made["entries"]} == set(entries(page(browser)))
    made["entries"][0]["leaf"] = made["entries"][0]["leaf"].replace("opened", "listed")
    with pytest.raises(verifier.Invalid):
        verifier.verify_bundle(made, verifier.read_key(audit.log_key()))


def test_the_bundle_carries_what_a_witness_has_cosigned(resident: Resident, browser: Client, tmp_path: Path) -> None:
    key, note = verifier.read_key(audit.log_key()), audit.checkpoint_note()
    witness = Witness(tmp_path / "witness", [key], "neighbour.example/w1")
    answer = witness.add_checkpoint(f"old 0\n\n{note}", int(clock.now().timestamp()))
    assert answer.status == 200, answer.body
    size = verifier.open_checkpoint(note, key).size
    queries.keeper_for().ask(protocol.AddCosignatures(size, [answer.body]), protocol.Done)
    watching = [verifier.read_key(witness.vkey, (verifier.WITNESS_KEY,))]
    witness.close()
    in_register(1)  # the log goes on with what is about nobody here
    report = verifier.verify_bundle(browser.get("/me/bundle.json").json(), key, watching)
    assert report.checkpoint.size == size
    look(resident.subject)  # what the witness has not seen is proved all the same
    made = browser.get("/me/bundle.json").json()
    assert len(verifier.verify_bundle(made, key).entries) == 2
    with pytest.raises(verifier.Invalid):
        verifier.verify_bundle(made, key, watching)


def test_the_page_says_how_to_check_and_where_the_key_must_come_from(browser: Client) -> None:
    tree = page(browser)
    text = tree.text_content()
    assert "cityloom verify" in text
    assert "The key must come from somewhere else" in text
    assert audit.log_key() not in text
    for name in ("/verify/verifier.py", "/verify/alone.html", "/verify/"):
        assert tree.xpath(f"//a[@href='{name}']")
        assert Client().get(name).status_code == 200
    assert Client().get("/verify/verifier.py").content == Path(verifier.__file__).read_bytes()


def contest(browser: Client, index: int, reason: str = "unexpected"):
    return browser.post("/me/contest/", {"entry": index, "reason": reason})


def test_an_entry_is_contested_by_one_click_and_answered(resident: Resident, browser: Client) -> None:
    look(resident.subject)
    index = next(iter(entries(page(browser))))
    answer = contest(browser, index, "too-much")
    assert answer.url == f"/me/#entry-{index}"
    assert contest(browser, index, "other").status_code == 302
    row = models.Contest.objects.get()
    assert (row.reason, row.due_at - row.contested_at) == ("too-much", reasons.CONTEST_WITHIN)
    found = entries(page(browser))
    assert "You contested an entry" in next(iter(found.values()))
    assert "More was opened than was needed. An answer is due by" in found[index]
    assert "Contest this" not in found[index]
    late = row.due_at + timedelta(minutes=1)
    jobs.keep_clocks(late)
    assert "It is late" in entries(page(browser))[index]
    actions.answer_contest(by=OFFICER, at=late, contest_id=row.id, outcome="not-justified")
    assert "The reviewer found it not justified." in entries(page(browser))[index]
    assert "officer-1" not in page(browser).text_content()


@pytest.mark.parametrize("reason", ["", "because", "<b>"])
def test_reasons_are_chosen_not_written(resident: Resident, browser: Client, reason: str) -> None:
    look(resident.subject)
    assert contest(browser, next(iter(entries(page(browser)))), reason).status_code == 409
    assert not models.Contest.objects.exists()


def test_only_own_entries_are_contested(resident: Resident, browser: Client) -> None:
    others = min(entries(page(browser))) - 2  # the opening of somebody else, before the link was made
    for index in (others, 10**12, "", "x", "-1"):
        answer = contest(browser, index)
        assert answer.status_code == 403
        assert "That entry is not about you" in answer.content.decode()
    assert not models.Contest.objects.exists()


def test_a_notice_comes_with_the_next_round_of_the_worker(resident: Resident, browser: Client) -> None:
    jobs.follow(clock.now())
    browser.post("/me/seen/")
    look(resident.subject)
    assert not page(browser).xpath("//*[@id='news-title']")
    jobs.follow(clock.now())
    jobs.follow(clock.now())
    tree = page(browser)
    assert tree.xpath("//*[@id='news-title']/text()") == ["1 new entry"]
    (target,) = tree.xpath("//section[@aria-labelledby='news-title']//a/@href")
    assert int(target[7:]) == next(iter(entries(tree)))
    assert "1 new entry" in browser.get("/").content.decode()
    assert browser.post("/me/seen/").url == "/me/"
    assert not page(browser).xpath("//*[@id='news-title']")


def test_a_status_stands_above_until_it_ends(resident: Resident, browser: Client) -> None:
    now = clock.now()
    batch = actions.propose_status(
        by=CLERK, at=now, kind="benefit-hold", matter="D-2026-17", evidence={resident.subject: "E-1"},
        until=now + timedelta(days=20), appeal_until=now + timedelta(days=15),
    )  # fmt: skip
    assert not page(browser).xpath("//*[@id='statuses']")
    actions.approve_status(by=SUPERVISOR, at=now, step_up_at=now, batch=batch)
    (card,) = page(browser).xpath("//section[@aria-labelledby='statuses']")
    assert "A benefit of yours is held back" in card.text_content()
    assert "D-2026-17" in card.text_content()
    assert "A status was set on you" in next(iter(entries(page(browser)).values()))
    actions.end_status(by=SUPERVISOR, at=now, batch=batch)
    assert not page(browser).xpath("//*[@id='statuses']")


# --- erased


def kept(resident: Resident) -> int:
    """How much is still kept that leads to a resident's account."""
    mine = {"account_id": resident.account}
    found = (
        models.ResidentLink.objects.filter(**mine), models.Contest.objects.filter(**mine),
        models.OpeningNotice.objects.filter(handle=resident.handle), SignedIn.objects.filter(**mine),
    )  # fmt: skip
    return sum(rows.count() for rows in found)


@pytest.fixture
def known(resident: Resident, browser: Client) -> Resident:
    """Somebody with a link, notices, an objection and a session."""
    look(resident.subject)
    jobs.tell(clock.now())
    contest(browser, next(iter(entries(page(browser)))))
    assert kept(resident) >= 4
    return resident


def gone(resident: Resident) -> Iterator[bool]:
    yield kept(resident) == 0
    yield not Account.objects.get(id=resident.account).is_active


def test_who_is_erased_is_forgotten_here_too(known: Resident, browser: Client) -> None:
    other = linked(known.subject, known.national_id, provider="another-provider")
    assert other.handle == known.handle
    actions.erase(by=STEWARD, at=clock.now(), subject=known.subject)
    assert all(gone(known))
    assert all(gone(other))
    answer = browser.get("/me/")
    assert (answer.status_code, answer.url) == (302, "/sign-in/?next=/me/")
    with pytest.raises(Refused) as refusal:
        linked(known.subject, known.national_id)
    assert refusal.value.code == "accounts.erased"
    assert "You were erased" in str(refusal.value)
    jobs.tell(clock.now())
    assert all(gone(known))


def test_an_erasure_that_was_cut_off_is_finished_by_the_worker(known: Resident) -> None:
    keeper = queries.keeper_for()
    keeper.ask(protocol.Erase(keeper.sign(STEWARD), known.subject), protocol.Done)
    assert not any(gone(known))
    jobs.tell(clock.now())
    assert all(gone(known))


def test_who_is_registered_again_may_come_back(known: Resident) -> None:
    actions.erase(by=STEWARD, at=clock.now(), subject=known.subject)
    (subject,) = sealed([known.national_id])
    again = linked(subject, known.national_id)
    assert again.account == known.account
    found = entries(page(again.browser()))
    assert ["signed in as you" in one for one in found.values()] == [True]
