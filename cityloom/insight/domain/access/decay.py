"""How the pull of a facility fades with the way to it: weights from 0 to 1 for minutes (or metres) of travel.

Each function takes an array of costs and gives weights of the same shape. Sources: W. Luo and Y. Qi, Health & Place
15, 2009 (zones); D. Dai, Health & Place 16, 2010 (Gaussian); M. Guagliardo, Int. J. Health Geogr. 3, 2004 (kernel);
W. Hansen, J. Am. Inst. Planners 25, 1959 (gravity).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Decay = Callable[[Floats], Floats]
LUO_QI = ((10.0, 20.0, 30.0), (1.0, 0.68, 0.22))
"""The zones in minutes and the fast decay's weights of Luo and Qi 2009."""
_ZONES = ("Zones are given as rising limits with one weight each that does not rise, not {value}; for example 10, 20 "
          "and 30 minutes with 1, 0.68 and 0.22.")  # fmt: skip
_POSITIVE = "The decay {value} needs a number above 0 for {limit}; state it in the question."


def binary(catchment: float) -> Decay:
    """1 up to the catchment's edge, 0 beyond it."""
    _above_zero("binary", catchment=catchment)
    return lambda costs: (costs <= catchment).astype(np.float64)


def zones(bounds: Sequence[float], weights: Sequence[float]) -> Decay:
    """One weight for each zone: `bounds` are the zones' outer limits, rising; 0 beyond the last.

    Raises: Refused `insight.decay_zones`.
    """
    edges, steps = np.asarray(bounds, np.float64), np.asarray(weights, np.float64)
    fits = edges.ndim == 1 and edges.shape == steps.shape and len(edges) > 0 and bool(np.isfinite(edges).all())
    if not (fits and (np.diff(edges) > 0).all() and edges[0] >= 0 and (np.diff(steps) <= 0).all()
            and steps[-1] >= 0 and 0 < steps[0] < np.inf):  # fmt: skip
        raise Refused("insight.decay_zones", _ZONES, value=f"{list(bounds)}, {list(weights)}"[:120])
    beyond = np.append(steps, 0.0)
    return lambda costs: beyond[np.searchsorted(edges, costs, side="left")]


def gaussian(catchment: float) -> Decay:
    """Dai's form: 1 here, 0 at the catchment's edge, (exp(-(d/d0)^2 / 2) - exp(-1/2)) / (1 - exp(-1/2)) between."""
    _above_zero("gaussian", catchment=catchment)
    edge = np.exp(-0.5)
    return lambda costs: np.where(
        costs <= catchment, (np.exp(-0.5 * (costs / catchment) ** 2) - edge) / (1 - edge), 0.0
    )


def normal(bandwidth: float) -> Decay:
    """exp(-d^2 / (2 s^2)), without an edge."""
    _above_zero("normal", bandwidth=bandwidth)
    return lambda costs: np.exp(-0.5 * (costs / bandwidth) ** 2)


def exponential(beta: float) -> Decay:
    """exp(-beta d)."""
    _above_zero("exponential", beta=beta)
    return lambda costs: np.exp(-beta * costs)


def power(beta: float, least: float = 1.0) -> Decay:
    """d^-beta, costs below `least` counting as that (a place next door would pull without end); the gravity form."""
    _above_zero("power", beta=beta, least=least)
    return lambda costs: np.maximum(costs, least) ** -beta


def kernel(catchment: float) -> Decay:
    """Epanechnikov's kernel, 3/4 (1 - (d/d0)^2) within the catchment."""
    _above_zero("kernel", catchment=catchment)
    return lambda costs: 0.75 * np.maximum(0.0, 1 - (costs / catchment) ** 2)


def linear(catchment: float) -> Decay:
    """1 - d/d0 within the catchment."""
    _above_zero("linear", catchment=catchment)
    return lambda costs: np.maximum(0.0, 1 - costs / catchment)


FORMS: Mapping[str, tuple[str, ...]] = {
    "binary": ("catchment",), "zones": ("bounds", "weights"), "gaussian": ("catchment",), "normal": ("bandwidth",),
    "exponential": ("beta",), "power": ("beta",), "kernel": ("catchment",), "linear": ("catchment",),
}  # fmt: skip
"""The forms by name, with the parameters that each needs."""
_MADE: Mapping[str, Callable[..., Decay]] = {
    "binary": binary, "zones": zones, "gaussian": gaussian, "normal": normal, "exponential": exponential,
    "power": power, "kernel": kernel, "linear": linear,
}  # fmt: skip


def named(form: str, **given: object) -> Decay:
    """The decay of a name of `FORMS`, with the parameters that it needs out of `given`.

    Raises: Refused `insight.decay_parameter`, `insight.decay_zones`.
    """
    missing = [name for name in FORMS[form] if given.get(name) is None]
    if missing:
        raise Refused("insight.decay_parameter", _POSITIVE, value=form, limit=missing[0])
    return _MADE[form](*(given[name] for name in FORMS[form]))


def _above_zero(form: str, **given: float) -> None:
    for name, value in given.items():
        if not 0 < value < np.inf:
            raise Refused("insight.decay_parameter", _POSITIVE, value=form, limit=name)
