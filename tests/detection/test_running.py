"""Rules on live readings fire where they would have on the same readings recorded, however these are cut."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.detection.domain.firing import Recorded, fired
from cityloom.detection.domain.holding import Rows
from cityloom.detection.domain.online import Baseline
from cityloom.detection.domain.pack import Pack, pack_of
from cityloom.detection.domain.running import Running

START_S = 1_777_852_800.0
KINDS = ("pressure", "flow")

DURATION = st.sampled_from(["30 s", "1 min", "3 min", "7 min"])
SINGLE = st.one_of(
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS)} | {"above": st.sampled_from([2, 3.5])},
                          optional={"for": DURATION}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "below": st.just(2)}, optional={"for": DURATION}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "falls": st.sampled_from([1, 3]), "within": DURATION}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "rises": st.sampled_from([1, 3]), "within": DURATION}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "unchanged": DURATION}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "silent": DURATION}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "unusual": st.just(1.5)}),
)  # fmt: skip


def combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    near = {"within_m": st.sampled_from([150, 5_000])}
    return st.one_of(
        st.fixed_dictionaries({"any": st.lists(inner, min_size=2, max_size=3)}),
        st.fixed_dictionaries({"together": inner, "at_least": st.just(2), "within": DURATION}, optional=near),
        st.fixed_dictionaries({"sequence": st.lists(inner, min_size=2, max_size=3), "within": DURATION}, optional=near),
    )


CONDITION = st.one_of(SINGLE, combined(st.one_of(SINGLE, combined(SINGLE))))


def pack(*conditions: Any, quiet: str = "30 s") -> Pack:
    rules = [{"rule": f"r{number}", "title": {"en": "R"}, "quiet": quiet, "when": each}
             for number, each in enumerate(conditions)]  # fmt: skip
    return pack_of(json.dumps({"cityloom": 1, "pack": "p", "title": {"en": "P"}, "rules": rules}))


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    """Four streams, two of each kind, at times of their own; values repeat, fall and rise."""
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    many = draw(st.integers(1, 60))
    parts = []
    for stream in range(4):
        gaps = chance.choice([10.0, 20.0, 60.0, 300.0], many, p=[0.4, 0.3, 0.25, 0.05])
        walk = np.round(2 + np.cumsum(chance.choice([0, 0, 1, -1, 3, -3], many)) % 5, 1)
        parts.append((np.full(many, stream), START_S + chance.integers(0, 30) * 10 + np.cumsum(gaps), walk))
    kinds, east = [*KINDS, *KINDS], np.array([0, 100, 200, 3_000])
    return ended(parts, kinds, ["kPa"] * 4, east)


def ended(parts: list[Any], kinds: list[str], units: list[str], east: Any = 0) -> Recorded:
    """Streams as (number, times, values), and one reading of another kind behind all of them, which ends the time."""
    many = len(parts)
    end = max(at_s.max() for _, at_s, _ in parts) + 0.5
    stream, at_s, value = (np.concatenate(each) for each in zip(*parts, ([many], [end], [0.0]), strict=True))
    names = np.array([f"s{number}" for number in range(many + 1)], dtype=object)
    lon = 113.9 + np.append(np.broadcast_to(east, many), 0) / 102_900
    kind, unit = (np.array([*each, last], dtype=object) for each, last in ((kinds, "rain"), (units, "mm/h")))
    return Recorded(stream, at_s, value, names, kind, unit, lon, np.full(many + 1, 22.5))


def live(found: Pack, recorded: Recorded, cuts: list[float], saves: bool) -> dict[str, list[Any]]:
    running, baseline = Running(found), Baseline(len(recorded.name))
    running.know(recorded)
    out: dict[str, list[Any]] = {rule.name: [] for rule in found.rules}
    end = float(recorded.at_s.max())
    edges = [-np.inf, *sorted(cut for cut in cuts if cut < end), end]
    for since, until in zip(edges, [*edges[1:], np.inf], strict=True):
        chosen = (recorded.at_s >= since) & (recorded.at_s < until)
        stream, at_s, value = (each[chosen] for each in (recorded.stream, recorded.at_s, recorded.value))
        z = baseline.score(stream, at_s, value).z
        for firing in running.advance(Rows(stream, at_s, value, z), min(until, end)):
            out[firing.rule.name].append((firing.at_s, tuple(str(recorded.name[one]) for one in firing.streams)))
        if saves:
            kept, running = running.save(), Running(found)
            running.know(recorded)
            running.load(kept)
    return out


@given(conditions=st.lists(CONDITION, min_size=1, max_size=2), recorded=recordings(),
       cuts=st.lists(st.integers(0, 360), max_size=6), saves=st.booleans())  # fmt: skip
def test_live_and_recorded_fire_alike(
    conditions: list[Any], recorded: Recorded, cuts: list[int], saves: bool
) -> None:
    found = pack(*conditions)
    expected = {rule: [(one.at_s, one.streams) for one in times] for rule, times in fired(found, recorded).items()}
    assert live(found, recorded, [START_S + 10.0 * cut for cut in cuts], saves) == expected


@given(
    steps=st.lists(st.tuples(st.floats(-1, 0.2), st.sampled_from([1.0, 5.0, 90.0])), min_size=1, max_size=300),
    size=st.integers(1, 70), form=st.sampled_from(["falls", "rises"]),
)  # fmt: skip
def test_a_value_that_falls_for_long_is_followed_exactly(
    steps: list[tuple[float, float]], size: int, form: str
) -> None:
    found = pack({"kind": "pressure", form: 2.5, "within": "3 min"}, quiet="1 s")
    value, at_s = (np.cumsum([step[place] for step in steps]) for place in (0, 1))
    recorded = ended([(np.zeros(len(steps), np.int64), START_S + at_s, value)], ["pressure"], ["kPa"])
    cuts = (START_S + at_s[size::size]).tolist()
    expected = {rule: [(each.at_s, each.streams) for each in times] for rule, times in fired(found, recorded).items()}
    assert live(found, recorded, cuts, saves=False) == expected


@pytest.mark.parametrize("name", ["sensors", "pipes", "traffic", "collapse"])
def test_the_shipped_packs_run(name: str) -> None:
    from cityloom.detection.queries import shipped_packs

    chance, many = np.random.default_rng(5), 400
    units = {"pressure": "kPa", "settlement": "mm", "traffic_speed": "km/h", "flow": "L/s"}
    kinds = [kind for kind in units for _ in range(2)]
    value = chance.normal(300, 5, (len(kinds), many))
    value[:4, 200:] -= 120
    value[4:6] = chance.normal(50, 3, (2, many))
    value[4:6, 200:260] = 3.0
    times = START_S + np.arange(many) * 60.0
    parts = [(np.full(many, number), times, each) for number, each in enumerate(value)]
    recorded = ended(parts, kinds, [units[kind] for kind in kinds])
    found = shipped_packs()[name]
    expected = {rule: [(one.at_s, one.streams) for one in times] for rule, times in fired(found, recorded).items()}
    assert any(expected.values()) or name == "sensors"
    assert live(found, recorded, [START_S + 60.0 * turn for turn in range(0, many, 7)], saves=False) == expected
