"""Where a file says that people live: a dwelling of the city by its number, or one of the register by its key."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from operator import itemgetter

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cityloom.registers import queries
from cityloom.registers.bulk import rows_between, rows_with
from cityloom.registers.models import Dwelling, DwellingRecord

_WORTH_IT = 4
"""How many records are walked along for each key that is wanted."""
_LONGEST_NUMBER = 12


class Homes:
    """Finds dwellings by what files call them; one that nobody knows is 0."""

    def __init__(self) -> None:
        last = Dwelling.objects.order_by("-id").values_list("id", flat=True).first()
        self._last = last or 0
        self._before = (queries.last_known_load() + 1) << 32
        self._is_in_order = connection.vendor == "sqlite"

    def find(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """The dwelling of each key.

        One of the register keeps the number of its first record, whatever is said of it later; it is higher than every
        number of the city's own.
        """
        found = np.zeros(len(keys), np.int64)
        if self._last:
            found[:] = [int(key) if key.isdecimal() and len(key) <= _LONGEST_NUMBER else 0 for key in keys]
            found[found > self._last] = 0
        left = np.flatnonzero(found == 0)
        wanted = list(map(keys.__getitem__, left.tolist()))
        known = self._registered(set(wanted) - {""})
        found[left] = [known.get(key, 0) for key in wanted]
        return found

    def _registered(self, keys: Collection[str]) -> dict[str, int]:
        """The first record of each key."""
        rows = self._neighbours(keys)
        if rows is None:
            rows = rows_with(DwellingRecord, "key, id", "key", sorted(keys), "id < %s", [self._before])
        rows.sort(key=itemgetter(1), reverse=True)  # the first record comes last, and stays
        return dict(rows)

    def _neighbours(self, keys: Collection[str]) -> list[tuple[str, int]] | None:
        """All records of the stretch where the keys lie, which is one walk along the index; None where it is long.

        Departments list people house by house; a file in another order is found out by its first batch.
        """
        most = len(keys) * _WORTH_IT
        if not keys or not self._is_in_order:
            return None if keys else []
        rows = rows_between(DwellingRecord, "key, id", "key", list(keys), most, self._before)
        self._is_in_order = len(rows) < most
        return rows if self._is_in_order else None
