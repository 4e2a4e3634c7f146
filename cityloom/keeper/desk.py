"""The keeper's desk: every request is decided, logged, and only then done.

The order is the rule: decide, append the leaves, fsync, open. Whatever goes wrong on the way is a refusal.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import assertion, protocol, record, store, summary
from cityloom.keeper.assertion import BadAssertion, Claims
from cityloom.keeper.decision import Facts, Policies, policies_for
from cityloom.keeper.log import Log, LogFailed, NewLeaf, leaf, leaves
from cityloom.keeper.proofs import Proofs
from cityloom.keeper.protocol import Denied, Done, Reply, Request, Signed
from cityloom.keeper.store import EMERGENCY, REGISTER, Basis, Grant
from cityloom.keeper.vault import Damaged, UnknownKey, Vault
from cityloom.kernel import clock, disk
from cityloom.kernel.refused import Refused

EXERCISE_LASTS = timedelta(hours=24)
"""An exercise runs on its own clock, so its grants also end a day after they were made, by the computer's clock."""
_SLOTS_AHEAD = 1 << 17
_GRANTS_KEPT = 512
_NO_BASIS = "There is no legal basis in force for {value}; nothing can be opened for it."
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Asked:
    """A request that came from somebody: who, for which purpose, and what the log will say of it."""

    claims: Claims
    action: str
    purpose: str
    incident_id: str = ""


class Desk:
    """Answers requests; holds the vault, the log and the grants. Safe in many threads."""

    def __init__(self, folder: Path, assertion_key: bytes) -> None:
        self._key = assertion_key
        self.vault = Vault(folder)
        self.log = Log(folder)
        self._database = store.connect(folder)
        self._bases = {basis.purpose: basis for basis in store.read_bases(self._database)}
        self._policies: dict[str, Policies] = {name: policies_for(basis) for name, basis in self._bases.items()}
        self._grants: OrderedDict[str, Grant] = OrderedDict()
        self._lock = threading.Lock()
        self._next_slot = self._reserved = self._database.execute("SELECT reserved FROM slots").fetchone()[0]
        self._answers: dict[type, Callable[..., Reply]] = {
            protocol.Ping: lambda _: Done(), protocol.Head: self._head, protocol.Leaf: self._leaf,
            protocol.Consistency: self._consistency, protocol.ReadBasis: self._basis, protocol.Grant: self._grant,
            protocol.Revoke: self._revoke, protocol.RevokeAll: self._revoke_all, protocol.Open: self._open,
            protocol.Count: self._count, protocol.ListNeedingHelp: self._list, protocol.Erase: self._erase,
            protocol.Summarise: self._summarise,
        }  # fmt: skip
        self._proofs = Proofs(folder, self.log)
        self._answers |= self._proofs.answers
        self._finish_erasures()

    def answer(self, request: Request) -> Reply:
        """The reply to a request; a refusal for everything that goes wrong."""
        respond = self._answers.get(type(request))
        if respond is None:
            return Denied("gate.bad_request", "The keeper does not take that message here; begin a load first.")
        try:
            return respond(request)
        except Refused as refusal:
            return denied(refusal)
        except LogFailed as failure:
            return denied(_log_failed(failure))
        except Exception:
            _logger.exception("a request failed")
            return Denied("gate.keeper_failed", "The keeper could not answer; nothing was opened. Try again.")

    def close(self) -> None:
        """Finish the log."""
        self._proofs.close()
        self.log.close()
        self._database.close()

    # Loading: the server calls these around the batches.

    def begin_load(self, request: protocol.BeginLoad) -> Claims:
        """Decide whether this person may load people. Raises: Refused."""
        asked = self._asked(request.who, "load", REGISTER)
        self._decide(asked, Facts("load"))
        return asked.claims

    def reserve(self, count: int) -> int:
        """The first of `count` slots that were never used; a reservation outlives a crash, so no slot is used twice."""
        with self._lock:
            first = self._next_slot
            if first + count > self._reserved:
                reserved = first + max(count, _SLOTS_AHEAD)
                self.log.append([], [("UPDATE slots SET reserved = ?", (reserved,))])
                self._reserved = reserved
            self._next_slot = first + count
        self.vault.slots.grow_to(first + count)
        return first

    def end_load(self, claims: Claims, count: int) -> Done:
        """Make what was loaded durable, then log it."""
        self.vault.slots.sync()
        asked = _Asked(claims, "load", REGISTER)
        self.log.append([self._leaf_about(asked, "loaded", people=count)])
        return Done(count)

    # Requests.

    def _head(self, request: protocol.Head) -> Reply:
        size, root = self.log.head
        if request.size is None:
            return protocol.HeadIs(size, root)
        return protocol.HeadIs(request.size, _proved(lambda: self.log.root_at(request.size)))

    def _leaf(self, request: protocol.Leaf) -> Reply:
        proof = _proved(lambda: self.log.inclusion(request.index, request.size))
        return protocol.LeafIs(self.log.read(request.index).entry, proof)

    def _consistency(self, request: protocol.Consistency) -> Reply:
        return protocol.ProofIs(_proved(lambda: self.log.consistency(request.old, request.size)))

    def _basis(self, request: protocol.ReadBasis) -> Reply:
        basis = self._live_basis(request.purpose)
        return protocol.BasisIs(
            basis.purpose, basis.id, basis.article, list(basis.fields), list(basis.units), list(basis.roles),
            clock.to_text(basis.valid_until), basis.max_subjects,
        )  # fmt: skip

    def _summarise(self, request: protocol.Summarise) -> Reply:
        with self._lock:
            return protocol.Summaries(summary.of(self._database, request.incident_id, request.exercise_id))

    def _grant(self, request: protocol.Grant) -> Reply:
        asked = self._asked(request.who, "grant", request.purpose, request.incident_id)
        subjects = np.unique(_subjects(request.subjects, protocol.MAX_COUNTED))
        self._decide(asked, Facts("grant", tuple(request.fields), len(subjects), request.holder, _named(asked)))
        basis = self._live_basis(request.purpose)
        if request.basis not in ("", basis.id):
            self._refuse(asked, "gate.no_basis", "That legal basis does not carry this purpose; it rests on {limit}.",
                         limit=basis.id)  # fmt: skip
        grant = Grant(
            request.id, request.purpose, basis.id, tuple(sorted(request.fields)), request.holder,
            clock.from_text(request.until), request.incident_id, asked.claims.exercise_id, request.zone_digest,
            self._digest(subjects), granted_at=clock.now(), subjects=subjects,
        )  # fmt: skip
        if not self._known_already(asked, grant):
            self._check_new(asked, grant)
            about = self._leaf_about(asked, "granted", grant, people=len(subjects), holder=self._account(grant.holder),
                                     until=clock.to_text(grant.until), subjects=grant.digest)  # fmt: skip
            self.log.append([about], [store.insert_grant(grant)])
        return protocol.Granted(len(subjects), basis.id)

    def _known_already(self, asked: _Asked, grant: Grant) -> bool:
        earlier = self._find(grant.id)
        if earlier is not None and earlier != grant:
            self._refuse(asked, "gate.grant_differs",
                         "There is a grant with that id that allows something else; make a new one.")  # fmt: skip
        return earlier is not None

    def _check_new(self, asked: _Asked, grant: Grant) -> None:
        if grant.until <= self._moment(asked, grant):
            self._refuse(asked, "gate.grant_ended", "The grant would end before it begins; give it a later end.")
        if not self.vault.alive(grant.subjects).any():
            self._refuse(asked, "gate.nobody", "A grant must name at least one person whom this keeper holds.")

    def _revoke(self, request: protocol.Revoke) -> Reply:
        grant = self._find(request.id)
        asked = self._asked(request.who, "revoke", grant.purpose if grant else EMERGENCY)
        if grant is None:
            self._refuse_unknown_grant(asked)
        self._decide(asked, Facts("revoke", holder=grant.holder), needs_basis=False)
        if grant.revoked:
            return Done(0)
        self._end([grant], asked)
        return Done(1)

    def _revoke_all(self, request: protocol.RevokeAll) -> Reply:
        asked = self._asked(request.who, "revoke", EMERGENCY, request.incident_id)
        self._decide(asked, Facts("revoke", named_rescue=_named(asked)), needs_basis=False)
        if not _named(asked):
            raise _malformed()
        with self._lock:
            names = store.live_grants_of(self._database, request.incident_id, asked.claims.exercise_id)
        grants = [grant for name in names if (grant := self._find(name)) and grant.purpose == EMERGENCY]
        if request.but_zone:
            grants = [grant for grant in grants if grant.zone_digest != request.but_zone]
        self._end(grants, asked)
        return Done(len(grants))

    def _end(self, grants: list[Grant], asked: _Asked) -> None:
        if grants:
            leaves = [self._leaf_about(asked, "revoked", grant) for grant in grants]
            self.log.append(leaves, [store.revoke_grant(grant.id) for grant in grants])
        with self._lock:
            for grant in grants:
                self._grants[grant.id] = replace(grant, revoked=True)

    def _open(self, request: protocol.Open) -> Reply:
        asked, grant = self._under_grant(request.who, "open", request.id)
        subjects = _subjects(request.subjects, protocol.MAX_OPENED)
        if len(request.envelopes) != len(subjects) * record.ENVELOPE_BYTES:
            raise _malformed()
        self._decide(asked, Facts("open", tuple(request.fields), len(subjects), grant.holder))
        self._require_live(asked, grant)
        self._require_within(asked, grant, subjects, request.fields)
        alive = subjects[self.vault.alive(subjects)]
        self._log_people(asked, grant, "opened", alive, request.fields)
        people = self._opened(subjects, request.envelopes, request.fields)
        if damaged := people.count(None):
            self.log.append([self._leaf_about(asked, "damaged", grant, people=damaged)])
        return protocol.Opened(people)

    def _opened(self, subjects: NDArray[np.int64], envelopes: bytes, fields: list[str]) -> list[list[str] | None]:
        size, people = record.ENVELOPE_BYTES, []
        for at, subject in enumerate(subjects.tolist()):
            try:
                plaintext = self.vault.open_envelope(subject, envelopes[at * size : (at + 1) * size])
                people.append(record.read_record(plaintext, fields))
            except (Damaged, UnknownKey):
                people.append(None)
        return people

    def _list(self, request: protocol.ListNeedingHelp) -> Reply:
        asked, grant = self._under_grant(request.who, "list", request.id)
        self._decide(asked, Facts("list", holder=grant.holder, people=len(grant.subjects)))
        self._require_live(asked, grant)
        alive = grant.subjects[self.vault.alive(grant.subjects)]
        named = alive[(self.vault.traits(alive) & record.NEEDS_HELP_MASK) != 0]
        self._log_people(asked, grant, "listed", named, ["needs_help"])
        return protocol.Named(named.tobytes())

    def _count(self, request: protocol.Count) -> Reply:
        asked = self._asked(request.who, "count", request.purpose or "statistics", request.incident_id)
        subjects = _subjects(request.subjects, protocol.MAX_COUNTED)
        groups = np.frombuffer(request.groups, "<i8") if request.groups else np.zeros(len(subjects), np.int64)
        if len(groups) != len(subjects):
            raise _malformed()
        exact = bool(request.purpose)
        if exact:
            self._decide(asked, Facts("count", people=len(subjects), named_rescue=_named(asked)))
            self.log.append([self._leaf_about(asked, "counted", people=len(subjects))])
        alive = self.vault.alive(subjects)
        names, counts = counted(self.vault.traits(subjects[alive]), groups, alive, exact=exact)
        return protocol.Counted(names.tobytes(), counts.tobytes(), int((~alive).sum()), exact)

    def _erase(self, request: protocol.Erase) -> Reply:
        asked = self._asked(request.who, "erase", REGISTER)
        self._decide(asked, Facts("erase", people=1))
        person = np.array([request.subject], np.int64)
        if not self.vault.alive(person).all():
            self._refuse(asked, "gate.unknown_subject", "The keeper holds nobody with that id; the person may have been"
                         " erased already.", people=person)  # fmt: skip
        about = self._leaf_about(asked, "erased", subject=self.vault.pseudonym(request.subject))
        self.log.append([about], [("INSERT OR REPLACE INTO erasing VALUES (?)", (request.subject,))])
        self._finish_erasures()
        return Done(1)

    def _finish_erasures(self) -> None:
        """Zero the slots of everyone whose erasure is logged, also those that a crash left waiting."""
        with self._lock:
            waiting = [row[0] for row in self._database.execute("SELECT subject FROM erasing")]
        for subject in waiting:
            self.vault.erase(subject)
        if waiting:
            self.log.append([], [("DELETE FROM erasing WHERE subject = ?", (subject,)) for subject in waiting])

    # Deciding.

    def _asked(self, who: Signed, action: str, purpose: str, incident_id: str = "") -> _Asked:
        try:
            claims = assertion.verify(who, key=self._key, now_s=int(clock.now().timestamp()))
        except BadAssertion as reason:
            nobody = _Asked(Claims("", "", [], 0, 0), action, purpose, incident_id)
            self._refuse(nobody, "gate.not_signed_in",
                         "The keeper could not tell who asks ({value}); sign in again.", value=str(reason))  # fmt: skip
        return _Asked(claims, action, purpose, incident_id)

    def _under_grant(self, who: Signed, action: str, grant_id: str) -> tuple[_Asked, Grant]:
        grant = self._find(grant_id)
        asked = self._asked(who, action, grant.purpose if grant else EMERGENCY, grant.incident_id if grant else "")
        if grant is None:
            self._refuse_unknown_grant(asked)
        return asked, grant

    def _decide(self, asked: _Asked, facts: Facts, *, needs_basis: bool = True) -> None:
        basis = self._bases.get(asked.purpose)
        if needs_basis and (basis is None or basis.valid_until <= clock.now()):
            self._refuse(asked, "gate.no_basis", _NO_BASIS, value=asked.purpose[:64])
        policies = self._policies.get(asked.purpose)
        if policies is None or not policies.allows(asked.claims, facts):
            self._refuse(asked, "gate.not_allowed",
                         "Your role, unit or request is not within what {value} allows; ask the person in command.",
                         value=asked.purpose[:64])  # fmt: skip

    def _live_basis(self, purpose: str) -> Basis:
        basis = self._bases.get(purpose)
        if basis is None or basis.valid_until <= clock.now():
            raise Refused("gate.no_basis", _NO_BASIS, value=purpose[:64])
        return basis

    def _require_live(self, asked: _Asked, grant: Grant) -> None:
        if grant.revoked:
            self._refuse(asked, "gate.grant_ended", "This grant was ended; the task or incident is over.")
        if self._moment(asked, grant) >= grant.until:
            self._refuse(asked, "gate.grant_ended", "This grant has expired; ask for a new one.")

    def _require_within(
        self, asked: _Asked, grant: Grant, subjects: NDArray[np.int64], fields: list[str]
    ) -> None:
        if not len(subjects) or not grant.names(subjects).all():
            self._refuse(asked, "gate.not_granted", "The grant does not name everyone who was asked for; ask only for"
                         " the people of your own task.", people=subjects)  # fmt: skip
        if not fields or not set(fields) <= set(grant.fields):
            self._refuse(asked, "gate.not_granted", "The grant does not cover every field that was asked for.")

    def _moment(self, asked: _Asked, grant: Grant) -> datetime:
        """The time that the grant is judged by: the keeper's own, or in an exercise the drill's."""
        if asked.claims.exercise_id != grant.exercise_id:
            self._refuse(asked, "gate.wrong_exercise", "The grant belongs to another exercise, or to none.")
        if not grant.exercise_id:
            return clock.now()
        if clock.now() >= grant.granted_at + EXERCISE_LASTS:
            self._refuse(asked, "gate.grant_ended", "The exercise is over: its grants end after a day.")
        return clock.from_text(asked.claims.drill_at)

    def _find(self, grant_id: str) -> Grant | None:
        with self._lock:
            grant = self._grants.get(grant_id) or store.read_grant(self._database, grant_id)
            if grant is not None:
                self._grants[grant_id] = grant
                self._grants.move_to_end(grant_id)
                if len(self._grants) > _GRANTS_KEPT:
                    self._grants.popitem(last=False)
        return grant

    # Logging.

    def _refuse(
        self, asked: _Asked, code: str, sentence: str, *, value: object = None, limit: object = None,
        people: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        """Log a refusal, then raise it; whom it was about is a keyed digest, so that nobody can look existence up."""
        about = {} if people is None else {"people": len(people), "subjects": self._digest(people)}
        self.log.append([self._leaf_about(asked, "refused", code=code, **about)])
        raise Refused(code, sentence, value=value, limit=limit)

    def _refuse_unknown_grant(self, asked: _Asked) -> None:
        self._refuse(asked, "gate.no_grant", "There is no such grant; the task or incident may have been removed.")

    def _log_people(
        self, asked: _Asked, grant: Grant, kind: str, subjects: NDArray[np.int64], fields: list[str]
    ) -> None:
        """One leaf for each person."""
        facts = self._facts_about(asked, grant) | {"fields": sorted(fields)}
        self.log.append(leaves(kind, facts, [self.vault.pseudonym(subject) for subject in subjects.tolist()]))

    def _leaf_about(
        self, asked: _Asked, kind: str, grant: Grant | None = None, *, subject: bytes | None = None, **more: object
    ) -> NewLeaf:
        return leaf(kind, self._facts_about(asked, grant) | more, subject)

    def _facts_about(self, asked: _Asked, grant: Grant | None) -> dict[str, object]:
        claims, basis = asked.claims, self._bases.get(asked.purpose)
        return {
            "at": clock.to_text(clock.now()), "action": asked.action, "purpose": asked.purpose[:64],
            "basis": basis.id if basis else "", "article": basis.article if basis else "",
            "actor": self._account(claims.account), "unit": claims.unit, "role": _acting_role(claims, basis),
            "grant": grant.id if grant else "", "zone": grant.zone_digest if grant else "",
            "incident_id": grant.incident_id if grant else asked.incident_id[:64],
            "exercise_id": claims.exercise_id, "drill_at": claims.drill_at,
        }  # fmt: skip

    def _account(self, account: str) -> str:
        return self.vault.keyed(b"account", account.encode())

    def _digest(self, subjects: NDArray[np.int64]) -> str:
        return self.vault.keyed(b"subjects", np.unique(subjects).tobytes())


def counted(
    traits: NDArray[np.uint16], groups: NDArray[np.int64], alive: NDArray[np.bool_], *, exact: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count by group: sorted group names, and rows for people, needs help, NEEDS and AGE_BANDS (-1 = withheld)."""
    names, place = np.unique(groups, return_inverse=True)
    here = place[alive]
    rows = [np.ones(len(traits), bool), *record.need_columns(traits)]
    counts = np.stack([np.bincount(here[row], minlength=len(names)) for row in rows]).astype("<i8")
    return names, counts if exact else withheld(counts)


def withheld(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts fit for a statistic: 7 or fewer become -1, the rest are rounded to 5."""
    return np.where(counts <= 7, -1, (counts + 2) // 5 * 5)


def denied(refusal: Refused) -> Denied:
    """A refusal as a message."""
    plain = refusal.as_json()
    return Denied(refusal.code, refusal.template, plain["value"], plain["limit"])


def _named(asked: _Asked) -> bool:
    return bool(asked.incident_id or asked.claims.exercise_id)


def _acting_role(claims: Claims, basis: Basis | None) -> str:
    lawful = [role for role in claims.roles if basis and role in basis.roles]
    return (lawful or claims.roles or [""])[0]


def _subjects(run: bytes, limit: int) -> NDArray[np.int64]:
    if len(run) % 8:
        raise _malformed()
    if len(run) // 8 > limit:
        raise Refused("gate.too_many", "{value} people in one request; ask for at most {limit} at a time.",
                      value=len(run) // 8, limit=limit)  # fmt: skip
    return np.frombuffer(run, "<i8")


def _malformed() -> Refused:
    return Refused("gate.bad_request", "The message to the keeper is malformed; nothing was opened.")


def _log_failed(failure: LogFailed) -> Refused:
    if disk.is_full(failure):
        return Refused("gate.disk_full", "The keeper has no room on its disk to write its log, so nothing was opened; "
                       "free some space and try again.")  # fmt: skip
    return Refused("gate.log_failed", "The keeper could not write its log, so nothing was opened; start it again.")


def _proved(compute: Callable[[], object]) -> object:
    try:
        return compute()
    except ValueError as error:
        raise Refused("gate.no_such_leaf", "The log is not that long; ask for its head first.") from error
