"""Changes at the gate: grants go down to the keeper, people are sealed, envelopes are opened.

Every function here raises Refused `gate.keeper_down` when the keeper does not answer; then nothing was opened.
A person is a subject id (int64) everywhere; names and needs exist only in what `open_people` returns, never store that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db import connection
from numpy.typing import NDArray

from cityloom.gate.models import Envelope, GrantRecord
from cityloom.gate.queries import envelopes_by, exercise_of, exercises_of, keeper_for
from cityloom.keeper import client, disk, manifest, protocol
from cityloom.keeper.client import Running, Sealer
from cityloom.keeper.record import AGE_BANDS, NEEDS, SEXES, PeopleBatch, SealedBatch, people_records, traits_of
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

__all__ = [
    "AGE_BANDS", "NEEDS", "SEXES", "GrantOrder", "Opening", "PeopleBatch", "Running", "SealedBatch", "Sealer",
    "back_up_database", "back_up_keys", "erase", "grant", "grant_all", "open_all", "open_people", "people_records",
    "prune_backups", "remove_exercise", "restore_database", "restore_keys", "revoke", "revoke_all", "revoke_these",
    "rotate_keys", "sealing", "start_keeper", "store_envelopes", "traits_of",
]  # fmt: skip

Subjects = NDArray[np.int64] | Sequence[int]
People = dict[int, dict[str, str]]

_HEADS_AT_ONCE = 500


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


def revoke_all(*, by: Actor, at: datetime, incident_id: str, exercise_id: str = "") -> int:
    """End every live emergency grant of an incident; return how many ended."""
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_id, at=at)
    ended = keeper.ask(protocol.RevokeAll(who, incident_id), protocol.Done).count
    GrantRecord.objects.filter(incident_id=incident_id, exercise_id=exercise_id, revoked_at=None).update(revoked_at=at)
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
    exercise_id: str | None = None,
) -> People:  # fmt: skip
    """Open these fields of these people for the holder of a live grant, after one durable log leaf for each of them.

    Fields: `name`, `national_id`, `phone`, `birth_date` (YYYYMMDD), `need_note`. At most 20,000 people. A person whose
    envelope is damaged, or who was erased, is missing from the answer, and that too is logged. The exercise is looked
    up where it is not given.
    Raises: Refused `gate.not_allowed`, `gate.no_grant`, `gate.grant_ended`, `gate.not_granted`, `gate.too_many`.
    """
    exercise = exercise_of(grant_id) if exercise_id is None else exercise_id
    (people,) = open_all(at=at, openings=[Opening(by, grant_id, subjects, fields, exercise)])
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
            keeper.sign(opening.by, exercise_id=opening.exercise_id, at=at), opening.grant_id, sorted(opening.fields),
            _run(subjects), envelopes,
        )
        for opening, subjects, envelopes in zip(openings, wanted, envelopes_by(wanted), strict=True)
    ]  # fmt: skip
    return [
        reply if isinstance(reply, Refused) else _people(reply.people, subjects, opening.fields)
        for reply, subjects, opening in zip(keeper.ask_all(requests, protocol.Opened), wanted, openings, strict=True)
    ]


def erase(*, by: Actor, at: datetime, subject: int) -> None:
    """Destroy a person's secret, then the envelope: no copy of it, in no backup, can be opened again. The log stays."""
    keeper = keeper_for()
    keeper.ask(protocol.Erase(keeper.sign(by, at=at), subject), protocol.Done)
    Envelope.objects.filter(subject=subject).delete()


@contextmanager
def sealing(*, by: Actor, at: datetime, workers: int = 2) -> Iterator[Sealer]:
    """Seal people in bulk on several keeper processes; durable, with one log leaf, when the block ends well.

    `sealer.seal_all(batches)` gives a SealedBatch for each PeopleBatch (1 to 65,536 people), in order, with several in
    flight; `sealer.seal(batch)` does one. `sealer.sealed` counts the people. Slots follow the order of the people.
    The caller stores the envelopes (`store_envelopes`, or its own bulk path into the table of `gate.Envelope`).
    """
    keeper = keeper_for()
    with keeper.begin_load(keeper.sign(by, at=at), workers) as sealer:
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
    disk.copy_database(source, draft / source.name)
    return manifest.finish(draft, manifest.DATABASE, at)


def restore_database(*, by: Actor, at: datetime, source: Path) -> Path:
    """Put a backup of the records in the place of those that are there; return the backup. Nobody may be using them.

    Raises: Refused `backup.postgresql`, and those of a backup that is not whole.
    """
    target = _embedded_file()
    found = manifest.read(source, manifest.DATABASE)
    draft = target.with_name(f"{target.name}.restoring")
    draft.unlink(missing_ok=True)
    disk.copy_database(found.folder / target.name, draft)
    connection.close()
    for left in (target.with_name(f"{target.name}{end}") for end in ("-wal", "-shm", "-journal")):
        left.unlink(missing_ok=True)  # they belong to the records that go
    draft.replace(target)
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
    """Remove the backups in a place that are older, of keys and of the database; return their folders."""
    return list(manifest.prune(place, older_than=older_than, now=at))


def _embedded_file() -> Path:
    if connection.vendor != "sqlite":
        raise Refused("backup.postgresql", "The city's records lie in PostgreSQL; back them up and restore them with"
                      " pg_dump and pg_restore, apart from the keys.")  # fmt: skip
    return Path(connection.settings_dict["NAME"])


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
