"""The keeper as a process: who may talk to it, what it does with nonsense, and what survives a kill."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cityloom.keeper import arena, client, door, protocol, record, store, wire
from cityloom.keeper.client import KeeperDown
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from tests.keeper import kills
from tests.keeper.conftest import KEY, WORKER, batch
from tests.keeper.house import House, house_at

KILLS = int(os.environ.get("CITYLOOM_KILLS", "5"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = house_at(tmp_path)
    yield made
    made.running.stop()


def test_only_this_user_may_connect(house: House) -> None:
    assert stat.S_IMODE((house.place / "s").stat().st_mode) == 0o600
    if os.getuid() != 0:
        pytest.skip("needs root to become another user")
    (house.place / "s").chmod(0o666)
    for folder in (house.place, *house.place.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o011)
    program = """
import os, socket, sys
os.setuid(int(sys.argv[3]))
link = socket.socket(socket.AF_UNIX)
link.connect(sys.argv[1])
try:
    link.sendall(bytes.fromhex(sys.argv[2]))
    print("answered" if link.recv(10) else "hung up")
except OSError:
    print("hung up")
"""

    def tried_by(user: int) -> str:
        command = [sys.executable, "-c", program, str(house.place / "s"), protocol.frame(protocol.Ping()).hex()]
        return subprocess.run([*command, str(user)], capture_output=True, text=True, check=True).stdout.strip()

    assert (tried_by(0), tried_by(65534)) == ("answered", "hung up")


@pytest.mark.parametrize(
    "body", [b"\xc1", b"", b"\x80", b"not msgpack at all", b"\x81\xa4type\xa4open", b"\x81\xa4type\xa7unknown"]
)
def test_nonsense_is_refused_and_the_keeper_goes_on(house: House, body: bytes) -> None:
    with house.raw() as link:
        link.sendall(protocol.HEADER.pack(len(body)) + body)
        answer = protocol.read_reply(wire.receive(link))
        assert (answer.code, wire.receive(link)) == ("gate.bad_request", None)
    assert client.answers(house.place / "s")


def test_a_message_beyond_the_limit_is_not_even_read(house: House) -> None:
    with house.raw() as link:
        link.sendall(protocol.HEADER.pack(protocol.MAX_FRAME_BYTES + 1))
        assert protocol.read_reply(wire.receive(link)).code == "gate.bad_request"
    with house.raw() as link:
        link.sendall(protocol.HEADER.pack(1000) + b"half a mess")
    assert client.answers(house.place / "s")


def test_a_batch_outside_a_load_is_refused(house: House) -> None:
    with pytest.raises(Refused) as refusal:
        house.ask.ask(protocol.Seal(0, 1), protocol.Done)
    assert refusal.value.code == "gate.bad_request"


def test_people_are_sealed_by_several_processes_in_order_and_logged_once(house: House) -> None:
    people = [batch(300, name=f"Batch {number}") for number in range(20)]
    with house.ask.begin_load(house.ask.sign(SYSTEM), 2) as sealer:
        sealed = list(sealer.seal_all(people))
    assert sealer.sealed == 6000
    subjects = np.concatenate([each.subjects for each in sealed])
    assert (np.diff(subjects >> 32) == 1).all()
    some = [(0, 0), (7, 13), (19, 299)]
    named = np.array([sealed[number].subjects[row] for number, row in some])
    envelopes = b"".join(sealed[number].envelopes[row].tobytes() for number, row in some)
    house.running.kill()
    house.start()
    opened = house.open(house.grant(named), named, envelopes)
    assert opened == [[f"Batch {number} {row}"] for number, row in some]
    database = sqlite3.connect(house.folder / store.DATABASE)
    loads = database.execute("SELECT facts FROM leaves WHERE kind = 'loaded'").fetchall()
    database.close()
    assert [json.loads(entry)["people"] for (entry,) in loads] == [6000]


def test_only_some_may_load(house: House) -> None:
    with pytest.raises(Refused) as refusal:
        house.ask.begin_load(house.ask.sign(WORKER), 1)
    assert refusal.value.code == "gate.not_allowed"


@pytest.mark.parametrize(("number", "count"), [(0, 0), (0, -1), (0, protocol.MAX_BATCH + 1), (1, 3), (-1, 3)])
def test_a_broken_batch_ends_the_load_and_nothing_else(house: House, number: int, count: int) -> None:
    with house.raw() as link:
        wire.send(link, door.seal(protocol.BeginLoad(house.ask.sign(SYSTEM), 1), KEY, door.run_at(house.place / "s")))
        assert isinstance(protocol.read_reply(wire.receive(link)), protocol.Done)
        assert arena.taken(link) is not None
        wire.send(link, protocol.Seal(number, count))
        assert wire.receive(link) is None
    subjects, envelopes = house.seal(batch(1))
    assert house.open(house.grant(subjects), subjects, envelopes) == [["Wang Fang 0"]]


def test_records_of_another_length_are_not_sent(house: House) -> None:
    with pytest.raises(ValueError), house.ask.begin_load(house.ask.sign(SYSTEM), 1) as sealer:
        sealer.seal(record.PeopleBatch(np.zeros((3, 100), np.uint8), np.zeros(3, np.uint16)))


def test_nobody_can_pull_the_shared_memory_away() -> None:
    descriptor = arena.made()
    try:
        with pytest.raises(PermissionError):
            os.truncate(descriptor, 0)
    finally:
        os.close(descriptor)


def test_a_load_that_a_kill_interrupts_fails_and_its_slots_are_not_used_again(house: House) -> None:
    def batches() -> Iterator[record.PeopleBatch]:
        for number in range(40):
            if number == 20:
                house.running.kill()
            yield batch(200)

    seen: list[np.ndarray] = []
    with pytest.raises(KeeperDown), house.ask.begin_load(house.ask.sign(SYSTEM), 2) as sealer:
        seen.extend(each.subjects for each in sealer.seal_all(batches()))
    house.start()
    subjects, _ = house.seal(batch(1))
    assert subjects[0] >> 32 > max(each.max() >> 32 for each in seen)


def test_two_keepers_never_share_a_folder(house: House) -> None:
    with pytest.raises(KeeperDown):
        client.start(house.folder, house.place / "s2", house.place / "assertion")
    assert client.answers(house.place / "s")


def test_a_request_that_was_caught_before_a_restart_is_nobodys_after_it(house: House) -> None:
    captured = door.seal(protocol.News(house.ask.sign(SYSTEM), 0), KEY, door.run_at(house.place / "s"))

    def answered() -> protocol.Reply:
        with house.raw() as link:
            wire.send(link, captured)
            return protocol.read_reply(wire.receive(link))

    assert isinstance(answered(), protocol.NewsIs)
    assert answered().code == "gate.replayed"
    house.running.kill()
    house.start()
    assert answered().code == "gate.forged"
    assert (house.place / "s.run").stat().st_mode & 0o077 == 0


def test_it_does_not_start_on_a_changed_log(house: House) -> None:
    house.grant(house.seal(batch(1))[0])
    house.running.stop()
    database = sqlite3.connect(house.folder / store.DATABASE)
    with database:
        database.execute("DELETE FROM leaves WHERE first = 1")
    database.close()
    with pytest.raises(KeeperDown):
        house.start()
    assert "has been changed" in (house.place / "words").read_text()


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    (tmp_path / "assertion").write_bytes(KEY)
    program = (
        "import sys, os; from pathlib import Path; from cityloom.keeper import client; p = Path(sys.argv[1]);"
        "print(client.start(p / 'keeper', p / 's', p / 'assertion').pid, flush=True); os.kill(os.getpid(), 9)"
    )
    child = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True,
                           env=client._environment())  # fmt: skip
    deadline = time.monotonic() + 10
    while client.answers(tmp_path / "s") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not client.answers(tmp_path / "s")
    assert int(child.stdout) > 0


def test_its_memory_is_closed_to_other_processes_of_the_user(house: House) -> None:
    if os.getuid() == 0:
        pytest.skip("root may read any process")
    with pytest.raises(PermissionError):
        Path(f"/proc/{house.running.pid}/mem").read_bytes()


def test_however_often_the_keeper_is_killed_nothing_opens_without_its_leaf_and_nothing_is_lost(tmp_path: Path) -> None:
    found = kills.kill_often(tmp_path, KILLS, seed=7)
    assert found["wrong"] == []
    assert found["opened"] >= KILLS
    assert found["grants"] and found["loads"], "something else was under way too"


def test_people_are_opened_while_the_key_changes(house: House) -> None:
    people = [batch(2000, name=f"Batch {number}") for number in range(10)]
    with house.ask.begin_load(house.ask.sign(SYSTEM), 2) as sealer:
        sealed = list(sealer.seal_all(people))
    some, envelopes = sealed[3].subjects[:50], sealed[3].envelopes[:50].tobytes()
    grant, ended, seen = house.grant(some), threading.Event(), []

    def open_on() -> None:
        while not ended.is_set() or not seen:
            seen.append(house.open(grant, some, envelopes))

    reader = threading.Thread(target=open_on)
    reader.start()
    rotated = [house.ask.ask(protocol.Rotate(house.ask.sign(SYSTEM)), protocol.Rotated) for _ in range(5)]
    ended.set()
    reader.join()
    assert [each.key_id for each in rotated] == [2, 3, 4, 5, 6]
    assert house.ask.ask(protocol.RotationAt(), protocol.Progress).done == rotated[-1].slots
    assert all(each == [[f"Batch 3 {row}"] for row in range(50)] for each in seen)
    assert sorted(path.name for path in house.folder.glob("secrets.*")) == ["secrets.6"]


def test_a_change_of_keys_during_a_load_is_refused(house: House) -> None:
    with house.ask.begin_load(house.ask.sign(SYSTEM), 1) as sealer:
        sealer.seal(batch(1))
        with pytest.raises(Refused) as refusal:
            house.ask.ask(protocol.Rotate(house.ask.sign(SYSTEM)), protocol.Rotated)
    assert refusal.value.code == "gate.loading"
    assert house.ask.ask(protocol.Rotate(house.ask.sign(SYSTEM)), protocol.Rotated).key_id == 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: (folder / "key").write_text("1 " + "ab" * 32 + "\n"), "build or import the city again"),
        (lambda folder: (folder / "key").write_text(""), "key file is not whole"),
        (lambda folder: os.truncate(folder / "traits", 7), "cut off"),
        (lambda folder: os.truncate(folder / "secrets.1", 32 * 10), "shorter"),
        (lambda folder: (folder / "tags").unlink(), "missing"),
    ],
)
def test_it_does_not_start_on_files_that_do_not_fit(house: House, spoil: object, words: str) -> None:
    house.seal(batch(20))
    house.running.stop()
    spoil(house.folder)
    with pytest.raises(KeeperDown):
        house.start()
    assert house.running.process.returncode == 4
    assert words in (house.place / "words").read_text()


def test_a_city_of_an_earlier_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    (tmp_path / "keeper" / "key").write_text("1 " + "0" * 64 + "\n")
    (tmp_path / "assertion").write_bytes(KEY)
    with pytest.raises(Refused, match="Build or import the city again"):
        client.start(tmp_path / "keeper", tmp_path / "s", tmp_path / "assertion")
