"""What the keeper asks of files: written through to the disk, destroyed, copied."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def sync(path: Path) -> None:
    """Put a file, or the names in a folder, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def destroy(path: Path) -> None:
    """Overwrite a file that holds a key, then remove it; nothing happens where there is none."""
    if not path.exists():
        return
    with path.open("r+b") as stream:
        stream.write(bytes(path.stat().st_size))
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()


def copy(source: Path, target: Path) -> None:
    """Copy a file, for its owner alone. Raises: FileExistsError."""
    _make_private(target)
    shutil.copyfile(source, target)


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that may be in use, for its owner alone. Source: SQLite's online backup interface."""
    _make_private(target)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
