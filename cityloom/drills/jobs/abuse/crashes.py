"""A09: somebody is opened and nothing is logged, because the keeper dies or its disk fails in between."""

from __future__ import annotations

import errno
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from cityloom.drills.jobs.abuse.stage import COMMANDER, KEY, SIZE, WORKER, Office, Stage, people, refused
from cityloom.keeper import client, log, protocol, store
from cityloom.keeper.basis import EMERGENCY
from cityloom.keeper.client import KeeperClient, KeeperDown, Running
from cityloom.keeper.leaf import sixteens
from cityloom.keeper.vault import Vault
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

PEOPLE = 40
CLIENTS = 8
_LIFE_S = 0.15
_PAUSE_S = 0.002
_FAILURES = (
    sqlite3.OperationalError("disk I/O error"), sqlite3.OperationalError("database or disk is full"),
    OSError(errno.EIO, "Input/output error"), OSError(errno.ENOSPC, "No space left on device"),
)  # fmt: skip


def run(stage: Stage) -> None:
    """Kill the keeper again and again under clients that open people; then let its disk fail under it."""
    stage.found.tries(f"kill -9 of the keeper at {stage.scale.kills:,} random instants, with {CLIENTS} clients")
    _kills(stage)
    stage.found.tries("a full disk and errors of input and output at random statements of the log")
    _failures(stage)


class _House:
    """A keeper's process that comes back whenever it was killed."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "assertion").write_bytes(KEY)
        self.running = self._start()
        self.subjects, self.envelopes, self.grant = self._prepare()
        self.seen: Counter[int] = Counter()
        self.wrong: list[str] = []
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def kill(self) -> None:
        """End it at once, and bring it back."""
        self.running.kill()
        self.running = self._start()

    def ask(self) -> KeeperClient:
        """A client of its own."""
        return KeeperClient(self.place / "s", self.place / "assertion")

    def open_on(self, number: int) -> None:
        """Open one person after another until the end."""
        ask, row = self.ask(), number
        while not self.stop.is_set():
            row = (row + 7) % PEOPLE
            run = self.subjects[row : row + 1].tobytes(), self.envelopes[row * SIZE : (row + 1) * SIZE]
            try:
                opened = ask.ask(protocol.Open(ask.sign(WORKER), self.grant, ["name"], *run), protocol.Opened)
            except KeeperDown:
                self.stop.wait(_PAUSE_S)
                continue
            except Refused as refusal:
                self.wrong.append(refusal.code)
                return
            with self._lock:
                self.seen[row] += opened.people == [[f"Wang Fang {row}"]]

    def _start(self) -> Running:
        return client.start(self.place / "keeper", self.place / "s", self.place / "assertion")

    def _prepare(self) -> tuple[np.ndarray, bytes, str]:
        ask = self.ask()
        with ask.begin_load(ask.sign(SYSTEM), 1) as sealer:
            sealed = sealer.seal(people(PEOPLE))
        until = clock.to_text(clock.now() + timedelta(hours=3))
        request = protocol.Grant(ask.sign(COMMANDER), "G", EMERGENCY, "", ["name"], WORKER.account, until,
                                 sealed.subjects.tobytes(), "INCIDENT")  # fmt: skip
        ask.ask(request, protocol.Granted)
        return sealed.subjects, sealed.envelopes.tobytes(), "G"


def _kills(stage: Stage) -> None:
    house = _House(stage.place)
    threads = [threading.Thread(target=house.open_on, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(stage.scale.kills):
            _await_somebody(house)
            house.stop.wait(stage.rng.random() * _LIFE_S)
            house.kill()
            stage.found.stopped("killed")
    finally:
        house.stop.set()
        for thread in threads:
            thread.join()
        house.running.stop()
    stage.found.equal("clients that were refused", house.wrong, [])
    stage.found.least("people opened meanwhile", house.seen.total(), stage.scale.kills)
    missing = _without_leaf(stage.place / "keeper", house.subjects, house.seen)
    stage.found.equal("plaintext returned minus durable leaves", missing, 0)
    stage.found.equal("the log is whole", log.verify(stage.place / "keeper")[0] > 0, True)


def _await_somebody(house: _House) -> None:
    """Let each life open somebody before it ends."""
    before = house.seen.total()
    while house.seen.total() == before and not house.wrong:
        house.stop.wait(_PAUSE_S)


def _without_leaf(folder: Path, subjects: np.ndarray, seen: Counter[int]) -> int:
    vault, logged = Vault(folder, owner=False), _openings(folder)
    return sum(max(0, times - logged[vault.pseudonym(int(subjects[row]))]) for row, times in seen.items())


def _openings(folder: Path) -> Counter[bytes]:
    database = store.connect(folder)
    try:
        rows = database.execute("SELECT subjects FROM leaves WHERE kind = 'opened'").fetchall()
    finally:
        database.close()
    return Counter(subject for (subjects,) in rows for subject in sixteens(subjects))


def _failures(stage: Stage) -> None:
    with stage.office("failing", count=PEOPLE) as office:
        grant = office.grant(office.subjects, COMMANDER, purpose=EMERGENCY, holder=WORKER.account)
        seen: Counter[int] = Counter()
        for number in range(stage.scale.mutations):
            row = stage.rng.randrange(PEOPLE)
            with _failing(office, _FAILURES[number % len(_FAILURES)], stage.rng.randrange(10)):
                reply = office.open(grant, row, who=office.sign(WORKER))
            if isinstance(reply, protocol.Opened):
                seen[row] += 1
            else:
                stage.found.stopped(refused(reply))
        through = office.open(grant, 0, who=office.sign(WORKER))
        stage.found.equal("it goes on when the disk is well again", isinstance(through, protocol.Opened), True)
        stage.found.equal("plaintext returned minus durable leaves, with a failing disk",
                          _without_leaf(office.folder, office.subjects, seen), 0)  # fmt: skip
        stage.found.equal("the log is whole after it", log.verify(office.folder)[0] > 0, True)
    stage.found.least("failures that stopped an opening", sum(
        times for code, times in stage.found.stopped_by.items() if code.startswith("gate.")
    ), stage.scale.mutations // 2)  # fmt: skip


class _Breaking:
    """A database that fails at one statement, before it is done."""

    def __init__(self, whole: sqlite3.Connection, failure: Exception, after: int) -> None:
        self._whole, self._failure, self._left = whole, failure, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def execute(self, *arguments: Any) -> Any:
        self._count()
        return self._whole.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._count()
        return self._whole.executemany(*arguments)

    def _count(self) -> None:
        self._left -= 1
        if self._left == -1:
            raise self._failure


@contextmanager
def _failing(office: Office, failure: Exception, after: int) -> Iterator[None]:
    """Let the log's database fail at the statement after so many."""
    book = office.desk.log
    whole = book._database
    book._database = _Breaking(whole, failure, after)  # type: ignore[assignment]
    try:
        yield
    finally:
        book._database = whole
