"""What is told of causes: once, where it lasts, and not what comes back with the hour or what all sensors do."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.detection.domain import weighing
from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.evidence import Evidence
from cityloom.detection.domain.firing import Recorded
from cityloom.detection.domain.gathering import Finding, findings
from cityloom.detection.domain.lasting import Lasting
from cityloom.detection.domain.lately import Lately
from cityloom.detection.domain.recurring import Recurring
from cityloom.detection.domain.replaying import would_tell
from cityloom.detection.domain.said import heard
from cityloom.detection.domain.topology import Network
from cityloom.detection.queries import shipped_causes
from tests.detection.drawn_networks import NOW, PLANE, all_of, call, said
from tests.examples import a_third_of

CAUSES = {cause.name: cause for cause in shipped_causes()}
DAY_S, HOUR_S = 86_400.0, 3600.0
THURSDAY_S = 0.0


def finding(*sources: str, x: float = 0.0, category: str = "jam") -> Finding:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    evidence = tuple(Evidence("traffic_speed", f"datastream:{source}", 0, 0, at, 5.0) for source in sources)
    lon, lat = PLANE.lonlat(np.array([[x, 0.0]]))[0].tolist()
    return Finding(category, 0.99, 5.0, lon, lat, 100.0, at, at, (), evidence)


def looked(lasting: Lasting, *looks: list[Finding]) -> list[int]:
    """How many findings each of the looks tells, five minutes apart."""
    return [len(lasting.told(found, at * 300.0)) for at, found in enumerate(looks)]


def test_a_finding_is_told_when_it_has_lasted_and_then_not_again():
    one = [finding("a", "b")]
    assert looked(Lasting({"jam": 600}), one, one, one, one) == [0, 0, 1, 0]


def test_what_goes_on_is_given_again_to_those_who_keep_what_was_told():
    one, lasting = [finding("a", "b")], Lasting({"jam": 600})
    assert [len(lasting.lasted(one, at * 300.0)) for at in range(4)] == [0, 0, 1, 1]


def test_a_flash_is_not_told():
    assert looked(Lasting({"jam": 600}), [finding("a")], [], [], [finding("a")], []) == [0] * 5


def test_what_moves_on_over_shared_sources_is_the_same():
    moving = ([finding("a", "b")], [finding("b", "c", x=5000)], [finding("c", "d", x=9000)])
    assert looked(Lasting({}), *moving) == [1, 0, 0]


def test_what_shares_no_source_and_what_comes_back_hours_later_are_news():
    lasting = Lasting({})
    assert looked(lasting, [finding("a", "b"), finding("x", "y", x=9000)]) == [2]
    assert len(lasting.told([finding("a", "b")], 3 * HOUR_S)) == 1


def jams(days: int, *, seed: int = 3) -> Recurring:
    """A road on which it goes at 90 km/h, and at about 30 from eight to nine on workdays, sooner or later."""
    known, chance = Recurring(1, Calendar()), np.random.default_rng(seed)
    for day in range(days):
        late = chance.uniform(-0.3, 0.3) * HOUR_S
        for at in np.arange(0, DAY_S, 300):
            now = THURSDAY_S + day * DAY_S + at
            is_slow = day % 7 not in (2, 3) and 8 * HOUR_S <= at + late < 9 * HOUR_S
            known.learn(now, np.array([30.0 if is_slow else 90.0]))
    return known


def test_a_jam_that_comes_back_each_workday_is_usual_then_and_only_then():
    known = jams(5)
    monday = THURSDAY_S + 4 * DAY_S
    low, high = known.usual(monday + 7 * DAY_S + 8.2 * HOUR_S)
    assert (low[0], high[0]) == (30, 90)
    assert known.usual(monday + 7 * DAY_S + 12 * HOUR_S)[0][0] == 90
    saturday = THURSDAY_S + 9 * DAY_S
    assert known.usual(saturday + 8.2 * HOUR_S)[0][0] == 90


def test_readings_that_come_in_any_order_and_amount_teach_the_same():
    chance, one, other = np.random.default_rng(4), Recurring(3, Calendar()), Recurring(1, Calendar())
    other.grow(3)
    at_s = np.repeat(np.arange(0, 6 * DAY_S, 1800.0), 3)
    rows, value = np.tile(np.arange(3), len(at_s) // 3), chance.uniform(0, 100, len(at_s))
    for at in np.unique(at_s).tolist():
        one.learn(at, value[at_s == at])
    for part in np.array_split(np.arange(len(at_s)), 7):
        mixed = chance.permutation(part)
        other.take(rows[mixed], at_s[mixed], value[mixed])
    for hour in (0.1, 8.2, 23.9):
        assert [each.tolist() for each in one.usual(7 * DAY_S + hour * HOUR_S)] == [
            each.tolist() for each in other.usual(7 * DAY_S + hour * HOUR_S)]  # fmt: skip


def jammed_each_morning(days: int, accident_on: int) -> Recorded:
    """Six detectors 300 m apart: three slow for an hour each morning, sooner or later, and at noon of one day."""
    chance, at_s = np.random.default_rng(5), np.arange(0, days * DAY_S, 300.0)
    hour, day = at_s % DAY_S / HOUR_S, at_s // DAY_S
    value = 90 + chance.normal(0, 1.5, (6, len(at_s)))
    begins = np.array([8.4, 7.6, 8.3, 7.7, 8.0])[day.astype(int)]
    value[:3, (hour >= begins) & (hour < begins + 0.7)] = 25
    value[:3, (day == accident_on) & (hour >= 12) & (hour < 13)] = 25
    lonlat = PLANE.lonlat(np.column_stack([np.arange(6) * 300.0, np.zeros(6)]))
    names = np.array([f"d{at}" for at in range(6)], object)
    texts = [np.array([text] * 6, object) for text in ("traffic_speed", "km/h")]
    stream, when = np.repeat(np.arange(6), len(at_s)), np.tile(at_s, 6) + 4 * DAY_S
    return Recorded(stream, when, value.ravel(), names, *texts, *lonlat.T)


def test_a_jam_of_each_morning_wakes_nobody_once_it_is_known_and_the_accident_at_noon_does():
    told = would_tell(CAUSES["traffic-incident"], jammed_each_morning(5, 4), heard([]), lambda _: None)
    of_last_day = [one.at.hour for one in told if one.at.timestamp() >= 8 * DAY_S]
    assert of_last_day == [12]


def test_what_comes_back_with_the_hour_is_known_after_a_restart():
    lately = Lately()
    lately.grow(3)
    lately.follow(np.array([True, False, True]), Calendar())
    lately.recurring.take(np.array([0, 1]), np.full(2, 12 * HOUR_S), np.array([30.0, 40.0]))
    again = Lately.load(lately.save()).see(DAY_S + 12 * HOUR_S)
    assert again.low[[0, 2]].tolist() == [30, 40]
    assert np.isnan(again.low[1])
    assert again.still().high[0] == 30
    again.grow(4)
    again.follow(np.array([True, False, True, True]), Calendar())
    assert again.place.tolist() == [0, -1, 1, 2]


def test_one_wild_day_of_three_is_not_usual():
    known = Recurring(1, Calendar())
    for day, value in ((0, 90.0), (1, 10.0), (4, 88.0)):
        known.learn(day * DAY_S + 12 * HOUR_S, np.array([value]))
    assert known.usual(5 * DAY_S + 12 * HOUR_S)[0][0] == 88


def test_nothing_is_usual_before_a_day_of_its_kind_and_a_silent_stream_is_unknown():
    known = Recurring(2, Calendar())
    known.learn(12 * HOUR_S, np.array([90.0, np.nan]))
    assert np.isnan(known.usual(12 * HOUR_S)[0]).all()
    low, _ = known.usual(DAY_S + 12 * HOUR_S)
    assert low[0] == 90
    assert np.isnan(low[1])


def test_a_road_that_is_as_slow_as_usual_at_this_hour_is_no_incident():
    slow = [("a", 400, 400, -9), ("b", 600, 400, -8), ("e", 400, 600, -7)]
    what = said(*slow, *((f"{x}", x, 1600, 0.2) for x in range(0, 1600, 200)), kind="traffic_speed", unit="km/h",
                usual=60, spread=5)  # fmt: skip
    usual = dataclasses.replace(what, low=np.full(len(what), 10.0), high=np.full(len(what), 65.0))
    assert findings([CAUSES["traffic-incident"]], {}, what, heard([]), NOW)
    assert not findings([CAUSES["traffic-incident"]], {}, usual, heard([]), NOW)


@given(st.lists(st.floats(-20, 20), min_size=5, max_size=40), st.floats(-9, 9))
@settings(max_examples=a_third_of(50), deadline=None)
def test_what_all_sensors_do_is_never_more_than_seven_in_ten_of_them_do(rest, by):
    values = np.array(rest) + by
    taken = weighing.common(values)
    agreeing = (np.sign(values) == np.sign(taken)) & (np.abs(values) >= abs(taken) - 1e-9)
    assert taken == 0 or agreeing.mean() >= 0.6


def test_a_burst_in_the_hour_in_which_all_draw_water_is_found_and_the_hour_alone_is_none():
    near = [("a", 400, 400, -14), ("b", 800, 400, -12), ("c", 600, 800, -9)]
    far = [(f"f{x}{y}", x, y, -5.0) for x in range(6000, 9000, 600) for y in range(0, 1800, 600)]
    assert findings([CAUSES["pipe-burst"]], {}, said(*near, *far), heard([]), NOW)
    assert not findings([CAUSES["pipe-burst"]], {}, said(*far), heard([]), NOW)


def one_way() -> Network:
    """Three kilometres of a one-way road from west to east, in pieces of 500 m."""
    lonlat = PLANE.lonlat(np.column_stack([np.arange(7) * 500.0, np.zeros(7)]))
    names = np.array([f"r{at}" for at in range(6)], object)
    return Network(np.arange(7).astype(str).astype(object), lonlat[:, 0], lonlat[:, 1], names, np.arange(6),
                   np.arange(1, 7), np.full(6, 500.0), directed=True)  # fmt: skip


def test_on_a_one_way_road_a_detector_feels_what_lies_ahead_of_it_only():
    network = one_way()
    reached = network.to_edges(np.array([3]), upstream=True)[0]
    assert np.isfinite(reached).tolist() == [False, False, False, True, True, True]
    what = said(("z", 0, 0, -9), ("a", 500, 0, -9), ("b", 1000, 0, -9), ("c", 2500, 0, 0.1),
                kind="traffic_speed", unit="km/h", usual=90, spread=5)  # fmt: skip
    one, = findings([CAUSES["traffic-incident"]], {"road": network}, what, heard([]), NOW)
    x, _ = PLANE.xy(np.array([one.lon]), np.array([one.lat]))[0]
    assert 900 <= x <= 2600


def test_of_many_cells_of_rain_the_nearest_alone_counts():
    level = said(("w1", 500, 500, 12), kind="water_level", unit="m", usual=0.2, spread=0.05)
    calls = heard([call(1, "flooding", 520, 480), call(2, "flooding", 450, 560)])
    few = said(("r0", 400, 400, 14), kind="rain", unit="mm/h", usual=0.0, spread=4.0)
    many = said(*((f"r{at}", 400 + at * 40, 400, 14) for at in range(12)), kind="rain", unit="mm/h", usual=0.0,
                spread=4.0)  # fmt: skip
    one, same = (findings([CAUSES["flooding"]], {}, all_of(rain, level), calls, NOW)[0] for rain in (few, many))
    assert same.score == pytest.approx(one.score, abs=0.1)
    assert len([item for item in same.evidence if item.kind == "rain"]) <= 2


def test_a_large_plume_is_one_finding():
    plume = [(f"m{x}{y}", x * 400, y * 400, 60 / (1 + (np.hypot(x - 5, y - 5) * 400 / 200) ** 2)) for x in range(11)
             for y in range(11)]  # fmt: skip
    assert len(findings([CAUSES["gas-leak"]], {}, said(*plume, kind="methane", unit="%", usual=0.5, spread=0.5),
                        heard([]), NOW)) == 1  # fmt: skip
