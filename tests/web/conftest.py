"""A small city with an incident, for pages to show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client

from cityloom.accounts import actions as accounts
from cityloom.accounts.queries import DemoAccount
from cityloom.emergency import actions as emergency
from cityloom.emergency import queries as incidents
from cityloom.fieldwork import actions as fieldwork
from cityloom.gate import actions as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions as registers
from cityloom.registers import queries as places

AT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
EXERCISE = "01EXERCISE0000000000000000"


@dataclass(frozen=True)
class City:
    """The demo accounts by user name, and a busy place."""

    people: dict[str, DemoAccount]
    lon: float
    lat: float


@contextmanager
def kept_until_the_end() -> Iterator[None]:
    """Write for all tests of a module, and take it back afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def city(django_db_setup: None, django_db_blocker) -> Iterator[City]:
    running = gate.start_keeper()
    with django_db_blocker.unblock(), kept_until_the_end():
        registers.build_synthetic(3000, seed=7, by=SYSTEM, at=AT)
        lon, lat = places.busiest_place(90, 7)
        made = accounts.create_demo_accounts(workers=["city"] * 4, by=SYSTEM, at=AT)
        fieldwork.install_workers(workers=made, sites=[(lon, lat)] * 4, by=SYSTEM, at=AT)
        yield City({account.username: account for account in made}, lon, lat)
    running.stop()


@pytest.fixture(scope="module")
def incident_in(city: City, django_db_blocker) -> str:
    now = clock.now()
    with django_db_blocker.unblock():
        incident_id = emergency.open_incident(
            detection_id=ids.new_ulid(), category="ground-collapse", lon=city.lon, lat=city.lat, first_signal_at=now,
            by=SYSTEM, at=now, exercise_id=EXERCISE,
        )  # fmt: skip
        emergency.propose(incident_id=incident_id, by=SYSTEM, at=now)
    return incident_id


@pytest.fixture
def incident_id(incident_in: str, db: None) -> str:
    """An exercise's incident with a proposal that waits for the commander."""
    return incident_in


@pytest.fixture
def proposal(incident_id: str) -> incidents.ProposalFacts:
    found = incidents.current_proposal(incident_id)
    assert found
    return found


@pytest.fixture
def signed_in(city: City, db: None) -> Callable[[str], Client]:
    """A browser in which a demo account is signed in; it follows the rules about forged forms like a real one."""

    def sign_in(username: str) -> Client:
        client = Client()
        response = client.post("/sign-in/demo/", {"account": city.people[username].account})
        assert response.status_code == 302, response.content
        return client

    return sign_in
