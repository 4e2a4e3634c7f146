"""Questions to the log: its key, signed checkpoints, tiles; proofs for a person's entries; is the whole of it right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import httpx
import yaml
from django.conf import settings
from django.utils.translation import gettext as _

from cityloom.audit.domain import bundle, whole_log
from cityloom.audit.domain.bundle import LoggedLeaf
from cityloom.audit.domain.paths import TilePath, read_path
from cityloom.audit.domain.whole_log import Checked, Fetch
from cityloom.audit.domain.witnesses import Watching, read_watching
from cityloom.keeper import protocol, verifier
from cityloom.keeper.client import KeeperClient
from cityloom.keeper.verifier import Checkpoint, Invalid, Key
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.domain.declared import Fault

__all__ = ["Checked", "LoggedLeaf"]  # for others, who see only this door
LOCAL = "local"
_MOST_LEVELS = 7
_AT_ONCE = 500
_TIMEOUT_S = 30.0


def log_key() -> str:
    """The verifier key of this city's log: publish it in places that are not this server."""
    return keeper_for().ask(protocol.LogKey(), protocol.LogKeyIs).vkey


def checkpoint_note(*, size: int | None = None, witnessed: bool = False) -> str:
    """A signed checkpoint with its cosignatures: of the log as it is, of an older size, or the newest cosigned one."""
    return keeper_for().ask(protocol.Checkpoint(size, witnessed), protocol.CheckpointIs).note


def part_of_log(path: TilePath) -> bytes:
    """A tile, or entries as tlog-tiles writes them. Raises: Refused `gate.no_such_leaf`."""
    keeper = keeper_for()
    if path.level is None:
        entries = keeper.ask(protocol.Entries(path.index, path.width), protocol.EntriesAre).entries
        return whole_log.write_entries(entries)
    if path.level > _MOST_LEVELS:
        raise Refused("gate.no_such_leaf", "The log is not that long; ask for its head first.")
    return keeper.ask(protocol.Tile(path.level, path.index, path.width), protocol.TileIs).hashes


def bundle_of(leaves: Sequence[LoggedLeaf], *, at: datetime) -> dict[str, object]:
    """A bundle with a proof for each of these leaves, under a cosigned checkpoint where one covers them all."""
    keeper = keeper_for()
    note = checkpoint_note(witnessed=True)
    if any(leaf.index >= _size_of(note) for leaf in leaves):
        note = checkpoint_note()
    proofs: list[list[bytes]] = []
    for begin in range(0, len(leaves), _AT_ONCE):
        indices = [leaf.index for leaf in leaves[begin : begin + _AT_ONCE]]
        proofs += keeper.ask(protocol.Inclusions(indices, _size_of(note)), protocol.InclusionsAre).proofs
    return bundle.compose(leaves, proofs, note=note, vkey=log_key(), at=at)


def check_log(source: str, *, key: str, witnesses: Sequence[str] = (), older: Path | None = None) -> Checked:
    """Check a whole log from outside: at an address, in a folder, or this city's own ("local").

    Raises: Refused `audit.does_not_verify`.
    """
    try:
        pinned = verifier.read_key(key)
        watched = tuple(verifier.read_key(vkey, (verifier.WITNESS_KEY,)) for vkey in witnesses)
        known = None if older is None else _older(older, pinned)
        return whole_log.check(_fetcher(source), pinned, witnesses=watched, older=known)
    except Invalid as reason:
        raise Refused("audit.does_not_verify", "It does not verify: {value}", value=str(reason)) from reason


def report_on(path: Path, *, key: str, witnesses: Sequence[str] = (), quorum: int | None = None, as_json: bool) -> str:
    """What a bundle proves, in words or for machines. Raises: Refused `audit.does_not_verify`."""
    try:
        watched = [verifier.read_key(vkey, (verifier.WITNESS_KEY,)) for vkey in witnesses]
        report = verifier.verify_bundle(verifier.read_bundle(path), verifier.read_key(key), watched, quorum)
    except Invalid as reason:
        raise Refused("audit.does_not_verify", "It does not verify: {value}", value=str(reason)) from reason
    return verifier.as_json(report) if as_json else verifier.as_words(report)


def watching() -> Watching:
    """Who cosigns our log, and whose we cosign. Raises: Refused `audit.bad_witnesses`."""
    try:
        text = watching_file().read_text() if watching_file().exists() else ""
        return read_watching(yaml.safe_load(text[: 1 << 17]))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused("audit.bad_witnesses", "The file witnesses.yaml cannot be used: {value}.",
                      value="it is not YAML") from error  # fmt: skip


def watching_file() -> Path:
    """Where it is written who watches whom."""
    return Path(settings.CITYLOOM["HOME"]) / "witnesses.yaml"


def keeper_for() -> KeeperClient:
    """This process's client of the configured keeper; for the audit's own use."""
    paths = settings.CITYLOOM
    return _client(Path(paths["KEEPER_SOCKET"]), Path(paths["ASSERTION_KEY_FILE"]))


@lru_cache(maxsize=4)
def _client(address: Path, key_file: Path) -> KeeperClient:
    return KeeperClient(address, key_file)


def _size_of(note: str) -> int:
    return verifier.read_checkpoint(verifier.split_note(note)[0]).size


def _older(path: Path, key: Key) -> Checkpoint:
    try:
        return verifier.open_checkpoint(path.read_text()[: verifier.MOST_NOTE_BYTES + 1], key)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("audit.no_older", "The older checkpoint cannot be read; is its name right?") from error


def _fetcher(source: str) -> Fetch:
    if source == LOCAL:
        return _from_keeper
    if source.startswith(("http://", "https://")):
        return _from_address(source.rstrip("/"))
    folder = Path(source)
    if not folder.is_dir():
        raise Refused("audit.no_log", "There is no log at {value}: name an address, a folder, or `local`.",
                      value=source[:200])  # fmt: skip
    return lambda path, most: _from_file(folder / path, most)


def _from_keeper(path: str, most: int) -> bytes | None:
    if path == "checkpoint":
        return checkpoint_note().encode()
    part = read_path(path)
    try:
        return None if part is None else part_of_log(part)
    except Refused as refusal:
        if refusal.code != "gate.no_such_leaf":
            raise
        return None


def _from_file(path: Path, most: int) -> bytes | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return stream.read(most + 1)


def _from_address(address: str) -> Fetch:
    link = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False)

    def fetch(path: str, most: int) -> bytes | None:
        run = bytearray()
        try:
            with link.stream("GET", f"{address}/{path}") as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                answer.raise_for_status()
                for piece in answer.iter_bytes():
                    run += piece
                    if len(run) > most:
                        break
        except httpx.HTTPError as error:
            raise Refused("audit.no_answer", "The log does not answer at {value}.", value=address) from error
        return bytes(run)

    return fetch


# --- what the overview shows

_SEEN_WITHIN = timedelta(hours=1)


def log_faults(actor: Actor, at: datetime) -> list[Fault]:
    """Whether somebody outside watches the log, and has seen it lately. Raises: Refused."""
    outside = watching().witnesses
    if not outside:
        return [Fault(_("Nobody outside watches the log"), note=_("Without a witness, whoever runs this server could"
                      " rewrite the whole log; docs/explanation/keeper.md says how to find one."))]  # fmt: skip
    note = checkpoint_note(witnessed=True)
    seen = verifier.cosignatures_of(note, [one.key for one in outside])
    latest = max((each.time_s for each in seen), default=0)
    if at.timestamp() - latest <= _SEEN_WITHIN.total_seconds() or _size_of(note) >= _size_of(checkpoint_note()):
        return []
    return [Fault(_("No witness has seen what was logged in the last hour"), "bad")]
