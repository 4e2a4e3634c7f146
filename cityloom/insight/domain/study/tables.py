"""Tables as studies read and make them: named columns of one length, a key that names each row, one digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Column = NDArray[Any]
"""Numbers as int64 or float64 (nan: not known), words as an object array of str."""
Key = tuple[str, ...]
_NO_COLUMN = "There is no column {value} in this table; it has {limit}."
_NO_ROW = "There is no row {value} in this table; rows are named by {limit}."
_TWICE = "The row {value} is there more than once, though {limit} should name each row; leave one of them out."


@dataclass(frozen=True, eq=False)
class Table:
    """`columns` by name, all of one length; `key` are the columns that together name a row, in their order."""

    columns: Mapping[str, Column]
    key: Key
    _places: dict[Key, int] = field(default_factory=dict, init=False, repr=False)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> Column:
        """A column.

        Raises: Refused `insight.no_column`.
        """
        if name not in self.columns:
            raise Refused("insight.no_column", _NO_COLUMN, value=name[:80], limit=", ".join(self.columns)[:400])
        return self.columns[name]

    def row_of(self, row: Sequence[object]) -> int:
        """The place of the row that is named so.

        Raises: Refused `insight.no_row`, `insight.row_twice`.
        """
        if not self._places and self.rows:
            self._places.update({name: place for place, name in enumerate(self.names())})
            if len(self._places) < self.rows:
                raise Refused("insight.row_twice", _TWICE, value=self._first_twice(), limit=", ".join(self.key))
        name = tuple(str(part) for part in row)
        if name not in self._places:
            raise Refused("insight.no_row", _NO_ROW, value=", ".join(name)[:200], limit=", ".join(self.key))
        return self._places[name]

    def names(self) -> list[Key]:
        """What each row is called, in their order."""
        return list(zip(*([str(part) for part in self[name].tolist()] for name in self.key), strict=True))

    def at(self, row: Sequence[object], column: str) -> float | str:
        """The value of a cell.

        Raises: Refused `insight.no_column`, `insight.no_row`, `insight.row_twice`.
        """
        value = self[column][self.row_of(row)]
        return str(value) if isinstance(value, str) else float(value)

    def digest(self) -> str:
        """SHA-256 over names, kinds and values of all columns."""
        whole = hashlib.sha256("\x1f".join(("key", *self.key)).encode())
        for name, column in self.columns.items():
            words = column.dtype == object or column.dtype.kind in "US"
            kind = "word" if words else "whole" if column.dtype.kind in "iub" else "number"
            whole.update(f"\x1e{name}\x1f{kind}\x1f".encode())
            if words:
                whole.update("\x1f".join(map(str, column.tolist())).encode())
            else:
                fixed = np.asarray(column, "<i8" if kind == "whole" else "<f8") + 0  # -0.0 is 0.0
                whole.update((fixed if kind == "whole" else np.where(np.isnan(fixed), np.nan, fixed)).tobytes())
        return whole.hexdigest()

    def _first_twice(self) -> str:
        seen: set[Key] = set()
        for name in self.names():
            if name in seen:
                return ", ".join(name)[:200]
            seen.add(name)
        return ""


def table(key: str | Key, **columns: Sequence[Any] | Column) -> Table:
    """A table of plain sequences; the key is named first."""
    named = {name: as_column(values) for name, values in columns.items()}
    return Table(named, (key,) if isinstance(key, str) else key)


def as_column(values: Sequence[Any] | Column) -> Column:
    """Values as a column: words become an object array, truth values whole numbers, None an unknown number."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "if":
        return values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
    listed = list(values)
    if any(isinstance(one, str) for one in listed):
        column = np.empty(len(listed), object)
        column[:] = ["" if one is None else str(one) for one in listed]
        return column
    if all(isinstance(one, (bool, int, np.integer, np.bool_)) for one in listed):
        return np.array(listed, np.int64)
    return np.array([np.nan if one is None else one for one in listed], np.float64)
