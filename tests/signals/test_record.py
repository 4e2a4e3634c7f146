"""Recording signals: once, bounded, announced together."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

import pytest

from cityloom.bus import queries as bus
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions, queries
from cityloom.signals.actions import CallReport, Reading, Scene
from cityloom.signals.models import CLASSIFICATION, Datastream, Observation, Report, SceneEvent, Thing
from tests.signals.drawn import LAT, LON, place, sites

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _city(settings, tmp_path, db):
    settings.CITYLOOM = settings.CITYLOOM | {"STILLS_DIR": tmp_path}
    rows = sites(("pressure", 0, 0), ("settlement", 100, 0), ("camera", 0, 200), ("pressure", 900, 0))
    actions.install(rows, by=SYSTEM, at=AT)


def reading(number: int = 0, **changes: object) -> Reading:
    fields = {"datastream": 1, "value": 350.0, "unit": "kPa", "at": AT, "message_id": f"m{number}"}
    return Reading(**(fields | changes))


def call(number: int = 0, **changes: object) -> CallReport:
    lon, lat = place(10, 10)
    fields = {"message_id": f"c{number}", "category": "ground-collapse", "lon": lon, "lat": lat, "at": AT,
              "caller": "13800000000", "text": "The road fell in front of Chen's shop"}  # fmt: skip
    return CallReport(**(fields | changes))


def record(exercise_id: str = "", **signals: object) -> actions.Recorded:
    return actions.record(**signals, by=SYSTEM, at=AT, exercise_id=exercise_id)


def test_installing_gives_every_site_a_thing_and_a_stream_under_a_name():
    assert list(Datastream.objects.order_by("id").values_list("name", "unit")) == [
        ("pressure-1", "kPa"), ("settlement-2", "mm"), ("camera-3", "1"), ("pressure-4", "kPa"),
    ]  # fmt: skip
    assert Thing.objects.get(pk=2).street == "Drawn Road"


def test_installing_more_sensors_goes_on_counting():
    actions.install(sites(("rain", 0, 0)), by=SYSTEM, at=AT)
    assert Datastream.objects.get(name="rain-5").id == 5


def test_an_unknown_kind_is_refused_and_nothing_is_installed():
    with pytest.raises(Refused, match="telepathy"):
        actions.install(sites(("rain", 0, 0), ("telepathy", 0, 0)), by=SYSTEM, at=AT)
    assert Datastream.objects.count() == 4


def test_readings_come_back_by_stream_and_time_however_they_arrived():
    late = [reading(n, at=AT - timedelta(seconds=s), value=300.0 + s) for n, s in enumerate((10, 50, 30))]
    assert record(readings=late).accepted == 3
    found = queries.recent([1, 2], AT - timedelta(seconds=50), AT)
    assert found.result.tolist() == [330.0, 310.0]
    assert found.instants() == [AT - timedelta(seconds=30), AT - timedelta(seconds=10)]


def test_the_same_batch_twice_is_stored_and_announced_once():
    batch = {"readings": [reading(1), reading(2)], "reports": [call()], "scenes": [Scene("s", 3, "fire", AT, PNG)]}
    first, second = record("drill", **batch), record("drill", **batch)
    assert (first.accepted, first.duplicates) == (4, 0)
    assert (second.accepted, second.duplicates) == (0, 4)
    assert second.report_ids == first.report_ids
    assert len(bus.events_of("drill")) == 1


def test_the_same_message_in_two_exercises_is_two_readings():
    assert record("one", readings=[reading()]).accepted == record("two", readings=[reading()]).accepted == 1
    assert len(queries.recent([1], AT - timedelta(1), AT, "one")) == 1
    assert len(queries.recent([1], AT - timedelta(1), AT)) == 0


def test_one_batch_is_one_event_with_its_streams_and_window():
    record("drill", readings=[reading(1), reading(2, datastream="pressure-4", at=AT - timedelta(seconds=9))],
           reports=[call(at=AT + timedelta(seconds=3))])  # fmt: skip
    (event,) = bus.events_of("drill")
    assert event.data["datastream_ids"] == [1, 4]
    assert event.data["observation_count"] == 2
    assert event.data["window_start"] == "2026-05-01T11:59:51.000Z"
    assert event.data["window_end"] == "2026-05-01T12:00:03.000Z"


def test_history_is_stored_and_not_announced():
    actions.record(readings=[reading()], by=SYSTEM, at=AT, exercise_id="drill", history=True)
    assert Observation.objects.count() == 1
    assert bus.events_of("drill") == []


def test_a_batch_of_nothing_but_bad_signals_is_counted_and_not_announced():
    bad = {
        "readings": [reading(value=float("nan"))],
        "reports": [call(lon=999)],
        "scenes": [Scene("s", 99, "fire", AT)],
    }
    found = record("drill", **bad)
    assert found.rejected == {"bad_place": 1, "not_a_number": 1, "unknown_sensor": 1}
    assert bus.events_of("drill") == []
    told = {(row.kind, row.code, row.count) for row in queries.rejections("drill")}
    assert told == {("reading", "not_a_number", 1), ("report", "bad_place", 1), ("scene", "unknown_sensor", 1)}


def test_a_batch_cut_short_is_completed_and_announced_when_it_is_sent_again(monkeypatch):
    monkeypatch.setattr(actions, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(actions, "_announce", lambda *_: 1 / 0)
    batch = [reading(n) for n in range(5)]
    with pytest.raises(ZeroDivisionError):
        record("drill", readings=batch)
    assert Observation.objects.count() == 4
    monkeypatch.undo()
    assert record("drill", readings=batch).accepted == 1
    assert [event.data["observation_count"] for event in bus.events_of("drill")] == [5]


def test_what_a_caller_said_and_who_called_is_nowhere_in_the_table():
    record(reports=[call()])
    stored = " ".join(str(value) for value in Report.objects.values_list().get())
    assert "13800000000" not in stored
    assert "Chen" not in stored


def test_a_caller_is_the_same_all_day_and_another_the_next_day():
    day = [call(1), call(2, at=AT - timedelta(hours=1)), call(3, at=AT - timedelta(days=1)), call(4, caller="other")]
    record(reports=day)
    found = queries.reports_between(AT - timedelta(days=2), AT)
    digests = [report.caller_digest for report in found]
    assert digests[1] in digests[2:]
    assert len(set(digests)) == 3


def test_calls_that_hide_their_number_count_as_one_caller_for_a_place():
    far = place(500, 0)
    record(reports=[call(1, caller=""), call(2, caller=""), call(3, caller="", lon=far[0], lat=far[1])])
    assert len({report.caller_digest for report in queries.reports_between(AT - timedelta(1), AT)}) == 2


@pytest.mark.parametrize("drawn", [PNG, actions.synthetic_still("ground-collapse", "Nanhai Avenue")])
def test_a_still_is_kept_in_a_private_file(drawn, tmp_path):
    (scene,) = record(scenes=[Scene("s", "camera-3", "ground-collapse", AT, drawn)]).scene_ids
    still = queries.still_of(scene)
    assert still.path.read_bytes() == drawn
    assert still.path.parent == tmp_path
    assert stat.S_IMODE(still.path.stat().st_mode) == 0o600
    assert still.media_type in ("image/png", "image/svg+xml")


def test_a_still_may_lie_ready_in_a_file(tmp_path):
    (tmp_path / "ready.png").write_bytes(PNG)
    (scene,) = record(scenes=[Scene("s", 3, "ground-collapse", AT, tmp_path / "ready.png")]).scene_ids
    assert queries.still_of(scene).path.read_bytes() == PNG


@pytest.mark.parametrize("still", [b"<svg onload='x'/>", b"MZ", PNG + bytes(2 * 1024 * 1024)])
def test_a_bad_still_costs_the_picture_and_not_the_scene(still, tmp_path):
    found = record(scenes=[Scene("s", 3, "ground-collapse", AT, still)])
    assert (found.accepted, found.rejected) == (1, {"bad_still": 1})
    assert queries.still_of(found.scene_ids[0]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_and_a_full_disk_cost_the_picture_and_not_the_scene(tmp_path, settings):
    settings.CITYLOOM = settings.CITYLOOM | {"STILLS_DIR": tmp_path / "gone"}
    found = record(scenes=[Scene("a", 3, "fire", AT, tmp_path / "none.png"), Scene("b", 3, "fire", AT, PNG)])
    assert (found.accepted, found.rejected) == (2, {"bad_still": 1, "still_not_stored": 1})


def test_a_scene_that_is_sent_again_keeps_its_first_picture():
    (scene,) = record(scenes=[Scene("s", 3, "fire", AT, PNG)]).scene_ids
    record(scenes=[Scene("s", 3, "fire", AT, PNG + b"another")])
    assert queries.still_of(scene).path.read_bytes() == PNG


def test_streams_near_a_place_are_found_exactly_and_by_kind():
    assert queries.datastreams_near(LON, LAT, 200.5).id.tolist() == [1, 2, 3]
    assert queries.datastreams_near(LON, LAT, 199.0).id.tolist() == [1, 2]
    assert queries.datastreams_near(LON, LAT, 1_000.0, kinds=["pressure"]).id.tolist() == [1, 4]
    assert len(queries.datastreams_near(0.0, 0.0, 1_000.0)) == 0


def test_a_sensor_out_of_service_is_heard_and_not_used():
    actions.set_service(datastream_ids=[1], in_service=False, by=SYSTEM, at=AT)
    assert record(readings=[reading()]).accepted == 1
    assert queries.datastreams_near(LON, LAT, 50.0).id.tolist() == []
    actions.set_service(datastream_ids=[1], in_service=True, by=SYSTEM, at=AT)
    assert queries.datastreams_near(LON, LAT, 50.0).id.tolist() == [1]


def test_streams_that_stopped_talking_are_silent():
    record(readings=[reading(1, at=AT - timedelta(seconds=301)), reading(2, datastream=4)])
    streams = queries.datastreams([1, 2, 4])
    heard = queries.recent([1, 2, 4], AT - timedelta(minutes=10), AT)
    assert queries.silent_among(streams, heard, AT).tolist() == [True, True, False]


def test_an_exercise_can_be_erased_with_its_pictures_and_the_real_city_cannot(tmp_path):
    for exercise in ("", "drill"):
        record(exercise, readings=[reading()], reports=[call()], scenes=[Scene("s", 3, "fire", AT, PNG)])
    actions.forget(exercise_id="drill", by=SYSTEM, at=AT)
    assert Observation.objects.count() == Report.objects.count() == SceneEvent.objects.count() == 1
    assert len(list(tmp_path.iterdir())) == 1
    with pytest.raises(Refused):
        actions.forget(exercise_id="", by=SYSTEM, at=AT)


def test_every_field_is_classified():
    from django.apps import apps

    for model in apps.get_app_config("signals").get_models():
        assert set(CLASSIFICATION[model.__name__]) == {field.name for field in model._meta.concrete_fields}
