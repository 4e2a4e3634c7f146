"""What anybody may ask of the log: signed checkpoints, tiles, entries, proofs. None of it says whom a leaf is about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cityloom.keeper import protocol, signing, store, verifier
from cityloom.keeper.log import Log
from cityloom.keeper.verifier import Checkpoint, Invalid
from cityloom.kernel.refused import Refused

T = TypeVar("T")
_SIZES_KEPT = 4096
_MOST_COSIGNATURES = 32


class Proofs:
    """Answers about the log as a tree; signs a checkpoint when it is asked for. Safe in many threads."""

    def __init__(self, folder: Path, log: Log) -> None:
        self._log = log
        self._signer = signing.read(folder)
        self._database = store.connect(folder)
        self._lock = threading.Lock()
        self._latest: tuple[int, str] = (-1, "")
        self.answers: dict[type, Callable[..., protocol.Reply]] = {
            protocol.LogKey: lambda _: protocol.LogKeyIs(self.vkey),
            protocol.Checkpoint: self._checkpoint, protocol.Tile: self._tile, protocol.Entries: self._entries,
            protocol.Inclusions: self._inclusions, protocol.AddCosignatures: self._add,
        }  # fmt: skip

    @property
    def vkey(self) -> str:
        """The log's verifier key."""
        return self._signer.key.vkey

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def note(self, size: int | None = None) -> str:
        """The checkpoint of the log as it is, or of its first `size` leaves, signed, with its cosignatures."""
        size, root = self._log.head if size is None else (size, self._log.root_at(size))
        kept, note = self._latest
        if kept != size:
            text = signing.checkpoint_text(Checkpoint(self._signer.key.name, size, root))
            note = f"{text}\n{self._signer.sign(text)}"
            self._latest = size, note
        with self._lock:
            rows = self._database.execute("SELECT line FROM cosignature WHERE size = ? ORDER BY name", (size,))
            return note + "".join(row[0] for row in rows)

    def _checkpoint(self, request: protocol.Checkpoint) -> protocol.Reply:
        size = request.size
        if size is None and request.witnessed:
            with self._lock:
                size = self._database.execute("SELECT max(size) FROM cosignature").fetchone()[0]
        return protocol.CheckpointIs(_within(lambda: self.note(size)))

    def _tile(self, request: protocol.Tile) -> protocol.Reply:
        return protocol.TileIs(_within(lambda: self._log.tile(request.level, request.index, request.width)))

    def _entries(self, request: protocol.Entries) -> protocol.Reply:
        return protocol.EntriesAre(b"".join(_within(lambda: self._log.entries(request.index, request.width))))

    def _inclusions(self, request: protocol.Inclusions) -> protocol.Reply:
        paths = _within(lambda: [self._log.inclusion(index, request.size) for index in request.indices])
        return protocol.InclusionsAre(paths)

    def _add(self, request: protocol.AddCosignatures) -> protocol.Reply:
        """Keep the lines of witnesses; whether to trust them is for those who read them."""
        note = _within(lambda: self.note(request.size))
        try:
            before, after = (verifier.split_note(text)[1] for text in (note, note + "".join(request.lines)))
        except Invalid as reason:
            raise protocol.malformed() from reason
        if len(after) > _MOST_COSIGNATURES or len(after) - len(before) != len(request.lines):
            raise protocol.malformed()
        rows = [(request.size, f"{name}+{raw[:4].hex()}", line)
                for line, (name, raw) in zip(request.lines, after[len(before) :], strict=True)]  # fmt: skip
        self._log.append([], [("INSERT OR REPLACE INTO cosignature VALUES (?, ?, ?)", row) for row in rows] + [_PRUNE])
        return protocol.Done(len(rows))


_PRUNE: store.Statement = (
    "DELETE FROM cosignature WHERE size < (SELECT min(size) FROM"
    " (SELECT DISTINCT size FROM cosignature ORDER BY size DESC LIMIT ?))",
    (_SIZES_KEPT,),
)


def _within(compute: Callable[[], T]) -> T:
    try:
        return compute()
    except ValueError as error:
        raise Refused("gate.no_such_leaf", "The log is not that long; ask for its head first.") from error
