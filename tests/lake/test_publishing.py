"""What happens in the city reaches the lake: each event once, nothing about people, and no exercise."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import cityloom
from cityloom.alerts.events import AlertDelivered
from cityloom.bus import actions as bus
from cityloom.emergency.events import EntryWritten, IncidentClosed, IncidentOpened
from cityloom.fieldwork.events import TasksAssigned
from cityloom.gate import queries as gate
from cityloom.kernel import clock
from cityloom.lake import catalogue, table
from cityloom.project.publishing import Publisher
from cityloom.project.wiring import PUBLISHED
from cityloom.signals.events import SignalsRecorded

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
LEFT_OUT = {
    "SignalsRecorded": "readings take a road of their own, in batches", "DrillChanged": "exercises are no history",
    "EntryWritten": "says that somebody wrote; the incident's own log has it", "SubscriptionAsked": "is about a person",
}  # fmt: skip
PERSONS = ("by", "account", "worker", "subject", "holder", "name", "phone", "mail", "birth", "resident", "handle")


def publish(*facts: object, exercise_id: str = "") -> None:
    for fact in facts:
        bus.publish(fact, at=AT, exercise_id=exercise_id)


def opened(number: int) -> IncidentOpened:
    return IncidentOpened(f"I{number}", "D1", "sinkhole", 114.05, 22.54, AT, AT)


def rows(lake: Path, name: str) -> list[dict[str, object]]:
    from cityloom.lake.engines import OnDuckDB

    return OnDuckDB().table(catalogue.table(lake, name)).order_by(["key", "kind"]).to_pyarrow().to_pylist()


@pytest.mark.django_db
def test_events_become_facts_with_their_place_and_nobody_in_them(tmp_path: Path) -> None:
    publish(opened(1), IncidentClosed("I1", "commander-7"), TasksAssigned("I1", ("T1", "T2"), AT))
    publish(opened(2), exercise_id="0" * 26)
    assert Publisher(tmp_path).tend(AT, now=True) == 3
    found = rows(tmp_path, "incidents")
    assert [(row["kind"], row["key"], row["category"]) for row in found] == [
        ("IncidentClosed", "I1", None), ("IncidentOpened", "I1", "sinkhole"),
    ]  # fmt: skip
    assert found[1]["cell"] and found[1]["at"] == AT
    assert [row["key"] for row in rows(tmp_path, "tasks")] == ["T1", "T2"]
    everything = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*.parquet"))
    assert "commander-7" not in everything


@pytest.mark.django_db
def test_each_event_comes_once_wherever_the_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(opened(1), AlertDelivered("A1", "I1", "Alert", "cbs", 1, AT))
    committed, left = table.Table._commit, iter([True, False])

    def cut(self: table.Table, *args: object, **how: object) -> bool:
        if next(left):
            return committed(self, *args, **how)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(table.Table, "_commit", cut)
        with pytest.raises(KeyboardInterrupt):
            Publisher(tmp_path).tend(AT, now=True)
    publish(opened(2))
    again = Publisher(tmp_path)
    assert again.tend(AT, now=True) == 2
    assert again.tend(AT, now=True) == 0
    assert [row["key"] for row in rows(tmp_path, "incidents")] == ["I1", "I2"]
    assert [row["key"] for row in rows(tmp_path, "warnings")] == ["A1"]


@pytest.mark.django_db
def test_events_wait_for_others_but_not_for_long(tmp_path: Path) -> None:
    with clock.use(clock.DrillClock(AT)) as time:
        publish(opened(1))
        publisher = Publisher(tmp_path)
        assert publisher.tend(AT) == 0
        time.advance(29)  # type: ignore[attr-defined]
        assert publisher.tend(AT) == 0
        time.advance(1)  # type: ignore[attr-defined]
        assert publisher.tend(AT) == 1


def test_openings_are_counted_once_a_day_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = gate.Flow("2026-11-01", "city/d01", "collector", "task", "open", "web", False, 4, 9)
    asked = []

    def flows(by: object, *, first: object, last: object) -> list[gate.Flow]:
        asked.append((str(first), str(last)))
        return [flow, dataclasses.replace(flow, is_exercise=True)]

    monkeypatch.setattr("cityloom.project.publishing.gate.flows", flows)
    publisher = Publisher(tmp_path)
    assert [publisher.count_openings(AT) for _ in range(2)] == [1, 0]
    Publisher(tmp_path).count_openings(AT + timedelta(days=1))
    assert asked == [("2026-10-02", "2026-11-01"), ("2026-11-02", "2026-11-02")]
    first = rows_of_openings(tmp_path)[0]
    assert (first["unit"], first["leaves"], first["people"]) == ("city/d01", 4, 9)


def rows_of_openings(lake: Path) -> list[dict[str, object]]:
    from cityloom.lake.engines import OnDuckDB

    return OnDuckDB().table(catalogue.table(lake, "openings")).to_pyarrow().to_pylist()


@pytest.mark.django_db
def test_facts_are_let_go_after_their_time(tmp_path: Path) -> None:
    publish(opened(1))
    Publisher(tmp_path).tend(AT, now=True)
    kept = catalogue.table(tmp_path, "incidents").dataset
    catalogue.declare(tmp_path, dataclasses.replace(kept, keep_days=30))
    Publisher(tmp_path).keep(AT + timedelta(days=29))
    assert len(rows(tmp_path, "incidents")) == 1
    Publisher(tmp_path).keep(AT + timedelta(days=100))
    assert rows(tmp_path, "incidents") == []


def test_every_event_is_published_or_left_out_for_a_reason() -> None:
    known = {event.__name__ for one in PUBLISHED for event in one.events}
    there = {
        name
        for module in pkgutil.iter_modules(cityloom.__path__)
        if (Path(cityloom.__path__[0]) / module.name / "events.py").exists()
        for name, found in vars(importlib.import_module(f"cityloom.{module.name}.events")).items()
        if dataclasses.is_dataclass(found)
    }
    assert there - known == LEFT_OUT.keys()
    assert {SignalsRecorded.__name__, EntryWritten.__name__} <= there


@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one.name)
def test_what_is_published_tells_of_nobody_and_says_where_it_is_from(published: object) -> None:
    published.dataset.check()  # type: ignore[attr-defined]
    fields = {field.name for event in published.events for field in dataclasses.fields(event)}  # type: ignore[attr-defined]
    for column in published.columns:  # type: ignore[attr-defined]
        assert column.name in fields, "a column that no event has"
        assert not column.is_personal
        assert not set(column.name.split("_")) & set(PERSONS), "a column that may name a person"
        assert column.source
        assert column.unit or column.kind == "text" or column.name == "revision"
    assert not {word for name in published.thing for word in name.split("_")} & set(PERSONS)  # type: ignore[attr-defined]
