"""Residents reach nothing of those who work for the city, and those nothing of the residents', at any address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from cityloom.accounts import actions as accounts
from cityloom.accounts.contrib.allauth import adapters
from cityloom.accounts.models import Account
from cityloom.accounts.queries import DEVICE_COOKIE
from cityloom.kernel import clock
from tests.web.conftest import City

pytestmark = pytest.mark.django_db
VALUES = {"int": "1", "slug": "x", "str": "x", "path": "x"}
FOR_RESIDENTS = {
    "me", "me-bundle", "me-contest", "me-seen", "my-corrections", "ask-correction", "withdraw-correction",
}  # fmt: skip
FOR_EVERYONE = {"mine", "end-session", "sign-out", "account_logout"}


def addresses(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Callable[..., object], str]]:
    """Every address of the city with its view and its name."""
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            path = re.sub(r"<(\w+):\w+>", lambda found: VALUES[found[1]], route)
            yield f"/{path}", pattern.callback, pattern.name or ""


ALL = list(addresses(get_resolver().url_patterns))
BEHIND_SIGN_IN = [one for one in ALL if getattr(one[1], "login_required", True)]


def statuses(client: Client, path: str) -> set[int]:
    return {client.get(path).status_code, client.post(path, {}).status_code}


@pytest.fixture
def resident(city: City) -> Client:
    def link(*_: object) -> None:
        """Nobody is looked up."""

    made = accounts.resident_from_outside(provider="p", subject="s", claim="c", link=link, at=clock.now())
    client, request = Client(), HttpRequest()
    request.session = client.session
    adapters.begin(request, Account.objects.get(id=made))
    request.session.save()
    client.cookies["sessionid"], client.cookies[DEVICE_COOKIE] = request.session.session_key, request.new_device
    return client


def test_what_is_for_residents_is_named_here() -> None:
    marked = {
        mark: {name for _, view, name in BEHIND_SIGN_IN if hasattr(view, mark)}
        for mark in ("for_residents", "for_everyone")
    }
    assert marked == {"for_residents": FOR_RESIDENTS, "for_everyone": FOR_EVERYONE}
    assert len(BEHIND_SIGN_IN) > 30


def test_a_resident_reaches_no_page_of_those_who_work_here(resident: Client) -> None:
    closed = [path for path, _, name in BEHIND_SIGN_IN if name not in FOR_RESIDENTS | FOR_EVERYONE]
    assert {path: statuses(resident, path) for path in closed} == {path: {403} for path in closed}
    assert resident.get("/account/").status_code == 200


def test_nobody_who_works_here_reaches_a_residents_page(city: City, signed_in: Callable[[str], Client]) -> None:
    theirs = [path for path, _, name in BEHIND_SIGN_IN if name in FOR_RESIDENTS]
    for username in [name for name in city.people if not name.startswith("worker-")] + ["worker-0001"]:
        client = signed_in(username)
        assert {path: statuses(client, path) for path in theirs} == {path: {403} for path in theirs}, username


def test_who_is_not_signed_in_reaches_none_of_them() -> None:
    for path, _, _ in BEHIND_SIGN_IN:
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/sign-in/"), path
