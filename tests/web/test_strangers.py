"""Pages that strangers share: the same words, a form's proof of one's own, nothing of anybody who is signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from tests.web.conftest import City
from tests.web.test_pages import SignIn, read, text

pytestmark = pytest.mark.django_db
SHARED = ("/portal/", "/services/", "/how/", "/offline/", "/figures/", "/sensors/", "/report/")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def words_of(client: Client, name: str, path: str = "/report/") -> set[str]:
    return set(read(client.get(path)).xpath(f"//input[@name='{name}']/@value"))


def test_each_reader_has_a_proof_and_a_word_of_their_own(city: City) -> None:
    one, other = Client(), Client()
    for name in ("csrfmiddlewaretoken", "once"):
        first, second = words_of(one, name), words_of(other, name)
        assert first
        assert not first & second


@pytest.mark.parametrize("path", SHARED)
def test_a_form_of_a_shared_page_is_taken(city: City, path: str) -> None:
    Client().get(path)  # made for somebody else
    client = Client(enforce_csrf_checks=True)
    (token, *_) = words_of(client, "csrfmiddlewaretoken", path)
    answer = client.post("/language/", {"language": "zh-hans", "next": path, "csrfmiddlewaretoken": token})
    assert answer.status_code == 302


@pytest.mark.parametrize("path", SHARED)
def test_whoever_is_signed_in_sees_their_own_page_and_leaves_none(city: City, signed_in: SignIn, path: str) -> None:
    before = text(Client().get(path))
    duty = signed_in("duty")
    assert "Sign out" in text(duty.get(path))
    assert "Sign out" not in text(Client().get(path))
    assert "Sign out" not in before


def test_languages_and_colours_are_kept_apart(city: City) -> None:
    assert "您需要什么" in text(Client(HTTP_ACCEPT_LANGUAGE="zh-CN").get("/portal/"))
    assert "What do you need?" in text(Client(HTTP_ACCEPT_LANGUAGE="en").get("/portal/"))
    dark = Client()
    dark.cookies["cityloom_theme"] = "dark"
    assert read(dark.get("/portal/")).get("data-theme") == "dark"
    assert read(Client().get("/portal/")).get("data-theme") is None
