"""Where a file says that people live: a dwelling of the city by its number, or one of the register by its key."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.registers import queries
from cityloom.registers.models import Dwelling, DwellingRecord

_AT_ONCE = 5_000
_LONGEST_NUMBER = 12


class Homes:
    """Finds dwellings by what files call them; one that nobody knows is 0."""

    def __init__(self) -> None:
        last = Dwelling.objects.order_by("-id").values_list("id", flat=True).first()
        self._last = last or 0
        self._before = (queries.last_known_load() + 1) << 32

    def find(self, keys: Sequence[str]) -> NDArray[np.int64]:
        """The dwelling of each key.

        One of the register keeps the number of its first record, whatever is said of it later; it is higher than every
        number of the city's own.
        """
        numbers = [int(key) if key.isdecimal() and len(key) <= _LONGEST_NUMBER else 0 for key in keys]
        found = np.array([number if number <= self._last else 0 for number in numbers], np.int64)
        left = np.flatnonzero(found == 0).tolist()
        known = self._registered({keys[place] for place in left if keys[place]})
        for place in left:
            found[place] = known.get(keys[place], 0)
        return found

    def _registered(self, keys: Collection[str]) -> dict[str, int]:
        wanted, found = sorted(keys), {}
        for first in range(0, len(wanted), _AT_ONCE):
            some = DwellingRecord.objects.filter(key__in=wanted[first : first + _AT_ONCE], id__lt=self._before)
            found.update(some.order_by("-id").values_list("key", "id"))  # the first record comes last, and stays
        return found
