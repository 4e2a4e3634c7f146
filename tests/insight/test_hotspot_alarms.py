"""The daily watch over the city's own cases: who is asked what, what is not told, and what offices answer."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from cityloom.accounts.models import Account
from cityloom.bus.models import OutboxEvent
from cityloom.cases.figures.places import counts_by_place
from cityloom.cases.models import Case
from cityloom.insight import actions, queries
from cityloom.insight.actions import Watch
from cityloom.insight.alarms import outlook
from cityloom.insight.models import HotspotAlarm, HotspotLook
from cityloom.kernel import cells, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper, keeper, officials

__all__ = ["keeper", "officials"]
pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
WATCH = Watch(ahead=3, past=42, simulations=99, per_year=20)
EAST, NORTH = 0.005, 0.0045
"""Half a kilometre: each place is a cell of its own."""


def drawn(rise: int = 14, more: int = 0, **change: object) -> None:
    """Requests of 45 days in 16 places: two categories, and a rise of one in the last three days around one place."""
    chance, rows = np.random.default_rng(1), list[Case]()
    for days in range(1, WATCH.days + 1):
        at = NOW - timedelta(days=days)
        for place in range(16):
            lon, lat = 114.05 + EAST * (place % 4), 22.54 + NORTH * (place // 4)
            for category, mean in (("water-leak", 0.35), ("noise", 0.5)):
                extra = rise if category == "water-leak" and place in (5, 6) and days <= 3 else 0
                many = int(chance.poisson(mean)) + extra // 3
                rows += [_case(category, lon, lat, at, len(rows) + more + one, **change) for one in range(many)]
    Case.objects.bulk_create(rows)


def _case(category: str, lon: float, lat: float, at: datetime, number: int, **change: object) -> Case:
    key = ids.named_id("hotspot-test", str(number) + str(sorted(change)))
    return Case(**{
        "id": key, "casetype": "request", "version": 2, "state": "received", "category": category, "lon": lon,
        "lat": lat,
        "confidentiality": "internal", "unit": "city/water", "branch_1": "city", "branch_2": "city/water",
        "cell": cells.cell_of(lon, lat), "opened_at": at, "changed_at": at, "rank": 0, "matter": key, "origin": "web",
    } | change)  # type: ignore[arg-type]  # fmt: skip


def raised() -> HotspotAlarm:
    found = actions.look_for_hotspots(by=SYSTEM, at=NOW, watch=WATCH)
    assert len(found.raised) == 1 and found.categories == 2
    return HotspotAlarm.objects.get()


def test_cases_are_counted_by_place_category_and_day_and_nobody_is_in_it(officials: Officials) -> None:
    day = NOW - timedelta(days=1)
    rows = [_case("noise", 114.05, 22.54, day, number) for number in range(3)]
    rows += [_case("noise", 114.09, 22.54, day - timedelta(days=1), 9)]
    left_out = [{"made_up": True}, {"exercise_id": "0" * 26}, {"confidentiality": "secret"}, {"result": "withdrawn"},
                {"matter": "another"}, {"cell": None}, {"opened_at": NOW + timedelta(days=2)}]  # fmt: skip
    rows += [_case("noise", 114.05, 22.54, day, 20 + at, **one) for at, one in enumerate(left_out)]
    Case.objects.bulk_create(rows)
    today = timezone.localtime(NOW).date()
    found = counts_by_place("request", today - timedelta(days=2), today, 9)
    assert found.counts.sum() == 4 and found.counts.shape == (1, 2, 2) and found.units == {"noise": {"city/water": 4}}
    assert sorted(found.counts[0].tolist()) == [[0, 3], [1, 0]]
    empty = counts_by_place("permit", today - timedelta(days=2), today, 9)
    assert empty.counts.size == 0 and empty.categories == []


def test_the_office_that_answers_is_asked_about_the_place(officials: Officials) -> None:
    drawn()
    alarm = raised()
    assert (alarm.category, alarm.observed >= 8, alarm.observed > 3 * alarm.expected) == ("water-leak", True, True)
    assert (
        str(cells.cell_of(114.055, 22.5445, 9)) in alarm.cells or str(cells.cell_of(114.06, 22.5445, 9)) in alarm.cells
    )
    assert alarm.since_on >= timezone.localtime(NOW).date() - timedelta(days=3)
    assert [one[0] for one in alarm.others] == ["noise"]
    told = [week[1] for week in alarm.weeks] + [one[1] for one in alarm.others]
    assert all(one is None or one == 0 or one >= 8 for one in told)
    event = OutboxEvent.objects.get(type__contains="HotspotRaised")
    assert not re.search(r"case|report|account|words", str(sorted(event.data)))
    risk = outlook.risks("city", NOW)[0]
    assert alarm.id in risk.url and risk.unit == alarm.unit and outlook.risks("city/gas", NOW) == []
    assert queries.open_hotspots_in("city") == [alarm] and "water" in queries.hotspots_in_words([alarm.id])[0].lower()


def test_the_same_day_tells_nothing_twice_and_a_day_is_looked_at_once(officials: Officials) -> None:
    drawn()
    today = timezone.localtime(NOW).date()
    assert queries.is_hotspot_look_due(today)
    raised()
    again = actions.look_for_hotspots(by=SYSTEM, at=NOW + timedelta(hours=1), watch=WATCH)
    assert not again.raised and not again.renewed and not queries.is_hotspot_look_due(today)
    assert HotspotLook.objects.get().cases == again.cases
    HotspotAlarm.objects.update(until_on=today - timedelta(days=5))
    assert actions.look_for_hotspots(by=SYSTEM, at=NOW, watch=WATCH).renewed == [HotspotAlarm.objects.get().id]


def test_without_a_rise_nobody_is_asked(officials: Officials) -> None:
    drawn(rise=0)
    assert not actions.look_for_hotspots(by=SYSTEM, at=NOW, watch=WATCH).raised
    assert not actions.look_for_hotspots(by=SYSTEM, at=NOW + timedelta(days=400), watch=WATCH).cases
    with pytest.raises(Refused, match="reviewed by"):
        actions.look_for_hotspots(by=officials["clerk"], at=NOW)


def test_an_office_answers_once_with_a_reason_and_may_open_a_case(officials: Officials, keeper: OpenKeeper) -> None:
    drawn()
    alarm = raised()
    HotspotAlarm.objects.update(unit="city/water")
    say = {"alarm_id": alarm.id, "answer": "opened", "reason": "The main lies open in two streets", "at": NOW}
    for who, match in (("clerk", "read by the office"), ("auditor", "office that answers")):
        with pytest.raises(Refused, match=match):
            actions.answer_hotspot(**say, by=officials[who])
    for change, match in (({"answer": "x"}, "one of"), ({"reason": "a"}, "how you know")):
        with pytest.raises(Refused, match=match):
            actions.answer_hotspot(**say | change, by=officials["water"])
    assert len(queries.hotspots_to_answer(officials["water"], NOW)) == 1
    case = actions.answer_hotspot(**say, by=officials["water"])
    assert Case.objects.get(id=case).unit == "city/water"
    with pytest.raises(Refused, match="answered already"):
        actions.answer_hotspot(**say, by=officials["water"])
    assert queries.hotspots_to_answer(officials["water"], NOW) == []
    assert not actions.look_for_hotspots(by=SYSTEM, at=NOW + timedelta(hours=2), watch=WATCH).raised
    assert OutboxEvent.objects.filter(type__contains="HotspotAnswered").count() == 1


def page(who: Actor, path: str, language: str = "en", **more: object) -> str:
    client = Client(headers={"accept-language": language})
    client.post("/sign-in/demo/", {"account": Account.objects.get(id=who.account).pk})
    found = client.post(path, more) if more else client.get(path)
    return f"{found.status_code} {found.content.decode()}"


@pytest.mark.parametrize(("language", "words"), [("en", "what has changed at"), ("zh-hans", "发生了什么变化")])
def test_pages_show_the_question_the_map_and_the_form(officials: Officials, language: str, words: str) -> None:
    drawn()
    alarm = raised()
    HotspotAlarm.objects.update(unit="city/water")
    address = f"/insight/hotspots/{alarm.id}/"
    listed = page(officials["water"], "/insight/hotspots/", language)
    assert listed.startswith("200") and address in listed and "<svg" in listed
    shown = page(officials["water"], address, language)
    assert shown.startswith("200") and 'name="answer"' in shown and shown.count("<svg") >= 2 and words in shown
    assert "case handler, a desk or a supervisor" in page(officials["auditor"], address)
    assert "read by the office" in page(officials["clerk"], address)
    refused = page(officials["water"], f"{address}answer/", answer="nothing", reason="a")
    assert refused.startswith("422") and "write nobody" in refused
    page(officials["water"], f"{address}answer/", answer="nothing", reason="We looked, it is dry")
    assert HotspotAlarm.objects.get().answer == "nothing"
    assert "We looked, it is dry" in page(officials["auditor"], address)
    assert "1 raised, 1 answered, 0 of use" in page(officials["auditor"], "/insight/hotspots/")
