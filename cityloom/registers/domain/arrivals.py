"""Files that arrive in a folder: which are complete, what they may be called, whose mapping fits."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

MARKER = ".done"
"""Beside a file: its sender says that it is complete."""
REASON = ".reason.txt"
SETTLED_S = 10.0
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", ".swp", "~")
_UNWANTED = frozenset('/\\*?[]{}<>|":;&$`\'')
_LONGEST_BYTES = 120


@dataclass(frozen=True)
class Arrival:
    """A file of the folder: its name, bytes, since when, its state and, where there is one, the reason.

    States: `waiting` until it is complete, `work`, `done`, `refused`.
    """

    name: str
    bytes: int
    at: datetime
    state: str
    reason: str = ""


@dataclass(frozen=True)
class FolderFacts:
    """A folder that fills up: the latest of what is in it, how many there are of each state, and its mappings."""

    path: str
    arrivals: Sequence[Arrival]
    counts: dict[str, int]
    mappings: Sequence[tuple[str, str]]
    broken: Sequence[tuple[str, str]]


def is_passed_over(name: str) -> bool:
    """Whether a name says that this is no file to be loaded, or not yet."""
    return name.startswith(".") or name.lower().endswith((*_UNFINISHED, MARKER, REASON))


def shown_name(name: str) -> str:
    """A file's name as a page, a terminal and a database can hold it."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)[:200]


def safe_name(name: str) -> str:
    """A name that every shell, page and database can show; different names stay different."""
    kept = "".join("_" if sign in _UNWANTED or not sign.isprintable() else sign
                   for sign in unicodedata.normalize("NFC", name))  # fmt: skip
    kept = kept.strip(" .").lstrip("-")
    raw = name.encode("utf-8", "backslashreplace")
    if kept == name and len(raw) <= _LONGEST_BYTES:
        return name
    tag = hashlib.sha256(raw).hexdigest()[:8]
    stem, dot, ending = kept.rpartition(".")
    ending = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
    stem = stem if ending else kept
    return f"{_cut(stem or 'file', _LONGEST_BYTES - 20)}-{tag}{ending}"


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")


def fitting(name: str, patterns: Sequence[tuple[str, str]]) -> list[str]:
    """The mappings, given as (mapping, pattern), whose pattern fits a name; no letters' case is looked at."""
    return [mapping for mapping, pattern in patterns if pattern and fnmatchcase(name.lower(), pattern.lower())]
