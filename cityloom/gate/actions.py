"""Changes at the gate: grants go down to the keeper, people are sealed, envelopes are opened.

Every function here raises Refused `gate.keeper_down` when the keeper does not answer; then nothing was opened.
A person is a subject id (int64) everywhere; names and needs exist only in what `open_people` returns, never store that.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from cityloom.accounts import actions as accounts
from cityloom.bus import actions as bus
from cityloom.gate import events, policies
from cityloom.gate.domain import reasons
from cityloom.gate.models import (
    AdverseStatus,
    Contest,
    Envelope,
    EnvelopeVersion,
    GateAlarm,
    GlassReview,
    GrantRecord,
    OpeningNotice,
    ResidentLink,
    SealedPart,
)
from cityloom.gate.queries import envelopes_by, exercise_of, exercises_of, homes_of, keeper_for, link_of, parts_of
from cityloom.keeper import client, files, manifest, protocol
from cityloom.keeper.client import Running, Sealer
from cityloom.keeper.record import (
    AGE_BANDS,
    COMPOSED,
    DIGESTED,
    EMPTIED,
    NEEDS,
    RECORD,
    SEXES,
    PeopleBatch,
    SealedBatch,
    emptied,
    people_records,
    reader,
    traits_of,
    with_traits,
)
from cityloom.keeper.sound import sounds
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.kernel.texts import packed

__all__ = [
    "AGE_BANDS", "COMPOSED", "DIGESTED", "EMPTIED", "NEEDS", "SEXES", "WEIGHED_FIELDS", "Alike", "GrantOrder",
    "Opening", "Packet", "PeopleBatch", "Region", "Running", "SealedBatch", "Sealer", "Versions", "alike_people",
    "answer_contest", "approve_status", "are_same", "ask", "ask_own", "back_up_database", "back_up_keys",
    "break_glass", "compose_versions", "contest", "decide_purpose", "emptied", "end_status", "erase", "erase_packets",
    "find_packets", "follow_versions", "forget", "grant", "grant_all", "join_people", "keep_packets", "link_resident",
    "name_sounds", "open_all", "open_packets", "open_people", "open_versions", "part_person", "people_column",
    "people_records", "propose_purpose", "propose_status", "prune_backups", "read_notices", "reader",
    "register_tokens", "remove_exercise", "reset_breaker", "restore_database", "restore_keys", "reveal_people",
    "review_glass", "revoke", "revoke_all", "revoke_these", "rotate_keys", "said_digests", "seal_correction",
    "seal_matters", "seal_packet", "seal_packets", "seal_parts", "seal_texts", "seal_versions", "sealing", "search",
    "second", "see_alarm", "set_honey", "start_keeper", "store_envelopes", "take_back_people", "traits_of", "unmask",
]  # fmt: skip

WEIGHED_FIELDS = ("name", "national_id", "phone", "birth_date")
"""What is opened of those who are compared with a file, in this order."""
_SOUGHT_AT_ONCE = 4_000
_NOBODY = np.zeros(0, np.int64)
Subjects = NDArray[np.int64] | Sequence[int]
People = dict[int, dict[str, str]]

_HEADS_AT_ONCE = 500
_GLASS_LASTS = timedelta(hours=1)
_WORDS_AT_ONCE = 50_000
_NAMED_AT_MOST = 200
"""People whom a grant's record names; more are known to the keeper alone."""


@dataclass(frozen=True)
class GrantOrder:
    """A grant to be made: what `grant` takes, with an id that makes it the same grant when it is made again."""

    grant_id: str
    purpose: str
    subjects: Subjects
    fields: Collection[str]
    holder: str
    until: datetime
    basis: str = ""
    zone_digest: str = ""
    incident_id: str = ""
    exercise_id: str = ""


@dataclass(frozen=True)
class Opening:
    """People to be opened by the holder of one grant: what `open_people` takes."""

    by: Actor
    grant_id: str
    subjects: Subjects
    fields: Collection[str]
    exercise_id: str = ""
    step_up_at: datetime | None = None


@dataclass(frozen=True)
class Packet:
    """A packet as the keeper sealed it: its random id, and the ciphertext of each part."""

    id: int
    sealed: Mapping[str, bytes]


@dataclass(frozen=True)
class Versions:
    """Records that were sealed anew: `envelopes` uint8 (n, 160), of zeros where the person was erased."""

    envelopes: NDArray[np.uint8]
    field_set: int
    key_id: int

    @property
    def alive(self) -> NDArray[np.bool_]:
        """For whom there is one."""
        return self.envelopes[:, 0] != 0


@dataclass(frozen=True)
class Region:
    """Where something happens: rings as runs of float64 longitude and latitude, and ids of areas."""

    polygons: Sequence[bytes]
    areas: Sequence[str] = ()


@dataclass(frozen=True)
class Alike:
    """Pairs of a place among people asked about and somebody of the register, and what both say of `WEIGHED_FIELDS`."""

    rows: NDArray[np.int64]
    subjects: NDArray[np.int64]
    held: dict[int, list[str]] = field(repr=False)
    said: list[list[str]] = field(repr=False)


def grant(
    *, by: Actor, at: datetime, purpose: str, subjects: Subjects, fields: Collection[str], holder: str,
    until: datetime, basis: str = "", zone_digest: str = "", incident_id: str = "", exercise_id: str = "",
    grant_id: str | None = None,
) -> str:  # fmt: skip
    """Let `holder` (an account id) open these fields of these people until then; return the grant's id.

    `basis` is the id of a legal basis (`gate.queries.basis_of(purpose).id`); empty means the purpose's own. With a
    `grant_id` the same call may be made again: the same grant is returned; one that was revoked stays revoked.
    An emergency grant must belong to an incident or an exercise. People who were erased may be named: they never open.
    Raises: Refused `gate.no_basis`, `gate.not_allowed`, `gate.grant_differs`, `gate.nobody`, `gate.grant_ended`.
    """
    order = GrantOrder(
        grant_id or ids.new_ulid(), purpose, subjects, fields, holder, until, basis, zone_digest, incident_id,
        exercise_id,
    )  # fmt: skip
    grant_all(by=by, at=at, orders=[order])
    return order.grant_id


def grant_all(*, by: Actor, at: datetime, orders: Sequence[GrantOrder]) -> None:
    """Make grants that belong together, in as few commits as the keeper needs; each may be made again.

    Raises: Refused like `grant`, for the first that is refused; the others stand.
    """
    keeper = keeper_for()
    requests = [
        protocol.Grant(
            keeper.sign(by, exercise_id=order.exercise_id, at=at), order.grant_id, order.purpose, order.basis,
            sorted(order.fields), order.holder, clock.to_text(order.until), _run(order.subjects), order.incident_id,
            order.zone_digest,
        )
        for order in orders
    ]  # fmt: skip
    replies = keeper.ask_all(requests, protocol.Granted)
    heads = [
        GrantRecord(
            id=order.grant_id, purpose=order.purpose, basis=granted.basis, fields=sorted(order.fields),
            holder=order.holder, incident_id=order.incident_id, exercise_id=order.exercise_id,
            zone_digest=order.zone_digest, subject_count=granted.people, granted_at=at, until=order.until,
            granted_by=by.account, needs_second=granted.needs_second, subjects=_named(order.subjects),
        )
        for order, granted in zip(orders, replies, strict=True)
        if not isinstance(granted, Refused)
    ]  # fmt: skip
    GrantRecord.objects.bulk_create(heads, ignore_conflicts=True, batch_size=_HEADS_AT_ONCE)
    _raise_first(replies)


def revoke(*, by: Actor, at: datetime, grant_id: str) -> None:
    """End a grant at once; a grant already ended stays so. Raises: Refused `gate.no_grant`, `gate.not_allowed`."""
    keeper = keeper_for()
    keeper.ask(protocol.Revoke(keeper.sign(by, exercise_id=exercise_of(grant_id), at=at), grant_id), protocol.Done)
    GrantRecord.objects.filter(id=grant_id, revoked_at=None).update(revoked_at=at)


def revoke_these(*, by: Actor, at: datetime, grant_ids: Sequence[str]) -> None:
    """End grants that belong together, in as few commits as the keeper needs. Raises: Refused like `revoke`."""
    keeper = keeper_for()
    exercises = exercises_of(grant_ids)
    requests = [
        protocol.Revoke(keeper.sign(by, exercise_id=exercises.get(name, ""), at=at), name) for name in grant_ids
    ]
    replies = keeper.ask_all(requests, protocol.Done)
    ended = [name for name, reply in zip(grant_ids, replies, strict=True) if not isinstance(reply, Refused)]
    for first in range(0, len(ended), _HEADS_AT_ONCE):
        some = ended[first : first + _HEADS_AT_ONCE]
        GrantRecord.objects.filter(id__in=some, revoked_at=None).update(revoked_at=at)
    _raise_first(replies)


def revoke_all(
    *, by: Actor, at: datetime, incident_id: str, exercise_id: str = "", but_zone_digest: str = ""
) -> int:
    """End every live emergency grant of an incident, but not those for one zone if it is named; return how many."""
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_id, at=at)
    ended = keeper.ask(protocol.RevokeAll(who, incident_id, but_zone_digest), protocol.Done).count
    live = GrantRecord.objects.filter(incident_id=incident_id, exercise_id=exercise_id, revoked_at=None)
    if but_zone_digest:
        live = live.exclude(zone_digest=but_zone_digest)
    live.update(revoked_at=at)
    return ended


def remove_exercise(*, by: Actor, at: datetime, exercise_id: str) -> int:
    """End an exercise's grants and forget them here; return how many were still live. The keeper's log stays."""
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_id, at=at)
    ended = keeper.ask(protocol.RevokeAll(who, ""), protocol.Done).count
    GrantRecord.objects.filter(exercise_id=exercise_id).delete()
    return ended


def open_people(
    *, by: Actor, at: datetime, grant_id: str, subjects: Subjects, fields: Collection[str],
    exercise_id: str | None = None, step_up_at: datetime | None = None,
) -> People:  # fmt: skip
    """Open these fields of these people for the holder of a live grant, after one durable log leaf for each of them.

    Fields: `name`, `national_id`, `phone`, `birth_date` (YYYYMMDD), `need_note`. At most 20,000 people. A person whose
    envelope is damaged, or who was erased, is missing from the answer, and that too is logged. The exercise is looked
    up where it is not given. A grant that needed a second person also needs the holder's fresh second factor.
    Raises: Refused `gate.not_allowed`, `gate.no_grant`, `gate.grant_ended`, `gate.not_granted`, `gate.too_many`,
    `gate.needs_second`, `gate.step_up`, `gate.budget`, `gate.breaker`.
    """
    exercise = exercise_of(grant_id) if exercise_id is None else exercise_id
    (people,) = open_all(at=at, openings=[Opening(by, grant_id, subjects, fields, exercise, step_up_at)])
    if isinstance(people, Refused):
        raise people
    return people


def open_all(*, at: datetime, openings: Sequence[Opening]) -> list[People | Refused]:
    """Open for several holders, each under their own grant and in their own name; a refusal stands in its place.

    What is opened for one is not held up by what is refused to another. The limits are those of `open_people`.
    """
    keeper = keeper_for()
    wanted = [np.asarray(opening.subjects, dtype=np.int64) for opening in openings]
    requests = [
        protocol.Open(
            keeper.sign(opening.by, exercise_id=opening.exercise_id, at=at, step_up_at=opening.step_up_at),
            opening.grant_id, sorted(opening.fields), _run(subjects), envelopes,
        )
        for opening, subjects, envelopes in zip(openings, wanted, envelopes_by(wanted), strict=True)
    ]  # fmt: skip
    return [
        reply if isinstance(reply, Refused) else _people(reply.people, subjects, opening.fields)
        for reply, subjects, opening in zip(keeper.ask_all(requests, protocol.Opened), wanted, openings, strict=True)
    ]


def second(*, by: Actor, at: datetime, step_up_at: datetime | None, grant_id: str) -> None:
    """Agree, as another person with a fresh second factor, to a grant for more people than one may grant alone.

    Raises: Refused `gate.not_allowed`, `gate.no_grant`.
    """
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_of(grant_id), at=at, step_up_at=step_up_at)
    keeper.ask(protocol.Second(who, grant_id), protocol.Granted)
    GrantRecord.objects.filter(id=grant_id, seconded_at=None).update(seconded_at=at)


def ask(
    *, by: Actor, at: datetime, grant_id: str, question: str, argument: str = "", subjects: Subjects,
    places: Subjects = (), wanted: Subjects = (),
) -> list[bool | None]:  # fmt: skip
    """Ask yes-or-no questions about people under a live grant; nothing is shown, each answer leaves a leaf.

    Questions: `age-at-least` and `age-under` (argument: years), `is` (argument: `field=value`), `lives-in` (`places`:
    a dwelling for each person, `wanted`: the dwellings in question), `same-household` (`places`). None where the
    register cannot tell.
    Raises: Refused like `open_people`, and `gate.bad_question`.
    """
    people = np.asarray(subjects, dtype=np.int64)
    keeper = keeper_for()
    request = protocol.Ask(
        keeper.sign(by, exercise_id=exercise_of(grant_id), at=at), grant_id, question, argument, _run(people),
        envelopes_by([people])[0], _run(places), _run(wanted),
    )  # fmt: skip
    return keeper.ask(request, protocol.Answered).answers


def ask_own(
    *, by: Actor, at: datetime, fields: Collection[str], questions: Sequence[tuple[str, str]],
    lives_there: Callable[[int], bool | None] = lambda _home: None,
) -> tuple[dict[str, str], list[bool | None]]:  # fmt: skip
    """Let the register say of the resident who is signed in what an application asks for; each look leaves a leaf.

    `questions` are pairs as `ask` takes them; `lives_there` answers the one about the home, given the dwelling, 0 where
    none is known.
    Raises: Refused `gate.no_link`, `gate.not_allowed`, `gate.no_basis`, `gate.bad_question`.
    """
    keeper = keeper_for()
    wanted = [protocol.Question(question, argument) for question, argument in questions]
    request = protocol.AskOwn(keeper.sign(by, at=at), bytes(link_of(by).link), sorted(fields), wanted)
    found = keeper.ask(request, protocol.Candidates)
    people = np.frombuffer(found.subjects, "<i8")
    (envelope,) = envelopes_by([people])
    (home,) = homes_of(people.tolist())
    tell = protocol.TellOwn(keeper.sign(by, at=at), found.ticket, envelope, lives_there(home))
    told = keeper.ask(tell, protocol.OwnTold)
    return dict(zip(sorted(fields), told.fields, strict=True)), told.answers


def search(
    *, by: Actor, at: datetime, purpose: str, field: str, value: str, incident_id: str = ""
) -> NDArray[np.int64]:
    """Find people by `national_id` or `phone`; each search counts as an opening, also one that finds nobody.

    Raises: Refused `gate.not_allowed`, `gate.budget`, `gate.breaker`.
    """
    keeper = keeper_for()
    request = protocol.Search(keeper.sign(by, at=at), purpose, field, value, incident_id)
    found = keeper.ask(request, protocol.Candidates)
    (envelopes,) = envelopes_by([np.frombuffer(found.subjects, "<i8")])
    match = protocol.Match(keeper.sign(by, at=at), found.ticket, envelopes)
    return np.frombuffer(keeper.ask(match, protocol.Named).subjects, "<i8")


def break_glass(
    *, by: Actor, at: datetime, reason: str, subjects: Subjects, fields: Collection[str], incident_id: str = "",
    exercise_id: str = "", grant_id: str | None = None,
) -> str:  # fmt: skip
    """Let a commander open people at once for an hour; the data protection officer is alarmed, a review is due in 72 h.

    Returns the id of the grant, under which `open_people` opens.
    Raises: Refused `gate.bad_reason`, `gate.not_allowed`, `gate.suspended`, `gate.too_many`.
    """
    policies.check_is_one_of(reason, reasons.GLASS)
    name, keeper = grant_id or ids.new_ulid(), keeper_for()
    who = keeper.sign(by, exercise_id=exercise_id, at=at)
    digest = hashlib.sha256(reason.encode()).hexdigest()
    request = protocol.BreakGlass(who, name, incident_id, sorted(fields), _run(subjects), digest)
    granted = keeper.ask(request, protocol.Granted)
    with transaction.atomic():
        _, fresh = GlassReview.objects.get_or_create(
            id=name,
            defaults={
                "account_id": by.account, "incident_id": incident_id, "exercise_id": exercise_id, "reason": reason,
                "people": granted.people, "broken_at": at, "due_at": at + reasons.GLASS_WITHIN,
            },
        )  # fmt: skip
        GrantRecord.objects.get_or_create(
            id=name,
            defaults={
                "purpose": "break-glass", "basis": granted.basis, "fields": sorted(fields), "holder": by.account,
                "incident_id": incident_id, "exercise_id": exercise_id, "subject_count": granted.people,
                "granted_at": at, "granted_by": by.account, "until": at + _GLASS_LASTS, "subjects": _named(subjects),
            },
        )  # fmt: skip
        if fresh:
            fact = events.GlassBroken(name, by.account, granted.people, at + reasons.GLASS_WITHIN)
            bus.publish(fact, at=at, exercise_id=exercise_id, event_id=ids.named_id("glass-broken", name))
    return name


def review_glass(*, by: Actor, at: datetime, grant_id: str, outcome: str) -> None:
    """Say, as data protection officer and another person, whether breaking the glass was right; a suspension ends.

    Raises: Refused `gate.bad_reason`, `gate.no_glass`, `gate.not_allowed`.
    """
    policies.check_is_one_of(outcome, reasons.GLASS_OUTCOMES)
    keeper = keeper_for()
    keeper.ask(protocol.ReviewGlass(keeper.sign(by, at=at), grant_id, outcome), protocol.Done)
    with transaction.atomic():
        row = GlassReview.objects.select_for_update().filter(id=grant_id, reviewed_at=None).first()
        if row is None:
            return
        row.outcome, row.reviewed_by, row.reviewed_at = outcome, by.account, at
        row.save(update_fields=["outcome", "reviewed_by", "reviewed_at"])
        if row.suspended_at is not None and outcome == "justified":
            accounts.reinstate(account=row.account_id, by=by, at=at)
        fact = events.GlassReviewed(grant_id, outcome)
        bus.publish(fact, at=at, exercise_id=row.exercise_id, event_id=ids.named_id("glass-reviewed", grant_id))


# Residents.


def link_resident(account_id: str, claim: str, provider: str, at: datetime) -> None:
    """Link a resident's account to the one person whose national id the identity provider has vouched for.

    The claim is looked up by blind index inside the keeper, logged, and forgotten; what is stored is sealed.
    Raises: Refused `gate.no_resident` where the register has nobody, or more than one, with that identity.
    """
    keeper = keeper_for()
    request = protocol.LinkSearch(keeper.sign(SYSTEM, at=at), account_id, "national_id", claim)
    found = keeper.ask(request, protocol.Candidates)
    (envelopes,) = envelopes_by([np.frombuffer(found.subjects, "<i8")])
    linked = keeper.ask(protocol.Match(keeper.sign(SYSTEM, at=at), found.ticket, envelopes), protocol.Linked)
    ResidentLink.objects.update_or_create(
        account_id=account_id, defaults={"link": linked.link, "handle": linked.handle, "linked_at": at}
    )


def contest(*, by: Actor, at: datetime, leaf_index: int, reason: str) -> str:
    """Contest an entry of one's own: a review with a clock begins; again for the same entry changes nothing.

    Raises: Refused `gate.bad_reason`, `gate.no_link`, `gate.not_yours`.
    """
    policies.check_is_one_of(reason, reasons.CONTEST)
    contest_id = ids.named_id("contest", by.account, leaf_index)
    if Contest.objects.filter(id=contest_id).exists():
        return contest_id
    keeper = keeper_for()
    request = protocol.Contest(keeper.sign(by, at=at), bytes(link_of(by).link), leaf_index)
    keeper.ask(request, protocol.Done)
    with transaction.atomic():
        row, fresh = Contest.objects.get_or_create(
            id=contest_id,
            defaults={"account_id": by.account, "leaf_index": leaf_index, "reason": reason, "contested_at": at,
                      "due_at": at + reasons.CONTEST_WITHIN},
        )  # fmt: skip
        if fresh:
            fact = events.OpeningContested(contest_id, leaf_index, reason, row.due_at)
            bus.publish(fact, at=at, event_id=ids.named_id("opening-contested", contest_id))
    return contest_id


def answer_contest(*, by: Actor, at: datetime, contest_id: str, outcome: str) -> None:
    """Answer a resident's objection, once.

    Raises: Refused `gate.bad_reason`, `gate.not_reviewer`, `gate.no_contest`.
    """
    policies.check_is_one_of(outcome, reasons.CONTEST_OUTCOMES)
    policies.check_can_review(by)
    with transaction.atomic():
        open_one = Contest.objects.filter(id=contest_id, answered_at=None)
        if open_one.update(outcome=outcome, answered_by=by.account, answered_at=at):
            fact = events.ContestAnswered(contest_id, outcome)
            bus.publish(fact, at=at, event_id=ids.named_id("contest-answered", contest_id))
        elif not Contest.objects.filter(id=contest_id).exists():
            raise Refused("gate.no_contest", "There is no such objection; reload the list.")


def read_notices(*, by: Actor, at: datetime) -> int:
    """Mark a resident's notices as read; return how many were new."""
    link = ResidentLink.objects.filter(account_id=by.account).first()
    if link is None:
        return 0
    return OpeningNotice.objects.filter(handle=link.handle, read_at=None).update(read_at=at)


# Purposes, and those who look after the gate.


def propose_purpose(*, by: Actor, at: datetime, document: bytes) -> int:
    """Propose a new version of a purpose (the JSON of docs/reference/purposes.md); another person must approve it.

    Returns the version. Raises: Refused `gate.bad_purpose`, `gate.bad_policy`, `gate.not_allowed`.
    """
    keeper = keeper_for()
    return keeper.ask(protocol.ProposePurpose(keeper.sign(by, at=at), document), protocol.Done).count


def decide_purpose(
    *, by: Actor, at: datetime, step_up_at: datetime | None, purpose: str, version: int, approve: bool
) -> None:
    """Put a proposed version into force, as another person with a fresh second factor; or withdraw a version.

    Raises: Refused `gate.no_purpose`, `gate.purpose_state`, `gate.not_allowed`.
    """
    keeper = keeper_for()
    who = keeper.sign(by, at=at, step_up_at=step_up_at)
    keeper.ask(protocol.DecidePurpose(who, purpose, version, approve), protocol.Done)


def see_alarm(*, by: Actor, at: datetime, number: int) -> None:
    """Say that one has seen an alarm. Raises: Refused `gate.not_reviewer`."""
    policies.check_can_review(by)
    GateAlarm.objects.filter(number=number, seen_at=None).update(seen_by=by.account, seen_at=at)


def set_honey(*, by: Actor, at: datetime, step_up_at: datetime | None, subjects: Subjects) -> int:
    """Make people honey residents: whoever opens them rings an alarm. Raises: Refused `gate.not_allowed`."""
    keeper = keeper_for()
    who = keeper.sign(by, at=at, step_up_at=step_up_at)
    return keeper.ask(protocol.SetHoney(who, _run(subjects)), protocol.Done).count


def reset_breaker(*, by: Actor, at: datetime, step_up_at: datetime | None, purpose: str, service: str) -> None:
    """Let a calling system open for a purpose again. Raises: Refused `gate.not_allowed`."""
    keeper = keeper_for()
    who = keeper.sign(by, at=at, step_up_at=step_up_at)
    keeper.ask(protocol.ResetBreaker(who, purpose, service), protocol.Done)


def unmask(
    *, by: Actor, at: datetime, step_up_at: datetime | None, reason: str, candidates: Sequence[str]
) -> dict[str, str]:
    """Which of these accounts is behind each pseudonym of the log; logged with its reason.

    Raises: Refused `gate.not_allowed`.
    """
    keeper = keeper_for()
    who = keeper.sign(by, at=at, step_up_at=step_up_at)
    names = keeper.ask(protocol.Unmask(who, list(candidates), reason), protocol.Unmasked).names
    return dict(zip(names, candidates, strict=True))


# A status that burdens a person.


def propose_status(
    *, by: Actor, at: datetime, kind: str, matter: str, evidence: Mapping[int, str], until: datetime,
    appeal_until: datetime, emergency: bool = False,
) -> str:  # fmt: skip
    """Propose a status for people, each with the number of the evidence about that person; another person sets it.

    `matter` is the number of the decision. In an emergency (`reasons.EMERGENCY_STATUSES`, 72 hours at the most, with an
    alarm) evidence may be missing. Returns the id of what is decided together.
    Raises: Refused `gate.bad_reason`, `gate.no_evidence`, `gate.status_until`, `gate.no_appeal`, `gate.not_allowed`.
    """
    policies.check_is_one_of(kind, reasons.EMERGENCY_STATUSES if emergency else reasons.STATUSES)
    batch, keeper = ids.new_ulid(), keeper_for()
    digests = [hashlib.sha256(f"{matter}\n{one}".encode()).hexdigest() for one in evidence.values() if one.strip()]
    request = protocol.ProposeStatus(
        keeper.sign(by, at=at), batch, kind, hashlib.sha256(matter.encode()).hexdigest(), _run(list(evidence)), digests,
        clock.to_text(until), clock.to_text(appeal_until), emergency,
    )  # fmt: skip
    keeper.ask(request, protocol.Done)
    AdverseStatus.objects.bulk_create(
        [
            AdverseStatus(
                id=ids.named_id("status", batch, subject), batch=batch, kind=kind, subject=subject, matter=matter,
                evidence=number, proposed_by=by.account, proposed_at=at, until=until, appeal_until=appeal_until,
                emergency=emergency,
            )
            for subject, number in evidence.items()
        ],
        batch_size=_HEADS_AT_ONCE,
    )  # fmt: skip
    return batch


def approve_status(*, by: Actor, at: datetime, step_up_at: datetime | None, batch: str) -> int:
    """Set a proposed status, as another person; those concerned are told by their entry of the log. Returns how many.

    Raises: Refused `gate.no_status`, `gate.status_ended`, `gate.not_allowed`.
    """
    keeper = keeper_for()
    done = keeper.ask(protocol.ApproveStatus(keeper.sign(by, at=at, step_up_at=step_up_at), batch), protocol.Done)
    with transaction.atomic():
        rows = AdverseStatus.objects.filter(batch=batch, set_at=None)
        first = rows.first()
        if first is not None:
            rows.update(approved_by=by.account, set_at=at)
            fact = events.StatusSet(batch, first.kind, done.count, first.until)
            bus.publish(fact, at=at, event_id=ids.named_id("status-set", batch))
    return done.count


def end_status(*, by: Actor, at: datetime, batch: str) -> None:
    """End a status, or withdraw one that was only proposed. Raises: Refused `gate.no_status`, `gate.not_allowed`."""
    keeper = keeper_for()
    keeper.ask(protocol.EndStatus(keeper.sign(by, at=at), batch), protocol.Done)
    AdverseStatus.objects.filter(batch=batch, ended_at=None).update(ended_at=at)


def seal_texts(*, by: Actor, at: datetime, matter: str, texts: Sequence[str]) -> list[bytes]:
    """Seal free texts of one matter, in their order; store what comes back as bytes.

    Raises: Refused `gate.not_allowed`.
    """
    keeper = keeper_for()
    plain = [text.encode() for text in texts]
    sealed = keeper.ask(protocol.SealTexts(keeper.sign(by, at=at), matter, plain), protocol.TextsAre).texts
    return [text for text in sealed if text is not None]


def seal_matters(*, by: Actor, at: datetime, texts: Mapping[str, str]) -> dict[str, bytes]:
    """Seal one free text for each matter, many at once; return them by matter.

    Raises: Refused `gate.not_allowed`.
    """
    keeper, found = keeper_for(), dict[str, bytes]()
    items = list(texts.items())
    for start in range(0, len(items), protocol.MAX_MATTERS):
        some = items[start : start + protocol.MAX_MATTERS]
        asked = protocol.SealMatters(keeper.sign(by, at=at), [matter for matter, _ in some],
                                     [text.encode() for _, text in some])  # fmt: skip
        sealed = keeper.ask(asked, protocol.TextsAre).texts
        found |= {matter: text for (matter, _), text in zip(some, sealed, strict=True) if text is not None}
    return found


# Erasing and loading.


def erase(*, by: Actor, at: datetime, subject: int) -> None:
    """Destroy a person's secret, then the envelope: no copy of it, in no backup, can be opened again. The log stays.

    A resident's link, notices and objections go too, and the account is closed.
    """
    keeper = keeper_for()
    since = keeper.ask(protocol.Head(), protocol.HeadIs).size
    keeper.ask(protocol.Erase(keeper.sign(by, at=at), subject), protocol.Done)
    Envelope.objects.filter(subject=subject).delete()
    EnvelopeVersion.objects.filter(subject=subject).delete()
    AdverseStatus.objects.filter(subject=subject).delete()
    news = keeper.ask(protocol.News(keeper.sign(SYSTEM), since), protocol.NewsIs)
    forget(by=by, at=at, handles=[item.handle for item in news.items if item.kind == "erased"])


def forget(*, by: Actor, at: datetime, handles: Collection[str]) -> None:
    """Remove what is kept of residents who were erased, and close their accounts; again changes nothing.

    The keeper ends the link last: until then it tells of the erasure as news, and a job finishes what a crash cut off.
    """
    keeper = keeper_for()
    for handle in handles:
        with transaction.atomic():
            links = ResidentLink.objects.filter(handle=handle)
            for account in links.values_list("account_id", flat=True):
                Contest.objects.filter(account_id=account).delete()
                accounts.close_resident(account=account, by=by, at=at)
            OpeningNotice.objects.filter(handle=handle).delete()
            links.delete()
        keeper.ask(protocol.Unlink(keeper.sign(SYSTEM), handle), protocol.Done)


def seal_packet(
    *, by: Actor, at: datetime, purpose: str, parts: Mapping[str, bytes], words: Sequence[bytes] = ()
) -> Packet:
    """Seal what somebody without a register entry entrusts to the city; keep it with `keep_packets`.

    A part is named for a field of the purpose, `-N` behind it where there are several. `words` are what the packet can
    be found by; only the keeper knows them, keyed. Ask before a transaction, keep inside it: a packet that is not kept
    is a key without a lock, and harmless.
    Raises: Refused `gate.not_allowed`, `gate.no_basis`, `gate.too_large`.
    """
    return seal_packets(by=by, at=at, purpose=purpose, packets=[parts], words=[words])[0]


def seal_packets(
    *, by: Actor, at: datetime, purpose: str, packets: Sequence[Mapping[str, bytes]], words: Sequence[Sequence[bytes]]
) -> list[Packet]:
    """Seal several packets in one step. Raises: Refused like `seal_packet`."""
    keeper = keeper_for()
    request = protocol.SealPackets(
        keeper.sign(by, at=at), purpose, [dict(parts) for parts in packets], [list(some) for some in words]
    )
    reply = keeper.ask(request, protocol.PacketsSealed)
    names = np.frombuffer(reply.subjects, "<i8").tolist()
    return [Packet(name, sealed) for name, sealed in zip(names, reply.packets, strict=True)]


def seal_parts(
    *, by: Actor, at: datetime, purpose: str, name: str, parts: Sequence[bytes]
) -> tuple[list[int], list[bytes]]:  # fmt: skip
    """Seal a packet of one part, which no word finds, for each of many; return the packets' ids and the sealed parts.

    Ask for at most 65,536, of 24 MB together. Raises: Refused like `seal_packet`.
    """
    keeper, lengths = keeper_for(), list(map(len, parts))
    run = np.array(lengths, "<i4").tobytes(), b"".join(parts)
    reply = keeper.ask(protocol.SealRun(keeper.sign(by, at=at), purpose, name, *run), protocol.RunSealed)
    sealed = protocol.cut(reply.parts, [length + protocol.SEALED_MORE for length in lengths])
    return np.frombuffer(reply.subjects, "<i8").tolist(), sealed


def keep_packets(packets: Sequence[Packet]) -> None:
    """Put sealed packets into the city's database, in the caller's transaction."""
    rows = [
        SealedPart(packet=each.id, name=name, sealed=part) for each in packets for name, part in each.sealed.items()
    ]
    SealedPart.objects.bulk_create(rows, batch_size=_HEADS_AT_ONCE)


def find_packets(
    *, by: Actor, at: datetime, purpose: str, words: Sequence[bytes], incident_id: str = "", exercise_id: str = ""
) -> list[int]:
    """Which packets of a purpose have any of these words. Raises: Refused `gate.not_allowed`."""
    keeper, found = keeper_for(), set()
    for first in range(0, len(words), _WORDS_AT_ONCE):
        who = keeper.sign(by, exercise_id=exercise_id, at=at)
        request = protocol.FindPackets(who, purpose, list(words[first : first + _WORDS_AT_ONCE]), incident_id)
        found.update(np.frombuffer(keeper.ask(request, protocol.Named).subjects, "<i8").tolist())
    return sorted(found)


def open_packets(
    *, by: Actor, at: datetime, grant_id: str, packets: Sequence[int], fields: Collection[str],
    region: Region | None = None, exercise_id: str | None = None,
) -> dict[int, dict[str, bytes]]:  # fmt: skip
    """Open these fields of packets under a live grant, after one durable log leaf for each.

    With a region only those open whose place lies in it; the others are missing from the answer, and so are those that
    were erased or are damaged.
    Raises: Refused `gate.not_allowed`, `gate.no_grant`, `gate.grant_ended`, `gate.not_granted`, `gate.too_many`.
    """
    keeper = keeper_for()
    exercise = exercise_of(grant_id) if exercise_id is None else exercise_id
    asked = protocol.Region(list(region.polygons), list(region.areas)) if region else None
    looked_at = {*fields, "place"} if region else set(fields)
    sealed = [{name: part for name, part in parts.items() if name.partition("-")[0] in looked_at}
              for parts in parts_of(packets)]  # fmt: skip
    who = keeper.sign(by, exercise_id=exercise, at=at)
    request = protocol.OpenPackets(who, grant_id, sorted(fields), _run(packets), sealed, asked)
    reply = keeper.ask(request, protocol.PacketsOpened)
    return {packet: parts for packet, parts in zip(packets, reply.packets, strict=True) if parts}


def erase_packets(*, by: Actor, at: datetime, purpose: str, packets: Sequence[int]) -> None:
    """Zero the keys of packets, also for every backup, and delete their rows. Raises: Refused `gate.not_allowed`."""
    keeper = keeper_for()
    for first in range(0, len(packets), _HEADS_AT_ONCE):
        some = packets[first : first + _HEADS_AT_ONCE]
        keeper.ask(protocol.ErasePackets(keeper.sign(by, at=at), purpose, _run(some)), protocol.Done)
        SealedPart.objects.filter(packet__in=some).delete()


def open_versions(
    *, by: Actor, at: datetime, grant_id: str, versions: Sequence[tuple[int, bytes]], fields: Collection[str]
) -> list[dict[str, str] | None]:  # fmt: skip
    """Open versions of people, each a subject and what was sealed then, under a live grant; a leaf for each version.

    None for one that does not open: it is damaged, or the person was erased. Raises: Refused like `open_people`.
    """
    keeper, names = keeper_for(), sorted(fields)
    who = keeper.sign(by, exercise_id=exercise_of(grant_id), at=at)
    sealed = b"".join(envelope for _subject, envelope in versions)
    request = protocol.Open(who, grant_id, names, _run([subject for subject, _envelope in versions]), sealed)
    people = keeper.ask(request, protocol.Opened).people
    return [None if values is None else dict(zip(names, values, strict=True)) for values in people]


# Departments' files about people (decision 0026).


def register_tokens(
    *, by: Actor, at: datetime, source: str, keys: Sequence[str] | NDArray[np.uint8]
) -> NDArray[np.int64]:  # fmt: skip
    """What the register knows a source's own numbers of people by; at most 65,536, one leaf for all of them.

    They are texts, or rows as of `kernel.texts.packed`; none is empty. Raises: Refused `gate.not_allowed`.
    """
    keeper = keeper_for()
    rows = keys if isinstance(keys, np.ndarray) else packed([key.replace("\0", "\ufffd") for key in keys])
    request = protocol.RegisterTokens(keeper.sign(by, at=at), source, rows.shape[1], rows.tobytes())
    return np.frombuffer(keeper.ask(request, protocol.TokensAre).tokens, "<i8")


def name_sounds(records: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """What the names in records that are not sealed yet sound like, as numbers; 0 where nothing sounds."""
    return sounds(people_column(records, "name").view(np.uint8).reshape(len(records), -1))


def people_column(records: NDArray[np.uint8], field: str) -> NDArray[np.bytes_]:
    """One field of records that are not sealed yet, as UTF-8."""
    return np.ascontiguousarray(np.ascontiguousarray(records).view(RECORD).reshape(-1)[field])


def seal_versions(*, by: Actor, at: datetime, subjects: Subjects, people: PeopleBatch) -> Versions:
    """Seal changed records of people who are there, at most 65,536; nobody is found or counted by them yet.

    Raises: Refused `gate.not_allowed`.
    """
    keeper = keeper_for()
    records = with_traits(people.records, people.traits).tobytes()
    reply = keeper.ask(protocol.SealVersions(keeper.sign(by, at=at), _run(subjects), records), protocol.VersionsSealed)
    envelopes = np.frombuffer(reply.envelopes, np.uint8).reshape(len(people), -1)
    return Versions(envelopes, reply.field_set, reply.key_id)


def follow_versions(*, by: Actor, at: datetime, subjects: Subjects) -> int:
    """Let people be found and counted by the envelopes that are kept of them now; at most 20,000, each named once."""
    keeper, people = keeper_for(), np.asarray(subjects, np.int64)
    (envelopes,) = envelopes_by([people])
    return keeper.ask(protocol.Follow(keeper.sign(by, at=at), _run(people), envelopes), protocol.Done).count


def are_same(*, by: Actor, at: datetime, subjects: Subjects, people: PeopleBatch) -> NDArray[np.bool_]:
    """Whether each of these people has the name and the identity number of a record; nothing else is told."""
    keeper, wanted, answers = keeper_for(), np.asarray(subjects, np.int64), []
    for first in range(0, len(wanted), protocol.MAX_OPENED):
        here = slice(first, first + protocol.MAX_OPENED)
        (envelopes,) = envelopes_by([wanted[here]])
        records = np.ascontiguousarray(people.records[here]).tobytes()
        request = protocol.Compare(keeper.sign(by, at=at), _run(wanted[here]), envelopes, records)
        answers += keeper.ask(request, protocol.Answered).answers
    return np.array([bool(answer) for answer in answers], bool)


def said_digests(*, by: Actor, at: datetime, versions: Sequence[tuple[int, bytes]]) -> NDArray[np.int64]:
    """What each version of a person says of `DIGESTED`, as numbers that only tell what is the same; one row for each.

    0 is nothing said. Nobody is shown. Raises: Refused `gate.not_allowed`.
    """
    keeper, found = keeper_for(), [np.zeros((0, len(DIGESTED)), np.int64)]
    for first in range(0, len(versions), protocol.MAX_OPENED):
        some = versions[first : first + protocol.MAX_OPENED]
        subjects, sealed = _run([subject for subject, _sealed in some]), b"".join(each for _subject, each in some)
        reply = keeper.ask(protocol.TellSame(keeper.sign(by, at=at), subjects, sealed), protocol.DigestsAre)
        found.append(np.frombuffer(reply.digests, "<i8").reshape(-1, len(DIGESTED)))
    return np.concatenate(found)


def compose_versions(
    *, by: Actor, at: datetime, subjects: Subjects, versions: Sequence[Sequence[bytes]],
    choices: Sequence[Sequence[int]] | NDArray[np.generic],
) -> Versions:  # fmt: skip
    """Seal for each of at most 20,000 people a record of which each field of `COMPOSED` comes from the version chosen.

    Raises: Refused `gate.not_allowed`.
    """
    keeper = keeper_for()
    request = protocol.Compose(
        keeper.sign(by, at=at), _run(subjects), np.array([len(each) for each in versions], np.int64).tobytes(),
        b"".join(sealed for each in versions for sealed in each), np.array(choices, np.uint8).tobytes(),
    )  # fmt: skip
    reply = keeper.ask(request, protocol.VersionsSealed)
    envelopes = np.frombuffer(reply.envelopes, np.uint8).reshape(len(versions), -1)
    return Versions(envelopes, reply.field_set, reply.key_id)


def alike_people(*, by: Actor, at: datetime, people: PeopleBatch) -> Alike:
    """Name and open those of the register who may be among these people: at most five for each, a leaf for each opened.

    Raises: Refused `gate.not_allowed`, and `gate.budget` where too many were opened today for it.
    """
    keeper, rows, subjects, held = keeper_for(), [_NOBODY], [_NOBODY], {}
    records = with_traits(people.records, people.traits)
    for first in range(0, len(people), _SOUGHT_AT_ONCE):
        some = records[first : first + _SOUGHT_AT_ONCE].tobytes()
        found = keeper.ask(protocol.Seek(keeper.sign(by, at=at), some), protocol.Sought)
        rows.append(np.frombuffer(found.rows, "<i8") + first)
        subjects.append(np.frombuffer(found.subjects, "<i8"))
        held |= _weighed(by, at, found.ticket, np.unique(subjects[-1]))
    read = reader(WEIGHED_FIELDS)
    return Alike(np.concatenate(rows), np.concatenate(subjects), held, [read(each.tobytes()) for each in records])


def _weighed(by: Actor, at: datetime, ticket: str, subjects: NDArray[np.int64]) -> dict[int, list[str]]:
    """What those whom a ticket names say, without those who have no envelope."""
    if not len(subjects):
        return {}
    keeper, (envelopes,) = keeper_for(), envelopes_by([subjects])
    request = protocol.Weigh(keeper.sign(by, at=at), ticket, _run(subjects), envelopes)
    people = keeper.ask(request, protocol.Opened).people
    return {subject: says for subject, says in zip(subjects.tolist(), people, strict=True) if says is not None}


def join_people(*, by: Actor, at: datetime, subject: int, into: int, versions: Sequence[bytes]) -> Versions:
    """Seal versions of a person for another one, who is the same; both are told by their entry of the log.

    Raises: Refused `gate.unknown_subject`, `gate.not_allowed`.
    """
    keeper = keeper_for()
    request = protocol.Join(keeper.sign(by, at=at), subject, into, b"".join(versions))
    made = keeper.ask(request, protocol.VersionsSealed)
    envelopes = np.frombuffer(made.envelopes, np.uint8).reshape(len(versions), -1)
    return Versions(envelopes, made.field_set, made.key_id)


def seal_correction(*, by: Actor, at: datetime, account: str, people: PeopleBatch) -> tuple[int, Versions]:
    """Seal a correction, a record with what was asked for alone, for the person who asked; return who that is.

    The person is told by an entry of the log. Raises: Refused `gate.no_link`, `gate.not_allowed`.
    """
    keeper, link = keeper_for(), link_of(Actor(account, "", frozenset()))
    said = with_traits(people.records, people.traits).tobytes()
    request = protocol.SealOwn(keeper.sign(by, at=at), account, bytes(link.link), said)
    made = keeper.ask(request, protocol.OwnSealed)
    envelopes = np.frombuffer(made.envelope, np.uint8).reshape(1, -1)
    return made.subject, Versions(envelopes, made.field_set, made.key_id)


def part_person(*, by: Actor, at: datetime, subject: int, versions: Sequence[bytes]) -> tuple[int, Versions]:
    """Give versions of a person, the last one in force, a person of their own; return who that is.

    Both are told by their entry of the log. Raises: Refused `gate.unknown_subject`, `gate.not_allowed`.
    """
    keeper = keeper_for()
    made = keeper.ask(protocol.Part(keeper.sign(by, at=at), subject, b"".join(versions)), protocol.Parted)
    envelopes = np.frombuffer(made.envelopes, np.uint8).reshape(len(versions), -1)
    return made.subject, Versions(envelopes, made.field_set, made.key_id)


def reveal_people(*, by: Actor, at: datetime) -> None:
    """Let people who were sealed hidden be found."""
    keeper = keeper_for()
    keeper.ask(protocol.Reveal(keeper.sign(by, at=at)), protocol.Done)


def take_back_people(*, by: Actor, at: datetime, after: int = 0) -> int:
    """Destroy the secrets of people who are hidden and whose ids are higher; return how many they were."""
    keeper = keeper_for()
    first = (after >> 32) + 1 if after else 0
    return keeper.ask(protocol.TakeBack(keeper.sign(by, at=at), first), protocol.Done).count


@contextmanager
def sealing(*, by: Actor, at: datetime, workers: int = 2, hidden: bool = False) -> Iterator[Sealer]:
    """Seal people in bulk on several keeper processes; durable, with one log leaf, when the block ends well.

    `sealer.seal_all(batches)` gives a SealedBatch for each PeopleBatch (1 to 65,536 people), in order, with several in
    flight; `sealer.seal(batch)` does one. `sealer.sealed` counts the people. Slots follow the order of the people.
    The caller stores the envelopes (`store_envelopes`, or its own bulk path into the table of `gate.Envelope`).
    With `hidden` nobody finds them before `reveal_people`, and `take_back_people` destroys them.
    """
    keeper = keeper_for()
    with keeper.begin_load(keeper.sign(by, at=at), workers, hidden=hidden) as sealer:
        yield sealer


def store_envelopes(batch: SealedBatch) -> None:
    """Put sealed envelopes into the city's database."""
    sealed = [each.tobytes() for each in batch.envelopes]
    Envelope.objects.bulk_create(
        [
            Envelope(subject=subject, sealed=envelope, field_set=batch.field_set, key_id=batch.key_id)
            for subject, envelope in zip(batch.subjects.tolist(), sealed, strict=True)
        ],
        batch_size=2000,
    )


def start_keeper(
    *, folder: Path | None = None, socket: Path | None = None, assertion_key_file: Path | None = None,
    log: Path | None = None,
) -> Running:  # fmt: skip
    """Start the keeper as a child that dies with this process, and wait until it answers; initialise an empty folder.

    It ends with the thread that started it, so start it from the main thread.
    Without arguments the paths are those of the settings. `running.stop()` ends it; `running.kill()` is kill -9.
    Raises: Refused `gate.keeper_down` when it does not come up.
    """
    paths = settings.CITYLOOM
    return client.start(
        Path(folder or paths["KEEPER_DIR"]),
        Path(socket or paths["KEEPER_SOCKET"]),
        Path(assertion_key_file or paths["ASSERTION_KEY_FILE"]),
        log=log,
    )


def rotate_keys(*, by: Actor, at: datetime) -> int:
    """Change the keeper's key-encryption key; return its number. People are opened meanwhile, erasures wait.

    `queries.rotation_progress()` says how far it is. Raises: Refused `gate.not_allowed`, `gate.loading`,
    `gate.rotation_failed`.
    """
    keeper = keeper_for()
    return keeper.ask(protocol.Rotate(keeper.sign(by, at=at)), protocol.Rotated).key_id


def back_up_keys(*, by: Actor, at: datetime, place: Path) -> Path:
    """Have the keeper copy keys, slots and log into a new folder in `place`; return it.

    Raises: Refused `backup.same_folder`, `gate.not_allowed`, `gate.loading`, `gate.backup_failed`.
    """
    keeper = keeper_for()
    asked = protocol.BackUpKeys(keeper.sign(by, at=at), str(place.absolute()))
    return Path(keeper.ask(asked, protocol.BackedUp).folder)


def back_up_database(*, by: Actor, at: datetime, place: Path) -> Path:
    """Copy the city's records, envelopes included, into a new folder in `place`; return it. It may be in use.

    Raises: Refused `backup.same_folder`, `backup.postgresql`.
    """
    source = _embedded_file()
    draft = manifest.begin(place, manifest.DATABASE, at)
    files.copy_database(source, draft / source.name)
    return manifest.finish(draft, manifest.DATABASE, at)


def restore_database(*, by: Actor, at: datetime, source: Path) -> Path:
    """Put a backup of the records in the place of those that are there; return the backup. Nobody may be using them.

    Raises: Refused `backup.postgresql`, and those of a backup that is not whole.
    """
    target = _embedded_file()
    found = manifest.read(source, manifest.DATABASE)
    draft = target.with_name(f"{target.name}.restoring")
    draft.unlink(missing_ok=True)
    files.copy_database(found.folder / target.name, draft)
    connection.close()
    for left in (target.with_name(f"{target.name}{end}") for end in ("-wal", "-shm", "-journal")):
        left.unlink(missing_ok=True)  # they belong to the records that go
    draft.replace(target)
    return found.folder


def back_up_lake(*, by: Actor, at: datetime, place: Path) -> Path:
    """Copy the lake, with the keyed numbers of people, into a new folder in `place`; return it. It may be in use.

    Raises: Refused `backup.same_folder`, `backup.no_lake`.
    """
    from cityloom.lake import copying  # heavy

    root = Path(settings.CITYLOOM["LAKE_DIR"])
    if not root.is_dir():
        raise Refused("backup.no_lake", "There is no lake to back up; `cityloom lake declare FILE` begins one.")
    draft = manifest.begin(place, manifest.LAKE, at)
    try:
        copying.copy(root, draft)
        return manifest.finish(draft, manifest.LAKE, at)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def restore_lake(*, by: Actor, at: datetime, source: Path) -> Path:
    """Put a backup of the lake in the place of the one that is there; return the backup. Nobody may be using it.

    Raises: those of a backup that is not whole; then the lake is as it was.
    """
    from cityloom.lake import copying  # heavy

    root = Path(settings.CITYLOOM["LAKE_DIR"])
    found = manifest.read(source, manifest.LAKE)
    draft = root.with_name(f"{root.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    for name in found.files:
        target = draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.copy(found.folder / name, target)
        files.sync(target)
    for folder in (draft, *(path for path in draft.rglob("*") if path.is_dir())):
        files.sync(folder)
    copying.put_in_place(draft, root)
    return found.folder


def restore_keys(*, by: Actor, at: datetime, source: Path, force: bool = False) -> dict[str, object]:
    """Put a backup of the keys in the place of the keeper that is there, in a process of its own; say what was done.

    Every erasure that the newest log knows is done again (`erased`), the log goes on where it can be read
    (`log_kept`), and the key is changed. Raises: Refused `backup.too_old`, `backup.other_keeper`, `backup.in_use`,
    `backup.unfit`, and those of a backup that is not whole.
    """
    command = [sys.executable, "-m", "cityloom.keeper.backup", "--dir", str(Path(settings.CITYLOOM["KEEPER_DIR"])),
               "--from", str(source.absolute()), *(["--force"] if force else [])]  # fmt: skip
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in (manifest.RESTORED, manifest.REFUSED):
        raise RuntimeError("The restore stopped before its end.")
    told = json.loads(ended.stdout)
    if ended.returncode == manifest.REFUSED:
        raise Refused(told["code"], told["sentence"], value=told["value"], limit=told["limit"])
    return told


def prune_backups(*, by: Actor, at: datetime, place: Path, older_than: timedelta) -> list[Path]:
    """Remove the backups in a place that are older, of every kind; return their folders."""
    return list(manifest.prune(place, older_than=older_than, now=at))


def _embedded_file() -> Path:
    if connection.vendor != "sqlite":
        raise Refused("backup.postgresql", "The city's records lie in PostgreSQL; back them up and restore them with"
                      " pg_dump and pg_restore, apart from the keys.")  # fmt: skip
    return Path(connection.settings_dict["NAME"])


def _named(subjects: Subjects) -> list[int]:
    people = np.unique(np.asarray(subjects, dtype=np.int64))
    return people.tolist() if len(people) <= _NAMED_AT_MOST else []


def _people(opened: Sequence[list[str] | None], subjects: NDArray[np.int64], fields: Collection[str]) -> People:
    names = sorted(fields)
    return {
        subject: dict(zip(names, values, strict=True))
        for subject, values in zip(subjects.tolist(), opened, strict=True)
        if values is not None
    }


def _raise_first(replies: Sequence[object]) -> None:
    for reply in replies:
        if isinstance(reply, Refused):
            raise reply


def _run(subjects: Subjects) -> bytes:
    return np.ascontiguousarray(subjects, dtype="<i8").tobytes()
