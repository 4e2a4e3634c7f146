"""A wild sensor never raises; a collapse is noticed with any third of its sources silent."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.detection.domain.fusion import RADIUS_M, RAISE_AT, fuse
from cityloom.detection.domain.scoring import RULES
from cityloom.kernel.geometry import distance_m
from tests.detection.layouts import KINDS, PLANE, collapses, collapses_partly_silent, evidence, ordinary, spots
from tests.examples import a_third_of


@settings(max_examples=a_third_of(120), deadline=None)
@given(collapses_partly_silent(), ordinary())
def test_a_collapse_is_noticed_with_any_third_of_its_sources_silent(case, around):
    _, left = case
    finding = fuse([*left, *around])
    assert finding.raised, finding
    assert distance_m(finding.lon, finding.lat, PLANE.lon, PLANE.lat) <= 2 * RADIUS_M


SURROUNDINGS = [  # sources of each of KINDS; no kind more than half
    (2, 2, 2, 2, 1), (3, 2, 2, 2, 1), (2, 2, 2, 3, 2), (2, 2, 7, 2, 1), (5, 2, 2, 2, 1), (2, 2, 5, 4, 2),
    (4, 2, 8, 2, 1),
]  # fmt: skip


@pytest.mark.parametrize("counts", SURROUNDINGS)
def test_whichever_third_is_lost_enough_is_left(counts):
    """The worst loss, kind by kind: every way to lose a third, taken as numbers of each kind."""
    total = sum(counts)
    around = [evidence(kind, 99, 0, 0, share=0.0) for kind in ("pressure", "settlement", "traffic_speed", "flow")]
    for left in product(*(range(count + 1) for count in counts)):
        if total - sum(left) == total // 3:
            items = [
                evidence(kind, number, 0, 0, share=max(0.5**number, 1 / 8) if kind == "call" else 1.0)
                for kind, count in zip(KINDS, left, strict=True)
                for number in range(count)
            ]
            assert fuse([*items, *around]).raised, left


@settings(max_examples=a_third_of(120), deadline=None)
@given(st.sampled_from(sorted(RULES)), st.lists(st.tuples(st.floats(0, 1), st.floats(0, 599)), min_size=1, max_size=60),
       ordinary())  # fmt: skip
def test_one_source_gone_mad_never_raises_whatever_and_however_often_it_speaks(kind, messages, around):
    mad = [evidence(kind, 1, 0, 0, share=share, second=second) for share, second in messages]
    assert not fuse([*mad, *around]).raised


@settings(max_examples=a_third_of(50), deadline=None)
@given(st.sampled_from(sorted(RULES)), st.integers(1, 40), st.data())
def test_a_whole_kind_gone_mad_never_raises(kind, count, data):
    mad = [evidence(kind, number, *data.draw(spots(200))) for number in range(count)]
    finding = fuse(mad)
    assert not finding.raised
    assert finding.reason == "one_kind"


def test_a_water_utility_gone_mad_with_all_its_meters_never_raises():
    mad = [evidence(kind, number, 10 * number, 0) for kind in ("pressure", "flow") for number in range(10)]
    assert fuse(mad).reason == "one_utility"


@settings(max_examples=a_third_of(50), deadline=None)
@given(collapses(), st.data())
def test_the_order_of_arrival_changes_nothing(whole, data):
    assert fuse(data.draw(st.permutations(whole))) == fuse(whole)


@settings(max_examples=a_third_of(50), deadline=None)
@given(collapses())
def test_what_is_reported_lies_in_one_circle_and_explains_the_score(whole):
    finding = fuse(whole)
    places = PLANE.xy(np.array([e.lon for e in finding.evidence]), np.array([e.lat for e in finding.evidence]))
    spread = np.hypot(*(places[:, None] - places[None, :]).reshape(-1, 2).T)
    assert spread.max() <= 2 * RADIUS_M + 1
    assert finding.score >= RAISE_AT
    assert len({item.source for item in finding.evidence}) == len(finding.evidence)


def test_sources_all_around_on_the_rim_are_one_collapse():
    rim = [(249 * np.cos(a), 249 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 3, endpoint=False)]
    items = [evidence(kind, 1, *spot) for kind, spot in zip(("pressure", "settlement", "call"), rim, strict=True)]
    assert fuse(items).raised


def test_the_same_sources_a_little_further_apart_are_not():
    rim = [(256 * np.cos(a), 256 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 3, endpoint=False)]
    items = [evidence(kind, 1, *spot) for kind, spot in zip(("pressure", "settlement", "call"), rim, strict=True)]
    assert not fuse(items).raised


def test_a_stray_sensor_does_not_drag_the_place_away():
    near = [evidence("settlement", n, 5 * n, 0) for n in range(3)] + [evidence("call", n, 0, 5 * n) for n in range(3)]
    stray = evidence("settlement", 9, 230, 0)
    place = fuse([*near, stray])
    assert len(place.evidence) == 7
    assert distance_m(place.lon, place.lat, PLANE.lon, PLANE.lat) < 15


def test_hundreds_of_sources_are_still_fused():
    items = [evidence(kind, n, 30 * (n % 9), 30 * (n // 9)) for kind in KINDS for n in range(60)]
    assert fuse(items).raised


def test_a_flood_of_weak_sources_does_not_hide_a_collapse():
    flood = [evidence("call", 100 + n, -700 + 14 * n, 500) for n in range(100)]
    real = [evidence("pressure", 1, 0, 0), evidence("settlement", 1, 20, 0), evidence("traffic_speed", 1, 0, 30)]
    finding = fuse([*flood, *real])
    assert finding.raised
    assert {item.source for item in real} <= {item.source for item in finding.evidence}


def test_nothing_is_no_finding():
    assert fuse([]).reason == "nothing"
    assert fuse([replace(evidence("pressure", 1, 0, 0), kind="rain")]).reason == "nothing"
