"""Units of measurement by their UCUM codes: only what a city's sensors send."""

from __future__ import annotations

from cityloom.kernel.refused import Refused

_UNITS: dict[str, tuple[str, float, float]] = {  # code -> dimension, factor to base, offset to base
    "kPa": ("pressure", 1000.0, 0.0), "Pa": ("pressure", 1.0, 0.0), "bar": ("pressure", 1e5, 0.0),
    "mbar": ("pressure", 100.0, 0.0), "hPa": ("pressure", 100.0, 0.0),
    "m[H2O]": ("pressure", 9806.65, 0.0), "[psi]": ("pressure", 6894.757293, 0.0),
    "m": ("length", 1.0, 0.0), "cm": ("length", 1e-2, 0.0), "mm": ("length", 1e-3, 0.0), "um": ("length", 1e-6, 0.0),
    "m/s": ("speed", 1.0, 0.0), "km/h": ("speed", 1 / 3.6, 0.0), "[mi_i]/h": ("speed", 0.44704, 0.0),
    "Cel": ("temperature", 1.0, 273.15), "K": ("temperature", 1.0, 0.0),
    "L/s": ("flow", 1e-3, 0.0), "m3/h": ("flow", 1 / 3600, 0.0), "m3/s": ("flow", 1.0, 0.0),
    "%": ("fraction", 1e-2, 0.0), "1": ("fraction", 1.0, 0.0), "mm/h": ("rain", 1.0, 0.0),
    "kg.m-2.s-1": ("rain", 3600.0, 0.0), "deg": ("angle", 1.0, 0.0),
    "[ppm]": ("concentration", 1.0, 0.0),
}  # fmt: skip


def known(code: str) -> bool:
    """Whether a UCUM code is one of ours."""
    return code in _UNITS


def convert(value: float, unit: str, to: str) -> float:
    """A value in another unit of the same dimension.

    Raises: Refused `unit.unknown` or `unit.mismatch`.
    """
    for code in (unit, to):
        if code not in _UNITS:
            raise Refused("unit.unknown", "The unit {value} is not a UCUM code this city reads; send {limit}.",
                          value=code[:20], limit=to)  # fmt: skip
    (dimension, factor, offset), (target, to_factor, to_offset) = _UNITS[unit], _UNITS[to]
    if dimension != target:
        raise Refused("unit.mismatch", "A reading in {value} cannot be turned into {limit}; send {limit}.",
                      value=unit, limit=to)  # fmt: skip
    return value if unit == to else (value * factor + offset - to_offset) / to_factor
