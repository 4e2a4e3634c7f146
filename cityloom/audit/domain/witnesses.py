"""Who watches whom: the file `witnesses.yaml`, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cityloom.keeper.verifier import LOG_KEY, WITNESS_KEY, Invalid, Key, read_key
from cityloom.kernel.refused import Refused

MOST = 16
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?")


@dataclass(frozen=True)
class OutsideWitness:
    """Somebody who cosigns this city's log: the key, and where checkpoints are handed in."""

    key: Key
    url: str


@dataclass(frozen=True)
class Watching:
    """`witnesses` cosign our log; `logs` are those that our own witness cosigns."""

    witnesses: tuple[OutsideWitness, ...] = field(default=())
    logs: tuple[Key, ...] = field(default=())


def read_watching(document: object) -> Watching:
    """Raises: Refused `audit.bad_witnesses`."""
    if document is None:
        return Watching()
    if not isinstance(document, Mapping) or set(document) - {"witnesses", "logs"}:
        raise _bad("it has other parts than witnesses and logs")
    witnesses, logs = document.get("witnesses") or [], document.get("logs") or []
    if not isinstance(witnesses, list) or not isinstance(logs, list) or max(len(witnesses), len(logs)) > MOST:
        raise _bad(f"witnesses and logs are lists of at most {MOST}")
    found = Watching(tuple(map(_witness, witnesses)), tuple(_key(vkey, LOG_KEY) for vkey in logs))
    if len({log.name for log in found.logs}) < len(found.logs):
        raise _bad("it names a log twice")
    return found


def as_document(watching: Watching) -> dict[str, object]:
    """The file's content."""
    witnesses = [{"key": each.key.vkey, "url": each.url} for each in watching.witnesses]
    return {"witnesses": witnesses, "logs": [key.vkey for key in watching.logs]}


def checked_url(url: object) -> str:
    """A witness's address, without the slash at its end. Raises: Refused."""
    if not isinstance(url, str) or len(url) > 300 or not _URL.fullmatch(url):
        raise _bad("an address must begin with https:// or http://")
    return url.rstrip("/")


def _witness(row: object) -> OutsideWitness:
    if not isinstance(row, Mapping) or set(row) != {"key", "url"}:
        raise _bad("each witness has a key and a url")
    return OutsideWitness(_key(row["key"], WITNESS_KEY), checked_url(row["url"]))


def _key(vkey: object, kind: int) -> Key:
    try:
        return read_key(str(vkey)[:1000], (kind,))
    except Invalid as reason:
        raise _bad(str(reason)) from reason


def _bad(why: str) -> Refused:
    return Refused("audit.bad_witnesses", "The file witnesses.yaml cannot be used: {value}.", value=why)
