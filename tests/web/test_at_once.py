"""What the web process answers before anything else is asked: the same as the whole of Django would have said."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory
from lxml import html

from cityloom.ui import strangers
from cityloom.web import map as maps
from tests.web.conftest import City
from tests.web.test_pages import SignIn

pytestmark = pytest.mark.django_db
PATH = "/report/"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    strangers.forget()
    yield
    cache.clear()
    strangers.forget()


def asked(path: str = PATH, cookies: dict[str, str] | None = None, **headers: str) -> HttpResponse | None:
    request = RequestFactory(headers=headers).get(path)
    request.COOKIES |= cookies or {}
    return strangers.at_once(request)


def values(answer: HttpResponse | None, name: str) -> set[str]:
    assert answer is not None
    return set(html.fromstring(answer.content).xpath(f"//input[@name='{name}']/@value"))


def test_a_page_is_known_once_it_was_made_with_the_same_headers_and_words(city: City) -> None:
    assert asked() is None
    made, kept = Client().get(PATH), asked()
    assert kept is not None
    assert kept.status_code == 200
    assert {name for name, _ in kept.items()} == {name for name, _ in made.items()}
    assert "default-src 'self'" in kept.headers["Content-Security-Policy"]
    assert html.fromstring(kept.content).text_content() == html.fromstring(made.content).text_content()


def test_each_reader_gets_a_proof_that_counts_with_their_own_cookie_alone(city: City) -> None:
    Client().get(PATH)
    first, second = asked(), asked()
    for name in ("csrfmiddlewaretoken", "once"):
        assert values(first, name)
        assert not values(first, name) & values(second, name)
    assert first is not None
    assert second is not None
    (token, *_) = values(first, "csrfmiddlewaretoken")
    for answer, status in ((first, 302), (second, 403)):
        client = Client(enforce_csrf_checks=True)
        client.cookies = SimpleCookie(answer.cookies.output(header="", sep=";"))
        sent = {"language": "zh-hans", "next": PATH, "csrfmiddlewaretoken": token}
        assert client.post("/language/", sent).status_code == status


def test_a_reader_who_has_a_cookie_keeps_it(city: City) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get(PATH)
    name = settings.CSRF_COOKIE_NAME
    answer = asked(cookies={name: client.cookies[name].value})
    assert answer is not None
    assert answer.cookies[name].value == client.cookies[name].value
    (token, *_) = values(answer, "csrfmiddlewaretoken")
    assert client.post("/language/", {"language": "en", "csrfmiddlewaretoken": token}).status_code == 302


def test_languages_and_colours_are_kept_apart(city: City) -> None:
    Client(HTTP_ACCEPT_LANGUAGE="zh-CN").get(PATH)
    assert asked(**{"Accept-Language": "en"}) is None
    assert asked(cookies={"cityloom_theme": "dark"}, **{"Accept-Language": "zh-CN"}) is None
    chinese = asked(cookies={settings.LANGUAGE_COOKIE_NAME: "zh-hans"}, **{"Accept-Language": "en"})
    assert chinese is not None
    assert chinese.headers["Content-Language"] == "zh-hans"


def test_whoever_may_be_signed_in_or_asks_something_is_for_the_whole_of_django(city: City, signed_in: SignIn) -> None:
    signed_in("duty").get(PATH)
    assert asked() is None  # what they saw is not kept
    Client().get(PATH)
    assert asked(cookies={settings.SESSION_COOKIE_NAME: "x"}) is None
    assert asked(f"{PATH}?kind=x") is None


def test_a_page_is_given_out_for_its_time_and_then_made_anew_by_one_reader(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    Client().get(PATH)
    now = strangers.clock.stopwatch()
    monkeypatch.setattr(strangers.clock, "stopwatch", lambda: now + 59)
    assert asked() is not None
    monkeypatch.setattr(strangers.clock, "stopwatch", lambda: now + 61)
    assert asked() is None
    assert asked() is not None
    monkeypatch.setattr(strangers.clock, "stopwatch", lambda: now + 63)
    assert asked() is None


def test_a_tile_for_everybody_is_given_out_once_it_was_drawn(city: City) -> None:
    pattern = Client().get("/map/layers.json").json()["sources"]["ground"]["tiles"][0]
    west, south, east, north = Client().get("/map/layers.json").json()["bounds"]
    tile = maps.Tile.holding((west + east) / 2, (south + north) / 2, 14)
    address = pattern.format(z=14, x=tile.x, y=tile.y)
    request = RequestFactory(headers={"Accept-Encoding": "gzip"}).get(address)
    assert maps.kept_tile(request) is None
    made, kept = Client(headers={"Accept-Encoding": "gzip"}).get(address), maps.kept_tile(request)
    assert kept is not None
    assert (kept.status_code, kept.content) == (made.status_code, made.content)
    for name in ("ETag", "Cache-Control", "Content-Type", "Content-Encoding"):
        assert kept.headers.get(name) == made.headers.get(name)
    again = maps.kept_tile(RequestFactory(headers={"If-None-Match": kept.headers["ETag"]}).get(address))
    assert again is not None
    assert again.status_code == 304
    assert maps.kept_tile(RequestFactory().get(address.replace("/ground/", "/works/"))) is None
