"""City components and utility networks on the map, as departments' files tell them."""

from __future__ import annotations

from itertools import islice

import numpy as np
import shapely

from cityloom.kernel.actor import Actor
from cityloom.registers import queries
from cityloom.registers.browsing import around, entries
from cityloom.registers.display import component_word, field_word, value_word
from cityloom.registers.domain import components as classes
from cityloom.registers.domain.draft import shapes
from cityloom.registers.layers.cards import by_number
from cityloom.registers.layers.overview import texts
from cityloom.registers.models import ComponentRecord, FittingRecord, MainRecord, Record
from cityloom.ui.domain.declared import Card, Features

FROM_ZOOM = 15
_MOST = 20_000


def revision() -> str:
    """What the layers' look depends on besides the city's data: the last load."""
    return str(queries.last_known_load())


def components(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """City components, each with its main class; of more than the map bears, some."""
    if zoom < FROM_ZOOM:
        return _nothing()
    found = around.in_box("components", "id, key, lon, lat, state", (west, south, east, north), _MOST)
    rows = list(islice(found, _MOST))
    lon, lat = (np.array([row[at] for row in rows], np.float64) for at in (2, 3))
    return Features(shapely.points(lon, lat), _ids(rows), {
        "class": texts([classes.sub_class(row[1])[:2] for row in rows]),
        "state": texts([row[4] or None for row in rows]),
    })  # fmt: skip


def networks(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Mains by network."""
    if zoom < FROM_ZOOM:
        return _nothing()
    found = around.in_box("mains", "id, network, geometry", (west, south, east, north), _MOST)
    rows = [row for row in islice(found, _MOST) if row[2] is not None]
    lines = shapely.from_wkb(shapes(bytes(row[2]) for row in rows))
    return Features(lines, _ids(rows), {"network": texts([row[1] for row in rows])})


def fittings(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Valves, chambers and other nodes of networks."""
    if zoom < FROM_ZOOM + 1:
        return _nothing()
    found = around.in_box("fittings", "id, network, kind, lon, lat", (west, south, east, north), _MOST)
    rows = list(islice(found, _MOST))
    lon, lat = (np.array([row[at] for row in rows], np.float64) for at in (3, 4))
    return Features(shapely.points(lon, lat), _ids(rows), {
        "network": texts([row[1] for row in rows]), "kind": texts([row[2] or None for row in rows]),
    })  # fmt: skip


@by_number
def component_card(actor: Actor | None, number: int) -> Card | None:
    """A city component, for those who work here."""
    row = _row(ComponentRecord, actor, number)
    return _card("components", row, row.name or component_word(row.key)) if row else None


@by_number
def main_card(actor: Actor | None, number: int) -> Card | None:
    """A main, for those who work here."""
    row = _row(MainRecord, actor, number)
    return _card("mains", row, value_word("network", row.network)) if row else None


@by_number
def fitting_card(actor: Actor | None, number: int) -> Card | None:
    """A fitting, for those who work here."""
    row = _row(FittingRecord, actor, number)
    return _card("fittings", row, value_word("kind", row.kind) or row.key) if row else None


def _row(table: type[Record], actor: Actor | None, number: int) -> Record | None:
    last = queries.last_known_load()
    return table._default_manager.filter(id=number, id__lt=(last + 1) << 32).first() if actor else None


def _card(register: str, row: Record, title: str) -> Card:
    facts = [(field_word("code"), row.key)]
    facts += [(field_word(name), value_word(name, getattr(row, name))) for name in entries.LISTED[register]]
    return Card(title, tuple(fact for fact in facts if fact[1]), url=f"/registers/{register}/entry/{row.key}/")


def _ids(rows: list[tuple]) -> np.ndarray:
    return np.array([row[0] for row in rows], np.int64)


def _nothing() -> Features:
    return Features(np.zeros(0, object), np.zeros(0, np.int64))
