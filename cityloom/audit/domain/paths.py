"""Where the parts of a tiled log lie. Source: C2SP tlog-tiles."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cityloom.kernel.merkle import TILE_HEIGHT, TILE_WIDTH

_LEVEL = re.compile(r"[0-9]|[1-5][0-9]|6[0-3]")
_INDEX = re.compile(r"(x[0-9]{3}/)*[0-9]{3}")
_WIDTH = re.compile(r"[1-9][0-9]{0,2}")
_MOST_GROUPS = 6


@dataclass(frozen=True)
class TilePath:
    """A tile of hashes, or with level None the entries under a tile of level 0."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        groups = f"{self.index:03d}"
        groups = groups.zfill(-(-len(groups) // 3) * 3)
        parts = [groups[at : at + 3] for at in range(0, len(groups), 3)]
        number = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        part = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{number}{part}"


def read_path(path: str) -> TilePath | None:
    """The tile that a path names; None for anything that is not the one way to write it."""
    root, _, rest = path.partition("/")
    level, _, number = rest.partition("/")
    number, dot, width = number.partition(".p/")
    if root != "tile" or not (level == "entries" or _LEVEL.fullmatch(level)) or not _INDEX.fullmatch(number):
        return None
    if number.count("/") >= _MOST_GROUPS or (dot and not _WIDTH.fullmatch(width)):
        return None
    index = int(number.replace("/", "").replace("x", ""))
    found = TilePath(None if level == "entries" else int(level), index, int(width) if dot else TILE_WIDTH)
    return found if str(found) == path and found.width <= TILE_WIDTH else None


def tiles_of(size: int) -> list[TilePath]:
    """Every tile of hashes of a tree of that size, level by level; empty ones do not exist."""
    found, level = [], 0
    while count := size >> TILE_HEIGHT * level:
        full, width = divmod(count, TILE_WIDTH)
        found += [TilePath(level, index) for index in range(full)]
        found += [TilePath(level, full, width)] if width else []
        level += 1
    return found
