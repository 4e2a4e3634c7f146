"""The log of a review, kept in columns so that it can be looked at again with other choices; without ids of cases."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np

from cityloom.insight.domain.eventlog import CaseAttribute, EventLog
from cityloom.kernel.refused import Refused

_COLUMNS = ("case", "activity", "office", "at", "started_at")
_GONE = "The log of this review is not kept any more; send its file once more."


def save(path: Path, log: EventLog) -> None:
    """Write a log beside its place, and put it there when it is whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    head = {"activities": list(log.activities), "offices": list(log.offices), "cases": log.cases,
            "labels": [[name, list(one.labels)] for name, one in log.attributes.items()]}  # fmt: skip
    columns = {name: getattr(log, name) for name in _COLUMNS}
    columns |= {f"attribute_{at}": one.values for at, one in enumerate(log.attributes.values())}
    fresh = path.with_suffix(".part")
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        packed.writestr("head.json", json.dumps(head, ensure_ascii=False))
        for name, values in columns.items():
            with packed.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)
    fresh.replace(path)


def load(path: Path) -> EventLog:
    """Read what `save` wrote; cases are called by their number.

    Raises: Refused `insight.log_gone`.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            head = json.loads(packed.read("head.json"))
            columns = {name: _array(packed, name) for name in _COLUMNS}
            kept = {
                name: CaseAttribute(_array(packed, f"attribute_{at}"), tuple(labels))
                for at, (name, labels) in enumerate(head["labels"])
            }
    except (FileNotFoundError, zipfile.BadZipFile) as error:
        raise Refused("insight.log_gone", _GONE) from error
    ids = [str(one) for one in range(1, head["cases"] + 1)]
    return EventLog(**columns, case_ids=ids, activities=head["activities"], offices=head["offices"], attributes=kept)


def _array(packed: zipfile.ZipFile, name: str) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(packed.read(f"{name}.npy")), allow_pickle=False)
