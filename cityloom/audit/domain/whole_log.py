"""A whole log checked from outside: from its entries every tile and the signed root are computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cityloom.audit.domain.paths import TilePath
from cityloom.keeper.verifier import Checkpoint, Cosignature, Invalid, Key, cosignatures_of, open_checkpoint
from cityloom.kernel.merkle import HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Edge, leaf_hash

ENTRY_BYTES = 32
MOST_PART_BYTES = TILE_WIDTH * (2 + ENTRY_BYTES)
_LENGTH = ENTRY_BYTES.to_bytes(2, "big")

Fetch = Callable[[str, int], bytes | None]
"""The bytes at a path below the log's address, at most so many, None where there is nothing."""


@dataclass(frozen=True)
class Checked:
    """What was found right."""

    checkpoint: Checkpoint
    cosignatures: list[Cosignature]
    tiles: int


def check(
    fetch: Fetch, key: Key, *, witnesses: tuple[Key, ...] = (), older: Checkpoint | None = None, note: str | None = None
) -> Checked:
    """Check a log against its checkpoint (the one it serves, or `note`), and against an older one of the same log.

    Raises: Invalid.
    """
    if note is None:
        note = _text(fetch("checkpoint", 64 * 1024))
    checkpoint = open_checkpoint(note, key)
    if older is not None and (older.origin != checkpoint.origin or older.size > checkpoint.size):
        raise Invalid("log.rolled_back", "The log is shorter than the older checkpoint, or is another log.")
    reader = _Reader(fetch, checkpoint.size)
    edge, tiles = Edge(), 0
    for index in range(-(-checkpoint.size // TILE_WIDTH)):
        hashes = [leaf_hash(entry) for entry in reader.entries(index)]
        if older is not None and edge.size <= older.size <= edge.size + len(hashes):
            _compare_older(edge, hashes, older)
        for level, number, tile in edge.extend(hashes):
            tiles += reader.compare(TilePath(level, number), tile)
    for level, partial in enumerate(edge.partial):
        if partial:
            path = TilePath(level, checkpoint.size >> TILE_HEIGHT * (level + 1), len(partial))
            tiles += reader.compare(path, b"".join(partial))
    if edge.root() != checkpoint.root:
        raise Invalid("log.other_root", "The entries do not give the root that the log has signed.")
    return Checked(checkpoint, cosignatures_of(note, witnesses), tiles)


def read_entries(run: bytes, width: int) -> list[bytes]:
    """Entries from a bundle of tlog-tiles. Raises: Invalid."""
    step = 2 + ENTRY_BYTES
    parts = [run[at : at + step] for at in range(0, len(run), step)]
    if len(run) != width * step or any(part[:2] != _LENGTH for part in parts):
        raise Invalid("log.bad_entries", "A bundle of entries is cut off, or holds what is not an entry of 32 bytes.")
    return [part[2:] for part in parts]


def write_entries(run: bytes) -> bytes:
    """A bundle of tlog-tiles from entries in one run."""
    return b"".join(_LENGTH + run[at : at + ENTRY_BYTES] for at in range(0, len(run), ENTRY_BYTES))


class _Reader:
    def __init__(self, fetch: Fetch, size: int) -> None:
        self._fetch, self._size = fetch, size

    def entries(self, index: int) -> list[bytes]:
        width = min(TILE_WIDTH, self._size - index * TILE_WIDTH)
        return read_entries(self._part(TilePath(None, index, width), 2 + ENTRY_BYTES), width)

    def compare(self, path: TilePath, hashes: bytes) -> int:
        if self._part(path, HASH_BYTES) != hashes:
            raise Invalid("log.bad_tile", f"{path} is not what the entries give.")
        return 1

    def _part(self, path: TilePath, unit: int) -> bytes:
        """A part of the log; a partial one may be served whole by now."""
        run = self._fetch(str(path), MOST_PART_BYTES)
        if run is None and path.width < TILE_WIDTH:
            run = self._fetch(str(TilePath(path.level, path.index)), MOST_PART_BYTES)
            run = run if run is None else run[: path.width * unit]
        if run is None:
            raise Invalid("log.missing", f"{path} is missing.")
        return run


def _compare_older(edge: Edge, hashes: list[bytes], older: Checkpoint) -> None:
    then = edge.copy()
    then.extend(hashes[: older.size - edge.size])
    if then.root() != older.root:
        raise Invalid("log.rewritten", f"The first {older.size} entries are not those of the older checkpoint.")


def _text(raw: bytes | None) -> str:
    try:
        if raw is not None:
            return raw.decode()
    except UnicodeDecodeError:
        pass
    raise Invalid("log.no_checkpoint", "There is no checkpoint at that address.")
