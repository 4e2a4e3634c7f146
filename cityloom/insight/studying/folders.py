"""A study as a folder: `study.json`, `inputs/*.csv`, `steps/NN-name.csv`; written whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from cityloom.insight.domain.study.study import Note, Step, Study
from cityloom.insight.domain.study.tables import Column, Table
from cityloom.insight.studying.working import Origin
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused

FORM = "cityloom-study/1"
HEAD = "study.json"
LARGEST_HEAD = 16 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
_FILE = re.compile(r"(inputs|steps)/[a-z0-9][a-z0-9_.-]{0,80}\.csv")
_TAKEN = "{value} holds something else than a study; name a new folder."
_NONE = "{value} is no folder of a study; there should be {limit} in it."
_BROKEN = "The study in {value} cannot be read any more ({limit}); work the question anew."


@dataclass(frozen=True)
class Kept:
    """A study that was read from its folder; `digests` are those that were written beside its tables, by file."""

    study: Study
    origins: Mapping[str, Origin]
    digests: Mapping[str, str]
    digest: str


def write(folder: Path, study: Study, origins: Mapping[str, Origin] = {}) -> None:
    """Write a study; a study that was there before gives way when the new one is whole.

    Raises: Refused `insight.folder_taken`.
    """
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.{ids.new_ulid()}")
    try:
        _write_into(fresh, study, origins)
        if folder.exists():
            old = folder.with_name(f"{fresh.name}.old")
            folder.rename(old)
            fresh.rename(folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_free(folder: Path) -> None:
    """Refuse a place at which something else lies than a study.

    Raises: Refused `insight.folder_taken`.
    """
    if folder.exists() and not (folder / HEAD).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refused("insight.folder_taken", _TAKEN, value=str(folder)[-120:])


def read(folder: Path) -> Kept:
    """A study of a folder, as it stands there.

    Raises: Refused `insight.no_study`, `insight.study_broken`.
    """
    path = folder / HEAD
    if not path.is_file():
        raise Refused("insight.no_study", _NONE, value=str(folder)[-120:], limit=HEAD)
    try:
        if path.stat().st_size > LARGEST_HEAD:
            raise ValueError(HEAD)
        return _read(folder, json.loads(path.read_text("utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, OSError, pa.ArrowException) as error:
        said = str(error).partition("\n")[0][:120]
        raise Refused("insight.study_broken", _BROKEN, value=str(folder)[-120:], limit=said) from error


def write_table(path: Path, table: Table) -> None:
    """A table as CSV, each number with all its digits; what is not known stays empty."""
    columns = {name: _arrow(column) for name, column in table.columns.items()}
    pacsv.write_csv(pa.table(columns), path)


def files_of(folder: Path) -> list[str]:
    """The files that belong to a study, by their names in its folder."""
    head = json.loads((folder / HEAD).read_text("utf-8"))
    return [HEAD, *(one["file"] for one in (*head["inputs"].values(), *head["steps"]))]


def plain(value: Any) -> Any:
    """A value as JSON has it: no number that is not finite, nothing of a library."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(inner) for inner in value]
    if isinstance(value, (np.integer, np.bool_)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _write_into(folder: Path, study: Study, origins: Mapping[str, Origin]) -> None:
    for name in ("inputs", "steps"):
        (folder / name).mkdir(mode=0o700, parents=True)
    head = {
        "form": FORM, "kind": study.kind, "question": plain(study.question), "digest": study.digest(),
        "inputs": {name: _put(folder, f"inputs/{_checked(name)}.csv", table) | (
            {"origin": {"file": origins[name].file, "sha256": origins[name].sha256}} if name in origins else {})
            for name, table in study.inputs.items()},
        "steps": [{"name": one.name, "given": plain(one.given), "seed": one.seed}
                  | _put(folder, f"steps/{at:02d}-{_checked(one.name)}.csv", one.table)
                  for at, one in enumerate(study.steps, 1)],
        "notes": [{"code": one.code, "value": plain(one.value), "limit": plain(one.limit), "weight": one.weight}
                  for one in study.notes],
    }  # fmt: skip
    (folder / HEAD).write_text(json.dumps(head, ensure_ascii=False, indent=1, allow_nan=False) + "\n", "utf-8")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a step or table")
    return name


def _put(folder: Path, file: str, table: Table) -> dict[str, Any]:
    write_table(folder / file, table)
    return {"file": file, "key": list(table.key), "rows": table.rows, "digest": table.digest(),
            "columns": {name: kind_of(column) for name, column in table.columns.items()}}  # fmt: skip


def kind_of(column: Column) -> str:
    """Whether a column is of words, whole numbers or numbers."""
    return "word" if column.dtype.kind in "OUS" else "whole" if column.dtype.kind in "iub" else "number"


def _arrow(column: Column) -> pa.Array:
    if kind_of(column) == "word":
        return pa.array([str(one) for one in column.tolist()], pa.string())
    if kind_of(column) == "whole":
        return pa.array(column.astype(np.int64))
    return pa.array(column.astype(np.float64), from_pandas=True)


def _read(folder: Path, head: Mapping[str, Any]) -> Kept:
    if head["form"] != FORM:
        raise ValueError(str(head["form"]))
    tables = {name: _taken(folder, one) for name, one in head["inputs"].items()}
    steps = tuple(Step(one["name"], _taken(folder, one), one["given"], one["seed"]) for one in head["steps"])
    notes = tuple(Note(one["code"], one["value"], one["limit"], one["weight"]) for one in head["notes"])
    origins = {name: Origin(one["origin"]["file"], one["origin"]["sha256"])
               for name, one in head["inputs"].items() if "origin" in one}  # fmt: skip
    digests = {one["file"]: one["digest"] for one in (*head["inputs"].values(), *head["steps"])}
    return Kept(Study(head["kind"], head["question"], tables, steps, notes), origins, digests, head["digest"])


def _taken(folder: Path, says: Mapping[str, Any]) -> Table:
    if not _FILE.fullmatch(says["file"]):
        raise ValueError(says["file"])
    kinds = dict(says["columns"])
    types = {name: {"word": pa.string(), "whole": pa.int64(), "number": pa.float64()}[one] for name, one in
             kinds.items()}  # fmt: skip
    if not kinds:
        return Table({}, tuple(says["key"]))
    found = pacsv.read_csv(
        folder / says["file"],
        parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(kinds) > 1),
        convert_options=pacsv.ConvertOptions(column_types=types, strings_can_be_null=False, null_values=[""],
                                             include_columns=list(types)),
    )  # fmt: skip
    return Table({name: _column(found.column(name), kind) for name, kind in kinds.items()}, tuple(says["key"]))


def _column(found: pa.ChunkedArray, kind: str) -> Column:
    if kind != "word":
        filled = pc.fill_null(found, np.nan) if kind == "number" else found
        return filled.to_numpy().astype(np.float64 if kind == "number" else np.int64)
    column = np.empty(len(found), object)
    column[:] = found.to_pylist()
    return column
