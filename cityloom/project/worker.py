"""The worker: twice a second it does what is due, and delivers events as soon as there are any."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError, close_old_connections, connection

from cityloom.accounts import actions as accounts
from cityloom.alerts import actions as alerts
from cityloom.audit import actions as audit
from cityloom.bus import actions as bus
from cityloom.bus import queries as bus_queries
from cityloom.cases import actions as cases
from cityloom.drills import queries as drills
from cityloom.emergency import actions as emergency
from cityloom.gate import jobs as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.project import hotspots, inbox, leaks, machines, placer, reviewer, trier
from cityloom.project.drilling import Stage
from cityloom.project.errand import Errand
from cityloom.project.home import Home
from cityloom.project.parts import beat_file
from cityloom.project.publishing import Publisher
from cityloom.registers import actions as registers
from cityloom.signals import actions as signals
from cityloom.subscriptions import jobs as subscriptions

log = logging.getLogger(__name__)
_PAUSE_S = 0.5
_LOOK_S = 0.04  # between two looks whether something has happened; each is one row by its key
PROMPT = ("deliver events", "send alerts")
"""What does not wait for the next round when something has happened: people wait for it."""

Job = Callable[[datetime], object]


def jobs(deliver: Job = lambda at: bus.drain(at=at)) -> dict[str, Job]:
    """What is done on each round, in this order."""
    return {
        "deliver events": deliver,
        "send alerts": lambda at: _for_each_free(alerts.deliver_due, at),
        "tell those who asked": lambda at: subscriptions.tell_due(at=at),
        "erase what was stopped": lambda at: subscriptions.clear_up(at=at),
        "end sessions": lambda at: accounts.end_what_is_over(at=at),
        "follow the keeper's log": gate.follow,
        "keep the gate's clocks": gate.keep_clocks,
        "look for matters that there are not": gate.match_matters,
        "ask witnesses": lambda at: audit.ask_witnesses(at=at),
        "erase old reports": lambda at: signals.erase_old_reports(by=SYSTEM, at=at),
        "end exchange": lambda at: signals.end_exchange_if_left(by=SYSTEM, at=at),
        "add up counts": lambda _: signals.add_up_counts(),
        "erase old requests for corrections": lambda at: registers.erase_old_corrections(by=SYSTEM, at=at),
        "ring the clocks of cases": lambda at: _for_each_free(cases.ring_due, at),
        "go on with processes": lambda at: _for_each_free(cases.work_processes, at),
        "erase old cases": lambda at: cases.erase_old(by=SYSTEM, at=at),
        "escalate notices": lambda at: _for_each_free(emergency.escalate_due, at),
    }


def _for_each_free(job: Callable[..., object], at: datetime) -> None:
    """Do a job for the real city and for every exercise that people hold at their screens, each by its own time.

    A drill runs its own, and nothing rings any more in one that is over.
    """
    job(at=at, exercise_id="")
    for exercise_id in drills.waiting_exercises():
        job(at=bus_queries.now_in(exercise_id), exercise_id=exercise_id)


def run() -> None:
    """Go round until SIGTERM, or until the parent has gone."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent, beat = os.getppid(), beat_file(Home.from_environment())
    aside: dict[str, Stage | Errand] = {
        "play drills": Stage(), "take in files": inbox.errand(), "look up addresses": placer.errand(),
        "try rules on the past": trier.errand(), "look for leaks": leaks.errand(),
        "review processes": reviewer.errand(), "look for hot spots": hotspots.errand(),
    }  # fmt: skip
    line = machines.carrier(Home.from_environment())
    between = machines.Between(line, Home.from_environment(), stop) if line else None
    table = (jobs(between.deliver) if between else jobs()) | {name: each.tend for name, each in aside.items()}
    publisher = Publisher(Home.from_environment().lake)
    threading.Thread(target=publisher.run, args=(stop,), name="lake", daemon=True).start()
    while not stop.is_set() and os.getppid() == parent:
        seen = _position()
        go_round(table, clock.now())
        beat.touch(mode=0o600)
        wait_for_work(table, seen, stop)
    for each in aside.values():
        each.close()
    if between:
        between.close()


def wait_for_work(table: dict[str, Job], seen: int, stop: threading.Event) -> None:
    """Wait for the next round; what happens meanwhile is delivered at once. `seen` is the position before this round.

    What a handler publishes is delivered in the same go, so that a whole chain of reactions takes one look.
    """
    until = clock.stopwatch() + _PAUSE_S
    while not stop.wait(_LOOK_S) and clock.stopwatch() < until:
        if (position := _position()) > seen:
            seen = position
            go_round({name: table[name] for name in PROMPT}, clock.now())


def _position() -> int:
    try:
        return bus_queries.last_position()
    except DatabaseError:
        connection.close()  # the round says what is wrong, in the log
        return 0


def go_round(table: dict[str, Job], at: datetime) -> None:
    """Do each job once; one that fails is logged and holds up no other."""
    close_old_connections()
    for name, job in table.items():
        try:
            job(at)
        except Refused as refusal:
            log.warning("%s: %s", name, refusal.code)
        except Exception:  # the worker outlives any job: the defect is in the log, the next round tries again
            log.exception("%s failed; reference %s", name, ids.new_ulid())
