"""Readings in bulk over HTTP: each row is kept once or refused by name, and what was said is on the disk."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.http import HttpResponse
from django.test import Client
from pyarrow import parquet

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.signals import actions
from cityloom.signals.domain import bulk, record_batches, unpacking
from cityloom.signals.readings.door import Door
from cityloom.signals.readings.road import Road
from tests.signals.drawn import sites
from tests.signals.lakes import array, send
from tests.signals.sensing import Api

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LINES = b"""{"datastream":"pressure-1","result":350.5,"phenomenonTime":"2026-05-01T11:00:00Z"}

{"datastream":"2","result":351,"phenomenonTime":"2026-05-01T19:30:00+08:00"}
{"datastream":"pump","result":1,"phenomenonTime":"2026-05-01T11:00:00Z"}
{"datastream":"2","result":1e9,"phenomenonTime":"2026-05-01T11:00:00Z"}
{"datastream":"2"}
{"datastream":"2","result":352,"phenomenonTime":"2026-05-01T11:30:00Z"}
"""
TABLE = pa.table({"datastream": ["pressure-1", "2"], "result": [350.5, 351.0],
                  "phenomenonTime": pa.array([AT - timedelta(hours=1), AT], pa.timestamp("us", "UTC"))})  # fmt: skip
NDJSON, CSV = "application/x-ndjson", "text/csv"
WATCHED: list[tuple[list[int], list[float]]] = []
"""Streams and results that whoever watches readings was told of."""


@pytest.fixture
def city(db: None, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two sensors, and what takes readings."""
    settings.CITYLOOM = settings.CITYLOOM | {
        "LAKE_DIR": tmp_path / "lake", "READINGS_DIR": tmp_path / "readings", "READINGS_DOOR": tmp_path / "door",
    }  # fmt: skip
    monkeypatch.setattr("cityloom.signals.readings.handing._STARTS_S", 0.0)
    monkeypatch.setattr("cityloom.signals.readings.road._installed", lambda: (2, 2))  # one memory, two threads
    actions.install(sites(("pressure", 8.6, 41.1), ("pressure", 8.7, 41.1)), by=SYSTEM, at=AT)
    road = Road(noted=lambda kept: WATCHED.append((kept.ids[kept.slot].tolist(), kept.result.tolist())))
    door = Door(road, tmp_path / "door")
    door.start()
    WATCHED.clear()
    yield tmp_path
    door.stop()
    road.close()


@pytest.fixture
def key(city: Path) -> str:
    return actions.make_key(owner="water", by=SYSTEM, at=clock.now())


def post(key: str, body: bytes, kind: str = NDJSON, **headers: str) -> HttpResponse:
    sent = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().post("/ingest/readings", body, content_type=kind, headers=sent)


def counts(answer: HttpResponse) -> tuple[int, int, dict[str, int]]:
    assert answer.status_code == 200, answer.content
    told = answer.json()
    return told["kept"], told["duplicates"], told["refused"]


def arrow(table: pa.Table, new: Any = pa.ipc.new_stream, **options: Any) -> bytes:
    sink = io.BytesIO()
    with new(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue()


def as_parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def test_good_rows_are_kept_and_each_other_one_is_named_with_its_reason(key: str) -> None:
    told = post(key, LINES).json()
    assert (told["rows"], told["kept"], told["duplicates"]) == (7, 2, 0)
    assert told["refused"] == {"contradicts": 1, "not_readable": 1, "out_of_range": 1, "unknown_sensor": 1}
    assert told["first_refused"] == [
        {"row": 4, "reason": "unknown_sensor"}, {"row": 5, "reason": "out_of_range"},
        {"row": 6, "reason": "not_readable"}, {"row": 7, "reason": "contradicts"},
    ]  # fmt: skip
    assert set(told["reasons"]) == set(told["refused"])


def test_every_format_says_the_same_and_what_is_known_counts_once(key: str) -> None:
    csv = (b"phenomenonTime,note,result,datastream\n2026-05-01T11:00:00Z,x,350.5,pressure-1\n"
           b"2026-05-01T12:00:00Z,,351,2\n")  # fmt: skip
    assert counts(post(key, csv, CSV)) == (2, 0, {})
    packed = pa.CompressedOutputStream(sink := pa.BufferOutputStream(), "zstd")
    packed.write(csv)
    packed.close()
    as_dictionary = TABLE.set_column(0, "datastream", TABLE["datastream"].dictionary_encode())
    for body, kind, headers in (
        (as_parquet(TABLE), "application/vnd.apache.parquet", {}),
        (as_parquet(as_dictionary), "application/vnd.apache.parquet", {}),
        (arrow(TABLE), "application/vnd.apache.arrow.stream", {}),
        (arrow(as_dictionary), "application/vnd.apache.arrow.stream", {}),
        (arrow(TABLE, pa.ipc.new_file), "application/vnd.apache.arrow.file", {}),
        (gzip.compress(csv), CSV, {"Content_Encoding": "gzip"}),
        (sink.getvalue().to_pybytes(), CSV, {"Content_Encoding": "zstd"}),
    ):
        assert counts(post(key, body, kind, **headers)) == (0, 2, {}), kind


def test_a_bad_line_of_csv_stops_no_other(key: str) -> None:
    csv = ("\ufeffdatastream,result,phenomenonTime\r\n1,350,2026-05-01T11:00:00Z\r\n1,high,2026-05-01T11:01:00Z\r\n"
           "1,350\r\n\r\n1,351,2026-05-01T11:02:00Z\r\n").encode()  # fmt: skip
    told = post(key, csv, CSV).json()
    assert (told["kept"], told["refused"]) == (2, {"not_a_number": 1, "not_readable": 1})
    assert [one["row"] for one in told["first_refused"]] == [2, 3]


def test_an_upload_under_a_key_is_answered_as_the_first_time(key: str) -> None:
    first = post(key, LINES, Idempotency_Key="meters-0501")
    again = post(key, LINES, Idempotency_Key="meters-0501")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    other = post(key, LINES + b"\n", Idempotency_Key="meters-0501")
    assert (other.status_code, other.json()["reason"]) == (422, "signals.upload_other")
    mine = actions.make_key(owner="gas", by=SYSTEM, at=clock.now())
    assert counts(post(mine, LINES, Idempotency_Key="meters-0501"))[:2] == (0, 2)


def test_a_key_of_one_thing_writes_to_its_streams_alone(city: Path) -> None:
    one = actions.make_key(owner="water", thing_id=1, by=SYSTEM, at=clock.now())
    told = post(one, LINES).json()
    assert (told["kept"], told["refused"]) == (1, {"not_allowed_thing": 4, "not_readable": 1})


def test_what_was_acknowledged_is_there_after_a_kill(key: str, city: Path) -> None:
    """The journal is all that is left of a process that was killed."""
    post(key, LINES)
    journals = list((city / "lake").rglob("*.journal"))
    assert sum(one.stat().st_size for one in journals) > 0


@pytest.mark.parametrize(("body", "kind", "headers", "status", "reason"), [
    (b"x", "application/json", {}, 415, "readings_type"),
    (b"x", "application/vnd.apache.parquet", {}, 400, "readings_format"),
    (b"x" * 50, "application/vnd.apache.arrow.stream", {}, 400, "readings_format"),
    (as_parquet(TABLE), "application/vnd.apache.parquet", {"Content_Encoding": "gzip"}, 415, "readings_packing"),
    (LINES, NDJSON, {"Content_Encoding": "br"}, 415, "readings_packing"),
    (LINES, NDJSON, {"Content_Encoding": "gzip"}, 400, "readings_format"),
    (gzip.compress(LINES)[:-20], NDJSON, {"Content_Encoding": "gzip"}, 400, "readings_format"),
    (b"a,b\n1,2\n", CSV, {}, 400, "readings_format"),
    (arrow(TABLE, compression="zstd"), "application/vnd.apache.arrow.stream", {}, 400, "readings_packed"),
    (LINES, NDJSON, {"Idempotency_Key": "k" * 201}, 400, "upload_key"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused(
    key: str, body: bytes, kind: str, headers: dict[str, str], status: int, reason: str
) -> None:
    answer = post(key, body, kind, **headers)
    assert (answer.status_code, answer.json()["reason"]) == (status, f"signals.{reason}")


def test_nobody_writes_without_a_key(city: Path) -> None:
    for headers in ({}, {"Authorization": "Bearer clk_x"}):
        assert Client().post("/ingest/readings", LINES, content_type=NDJSON, headers=headers).status_code == 401
    assert Client().get("/ingest/readings").status_code == 405


def test_a_bomb_is_refused_when_it_goes_off_and_what_came_before_is_said(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_BYTES", 10_000)
    monkeypatch.setattr("cityloom.signals.domain.wire._BLOCK", 2_000)
    answer = post(key, gzip.compress(LINES + b" " * 1_000_000), Content_Encoding="gzip")
    assert answer.status_code == 413
    assert answer.json()["so_far"]["kept"] == 2


def test_a_record_batch_is_as_large_as_it_may_be(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_batches, "MOST_BYTES", 50)
    assert post(key, arrow(TABLE), "application/vnd.apache.arrow.stream").status_code == 413


def test_while_nobody_takes_readings_the_sender_is_asked_to_come_again(key: str, settings: Any) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"READINGS_DOOR": Path("/nowhere/door")}
    answer = post(key, LINES)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert Path(settings.CITYLOOM["READINGS_DIR"]).is_dir(), "which starts the process that takes them"


def test_unpacking_gives_what_was_packed_in_pieces_of_any_size() -> None:
    stream = unpacking.Unpacked(io.BytesIO(gzip.compress(b"abc" * 1000) + gzip.compress(b"d")), "gzip", 10_000)
    parts = iter(lambda: stream.read(7), b"")
    assert b"".join(parts) == b"abc" * 1000 + b"d"


def test_a_line_without_end_takes_no_memory_and_the_next_is_read(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityloom.signals.domain.wire._BLOCK", 50_000)
    told = post(key, b'{"x":"' + b"a" * 300_000 + b'"}\n' + LINES.split(b"\n")[0]).json()
    assert (told["kept"], told["first_refused"]) == (1, [{"row": 1, "reason": "too_long"}])


def test_json_of_an_answer_is_small_however_much_is_wrong(key: str) -> None:
    body = b"\n".join(b"{" for _ in range(5_000))
    told = json.loads(post(key, body).content)
    assert (told["refused"], len(told["first_refused"])) == ({"not_readable": 5_000}, 100)


def test_observations_of_the_citys_sensors_in_bulk_are_watched_like_other_readings(key: str) -> None:
    api, times = Api(key), [f"2026-05-01T{hour:02}:00:00Z" for hour in range(6, 10)]
    group = array(1, [times[0], 350], [times[1], 1e9], [times[2], 351, "noted"][:2], [times[3], "high"])
    links = send(api, group, array(2, [times[0], 352]), array(99, [times[0], 1]))
    assert links[0] == f"Observations('1-{1_777_615_200_000_000}')"
    assert ["error" in one for one in links] == [False, True, False, True, False, True]
    assert "impossible" in links[1]
    assert WATCHED == [([1, 1, 2], [350.0, 351.0, 352.0])]
    assert [one["result"] for one in api.values("Datastreams(1)/Observations", orderby="phenomenonTime")] == [350, 351]
    assert send(api, group)[0] == links[0], "the same again is the same"
    assert WATCHED[1:] == [([], [])], "but for what is impossible nothing is told once more"


def test_without_whoever_watches_observations_of_the_citys_sensors_are_rows(key: str, settings: Any) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"READINGS_DOOR": Path("/nowhere/door")}
    now = clock.to_text(clock.now() - timedelta(hours=1))
    (link,) = send(Api(key), array(1, [now, 350]))
    assert (re.fullmatch(r"Observations\(\d+\)", link) is not None, WATCHED) == (True, [])
