"""What a capability publishes of its events to the lake: which events, and which of their fields become columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cityloom.kernel.cells import cell_of
from cityloom.kernel.envelope import Envelope, type_of
from cityloom.lake.domain.dataset import Column, Dataset
from cityloom.lake.domain.things import thing_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = (Column("event", "text", source="the event's id"), Column("kind", "text", source="the event's name"),
         Column("key", "text", source="the id of what it is about"))  # fmt: skip
"""What every published fact begins with."""


@dataclass(frozen=True)
class Published:
    """Events that become facts of a dataset: about what (`thing`, its first field that is there), with which columns.

    A field that an event lacks is empty; `lon` and `lat` of an event become its cell, and its time is the fact's.
    """

    name: str
    title: str
    events: tuple[type, ...]
    thing: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    each: str = "month"

    @property
    def dataset(self) -> Dataset:
        """The dataset that it fills."""
        return Dataset(self.name, self.title, (*FIRST, *self.columns), each=self.each)

    @property
    def types(self) -> tuple[str, ...]:
        """The types of its events."""
        return tuple(type_of(event) for event in self.events)

    def facts(self, envelopes: Sequence[Envelope]) -> dict[str, list[Any]]:
        """The events as columns of the dataset; one about several things (`task_ids`) is a fact of each."""
        rows = [row for one in envelopes for row in self._rows(one)]
        names = ("thing", "at", "cell", *(column.name for column in self.dataset.columns))
        return {name: [row[place] for row in rows] for place, name in enumerate(names)}

    def _rows(self, envelope: Envelope) -> list[tuple[Any, ...]]:
        data = envelope.data
        at = (envelope.time - _EPOCH) // timedelta(microseconds=1)
        cell = cell_of(data["lon"], data["lat"]) if {"lon", "lat"} <= data.keys() else 0
        kind = envelope.type.split(".")[-2]
        own = [_value(column, data) for column in self.columns]
        found = next((data[name] for name in self.thing if name in data), "")
        keys = found if isinstance(found, list) else [found]
        return [(thing_of(self.name, str(key)), at, cell, envelope.id, kind, str(key), *own) for key in keys]


def _value(column: Column, data: Mapping[str, Any]) -> Any:
    value = data.get(column.name)
    return str(value) if column.kind == "text" and value is not None else value
