"""Codes, passkeys, recovery codes, and the step-up that bulk openings and changes of purposes want."""

from __future__ import annotations

import json
from datetime import timedelta
from html import unescape

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.cache import cache
from django.test import Client, RequestFactory
from lxml import html

from cityloom.accounts import policies, queries
from cityloom.accounts.models import Account
from cityloom.kernel import clock
from tests.accounts.authenticator import PRESENT, Passkey
from tests.accounts.conftest import BROWSER, PASSWORD, Hire, SignIn, Watch

pytestmark = pytest.mark.django_db
HERE = {"SERVER_NAME": "localhost"}


def code_for(secret: str) -> str:
    cache.clear()  # a code counts once; tests are quicker than thirty seconds
    return totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))


@pytest.fixture(autouse=True)
def still_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes do not change between their making and their use."""
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([58_000_000]))


def options(page) -> dict:
    return json.loads(html.fromstring(page.content).get_element_by_id("js_data").text)


def step_up(browser: Client) -> None:
    answer = browser.post("/step-up/password/", {"password": PASSWORD, "next": "/account/"})
    assert answer.status_code == 302, answer.content.decode()


def request_of(browser: Client, account: Account):
    request = RequestFactory().get("/")
    request.session, request.user = browser.session, account
    return request


@pytest.fixture
def browser(hire: Hire) -> Client:
    hire("zhang")
    client = Client(HTTP_USER_AGENT=BROWSER, **HERE)
    client.post("/sign-in/", {"login": "zhang", "password": PASSWORD})
    step_up(client)
    return client


@pytest.fixture
def secret(browser: Client) -> str:
    page = html.fromstring(browser.get("/account/second-factor/app/").content)
    found = page.xpath("string(//form[@class='card']//code)")
    answer = browser.post("/account/second-factor/app/", {"code": code_for(found)})
    assert answer.status_code == 302
    assert answer.url == "/account/second-factor/codes/"
    return found


@pytest.fixture
def passkey(browser: Client) -> Passkey:
    made = Passkey()
    asked = options(browser.get("/account/second-factor/passkeys/add/"))["creation_options"]
    form = {"name": "mine", "passwordless": "on", "credential": made.create(asked)}
    answer = browser.post("/account/second-factor/passkeys/add/", form)
    assert answer.status_code == 302, answer.content.decode()
    return made


def fresh() -> Client:
    return Client(HTTP_USER_AGENT=BROWSER, **HERE)


def with_password(browser: Client):
    return browser.post("/sign-in/", {"login": "zhang", "password": PASSWORD})


def with_passkey(browser: Client, passkey: Passkey, **changed):
    asked = json.loads(browser.get("/sign-in/passkey/", HTTP_ACCEPT="application/json").content)["request_options"]
    return browser.post("/sign-in/passkey/", {"credential": passkey.get(asked, **changed)})


def is_in(browser: Client) -> bool:
    return browser.get("/health/").status_code == 200


def test_after_the_password_comes_the_code(secret: str) -> None:
    browser = fresh()
    assert with_password(browser).url == "/sign-in/code/"
    assert not is_in(browser)
    assert "incorrect" in browser.post("/sign-in/code/", {"code": "000000"}).content.decode().lower()
    assert not is_in(browser)
    assert browser.post("/sign-in/code/", {"code": code_for(secret)}).status_code == 302
    assert is_in(browser)


def test_a_code_counts_once(secret: str) -> None:
    one, two = fresh(), fresh()
    code = code_for(secret)
    for browser in (one, two):
        with_password(browser)
        browser.post("/sign-in/code/", {"code": code})
    assert is_in(one)
    assert not is_in(two)


def test_guessing_codes_comes_to_an_end(secret: str) -> None:
    browser = fresh()
    with_password(browser)
    for _ in range(6):
        page = browser.post("/sign-in/code/", {"code": "000000"})
    assert "too many" in page.content.decode().lower()


def test_the_seed_is_sealed_in_the_database(secret: str) -> None:
    kept = Authenticator.objects.get(type="totp").data
    assert secret not in json.dumps(kept)
    codes = Authenticator.objects.get(type="recovery_codes")
    assert not any(code in json.dumps(codes.data) for code in codes.wrap().generate_codes())


def test_a_recovery_code_works_once(browser: Client, secret: str) -> None:
    page = html.fromstring(browser.get("/account/second-factor/codes/").content)
    code = page.xpath("//section[@class='card']//code")[0].text
    for expected in (True, False):
        other = fresh()
        with_password(other)
        other.post("/sign-in/code/", {"code": code})
        assert is_in(other) is expected


def test_a_passkey_signs_in_alone(passkey: Passkey) -> None:
    browser = fresh()
    answer = with_passkey(browser, passkey)
    assert answer.url == "/"
    assert is_in(browser)


def test_a_passkey_is_a_second_factor(passkey: Passkey) -> None:
    browser = fresh()
    assert with_password(browser).url == "/sign-in/code/"
    asked = options(browser.get("/sign-in/code/"))["request_options"]
    assert browser.post("/sign-in/code/", {"credential": passkey.get(asked)}).status_code == 302
    assert is_in(browser)


def test_a_passkey_of_another_place_does_not_count(passkey: Passkey) -> None:
    passkey.origin = "https://elsewhere.example"
    browser = fresh()
    with_passkey(browser, passkey)
    assert not is_in(browser)


def test_a_passkey_that_knows_nobody_does_not_sign_in_alone(passkey: Passkey) -> None:
    browser = fresh()
    with_passkey(browser, passkey, flags=PRESENT)
    assert not is_in(browser)


def test_a_recorded_answer_cannot_be_played_again(passkey: Passkey) -> None:
    browser = fresh()
    asked = json.loads(browser.get("/sign-in/passkey/", HTTP_ACCEPT="application/json").content)["request_options"]
    recorded = passkey.get(asked)
    assert browser.post("/sign-in/passkey/", {"credential": recorded}).url == "/"
    browser.post("/sign-out/")
    browser.post("/sign-in/passkey/", {"credential": recorded})
    assert not is_in(browser)


def test_a_stranger_key_does_not_count(passkey: Passkey) -> None:
    stranger = Passkey()
    stranger.id, stranger.user = passkey.id, passkey.user
    browser = fresh()
    with_passkey(browser, stranger)
    assert not is_in(browser)


@pytest.mark.parametrize(
    "credential", ["", "{}", '{"rawId": "AA", "id": "AA", "response": {}}', "[]", "null", '{"id": 1}', "x" * 100_000]
)
def test_nonsense_in_place_of_a_passkey_is_refused(passkey: Passkey, credential: str) -> None:
    browser = fresh()
    browser.get("/sign-in/passkey/", HTTP_ACCEPT="application/json")
    assert browser.post("/sign-in/passkey/", {"credential": credential}).status_code in (302, 400)
    with_password(browser)
    assert browser.post("/sign-in/code/", {"credential": credential}).status_code == 200
    assert not is_in(browser)


@pytest.mark.parametrize("credential", ["", "{}", "[]", '{"rawId": "AA", "id": "AA", "response": {}}'])
def test_nonsense_is_not_registered(browser: Client, credential: str) -> None:
    browser.get("/account/second-factor/passkeys/add/")
    assert browser.post("/account/second-factor/passkeys/add/", {"credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()


def test_a_passkey_names_the_configured_host(browser: Client, settings) -> None:
    settings.CITYLOOM_PASSKEY_HOST = "city.example"
    asked = options(browser.get("/account/second-factor/passkeys/add/"))["creation_options"]
    assert asked["publicKey"]["rp"]["id"] == "city.example"


def test_pages_obey_the_content_security_policy(browser: Client, secret: str, passkey: Passkey) -> None:
    folder = "/account/second-factor/"
    key = Authenticator.objects.get(type="webauthn").pk
    paths = ["", "app/remove/", "codes/", "codes/new/", "passkeys/", "passkeys/add/", f"passkeys/{key}/name/",
             f"passkeys/{key}/remove/"]  # fmt: skip
    pages = [browser.get(f"{folder}{path}") for path in paths]
    pages += [browser.get("/step-up/"), browser.get("/step-up/code/"), browser.get("/step-up/passkey/")]
    for page in pages:
        assert page.status_code == 200, page.request["PATH_INFO"]
        tree = html.fromstring(page.content)
        assert tree.xpath("//h1")
        assert not tree.xpath("//script[not(@src) and not(@type='application/json')]")
        assert not tree.xpath("//@style | //@onclick | //@onsubmit")


def test_codes_can_be_kept_as_a_file(browser: Client, secret: str) -> None:
    answer = browser.get("/account/second-factor/codes/file/")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert len(answer.content.split()) >= 10


# --- step-up


def test_signing_in_is_not_a_step_up(hire: Hire, sign_in: SignIn) -> None:
    account = hire("zhang")
    browser = sign_in()
    assert queries.last_step_up(request_of(browser, account)) is None
    with pytest.raises(queries.StepUpNeeded):
        queries.require_step_up(request_of(browser, account))


def test_a_step_up_says_when_and_how_and_lasts_five_minutes(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    account = hire("zhang")
    browser = sign_in()
    began = clock.now()
    step_up(browser)
    found = queries.require_step_up(request_of(browser, account))
    assert found.method == "password"
    assert abs(found.at - began) < timedelta(seconds=1)
    watch.wait(minutes=4.9)
    queries.require_step_up(request_of(browser, account))
    watch.wait(minutes=0.2)
    with pytest.raises(queries.StepUpNeeded):
        queries.require_step_up(request_of(browser, account))


def test_a_step_up_of_the_future_does_not_count() -> None:
    later = queries.StepUp(clock.now() + timedelta(minutes=1), "passkey")
    with pytest.raises(queries.StepUpNeeded):
        policies.check_stepped_up(later, has_second_factor=True, at=clock.now())


def test_with_a_second_factor_the_password_is_not_enough(browser: Client, secret: str) -> None:
    account = Account.objects.get(username="zhang")
    with pytest.raises(queries.StepUpNeeded, match="second factor"):
        queries.require_step_up(request_of(browser, account))
    answer = browser.post("/step-up/password/", {"password": PASSWORD})
    assert answer.url.startswith("/step-up/"), "the password's page is closed to who has more"
    assert browser.get("/step-up/?next=/account/").url == "/step-up/code/?next=%2Faccount%2F"
    assert browser.post("/step-up/code/", {"code": code_for(secret), "next": "/account/"}).url == "/account/"
    assert queries.require_step_up(request_of(browser, account)).method == "totp"


def test_a_passkey_steps_up(browser: Client, passkey: Passkey) -> None:
    asked = options(browser.get("/step-up/passkey/"))["request_options"]
    answer = browser.post("/step-up/passkey/", {"credential": passkey.get(asked), "next": "/account/"})
    assert answer.url == "/account/"
    account = Account.objects.get(username="zhang")
    assert queries.require_step_up(request_of(browser, account)).method == "passkey"


def test_a_second_factor_is_not_added_without_a_step_up(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    browser = sign_in()
    answer = browser.get("/account/second-factor/app/")
    assert answer.status_code == 302
    assert unescape(answer.url).startswith("/step-up/?next=/account/second-factor/app/") or "step-up" in answer.url
    assert browser.post("/account/second-factor/passkeys/add/", {"credential": "{}"}).url.startswith("/step-up/")


def test_a_new_sign_in_forgets_the_step_up(hire: Hire, sign_in: SignIn) -> None:
    account = hire("zhang")
    browser = sign_in()
    step_up(browser)
    browser.post("/sign-out/")
    sign_in(browser=browser)
    assert queries.last_step_up(request_of(browser, account)) is None


def test_stepping_up_never_leads_elsewhere(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    browser = sign_in()
    assert "elsewhere" not in browser.get("/step-up/?next=https://elsewhere.example/").url
    answer = browser.post("/step-up/password/", {"password": PASSWORD, "next": "https://elsewhere.example/"})
    assert answer.url == "/"


def test_guessing_at_the_step_up_comes_to_an_end(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    browser = sign_in()
    answers = [browser.post("/step-up/password/", {"password": "wrong words"}).status_code for _ in range(12)]
    assert answers[-1] == 429
