"""A keeper's desk with a few people sealed, and the people who ask it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from cityloom.keeper import assertion, basis, protocol, record, store
from cityloom.keeper.desk import Desk
from cityloom.keeper.leaf import texts_of
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor

R = TypeVar("R")
KEY = b"the key that web and keeper share"
COMMANDER = Actor("commander-1", "city", frozenset({"commander"}))
WORKER = Actor("worker-1", "city/nanshan/c01", frozenset({"social-worker"}))
OTHER_WORKER = Actor("worker-2", "city/nanshan/c01", frozenset({"social-worker"}))
STEWARD = Actor("steward-1", "city", frozenset({"steward"}))
OFFICER = Actor("officer-1", "city", frozenset({"data-protection-officer"}))
OTHER_OFFICER = Actor("officer-2", "city", frozenset({"data-protection-officer"}))
AUDITOR = Actor("auditor-1", "city", frozenset({"auditor"}))
CLERK = Actor("clerk-1", "city/education", frozenset({"case-handler"}))
SUPERVISOR = Actor("supervisor-1", "city/education", frozenset({"supervisor"}))
OTHER_SUPERVISOR = Actor("supervisor-2", "city/education", frozenset({"supervisor"}))
RESIDENT = Actor("resident-1", "", frozenset({"resident"}))
ENROLMENT: dict[str, object] = {
    "purpose": "school-enrolment", "basis": "edu-12", "statute": "Compulsory Education Law", "article": "Article 12",
    "fields": ["name", "birth_date"], "units": ["city/education"], "roles": ["case-handler"],
    "granters": ["supervisor"], "approvers": ["supervisor", "data-protection-officer"],
    "valid_until": "2099-01-01T00:00:00Z", "most_a_request": 5000, "most_a_day": 8000, "most_a_day_each": 20,
    "second_person_above": 10, "retention_days": 30, "predicates": ["age-at-least", "is", "same-household"],
    "search": ["national_id"], "services": {"city": 30, "photo-service": 15},
}  # fmt: skip


def batch(count: int, *, need_every: int = 4, name: str = "Wang Fang") -> record.PeopleBatch:
    """People of whom every `need_every`-th needs help to leave."""
    rows = np.arange(count)
    names = np.array([f"{name} {row}".encode() for row in rows], "S48")
    records = record.people_records(
        name=names,
        national_id=np.full(count, b"440305199001011234", "S18"),
        phone=np.full(count, b"+8613800000000", "S16"),
        birth_date=np.full(count, b"19900101", "S8"),
        need_note=np.full(count, "轮椅".encode(), "S36"),
    )
    traits = record.traits_of(
        age=np.where(rows % 2, 30, 84), sex=rows % 2, needs={"mobility": rows % need_every == 0}
    )
    return record.PeopleBatch(records, traits)


class Office:
    """One keeper in this process, and short ways to ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock: clock.DrillClock
        self.desk = Desk(folder, KEY)

    def seal(self, people: record.PeopleBatch) -> tuple[NDArray[np.int64], bytes]:
        subjects, envelopes = self.desk.vault.seal(self.desk.reserve(len(people)), people.records, people.traits)
        self.desk.vault.settle()
        return subjects, envelopes.tobytes()

    def sign(
        self, by: Actor, *, exercise_id: str = "", at: datetime | None = None, **more: object
    ) -> protocol.Signed:
        drill_at = clock.to_text(at) if at else ""
        return assertion.sign(
            by, key=KEY, now_s=int(clock.now().timestamp()), exercise_id=exercise_id, drill_at=drill_at, **more
        )

    def grant(self, subjects: NDArray[np.int64], *, who: protocol.Signed | None = None, **over: object) -> str:
        values = {
            "id": ids.new_ulid(), "purpose": basis.EMERGENCY, "basis": "", "fields": ["name", "phone"],
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

    def fresh(self, by: Actor, **more: object) -> protocol.Signed:
        """Claims of somebody who has just shown a second factor."""
        return self.sign(by, step_up_at=int(clock.now().timestamp()), **more)

    def enact(self, **changed: object) -> int:
        """Put the purpose of school enrolment into force, as one steward and one officer would."""
        document = json.dumps(ENROLMENT | changed).encode()
        version = self.ask(protocol.ProposePurpose(self.sign(STEWARD), document), protocol.Done).count
        name = str((ENROLMENT | changed)["purpose"])
        self.ask(protocol.DecidePurpose(self.fresh(OFFICER), name, version, True), protocol.Done)
        return version

    def assign(self, subjects: NDArray[np.int64], *, by: Actor = SUPERVISOR, **over: object) -> str:
        """A supervisor's grant to the clerk for school enrolment."""
        values = {"purpose": "school-enrolment", "fields": ["name"], "holder": CLERK.account, "incident_id": "CASE-1"}
        return self.grant(subjects, who=self.sign(by), **values | over)

    def ask(self, request: protocol.Request, expected: type[R]) -> R:
        """The reply, which must be of this kind."""
        reply = self.desk.answer(request)
        assert isinstance(reply, expected), reply
        return reply

    def refused(self, request: protocol.Request) -> str:
        """The code of the refusal that there must be."""
        return self.ask(request, protocol.Denied).code

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
    with clock.use(clock.DrillClock(clock.now())) as standing:
        store.initialise(tmp_path / "keeper")
        made = Office(tmp_path / "keeper")
        made.clock = standing
        yield made
        made.desk.close()
