"""The forms of exponential smoothing: error, trend and season, each additive, multiplicative, damped or none.

Source: R. Hyndman, A. Koehler, J. Ord and R. Snyder, Forecasting with Exponential Smoothing (2008), table 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_FITTED_SEASON = 13
"""Longer seasons keep the initial states of a decomposition: as many more free parameters would only fit noise."""


@dataclass(frozen=True)
class Form:
    """`error` A or M; `trend` N, A or Ad (damped); `season` N, A or M."""

    error: str
    trend: str
    season: str

    @property
    def name(self) -> str:
        """As the field writes it: ETS(M,Ad,A)."""
        return f"ETS({self.error},{self.trend},{self.season})"

    @property
    def has_trend(self) -> bool:
        """Whether there is a growth."""
        return self.trend != "N"

    @property
    def is_damped(self) -> bool:
        """Whether the growth dies away."""
        return self.trend == "Ad"

    @property
    def has_season(self) -> bool:
        """Whether there are seasonal states."""
        return self.season != "N"

    @property
    def is_positive(self) -> bool:
        """Whether it is for values above zero only."""
        return self.error == "M" or self.season == "M"

    def smoothings(self) -> int:
        """How many smoothing parameters are fitted: alpha, beta, gamma, phi."""
        return 1 + self.has_trend + self.is_damped + self.has_season

    def parameters(self, season: int) -> int:
        """How many parameters the information criterion counts: smoothing, initial states, and the variance."""
        return self.smoothings() + 1 + self.has_trend + (season - 1 if self.has_season else 0) + 1


FORMS = tuple(
    Form(error, trend, season)
    for season in ("N", "A", "M") for trend in ("N", "A", "Ad") for error in ("A", "M")
    if not (error == "A" and season == "M")
)  # fmt: skip
"""The fifteen forms that are tried; an additive error with a multiplicative season is left out, as it is unstable."""


def fitting(season: int, periods: int, positive: bool) -> tuple[Form, ...]:
    """The forms that so many periods can tell apart: at least one degree of freedom for the corrected criterion."""
    return tuple(
        form for form in FORMS
        if (season > 1 or not form.has_season) and (positive or not form.is_positive)
        and (not form.has_season or periods >= 2 * season + 1) and periods > form.parameters(season) + 1
    ) or (Form("A", "N", "N"),)  # fmt: skip
