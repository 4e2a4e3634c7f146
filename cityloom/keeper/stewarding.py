"""The counter where purposes are made: one person proposes, another approves, every version is kept."""

from __future__ import annotations

from collections.abc import Callable

from cityloom.keeper import basis as basis_room
from cityloom.keeper import protocol, store
from cityloom.keeper.basis import OVERSIGHT
from cityloom.keeper.decision import Facts, check_policy
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.protocol import Done, Reply
from cityloom.keeper.store import ACTIVE, PROPOSED, RETIRED, WITHDRAWN
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused


class Purposes:
    """Purposes and their policies, versioned."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.ReadBasis: self._basis, protocol.ReadPurposes: self._read,
            protocol.ProposePurpose: self._propose, protocol.DecidePurpose: self._decide,
        }  # fmt: skip

    def _basis(self, request: protocol.ReadBasis) -> Reply:
        basis = self._office.live_basis(request.purpose)
        return protocol.BasisIs(
            basis.purpose, basis.version, basis.id, basis.citation, list(basis.fields), list(basis.units),
            list(basis.roles), clock.to_text(basis.valid_until), basis.max_subjects,
        )  # fmt: skip

    def _read(self, request: protocol.ReadPurposes) -> Reply:
        asked = self._office.asked(request.who, "watch", OVERSIGHT)
        self._office.decide(asked, Facts("watch"), needs_basis=False)
        rows = self._office.rows(
            "SELECT purpose, version, state, document, proposed_by, proposed_at, decided_by, decided_at FROM purpose"
            " ORDER BY purpose, version DESC"
        )
        found = [protocol.PurposeRow(*row, self._spent(row[0], row[1])) for row in rows]
        return protocol.PurposesAre(found)

    def _spent(self, purpose: str, version: int) -> int:
        basis = self._office.basis(purpose)
        return self._office.spent(basis) if basis is not None and basis.version == version else 0

    def _propose(self, request: protocol.ProposePurpose) -> Reply:
        office = self._office
        asked = office.asked(request.who, "propose-purpose", OVERSIGHT)
        office.decide(asked, Facts("propose-purpose"), needs_basis=False)
        wanted = basis_room.read_document(request.document)
        check_policy(wanted.policy)
        if wanted.valid_until <= clock.now():
            raise Refused("gate.bad_purpose", "The purpose would end before it begins: {value}; give it a later end.",
                          value=clock.to_text(wanted.valid_until))  # fmt: skip
        (newest,) = office.rows("SELECT MAX(version) FROM purpose WHERE purpose = ?", (wanted.purpose,))[0]
        made = basis_room.numbered(wanted, (newest or 0) + 1)
        by = office.account(asked.claims.account)
        digest = office.vault.keyed(b"purpose", basis_room.as_json(made).encode())
        about = office.leaf_about(
            asked, "purpose-proposed", about=made.purpose, number=made.version, document=digest
        )
        office.log.append([about], [store.propose_purpose(made, by, clock.now())])
        return Done(made.version)

    def _decide(self, request: protocol.DecidePurpose) -> Reply:
        office = self._office
        action = "approve-purpose" if request.approve else "withdraw-purpose"
        asked = office.asked(request.who, action, OVERSIGHT)
        found = office.rows(
            "SELECT state, proposed_by FROM purpose WHERE purpose = ? AND version = ?",
            (request.purpose, request.version),
        )
        if not found:
            office.refuse(asked, "gate.no_purpose", "There is no such version of that purpose; reload the list.")
        state, proposed_by = found[0]
        by = office.account(asked.claims.account)
        office.decide(asked, Facts(action, is_another=by != proposed_by), needs_basis=False)
        self._check_state(asked, state, approve=request.approve)
        self._write(asked, request, by)
        return Done(request.version)

    def _check_state(self, asked: Asked, state: str, *, approve: bool) -> None:
        if state in (RETIRED, WITHDRAWN) or (approve and state != PROPOSED):
            self._office.refuse(asked, "gate.purpose_state", "This version is {value}; propose a new one.", value=state)

    def _write(self, asked: Asked, request: protocol.DecidePurpose, by: str) -> None:
        office, now = self._office, clock.now()
        changes = []
        if request.approve:
            changes.append((
                "UPDATE purpose SET state = ? WHERE purpose = ? AND state = ?", (RETIRED, request.purpose, ACTIVE)
            ))  # fmt: skip
        to = ACTIVE if request.approve else WITHDRAWN
        changes.append(store.decide_purpose(request.purpose, request.version, to, by, now))
        kind = "purpose-approved" if request.approve else "purpose-withdrawn"
        office.log.append([office.leaf_about(asked, kind, about=request.purpose, number=request.version)], changes)
        office.read_purposes()
