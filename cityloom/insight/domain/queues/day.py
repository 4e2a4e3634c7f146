"""A day at counters or in a clinic: what comes, who serves what, and when; and the numbers drawn for one such day.

Times are minutes after opening. Those who come are of classes (what they come for); counters are of groups, each with
the classes that they can serve. Nobody is known: a day is times and numbers.

Source: T. Cayirli and E. Veral, Production and Operations Management 12, 2003 (appointments: no-shows, unpunctuality).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_A_DAY = 20_000
_MANY = (
    "A day of {value} arrivals is more than the {limit} that are simulated; take a part of the day or of the counters."
)
_NOBODY = "Nobody serves {value}: no group of counters has it among its skills ({limit})."
_PERIODS = "The {value} periods of the day are not as many as the counters' or arrivals' numbers ({limit})."
_TIME = "A time of service of {value} minutes with a variation of {limit} cannot be drawn; both have to be above zero."


@dataclass(frozen=True)
class Class:
    """What some come for: `rates` are walk-ins an hour by period; service times are lognormal with `mean` minutes and
    coefficient of variation `cv`. A lower `priority` goes first. `patience` is the mean of an exponential, minutes.
    """

    name: str
    rates: Sequence[float]
    mean: float
    cv: float = 1.0
    priority: int = 0
    patience: float = inf
    slots: Sequence[float] = ()
    """Appointments, in minutes after opening; several at one time are several entries."""


@dataclass(frozen=True)
class Group:
    """Counters alike: how many are open in each period, and which classes they serve (all, where none is named)."""

    name: str
    counters: Sequence[int]
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Day:
    """`periods` of `length` minutes. Appointments: `no_show` of them do not come, others come `late` minutes after
    their time (mean; negative: early), with a standard deviation. Nobody joins a queue of `balk_at` or more; those
    who wait when the last period ends are still served unless `turns_away`.
    """

    periods: int
    length: float
    classes: Sequence[Class]
    groups: Sequence[Group]
    no_show: float = 0.0
    late: float = 0.0
    late_sd: float = 0.0
    balk_at: float = inf
    turns_away: bool = False

    @property
    def closes(self) -> float:
        """When the last period ends, in minutes."""
        return self.periods * self.length

    def check(self) -> None:
        """Refuse a day that cannot be simulated.

        Raises: Refused `insight.queue_many`, `insight.queue_nobody`, `insight.queue_periods`, `insight.queue_service`.
        """
        for group in self.groups:
            if len(group.counters) != self.periods:
                raise Refused(
                    "insight.queue_periods", _PERIODS, value=self.periods, limit=f"{group.name}: {len(group.counters)}"
                )
        for one in self.classes:
            if one.rates and len(one.rates) != self.periods:
                raise Refused(
                    "insight.queue_periods", _PERIODS, value=self.periods, limit=f"{one.name}: {len(one.rates)}"
                )
            if not (one.mean > 0 and one.cv >= 0):
                raise Refused("insight.queue_service", _TIME, value=one.mean, limit=one.cv)
            if not any(not group.skills or one.name in group.skills for group in self.groups):
                skills = "; ".join(f"{group.name}: {', '.join(sorted(group.skills))}" for group in self.groups)
                raise Refused("insight.queue_nobody", _NOBODY, value=one.name, limit=skills[:300])
        expected = sum(sum(one.rates) * self.length / 60 + len(one.slots) for one in self.classes)
        if not expected <= MOST_A_DAY:
            raise Refused("insight.queue_many", _MANY, value=round(expected) if np.isfinite(expected) else expected,
                          limit=MOST_A_DAY)  # fmt: skip


@dataclass(frozen=True)
class Drawn:
    """Those who come on one day, in the order of their coming: each an entry of all arrays. `due` is from when a wait
    counts: the time of an appointment for those who are early. `absent` is how many appointments nobody came to.
    """

    at: Floats
    due: Floats
    kind: NDArray[np.int64]
    service: Floats
    patience: Floats
    absent: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def drawn(day: Day, rng: np.random.Generator) -> Drawn:
    """Draw one day: Poisson walk-ins in each period, appointments that come or do not, services and patience."""
    at, due, kind, absent = [], [], [], []
    for number, one in enumerate(day.classes):
        rates = np.asarray(one.rates if one.rates else np.zeros(day.periods), np.float64)
        many = rng.poisson(rates * day.length / 60)
        walked = np.repeat(np.arange(day.periods) * day.length, many) + day.length * rng.random(many.sum())
        slots = np.asarray(one.slots, np.float64)
        comes = rng.random(len(slots)) >= day.no_show
        late = day.late + day.late_sd * rng.standard_normal(len(slots))
        kept = slots[comes]
        at += [walked, np.maximum(kept + late[comes], 0.0)]
        due += [walked, np.maximum(kept, kept + late[comes])]
        kind.append(np.full(len(walked) + len(kept), number))
        absent.append(int((~comes).sum()))
    times, counted, kinds = np.concatenate(at), np.concatenate(due), np.concatenate(kind)
    order = np.argsort(times, kind="stable")
    times, counted, kinds = times[order], counted[order], kinds[order]
    service, patience = _services(day, kinds, rng), _patience(day, kinds, rng)
    return Drawn(times, counted, kinds, service, patience, np.array(absent, np.int64))


def _services(day: Day, kinds: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Lognormal times of the classes' means and variations; exponential where the variation is 1."""
    mean = np.array([one.mean for one in day.classes])[kinds]
    cv = np.array([one.cv for one in day.classes])[kinds]
    normal, flat = rng.standard_normal(len(kinds)), rng.random(len(kinds))
    sigma = np.sqrt(np.log1p(cv**2))
    return np.where(cv == 1.0, -mean * np.log1p(-flat), mean * np.exp(sigma * normal - sigma**2 / 2))


def _patience(day: Day, kinds: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    mean = np.array([one.patience for one in day.classes])[kinds]
    return np.asarray(mean * -np.log1p(-rng.random(len(kinds))))
