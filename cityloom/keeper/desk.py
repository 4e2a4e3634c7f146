"""The keeper's desk: every request goes to its counter, and whatever goes wrong there is a refusal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from cityloom.keeper import protocol, store, summary
from cityloom.keeper.assertion import Claims
from cityloom.keeper.basis import REGISTER
from cityloom.keeper.counting import Counting
from cityloom.keeper.decision import Facts
from cityloom.keeper.glass import Glass
from cityloom.keeper.keeping import Keeping
from cityloom.keeper.log import Log, LogBroken, LogFailed
from cityloom.keeper.matching import Matching
from cityloom.keeper.office import NOBODY, Asked, Noted, Office
from cityloom.keeper.opening import Openings
from cityloom.keeper.owning import Owning
from cityloom.keeper.packets import Packets
from cityloom.keeper.proofs import Proofs
from cityloom.keeper.protocol import Denied, Done, Reply, Request
from cityloom.keeper.registering import Registering
from cityloom.keeper.residents import Residents
from cityloom.keeper.searching import Searches
from cityloom.keeper.statuses import Statuses
from cityloom.keeper.stewarding import Purposes
from cityloom.keeper.texts import Texts
from cityloom.keeper.vault import Vault
from cityloom.keeper.watching import Watching
from cityloom.kernel import disk
from cityloom.kernel.refused import Refused

T = TypeVar("T")
_SLOTS_AHEAD = 1 << 17
_logger = logging.getLogger(__name__)


class Desk:
    """Answers requests. Safe in many threads."""

    def __init__(self, folder: Path, assertion_key: bytes) -> None:
        self._office = Office(folder, assertion_key)
        self._lock = threading.Lock()
        self._next_slot = self._reserved = self._office.rows("SELECT reserved FROM slots")[0][0]
        self.vault.check(self._reserved)
        self._proofs = Proofs(folder, self.log)
        self._registering = Registering(self._office, lambda: self._next_slot, self.reserve)
        residents = Residents(self._office, self._proofs)
        counters = (
            self._proofs, residents, Openings(self._office), Searches(self._office, residents.link),
            Purposes(self._office), Glass(self._office), Statuses(self._office), Watching(self._office),
            Keeping(self._office, folder), Packets(self._office, self.reserve, self._finish_erasures),
            Texts(self._office), self._registering, Matching(self._office), Owning(self._office, residents),
            Counting(self._office),
        )  # fmt: skip
        self._answers: dict[type, Callable[..., Reply]] = {
            protocol.Ping: lambda _: Done(), protocol.Head: self._head, protocol.Leaf: self._leaf,
            protocol.Consistency: self._consistency, protocol.Erase: self._erase,
            protocol.Summarise: self._summarise,
        }  # fmt: skip
        for counter in counters:
            self._answers |= counter.answers
        self._finish_erasures()

    @property
    def vault(self) -> Vault:
        """The keys and the slots."""
        return self._office.vault

    @property
    def log(self) -> Log:
        """The log."""
        return self._office.log

    def answer(self, request: Request) -> Reply:
        """The reply to a request; a refusal for everything that goes wrong."""
        respond = self._answers.get(type(request))
        if respond is None:
            misplaced = Refused("gate.bad_request", "The keeper does not take that message here; begin a load first.")
            return self._note(misplaced, request)
        try:
            return respond(request)
        except LogFailed as failure:
            return denied(_log_failed(failure))
        except Noted as refusal:
            return denied(refusal)
        except Exception as error:
            return self._note(_reason(error), request)

    def turn_away(self, refusal: Refused) -> Denied:
        """Log that somebody came to the door with what was not theirs to say."""
        return self._refuse(Asked(NOBODY, "knock", ""), refusal)

    def _note(self, refusal: Refused, request: Request) -> Denied:
        """Log a refusal that no counter has logged; what anybody may ask of the log leaves nothing in it."""
        if isinstance(request, protocol.UNSEALED):
            return denied(refusal)
        return self._refuse(self._office.asker(request), refusal)

    def _refuse(self, asked: Asked, refusal: Refused) -> Denied:
        try:
            self._office.refuse(asked, refusal.code, refusal.template, value=refusal.value, limit=refusal.limit)
        except (Refused, LogFailed) as outcome:
            return denied(outcome if isinstance(outcome, Refused) else _log_failed(outcome))

    def close(self) -> None:
        """Finish the log."""
        self._proofs.close()
        self._office.close()

    # Loading: the server calls these around the batches.

    def begin_load(self, request: protocol.BeginLoad) -> Claims:
        """Decide whether this person may load people. Raises: Refused."""
        asked = self._office.asked(request.who, "load", REGISTER)
        self._office.decide(asked, Facts("load"))
        self._registering.begin(asked, hidden=request.hidden)
        return asked.claims

    def reserve(self, count: int) -> int:
        """The first of `count` slots that were never used; a reservation outlives a crash, so no slot is used twice."""
        with self._lock:
            first = self._next_slot
            if first + count > self._reserved:
                reserved = first + max(count, _SLOTS_AHEAD)
                self.vault.slots.grow_to(reserved)  # first, so that files shorter than a reservation have lost people
                self.log.append([], [("UPDATE slots SET reserved = ?", (reserved,))])
                self._reserved = reserved
            self._next_slot = first + count
        return first

    def end_load(self, claims: Claims, count: int) -> Done:
        """Make what was loaded durable, then log it."""
        self.vault.settle()
        asked = Asked(claims, "load", REGISTER)
        self.log.append([self._office.leaf_about(asked, "loaded", people=count)])
        return Done(count)

    # The log, and erasing.

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

    def _summarise(self, request: protocol.Summarise) -> Reply:
        return protocol.Summaries(summary.of(self._office.rows, request.incident_id, request.exercise_id))

    def _erase(self, request: protocol.Erase) -> Reply:
        office = self._office
        asked = office.asked(request.who, "erase", REGISTER)
        office.decide(asked, Facts("erase", people=1))
        person = np.array([request.subject], np.int64)
        if not self.vault.alive(person).all():
            office.refuse(asked, "gate.unknown_subject", "The keeper holds nobody with that id; the person may have"
                          " been erased already.", people=person)  # fmt: skip
        pseudonym = self.vault.pseudonym(request.subject)
        about = office.leaf_about(asked, "erased", subject=pseudonym)
        # a link stays until the city has heard of it as news and ended it: so a crash leaves nothing of it there
        self.log.append([about], [
            *store.erase(request.subject, pseudonym),
            ("DELETE FROM honey WHERE pseudonym = ?", (pseudonym,)),
        ])  # fmt: skip
        self._finish_erasures()
        return Done(1)

    def _finish_erasures(self) -> None:
        """Zero the slots of everyone whose erasure is logged, also those that a crash left waiting."""
        waiting = [row[0] for row in self._office.rows("SELECT subject FROM erasing")]
        if waiting:
            self.vault.erase_many(waiting)
            self.log.append([], [("DELETE FROM erasing WHERE subject = ?", (subject,)) for subject in waiting])


def denied(refusal: Refused) -> Denied:
    """A refusal as a message."""
    plain = refusal.as_json()
    return Denied(refusal.code, refusal.template, plain["value"], plain["limit"])


def _reason(error: Exception) -> Refused:
    """What is said of whatever went wrong."""
    if isinstance(error, Refused):
        return error
    _logger.error("a request failed: %s", type(error).__name__, exc_info=error)
    if isinstance(error, LogBroken):
        return Refused("gate.log_broken", "The log on the keeper's disk is damaged, so this cannot be answered; restore"
                       " the keys from a backup.")  # fmt: skip
    return Refused("gate.keeper_failed", "The keeper could not answer; nothing was opened. Try again.")


def _log_failed(failure: LogFailed) -> Refused:
    if disk.is_full(failure):
        return Refused("gate.disk_full", "The keeper has no room on its disk to write its log, so nothing was opened; "
                       "free some space and try again.")  # fmt: skip
    return Refused("gate.log_failed", "The keeper could not write its log, so nothing was opened; start it again.")


def _proved(compute: Callable[[], T]) -> T:
    try:
        return compute()
    except ValueError as error:
        raise Refused("gate.no_such_leaf", "The log is not that long; ask for its head first.") from error
