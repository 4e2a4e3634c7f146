"""Tiles that were drawn before, in a file of their own beside the city's database.

Nothing depends on it: where the file cannot be used, tiles are drawn each time.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import zlib
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from cityloom.kernel.mvt import Tile

log = logging.getLogger(__name__)
NAME = "tiles.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tile (
  version TEXT NOT NULL, tiles TEXT NOT NULL, z INTEGER NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL,
  body BLOB NOT NULL, UNIQUE (version, tiles, z, x, y)
)
"""
_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA auto_vacuum=INCREMENTAL;"
_WAIT_S = 1.0
_LOOK_EVERY = 64
"""After so many new tiles of a process the size is looked at."""
_KEPT = 0.8
"""Of the largest size, when older tiles make room."""
_OVERHEAD = 120
_SUM_BYTES = 4


class TileCache:
    """Bodies by version, tile set and place; one connection for each thread, the oldest tiles leave first."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self.most_bytes = most_bytes
        self._local = threading.local()
        self._written = 0
        self._swept = ""

    def get(self, version: str, tiles: str, tile: Tile) -> bytes | None:
        """The body, None where it has to be drawn."""
        wanted = (version, tiles, tile.z, tile.x, tile.y)
        query = "SELECT body FROM tile WHERE version = ? AND tiles = ? AND z = ? AND x = ? AND y = ?"
        try:
            row = self._open().execute(query, wanted).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        return _whole(row[0]) if row else None

    def put(self, version: str, tiles: str, tile: Tile, body: bytes) -> None:
        """Keep a body; the tiles of other versions go when the first of a new one comes."""
        try:
            link = self._open()
            if self._swept != version:
                link.execute("DELETE FROM tile WHERE version <> ?", (version,))
                self._swept = version
            row = (version, tiles, tile.z, tile.x, tile.y, body + _sum(body))
            link.execute("INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?, ?, ?)", row)
            self._written += 1
            if self._written % _LOOK_EVERY == 1:
                self._make_room(link)
        except sqlite3.Error as error:
            self._give_up(error)

    def close(self) -> None:
        """Close this thread's connection."""
        with suppress(AttributeError, sqlite3.Error):
            self._local.link.close()
        self._local.__dict__.clear()

    def _open(self) -> sqlite3.Connection:
        link: sqlite3.Connection | None = getattr(self._local, "link", None)
        if link is None:
            link = sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)
            link.executescript(_PRAGMAS + _SCHEMA)
            self._local.link = link
        return link

    def _make_room(self, link: sqlite3.Connection) -> None:
        """Delete the oldest tiles once all together are too large."""
        total = self._bytes(link)
        if total <= self.most_bytes:
            return
        surplus = total - int(self.most_bytes * _KEPT)
        link.execute(
            "DELETE FROM tile WHERE rowid <= (SELECT MIN(rowid) FROM (SELECT rowid, SUM(LENGTH(body) + ?) OVER "
            "(ORDER BY rowid) AS so_far FROM tile) WHERE so_far >= ?)", (_OVERHEAD, surplus),
        )  # fmt: skip
        link.execute("PRAGMA incremental_vacuum").fetchall()

    @staticmethod
    def _bytes(link: sqlite3.Connection) -> int:
        return int(link.execute("SELECT COALESCE(SUM(LENGTH(body) + ?), 0) FROM tile", (_OVERHEAD,)).fetchone()[0])

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without; a file that is no database any more is put away, so that the next tile starts a new one."""
        log.warning("tile cache: %s", error)
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            for suffix in ("", "-wal", "-shm"):
                with suppress(OSError):
                    Path(f"{self.path}{suffix}").unlink()


def _sum(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(_SUM_BYTES, "big")


def _whole(kept: bytes) -> bytes | None:
    """A body as it was put in; None where the disk has changed it: browsers would keep what is broken for a year."""
    body = kept[:-_SUM_BYTES]
    return body if kept[-_SUM_BYTES:] == _sum(body) else None


_caches: dict[Path, TileCache] = {}


def tile_cache() -> TileCache:
    """The cache of the city in use; another city has another folder, and with it another cache."""
    folder = Path(settings.CITYLOOM["CITY_DIR"]).resolve()
    if not folder.exists():
        folder = Path(settings.CITYLOOM["HOME"])
    path = folder / NAME
    if path not in _caches:
        _caches[path] = TileCache(path, settings.CITYLOOM_TILE_CACHE_BYTES)
    return _caches[path]
