"""Readings in bulk, from files to what anybody asks: the city's own streams, each reading once."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions, queries
from cityloom.signals.models import RejectedSignal
from tests.signals.drawn import sites

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def lake(db: None, tmp_path: Path, settings: Any) -> Path:
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    actions.install(sites(("pressure", 8.6, 41.1), ("pressure", 8.7, 41.1)), by=SYSTEM, at=AT)
    return tmp_path


def take(name: str, body: bytes) -> actions.ReadingsTaken:
    return actions.take_readings(bodies=[(name, body)], by=SYSTEM, at=AT)


LINES = b"""{"datastream":"pressure-1","result":350.5,"phenomenonTime":"2026-05-01T11:00:00Z"}
{"datastream":"2","result":351,"phenomenonTime":"2026-05-01T19:30:00+08:00"}
{"datastream":"pump","result":1,"phenomenonTime":"2026-05-01T11:00:00Z"}
{"datastream":"2","result":1e9,"phenomenonTime":"2026-05-01T11:00:00Z"}
"""


def test_a_file_of_lines_is_kept_and_what_is_wrong_is_counted(lake: Path) -> None:
    assert take("a.ndjson", LINES) == actions.ReadingsTaken(2, 0, {"out_of_range": 1, "unknown_sensor": 1})
    assert dict(RejectedSignal.objects.values_list("code", "count")) == {"out_of_range": 1, "unknown_sensor": 1}
    found = queries.readings_between([1, 2], AT - HOUR, AT)
    assert list(zip(found.datastream_id.tolist(), found.instants(), found.result.tolist(), strict=True)) == [
        (1, AT - HOUR, 350.5), (2, AT - HOUR / 2, 351.0),
    ]  # fmt: skip
    assert queries.readings_told() == (2, 2)
    assert [(one.name, one.count, one.last) for one in queries.streams_that_spoke()] == [
        ("pressure-2", 1, 351.0), ("pressure-1", 1, 350.5),
    ]  # fmt: skip


def test_the_same_readings_in_another_format_are_known(lake: Path) -> None:
    take("a.ndjson", LINES)
    table = pa.table({"datastream": ["pressure-1", "2"], "result": [350.5, 352.0],
                      "phenomenonTime": pa.array([AT - HOUR, AT], pa.timestamp("us", "UTC"))})  # fmt: skip
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    assert take("a.parquet", sink.getvalue()) == actions.ReadingsTaken(1, 1, {})
    csv = b"datastream,result,phenomenonTime\n2,352,2026-05-01T12:00:00Z\n1,353,2026-05-01T12:00:00Z\n"
    assert take("a.csv", csv) == actions.ReadingsTaken(1, 1, {})


@pytest.mark.parametrize(("name", "body"), [
    ("a.xlsx", b"x"), ("a.parquet", b"x"), ("a.csv", b"a,b\n1,2\n"), ("a.csv", b""),
    ("a.csv", b"datastream,result,result,phenomenonTime\na,1,2,c"), ("a.arrow", b"x" * 20),
])  # fmt: skip
def test_a_file_that_is_none_is_refused_and_the_road_is_free_again(lake: Path, name: str, body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        take(name, body)
    assert refused.value.code == "signals.readings_format"
    assert take("a.ndjson", LINES).kept == 2
