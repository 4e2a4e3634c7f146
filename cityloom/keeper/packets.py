"""The counter for what belongs to no register entry: sealed as it comes, found by keyed words, opened under grants."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import packet, protocol, store
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.opening import subjects_in
from cityloom.keeper.protocol import Done, Reply
from cityloom.keeper.store import Grant, Statement
from cityloom.keeper.vault import Unlocked
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

_AT_ONCE = 500


class Packets:
    """The city keeps the ciphertext and a random id; the key, the words and the decision are here."""

    def __init__(self, office: Office, reserve: Callable[[int], int], finish_erasures: Callable[[], None]) -> None:
        self._office = office
        self._reserve = reserve
        self._finish_erasures = finish_erasures
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.SealPackets: self._seal, protocol.SealRun: self._seal_run, protocol.FindPackets: self._find,
            protocol.OpenPackets: self._open, protocol.ErasePackets: self._erase,
        }  # fmt: skip

    def _seal(self, request: protocol.SealPackets) -> Reply:
        office = self._office
        asked = office.asked(request.who, "seal", request.purpose)
        count = len(request.packets)
        if not count or len(request.words) != count:
            raise protocol.malformed()
        fields = sorted(set().union(*map(packet.fields_of, request.packets)))
        office.decide(asked, Facts("seal", tuple(fields), count))
        subjects, sealed = office.vault.seal_packets(self._reserve(count), request.purpose, request.packets)
        now, changes = clock.to_text(clock.now()), []
        for subject, words in zip(subjects.tolist(), request.words, strict=True):
            changes.append(store.insert_packet(subject, request.purpose, now))
            changes += [store.insert_word(self._token(request.purpose, word), subject) for word in words]
        office.log.append([office.leaf_about(asked, "sealed", people=count, fields=fields)], changes)
        return protocol.PacketsSealed(subjects.tobytes(), sealed)

    def _seal_run(self, request: protocol.SealRun) -> Reply:
        office = self._office
        asked = office.asked(request.who, "seal", request.purpose)
        parts = packet.parts_in(request.lengths, request.parts)
        fields = sorted(packet.fields_of({request.name: b""}))
        office.decide(asked, Facts("seal", tuple(fields), len(parts)))
        subjects, sealed = office.vault.seal_run(self._reserve(len(parts)), request.purpose, request.name, parts)
        kept = store.insert_packets(subjects.tolist(), request.purpose, clock.to_text(clock.now()))
        office.log.append([office.leaf_about(asked, "sealed", people=len(parts), fields=fields)], [kept])
        return protocol.RunSealed(subjects.tobytes(), b"".join(sealed))

    def _find(self, request: protocol.FindPackets) -> Reply:
        """Which packets have any of these words."""
        office = self._office
        asked = office.asked(request.who, "find", request.purpose, request.incident_id)
        office.decide(asked, Facts("find"))
        tokens = [self._token(request.purpose, word) for word in request.words]
        found: set[int] = set()
        for first in range(0, len(tokens), _AT_ONCE):
            some = tokens[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            found |= {row[0] for row in office.rows(f"SELECT subject FROM packet_word WHERE word IN ({marks})", some)}  # noqa: S608
        office.log.append([office.leaf_about(asked, "matched", people=len(found))])
        return protocol.Named(np.array(sorted(found), "<i8").tobytes())

    def _open(self, request: protocol.OpenPackets) -> Reply:
        office = self._office
        asked, grant = office.under_grant(request.who, "open", request.id)
        subjects = subjects_in(request.subjects, protocol.MAX_PACKETS)
        if len(request.packets) != len(subjects):
            raise protocol.malformed()
        question = packet.IN_REGION if request.region else ""
        office.decide(asked, Facts("open", tuple(request.fields), len(subjects), grant.holder, question=question))
        office.require_live(asked, grant)
        office.require_people(asked, grant, subjects)
        if not request.fields or not set(request.fields) <= set(grant.fields):
            office.refuse(asked, "gate.not_granted", "The grant does not cover every field that was asked for.")
        wanted = np.ones(len(subjects), bool)
        if request.region:
            wanted = self._inside(asked, grant, subjects, request)
        unlocked = office.vault.unlock_packets(subjects)
        here = np.flatnonzero(wanted & unlocked.alive)
        office.log_people(asked, grant, "opened", office.vault.names_of(_some(unlocked, here)), request.fields)
        out: list[dict[str, bytes] | None] = [None] * len(subjects)
        for at in here.tolist():
            parts = packet.chosen(request.packets[at], request.fields)
            out[at] = packet.opened(unlocked.keys[at].tobytes(), int(subjects[at]), grant.purpose, parts)
        if damaged := sum(out[at] is None for at in here.tolist()):
            office.log.append([office.leaf_about(asked, "damaged", grant, people=damaged)])
        return protocol.PacketsOpened(out, wanted.tolist())

    def _inside(
        self, asked: Asked, grant: Grant, subjects: NDArray[np.int64], request: protocol.OpenPackets
    ) -> NDArray[np.bool_]:
        """Which packets' places lie in the region: the places are looked at here, and shown to nobody."""
        office, vault = self._office, self._office.vault
        unlocked = vault.unlock_packets(subjects)
        here = np.flatnonzero(unlocked.alive)
        names = vault.names_of(_some(unlocked, here))
        office.log_people(asked, grant, "asked", names, ["place"], question=packet.IN_REGION)
        places: list[bytes | None] = []
        for at in here.tolist():
            parts = packet.chosen(request.packets[at], ["place"])
            plain = packet.opened(unlocked.keys[at].tobytes(), int(subjects[at]), grant.purpose, parts)
            places.append((plain or {}).get("place"))
        inside = np.zeros(len(subjects), bool)
        inside[here] = packet.are_in_region(places, request.region)
        return inside

    def _erase(self, request: protocol.ErasePackets) -> Reply:
        office = self._office
        asked = office.asked(request.who, "erase", request.purpose)
        subjects = np.unique(subjects_in(request.subjects, protocol.MAX_PACKETS))
        office.decide(asked, Facts("erase", people=len(subjects)), needs_basis=False)
        mine = [each for each in subjects[office.vault.held(subjects)].tolist() if self._purpose(each) == asked.purpose]
        if mine:
            names = office.vault.names_of(office.vault.unlock_packets(np.array(mine, np.int64)))
            leaves = [office.leaf_about(asked, "erased", subject=name) for name in names]
            changes = [each for subject, name in zip(mine, names, strict=True) for each in _erasing(subject, name)]
            office.log.append(leaves, changes)
            self._finish_erasures()
        return Done(len(mine))

    def _purpose(self, subject: int) -> str:
        rows = self._office.rows("SELECT purpose FROM packet WHERE subject = ?", (subject,))
        return rows[0][0] if rows else ""

    def _token(self, purpose: str, word: bytes) -> bytes:
        if not 0 < len(word) <= protocol.MAX_WORD_BYTES:
            raise Refused("gate.bad_request", "A word to find a packet by has up to {limit} bytes.",
                          limit=protocol.MAX_WORD_BYTES)  # fmt: skip
        return self._office.vault.packet_token(purpose.encode(), word)


def _some(people: Unlocked, here: NDArray[np.int64]) -> Unlocked:
    return Unlocked(people.subjects[here], people.alive[here], people.keys[here])


def _erasing(subject: int, name: bytes) -> Sequence[Statement]:
    return [*store.erase(subject, name), *store.forget_packet(subject)]
