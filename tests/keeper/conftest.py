"""A keeper's desk with a few people sealed, and the people who ask it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cityloom.keeper import assertion, protocol, record, store
from cityloom.keeper.desk import Desk
from cityloom.keeper.leaf import texts_of
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor

KEY = b"the key that web and keeper share"
COMMANDER = Actor("commander-1", "city", frozenset({"commander"}))
WORKER = Actor("worker-1", "city/nanshan/c01", frozenset({"social-worker"}))
OTHER_WORKER = Actor("worker-2", "city/nanshan/c01", frozenset({"social-worker"}))
STEWARD = Actor("steward-1", "city", frozenset({"steward"}))


def batch(count: int, *, need_every: int = 4, name: str = "Wang Fang") -> record.PeopleBatch:
    """People of whom every `need_every`-th needs help to leave."""
    rows = np.arange(count)
    names = np.array([f"{name} {row}".encode() for row in rows], "S48")
    records = record.people_records(
        name=names,
        national_id=np.full(count, b"440305199001011234", "S18"),
        phone=np.full(count, b"+8613800000000", "S16"),
        birth_date=np.full(count, b"19900101", "S8"),
        need_note=np.full(count, "轮椅".encode(), "S38"),
    )
    traits = record.traits_of(
        age=np.where(rows % 2, 30, 84), sex=rows % 2, needs={"mobility": rows % need_every == 0}
    )
    return record.PeopleBatch(records, traits)


class Office:
    """One keeper in this process, and short ways to ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk = Desk(folder, KEY)

    def seal(self, people: record.PeopleBatch) -> tuple[NDArray[np.int64], bytes]:
        return self.desk.vault.seal(self.desk.reserve(len(people)), people.records, people.traits)

    def sign(self, by: Actor, *, exercise_id: str = "", at: datetime | None = None) -> protocol.Signed:
        drill_at = clock.to_text(at) if at else ""
        return assertion.sign(by, key=KEY, now_s=int(time.time()), exercise_id=exercise_id, drill_at=drill_at)

    def grant(self, subjects: NDArray[np.int64], *, who: protocol.Signed | None = None, **over: object) -> str:
        values = {
            "id": ids.new_ulid(), "purpose": store.EMERGENCY, "basis": "", "fields": ["name", "phone"],
            "holder": WORKER.account, "until": clock.to_text(clock.now() + timedelta(hours=1)),
            "subjects": subjects.tobytes(), "incident_id": "INCIDENT",
        } | over  # fmt: skip
        reply = self.desk.answer(protocol.Grant(who or self.sign(COMMANDER), **values))
        assert isinstance(reply, protocol.Granted), reply
        return values["id"]

    def open(
        self, grant_id: str, subjects: NDArray[np.int64], envelopes: bytes, *, who: protocol.Signed | None = None,
        fields: tuple[str, ...] = ("name",),
    ) -> protocol.Reply:  # fmt: skip
        request = protocol.Open(who or self.sign(WORKER), grant_id, list(fields), subjects.tobytes(), envelopes)
        return self.desk.answer(request)

    def leaves(self, kind: str) -> list[bytes]:
        database = store.connect(self.folder)
        try:
            ask = "SELECT facts, cut, subjects FROM leaves WHERE kind = ? ORDER BY first"
            return [text for row in database.execute(ask, (kind,)) for text in texts_of(row[0].encode(), *row[1:])]
        finally:
            database.close()

    def again(self) -> None:
        """Close and start on the same folder."""
        self.desk.close()
        self.desk = Desk(self.folder, KEY)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    store.initialise(tmp_path / "keeper")
    made = Office(tmp_path / "keeper")
    yield made
    made.desk.close()
