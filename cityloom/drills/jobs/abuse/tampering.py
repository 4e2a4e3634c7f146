"""A07: somebody who rules the keeper's disk edits, deletes, moves and backdates entries, or turns the log back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cityloom.audit.domain import bundle, whole_log
from cityloom.audit.domain.bundle import LoggedLeaf
from cityloom.audit.domain.paths import TilePath, tiles_of
from cityloom.drills.domain.log_mutations import Files, flipped, mutated_bundle, mutated_files
from cityloom.drills.jobs.abuse.stage import Stage
from cityloom.keeper import log as logs
from cityloom.keeper import signing, store, verifier
from cityloom.keeper.log import Log, LogBroken, leaf, leaves
from cityloom.keeper.proofs import Proofs
from cityloom.keeper.verifier import Checkpoint, Invalid
from cityloom.keeper.witness import Submission, Witness
from cityloom.kernel import ids

LEAVES = 700
_AT = datetime(2026, 5, 4, tzinfo=UTC)
_NOW_S = 1_800_000_000
_FACTS: dict[str, object] = {"at": "2026-05-04T08:00:00.000Z", "purpose": "case-handling", "unit": "city/education"}


@dataclass
class Book:
    """The log of a keeper, and what it publishes."""

    folder: Path
    log: Log = field(init=False)
    proofs: Proofs = field(init=False)

    def __post_init__(self) -> None:
        if not store.initialised(self.folder):
            store.initialise(self.folder)
        self.log = Log(self.folder)
        self.proofs = Proofs(self.folder, self.log)

    def grow(self, count: int) -> None:
        """Add leaves about people, in bulk and one by one."""
        self.log.append(leaves("opened", _FACTS, [ids.random_bytes(16) for _ in range(count - 9)]))
        for _ in range(9):
            self.log.append([leaf("opened", _FACTS, ids.random_bytes(16))])

    def files(self) -> Files:
        """Everything that is published."""
        found = {"checkpoint": self.proofs.note().encode()}
        for path in tiles_of(self.log.head[0]):
            found[str(path)] = self.log.tile(path.level, path.index, path.width)
            if path.level == 0:
                run = b"".join(self.log.entries(path.index, path.width))
                found[str(TilePath(None, path.index, path.width))] = whole_log.write_entries(run)
        return found

    def bundle(self, *indices: int) -> dict[str, Any]:
        """What a resident downloads."""
        note = self.proofs.note()
        size = verifier.read_checkpoint(verifier.split_note(note)[0]).size
        rows = [LoggedLeaf(each.index, each.text, each.salt) for each in map(self.log.read, indices)]
        proofs = [self.log.inclusion(index, size) for index in indices]
        return bundle.compose(rows, proofs, note=note, vkey=self.proofs.vkey, at=_AT)

    def submission(self, old: int) -> str:
        """What is handed to a witness."""
        size = self.log.head[0]
        proof = self.log.consistency(old, size) if 0 < old < size else []
        return Submission(old, proof, self.proofs.note()).as_body()

    def close(self) -> None:
        self.proofs.close()
        self.log.close()


def run(stage: Stage) -> None:
    """Change what is published, what residents hold and what lies on the disk; then write history anew."""
    book = Book(stage.place / "keeper")
    book.grow(LEAVES)
    most = stage.scale.mutations
    try:
        stage.found.tries(f"{most // 2:,} changes of the published log, {most // 4:,} of a resident's bundle")
        _published(stage, book, most // 2)
        _bundles(stage, book, most // 4)
        stage.found.tries("turn the log back, and write another history, both with the log's own key")
        _histories(stage, book)
    finally:
        book.close()
    stage.found.tries(f"{most // 4:,} changes of entries on the keeper's disk: edited, deleted, moved, backdated")
    _on_disk(stage, book.folder, most // 4)


def _published(stage: Stage, book: Book, count: int) -> None:
    files, key = book.files(), signing.read(book.folder).key
    whole_log.check(lambda path, most: files.get(path), key)
    missed = 0
    for _ in range(count):
        changed = mutated_files(files, stage.rng)
        missed += not _invalid(lambda now=changed: whole_log.check(lambda path, most: now.get(path), key))
    stage.found.equal(f"of {count:,} changes of the published log, missed by an outside verifier", missed, 0)
    stage.found.stopped("outside verifier", count - missed)


def _bundles(stage: Stage, book: Book, count: int) -> None:
    whole, key = book.bundle(3, 300, LEAVES - 1), verifier.read_key(book.proofs.vkey)
    verifier.verify_bundle(whole, key)
    changed = (mutated_bundle(whole, stage.rng) for _ in range(count))
    missed = sum(not _invalid(lambda now=each: verifier.verify_bundle(now, key)) for each in changed)
    stage.found.equal(f"of {count:,} changes of a bundle, missed by the offline verifier", missed, 0)
    stage.found.stopped("bundle verifier", count - missed)


def _histories(stage: Stage, book: Book) -> None:
    key = signing.read(book.folder).key
    witness = Witness(stage.place / "witness", [key], "witness.example/w1")
    with closing(sqlite3.connect(stage.place / "snapshot.db")) as copy, closing(
        sqlite3.connect(book.folder / store.DATABASE)
    ) as source:
        source.backup(copy)
    book.grow(60)
    size = book.log.head[0]
    seen = verifier.open_checkpoint(book.proofs.note(), key)
    first = witness.add_checkpoint(book.submission(0), _NOW_S).status
    stage.found.equal("the witness cosigns the true log", first, 200)
    past = stage.place / "past"
    shutil.copytree(book.folder, past)
    for end in ("-wal", "-shm"):
        (past / f"{store.DATABASE}{end}").unlink(missing_ok=True)
    shutil.copy(stage.place / "snapshot.db", past / store.DATABASE)
    other = Book(past)  # the same key, an older disk
    try:
        back = Submission(other.log.head[0], [], other.proofs.note()).as_body()
        _refuses(stage, "turned back", witness, back, other, seen, "log.rolled_back")
        other.grow(size - other.log.head[0] + 40)
        forged = Submission(size, other.log.consistency(size, other.log.head[0]), other.proofs.note()).as_body()
        _refuses(stage, "another history", witness, forged, other, seen, "log.rewritten")
    finally:
        other.close()
        witness.close()


def _refuses(
    stage: Stage, what: str, witness: Witness, body: str, other: Book, seen: Checkpoint, code: str
) -> None:
    status = witness.add_checkpoint(body, _NOW_S + 1).status
    stage.found.stopped(f"witness: {status}")
    stage.found.equal(f"the witness refuses a log that was {what}", status in (409, 422), True)
    files, key = other.files(), signing.read(other.folder).key
    try:
        whole_log.check(lambda path, most: files.get(path), key, older=seen)
        found = ""
    except Invalid as reason:
        found = reason.code
    stage.found.equal(f"whoever kept a checkpoint sees a log that was {what}", found, code)


def _on_disk(stage: Stage, folder: Path, count: int) -> None:
    missed, database = 0, folder / store.DATABASE
    logs.verify(folder)
    with closing(sqlite3.connect(database)) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = database.read_bytes()
    for number in range(count):
        _put_back(database, whole)
        with closing(sqlite3.connect(database)) as link, link:
            _WAYS[number % len(_WAYS)](link, stage)
        try:
            logs.verify(folder)
            missed += 1
        except LogBroken:
            stage.found.stopped("the keeper, when it starts")
    stage.found.equal(f"of {count:,} changes on the disk, missed when the log is verified", missed, 0)


def _put_back(database: Path, whole: bytes) -> None:
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    database.write_bytes(whole)


def _edit(link: sqlite3.Connection, stage: Stage) -> None:
    rows = link.execute("SELECT first, subjects FROM leaves WHERE subjects != ''").fetchall()
    first, subjects = stage.rng.choice(rows)
    link.execute("UPDATE leaves SET subjects = ? WHERE first = ?", (flipped(subjects, stage.rng), first))


def _delete(link: sqlite3.Connection, stage: Stage) -> None:
    link.execute("DELETE FROM leaves WHERE first = ?", stage.rng.choice(_firsts(link)))


def _move(link: sqlite3.Connection, stage: Stage) -> None:
    (one,), (other,) = stage.rng.sample(_firsts(link)[-9:], 2)
    kept = link.execute("SELECT salts FROM leaves WHERE first = ?", (one,)).fetchone()[0]
    link.execute("UPDATE leaves SET salts = (SELECT salts FROM leaves WHERE first = ?) WHERE first = ?", (other, one))
    link.execute("UPDATE leaves SET salts = ? WHERE first = ?", (kept, other))


def _backdate(link: sqlite3.Connection, stage: Stage) -> None:
    (first,) = stage.rng.choice(_firsts(link))
    link.execute("UPDATE leaves SET facts = replace(facts, '2026-05-04', '2026-05-03') WHERE first = ?", (first,))


_WAYS: list[Callable[[sqlite3.Connection, Stage], None]] = [_edit, _delete, _move, _backdate]


def _firsts(link: sqlite3.Connection) -> list[tuple[int]]:
    return link.execute("SELECT first FROM leaves ORDER BY first").fetchall()


def _invalid(check: Callable[[], object]) -> bool:
    try:
        check()
    except Invalid:
        return True
    return False
