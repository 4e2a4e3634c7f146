"""Cases as columns, as figures look at them: nobody who reported, handled or decided is in any of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
NEVER = -1
"""An instant that has not come."""
SILENT, SOLVED, PARTLY, UNSOLVED = 0, 1, 2, 3
"""What those who reported a case say of its end; of several the least content one counts."""
_WORDS = ("codes", "names")
DIMENSIONS = ("unit", "category", "month", "origin")


@dataclass(frozen=True)
class Cases:
    """One row for each case that was opened in a span; instants are whole seconds since 1970, `NEVER` where none is.

    `first_*` is about the limit of the first reaction, `main_*` about that of the solution: the last limit that runs
    from the opening. `done`: when its last run was stopped. `came_again`: another case of the place and category was
    opened within 90 days after that. `satisfaction` is the mean of what was answered, 0 for none.
    `codes` give each case its place in `names` for each dimension.
    """

    number: Ints
    opened: Ints
    done: Ints
    cell: Ints
    verdict: Ints
    satisfaction: NDArray[np.float64]
    is_exercise: Marks
    is_made_up: Marks
    is_joined: Marks
    is_withdrawn: Marks
    is_open: Marks
    is_reopened: Marks
    is_solved: Marks
    is_asked: Marks
    has_first: Marks
    first_in_time: Marks
    first_late: Marks
    has_main: Marks
    main_late: Marks
    came_again: Marks
    codes: Mapping[str, Ints]
    names: Mapping[str, Sequence[str]]

    @property
    def is_done(self) -> Marks:
        """Whether the city says that it is done, and it was not opened again since."""
        return self.done != NEVER

    def chosen(self, marks: Marks) -> Cases:
        """Some of them; the names of groups stay."""
        kept = {each.name: getattr(self, each.name)[marks] for each in fields(self) if each.name not in _WORDS}
        return Cases(**kept, codes={key: codes[marks] for key, codes in self.codes.items()}, names=self.names)

    def __len__(self) -> int:
        return len(self.number)
