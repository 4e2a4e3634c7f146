"""A keeper of packets that seals nothing, and a dispute with its people, for tests of mediation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from cityloom.accounts.models import Account
from cityloom.accounts.queries import as_actor
from cityloom.cases import actions
from cityloom.cases.actions import Asked
from cityloom.cases.listing import cases as listed
from cityloom.cases.mediating import parties
from cityloom.cases.working import recording
from cityloom.gate.actions import Packet
from cityloom.kernel.actor import Actor
from tests.cases.conftest import NOW

LI, WANG = "440300199001011237", "440300198505054321"


class PacketKeeper:
    """Keeps packets and words apart, and a leaf for each opening."""

    def __init__(self) -> None:
        self.packets: dict[int, Mapping[str, bytes]] = {}
        self.words: dict[bytes, set[int]] = {}
        self.texts: list[str] = []
        self.leaves: list[tuple[str, int]] = []
        self.grants: dict[str, Collection[str]] = {}

    def seal_packet(self, *, parts: Mapping[str, bytes], words: Sequence[bytes] = (), **_: object) -> Packet:
        key = 1000 + len(self.packets)
        self.packets[key] = dict(parts)
        for word in words:
            self.words.setdefault(word, set()).add(key)
        return Packet(key, dict.fromkeys(parts, b"sealed"))

    def find_packets(self, *, words: Sequence[bytes], **_: object) -> list[int]:
        return sorted(set().union(*(self.words.get(word, set()) for word in words)))

    def grant(self, *, holder: str, fields: Collection[str], **_: object) -> str:
        self.grants[holder] = fields
        return holder

    def open_packets(
        self, *, by: Actor, grant_id: str, packets: Sequence[int], fields: Collection[str], **_: object
    ) -> dict[int, dict[str, bytes]]:
        assert by.account == grant_id and set(fields) <= set(self.grants[grant_id])
        self.leaves += [(by.account, packet) for packet in packets]
        return {one: {name: part for name, part in self.packets[one].items() if name in fields}
                for one in packets if one in self.packets}  # fmt: skip

    def erase_packets(self, *, packets: Sequence[int], **_: object) -> None:
        for packet in packets:
            del self.packets[packet]

    def seal_texts(self, *, texts: Sequence[str], **_: object) -> list[bytes]:
        self.texts += texts
        return [f"sealed {self.texts.index(text)}".encode() for text in texts]

    def open_texts(self, *, sealed: Sequence[bytes], **_: object) -> list[str | None]:
        return [self.texts[int(one.split()[1])] for one in sealed]


def fake_keeper(monkeypatch: pytest.MonkeyPatch) -> PacketKeeper:
    """One in the place of the keeper's process, for a test."""
    fake = PacketKeeper()
    for name in ("seal_packet", "find_packets", "grant", "open_packets", "erase_packets", "seal_texts"):
        monkeypatch.setattr(parties.gate, name, getattr(fake, name))
    assert parties.gate is recording.gate
    monkeypatch.setattr(listed.gate, "open_texts", fake.open_texts)
    return fake


def somebody(name: str, unit: str = "city/social", *roles: str) -> Actor:
    """One more official."""
    account = Account(username=name, first_name=name, unit_id=unit, roles=list(roles or ("case-handler",)),
                      is_demo=True, id=f"{name:0>26}", password="!")  # fmt: skip
    account.save()
    return as_actor(account)


def dispute(by: Actor, **more: Any) -> str:
    """A dispute of the unit of social affairs, opened by its clerk."""
    asked = Asked(**({"casetype": "dispute", "category": "noise", "unit": "city/social"} | more))
    return actions.open_case(asked, by=by, at=NOW)


def in_mediation(clerk: Actor, supervisor: Actor, mediator: Actor) -> str:
    """A dispute whose first session was held."""
    case_id, at = dispute(clerk), NOW + timedelta(hours=1)
    actions.name_member(case_id=case_id, role="mediator", account=mediator.account, by=supervisor, at=at)
    actions.declare(case_id=case_id, interest=False, by=mediator, at=at)
    actions.take_step(case_id=case_id, step="admit", by=clerk, at=at)
    actions.plan_session(case_id=case_id, on=at + timedelta(days=1), mediator=mediator.account, by=clerk, at=at,
                         place="Room 3")  # fmt: skip
    actions.end_session(case_id=case_id, number=1, outcome="held", minutes="Both spoke", by=mediator,
                        at=at + timedelta(days=1, hours=1))  # fmt: skip
    return case_id


