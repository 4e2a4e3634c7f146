"""Queues in a steady state: Erlang B, C and A, M/M/c, and M/G/c and G/G/c by Allen and Cunneen.

`load` is in erlangs: arrivals in a mean service time. Times are in one unit, rates per that unit; arguments may be
arrays that broadcast. Nothing here is about persons: servers are numbers of counters.

Source: A. K. Erlang, 1917; D. Gross, J. F. Shortle, J. M. Thompson and C. M. Harris, Fundamentals of Queueing Theory,
4th edition, 2008 (Erlang B and C); A. O. Allen, Probability, Statistics and Queueing Theory, 1990 (Allen and Cunneen);
C. Palm, 1957, and A. Mandelbaum and S. Zeltyn, 2007 (Erlang A).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MOST_SERVERS = 20_000
_UNSTABLE = "{value} counters cannot serve what comes: the queue would grow without end. At least {limit} are needed."
_RANGE = "A queue cannot be worked out with {value}; {limit}."
_SMALL = 1e-14


@dataclass(frozen=True)
class Waits:
    """A queue in its steady state: `busy` is the utilisation, `waits` the probability to wait, `mean` the mean wait of
    all, `length` the mean number who wait, `abandon` the share that leaves before it is served.
    """

    servers: int
    busy: float
    waits: float
    mean: float
    length: float
    abandon: float = 0.0


def erlang_b(load: ArrayLike, servers: int) -> Floats:
    """Probability that all servers are busy, where nobody waits: the share that is turned away.

    Raises: Refused `insight.queue_range`.
    """
    offered = np.asarray(load, np.float64)
    _check(servers, offered)
    blocked = np.ones(offered.shape)
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked


def erlang_c(load: ArrayLike, servers: int) -> Floats:
    """Probability to wait, where everybody waits; 1 where arrivals are as many as can be served, or more."""
    offered = np.asarray(load, np.float64)
    blocked = erlang_b(offered, servers)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = blocked / (1 - offered / servers * (1 - blocked))
    return np.asarray(np.where(offered >= servers, 1.0, found))


def least_stable(arrivals: float, service: float) -> int:
    """The least number of servers with which the queue does not grow without end."""
    return floor(arrivals * service) + 1


def mmc(arrivals: float, service: float, servers: int, arrival_cv: float = 1.0, service_cv: float = 1.0) -> Waits:
    """M/M/c, and G/G/c by Allen and Cunneen: the mean wait of M/M/c times the mean of both squared variations.

    `arrivals` per unit of time, `service` the mean time, the `cv` coefficients of variation (1: exponential).

    Raises: Refused `insight.queue_unstable`, `insight.queue_range`.
    """
    load = arrivals * service
    _check(servers, np.asarray(load))
    if load >= servers:
        raise Refused("insight.queue_unstable", _UNSTABLE, value=servers, limit=least_stable(arrivals, service))
    waits = float(erlang_c(load, servers))
    mean = waits * service / (servers - load) * (arrival_cv**2 + service_cv**2) / 2
    return Waits(servers, load / servers, waits, mean, arrivals * mean)


def within(arrivals: float, service: float, servers: int, time: ArrayLike, arrival_cv: float = 1.0,
           service_cv: float = 1.0) -> Floats:  # fmt: skip
    """Share that waits at most `time`: exact for M/M/c; else the wait of those who wait is taken as exponential.

    0 where the queue grows without end.
    """
    load = arrivals * service
    if load >= servers:
        return np.zeros(np.asarray(time).shape)
    found = mmc(arrivals, service, servers, arrival_cv, service_cv)
    if found.waits <= 0 or found.mean <= 0:
        return np.ones(np.asarray(time).shape)
    return np.asarray(1 - found.waits * np.exp(-np.asarray(time, np.float64) * found.waits / found.mean))


def erlang_a(arrivals: float, service: float, servers: int, patience: float) -> Waits:
    """M/M/c+M: who waits longer than an exponential patience of that mean leaves. It never grows without end.

    Raises: Refused `insight.queue_range`.
    """
    ahead, chance = _ahead(arrivals, service, servers, patience)
    length = float((ahead * chance).sum())
    load, waits = arrivals * service, float(chance.sum())
    abandon = length / patience / arrivals if arrivals > 0 else 0.0
    return Waits(
        servers, load * (1 - abandon) / servers, waits, length / arrivals if arrivals > 0 else 0.0, length, abandon
    )


def served_within(arrivals: float, service: float, servers: int, patience: float, time: float) -> float:
    """M/M/c+M: the share of all who come that is served after a wait of at most `time`.

    With so many ahead, exp(-wait/patience) of one without end of patience is Beta distributed.
    """
    ahead, chance = _ahead(arrivals, service, servers, patience)
    rate = servers * patience / service  # services in a mean patience
    least = np.exp(-time / patience)
    served = rate / (rate + ahead + 1) * (1 - betainc(rate + 1, ahead + 1, least))
    return float(1 - chance.sum() + (chance * served).sum())


def _ahead(arrivals: float, service: float, servers: int, patience: float) -> tuple[Floats, Floats]:
    """How many wait already when somebody comes who has to wait, and the probability of that."""
    load = arrivals * service
    _check(servers, np.asarray(load))
    if not patience > 0:
        raise Refused("insight.queue_range", _RANGE, value=patience, limit="patience > 0")
    most = (
        int(np.ceil(load + 10 * np.sqrt(load + 1) + 40 * max(1.0, load * patience / service / max(servers, 1)))) + 200
    )
    most = min(most, 200_000)
    waiting = np.arange(most, dtype=np.float64)
    steps = np.log(np.maximum(arrivals, 1e-300)) - np.log(servers / service + waiting[1:] / patience)
    above = np.concatenate([[0.0], np.cumsum(steps)])
    top = above.max()
    weights = np.exp(above - top)
    blocked = float(erlang_b(load, servers))
    # all states below `servers` together, in units of the state with all busy and nobody waiting: (1 - B) / B
    below = (1 - blocked) / max(blocked, 1e-300) * np.exp(-top)
    return waiting, weights / (weights.sum() + below)


def _check(servers: int, load: Floats) -> None:
    if not 0 < servers <= MOST_SERVERS:
        raise Refused("insight.queue_range", _RANGE, value=servers, limit=f"counters: 1 - {MOST_SERVERS}")
    if (load < 0).any() or not np.isfinite(load).all():
        raise Refused("insight.queue_range", _RANGE, value=float(np.ravel(load)[0]), limit="arrivals x service >= 0")
