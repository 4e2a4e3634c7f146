"""The projection of one sex as a matrix, and the population that it would end in.

Source: P. Leslie, Biometrika 33(3), 1945; S. Preston, P. Heuveline, M. Guillot, Demography, 2001, section 6.4 and 7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def leslie_matrix(survival: ArrayLike, fertility: ArrayLike, *, width: float = 1.0, sex_ratio: float = 1.05) -> Floats:
    """The matrix (ages, ages) that carries the women of a closed population over a step of `width` years.

    `survival` (ages,) as `lifetable.survival_ratios` gives it, `fertility` (ages,) births a woman and year. It is
    what `projection.step` does to women without migration.
    """
    ratios, rates = np.asarray(survival, np.float64), np.array(fertility, np.float64)
    rates[0] = 0
    ages, below = len(ratios), np.arange(len(ratios) - 1)
    matrix = np.zeros((ages, ages))
    matrix[below + 1, below] = ratios[1:]
    matrix[-1, -1] = ratios[-1]
    girls = ratios[0] * width / 2 / (1 + sex_ratio)
    matrix[0] = girls * (rates + rates @ (matrix * (np.arange(ages) > 0)[:, None]))
    return matrix


def stable(matrix: ArrayLike, width: float = 1.0) -> tuple[float, Floats]:
    """The intrinsic growth rate a year, and the shares of age groups (ages,) of the stable population."""
    values, vectors = np.linalg.eig(np.asarray(matrix, np.float64))
    place = int(np.argmax(values.real))
    shares = np.abs(vectors[:, place].real)
    return float(np.log(values[place].real) / width), shares / shares.sum()
