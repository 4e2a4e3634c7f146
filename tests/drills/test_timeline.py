"""The story of a drill: one line for what happens at one moment, in words."""

from datetime import UTC, datetime, timedelta

from cityloom.drills.domain.timeline import lines_of
from cityloom.kernel.envelope import Envelope

START = datetime(2026, 6, 3, 1, tzinfo=UTC)


def event(seconds: float, name: str, **data: object) -> tuple[Envelope, float | None]:
    at = START + timedelta(seconds=seconds)
    return Envelope(id="x", type=f"cityloom.some.{name}.v1", source="/some", time=at, data=data), 12.0


def told(*events: tuple[Envelope, float | None]) -> list[tuple[float, str, str]]:
    return [(line.t_s, line.step, line.decided) for line in lines_of(events, START)]


def test_departments_told_at_once_are_one_line() -> None:
    assert told(event(95, "NoticeSent", department="fire"), event(95, "NoticeSent", department="gas")) == [
        (95, "Departments told", "fire, gas")
    ]


def test_tasks_of_several_workers_are_added_up() -> None:
    lines = told(event(95, "TasksDelivered", task_ids=["a", "b"]), event(95, "TasksDelivered", task_ids=["c"]))
    assert lines == [(95, "Tasks delivered", "3 to their workers, each opening logged")]


def test_doors_reached_one_after_another_are_one_line_that_counts_how_it_went() -> None:
    ends = [event(600, "TaskFinished", state=state) for state in ("done", "unable", "done")]
    assert told(*ends, event(660, "TaskFinished", state="done")) == [
        (660, "Households reached", "3 at the door, 1 not reached"),
    ]


def test_what_a_reader_need_not_see_is_left_out() -> None:
    assert told(event(1, "SomethingInternal")) == []
    assert told(event(0, "SignalsRecorded", observation_count=3, report_ids=["r"], scene_ids=[])) == [
        (0, "Signals recorded", "3 readings, 1 calls")
    ]
