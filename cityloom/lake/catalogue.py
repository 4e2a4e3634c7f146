"""Which datasets a lake has: each is declared in a file beside its table, before anything is written."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.lake import log
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.table import Table

END = ".dataset.json"


def declare(root: Path, dataset: Dataset) -> tuple[str, ...]:
    """Declare a dataset, or a new form of it; return the columns that it gained.

    Raises: Refused `lake.schema` where a column is gone or of another kind, and what `Dataset.check` refuses.
    """
    table = Table(root, dataset)
    before = {one.name: one for one in datasets(root)}.get(dataset.name)
    if before is not None and before.each != dataset.each:
        raise Refused("lake.schema", "{value} is kept by the {limit}; that cannot change, declare a new dataset.",
                      value=dataset.name, limit=before.each)  # fmt: skip
    new = table.grows_by(dataset)
    if before != dataset:
        _write(root, dataset)
    return new


def datasets(root: Path) -> list[Dataset]:
    """The datasets of a lake, by name."""
    return [_read(path) for path in sorted(root.glob(f"*{END}"))]


def table(root: Path, name: str) -> Table:
    """The table of a dataset.

    Raises: Refused `lake.no_dataset`.
    """
    path = root / f"{name}{END}"
    if not name.isidentifier() or not path.is_file():
        known = ", ".join(one.name for one in datasets(root)) or "none"
        raise Refused("lake.no_dataset", "There is no dataset {value}; there are: {limit}. Declare one with "
                      "`cityloom lake declare FILE`.", value=name[:60], limit=known)  # fmt: skip
    return Table(root, _read(path))


def tables(root: Path) -> list[Table]:
    """The tables of all datasets."""
    return [Table(root, one) for one in datasets(root)]


def _read(path: Path) -> Dataset:
    says = json.loads(path.read_text("utf-8"))
    columns = tuple(Column(**one | {"codes": tuple(one["codes"])}) for one in says["columns"])
    return Dataset(**says | {"columns": columns})


def _write(root: Path, dataset: Dataset) -> None:
    log.make_folder(root)
    fresh = root / f".{ids.random_token()}"
    fresh.write_text(json.dumps(asdict(dataset), ensure_ascii=False, indent=1), "utf-8")
    log.synced(fresh)
    fresh.replace(root / f"{dataset.name}{END}")
    log.synced(root)
