"""The keeper's own database: legal bases, grants, the log's leaves. One file, one writer, every commit on the disk."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import basis as basis_room
from cityloom.keeper import files, keyed_numbers, signing, vault
from cityloom.keeper.basis import Basis
from cityloom.keeper.leaf import NewLeaf
from cityloom.kernel import clock

DATABASE = "keeper.db"
PROPOSED, ACTIVE, RETIRED, WITHDRAWN = "proposed", "active", "retired", "withdrawn"
Statement = tuple[str, tuple[object, ...]]
_SCHEMA = """
CREATE TABLE purpose (
  purpose TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL, document TEXT NOT NULL,
  proposed_by TEXT NOT NULL, proposed_at TEXT NOT NULL, decided_by TEXT NOT NULL DEFAULT '',
  decided_at TEXT NOT NULL DEFAULT '', PRIMARY KEY (purpose, version));
CREATE TABLE grants (
  id TEXT PRIMARY KEY, purpose TEXT NOT NULL, basis TEXT NOT NULL, fields TEXT NOT NULL, holder TEXT NOT NULL,
  until TEXT NOT NULL, subjects BLOB NOT NULL, incident_id TEXT NOT NULL, exercise_id TEXT NOT NULL,
  zone_digest TEXT NOT NULL, digest TEXT NOT NULL, granted_at TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0,
  granted_by TEXT NOT NULL DEFAULT '', needs_second INTEGER NOT NULL DEFAULT 0, seconded_by TEXT NOT NULL DEFAULT '');
CREATE TABLE alarm (
  i INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, purpose TEXT NOT NULL,
  actor TEXT NOT NULL, unit TEXT NOT NULL, service TEXT NOT NULL, about TEXT NOT NULL, people INTEGER NOT NULL,
  exercise_id TEXT NOT NULL);
CREATE TABLE tripped (purpose TEXT NOT NULL, service TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (purpose, service));
CREATE TABLE honey (pseudonym BLOB PRIMARY KEY);
CREATE TABLE link (handle TEXT PRIMARY KEY, pseudonym BLOB NOT NULL UNIQUE);
CREATE TABLE glass (
  id TEXT PRIMARY KEY, account TEXT NOT NULL, actor TEXT NOT NULL, unit TEXT NOT NULL, broken_at TEXT NOT NULL,
  due_at TEXT NOT NULL, reviewed_at TEXT NOT NULL DEFAULT '', reviewed_by TEXT NOT NULL DEFAULT '',
  outcome TEXT NOT NULL DEFAULT '', exercise_id TEXT NOT NULL);
CREATE TABLE status (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, subjects BLOB NOT NULL, evidence TEXT NOT NULL, decision TEXT NOT NULL,
  until TEXT NOT NULL, appeal_until TEXT NOT NULL, emergency INTEGER NOT NULL, proposed_by TEXT NOT NULL,
  approved_by TEXT NOT NULL DEFAULT '', ended_at TEXT NOT NULL DEFAULT '');
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
CREATE TABLE erased (pseudonym BLOB PRIMARY KEY) WITHOUT ROWID;
INSERT INTO slots VALUES (1, 0);
"""
_PACKETS = """
CREATE TABLE IF NOT EXISTS packet (subject INTEGER PRIMARY KEY, purpose TEXT NOT NULL, at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS packet_word (
  word BLOB NOT NULL, subject INTEGER NOT NULL, PRIMARY KEY (word, subject)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS packet_word_subject ON packet_word (subject);
"""
"""Also made in the database of a keeper that is older than packets."""
_HIDDEN = """
CREATE TABLE IF NOT EXISTS hidden (one INTEGER PRIMARY KEY CHECK (one = 1), first INTEGER NOT NULL);
"""
"""People in slots from `first` on are found by nobody yet: the file that they came with is not loaded to its end."""
_COUNTED = """
CREATE TABLE IF NOT EXISTS counted_in (month TEXT PRIMARY KEY, slots BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS statistic (
  month TEXT NOT NULL, digest BLOB NOT NULL, names BLOB NOT NULL, counts BLOB NOT NULL, unknown INTEGER NOT NULL,
  PRIMARY KEY (month, digest)) WITHOUT ROWID;
"""
"""Who was counted by sex and age this month, as bits by slot, and what was told of it."""
_NUMBERS = """
CREATE TABLE IF NOT EXISTS keyed_numbers (one INTEGER PRIMARY KEY CHECK (one = 1), form INTEGER NOT NULL);
INSERT OR IGNORE INTO keyed_numbers VALUES (1, {form});
"""
"""What a keeper that is older than this table gave has the first form."""


@dataclass(frozen=True)
class Grant:
    """Who may open what of whom until when; `subjects` is sorted, `granted_at` is wall time.

    One that needs a second person opens nothing before `seconded_by` says who that is (both are keyed pseudonyms).
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
    granted_by: str = field(default="", compare=False)
    needs_second: bool = field(default=False, compare=False)
    seconded_by: str = field(default="", compare=False)
    subjects: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), compare=False)

    def names(self, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these people the grant is about."""
        if not len(self.subjects):
            return np.zeros(len(subjects), bool)
        at = np.minimum(np.searchsorted(self.subjects, subjects), len(self.subjects) - 1)
        return self.subjects[at] == subjects


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
    database.executescript(_SCHEMA + _NUMBERS.format(form=keyed_numbers.ALL_BY_BLOCKS))
    now = clock.now()
    for basis in basis_room.shipped_bases(now) if bases is None else bases:
        database.execute(*propose_purpose(basis, "shipped", now))
        database.execute(*decide_purpose(basis.purpose, basis.version, ACTIVE, "shipped", now))
    database.close()
    draft.rename(folder / DATABASE)  # last: a folder with a database is a whole keeper
    files.sync(folder)


def initialised(folder: Path) -> bool:
    """Whether a whole keeper lies in the folder."""
    return (folder / DATABASE).exists()


def connect(folder: Path) -> sqlite3.Connection:
    """A connection whose commits are on the disk when they return; transactions are begun by hand."""
    database = sqlite3.connect(folder / DATABASE, isolation_level=None, check_same_thread=False, timeout=10)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32768;"
                           " PRAGMA wal_autocheckpoint=8000;")  # fmt: skip
    return database


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Give a keeper of an earlier version the tables and the shipped purposes that it lacks; what it has stays."""
    database.executescript(_PACKETS + _HIDDEN + _COUNTED + _NUMBERS.format(form=keyed_numbers.BY_HASH))
    now = clock.now()
    known = {row[0] for row in database.execute("SELECT purpose FROM purpose")}
    for basis in basis_room.shipped_bases(now):
        if known and basis.purpose in (*basis_room.OF_PACKETS, basis_room.APPLICATIONS) and basis.purpose not in known:
            database.execute(*propose_purpose(basis, "shipped", now))
            database.execute(*decide_purpose(basis.purpose, basis.version, ACTIVE, "shipped", now))
    _renew_shipped(database, now)


def _renew_shipped(database: sqlite3.Connection, now: datetime) -> None:
    """Put the policies that are shipped now in the place of those that were shipped then and nobody has changed."""
    rows = database.execute("SELECT document FROM purpose WHERE state = ? AND proposed_by = 'shipped'", (ACTIVE,))
    held = {basis.purpose: basis for basis in (basis_room.from_json(row[0]) for row in rows.fetchall())}
    for basis in basis_room.shipped_bases(now):
        old = held.get(basis.purpose)
        if old is None or old.policy == basis.policy:
            continue
        fresh = replace(old, policy=basis.policy, version=old.version + 1)
        if database.execute("SELECT 1 FROM purpose WHERE purpose = ? AND version >= ?",
                            (fresh.purpose, fresh.version)).fetchone():  # fmt: skip
            continue  # somebody has proposed a change since: people decide
        database.execute(*propose_purpose(fresh, "shipped", now))
        database.execute(*decide_purpose(old.purpose, old.version, RETIRED, "shipped", now))
        database.execute(*decide_purpose(fresh.purpose, fresh.version, ACTIVE, "shipped", now))


def lock(folder: Path) -> int:
    """Hold the folder for this process alone; the lock goes with the process. Raises: BlockingIOError."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def read_bases(database: sqlite3.Connection) -> list[Basis]:
    """The version of every purpose that is in force, its legal basis live or not."""
    rows = database.execute("SELECT document FROM purpose WHERE state = ?", (ACTIVE,))
    return [basis_room.from_json(row[0]) for row in rows]


def propose_purpose(basis: Basis, by: str, at: datetime) -> Statement:
    """What writes a version that is not yet in force."""
    return (
        "INSERT INTO purpose (purpose, version, state, document, proposed_by, proposed_at) VALUES (?, ?, ?, ?, ?, ?)",
        (basis.purpose, basis.version, PROPOSED, basis_room.as_json(basis), by, clock.to_text(at)),
    )


def decide_purpose(purpose: str, version: int, state: str, by: str, at: datetime) -> Statement:
    """What puts a version into force, or takes it out of it."""
    return (
        "UPDATE purpose SET state = ?, decided_by = ?, decided_at = ? WHERE purpose = ? AND version = ?",
        (state, by, clock.to_text(at), purpose, version),
    )


def read_grant(database: sqlite3.Connection, grant_id: str) -> Grant | None:
    """A grant with its people."""
    row = database.execute(
        "SELECT id, purpose, basis, fields, holder, until, incident_id, exercise_id, zone_digest, digest,"
        " granted_at, revoked, granted_by, needs_second, seconded_by, subjects FROM grants WHERE id = ?",
        (grant_id,),
    ).fetchone()
    if row is None:
        return None
    *head, granted_at, revoked, granted_by, needs_second, seconded_by, subjects = row
    head[3], head[5] = tuple(json.loads(head[3])), clock.from_text(head[5])
    return Grant(
        *head, clock.from_text(granted_at), bool(revoked), granted_by, bool(needs_second), seconded_by,
        np.frombuffer(subjects, "<i8"),
    )  # fmt: skip


def live_grants_of(database: sqlite3.Connection, incident_id: str, exercise_id: str) -> list[str]:
    """The ids of the grants that nobody has revoked, of an incident, or without one of a whole exercise."""
    rows = database.execute(
        "SELECT id FROM grants WHERE exercise_id = ? AND (incident_id = ? OR ? = '') AND revoked = 0",
        (exercise_id, incident_id, incident_id),
    )
    return [row[0] for row in rows]


def insert_grant(grant: Grant) -> Statement:
    """What writes a grant."""
    return (
        "INSERT INTO grants (id, purpose, basis, fields, holder, until, subjects, incident_id, exercise_id,"
        " zone_digest, digest, granted_at, granted_by, needs_second)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            grant.id, grant.purpose, grant.basis, json.dumps(grant.fields), grant.holder, clock.to_text(grant.until),
            grant.subjects.tobytes(), grant.incident_id, grant.exercise_id, grant.zone_digest,
            grant.digest, clock.to_text(grant.granted_at), grant.granted_by, grant.needs_second,
        ),
    )  # fmt: skip


def revoke_grant(grant_id: str) -> Statement:
    """What ends a grant."""
    return "UPDATE grants SET revoked = 1 WHERE id = ?", (grant_id,)


def erase(subject: int, pseudonym: bytes) -> list[Statement]:
    """What says that a person is to be erased, and is for ever: a restored backup must not bring the person back."""
    return [
        ("INSERT OR REPLACE INTO erasing VALUES (?)", (subject,)),
        ("INSERT OR IGNORE INTO erased VALUES (?)", (pseudonym,)),
    ]


def insert_packet(subject: int, purpose: str, at: str) -> Statement:
    """What says that a slot holds a packet."""
    return "INSERT INTO packet VALUES (?, ?, ?)", (subject, purpose, at)


def insert_packets(subjects: Sequence[int], purpose: str, at: str) -> Statement:
    """The same of many slots."""
    return "INSERT INTO packet SELECT value, ?, ? FROM json_each(?)", (purpose, at, json.dumps(subjects))


def insert_word(token: bytes, subject: int) -> Statement:
    """What lets a packet be found by a word."""
    return "INSERT OR IGNORE INTO packet_word VALUES (?, ?)", (token, subject)


def forget_packet(subject: int) -> list[Statement]:
    """What forgets a packet and its words."""
    return [
        ("DELETE FROM packet_word WHERE subject = ?", (subject,)),
        ("DELETE FROM packet WHERE subject = ?", (subject,)),
    ]


def second_grant(grant_id: str, by: str) -> Statement:
    """What lets a grant that needs a second person open."""
    return "UPDATE grants SET seconded_by = ? WHERE id = ?", (by, grant_id)


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
