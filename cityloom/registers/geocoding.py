"""The index that addresses are looked up in: read from the registers once for each version, kept in a file."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from django.conf import settings
from django.db import connection

from cityloom.registers.domain import plane
from cityloom.registers.domain.address import address_parts
from cityloom.registers.domain.address_standard import standard
from cityloom.registers.domain.building_addresses import NUMBERED, AddressLevel
from cityloom.registers.domain.draft import Texts, texts
from cityloom.registers.domain.geocoder import Candidate, Houses, Index, Lines, built
from cityloom.registers.models import AddressRecord, Area, Building, BuildingRecord, Load, RoadSegment

_FORM = 1
_ARRAYS = ("start", "value", "tail", "id", "lon", "lat", "middle_lon", "middle_lat", "reach_m")
_READ_AT_ONCE = 20_000
_MOST_PARSED = 300_000
"""Of departments' addresses so many are read into the index; it is built while somebody waits."""


def index() -> Index:
    """The index of the city's buildings and of the addresses that departments have with a place."""
    return _index(_version(), _last_load())


def _version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT data_version FROM registers_city")
        row = cursor.fetchone()
    return row[0] if row else ""


def _last_load() -> int:
    kept = Load.objects.filter(state=Load.DONE, register__in=("buildings", "addresses"))
    return kept.order_by("-number").values_list("number", flat=True).first() or 0


@lru_cache(maxsize=1)
def _index(version: str, load: int) -> Index:
    if not version:
        return _built(load)
    path = Path(settings.CITYLOOM["CITY_DIR"]) / f"addresses-{version}-{load}-{_FORM}.npz"
    with contextlib.suppress(OSError, ValueError, KeyError):
        return _read(path)
    made = _built(load)
    with contextlib.suppress(OSError):  # without its file it is built anew by the next process
        _write(path, made)
    return made


def _built(load: int) -> Index:
    return built(_houses(load), _streets(), _areas())


def _houses(load: int) -> Houses:
    fields = ("id", "street", "house_number", "name", "lon", "lat", "address_level")
    rows = list(Building.objects.order_by("id").values_list(*fields).iterator(chunk_size=_READ_AT_ONCE))
    numbered = {int(level) for level in NUMBERED}
    listed = [(*row[:6], row[6] in numbered and bool(row[2])) for row in rows]
    listed += _of_departments(load)
    columns = list(zip(*listed, strict=True)) if listed else [()] * 7
    return Houses(
        np.array(columns[0], np.int64), texts(columns[1]), texts(columns[2]), texts(columns[3]),
        np.array(columns[4], np.float64), np.array(columns[5], np.float64), np.array(columns[6], bool),
    )  # fmt: skip


def _of_departments(load: int) -> Iterator[tuple[int, str, str, str, float, float, bool]]:
    """Addresses with a place that departments have, as houses without a building of the city."""
    if not load:
        return
    for table, name in ((BuildingRecord, "name"), (AddressRecord, "street")):
        known = table.still_said(load).filter(lon__isnull=False, lat__isnull=False).order_by("id")
        for address, called, lon, lat in known.values_list("address", name, "lon", "lat")[:_MOST_PARSED]:
            said = standard(address)
            if said.street and said.number:
                street, building = address_parts(address).get("road", ""), called if name == "name" else ""
                yield 0, street, said.number, building, lon, lat, True


def _streets() -> Lines:
    """Each piece of a street with a name."""
    named = RoadSegment.objects.exclude(name="", name_zh="").order_by("id")
    rows = list(named.values_list("name", "name_zh", "geometry").iterator(chunk_size=_READ_AT_ONCE))
    return _lines([(name or zh, zh, geometry) for name, zh, geometry in rows])


def _areas() -> Lines:
    return _lines(Area.objects.order_by("id").values_list("name", "name_zh", "geometry"))


def _lines(rows: Iterable[tuple[str, str, bytes]]) -> Lines:
    listed = list(rows)
    shapes = shapely.from_wkb(_objects([bytes(wkb) for _name, _zh, wkb in listed]))
    lon, lat = plane.middles(shapes) if listed else (np.zeros(0), np.zeros(0))
    reach = plane.reaches_m(shapes, lon, lat) if listed else np.zeros(0)
    return Lines(texts(row[0] for row in listed), texts(row[1] for row in listed), lon, lat, reach)


def _objects(values: list[bytes]) -> Texts:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _write(path: Path, made: Index) -> None:
    """Keep an index beside the city's data, and drop those of older versions."""
    words = {
        "streets": made.streets, "spoken": made.spoken, "tails": made.tails,
        "named": {key: [_listed(one) for one in several] for key, several in made.named.items()},
        "areas": {key: [[*_listed(one), reach] for one, reach in several] for key, several in made.areas.items()},
    }  # fmt: skip
    written = np.frombuffer(json.dumps(words, ensure_ascii=False).encode("utf-8", "surrogatepass"), np.uint8)
    arrays = {name: getattr(made, name) for name in _ARRAYS}
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with beside.open("wb") as stream:
        np.savez(stream, words=written, **arrays)
    beside.replace(path)
    for old in path.parent.glob("addresses-*.npz"):
        if old != path and re.fullmatch(r"addresses-\w+-\d+-\d+\.npz", old.name):
            old.unlink(missing_ok=True)


def _listed(one: Candidate) -> list[object]:
    return [one.building, one.words, one.lon, one.lat]


def _read(path: Path) -> Index:
    with np.load(path, allow_pickle=False) as kept:
        words = json.loads(kept["words"].tobytes().decode("utf-8", "surrogatepass"))
        arrays = {name: kept[name] for name in _ARRAYS}
    return Index(
        streets={key: tuple(several) for key, several in words["streets"].items()},
        spoken=words["spoken"], tails=words["tails"],
        named={key: tuple(Candidate(*one) for one in several) for key, several in words["named"].items()},
        areas={key: tuple((Candidate(*one[:4]), one[4]) for one in several) for key, several in words["areas"].items()},
        **arrays,
    )  # fmt: skip


def coverage() -> dict[AddressLevel, int]:
    """How many buildings have an address of each level."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT address_level, count(*) FROM registers_building GROUP BY address_level")
        counts = dict(cursor.fetchall())
    return {level: counts.get(int(level), 0) for level in AddressLevel}
