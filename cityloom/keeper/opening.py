"""The counter where people are granted, opened, asked about, named and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import predicates, protocol, record, store
from cityloom.keeper.basis import EMERGENCY, OF_PACKETS, Basis
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import STATISTICS, Asked, Office, instant_in, is_fresh
from cityloom.keeper.protocol import Done, Reply
from cityloom.keeper.store import Grant
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused


class Openings:
    """Grants go down; what a live one names is opened, after a leaf for each person."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.Grant: self._grant, protocol.Second: self._second, protocol.Revoke: self._revoke,
            protocol.RevokeAll: self._revoke_all, protocol.Open: self._open, protocol.Ask: self._ask,
            protocol.Count: self._count, protocol.ListNeedingHelp: self._list,
        }  # fmt: skip

    # Grants.

    def _grant(self, request: protocol.Grant) -> Reply:
        office = self._office
        asked = office.asked(request.who, "grant", request.purpose, request.incident_id)
        subjects = np.unique(subjects_in(request.subjects, protocol.MAX_COUNTED))
        office.decide(asked, Facts("grant", tuple(request.fields), len(subjects), request.holder, named(asked)))
        basis = office.live_basis(request.purpose)
        if request.basis not in ("", basis.id):
            office.refuse(asked, "gate.no_basis", "That legal basis does not carry this purpose; it rests on {limit}.",
                          limit=basis.id)  # fmt: skip
        grant = Grant(
            request.id, request.purpose, basis.id, tuple(sorted(request.fields)), request.holder,
            instant_in(request.until), request.incident_id, asked.claims.exercise_id, request.zone_digest,
            office.digest(subjects), granted_at=clock.now(), granted_by=office.account(asked.claims.account),
            needs_second=len(subjects) > basis.second_above, subjects=subjects,
        )  # fmt: skip
        known = office.find_grant(grant.id)
        if known is None:
            self._make(asked, grant, basis)
        elif known != grant:
            office.refuse(asked, "gate.grant_differs",
                          "There is a grant with that id that allows something else; make a new one.")  # fmt: skip
        kept = known or grant
        return protocol.Granted(len(subjects), basis.id, kept.needs_second and not kept.seconded_by)

    def _make(self, asked: Asked, grant: Grant, basis: Basis) -> None:
        office = self._office
        if grant.until <= office.moment(asked, grant):
            office.refuse(asked, "gate.grant_ended", "The grant would end before it begins; give it a later end.")
        if not office.there(grant.purpose, grant.subjects).any():
            office.refuse(asked, "gate.nobody", "A grant must name at least one person whom this keeper holds.")
        about = office.leaf_about(
            asked, "granted", grant, people=len(grant.subjects), holder=office.account(grant.holder),
            until=clock.to_text(grant.until), subjects=grant.digest, second="waiting" if grant.needs_second else "",
        )  # fmt: skip
        is_rescue = basis.purpose == EMERGENCY and not grant.fields
        alarms = [office.alarm(asked, "rescue", about=grant.incident_id, people=len(grant.subjects))]
        office.log.append([about], [store.insert_grant(grant), *(alarms if is_rescue else ())])

    def _second(self, request: protocol.Second) -> Reply:
        office = self._office
        asked, grant = office.under_grant(request.who, "second", request.id)
        another = office.account(asked.claims.account)
        is_another = another != grant.granted_by and asked.claims.account != grant.holder
        office.decide(asked, Facts("second", holder=grant.holder, is_another=is_another, people=len(grant.subjects)))
        if grant.needs_second and not grant.seconded_by:
            about = office.leaf_about(asked, "seconded", grant, people=len(grant.subjects), subjects=grant.digest)
            office.log.append([about], [store.second_grant(grant.id, another)])
            office.keep_grant(replace(grant, seconded_by=another))
        return protocol.Granted(len(grant.subjects), grant.basis)

    def _revoke(self, request: protocol.Revoke) -> Reply:
        asked, grant = self._office.under_grant(request.who, "revoke", request.id)
        self._office.decide(asked, Facts("revoke", holder=grant.holder), needs_basis=False)
        if grant.revoked:
            return Done(0)
        self._end([grant], asked)
        return Done(1)

    def _revoke_all(self, request: protocol.RevokeAll) -> Reply:
        asked = self._office.asked(request.who, "revoke", EMERGENCY, request.incident_id)
        self._office.decide(asked, Facts("revoke", named_rescue=named(asked)), needs_basis=False)
        if not named(asked):
            raise protocol.malformed()
        found = self._office.live_grants_of(request.incident_id, asked.claims.exercise_id)
        grants = [grant for grant in found if grant.purpose == EMERGENCY]
        if request.but_zone:
            grants = [grant for grant in grants if grant.zone_digest != request.but_zone]
        self._end(grants, asked)
        return Done(len(grants))

    def _end(self, grants: list[Grant], asked: Asked) -> None:
        if grants:
            leaves = [self._office.leaf_about(asked, "revoked", grant) for grant in grants]
            self._office.log.append(leaves, [store.revoke_grant(grant.id) for grant in grants])
        for grant in grants:
            self._office.keep_grant(replace(grant, revoked=True))

    # Opening and asking.

    def _open(self, request: protocol.Open) -> Reply:
        office = self._office
        asked, grant = office.under_grant(request.who, "open", request.id)
        subjects = enveloped(request.subjects, request.envelopes)
        office.decide(asked, Facts("open", tuple(request.fields), len(subjects), grant.holder))
        if grant.purpose in OF_PACKETS:
            raise protocol.malformed()
        office.require_live(asked, grant)
        office.require_people(asked, grant, subjects)
        if grant.needs_second and not is_fresh(asked.claims, clock.now()):
            office.refuse(asked, "gate.step_up", "Opening people under a grant for {value} takes a fresh second factor;"
                          " confirm who you are, then open again.", value=len(grant.subjects))  # fmt: skip
        if not request.fields or not set(request.fields) <= set(grant.fields):
            office.refuse(asked, "gate.not_granted", "The grant does not cover every field that was asked for.")
        unlocked = office.vault.unlock(subjects)
        office.log_people(asked, grant, "opened", office.vault.names_of(unlocked), request.fields)
        people = office.vault.open_unlocked(unlocked, request.envelopes, request.fields)
        if damaged := people.count(None):
            office.log.append([office.leaf_about(asked, "damaged", grant, people=damaged)])
        return protocol.Opened(people)

    def _ask(self, request: protocol.Ask) -> Reply:
        office = self._office
        asked, grant = office.under_grant(request.who, "ask", request.id)
        subjects = enveloped(request.subjects, request.envelopes)
        facts = Facts("ask", people=len(subjects), holder=grant.holder, question=request.question)
        office.decide(asked, facts)
        office.require_live(asked, grant)
        office.require_people(asked, grant, subjects)
        looked_at = predicates.fields_of(request.question, request.argument)
        unlocked = office.vault.unlock(subjects)
        names = office.vault.names_of(unlocked)
        office.log_people(asked, grant, "asked", names, looked_at, question=request.question)
        if request.question in predicates.PLACES:
            return protocol.Answered(_of_places(request, unlocked.alive))
        today = office.moment(asked, grant).date()
        people = office.vault.open_unlocked(unlocked, request.envelopes, looked_at)
        told = (None if values is None else predicates.answer(request.question, request.argument, values, today)
                for values in people)  # fmt: skip
        return protocol.Answered(list(told))

    # Naming and counting.

    def _list(self, request: protocol.ListNeedingHelp) -> Reply:
        office = self._office
        asked, grant = office.under_grant(request.who, "list", request.id)
        office.decide(asked, Facts("list", holder=grant.holder, people=len(grant.subjects)))
        office.require_live(asked, grant)
        alive = grant.subjects[office.vault.alive(grant.subjects)]
        found = alive[(office.vault.traits(alive) & record.NEEDS_HELP_MASK) != 0]
        office.log_people(asked, grant, "listed", office.vault.pseudonyms(found), ["needs_help"])
        return protocol.Named(found.tobytes())

    def _count(self, request: protocol.Count) -> Reply:
        office = self._office
        asked = office.asked(request.who, "count", request.purpose or STATISTICS, request.incident_id)
        subjects = subjects_in(request.subjects, protocol.MAX_COUNTED)
        if len(request.groups) not in (0, len(request.subjects)):
            raise protocol.malformed()
        groups = np.frombuffer(request.groups, "<i8") if request.groups else np.zeros(len(subjects), np.int64)
        exact = bool(request.purpose)
        if exact:
            office.decide(asked, Facts("count", people=len(subjects), named_rescue=named(asked)))
            office.log.append([office.leaf_about(asked, "counted", people=len(subjects))])
        alive = office.vault.alive(subjects)
        names, counts = counted(office.vault.traits(subjects[alive]), groups, alive, exact=exact)
        return protocol.Counted(names.tobytes(), counts.tobytes(), int((~alive).sum()), exact)


def _of_places(request: protocol.Ask, alive: NDArray[np.bool_]) -> list[bool | None]:
    places = np.frombuffer(request.places, "<i8") if len(request.places) % 8 == 0 else np.zeros(0, np.int64)
    if len(places) != len(alive) or len(request.wanted) % 8:
        raise protocol.malformed()
    answers = predicates.place_answers(request.question, places, np.frombuffer(request.wanted, "<i8"))
    return [answer if here else None for answer, here in zip(answers, alive.tolist(), strict=True)]


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


def named(asked: Asked) -> bool:
    """Whether a rescue is under way: an incident or an exercise is named."""
    return bool(asked.incident_id or asked.claims.exercise_id)


def enveloped(subjects: bytes, envelopes: bytes) -> NDArray[np.int64]:
    """The subjects of a request that has an envelope for each. Raises: Refused."""
    found = subjects_in(subjects, protocol.MAX_OPENED)
    if len(envelopes) != len(found) * record.ENVELOPE_BYTES:
        raise protocol.malformed()
    return found


def subjects_in(run: bytes, limit: int) -> NDArray[np.int64]:
    """A run of subject ids. Raises: Refused `gate.bad_request`, `gate.too_many`."""
    if len(run) % 8:
        raise protocol.malformed()
    if len(run) // 8 > limit:
        raise Refused("gate.too_many", "{value} people in one request; ask for at most {limit} at a time.",
                      value=len(run) // 8, limit=limit)  # fmt: skip
    return np.frombuffer(run, "<i8")
