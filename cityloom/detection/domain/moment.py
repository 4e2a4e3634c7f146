"""One reading of each of several streams: how far off it is, and what is learnt from it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.baseline import LEAST_READINGS
from cityloom.detection.domain.calendar import DAY_SLOT_S, WEEK_SLOT_S
from cityloom.detection.domain.scoring import Z_CERTAIN, Z_NOTICED

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIELDS = (
    "count", "at_s", "value", "level", "deviation", "residual", "step", "step_now", "away", "likeness", "power",
    "up", "down", "quiet_s", "since_quiet", "reference", "cadence_s", "run_s", "longest_run_s", "run", "least_step",
    "since_change", "moved",
)  # fmt: skip
"""What is known of a stream. `deviation` and `step` are mean absolute values; the spread is `TO_SIGMA` times as much.
`away` is the mean residual since the cumulative sums began to grow, `run` how often the value has been the same
again, `moved` how often it has not."""
AT = {name: place for place, name in enumerate(FIELDS)}
REASONS = ("learning", "ordinary", "late", "unreadable", "out_of_range", "level", "step", "change")
LEARNING, ORDINARY, LATE, UNREADABLE, OUT_OF_RANGE, LEVEL, STEP, CHANGE = range(len(REASONS))

TO_SIGMA = 1.2533  # of a normal distribution: standard deviation to mean absolute deviation
_MEMORY_S = 2 * 86_400.0
REFERENCE_S = 14 * 86_400.0
_LARGEST_GAIN = 1 / 16
_WILD = 4.0
"""Deviations beyond which a reading moves what is learnt no further."""
_VISITS = 3.0
"""Days (weeks) over which a slot of the shape is averaged."""
_BOUND, _BOUND_NEW, _BOUND_CHANGE = 3.0, 10.0, 20.0
"""Spreads beyond which a reading moves its slot, a slot hardly visited, or a new level no further."""
_ALLOWANCE, _LIMIT = 0.5, 12.0
"""Of the cumulative sums, in spreads; by Siegmund's formula one false change in about 500,000 readings of noise."""
_AT_ONCE = 12
"""Readings in which a change must be seen to be one; what takes longer is a creep, and counts as drift."""
_MOST_LIKE = 0.95
_NOW = 1 / 8
_Z_MOST = 99.0


@dataclass(frozen=True)
class Scores:
    """Columns by reading, in the order in which the readings were given.

    `score` is 0 up to 4 spreads and 1 from 8 on; `reason` indexes `REASONS`; `z` and `step_z` are in spreads, of the
    value from what was expected and of its move since the reading before; `moved` and `over_s` are that move and its
    time, or, where the level has changed, how far it has been off since it began to be.
    """

    score: Floats
    reason: NDArray[np.int8]
    expected: Floats
    spread: Floats
    z: Floats
    step_z: Floats
    moved: Floats
    over_s: Floats

    @classmethod
    def of(cls, count: int) -> Scores:
        """Room for so many readings."""
        return cls(*(np.zeros(count, np.int8 if each.name == "reason" else np.float64) for each in fields(cls)))


class Moment:
    """Readings of streams that differ; `old` holds what was known of them, and is learnt into in place."""

    def __init__(
        self, old: Floats, at_s: Floats, value: Floats, day: NDArray[np.complex64], week: NDArray[np.complex64],
        out: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        self.old, self.at_s, self.value, self.day, self.week, self.out = old, at_s, value, day, week, out
        self.over_s = self.within_s = at_s - self["at_s"]
        trusted = week.imag / (week.imag + 1)
        self.expected = self["level"] + day.real + week.real * trusted
        self.residual = value - self.expected
        self.moved = self.moved_by = value - self["value"]
        size = np.abs(self.moved)
        least = self["least_step"]
        np.copyto(least, size, where=(size > 0) & ((size < least) | (least == 0)))
        self.spread = np.maximum(self["deviation"] * TO_SIGMA, self["least_step"])
        self.scale = np.where(self.spread > 0, self.spread, 1.0)
        self.z = _within(self.residual / self.scale, _Z_MOST)
        step_spread = np.maximum(self["step"] * TO_SIGMA, self["least_step"])
        self.stepped = self.residual - self["residual"]
        self.step_z = _within(self.stepped / np.where(step_spread > 0, step_spread, 1.0), _Z_MOST)
        first_move = (self["moved"] == 0) & (size > 0)  # a stream that has never moved has no spread to measure it by
        self.step_z = np.where(first_move, np.sign(self.moved) * Z_CERTAIN, self.step_z)
        self._accumulate()

    def __getitem__(self, name: str) -> Floats:
        return self.old[AT[name]]

    def _accumulate(self) -> None:
        """Page's cumulative sums over what the residual before does not let expect.

        Source: Page (1954), Continuous inspection schemes; Siegmund (1985), Sequential Analysis, section 2.6.
        """
        z, before = _within(self.z, _WILD), _within(self["residual"] / self.scale, _WILD)
        like = np.clip(self["likeness"] / np.maximum(self["power"], 1e-9), 0.0, _MOST_LIKE)
        news = _within((z - like * before) / np.sqrt(1 - like * like), _WILD)
        noise = self["step_now"] / np.where(self["step"] > 0, self["step"], 1.0)
        news /= np.maximum(noise, 1.0)  # a sensor that has become noisy has not changed its level
        led = self["up"] - self["down"]
        self["up"][:] = np.maximum(self["up"] + news - _ALLOWANCE, 0.0)
        self["down"][:] = np.maximum(self["down"] - news - _ALLOWANCE, 0.0)
        quiet = (led * (self["up"] - self["down"]) < 0) | (np.maximum(self["up"], self["down"]) == 0)
        np.copyto(self["quiet_s"], self.at_s, where=quiet)
        self["since_quiet"][:] = np.where(quiet, 0.0, self["since_quiet"] + 1)
        left = _within(self.residual, _BOUND_CHANGE * self.scale)
        self["away"][:] += (left - self["away"]) / np.maximum(self["since_quiet"], 1.0)
        self.changed = np.maximum(self["up"], self["down"]) > _LIMIT
        self.z_bounded, self.before_bounded = z, before

    def tell(self, found: Scores, rows: Ints) -> None:
        """Write the judgement into the columns."""
        level, step = np.abs(self.z), np.abs(self.step_z)
        most = np.maximum(level, step)
        score = np.clip((most - Z_NOTICED) / (Z_CERTAIN - Z_NOTICED), 0.0, 1.0)
        reason = np.where(score > 0, np.where(step > level, STEP, LEVEL), ORDINARY)
        reason = np.where(self.out, OUT_OF_RANGE, np.where(self.changed, CHANGE, reason))
        found.score[rows] = np.where(self.out | self.changed, 1.0, score)
        found.reason[rows] = reason
        if self.changed.any():  # the move that counts is the one since the change began
            self.moved_by, self.within_s = self.moved.copy(), self.over_s.copy()
            np.copyto(self.moved_by, self["away"], where=self.changed)
            np.copyto(self.within_s, self.at_s - self["quiet_s"], where=self.changed)
        found.expected[rows], found.spread[rows] = self.expected, self.spread
        found.z[rows], found.step_z[rows] = self.z, self.step_z
        found.moved[rows], found.over_s[rows] = self.moved_by, self.within_s

    def learn_shape(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """The slots of day and week after this reading: what is left over goes to them by bounded steps."""
        for slot, slot_s in ((self.day, DAY_SLOT_S), (self.week, WEEK_SLOT_S)):
            bound = np.where(slot.imag < _VISITS, _BOUND_NEW, _BOUND) * self.spread
            _visit(slot, _within(self.residual, bound).astype(np.float32), (self.over_s / slot_s).astype(np.float32))
        return self.day, self.week

    def learn(self) -> None:
        """Move level, spread and all the rest by this reading; one outside the plausible range teaches no level."""
        gain = np.maximum(1 / self["since_change"], np.minimum(self.over_s / _MEMORY_S, _LARGEST_GAIN))
        gain = np.where(self.out, 0.0, gain)
        self["level"][:] += gain * _within(self.residual, 2 * self.spread)
        gain = np.minimum(gain, np.maximum(1 / self["count"], np.minimum(self.over_s / _MEMORY_S, _LARGEST_GAIN)))
        self["deviation"][:] += gain * (
            np.minimum(np.abs(self.residual), _WILD * np.maximum(self["deviation"], self["least_step"]))
            - self["deviation"]
        )
        size = np.minimum(np.abs(self.stepped), _WILD * np.maximum(self["step"], self["least_step"]))
        self["step"][:] += gain * (size - self["step"])
        self["step_now"][:] += _NOW * (size - self["step_now"])
        self["likeness"][:] += gain * (self.z_bounded * self.before_bounded - self["likeness"])
        self["power"][:] += gain * (self.before_bounded * self.before_bounded - self["power"])
        self["residual"][:] = self.residual
        slow = np.maximum(1 / self["count"], np.minimum(self.over_s / REFERENCE_S, _LARGEST_GAIN))
        self["reference"][:] += slow * (self["level"] - self["reference"])
        self._follow_change()
        self._count()

    def _follow_change(self) -> None:
        """Where the level has changed for good, take the new one, and learn it as quickly as a new stream's."""
        if not self.changed.any():
            return
        who = self.changed
        moved = self["away"][who]
        self["level"][who] += moved
        self["reference"][who] += np.where(self["since_quiet"][who] <= _AT_ONCE, moved, 0.0)
        self["residual"][who] -= moved
        for name in ("away", "since_quiet", "up", "down"):
            self[name][who] = 0.0
        self["quiet_s"][who] = self.at_s[who]
        self["since_change"][who] = LEAST_READINGS

    def _count(self) -> None:
        same = self.moved == 0
        run = self.at_s - self["run_s"]
        longer = ~same & (self["run"] > 0)
        np.copyto(self["longest_run_s"], np.maximum(self["longest_run_s"], run), where=longer)
        np.copyto(self["run_s"], self.at_s, where=~same)
        self["run"][:] = np.where(same, self["run"] + 1, 0.0)
        self["moved"][:] += ~same
        late_by = _within(self.over_s - self["cadence_s"], self["cadence_s"])
        self["cadence_s"][:] += late_by / 32
        self["count"][:] += 1
        self["since_change"][:] += 1
        self["at_s"][:] = self.at_s
        self["value"][:] = self.value


def _visit(slot: NDArray[np.complex64], left: NDArray[np.float32], visit: NDArray[np.float32]) -> None:
    """Change slots (real part: value, imaginary part: visits) by a reading that stands for a part of a visit."""
    part = np.minimum(visit, np.float32(1))
    slot.imag += part
    part /= np.minimum(np.maximum(slot.imag, np.float32(1)), np.float32(_VISITS))
    slot.real += left * part


def _within(values: Floats, bound: Floats | float) -> Floats:
    return np.minimum(np.maximum(values, -bound), bound)
