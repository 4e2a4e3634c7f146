"""Play a scenario against the whole city, on the drill's own clock: nobody sleeps, and any step may be repeated.

Every message and every decision of a run is named after the exercise, so a run that was killed is resumed by playing it
again from the start: what has happened already changes nothing.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from cityloom.accounts import queries as accounts
from cityloom.alerts import actions as alerts
from cityloom.alerts.models import Delivery
from cityloom.bus import actions as bus
from cityloom.bus import queries as bus_queries
from cityloom.cases import actions as cases
from cityloom.detection import actions as detection
from cityloom.drills.domain.injections import Injection
from cityloom.drills.domain.pacing import LEAD_S
from cityloom.drills.domain.rehearsal import Batch, Rehearsal, Streams
from cityloom.drills.domain.scenario import Scenario
from cityloom.drills.jobs import keeping
from cityloom.drills.jobs.troubles import Troubles
from cityloom.emergency import actions as emergency
from cityloom.emergency import queries as incidents
from cityloom.fieldwork import actions as fieldwork
from cityloom.fieldwork import queries as tasks
from cityloom.fieldwork.models import Task
from cityloom.kernel import clock, geometry
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.envelope import Envelope
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.signals import queries as signal_queries
from cityloom.signals.domain.reading import Reading

_ESCALATION_S = 61.0
_SECOND_APPROVAL_S = 20.0
_WALK_M_PER_S = 1.2
_ASK_AGAIN_S = 5.0
_STEPS_AT_MOST = 20_000
_HOLD_AGAIN_S = 8.0
_WATCHED = {"ProposalReady", "NoticeSent", "TasksDelivered", "AlertApproved", "AlertIssued"}
_TIMED = {"ProposalReady", "EvacuationApproved", "AlertApproved"}
_ROUND_S = 60.0  # workers report on the minute, so that what happens together is one step


class Keeper(Protocol):
    """The keeper of this drill, if the drill may stop and start it."""

    def stop(self) -> None: ...
    def start(self) -> None: ...


@dataclass(frozen=True)
class Turn:
    """What time it is in a drill that keeps to a clock, and what was made to go wrong so far."""

    now: datetime
    injections: tuple[Injection, ...] = ()


class Control(Protocol):
    """Whoever sets the pace."""

    def clock_from(self, start: datetime) -> clock.DrillClock:
        """The clock that the drill is played on."""
        ...

    def wait(self, due: datetime | None) -> Turn | None:
        """Wait a little for what is due next, and say what time it is then; None to stop."""
        ...


class Road(Protocol):
    """A road on which a drill's readings come, instead of being recorded one by one."""

    def say(self, readings: Sequence[Reading], at: datetime) -> None:
        """Let sensors say these; returns once the city has kept them and has told what is odd among them."""
        ...


class Narrator(Protocol):
    """Whoever watches."""

    def note(self, words: str) -> None: ...
    def events(self, events: list[tuple[Envelope, float | None]], first_signal_at: datetime) -> None: ...


class Play:
    """One run: an agenda of things that happen at their seconds, and the city's reactions in between."""

    def __init__(
        self, *, scenario: Scenario, exercise_id: str, place: tuple[float, float], narrator: Narrator,
        keeper: Keeper | None, approve: bool = True, control: Control | None = None, road: Road | None = None,
    ) -> None:  # fmt: skip
        self._road = road
        self.scenario, self.exercise_id, self.place = scenario, exercise_id, place
        self._narrator, self._keeper, self._approves = narrator, keeper, approve
        begins = scenario.start - timedelta(seconds=scenario.background_s + 60)
        self._clock = control.clock_from(begins) if control else clock.DrillClock(begins)
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._planned: set[tuple[str, ...]] = set()
        self._position = bus_queries.last_position()
        self.walls: list[tuple[Envelope, float | None]] = []
        self.closing_wall_ms: dict[str, float] = {}
        self._held_at = -_HOLD_AGAIN_S * 2
        self._stirred = False
        self._is_dark = False
        self._has_cases = False
        self._put_off: list[Callable[[], None]] = []
        self._reports: dict[tuple[float, str], list[Any]] = {}
        self._workers: dict[str, Actor] = {}
        self._control = control
        self._troubles = Troubles(self) if control else None
        self.was_stopped = False

    def run(self) -> None:
        """Play the scenario to its end, or to the first approval when people approve at the screens.

        Raises: Refused `drill.no_streams`, `drill.endless`.
        """
        with clock.use(self._clock), self._held(), ExitStack() as ending:
            if self._troubles:
                ending.callback(self._troubles.end)
            self._catch_up()
            rehearsal = self._rehearse()
            self._begin_at_once()
            for batch in rehearsal.batches():
                self._at(batch.at_s, lambda batch=batch: self.hear(batch))
            for fault in self.scenario.faults_of("keeper-down"):
                self._plan_keeper_fault(fault.at_s, fault.for_s)
            self._play()

    def _begin_at_once(self) -> None:
        """A drill that keeps to a clock does not wait through the quiet time before its first signal."""
        if self._control:
            self._clock.advance_to(self.scenario.start - timedelta(seconds=LEAD_S))

    def withdraw(self) -> None:
        """Take back what a stopped drill left open, as the commander and the second person of the drill would."""
        with clock.use(self._clock), self._held():
            self._catch_up()
            for incident in incidents.open_incidents(self.exercise_id):
                if incident.state != "clearing":
                    emergency.cancel(incident_id=incident.id, by=self._account("commander"), at=clock.now())
                proposal = incidents.current_proposal(incident.id)
                if proposal and incidents.incident(incident.id).state == "clearing":
                    self._approve(proposal, "alert-approver")
            bus.drain(at=clock.now(), exercise_id=self.exercise_id)

    def _catch_up(self) -> None:
        """Go on from the last thing that happened, if the exercise was interrupted: its clock never runs backwards."""
        last = bus_queries.last_time(self.exercise_id)
        if last is not None:
            self._clock.advance_to(last)
        alerts.settle_interrupted(
            at=clock.now(), started_before=clock.now() + timedelta(days=1), exercise_id=self.exercise_id
        )

    def _play(self) -> None:
        for _ in range(_STEPS_AT_MOST):
            if not self._await_next():
                return
            at_s, _, act = heapq.heappop(self._agenda)
            self._clock.advance_to(self.scenario.start + timedelta(seconds=at_s))
            self._hold()
            self._stirred = act == self._retry
            self._do(at_s, act)
            self._react(self._settle())
        raise Refused("drill.endless", "The drill did not end after {limit} steps; shorten the scenario.",
                      limit=_STEPS_AT_MOST)  # fmt: skip

    def _await_next(self) -> bool:
        """Wait until something is due, if the drill keeps to a clock; meanwhile hear what people do.

        False at the end.
        """
        while self._control:
            due = self.scenario.start + timedelta(seconds=self._agenda[0][0]) if self._agenda else None
            turn = self._control.wait(due)
            if turn is None:
                self.was_stopped = True
                return False
            self._clock.advance_to(turn.now)
            self._hold()
            if self._troubles:
                self._troubles.follow(turn.injections, self._seconds(clock.now()))
            if due is not None and turn.now >= due:
                return True
            self._stirred = False
            self._react(self._settle())
            if not self._agenda and self._is_over():
                return False
        return bool(self._agenda)

    def _is_over(self) -> bool:
        """Whether nothing is left that people could do."""
        return not incidents.open_incidents(self.exercise_id)

    def _do(self, at_s: float, act: Callable[[], None]) -> None:
        """Take a step; where it finds no keeper, take it again a little later.

        A retry waits in real time for a keeper that was killed: on the drill's own clock all attempts would be over
        before it is back. One that the scenario has taken away is not waited for.
        """
        if self._stirred or act in self._put_off:
            self._await_keeper()
        try:
            act()
        except Refused as refusal:
            if refusal.code != "gate.keeper_down":
                raise
            self._put_off.append(act)
            self._at(at_s + _ASK_AGAIN_S, act)

    def _await_keeper(self) -> None:
        if self._is_dark:
            return
        if self._keeper is not None:
            self._keeper.start()
        keeping.await_keeper()

    def _hold(self) -> None:
        """Keep other processes away, without writing at each step."""
        now = clock.stopwatch()
        if now - self._held_at > _HOLD_AGAIN_S:
            bus.hold(exercise_id=self.exercise_id)
            self._held_at = now

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._hold()
        bus.reclaim(exercise_id=self.exercise_id)
        try:
            yield
        finally:
            bus.release(exercise_id=self.exercise_id)

    def _rehearse(self) -> Rehearsal:
        streams = self.streams()
        rehearsal = Rehearsal(self.scenario, streams, self.place, self.exercise_id)
        background = rehearsal.background()
        started = clock.stopwatch()
        until = self.scenario.start - timedelta(seconds=240)
        self._clock.advance_to(until)
        at = clock.now()
        if self._road:
            self._road.say(background, at)
        else:
            signals.record(readings=background, by=SYSTEM, at=at, exercise_id=self.exercise_id, history=True)
        since = self.scenario.start - timedelta(seconds=self.scenario.background_s + 60)
        detection.learn_baselines(
            exercise_id=self.exercise_id, datastream_ids=streams.id, since=since, until=until, by=SYSTEM, at=at
        )
        self._narrator.note(
            f"{len(background):,} readings of a quiet time from {len(streams.id)} streams "
            f"learnt in {clock.stopwatch() - started:.2f} s"
        )
        return rehearsal

    def streams(self) -> Streams:
        """The datastreams around the place."""
        found = signal_queries.datastreams_near(*self.place, self.scenario.background_radius_m)
        if not len(found):
            raise Refused("drill.no_streams", "No sensor stands within {value} m of the place; choose another place or "
                          "a larger background radius.", value=self.scenario.background_radius_m)  # fmt: skip
        return Streams(found.id, found.kind, found.unit, found.lon, found.lat)

    def hear(self, batch: Batch) -> None:
        """Let the city hear a batch, less what is silent now."""
        if self._troubles:
            batch = self._troubles.spoilt(batch, self._seconds(clock.now()))
        if self._road:
            self._road.say(batch.readings, clock.now())
        signals.record(
            readings=() if self._road else batch.readings, reports=batch.reports, scenes=batch.scenes, by=SYSTEM,
            at=clock.now(), exercise_id=self.exercise_id,
        )  # fmt: skip

    def _settle(self) -> set[str]:
        """Let the city react until nothing waits, tell it, and return the names of what happened."""
        started = clock.stopwatch()
        if self._has_cases:
            cases.ring_due(at=clock.now(), exercise_id=self.exercise_id)
            cases.work_processes(at=clock.now(), exercise_id=self.exercise_id)
        self._stirred |= bus.drain(at=clock.now(), exercise_id=self.exercise_id) > 0
        wall_ms = round((clock.stopwatch() - started) * 1000, 1)
        told: list[tuple[Envelope, float | None]] = []
        while fresh := bus_queries.events_after(self._position, exercise_id=self.exercise_id):
            self._position = fresh[-1][0]
            told += [(event, wall_ms) for _, event in fresh]
        if told:
            self.walls += told
            self._narrator.events(told, self.scenario.start)
        names = {event.type.split(".")[-2] for event, _ in told}
        self._has_cases |= "CaseOpened" in names
        for name in names & _TIMED:
            self.closing_wall_ms.setdefault(name, wall_ms)
        return names

    def _react(self, names: set[str]) -> None:
        """Plan what people do about what has just happened; at first about everything, as after a resumption."""
        fresh = not self._planned
        self._planned.add(("looked",))
        if fresh or names & _WATCHED:
            for incident in incidents.incidents_of(self.exercise_id):
                self._plan(incident, _WATCHED if fresh else names)
        if fresh or self._stirred:
            for due in (bus_queries.next_due(self.exercise_id), self._next_delivery()):
                if due is not None:
                    self._once(("retry", due.isoformat()), self._seconds(due) + 0.001, self._retry)

    def _plan(self, incident: Any, names: set[str]) -> None:
        if "ProposalReady" in names:
            self._plan_approvals(incident)
        if "NoticeSent" in names:
            self._plan_departments(incident)
        if "TasksDelivered" in names:
            self._plan_workers(incident)
        if names & {"AlertApproved", "AlertIssued"}:
            self._plan_end(incident)

    def _next_delivery(self) -> datetime | None:
        waiting = Delivery.objects.filter(exercise_id=self.exercise_id, state="pending").order_by("next_try_at")
        return waiting.values_list("next_try_at", flat=True).first()

    def _retry(self) -> None:
        alerts.deliver_due(at=clock.now(), exercise_id=self.exercise_id)

    def _plan_approvals(self, incident: Any) -> None:
        proposal = incidents.current_proposal(incident.id)
        if proposal is None or not self._approves:
            return
        base = self._seconds(proposal.created_at)
        for role, after_s in self.scenario.approvals.items():
            wait = after_s if proposal.purpose == "evacuation" else _SECOND_APPROVAL_S
            key = ("approve", proposal.id, role)
            self._once(key, base + wait, lambda role=role, proposal=proposal: self._approve(proposal, role))

    def _approve(self, proposal: Any, role: str) -> None:
        given = {approval.role for approval in incidents.proposal(proposal.id).approvals}
        if role not in given:
            emergency.approve(
                proposal_id=proposal.id, digest=proposal.digest, role=role, by=self._account(role), at=clock.now()
            )

    def _plan_departments(self, incident: Any) -> None:
        for notice in incidents.notices_of(incident.id):
            sent = self._seconds(notice.sent_at)
            self._once(("escalate", notice.proposal_id), sent + _ESCALATION_S, self._escalate)
            if notice.department not in self.scenario.silent_departments and notice.acknowledged_at is None:
                self._once(
                    ("acknowledge", notice.id), sent + self.scenario.acknowledge_after_s,
                    lambda notice=notice: self._acknowledge(notice),
                )  # fmt: skip

    def _escalate(self) -> None:
        emergency.escalate_due(at=clock.now(), exercise_id=self.exercise_id)

    def _acknowledge(self, notice: Any) -> None:
        by = self._account(f"department-{notice.department}")
        emergency.acknowledge_notice(notice_id=notice.id, by=by, at=clock.now())

    def _plan_workers(self, incident: Any) -> None:
        """Each worker goes from task to task, from west to east, and stays a while at each door."""
        rounds: dict[str, list[Any]] = {}
        for task in tasks.tasks_of(incident.id):
            if task.delivered_at is not None and ("task", task.id) not in self._planned:
                self._planned.add(("task", task.id))
                rounds.setdefault(task.account, []).append(task)
        for own in rounds.values():
            self._plan_round(own)

    def _plan_round(self, own: list[Any]) -> None:
        at_s = max(self._seconds(task.delivered_at) for task in own) + self.scenario.accept_after_s
        lon, lat = own[0].lon, own[0].lat
        for task in sorted(own, key=lambda task: (task.lon, task.lat, task.dwelling_id)):
            at_s += geometry.distance_m(lon, lat, task.lon, task.lat) / _WALK_M_PER_S
            self._report(at_s, task, "delivered")
            at_s += self.scenario.at_the_door_s
            self._report(at_s, task, "accepted")
            lon, lat = task.lon, task.lat

    def _report(self, at_s: float, task: Any, state: str) -> None:
        """Have the worker say at the next full minute how it stands."""
        minute = math.ceil(at_s / _ROUND_S) * _ROUND_S
        self._reports.setdefault((minute, state), []).append(task)
        self._once(("report", str(minute), state), minute, lambda: self._hear_reports(minute, state))

    def _hear_reports(self, minute: float, state: str) -> None:
        """Move the tasks that are still in `state`; those of a resumed run may be further on.

        One that was moved before the keeper went is said to be there again, so that its grant ends too.
        """
        own = self._reports[minute, state]
        said = "accepted" if state == "delivered" else "done"
        standing = Task.objects.filter(id__in=[task.id for task in own], state__in=(state, said))
        still = set(standing.values_list("id", flat=True))
        reports = [fieldwork.Report(task.id, self._worker(task.account)) for task in own if task.id in still]
        fieldwork.take_reports(at=clock.now(), state=said, reports=reports)

    def _worker(self, account: str) -> Actor:
        if account not in self._workers:
            self._workers[account] = accounts.actor_of(account)
        return self._workers[account]

    def _plan_end(self, incident: Any) -> None:
        if self._approves and incident.state == "warned":
            opened = self._seconds(incident.opened_at)
            self._once(
                ("all-clear", incident.id), opened + self.scenario.all_clear_after_s, lambda: self._all_clear(incident)
            )

    def _all_clear(self, incident: Any) -> None:
        if incidents.incident(incident.id).state == "warned":
            emergency.all_clear(incident_id=incident.id, by=self._account("commander"), at=clock.now())

    def _plan_keeper_fault(self, at_s: float, for_s: float) -> None:
        if self._keeper is None:
            self._narrator.note("The keeper belongs to running processes, so its failure is not rehearsed.")
            return
        self._at(at_s, self.darken)
        self._at(at_s + for_s, self.lighten)

    def darken(self) -> None:
        """Take the keeper away."""
        self._is_dark = True
        if self._keeper is not None:
            self._keeper.stop()

    def lighten(self) -> None:
        """Bring the keeper back."""
        self._is_dark = False
        self._await_keeper()

    def _account(self, role: str) -> Actor:
        found = accounts.accounts_with(role)
        if not found:
            raise Refused("drill.nobody", "Nobody in this city has the role {value}; give it to an account.",
                          value=role)  # fmt: skip
        return found[0]

    def _once(self, key: tuple[str, ...], at_s: float, act: Callable[[], None]) -> None:
        if key not in self._planned:
            self._planned.add(key)
            self._at(at_s, act)

    def later(self, at_s: float, act: Callable[[], None]) -> None:
        """Put something on the agenda."""
        self._at(at_s, act)

    def _at(self, at_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (at_s, next(self._order), act))

    def _seconds(self, instant: datetime) -> float:
        return (instant - self.scenario.start).total_seconds()

