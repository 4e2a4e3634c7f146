"""Questions to the gate: counts from inside the keeper, who needs help, what was opened, the log's head."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cityloom.accounts import queries as accounts
from cityloom.audit import queries as audit
from cityloom.gate import display, policies
from cityloom.gate.domain import documents
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
from cityloom.keeper import protocol
from cityloom.keeper.basis import OF_PACKETS
from cityloom.keeper.client import KeeperClient
from cityloom.keeper.counting import COUNTED_SEXES
from cityloom.keeper.record import AGE_BANDS, ENVELOPE_BYTES, NEEDS
from cityloom.kernel import clock, merkle
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.domain import declared as figures
from cityloom.ui.domain.declared import MOST_WORK, Fault, WorkItem

EMERGENCY = "emergency-assistance"
REGISTER = "register-maintenance"
CASES = "case-handling"
GLASS = "break-glass"
STATUS = "adverse-status"
_NO_ENVELOPE = bytes(ENVELOPE_BYTES)
_AT_ONCE = 500  # ids in one IN list
_SEALED_AT_ONCE = 5000
_READ_AT_ONCE = 1000
_PACKETS_AT_ONCE = 500
_MOST_IN_A_BUNDLE = 100_000


@dataclass(frozen=True)
class NeedCounts:
    """Counts by group, one row for each of `groups` (sorted; a single 0 when no groups were given).

    -1 stands for a count that is withheld because it is 7 or less. `by_need` and `by_age` map each of `NEEDS` and
    `AGE_BANDS` to a column. `unknown` counts subjects that the keeper does not hold (erased, or never sealed).
    """

    groups: NDArray[np.int64]
    people: NDArray[np.int64]
    needing_help: NDArray[np.int64]
    by_need: dict[str, NDArray[np.int64]]
    by_age: dict[str, NDArray[np.int64]]
    unknown: int
    exact: bool


@dataclass(frozen=True)
class OpeningSummary:
    """How many people were opened (`kind` "opened") or named as needing help ("listed"); nobody is named."""

    kind: str
    purpose: str
    basis: str
    article: str
    unit: str
    role: str
    people: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class LogHead:
    """The size of the log and its Merkle root in hexadecimal."""

    size: int
    root: str


@dataclass(frozen=True)
class Basis:
    """The legal ground of a purpose: article, fields, roles, and the day it must be renewed by."""

    purpose: str
    id: str
    article: str
    fields: tuple[str, ...]
    units: tuple[str, ...]
    roles: tuple[str, ...]
    valid_until: datetime
    max_subjects: int
    version: int = 1


@dataclass(frozen=True)
class OwnEntry:
    """An entry of the log about oneself: what it says, its place, and the proof of it."""

    index: int
    facts: dict[str, Any]
    text: str
    salt: str
    proof: tuple[str, ...]


@dataclass(frozen=True)
class OwnEntries:
    """A resident's own entries, newest first, with the signed checkpoint that they are proved in.

    `titles`: what each purpose is called, by language, under `purpose/version`. `statuses`: the batches of what burdens
    the resident now, with the first page only.
    """

    entries: tuple[OwnEntry, ...]
    checkpoint: str
    vkey: str
    titles: dict[str, dict[str, str]]
    statuses: tuple[str, ...]


@dataclass(frozen=True)
class OwnStatus:
    """A status that burdens the resident who asks: on which decision, until when, and until when one may appeal."""

    kind: str
    matter: str
    set_at: datetime
    until: datetime
    appeal_until: datetime
    emergency: bool


@dataclass(frozen=True)
class PurposeVersion:
    """One version of a purpose; `document` is what it says, the names are pseudonyms of the log."""

    purpose: str
    version: int
    state: str
    document: dict[str, Any]
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    spent_today: int


@dataclass(frozen=True)
class PublishedPurpose:
    """A purpose in force as anybody may read it; fields are labels and units names in the reader's language.

    `plain` says in a sentence what happens, for the purposes that a new city has; the limits are None where none is
    set. `is_over` where its legal basis has ended: nothing opens for it.
    """

    name: str
    title: str
    plain: str
    citation: str
    fields: tuple[str, ...]
    units: tuple[str, ...]
    roles: tuple[str, ...]
    most_a_day: int | None
    second_person_above: int | None
    retention_days: int
    valid_until: datetime
    is_over: bool


@dataclass(frozen=True)
class Flow:
    """How many people a unit has reached in a day for a purpose, as one kind of entry."""

    day: str
    unit: str
    role: str
    purpose: str
    kind: str
    service: str
    is_exercise: bool
    entries: int
    people: int


def count_needs(
    subjects: NDArray[np.int64], groups: NDArray[np.int64] | None = None, *, purpose: str = "", incident_id: str = "",
    exercise_id: str = "", by: Actor = SYSTEM, at: datetime | None = None,
) -> NeedCounts:  # fmt: skip
    """Count people, needs and ages by group inside the keeper; no envelope is opened.

    Exact for a rescue under way: purpose EMERGENCY with an incident id or exercise id (then one log leaf is written);
    else counts of 7 or fewer are withheld (-1) and the rest rounded to 5. At most 1,000,000 subjects.
    """
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_id, at=at)
    grouped = b"" if groups is None else _run(groups)
    request = protocol.Count(who, _run(subjects), grouped, purpose, incident_id)
    reply = keeper.ask(request, protocol.Counted)
    names = np.frombuffer(reply.groups, "<i8")
    people, needing_help, *rows = np.frombuffer(reply.counts, "<i8").reshape(2 + len(NEEDS) + len(AGE_BANDS), -1)
    by_need = dict(zip(NEEDS, rows[: len(NEEDS)], strict=True))
    by_age = dict(zip(AGE_BANDS, rows[len(NEEDS) :], strict=True))
    return NeedCounts(names, people, needing_help, by_need, by_age, reply.unknown, reply.exact)


@dataclass(frozen=True)
class PeopleCounts:
    """Counts by group, one column for each of `groups` (sorted): `people` (groups,), `by_sex_and_age` (3, 4, groups).

    Sexes are COUNTED_SEXES, ages AGE_BANDS. -1 stands for a count that is withheld, as it is 7 or less or the group has
    fewer than 200 people. `unknown` are subjects that the keeper does not hold.
    """

    groups: NDArray[np.int64]
    people: NDArray[np.int64]
    by_sex_and_age: NDArray[np.int64]
    unknown: int


def count_people(subjects: NDArray[np.int64], groups: NDArray[np.int64], *, by: Actor = SYSTEM) -> PeopleCounts:
    """Count people by group, sex and age inside the keeper; no envelope is opened, and one leaf is written.

    Each person is counted in one group a month; the same question has the same answer all month. At most 1,000,000
    subjects. Raises: Refused `gate.counted_already`, `gate.too_many_groups`.
    """
    keeper = keeper_for()
    request = protocol.CountPeople(keeper.sign(by), _run(subjects), _run(groups))
    reply = keeper.ask(request, protocol.PeopleCounted)
    names = np.frombuffer(reply.groups, "<i8")
    people, *cells = np.frombuffer(reply.counts, "<i8").reshape(-1, len(names))
    shaped = np.array(cells).reshape(len(COUNTED_SEXES), len(AGE_BANDS), len(names))
    return PeopleCounts(names, people, shaped, reply.unknown)


def subjects_needing_help(*, by: Actor, at: datetime, grant_id: str) -> NDArray[np.int64]:
    """The people of a live emergency grant who need help to leave, sorted; each is logged as named.

    Needs help to leave: mobility, bedridden, hearing, sight, cognitive or electric device.
    """
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_of(grant_id), at=at)
    return np.frombuffer(keeper.ask(protocol.ListNeedingHelp(who, grant_id), protocol.Named).subjects, "<i8")


def openings_of(*, incident_id: str = "", exercise_id: str = "") -> list[OpeningSummary]:
    """What was opened for an incident or in an exercise (which goes first): counts, purposes and bases."""
    reply = keeper_for().ask(protocol.Summarise(incident_id, exercise_id), protocol.Summaries)
    return [
        OpeningSummary(
            row.kind, row.purpose, row.basis, row.article, row.unit, row.role, row.people,
            clock.from_text(row.first_at), clock.from_text(row.last_at),
        )
        for row in reply.rows
    ]  # fmt: skip


def basis_of(purpose: str) -> Basis:
    """The live legal basis of a purpose. Raises: Refused `gate.no_basis`."""
    row = keeper_for().ask(protocol.ReadBasis(purpose), protocol.BasisIs)
    return Basis(
        row.purpose, row.id, row.article, tuple(row.fields), tuple(row.units), tuple(row.roles),
        clock.from_text(row.valid_until), row.max_subjects, row.version,
    )  # fmt: skip


def live_purposes() -> dict[str, dict[str, Any]]:
    """What every purpose in force says, by its name: article, fields, units, roles, limits. Names nobody."""
    return {row.purpose: row.document for row in purposes(SYSTEM) if row.state == "active"}


def published_purposes(at: datetime) -> list[PublishedPurpose]:
    """Every purpose in force, in the reader's language, those that open fields of a person first."""
    found = [_published(name, documents.as_written(rules), at) for name, rules in live_purposes().items()]
    return sorted(found, key=lambda purpose: (not purpose.fields, purpose.name))


def purposes_to_grant(actor: Actor) -> list[str]:
    """The purposes that an actor may assign people for: neither a rescue, which its incident grants, nor packets."""
    return [
        name for name, rules in live_purposes().items()
        if actor.roles & set(rules["granters"]) and rules["fields"] and name not in (EMERGENCY, GLASS, *OF_PACKETS)
        and any(_within(actor.unit, unit) for unit in rules["units"])
    ]  # fmt: skip


def holders_for(actor: Actor, purpose: str) -> list[accounts.AccountFacts]:
    """The accounts of the actor's unit, and of those below it, whose role may hold a grant for a purpose."""
    roles = set(live_purposes().get(purpose, {}).get("roles", ()))
    return [
        one for one in accounts.accounts(demo=True)
        if one.is_active and not one.suspended_for and roles & set(one.roles) and _within(one.unit, actor.unit)
    ]  # fmt: skip


def residents_in(dwellings: Sequence[int]) -> list[int]:
    """Who is registered in these dwellings, as the registers say."""
    return list(import_string(settings.CITYLOOM_RESIDENTS_IN)(dwellings))


def dwellings_at(street: str, house_number: str) -> dict[int, str]:
    """The numbers and addresses of dwellings, as the registers say."""
    return dict(import_string(settings.CITYLOOM_DWELLINGS_AT)(street, house_number))


def homes_of(subjects: Sequence[int]) -> list[int]:
    """The dwelling of each of these people in their order; 0 where the registers know none."""
    found = import_string(settings.CITYLOOM_HOMES_OF)(subjects)
    return [found.get(subject, 0) for subject in subjects]


def grants_by(actor: Actor, at: datetime) -> list[GrantRecord]:
    """The live grants that somebody has given, the newest first."""
    given = GrantRecord.objects.filter(granted_by=actor.account, revoked_at=None, until__gt=at)
    return list(given.exclude(holder=actor.account).order_by("-granted_at")[:200])


def grants_of(actor: Actor, at: datetime) -> list[GrantRecord]:
    """The live grants that somebody holds, those that end first at the top."""
    return list(GrantRecord.objects.filter(holder=actor.account, revoked_at=None, until__gt=at).order_by("until")[:200])


def grants_to_second(at: datetime) -> list[GrantRecord]:
    """Grants that wait for a second person."""
    waiting = GrantRecord.objects.filter(needs_second=True, seconded_at=None, revoked_at=None, until__gt=at)
    return list(waiting.order_by("granted_at")[:200])


def grant_record(grant_id: str) -> GrantRecord:
    """A grant's head. Raises: Refused `gate.no_grant`."""
    row = GrantRecord.objects.filter(id=grant_id).first()
    if row is None:
        raise Refused("gate.no_grant", "There is no such grant; the task or incident may have been removed.")
    return row


def link_of(actor: Actor) -> ResidentLink:
    """A resident's own link. Raises: Refused `gate.no_link`."""
    link = ResidentLink.objects.filter(account_id=actor.account).first()
    if link is None:
        raise Refused("gate.no_link", "This sign-in is not linked to anybody whom the register holds; sign in again.")
    return link


def own_entries(by: Actor, *, before: int | None = None, limit: int = 50) -> OwnEntries:
    """Who looked at the resident who is signed in, newest first, each with its proof.

    Raises: Refused `gate.no_link`.
    """
    keeper = keeper_for()
    request = protocol.ReadOwn(keeper.sign(by), bytes(link_of(by).link), before, limit)
    found = keeper.ask(request, protocol.OwnEntries)
    entries = tuple(
        OwnEntry(
            leaf.index, json.loads(leaf.text), leaf.text.decode(), leaf.salt.hex(),
            tuple(base64.b64encode(node).decode() for node in proof),
        )
        for leaf, proof in zip(found.leaves, found.proofs, strict=True)
    )  # fmt: skip
    return OwnEntries(entries, found.checkpoint, found.vkey, found.titles, tuple(found.statuses))


def own_statuses(batches: Sequence[str]) -> list[OwnStatus]:
    """What burdens a resident now, by what `own_entries` named."""
    found = {row.batch: row for row in AdverseStatus.objects.filter(batch__in=batches).exclude(set_at=None)}
    return [
        OwnStatus(row.kind, row.matter, row.set_at, row.until, row.appeal_until, row.emergency)
        for row in found.values()
    ]


def bundle(by: Actor, *, at: datetime) -> dict[str, object]:
    """Every entry about the resident who is signed in, all proved in one checkpoint, as docs/reference/bundle.md says.

    Raises: Refused `gate.no_link`.
    """
    keeper, link = keeper_for(), bytes(link_of(by).link)
    leaves: list[audit.LoggedLeaf] = []
    while len(leaves) < _MOST_IN_A_BUNDLE:
        before = leaves[-1].index if leaves else None
        request = protocol.ReadOwn(keeper.sign(by), link, before, _READ_AT_ONCE)
        some = keeper.ask(request, protocol.OwnEntries).leaves
        if not some:
            break
        leaves += [audit.LoggedLeaf(leaf.index, leaf.text, leaf.salt) for leaf in some]
    return audit.bundle_of(leaves[:_MOST_IN_A_BUNDLE], at=at)


def notices_of(by: Actor, limit: int = 50) -> list[OpeningNotice]:
    """A resident's notices, newest first."""
    link = ResidentLink.objects.filter(account_id=by.account).first()
    found = OpeningNotice.objects.filter(handle=link.handle) if link else OpeningNotice.objects.none()
    return list(found.order_by("-leaf_index")[:limit])


def unread_of(by: Actor) -> int:
    """How many of a resident's notices are new."""
    link = ResidentLink.objects.filter(account_id=by.account).first()
    return OpeningNotice.objects.filter(handle=link.handle, read_at=None).count() if link else 0


def contests_of(by: Actor) -> dict[int, Contest]:
    """A resident's objections by the index of the entry."""
    return {row.leaf_index: row for row in Contest.objects.filter(account_id=by.account)}


def open_contests() -> list[Contest]:
    """Objections that wait for an answer, the most urgent first."""
    return list(Contest.objects.filter(answered_at=None).order_by("due_at")[:500])


def entries(by: Actor, indices: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What entries of the log say, for the review of objections, without the person; what cannot be read is missing.

    Raises: Refused `gate.not_reviewer`.
    """
    policies.check_can_review(by)
    keeper = keeper_for()
    requests = [protocol.ReadEntry(keeper.sign(by), index) for index in indices]
    replies = keeper.ask_all(requests, protocol.EntryIs)
    return {
        index: json.loads(reply.facts) for index, reply in zip(indices, replies, strict=True)
        if not isinstance(reply, Refused)
    }  # fmt: skip


def open_reviews() -> list[GlassReview]:
    """Breakings of the glass that wait for their review, the most urgent first; exercises last."""
    return list(GlassReview.objects.filter(reviewed_at=None).order_by("exercise_id", "due_at")[:500])


def reviews_of(actor: Actor) -> list[GlassReview]:
    """Where somebody broke the glass, the newest first."""
    return list(GlassReview.objects.filter(account_id=actor.account).order_by("-broken_at")[:50])


def alarms(by: Actor, *, unseen: bool = False, limit: int = 200) -> list[GateAlarm]:
    """Alarms of the keeper, newest first. Raises: Refused `gate.not_watcher`."""
    policies.check_can_watch(by)
    found = GateAlarm.objects.filter(seen_at=None) if unseen else GateAlarm.objects.all()
    return list(found.order_by("-at", "-number")[:limit])


def statuses_waiting() -> list[AdverseStatus]:
    """Statuses that were proposed and wait for a second person, one row for each person."""
    return list(AdverseStatus.objects.filter(set_at=None, ended_at=None).order_by("proposed_at", "id")[:500])


def statuses_set(at: datetime) -> list[AdverseStatus]:
    """Statuses that burden people now, one row for each person."""
    found = AdverseStatus.objects.filter(ended_at=None, until__gt=at).exclude(set_at=None)
    return list(found.order_by("until", "id")[:500])


def status_of(subject: int, at: datetime) -> list[AdverseStatus]:
    """The statuses that burden a person now."""
    found = AdverseStatus.objects.filter(subject=subject, ended_at=None, until__gt=at)
    return list(found.exclude(set_at=None))


def flows(by: Actor, *, first: date, last: date) -> list[Flow]:
    """How much was opened by which unit for what, between two days (both in it).

    Raises: Refused `gate.not_allowed`.
    """
    keeper = keeper_for()
    rows = keeper.ask(protocol.Flows(keeper.sign(by), first.isoformat(), last.isoformat()), protocol.FlowsAre).rows
    return [
        Flow(row.day, row.unit, row.role, row.purpose, row.kind, row.service, row.exercise, row.leaves, row.people)
        for row in rows
    ]


def purposes(by: Actor) -> list[PurposeVersion]:
    """Every version of every purpose, the newest of each first. Raises: Refused `gate.not_allowed`."""
    keeper = keeper_for()
    rows = keeper.ask(protocol.ReadPurposes(keeper.sign(by)), protocol.PurposesAre).rows
    return [
        PurposeVersion(
            row.purpose, row.version, row.state, json.loads(row.document), row.proposed_by,
            clock.from_text(row.proposed_at), row.decided_by,
            clock.from_text(row.decided_at) if row.decided_at else None, row.spent_today,
        )
        for row in rows
    ]  # fmt: skip


def breakers(by: Actor) -> list[tuple[str, str, datetime]]:
    """Which calling systems were stopped for which purposes, and since when. Raises: Refused `gate.not_allowed`."""
    keeper = keeper_for()
    rows = keeper.ask(protocol.ReadBreakers(keeper.sign(by)), protocol.BreakersAre).rows
    return [(purpose, service, clock.from_text(at)) for purpose, service, at in rows]


def lines_of_the_log(actor: Actor, at: datetime | None) -> figures.Reading:
    """How long the log is."""
    return figures.Reading(float(log_head().size))


def objections_of_a_month(actor: Actor, at: datetime | None) -> figures.Reading:
    """How many entries were contested in the 30 days up to `at`."""
    until = at or clock.now()
    found = Contest.objects.filter(contested_at__gt=until - timedelta(days=30), contested_at__lte=until)
    return figures.Reading(float(found.count()))


def statuses_in_force(actor: Actor, at: datetime | None) -> figures.Reading:
    """How many statuses burden people at `at`."""
    found = AdverseStatus.objects.filter(ended_at=None, until__gt=at or clock.now()).exclude(set_at=None)
    return figures.Reading(float(found.count()))


def open_texts(*, by: Actor, matter: str, sealed: Sequence[bytes]) -> list[str | None]:
    """What `gate.actions.seal_texts` sealed for this matter; None for what is not of it.

    Raises: Refused `gate.not_allowed`, and `gate.keeper_down` where no keeper answers.
    """
    keeper = keeper_for()
    opened = keeper.ask(protocol.OpenTexts(keeper.sign(by), matter, list(sealed)), protocol.TextsAre).texts
    return [None if text is None else text.decode() for text in opened]


def log_head() -> LogHead:
    """The keeper's log as it stands: hand this to a witness."""
    head = keeper_for().ask(protocol.Head(), protocol.HeadIs)
    return LogHead(head.size, head.root.hex())


def log_extends(older: LogHead, newer: LogHead) -> bool:
    """Whether the newer log holds the older one unchanged as its beginning, by a consistency proof checked here."""
    if not 0 < older.size <= newer.size:
        return older.size == 0 <= newer.size
    proof = keeper_for().ask(protocol.Consistency(older.size, newer.size), protocol.ProofIs).proof
    roots = bytes.fromhex(older.root), bytes.fromhex(newer.root)
    return merkle.verify_consistency(older.size, newer.size, *roots, proof)


def rotation_progress() -> tuple[int, int]:
    """How many slots the last change of keys has wrapped anew, and how many there are; both 0 before the first."""
    at = keeper_for().ask(protocol.RotationAt(), protocol.Progress)
    return at.done, at.total


def keeper_for() -> KeeperClient:
    """This process's client of the configured keeper; for the gate's own use."""
    paths = settings.CITYLOOM
    return _client(Path(paths["KEEPER_SOCKET"]), Path(paths["ASSERTION_KEY_FILE"]))


def exercise_of(grant_id: str) -> str:
    """The exercise that a grant was made in; empty for a real one or one the city does not know."""
    return GrantRecord.objects.filter(id=grant_id).values_list("exercise_id", flat=True).first() or ""


def exercises_of(grant_ids: Sequence[str]) -> dict[str, str]:
    """The exercise that each grant was made in, for those that the city knows."""
    found: dict[str, str] = {}
    for at in range(0, len(grant_ids), _AT_ONCE):
        rows = GrantRecord.objects.filter(id__in=grant_ids[at : at + _AT_ONCE])
        found.update(rows.values_list("id", "exercise_id"))
    return found


def live_grants(incident_id: str, exercise_id: str, at: datetime) -> tuple[int, int]:
    """How many grants of an incident are in force, and how many people they name, one person for each grant."""
    live = GrantRecord.objects.filter(
        incident_id=incident_id, exercise_id=exercise_id, revoked_at=None, until__gt=at
    ).exclude(fields=[])
    counts = list(live.values_list("subject_count", flat=True))
    return len(counts), sum(counts)


def grants_for_zone(incident_id: str, zone_digest: str) -> set[str]:
    """The ids of the grants that were made for one approved zone of an incident, ended ones too."""
    made = GrantRecord.objects.filter(incident_id=incident_id, zone_digest=zone_digest)
    return set(made.values_list("id", flat=True))


def parts_of(packets: Sequence[int]) -> list[dict[str, bytes]]:
    """The sealed parts of each packet by name, in the order asked; nothing where there is none."""
    found: dict[int, dict[str, bytes]] = {packet: {} for packet in packets}
    for first in range(0, len(packets), _PACKETS_AT_ONCE):
        some = packets[first : first + _PACKETS_AT_ONCE]
        rows = SealedPart.objects.filter(packet__in=some).values_list("packet", "name", "sealed")
        for packet, name, sealed in rows:
            found[packet][name] = bytes(sealed)
    return [found[packet] for packet in packets]


def envelopes_by(groups: Sequence[NDArray[np.int64]]) -> list[bytes]:
    """The sealed envelopes of each group's people in their order; zeros, which never open, where there is none."""
    wanted = sorted({subject for group in groups for subject in group.tolist()})
    found = _sealed_in(Envelope, wanted)
    return [b"".join(found.get(subject, _NO_ENVELOPE) for subject in group.tolist()) for group in groups]


def versions_of(subject: int) -> tuple[bytes | None, dict[int, bytes]]:
    """What is sealed of a person now, and every version that is kept, by the register's record."""
    now = Envelope.objects.filter(subject=subject).values_list("sealed", flat=True).first()
    kept = EnvelopeVersion.objects.filter(subject=subject).values_list("id", "sealed")
    return (None if now is None else bytes(now)), {number: bytes(sealed) for number, sealed in kept}


def kept_versions(records: Mapping[int, int]) -> dict[int, bytes]:
    """What is sealed of some records of the register (by number the person); the first one may be in force alone."""
    numbers = sorted(records)
    found = _sealed_in(EnvelopeVersion, numbers)
    alone = [number for number in numbers if number not in found]
    if alone:
        (run,) = envelopes_by([np.array([records[number] for number in alone], np.int64)])
        width = len(_NO_ENVELOPE)
        sealed = (run[place * width : (place + 1) * width] for place in range(len(alone)))
        found.update((number, each) for number, each in zip(alone, sealed, strict=True) if each != _NO_ENVELOPE)
    return found


def _sealed_in(table: type[Envelope | EnvelopeVersion], keys: Sequence[int]) -> dict[int, bytes]:
    """What is sealed under some keys; raw, as thousands are asked for at once and each would pass through the ORM."""
    found, key = dict[int, bytes](), table._meta.pk.column
    is_sqlite = connection.vendor == "sqlite"
    among, hull = ("IN (SELECT value FROM json_each(%s))", "[]") if is_sqlite else ("= ANY(%s::bigint[])", "{}")
    question = f"SELECT {key}, sealed FROM {table._meta.db_table} WHERE {key} {among}"  # noqa: S608 - names are constants
    with connection.cursor() as cursor:
        for first in range(0, len(keys), _SEALED_AT_ONCE):
            cursor.execute(question, [",".join(map(str, keys[first : first + _SEALED_AT_ONCE])).join(hull)])
            found.update((number, bytes(sealed)) for number, sealed in cursor.fetchall())
    return found


def _published(name: str, says: dict[str, Any], at: datetime) -> PublishedPurpose:
    until = clock.from_text(says["valid_until"])
    units = [accounts.unit_names(unit) for unit in says["units"]]
    language = "zh-Hans" if get_language() == "zh-hans" else "en"
    return PublishedPurpose(
        name, display.title(says["title"], name), display.plain(name), f"{says['statute']}, {says['article']}",
        tuple(label for _, label in display.fields(says["fields"])),
        tuple(unit.get(language) or unit["en"] for unit in units), tuple(says["roles"]),
        display.limited(says["most_a_day"]), display.limited(says["second_person_above"]), says["retention_days"],
        until, until <= at,
    )  # fmt: skip


@lru_cache(maxsize=4)
def _client(address: Path, key_file: Path) -> KeeperClient:
    return KeeperClient(address, key_file)


def _within(unit: str, outer: str) -> bool:
    return unit == outer or unit.startswith(f"{outer}/")


def _run(values: NDArray[np.int64]) -> bytes:
    return np.ascontiguousarray(values, dtype="<i8").tobytes()


# --- what the overview shows

_NEARLY = 0.8
"""The share of a day's budget at which it is told that it runs out."""


def work_grants(actor: Actor, at: datetime) -> list[WorkItem]:
    """Grants that wait for the actor as the second person."""
    waiting = [one for one in grants_to_second(at) if actor.account not in (one.granted_by, one.holder)]
    rules = live_purposes() if waiting else {}
    return [
        WorkItem(
            title=_("Approve a grant for {count} people: {purpose}").format(
                count=one.subject_count, purpose=display.title(dict(rules[one.purpose]["title"]), one.purpose)
            ),
            url=reverse("grant", args=[one.id]), since=one.granted_at, due_at=one.until,
            is_exercise=bool(one.exercise_id),
        )
        for one in waiting if actor.roles & set(rules.get(one.purpose, {}).get("approvers", ()))
    ][:MOST_WORK]  # fmt: skip


def work_statuses(actor: Actor, at: datetime) -> list[WorkItem]:
    """Statuses that wait for the actor as the second person, one line for what was proposed together."""
    waiting = {row.batch: row for row in statuses_waiting() if row.proposed_by != actor.account}
    if not waiting or not actor.roles & set(live_purposes()[STATUS]["approvers"]):
        return []
    return [
        WorkItem(_("Decide on a proposed status: {kind}").format(kind=display.word(row.kind)), reverse("statuses"),
                 since=row.proposed_at)
        for row in list(waiting.values())[:MOST_WORK]
    ]  # fmt: skip


def work_objections(actor: Actor, at: datetime) -> list[WorkItem]:
    """Residents' objections without an answer, the overdue first."""
    rows = open_contests()[:MOST_WORK]
    return [_due(_("Answer a resident's objection"), row.contested_at, row.due_at, at) for row in rows]


def work_reviews(actor: Actor, at: datetime) -> list[WorkItem]:
    """Breakings of the glass without a review, the overdue first; exercises last."""
    rows = [row for row in open_reviews() if row.account_id != actor.account][:MOST_WORK]
    words = _("Review where the glass was broken")
    return [_due(words, row.broken_at, row.due_at, at, is_exercise=bool(row.exercise_id)) for row in rows]


def work_alarms(actor: Actor, at: datetime) -> list[WorkItem]:
    """Alarms of the keeper that nobody has seen; exercises last."""
    rows = GateAlarm.objects.filter(seen_at=None).order_by("exercise_id", "-at", "-number")[:MOST_WORK]
    return [
        WorkItem(display.word(row.kind), reverse("oversight"), "later" if row.exercise_id else "now", row.at,
                 note=_("An alarm of the keeper"), is_exercise=bool(row.exercise_id))
        for row in rows
    ]  # fmt: skip


def _due(title: str, since: datetime, due_at: datetime, at: datetime, *, is_exercise: bool = False) -> WorkItem:
    is_late = due_at <= at
    return WorkItem(
        title, reverse("oversight"), "now" if is_late and not is_exercise else "today", since, due_at,
        is_exercise=is_exercise,
    )  # fmt: skip


def keeper_faults(actor: Actor, at: datetime) -> list[Fault]:
    """Whether the keeper answers, and which day's budgets are used up or nearly so.

    Raises: Refused `gate.keeper_down`.
    """
    faults = []
    for row in purposes(SYSTEM):
        most = display.limited(int(row.document.get("most_a_day") or 0)) if row.state == "active" else None
        if most and row.spent_today >= _NEARLY * most:
            name = display.title(dict(row.document.get("title", ())), row.purpose)
            words = _("{purpose}: {spent} of {most} people a day").format(
                purpose=name, spent=row.spent_today, most=most
            )
            faults.append(Fault(words, "bad" if row.spent_today >= most else "wait"))
    return faults


def stopped_systems(actor: Actor, at: datetime) -> list[Fault]:
    """Calling systems that the keeper has stopped. Raises: Refused."""
    return [
        Fault(_("{system} was stopped: {purpose}").format(system=service, purpose=purpose), "bad", since,
              reverse("oversight"))
        for purpose, service, since in breakers(SYSTEM)
    ]  # fmt: skip
