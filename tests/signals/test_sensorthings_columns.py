"""Observations sent in bulk: kept in columns, and to whoever asks the same as any others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.lake.table import Table
from cityloom.signals import actions
from cityloom.signals.models import Datastream, Observation, ObservationCount
from cityloom.signals.readings import owning, tally_file
from cityloom.signals.readings.store import OBSERVATIONS, WEB, Store
from cityloom.signals.sensorthings import beside, counting, uploading
from cityloom.signals.sensorthings.observing import Observed, feature_of
from tests.signals.drawn import sites
from tests.signals.lakes import array, lake, send
from tests.signals.sensing import Api, stream, thing
from tests.signals.test_sensorthings import AT, api

__all__ = ["api", "lake"]
pytestmark = pytest.mark.django_db
NAMES = ("Level", "Flow", "Rain")
KEYS = ("@iot.id", "@iot.selfLink", "Datastream@iot.navigationLink", "FeatureOfInterest@iot.navigationLink")


def time(minute: int) -> str:
    return f"2026-05-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"


@pytest.fixture
def level(api: Api, lake: Path) -> int:
    api.make("Things", thing(stream()))
    return Datastream.objects.get().id


def is_row(link: str) -> bool:
    """Whether a link leads to a row of the table."""
    return re.fullmatch(r"Observations\(\d+\)", link) is not None


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what tells where an observation lies."""
    return [{name: value for name, value in row.items() if name not in KEYS and "nextLink" not in name} for row in rows]


def test_what_is_sent_in_bulk_is_there_at_once_under_a_link_of_its_own(api, level):
    links = send(api, array(level, [time(0), 1], [time(5), 2.5]))
    assert links == [f"Observations('{level}-1777593600000000')", f"Observations('{level}-1777593900000000')"]
    assert Observation.objects.count() == 0
    found = api.get(links[1], expand="Datastream,FeatureOfInterest")
    assert (found["result"], found["phenomenonTime"], found["@iot.id"]) == (2.5, time(5), f"{level}-1777593900000000")
    assert (found["Datastream"]["name"], found["FeatureOfInterest"]["name"]) == ("Level", "Gauge 7")
    assert api.get(f"{links[1]}/result") == {"result": 2.5}
    assert api.get(f"{links[1]}/Datastream/Thing")["name"] == "Weir"
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 2
    assert api.get(f"Datastreams({level})")["phenomenonTime"] == f"{time(0)}/{time(5)}"
    assert json.loads(api.call("GET", found["@iot.selfLink"]).content)["result"] == 2.5


def test_the_same_again_is_the_same_and_another_result_is_one_of_its_own(api, level):
    first = send(api, array(level, [time(0), 1], [time(1), 2]))
    again = send(api, array(level, [time(0), 1], [time(1), 3], [time(2), 4], [time(2), 4], [time(2), 5]))
    assert again[0] == first[0]
    assert is_row(again[1]) and is_row(again[4]) and again[1] != again[4]
    assert again[2] == again[3]
    rows = api.values(f"Datastreams({level})/Observations", select="result")
    assert sorted(one["result"] for one in rows) == [1, 2, 3, 4, 5]


def test_what_says_more_than_a_number_is_a_row_and_what_is_wrong_says_why(api, level):
    names = ("phenomenonTime", "result", "resultTime", "FeatureOfInterest/id")
    feature = api.make("FeaturesOfInterest", {"name": "Bank", "description": "", "encodingType": "text/plain",
                                              "feature": "bank"})  # fmt: skip
    links = send(
        api, array(level, [time(0), 1, None, None], [time(1), "wet", None, None], [time(2), 3, time(3), None],
                   [time(4), 4, None, feature], ["2026-05-01T00:05:00", 5, None, None], [time(6), 6], "seven",
                   [f"{time(7)}/{time(8)}", 8, None, None], ["1970-01-01T00:00:00Z", 9, None, None],
                   ["2106-02-07T06:28:15Z", 9, None, None], ["2026-05-01T08:09:00+08:00", 9, None, None],
                   [time(10), 10**400, None, None], names=names),
        array(99, [time(0), 1]), array(level, [time(11)], names=("phenomenonTime",)),
    )  # fmt: skip
    kinds = ["columns" if "'" in one else "error" if one.startswith("error: ") else "row" for one in links]
    assert kinds == ["columns", "row", "row", "row", "error", "error", "error", "row", "error", "error", "columns",
                     "error", "error", "error"]  # fmt: skip
    assert "time zone" in links[4]
    assert "clock" in links[8] and "clock" in links[9]
    assert "Datastream 99" in links[12]
    assert api.get(links[10])["phenomenonTime"] == time(9)
    assert len(api.values(f"FeaturesOfInterest({feature})/Observations")) == 1
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 6


def test_a_clock_that_was_never_set_is_refused_for_single_observations_too(api, level):
    body = {"result": 1, "phenomenonTime": "1970-01-01T00:00:05Z"}
    assert "never set" in api.post(f"Datastreams({level})/Observations", body, 400)["message"]
    assert api.make(f"Datastreams({level})/Observations", body | {"phenomenonTime": "1850-01-01T00:00:00Z"})


@pytest.mark.parametrize(
    "body",
    ['[{"Datastream"', '[{"Datastream":{"@iot.id":1},"components":["result"],"dataArray":[[NaN]]}]', "{}",
     '[{"Datastream":{"@iot.id":1}}]', '["\\u0000"]', b"[\xff]", "[" * 5_000],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(api, level, body):
    answer = api.call("POST", "CreateObservations", body)
    assert answer.status_code == 400
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 0


def test_too_many_at_once_are_refused_and_none_is_kept(api, level, monkeypatch):
    monkeypatch.setattr(uploading, "MOST_ROWS", 3)
    rows = [[time(minute), minute] for minute in range(4)]
    assert "send several" in api.post("CreateObservations", [array(level, *rows)], 400)["message"]
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 0


def test_where_the_disk_is_full_nothing_is_kept_of_columns_and_rows(api, level, monkeypatch):
    def full(*_: Any, **__: Any) -> None:
        raise Refused("lake.disk_full", "The disk of the lake is full.")

    monkeypatch.setattr(Store, "take", full)
    api.post("CreateObservations", [array(level, [time(0), 1], [time(1), "wet"])], 400)
    assert Observation.objects.count() == 0


def test_one_in_columns_can_be_deleted_but_not_changed_and_may_come_again(api, level):
    links = send(api, array(level, [time(0), 1], [time(1), 2], [time(2), 3]))
    assert api.call("PATCH", links[0], {"result": 9}).status_code == 400
    assert api.call("DELETE", links[0]).status_code == 200
    assert (api.call("GET", links[0]).status_code, api.call("DELETE", links[0]).status_code) == (404, 404)
    found = api.get("Observations", count="true", select="result", orderby="phenomenonTime")
    assert (found["@iot.count"], [one["result"] for one in found["value"]]) == (2, [2, 3])
    assert api.get(f"Datastreams({level})")["phenomenonTime"] == f"{time(1)}/{time(2)}"
    again = send(api, array(level, [time(0), 7], [time(3), 8]))
    assert is_row(again[0])
    assert again[1] == f"Observations('{level}-1777593780000000')"
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 4


def test_deleting_a_stream_a_thing_or_a_feature_takes_what_is_in_columns(api, lake):
    api.make("Things", thing(stream("One")))
    other = api.make("Things", thing(stream("Two")))
    one, two = Datastream.objects.order_by("id").values_list("id", flat=True)
    send(api, array(one, [time(0), 1]), array(two, [time(0), 2], [time(1), 3]))
    api.call("DELETE", f"Datastreams({one})")
    assert api.get("Observations", count="true", select="result")["@iot.count"] == 2
    feature = api.get(f"Datastreams({two})/Observations", expand="FeatureOfInterest")["value"][0]["FeatureOfInterest"]
    api.call("DELETE", f"FeaturesOfInterest({feature['@iot.id']})")
    assert api.get("Observations", count="true")["value"] == []
    send(api, array(two, [time(5), 9]))
    assert [row["result"] for row in api.values("Observations")] == [9]
    api.call("DELETE", f"Things({other})")
    assert api.get("Observations", count="true") == {"@iot.count": 0, "value": []}


def test_what_is_not_public_is_served_to_keys_only_from_columns_too(api, level):
    links = send(api, array(level, [time(0), 7]))
    actions.set_public(datastream_ids=[level], is_public=False, by=SYSTEM, at=AT)
    stranger = Api()
    assert stranger.get("Observations", count="true") == {"@iot.count": 0, "value": []}
    assert stranger.values(f"Datastreams({level})/Observations") == []
    assert stranger.values("Things", filter="Datastreams/Observations/result eq 7") == []
    assert stranger.get(f"Datastreams({level})")["phenomenonTime"] is None
    assert stranger.values("Datastreams", filter="phenomenonTime ge 2020-01-01T00:00:00Z") == []
    assert stranger.values("Observations", apply="aggregate($count as n)") == []
    stranger.get(links[0], status=404)
    assert [row["result"] for row in api.values("Observations")] == [7]


def test_a_key_of_one_thing_writes_to_its_own_columns_only(api, level):
    theirs = api.make("Things", thing(stream("Theirs")))
    bound = Api(actions.make_key(owner="Gauge", thing_id=theirs, by=SYSTEM, at=AT))
    assert send(bound, array(level, [time(0), 1]))[0].startswith("error: This key")
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 0


def test_readings_of_files_and_brokers_are_observations(api, lake):
    actions.install(sites(("pressure", 0, 0), ("pressure", 9, 9)), by=SYSTEM, at=AT)
    body = b'{"datastream":"pressure-1","result":350.5,"phenomenonTime":"2026-05-01T11:00:00Z"}\n' \
           b'{"datastream":"2","result":351,"phenomenonTime":"2026-05-01T11:30:00Z"}\n'
    actions.take_readings(bodies=[("a.ndjson", body)], by=SYSTEM, at=AT)
    found = api.get("Observations", count="true", expand="Datastream($select=name),FeatureOfInterest($select=name)")
    assert found["@iot.count"] == 2
    assert [(one["result"], one["Datastream"]["name"], one["FeatureOfInterest"]["name"]) for one in found["value"]] == [
        (350.5, "pressure-1", "pressure-1"), (351, "pressure-2", "pressure-2")]  # fmt: skip
    assert api.get("Datastreams(1)")["phenomenonTime"] == "2026-05-01T11:00:00Z/2026-05-01T11:00:00Z"
    assert api.call("DELETE", "Observations('1-1777633200000000')").status_code == 403
    api.make("Things", thing(stream("Level")))
    send(api, array(Datastream.objects.get(name="Level").id, [time(0), 1]))
    assert [one["result"] for one in api.values("Observations", orderby="result")] == [1, 350.5, 351]


def test_what_another_process_keeps_is_a_row_instead(api, level):
    owning.let_go()
    root = Path(django.CITYLOOM["LAKE_DIR"]).resolve()
    other = Store(root, owning._streams([level]), who=WEB, dataset=OBSERVATIONS)
    assert is_row(send(api, array(level, [time(0), 1]))[0])
    other.close()
    assert send(api, array(level, [time(1), 1]))[0].startswith("Observations('")
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 2


def test_a_store_that_is_opened_anew_has_everything(api, level):
    links = send(api, array(level, [time(0), 1], [time(1), 2]))
    owning.let_go()
    more = api.make("Things", thing(stream("More")))
    other = Datastream.objects.get(thing_id=more).id
    assert send(api, array(level, [time(0), 1]), array(other, [time(0), 5]))[0] == links[0]
    late = api.make("Things", thing(stream("Late")))
    third = Datastream.objects.get(thing_id=late).id
    send(api, array(third, [time(0), 6]), array(level, [time(2), 3]))
    assert api.get("Observations", count="true", top="0")["@iot.count"] == 5
    told = tally_file.seen(tally_file.folder_of(Path(django.CITYLOOM["LAKE_DIR"]), tally_file.WEB))
    assert {row["id"]: row["count"] for row in told} == {level: 3, other: 1, third: 1}


def test_where_too_many_would_be_looked_at_one_by_one_the_question_is_refused(api, level, monkeypatch):
    monkeypatch.setattr(beside, "MOST", 2)
    send(api, array(level, [time(0), 1], [time(1), 2], [time(2), 3]))
    assert "narrow" in api.get("Observations", status=400, filter="hour(phenomenonTime) eq 0")["message"]
    narrow = "hour(phenomenonTime) eq 0 and result gt 1"
    assert api.get("Observations", filter=narrow, count="true", top="0")["@iot.count"] == 2


def test_pages_follow_each_other_through_table_and_columns(api, level):
    for minute in (1, 4, 7):
        api.make(f"Datastreams({level})/Observations", {"phenomenonTime": time(minute), "result": minute})
    send(api, array(level, *([time(minute), minute] for minute in (0, 2, 3, 5, 6))))
    for order, expected in ((None, [1, 4, 7, 0, 2, 3, 5, 6]), ("id desc", [6, 5, 3, 2, 0, 7, 4, 1]),
                            ("phenomenonTime desc", [7, 6, 5, 4, 3, 2, 1, 0]), ("result", list(range(8)))):  # fmt: skip
        seen, page = [], api.get("Observations", top="3", **({"orderby": order} if order else {}))
        while page:
            seen += [one["result"] for one in page["value"]]
            page = json.loads(api.call("GET", page["@iot.nextLink"]).content) if "@iot.nextLink" in page else None
        assert seen == expected


def test_the_last_of_each_stream_is_at_hand_with_a_link_to_those_before(api, lake):
    api.make("Things", thing(stream("One"), stream("Many"), stream("Rows", results=(5, 6))))
    one, many, _ = Datastream.objects.order_by("id").values_list("id", flat=True)
    send(api, array(one, [time(3), 1]), array(many, [time(4), 2], [time(9), 3], [time(8), 4]))
    expand = "Observations($orderby=phenomenonTime desc;$top=1;$count=true)"
    found = api.values("Datastreams", expand=expand, orderby="id")
    assert [[row["result"] for row in each["Observations"]] for each in found] == [[1], [3], [6]]
    assert ["Observations@iot.nextLink" in each for each in found] == [False, True, True]
    assert [each["Observations@iot.count"] for each in found] == [1, 3, 2]
    following = json.loads(api.call("GET", found[1]["Observations@iot.nextLink"]).content)
    assert [row["result"] for row in following["value"]] == [4]


def test_what_the_lake_lets_go_of_is_not_counted_any_more(api, level):
    send(api, array(level, ["2020-01-05T00:00:00Z", 1], ["2020-01-06T00:00:00Z", 2], [time(0), 3]))
    owning.let_go()
    assert Table(Path(django.CITYLOOM["LAKE_DIR"]).resolve(), OBSERVATIONS).forget("2021-01-01") == 2
    send(api, array(level, [time(1), 4]))
    for _ in range(2):
        found = api.get("Observations", count="true", select="result")
        assert (found["@iot.count"], [row["result"] for row in found["value"]]) == (2, [3, 4])
    assert api.get(f"Datastreams({level})")["phenomenonTime"] == f"{time(0)}/{time(1)}"


def test_the_counts_of_the_table_are_kept_and_exact(api, lake):
    api.make("Things", thing(stream(results=(1, 2, 3)), stream("Other", results=(4,))))
    one, two = Datastream.objects.order_by("id").values_list("id", flat=True)
    actions.install(sites(("pressure", 0, 0)), by=SYSTEM, at=AT)
    sensor = Datastream.objects.get(kind="pressure").id
    actions.record(readings=[actions.Reading(sensor, 350.0, "kPa", AT, "m")], by=SYSTEM, at=AT, exercise_id="drill")
    first, second, *_ = Observation.objects.filter(datastream_id=one).order_by("id").values_list("id", flat=True)
    api.call("DELETE", f"Observations({first})")
    Observation.objects.filter(pk=second).update(datastream_id=two)
    for _ in range(2):
        assert [counting.counted(key, private_too=True) for key in (one, two, sensor)] == [1, 2, 0]
        assert api.get("Observations", count="true", top="0")["@iot.count"] == 3
        assert api.get(f"Datastreams({two})/Observations", count="true", top="0")["@iot.count"] == 2
        actions.add_up_counts()
    kept = dict(ObservationCount.objects.filter(count__gt=0).values_list("datastream_id", "count"))
    assert kept == {one: 1, two: 2}


# --- the same answer wherever observations lie

_MINUTES = st.integers(0, 3000)
_VALUES = st.one_of(st.integers(-5, 5), st.floats(-3, 3, width=16))
_DRAWN = st.lists(st.tuples(st.integers(0, 2), _MINUTES, _VALUES), min_size=1, max_size=25,
                  unique_by=lambda one: (one[0], one[1]))  # fmt: skip
_COMPARED = st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"])
_INSTANT = _MINUTES.map(time)
_SIMPLE = st.one_of(
    st.builds("result {} {}".format, _COMPARED, st.integers(-4, 4)),
    st.builds("{} {} result".format, st.integers(-4, 4), _COMPARED),
    st.builds("phenomenonTime {} {}".format, _COMPARED, _INSTANT),
    st.builds("phenomenonTime {} 2026-05-0{}".format, _COMPARED, st.integers(1, 3)),
    st.builds("Datastream/name eq '{}'".format, st.sampled_from(NAMES)),
    st.builds("Datastream/Thing/properties/depth {} 4".format, _COMPARED),
    st.builds("hour(phenomenonTime) {} {}".format, _COMPARED, st.integers(0, 23)),
    st.just("during(phenomenonTime,2026-05-01T06:00:00Z/2026-05-02T06:00:00Z)"),
    st.sampled_from(["result eq null", "resultTime eq null", "round(result) eq 1", "result eq 'wet'", "id gt 0", "true",
                     "result mod 2 eq 0",
                     "FeatureOfInterest/name eq 'Gauge 7'", "Datastream/Observations/result gt 2",
                     "Datastream/phenomenonTime lt 2026-05-02T00:00:00Z"]),
)  # fmt: skip
_FILTER = st.recursive(_SIMPLE, lambda inner: st.one_of(
    st.builds("({} and {})".format, inner, inner), st.builds("({} or {})".format, inner, inner),
    st.builds("not ({})".format, inner)), max_leaves=4)  # fmt: skip
_PLACE = st.sampled_from([
    (0, "phenomenonTime,Datastream/name"), (0, "phenomenonTime desc,Datastream/name"),
    (0, "Datastream/name,result,phenomenonTime"), (0, "result desc,phenomenonTime,Datastream/name"),
    (1, ""), (2, "phenomenonTime"), (1, "phenomenonTime desc"), (3, "result,phenomenonTime"),
])  # fmt: skip
"""Of which stream, or of all (0), and in which order, so that there is but one."""
_QUERY = st.fixed_dictionaries(
    {"place": _PLACE},
    optional={"filter": _FILTER, "top": st.integers(0, 9).map(str), "skip": st.integers(0, 9).map(str),
              "count": st.just("true"), "expand": st.sampled_from(["Datastream", "FeatureOfInterest($select=name)"]),
              "select": st.just("result,phenomenonTime"), "resultFormat": st.just("dataArray")},
)  # fmt: skip


@pytest.fixture
def worlds(api: Api, lake: Path) -> tuple[Api, list[int], list[int]]:
    """Two things with the same streams."""
    found = []
    for _ in range(2):
        key = api.make("Things", thing(*(stream(name) for name in NAMES)))
        found.append(list(Datastream.objects.filter(thing_id=key).order_by("id").values_list("id", flat=True)))
    return api, found[0], found[1]


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=_DRAWN, queries=st.lists(_QUERY, min_size=8, max_size=8))
def test_the_same_observations_give_the_same_answers_in_a_table_in_columns_or_in_both(worlds, drawn, queries):
    api, table, columns = worlds
    answers = []
    for streams, share in ((table, 0), (columns, 1), (columns, 2)):
        _begin_anew()
        _fill(api, streams, drawn, share)
        answers.append([_answer(api, query, streams) for query in queries])
    assert answers[1] == answers[0]
    assert answers[2] == answers[0]


def _begin_anew() -> None:
    """With an empty table and another lake."""
    Observation.objects.all().delete()
    owning.let_go()
    lakes = Path(django.CITYLOOM["LAKE_DIR"])
    django.CITYLOOM["LAKE_DIR"] = lakes.with_name(f"{lakes.name}+")


def _fill(api: Api, streams: list[int], drawn: list[tuple[int, int, float]], share: int) -> None:
    """All as rows (0), in columns (1), or every second one (2); of the columns some in the lake, some in a journal."""
    rows = [one for number, one in enumerate(drawn) if share == 0 or (share == 2 and number % 2)]
    Observation.objects.bulk_create(
        Observation(datastream_id=streams[which], phenomenon_us=1_777_593_600_000_000 + minute * 60_000_000,
                    result=float(value), feature_id=_feature(streams[which])) for which, minute, value in rows
    )  # fmt: skip
    others = [one for one in drawn if one not in rows]
    for some in (others[: len(others) // 2], others[len(others) // 2 :]):
        groups = [array(streams[which], [time(minute), value]) for which, minute, value in some]
        if groups:
            owning.let_go()
            send(api, *groups)


def _feature(stream_id: int) -> int | None:
    return feature_of(Observed(), Datastream.objects.get(pk=stream_id))


def _answer(api: Api, query: dict[str, Any], streams: list[int]) -> Any:
    which, order = query["place"]
    options = {name: value for name, value in query.items() if name != "place"} | ({"orderby": order} if order else {})
    path = f"Datastreams({streams[which - 1]})/" if which else ""
    found = api.get(f"{path}Observations", **options)
    if "resultFormat" in query:
        parts = [one["dataArray"] for one in found["value"]]
        return found.get("@iot.count"), [row if "select" in query else row[1:] for part in parts for row in part]
    for row in found["value"]:
        if "Datastream" in row:
            row["Datastream"] = {name: row["Datastream"][name] for name in ("name", "phenomenonTime")}
    return found.get("@iot.count"), plain(found["value"])
