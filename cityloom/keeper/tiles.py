"""The log's tree on the disk: tiles of 256 hashes, and the right edge that the next leaf goes to.

Full tiles are written once. Of the tiles that are not full, level 0 is not stored (its leaves are), the others are
written again whenever a tile below them fills.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from functools import lru_cache

from cityloom.keeper.leaf import leaf_hashes
from cityloom.kernel.merkle import EMPTY_ROOT, HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, Edge, halves, perfect_root

_LEVEL_SHIFT = 48
_KEPT = 256  # expanded tiles, about 30 KiB each


class LogBroken(Exception):  # noqa: N818 - read as a fact
    """The log on the disk is not the one that its head describes."""


def stored_head(database: sqlite3.Connection) -> tuple[int, bytes]:
    """Size and root as last committed."""
    return database.execute("SELECT size, root FROM head").fetchone() or (0, EMPTY_ROOT)


def write(database: sqlite3.Connection, edge: Edge, full: list[tuple[int, int, bytes]]) -> None:
    """Store the tiles that became full, and the partial ones above them."""
    rows = [(tile_id(level, index), hashes) for level, index, hashes in full]
    if full:
        rows += [
            (tile_id(level, edge.size >> TILE_HEIGHT * (level + 1)), b"".join(edge.partial[level]))
            for level in range(1, len(edge.partial))
            if edge.partial[level]
        ]
    database.executemany("INSERT OR REPLACE INTO tile VALUES (?, ?)", rows)


def read_edge(database: sqlite3.Connection) -> Edge:
    """The right edge, from a few rows whatever the size. Raises: LogBroken where it does not give the stored root."""
    size, root = stored_head(database)
    last = database.execute("SELECT first + count FROM leaves ORDER BY first DESC LIMIT 1").fetchone()
    if (last[0] if last else 0) != size:
        raise LogBroken("There are not as many leaves as the stored head says.")
    try:
        edge = Edge(size, _partial_tiles(database, size))
    except (ValueError, TypeError, AttributeError) as error:  # a changed file may hold anything anywhere
        raise LogBroken("A tile or a leaf at the end of the log is missing or damaged.") from error
    if edge.root() != root:
        raise LogBroken("The stored leaves do not give the stored root.")
    return edge


def _partial_tiles(database: sqlite3.Connection, size: int) -> list[list[bytes]]:
    partial, level = [_young_leaves(database, size)], 1
    while size >> TILE_HEIGHT * level:
        width = size >> TILE_HEIGHT * level & TILE_WIDTH - 1
        run = _row(database, level, size >> TILE_HEIGHT * (level + 1)) if width else b""
        partial.append(split(run or b""))
        level += 1
    return partial


def split(run: bytes) -> list[bytes]:
    """A tile's hashes."""
    return [run[at : at + HASH_BYTES] for at in range(0, len(run), HASH_BYTES)]


def tile_id(level: int, index: int) -> int:
    """The row of a tile."""
    return level << _LEVEL_SHIFT | index


def _young_leaves(database: sqlite3.Connection, size: int) -> list[bytes]:
    """The leaf hashes behind the last full tile."""
    begin = size & ~(TILE_WIDTH - 1)
    rows = database.execute(
        "SELECT first, facts, cut, salts, subjects FROM leaves WHERE first > ? ORDER BY first", (begin - TILE_WIDTH,)
    )
    found: list[bytes] = []
    for first, facts, cut, salts, subjects in rows:
        found += leaf_hashes(facts.encode(), cut, salts, subjects)[max(0, begin - first) :]
    return found


def _row(database: sqlite3.Connection, level: int, index: int) -> bytes | None:
    row = database.execute("SELECT hashes FROM tile WHERE id = ?", (tile_id(level, index),)).fetchone()
    return None if row is None else row[0]


class Tiles:
    """Reads the tree: what is full from the disk, the rest from the caller's edge. Safe in many threads."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._expanded = lru_cache(_KEPT)(self._expand)

    def tile(self, edge: Edge, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
        """The first `width` hashes of a tile. Raises: ValueError where the tree is not that large."""
        if not 0 < width <= TILE_WIDTH or level < 0 or not 0 <= index < 1 << _LEVEL_SHIFT - TILE_HEIGHT:
            raise ValueError("There is no such tile.")
        if index * TILE_WIDTH + width > edge.size >> TILE_HEIGHT * level:
            raise ValueError("The log is not that long.")
        if index < edge.size >> TILE_HEIGHT * (level + 1):
            return self._full(level, index)[: width * HASH_BYTES]
        return b"".join(edge.partial[level][:width])

    def node(self, edge: Edge) -> Callable[[int, int], bytes]:
        """The hash of any perfect subtree of the tree that the edge closes."""

        def at(level: int, index: int) -> bytes:
            tiles_up, height = divmod(level, TILE_HEIGHT)
            number, place = divmod(index << height, TILE_WIDTH)
            if number < edge.size >> TILE_HEIGHT * (tiles_up + 1):
                return self._expanded(tiles_up, number)[height][place >> height]
            return perfect_root(edge.partial[tiles_up][place : place + (1 << height)])

        return at

    def _full(self, level: int, index: int) -> bytes:
        with self._lock:
            run = _row(self._database, level, index)
        if run is None or len(run) != TILE_WIDTH * HASH_BYTES:
            raise LogBroken(f"Tile {index} of level {level} is missing.")
        return run

    def _expand(self, level: int, index: int) -> list[list[bytes]]:
        heights = [split(self._full(level, index))]
        for _ in range(TILE_HEIGHT - 1):
            heights.append(halves(heights[-1]))
        return heights
