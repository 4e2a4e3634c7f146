"""The same forecasts by another library, where it is installed; where not, it is said how it comes."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from cityloom.insight.contrib import statsforecast
from cityloom.insight.domain.series.forecasting import forecast
from cityloom.kernel.refused import Refused

IS_THERE = find_spec("statsforecast") is not None
VALUES = 50 + 10 * np.sin(np.arange(40) * np.pi / 2) + np.random.default_rng(3).normal(0, 1, (2, 40))


@pytest.mark.skipif(IS_THERE, reason="statsforecast is installed")
def test_without_the_library_it_is_said_what_to_install() -> None:
    with pytest.raises(Refused) as told:
        statsforecast.forecast(VALUES, 4, 4)
    assert told.value.code == "insight.no_statsforecast" and "pip install" in told.value.sentence


@pytest.mark.skipif(not IS_THERE, reason="statsforecast is not installed; pip install 'cityloom[statsforecast]'")
def test_both_ways_have_the_same_face_and_tell_much_the_same() -> None:
    own = forecast(VALUES, 4, 4, 0.8)
    found = statsforecast.forecast(VALUES, 4, 4, 0.8)
    assert (found.mean.shape, found.fitted.shape, found.notes) == (own.mean.shape, own.fitted.shape, own.notes)
    assert np.abs(found.mean - own.mean).max() < 2
    assert (found.low <= found.mean).all() and (found.mean <= found.high).all()
