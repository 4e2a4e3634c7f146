"""A02: very many requests through a service that works as built. Source: Estonia 2021, 286,438 photographs."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from cityloom.drills.jobs.abuse.stage import CLERK, OFFICER, SUPERVISOR, Office, Stage, refused
from cityloom.keeper import protocol
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor

SERVICE = "photo-service"
A_DAY = 20
MOST = 100
DAYS = 5
HOLDERS = 30
ADDRESSES = 9_000
MOST_PEOPLE = 400_000
EXERCISES = 150


def run(stage: Stage) -> None:
    """Replay them over five days, within one hour, and by somebody who knows the limit and stays below it."""
    for pattern, lasts in (("5 days", timedelta(days=DAYS)), ("1 hour", timedelta(hours=1))):
        stage.found.tries(
            f"{stage.scale.requests:,} requests from {ADDRESSES:,} addresses, within {pattern}, through {SERVICE}"
        )
        with stage.office(f"keeper-{lasts.days}", count=min(stage.scale.people, MOST_PEOPLE)) as office:
            _replay(stage, office, pattern, lasts)
    stage.found.tries(f"exactly the {A_DAY} a day that the purpose allows the service, for {DAYS} days")
    with stage.office("keeper-below", count=200) as office:
        _stay_below(stage, office)
    stage.found.tries(f"a new exercise for each of {EXERCISES} requests, as each might bring a budget of its own")
    with stage.office("keeper-exercises", count=EXERCISES) as office:
        _pretend_exercises(stage, office)


def _prepare(office: Office) -> list[tuple[Actor, str, int, int]]:
    """The worst that may be configured: standing grants that name everybody, without a second person."""
    office.enact(services={"city": 1_000, SERVICE: A_DAY}, second_person_above=1_000_000)
    each = -(-len(office.subjects) // HOLDERS)
    found = []
    for number, first in enumerate(range(0, len(office.subjects), each)):
        holder = Actor(f"photo-{number}", "city/education", frozenset({"case-handler"}))
        until = clock.to_text(clock.now() + timedelta(days=20))
        grants = [
            (holder, office.grant(office.subjects[at : at + 20_000], holder=holder.account, until=until), at)
            for at in range(first, min(first + each, len(office.subjects)), 20_000)
        ]
        found += [(*grant, min(20_000, first + each - grant[2], len(office.subjects) - grant[2])) for grant in grants]
    return found


def _replay(stage: Stage, office: Office, pattern: str, lasts: timedelta) -> None:
    grants, opened = _prepare(office), set()
    step_s, refused_at, rung_at = lasts.total_seconds() / stage.scale.requests, None, None
    for _ in range(stage.scale.requests):
        office.clock.advance(step_s)
        holder, grant, first, count = stage.rng.choice(grants)
        row = first + stage.rng.randrange(count)
        reply = office.open(grant, row, who=office.sign(holder, service=SERVICE))
        if isinstance(reply, protocol.Opened):
            opened.add(row)
            continue
        stage.found.stopped(refused(reply))
        if refused_at is None:
            refused_at = clock.now()
            rung_at = clock.from_text(office.alarms()[0].at) if office.alarms() else None
    stage.found.most(f"different people opened, {pattern}", len(opened), MOST)
    stage.found.least(f"people opened before it stopped, {pattern}", len(opened), 1)
    late_s = abs((rung_at - refused_at).total_seconds()) if rung_at and refused_at else float("inf")
    stage.found.most(f"seconds from the first refusal to the alarm, {pattern}", late_s, 1.0)
    _compare_with_log(stage, office, opened, pattern)


def _stay_below(stage: Stage, office: Office) -> None:
    grants, opened = _prepare(office), set()
    for day in range(DAYS):
        for row in range(day * A_DAY, (day + 1) * A_DAY):
            holder, grant, *_ = next(each for each in grants if each[2] <= row < each[2] + each[3])
            if isinstance(office.open(grant, row, who=office.sign(holder, service=SERVICE)), protocol.Opened):
                opened.add(row)
        office.clock.advance(86_400)
    stage.found.most("different people opened in 5 days below the limit", len(opened), MOST)
    _compare_with_log(stage, office, opened, "below the limit")
    reset = protocol.ResetBreaker(office.sign(OFFICER), "school-enrolment", SERVICE)
    stage.found.equal("the breaker is started again without a second factor", refused(office.desk.answer(reset)),
                      "gate.not_allowed")  # fmt: skip


def _pretend_exercises(stage: Stage, office: Office) -> None:
    office.enact(services={"city": 1_000, SERVICE: A_DAY}, second_person_above=1_000_000)
    opened = set()
    for row in range(EXERCISES):
        at, name = clock.now(), f"exercise-{row}"
        order = office.order(office.subjects[row : row + 1], who=office.sign(SUPERVISOR, exercise_id=name, at=at))
        office.ask(order, protocol.Granted)
        who = office.sign(CLERK, service=SERVICE, exercise_id=name, at=at)
        reply = office.open(order.id, row, who=who)
        if isinstance(reply, protocol.Opened):
            opened.add(row)
        else:
            stage.found.stopped(refused(reply))
    stage.found.most("different people opened in exercises that are none", len(opened), A_DAY)
    _compare_with_log(stage, office, opened, "in exercises")


def _compare_with_log(stage: Stage, office: Office, opened: set[int], pattern: str) -> None:
    rows = np.array(sorted(opened), np.int64)
    affected = set(office.leaves("opened", service=SERVICE))
    stage.found.equal(f"the log lists exactly who was affected, {pattern}",
                      affected == set(office.desk.vault.pseudonyms(office.subjects[rows])), True)  # fmt: skip
