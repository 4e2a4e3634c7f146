"""The counter of those who look after the gate: alarms, flows, honey residents, breakers, and who is behind a name."""

from __future__ import annotations

import json
from collections.abc import Callable

from cityloom.keeper import protocol
from cityloom.keeper.basis import OVERSIGHT
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.opening import subjects_in
from cityloom.keeper.protocol import Done, Reply, Signed

_ALARM = "i, at, kind, purpose, actor, unit, service, about, people, exercise_id"
_FLOW = "day, unit, role, purpose, kind, service, exercise, leaves, people"


class Watching:
    """None of this opens anybody."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.Watch: self._alarms, protocol.Flows: self._flows, protocol.SetHoney: self._honey,
            protocol.ResetBreaker: self._reset, protocol.ReadBreakers: self._breakers, protocol.Unmask: self._unmask,
            protocol.ReadEntry: self._entry,
        }  # fmt: skip

    def _may(self, who: Signed, action: str) -> Asked:
        asked = self._office.asked(who, action, OVERSIGHT)
        self._office.decide(asked, Facts(action), needs_basis=False)
        return asked

    def _alarms(self, request: protocol.Watch) -> Reply:
        self._may(request.who, "watch")
        ask = f"SELECT {_ALARM} FROM alarm WHERE i > ? ORDER BY i LIMIT ?"  # noqa: S608 - a constant
        rows = self._office.rows(ask, (request.after, request.limit))
        return protocol.Alarms([protocol.AlarmRow(*row) for row in rows])

    def _flows(self, request: protocol.Flows) -> Reply:
        self._may(request.who, "watch")
        ask = f"SELECT {_FLOW} FROM flow WHERE day BETWEEN ? AND ? ORDER BY day DESC, people DESC LIMIT 5000"  # noqa: S608
        rows = self._office.rows(ask, (request.first, request.last))
        return protocol.FlowsAre([protocol.FlowRow(*row[:6], bool(row[6]), *row[7:]) for row in rows])

    def _honey(self, request: protocol.SetHoney) -> Reply:
        office = self._office
        asked = self._may(request.who, "set-honey")
        subjects = subjects_in(request.subjects, protocol.MAX_OPENED)
        chosen = office.vault.pseudonyms(subjects[office.vault.alive(subjects)])
        changes = [("INSERT OR IGNORE INTO honey VALUES (?)", (one,)) for one in chosen]
        office.log.append([office.leaf_about(asked, "honey-set", people=len(chosen))], changes)
        office.honey.update(chosen)
        return Done(len(chosen))

    def _reset(self, request: protocol.ResetBreaker) -> Reply:
        asked = self._may(request.who, "reset-breaker")
        about = self._office.leaf_about(asked, "breaker-reset", about=request.purpose, system=request.service)
        self._office.log.append([about], [self._office.reset_breaker(request.purpose, request.service)])
        return Done(1)

    def _breakers(self, request: protocol.ReadBreakers) -> Reply:
        self._may(request.who, "watch")
        rows = self._office.rows("SELECT purpose, service, at FROM tripped ORDER BY at DESC")
        return protocol.BreakersAre([tuple(row) for row in rows])

    def _entry(self, request: protocol.ReadEntry) -> Reply:
        asked = self._may(request.who, "watch")
        try:
            facts = json.loads(self._office.log.read(request.index).text)
        except ValueError:
            self._office.refuse(asked, "gate.no_such_leaf", "The log is not that long; ask for its head first.")
        facts.pop("subject", None)
        return protocol.EntryIs(json.dumps(facts).encode())

    def _unmask(self, request: protocol.Unmask) -> Reply:
        asked = self._may(request.who, "unmask")
        self._office.log.append([self._office.leaf_about(asked, "unmasked", reason=request.reason)])
        return protocol.Unmasked([self._office.account(account) for account in request.accounts])
