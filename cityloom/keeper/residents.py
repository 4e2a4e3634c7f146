"""The counter for residents: their link, their own entries of the log, and what they contest."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import numpy as np

from cityloom.keeper import protocol
from cityloom.keeper.basis import RESIDENT
from cityloom.keeper.decision import Facts
from cityloom.keeper.leaf import sixteens
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.proofs import Proofs
from cityloom.keeper.protocol import Done, Reply
from cityloom.keeper.vault import Damaged
from cityloom.kernel import clock, ids

ABOUT_ME = (
    "opened", "listed", "searched", "asked", "status-set", "status-ended", "contested", "linked", "erased", "parted",
    "weighed", "joined", "corrected",
)  # fmt: skip


class Residents:
    """A link is sealed: the city stores it and cannot read to whom it leads."""

    def __init__(self, office: Office, proofs: Proofs) -> None:
        self._office = office
        self._proofs = proofs
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.ReadOwn: self._read, protocol.Contest: self._contest, protocol.Unlink: self._unlink,
            protocol.News: self._news,
        }  # fmt: skip

    def link(self, asked: Asked, account: str, subject: int) -> Reply:
        """Link an account to the one person whom its identity claim was found to be."""
        office = self._office
        pseudonym = office.vault.pseudonym(subject)
        known = office.rows("SELECT handle FROM link WHERE pseudonym = ?", (pseudonym,))
        handle = known[0][0] if known else ids.new_ulid()
        about = office.leaf_about(asked, "linked", subject=pseudonym)
        office.log.append([about], [("INSERT OR IGNORE INTO link VALUES (?, ?)", (handle, pseudonym))])
        return protocol.Linked(office.vault.seal_link(account, subject), handle)

    def _read(self, request: protocol.ReadOwn) -> Reply:
        asked = self._office.asked(request.who, "read", RESIDENT)
        self._office.decide(asked, Facts("read"), needs_basis=False)
        subject = self.subject(asked, request.link)
        pseudonym = self._office.vault.pseudonym(subject)
        found = self._office.log.about([pseudonym], request.before, request.limit)
        size, _ = self._office.log.head
        found = [leaf for leaf in found if leaf.index < size]
        proofs = [self._office.log.inclusion(leaf.index, size) for leaf in found]
        leaves = [protocol.LoggedLeaf(leaf.index, leaf.text, leaf.salt) for leaf in found]
        return protocol.OwnEntries(
            leaves, proofs, self._proofs.note(size), self._proofs.vkey, self._titles(leaves),
            self._statuses(subject) if request.before is None else [],
        )  # fmt: skip

    def _titles(self, leaves: list[protocol.LoggedLeaf]) -> dict[str, dict[str, str]]:
        """What the purposes of these leaves were called when they were used."""
        facts = [msgspec.json.decode(leaf.text) for leaf in leaves]
        used = {(fact["purpose"], fact["basis"].rpartition("/")[2]) for fact in facts if fact["basis"]}
        ask = "SELECT document FROM purpose WHERE purpose = ? AND version = ?"
        return {
            f"{purpose}/{version}": dict(json.loads(document)["title"])
            for purpose, version in used
            for (document,) in self._office.rows(ask, (purpose, version))
        }

    def _statuses(self, subject: int) -> list[str]:
        """What burdens a person now."""
        ask = "SELECT id, subjects FROM status WHERE approved_by <> '' AND ended_at = '' AND until > ? ORDER BY id"
        rows = self._office.rows(ask, (clock.to_text(clock.now()),))
        return [status for status, subjects in rows if subject in np.frombuffer(subjects, "<i8")]

    def _contest(self, request: protocol.Contest) -> Reply:
        office = self._office
        asked = office.asked(request.who, "contest", RESIDENT)
        office.decide(asked, Facts("contest"), needs_basis=False)
        pseudonym = office.vault.pseudonym(self.subject(asked, request.link))
        own = office.log.about([pseudonym], request.index + 1, 1)
        if not own or own[0].index != request.index:
            office.refuse(asked, "gate.not_yours", "That entry is not about you; contest one of your own.")
        office.log.append([office.leaf_about(asked, "contested", subject=pseudonym, entry=request.index)])
        return Done(1)

    def _unlink(self, request: protocol.Unlink) -> Reply:
        asked = self._office.asked(request.who, "revoke", RESIDENT)
        if "system" not in asked.claims.roles:
            self._office.refuse(asked, "gate.not_allowed", "Only the city itself ends a link; sign out instead.")
        self._office.log.append([], [("DELETE FROM link WHERE handle = ?", (request.handle,))])
        return Done(1)

    def _news(self, request: protocol.News) -> Reply:
        """Leaves from an index on that are about people who have a link."""
        office = self._office
        asked = office.asked(request.who, "watch", "oversight")
        office.decide(asked, Facts("watch"), needs_basis=False)
        if request.since >= office.log.head[0]:
            return protocol.NewsIs([], request.since)
        handles = dict(office.rows("SELECT pseudonym, handle FROM link"))
        rows = office.rows(
            "SELECT first, count, kind, at, subjects FROM leaves WHERE first >="
            " COALESCE((SELECT MAX(first) FROM leaves WHERE first <= ?), 0) ORDER BY first LIMIT ?",
            (request.since, request.limit),
        )
        items, following = [], request.since
        for first, count, kind, at, subjects in rows:
            following = max(following, first + count)
            if kind in ABOUT_ME:
                items += [
                    protocol.NewsItem(handles[who], first + place, at, kind)
                    for place, who in enumerate(sixteens(subjects))
                    if who in handles and first + place >= request.since
                ]
        return protocol.NewsIs(items, following)

    def subject(self, asked: Asked, link: bytes) -> int:
        """The person behind a link. Raises: Refused `gate.no_link`."""
        try:
            subject = self._office.vault.open_link(asked.claims.account, link)
        except Damaged:
            subject = 0
        if not self._office.vault.alive(np.array([subject], np.int64)).all():
            self._office.refuse(asked, "gate.no_link", "This sign-in is not linked to anybody whom the register holds;"
                                " sign in again.")  # fmt: skip
        return subject

