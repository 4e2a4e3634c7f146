"""What people make go wrong while a drill runs: it holds for this exercise, in the process that plays it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import numpy as np

from cityloom.accounts import queries as accounts
from cityloom.alerts import plugins
from cityloom.drills.domain import injections as kinds
from cityloom.drills.domain.injections import Injection
from cityloom.drills.domain.rehearsal import Batch, Streams
from cityloom.emergency import queries as incidents
from cityloom.fieldwork import actions as fieldwork
from cityloom.fieldwork import queries as tasks
from cityloom.kernel import clock, ids
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import CallReport, Reading

_CALLS_WITHIN_M = 150.0
_WILD_FACTOR = 40.0
_WILD_BEYOND_M = 400.0
_EVERY_S = 60.0
_CALLED = ("ground-collapse", "water-leak", "road-damage")


class Stage(Protocol):
    """What a drill lets itself be disturbed by."""

    exercise_id: str
    place: tuple[float, float]
    scenario: Any

    def hear(self, batch: Batch) -> None: ...
    def later(self, at_s: float, act: Callable[[], None]) -> None: ...
    def streams(self) -> Streams: ...
    def darken(self) -> None: ...
    def lighten(self) -> None: ...


class DownChannel(plugins.Channel):
    """A channel whose other end does not answer."""

    is_demo = True
    repeats_are_harmless = True

    def __init__(self, real: plugins.Channel) -> None:
        self.name, self.real = real.name, real

    def deliver(self, parcel: bytes, message: plugins.OutgoingMessage) -> plugins.Receipt:
        raise plugins.ChannelRefused("drill.channel_down", "The channel is down in this drill.", final=False)


class Troubles:
    """Begins each failure once, and ends it when its time is over."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._begun: set[str] = set()
        self._on: dict[str, tuple[Injection, Callable[[], None]]] = {}
        self._waiting: dict[str, Injection] = {}

    def follow(self, injections: Sequence[Injection], now_s: float) -> None:
        """Begin what is new, end what is over."""
        for injection in injections:
            if injection.id not in self._begun and injection.at_s <= now_s:
                self._begun.add(injection.id)
                self._begin(injection, now_s)
        for injection, undo in list(self._on.values()):
            if now_s >= injection.ends_s:
                del self._on[injection.id]
                undo()
        for injection in list(self._waiting.values()):
            if self._drop_out(injection):
                del self._waiting[injection.id]

    def end(self) -> None:
        """Put everything back."""
        for _, undo in self._on.values():
            with suppress(Refused):
                undo()
        self._on.clear()

    def spoilt(self, batch: Batch, now_s: float) -> Batch:
        """A batch without what silent sensors would have said."""
        silent = [one for one, _ in self._on.values() if one.kind == kinds.SILENT and one.is_on(now_s)]
        if not silent:
            return batch
        return replace(batch, readings=[r for r in batch.readings if not any(_is_silent(r, one) for one in silent)])

    def _begin(self, injection: Injection, now_s: float) -> None:
        if injection.kind == kinds.CALLS:
            self._stage.hear(self._calls(injection))
        elif injection.kind == kinds.WORKER:
            self._waiting[injection.id] = injection
        elif now_s < injection.ends_s:
            self._on[injection.id] = injection, self._switch(injection)

    def _switch(self, injection: Injection) -> Callable[[], None]:
        """Begin a failure that lasts, and return what ends it."""
        if injection.kind == kinds.KEEPER:
            self._stage.darken()
            return self._stage.lighten
        if injection.kind == kinds.CHANNEL:
            return _take_down(self._stage.scenario.channels)
        if injection.kind == kinds.WILD:
            self._plan_wild(injection)
        return lambda: None

    def _plan_wild(self, injection: Injection) -> None:
        for number in range(int(injection.for_s // _EVERY_S)):
            self._stage.later(injection.at_s + number * _EVERY_S, lambda n=number: self._stage.hear(
                self._wild(injection, n)))  # fmt: skip

    def _wild(self, injection: Injection, number: int) -> Batch:
        """Readings that are far from normal, of sensors away from the place."""
        streams = self._stage.streams()
        away = np.hypot(*LocalProjection(*self._stage.place).xy(streams.lon, streams.lat).T) >= _WILD_BEYOND_M
        rows = np.flatnonzero(away & (streams.kind == "pressure"))[: injection.amount].tolist()
        return Batch(injection.at_s, readings=[
            Reading(int(streams.id[row]), 350.0 / _WILD_FACTOR, str(streams.unit[row]), clock.now(),
                    f"{self._stage.exercise_id}.{injection.id}.{number}.{row}")
            for row in rows
        ])  # fmt: skip

    def _calls(self, injection: Injection) -> Batch:
        rng = ids.seeded(self._stage.scenario.seed, "injected calls", injection.id)
        plane, at = LocalProjection(*self._stage.place), self._stage.scenario.start + timedelta(seconds=injection.at_s)
        reports = []
        for number in range(injection.amount):
            angle, reach = rng.uniform(0, 2 * math.pi), _CALLS_WITHIN_M * math.sqrt(rng.uniform(0, 1))
            lon, lat = plane.lonlat(np.array([[reach * math.cos(angle), reach * math.sin(angle)]]))[0]
            name = f"{injection.id}.{number}"
            reports.append(CallReport(
                message_id=f"{self._stage.exercise_id}.{name}", category=_CALLED[number % len(_CALLED)],
                lon=round(float(lon), 7), lat=round(float(lat), 7), at=at, caller=f"drill caller {name}",
            ))  # fmt: skip
        return Batch(injection.at_s, reports=reports)

    def _drop_out(self, injection: Injection) -> bool:
        """Have the busiest workers give back what they have; False where nobody has anything yet."""
        found = [task for incident in incidents.open_incidents(self._stage.exercise_id)
                 for task in tasks.tasks_of(incident.id) if task.state in ("delivered", "accepted")]  # fmt: skip
        busiest = [account for account, _ in Counter(task.account for task in found).most_common(injection.amount)]
        reports = [fieldwork.Report(task.id, accounts.actor_of(task.account)) for task in found
                   if task.account in busiest]  # fmt: skip
        if reports:
            fieldwork.take_reports(at=clock.now(), state="unable", reports=reports)
        return bool(reports)


def _take_down(names: Sequence[str]) -> Callable[[], None]:
    """Put a channel that does not answer in the place of the first one that works."""
    real = next((plugins.CHANNELS[name] for name in names if name == "demo_works" and name in plugins.CHANNELS), None)
    if real is None or isinstance(real, DownChannel):
        return lambda: None
    plugins.CHANNELS[real.name] = DownChannel(real)
    return lambda: plugins.CHANNELS.__setitem__(real.name, real)


def _is_silent(reading: Reading, injection: Injection) -> bool:
    """A sensor is silent or not for the whole failure, by its id."""
    drawn = ids.seeded(0, injection.id, reading.datastream).integers(0, 100)
    return bool(drawn < injection.amount)
