"""What happens in the city becomes a case: once, of the right unit, and ends when its cause does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityloom.cases import handlers, queries
from cityloom.cases.models import Case
from cityloom.detection import events as detection
from cityloom.detection.models import Detection
from cityloom.emergency.domain import zone
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.envelope import Envelope
from tests.cases.conftest import NOW

pytestmark = pytest.mark.django_db
PLACE = (114.05, 22.54)


def envelope(key: str = "E1") -> Envelope:
    return Envelope(key, "", "", NOW, {})


@pytest.fixture(autouse=True)
def now() -> object:
    with clock.use(clock.DrillClock(NOW)) as drill:
        yield drill


def test_a_sensor_that_fails_is_a_maintenance_case_with_its_repair_until_it_works_again() -> None:
    failed = detection.SensorFailed(17, "P-17", "pressure", "silent", *PLACE, NOW)
    for key in ("E1", "E2"):
        handlers.open_maintenance(failed, envelope=envelope(key))
    case = Case.objects.get()
    assert (case.casetype, case.category, case.origin) == ("maintenance", "sensor-fault", "sensor")
    assert case.answers == {"thing": "sensor", "fault_kind": "silent"}
    assert ("repair", fieldwork.repairs()[0].id) in queries.links_of(case.id)
    again = detection.SensorRecovered(17, "P-17", NOW + timedelta(hours=1))
    for key in ("E3", "E3", "E4"):
        handlers.note_recovery(again, envelope=envelope(key))
    case.refresh_from_db()
    assert (case.state, case.result, case.revision) == ("recovered", "by-itself", 2)


def test_a_detection_that_does_not_burn_is_a_case_and_one_that_does_is_not() -> None:
    assert set(zone.DEFAULTS) == handlers.BURNING
    for key, category in (("D1", "leak"), ("D2", "gas-leak"), ("D3", "something-new")):
        Detection.objects.create(id=key, category=category, lon=PLACE[0], lat=PLACE[1], radius_m=10, first_at=NOW,
                                 last_at=NOW, raised_at=NOW, score=3.0, evidence=[])  # fmt: skip
        handlers.open_case(detection.DetectionRaised(key, category, *PLACE, 3.0, NOW, NOW), envelope=envelope(key))
    assert set(Case.objects.values_list("category", "unit")) == {("leak", "city/water"), ("detection", "city/social")}
    assert queries.cases_linked_with("detection", "D1") == [Case.objects.get(category="leak").id]
