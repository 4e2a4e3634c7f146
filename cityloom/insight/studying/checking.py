"""A kept study is worked again from its inputs, and every cell of every step is compared with what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cityloom.insight.domain.study.study import Step, Told
from cityloom.insight.domain.study.tables import Column, Table
from cityloom.insight.studies import kinds
from cityloom.insight.studying import folders
from cityloom.insight.studying.folders import Kept
from cityloom.insight.studying.working import quiet, worked
from cityloom.kernel.refused import Refused

CLOSE = 1e-9
"""How far numbers may lie apart, as a share: libraries differ in the last bits."""
_MOST = 20


@dataclass(frozen=True)
class Difference:
    """Something that does not hold: where, what stands there, and what comes out."""

    where: str
    kept: str
    found: str


def differences(kept: Kept, told: Told = quiet, most: int = _MOST) -> list[Difference]:
    """What of a kept study does not hold, at most so many; none where all of it does.

    Raises: Refused `insight.no_kind`.
    """
    found: list[Difference] = []
    for one in _all(kept, told):
        found.append(one)
        if len(found) >= most:
            break
    return found


def of_folder(folder: Path, told: Told = quiet) -> list[Difference]:
    """What does not hold of the study in a folder.

    Raises: Refused, as `folders.read`.
    """
    return differences(folders.read(folder), told)


def _all(kept: Kept, told: Told) -> Iterator[Difference]:
    study = kept.study
    kind = kinds.kind(study.kind)
    named = [*((f"inputs/{name}.csv", table) for name, table in study.inputs.items()),
             *((f"steps/{at:02d}-{one.name}.csv", one.table) for at, one in enumerate(study.steps, 1))]  # fmt: skip
    for file, table in named:
        if kept.digests.get(file, "") != table.digest():
            yield Difference(file, f"SHA-256 {kept.digests.get(file, '')[:16]}…", f"{table.digest()[:16]}…")
    try:
        again = worked(kind, study.question, study.inputs, told)
    except Refused as refusal:
        yield Difference("question", "", refusal.sentence)
        return
    if [one.name for one in study.steps] != [one.name for one in again.steps]:
        yield Difference("steps", ", ".join(one.name for one in study.steps),
                         ", ".join(one.name for one in again.steps))  # fmt: skip
        return
    for one, other in zip(study.steps, again.steps, strict=True):
        yield from _of_step(one, other)
    stand = [(one.code, folders.plain(one.value), folders.plain(one.limit), one.weight) for one in study.notes]
    come = [(one.code, folders.plain(one.value), folders.plain(one.limit), one.weight) for one in again.notes]
    if stand != come:
        yield Difference("notes", str(stand)[:200], str(come)[:200])
    if kept.digest != study.digest():
        yield Difference(folders.HEAD, f"SHA-256 {kept.digest[:16]}…", f"{study.digest()[:16]}…")


def _of_step(kept: Step, found: Step) -> Iterator[Difference]:
    where = f"step {kept.name}"
    if folders.plain(kept.given) != folders.plain(found.given):
        yield Difference(f"{where}, given", str(kept.given)[:200], str(found.given)[:200])
    if kept.seed != found.seed:
        yield Difference(f"{where}, seed", str(kept.seed), str(found.seed))
    one, other = kept.table, found.table
    shape = (list(one.columns), one.key, one.rows), (list(other.columns), other.key, other.rows)
    if shape[0] != shape[1]:
        yield Difference(f"{where}, columns and rows", str(shape[0])[:300], str(shape[1])[:300])
        return
    for name, column in one.columns.items():
        for row in _unlike(column, other[name]):
            yield Difference(f"{where}, row {_row(one, row)}, column {name}", str(column[row]), str(other[name][row]))


def _unlike(kept: Column, found: Column) -> list[int]:
    if folders.kind_of(kept) != folders.kind_of(found):
        return [0]
    if folders.kind_of(kept) != "number":
        return np.flatnonzero(np.asarray(kept != found, bool)).tolist()
    size = np.abs(found[np.isfinite(found)])
    least = CLOSE * 1e-3 * float(size.max()) if len(size) else 0.0
    return np.flatnonzero(~np.isclose(kept, found, rtol=CLOSE, atol=least, equal_nan=True)).tolist()


def _row(table: Table, row: int) -> str:
    return " / ".join(str(table[part][row]) for part in table.key)[:120] or str(row)
