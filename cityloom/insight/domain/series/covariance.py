"""How the errors of many series go together, from fewer periods than there are series: shrunken correlations.

Errors are (series, periods), not centred, as is usual for forecasts that are taken to be unbiased.

Source: J. Schäfer and K. Strimmer, Stat. Appl. Genet. Mol. Biol. 4(1), 2005 (towards no correlation); D. Donoho,
M. Gavish and I. Johnstone, Ann. Statist. 46(4), 2018 (eigenvalues that stand above noise).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_LEAST = 1e-12


def correlations(errors: Floats) -> tuple[Floats, Floats]:
    """Standard deviations (series,) and correlations (series, series); a series without errors goes with none."""
    spread = np.sqrt((errors**2).mean(1))
    spread = np.maximum(spread, max(_LEAST, 1e-6 * float(spread.max(initial=0.0))))
    scaled = errors / spread[:, None]
    found = scaled @ scaled.T / errors.shape[1]
    np.fill_diagonal(found, 1.0)
    return spread, found


def intensity(errors: Floats) -> float:
    """How far to shrink correlations towards none: 0 not at all, 1 wholly (Schäfer and Strimmer)."""
    spread, found = correlations(errors)
    periods = errors.shape[1]
    squares = (errors / spread[:, None]) ** 2
    chance = (squares @ squares.T / periods - found**2) / max(periods - 1, 1)
    off = ~np.eye(len(found), dtype=bool)
    whole = float((found[off] ** 2).sum())
    return float(np.clip(chance[off].sum() / whole, 0.0, 1.0)) if whole > 0 else 1.0


def shrunken(errors: Floats) -> Floats:
    """The covariance, shrunken towards its own diagonal (Schäfer and Strimmer)."""
    spread, found = correlations(errors)
    share = intensity(errors)
    return np.outer(spread, spread) * ((1 - share) * found + share * np.eye(len(found)))  # type: ignore[no-any-return]


def factored(errors: Floats) -> Floats:
    """The covariance, shrunken by the same share towards the common factors that stand above noise.

    Eigenvalues of the correlations above the edge of what noise alone gives are kept, made smaller by what noise adds
    to them and by how far their directions are off; the others count as none. So what moves all together, a growth of
    the whole, is not shrunken away with the thousands of small correlations.
    """
    spread, found = correlations(errors)
    share = intensity(errors)
    target = _factors(found, errors.shape[1])
    return np.outer(spread, spread) * ((1 - share) * found + share * target)  # type: ignore[no-any-return]


def _factors(found: Floats, periods: int) -> Floats:
    ratio = len(found) / periods
    values, directions = np.linalg.eigh(found)
    above = values > (1 + np.sqrt(ratio)) ** 2
    seen, directions = values[above], directions[:, above]
    middle = seen + 1 - ratio
    true = (middle + np.sqrt(np.maximum(middle**2 - 4 * seen, 0.0))) / 2
    cosine = np.clip((1 - ratio / (true - 1) ** 2) / (1 + ratio / (true - 1)), 0.0, 1.0)
    target = np.eye(len(found)) + (directions * ((true - 1) * cosine)) @ directions.T
    size = np.sqrt(np.diag(target))
    return target / np.outer(size, size)  # type: ignore[no-any-return]
