"""The counter for a status that burdens a person: named decision, evidence for each, a second person, an end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import numpy as np

from cityloom.keeper import protocol
from cityloom.keeper.basis import STATUS
from cityloom.keeper.decision import Facts
from cityloom.keeper.leaf import leaves
from cityloom.keeper.office import Asked, Office, instant_in
from cityloom.keeper.opening import subjects_in
from cityloom.keeper.protocol import Done, Reply
from cityloom.keeper.store import Statement
from cityloom.kernel import clock

EMERGENCY_LASTS = timedelta(hours=72)
APPEAL_AT_LEAST = timedelta(days=7)


class Statuses:
    """The keeper holds digests and pseudonyms; words and evidence stay with the city."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.ProposeStatus: self._propose, protocol.ApproveStatus: self._approve,
            protocol.EndStatus: self._end,
        }  # fmt: skip

    def _propose(self, request: protocol.ProposeStatus) -> Reply:
        office = self._office
        asked = office.asked(request.who, "propose-status", STATUS)
        subjects = subjects_in(request.subjects, protocol.MAX_OPENED)
        if not request.emergency:
            self._require_evidence(asked, request, len(subjects))
        office.decide(asked, Facts("propose-status", people=1 if request.emergency else len(subjects)))
        self._require_ends(asked, request)
        if not len(subjects) or not office.vault.alive(subjects).all() or len(np.unique(subjects)) != len(subjects):
            office.refuse(asked, "gate.nobody", "Each person of a status must be one whom the keeper holds, and named"
                          " once.", people=subjects)  # fmt: skip
        row = (request.id, request.kind, subjects.tobytes(), json.dumps(request.evidence), request.decision,
               request.until, request.appeal_until, request.emergency,
               office.account(asked.claims.account))  # fmt: skip
        if office.rows("SELECT 1 FROM status WHERE id = ?", (request.id,)):
            office.refuse(asked, "gate.status_differs", "There is a status of that id already; propose a new one.")
        about = office.leaf_about(asked, "status-proposed", about=request.id, people=len(subjects),
                                  decision=request.decision, subjects=office.digest(subjects))  # fmt: skip
        alarms = [office.alarm(asked, "status", about=request.id, people=len(subjects))]
        office.log.append([about], [(
            "INSERT INTO status (id, kind, subjects, evidence, decision, until, appeal_until, emergency, proposed_by)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row,
        ), *(alarms if request.emergency else ())])  # fmt: skip
        return Done(len(subjects))

    def _require_evidence(self, asked: Asked, request: protocol.ProposeStatus, people: int) -> None:
        """A group is not evidence: each person needs their own, and none may serve for two."""
        own = len(set(request.evidence))
        if len(request.evidence) != people or own != people:
            self._office.refuse(
                asked, "gate.no_evidence", "A status needs evidence of its own for each person: there are {limit}"
                " different ones for {value} people, so it was set for nobody.", value=people, limit=own,
            )  # fmt: skip

    def _require_ends(self, asked: Asked, request: protocol.ProposeStatus) -> None:
        now, basis = clock.now(), self._office.live_basis(STATUS)
        longest = EMERGENCY_LASTS if request.emergency else timedelta(days=basis.retention_days)
        until, appeal_until = instant_in(request.until), instant_in(request.appeal_until)
        if not now < until <= now + longest:
            self._office.refuse(asked, "gate.status_until", "A status must end by itself within {limit} days; give it"
                                " an earlier end.", limit=longest.days)  # fmt: skip
        if appeal_until < now + APPEAL_AT_LEAST:
            self._office.refuse(asked, "gate.no_appeal", "Those concerned must have at least {limit} days to appeal.",
                                limit=APPEAL_AT_LEAST.days)  # fmt: skip

    def _approve(self, request: protocol.ApproveStatus) -> Reply:
        office = self._office
        asked = office.asked(request.who, "approve-status", STATUS)
        kind, subjects, proposed_by, approved_by, ended_at, until = self._found(asked, request.id)
        by = office.account(asked.claims.account)
        office.decide(asked, Facts("approve-status", people=len(subjects), is_another=by != proposed_by))
        if ended_at or clock.from_text(until) <= clock.now():
            office.refuse(asked, "gate.status_ended", "This status was withdrawn or has ended; propose a new one.")
        if approved_by:
            return Done(0)
        change = ("UPDATE status SET approved_by = ? WHERE id = ?", (by, request.id))
        names = office.vault.pseudonyms(subjects)
        office.log_people(asked, None, "status-set", names, [], [change], about=request.id, status=kind, until=until)
        return Done(len(subjects))

    def _end(self, request: protocol.EndStatus) -> Reply:
        office = self._office
        asked = office.asked(request.who, "end-status", STATUS)
        kind, subjects, _, approved_by, ended_at, _ = self._found(asked, request.id)
        office.decide(asked, Facts("end-status", people=len(subjects)), needs_basis=False)
        if ended_at:
            return Done(0)
        change = ("UPDATE status SET ended_at = ? WHERE id = ?", (clock.to_text(clock.now()), request.id))
        if approved_by:
            self._log_end(asked, subjects, change, about=request.id, status=kind)
        else:
            office.log.append([office.leaf_about(asked, "status-withdrawn", about=request.id)], [change])
        return Done(len(subjects))

    def _log_end(self, asked: Asked, subjects: np.ndarray, change: Statement, **more: object) -> None:
        """One leaf for each person; no budget is asked, as what frees people must not wait for another day."""
        office = self._office
        facts = office.facts_about(asked) | {"fields": []} | more
        pseudonyms = office.vault.pseudonyms(subjects[office.vault.alive(subjects)])
        office.log.append(leaves("status-ended", facts, pseudonyms), [change])

    def _found(self, asked: Asked, status_id: str) -> tuple[str, np.ndarray, str, str, str, str]:
        rows = self._office.rows(
            "SELECT kind, subjects, proposed_by, approved_by, ended_at, until FROM status WHERE id = ?", (status_id,)
        )
        if not rows:
            self._office.refuse(asked, "gate.no_status", "There is no such status; reload the list.")
        kind, subjects, *rest = rows[0]
        return kind, np.frombuffer(subjects, "<i8"), *rest
