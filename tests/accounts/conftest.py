"""A city administration with some people in it, and browsers in which they sign in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.test import Client

from cityloom.accounts import actions
from cityloom.accounts.models import Account
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM

PASSWORD = "plenty of long words"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

Hire = Callable[..., Account]
SignIn = Callable[..., Client]


@dataclass
class Watch:
    """A clock that tests put forward."""

    clock: clock.DrillClock

    def wait(self, *, minutes: float = 0, hours: float = 0) -> None:
        self.clock.advance(minutes * 60 + hours * 3600)


@pytest.fixture(autouse=True)
def fresh_counters() -> None:
    """Attempts of one test do not count in the next."""
    cache.clear()


@pytest.fixture
def watch():
    with clock.use(clock.DrillClock(clock.now())) as used:
        yield Watch(used)


@pytest.fixture
def units(db: None) -> None:
    actions.create_units(communities=[], by=SYSTEM, at=clock.now())


@pytest.fixture
def hire(units: None) -> Hire:
    def hired(username: str = "zhang", *roles: str, unit: str = "city/water") -> Account:
        made = actions.add_account(
            username=username, name="", unit=unit, roles=roles or ("operator",), password=PASSWORD, by=SYSTEM,
            at=clock.now(),
        )  # fmt: skip
        return Account.objects.get(id=made)

    return hired


@pytest.fixture
def sign_in(db: None) -> SignIn:
    def signed_in(username: str = "zhang", *, browser: Client | None = None) -> Client:
        client = browser or Client(HTTP_USER_AGENT=BROWSER)
        answer = client.post("/sign-in/", {"login": username, "password": PASSWORD})
        assert answer.status_code == 302, answer.content.decode()
        return client

    return signed_in
