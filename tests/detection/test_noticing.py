"""Causes are looked for where something is odd: the same is found as everywhere, in bounded time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.detection.domain.cause import cause_of, shipped
from cityloom.detection.domain.gathering import findings
from cityloom.detection.domain.lately import KEPT, Lately
from cityloom.detection.domain.moment import LATE, LEARNING, LEVEL, ORDINARY, Scores
from cityloom.detection.domain.noticing import Lookers, Streams
from cityloom.detection.domain.said import Said, heard
from tests.detection.drawn_networks import NOW, grid, said

BURST = cause_of(shipped()["pipe-burst"].read_text("utf-8"))
NETWORK = grid()
NOBODY = heard(())


def looked(what: Said) -> tuple[Lookers, Lately]:
    """The same as streams with what they said last."""
    lookers = Lookers([BURST], Streams(what.source, what.name, what.kind, what.unit, what.lon, what.lat))
    return lookers, Lately({name: np.array(getattr(what, name), np.float64) for name in KEPT})


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.floats(-40, 6)), min_size=3, max_size=10,
                unique_by=lambda row: row[:2]))  # fmt: skip
def test_looking_where_something_is_odd_finds_what_looking_everywhere_finds(rows: list[tuple[int, int, float]]) -> None:
    what = said(*((f"{x}-{y}", 200.0 * x, 200.0 * y, off) for x, y, off in rows))
    lookers, lately = looked(what)
    everywhere = findings([BURST], {"water": NETWORK}, what, NOBODY, NOW)
    assert lookers.findings(lately, what.working, NOBODY, lambda _: NETWORK, NOW) == everywhere


def test_bursts_far_from_each_other_are_each_weighed_alone() -> None:
    near = [("a", 800.0, 800.0, -20.0), ("b", 1000.0, 800.0, -16.0), ("c", 800.0, 1000.0, -16.0),
            *((f"calm-{at}", 4_000.0 * np.cos(at), 4_000.0 * np.sin(at), 0.2) for at in range(8))]  # fmt: skip
    far = [(f"{name}-far", x + 20_000, y, off) for name, x, y, off in near]
    what = said(*near, *far)
    lookers, lately = looked(what)
    found = lookers.findings(lately, what.working, NOBODY, lambda _: None, NOW)
    assert [sorted(item.source for item in one.evidence if item.weight > 1) for one in found] == [
        ["datastream:a", "datastream:b", "datastream:c"], [f"datastream:{name}-far" for name in "abc"],
    ]  # fmt: skip
    assert all(one.radius_m < 2_000 for one in found)


def test_a_city_in_which_every_second_gauge_is_odd_is_looked_at_in_parts() -> None:
    chance = np.random.default_rng(1)
    what = said(*((str(at), *chance.uniform(0, 60_000, 2).tolist(), -30.0 * (at % 2)) for at in range(12_000)))
    lookers, lately = looked(what)
    clusters = lookers._clusters(BURST, lately, what.working, NOBODY, NOW)
    assert 1 <= len(clusters) <= 8
    assert max(len(near) for near, _ in clusters) <= 100


def test_the_last_of_several_readings_counts_and_late_ones_do_not() -> None:
    lately, scores = Lately(), Scores.of(5)
    lately.grow(3)
    scores.reason[:] = [ORDINARY, LEVEL, LATE, LEARNING, ORDINARY]
    scores.expected[:], scores.spread[:] = 10.0, 1.0
    stream, value = np.array([0, 0, 0, 1, 2]), np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    wanted = np.array([True, True, False])
    assert lately.note(stream, np.array([10.0, 20.0, 5.0, 9.0, 9.0]), value, scores, wanted)
    assert (lately["value"][:2].tolist(), lately["at_s"].tolist()) == ([2.0, 4.0], [20.0, 9.0, -np.inf])
    assert np.isfinite(lately["expected"]).tolist() == [True, False, False]
    kept = Lately.load(lately.save())
    assert all(np.array_equal(kept[name], lately[name], equal_nan=True) for name in KEPT)
