"""A question is worked: from a file of YAML with its tables beside it, or from tables that were read before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cityloom.insight.domain.study.study import Study, Told
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies import kinds
from cityloom.insight.studies.kinds import Kind
from cityloom.insight.studying import inputs, questions
from cityloom.kernel.refused import Refused

SYNTHETIC = "synthetic-"
"""How the files of made-up tables begin; a memo says so of a study that read one."""
_LACKS = "The question names no file for the table {value}; add it under `inputs`, as {limit}."
_NO_FILE = "There is no file {value}; name the question's file."
_NO_EXAMPLE = "There is no example of {value}; see what it reads, and write a question."


@dataclass(frozen=True)
class Origin:
    """Where a table is from: its file's name and the SHA-256 of the file's bytes."""

    file: str
    sha256: str


@dataclass(frozen=True)
class Done:
    """A study that was worked, and where its tables are from."""

    study: Study
    origins: Mapping[str, Origin]


def quiet(_share: float, _step: str) -> None:
    """Nobody is told."""


def of_file(path: Path, told: Told = quiet) -> Done:
    """Work the question of a file; its tables lie where it names them, seen from its own folder.

    Raises: Refused, as `questions.read`, `inputs.read` and the kind's own work.
    """
    if not path.is_file():
        raise Refused("insight.no_question", _NO_FILE, value=path.name[:120])
    text = path.read_bytes()[: questions.LARGEST_BYTES + 1].decode("utf-8-sig", "replace")
    return of_text(text, path.parent, told)


def of_text(text: str, folder: Path, told: Told = quiet) -> Done:
    """Work a question; its tables lie in the folder.

    Raises: Refused, as `of_file`.
    """
    asked = questions.read(text)
    tables: dict[str, Table] = {}
    origins: dict[str, Origin] = {}
    for spec in asked.kind.inputs:
        file = asked.files.get(spec.name)
        if file is None:
            if spec.needed:
                raise Refused("insight.input_missing", _LACKS, value=spec.name, limit=f"`{spec.name}: {spec.name}.csv`")
            continue
        told(0.0, spec.name)
        path = folder / file
        tables[spec.name] = inputs.read(path, spec)
        origins[spec.name] = Origin(path.name, _sha256(path))
    return Done(worked(asked.kind, asked.question, tables, told), origins)


def worked(kind: Kind, question: Mapping[str, Any], tables: Mapping[str, Table], told: Told = quiet) -> Study:
    """Work a question that was read, or kept.

    Raises: Refused, as the kind's own work.
    """
    return kinds.worked(kind.name, questions.checked(kind, question), tables, told)


def write_example(name: str, folder: Path) -> Path:
    """Write the example of a kind: its question, and its made-up tables; return the question's file.

    Raises: Refused `insight.no_kind`, `insight.no_example`.
    """
    from cityloom.insight.studying import folders

    one = kinds.kind(name)
    if one.example is None:
        raise Refused("insight.no_example", _NO_EXAMPLE, value=name)
    question, tables = one.example()
    folder.mkdir(parents=True, exist_ok=True)
    named = {}
    for key, table in tables.items():
        named[key] = f"{SYNTHETIC}{key}.csv"
        folders.write_table(folder / named[key], table)
    path = folder / f"{name}.yaml"
    head = "# An example with made-up (synthetic) figures; no place and nobody is meant.\n"
    path.write_text(head + questions.as_text(name, question, named), "utf-8")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()



