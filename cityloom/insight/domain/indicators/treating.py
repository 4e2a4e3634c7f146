"""Outliers: found by skewness and kurtosis together, drawn in, or else the whole indicator is transformed.

An indicator is treated where both |skewness| and kurtosis reach their thresholds. Winsorising gives the outermost
values that of their neighbour, on the side of the skew, until the test passes or so many points were changed; if that
is not enough, it is undone, and the transformation is taken. Order matters: treat, then direct, then normalise.

Source: W. Becker et al., COINr, JOSS 7(78), 2022, and the COIN Tool of the European Commission's JRC (the test, its
thresholds and the logarithm `log-ct`); WIPO, Global Innovation Index, appendix on sources and methods (`log-gii`);
G. Box and D. Cox, JRSS B 26(2), 1964.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators.moments import Floats, shape_of, skewness

Marks = NDArray[np.bool_]
Shapes = tuple[Floats, Floats]
"""Skewness and kurtosis of columns."""
TRANSFORMS = ("log", "log-ct", "log-ct-mirrored", "log-gii", "box-cox", "none")
_SHARE = 0.01


@dataclass(frozen=True)
class Rule:
    """How an indicator is treated: `first` winsorise or none, `then` one of `TRANSFORMS`.

    `most` points are winsorised at most; values tied at the end are changed together, so that it may be a few more.
    `power` is the power of Box and Cox (None: the most likely). `always` transforms without asking the test.
    """

    first: str = "winsorise"
    then: str = "log-ct"
    skew: float = 2.0
    kurtosis: float = 3.5
    most: int = 5
    power: float | None = None
    always: bool = False


NO_TREATMENT = Rule(first="none", then="none")


@dataclass(frozen=True, eq=False)
class Treated:
    """An indicator after its treatment: `method` is none, winsorise or a transform; `changed` the points drawn in.

    `passes` says whether the test holds in the end; skewness and kurtosis are before and after, nan where unknown.
    """

    values: Floats
    method: str
    changed: Marks
    passes: bool
    skew: tuple[float, float]
    kurtosis: tuple[float, float]


def has_outliers(values: Floats, rule: Rule = Rule()) -> Marks:
    """Whether each column fails the test; one with too few values, or without variance, passes."""
    skew, heavy = shape_of(values)
    with np.errstate(invalid="ignore"):
        return (np.abs(skew) >= rule.skew) & (heavy >= rule.kurtosis)


def treated(values: Floats, rules: Mapping[int, Rule] | None = None, rule: Rule = Rule()
            ) -> tuple[Floats, list[Treated]]:  # fmt: skip
    """Treat each column of `values` (units, indicators) by `rule`, or by its own of `rules`."""
    given = np.array(values, float)
    own = [(rules or {}).get(place, rule) for place in range(given.shape[1])]
    before = shape_of(given)
    drawn, changed = _drawn_in(given, own, [not one.always and one.first == "winsorise" for one in own])
    after = shape_of(drawn)
    found = [_decided(place, one, given, drawn, changed, before, after) for place, one in enumerate(own)]
    return np.column_stack([one.values for one in found]) if found else given, found


def treat(values: Floats, rule: Rule = Rule()) -> Treated:
    """Treat one indicator; unknown values stay unknown."""
    return treated(np.asarray(values, float)[:, None], rule=rule)[1][0]


def winsorised(values: Floats, rule: Rule = Rule()) -> tuple[Floats, Marks]:
    """Draw in the outermost values until the test passes or `most` points were changed; with which ones."""
    outcome, changed = _drawn_in(np.asarray(values, float)[:, None], [rule], [True])
    return outcome[:, 0], changed[:, 0]


def _decided(place: int, rule: Rule, given: Floats, drawn: Floats, changed: Marks, before: Shapes, after: Shapes
             ) -> Treated:  # fmt: skip
    """What an indicator becomes: as it was, drawn in, or transformed from what it was."""
    shape, later = (before[0][place], before[1][place]), (after[0][place], after[1][place])
    nothing = np.zeros(len(given), bool)
    if not rule.always and (_passes(*shape, rule) or (rule.first, rule.then) == ("none", "none")):
        values, method, marks, later = given[:, place], "none", nothing, shape
    elif not rule.always and rule.first == "winsorise" and (_passes(*later, rule) or rule.then == "none"):
        values, method, marks = drawn[:, place], "winsorise", changed[:, place]
    else:
        values, method, marks = transformed(given[:, place], rule.then, rule.power), rule.then, nothing
        skew, heavy = shape_of(values)
        later = (skew, heavy)
    return Treated(values, method, marks, _passes(*later, rule), (float(shape[0]), float(later[0])),
                   (float(shape[1]), float(later[1])))  # fmt: skip


def _drawn_in(values: Floats, rules: Sequence[Rule], asked: Sequence[bool]) -> tuple[Floats, Marks]:
    """Winsorise the columns that are asked for, a round of all that still fail at a time."""
    outcome, changed = np.array(values, float), np.zeros(values.shape, bool)
    skews, heavies = (np.array([getattr(one, name) for one in rules], float) for name in ("skew", "kurtosis"))
    most = np.array([one.most for one in rules])
    at = np.flatnonzero(asked)
    while at.size:
        skew, heavy = shape_of(outcome[:, at])
        with np.errstate(invalid="ignore"):
            fails = (np.abs(skew) >= skews[at]) & (heavy >= heavies[at]) & (changed[:, at].sum(0) < most[at])
        at, sign = at[fails], np.where(skew[fails] >= 0, 1.0, -1.0)
        directed = np.nan_to_num(sign * outcome[:, at], nan=-np.inf)
        end = directed == directed.max(0, initial=-np.inf)
        inner = np.where(end, -np.inf, directed).max(0, initial=-np.inf)
        rows, places = np.nonzero(end)
        outcome[rows, at[places]] = (sign * inner)[places]
        changed[:, at] |= end
    return outcome, changed


def transformed(values: Floats, how: str, power: float | None = None) -> Floats:
    """Transform one indicator so that its order stays: natural logarithms, or the power of Box and Cox.

    `log`: ln x, of positive values. `log-ct`: ln(x - min + 0.01 range); mirrored at the upper end where the skew is
    negative (`log-ct-mirrored`). `log-gii`: ln((max - 1)(x - min) / range + 1), of a maximum above 1. `box-cox`: of
    x - min + 1. What a definition does not allow stays as it is.
    """
    low, high = np.nanmin(values), np.nanmax(values)
    with np.errstate(all="ignore"):
        if how == "none" or high <= low or (how == "log" and low <= 0) or (how == "log-gii" and high <= 1):
            return np.array(values, float)
        if how == "log":
            return np.log(values)
        if how == "log-gii":
            return np.log((high - 1) * (values - low) / (high - low) + 1)
        if how == "box-cox":
            return box_cox(values - low + 1, power)
        if how == "log-ct-mirrored" and skewness(values) < 0:
            return -np.log(high - values + _SHARE * (high - low))
        return np.log(values - low + _SHARE * (high - low))


def box_cox(values: Floats, power: float | None = None) -> Floats:
    """(x^power - 1) / power of positive values, ln x for 0; the most likely power where none is given."""
    if power is None:
        power = _likeliest(values[~np.isnan(values)])
    return np.log(values) if abs(power) < 1e-9 else (values**power - 1) / power


def _likeliest(values: Floats) -> float:
    from scipy.optimize import minimize_scalar

    logs = np.log(values)

    def unlikely(power: float) -> float:
        spread = float(np.var(box_cox(values, power)))
        return len(values) / 2 * np.log(spread) - (power - 1) * logs.sum() if spread > 0 else np.inf

    return float(minimize_scalar(unlikely, bounds=(-5, 5), method="bounded").x)


def _passes(skew: float, heavy: float, rule: Rule) -> bool:
    return not (abs(skew) >= rule.skew and heavy >= rule.kurtosis)
