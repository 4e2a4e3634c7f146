"""Measure the gate against its goals: openings singly and in bulk, a decision, who looked at me, a bundle, appends.

Run: python -m bench.gate [--only single,bulk,decision,looked,bundle,peer] [--seconds N] [--leaves N]
Each row names its goal, what was found, whether the goal is met, and the load of the machine before and after it. The
keeper is a process of its own, its clients are four more; `keeper_cpu_us` is what the keeper itself computed for a
person, which says how fast it is also where others use the same cores.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np

from bench import log
from bench.keeper import same_people
from cityloom.keeper import basis, client, protocol
from cityloom.keeper.assertion import Claims
from cityloom.keeper.client import KeeperClient
from cityloom.keeper.decision import Facts, Policies, policies_for
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from tests.keeper.conftest import CLERK, ENROLMENT, OFFICER, OTHER_SUPERVISOR, STEWARD, SUPERVISOR

PURPOSE = "school-enrolment"
FIELDS = ["name", "birth_date"]
CLIENTS, PROCESSES = 16, 4
NAMED = 500
"""People whom the grant of one client names."""
BULK = 20_000
POLICIES = 50


def main() -> int:
    """Measure, print a row for each goal as JSON, and say with the exit status whether all are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(ROWS), help="rows, with commas between them")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each kind of opening is measured")
    parser.add_argument("--leaves", type=int, default=10_000_000, help="in the log that is searched")
    parser.add_argument("--peer-entries", type=int, default=200_000)
    wanted = parser.parse_args()
    all_met = True
    for name in wanted.only.split(","):
        before = os.getloadavg()[0]
        with tempfile.TemporaryDirectory(prefix="cityloom-bench-") as place:
            found = ROWS[name](Path(place), wanted)
        all_met &= bool(found["met"])
        load = [round(before, 1), round(os.getloadavg()[0], 1)]
        print(json.dumps({"row": name} | found | {"load": load}), flush=True)
    return 0 if all_met else 1


# Openings, by a keeper in a process of its own.


@dataclass(frozen=True)
class House:
    """A keeper with people sealed, and purposes whose budgets are in force."""

    place: Path
    pid: int
    subjects: np.ndarray
    envelopes: np.ndarray

    @property
    def asking(self) -> KeeperClient:
        return KeeperClient(self.place / "socket", self.place / "assertion")

    def grant(self, name: str, subjects: np.ndarray, holder: Actor = CLERK) -> None:
        until = clock.to_text(clock.now() + timedelta(hours=1))
        self.asking.ask(
            protocol.Grant(self.asking.sign(SUPERVISOR), name, PURPOSE, "", FIELDS, holder.account, until,
                           subjects.tobytes(), "CASE"), protocol.Granted,
        )  # fmt: skip

    def cpu_s(self) -> float:
        """What the keeper has computed so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _with_house(measure: Callable[[House, argparse.Namespace], dict[str, object]]) -> Row:
    def measured(place: Path, wanted: argparse.Namespace) -> dict[str, object]:
        (place / "assertion").write_text("a key for measuring")
        running = client.start(place / "keeper", place / "socket", place / "assertion")
        try:
            asking = KeeperClient(place / "socket", place / "assertion")
            with asking.begin_load(asking.sign(SYSTEM), 1) as sealer:
                sealed = sealer.seal(same_people(BULK))
            _enact(asking)
            return measure(House(place, running.pid, sealed.subjects, sealed.envelopes), wanted)
        finally:
            running.stop()

    return measured


def _enact(asking: KeeperClient) -> None:
    """A purpose for cases: nobody may reach many people, unless a second person has agreed."""
    document = ENROLMENT | {
        "most_a_request": BULK, "most_a_day": 1_000_000, "most_a_day_each": 2 * NAMED, "second_person_above": NAMED,
        "services": {"city": 100_000},
    }  # fmt: skip
    proposed = protocol.ProposePurpose(asking.sign(STEWARD), json.dumps(document).encode())
    version = asking.ask(proposed, protocol.Done).count
    fresh = asking.sign(OFFICER, step_up_at=clock.now())
    asking.ask(protocol.DecidePurpose(fresh, PURPOSE, version, True), protocol.Done)


def _single(house: House, wanted: argparse.Namespace) -> dict[str, object]:
    """One person a request, each client with a grant and an account of its own."""
    runs = [house.subjects[at * NAMED : (at + 1) * NAMED] for at in range(CLIENTS)]
    for number, run in enumerate(runs):
        house.grant(f"single-{number}", run, _clerk(number))
    computed = house.cpu_s()
    took = _crowd(house, wanted.seconds)
    computed = house.cpu_s() - computed
    rate = len(took) / wanted.seconds
    return {
        "what": f"single openings, durable before each opens, {CLIENTS} clients", "goal": "1,000/s, p99 25 ms",
        "openings_per_s": round(rate), "p50_ms": log.ms(took, 50), "p99_ms": log.ms(took, 99), "openings": len(took),
        "keeper_cpu_us": round(computed / len(took) * 1e6), "met": rate >= 1000 and log.ms(took, 99) <= 25,
    }  # fmt: skip


def _crowd(house: House, seconds: float) -> list[float]:
    """How long each opening took, in all clients, over `seconds` after they had all opened somebody."""
    spawning = multiprocessing.get_context("spawn")
    ready, results = spawning.Barrier(PROCESSES), spawning.SimpleQueue()
    share = CLIENTS // PROCESSES
    started = [
        spawning.Process(target=_open_singly, args=(house, range(at, at + share), seconds, ready, results))
        for at in range(0, CLIENTS, share)
    ]
    for process in started:
        process.start()
    took = [seconds_taken for _ in started for seconds_taken in results.get()]
    for process in started:
        process.join()
    return took


def _open_singly(house: House, numbers: range, seconds: float, ready: object, results: object) -> None:
    """In a process of the clients: a thread for each of these clients."""
    asking, took = house.asking, []
    begin = threading.Barrier(len(numbers), action=ready.wait)

    def ask(number: int) -> None:
        mine, clerk = number * NAMED, _clerk(number)
        chance = np.random.default_rng(number)

        def opened(at: int) -> None:
            request = protocol.Open(asking.sign(clerk), f"single-{number}", FIELDS, house.subjects[at].tobytes(),
                                    house.envelopes[at].tobytes())  # fmt: skip
            if asking.ask(request, protocol.Opened).people[0] is None:
                raise RuntimeError("An envelope did not open.")

        opened(mine)
        begin.wait()
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            opened(mine + int(chance.integers(NAMED)))
            took.append(time.perf_counter() - started)

    log.together([partial(ask, number) for number in numbers])
    results.put(took)


def _clerk(number: int) -> Actor:
    return Actor(f"clerk-{number}", CLERK.unit, CLERK.roles)


def _bulk(house: House, wanted: argparse.Namespace) -> dict[str, object]:
    """Everyone under one grant that a second person has agreed to, by one client."""
    house.grant("bulk", house.subjects)
    fresh = house.asking.sign(OTHER_SUPERVISOR, step_up_at=clock.now())
    house.asking.ask(protocol.Second(fresh, "bulk"), protocol.Granted)
    sizes = (2000, 5000, BULK)
    rates = {size: _in_bulk(house, size, wanted.seconds / len(sizes)) for size in sizes}
    slowest = min(rate for rate, _ in rates.values())
    return {
        "what": "bulk openings under one grant, a decision a request, a leaf a person", "goal": "20,000/s",
        "openings_per_s": {size: round(rate) for size, (rate, _) in rates.items()},
        "keeper_cpu_us": {size: round(computed * 1e6, 1) for size, (_, computed) in rates.items()},
        "met": slowest >= 20_000,
    }  # fmt: skip


def _in_bulk(house: House, size: int, seconds: float) -> tuple[float, float]:
    """Openings a second, and what the keeper computed for each."""
    asking, places = house.asking, range(0, len(house.subjects) - size + 1, size)

    def opened(at: int) -> None:
        here, fresh = slice(at, at + size), asking.sign(CLERK, step_up_at=clock.now())
        request = protocol.Open(fresh, "bulk", FIELDS, house.subjects[here].tobytes(), house.envelopes[here].tobytes())
        if None in asking.ask(request, protocol.Opened).people:
            raise RuntimeError("An envelope did not open.")

    opened(0)
    computed, started, count = house.cpu_s(), time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        opened(places[count % len(places)])
        count += 1
    took = time.perf_counter() - started
    return count * size / took, (house.cpu_s() - computed) / count / size


# A decision, without a process.


def _decision(_: Path, wanted: argparse.Namespace) -> dict[str, object]:
    policies = _fifty()
    clerks = [Claims(f"clerk-{number}", CLERK.unit, sorted(CLERK.roles), 0, 0) for number in range(16)]
    facts = [Facts("open", tuple(FIELDS), 1, clerk.account) for clerk in clerks]
    for clerk, fact in zip(clerks, facts, strict=True):
        if not policies.allows(clerk, fact):
            raise RuntimeError("The policies do not permit what is measured.")
    took = []
    for number in range(5000):
        clerk, fact = clerks[number % 16], facts[number % 16]
        roles = tuple(clerk.roles)
        took.append(log.timed(partial(policies.evaluate, clerk.account, clerk.unit, roles, fact)))
    p50 = statistics.median(took) * 1e6
    return {
        "what": f"a policy decision, {POLICIES} policies, prepared", "goal": "200 us",
        "p50_us": round(p50), "p99_us": round(log.ms(took, 99) * 1e3), "met": p50 <= 200,
    }  # fmt: skip


def _fifty() -> Policies:
    """The shipped policies for cases, and others of the same kind until there are fifty."""
    found = next(each for each in basis.shipped_bases(clock.now()) if each.purpose == basis.CASES)
    count = found.policy.count("@id(")
    more = "".join(
        f'@id("more-{number}") permit (principal, action == Action::"open", resource) when {{'
        f' context.holder == principal && principal.roles.contains("role-{number}") && principal in resource.units &&'
        " resource.fields.containsAll(context.fields) };\n"
        for number in range(POLICIES - count)
    )
    return policies_for(found, found.policy + more)


# What the log's own measurement has.


def _looked(place: Path, wanted: argparse.Namespace) -> dict[str, object]:
    found = log.large(place, wanted.leaves)
    return {
        "what": f"who looked at me, over {wanted.leaves:,} leaves", "goal": "p99 5 ms",
        "p50_ms": found["who_looked_at_me_p50_ms"], "p99_ms": found["who_looked_at_me_p99_ms"],
        "cpu_p99_ms": found["who_looked_at_me_cpu_p99_ms"],
        "met": found["who_looked_at_me_p99_ms"] <= 5,
    }  # fmt: skip


def _bundle(place: Path, wanted: argparse.Namespace) -> dict[str, object]:
    found = log.bundles(place)
    seconds = found["bundle_of_1000_verified_with_start_ms"] / 1000
    return {
        "what": "a bundle of 1,000 entries verified offline, by the stand-alone verifier as a process", "goal": "1 s",
        "with_start_s": seconds, "alone_s": found["bundle_of_1000_verified_ms"] / 1000, "met": seconds <= 1,
    }  # fmt: skip


def _peer(place: Path, wanted: argparse.Namespace) -> dict[str, object]:
    found = log.peer(place, wanted.peer_entries)
    return {
        "what": "log append beside pymerkle in the same run", "goal": "5 times", **found,
        "met": found.get("times_faster", 0) >= 5,
    }  # fmt: skip


Row = Callable[[Path, argparse.Namespace], dict[str, object]]
ROWS: dict[str, Row] = {
    "single": _with_house(_single), "bulk": _with_house(_bulk), "decision": _decision, "looked": _looked,
    "bundle": _bundle, "peer": _peer,
}  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
