"""Bad input over the keeper's socket: a sentence, a leaf, nobody opened, nothing lost, and the keeper goes on."""

from __future__ import annotations

import json
import socket
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
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor
from tests.examples import a_third_of
from tests.keeper.conftest import CLERK, COMMANDER, KEY, OTHER_WORKER, RESIDENT, WORKER, batch
from tests.keeper.house import House, house_at

SIZE = record.ENVELOPE_BYTES
POLICY = 'worker-1" || true) || principal == Account::"x'
ODD_TEXTS = (
    "", " ", "\x00", "a\x00b", "\u2028", "\U0001f600" * 16, "A" * 64, "A" * 65, "A" * 500, "../../etc/passwd", POLICY,
    'permit (principal, action, resource);', '{"__entity": {"type": "Account", "id": "worker-1"}}', "'; DROP TABLE x--",
    "{value}", "%s", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z", "not a time",
    "NaN",
)  # fmt: skip
ODD_NUMBERS = (-(1 << 63), -1, 0, 1, 255, 256, 257, 1 << 31, 1 << 53, (1 << 53) + 1, (1 << 63) - 1, (1 << 64) - 1)


class Place:
    """A house with three people, a live grant to open them, and somebody who keeps asking whether all is well."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.subjects, self.envelopes = house.seal(batch(3))
        self.grant = house.grant(self.subjects)

    @property
    def run(self) -> bytes:
        """The name of the keeper's run, which goes into each seal."""
        return door.run_at(self.house.place / "s")

    def say_all(self, sent: bytes) -> list[Reply]:
        """The answers to bytes on a connection of their own, until the keeper hangs up."""
        found: list[Reply] = []
        with self.house.raw() as link:
            try:
                link.sendall(sent)
                link.shutdown(socket.SHUT_WR)
                while (body := wire.receive(link)) is not None:
                    found.append(protocol.read_reply(body))
            except ConnectionError:  # it closed with some of it unread
                pass
        return found

    def say(self, sent: bytes) -> Reply | None:
        """The first of them; None where it hung up at once."""
        return next(iter(self.say_all(sent)), None)

    def ask(self, request: object) -> Reply | None:
        """The answer to a request of one who holds the key."""
        return self.say(protocol.frame(door.seal(request, KEY, self.run)))

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
    assert size > 0


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


# Requests that are not what, or not when, their maker made them.


def good(place: Place) -> Authentic:
    who = place.house.ask.sign(WORKER)
    asked = protocol.Open(who, place.grant, ["name"], place.subjects.tobytes(), place.envelopes)
    return door.seal(asked, KEY, place.run)


def test_a_replayed_request_is_refused_on_any_connection(place: Place) -> None:
    sealed = protocol.frame(good(place))
    assert isinstance(place.say(sealed), Opened)
    before = len(place.leaves("opened"))
    for _ in range(3):
        assert refused(place, place.say(sealed), "gate.replayed")["action"] == "knock"
    assert len(place.leaves("opened")) == before


def test_an_old_assertion_in_a_new_request_is_refused(place: Place) -> None:
    long_ago = int(clock.now().timestamp()) - assertion.LIFETIME_S - 1
    who = assertion.sign(WORKER, key=KEY, now_s=long_ago)
    refused(place, place.open(who=who), "gate.not_signed_in")
    ahead = assertion.sign(WORKER, key=KEY, now_s=long_ago + 600)
    refused(place, place.open(who=ahead), "gate.not_signed_in")


def test_what_was_not_signed_is_refused(place: Place) -> None:
    bare = protocol.read_request(good(place).body)
    refused(place, place.say(protocol.frame(bare)), "gate.forged")
    refused(place, place.say(protocol.frame(door.seal(bare, b"another key", place.run))), "gate.forged")
    refused(place, place.say(protocol.frame(msgspec.structs.replace(good(place), nonce=b"n" * 16))), "gate.forged")
    refused(place, place.ask(good(place)), "gate.bad_request")
    refused(place, place.ask(protocol.Seal(0, 1)), "gate.bad_request")


def test_a_log_ahead_of_the_clock_opens_nobody_until_the_clock_is_right(tmp_path: Path) -> None:
    place = Place(house_at(tmp_path))
    place.check()
    place.house.running.stop()
    book = Log(place.house.folder)  # as a keeper whose clock was an hour ahead would have left it
    ahead = clock.to_text(clock.now() + timedelta(hours=1))
    book.append([log.leaf("counted", {"at": ahead, "purpose": "", "unit": "", "people": 0})])
    book.close()
    place.house.start()
    before = len(place.leaves("opened"))
    assert refused(place, place.open(), "gate.clock")["action"] == "open"
    assert len(place.leaves("opened")) == before
    assert client.answers(place.house.place / "s")
    place.house.running.stop()
    assert log.verify(place.house.folder)[0] > 0


# The log: cut off on the disk, and another log's.


def long_log(place: Place) -> None:
    """Bring the log beyond two full tiles."""
    while place.house.ask.ask(protocol.Head(), protocol.HeadIs).size < 600:
        place.ask(protocol.Open(place.house.ask.sign(OTHER_WORKER), place.grant, ["name"], b"", b""))


def test_a_tile_that_was_cut_off_is_said_and_nothing_else_stops(tmp_path: Path) -> None:
    place = Place(house_at(tmp_path))
    long_log(place)
    place.house.running.stop()
    with closing(sqlite3.connect(place.house.folder / store.DATABASE)) as database, database:
        database.execute("UPDATE tile SET hashes = substr(hashes, 1, 100) WHERE id = 0")
    place.house.start()
    reply = place.say(protocol.frame(protocol.Tile(0, 0)))
    assert (reply.code, "damaged" in reply.sentence) == ("gate.log_broken", True)
    assert isinstance(place.say(protocol.frame(protocol.Tile(0, 1))), protocol.TileIs)
    for asked in (protocol.Leaf(3, 600), protocol.Inclusions([3], 600), protocol.Consistency(10, 600)):
        assert place.say(protocol.frame(asked)).code == "gate.log_broken", "no proof rests on it"
    place.check()
    place.house.running.stop()
    with pytest.raises(log.LogBroken):
        log.verify(place.house.folder)


@pytest.mark.parametrize("damage", [
    "UPDATE leaves SET salts = zeroblob(16) WHERE first = (SELECT max(first) FROM leaves)",
    "UPDATE leaves SET facts = replace(facts, 'refused', 'granted') WHERE first = (SELECT max(first) FROM leaves)",
    "UPDATE tile SET hashes = substr(hashes, 1, 40) WHERE id >= 1 << 48", "DELETE FROM tile WHERE id >= 1 << 48",
    "UPDATE head SET size = size - 1", "DELETE FROM head",
])  # fmt: skip
def test_a_log_whose_end_was_changed_is_not_gone_on_with(tmp_path: Path, damage: str) -> None:
    place = Place(house_at(tmp_path))
    long_log(place)
    place.house.running.stop()
    with closing(sqlite3.connect(place.house.folder / store.DATABASE)) as database, database:
        assert database.execute(damage).rowcount
    with pytest.raises(KeeperDown):
        place.house.start()
    assert "The log has been changed" in (place.house.place / "words").read_text()


def test_another_logs_sizes_and_cosignatures_are_refused(place: Place) -> None:
    size = place.house.ask.ask(protocol.Head(), protocol.HeadIs).size
    for asked in (
        protocol.Consistency(1, size + 1000), protocol.Consistency(0, size), protocol.Leaf(size, size),
        protocol.Leaf(0, size + 1000), protocol.Head(size + 1000), protocol.Checkpoint(size + 1000),
        protocol.Tile(0, 1 << 40), protocol.Tile(7, 0), protocol.Entries(1 << 40), protocol.Inclusions([size], size),
    ):  # fmt: skip
        assert place.say(protocol.frame(asked)).code == "gate.no_such_leaf", asked
    other = "origin.example/other\n5\n" + "A" * 43 + "=\n\n"
    for lines in ([other], ["\u2014 w " + "A" * 10 + "\n"], ["\u2014 w !!!\n"], [""], ["x" * 512]):
        refused(place, place.ask(protocol.AddCosignatures(size, lines)), "gate.bad_request")
    refused(place, place.ask(protocol.AddCosignatures(size + 1000, ["\u2014 w AAAA\n"])), "gate.no_such_leaf")


# Chance: any bytes, any change of a good request, any field out of its range.

CHANCE = settings(max_examples=a_third_of(150), deadline=None,
                  suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
ANSWERED = tuple(each for each in typing.get_args(protocol.Reply) if each is not Opened)


@CHANCE
@given(st.binary(max_size=400))
def test_any_bytes_are_denied_or_hung_up_on(place: Place, sent: bytes) -> None:
    assert isinstance(place.say(sent), Denied | None)
    assert isinstance(place.say(framed(sent)), Denied | None)


@CHANCE
@given(st.data())
def test_any_change_of_a_good_request_is_denied(place: Place, data: st.DataObject) -> None:
    frame = bytearray(protocol.frame(good(place)))
    at = data.draw(st.integers(0, len(frame) - 1))  # never behind the end: what follows a good request is another
    how = data.draw(st.sampled_from(("flip", "cut", "put in", "leave out")))
    if how == "flip":
        frame[at] ^= data.draw(st.integers(1, 255))
    elif how == "cut":
        del frame[at:]
    elif how == "put in":
        frame[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    else:
        del frame[at : at + data.draw(st.integers(1, 8))]
    assert all(isinstance(reply, Denied) for reply in place.say_all(bytes(frame)))


def _odd_several(kind: object) -> st.SearchStrategy:
    if kind is protocol.Question:
        hints = typing.get_type_hints(kind, include_extras=True)
        return st.fixed_dictionaries({name: odd(each) for name, each in hints.items()})
    if typing.get_origin(kind) is dict:
        return st.dictionaries(*map(odd, typing.get_args(kind)), max_size=3)
    return st.lists(odd(typing.get_args(kind)[0]), max_size=4) | st.just(["x"] * 17)


def odd(kind: object) -> st.SearchStrategy:
    """Values of a field's type, in its range and out of it, and now and then of another type."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        return odd(typing.get_args(kind)[0])
    if origin in (list, dict) or kind is protocol.Question:
        return _odd_several(kind)
    if kind is protocol.Region:
        return st.tuples(st.lists(st.binary(max_size=50), max_size=3), st.lists(st.sampled_from(ODD_TEXTS), max_size=3))
    if origin in (typing.Union, UnionType):
        return st.one_of([odd(each) for each in typing.get_args(kind)])
    texts, numbers = st.sampled_from(ODD_TEXTS) | st.text(max_size=70), st.sampled_from(ODD_NUMBERS)
    runs = st.binary(max_size=30) | st.integers(0, 3).map(bytes) | st.sampled_from((b"\xff" * 8, b"\x00" * 160))
    found = {str: texts, int: numbers, bytes: runs, bool: st.booleans(), type(None): st.none()}[kind]
    return st.integers(0, 19).flatmap(lambda one: found if one else texts | numbers | runs | st.none())


ASKING = [CLERK, RESIDENT, OTHER_WORKER, WORKER, Actor(POLICY, POLICY, frozenset({POLICY, "social-worker"}))]
TAGGED = [each for each in typing.get_args(protocol.Request) if each not in (Authentic, protocol.BeginLoad)]


@st.composite
def odd_requests(draw: st.DrawFn, place: Place) -> dict[str, object]:
    """Any kind of request as its fields, some of them right."""
    kind = draw(st.sampled_from(TAGGED))
    hints = typing.get_type_hints(kind, include_extras=True)
    right = {"id": place.grant, "subjects": place.subjects.tobytes(), "fields": ["name"], "purpose": "case-handling",
             "question": "is"}  # fmt: skip
    fields: dict[str, object] = {"type": kind.__struct_config__.tag}
    for name in kind.__struct_fields__:
        if name == "who":
            extra = {"exercise_id": draw(st.sampled_from(("", "E", POLICY)))}
            drill_at = draw(st.sampled_from(("", *ODD_TEXTS)))
            who = assertion.sign(draw(st.sampled_from(ASKING)), key=KEY, now_s=int(clock.now().timestamp()),
                                 drill_at=drill_at, service=draw(st.sampled_from(("city", "", POLICY))),
                                 step_up_at=draw(st.sampled_from((0, -1, 1 << 62))), **extra)  # fmt: skip
            fields[name] = [who.claims, who.mac]
        elif name in right and kind is not protocol.Revoke and draw(st.booleans()):  # its holder may end the grant
            fields[name] = right[name]
        else:
            fields[name] = draw(odd(hints[name]))
    return fields


@settings(CHANCE, max_examples=a_third_of(400))
@given(st.data())
def test_any_field_out_of_its_range_opens_nobody(place: Place, data: st.DataObject) -> None:
    asked = data.draw(odd_requests(place))
    body, nonce = msgspec.msgpack.encode(asked), ids.random_bytes(16)
    reply = place.say(protocol.frame(Authentic(body, nonce, door._mac(KEY, place.run, nonce, body))))
    if isinstance(reply, Opened):
        assert not any(reply.people), "an envelope of chance never opens"
    elif isinstance(reply, Denied):
        assert reply.code != "gate.keeper_failed", asked
    else:
        assert isinstance(reply, ANSWERED)
