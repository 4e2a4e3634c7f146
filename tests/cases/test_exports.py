"""The event log of cases: whole, in the field's formats, and nobody in it."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree

from cityloom.cases import actions
from cityloom.cases.actions import Asked
from cityloom.cases.listing import telling
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases import ocel
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(keeper: OpenKeeper, officials: dict[str, Actor]) -> list[str]:
    """Two cases: one with a building, a person and a detection about it; and a secret one besides, in no log."""
    clerk = officials["clerk"]
    about = [("building", "17", "place"), ("person", "4711", "heard"), ("account", clerk.account, "by")]
    first = actions.open_case(Asked("request", "noise", origin="call", lon=114.05, lat=22.54, about=about,
                                    links=[("detection", "D1")]), by=clerk, at=NOW)  # fmt: skip
    second = actions.open_case(Asked("maintenance", "leak", origin="detection"), by=SYSTEM, at=NOW + timedelta(days=2))
    actions.open_case(Asked("request", "noise", origin="call", confidentiality="secret"), by=clerk, at=NOW)
    actions.take_step(case_id=first, step="accept", by=clerk, at=NOW + timedelta(hours=1))
    actions.take_step(case_id=first, step="finish", by=clerk, at=NOW + timedelta(hours=2), reason="Quiet & <now>",
                      result="solved")  # fmt: skip
    return [first, second]


def written(folder: Path, name: str, **span: object) -> Path:
    path = folder / name
    actions.export(path=path, by=SYSTEM, at=NOW, **span)  # type: ignore[arg-type]
    return path


def test_ocel_as_json_has_each_event_with_objects_that_are_there(told: list[str], tmp_path: Path) -> None:
    log = json.loads(written(tmp_path, "log.json").read_text())
    objects = {one["id"]: one["type"] for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    assert [one for one in objects if one.startswith("case:")] == [f"case:{key}" for key in told]
    assert objects["building:17"] == "building" and objects["detection:D1"] == "detection"
    assert {each["objectId"] for one in log["events"] for each in one["relationships"]} <= set(objects)
    assert {one["type"] for one in log["events"]} <= {one["name"] for one in log["eventTypes"]}
    assert set(objects.values()) <= {one["name"] for one in log["objectTypes"]}
    finish = next(one for one in log["events"] if one["type"] == "finish")
    assert {"name": "result", "value": "solved"} in finish["attributes"]


def test_ocel_as_sqlite_says_the_same(told: list[str], tmp_path: Path) -> None:
    log = json.loads(written(tmp_path, "log.json").read_text())
    link = sqlite3.connect(written(tmp_path, "log.sqlite"))
    assert set(link.execute("SELECT ocel_id, ocel_type FROM object")) == {(o["id"], o["type"]) for o in log["objects"]}
    assert set(link.execute("SELECT ocel_id, ocel_type FROM event")) == {(e["id"], e["type"]) for e in log["events"]}
    for what in ("event", "object"):
        counted = sum(link.execute(f'SELECT COUNT(*) FROM "{what}_{short}"').fetchone()[0]
                      for (short,) in link.execute(f"SELECT ocel_type_map FROM {what}_map_type"))  # fmt: skip
        assert counted == link.execute(f"SELECT COUNT(*) FROM {what}").fetchone()[0]
    link.close()


def test_a_reader_that_knows_only_the_standard_finds_nothing_wrong_and_would(told: list[str], tmp_path: Path) -> None:
    log = json.loads(written(tmp_path, "log.json").read_text())
    assert ocel.faults_of_json(log) == []
    for part, change in (("events", {"type": "danced"}), ("events", {"time": "yesterday"}), ("objects", {"id": 7}),
                         ("events", {"relationships": [{"objectId": "case:none", "qualifier": "x"}]}),
                         ("objects", {"attributes": [{"name": "mood", "time": NOW.isoformat(), "value": "x"}]}),
                         ):  # fmt: skip
        assert ocel.faults_of_json(log | {part: [log[part][0] | change, *log[part][1:]]}), change
    path = written(tmp_path, "log.sqlite")
    assert ocel.faults_of_sqlite(path) == []
    with sqlite3.connect(path) as link:
        link.execute("DELETE FROM object WHERE ocel_id = 'building:17'")
    link.close()
    assert any("building:17" in fault for fault in ocel.faults_of_sqlite(path))


def test_xes_has_a_trace_for_each_case_in_order(told: list[str], tmp_path: Path) -> None:
    space = {"x": "http://www.xes-standard.org/"}
    log = etree.parse(written(tmp_path, "log.xes"))
    names = log.xpath("//x:trace/x:string[@key='concept:name']/@value", namespaces=space)
    assert names == told
    steps = log.xpath("//x:trace[1]/x:event/x:string[@key='concept:name']/@value", namespaces=space)
    assert steps == ["opened", "accept", "finish"]


def test_nobody_is_in_a_log_and_no_secret_case(
    told: list[str], tmp_path: Path, officials: dict[str, Actor]
) -> None:
    for name in ("log.json", "log.sqlite", "log.xes"):
        content = written(tmp_path, name).read_bytes()
        for personal in (officials["clerk"].account, "4711", "Quiet"):
            assert personal.encode() not in content


def test_a_log_is_of_a_span_and_there_whole_or_not_at_all(
    told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = json.loads(written(tmp_path, "late.json", since=NOW + timedelta(days=1)).read_text())
    assert [one["id"] for one in late["objects"] if one["type"] == "case"] == [f"case:{told[1]}"]
    empty = json.loads(written(tmp_path, "none.json", casetype="review").read_text())
    assert (empty["objects"], empty["events"]) == ([], [])

    def breaking(*_said: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(telling, "_histories", breaking)
    with pytest.raises(RuntimeError):
        written(tmp_path, "broken.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["late.json", "none.json"]
    for name, code in (("log.txt", "cases.export_format"), ("nowhere/log.xes", "cases.export_place")):
        with pytest.raises(Refused) as refused:
            written(tmp_path, name)
        assert refused.value.code == code
