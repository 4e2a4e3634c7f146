"""What a study foresees to run short: places, beds, appointments; the risk brief tells it to those who lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Foreseen:
    """Something that may run short.

    `what` names the place or service, in its own words ("": all of the study's); `kind` what it lacks. `when` is a year
    or a month (2027, 2027-03), `chance` the share of futures in which it lacks any, `missing` how many it then lacks in
    the mean or the middle of the futures, `there` how many there are. `unit` is the branch of the city, where known.
    """

    what: str
    kind: Literal["places", "beds", "attendances", "appointments"]
    when: str
    chance: float
    missing: float
    there: float
    unit: str = ""
