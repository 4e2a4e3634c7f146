"""What happened and was not detected is noted, and the scorecard's recall counts it."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from cityloom.bus import queries as bus
from cityloom.detection import actions
from cityloom.detection.domain.scorecard import lines, wilson
from cityloom.detection.models import Miss
from cityloom.detection.trust.misses import Event
from cityloom.emergency import actions as emergency
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.detection.test_judging import OFFICER, found, judge, quick_passwords  # noqa: F401
from tests.registers.test_record_pages import client

pytestmark = pytest.mark.django_db
PAGE = "/detections/missed/"


def event(category: str = "pipe-burst", *, lon: float = 114.05, days: float = 2, source: str = "crew") -> Event:
    return Event(category, lon, 22.54, clock.now() - timedelta(days=days), source)


def note(one: Event, by: Actor = OFFICER) -> str:
    return actions.note_miss(one, by=by, at=clock.now())


def told() -> list[str]:
    return [one.type.split(".")[-2] for one in bus.events_of("") if "Miss" in one.type]


def test_recall_is_what_was_raised_of_all_that_is_known_to_have_happened():
    (leak,) = lines([], 7 * 86_400, {"leak": 3})
    assert (leak.recall, leak.real, leak.recall_low) == (0.0, 3, 0.0)
    for key in "abc":
        judge(found(key, category="pipe-burst"), "confirmed")
    judge(found("d", category="pipe-burst"), "false")
    note(event())
    there = client("duty-officer")
    low, high = wilson(3, 4)
    page = there.get("/detections/scorecard/", {"period": "week"}).content.decode()
    assert "75 %" in page
    assert f"{100 * low:.0f} % – {100 * high:.0f} %" in page
    text = there.get("/detections/scorecard/export/", {"period": "week"}).content.decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["missed"], row["recall"], row["confirmed"]) == ("1", "0.75", "3")


@pytest.mark.parametrize("one, code", [
    (event(lon=114.001, days=1), "was_detected"), (event(days=-1), "miss_later"),
    (event(source="rumour"), "miss_source"),
])  # fmt: skip
def test_what_is_no_miss_is_refused_and_says_what_to_do(one, code):
    found(category="pipe-burst")  # at 114.0, 22.5, a day ago
    one = Event(one.category, one.lon, 22.5, one.happened_at, one.source)
    with pytest.raises(Refused) as refusal:
        note(one)
    assert refusal.value.code == f"detection.{code}"
    assert not Miss.objects.exists()
    note(event(lon=114.2))  # further off it is another event


def test_one_event_is_one_miss_until_it_is_taken_back():
    key = note(event())
    with pytest.raises(Refused, match=key):
        note(event(lon=114.0505))
    actions.withdraw_miss(miss_id=key, by=OFFICER, at=clock.now())
    with pytest.raises(Refused, match="no such note"):
        actions.withdraw_miss(miss_id=key, by=OFFICER, at=clock.now())
    note(event(lon=114.0505))
    assert told() == ["MissNoted", "MissWithdrawn", "MissNoted"]
    with pytest.raises(Refused, match="duty officers and supervisors"):
        note(event(lon=114.3), Actor("water", "city/water", frozenset({"department-water"})))


def test_an_incident_that_no_detection_led_to_is_a_miss_once(monkeypatch):
    monkeypatch.setattr("cityloom.emergency.actions.registers.area_words", lambda *_: {"en": "", "zh-Hans": ""})
    at, key = clock.now(), found("known", category="fire")
    for detection_id in ("by-hand", "by-hand", key):
        emergency.open_incident(detection_id=detection_id, category="fire", lon=114.2, lat=22.5, first_signal_at=at,
                                by=SYSTEM, at=at)  # fmt: skip
    (row,) = Miss.objects.all()
    assert (row.source, row.kind, row.exercise_id) == ("incident", "incident", "")


def test_the_page_takes_a_note_and_asks_again_for_what_is_wrong(monkeypatch):
    class City:
        bounds = (114.0, 22.4, 114.2, 22.6)
        is_synthetic, attribution, timezone, name = True, "", "Asia/Shanghai", "Somewhere"

    monkeypatch.setattr("cityloom.detection.forms.registers.city", City)
    there = client("duty-officer")
    sent = {"category": "pipe-burst", "place": "114.05, 22.54", "happened_at": "2026-11-02T14:30", "source": "call"}
    for wrong, words in (({"place": "9.9 9.9"}, "outside the city"), ({"happened_at": "noon"}, "Write a day and"),
                         ({"category": "dragons"}, "Error:"), ({"happened_at": "2199-01-01T00:00"}, "not over yet"),
                         ({"source": "incident"}, "Error:")):  # fmt: skip
        answer = there.post(PAGE, sent | wrong)
        assert answer.status_code == 422
        assert words in answer.content.decode(), words
    assert there.post(PAGE, sent).status_code == 302
    page = there.get(PAGE).content.decode()
    assert "1 event was missed" in page
    assert there.post(f"{PAGE}{Miss.objects.get().id}/withdraw/").status_code == 302
    assert "0 events were missed" in there.get(PAGE).content.decode()
