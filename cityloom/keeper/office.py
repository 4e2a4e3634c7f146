"""What every counter of the keeper shares: who asks, whether they may, the budgets, and the log.

The order is the rule: decide, append the leaves, fsync, open. Whatever goes wrong on the way is a refusal.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import assertion, protocol, store
from cityloom.keeper.assertion import BadAssertion, Claims
from cityloom.keeper.basis import EMERGENCY, OF_PACKETS, Basis
from cityloom.keeper.budgets import Budgets, Overdrawn, Scope
from cityloom.keeper.decision import Facts, policies_for
from cityloom.keeper.guard import ClockGuard
from cityloom.keeper.leaf import MOST_ALIKE, NewLeaf, leaf, leaves, sixteens
from cityloom.keeper.log import Log
from cityloom.keeper.protocol import Signed
from cityloom.keeper.reviews import Reviews
from cityloom.keeper.store import Grant, Statement
from cityloom.keeper.vault import Vault
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

EXERCISE_LASTS = timedelta(hours=24)
"""An exercise runs on its own clock, so its grants also end a day after they were made, by the computer's clock."""
STEP_UP_LASTS_S = 300
STATISTICS = "statistics"
"""What is counted for everybody has no purpose of its own."""
NOBODY = Claims("", "", [], 0, 0)
COUNTED_KINDS = ("opened", "listed", "searched", "asked")
"""Leaves that are about a person and cost the budgets."""
LINKING = "linking"
WEIGHED_A_DAY = 200_000
"""How many people of the register may be opened in a day to be compared with files, where the purpose says nothing."""
WEIGHED = "weighed"
"""Leaves about a person who was compared with a file."""
_GRANTS_KEPT, _ACCOUNTS_KEPT = 512, 4096
_FREE_WHEN_SUSPENDED = ("revoke", "read", "contest", "watch", "review")
_NO_BASIS = "There is no legal basis in force for {value}; nothing can be opened for it."


@dataclass(frozen=True)
class Asked:
    """A request that came from somebody: who, for which purpose, and what the log will say of it."""

    claims: Claims
    action: str
    purpose: str
    incident_id: str = ""


class Noted(Refused):
    """A refusal that has its leaf in the log."""


class Office:
    """The vault, the log, the purposes in force, the grants and the budgets. Safe in many threads."""

    def __init__(self, folder: Path, assertion_key: bytes) -> None:
        self._key = assertion_key
        self.vault = Vault(folder)
        self.log = Log(folder)
        self._database = store.connect(folder)
        store.bring_up_to_date(self._database)
        self._lock = threading.RLock()
        self._grants: OrderedDict[str, Grant] = OrderedDict()
        self._budgets = Budgets()
        self._alarmed: set[tuple[date, str, tuple[str, ...]]] = set()
        self._guard = ClockGuard(self._newest_leaf())
        self.account = lru_cache(_ACCOUNTS_KEPT)(self._account)
        self.read_purposes()
        self._tripped = {tuple(row) for row in self.rows("SELECT purpose, service FROM tripped")}
        self.honey = {row[0] for row in self.rows("SELECT pseudonym FROM honey")}
        self.reviews = Reviews(self.rows("SELECT id, account, due_at, exercise_id FROM glass WHERE reviewed_at = ''"))
        self._recall_today()

    def close(self) -> None:
        """Finish the log."""
        self.log.close()
        self._database.close()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:
        """Read the keeper's own database."""
        with self._lock:
            return self._database.execute(sql, values).fetchall()

    # Purposes.

    def read_purposes(self) -> None:
        """Take the purposes that are in force from the database."""
        bases = {basis.purpose: basis for basis in store.read_bases(self._database)}
        policies = {name: policies_for(basis) for name, basis in bases.items()}
        names = {name for (name,) in self.rows("SELECT DISTINCT purpose FROM purpose")}
        with self._lock:
            self._bases, self._policies, self._purposes = bases, policies, names | {"", STATISTICS}

    def basis(self, purpose: str) -> Basis | None:
        """The version of a purpose that is in force, its legal basis live or not."""
        return self._bases.get(purpose)

    def live_basis(self, purpose: str) -> Basis:
        """Raises: Refused `gate.no_basis`."""
        basis = self._bases.get(purpose)
        if basis is None or basis.valid_until <= clock.now():
            raise Refused("gate.no_basis", _NO_BASIS, value=purpose[:64])
        return basis

    # Deciding.

    def asked(self, who: Signed, action: str, purpose: str, incident_id: str = "") -> Asked:
        """Who asks for what. Raises: Refused `gate.not_signed_in`."""
        try:
            claims = assertion.verify(who, key=self._key, now_s=int(clock.now().timestamp()))
        except BadAssertion as reason:
            self.refuse(Asked(NOBODY, action, purpose, incident_id), "gate.not_signed_in",
                        "The keeper could not tell who asks ({value}); sign in again.", value=str(reason))  # fmt: skip
        return Asked(claims, action, purpose, incident_id)

    def asker(self, request: object) -> Asked:
        """Who sent a request that no counter could read to its end; nobody where that cannot be told."""
        try:
            claims = assertion.verify(request.who, key=self._key, now_s=int(clock.now().timestamp()))
        except (BadAssertion, AttributeError):
            claims = NOBODY
        return Asked(claims, protocol.name_of(request), "")

    def decide(self, asked: Asked, facts: Facts, *, needs_basis: bool = True) -> None:
        """Refuse unless the clock, the basis, the calling service and the policies all allow this."""
        now = self._believable(asked)
        basis = self._bases.get(asked.purpose)
        if needs_basis and (basis is None or basis.valid_until <= now):
            self.refuse(asked, "gate.no_basis", _NO_BASIS, value=asked.purpose[:64])
        if needs_basis and basis.limit_of(asked.claims.service) == 0:
            self.refuse(asked, "gate.service", "The system {value} may not use this purpose; have its steward add it.",
                        value=asked.claims.service[:64])  # fmt: skip
        if asked.action not in _FREE_WHEN_SUSPENDED:
            self._require_reviewed(asked, now)
        facts = replace(facts, step_up=is_fresh(asked.claims, now))
        policies = self._policies.get(asked.purpose)
        if policies is None or not policies.allows(asked.claims, facts):
            self.refuse(asked, "gate.not_allowed",
                        "Your role, unit or request is not within what {value} allows; ask the person in command.",
                        value=asked.purpose[:64])  # fmt: skip

    def _believable(self, asked: Asked) -> datetime:
        try:
            return self._guard.now()
        except Refused as refusal:
            self.refuse(asked, refusal.code, refusal.template, value=refusal.value)

    def _require_reviewed(self, asked: Asked, now: datetime) -> None:
        """Whoever broke the glass and was not reviewed in time opens nothing more."""
        if self.reviews.overdue(self.account(asked.claims.account), asked.claims.exercise_id, now):
            self.refuse(asked, "gate.suspended", "You broke the glass and nobody has reviewed it within 72 hours, so"
                        " you can open nothing; ask the data protection officer for the review.")  # fmt: skip

    def there(self, purpose: str, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these a purpose can be about: people of the register, or packets for a purpose of packets."""
        return (self.vault.held if purpose in OF_PACKETS else self.vault.alive)(subjects)

    # Grants.

    def find_grant(self, grant_id: str) -> Grant | None:
        """A grant with its people."""
        with self._lock:
            grant = self._grants.get(grant_id) or store.read_grant(self._database, grant_id)
            if grant is not None:
                self.keep_grant(grant)
        return grant

    def keep_grant(self, grant: Grant) -> None:
        """Remember a grant as it now is."""
        with self._lock:
            self._grants[grant.id] = grant
            self._grants.move_to_end(grant.id)
            if len(self._grants) > _GRANTS_KEPT:
                self._grants.popitem(last=False)

    def live_grants_of(self, incident_id: str, exercise_id: str) -> list[Grant]:
        """The grants that nobody has revoked, of an incident, or without one of a whole exercise."""
        with self._lock:
            names = store.live_grants_of(self._database, incident_id, exercise_id)
        return [grant for name in names if (grant := self.find_grant(name))]

    def under_grant(self, who: Signed, action: str, grant_id: str) -> tuple[Asked, Grant]:
        """A request that rests on a grant. Raises: Refused `gate.no_grant`."""
        grant = self.find_grant(grant_id)
        asked = self.asked(
            who, action, grant.purpose if grant else EMERGENCY, grant.incident_id if grant else ""
        )
        if grant is None:
            self.refuse(asked, "gate.no_grant", "There is no such grant; the task or incident may have been removed.")
        return asked, grant

    def require_live(self, asked: Asked, grant: Grant) -> None:
        """Raises: Refused `gate.grant_ended`, `gate.needs_second`, `gate.wrong_exercise`."""
        if grant.revoked:
            self.refuse(asked, "gate.grant_ended", "This grant was ended; the task or incident is over.")
        if self.moment(asked, grant) >= grant.until:
            self.refuse(asked, "gate.grant_ended", "This grant has expired; ask for a new one.")
        basis = self._bases.get(grant.purpose)  # what it allows ends with its retention, whatever the grant says
        if not grant.exercise_id and basis and clock.now() >= grant.granted_at + timedelta(days=basis.retention_days):
            self.refuse(asked, "gate.grant_ended", "This grant has expired; ask for a new one.")
        if grant.needs_second and not grant.seconded_by:
            self.refuse(asked, "gate.needs_second", "A grant for {value} people needs a second person's approval before"
                        " anybody is opened; ask for it.", value=len(grant.subjects))  # fmt: skip

    def require_people(self, asked: Asked, grant: Grant, subjects: NDArray[np.int64]) -> None:
        """Raises: Refused `gate.not_granted`, `gate.too_many`."""
        basis = self._bases.get(asked.purpose)
        if not len(subjects) or not grant.names(subjects).all():
            self.refuse(asked, "gate.not_granted", "The grant does not name everyone who was asked for; ask only for"
                        " the people of your own task.", people=subjects)  # fmt: skip
        if basis is not None and len(subjects) > basis.max_subjects:
            self.refuse(asked, "gate.too_many", "{value} people in one request; this purpose allows {limit} at a time.",
                        value=len(subjects), limit=basis.max_subjects)  # fmt: skip

    def moment(self, asked: Asked, grant: Grant) -> datetime:
        """The time that the grant is judged by: the keeper's own, or in an exercise the drill's."""
        if asked.claims.exercise_id != grant.exercise_id:
            self.refuse(asked, "gate.wrong_exercise", "The grant belongs to another exercise, or to none.")
        if not grant.exercise_id:
            return clock.now()
        if clock.now() >= grant.granted_at + EXERCISE_LASTS:
            self.refuse(asked, "gate.grant_ended", "The exercise is over: its grants end after a day.")
        return instant_in(asked.claims.drill_at)

    # Budgets.

    def spend(self, asked: Asked, people: Sequence[bytes], *, grant: Grant | None = None) -> None:
        """Book people to the purpose, the person and the service. Raises: Refused `gate.budget`, `gate.breaker`.

        A rescue is bounded by its approved zone and its grants instead. What two people have agreed on in one grant is
        booked to the purpose alone.
        """
        basis = self._bases.get(asked.purpose)
        if asked.purpose == EMERGENCY or basis is None:
            return
        claims, agreed = asked.claims, grant is not None and bool(grant.seconded_by)
        if not agreed and (asked.purpose, claims.service) in self._tripped and not claims.exercise_id:
            self.refuse(asked, "gate.breaker", "Openings for {value} through this system were stopped after too many"
                        " people in one day; the data protection officer can start them again.",
                        value=asked.purpose)  # fmt: skip
        over = self._budgets.spend(clock.now().date(), self._scopes(asked, basis, agreed=agreed), people)
        if over is not None:
            self._overdrawn(asked, over)

    def spend_on_weighing(self, asked: Asked, people: Sequence[bytes]) -> None:
        """Book people who are compared with a department's file, to an account of its own.

        The purpose may name how many a day under the service `linking`. Raises: Refused `gate.budget`.
        """
        basis = self.live_basis(asked.purpose)
        limit = dict(basis.services).get(LINKING, WEIGHED_A_DAY)
        scope = Scope(LINKING, (asked.purpose, world_of(asked.claims.exercise_id)), limit)
        over = self._budgets.spend(clock.now().date(), [scope], people)
        if over is not None:
            self._overdrawn(asked, over)

    def _scopes(self, asked: Asked, basis: Basis, *, agreed: bool) -> list[Scope]:
        claims, purpose, world = asked.claims, asked.purpose, world_of(asked.claims.exercise_id)
        whole = Scope("purpose", (purpose, world), basis.max_a_day)
        if agreed:
            return [whole]
        account = self.account(claims.account)
        return [
            whole, Scope("opener", (purpose, account, world), basis.max_a_day_each),
            Scope("service", (purpose, claims.service, world), basis.limit_of(claims.service)),
        ]  # fmt: skip

    def _overdrawn(self, asked: Asked, over: Overdrawn) -> NoReturn:
        scope, today, changes = over.scope, clock.now().date(), []
        stops_all = scope.kind == "service" and not asked.claims.exercise_id
        with self._lock:
            first = (today, scope.kind, scope.key) not in self._alarmed
            self._alarmed.add((today, scope.kind, scope.key))
            if stops_all:
                self._tripped.add((asked.purpose, asked.claims.service))
        if first:
            changes.append(self.alarm(asked, "budget", about=scope.kind, people=over.would_be))
        if first and stops_all:
            at = clock.to_text(clock.now())
            row = (asked.purpose, asked.claims.service, at)
            changes.append(("INSERT OR IGNORE INTO tripped VALUES (?, ?, ?)", row))
        self.refuse(
            asked, "gate.budget", "That would be {value} different people today, and the limit is {limit}; what is"
            " needed beyond that takes a grant that a second person approves.", value=over.would_be, limit=scope.limit,
            changes=changes,
        )  # fmt: skip

    def reset_breaker(self, purpose: str, service: str) -> Statement:
        """Let openings go on; the day's budgets stay spent."""
        with self._lock:
            self._tripped.discard((purpose, service))
        return "DELETE FROM tripped WHERE purpose = ? AND service = ?", (purpose, service)

    def spent(self, basis: Basis) -> int:
        """How many different people were reached today for a purpose, exercises left out."""
        return self._budgets.spent(clock.now().date(), "purpose", (basis.purpose, ""))

    # Alarms.

    def alarm(self, asked: Asked, kind: str, *, about: str = "", people: int = 0) -> Statement:
        """What rings at the data protection officer's; it goes to the disk with the leaves it belongs to."""
        claims = asked.claims
        return (
            "INSERT INTO alarm (at, kind, purpose, actor, unit, service, about, people, exercise_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (clock.to_text(clock.now()), kind, self._named(asked.purpose), self.account(claims.account),
             claims.unit[:80], claims.service, about[:64], people, claims.exercise_id),
        )  # fmt: skip

    def alarms_about(self, asked: Asked, people: Sequence[bytes]) -> list[Statement]:
        """The alarm that a honey resident rings."""
        caught = sum(person in self.honey for person in people) if self.honey else 0
        return [self.alarm(asked, "honey", people=caught)] if caught else []

    # Logging.

    def refuse(
        self, asked: Asked, code: str, sentence: str, *, value: object = None, limit: object = None,
        people: NDArray[np.int64] | None = None, changes: Sequence[Statement] = (),
    ) -> NoReturn:  # fmt: skip
        """Log a refusal, then raise it; whom it was about is a keyed digest, so that nobody can look existence up."""
        about = {} if people is None else {"people": len(people), "subjects": self.digest(people)}
        self.log.append([self.leaf_about(asked, "refused", code=code, **about)], changes)
        raise Noted(code, sentence, value=value, limit=limit)

    def log_people(
        self, asked: Asked, grant: Grant | None, kind: str, pseudonyms: Sequence[bytes], fields: Sequence[str],
        changes: Sequence[Statement] = (), **more: object,
    ) -> None:  # fmt: skip
        """Book people to the budgets, then put one leaf for each of them on the disk."""
        self.spend(asked, pseudonyms, grant=grant)
        facts = self.facts_about(asked, grant) | {"fields": sorted(fields)} | more
        self.log.append(leaves(kind, facts, pseudonyms), [*changes, *self.alarms_about(asked, pseudonyms)])

    def leaf_about(
        self, asked: Asked, kind: str, grant: Grant | None = None, *, subject: bytes | None = None, **more: object
    ) -> NewLeaf:
        """One leaf about a request."""
        return leaf(kind, self.facts_about(asked, grant) | more, subject)

    def facts_about(self, asked: Asked, grant: Grant | None = None) -> dict[str, object]:
        """What every leaf says."""
        claims, basis = asked.claims, self._bases.get(asked.purpose)
        return {
            "at": clock.to_text(clock.now()), "action": asked.action, "purpose": self._named(asked.purpose),
            "basis": f"{basis.id}/{basis.version}" if basis else "", "article": basis.citation if basis else "",
            "actor": self.account(claims.account), "unit": claims.unit, "role": _acting_role(claims, basis),
            "service": claims.service, "grant": grant.id if grant else "", "zone": grant.zone_digest if grant else "",
            "incident_id": grant.incident_id if grant else asked.incident_id[:64],
            "exercise_id": claims.exercise_id, "drill_at": claims.drill_at,
            "agreed": "yes" if grant is not None and grant.seconded_by else "",
        }  # fmt: skip

    def _named(self, purpose: str) -> str:
        """A purpose as the log says it: what nobody ever proposed is what somebody typed, and could name a person."""
        return purpose if purpose in self._purposes else "unknown"

    def _account(self, account: str) -> str:
        """What the log calls an account."""
        return self.vault.keyed(b"account", account.encode())

    def digest(self, subjects: NDArray[np.int64]) -> str:
        """What the log calls a set of people."""
        return self.vault.keyed(b"subjects", np.unique(subjects).tobytes())

    # Starting.

    def _newest_leaf(self) -> datetime | None:
        rows = self.rows("SELECT at FROM leaves ORDER BY first DESC LIMIT 1")
        return clock.from_text(rows[0][0]) if rows else None

    def _recall_today(self) -> None:
        """Book what was opened today before this process started."""
        today = clock.now().date()
        marks = ", ".join("?" for _ in (*COUNTED_KINDS, WEIGHED))
        rows = self.rows(
            "SELECT kind, purpose, actor, service, exercise_id, json_extract(facts, '$.agreed'), subjects FROM leaves"  # noqa: S608
            f" WHERE first >= ? AND kind IN ({marks}) AND at >= ?",
            (self._first_of(today), *COUNTED_KINDS, WEIGHED, today.isoformat()),
        )
        for leaf_kind, purpose, actor, service, exercise_id, agreed, subjects in rows:
            world = world_of(exercise_id)
            keys = {"purpose": (purpose, world)} if leaf_kind != WEIGHED else {LINKING: (purpose, world)}
            if not agreed and leaf_kind != WEIGHED:
                keys |= {"opener": (purpose, actor, world), "service": (purpose, service, world)}
            for kind, key in keys.items():
                self._budgets.recall(today, kind, key, sixteens(subjects))

    def _first_of(self, day: date) -> int:
        """The index of a day's first leaf, found by halving, as leaves stand in the order of time."""
        low, high = 0, self.log.head[0]
        while low < high:
            middle = (low + high) // 2
            (at,) = self.rows("SELECT at FROM leaves WHERE first <= ? ORDER BY first DESC LIMIT 1", (middle,))[0]
            low, high = (middle + 1, high) if at < day.isoformat() else (low, middle)
        return max(0, low - MOST_ALIKE)


def instant_in(text: str) -> datetime:
    """An instant of a message. Raises: Refused `gate.bad_request`."""
    try:
        found = clock.from_text(text)
    except (ValueError, OverflowError):
        found = None
    if found is None or not 1900 < found.year < 9000:  # so that spans can be added
        raise protocol.malformed()
    return found


def world_of(exercise_id: str) -> str:
    """Which budgets an opening is booked to: all exercises share theirs, or each new one would bring a new budget."""
    return "exercises" if exercise_id else ""


def is_fresh(claims: Claims, now: datetime) -> bool:
    """Whether whoever asks has shown a second factor within the last five minutes."""
    return 0 <= now.timestamp() - claims.step_up_at <= STEP_UP_LASTS_S


def _acting_role(claims: Claims, basis: Basis | None) -> str:
    lawful = [role for role in claims.roles if basis and role in (*basis.roles, *basis.granters)]
    return (lawful or claims.roles or [""])[0]
