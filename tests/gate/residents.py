"""Residents who are linked and signed in, and people who look at them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.http import HttpRequest
from django.test import Client
from lxml import html

from cityloom.accounts import actions as accounts
from cityloom.accounts.contrib.allauth import adapters
from cityloom.accounts.models import Account
from cityloom.accounts.queries import DEVICE_COOKIE
from cityloom.gate import actions, queries
from cityloom.gate.models import ResidentLink
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor

COMMANDER = Actor("commander-1", "city", frozenset({"commander"}))
WORKER = Actor("worker-1", "city/nanshan", frozenset({"social-worker"}))
OFFICER = Actor("officer-1", "city", frozenset({"data-protection-officer"}))
_numbers: Iterator[int] = iter(range(10**9))


@dataclass(frozen=True)
class Resident:
    """Somebody in the register, and their own account."""

    subject: int
    national_id: str
    account: str
    handle: str

    @property
    def actor(self) -> Actor:
        return Actor(self.account, "", frozenset({"resident"}))

    def browser(self) -> Client:
        """A browser in which they are signed in."""
        client, request = Client(), HttpRequest()
        request.session = client.session
        adapters.begin(request, Account.objects.get(id=self.account))
        request.session.save()
        client.cookies[settings.SESSION_COOKIE_NAME] = request.session.session_key
        client.cookies[DEVICE_COOKIE] = request.new_device
        return client


def in_register(count: int) -> tuple[list[int], list[str]]:
    """People whose national ids nobody else in this run has."""
    numbers = [f"4403051990{next(_numbers):08}" for _ in range(count)]
    return sealed(numbers), numbers


def sealed(numbers: list[str]) -> list[int]:
    """People with these national ids."""
    count = len(numbers)
    text = np.full(count, b"", "S1")
    records = actions.people_records(
        name=np.array([f"李明 {row}".encode() for row in range(count)]),
        national_id=np.array([number.encode() for number in numbers]), phone=text, birth_date=text, need_note=text,
    )  # fmt: skip
    rows = np.arange(count)
    traits = actions.traits_of(age=rows % 100, sex=rows % 2, needs={"bedridden": rows == 0})
    with actions.sealing(by=SYSTEM, at=clock.now(), workers=1) as sealer:
        batch = sealer.seal(actions.PeopleBatch(records, traits))
    actions.store_envelopes(batch)
    return batch.subjects.tolist()


def linked(subject: int, national_id: str, provider: str = "people") -> Resident:
    """The account of a resident who has come from an identity provider."""
    account = accounts.resident_from_outside(
        provider=provider, subject=f"s-{national_id}", claim=national_id, link=actions.link_resident, at=clock.now()
    )
    return Resident(subject, national_id, account, ResidentLink.objects.get(account_id=account).handle)


def look(subject: int, *, exercise_id: str = "", fields: tuple[str, ...] = ("name", "phone")) -> None:
    """Open somebody for a rescue."""
    now = clock.now()
    grant = actions.grant(
        by=COMMANDER, at=now, purpose=queries.EMERGENCY, subjects=[subject], fields=fields, holder=WORKER.account,
        until=now + timedelta(hours=1), incident_id=ids.new_ulid(), exercise_id=exercise_id,
    )  # fmt: skip
    actions.open_people(by=WORKER, at=now, grant_id=grant, subjects=[subject], fields=fields)


def page(client: Client, address: str = "/me/", **headers: str) -> html.HtmlElement:
    """What the resident sees."""
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    return html.fromstring(answer.content.decode())


def entries(tree: html.HtmlElement) -> dict[int, str]:
    """The text of each entry by its place in the log."""
    return {int(one.get("id")[6:]): " ".join(one.text_content().split()) for one in tree.xpath("//li[@id]")}
