"""The demo identity provider: it exists for made-up people on this machine, and keeps to the standard."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import requests
from django.core.cache import cache
from django.http import HttpRequest
from django.test import Client
from lxml import html
from requests.adapters import BaseAdapter

from cityloom.accounts.contrib.allauth.openid import SocialAdapter
from cityloom.accounts.models import Account
from cityloom.kernel.refused import Refused
from cityloom.web.contrib.demo_identity import provider
from tests.web.conftest import City

pytestmark = pytest.mark.django_db
PEOPLE = [("Wang Wu, 71, third floor", "330106195501011234"), ("Zhao Liu, 34", "330106199001014321")]
linked: list[str] = []


def people() -> list[tuple[str, str]]:
    return PEOPLE


def link(account_id: str, claim: str, provider: str, at: object) -> None:
    if claim != PEOPLE[0][1]:
        raise Refused("gate.no_subject", "Nobody in the register has that number.")
    linked.append(claim)


class Here(BaseAdapter):
    """Requests that the city sends to itself, in this process."""

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request.headers.items()
                   if name != "Accept-Encoding"}  # fmt: skip
        answer = Client(SERVER_NAME=parts.hostname).generic(
            str(request.method), f"{parts.path}?{parts.query}", request.body or "",
            content_type=request.headers.get("Content-Type", ""), **headers,
        )  # fmt: skip
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status_code, str(request.url), request
        response.headers["content-type"] = answer.headers.get("Content-Type", "")
        response.raw = io.BytesIO(answer.content)
        return response

    def close(self) -> None:
        """Nothing is held open."""


def to_self(adapter: SocialAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("http://", Here())
    return session


@pytest.fixture(autouse=True)
def demo(city: City, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CITYLOOM_DEMO_RESIDENTS = f"{__name__}.people"
    settings.CITYLOOM_RESIDENT_LINKER = f"{__name__}.link"
    monkeypatch.setattr(SocialAdapter, "get_requests_session", to_self)
    linked.clear()
    cache.clear()


@pytest.fixture
def browser() -> Client:
    return Client(SERVER_NAME="localhost")


def asked_by(browser: Client) -> dict[str, str]:
    answer = browser.get("/sign-in/with/demo-residents/")
    assert answer.url.startswith("http://localhost/demo-identity/authorize/?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.url).query).items()}


def be(browser: Client, resident: str, asked: dict[str, str]) -> str:
    answer = browser.post("/demo-identity/authorize/", asked | {"resident": resident})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.url)


def test_one_becomes_a_made_up_resident(browser: Client) -> None:
    assert "Demo identity of a made-up resident" in browser.get("/sign-in/").content.decode()
    asked = asked_by(browser)
    page = browser.get(f"/demo-identity/authorize/?{urlencode(asked)}")
    assert html.fromstring(page.content).xpath("//option/text()") == [label for label, _ in PEOPLE]
    assert not any(number in page.content.decode() for _, number in PEOPLE)
    answer = browser.get(be(browser, "0", asked))
    assert answer.url == "/"
    assert linked == [PEOPLE[0][1]]
    account = Account.objects.get(kind="resident")
    assert PEOPLE[0][1] not in account.username
    assert "Sign out" in browser.get("/").content.decode()


def test_whom_the_city_does_not_know_it_refuses(browser: Client) -> None:
    answer = browser.get(be(browser, "1", asked_by(browser)))
    assert answer.status_code == 403
    assert not Account.objects.filter(kind="resident").exists()


@pytest.mark.parametrize("chosen", ["", "7", "-1", "x"])
def test_going_back_signs_nobody_in(browser: Client, chosen: str) -> None:
    answer = browser.get(be(browser, chosen, asked_by(browser)))
    assert answer.status_code == 401
    assert "You went back" in answer.content.decode()


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "response_type", "scope", "code_challenge_method"])
@pytest.mark.parametrize("value", ["", "other", "https://elsewhere.example/"])
def test_a_question_with_another_value_is_not_answered(browser: Client, name: str, value: str) -> None:
    check_not_answered(browser, name, value)


@pytest.mark.parametrize("name", ["state", "nonce", "code_challenge"])
def test_a_question_without_what_makes_it_safe_is_not_answered(browser: Client, name: str) -> None:
    check_not_answered(browser, name, "")


def check_not_answered(browser: Client, name: str, value: str) -> None:
    asked = asked_by(browser) | {name: value}
    for answer in (browser.get(f"/demo-identity/authorize/?{urlencode(asked)}"),
                   browser.post("/demo-identity/authorize/", asked | {"resident": "0"})):  # fmt: skip
        assert answer.status_code == 400


def exchange(browser: Client, given: str, **changed: str):
    form = {
        "grant_type": "authorization_code", "client_id": "cityloom", "client_secret": provider.client_secret(),
        "redirect_uri": "http://localhost/sign-in/with/demo-residents/back/", "code": given, "code_verifier": "v" * 43,
    }  # fmt: skip
    return browser.post("/demo-identity/token/", form | changed)


def code_for(verifier: str = "v" * 43) -> str:
    facts = {"national_id": PEOPLE[0][1], "nonce": "n", "challenge": provider.challenge_of(verifier)}
    return provider.keep("code", facts)


def test_a_code_is_changed_once(browser: Client) -> None:
    code = code_for()
    tokens = exchange(browser, code).json()
    keys = browser.get("/demo-identity/keys/").json()
    claims = jwt.decode(tokens["id_token"], jwt.PyJWKSet.from_dict(keys).keys[0], ["EdDSA"], audience="cityloom")
    assert claims["nonce"] == "n"
    assert "national_id" not in claims
    who = browser.get("/demo-identity/userinfo/", HTTP_AUTHORIZATION=f"Bearer {tokens['access_token']}").json()
    assert who == {"sub": claims["sub"], "national_id": PEOPLE[0][1]}
    assert exchange(browser, code).status_code == 400


@pytest.mark.parametrize("wrong", [
    {"client_secret": "x"}, {"client_id": "x"}, {"code": "x"}, {"code_verifier": "w" * 43}, {"code_verifier": ""},
    {"grant_type": "password"}, {"redirect_uri": "http://x/"},
])  # fmt: skip
def test_a_wrong_exchange_gives_nothing(browser: Client, wrong: dict[str, str]) -> None:
    answer = exchange(browser, code_for(), **wrong)
    assert answer.status_code in (400, 401)
    assert "token" not in answer.json().get("id_token", "")


def test_no_token_no_answer(browser: Client) -> None:
    assert browser.get("/demo-identity/userinfo/").status_code == 401
    assert browser.get("/demo-identity/userinfo/", HTTP_AUTHORIZATION="Bearer x").status_code == 401


PATHS = (".well-known/openid-configuration", "authorize/", "keys/", "token/", "userinfo/")


def there(client: Client, **where: str) -> set[int]:
    found = {getattr(client, "post" if path == "token/" else "get")(f"/demo-identity/{path}", **where).status_code
             for path in PATHS}  # fmt: skip
    return found | {client.get("/sign-in/with/demo-residents/", **where).status_code}


def test_it_exists_on_this_machine_only() -> None:
    assert there(Client(SERVER_NAME="localhost"), REMOTE_ADDR="10.0.0.9") == {404}
    assert there(Client(SERVER_NAME="testserver")) == {404}
    assert 404 not in there(Client(SERVER_NAME="localhost"))


def test_it_exists_in_a_synthetic_city_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from cityloom.registers import queries as registers

    monkeypatch.setattr(registers, "city", lambda: None)
    assert there(Client(SERVER_NAME="localhost")) == {404}


@pytest.mark.parametrize(("name", "value"), [("CITYLOOM_DEMO_RESIDENTS", ""), ("CITYLOOM_BEHIND_TLS", True)])
def test_it_needs_made_up_people_and_no_proxy(settings, name: str, value: object) -> None:
    setattr(settings, name, value)
    assert there(Client(SERVER_NAME="localhost")) == {404}


def test_its_name_for_someone_says_nothing() -> None:
    assert provider.subject_of(PEOPLE[0][1]) != provider.subject_of(PEOPLE[1][1])
    assert PEOPLE[0][1] not in provider.subject_of(PEOPLE[0][1])
    assert provider.offered(HttpRequest()) is None
