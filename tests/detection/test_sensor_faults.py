"""Whom a sensor's state sends out: nobody where it is merely doubtful."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cityloom.detection import queries
from cityloom.detection.events import SensorFailed, SensorRecovered
from cityloom.detection.watching import faults

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 1, tzinfo=UTC)


def test_somebody_is_sent_for_what_is_silent_and_not_for_what_is_noisy(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(faults.bus, "publish", lambda event, **_: told.append(event))
    looking = faults.Faults(watch=None)  # type: ignore[arg-type] # what it is told is all that it needs here
    for hour, state in enumerate(["noisy", "silent", "stuck", "drifting", "in_service", "out_of_range", "in_service"]):
        change = faults._Change(7, "P-7", "pressure", 8.6, 41.1, state, 3.0, 2.5)
        looking._tell([change], AT + timedelta(hours=hour))
        looking._told[7] = state
        assert bool(queries.failed_sensors()) == (state in ("silent", "stuck", "out_of_range"))
    assert [(type(one), one.state if isinstance(one, SensorFailed) else "") for one in told] == [
        (SensorFailed, "silent"), (SensorRecovered, ""), (SensorFailed, "out_of_range"), (SensorRecovered, ""),
    ]  # fmt: skip
