"""Rule packs are checked before they are believed, and tried on the past."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
from django.utils import translation

from cityloom.cli import main
from cityloom.detection import queries
from cityloom.detection.domain.firing import Recorded, fired
from cityloom.detection.domain.pack import LARGEST_BYTES, pack_of
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

START_S = 1_777_852_800.0
MINUTE = 60.0


def pack(when, quiet="1 min"):
    rule = {"rule": "r", "title": {"en": "R"}, "quiet": quiet, "when": when}
    return pack_of(json.dumps({"cityloom": 1, "pack": "p", "title": {"en": "P"}, "rules": [rule]}))


def recorded(*streams, step_s=MINUTE):
    """Streams given as (kind, values) or (kind, values, metres east); None is a reading that never came."""
    rows = [(number, START_S + turn * step_s, value) for number, (_, values, *_) in enumerate(streams)
            for turn, value in enumerate(values) if value is not None]  # fmt: skip
    stream, at_s, value = (np.array(each) for each in zip(*rows, strict=True))
    east = np.array([each[2] if len(each) > 2 else 0.0 for each in streams])
    names = np.array([f"s{number}" for number in range(len(streams))], dtype=object)
    kinds = np.array([each[0] for each in streams], dtype=object)
    unit, lat = np.full(len(streams), "kPa", dtype=object), np.full(len(streams), 22.5)
    return Recorded(stream, at_s, value.astype(float), names, kinds, unit, 113.9 + east / 102_900, lat)


def minutes(when, *streams, **more):
    found = fired(pack(when, **more), recorded(*streams))["r"]
    return [round((one.at_s - START_S) / MINUTE) for one in found]


@pytest.mark.parametrize(
    ("when", "values", "expected"),
    [
        ({"above": 5}, [1, 6, 7, 1, 8], [1, 4]),
        ({"below": 0}, [1, -1, 1], [1]),
        ({"above": 5, "for": "2 min"}, [6, 1, 6, 6, 6, 6, 1], [4]),
        ({"falls": 10, "within": "3 min"}, [20, 18, 14, 10, 10, 10, 10], [3]),
        ({"falls": 10, "within": "3 min"}, [20, 17, 14, 11, 8, 5], []),
        ({"rises": 10, "within": "1 min"}, [0, 5, 16, 16], [2]),
        ({"above": 0.06, "unit": "bar"}, [5, 7, 5], [1]),
        ({"silent": "5 min"}, [1, 1, None, None, None, None, None, None, 1], [6]),
        ({"unchanged": "3 min"}, [1, 2, 2, 2, 2, 2, 3], [4]),
    ],
)
def test_a_condition_fires_where_it_begins_to_hold(when, values, expected):
    assert minutes({"kind": "pressure", **when}, ("pressure", values)) == expected


def test_what_is_unusual_is_measured_by_the_stream_itself():
    chance = np.random.default_rng(1)
    values = [*chance.normal(350, 2, 300), *chance.normal(310, 2, 30)]
    found = minutes({"kind": "pressure", "unusual": 6, "direction": "down"}, ("pressure", values))
    assert found[0] == 300
    assert minutes({"kind": "pressure", "unusual": 6, "direction": "up"}, ("pressure", values)) == []


SUDDEN = {"kind": "pressure", "falls": 10, "within": "2 min"}
FELL_AT = {two: [50] * two + [10] * (20 - two) for two in (3, 5, 15)}


def test_neighbours_must_agree_in_time_and_place():
    together = {"together": SUDDEN, "at_least": 2, "within": "5 min", "within_m": 500}
    assert minutes(together, ("pressure", FELL_AT[3]), ("pressure", FELL_AT[5], 400)) == [5]
    assert minutes(together, ("pressure", FELL_AT[3]), ("pressure", FELL_AT[5], 600)) == []
    assert minutes(together, ("pressure", FELL_AT[3]), ("pressure", FELL_AT[15], 400)) == []


def test_one_sensor_that_falls_twice_is_not_two_neighbours():
    values = [50, 10, 50, 50, 50, 10, 10]
    together = {"together": SUDDEN, "at_least": 2, "within": "10 min"}
    assert minutes(together, ("pressure", values)) == []


def test_a_sequence_has_an_order():
    sequence = {"sequence": [SUDDEN, {"kind": "flow", "above": 5}], "within": "10 min"}
    flow_at = {turn: [1] * turn + [9] * (20 - turn) for turn in (1, 8, 18)}
    assert minutes(sequence, ("pressure", FELL_AT[3]), ("flow", flow_at[8])) == [8]
    assert minutes(sequence, ("pressure", FELL_AT[3]), ("flow", flow_at[1])) == []
    assert minutes(sequence, ("pressure", FELL_AT[3]), ("flow", flow_at[18])) == []


def test_a_rule_that_fired_is_quiet_for_its_time():
    values = [1, 9] * 10
    assert minutes({"kind": "pressure", "above": 5}, ("pressure", values), quiet="6 min") == [1, 7, 13, 19]


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"kind": "pressure"}, "a condition has one of above"),
        ({"kind": "pressure", "above": 1, "below": 2}, "not above and below"),
        ({"kind": "pressure", "falls": 5}, "falls needs within beside it"),
        ({"above": 5}, "above needs kind beside it"),
        ({"kind": "pressure", "above": 5, "within": "5 min"}, "within has no meaning beside above"),
        ({"kind": "pressure", "above": 5, "unit": "furlong"}, "furlong is not a UCUM code"),
        ({"kind": "pressure", "silent": "99999 d"}, "90 days"),
        ({"kind": "pressure", "silent": "soon"}, "soon is not written as 5 min"),
        ({"kind": "pressure", "above": float("nan")}, "a number is wanted here"),
        ({"kind": "pressure", "abvoe": 5}, "abvoe"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(when, words):
    with pytest.raises(Refused) as refusal:
        pack(when)
    assert refusal.value.code in ("detection.pack_unfit", "detection.pack_unreadable")
    assert words in refusal.value.sentence.lower() or words in refusal.value.sentence


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("cityloom: 1\npack: [", "detection.pack_unreadable"),
        ("a: &x 1\nb: *x", "detection.pack_unreadable"),
        ("a: !!python/object:os.system x", "detection.pack_unreadable"),
        ("cityloom: 1\ncityloom: 1", "detection.pack_unreadable"),
        ("[" * 50, "detection.pack_unreadable"),
        ("just words", "detection.pack_unfit"),
        ("x" * (LARGEST_BYTES + 1), "detection.pack_too_large"),
    ],
)
def test_what_is_no_pack_is_refused_whatever_it_is(text, code):
    with pytest.raises(Refused) as refusal:
        pack_of(text)
    assert refusal.value.code == code


LINES = """cityloom: 1
pack: mains
title: {en: Mains}
rules:
  - rule: burst
    title: {en: Burst}
    when:
      sequence:
        - {kind: pressure, above: 5}
        - kind: pressure
          falls: 40
          unit: furlong
          within: 5 min
      within: 1 h
"""


@pytest.mark.parametrize("wrong, line", [
    ("", 12), ("unit: kPa\n          colour: red", 13), ("within_m: 5", 12), ("unit: kPa\n          unit: bar", 13),
])  # fmt: skip
def test_what_does_not_fit_is_said_with_its_line(wrong, line):
    with pytest.raises(Refused) as refusal:
        pack_of(LINES.replace("unit: furlong", wrong) if wrong else LINES)
    assert refusal.value.limit == line


def test_what_does_not_fit_is_said_in_the_readers_language():
    with translation.override("zh-hans"), pytest.raises(Refused) as refusal:
        pack_of(LINES)
    with translation.override("zh-hans"):
        said = sentence_of(refusal.value)
    assert said == "规则包第 12 行不合要求：rules.0.when.sequence.1.unit：furlong 不是本市能读的 UCUM 代码。"


def test_a_rule_that_asks_of_streams_that_are_not_there_is_not_taken_for_calm():
    with pytest.raises(Refused) as refusal:
        minutes({"kind": "gas", "above": 1}, ("pressure", [1, 2]))
    assert refusal.value.code == "detection.no_such_kind"


def test_every_shipped_pack_is_one_and_speaks_both_languages():
    packs = queries.shipped_packs()
    assert {"sensors", "pipes", "traffic", "collapse"} <= set(packs)
    for found in packs.values():
        assert all("zh-hans" in each.title for each in (found, *found.rules))


class Runtime:
    """Enough for commands that need no city."""

    def start(self):
        return None


def command(*words):
    return main.run(Runtime(), ["detection", *words])


def written(path, rows, header="time,stream,value,kind,unit,lon,lat"):
    path.write_text("\n".join([header, *rows]))
    return str(path)


def row(minute, stream, value, kind="pressure", unit="kPa"):
    at = datetime.fromtimestamp(START_S + minute * MINUTE, UTC).isoformat()
    return f"{at},{stream},{value},{kind},{unit},113.9,22.5"


def test_a_pack_is_tried_on_a_file_from_the_command_line(tmp_path, capsys):
    values = [350] * 10 + [250] * 10
    rows = [row(minute, name, value) for name in "ab" for minute, value in enumerate(values)]
    rows += [row(minute, "f", 10, "flow", "L/s") for minute in range(20)]
    assert command("try", "pipes", "--on", written(tmp_path / "r.csv", rows), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["fired"]["burst"] == [{"at": "2026-05-04 00:10:00Z", "streams": ["a", "b"]}]
    assert told["fired"]["leak"] == []
    assert told["readings"] == 60


def test_parquet_is_read_like_csv(tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    at = [datetime.fromtimestamp(START_S + minute, UTC) for minute in (0, 60)]
    table = {"time": at, "stream": [7, 7], "value": [1.0, 9.0], "kind": ["pressure"] * 2}
    parquet.write_table(pa.table(table), tmp_path / "r.parquet")
    found = queries.fired_on(pack({"kind": "pressure", "above": 5}), tmp_path / "r.parquet")
    assert [(one.at_s, one.streams) for one in found.fired["r"]] == [(START_S + 60, ("7",))]


@pytest.mark.parametrize("bound", ["LARGEST_ROWS", "LARGEST_BYTES"])
def test_a_recording_that_is_too_long_is_refused_with_its_limit(tmp_path, monkeypatch, bound):
    monkeypatch.setattr(f"cityloom.detection.bulk.{bound}", 1)
    written(tmp_path / "r.csv", [row(minute, "a", 1) for minute in range(2)])
    with pytest.raises(Refused) as refusal:
        queries.fired_on(pack({"kind": "pressure", "above": 5}), tmp_path / "r.csv")
    assert (refusal.value.code, refusal.value.limit) == ("detection.recording_long", 1)


@pytest.mark.parametrize(
    ("header", "rows", "code"),
    [
        ("time,value", ["2026-05-04T00:00:00Z,1"], "detection.recording_columns"),
        ("time,stream,value", ["2026-05-04T00:00:00,a,1"], "detection.recording_zone"),
        ("time,stream,value", ["yesterdayZ,a,1"], "detection.recording_zone"),
        ("time,stream,value", ["2026-05-04T00:00:00Z,a,much"], "detection.recording_columns"),
        ("time,stream,value", ["2026-05-04T00:00:00Z,a,nan"], "detection.recording_empty"),
        ("time,stream,value", ["2026-05-04T00:00:00Z"], "detection.recording_unreadable"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(tmp_path, header, rows, code):
    path = written(tmp_path / "r.csv", rows, header)
    with pytest.raises(Refused) as refusal:
        queries.fired_on(pack({"kind": "pressure", "above": 5}), tmp_path / "r.csv")
    assert refusal.value.code == code
    assert path
