"""Cities drawn on squared paper."""

from __future__ import annotations

from pathlib import Path

import osmium
from osmium.osm import mutable

STEP = 0.0001  # about 10 m
PORTO = (-8.61, 41.14)


class Sheet:
    """Draw a city on squared paper: corners are named by column and row.

    `origin` is the longitude and latitude of corner 0, 0; `sign` -1 gives the ids below 0 that editors use for what
    they have not uploaded yet.
    """

    def __init__(self, origin: tuple[float, float] = PORTO, sign: int = 1) -> None:
        self.origin, self.sign = origin, sign
        self.nodes: dict[tuple[float, float], int] = {}
        self.ways: list[mutable.Way] = []
        self.relations: list[mutable.Relation] = []
        self.tagged: list[mutable.Node] = []
        self.missing: set[int] = set()

    def at(self, x: float, y: float) -> int:
        return self.nodes.setdefault((x, y), self.sign * (len(self.nodes) + 1))

    def way(self, corners: list[tuple[float, float]], **tags: str) -> int:
        number = self.sign * (len(self.ways) + 1)
        self.ways.append(mutable.Way(id=number, nodes=[self.at(*c) for c in corners], tags=_tags(tags)))
        return number

    def square(self, x: float, y: float, size: float = 1, **tags: str) -> int:
        return self.way([(x, y), (x + size, y), (x + size, y + size), (x, y + size), (x, y)], **tags)

    def relation(self, members: list[tuple[str, int, str]], **tags: str) -> None:
        number = self.sign * (len(self.relations) + 1)
        self.relations.append(mutable.Relation(id=number, members=members, tags=_tags(tags)))

    def spot(self, x: float, y: float, **tags: str) -> None:
        number = self.sign * (10_000 + len(self.tagged))
        self.tagged.append(mutable.Node(id=number, location=self._place(x, y), tags=_tags(tags)))

    def write(self, path: Path, *, points_first: bool = True) -> Path:
        corners = [
            mutable.Node(id=number, location=self._place(x, y))
            for (x, y), number in sorted(self.nodes.items(), key=lambda entry: entry[1])
            if number not in self.missing
        ]
        with osmium.SimpleWriter(str(path), overwrite=True) as writer:
            for node in [*corners, *self.tagged] if points_first else []:
                writer.add_node(node)
            for way in self.ways:
                writer.add_way(way)
            for relation in self.relations:
                writer.add_relation(relation)
            for node in [] if points_first else [*corners, *self.tagged]:
                writer.add_node(node)
        return path

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return self.origin[0] + x * STEP, self.origin[1] + y * STEP


def _tags(tags: dict[str, str]) -> dict[str, str]:
    return {key.replace("__", ":"): value for key, value in tags.items()}
