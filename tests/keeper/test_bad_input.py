"""What a keeper does with bad input over its socket: a sentence, a leaf, nobody opened, nothing lost, and it goes on."""

from __future__ import annotations

import json
import sqlite3
import typing
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from types import UnionType

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.keeper import assertion, client, door, log, protocol, record, store, wire
from cityloom.keeper.client import KeeperDown
from cityloom.keeper.log import Log
from cityloom.keeper.protocol import Authentic, Denied, Opened, Reply
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from tests.keeper.conftest import CLERK, COMMANDER, KEY, OTHER_WORKER, RESIDENT, WORKER, batch
from tests.keeper.house import House, house_at

SIZE = record.ENVELOPE_BYTES
POLICY = 'worker-1" || true) || principal == Account::"x'
ODD_TEXTS = (
    "", " ", "\x00", "a\x00b", "\u2028", "\U0001f600" * 16, "A" * 64, "A" * 65, "A" * 500, "../../etc/passwd", POLICY,
    'permit (principal, action, resource);', '{"__entity": {"type": "Account", "id": "worker-1"}}', "'; DROP TABLE x--",
    "{value}", "%s", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z", "not a time", "NaN",
)  # fmt: skip
ODD_NUMBERS = (-(1 << 63), -1, 0, 1, 255, 256, 257, 1 << 31, 1 << 53, (1 << 53) + 1, (1 << 63) - 1, (1 << 64) - 1)


class Place:
    """A house with three people, a live grant to open them, and somebody who keeps asking whether all is well."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.subjects, self.envelopes = house.seal(batch(3))
        self.grant = house.grant(self.subjects)

    def say(self, sent: bytes) -> Reply | None:
        """The answer to bytes on a connection of their own; None where the keeper hung up."""
        with self.house.raw() as link:
            try:
                link.sendall(sent)
                link.shutdown(1)
                body = wire.receive(link)
            except ConnectionError:  # it closed with some of it unread
                return None
        return None if body is None else protocol.read_reply(body)

    def ask(self, request: object) -> Reply | None:
        """The answer to a request of one who holds the key."""
        return self.say(protocol.frame(door.seal(request, KEY)))

    def open(self, **over: object) -> Reply | None:
        """The answer to a request that is good but for what is changed."""
        values = {
            "who": self.house.ask.sign(WORKER), "id": self.grant, "fields": ["name"],
            "subjects": self.subjects.tobytes(), "envelopes": self.envelopes,
        }  # fmt: skip
        return self.ask(protocol.Open(**values | over))

    def leaves(self, kind: str) -> list[dict]:
        with closing(sqlite3.connect(self.house.folder / store.DATABASE)) as database:
            rows = database.execute("SELECT facts FROM leaves WHERE kind = ? ORDER BY first", (kind,)).fetchall()
        return [json.loads(row[0]) for row in rows]

    def check(self) -> None:
        """The good request still opens, with a leaf for each."""
        before = len(self.leaves("opened"))
        assert self.open() == Opened([[f"Wang Fang {row}"] for row in range(3)])
        assert len(self.leaves("opened")) == before + 1, "three leaves in one row"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(house_at(tmp_path_factory.mktemp("bad")))
    yield made
    made.check()
    made.house.running.stop()
    size, _ = log.verify(made.house.folder)
    assert size > 100


def refused(place: Place, reply: Reply | None, code: str) -> dict:
    """The leaf of the refusal that this must be."""
    assert isinstance(reply, Denied), reply
    assert (reply.code, reply.sentence[-1]) == (code, ".")
    leaf = place.leaves("refused")[-1]
    assert leaf["code"] == code
    return leaf


def framed(body: bytes) -> bytes:
    return protocol.HEADER.pack(len(body)) + body


# Frames.


@pytest.mark.parametrize(
    "sent",
    [framed(b""), framed(b"\xc1"), framed(b"\x80"), framed(b"\x81\xa4type\xa4open"), framed(b"\x81\xa4type\xa7unknown"),
     framed(b"\xdd\xff\xff\xff\xff"), framed(b"\x91" * 100_000), protocol.HEADER.pack(protocol.MAX_FRAME_BYTES + 1),
     protocol.HEADER.pack(0xFFFFFFFF) + b"x"],
)  # fmt: skip
def test_a_frame_that_says_nothing_is_refused_and_logged(place: Place, sent: bytes) -> None:
    before = len(place.leaves("refused"))
    leaf = refused(place, place.say(sent), "gate.bad_request")
    assert (leaf["action"], len(place.leaves("refused"))) == ("knock", before + 1)
    place.check()


@pytest.mark.parametrize("sent", [b"", b"\x00", b"\x00\x00\x00", protocol.HEADER.pack(1000) + b"half a mess"])
def test_a_frame_that_ends_too_soon_is_no_message(place: Place, sent: bytes) -> None:
    assert place.say(sent) is None
    place.check()


# Envelopes and people.


@pytest.mark.parametrize("length", [0, 1, SIZE - 1, SIZE + 1, 2 * SIZE, 3 * SIZE - 1, 3 * SIZE + 1, 4 * SIZE])
def test_envelopes_of_another_length_open_nobody(place: Place, length: int) -> None:
    leaf = refused(place, place.open(envelopes=(place.envelopes * 2)[:length]), "gate.bad_request")
    assert leaf["action"] == "open"
    assert leaf["actor"], "who sent it is known"


@pytest.mark.parametrize(
    ("at", "value"), [(0, 0), (0, 1), (0, 3), (0, 255), (1, 255), (2, 0), (2, 2), (2, 255), (3, 0), (3, 9), (4, None),
                      (16, None), (100, None), (159, None)],
)  # fmt: skip
def test_an_envelope_of_another_version_key_or_content_opens_nobody_and_the_others_open(
    place: Place, at: int, value: int | None
) -> None:
    spoilt = bytearray(place.envelopes)
    spoilt[SIZE + at] = spoilt[SIZE + at] ^ 1 if value is None else value
    before = len(place.leaves("damaged"))
    assert place.open(envelopes=bytes(spoilt)).people == [["Wang Fang 0"], None, ["Wang Fang 2"]]
    assert len(place.leaves("damaged")) == before + 1


def test_an_envelope_of_somebody_else_opens_nobody(place: Place) -> None:
    moved = place.envelopes[SIZE:] + place.envelopes[:SIZE]
    assert place.open(envelopes=moved).people == [None, None, None]


@pytest.mark.parametrize("run", [b"", b"\x00" * 7, b"\x00" * 9])
def test_subjects_that_are_no_run_of_ids_are_refused(place: Place, run: bytes) -> None:
    reply = place.open(subjects=run, envelopes=b"")
    refused(place, reply, "gate.bad_request" if len(run) % 8 else "gate.not_granted")


def test_more_people_than_one_request_may_name_are_refused(place: Place) -> None:
    many = np.arange(protocol.MAX_OPENED + 1)
    refused(place, place.open(subjects=many.tobytes(), envelopes=b""), "gate.too_many")


# Ids with policy syntax, and times that are none.


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts_as_ids_open_nobody(place: Place, text: str) -> None:
    before = len(place.leaves("opened"))
    who = place.house.ask.sign(Actor(text, "city", frozenset({"social-worker"})))
    assert isinstance(place.open(who=who), Denied)
    who = place.house.ask.sign(Actor("stranger", text, frozenset({"social-worker", text})))
    assert isinstance(place.open(who=who), Denied)
    for change in ({"id": text}, {"fields": [text]}, {"fields": ["name", text]}):
        reply = place.open(**change)
        assert isinstance(reply, Denied), change
        assert reply.code != "gate.keeper_failed"
    assert len(place.leaves("opened")) == before


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_odd_texts_in_a_grant_make_none_that_others_can_use(place: Place, text: str) -> None:
    until = clock.to_text(clock.now() + timedelta(hours=1))
    values = {
        "who": place.house.ask.sign(COMMANDER), "id": f"odd-{ODD_TEXTS.index(text)}", "purpose": "emergency-assistance",
        "basis": "", "fields": ["name"], "holder": text, "until": until, "subjects": place.subjects.tobytes(),
        "incident_id": "I",
    }  # fmt: skip
    place.ask(protocol.Grant(**values))
    assert isinstance(place.open(id=values["id"]), Denied), "the worker is not its holder"
    values |= {"id": values["id"] + "-2", "holder": WORKER.account}
    for change in ({"until": text}, {"purpose": text}, {"basis": text or "x"}, {"fields": [text]}):
        reply = place.ask(protocol.Grant(**values | change))
        if isinstance(reply, Denied):
            assert reply.code != "gate.keeper_failed"
        else:
            pytest.fail(f"granted with {change}")
