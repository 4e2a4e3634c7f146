"""What sensors a city has, in which unit each speaks, and what it can physically say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Kind:
    """A kind of datastream: `unit` is a UCUM code, `low` and `high` bound what is physically possible in it.

    `observed` and `definition` are the name and the address of the observed property.
    """

    name: str
    unit: str
    low: float
    high: float
    cadence_s: int
    procedure: str
    observed: str
    definition: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("pressure", "kPa", 0.0, 2_000.0, 60, "Pressure transducer on a water main",
             "Water pressure", "http://qudt.org/vocab/quantitykind/Pressure"),
        Kind("flow", "L/s", -5_000.0, 5_000.0, 60, "Flow meter on a water main",
             "Water flow", "http://qudt.org/vocab/quantitykind/VolumeFlowRate"),
        Kind("settlement", "mm", -5_000.0, 5_000.0, 300, "Settlement gauge of the ground beside a road",
             "Ground settlement", "http://qudt.org/vocab/quantitykind/Displacement"),
        Kind("traffic_speed", "km/h", 0.0, 200.0, 60, "Mean speed over a loop or radar section",
             "Traffic speed", "http://qudt.org/vocab/quantitykind/Speed"),
        Kind("rain", "mm/h", 0.0, 500.0, 300, "Rain gauge",
             "Rainfall rate", "http://qudt.org/vocab/quantitykind/Velocity"),
        Kind("level", "m", -1.0, 200.0, 300, "Level gauge of a water tank",
             "Water level in a tank", "http://qudt.org/vocab/quantitykind/Height"),
        Kind("water_level", "m", -50.0, 50.0, 300, "Level gauge of a river, a sewer or an underpass",
             "Water level", "http://qudt.org/vocab/quantitykind/Height"),
        Kind("methane", "%", 0.0, 100.0, 60, "Methane sensor in a chamber, in parts of the lower explosive limit",
             "Methane", "http://qudt.org/vocab/quantitykind/MoleFraction"),
        Kind("gas_pressure", "kPa", 0.0, 10_000.0, 60, "Pressure transducer on a gas main",
             "Gas pressure", "http://qudt.org/vocab/quantitykind/Pressure"),
        Kind("wind_speed", "m/s", 0.0, 120.0, 600, "Anemometer",
             "Wind speed", "http://qudt.org/vocab/quantitykind/Speed"),
        Kind("wind_from", "deg", 0.0, 360.0, 600, "Wind vane: where the wind comes from, clockwise from north",
             "Wind direction", "http://qudt.org/vocab/quantitykind/Angle"),
        Kind("air_temperature", "Cel", -90.0, 60.0, 600, "Thermometer in the shade",
             "Air temperature", "http://qudt.org/vocab/quantitykind/Temperature"),
        Kind("relative_humidity", "%", 0.0, 100.0, 600, "Hygrometer",
             "Relative humidity", "http://qudt.org/vocab/quantitykind/RelativeHumidity"),
        Kind("air_pressure", "hPa", 300.0, 1_100.0, 600, "Barometer",
             "Air pressure", "http://qudt.org/vocab/quantitykind/AtmosphericPressure"),
        Kind("camera", "1", 0.0, 1.0, 300, "Camera that reports scenes, never people",
             "Scene", "urn:cityloom:observed:scene"),
    )
}
SILENT_AFTER_CADENCES = 5
OWNERS = {
    "pressure": "city/water", "flow": "city/water", "level": "city/water", "water_level": "city/water",
    "methane": "city/gas", "gas_pressure": "city/gas", "settlement": "city/traffic", "traffic_speed": "city/traffic",
    "camera": "city/traffic", "rain": "city/emergency",
    "wind_speed": "city/emergency", "wind_from": "city/emergency", "air_temperature": "city/emergency",
    "relative_humidity": "city/emergency", "air_pressure": "city/emergency",
}  # fmt: skip
"""The unit that looks after the sensors of a kind, until another one is named."""
_UCUM = "ucum:"


class Sites(Protocol):
    """Where sensors stand: arrays of equal length, longitudes and latitudes in WGS 84."""

    kind: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    street: NDArray[np.object_]
    made_up: NDArray[np.int64]


def kind_of(definition: str, unit: Mapping[str, object]) -> str:
    """The kind of a stream that observes a property in a unit as SensorThings writes it; "" where it is none of ours.

    The unit's definition counts, as in `ucum:kPa`, or its symbol where that is no UCUM.
    """
    stated = str(unit.get("definition") or "")
    code = stated.removeprefix(_UCUM) if stated.startswith(_UCUM) else str(unit.get("symbol") or "")
    return next((kind.name for kind in KINDS.values() if (kind.definition, kind.unit) == (definition, code)), "")


def silent(last_at_us: NDArray[np.int64], cadence_s: NDArray[np.int64], until_us: int) -> NDArray[np.bool_]:
    """Which streams have said nothing for more than five cadences; `last_at_us` is 0 where none ever spoke."""
    return until_us - last_at_us > cadence_s * 1_000_000 * SILENT_AFTER_CADENCES
