"""Contractors: time-boxed, vouched for, agreed by two; and accounts that are suspended."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from cityloom.accounts import actions, queries
from cityloom.accounts.models import Account, ContractorTerm
from cityloom.accounts.queries import as_actor
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from tests.accounts.conftest import BROWSER, PASSWORD, Hire, SignIn, Watch

pytestmark = pytest.mark.django_db


def make(by: Account, sponsor: Account, *, days: float = 10, username: str = "guest") -> str:
    now = clock.now()
    return actions.make_contractor(
        username=username, name="", company="Pipes Ltd", unit="city/water", roles=["department-water"],
        password=PASSWORD, sponsor=sponsor.id, ends_at=now + timedelta(days=days), by=as_actor(by), at=now,
    )  # fmt: skip


def approve(account: str, by: Account) -> None:
    actions.approve_contractor(account=account, by=as_actor(by), at=clock.now())


def enter(username: str = "guest"):
    return Client(HTTP_USER_AGENT=BROWSER).post("/sign-in/", {"login": username, "password": PASSWORD})


def test_an_account_works_once_a_second_person_agreed(hire: Hire) -> None:
    steward, officer = hire("steward", "steward"), hire("officer", "data-protection-officer")
    guest = make(steward, officer)
    assert "waits for a second person" in enter().content.decode()
    approve(guest, officer)
    assert enter().status_code == 302
    term = queries.contractor_terms()[0]
    assert (term.made_by, term.approved_by, term.state_at(clock.now())) == (steward.id, officer.id, "active")


def test_the_second_person_is_another_one_with_the_right_role(hire: Hire) -> None:
    operator, duty = hire("operator"), hire("duty", "duty-officer")
    guest = make(operator, duty)
    with pytest.raises(Refused, match="A second person"):
        approve(guest, operator)
    with pytest.raises(Refused, match="Only an operator or the data protection officer"):
        approve(guest, duty)
    with pytest.raises(Refused, match="A second person"):
        actions.approve_contractor(account=guest, by=as_actor(operator), at=clock.now())
    assert ContractorTerm.objects.get().approved_at is None


@pytest.mark.parametrize("days", [-1, 0, 30.1, 365])
def test_it_ends_within_thirty_days(hire: Hire, days: float) -> None:
    steward = hire("steward", "steward")
    with pytest.raises(Refused, match="within 30 days"):
        make(steward, steward, days=days)
    assert not Account.objects.filter(username="guest").exists()


def test_who_makes_and_who_vouches(hire: Hire) -> None:
    steward, duty = hire("steward", "steward"), hire("duty", "duty-officer")
    with pytest.raises(Refused, match="Only a steward or an operator"):
        make(duty, steward)
    guest = Account.objects.get(id=make(steward, duty))
    with pytest.raises(Refused, match="A sponsor"):
        make(steward, guest, username="second")


def test_when_the_time_is_over_everything_ends(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    steward, operator = hire("steward", "steward"), hire("operator")
    approve(make(steward, steward, days=0.25), operator)
    browser = sign_in("guest")
    watch.wait(hours=5.9)
    assert browser.get("/health/").status_code == 200
    watch.wait(hours=0.2)
    assert "why=over" in browser.get("/health/").url
    assert "time of this account is over" in enter().content.decode()
    actions.end_what_is_over(at=clock.now())
    assert queries.sessions_of(Account.objects.get(username="guest").id) == []


def test_ending_it_early_ends_its_sessions(hire: Hire, sign_in: SignIn) -> None:
    steward, operator = hire("steward", "steward"), hire("operator")
    guest = make(steward, steward)
    approve(guest, operator)
    browser = sign_in("guest")
    actions.end_contractor(account=guest, by=as_actor(operator), at=clock.now())
    assert browser.get("/health/").status_code == 302
    assert "time of this account is over" in enter().content.decode()


def test_the_page_asks_for_a_step_up_and_then_approves(hire: Hire, sign_in: SignIn) -> None:
    guest = make(hire("steward", "steward"), hire("operator"))
    browser = sign_in("operator")
    assert "Pipes Ltd" in browser.get("/contractors/").content.decode()
    page = {"HTTP_REFERER": "http://testserver/contractors/"}
    answer = browser.post("/contractors/approve/", {"account": guest}, **page)
    assert answer.url == "/step-up/?next=%2Fcontractors%2F"
    assert ContractorTerm.objects.get().approved_at is None
    answer = browser.post("/step-up/password/", {"password": PASSWORD, "next": "/contractors/"})
    assert answer.url == "/contractors/"
    assert browser.post("/contractors/approve/", {"account": guest}, **page).url == "/contractors/"
    assert ContractorTerm.objects.get().approved_at


def test_an_auditor_reads_the_list_and_others_do_not(hire: Hire, sign_in: SignIn) -> None:
    make(hire("steward", "steward"), hire("auditor", "auditor"))
    hire("duty", "duty-officer")
    page = sign_in("auditor").get("/contractors/").content.decode()
    assert "Pipes Ltd" in page
    assert "disabled" in page
    assert sign_in("duty").get("/contractors/").status_code == 403


# --- suspension


def test_a_suspended_account_is_out_and_told_whom_to_ask(hire: Hire, sign_in: SignIn) -> None:
    account = hire("zhang", "commander")
    browser = sign_in("zhang")
    for _ in range(2):
        actions.suspend(account=account.id, reason_code="review-overdue", by=SYSTEM, at=clock.now())
    assert browser.get("/health/").status_code == 302
    page = enter("zhang")
    assert page.status_code == 403
    assert "Ask the data protection officer or an operator" in page.content.decode()
    assert queries.accounts()[0].suspended_for == "review-overdue"
    assert queries.accounts_with("commander") == []
    with pytest.raises(Refused, match="no active account"):
        queries.actor_of(account.id)


def test_a_suspension_is_lifted_by_another_person(hire: Hire) -> None:
    account, first, second = hire("zhang", "operator"), hire("first", "operator"), hire("second", "operator")
    duty = hire("duty", "duty-officer")
    actions.suspend(account=account.id, reason_code="asked", by=as_actor(first), at=clock.now())
    for refused in (account, first, duty):
        with pytest.raises(Refused):
            actions.reinstate(account=account.id, by=as_actor(refused), at=clock.now())
    actions.reinstate(account=account.id, by=as_actor(second), at=clock.now())
    assert enter("zhang").status_code == 302
    with pytest.raises(Refused, match="not suspended"):
        actions.reinstate(account=account.id, by=as_actor(second), at=clock.now())


def test_a_suspended_demo_account_is_out_too(hire: Hire, client: Client) -> None:
    demo = actions.create_demo_accounts(workers=[], by=SYSTEM, at=clock.now())[0]
    actions.suspend(account=demo.account, reason_code="asked", by=SYSTEM, at=clock.now())
    assert client.post("/sign-in/demo/", {"account": demo.account}).status_code == 403
    assert client.get("/health/").status_code == 302


def test_a_demo_account_steps_up_by_a_click_that_says_demo(units: None, client: Client) -> None:
    demo = actions.create_demo_accounts(workers=[], by=SYSTEM, at=clock.now())[0]
    client.post("/sign-in/demo/", {"account": demo.account})
    assert "Demo: it is me" in client.get("/step-up/?next=/health/").content.decode()
    assert client.post("/step-up/demo/", {"next": "/health/"}).url == "/health/"
    assert client.session[queries.STEP_UP_KEY]["method"] == "demo"
    assert client.get("/account/second-factor/").status_code == 403


def test_no_real_account_and_no_other_machine_steps_up_by_a_click(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    assert sign_in("zhang").post("/step-up/demo/").status_code == 403
    demo = actions.create_demo_accounts(workers=[], by=SYSTEM, at=clock.now())[0]
    browser = Client()
    browser.post("/sign-in/demo/", {"account": demo.account})
    assert browser.post("/step-up/demo/", REMOTE_ADDR="10.0.0.9").status_code == 403


def test_behind_a_proxy_nobody_is_local(units: None, settings) -> None:
    demo = actions.create_demo_accounts(workers=[], by=SYSTEM, at=clock.now())[0]
    settings.CITYLOOM_BEHIND_TLS = True
    assert Client().post("/sign-in/demo/", {"account": demo.account}).status_code == 403


# --- the command line


def run(*words: str) -> int:
    from cityloom.cli import main

    class Runtime:
        home = None

        def open_city(self) -> None:
            """The tests' own city is open."""

    return main.run(Runtime(), ["account", *words])  # type: ignore[arg-type]


def test_the_command_line_does_it_all(units: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    place = ["--unit", "city", "--password-file", str(password)]
    assert run("add", "ops", *place, "--role", "operator") == 0
    assert run("add", "aud", *place, "--role", "operator", "--role", "auditor") == 0
    assert run("roles", "aud", "auditor", "operator") == 0
    until = f"{clock.now() + timedelta(days=5):%Y-%m-%d}"
    guest = ["guest", *place, "--role", "department-gas", "--company", "Pipes", "--sponsor", "aud", "--by", "ops"]
    assert run("contractor", "add", *guest, "--until", "2999-01-01") == 1
    assert run("contractor", "add", *guest, "--until", until) == 0
    assert run("suspend", "aud", "--reason", "asked", "--by", "ops") == 0
    assert run("reinstate", "aud", "--by", "ops") == 1
    assert run("reset-second-factor", "ops") == 0
    assert run("disable", "aud") == 0
    assert run("disable", "nobody") == 1
    assert run("disable", "ops") == run("enable", "ops") == 0
    capsys.readouterr()
    assert run("list", "--json") == 0
    found = {one["username"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["aud"]["suspended_for"] == "asked"
    assert found["aud"]["is_active"] is False
    assert found["guest"]["kind"] == "contractor"
    assert run("contractor", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["state"] == "unapproved"
    assert run("contractor", "end", "guest") == 0
    assert run("list") == run("contractor", "list") == 0
