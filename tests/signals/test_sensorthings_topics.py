"""Topics of the MQTT extension: which there are, what is told on them, and what a file of an exchange may say."""

from __future__ import annotations

import pytest

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import exchanging, topics
from cityloom.signals.domain.sensorthings.entities import Entity, Relation
from cityloom.signals.domain.sensorthings.exchanging import Taking

KEY = "01J0000000000000000000000A"


def parents(relation: Relation, source: Entity, target: Entity, key: int) -> list[int]:
    """Datastream 1 stands on thing 5, observation 9 is of datastream 1, location 3 is that of things 5 and 6."""
    return {("Datastream", "Observations", 9): [1], ("Thing", "Datastreams", 1): [5], ("Thing", "Locations", 3): [5, 6],
            ("Observation", "Datastream", 1): [9]}.get((source.title, relation.name, key), [])  # fmt: skip


def told(text: str, key: int, *names: str) -> list[tuple[str, str]]:
    return topics.topics(topics.read(text), key, names, parents)


@pytest.mark.parametrize(("text", "key", "names", "topic"), [
    ("v1.1/Observations", 9, (), "v1.1/Observations"),
    ("v1.1/Observations", 9, ("result",), "v1.1/Observations"),
    ("v1.1/Datastreams(*)/Observations", 9, (), "v1.1/Datastreams(1)/Observations"),
    ("v1.1/Datastreams(1)/Observations", 9, (), "v1.1/Datastreams(1)/Observations"),
    ("v1.1/Things(*)/Datastreams(*)/Observations", 9, (), "v1.1/Things(5)/Datastreams(1)/Observations"),
    ("v1.1/Datastreams(*)", 1, ("name",), "v1.1/Datastreams(1)"),
    ("v1.1/Datastreams(*)/name", 1, ("name",), "v1.1/Datastreams(1)/name"),
    ("v1.1/Datastreams(*)/*", 1, ("name",), "v1.1/Datastreams(1)/name"),
    ("v1.1/Observations(*)/Datastream", 1, ("name",), "v1.1/Observations(9)/Datastream"),
    ("v1.1/Datastreams?$select=name,@iot.id", 1, (), "v1.1/Datastreams?$select=name,@iot.id"),
])  # fmt: skip
def test_a_change_is_told_on_the_topic_that_its_form_means(
    text: str, key: int, names: tuple[str, ...], topic: str
) -> None:
    assert [one for one, _ in told(text, key, *names)] == [topic]


@pytest.mark.parametrize(("text", "key", "names"), [
    ("v1.1/Datastreams(*)", 1, ()), ("v1.1/Datastreams(2)", 1, ("name",)), ("v1.1/Datastreams(*)/name", 1, ()),
    ("v1.1/Datastreams(*)/name", 1, ("description",)), ("v1.1/Datastreams(2)/Observations", 9, ()),
])  # fmt: skip
def test_other_changes_are_not_told_there(text: str, key: int, names: tuple[str, ...]) -> None:
    assert told(text, key, *names) == []


def test_each_way_and_each_property_has_a_topic_of_its_own() -> None:
    assert [one for one, _ in told("v1.1/Things(*)/Locations", 3)] == ["v1.1/Things(5)/Locations",
                                                                       "v1.1/Things(6)/Locations"]  # fmt: skip
    assert [name for _, name in told("v1.1/Things(*)/*", 5, "name", "properties")] == ["name", "properties"]


@pytest.mark.parametrize("text", [
    "Observations", "v1.0/Observations", "v1.1/Nothing", "v1.1/Things/*", "v1.1/Things/name", "v1.1/+/Observations",
    "v1.1/Observations?$filter=result gt 1", "v1.1/Observations?$select=colour", "v1.1/Things(*)/name?$select=name",
    "v1.1/Things(1)/$ref", "v1.1/Datastreams(1)/unitOfMeasurement/symbol", "v1.1/", "",
])  # fmt: skip
def test_what_is_no_topic_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        topics.read(text)
    assert refused.value.code == "signals.sta_topic"


def test_where_nothing_is_said_every_usual_topic_is_told_and_nothing_is_taken() -> None:
    exchange = exchanging.read("broker: mqtt://x")
    assert len(exchange.titles) == 8
    assert exchange.take == ()
    assert {one.text for one in exchange.tell} >= {"v1.1/Datastreams(*)/Observations", "v1.1/Things(*)/*"}


@pytest.mark.parametrize(("taking", "topic", "found"), [
    (Taking(key=KEY), "v1.1/Datastreams(1)/Observations", ("Datastreams(1)/Observations", KEY)),
    (Taking(key=KEY), "v1.1/Observations", ("Observations", KEY)),
    (Taking("from/{key}/"), f"from/{KEY}/v1.1/Observations", ("Observations", KEY)),
    (Taking(key=KEY), "v1.1/Things", None), (Taking(key=KEY), "x/v1.1/Observations", None),
    (Taking("from/{key}/"), "from/a/b/v1.1/Observations", None), (Taking(key=KEY), "v1x1/Observations", None),
    (Taking(key=KEY, sets=("Things",)), "v1.1/Things", ("Things", KEY)),
])  # fmt: skip
def test_a_topic_says_what_is_to_be_made_and_as_whom(
    taking: Taking, topic: str, found: tuple[str, str] | None
) -> None:
    assert taking.path_and_key(topic) == found
    if found:
        assert any(_fits(topic, one) for one in taking.filters)


@pytest.mark.parametrize(("text", "where"), [
    ("take: [{}]", "broker"), ("broker: http://x", "broker"), ("broker: mqtt://x\ntake: [{}]", "take.0"),
    ("broker: mqtt://x\ntake: [{prefix: 'a/'}]", "take.0"), ("broker: mqtt://x\ntake: [{prefix: 'a{key}/'}]", "take.0"),
    (f"broker: mqtt://x\ntake: [{{prefix: '{{key}}/', key: {KEY}}}]", "take.0"),
    ("broker: mqtt://x\ntake: [{prefix: '+/', key: a}]", "take.0"), ("broker: mqtt://x\ntell: []", "tell"),
    ("broker: mqtt://x\nprefix: 'a/#/'", "prefix"), ("a: [", "line"), ("a: &b 1\nc: *b", "anchors"),
    ("broker: mqtt://x\nroot: ftp://x/v1.1", "root"),
])  # fmt: skip
def test_an_exchange_that_cannot_work_is_refused_with_the_place(text: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        exchanging.read(text)
    assert refused.value.code == "signals.exchange"
    assert where in str(refused.value)


def _fits(topic: str, filter_: str) -> bool:
    levels, wanted = topic.split("/"), filter_.split("/")
    return len(levels) == len(wanted) and all(one in ("+", level) for level, one in zip(levels, wanted, strict=True))


@pytest.mark.parametrize(("filter_", "texts"), [
    ("v1.1/Things(7)", ["v1.1/Things(*)"]),
    ("v1.1/Datastreams(3)/Observations?$select=result", ["v1.1/Datastreams(*)/Observations?$select=result"]),
    ("v1.1/Things(7)/Datastreams(3)/name", ["v1.1/Things(*)/Datastreams(*)/name"]),
    ("v1.1/+/HistoricalLocations", ["v1.1/Things(*)/HistoricalLocations", "v1.1/Locations(*)/HistoricalLocations"]),
    ("v1.1/Sensors(1)/#", ["v1.1/Sensors(*)/Datastreams", "v1.1/Sensors(*)", "v1.1/Sensors(*)/*"]),
    ("v1.1/nothing", []), ("v1.1/Things/$ref", []),
])  # fmt: skip
def test_what_a_subscription_asks_for_is_told_for_any_id(filter_: str, texts: list[str]) -> None:
    assert sorted(one.text for one in topics.asked_for(filter_)) == sorted(texts)


def test_a_broker_says_in_words_or_in_json_who_asks_for_what() -> None:
    exchange = exchanging.read("broker: mqtt://x\nprefix: city/\nlisten: $SYS/broker/log/M/subscribe")
    assert exchange.tell == ()
    for says in (b"1795828669: me 1 city/v1.1/Things(7)", b'{"topic":"city/v1.1/Things(7)","qos":1}'):
        assert [one.text for one in exchange.asked_in(says)] == ["v1.1/Things(*)"]
    assert exchange.asked_in(b"1795828669: me 1 v1.1/Things(7)") == []
