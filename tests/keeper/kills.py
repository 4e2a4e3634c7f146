"""Kill the keeper at random instants while it is busy, start it again, and see what it remembers.

`python -m tests.keeper.kills PLACE COUNT SEED`. Several clients open, grant, revoke, load and erase all the time; what
the keeper said is done must have been done, however it ended, and nobody may have been opened without a leaf.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from cityloom.keeper import log, protocol, record, store
from cityloom.keeper.client import KeeperClient, KeeperDown
from cityloom.keeper.leaf import sixteens
from cityloom.keeper.vault import Vault
from cityloom.kernel.refused import Refused
from tests.keeper.conftest import COMMANDER, STEWARD, WORKER, batch
from tests.keeper.house import House, house_at

PEOPLE = 40
LOADED = 20
LIFE_S = 0.12  # at the most, after it has answered
LONG_LIFE_S = 1.5  # at the most in some lives, so that loads come to their end too
LONG_LIVES = 0.2
KILLED_EARLY = 0.15  # the share of lives that end before the keeper answers
_SIZE = record.ENVELOPE_BYTES


def main() -> int:
    found = kill_often(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(found))
    return 1 if found["wrong"] else 0


def kill_often(place: Path, count: int, seed: int) -> dict[str, Any]:
    """End a keeper `count` times; what was done meanwhile, and what was wrong afterwards."""
    house = house_at(place)
    told = Told(house)
    told.load_and_erase(house, random.Random(seed))
    threads = [threading.Thread(target=told.go_on, args=(work, number)) for number, work in enumerate(told.works())]
    for thread in threads:
        thread.start()
    rng = random.Random(seed)
    for _ in range(count):
        before = told.seen.total()
        while told.seen.total() == before and not told.wrong:  # each life opens somebody before it ends
            time.sleep(0.001)
        time.sleep(rng.random() * (LONG_LIFE_S if rng.random() < LONG_LIVES else LIFE_S))
        house.running.kill()
        while rng.random() < KILLED_EARLY:
            house.start_and_kill(rng.random() * 0.6)
        house.start()
    told.stop.set()
    for thread in threads:
        thread.join()
    told.check_in_use()
    house.running.stop()
    told.check_folder()
    return {"kills": count, "opened": told.seen.total(), "grants": len(told.granted), "revoked": len(told.revoked),
            "loads": len(told.loaded), "erased": len(told.erased), "wrong": told.wrong[:5]}  # fmt: skip


class Told:
    """What the keeper has said is done."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.stop = threading.Event()
        self.subjects, self.envelopes = house.seal(batch(PEOPLE))
        self.grant = house.grant(self.subjects)
        self.seen: Counter[int] = Counter()
        self.granted: set[str] = set()
        self.revoked: set[str] = set()
        self.loaded: list[tuple[np.ndarray, bytes]] = []
        self.erased: set[int] = set()
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def works(self) -> list[Callable[[House, random.Random], None]]:
        """What the clients do over and over, each in a thread of its own."""
        return [self.open_one, self.open_one, self.grant_and_revoke, self.load_and_erase]

    def go_on(self, work: Callable[[House, random.Random], None], number: int) -> None:
        """Repeat some work until the end; where the keeper is away, try again."""
        rng, place = random.Random(number), self.house.place
        own = House(place, None, KeeperClient(place / "s", place / "assertion"))
        while not self.stop.is_set():
            try:
                work(own, rng)
            except KeeperDown:
                time.sleep(0.01)
            except Refused as refusal:
                self.wrong.append(f"{work.__name__} was refused: {refusal.code}")
                return

    def open_one(self, house: House, rng: random.Random) -> None:
        row = rng.randrange(PEOPLE)
        opened = house.open(self.grant, self.subjects[row : row + 1], self.envelopes[row * _SIZE : (row + 1) * _SIZE])
        with self._lock:
            self.seen[row] += 1
        if opened != [[f"Wang Fang {row}"]]:
            self.wrong.append("an envelope opened to something else")

    def grant_and_revoke(self, house: House, rng: random.Random) -> None:
        name = f"grant-{rng.getrandbits(64):x}"
        house.grant(self.subjects[:3], name)
        self.granted.add(name)
        house.ask.ask(protocol.Revoke(house.ask.sign(COMMANDER), name), protocol.Done)
        self.revoked.add(name)
        if _opens(house, name, self.subjects[:1], self.envelopes[:_SIZE]):
            self.wrong.append("a revoked grant opened somebody")

    def load_and_erase(self, house: House, rng: random.Random) -> None:
        sealed = house.seal(batch(LOADED, name="Loaded"))
        self.loaded.append(sealed)
        first = int(sealed[0][0])
        try:
            house.ask.ask(protocol.Erase(house.ask.sign(STEWARD), first), protocol.Done)
        except KeeperDown:
            return
        except Refused as refusal:
            if refusal.code != "gate.unknown_subject":  # what the keeper says when a lost request is repeated
                raise
        self.erased.add(first)

    def check_in_use(self) -> None:
        """Ask a keeper that runs for everything that it ever took over."""
        for number, (subjects, envelopes) in enumerate(self.loaded):
            grant = self.house.grant(subjects, f"at-the-end-{number}")
            people = self.house.open(grant, subjects, envelopes)
            if people[1:] != [[f"Loaded {row}"] for row in range(1, LOADED)]:
                self.wrong.append("people who were loaded do not open")
            if int(subjects[0]) in self.erased and people[0] is not None:
                self.wrong.append("somebody who was erased opened")
        slots = np.concatenate([self.subjects, *(subjects for subjects, _ in self.loaded)]) >> 32
        if len(np.unique(slots)) != len(slots):
            self.wrong.append("a slot was used twice")
        if any(_opens(self.house, name, self.subjects[:1], self.envelopes[:_SIZE]) for name in self.revoked):
            self.wrong.append("a revoked grant opened somebody")

    def check_folder(self) -> None:
        """Compare a keeper at rest with what was said: the log whole, a leaf for each opening, every grant known."""
        log.verify(self.house.folder)
        vault, logged = Vault(self.house.folder), openings_logged(self.house.folder)
        if any(logged[vault.pseudonym(int(self.subjects[row]))] < times for row, times in self.seen.items()):
            self.wrong.append("somebody was opened without a leaf")
        database = sqlite3.connect(self.house.folder / store.DATABASE)
        known = dict(database.execute("SELECT id, revoked FROM grants").fetchall())
        database.close()
        if not self.granted <= known.keys() or not all(known[name] for name in self.revoked):
            self.wrong.append("a grant, or its end, was forgotten")


def openings_logged(folder: Path) -> Counter[bytes]:
    """How many leaves say that a person was opened."""
    database = sqlite3.connect(folder / store.DATABASE)
    rows = database.execute("SELECT subjects FROM leaves WHERE kind = 'opened'").fetchall()
    database.close()
    return Counter(subject for (subjects,) in rows for subject in sixteens(subjects))


def _opens(house: House, grant: str, subjects: np.ndarray, envelopes: bytes) -> bool:
    request = protocol.Open(house.ask.sign(WORKER), grant, ["name"], subjects.tobytes(), envelopes)
    try:
        house.ask.ask(request, protocol.Opened)
    except KeeperDown:
        raise
    except Refused as refusal:
        return refusal.code != "gate.grant_ended"
    return True


if __name__ == "__main__":
    sys.exit(main())
