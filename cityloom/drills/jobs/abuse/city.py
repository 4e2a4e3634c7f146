"""The city's side of a drill: its records, answered by a keeper's desk in this process, on a clock that is moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

import numpy as np

from cityloom.drills.jobs.abuse.stage import SIZE, Office
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.keeper import protocol
from cityloom.keeper.protocol import Signed
from cityloom.keeper.record import FIELD_SET, SealedBatch
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

R = TypeVar("R")


class Local:
    """A client of a desk in this process."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def sign(
        self, by: Actor, *, exercise_id: str = "", at: datetime | None = None, step_up_at: datetime | None = None
    ) -> Signed:
        """Say who asks."""
        stepped_s = int(step_up_at.timestamp()) if step_up_at else 0
        return self._office.sign(by, at=at, exercise_id=exercise_id, step_up_at=stepped_s)

    def ask(self, request: protocol.Request, expected: type[R]) -> R:
        """The reply. Raises: Refused."""
        reply = self._office.desk.answer(request)
        if isinstance(reply, protocol.Denied):
            raise Refused(reply.code, reply.sentence, value=reply.value, limit=reply.limit)
        if not isinstance(reply, expected):
            raise TypeError(f"The keeper answered {type(reply).__name__}, not {expected.__name__}.")
        return reply

    def ask_all(self, requests: Sequence[protocol.Request], expected: type[R]) -> list[R | Refused]:
        """The replies one after another; a refusal stands in its place."""
        found: list[R | Refused] = []
        for request in requests:
            try:
                found.append(self.ask(request, expected))
            except Refused as refusal:
                found.append(refusal)
        return found


@contextmanager
def answered_by(office: Office) -> Iterator[None]:
    """Let the city's gate ask this desk; its people's envelopes are in the city's database."""
    before = gate_queries._client
    gate_queries._client = lambda *_: Local(office)  # type: ignore[assignment]
    try:
        rows = np.frombuffer(office.envelopes, np.uint8).reshape(-1, SIZE)
        gate.store_envelopes(SealedBatch(office.subjects, rows, FIELD_SET, 1))
        yield
    finally:
        gate_queries._client = before


def refusal_of(act: object) -> str:
    """The code of the refusal that an act ends in; empty where it is done."""
    try:
        act()  # type: ignore[operator]
    except Refused as refusal:
        return refusal.code
    return ""
