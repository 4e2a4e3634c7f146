"""What stands around every page: where one can go, in which language and colours."""

from __future__ import annotations

import pytest
from django.test import Client
from lxml import html

from cityloom.accounts.models import ROLES
from cityloom.ui import registry
from cityloom.ui.navigation import for_staff

pytestmark = pytest.mark.django_db




def shown(client: Client, path: str = "/sign-in/") -> html.HtmlElement:
    return html.fromstring(client.get(path).content.decode())


def test_the_chosen_colours_are_kept_and_drawn_by_the_server() -> None:
    client = Client()
    assert "data-theme" not in shown(client).attrib
    answer = client.post("/theme/", {"theme": "dark", "next": "/sign-in/?next=/"})
    assert answer.url == "/sign-in/?next=/"
    assert shown(client).get("data-theme") == "dark"
    assert shown(client).xpath("//button[@name='theme'][@aria-pressed='true']/@value") == ["dark"]
    client.post("/theme/", {"theme": "system"})
    assert "data-theme" not in shown(client).attrib


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""])
def test_choosing_colours_leads_nowhere_else(back: str) -> None:
    assert Client().post("/theme/", {"theme": "light", "next": back}).url == "/"


def test_unknown_colours_are_the_devices() -> None:
    client = Client()
    client.post("/theme/", {"theme": "<script>", "next": "/"})
    client.cookies["cityloom_theme"] = '"><script>'
    assert "data-theme" not in shown(client).attrib


@pytest.mark.parametrize("role", ROLES)
def test_each_role_finds_every_page_either_open_or_with_the_reason_why_not(role: str, rf, django_user_model) -> None:
    request = rf.get("/")
    request.user = django_user_model(roles=[role])
    navigation = for_staff(request)
    opened = [entry for section in navigation.sections for entry in section.entries]
    declared = [page for page in registry.pages() if not page.is_public]
    assert len(opened) + len(navigation.closed) == len(declared)
    assert all(entry.url for entry in opened)
    assert all(entry.why_not for entry in navigation.closed)


def test_the_page_where_one_is_is_marked_and_so_is_the_one_above_it(rf, django_user_model) -> None:
    for path, marked in (("/gate/", ("gate", "page")), ("/gate/grants/1/", ("gate", "true")),
                         ("/gate/statuses/", ("statuses", "page")), ("/", ("front", "page"))):  # fmt: skip
        request = rf.get(path)
        request.user = django_user_model(roles=["case-handler"])
        found = [(entry.url, entry.here) for section in for_staff(request).sections for entry in section.entries]
        wanted = {"gate": "/gate/", "statuses": "/gate/statuses/", "front": "/"}[marked[0]]
        assert [(url, here) for url, here in found if here] == [(wanted, marked[1])]
