"""Faults of event data: each is counted, and handled by its rule."""

from __future__ import annotations

import numpy as np

from cityloom.insight.domain import persons
from cityloom.insight.domain.cleaning import RawEvents, cleaned
from cityloom.insight.domain.eventlog import HOUR, NONE, UNKNOWN

NO = UNKNOWN
LINES = (
    # case, step, office, started, completed, transition
    ("a", "receive", "", NO, 1, "complete"),
    ("a", "check", "north", 5, 3, "complete"),  # ends before it begins
    ("a", "decide", "north", 4, NO, "complete"),  # no end
    ("", "check", "north", NO, 2, "complete"),  # no case
    ("b", "", "north", NO, 2, "complete"),  # no step
    ("b", "receive", "", NO, NO, "complete"),  # no time at all
    ("b", "check", "north", NO, 9, "complete"),
    ("b", "receive", "", NO, 7, "complete"),  # stands after a later one
    ("b", "check", "north", NO, 9, "complete"),  # the same again
    ("b", "check", "north", NO, 12, "complete"),  # again, but later
)


def raw(lines: tuple[tuple[str, str, str, int, int, str], ...]) -> RawEvents:
    def codes(place: int) -> tuple[np.ndarray, list[str]]:
        labels = sorted({line[place] for line in lines} - {""})
        return np.array([labels.index(line[place]) if line[place] else NONE for line in lines], np.int32), labels

    (case, ids), (activity, activities), (office, offices), (transition, transitions) = (
        codes(at) for at in (0, 1, 2, 5)
    )
    started, at = (
        np.array([one if one == NO else one * HOUR for one in column]) for column in list(zip(*lines, strict=True))[3:5]
    )
    return RawEvents(
        case, activity, office, at, started, ids, activities, offices, transition=transition, transitions=transitions
    )


def test_each_fault_is_counted_and_handled() -> None:
    log, findings = cleaned(raw(LINES))
    said = {one.code: (one.count, one.of) for one in findings}
    assert said == {
        "no_case": (1, 10),
        "no_step": (1, 10),
        "no_time": (1, 8),
        "ends_before_start": (1, 8),
        "duplicates": (1, 7),
        "out_of_order": (1, 6),
        "repeats": (1, 2),
        "office_unknown": (2, 6),
    }
    told = [
        (log.case_ids[c], log.activities[a], t / HOUR) for c, a, t in zip(log.case, log.activity, log.at, strict=True)
    ]
    assert told == [
        ("a", "receive", 1),
        ("a", "check", 3),
        ("a", "decide", 4),
        ("b", "receive", 7),
        ("b", "check", 9),
        ("b", "check", 12),
    ]
    assert (log.started_at == UNKNOWN).all()


def test_starts_belong_to_their_completions_in_order() -> None:
    log, findings = cleaned(
        raw(
            (
                ("a", "check", "", NO, 1, "start"),
                ("a", "check", "", NO, 3, "complete"),
                ("a", "check", "", NO, 4, "START"),
                ("a", "check", "", NO, 8, "Complete"),
                ("a", "decide", "", NO, 9, "start"),
                ("a", "check", "", NO, 2, "schedule"),
            )
        )
    )
    assert (log.started_at / HOUR).tolist() == [1, 4]
    assert (log.at / HOUR).tolist() == [3, 8]
    said = {one.code: (one.count, one.what) for one in findings}
    assert said["not_completed"] == (1, ())
    assert said["other_transitions"] == (1, ("schedule",))


def test_a_log_of_starts_alone_is_taken_as_it_is_and_nothing_is_left_of_nothing() -> None:
    log, _ = cleaned(raw((("a", "check", "", NO, 1, "start"), ("a", "decide", "", NO, 2, "start"))))
    assert len(log) == 2
    nothing, findings = cleaned(raw((("", "check", "", NO, 1, ""),)))
    assert (nothing.cases, len(nothing)) == (0, 0)
    assert [one.code for one in findings] == ["no_case"]


def test_days_without_hours_are_told() -> None:
    log, findings = cleaned(raw((("a", "check", "", NO, 24, ""), ("a", "decide", "", NO, 48, ""))))
    assert [(one.code, one.count) for one in findings if one.code == "days_only"] == [("days_only", 2)]
    assert len(log) == 2


def test_what_names_people_is_known_by_its_name_or_its_values() -> None:
    for name in ("org:resource", "case:responsible", "User", "经办人", "assigned_to", "applicant", "E-mail"):
        assert persons.names_persons(name), name
    for name in ("org:group", "concept:name", "org:role", "department", "channel", "responsible_section", "部门"):
        assert not persons.names_persons(name), name
    assert persons.look_like_persons(["Resource01", "Resource02", "admin1", "test"])
    assert persons.look_like_persons(["li.wei@example.org", "wang@example.org"])
    for values in (
        ["Group 1", "Group 4", "EMPTY"],
        ["Experts", "Customer contact", "General"],
        ["city/d01", "city/d02"],
    ):
        assert not persons.look_like_persons(values)
