"""XES is read in columns where it is flat, element by element where it is not: both find the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.cleaning import RawEvents
from cityloom.insight.eventlogs import xes, xes_flat
from cityloom.insight.eventlogs.columns import Columns
from cityloom.insight.eventlogs.xes_gathered import Gathered

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<log xmlns="http://www.xes-standard.org/">\n<!-- first -->\n'
texts = st.sampled_from(["check", "确认收到", "ask & wait", "a <b> 'c'", "UNKNOWN", "", "Group 1"])
times = st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-01T10:00:00.5+01:00", "soon", ""])
EVENT = {"concept:name": texts, "time:timestamp": times, "lifecycle:transition": st.sampled_from(["start", "complete"]),
         "org:group": texts, "org:resource": texts, "start_timestamp": times, "note": texts}  # fmt: skip
TRACE = {"concept:name": st.sampled_from(["K-1", "K-2", ""]), "channel": st.sampled_from(["desk", "post"]),
         "responsible": texts, "amount": st.sampled_from(["1", "2.5"]), "deadline": times}  # fmt: skip
said = st.fixed_dictionaries({}, optional=EVENT)
traces = st.lists(st.tuples(st.fixed_dictionaries({}, optional=TRACE), st.lists(said, max_size=4)), max_size=5)


def written(log: list[tuple[dict[str, str], list[dict[str, str]]]]) -> str:
    def values(one: dict[str, str]) -> str:
        kinds = {"time:timestamp": "date", "amount": "float"}
        return "".join(
            f"<{kinds.get(key, 'string')} key={quoteattr(key)} value={quoted(value)}/>\n" for key, value in one.items()
        )

    def quoted(value: str) -> str:
        return '"' + value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;") + '"'

    return "".join(
        f"<trace>{values(of)}{''.join(f'<event>{values(one)}</event>' for one in events)}</trace>\n"
        for of, events in log
    )


def columns(raw: RawEvents) -> dict[str, Any]:
    return {
        "case": [raw.case_ids[one] for one in raw.case],
        "at": raw.at.tolist(),
        "started_at": raw.started_at.tolist(),
        "activity": [raw.activities[one] if one >= 0 else "" for one in raw.activity],
        "office": [raw.offices[one] if one >= 0 else "" for one in raw.office],
        "transition": [raw.transitions[one] for one in raw.transition],  # type: ignore[union-attr]
        "attributes": {
            name: (one.labels, np.nan_to_num(one.values, nan=-1).tolist()) for name, one in raw.attributes.items()
        },
        "noted": raw.noted,
    }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(traces)
def test_both_ways_of_reading_find_the_same(tmp_path: Path, log: list[Any]) -> None:
    body = written(log)
    if "<event>" not in body:
        return
    flat, odd = tmp_path / "flat.xes", tmp_path / "odd.xes"
    flat.write_text(f"{HEAD}{body}</log>\n", "utf-8")
    odd.write_text(f"{HEAD}{body}<!-- last --></log>\n", "utf-8")
    xes_flat.read_flat(flat, Gathered(Columns()))
    with pytest.raises(xes_flat.NotFlat):
        xes_flat.read_flat(odd, Gathered(Columns()))
    assert columns(xes.read(flat, Columns())[0]) == columns(xes.read(odd, Columns())[0])


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("<event>", "<event><!-- a -->"),
        ("</event>", '<list key="x"></list></event>'),
        ('key="note"', "key='note'"),
        ('value="x"', 'value="x&#38;"'),
        ('value="x"', 'value="&other;"'),
        ('value="x"', 'value="a\nb"'),
        ("<event>", "<event><event>"),
        ("</event></trace>", "</trace></event>"),
        ('<string key="note" value="x"/>', "words"),
        ('key="note" value="x"', 'value="x" key="note"'),
        ("<event>", '<event id="1">'),
        ("UTF-8", "ISO-8859-1"),
        ('value="x"', 'value="x<y"'),
        ("</log>", "</log><more/>"),
        ("<!-- first -->", "<!DOCTYPE log>"),
    ],
)
def test_anything_else_is_left_to_the_careful_reader(part: str, other: str, tmp_path: Path) -> None:
    path = tmp_path / "log.xes"
    body = f'{HEAD}<trace><event><string key="note" value="x"/></event></trace></log>'
    path.write_text(body)
    xes_flat.read_flat(path, Gathered(Columns()))
    assert part in body
    path.write_text(body.replace(part, other, 1))
    with pytest.raises(xes_flat.NotFlat):
        xes_flat.read_flat(path, Gathered(Columns()))
