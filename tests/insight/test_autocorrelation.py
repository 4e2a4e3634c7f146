"""Moran, Gi*, local Moran and the false discovery rate, against published figures."""

from __future__ import annotations

import numpy as np
import pytest

from cityloom.insight.domain.hotspots import discovery
from cityloom.insight.domain.hotspots.autocorrelation import QUADRANTS, getis_ord, local_moran, moran, moran_moments
from cityloom.insight.domain.hotspots.weights import contiguity, distance_band, k_nearest
from cityloom.kernel.refused import Refused

POINTS = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)], float)
VALUES = np.array([2, 3, 3.2, 5, 8, 7])
"""The worked example of PySAL's G_Local, with neighbours within 15."""


def test_gi_and_gi_star_are_those_that_pysal_publishes() -> None:
    near = distance_band(POINTS, 15)
    assert getis_ord(VALUES, near, star=False).z == pytest.approx(
        [-1.0136729, -0.04361589, 1.31558703, -0.31412676, 1.15373986, 1.77833941], abs=1e-7)  # fmt: skip
    assert getis_ord(VALUES, near).z == pytest.approx(
        [-1.39727626, -0.28917762, 0.65064964, -0.28917762, 1.23452088, 2.02424331], abs=1e-7)  # fmt: skip


def test_morans_i_and_its_moments_are_those_of_all_permutations() -> None:
    from itertools import permutations

    near = distance_band(POINTS, 15).row_standardised()
    dense, z = near.matrix.toarray(), VALUES - VALUES.mean()
    every = np.array([one @ dense @ one for one in np.array(list(permutations(z)))]) * 6 / dense.sum() / (z @ z)
    found = moran(VALUES, near, permutations=199, seed=1)
    assert found.index == pytest.approx(every[0])
    assert (found.expected, found.variance) == pytest.approx((every.mean(), every.var()))
    assert moran_moments(z, near, normal=True)[0] == -0.2
    exact = 2 * min((every >= found.index - 1e-12).mean(), (every <= found.index + 1e-12).mean())
    assert found.p_permutation == pytest.approx(exact, abs=0.12)


def test_local_morans_add_up_to_the_whole_and_tell_who_is_like_whom() -> None:
    side = np.arange(8)
    xy = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2) * 1.0
    values = np.random.default_rng(1).normal(0, 1, 64) + 4 * ((xy[:, 0] < 3) & (xy[:, 1] < 3))
    near = distance_band(xy, 1.0)
    found = local_moran(values, near, permutations=199)
    assert found.statistic.mean() == pytest.approx(moran(values, near.row_standardised(), 0).index)
    assert QUADRANTS[found.quadrant[9]] == "high-high" and found.p_value[9] == pytest.approx(0.01)
    assert found.z[9] > 2.5
    assert (found.p_value > 0.05).sum() > 35


def test_islands_and_maps_that_are_all_alike_tell_nothing() -> None:
    near = contiguity([(0, 1), (1, 2), (1, 2), (3, 3)], 4)
    assert near.islands.tolist() == [3] and near.matrix.sum() == 4
    found = local_moran(np.array([1, 2, 3, 9.0]), near, 19)
    assert np.isnan(found.p_value[3]) and np.isnan(found.statistic[3]) and found.quadrant[3] == -1
    assert np.isnan(getis_ord(np.array([1, 2, 3, 9.0]), near).z[3])
    assert np.isnan(moran(np.ones(4), near).index) and np.isnan(local_moran(np.ones(4), near).p_value).all()


def test_neighbours_of_places_at_one_spot_are_the_others() -> None:
    near = k_nearest(np.zeros((5, 2)), 3)
    assert near.matrix.diagonal().sum() == 0 and near.matrix.sum(axis=1).tolist() == [3] * 5
    with pytest.raises(Refused, match="4 nearest"):
        k_nearest(np.zeros((5, 2)), 5)


def test_the_false_discovery_rate_is_that_of_benjamini_and_hochberg() -> None:
    """The example of their paper: 15 tests, of which four are told at 0.05 and Bonferroni tells three."""
    p = np.array([0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719,
                  0.6528, 0.7590, 1.0])  # fmt: skip
    found = discovery.adjusted(np.append(p, np.nan))
    assert (found[:15] <= 0.05).sum() == 4 and np.isnan(found[15])
    assert found[3] == pytest.approx(0.0095 * 15 / 4)
