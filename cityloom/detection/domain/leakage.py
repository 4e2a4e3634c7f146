"""Leaks that no single reading shows: what all sensors of a water network say together, day by day.

Learnt in quiet weeks: each sensor's week, and how sensors move together when people draw water. What is left of a day
is compared with what a leak in each pipe would do to all sensors, with a sensor that is off by itself, and with a leak
that was mended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from cityloom.detection.domain.calendar import WEEK_SLOTS, Calendar
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
LEAST_DAYS = 28
DAY_S = 86_400.0
_WINDOWS = (1, 2, 4, 8, 16, 32)
"""Days over which what is left is averaged: large leaks show in one, small ones in a month."""
_SEASONS, _SEASON_TIMES = 2, 100.0
"""The largest ways in which days differ are what people draw; seasons differ ten times as much as days."""
_WANDERS = 0.05
_FURTHEST = 300.0
_LEAST_LITRES, _MOST_LITRES = 0.2, 40.0
_TRIALS = 2.0 + np.log(len(_WINDOWS))
"""What choosing the litres and the window freely is worth by chance alone, in log-odds."""
_KNOWN_TO = 0.3
"""What a leak does to sensors is known from the network to within such a share."""
_FELT_AT_ALL = 0.05
_SETTLES_DAYS = 3
_LEAST_HOURS, _LEAST_SHARE = 18, 0.8
LITTLE = ("Quiet weeks are needed to know what is usual: at least {limit} days of readings, and here there are "
           "{value}; take a longer time.")  # fmt: skip
LEAK, MENDED, SENSOR, OTHER = "leak", "mended", "sensor", "other"


@dataclass(frozen=True)
class Quiet:
    """What is usual: each sensor's week by hours, shape (168, n), and what makes days comparable: `whiten`, (n, n)."""

    calendar: Calendar
    week: Floats
    whiten: Floats
    offset: Floats
    spread: Floats

    def days(self, at_s: Floats, value: Floats) -> Iterator[tuple[float, Floats]]:
        """The end of each whole day of readings (rows: instants), and what each sensor's mean leaves over, or NaN.

        A day with too few hours is left out, and so is one on which a fifth of the sensors say nothing.
        """
        hour_s, left = self._left(at_s, value)
        for day, rows in _split(np.floor(hour_s / DAY_S), left):
            count = np.isfinite(rows).sum(axis=0)
            mean = np.where(count >= _LEAST_HOURS, np.nansum(rows, axis=0) / np.maximum(count, 1), np.nan)
            if np.isfinite(mean).mean() >= _LEAST_SHARE:
                yield (day + 1) * DAY_S, mean - self.offset

    def filled(self, left: Floats) -> Floats:
        """What is left of one day, where silent sensors say what the others let expect of them."""
        silent = ~np.isfinite(left)
        if not silent.any():
            return left
        sure = self.whiten.T @ self.whiten
        found = np.where(silent, 0.0, left)
        found[silent] = -np.linalg.solve(sure[np.ix_(silent, silent)], sure[np.ix_(silent, ~silent)] @ found[~silent])
        return found

    def _left(self, at_s: Floats, value: Floats) -> tuple[Floats, Floats]:
        hour_s, mean = hourly(at_s, value)
        return hour_s, mean - self.week[self.calendar.slots(hour_s)[1]]


def learn(at_s: Floats, value: Floats, least: Floats, calendar: Calendar | None = None) -> Quiet:
    """What is usual, from weeks without anything new; `value` is (instants, n), `least` what a sensor is off anyway.

    Raises: Refused `detection.quiet_short`.
    """
    calendar = calendar or Calendar()
    hour_s, mean = hourly(at_s, value)
    days = (hour_s[-1] - hour_s[0]) / DAY_S if len(hour_s) else 0.0
    if days < LEAST_DAYS - 1:
        raise Refused("detection.quiet_short", LITTLE, value=round(days), limit=LEAST_DAYS)
    slot = calendar.slots(hour_s)[1]
    week = np.array([_median(mean[slot == each], mean) for each in range(WEEK_SLOTS)])
    left = np.nan_to_num(mean - week[slot])
    together = np.cov(left.T) + np.diag(least**2)
    spread = np.sqrt(np.diag(together))
    size, way = np.linalg.eigh(together / np.outer(spread, spread))
    whiten = (way / np.sqrt(size)).T / spread
    whole = (rows for _, rows in _split(np.floor(hour_s / DAY_S), left) if len(rows) >= _LEAST_HOURS)
    day = np.array([rows.mean(axis=0) for rows in whole])
    whiten /= np.sqrt(np.maximum((day @ whiten.T).var(axis=0), 1 / 24))[:, None]
    whiten = _without_seasons(day @ whiten.T) @ whiten
    return Quiet(calendar, week, whiten, day.mean(axis=0), day.std(axis=0) + least / 5)


def _without_seasons(day: Floats) -> Floats:
    """What makes little of the ways in which days differ most."""
    size, way = np.linalg.eigh(np.cov(day.T))
    season = way[:, -_SEASONS:]
    times = 1 / np.sqrt(_SEASON_TIMES * np.maximum(size[-_SEASONS:], 1.0)) - 1
    return np.asarray(np.eye(day.shape[1]) + season * times @ season.T)


def hourly(at_s: Floats, value: Floats) -> tuple[Floats, Floats]:
    """The beginning of each hour, and the mean of each sensor in it; NaN where it said nothing."""
    groups = list(_split(np.floor(at_s / 3600), value))
    count = [np.isfinite(rows).sum(axis=0) for _, rows in groups]
    mean = [np.where(n > 0, np.nansum(rows, axis=0) / np.maximum(n, 1), np.nan)
            for (_, rows), n in zip(groups, count, strict=True)]  # fmt: skip
    return np.array([hour * 3600 for hour, _ in groups]), np.array(mean)


def _split(key: Floats, rows: Floats) -> Iterator[tuple[float, Floats]]:
    """The rows of each key, which rises."""
    if len(key):
        cuts = np.flatnonzero(np.diff(key)) + 1
        firsts = np.r_[0, cuts]
        yield from zip(key[firsts].tolist(), np.split(rows, cuts), strict=True)


def _median(rows: Floats, otherwise: Floats) -> Floats:
    return np.nanmedian(rows if len(rows) else otherwise, axis=0)


@dataclass(frozen=True)
class Event:
    """What explains a change best: a `leak`, one `mended`, a `sensor` by itself, or something `other`.

    `place` is its edge or sensor, `odds` are log-odds against everything else, `weight` is what each edge has of the
    probability; `off` is how far each sensor is from its usual mean, `says` what each adds to the odds; `days` is over
    how long that was seen.
    """

    kind: str
    at_s: float
    place: int
    odds: float
    litres: float
    weight: Floats
    off: Floats
    says: Floats
    days: int


def _other(seen: Floats, varies: float) -> float:
    """Log-likelihood of something that moves sensors in any way, by as much as they moved, against nothing."""
    count, whole = len(seen), float(seen @ seen)
    wide = varies * 4.0 ** np.arange(1, 8)
    fits = (whole / varies - whole / wide - count * np.log(wide / varies)) / 2
    return float(logsumexp(fits) - np.log(len(wide)))


class Watch:
    """Looks at one day after the other; `felt` is what each sensor feels of a litre in each edge, (n, edges)."""

    def __init__(self, quiet: Quiet, felt: Floats, length_m: Floats, *, a_year_and_km: float = 0.3,
                 sensor_a_year: float = 0.3, raise_at: float = 5.0) -> None:  # fmt: skip
        self._quiet, self._felt, self._raise_at = quiet, felt.T, raise_at
        self._seen = self._felt @ quiet.whiten.T
        self._norm = np.linalg.norm(self._seen, axis=1)
        self._alone = quiet.whiten.T
        self._alone_norm = np.linalg.norm(self._alone, axis=1)
        with np.errstate(divide="ignore"):
            self._prior = np.where(self._norm > _FELT_AT_ALL, np.log(a_year_and_km / 365 * length_m / 1000), -np.inf)
        self._sensor_prior = np.log(sensor_a_year / 365)
        self._base = np.zeros(felt.shape[0])
        self._days: list[Floats] = []
        self._suspected = self._waited = 0
        self._has_settled = False

    def observe(self, at_s: float, left: Floats) -> Event | None:
        """What one more day shows: what a day seems to show is told when the days after it show it too.

        Then what these days leave over is the new usual, so that the next change is seen beside it.
        """
        self._days = [*self._days[1 - max(_WINDOWS) :], self._quiet.filled(left - self._base)]
        if self._suspected == 0:
            best = max((self._explained(at_s, days) for days in _WINDOWS if days <= len(self._days)),
                       key=lambda event: event.odds)  # fmt: skip
            self._suspected = best.days if best.odds >= self._raise_at else 0
            return None
        self._suspected, self._waited = self._suspected + 1, self._waited + 1
        if self._waited < _SETTLES_DAYS:
            return None
        event = self._explained(at_s, min(self._suspected, len(self._days)))
        self._suspected = self._waited = 0
        if event.odds < self._raise_at:
            return None
        self._base = self._base + np.mean(self._days[-_SETTLES_DAYS:], axis=0)
        self._days, self._has_settled = [], True
        return event

    def _explained(self, at_s: float, days: int) -> Event:
        off = np.mean(self._days[-days:], axis=0)
        seen = self._quiet.whiten @ off
        seen *= min(1.0, _FURTHEST / max(float(np.linalg.norm(seen)), 1e-9))
        varies = 1 / days + _WANDERS + (1 / _SETTLES_DAYS if self._has_settled else 0.0)
        match = self._seen @ seen
        litres = {LEAK: self._litres(match), MENDED: self._litres(-match)}
        odds = {kind: self._fits(seen @ seen, sign * match, by, varies) + self._prior - _TRIALS
                for (kind, by), sign in zip(litres.items(), (1, -1), strict=True)}  # fmt: skip
        alone = (self._alone @ seen / self._alone_norm) ** 2
        odds[SENSOR] = alone / 2 / varies + self._sensor_prior - _TRIALS
        odds[OTHER] = np.array([_other(seen, varies) + self._sensor_prior])
        whole = {kind: float(logsumexp(values)) for kind, values in odds.items()}
        kind = max(whole, key=whole.__getitem__)
        others = float(logsumexp([0.0, *(value for name, value in whole.items() if name != kind)]))
        place = int(odds[kind].argmax())
        by = float(litres[kind][place]) if kind in litres else 0.0
        says = self._says(kind, place, off, by) / varies
        weight = np.exp(odds[kind] - whole[kind])
        return Event(kind, at_s, place, whole[kind] - others, by, weight, off, says, days)

    def _fits(self, whole: float, match: Floats, litres: Floats, varies: float) -> Floats:
        """Log-likelihood of a leak at each edge against nothing; what it does is known to within a share."""
        felt = (litres * self._norm) ** 2
        count = self._seen.shape[1]
        unsure = varies + _KNOWN_TO**2 * felt / count
        left = whole - 2 * litres * match + felt
        return (whole / varies - left / unsure - count * np.log(unsure / varies)) / 2

    def _litres(self, match: Floats) -> Floats:
        """How much a leak at each edge would have to lose to fit best, within what leaks lose."""
        return np.clip(match / np.maximum(self._norm, _FELT_AT_ALL) ** 2, _LEAST_LITRES, _MOST_LITRES)

    def _says(self, kind: str, place: int, off: Floats, litres: float) -> Floats:
        """What each sensor adds to the likelihood; the sum over all of them is all of it."""
        if kind == OTHER:
            return np.zeros(len(off))
        if kind == SENSOR:
            fit = self._alone[place] @ (self._quiet.whiten @ off) / self._alone_norm[place]
            return np.where(np.arange(len(off)) == place, fit**2 / 2, 0.0)
        by = litres if kind == LEAK else -litres
        weight = self._quiet.whiten.T @ (self._seen[place] * by)
        return np.asarray(weight * (off - self._felt[place] * by / 2))
