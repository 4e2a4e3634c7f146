"""The keeper's own backup: keys, slots and log, apart from the city's database; and how it comes back.

A backup of keys brings back whoever was erased since. So it is restored here and nowhere else: every erasure that the
newest log knows is done again, the key is changed, and only then does the keeper come into force.

Run: python -m cityloom.keeper.backup --dir KEEPER --from BACKUP [--force]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cityloom.keeper import basis, files, keyring, manifest, store, wire
from cityloom.keeper.log import Log, LogBroken, leaf
from cityloom.keeper.vault import Vault
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

MOST_AGE = timedelta(days=30)
_NOT_COPIED = ("lock", "key.", store.DATABASE)
_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Restored:
    """What a restore did: people erased again, whether the newest log was kept, where the old folder lies if it is."""

    erased: int
    log_kept: bool
    put_aside: str


def make(vault: Vault, folder: Path, place: Path, at: datetime) -> Path:
    """Copy the keeper whole into a new folder in `place`; nothing is erased or sealed meanwhile.

    Raises: Refused `backup.same_folder`, `gate.loading`; OSError.
    """
    with vault.still():
        draft = manifest.begin(place, manifest.KEYS, at)
        try:
            for path in sorted(folder.iterdir()):
                if path.is_file() and not path.name.startswith(_NOT_COPIED):
                    files.copy(path, draft / path.name)
            files.copy_database(folder / store.DATABASE, draft / store.DATABASE)
            return manifest.finish(draft, manifest.KEYS, at)
        except BaseException:
            files.destroy(draft / keyring.KEY_FILE)
            shutil.rmtree(draft, ignore_errors=True)
            raise


def restore(folder: Path, source: Path, *, now: datetime, force: bool = False) -> Restored:
    """Put a backup in the keeper's place, with every later erasure done again and a key that no backup holds.

    Raises: Refused `backup.too_old`, `backup.other_keeper`, `backup.in_use`, `backup.unfit`, and those of
    `manifest.read`; then the keeper is as it was.
    """
    backup = manifest.read(source, manifest.KEYS)
    if now - backup.made_at > MOST_AGE and not force:
        raise Refused("backup.too_old", "That backup is {value} days old, and keys older than {limit} days may bring"
                      " back people whose erasure nobody remembers any more; add --force if you know that none was.",
                      value=(now - backup.made_at).days, limit=MOST_AGE.days)  # fmt: skip
    draft, aside = folder.with_name(f"{folder.name}.restoring"), folder.with_name(f"{folder.name}.replaced")
    if aside.exists() and not folder.exists():
        aside.rename(folder)  # a restore died between its last two steps
    held = _lock(folder)
    try:
        _remove(draft)
        draft.mkdir(mode=0o700)
        for name in backup.files:
            files.copy(backup.folder / name, draft / name)
        kept = _take_newest_log(folder, draft, force=force)
        erased = _bring_up_to_date(draft, now)
        return Restored(erased, kept, _swap(folder, draft, aside, keep=not kept and _holds_log(folder)))
    finally:
        _remove(draft)
        if held is not None:
            os.close(held)


def _lock(folder: Path) -> int | None:
    if not folder.exists():
        return None
    try:
        return store.lock(folder)
    except BlockingIOError as error:
        raise Refused("backup.in_use", "The keeper is running; stop the city with `cityloom stop` first.") from error


def _take_newest_log(folder: Path, draft: Path, *, force: bool) -> bool:
    """Let the log that is there now go on, if it can be read and continues the backup's; say whether it does."""
    size, root = _head(draft)
    try:
        now_size, _ = _head(folder)
        continues = now_size >= size and _root_at(folder, size) == root
    except (OSError, sqlite3.Error, LogBroken, ValueError):
        return False
    if continues:
        (draft / store.DATABASE).unlink()
        files.copy_database(folder / store.DATABASE, draft / store.DATABASE)
    elif not force and (now_size >= size or _root_at(draft, now_size) != _head(folder)[1]):
        raise Refused("backup.other_keeper", "The log that is here does not continue the backup's log, so the backup is"
                      " another keeper's; add --force to give up the keeper that is here.")  # fmt: skip
    return continues


def _bring_up_to_date(draft: Path, now: datetime) -> int:
    """Erase again whom the log has erased, change the key, and log it; return how many were erased again."""
    try:
        vault, log = Vault(draft), Log(draft)
    except (ValueError, LogBroken, sqlite3.Error) as error:
        raise Refused("backup.unfit", "The keeper in that backup cannot be used: {value}", value=str(error)) from error
    with closing(log), closing(store.connect(draft)) as database:
        (reserved,) = database.execute("SELECT reserved FROM slots").fetchone()
        vault.slots.grow_to(reserved)
        gone = _erased_again(vault, {row[0] for row in database.execute("SELECT pseudonym FROM erased")})
        vault.erase_many(gone)
        vault.rotate()
        facts = {
            "at": clock.to_text(now), "action": "restore", "purpose": basis.REGISTER, "basis": "", "article": "",
            "actor": vault.keyed(b"account", b"system"), "unit": "city", "role": "system", "grant": "", "zone": "",
            "incident_id": "", "exercise_id": "", "drill_at": "", "people": len(gone),
        }  # fmt: skip
        log.append([leaf("backed-up", facts)])
        return len(gone)


def _erased_again(vault: Vault, erased: set[bytes]) -> list[int]:
    found: list[int] = []
    for first in range(0, len(vault.slots) if erased else 0, _AT_ONCE):
        run = vault.slots.subjects(slice(first, min(first + _AT_ONCE, len(vault.slots))))
        alive = run[vault.present(run)]
        names = zip(alive.tolist(), vault.names_of(vault.unlock_any(alive)), strict=True)
        found += [subject for subject, name in names if name in erased]
    return found


def _swap(folder: Path, draft: Path, aside: Path, *, keep: bool) -> str:
    _remove(aside)
    if folder.exists():
        folder.rename(aside)
    draft.rename(folder)
    files.sync(folder.parent)
    if keep:
        return str(aside)
    _remove(aside)
    return ""


def _remove(folder: Path) -> None:
    """Remove a keeper's folder, its key overwritten first."""
    files.destroy(folder / keyring.KEY_FILE)
    shutil.rmtree(folder, ignore_errors=True)


def _holds_log(folder: Path) -> bool:
    return (folder / store.DATABASE).exists()


def _head(folder: Path) -> tuple[int, bytes]:
    with closing(_log(folder)) as log:
        return log.head


def _root_at(folder: Path, size: int) -> bytes:
    with closing(_log(folder)) as log:
        return log.root_at(size)


def _log(folder: Path) -> Log:
    if not _holds_log(folder):
        raise FileNotFoundError
    return Log(folder)


def main(arguments: Sequence[str] | None = None) -> int:
    """Restore, and print what was done, or the refusal, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m cityloom.keeper.backup", description="Restore a keeper's backup.")
    parser.add_argument("--dir", type=Path, required=True, help="the keeper's folder")
    parser.add_argument("--from", type=Path, required=True, dest="source", help="the backup, or the folder of several")
    parser.add_argument("--force", action="store_true", help="also one older than 30 days, or another keeper's")
    options = parser.parse_args(arguments)
    wire.keep_memory_private()
    try:
        done = restore(options.dir, options.source, now=clock.now(), force=options.force)
    except Refused as refusal:
        plain = refusal.as_json()
        told = {"code": refusal.code, "sentence": refusal.template, "value": plain["value"], "limit": plain["limit"]}
        sys.stdout.write(json.dumps(told))
        return manifest.REFUSED
    with suppress(OSError):
        sys.stdout.write(json.dumps(asdict(done)))
    return manifest.RESTORED


if __name__ == "__main__":
    sys.exit(main())
