"""A log with a key, as it looks from outside: files below an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cityloom.audit.domain import bundle
from cityloom.audit.domain.bundle import LoggedLeaf
from cityloom.audit.domain.paths import TilePath, tiles_of
from cityloom.audit.domain.whole_log import write_entries
from cityloom.keeper import signing, store, verifier
from cityloom.keeper.log import Log, leaf, leaves
from cityloom.keeper.proofs import Proofs
from cityloom.keeper.verifier import Key
from cityloom.keeper.witness import Submission, Witness
from cityloom.kernel import ids

AT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
FACTS: dict[str, object] = {
    "at": "2026-05-04T08:00:00.000Z", "purpose": "emergency-assistance", "unit": "city/南山", "role": "social-worker",
    "article": "Article 13", "fields": ["name", "phone"],
}  # fmt: skip


@dataclass
class Book:
    """A log of one keeper."""

    folder: Path
    log: Log = field(init=False)
    proofs: Proofs = field(init=False)

    def __post_init__(self) -> None:
        store.initialise(self.folder)
        self.log = Log(self.folder)
        self.proofs = Proofs(self.folder, self.log)

    @property
    def key(self) -> Key:
        return signing.read(self.folder).key

    def grow(self, count: int) -> None:
        """Add leaves, in bulk and one by one."""
        self.log.append(leaves("opened", FACTS, [ids.random_bytes(16) for _ in range(count - count // 3)]))
        for _ in range(count // 3):
            self.log.append([leaf("opened", FACTS, ids.random_bytes(16))])

    def files(self) -> dict[str, bytes]:
        """Everything that the log publishes."""
        size = self.log.head[0]
        found = {"checkpoint": self.proofs.note().encode()}
        for path in tiles_of(size):
            found[str(path)] = self.log.tile(path.level, path.index, path.width)
            if path.level == 0:
                run = b"".join(self.log.entries(path.index, path.width))
                found[str(TilePath(None, path.index, path.width))] = write_entries(run)
        return found

    def bundle(self, *indices: int, note: str = "") -> dict[str, object]:
        """A bundle of some entries."""
        note = note or self.proofs.note()
        size = verifier.read_checkpoint(verifier.split_note(note)[0]).size
        found = [self.log.read(index) for index in indices]
        rows = [LoggedLeaf(each.index, each.text, each.salt) for each in found]
        proofs = [self.log.inclusion(index, size) for index in indices]
        return bundle.compose(rows, proofs, note=note, vkey=self.key.vkey, at=AT)

    def submission(self, old: int) -> str:
        """What is handed to a witness that has cosigned `old` leaves."""
        size = self.log.head[0]
        proof = self.log.consistency(old, size) if 0 < old < size else []
        return Submission(old, proof, self.proofs.note()).as_body()

    def close(self) -> None:
        self.proofs.close()
        self.log.close()


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "keeper")
    yield made
    made.close()


@pytest.fixture
def other_book(tmp_path: Path) -> Iterator[Book]:
    made = Book(tmp_path / "other")
    yield made
    made.close()


@pytest.fixture
def witness(tmp_path: Path, book: Book) -> Iterator[Witness]:
    made = Witness(tmp_path / "witness", [book.key], "witness.example/w1")
    yield made
    made.close()
