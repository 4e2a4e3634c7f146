"""A lake is copied while it is in use: each table at its last whole version, with what still waits in its journal."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from cityloom.lake import catalogue, log
from cityloom.lake.appender import JOURNALS
from cityloom.lake.domain.dataset import DAY
from cityloom.lake.table import Table


def copy(root: Path, place: Path) -> None:
    """Copy a lake into a folder; readers and writers go on, only who joins or removes files waits.

    Raises: FileNotFoundError where a file that the last version needs is lost.
    """
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for dataset in catalogue.datasets(root):
        _copy_table(Table(root, dataset), root, place)


def put_in_place(copied: Path, root: Path) -> None:
    """Make a copied lake the lake, in the same folder above; the one before goes once the new one has its name."""
    aside = root.with_name(f"{root.name}.replaced")
    if aside.exists() and root.exists():
        shutil.rmtree(aside)
    if root.exists():
        root.rename(aside)
    copied.rename(root)
    log.synced(root.parent)
    shutil.rmtree(aside, ignore_errors=True)


def _copy_table(table: Table, root: Path, place: Path) -> None:
    name = table.dataset.name
    with table.keeping():
        # what leaves the journal after this is in the version that is read below; what stays counts once by its number
        _copy_all(sorted((root / JOURNALS / name).rglob("*.journal")), root, place)
        version = table.version()
        if version >= 0:
            _copy_version(table, root, place, version)
        # a table may have fewer columns than its declaration, and not more
        _copy_all([table.folder / "_grown", root / f"{name}{catalogue.END}"], root, place)


def _copy_version(table: Table, root: Path, place: Path, version: int) -> None:
    needed = {table.folder / one.path for one in table.files(version=version)}
    for path in sorted(needed):
        _copy_one(path, root, place)
    _copy_all(sorted(set(table.folder.glob(f"{DAY}=*/*/*.parquet")) - needed), root, place)
    entries = [path for path in (table.folder / log.FOLDER).iterdir() if _version_of(path) in range(version + 1)]
    for path in sorted(entries):
        _copy_one(path, root, place)


def _version_of(path: Path) -> int:
    number = path.name.partition(".")[0]
    return int(number) if number.isdigit() else -1


def _copy_all(paths: list[Path], root: Path, place: Path) -> None:
    """Copy what is still there: an older version's file or a journal may go at any time."""
    for path in paths:
        with suppress(FileNotFoundError):
            _copy_one(path, root, place)


def _copy_one(path: Path, root: Path, place: Path) -> None:
    target = place / path.relative_to(root)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(path, target)
