"""Name and password: what is let in, what is not, and what a stranger can learn."""

from __future__ import annotations

import logging
import re

import pytest
from django.test import Client

from cityloom.accounts import actions
from cityloom.accounts.models import Account, SignedIn
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from tests.accounts.conftest import PASSWORD, Hire, SignIn

pytestmark = pytest.mark.django_db


def test_nobody_signs_up_alone(client: Client, units: None) -> None:
    for path in ("/signup/", "/accounts/signup/", "/sign-in/signup/", "/account/email/", "/password/reset/"):
        assert client.get(path).status_code in (302, 404)
        assert client.post(path, {"username": "new", "password1": PASSWORD}).status_code in (302, 404)
    assert Account.objects.count() == 0


def test_a_stranger_learns_nothing_about_names(client: Client, hire: Hire) -> None:
    hire("zhang")

    def told(name: str) -> str:
        page = client.post("/sign-in/", {"login": name, "password": "wrong words here"})
        assert page.status_code == 422
        return re.sub(r'value="[^"]*"', "", page.content.decode())

    assert told("zhang") == told("nobody")


def test_guessing_comes_to_an_end(client: Client, hire: Hire) -> None:
    hire("zhang")
    for _ in range(5):
        client.post("/sign-in/", {"login": "zhang", "password": "wrong words here"})
    answer = client.post("/sign-in/", {"login": "zhang", "password": PASSWORD})
    assert answer.status_code == 422
    assert "Too many failed" in answer.content.decode()
    assert not SignedIn.objects.exists()


def test_one_address_cannot_go_through_many_names(client: Client, units: None) -> None:
    answers = [client.post("/sign-in/", {"login": f"n{n}", "password": "wrong words"}) for n in range(40)]
    assert answers[-1].status_code == 429
    assert "Wait a few minutes" in answers[-1].content.decode()


def test_a_form_from_elsewhere_is_refused(hire: Hire) -> None:
    hire("zhang")
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/sign-in/", {"login": "zhang", "password": PASSWORD}).status_code == 403


@pytest.mark.parametrize("wanted", ["https://e.example/", "//e.example", "javascript:alert(1)", "/\\e.example"])
def test_nobody_lands_elsewhere(hire: Hire, client: Client, wanted: str) -> None:
    hire("zhang")
    answer = client.post("/sign-in/", {"login": "zhang", "password": PASSWORD, "next": wanted})
    assert answer.status_code == 302
    assert answer.url == "/"


def test_signing_out_ends_the_session_here_and_in_the_table(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    browser = sign_in()
    assert browser.get("/health/").status_code == 200
    assert browser.get("/sign-out/").status_code == 405
    assert browser.post("/sign-out/").url == "/sign-in/"
    assert browser.get("/health/").status_code == 302
    assert not SignedIn.objects.exists()


def test_a_closed_account_is_told_so_only_with_its_password(hire: Hire, client: Client) -> None:
    account = hire("zhang")
    actions.disable(account=account.id, by=SYSTEM, at=clock.now())
    assert "closed" not in client.post("/sign-in/", {"login": "zhang", "password": "wrong"}).content.decode()
    page = client.post("/sign-in/", {"login": "zhang", "password": PASSWORD}, follow=True)
    assert "closed; ask an operator" in page.content.decode()
    assert client.get("/health/").status_code == 302


@pytest.mark.parametrize("password", ["short", "123456789012345", "password12345", "zhang-zhang-12"])
def test_a_weak_password_is_refused(units: None, password: str) -> None:
    with pytest.raises(Refused, match="too easy to guess"):
        actions.add_account(
            username="zhang-zhang-1", name="", unit="city", roles=["operator"], password=password, by=SYSTEM,
            at=clock.now(),
        )  # fmt: skip


def test_an_account_has_a_place_that_exists(units: None) -> None:
    def add(unit: str, role: str) -> None:
        actions.add_account(
            username="li", name="", unit=unit, roles=[role], password=PASSWORD, by=SYSTEM, at=clock.now()
        )

    for unit, role, code in (("city/moon", "operator", "unknown_unit"), ("city", "king", "unknown_roles")):
        with pytest.raises(Refused) as refusal:
            add(unit, role)
        assert refusal.value.code == f"accounts.{code}"
    add("city", "operator")
    with pytest.raises(Refused, match="user name"):
        add("city", "operator")


def test_no_page_and_no_log_line_holds_a_password(hire: Hire, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    hire("zhang")
    with caplog.at_level(logging.DEBUG):
        page = client.post("/sign-in/", {"login": "zhang", "password": "a wrong secret"}).content.decode()
    assert "a wrong secret" not in page + caplog.text


def test_the_pages_obey_the_content_security_policy(hire: Hire, sign_in: SignIn, client: Client) -> None:
    hire("zhang")
    browser = sign_in()
    paths = ("/account/", "/step-up/password/", "/account/password/", "/contractors/", "/account/second-factor/")
    for page in (client.get("/sign-in/"), *(browser.get(path) for path in paths)):
        text = page.content.decode()
        assert page.status_code == 200
        assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
        scripts = re.findall(r"<script([^>]*)>", text)
        assert all("src=" in attributes or 'type="application/json"' in attributes for attributes in scripts)
        assert not re.search(r"\son\w+=|style=|javascript:", text)
