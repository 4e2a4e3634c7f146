"""Where an abuse drill plays: a keeper of its own with people who are made up, and those who come to its counters.

An abuser does not mind the house's doors, so these drills talk to the keeper itself (contract 5b makes an exception).
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cityloom.drills.domain.abuse import Findings
from cityloom.keeper import assertion, protocol, record, store
from cityloom.keeper.desk import Desk
from cityloom.keeper.leaf import sixteens
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor

R = TypeVar("R")
KEY = b"the key that web and keeper share in a drill"
SIZE = record.ENVELOPE_BYTES
CLERK = Actor("clerk-1", "city/education", frozenset({"case-handler"}))
SUPERVISOR = Actor("supervisor-1", "city/education", frozenset({"supervisor"}))
OTHER_SUPERVISOR = Actor("supervisor-2", "city/education", frozenset({"supervisor"}))
THIRD_SUPERVISOR = Actor("supervisor-3", "city/education", frozenset({"supervisor"}))
STEWARD = Actor("steward-1", "city", frozenset({"steward"}))
OFFICER = Actor("officer-1", "city", frozenset({"data-protection-officer"}))
AUDITOR = Actor("auditor-1", "city", frozenset({"auditor"}))
COMMANDER = Actor("commander-1", "city", frozenset({"commander"}))
WORKER = Actor("worker-1", "city/nanshan/c01", frozenset({"social-worker"}))
OPERATOR = Actor("operator-1", "city", frozenset({"operator"}))
PURPOSE: dict[str, object] = {
    "purpose": "school-enrolment", "basis": "edu-12", "statute": "Compulsory Education Law", "article": "Article 12",
    "fields": ["name", "birth_date"], "units": ["city/education"], "roles": ["case-handler"],
    "granters": ["supervisor"], "approvers": ["supervisor", "data-protection-officer"],
    "valid_until": "2099-01-01T00:00:00Z", "most_a_request": 20_000, "most_a_day": 1_000_000,
    "most_a_day_each": 1_000_000, "second_person_above": 50, "retention_days": 30,
    "predicates": ["age-at-least", "is"], "search": ["national_id"], "services": {"city": 1_000_000},
}  # fmt: skip


@dataclass(frozen=True)
class Scale:
    """How large a run is: people in the city, and how often what is repeated is repeated."""

    people: int
    mutations: int
    kills: int
    seed: int = 1

    @property
    def requests(self) -> int:
        """Requests of the replay: as many as in Estonia in 2021 where the city is large enough."""
        return 286_438 if self.people >= 200_000 else self.people // 2


@dataclass
class Stage:
    """What one drill gets: a folder of its own, the scale, chance, and where to note what it finds."""

    place: Path
    scale: Scale
    found: Findings
    rng: random.Random

    @contextmanager
    def office(self, name: str = "keeper", *, count: int = 0) -> Iterator[Office]:
        """A keeper's desk in this process, on a clock that is put forward by hand, with so many people sealed."""
        folder = self.place / name
        noon = clock.now().replace(hour=12, minute=0, second=0, microsecond=0)  # budgets begin anew at midnight
        with clock.use(clock.DrillClock(noon)) as moving:
            store.initialise(folder)
            made = Office(folder, moving)
            try:
                if count:
                    made.seal(people(count))
                yield made
            finally:
                made.desk.close()


class Office:
    """One keeper in this process, and short ways to ask it."""

    def __init__(self, folder: Path, moving: clock.DrillClock) -> None:
        self.folder = folder
        self.clock = moving
        self.desk = Desk(folder, KEY)
        self.subjects = np.zeros(0, np.int64)
        self.envelopes = b""

    def seal(self, batch: record.PeopleBatch) -> None:
        """Add people."""
        subjects, envelopes = self.desk.vault.seal(self.desk.reserve(len(batch)), batch.records, batch.traits)
        self.desk.vault.settle()
        self.subjects = np.concatenate([self.subjects, subjects])
        self.envelopes += envelopes.tobytes()

    def envelope(self, row: int, count: int = 1) -> bytes:
        """The envelopes of people who stand one after another."""
        return self.envelopes[row * SIZE : (row + count) * SIZE]

    def sign(self, by: Actor, *, service: str = "city", step_up_at: int = 0, at: datetime | None = None,
             exercise_id: str = "") -> protocol.Signed:  # fmt: skip
        """Claims of somebody who is signed in."""
        drill_at = clock.to_text(at) if at and exercise_id else ""
        return assertion.sign(by, key=KEY, now_s=int(clock.now().timestamp()), service=service, step_up_at=step_up_at,
                              drill_at=drill_at, exercise_id=exercise_id)  # fmt: skip

    def fresh(self, by: Actor) -> protocol.Signed:
        """Claims of somebody who has just shown a second factor."""
        return self.sign(by, step_up_at=int(clock.now().timestamp()))

    def enact(self, **changed: object) -> int:
        """Put a purpose into force, as one steward and one officer would; return its version."""
        document = PURPOSE | changed
        proposed = protocol.ProposePurpose(self.sign(STEWARD), json.dumps(document).encode())
        version = self.ask(proposed, protocol.Done).count
        decided = protocol.DecidePurpose(self.fresh(OFFICER), str(document["purpose"]), version, True)
        self.ask(decided, protocol.Done)
        return version

    def grant(self, subjects: NDArray[np.int64], by: Actor = SUPERVISOR, **over: object) -> str:
        """A grant; the reply is the keeper's."""
        request = self.order(subjects, by, **over)
        self.ask(request, protocol.Granted)
        return request.id

    def order(self, subjects: NDArray[np.int64], by: Actor = SUPERVISOR, **over: object) -> protocol.Grant:
        """What asks for a grant."""
        values: dict[str, object] = {
            "who": self.sign(by), "id": ids.new_ulid(), "purpose": "school-enrolment", "basis": "", "fields": ["name"],
            "holder": CLERK.account, "until": clock.to_text(clock.now() + timedelta(days=20)),
            "subjects": np.asarray(subjects, np.int64).tobytes(), "incident_id": "CASE-1",
        } | over  # fmt: skip
        return protocol.Grant(**values)  # type: ignore[arg-type]

    def open(self, grant: str, row: int, count: int = 1, *, who: protocol.Signed | None = None,
             fields: tuple[str, ...] = ("name",)) -> protocol.Reply:  # fmt: skip
        """Open people who stand one after another; the reply, whatever it is."""
        subjects = self.subjects[row : row + count].tobytes()
        request = protocol.Open(who or self.sign(CLERK), grant, list(fields), subjects, self.envelope(row, count))
        return self.desk.answer(request)

    def link(self, national_id: str, account: str) -> tuple[bytes, str]:
        """Link a resident's account as sign-in does; the sealed link and its handle."""
        asked = protocol.LinkSearch(self.sign(SYSTEM), account, "national_id", national_id)
        found = self.ask(asked, protocol.Candidates)
        match = protocol.Match(self.sign(SYSTEM), found.ticket, self.envelopes_of(found.subjects))
        linked = self.ask(match, protocol.Linked)
        return linked.link, linked.handle

    def envelopes_of(self, subjects: bytes) -> bytes:
        """The envelopes of people in any order."""
        rows = np.searchsorted(self.subjects, np.frombuffer(subjects, "<i8"))
        return np.frombuffer(self.envelopes, np.uint8).reshape(-1, SIZE)[rows].tobytes()

    def ask(self, request: protocol.Request, expected: type[R]) -> R:
        """The reply, which must be of this kind; else the drill itself is wrong."""
        reply = self.desk.answer(request)
        if not isinstance(reply, expected):
            raise RuntimeError(f"{type(request).__name__} was answered {reply}.")
        return reply

    def alarms(self) -> list[protocol.AlarmRow]:
        """Every alarm so far."""
        return self.ask(protocol.Watch(self.sign(AUDITOR), 0), protocol.Alarms).rows

    def leaves(self, kind: str, **facts: str) -> list[bytes]:
        """Whom the leaves of a kind are about, one pseudonym for each leaf (empty for one about nobody)."""
        database = store.connect(self.folder)
        try:
            rows = database.execute("SELECT facts, count, subjects FROM leaves WHERE kind = ? ORDER BY first", (kind,))
            found = []
            for text, count, subjects in rows:
                said = json.loads(text)
                if all(said.get(name) == value for name, value in facts.items()):
                    found += sixteens(subjects) or [b""] * count
            return found
        finally:
            database.close()

    def again(self) -> None:
        """Close and start on the same folder."""
        self.desk.close()
        self.desk = Desk(self.folder, KEY)


def refused(reply: object) -> str:
    """The code of a refusal; empty where it was none."""
    return reply.code if isinstance(reply, protocol.Denied) else ""


def people(count: int, first: int = 0) -> record.PeopleBatch:
    """People who are made up, each with an identity number of their own."""
    rows = np.arange(first, first + count)
    records = record.people_records(
        name=np.array([f"Wang Fang {row}".encode() for row in rows], "S48"),
        national_id=np.array([national_id(row).encode() for row in rows], "S18"),
        phone=np.array([f"+861{row:010}".encode() for row in rows], "S16"),
        birth_date=np.full(count, b"19900101", "S8"), need_note=np.full(count, "轮椅".encode(), "S36"),
    )  # fmt: skip
    traits = record.traits_of(age=rows % 90, sex=rows % 2, needs={"mobility": rows % 20 == 0})
    return record.PeopleBatch(records, traits)


def national_id(row: int) -> str:
    """The made-up identity number of a person."""
    return f"440305{row:011}X"
