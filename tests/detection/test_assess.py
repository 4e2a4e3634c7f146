"""From recorded signals to a detection, raised once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.bus import queries as bus
from cityloom.detection import actions, handlers, queries
from cityloom.detection.models import CLASSIFICATION, Baseline, Detection
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import event_from
from cityloom.kernel.geometry import distance_m
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.signals import queries as recorded
from cityloom.signals.actions import CallReport, Reading, Scene
from cityloom.signals.events import SignalsRecorded
from tests.signals.drawn import LAT, LON, place, sites

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
EXERCISE = "drill"
STREET = (
    ("pressure", 40, 0), ("pressure", -60, 10), ("settlement", 5, 5), ("settlement", -15, 0),
    ("traffic_speed", 90, 0), ("traffic_speed", -110, 0), ("camera", 0, 60), ("pressure", 3_000, 0), ("rain", 0, 9),
)  # fmt: skip
NORMAL = {"pressure": 350.0, "settlement": 2.0, "traffic_speed": 42.0, "rain": 0.0, "camera": 0.0}
FALLEN = {"pressure": 90.0, "settlement": 38.0, "traffic_speed": 4.0}
pytestmark = pytest.mark.django_db


def read(number: int, value: float, second: float, tag: str = "") -> Reading:
    kind = STREET[number - 1][0]
    unit = {"pressure": "kPa", "settlement": "mm", "traffic_speed": "km/h", "rain": "mm/h", "camera": "1"}[kind]
    at = AT + timedelta(seconds=second)
    return Reading(number, value, unit, at, f"{number}:{second}:{tag}")


def call(
    number: int, second: float, caller: str = "", x_m: float = 8.0, category: str = "ground-collapse"
) -> CallReport:
    lon, lat = place(x_m, -8)
    return CallReport(f"c{number}", category, lon, lat, AT + timedelta(seconds=second), caller or f"caller {number}")


@pytest.fixture(autouse=True)
def city(db, settings, tmp_path):
    """A street whose sensors have been ordinary for an hour."""
    settings.CITYLOOM = settings.CITYLOOM | {"STILLS_DIR": tmp_path}
    signals.install(sites(*STREET), by=SYSTEM, at=AT)
    random = ids.seeded(1, "street")
    history = [
        read(number, NORMAL[kind] + (random.normal(0, 1.0) if kind in FALLEN else 0.0), -60.0 * minute)
        for number, (kind, *_) in enumerate(STREET, 1)
        for minute in range(60)
    ]
    signals.record(readings=history, by=SYSTEM, at=AT, exercise_id=EXERCISE, history=True)
    actions.learn_baselines(
        datastream_ids=range(1, len(STREET) + 1), since=AT - timedelta(hours=1), until=AT, by=SYSTEM, at=AT,
        exercise_id=EXERCISE,
    )  # fmt: skip


def hear(*, at: datetime | None = None, **batch: object) -> list[str]:
    """Record a batch and let detection hear of it; the ids of what was raised or added to."""
    at = at or max(item.at for items in batch.values() for item in items)
    before = {event.id for event in bus.events_of(EXERCISE)}
    signals.record(**batch, by=SYSTEM, at=at, exercise_id=EXERCISE)
    found = [event for event in bus.events_of(EXERCISE) if event.id not in before and "Recorded" in event.type]
    return [
        key
        for event in found
        for key in actions.assess(
            recorded=event_from(SignalsRecorded, event.data), by=SYSTEM, at=at, exercise_id=EXERCISE
        )
    ]


def raised() -> list[dict[str, object]]:
    return [event.data for event in bus.events_of(EXERCISE) if event.type.endswith("DetectionRaised.v1")]


def collapse(numbers: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> list[Reading]:
    return [read(number, FALLEN[STREET[number - 1][0]], 10.0 + number) for number in numbers]


def test_baselines_are_those_of_the_background():
    row = Baseline.objects.get(datastream_id=1, exercise_id=EXERCISE)
    assert row.median == pytest.approx(350.0, abs=0.5)
    assert row.spread == pytest.approx(1.0, abs=0.4)
    assert row.count == 60


def test_learning_again_replaces():
    learn = {"datastream_ids": [1], "since": AT - timedelta(minutes=20), "until": AT, "by": SYSTEM, "at": AT}
    assert actions.learn_baselines(**learn, exercise_id=EXERCISE) == 1
    assert Baseline.objects.filter(datastream_id=1).values_list("count", flat=True).get() == 20
    assert actions.learn_baselines(**learn, exercise_id="another") == 0


def test_a_collapse_is_raised_once_where_it_is_with_what_speaks_for_it():
    still = signals.synthetic_still("ground-collapse", "Drawn Road")
    (key,) = set(
        hear(readings=collapse(), reports=[call(1, 30), call(2, 34)],
             scenes=[Scene("s", 7, "ground-collapse", AT + timedelta(seconds=40), still)])
    )  # fmt: skip
    facts = queries.detection(key)
    assert distance_m(facts.lon, facts.lat, LON, LAT) < 60
    assert facts.first_at == AT + timedelta(seconds=11)
    assert facts.raised_at == AT + timedelta(seconds=40)
    assert [event["detection_id"] for event in raised()] == [key]
    assert recorded.still_of(facts.scene_ids[0]).media_type == "image/svg+xml"
    why = queries.evidence_of(key)
    assert {item.kind for item in why} == {"pressure", "settlement", "traffic_speed", "call", "scene"}
    pressure = next(item for item in why if item.source == "datastream:1")
    assert (pressure.value, pressure.unit, pressure.weight) == (90.0, "kPa", 5.0)
    assert pressure.baseline == pytest.approx(350.0, abs=0.5)


def test_evidence_that_arrives_one_signal_at_a_time_is_raised_as_soon_as_it_suffices_and_never_again():
    steps = [{"readings": [one]} for one in collapse()] + [{"reports": [call(1, 30)]}, {"reports": [call(2, 34)]}]
    heard = [hear(**step) for step in steps]
    assert heard[:2] == [[], []]
    assert len({key for keys in heard for key in keys}) == len(raised()) == Detection.objects.count() == 1
    assert len(queries.evidence_of(heard[-1][0])) == 8


def test_hearing_the_same_event_again_changes_nothing():
    hear(readings=collapse())
    (event,) = [event for event in bus.events_of(EXERCISE) if "Recorded" in event.type]
    before = Detection.objects.values().get()
    with clock.use(clock.DrillClock(AT + timedelta(seconds=20))):
        handlers.assess(event_from(SignalsRecorded, event.data), envelope=event)
    assert Detection.objects.values().get() == before
    assert len(raised()) == 1


def test_the_event_names_its_cause():
    signals.record(readings=collapse(), by=SYSTEM, at=AT + timedelta(seconds=20), exercise_id=EXERCISE)
    (event,) = bus.events_of(EXERCISE)
    with clock.use(clock.DrillClock(AT + timedelta(seconds=20))):
        handlers.assess(event_from(SignalsRecorded, event.data), envelope=event)
    assert [later.caused_by for later in bus.events_of(EXERCISE) if later.type.endswith("Raised.v1")] == [event.id]


@pytest.mark.parametrize("order", [(1, 5, 3), (5, 3, 1), (3, 1, 5)])
def test_signals_out_of_order_end_in_the_same_detection(order):
    for second, number in enumerate(order, 30):
        hear(readings=collapse((number,)), at=AT + timedelta(seconds=second))
    assert [item.source for item in queries.evidence_of(Detection.objects.get().id)] == [
        "datastream:3", "datastream:1", "datastream:5",
    ]  # fmt: skip


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.sampled_from([1, 3, 5]), values=st.lists(st.floats(), min_size=1, max_size=30))
def test_a_mad_sensor_may_send_what_it_likes_as_often_as_it_likes(number, values):
    calm = [read(other, NORMAL[STREET[other - 1][0]], 5.0) for other in range(1, 7) if other != number]
    mad = [read(number, value, 1.0 + n / 10, tag=str(n)) for n, value in enumerate(values)]
    with transaction.atomic():
        assert hear(readings=[*mad, *calm]) == []
        transaction.set_rollback(True)  # each example has the street for itself


def test_a_prankster_beside_a_broken_sensor_raises_nothing():
    calls = [call(n, 20 + n, caller="the same", x_m=3.0 * n) for n in range(25)]
    assert hear(readings=collapse((3,)), reports=calls) == []


def test_signals_eleven_minutes_apart_are_not_one_event():
    hear(readings=collapse((1,)))
    late = [read(3, FALLEN["settlement"], 700), read(5, FALLEN["traffic_speed"], 700)]
    assert hear(readings=late) == []


def test_a_far_sensor_adds_nothing():
    far = read(8, FALLEN["pressure"], 12)
    assert hear(readings=[*collapse((3,)), far], reports=[call(1, 20)]) == []


def test_other_exercises_and_the_real_city_do_not_hear_of_it():
    hear(readings=collapse())
    assert len(queries.detections_of(EXERCISE)) == 1
    assert queries.detections_of("") == queries.detections_of("another") == []


def test_sensors_out_of_service_and_rain_say_nothing():
    signals.set_service(datastream_ids=[1, 2, 3, 4], in_service=False, by=SYSTEM, at=AT)
    assert hear(readings=[*collapse(), read(9, 400.0, 12)]) == []


def test_evidence_holds_nothing_about_callers():
    hear(readings=collapse(), reports=[call(1, 20, caller="13800000000")])
    digest = recorded.reports_between(AT, AT + timedelta(minutes=1), EXERCISE)[0].caller_digest
    stored = str(Detection.objects.values().get())
    assert "13800000000" not in stored
    assert digest not in stored


def test_two_collapses_in_one_street_are_two_detections():
    signals.install(sites(("settlement", 600, 0), ("pressure", 620, 0), ("traffic_speed", 580, 0)), by=SYSTEM, at=AT)
    for number, kind in ((10, "settlement"), (11, "pressure"), (12, "traffic_speed")):
        Baseline.objects.create(exercise_id=EXERCISE, datastream_id=number, count=60, median=NORMAL[kind], spread=1.0,
                                updated_at=AT)  # fmt: skip
    second = [
        Reading(number, FALLEN[kind], unit, AT + timedelta(seconds=15), f"second {number}")
        for number, kind, unit in ((10, "settlement", "mm"), (11, "pressure", "kPa"), (12, "traffic_speed", "km/h"))
    ]
    assert len(set(hear(readings=collapse() + second))) == len(raised()) == 2


def test_a_source_that_speaks_for_one_place_is_not_counted_for_another():
    signals.install(sites(("settlement", 410, 0), ("settlement", 420, 0)), by=SYSTEM, at=AT)
    for number in (10, 11):
        Baseline.objects.create(exercise_id=EXERCISE, datastream_id=number, count=60, median=2.0, spread=1.0,
                                updated_at=AT)  # fmt: skip
    hear(readings=collapse((1, 2, 6)), reports=[call(1, 12, x_m=-100.0)])
    further = [Reading(n, 38.0, "mm", AT + timedelta(seconds=19), f"further {n}") for n in (10, 11)]
    hear(readings=further)
    sources = [item.source for row in queries.detections_of(EXERCISE) for item in queries.evidence_of(row.id)]
    assert len(sources) == len(set(sources))
    assert len(raised()) == 1


def test_an_exercise_can_be_erased_and_the_real_city_cannot():
    hear(readings=collapse())
    actions.forget(exercise_id=EXERCISE, by=SYSTEM, at=AT)
    assert Detection.objects.count() == Baseline.objects.count() == 0
    with pytest.raises(Refused):
        actions.forget(exercise_id="", by=SYSTEM, at=AT)


def test_an_unknown_detection_is_refused():
    with pytest.raises(Refused, match="no such detection"):
        queries.evidence_of("nothing")


def test_every_field_is_classified():
    from django.apps import apps

    for model in apps.get_app_config("detection").get_models():
        assert set(CLASSIFICATION[model.__name__]) == {field.name for field in model._meta.concrete_fields}


def test_the_place_is_finite_even_where_all_sources_share_one_spot():
    hear(reports=[call(n, n) for n in range(1, 8)], readings=collapse((3, 4)))
    facts = queries.detections_of(EXERCISE)[0]
    assert np.isfinite([facts.lon, facts.lat, facts.radius_m]).all()
