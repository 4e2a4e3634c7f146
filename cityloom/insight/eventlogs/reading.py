"""A file becomes a log, whatever its form, with what was found in its data and from where it was read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cityloom.insight.domain.cleaning import cleaned
from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.domain.findings import Finding
from cityloom.insight.eventlogs import ocel, tables, xes
from cityloom.insight.eventlogs.columns import Columns
from cityloom.kernel.refused import Refused

FORMS = {
    ".xes": "XES",
    ".csv": "CSV",
    ".txt": "CSV",
    ".tsv": "CSV",
    ".json": "OCEL",
    ".jsonocel": "OCEL",
    ".ocel": "OCEL",
    ".sqlite": "OCEL",
    ".sqlite3": "OCEL",
    ".db": "OCEL",
}
_NO_FILE = "There is no file {value}; check the path."
_NO_FORM = "{value} is no event log that can be read; send one of: {limit}."
_NOTHING = "Of {value} events none says its case, step and time, so there is nothing to review; check the columns."


@dataclass(frozen=True)
class Read:
    """A log, its faults, and its origin: `digest` is the SHA-256 of the file, `object_type` is of OCEL."""

    log: EventLog
    findings: Sequence[Finding]
    columns: Columns
    form: str
    digest: str
    object_type: str = ""


def form_of(name: str) -> str:
    """The form of a file by its name.

    Raises: Refused `insight.no_form`.
    """
    ending = Path(name.lower().removesuffix(".gz")).suffix
    if ending not in FORMS:
        raise Refused(
            "insight.no_form", _NO_FORM, value=name[-60:], limit=", ".join(sorted({*FORMS, ".xes.gz", ".csv.gz"}))
        )
    return FORMS[ending]


def read_log(path: Path, asked: Columns, object_type: str = "") -> Read:
    """Read a file.

    Raises: Refused `insight.no_file`, `insight.no_form`, `insight.nothing_left`, and what the reader refuses.
    """
    if not path.is_file():
        raise Refused("insight.no_file", _NO_FILE, value=path.name[-80:])
    form, kind = form_of(path.name), ""
    if form == "XES":
        raw, columns = xes.read(path, asked)
    elif form == "CSV":
        raw, columns = tables.read(path, asked)
    else:
        raw, columns, kind = ocel.read(path, asked, object_type)
    log, findings = cleaned(raw)
    if not log.cases:
        raise Refused("insight.nothing_left", _NOTHING, value=f"{len(raw):,}")
    return Read(log, findings, columns, form, digest_of(path), kind)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
