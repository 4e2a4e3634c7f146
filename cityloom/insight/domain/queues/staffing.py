"""How many servers a level of service needs: at one rate, by the square root, and over a day period by period.

Source: S. Halfin and W. Whitt, Operations Research 29, 1981 (square root); L. V. Green, P. J. Kolesar and J. Soares,
Improving the SIPP approach for staffing service systems that have cyclic demands, Operations Research 49, 2001.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from cityloom.insight.domain.queues import formulas
from cityloom.insight.domain.queues.formulas import MOST_SERVERS, Floats, least_stable
from cityloom.kernel.refused import Refused

_NEVER = (
    "No number of counters up to {limit} serves {value} of those who come in time; allow a longer wait or "
    "a smaller share."
)
_NORMAL = NormalDist()


def least(arrivals: float, service: float, share: float, time: float, patience: float | None = None,
          arrival_cv: float = 1.0, service_cv: float = 1.0) -> int:  # fmt: skip
    """The least servers with which a `share` of those who come waits at most `time` (with a patience: is served by
    then).

    Raises: Refused `insight.queue_never`.
    """
    if arrivals <= 0:
        return 0

    def reached(servers: int) -> bool:
        if patience is not None:
            return formulas.served_within(arrivals, service, servers, patience, time) >= share
        return bool(formulas.within(arrivals, service, servers, time, arrival_cv, service_cv) >= share)

    return _first(reached, 1 if patience is not None else least_stable(arrivals, service), share)


def least_for_blocking(load: float, most: float) -> int:
    """The least servers that turn away at most a share of `most` of those who come (Erlang B)."""
    blocked, servers = 1.0, 0
    while blocked > most:
        servers += 1
        if servers > MOST_SERVERS:
            raise Refused("insight.queue_never", _NEVER, value=1 - most, limit=MOST_SERVERS)
        blocked = load * blocked / (servers + load * blocked)
    return servers


def _first(reached: Callable[[int], bool], start: int, share: float) -> int:
    """The first number that is enough: doubling, then halving; more servers are never worse."""
    low, high = start - 1, start
    while not reached(high):
        low, high = high, 2 * high
        if high > MOST_SERVERS:
            raise Refused("insight.queue_never", _NEVER, value=share, limit=MOST_SERVERS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def delay_of(beta: float) -> float:
    """The probability to wait with load + beta * sqrt(load) servers (Halfin and Whitt), as loads grow."""
    if beta <= 0:
        return 1.0
    return float(1 / (1 + beta * _NORMAL.cdf(beta) / _NORMAL.pdf(beta)))


def square_root(load: ArrayLike, delay: float) -> Floats:
    """Servers by the square-root rule for a probability to wait of at most `delay`, rounded up."""
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if delay_of(middle) > delay else (low, middle)
    offered = np.asarray(load, np.float64)
    return np.asarray(np.ceil(offered + high * np.sqrt(offered) - 1e-9))


def lagged(rates: ArrayLike, length: float, service: float) -> Floats:
    """Mean rates of each period as they were a mean service time ago (lag SIPP): [periods] to the same.

    `rates` are constant within periods of `length`; before the first there was nobody.
    """
    rate = np.asarray(rates, np.float64)
    edges = np.arange(len(rate) + 1) * length
    arrived = np.concatenate([[0.0], np.cumsum(rate * length)])

    def until(time: Floats) -> Floats:
        return np.asarray(np.interp(time, edges, arrived))

    return np.asarray((until(edges[1:] - service) - until(edges[:-1] - service)) / length)


def by_period(rates: ArrayLike, length: float, service: float, share: float, time: float, patience: float | None = None,
              service_cv: float = 1.0, lag: bool = True) -> list[int]:  # fmt: skip
    """Servers for each period on its own (SIPP), for the larger of its own rate and, with `lag`, the lagged one."""
    rate = np.asarray(rates, np.float64)
    wanted = np.maximum(rate, lagged(rate, length, service)) if lag else rate
    return [least(float(one), service, share, time, patience, 1.0, service_cv) for one in wanted]
