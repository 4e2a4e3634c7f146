"""How many phones an alert will ring, inside its area and around it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

SQUARE_MILE_M2 = 2_589_988.110336
_OWNERSHIP = ((0, 16, 0.50), (16, 25, 1.00), (25, 35, 0.97), (35, 45, 0.91), (45, 55, 0.88), (55, 65, 0.73))
_OWNERSHIP_65_AND_OVER = 0.40
BANDS = {"0-17": (0, 18), "18-59": (18, 60), "60-79": (60, 80), "80+": (80, 100)}
ASSUMED_AGES = {"0-17": 18, "18-59": 60, "60-79": 18, "80+": 4}
"""People of each band in a hundred, where nobody counted them."""


@dataclass(frozen=True)
class PhoneEstimate:
    """Phones expected to ring: `inside` the area, in the `overshoot` of its simplified polygon, and how far beyond the
    polygon masts may carry the alert (`bleed_m`)."""

    inside: int
    overshoot: int
    bleed_m: int

    @property
    def total(self) -> int:
        return self.inside + self.overshoot


def ownership(ages: Mapping[str, int]) -> float:
    """Smartphones for each person, for counts of people by the age bands of `BANDS`.

    Assumes every year of age within a band equally frequent.
    Source: ownership by age range as used by GOV.UK Emergency Alerts (alphagov/emergency-alerts-utils).
    """
    people = sum(ages.values())
    if not people:
        return 0.0
    return sum(count * _owned_between(*BANDS[band]) for band, count in ages.items()) / people


def bleed_m(phones: float, area_m2: float) -> int:
    """Metres by which an alert carries beyond its polygon: 5,900 - 1,250 log10(phones per square mile), 500 to 5,000.

    Source: GOV.UK Emergency Alerts (alphagov/emergency-alerts-utils), fitted to the density of British masts.
    """
    density = phones / max(area_m2, 1.0) * SQUARE_MILE_M2
    if density <= 0:
        return 5_000
    return round(min(max(5_900 - 1_250 * math.log10(density), 500), 5_000))


def estimate_phones(
    people_inside: int, people_overshoot: int, ages: Mapping[str, int] | None = None, *, area_m2: float
) -> PhoneEstimate:
    """Phones in the zone and in the rest of the polygon that is sent; `area_m2` is the area of that polygon."""
    share = ownership(ages or ASSUMED_AGES)
    inside, overshoot = round(people_inside * share), round(people_overshoot * share)
    return PhoneEstimate(inside, overshoot, bleed_m(inside + overshoot, area_m2))


def _owned_between(youngest: int, oldest: int) -> float:
    covered = sum((min(oldest, end) - max(youngest, start)) * share
                  for start, end, share in _OWNERSHIP if min(oldest, end) > max(youngest, start))  # fmt: skip
    return (covered + max(0, oldest - max(youngest, 65)) * _OWNERSHIP_65_AND_OVER) / (oldest - youngest)
