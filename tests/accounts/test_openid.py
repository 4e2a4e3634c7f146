"""Signing in by an outside provider: what it must prove, what its claims become, and what is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as configured
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils.module_loading import import_string

from cityloom.accounts import queries
from cityloom.accounts.contrib.allauth.openid import SocialAdapter
from cityloom.accounts.models import Account, SignedIn
from cityloom.kernel.refused import Refused
from tests.accounts.conftest import BROWSER, Hire
from tests.accounts.outside import ISSUER, Outside, arrive, way

pytestmark = pytest.mark.django_db
STAFF = {
    "id": "sso", "name": "City sign-on", "for": "staff", "issuer": ISSUER, "client_id": "city",
    "client_secret_env": "CITY_SSO_SECRET", "claims": {"unit": "department", "roles": "groups", "name": "name"},
    "units": {"water bureau": "city/water"}, "roles": {"duty": ["duty-officer"], "ops": ["operator", "auditor"]},
}  # fmt: skip
RESIDENTS = {
    "id": "people", "name": "National identity", "for": "residents", "issuer": ISSUER, "client_id": "city",
    "client_secret_env": "CITY_SSO_SECRET", "claims": {"identity": "national_id"},
}  # fmt: skip
NUMBER = "330106199001011234"
linked: list[tuple[str, str, str]] = []


def link(account_id: str, claim: str, provider: str, at: object) -> None:
    """What the gate does for the city, here for one number."""
    if claim != NUMBER:
        raise Refused("gate.no_subject", "Nobody in the register has that number.")
    linked.append((account_id, claim, provider))


@pytest.fixture
def configure(settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    monkeypatch.setenv("CITY_SSO_SECRET", "s3cret")
    settings.CITYLOOM = settings.CITYLOOM | {"HOME": tmp_path}
    settings.CITYLOOM_RESIDENT_LINKER = f"{__name__}.link"
    linked.clear()
    return lambda *providers: (tmp_path / "identity.yaml").write_text(yaml.safe_dump({"providers": list(providers)}))


@pytest.fixture
def outside(configure: Callable[..., None], units: None, monkeypatch: pytest.MonkeyPatch) -> Outside:
    configure(STAFF, RESIDENTS)
    made = Outside()
    made.claims = {"sub": "u-1", "department": "water bureau", "groups": ["duty"], "name": "Zhang San"}
    monkeypatch.setattr(SocialAdapter, "get_requests_session", lambda self: made.session())
    return made


@pytest.fixture
def browser() -> Client:
    return Client(HTTP_USER_AGENT=BROWSER)


def is_in(browser: Client) -> bool:
    return browser.get("/account/").status_code == 200


def test_the_claims_give_unit_and_roles(outside: Outside, browser: Client) -> None:
    answer = arrive(outside, browser, "sso", "?next=/health/")
    assert answer.url == "/health/"
    account = Account.objects.get()
    assert (account.kind, account.unit_id, account.roles) == ("staff", "city/water", ["duty-officer"])
    assert not account.has_usable_password()
    assert is_in(browser)


def test_the_second_time_it_is_the_same_account(outside: Outside, browser: Client) -> None:
    arrive(outside, browser, "sso")
    outside.claims["groups"] = ["ops"]
    other = Client(HTTP_USER_AGENT=BROWSER)
    arrive(outside, other, "sso")
    assert Account.objects.get().roles == ["auditor", "operator"]
    assert not is_in(browser), "other roles end the sessions of the old ones"
    assert is_in(other)


def test_the_request_is_protected_by_state_nonce_and_pkce(outside: Outside, browser: Client) -> None:
    asked, back = way(outside, browser, "sso")
    assert len(asked["state"]) >= 16
    assert len(asked["nonce"]) >= 32
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "openid"
    browser.get(back)
    assert len(outside.asked[0]["code_verifier"]) >= 43
    assert outside.asked[0]["client_secret"] == "s3cret"


def test_the_person_cannot_change_what_the_provider_is_asked(outside: Outside, browser: Client) -> None:
    query = "?process=connect&scope=admin&auth_params=redirect_uri%3Dhttps://elsewhere.example%26nonce%3Dx"
    asked, _ = way(outside, browser, "sso", query)
    assert asked["redirect_uri"].startswith("http://testserver/sign-in/with/sso/back/")
    assert asked["nonce"] != "x"
    assert asked["scope"] == "openid"


def test_a_wrong_state_is_refused(outside: Outside, browser: Client) -> None:
    way(outside, browser, "sso")
    assert browser.get("/sign-in/with/sso/back/?code=c&state=other").status_code == 401
    assert Account.objects.count() == 0


def test_a_state_of_another_browser_is_refused(outside: Outside, browser: Client) -> None:
    _, back = way(outside, browser, "sso")
    assert Client().get(back).status_code == 401
    assert Account.objects.count() == 0


def test_a_state_counts_once(outside: Outside, browser: Client) -> None:
    _, back = way(outside, browser, "sso")
    assert browser.get(back).status_code == 302
    browser.post("/sign-out/")
    assert browser.get(back).status_code == 401


def put(**changed: object) -> Callable[[Outside], None]:
    return lambda outside: setattr(outside, "lie", lambda claims: claims.update(changed))


def drop(name: str) -> Callable[[Outside], None]:
    return lambda outside: setattr(outside, "lie", lambda claims: claims.pop(name))


def unsigned(outside: Outside) -> None:
    outside.algorithm, outside.signing = "none", None


def signed_with_the_shared_secret(outside: Outside) -> None:
    outside.algorithm, outside.signing = "HS256", "s3cret" * 8


LIES = {
    "another nonce": put(nonce="other"), "no nonce": drop("nonce"), "another issuer": put(iss="https://other.example"),
    "no issuer": drop("iss"), "another audience": put(aud="other"), "another party": put(azp="other"),
    "expired": put(exp=int(time.time()) - 600), "no end": drop("exp"),
    "of the future": put(iat=int(time.time()) + 9999),
    "no subject": drop("sub"), "another key": Outside.sign_with_another_key, "unsigned": unsigned,
    "the shared secret": signed_with_the_shared_secret,
    "an unknown key": lambda outside: setattr(outside, "header", {"kid": "two"}),
    "another subject in userinfo": lambda outside: setattr(outside, "userinfo", {"sub": "u-2"}),
    "userinfo of nobody": lambda outside: setattr(outside, "userinfo", {"name": "x"}),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_cannot_be_verified_is_refused(
    outside: Outside, browser: Client, lie: str, caplog: pytest.LogCaptureFixture
) -> None:
    LIES[lie](outside)
    answer = arrive(outside, browser, "sso")
    assert answer.status_code == 401
    assert "cannot be verified" in answer.content.decode()
    assert Account.objects.count() == 0
    assert not is_in(browser)
    assert "Zhang San" not in caplog.text
    assert "u-1" not in caplog.text


def test_a_provider_that_calls_itself_otherwise_is_refused(outside: Outside, browser: Client) -> None:
    outside.issuer = "https://other.example"
    answer = browser.get("/sign-in/with/sso/")
    assert "try again later" in answer.content.decode()
    assert answer.status_code >= 400


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys", "/userinfo"])
def test_a_provider_that_is_down_says_so(outside: Outside, browser: Client, path: str) -> None:
    outside.fails.add(path)
    answer = browser.get("/sign-in/with/sso/") if "well-known" in path else arrive(outside, browser, "sso")
    assert 400 <= answer.status_code < 500
    assert not is_in(browser)


def test_going_back_at_the_provider_is_said(outside: Outside, browser: Client) -> None:
    _, back = way(outside, browser, "sso")
    answer = browser.get(back.replace("code=c", "error=access_denied"))
    assert "You went back" in answer.content.decode()


def test_there_is_no_provider_but_those_of_the_file(outside: Outside, browser: Client) -> None:
    assert browser.get("/sign-in/with/google/").status_code == 404
    assert browser.get("/sign-in/with/google/back/?code=c&state=s").status_code == 404


@pytest.mark.parametrize("claims", [
    {"department": "moon"}, {"groups": ["king"]}, {"groups": []}, {"groups": None}, {"department": None},
    {"department": {"a": 1}}, {"groups": {"duty": 1}},
])  # fmt: skip
def test_unknown_claims_give_no_role_and_say_so(outside: Outside, browser: Client, claims: dict) -> None:
    outside.claims |= claims
    answer = arrive(outside, browser, "sso")
    assert answer.status_code == 403
    assert "stands for no unit and role" in answer.content.decode()
    assert Account.objects.count() == 0


def test_an_unknown_role_beside_a_known_one_is_left_out_and_said(outside: Outside, browser: Client) -> None:
    outside.claims["groups"] = ["duty", "king"]
    arrive(outside, browser, "sso")
    assert Account.objects.get().roles == ["duty-officer"]
    assert "it was left out" in browser.get("/account/").content.decode()


def test_who_has_lost_all_roles_outside_has_none_here(outside: Outside, browser: Client) -> None:
    arrive(outside, browser, "sso")
    outside.claims["groups"] = ["nothing"]
    assert arrive(outside, Client(HTTP_USER_AGENT=BROWSER), "sso").status_code == 403
    assert Account.objects.get().roles == []
    assert not is_in(browser)


def test_an_outside_name_never_takes_a_local_account(outside: Outside, browser: Client, hire: Hire) -> None:
    local = hire("zhang")
    outside.claims |= {"preferred_username": "zhang", "email": "zhang@city.example", "email_verified": True}
    arrive(outside, browser, "sso")
    assert Account.objects.count() == 2
    assert not SocialAccount.objects.filter(user=local).exists()


def test_stepping_up_goes_by_the_provider_again(outside: Outside, browser: Client) -> None:
    arrive(outside, browser, "sso")
    page = browser.get("/step-up/?next=/account/").content.decode()
    assert "step-up=1" in page
    asked, back = way(outside, browser, "sso", "?next=/account/&step-up=1")
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    assert browser.get(back).url == "/account/"
    assert browser.session[queries.STEP_UP_KEY]["method"] == "provider"
    assert SignedIn.objects.count() == 1


@pytest.mark.parametrize("lie", [put(auth_time=int(time.time()) - 3600), drop("auth_time")])
def test_an_old_sign_in_at_the_provider_is_no_step_up(outside: Outside, browser: Client, lie: Callable) -> None:
    arrive(outside, browser, "sso")
    lie(outside)
    assert arrive(outside, browser, "sso", "?step-up=1").status_code == 401
    assert queries.STEP_UP_KEY not in browser.session


# --- residents


@pytest.fixture
def resident(outside: Outside, browser: Client) -> Client:
    outside.claims = {"sub": NUMBER}  # the worst case: the provider's name for someone is the number itself
    outside.userinfo = {"sub": NUMBER, "national_id": NUMBER, "name": "Li Si", "email": "li@home.example"}
    assert arrive(outside, browser, "people").url == "/"
    return browser


def test_a_resident_has_no_unit_no_role_and_no_name(resident: Client) -> None:
    account = Account.objects.get()
    assert (account.kind, account.unit_id, account.roles) == ("resident", None, [])
    assert (account.first_name, account.last_name, account.email) == ("", "", "")
    assert linked == [(account.id, NUMBER, "people")]


def test_the_number_is_kept_nowhere(resident: Client, caplog: pytest.LogCaptureFixture, capsys) -> None:
    call_command("dumpdata")
    database = capsys.readouterr().out
    assert Account.objects.get().id in database
    sessions = json.dumps([one.get_decoded() for one in Session.objects.all()])
    for place in (database, sessions, caplog.text, resident.get("/").content.decode(), str(resident.cookies)):
        for secret in (NUMBER, "Li Si", "li@home.example"):
            assert secret not in place


def test_a_resident_reaches_only_what_is_for_residents(resident: Client) -> None:
    assert "Who looked at my data" in resident.get("/").content.decode()
    assert resident.get("/account/").status_code == 200
    for path in ("/health/", "/operator/dead-letters/", "/contractors/", "/account/second-factor/", "/step-up/"):
        answer = resident.get(path)
        assert answer.status_code == 403
        assert "for people who work for the city" in answer.content.decode()
    assert resident.post("/sign-out/").url == "/sign-in/"


def test_each_sign_in_hands_the_claim_on_once(outside: Outside, resident: Client) -> None:
    arrive(outside, Client(HTTP_USER_AGENT=BROWSER), "people")
    assert len(linked) == 2
    assert linked[0] == linked[1]
    assert Account.objects.count() == 1


@pytest.mark.parametrize("claim", [None, "", "  ", 7, ["a"]])
def test_without_a_claim_there_is_no_account(outside: Outside, browser: Client, claim: object) -> None:
    outside.userinfo = {"sub": "u-1", "national_id": claim}
    answer = arrive(outside, browser, "people")
    assert answer.status_code == 403
    assert "does not say who you are" in answer.content.decode()
    assert Account.objects.count() == 0
    assert linked == []


def test_whom_the_keeper_does_not_know_gets_no_account(outside: Outside, browser: Client) -> None:
    outside.userinfo = {"sub": "u-1", "national_id": "999"}
    answer = arrive(outside, browser, "people")
    assert answer.status_code == 403
    assert "Nobody in the register" in answer.content.decode()
    assert Account.objects.count() == SocialAccount.objects.count() == 0
    assert not is_in(browser)


def test_without_a_linker_residents_cannot_sign_in(outside: Outside, browser: Client, settings) -> None:
    settings.CITYLOOM_RESIDENT_LINKER = ""
    outside.userinfo = {"sub": "u-1", "national_id": NUMBER}
    assert "does not let residents sign in yet" in arrive(outside, browser, "people").content.decode()


# --- the file


def test_the_file_says_what_is_wrong_with_it(configure: Callable[..., None], units: None) -> None:
    wrong = (
        STAFF | {"for": "pets"}, STAFF | {"issuer": "http://sso.example"}, STAFF | {"roles": {"duty": ["king"]}},
        STAFF | {"client_secret": "in the open"}, STAFF | {"claims": {}}, RESIDENTS | {"roles": {"a": ["operator"]}},
        RESIDENTS | {"claims": {"identity": "national_id", "name": "name"}}, {"id": "x"},
    )  # fmt: skip
    for entry in wrong:
        configure(entry)
        with pytest.raises(Refused, match=r"identity\.yaml") as refusal:
            queries.identity_providers()
        assert "in the open" not in refusal.value.sentence
    assert "cannot be used" in Client().get("/sign-in/").content.decode(), "and the password's form is there"
    configure(STAFF, STAFF)
    with pytest.raises(Refused, match="same id"):
        queries.identity_providers()


def test_without_a_file_there_is_no_provider(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"HOME": tmp_path}
    assert queries.identity_providers() == []
    (tmp_path / "identity.yaml").write_text("{not: [yaml")
    with pytest.raises(Refused, match="no YAML"):
        queries.identity_providers()


def test_the_secret_comes_from_a_file_or_from_the_environment(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, settings
) -> None:
    entry = {name: value for name, value in STAFF.items() if name != "client_secret_env"}
    configure(entry | {"client_secret_file": "sso.secret"})
    provider = queries.identity_providers()[0]
    with pytest.raises(Refused, match="cannot be read"):
        queries.client_secret(provider)
    (Path(settings.CITYLOOM["HOME"]) / "sso.secret").write_text("from a file\n")
    assert queries.client_secret(provider) == "from a file"
    monkeypatch.delenv("CITY_SSO_SECRET")
    configure(STAFF)
    with pytest.raises(Refused, match="cannot be read"):
        queries.client_secret(queries.identity_providers()[0])


def test_what_the_installation_names_exists() -> None:
    assert callable(import_string(configured.CITYLOOM_RESIDENT_LINKER))
    assert callable(import_string(configured.CITYLOOM_DEMO_RESIDENTS))
