"""A backup is a folder with a list of what is in it and each file's digest; one kind of backup to a place."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cityloom.keeper import files
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

DATABASE, LAKE, KEYS = "database", "lake", "keys"
KINDS = (DATABASE, LAKE, KEYS)
_APART = {DATABASE: (KEYS,), LAKE: (KEYS,), KEYS: (DATABASE, LAKE)}
"""What must not lie in one place with a backup of a kind."""
RESTORED, REFUSED = 0, 1
"""How the process that restores keys ends."""
_MANIFEST = "manifest.json"
_KEY_FILE = "key"
_FORMAT, _VERSION = "cityloom-backup", 1


@dataclass(frozen=True)
class Backup:
    """A backup whose files are all there and unchanged."""

    folder: Path
    kind: str
    made_at: datetime
    files: tuple[str, ...]


def begin(place: Path, kind: str, at: datetime) -> Path:
    """A folder for a new backup, for its owner alone; unfinished until `finish`.

    Raises: Refused `backup.same_folder` for a place that holds backups of a kind to be kept apart, `backup.exists`.
    """
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    near = [each for here in (place, place.parent) for each in (here, *here.iterdir())]
    for other in (other for other in _APART[kind] if any(_named(each, other) for each in near)):
        raise Refused("backup.same_folder", "That folder holds a backup of the {value}; keep keys and records apart, so"
                      " that nobody who finds one of them has both.", value=other)  # fmt: skip
    folder = place / f"{kind}-{clock.to_text(at).replace(':', '').replace('-', '').replace('.', '')}"
    if folder.exists():
        raise Refused("backup.exists", "There is a backup of this moment already; try again.")
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    return draft


def finish(draft: Path, kind: str, at: datetime) -> Path:
    """List the files, put all on the disk, and give the folder its name; return it."""
    listed = {}
    for path in sorted(draft.rglob("*")):
        if path.is_file():
            path.chmod(0o600)
            listed[str(path.relative_to(draft))] = {"bytes": path.stat().st_size, "sha256": digest(path)}
        files.sync(path)
    about = {"format": _FORMAT, "version": _VERSION, "kind": kind, "made_at": clock.to_text(at), "files": listed}
    (draft / _MANIFEST).touch(mode=0o600)
    (draft / _MANIFEST).write_text(json.dumps(about, indent=1))
    files.sync(draft / _MANIFEST)
    files.sync(draft)
    folder = draft.rename(draft.with_suffix(""))
    files.sync(folder.parent)
    return folder


def read(source: Path, kind: str) -> Backup:
    """A backup, or the newest one in a place; every byte is checked.

    Raises: Refused `backup.none`, `backup.wrong_kind`, `backup.changed`.
    """
    folder = source if (source / _MANIFEST).is_file() else _newest(source, kind)
    backup, listed = _listed(folder)
    if backup.kind != kind:
        raise Refused("backup.wrong_kind", "That is a backup of the {value}, not of the {limit}.", value=backup.kind,
                      limit=kind)  # fmt: skip
    for name, expected in listed.items():
        path = folder / name
        if not _lies_within(name) or not path.is_file() or digest(path) != expected.get("sha256"):
            raise _changed(folder)
    return backup


def prune(place: Path, *, older_than: timedelta, now: datetime) -> Sequence[Path]:
    """Remove the backups in a place that are older, their keys overwritten first; return their folders."""
    gone = []
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if not (folder / _MANIFEST).is_file():
            continue
        backup, _ = _listed(folder)
        if now - backup.made_at > older_than:
            files.destroy(folder / _KEY_FILE)
            shutil.rmtree(folder)
            gone.append(folder)
    return gone


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lies_within(name: str) -> bool:
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _newest(place: Path, kind: str) -> Path:
    folders = sorted(each.parent for each in place.glob(f"{kind}-*/{_MANIFEST}"))
    if not folders:
        raise Refused("backup.none", "There is no backup of the {limit} in that folder.", limit=kind)
    return folders[-1]


def _listed(folder: Path) -> tuple[Backup, dict[str, dict[str, object]]]:
    try:
        about = json.loads((folder / _MANIFEST).read_text())
        if (about["format"], about["version"]) != (_FORMAT, _VERSION) or about["kind"] not in KINDS:
            raise ValueError
        listed = dict(about["files"])
        return Backup(folder, about["kind"], clock.from_text(about["made_at"]), tuple(listed)), listed
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _changed(folder) from error


def _changed(folder: Path) -> Refused:
    return Refused("backup.changed", "The backup {value} is not as it was made: a file is missing or changed. Take"
                   " another one.", value=folder.name)  # fmt: skip


def _named(folder: Path, kind: str) -> bool:
    return folder.name.startswith(f"{kind}-") and (folder / _MANIFEST).is_file()

