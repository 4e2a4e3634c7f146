"""Assumptions that have an owner, a date and an interval, and the draws that carry the interval to the answer.

The interval holds the share `level` of what the owner holds possible. Between its ends and the middle value lies a
two-piece normal: on the logarithm where a value is above 0 (lengths of stay), on the logit for shares, on the value
itself where it may be negative (growth). Source: K. Wallis, The two-piece normal, binormal, or double Gaussian
distribution, Statistical Science 29(1), 2014; C. Howard, Decision analysis, Management Science 34(6), 1988 (tornado).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Form = Literal["positive", "share", "number"]
_ORDER = "The interval of {value} must hold its value: low at most the value, and the value at most high, as {limit}."
_SHARE = "{value} is a share, so its value and interval lie between 0 and 1, the ends left out; they are {limit}."
_POSITIVE = "{value} is above 0, and so is its interval; they are {limit}."


@dataclass(frozen=True)
class Assumption:
    """What somebody answers for: `owner` is an office, `date` when it was said, `level` the share in the interval."""

    name: str
    value: float
    low: float
    high: float
    owner: str
    date: str
    form: Form
    level: float = 0.8


def checked(one: Assumption) -> Assumption:
    """The assumption, if its interval fits its form.

    Raises: Refused `insight.assumption_order`, `insight.assumption_share`, `insight.assumption_positive`.
    """
    said = f"{one.low:g}, {one.value:g}, {one.high:g}"
    if not one.low <= one.value <= one.high:
        raise Refused("insight.assumption_order", _ORDER, value=one.name, limit=said)
    if one.form == "share" and not (one.low > 0 and one.high < 1):
        raise Refused("insight.assumption_share", _SHARE, value=one.name, limit=said)
    if one.form == "positive" and one.low <= 0:
        raise Refused("insight.assumption_positive", _POSITIVE, value=one.name, limit=said)
    return one


def drawn(one: Assumption, draws: int, rng: np.random.Generator) -> Floats:
    """Draws (draws,) of an assumption, whose quantiles at the ends of its level are its interval's ends."""
    there, back = _ways(one.form)
    low, middle, high = (float(there(np.float64(end))) for end in (one.low, one.value, one.high))
    wide = float(norm.ppf(0.5 + one.level / 2))
    standard = rng.standard_normal(draws)
    return back(middle + standard / wide * np.where(standard < 0, middle - low, high - middle))


@dataclass(frozen=True)
class Swing:
    """How far the answer goes when one assumption goes from its low end to its high end, all others in the middle."""

    name: str
    at_low: float
    at_high: float

    @property
    def swing(self) -> float:
        """The distance."""
        return abs(self.at_high - self.at_low)


def tornado(assumptions: Sequence[Assumption], answer: Callable[[Mapping[str, float]], float]) -> list[Swing]:
    """The swings of an answer, the largest first."""
    middle = {one.name: one.value for one in assumptions}
    found = [Swing(one.name, answer({**middle, one.name: one.low}), answer({**middle, one.name: one.high}))
             for one in assumptions]  # fmt: skip
    return sorted(found, key=lambda one: -one.swing)


def _ways(form: Form) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    if form == "positive":
        return np.log, np.exp
    if form == "share":
        return lambda x: np.log(x / (1 - x)), lambda x: 1 / (1 + np.exp(-x))
    return np.asarray, np.asarray
