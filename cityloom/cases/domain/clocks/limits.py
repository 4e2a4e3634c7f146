"""How long something may take, as a rule says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cityloom.kernel.refused import Refused

WORKING_MINUTES, WORKING_HOURS, WORKING_DAYS = "working minutes", "working hours", "working days"
MINUTES, HOURS, CALENDAR_DAYS = "minutes", "hours", "calendar days"
_SECONDS = {WORKING_MINUTES: 60, WORKING_HOURS: 3600, MINUTES: 60, HOURS: 3600}
_LARGEST = {WORKING_MINUTES: 600_000, WORKING_HOURS: 10_000, WORKING_DAYS: 1_250,
            MINUTES: 2_600_000, HOURS: 43_800, CALENDAR_DAYS: 1_826}  # fmt: skip
_FORM = re.compile(r"([1-9][0-9]{0,6}) (working minute|working hour|working day|minute|hour|calendar day)s?"
                   r"(, then to the next working day)?")  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """An amount of one of the units above; five years at most.

    Days are counted from the day after the one on which the clock starts. `rolls` moves the end of calendar days that
    falls on a day without work to the next working day (Civil Code of the PRC, art. 203).
    """

    amount: int
    unit: str
    rolls: bool = False

    @property
    def is_in_days(self) -> bool:
        """Whether whole days are counted."""
        return self.unit in (WORKING_DAYS, CALENDAR_DAYS)

    @property
    def is_working(self) -> bool:
        """Whether only working time counts."""
        return self.unit in (WORKING_MINUTES, WORKING_HOURS, WORKING_DAYS)

    @property
    def length_us(self) -> int:
        """Microseconds of a limit that is not in days."""
        return self.amount * _SECONDS[self.unit] * 1_000_000

    def __str__(self) -> str:
        unit = self.unit.removesuffix("s") if self.amount == 1 else self.unit
        return f"{self.amount} {unit}" + (", then to the next working day" if self.rolls else "")


def limit_of(text: str) -> Limit:
    """The limit that is written, as `15 working days`.

    Raises: Refused `cases.limit_unreadable`, `cases.limit_too_long`.
    """
    found = _FORM.fullmatch(text)
    if not found or (found[3] and found[2] != "calendar day"):
        raise Refused("cases.limit_unreadable", "{value} is no limit of time; write it as in: {limit}.",
                      value=text[:60], limit="15 working days, 8 working hours, 30 calendar days")  # fmt: skip
    limit = Limit(int(found[1]), f"{found[2]}s", bool(found[3]))
    if limit.amount > _LARGEST[limit.unit]:
        raise Refused("cases.limit_too_long", "{value} is longer than five years; the longest limit is {limit}.",
                      value=str(limit), limit=str(Limit(_LARGEST[limit.unit], limit.unit)))  # fmt: skip
    return limit
