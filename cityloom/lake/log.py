"""A Delta table's log: each entry is on the disk before anybody can see it, and no entry takes another's place.

`deltalake` reads the log and writes its checkpoints; the entries are written here, since it asks no disk to keep them
(decision 0024). Source: Delta Lake transaction protocol, actions and commit files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cityloom.kernel import ids

Action = Mapping[str, Any]
FOLDER = "_delta_log"


def write(table: Path, version: int, actions: Iterable[Action]) -> bool:
    """Write an entry, durably; False where another writer has taken its number, and then nothing is written."""
    folder = table / FOLDER
    lines = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in actions)
    fresh = folder / f".{ids.random_token()}"
    try:
        _write_durably(fresh, lines.encode())
        os.link(fresh, folder / f"{version:020}.json")  # fails where the name is there, unlike a renaming
    except FileExistsError:
        return False
    finally:
        fresh.unlink(missing_ok=True)
    synced(folder)
    return True


def begin(table: Path, schema: str, partitions: list[str]) -> None:
    """Make an empty table, durably; one that is there stays as it is."""
    make_folder(table / FOLDER)
    write(table, 0, [
        {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, metadata(ids.random_token(), schema, partitions),
    ])  # fmt: skip


def metadata(name: str, schema: str, partitions: list[str]) -> dict[str, Any]:
    """What a table is: its id, its columns (JSON) and its partitions."""
    return {"metaData": {"id": name, "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
                         "partitionColumns": partitions, "configuration": {}, "createdTime": 0}}  # fmt: skip


def keep_checkpoints(table: Path) -> None:
    """Have the disk keep the checkpoints that there are."""
    folder = table / FOLDER
    for path in [*folder.glob("*.checkpoint*.parquet"), folder / "_last_checkpoint"]:
        with suppress(FileNotFoundError):
            synced(path)
    synced(folder)


def set_checkpoints_aside(table: Path) -> bool:
    """Take away a last checkpoint that a power cut left torn; False where no entries could stand in for it."""
    folder = table / FOLDER
    torn = sorted(folder.glob("*.checkpoint*.parquet"))
    is_covered = bool(torn) and ((folder / f"{0:020}.json").exists() or len(torn) > 1)
    if is_covered:
        torn[-1].rename(folder / f".torn-{torn[-1].name}")
        (folder / "_last_checkpoint").unlink(missing_ok=True)
    return is_covered


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and have the disk keep that they are there."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    synced(folder.parent)


def synced(path: Path) -> None:
    """Have the disk keep a file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_durably(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(handle)
