"""The counter where the glass is broken: a commander opens at once, and somebody else reviews it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from cityloom.keeper import protocol, store
from cityloom.keeper.basis import GLASS, OVERSIGHT
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Asked, Office, instant_in
from cityloom.keeper.opening import subjects_in
from cityloom.keeper.protocol import Done, Reply
from cityloom.keeper.store import Grant
from cityloom.kernel import clock

LASTS = timedelta(hours=1)
REVIEW_WITHIN = timedelta(hours=72)
OUTCOMES = ("justified", "not-justified")


class Glass:
    """A grant to oneself, an alarm, and a review with a clock."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.BreakGlass: self._break, protocol.ReviewGlass: self._review, protocol.ReadGlass: self._read,
        }  # fmt: skip

    def _break(self, request: protocol.BreakGlass) -> Reply:
        office = self._office
        asked = office.asked(request.who, "break-glass", GLASS, request.incident_id)
        subjects = np.unique(subjects_in(request.subjects, protocol.MAX_OPENED))
        office.decide(asked, Facts("break-glass", tuple(request.fields), len(subjects)))
        known = office.find_grant(request.id)
        if known is not None and known.granted_by != office.account(asked.claims.account):
            office.refuse(asked, "gate.grant_differs",
                          "There is a grant with that id that allows something else; make a new one.")  # fmt: skip
        if not office.vault.alive(subjects).any():
            office.refuse(asked, "gate.nobody", "Name at least one person whom the keeper holds.")
        if known is None:
            self._make(asked, request, subjects)
        return protocol.Granted(len(subjects), office.live_basis(GLASS).id)

    def _make(self, asked: Asked, request: protocol.BreakGlass, subjects: np.ndarray) -> None:
        office, now, claims = self._office, clock.now(), asked.claims
        begins = instant_in(claims.drill_at) if claims.exercise_id and claims.drill_at else now
        account = office.account(claims.account)
        grant = Grant(
            request.id, GLASS, office.live_basis(GLASS).id, tuple(sorted(request.fields)), claims.account,
            begins + LASTS, request.incident_id, claims.exercise_id, "", office.digest(subjects), granted_at=now,
            granted_by=account, subjects=subjects,
        )  # fmt: skip
        row = (grant.id, account, account, claims.unit, clock.to_text(now), clock.to_text(now + REVIEW_WITHIN),
               claims.exercise_id)  # fmt: skip
        about = office.leaf_about(asked, "glass-broken", grant, people=len(subjects), reason=request.reason,
                                  subjects=grant.digest)  # fmt: skip
        office.log.append([about], [
            store.insert_grant(grant), office.alarm(asked, "glass", about=grant.id, people=len(subjects)),
            ("INSERT INTO glass (id, account, actor, unit, broken_at, due_at, exercise_id)"
             " VALUES (?, ?, ?, ?, ?, ?, ?)", row),
        ])  # fmt: skip
        office.reviews.begin(grant.id, account, clock.to_text(now + REVIEW_WITHIN), claims.exercise_id)

    def _review(self, request: protocol.ReviewGlass) -> Reply:
        office = self._office
        asked = office.asked(request.who, "review", GLASS)
        found = office.rows("SELECT account, reviewed_at FROM glass WHERE id = ?", (request.id,))
        if not found or request.outcome not in OUTCOMES:
            office.refuse(asked, "gate.no_glass", "There is nothing of that id to review; say {limit}.",
                          limit=" or ".join(OUTCOMES))  # fmt: skip
        by = office.account(asked.claims.account)
        office.decide(asked, Facts("review", is_another=by != found[0][0]), needs_basis=False)
        if found[0][1]:
            return Done(0)
        about = office.leaf_about(asked, "glass-reviewed", about=request.id, outcome=request.outcome)
        office.log.append([about], [(
            "UPDATE glass SET reviewed_at = ?, reviewed_by = ?, outcome = ? WHERE id = ? AND reviewed_at = ''",
            (clock.to_text(clock.now()), by, request.outcome, request.id),
        )])  # fmt: skip
        office.reviews.end(request.id, found[0][0])
        return Done(1)

    def _read(self, request: protocol.ReadGlass) -> Reply:
        asked = self._office.asked(request.who, "watch", OVERSIGHT)
        self._office.decide(asked, Facts("watch"), needs_basis=False)
        rows = self._office.rows(
            "SELECT id, actor, unit, broken_at, due_at, exercise_id FROM glass WHERE reviewed_at = '' ORDER BY due_at"
        )
        return protocol.GlassIs([protocol.GlassRow(*row) for row in rows])
