"""Columns of a table by what a kind calls them: as the question maps them, or as they are usually called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.study.tables import Column, Table
from cityloom.kernel.refused import Refused

_LACKS = "The table {limit} has no column for {value}; name one so, or say in the question which it is, under columns."
_NO_NUMBER = "{value} is not a number ({limit}); correct it, or leave the row out."
_NOT_WHOLE = "{value} is not a whole number ({limit}); correct it, or leave the row out."


class Sheet:
    """A table's columns by the kind's names. `usual` are other names by which a column is recognised, in small
    letters.
    """

    def __init__(self, name: str, table: Table, usual: Mapping[str, Sequence[str]], said: Mapping[str, str]) -> None:
        self.name, self.table = name, table
        self.columns: dict[str, str] = {}
        lower = {one.strip().lower().replace(" ", "_"): one for one in table.columns}
        for own, names in usual.items():
            if own in said:
                self.columns[own] = said[own]
                table[said[own]]  # refuses one that is not there
                continue
            found = next((lower[one] for one in (own, *names) if one in lower), None)
            if found is not None:
                self.columns[own] = found

    def __contains__(self, own: str) -> bool:
        return own in self.columns

    def column(self, own: str) -> Column:
        """The column as it is.

        Raises: Refused `insight.sheet_column`.
        """
        if own not in self.columns:
            raise Refused("insight.sheet_column", _LACKS, value=own, limit=self.name)
        return self.table[self.columns[own]]

    def words(self, own: str) -> list[str]:
        """A column as words; whole numbers are written without a point, unknown ones are empty."""
        return [_word(one) for one in self.column(own).tolist()]

    def numbers(self, own: str) -> NDArray[np.float64]:
        """A column as numbers, nan where a cell is empty.

        Raises: Refused `insight.sheet_number`.
        """
        column = self.column(own)
        if column.dtype != object:
            return column.astype(np.float64)
        return np.array([self._number(one, own, row) for row, one in enumerate(column.tolist())], np.float64)

    def wholes(self, own: str) -> list[int]:
        """A column as whole numbers.

        Raises: Refused `insight.sheet_number`, `insight.sheet_whole`.
        """
        found = self.numbers(own)
        wrong = np.flatnonzero(~np.isfinite(found) | (found != np.rint(found)))
        if len(wrong):
            row = int(wrong[0])
            raise Refused("insight.sheet_whole", _NOT_WHOLE, value=_word(self.column(own)[row])[:40] or "-",
                          limit=f"{self.name}, {self.columns[own]}, {row + 1}")  # fmt: skip
        return [int(one) for one in found]

    def _number(self, one: object, own: str, row: int) -> float:
        try:
            return float(str(one)) if str(one).strip() else float("nan")
        except ValueError:
            where = f"{self.name}, {self.columns[own]}, {row + 1}"
            raise Refused("insight.sheet_number", _NO_NUMBER, value=str(one)[:40], limit=where) from None


def _word(one: Any) -> str:
    if isinstance(one, float):
        return "" if np.isnan(one) else str(int(one)) if one.is_integer() else str(one)
    return str(one).strip()
