"""The keeper's own database: legal bases, grants, the log's leaves. One file, one writer, every commit on the disk."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import record, signing, vault
from cityloom.keeper.leaf import NewLeaf
from cityloom.kernel import clock

DATABASE = "keeper.db"
EMERGENCY = "emergency-assistance"
REGISTER = "register-maintenance"
BASIS_YEARS = 2
_SCHEMA = """
CREATE TABLE basis (
  purpose TEXT PRIMARY KEY, id TEXT NOT NULL, article TEXT NOT NULL, fields TEXT NOT NULL, units TEXT NOT NULL,
  roles TEXT NOT NULL, valid_until TEXT NOT NULL, max_subjects INTEGER NOT NULL);
CREATE TABLE grants (
  id TEXT PRIMARY KEY, purpose TEXT NOT NULL, basis TEXT NOT NULL, fields TEXT NOT NULL, holder TEXT NOT NULL,
  until TEXT NOT NULL, subjects BLOB NOT NULL, incident_id TEXT NOT NULL, exercise_id TEXT NOT NULL,
  zone_digest TEXT NOT NULL, digest TEXT NOT NULL, granted_at TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0);
CREATE INDEX grants_incident ON grants (exercise_id, incident_id) WHERE revoked = 0;
CREATE TABLE leaves (
  first INTEGER PRIMARY KEY, count INTEGER NOT NULL, facts TEXT NOT NULL, cut INTEGER NOT NULL, salts BLOB NOT NULL,
  subjects BLOB NOT NULL,
  kind TEXT AS (json_extract(facts, '$.kind')), at TEXT AS (json_extract(facts, '$.at')),
  purpose TEXT AS (json_extract(facts, '$.purpose')), actor TEXT AS (json_extract(facts, '$.actor')),
  unit TEXT AS (json_extract(facts, '$.unit')), role TEXT AS (json_extract(facts, '$.role')),
  service TEXT AS (json_extract(facts, '$.service')), incident_id TEXT AS (json_extract(facts, '$.incident_id')),
  exercise_id TEXT AS (json_extract(facts, '$.exercise_id')));
CREATE INDEX leaves_actor ON leaves (actor) WHERE actor <> '';
CREATE INDEX leaves_incident ON leaves (incident_id) WHERE incident_id <> '';
CREATE INDEX leaves_exercise ON leaves (exercise_id) WHERE exercise_id <> '';
CREATE TABLE about (
  era INTEGER NOT NULL, subject BLOB NOT NULL, i INTEGER NOT NULL, PRIMARY KEY (era, subject, i)) WITHOUT ROWID;
CREATE TABLE indexed (one INTEGER PRIMARY KEY CHECK (one = 1), up_to INTEGER NOT NULL);
CREATE TABLE flow (
  day TEXT NOT NULL, unit TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL, kind TEXT NOT NULL,
  service TEXT NOT NULL, exercise INTEGER NOT NULL, leaves INTEGER NOT NULL, people INTEGER NOT NULL,
  PRIMARY KEY (day, unit, role, purpose, kind, service, exercise)) WITHOUT ROWID;
CREATE TABLE tile (id INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE cosignature (
  size INTEGER NOT NULL, name TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (size, name)) WITHOUT ROWID;
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, root BLOB NOT NULL);
CREATE TABLE slots (one INTEGER PRIMARY KEY CHECK (one = 1), reserved INTEGER NOT NULL);
CREATE TABLE erasing (subject INTEGER PRIMARY KEY);
INSERT INTO slots VALUES (1, 0);
"""


@dataclass(frozen=True)
class Basis:
    """The legal ground of a purpose: the article that allows it, for which fields, units and roles, and until when."""

    purpose: str
    id: str
    article: str
    fields: tuple[str, ...]
    units: tuple[str, ...]
    roles: tuple[str, ...]
    valid_until: datetime
    max_subjects: int


@dataclass(frozen=True)
class Grant:
    """Who may open what of whom until when; `subjects` is sorted, `granted_at` is wall time.

    `digest` is of all its people, so that two grants are equal when they allow the same. It may name people who were
    erased: they never open.
    """

    id: str
    purpose: str
    basis: str
    fields: tuple[str, ...]
    holder: str
    until: datetime
    incident_id: str
    exercise_id: str
    zone_digest: str
    digest: str
    granted_at: datetime = field(compare=False)
    revoked: bool = field(default=False, compare=False)
    subjects: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), compare=False)

    def names(self, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these people the grant is about."""
        if not len(self.subjects):
            return np.zeros(len(subjects), bool)
        at = np.minimum(np.searchsorted(self.subjects, subjects), len(self.subjects) - 1)
        return self.subjects[at] == subjects


def shipped_bases(at: datetime) -> list[Basis]:
    """The purposes that a new keeper knows; a city replaces article and expiry with its own law's.

    Source: Personal Information Protection Law of the People's Republic of China (2021), articles 13 and 34.
    """
    until = at + timedelta(days=365 * BASIS_YEARS)
    return [
        Basis(
            EMERGENCY, "pipl-13-1-4", "Personal Information Protection Law, Article 13(1)(4)", record.FIELDS, ("city",),
            ("social-worker", "department-fire", "department-police"), until, 500_000,
        ),
        Basis(
            REGISTER, "pipl-34", "Personal Information Protection Law, Article 34", record.FIELDS, ("city",),
            ("steward",), until, 50,
        ),
    ]  # fmt: skip


def initialise(folder: Path, bases: Sequence[Basis] | None = None) -> None:
    """Make a new keeper in a folder: key, slot files, database with the shipped purposes.

    Raises: FileExistsError where there is one already.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / DATABASE).exists():
        raise FileExistsError("There is a keeper in that folder already.")
    vault.create(folder)
    signing.create(folder, signing.new_name())
    draft = folder / f"{DATABASE}.new"
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    database = sqlite3.connect(draft, isolation_level=None)
    database.executescript(_SCHEMA)
    rows = [_basis_row(basis) for basis in (shipped_bases(clock.now()) if bases is None else bases)]
    database.executemany("INSERT INTO basis VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    database.close()
    draft.rename(folder / DATABASE)  # last: a folder with a database is a whole keeper
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def initialised(folder: Path) -> bool:
    """Whether a whole keeper lies in the folder."""
    return (folder / DATABASE).exists()


def connect(folder: Path) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; transactions are begun by hand."""
    database = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False, timeout=10)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;"
                           " PRAGMA wal_autocheckpoint=8000;")  # fmt: skip
    return database


def lock(folder: Path) -> int:
    """Hold the folder for this process alone; the lock goes with the process. Raises: BlockingIOError."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def read_bases(database: sqlite3.Connection) -> list[Basis]:
    """Every purpose's legal basis, live or not."""
    rows = database.execute("SELECT * FROM basis").fetchall()
    return [
        Basis(purpose, name, article, *(tuple(json.loads(each)) for each in lists), clock.from_text(until), most)
        for purpose, name, article, *lists, until, most in rows
    ]


def read_grant(database: sqlite3.Connection, grant_id: str) -> Grant | None:
    """A grant with its people."""
    row = database.execute(
        "SELECT id, purpose, basis, fields, holder, until, incident_id, exercise_id, zone_digest, digest,"
        " granted_at, revoked, subjects FROM grants WHERE id = ?",
        (grant_id,),
    ).fetchone()
    if row is None:
        return None
    *head, granted_at, revoked, subjects = row
    head[3], head[5] = tuple(json.loads(head[3])), clock.from_text(head[5])
    return Grant(*head, clock.from_text(granted_at), bool(revoked), np.frombuffer(subjects, "<i8"))


def live_grants_of(database: sqlite3.Connection, incident_id: str, exercise_id: str) -> list[str]:
    """The ids of the grants that nobody has revoked, of an incident, or without one of a whole exercise."""
    rows = database.execute(
        "SELECT id FROM grants WHERE exercise_id = ? AND (incident_id = ? OR ? = '') AND revoked = 0",
        (exercise_id, incident_id, incident_id),
    )
    return [row[0] for row in rows]


Statement = tuple[str, tuple[object, ...]]


def insert_grant(grant: Grant) -> Statement:
    """What writes a grant."""
    return (
        "INSERT INTO grants (id, purpose, basis, fields, holder, until, subjects, incident_id, exercise_id,"
        " zone_digest, digest, granted_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            grant.id, grant.purpose, grant.basis, json.dumps(grant.fields), grant.holder, clock.to_text(grant.until),
            grant.subjects.tobytes(), grant.incident_id, grant.exercise_id, grant.zone_digest,
            grant.digest, clock.to_text(grant.granted_at),
        ),
    )  # fmt: skip


def revoke_grant(grant_id: str) -> Statement:
    """What ends a grant."""
    return "UPDATE grants SET revoked = 1 WHERE id = ?", (grant_id,)


def count_flows(database: sqlite3.Connection, leaves: Sequence[NewLeaf]) -> None:
    """Add leaves to the auditors' table; `people` counts a person as often as there are leaves about that person."""
    database.executemany(
        "INSERT INTO flow VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " leaves = leaves + excluded.leaves, people = people + excluded.people",
        [(*key, *counts) for key, counts in flows_of(leaves).items()],
    )


def flows_of(leaves: Iterable[NewLeaf]) -> dict[tuple[object, ...], tuple[int, int]]:
    """Leaves and people by what the auditors' table counts them under."""
    found: dict[tuple[object, ...], tuple[int, int]] = {}
    for each in leaves:
        count, people = found.get(each.flow, (0, 0))
        found[each.flow] = count + len(each), people + each.people
    return found


def _basis_row(basis: Basis) -> tuple[object, ...]:
    lists = (json.dumps(each) for each in (basis.fields, basis.units, basis.roles))
    return basis.purpose, basis.id, basis.article, *lists, clock.to_text(basis.valid_until), basis.max_subjects
