"""Sums of observations by spans of local time: `$apply`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.signals.domain.sensorthings.spans import edges, spans
from cityloom.signals.models import Datastream
from cityloom.signals.sensorthings import united
from tests.examples import a_third_of
from tests.signals.lakes import array, lake, send
from tests.signals.sensing import Api, stream, thing
from tests.signals.test_sensorthings import api

__all__ = ["api", "lake"]
pytestmark = pytest.mark.django_db
MEANS = "groupby((phenomenonTime/day),aggregate(result with average as mean,$count as n))"


@pytest.fixture
def streams(api: Api, lake) -> list[int]:
    """`Rows` in the table, `Columns` in columns: an hour apart from 2026-05-01T20:00Z on, 0 to 7, and a text."""
    api.make("Things", thing(stream("Rows"), stream("Columns")))
    ids = list(Datastream.objects.order_by("id").values_list("id", flat=True))
    rows = [[f"2026-05-0{1 + (20 + hour) // 24}T{(20 + hour) % 24:02}:00:00Z", hour] for hour in range(8)]
    for at, result in [*rows, ["2026-05-01T21:30:00Z", "dry"]]:
        api.make(f"Datastreams({ids[0]})/Observations", {"phenomenonTime": at, "result": result})
    send(api, array(ids[1], *rows))
    return ids


@pytest.mark.parametrize("which", [0, 1])
def test_daily_means_are_those_of_local_days(api, streams, which):
    path = f"Datastreams({streams[which]})/Observations"
    assert api.values(path, apply=MEANS) == [
        {"phenomenonTime": "2026-05-01T00:00:00Z/2026-05-02T00:00:00Z", "mean": 1.5, "n": 4},
        {"phenomenonTime": "2026-05-02T00:00:00Z/2026-05-03T00:00:00Z", "mean": 5.5, "n": 4},
    ]
    answer = api.call("GET", f"{path}?$apply={MEANS.replace(' ', '%20')}&timezone=Asia/Shanghai")
    assert b'"2026-05-02T00:00:00+08:00/2026-05-03T00:00:00+08:00","mean":3.5,"n":8' in answer.content


def test_sums_are_by_stream_and_over_all_with_a_condition_in_front(api, streams):
    one, two = streams
    figures = "aggregate(result with min as low,result with max as high,result with sum as total)"
    asked = f"filter(result ge 2 and Datastream/name ne 'x')/groupby((Datastream),{figures})"
    found = api.values("Observations", apply=asked)
    assert found == [{"Datastream": {"@iot.id": key}, "low": 2, "high": 7, "total": 27} for key in (one, two)]
    assert api.values("Observations", apply="aggregate($count as n,result with average as mean)") == [
        {"n": 16, "mean": 3.5}]  # fmt: skip
    assert api.values("Observations", apply="filter(hour(phenomenonTime) eq 21)/aggregate($count as n)") == [{"n": 2}]
    assert api.values("Observations", apply="filter(result gt 99)/aggregate($count as n)") == []
    assert len(api.values("Observations", apply="groupby((time/hour(2),Datastream/@iot.id))")) == 8


def test_sums_come_in_pages(api, streams):
    path = f"Datastreams({streams[1]})/Observations"
    page = api.get(path, apply="groupby((time/hour),aggregate(result with sum as s))", top="5")
    rest = api.call("GET", page["@iot.nextLink"]).json()
    assert [row["s"] for row in page["value"] + rest["value"]] == list(range(8))
    assert "@iot.nextLink" not in rest


@pytest.mark.parametrize(
    "options",
    [
        {"apply": "topcount(3,result)"}, {"apply": "groupby((result))"}, {"apply": "groupby((time/decade))"},
        {"apply": "groupby((time/minute(0)))"}, {"apply": "groupby((time/day(2)))"}, {"apply": "groupby((time/day"},
        {"apply": "aggregate(result with median as m)"}, {"apply": "aggregate(result with sum as a,$count as a)"},
        {"apply": "aggregate($count as phenomenonTime)"}, {"apply": "filter(result gt)/aggregate($count as n)"},
        {"apply": "filter(result gt 1"}, {"apply": "aggregate($count as n)", "filter": "result gt 1"},
        {"apply": "aggregate($count as n)", "orderby": "result"}, {"apply": ""}, {"apply": "groupby(" * 500},
    ],
)  # fmt: skip
def test_what_cannot_be_summed_up_is_refused_with_a_sentence(api, streams, options):
    assert api.get("Observations", status=400, **options)["message"].endswith(".")
    assert api.get("Things", status=400, apply="aggregate($count as n)")["message"].endswith(".")


def test_a_zone_that_there_is_not_is_refused(api, streams):
    answer = api.call("GET", "Observations?$apply=groupby((time/hour))&timezone=Mars/Base")
    assert (answer.status_code, "Mars/Base" in answer.json()["message"]) == (400, True)


_ZONES = ["UTC", "Asia/Shanghai", "Europe/Zurich", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"]


@given(
    at=st.lists(st.integers(-315_619_200_000_000, 2_208_988_800_000_000), min_size=1, max_size=30),
    zone=st.sampled_from(_ZONES), unit=st.sampled_from(["year", "month", "week", "day", "hour", "minute"]),
)  # fmt: skip
def test_each_instant_lies_in_its_span_which_begins_where_local_clocks_begin_one(at, zone, unit):
    where, epoch = ZoneInfo(zone), datetime(1970, 1, 1, tzinfo=UTC)
    found = spans(np.array(at, np.int64), unit, 1, where)
    for one, number in zip([epoch + timedelta(microseconds=us) for us in at], found.number.tolist(), strict=True):
        begin, end = map(datetime.fromisoformat, found.text[number].split("/"))
        assert begin <= one < end
        local, shown = one.astimezone(where), begin.astimezone(where)
        parts = {"year": 1, "month": 2, "week": 0, "day": 3, "hour": 4, "minute": 5}[unit]
        assert shown.timetuple()[:parts] == local.timetuple()[:parts]
        if unit == "week":
            assert (shown.weekday(), (local.date() - shown.date()).days) == (0, local.weekday())


@settings(max_examples=a_third_of(40))
@given(st.integers(0, 4_102_444_800), st.lists(st.integers(0, 40_000_000), min_size=1, max_size=20), st.sampled_from([
    "UTC", "Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Pacific/Apia",
    "Australia/Lord_Howe"]), st.sampled_from(["day", "week", "month", "year"]))  # fmt: skip
def test_edges_part_instants_as_their_spans_do(first, seconds, name, unit):
    zone, at_us = ZoneInfo(name), np.sort(np.array(seconds, np.int64) + first) * 1_000_000
    found = edges(int(at_us[0]), int(at_us[-1]), unit, zone, 200_000)
    place = np.searchsorted(found, at_us, side="right") - 1
    assert place[0] == 0
    assert at_us[-1] < found[-1]
    whole = spans(np.r_[at_us, np.array(found)[place]], unit, 1, zone)
    begins, own = whole.number[len(at_us):], whole.number[: len(at_us)]
    assert begins.tolist() == own.tolist()


def test_what_the_database_adds_up_is_what_rows_come_to(api, streams, monkeypatch):
    path = f"Datastreams({streams[0]})/Observations"
    every = "groupby((phenomenonTime/{}),aggregate(result with average as m,result with min as l,result with max as h" \
            ",result with sum as s,$count as n))"  # fmt: skip
    asked = [{"apply": f"{every.format(unit)}&timezone={zone}"} for unit in ("day", "week", "month", "year")
             for zone in ("UTC", "Asia/Shanghai")]  # fmt: skip
    asked += [{"apply": "filter(result gt 2)/" + every.format("day")},
              {"apply": "aggregate(result with average as m,$count as n)"}]  # fmt: skip
    plain = [api.values(path, **one) for one in asked]
    monkeypatch.setattr(united, "_FEWEST_ADDED_UP", 0)
    monkeypatch.setattr(united, "_ROWS_A_SPAN", 0)
    assert [api.values(path, **one) for one in asked] == plain
    assert plain[-1] == [{"m": 3.5, "n": 8}]
