"""Readings as senders write them: what is usual is read in columns, what is odd is set aside and stops nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.signals.domain import wire
from cityloom.signals.domain.judging import Streams

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
GOOD = {"datastream": "pressure-1", "result": 350.5, "phenomenonTime": "2026-05-01T12:00:00Z"}


def read(*lines: object) -> tuple[list[tuple[str, float, int]], dict[int, str]]:
    body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    (found,) = wire.read_lines(body)
    rows = zip(found.datastream.to_pylist(), found.result.tolist(), found.at_us.tolist(), strict=True)
    return list(rows), found.faults


def test_a_line_is_a_reading() -> None:
    assert read(GOOD) == ([("pressure-1", 350.5, 1_777_636_800_000_000)], {})


def test_an_id_a_whole_number_and_another_zone_are_readings_too() -> None:
    odd = {"datastream": 17, "result": 3, "phenomenonTime": "2026-05-01T20:00:00+08:00", "resultQuality": {"x": [1]}}
    assert read(odd) == ([("17", 3.0, 1_777_636_800_000_000)], {})


@pytest.mark.parametrize(("line", "code"), [
    (b"{", "not_readable"), (b"[1]", "not_readable"), (b'{"datastream":"a"}', "not_readable"),
    (b'{"datastream":"\xff","result":1,"phenomenonTime":"2026-05-01T12:00:00Z"}', "not_readable"),
    (b"[" * 5_000, "not_readable"), (b'{"x":"' + b"a" * 70_000 + b'"}', "too_long"),
    (GOOD | {"result": "5"}, "not_a_number"), (GOOD | {"result": True}, "not_a_number"),
    (GOOD | {"result": None}, "not_a_number"),
    (b'{"datastream":"a","result":1e999,"phenomenonTime":"2026-05-01T12:00:00Z"}', "not_readable"),
    (GOOD | {"phenomenonTime": "2026-05-01T12:00:00"}, "no_time_zone"),
    (GOOD | {"phenomenonTime": "yesterday"}, "no_instant"), (GOOD | {"phenomenonTime": "0000-00-00"}, "no_instant"),
])  # fmt: skip
def test_a_bad_line_is_set_aside_and_the_others_stay(line: object, code: str) -> None:
    rows, faults = read(GOOD, line, GOOD | {"result": 2})
    assert [row[1] for row in rows] == [350.5, 2.0]
    assert faults == {1: code}


def test_large_bodies_come_in_blocks_cut_between_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_BLOCK", 300)
    body = b"".join(json.dumps(GOOD | {"result": number}).encode() + b"\r\n" for number in range(50))
    blocks = list(wire.read_lines(body))
    assert len(blocks) > 5
    assert [value for one in blocks for value in one.result.tolist()] == [float(number) for number in range(50)]


@given(st.lists(st.tuples(st.text(max_size=5), st.floats(allow_nan=False, allow_infinity=False),
                          st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])))))  # fmt: skip
def test_both_ways_of_reading_say_the_same(rows: list[tuple[str, float, datetime]]) -> None:
    body = b"\n".join(json.dumps({"datastream": name, "result": value, "phenomenonTime": at.isoformat()}).encode()
                      for name, value, at in rows)  # fmt: skip
    fast = body.replace(b"+00:00", b"Z")
    for block in wire.read_lines(fast):
        slow = wire._line_by_line(fast)
        assert block.datastream.equals(slow.datastream)
        assert block.at_us.tolist() == slow.at_us.tolist()
        assert block.result.tolist() == slow.result.tolist()


def test_a_table_with_instants_without_zone_says_so() -> None:
    table = pa.table({"datastream": ["a", "b"], "result": [1.0, 2.0], "phenomenonTime": [AT.replace(tzinfo=None)] * 2})
    found = wire.read_table(table)
    assert (len(found), found.faults) == (0, {0: "no_time_zone", 1: "no_time_zone"})


def test_csv_has_the_same_names() -> None:
    names = ("phenomenonTime", "result", "datastream")
    found = wire.read_csv(b"2026-05-01T12:00:00Z,1.5,a\n2026-05-01,2,b\n", names)
    assert (found.datastream.to_pylist(), found.result.tolist(), found.faults) == (["a"], [1.5], {1: "no_time_zone"})


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Nd"]), max_size=40)


@given(st.lists(TEXTS, min_size=1, max_size=8, unique=True), st.lists(TEXTS, max_size=8), st.integers(0, 8))
def test_a_stream_is_found_by_its_name_whatever_came_beside_it(names, others, cut):
    many = len(names)
    streams = Streams(range(10**6, 10**6 + many), names, [0.0] * many, [1.0] * many, [0] * many)
    asked = [*names, *others, str(10**6), "x" * 5_000]
    wanted = [names.index(one) if one in names else 0 if one == str(10**6) else -1 for one in asked]
    assert streams.slots_of(pa.array(asked, pa.string())).tolist() == wanted
    assert streams.slots_of(pa.array(asked, pa.string())[cut:]).tolist() == wanted[cut:]
    assert [int(streams.slots_of(pa.array([one]))[0]) for one in asked] == wanted
