"""The counter where departments' files about people come in: tokens of keys, new versions, and who may be found.

People of a file that is not loaded to its end are hidden: sealed, but found by nobody. What changes about people who
are there is sealed first, and what they are found and counted by follows when the file is known (decision 0026).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import protocol, record
from cityloom.keeper.basis import REGISTER
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.opening import enveloped, subjects_in
from cityloom.keeper.protocol import Done, Reply, Signed
from cityloom.keeper.store import Statement
from cityloom.keeper.vault import NOBODY_HIDDEN, Damaged
from cityloom.kernel.refused import Refused

_MOST_VERSIONS = 10_000
_MOST_COMPOSED = 64
_SAME = ("name", "national_id")
_FORGET: Statement = ("DELETE FROM hidden", ())


class Registering:
    """Everything here is part of a load: it shows nobody, and each request leaves one leaf that says how many."""

    def __init__(self, office: Office, next_slot: Callable[[], int], reserve: Callable[[int], int]) -> None:
        self._office, self._reserve = office, reserve
        self._next_slot = next_slot
        rows = office.rows("SELECT first FROM hidden")
        office.vault.hidden_from = rows[0][0] if rows else NOBODY_HIDDEN
        self._form: int = office.rows("SELECT form FROM keyed_numbers")[0][0]
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.RegisterTokens: self._tokens, protocol.SealVersions: self._seal, protocol.Follow: self._follow,
            protocol.Compare: self._compare, protocol.TellSame: self._digests, protocol.Compose: self._compose,
            protocol.Join: self._join, protocol.Part: self._part, protocol.SealOwn: self._seal_own,
            protocol.Reveal: self._reveal, protocol.TakeBack: self._take_back,
        }  # fmt: skip

    def begin(self, asked: Asked, *, hidden: bool) -> None:
        """Hide whoever is sealed from now on, or forget those who were hidden when a city begins anew."""
        vault = self._office.vault
        if hidden and vault.hidden_from == NOBODY_HIDDEN:
            first = self._next_slot()
            self._office.log.append([], [("INSERT INTO hidden VALUES (1, ?)", (first,))])
            vault.hidden_from = first
        elif not hidden and vault.hidden_from != NOBODY_HIDDEN:
            self._zero(asked, vault.hidden_from, [_FORGET])
            vault.hidden_from = NOBODY_HIDDEN

    def _asked(self, who: Signed, action: str, people: int) -> Asked:
        asked = self._office.asked(who, action, REGISTER)
        self._office.decide(asked, Facts(action, people=people))
        return asked

    def _tokens(self, request: protocol.RegisterTokens) -> Reply:
        count, rest = divmod(len(request.numbers), request.width)
        numbers = np.frombuffer(request.numbers, np.uint8)
        if rest or count > protocol.MAX_BATCH or not numbers[:: request.width].all():
            raise protocol.malformed()
        asked = self._asked(request.who, "key", count)
        about = self._office.leaf_about(asked, "keyed", people=count, about=request.source)
        self._office.log.append([about])
        made = self._office.vault.register_tokens(self._form, request.source, numbers.reshape(count, -1))
        return protocol.TokensAre(made.tobytes())

    def _seal(self, request: protocol.SealVersions) -> Reply:
        subjects = subjects_in(request.subjects, protocol.MAX_BATCH)
        if len(request.records) != len(subjects) * record.RECORD.itemsize:
            raise protocol.malformed()
        asked = self._asked(request.who, "load", len(subjects))
        records = np.frombuffer(request.records, np.uint8).reshape(len(subjects), record.RECORD.itemsize)
        alive, envelopes = self._office.vault.seal_versions(subjects, records)
        self._office.log.append([self._office.leaf_about(asked, "resealed", people=int(alive.sum()))])
        return protocol.VersionsSealed(envelopes.tobytes(), self._office.vault.key_id, record.FIELD_SET)

    def _follow(self, request: protocol.Follow) -> Reply:
        subjects = enveloped(request.subjects, request.envelopes)
        asked = self._asked(request.who, "load", len(subjects))
        self._require_distinct(subjects)
        followed = self._office.vault.follow(subjects, request.envelopes)
        self._office.log.append([self._office.leaf_about(asked, "followed", people=followed)])
        return Done(followed)

    def _compare(self, request: protocol.Compare) -> Reply:
        """Nothing is shown, and who is meant is not said: only the answers leave."""
        subjects = enveloped(request.subjects, request.envelopes)
        width = record.RECORD.itemsize
        if len(request.records) != len(subjects) * width:
            raise protocol.malformed()
        asked, vault = self._asked(request.who, "key", len(subjects)), self._office.vault
        self._office.log.append([self._office.leaf_about(asked, "compared", people=len(subjects))])
        people = vault.open_unlocked(vault.unlock(subjects), request.envelopes, _SAME)
        read = record.reader(_SAME)
        told = (read(request.records[at * width : (at + 1) * width]) for at in range(len(subjects)))
        return protocol.Answered([None if held is None else held == said and bool(said[1])
                                  for held, said in zip(people, told, strict=True)])  # fmt: skip

    def _digests(self, request: protocol.TellSame) -> Reply:
        """Nothing is shown: numbers leave that only tell whether two versions of one person say the same."""
        subjects = enveloped(request.subjects, request.envelopes)
        asked = self._asked(request.who, "key", len(subjects))
        self._office.log.append([self._office.leaf_about(asked, "compared", people=len(np.unique(subjects)))])
        return protocol.DigestsAre(self._office.vault.digests(self._form, subjects, request.envelopes).tobytes())

    def _compose(self, request: protocol.Compose) -> Reply:
        """Only what is sealed of a person already goes into that person's new record."""
        subjects, vault = subjects_in(request.subjects, protocol.MAX_OPENED), self._office.vault
        if len(request.counts) != 8 * len(subjects):
            raise protocol.malformed()
        counts = np.frombuffer(request.counts, "<i8")
        fields = len(record.COMPOSED)
        if (len(request.choices) != fields * len(subjects)
                or not ((counts > 0) & (counts <= _MOST_COMPOSED)).all()
                or len(request.envelopes) != int(counts.sum()) * record.ENVELOPE_BYTES):  # fmt: skip
            raise protocol.malformed()
        choices = np.frombuffer(request.choices, np.uint8).reshape(-1, fields)
        if not (choices < counts[:, None]).all():
            raise protocol.malformed()
        asked = self._asked(request.who, "load", len(subjects))
        self._require_distinct(subjects)
        envelopes = vault.compose(subjects, counts, request.envelopes, choices)
        self._office.log.append([self._office.leaf_about(asked, "resealed", people=int((envelopes[:, 0] != 0).sum()))])
        return protocol.VersionsSealed(envelopes.tobytes(), vault.key_id, record.FIELD_SET)

    def _part(self, request: protocol.Part) -> Reply:
        asked, vault = self._asked(request.who, "load", 1), self._office.vault
        count, rest = divmod(len(request.envelopes), record.ENVELOPE_BYTES)
        if rest or not 0 < count <= _MOST_VERSIONS:
            raise protocol.malformed()
        made = vault.part(self._reserve, request.subject, request.envelopes)
        if made is None:
            self._office.refuse(asked, "gate.unknown_subject", "The keeper holds nobody with that id; the person may"
                                " have been erased already.", people=np.array([request.subject], np.int64))  # fmt: skip
        subject, envelopes = made
        names = vault.pseudonyms(np.array([request.subject, subject], np.int64))
        self._office.log.append([self._office.leaf_about(asked, "parted", subject=name) for name in names])
        return protocol.Parted(subject, envelopes.tobytes(), vault.key_id, record.FIELD_SET)

    def _join(self, request: protocol.Join) -> Reply:
        asked, vault = self._asked(request.who, "load", 2), self._office.vault
        count, rest = divmod(len(request.envelopes), record.ENVELOPE_BYTES)
        if rest or not 0 < count <= _MOST_VERSIONS or request.subject == request.into:
            raise protocol.malformed()
        both = np.array([request.subject, request.into], np.int64)
        envelopes = vault.join(request.subject, request.into, request.envelopes)
        if envelopes is None:
            self._office.refuse(asked, "gate.unknown_subject", "The keeper holds nobody with that id; the person may"
                                " have been erased already.", people=both)  # fmt: skip
        names = vault.pseudonyms(both)
        self._office.log.append([self._office.leaf_about(asked, "joined", subject=name) for name in names])
        return protocol.VersionsSealed(envelopes.tobytes(), vault.key_id, record.FIELD_SET)

    def _seal_own(self, request: protocol.SealOwn) -> Reply:
        """Whom a link means leaves the keeper here alone, and the person reads in the log that it did."""
        asked, vault = self._asked(request.who, "load", 1), self._office.vault
        if len(request.record) != record.RECORD.itemsize:
            raise protocol.malformed()
        said = np.frombuffer(request.record, np.uint8).reshape(1, -1)
        if record.column(said, "national_id").any():
            raise protocol.malformed()
        try:
            subject = vault.open_link(request.account, request.link)
        except Damaged:
            subject = 0
        people = np.array([subject], np.int64)
        alive, envelopes = vault.seal_versions(people, said)
        if not alive.all():
            self._office.refuse(asked, "gate.no_link", "This sign-in is not linked to anybody whom the register holds;"
                                " sign in again.")  # fmt: skip
        name = vault.pseudonym(subject)
        self._office.log.append([self._office.leaf_about(asked, "corrected", subject=name)])
        return protocol.OwnSealed(subject, envelopes.tobytes(), vault.key_id, record.FIELD_SET)

    def _require_distinct(self, subjects: NDArray[np.int64]) -> None:
        if len(np.unique(subjects)) != len(subjects):
            raise protocol.malformed()

    def _reveal(self, request: protocol.Reveal) -> Reply:
        asked, vault = self._asked(request.who, "load", 0), self._office.vault
        if vault.hidden_from == NOBODY_HIDDEN:
            return Done(0)
        self._office.log.append([self._office.leaf_about(asked, "revealed")], [_FORGET])
        vault.hidden_from = NOBODY_HIDDEN
        return Done(1)

    def _take_back(self, request: protocol.TakeBack) -> Reply:
        """Whoever is known to the city is never taken back: that is an erasure, and has its own rules."""
        asked, vault = self._asked(request.who, "load", 0), self._office.vault
        if vault.hidden_from == NOBODY_HIDDEN:
            return Done(0)
        return Done(self._zero(asked, max(request.first, vault.hidden_from), []))

    def _zero(self, asked: Asked, first: int, changes: list[Statement]) -> int:
        if self._office.vault.is_loading:
            raise Refused("gate.loading", "People are being loaded; nobody can be taken back before that has ended.")
        gone = self._office.vault.clear_people(first, self._next_slot())
        self._office.log.append([self._office.leaf_about(asked, "taken-back", people=gone)], changes)
        return gone
