"""Sessions: as long as they are used, until they are over, at the device where they began."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cityloom.accounts import actions, queries
from cityloom.accounts.models import SignedIn
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from tests.accounts.conftest import BROWSER, Hire, SignIn, Watch

pytestmark = pytest.mark.django_db
SESSION = settings.SESSION_COOKIE_NAME


def is_in(browser: Client, **headers: str) -> bool:
    return browser.get("/health/", **headers).status_code == 200


def test_a_stolen_session_cookie_opens_nothing(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    owner = sign_in()
    thief = Client(HTTP_USER_AGENT=BROWSER)
    thief.cookies[SESSION] = owner.cookies[SESSION].value
    answer = thief.get("/health/")
    assert answer.status_code == 302
    assert "why=elsewhere" in answer.url
    assert is_in(owner), "the owner goes on"


def test_both_cookies_in_another_browser_open_nothing(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    owner = sign_in()
    thief = Client(HTTP_USER_AGENT="curl/8")
    for name in (SESSION, queries.DEVICE_COOKIE):
        thief.cookies[name] = owner.cookies[name].value
    assert not is_in(thief)


def test_a_device_cookie_of_another_session_does_not_help(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    hire("li")
    owner, other = sign_in("zhang"), sign_in("li")
    other.cookies[SESSION] = owner.cookies[SESSION].value
    assert not is_in(other)


def test_the_cookies_are_kept_from_scripts_and_other_sites(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    cookies = sign_in().cookies
    assert cookies[SESSION]["httponly"]
    assert cookies[queries.DEVICE_COOKIE]["httponly"]
    assert cookies[queries.DEVICE_COOKIE]["samesite"] == "Strict"
    assert cookies[queries.DEVICE_COOKIE]["path"] == "/"
    assert not cookies[queries.DEVICE_COOKIE]["secure"]
    over_tls = Client(HTTP_USER_AGENT=BROWSER)
    over_tls.post("/sign-in/", {"login": "zhang", "password": "plenty of long words"}, secure=True)
    assert over_tls.cookies[queries.DEVICE_COOKIE]["secure"]


def test_a_link_from_another_site_arrives_at_the_second_try(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    browser = sign_in()
    strict = browser.cookies.pop(queries.DEVICE_COOKIE)  # as a browser does with SameSite=Strict
    page = browser.get("/health/?a=1&b=2", HTTP_SEC_FETCH_SITE="cross-site")
    assert page.status_code == 200
    assert 'content="0; url=/health/?a=1&amp;b=2"' in page.content.decode()
    assert "database" not in page.content.decode().lower()
    browser.cookies[queries.DEVICE_COOKIE] = strict.value
    assert is_in(browser, HTTP_SEC_FETCH_SITE="same-origin")


def test_a_form_from_another_site_is_nobodys(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    browser = sign_in()
    browser.cookies.pop(queries.DEVICE_COOKIE)
    answer = browser.post("/account/sessions/end/", {"session": "x"}, HTTP_SEC_FETCH_SITE="cross-site")
    assert answer.url.startswith("/sign-in/")


def test_a_session_that_is_not_used_ends(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang", "social-worker")
    browser = sign_in()
    for _ in range(3):
        watch.wait(minutes=29)
        assert is_in(browser)
    watch.wait(minutes=32)
    answer = browser.get("/health/")
    assert "why=idle" in answer.url
    assert "nothing was done for a while" in browser.get(answer.url).content.decode()


def test_roles_that_open_nobody_need_not_hurry(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang", "department-water")
    browser = sign_in()
    watch.wait(hours=8)
    assert is_in(browser)


def test_no_session_is_longer_than_twelve_hours(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang", "social-worker")
    browser = sign_in()
    for _ in range(35):
        watch.wait(minutes=20)
        assert is_in(browser)
    watch.wait(minutes=20)
    assert "why=over" in browser.get("/health/").url


def test_a_clock_that_runs_backwards_ends_sessions(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang")
    browser = sign_in()
    SignedIn.objects.update(began_at=clock.now().replace(year=2999))
    assert not is_in(browser)


def test_a_request_writes_nothing_as_a_rule(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang", "social-worker")
    browser = sign_in()

    def writes() -> list[str]:
        with CaptureQueriesContext(connection) as caught:
            assert is_in(browser)
        found = [query["sql"] for query in caught.captured_queries]
        return [sql for sql in found if sql.startswith(("UPDATE", "INSERT", "DELETE"))]

    assert [writes() for _ in range(5)] == [[]] * 5
    watch.wait(minutes=2)
    assert len(writes()) == 1
    assert writes() == []


@pytest.mark.parametrize("change", ["roles", "disable", "suspend", "factor"])
def test_what_changes_an_account_ends_its_sessions_at_once(hire: Hire, sign_in: SignIn, change: str) -> None:
    account = hire("zhang")
    browsers = sign_in(), sign_in()
    told = {"account": account.id, "by": SYSTEM, "at": clock.now()}
    {
        "roles": lambda: actions.set_roles(roles=["auditor"], **told),
        "disable": lambda: actions.disable(**told),
        "suspend": lambda: actions.suspend(reason_code="review-overdue", **told),
        "factor": lambda: actions.reset_second_factor(**told),
    }[change]()
    assert not any(is_in(browser) for browser in browsers)


def test_the_same_roles_again_end_nothing(hire: Hire, sign_in: SignIn) -> None:
    account = hire("zhang", "auditor", "operator")
    browser = sign_in()
    actions.set_roles(account=account.id, roles=["operator", "auditor"], by=SYSTEM, at=clock.now())
    assert is_in(browser)


def test_one_sees_ones_own_sessions_and_ends_one(hire: Hire, sign_in: SignIn) -> None:
    account = hire("zhang")
    here, there = sign_in(), sign_in()
    page = here.get("/account/").content.decode()
    assert page.count("Firefox, Linux") == 2
    assert page.count("this one") == 1
    other = next(one.id for one in queries.sessions_of(account.id) if one.id != here.session[queries.SESSION_KEY])
    here.post("/account/sessions/end/", {"session": other})
    assert is_in(here)
    assert not is_in(there)


def test_nobody_ends_the_sessions_of_others(hire: Hire, sign_in: SignIn) -> None:
    account = hire("zhang")
    hire("li")
    browser = sign_in("zhang")
    theirs = queries.sessions_of(account.id)[0].id
    sign_in("li").post("/account/sessions/end/", {"session": theirs})
    assert is_in(browser)
    actions.end_session(session=theirs, by=Actor("someone"), at=clock.now())
    assert is_in(browser)


def test_a_session_that_django_made_without_us_does_not_count(hire: Hire) -> None:
    browser = Client(HTTP_USER_AGENT=BROWSER)
    browser.force_login(hire("zhang"))
    assert not is_in(browser)


def test_a_changed_password_keeps_this_session_and_ends_no_binding(hire: Hire, sign_in: SignIn) -> None:
    hire("zhang")
    here, there = sign_in(), sign_in()
    new = "other words, longer"
    form = {"oldpassword": "plenty of long words", "password1": new, "password2": new}
    assert here.post("/account/password/", form).status_code == 302
    assert is_in(here)
    assert not is_in(there), "Django's own rule: another password, another session"


def test_the_worker_forgets_what_is_over(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang")
    sign_in()
    actions.end_what_is_over(at=clock.now())
    assert SignedIn.objects.count() == 1
    watch.wait(hours=13)
    actions.end_what_is_over(at=clock.now())
    assert not SignedIn.objects.exists()


def test_the_live_process_goes_by_the_same_rules(hire: Hire, sign_in: SignIn, watch: Watch) -> None:
    hire("zhang", "social-worker")
    browser = sign_in()
    session, device = browser.cookies[SESSION].value, browser.cookies[queries.DEVICE_COOKIE].value

    def is_admitted(session: str, device: str, agent: str) -> bool:
        (actor,) = queries.workers_behind([queries.Visitor(session, device, agent)], clock.now())
        return actor is not None and actor.has("social-worker")

    assert is_admitted(session, device, BROWSER)
    assert not is_admitted(session, device, "curl/8")
    assert not is_admitted(session, "", BROWSER)
    assert not is_admitted("", "", "")
    watch.wait(minutes=32)
    assert not is_admitted(session, device, BROWSER)
