"""Life tables of a period, and the survival ratios that carry people from one birthday to the next.

Definitions: S. Preston, P. Heuveline, M. Guillot, Demography, 2001, chapter 3. nax of infants: A. Coale and P. Demeny,
Regional Model Life Tables, 1983 (in Preston et al., table 3.3), or E. Andreev and W. Kingkade, Demographic Research
33(13), 2015 (as in the Human Mortality Database). Ages are the last axis, closed by an open group.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Sex = Literal["female", "male"]
InfantRule = Literal["andreev-kingkade", "coale-demeny"]
_BAD_RATES = ("Death rates must be known and at least 0, and above 0 in the open age group; there is {value} in group"
              " {limit}.")  # fmt: skip
_BAD_CHANCES = "A chance of dying lies between 0 and 1; it is {value} in age group {limit}."
_FEW_AGES = "A life table needs at least two age groups; there are {value}."


@dataclass(frozen=True)
class LifeTable:
    """Columns of a life table, each (..., ages): `n` widths in years (the open group: infinite), rates `m` and chances
    `q` of dying, `a` years lived in the group by those who die in it, `l` survivors to its start (radix 1), `d` deaths,
    `L` person-years, `T` person-years from its start on, `e` expectation of life at its start.
    """

    n: Floats
    m: Floats
    a: Floats
    q: Floats
    l: Floats  # noqa: E741 - the field's name
    d: Floats
    L: Floats
    T: Floats
    e: Floats


def infant_a0(m0: ArrayLike, sex: Sex, rule: InfantRule = "andreev-kingkade") -> Floats:
    """Years lived in the first year of life by those who die in it, from the death rate at age 0.

    Source: Andreev and Kingkade 2015, table 3-2 (by m0); Coale and Demeny, Preston et al. 2001, table 3.3.
    """
    rate, female = np.asarray(m0, np.float64), sex == "female"
    if rule == "coale-demeny":
        low, slope, high = (0.053, 2.800, 0.350) if female else (0.045, 2.684, 0.330)
        return np.where(rate >= 0.107, high, low + slope * rate)
    if female:
        return np.select([rate < 0.01724, rate < 0.06891],
                         [0.14903 - 2.05527 * rate, 0.04667 + 3.88089 * rate], 0.31411)  # fmt: skip
    return np.select([rate < 0.02300, rate < 0.08307],
                     [0.14929 - 1.99545 * rate, 0.02832 + 3.26021 * rate], 0.29915)  # fmt: skip


def child_a1(m0: ArrayLike, sex: Sex) -> Floats:
    """Years lived between ages 1 and 5 by those who die there (Coale and Demeny; Preston et al. 2001, table 3.3)."""
    rate, female = np.asarray(m0, np.float64), sex == "female"
    low, slope, high = (1.522, -1.518, 1.361) if female else (1.651, -2.816, 1.352)
    return np.where(rate >= 0.107, high, low + slope * rate)


def life_table(rates: ArrayLike, sex: Sex, *, widths: ArrayLike | None = None, a: ArrayLike | None = None,
               rule: InfantRule = "andreev-kingkade") -> LifeTable:  # fmt: skip
    """A life table from death rates (..., ages) of a year.

    `widths` (ages,) are those of the groups, by default 1; the last group is open, whatever its width. Where `a` is not
    given it is the middle of a group, that of `rule` where the first group is one year, and Coale and Demeny's for
    ages 1 to 4 as one group. q = n m / (1 + (n - a) m), at most 1; the open group: q = 1, L = l / m.

    Raises: Refused `insight.mortality_bad`, `insight.too_few_ages`.
    """
    m = _known(rates, "insight.mortality_bad", _BAD_RATES)
    n = _widths(widths, m.shape[-1])
    if (m[..., -1] <= 0).any():
        raise Refused("insight.mortality_bad", _BAD_RATES, value=0, limit=m.shape[-1])
    lived = _lived(m, n, sex, rule) if a is None else np.broadcast_to(np.asarray(a, np.float64), m.shape).copy()
    closed = np.where(np.isinf(n), 1, n)
    q = np.minimum(closed * m / (1 + np.maximum(closed - lived, 0) * m), 1)
    q[..., -1] = 1
    lived[..., -1] = 1 / m[..., -1]
    return _table(n, m, lived, q)


def life_table_of_chances(chances: ArrayLike, sex: Sex, *, widths: ArrayLike | None = None, a: ArrayLike | None = None,
                          rule: InfantRule = "andreev-kingkade") -> LifeTable:  # fmt: skip
    """A life table from chances of dying q (..., ages); the last is the open group's, of which only the rate counts.

    In the open group everybody dies: its expectation of life is 1/m, with m from q as in a group of the width before
    it. Where that q is 1 it is as long as half the group before it.

    Raises: Refused `insight.chance_of_dying`, `insight.too_few_ages`.
    """
    q = _known(chances, "insight.chance_of_dying", _BAD_CHANCES)
    if (q > 1).any():
        group = int(np.argwhere(q > 1)[0][-1]) + 1
        raise Refused("insight.chance_of_dying", _BAD_CHANCES, value=float(q.max()), limit=group)
    n = _widths(widths, q.shape[-1])
    closed = np.append(n[:-1], n[-2])
    lived = np.broadcast_to(closed / 2, q.shape).copy() if a is None else np.array(np.broadcast_to(a, q.shape), float)
    for _ in range(0 if a is not None else 20):  # a of infants depends on m, and m on a
        lived = _lived(_rates(q, closed, lived), np.append(closed[:-1], np.inf), sex, rule)
        lived[..., -1] = closed[-1] / 2
    m = _rates(q, closed, lived)
    m[..., -1] = np.maximum(m[..., -1], 1e-6)
    lived[..., -1] = 1 / m[..., -1]
    whole = q.copy()
    whole[..., -1] = 1
    return _table(n, m, lived, whole)


def survival_ratios(table: LifeTable, step: float) -> Floats:
    """Shares of people who live through a projection step, (..., ages), for groups as wide as the step, in years.

    The first is of births to the first group, L0 / (n l0); then L(x) / L(x-n) from group to group; the last is of the
    last two groups together to the open one, T(open) / T(open - n) (Preston et al. 2001, section 6.3).
    """
    return survival_of_years(table.L, step)


def survival_of_years(person_years: ArrayLike, step: float, radix: float = 1.0) -> Floats:
    """Survival ratios of person-years L (..., ages) of groups as wide as `step`; the last is that of the open group."""
    years = np.asarray(person_years, np.float64)
    ratios = np.empty_like(years)
    ratios[..., 0] = years[..., 0] / (step * radix)
    ratios[..., 1:-1] = years[..., 1:-1] / np.maximum(years[..., :-2], 1e-300)
    ratios[..., -1] = years[..., -1] / np.maximum(years[..., -2] + years[..., -1], 1e-300)
    return np.minimum(ratios, 1)


def grouped(table: LifeTable, starts: ArrayLike, ages: ArrayLike) -> Floats:
    """Person-years of a table whose groups begin at `starts`, put together in groups that begin at `ages`, the last
    open; every beginning of `ages` is one of `starts`.
    """
    places = np.searchsorted(np.asarray(starts, np.float64), np.asarray(ages, np.float64))
    return np.add.reduceat(table.L, places, axis=-1)


def _rates(q: Floats, n: Floats, a: Floats) -> Floats:
    return q / (n - (n - a) * q)


def _known(values: ArrayLike, code: str, sentence: str) -> Floats:
    found = np.array(values, np.float64)
    if found.ndim == 0 or found.shape[-1] < 2:
        raise Refused("insight.too_few_ages", _FEW_AGES, value=found.size)
    bad = ~np.isfinite(found) | (found < 0)
    if bad.any():
        place = np.argwhere(bad)[0]
        raise Refused(code, sentence, value=float(found[tuple(place)]), limit=int(place[-1]) + 1)
    return found


def _widths(widths: ArrayLike | None, ages: int) -> Floats:
    n = np.ones(ages) if widths is None else np.array(widths, np.float64)
    n[-1] = np.inf
    return n


def _lived(m: Floats, n: Floats, sex: Sex, rule: InfantRule) -> Floats:
    a = np.broadcast_to(np.where(np.isinf(n), 0, n / 2), m.shape).copy()
    if n[0] == 1:
        a[..., 0] = infant_a0(m[..., 0], sex, rule)
        if len(n) > 2 and n[1] == 4:
            a[..., 1] = child_a1(m[..., 0], sex)
    return a


def _table(n: Floats, m: Floats, a: Floats, q: Floats) -> LifeTable:
    l = np.ones_like(q)  # noqa: E741 - the field's name
    l[..., 1:] = np.cumprod(1 - q[..., :-1], axis=-1)
    d = l * q
    years = np.empty_like(q)
    years[..., :-1] = n[:-1] * (l - d)[..., :-1] + (a * d)[..., :-1]
    years[..., -1] = l[..., -1] * a[..., -1]
    total = np.cumsum(years[..., ::-1], axis=-1)[..., ::-1]
    return LifeTable(n, m, a, q, l, d, years, total, np.divide(total, l, out=np.zeros_like(total), where=l > 0))
