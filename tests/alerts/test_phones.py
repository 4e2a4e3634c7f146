"""How many phones ring."""

from __future__ import annotations

import pytest

from cityloom.alerts.domain.phones import SQUARE_MILE_M2, bleed_m, ownership
from cityloom.alerts.queries import estimate_phones


@pytest.mark.parametrize(("band", "share"), [
    ("0-17", (16 * 0.5 + 2 * 1.0) / 18), ("18-59", (7 * 1.0 + 10 * 0.97 + 10 * 0.91 + 10 * 0.88 + 5 * 0.73) / 42),
    ("60-79", (5 * 0.73 + 15 * 0.4) / 20), ("80+", 0.4),
])  # fmt: skip
def test_who_owns_a_phone(band: str, share: float) -> None:
    assert ownership({band: 10}) == pytest.approx(share)


def test_an_empty_zone_rings_nothing() -> None:
    assert estimate_phones(0, 0, {}, area_m2=1000).total == 0
    assert ownership({}) == 0


@pytest.mark.parametrize(("phones", "metres"), [(100, 3400), (10_000, 900), (10**6, 500), (1, 5000), (0, 5000)])
def test_dense_cities_bleed_less(phones: int, metres: int) -> None:
    assert bleed_m(phones, SQUARE_MILE_M2) == metres


def test_inside_and_overshoot_are_told_apart() -> None:
    estimate = estimate_phones(1000, 100, {"18-59": 1}, area_m2=100_000)
    assert (estimate.inside, estimate.overshoot, estimate.total) == (911, 91, 1002)
    assert estimate.bleed_m == bleed_m(1002, 100_000)
