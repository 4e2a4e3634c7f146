"""Sensors that fail and recover: each is told once, together with the record of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.detection.domain.health import IN_SERVICE, STATES, UNKNOWN, Health
from cityloom.detection.domain.moment import Ints
from cityloom.detection.events import SensorFailed, SensorRecovered
from cityloom.detection.models import SensorState
from cityloom.detection.watching.watch import Watch
from cityloom.kernel import clock, ids

_AT_ONCE = 200
FAILS = frozenset({"silent", "out_of_range", "stuck"})
"""States that somebody is sent for; noisy and drifting are shown, but nine in ten of them come of what is measured."""


@dataclass(frozen=True)
class _Change:
    datastream_id: int
    name: str
    kind: str
    lon: float
    lat: float
    state: str
    found: float
    limit: float


class Faults:
    """Compares the states of sensors with those that were told; what is seen twice in a row is believed."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._told = dict(SensorState.objects.values_list("datastream_id", "state"))
        self._seen: Ints = np.zeros(0, np.int64)

    def look(self, at: datetime) -> int:
        """Tell what has changed; return how many sensors that are."""
        found = self._watch.health(at.timestamp())
        state = found.state.astype(np.int64)
        before = np.append(self._seen, np.full(len(state) - len(self._seen), UNKNOWN))
        sure = (state == before) & (state != UNKNOWN) & self._watch.in_service
        self._seen = state
        changes = self._changes(found, sure)
        for start in range(0, len(changes), _AT_ONCE):
            some = changes[start : start + _AT_ONCE]
            self._tell(some, at)
            self._told |= {one.datastream_id: one.state for one in some}
        return len(changes)

    def _changes(self, found: Health, sure: np.ndarray) -> list[_Change]:
        """What differs from what was told; a sensor that always worked is not spoken of."""
        ids_, facts, changes = self._watch.learnt.ids, self._watch.facts, []
        odd = np.flatnonzero(sure & ((found.state != IN_SERVICE) | np.isin(ids_, list(self._told))))
        places = dict(zip(facts.id.tolist(), range(len(facts)), strict=True))
        for row in odd.tolist():
            key, state = int(ids_[row]), STATES[int(found.state[row])]
            if state != self._told.get(key, STATES[IN_SERVICE]) and key in places:
                place = places[key]
                changes.append(_Change(
                    key, str(facts.name[place]), str(facts.kind[place]), float(facts.lon[place]),
                    float(facts.lat[place]), state, float(found.found[row]), float(found.limit[row]),
                ))  # fmt: skip
        return changes

    @transaction.atomic
    def _tell(self, changes: list[_Change], at: datetime) -> None:
        rows = [SensorState(datastream_id=one.datastream_id, state=one.state, since=at, found=one.found,
                            limit=one.limit, is_failed=one.state in FAILS) for one in changes]  # fmt: skip
        SensorState.objects.bulk_create(rows, update_conflicts=True, unique_fields=["datastream_id"],
                                        update_fields=["state", "since", "found", "limit", "is_failed"])  # fmt: skip
        for one in changes:
            had_failed, fails = self._told.get(one.datastream_id) in FAILS, one.state in FAILS
            if had_failed == fails:
                continue  # it has failed already, in another way, or is doubtful only
            event = (
                SensorFailed(one.datastream_id, one.name, one.kind, one.state, one.lon, one.lat, at) if fails
                else SensorRecovered(one.datastream_id, one.name, at)
            )  # fmt: skip
            name = ids.named_id("sensor", one.datastream_id, one.state, clock.to_text(at))
            bus.publish(event, at=at, event_id=name)
