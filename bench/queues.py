"""Time the simulation of queues beside a plain loop in the same run, and hold it against the formulas.

Run: python -m bench.queues [--days N] The peer keeps, for each who comes, the counters' free times in a list and
takes the earliest (one class, one group, nobody leaves). Times are of the processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

RATE, SERVICE, COUNTERS, HOURS = 60.0, 6.0, 7, 10


def main() -> int:
    from cityloom.insight.domain.queues import formulas
    from cityloom.insight.domain.queues.day import Class, Day, Group, drawn
    from cityloom.insight.domain.queues.running import measured, run, waits_at_once

    arguments = argparse.ArgumentParser()
    arguments.add_argument("--days", type=int, default=400)
    days = arguments.parse_args().days
    day = Day(HOURS, 60.0, [Class("a", [RATE] * HOURS, SERVICE)], [Group("g", [COUNTERS] * HOURS)])
    draw_s, came = timed(lambda: [drawn(day, np.random.default_rng(seed)) for seed in range(days)])
    people = sum(len(one.at) for one in came)
    loop_s, ran = timed(lambda: [run(day, one) for one in came])
    plain_s, waits = timed(lambda: [plain(one.at.tolist(), one.service.tolist()) for one in came])
    least = min(len(one.at) for one in came)
    at, service = (np.array([getattr(one, name)[:least] for one in came]) for name in ("at", "service"))
    once_s, together = timed(lambda: waits_at_once(at, service, COUNTERS))
    assert all(np.allclose(one.wait, own) for one, own in zip(ran, waits, strict=True))
    assert np.allclose(together, [own[:least] for own in waits])
    print(f"{days} days, {people:,} who come, {COUNTERS} counters; drawing {draw_s:.2f} s of the processor")
    print(f"event by event (appointments, skills, priority, leaving): {loop_s:.2f} s, {people / loop_s:,.0f} a second")
    print(f"peer, a plain loop over free times: {plain_s:.2f} s, {people / plain_s:,.0f} a second; "
          f"ratio {loop_s / plain_s:.2f}")  # fmt: skip
    print(f"all days at once (one class, one group): {once_s:.2f} s, {at.size / once_s:,.0f} a second; "
          f"ratio {once_s / at.size * people / plain_s:.2f}")  # fmt: skip
    half = [one.wait[len(one.wait) // 2 :] for one in ran]
    found = measured([float(one.mean()) for one in half])
    exact = formulas.mmc(RATE / 60, SERVICE, COUNTERS).mean
    print(f"mean wait in the second half of a day {found.mean:.2f} minutes ({found.low:.2f} to {found.high:.2f}); "
          f"M/M/{COUNTERS} {exact:.2f}")  # fmt: skip
    return 0


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    done = work()
    return time.process_time() - started, done


def plain(at: list[float], service: list[float]) -> list[float]:
    free, waits = [0.0] * COUNTERS, []
    for now, minutes in zip(at, service, strict=True):
        first = min(range(COUNTERS), key=free.__getitem__)
        start = max(now, free[first])
        waits.append(start - now)
        free[first] = start + minutes
    return waits


if __name__ == "__main__":
    raise SystemExit(main())
