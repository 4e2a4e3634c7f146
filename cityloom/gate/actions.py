"""Changes at the gate: grants go down to the keeper, people are sealed, envelopes are opened.

Every function here raises Refused `gate.keeper_down` when the keeper does not answer; then nothing was opened.
A person is a subject id (int64) everywhere; names and needs exist only in what `open_people` returns, never store that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from cityloom.gate.models import Envelope, GrantRecord
from cityloom.gate.queries import envelopes_of, exercise_of, keeper_for
from cityloom.keeper import client, protocol
from cityloom.keeper.client import Running, Sealer
from cityloom.keeper.record import AGE_BANDS, NEEDS, SEXES, PeopleBatch, SealedBatch, people_records, traits_of
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import Actor

__all__ = [
    "AGE_BANDS", "NEEDS", "SEXES", "PeopleBatch", "Running", "SealedBatch", "Sealer", "erase", "grant", "open_people",
    "people_records", "remove_exercise", "revoke", "revoke_all", "sealing", "start_keeper", "store_envelopes",
    "traits_of",
]  # fmt: skip

Subjects = NDArray[np.int64] | Sequence[int]


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
    name = grant_id or ids.new_ulid()
    keeper = keeper_for()
    request = protocol.Grant(
        keeper.sign(by, exercise_id=exercise_id, at=at), name, purpose, basis, sorted(fields), holder,
        clock.to_text(until), _run(subjects), incident_id, zone_digest,
    )  # fmt: skip
    granted = keeper.ask(request, protocol.Granted)
    head = {
        "purpose": purpose, "basis": granted.basis, "fields": sorted(fields), "holder": holder,
        "incident_id": incident_id, "exercise_id": exercise_id, "zone_digest": zone_digest,
        "subject_count": granted.people, "granted_at": at, "until": until,
    }  # fmt: skip
    GrantRecord.objects.get_or_create(id=name, defaults=head)
    return name


def revoke(*, by: Actor, at: datetime, grant_id: str) -> None:
    """End a grant at once; a grant already ended stays so. Raises: Refused `gate.no_grant`, `gate.not_allowed`."""
    keeper = keeper_for()
    keeper.ask(protocol.Revoke(keeper.sign(by, exercise_id=exercise_of(grant_id), at=at), grant_id), protocol.Done)
    GrantRecord.objects.filter(id=grant_id, revoked_at=None).update(revoked_at=at)


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
) -> dict[int, dict[str, str]]:  # fmt: skip
    """Open these fields of these people for the holder of a live grant, after one durable log leaf for each of them.

    Fields: `name`, `national_id`, `phone`, `birth_date` (YYYYMMDD), `need_note`. At most 20,000 people. A person whose
    envelope is damaged, or who was erased, is missing from the answer, and that too is logged. The exercise is looked
    up where it is not given.
    Raises: Refused `gate.not_allowed`, `gate.no_grant`, `gate.grant_ended`, `gate.not_granted`, `gate.too_many`.
    """
    wanted, names = np.asarray(subjects, dtype=np.int64), sorted(fields)
    keeper = keeper_for()
    who = keeper.sign(by, exercise_id=exercise_of(grant_id) if exercise_id is None else exercise_id, at=at)
    request = protocol.Open(who, grant_id, names, _run(wanted), envelopes_of(wanted))
    people = keeper.ask(request, protocol.Opened).people
    return {
        subject: dict(zip(names, values, strict=True))
        for subject, values in zip(wanted.tolist(), people, strict=True)
        if values is not None
    }


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


def _run(subjects: Subjects) -> bytes:
    return np.ascontiguousarray(subjects, dtype="<i8").tobytes()
