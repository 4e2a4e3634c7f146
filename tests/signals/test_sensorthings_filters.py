"""The language of `$filter`: what each operator and function finds, on the database in use."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions
from cityloom.signals.domain.sensorthings import expressions, options
from cityloom.signals.models import Datastream, Thing
from tests.examples import a_third_of
from tests.signals.sensing import PLACE, Api, stream, thing
from tests.signals.test_sensorthings import AT

BOX = "geography'POLYGON((113 22,114 22,114 23,113 23,113 22))'"
FAR = "geography'POLYGON((0 0,1 0,1 1,0 1,0 0))'"
HERE = "geography'POINT(113.93 22.53)'"
pytestmark = pytest.mark.django_db
_SQLITE = pytest.mark.skipif(connection.vendor == "postgresql", reason="there the server knows better by itself")
LINE = "geography'LINESTRING(113 22.53,114 22.53)'"


@pytest.fixture(scope="module")
def api(django_db_setup, django_db_blocker):
    """One small world for all of these questions, which change nothing."""
    with django_db_blocker.unblock(), transaction.atomic():
        found = Api(actions.make_key(owner="Tests", by=SYSTEM, at=AT))
        spans = stream(name="Rain total", Observations=[
            {"phenomenonTime": "2026-05-01T00:00:00Z/2026-05-01T06:00:00Z", "result": 12.5,
             "resultTime": "2026-05-01T06:05:00Z", "parameters": {"method": "tipping"},
             "validTime": "2026-05-01T00:00:00Z/2026-06-01T00:00:00Z"}])  # fmt: skip
        state = stream("State", ("dry", "wet", True, {"n": 2}))
        found.make("Things", thing(stream(results=(1, 2, -3.5, 4)), spans, state))
        area = {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]}
        there = PLACE | {"name": "Field", "location": area}
        found.make("Things", thing(name="O'Brien's 100% field_1", properties=None, Locations=[there]))
        yield found
        transaction.set_rollback(True)


def results(api: Api, condition: str) -> list[object]:
    rows = api.values("Observations", filter=f"Datastream/name eq 'Level' and ({condition})", orderby="phenomenonTime")
    return [row["result"] for row in rows]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("result eq 2", [2]), ("result ne 2", [1, -3.5, 4]), ("result gt 1", [2, 4]), ("result ge 1", [1, 2, 4]),
        ("result lt 1", [-3.5]), ("result le 1", [1, -3.5]), ("2 lt result", [4]), ("result eq -3.5", [-3.5]),
        ("result gt 1 and result lt 4", [2]), ("result lt 0 or result gt 3", [-3.5, 4]), ("not result gt 1", [1, -3.5]),
        ("not (result gt 1)", [1, -3.5]), ("not not result gt 1", [2, 4]),
        ("result gt 3 or result gt 1 and result lt 3", [2, 4]), ("(result gt 3 or result gt 1) and result lt 3", [2]),
        ("result add 1 eq 3", [2]), ("result sub 1 eq 3", [4]), ("result mul 2 eq -7", [-3.5]),
        ("result div 8 eq 0.5", [4]),
        ("1 div 2 eq 0.5", [1, 2, -3.5, 4]), ("result mod 2 eq 0", [2, 4]), ("result div 0 eq 1", []),
        ("result mod 0 eq 0", []), ("1 add 2 mul 3 eq 7", [1, 2, -3.5, 4]), ("-result eq 3.5", [-3.5]),
        ("result mul 1e18 mul 1e18 gt 1e36", [2, 4]),
        ("round(result) eq -4", [-3.5]), ("floor(result) eq -4", [-3.5]), ("ceiling(result) eq -3", [-3.5]),
        ("result eq 'wet'", []), ("result eq null", []), ("result ne null", [1, 2, -3.5, 4]), ("true", [1, 2, -3.5, 4]),
        ("year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 5 and day(phenomenonTime) eq 1", [1, 2, -3.5, 4]),
        ("hour(phenomenonTime) ge 2", [-3.5, 4]),
        ("minute(phenomenonTime) eq 0 and second(phenomenonTime) eq 0", [1, 2, -3.5, 4]),
        ("fractionalseconds(phenomenonTime) eq 0 and totaloffsetminutes(phenomenonTime) eq 0", [1, 2, -3.5, 4]),
        ("date(phenomenonTime) eq 2026-05-01", [1, 2, -3.5, 4]), ("time(phenomenonTime) gt 02:30:00", [4]),
        ("phenomenonTime lt 2026-05-01T01:00:00Z", [1]), ("phenomenonTime lt 2026-05-01T09:00:00+08:00", [1]),
        ("phenomenonTime ge 2026-05-01T02:00:00Z", [-3.5, 4]), ("phenomenonTime ge 2026-05-02", []),
        ("phenomenonTime sub duration'PT1H' eq 2026-05-01T00:00:00Z", [2]),
        ("phenomenonTime add duration'P1DT1H' gt 2026-05-02T03:00:00Z", [4]),
        ("phenomenonTime sub 2026-05-01T00:00:00Z ge duration'PT2H'", [-3.5, 4]),
        ("phenomenonTime lt now() and phenomenonTime gt mindatetime()", [1, 2, -3.5, 4]),
        ("phenomenonTime lt maxdatetime()", [1, 2, -3.5, 4]),
        ("before(phenomenonTime,2026-05-01T01:00:00Z)", [1]), ("after(phenomenonTime,2026-05-01T02:00:00Z)", [4]),
        ("during(phenomenonTime,2026-05-01T01:00:00Z/2026-05-01T02:00:00Z)", [2, -3.5]),
        ("overlaps(phenomenonTime,2026-05-01T02:00:00Z/2026-05-03T00:00:00Z)", [-3.5, 4]),
        ("starts(phenomenonTime,2026-05-01T01:00:00Z/2026-05-03T00:00:00Z)", [2]),
        ("finishes(phenomenonTime,2026-04-01T01:00:00Z/2026-05-01T03:00:00Z)", [4]),
        ("meets(phenomenonTime,2026-05-01T03:00:00Z/2026-05-03T00:00:00Z)", [4]),
        ("resultTime eq null", [1, 2, -3.5, 4]), ("Datastream/Thing/Locations/name eq 'Gauge 7'", [1, 2, -3.5, 4]),
        ("Datastream/Thing/properties/depth eq 4 and result gt 2", [4]),
        ("st_within(FeatureOfInterest/feature," + BOX + ") and result eq 1", [1]),
    ],
)  # fmt: skip
def test_a_filter_finds_the_observations_that_it_means(api, condition, found):
    assert results(api, condition) == found


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("name eq 'O''Brien''s 100% field_1'", 1), ("name eq 'o''brien''s 100% field_1'", 0),
        ("startswith(name,'O''B')", 1),
        ("startswith(name,'%25')", 0), ("endswith(name,'_1')", 1),
        ("endswith(name,'longer than the whole name is')", 0),
        ("substringof('100%25',name)", 1), ("contains(name,'rien')", 1), ("length(name) eq 4", 1),
        ("indexof(name,'eir') eq 2", 1),
        ("substring(name,1) eq 'eir'", 1), ("substring(name,1,2) eq 'ei'", 1), ("tolower(name) eq 'weir'", 1),
        ("toupper(name) eq 'WEIR'", 1), ("trim(concat(' ',concat(name,' '))) eq 'Weir'", 1), ("name gt 'P'", 1),
        ("properties/owner/unit eq 'water'", 1), ("properties/depth gt 3", 1), ("properties/depth eq '4'", 0),
        ("properties/dry eq false", 1), ("properties/nothing eq null", 2), ("properties eq null", 1),
        ("properties/depth ne 4", 1), ("properties/depth ne 5", 2), ("not (properties/depth gt 3)", 1),
        ("not (properties/nothing eq 1)", 2), ("properties/depth ne null", 1), ("properties ne null", 1),
        ("properties/nothing ne properties/other", 0), ("Datastreams/name ne 'Level'", 1),
        ("Datastreams/name ne 'Level' and Datastreams/name ne 'State' and Datastreams/name ne 'Rain total'", 0),
        ("Datastreams/phenomenonTime ne 2026-05-01T00:00:00Z", 1), ("Datastreams/name ne 'X'", 1),
        ("Datastreams/Observations/result eq 'wet'", 1), ("Datastreams/Observations/result eq true", 1),
        ("Datastreams/Observations/result/n eq 2", 1), ("Datastreams/unitOfMeasurement/symbol eq 'm'", 1),
        ("Datastreams/Observations/parameters/method eq 'tipping'", 1),
        ("Datastreams/Observations/validTime gt 2026-04-01T00:00:00Z", 1),
        ("during(2026-05-01T03:00:00Z,Datastreams/Observations/phenomenonTime)", 1),
        ("Datastreams/phenomenonTime lt 2026-06-01T00:00:00Z", 1),
        ("Datastreams/resultTime gt 2026-01-01T00:00:00Z", 1),
        (f"geo.intersects(Locations/location,{BOX})", 1), (f"st_disjoint(Locations/location,{BOX})", 1),
        (f"st_within(Locations/location,{FAR})", 0), (f"st_overlaps(Locations/location,{FAR})", 0),
        (f"st_contains(Locations/location,{FAR})", 1), (f"st_within({FAR},Locations/location)", 1),
        (f"st_equals(Locations/location,{HERE})", 1), (f"st_touches(Locations/location,{LINE})", 0),
        (f"st_crosses(Locations/location,{LINE})", 0), (f"st_intersects(Locations/location,{LINE})", 1),
        (f"st_relate(Locations/location,{HERE},'0FFFFFFF2')", 1),
        (f"geo.distance(Locations/location,{HERE}) lt 0.1", 1),
        (f"90 lt geo.distance(Locations/location,{HERE})", 1), ("geo.length(Locations/location) eq 8", 1),
        ("geo.length(geography'LINESTRING(0 0,0 1)') eq 1", 2),
        ("geo.distance(Locations/location,geography'POINT EMPTY') lt 9", 0),
    ],
)  # fmt: skip
def test_a_filter_finds_the_things_that_it_means(api, condition, found):
    assert api.get("Things", filter=condition, count="true", top="0")["@iot.count"] == found


@_SQLITE
def test_letters_beyond_a_to_z_have_two_cases(api):
    assert len(api.values("Things", filter=quote("tolower('ÄÖ Ж') eq 'äö ж' and toupper('é') eq 'É'"))) == 2


@pytest.mark.parametrize("condition", [
    pytest.param("1 eq " + "1 mod (" * 24 + "1" + ")" * 24, marks=_SQLITE),
    "year(" + "date(" * 23 + "now()" + ")" * 23 + ") eq 1",
    "name eq " + "substring(name,length(" * 12 + "name" + "))" * 12,
])  # fmt: skip
def test_what_would_double_with_each_bracket_is_refused_at_once(api, condition):
    message = api.get("Things", 400, filter=condition)
    assert message["reason"] in ("signals.sta_filter_wide", "signals.sta_type", "signals.sta_filter_deep")


def test_what_would_multiply_there_and_back_again_is_refused(api):
    """One sensor with 40 streams is found in few queries, and would be shown 40 * 40 * 40 times."""
    with transaction.atomic():
        one = Datastream.objects.all()[0]
        Datastream.objects.bulk_create(
            Datastream(name=f"S{at}", thing=one.thing, sensor=one.sensor, observed_property=one.observed_property)
            for at in range(40)
        )
        back = "Datastreams($expand=Sensor($expand=Datastreams($expand=Sensor($expand=Datastreams))))"
        assert api.get("Sensors", 400, expand=back)["reason"] == "signals.sta_too_much"
        assert api.get("Sensors", expand="Datastreams($expand=Sensor($expand=Datastreams))")["value"]
        transaction.set_rollback(True)


def test_a_thing_with_many_that_match_comes_once_and_paths_sort(api):
    assert len(api.values("Things", filter="Datastreams/Observations/result gt 0")) == 1
    names = [one["name"] for one in api.values("Datastreams", orderby="Thing/name desc,name desc")]
    assert names == ["State", "Rain total", "Level"]
    assert api.values("Observations", orderby="result desc", top="1")[0]["result"] == 12.5


@pytest.mark.parametrize(
    "condition",
    [
        "name eq", "eq 1", "name", "name eq 'x", "(name eq 'x'", "name eq 'x')", "bogus(name)", "name eq 5",
        "name add 1 eq 2",
        "colour eq 'red'", "result eq geography'POINT(1 1)'", "length(name)", "length() eq 1", "length(name,name) eq 1",
        "eq(name,'x')", "neg(1) eq 1", "and(true,true)", "id eq duration'x'",
        "phenomenonTime gt 2026-13-01T00:00:00Z", "a/b/c eq 1",
        "geo.intersects(name,geography'POINT(1 1)')", "geo.distance(location,geography'POINT(1 1)') lt name",
        "geo.intersects(Locations/location,geography'POINT(1')",
        "st_relate(Locations/location,geography'POINT(1 1)','x')",
        "not", "name eq 'a' 'b'", "\u0000", "Datastreams eq 1", "2026-99-99 eq 1", "99:99:99 eq 1", "((((",
        "(" * 200 + "true" + ")" * 200, " or ".join(["name eq 'x'"] * 2000),
        "length(" * 100 + "name" + ")" * 100 + " eq 1",
        "1" + " add 1" * 500 + " eq 1", "x" * 9000, "- " * 900 + "x eq 1 eq 2",
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_is_too_much_gets_400_and_a_sentence(api, condition):
    error = api.get("Things", filter=condition.replace("&", "%26"), status=400)
    assert error["message"].endswith(".")
    assert "SELECT" not in error["message"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("expand", "Datastreams(" + "$expand=Datastreams(" * 20 + ")" * 21), ("expand", "/".join(["Datastreams",
        "Thing"] * 9)),
        ("expand", ",".join(["Datastreams($expand=Thing,Sensor)"] * 12)), ("expand", "Colours"), ("expand",
        "Datastreams($top"),
        ("select", "colour"), ("select", ","), ("orderby", "colour"), ("orderby", "Datastreams/name"), ("orderby",
        "name up"),
        ("orderby", ",".join(["name"] * 11)), ("top", "-1"), ("top", "ten"), ("skip", "9" * 30), ("count", "maybe"),
        ("colour", "red"),
        ("resultFormat", "csv"), ("filter", "name eq 'a'&$filter=name eq 'b'"),
    ],
)  # fmt: skip
def test_options_that_are_wrong_or_too_much_get_400(api, option, value):
    assert api.get("Things", status=400, **{option: value})["message"].endswith(".")


@pytest.mark.parametrize(
    "attempt",
    ["x' OR '1'='1", "x'' OR 1=1 --", "'; DROP TABLE signals_thing; --", "\\' OR 1=1", "%s %(a)s {0} {}",
    "\"; SELECT 1", "$1 ? :a"],
)
def test_what_a_client_writes_becomes_a_parameter_and_never_sql(api, attempt):
    quoted = attempt.replace("'", "''").replace("%", "%25").replace("#", "%23").replace(";", "%3B")
    before = Thing.objects.count()
    with CaptureQueriesContext(connection) as asked:
        assert api.values("Things", filter=f"name eq '{quoted}' or properties/owner eq '{quoted}'") == []
        api.call("GET", f"Things?$orderby={quoted}")
        api.call("GET", f"Things?$select={quoted}")
        api.call("GET", f"Things({quoted})")
    assert all("DROP TABLE signals" not in one["sql"].replace("''; DROP", "") for one in asked.captured_queries)
    assert Thing.objects.count() == before


WORDS = st.sampled_from(
    ["name", "result", "1", "2.5", "'a'", "null", "true", "(", ")", ",", "eq", "gt", "and", "or", "not", "add", "mod",
    "length(",
     "year(", "phenomenonTime", "properties/a", "Datastreams/name", "geography'POINT(1 1)'", "2026-05-01T00:00:00Z",
     "-", "id"],
)  # fmt: skip


@settings(max_examples=a_third_of(50))
@given(st.lists(WORDS, max_size=12).map(" ".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        expressions.parse(text)
    except Refused as refusal:
        assert refusal.sentence.endswith(".")


@settings(max_examples=20)
@given(st.lists(WORDS, min_size=1, max_size=9).map(" ".join))
def test_any_expression_is_answered_or_refused_with_400(api, text):
    assert api.call("GET", f"Observations?$filter={text.replace(' ', '%20')}").status_code in (200, 400)


@settings(max_examples=a_third_of(50))
@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30))
def test_any_text_in_quotes_is_read_as_it_is(text):
    node = expressions.parse("name eq '" + text.replace("'", "''") + "'")
    assert node.arguments[1] == expressions.Literal("string", text)


@settings(max_examples=a_third_of(50))
@given(st.text(alphabet="$(),;='/ abDtop", max_size=60))
def test_any_expansion_is_read_or_refused(text):
    try:
        options.read([("$expand", text)])
    except Refused as refusal:
        assert refusal.sentence.endswith(".")
