"""The districts and subdistricts of a synthetic city: blocks between streets, one kind inside the other."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain import made_up_words
from cityloom.registers.domain.draft import AreaTable, texts
from cityloom.registers.domain.synthetic_ground import Ground

Blocks = tuple[int, int, int, int]
"""First column and row, and the first ones past the end."""
_MAIN = 12  # main streets lie at every twelfth line; borders follow them where there are enough
_DISTRICT, _SUBDISTRICT = 2_000_000, 50_000  # people for each
_DISTRICTS, _SUBDISTRICTS = (2, 10), (4, 80)
_FIRST_NAME = 1009  # names that no street of a small city has


def areas_of(ground: Ground, people: int) -> AreaTable:
    """Districts, then subdistricts: each kind covers the whole city, and a border is a street.

    Shenzhen, 20 million people, has ten districts and 74 subdistricts; small cities have more of them for their people.
    """
    districts = _parts((0, 0, ground.columns, ground.rows), _count(people, _DISTRICT, _DISTRICTS))
    wanted = _count(people, _SUBDISTRICT, _SUBDISTRICTS)
    share = [_size(one) / _size((0, 0, ground.columns, ground.rows)) for one in districts]
    inner = [part for one, size in zip(districts, share, strict=True) for part in _parts(one, round(wanted * size))]
    kinds = ["district"] * len(districts) + ["subdistrict"] * len(inner)
    names = [_name(number, kind) for number, kind in enumerate(kinds)]
    shapes = np.array([_outline(ground, one) for one in (*districts, *inner)], dtype=object)
    return AreaTable(texts(kinds), texts(name for name, _ in names), texts(name for _, name in names), shapes)


def _count(people: int, each: int, limits: tuple[int, int]) -> int:
    return int(np.clip(round(people / each), *limits))


def _size(blocks: Blocks) -> int:
    west, south, east, north = blocks
    return (east - west) * (north - south)


def _parts(blocks: Blocks, count: int) -> list[Blocks]:
    """Cut a rectangle across its longer side until there are so many parts, of about the same size."""
    west, south, east, north = blocks
    wide = (east - west) >= (north - south)
    low, high = (west, east) if wide else (south, north)
    if count < 2 or high - low < 2:
        return [blocks]
    cut = _cut(low, high, (count // 2) / count)
    one, two = (
        ((west, south, cut, north), (cut, south, east, north)) if wide
        else ((west, south, east, cut), (west, cut, east, north))
    )  # fmt: skip
    return _parts(one, count // 2) + _parts(two, count - count // 2)


def _cut(low: int, high: int, share: float) -> int:
    """The line at about this share of a side: a main street, if one is near."""
    cut = round(low + (high - low) * share)
    main = round(cut / _MAIN) * _MAIN
    return main if low < main < high and abs(main - cut) * 6 <= high - low else int(np.clip(cut, low + 1, high - 1))


def _outline(ground: Ground, blocks: Blocks) -> shapely.Polygon:
    west, south, east, north = blocks
    xy: NDArray[np.float64] = ground.corner_xy
    around = (
        xy[west:east, south], xy[east, south:north],
        xy[west + 1 : east + 1, north][::-1], xy[west, south + 1 : north + 1][::-1],
    )  # fmt: skip
    return shapely.Polygon(ground.plane.lonlat(np.concatenate(around)))


def _name(number: int, kind: str) -> tuple[str, str]:
    english, chinese = made_up_words.place(_FIRST_NAME + number)
    word, word_zh = {"district": ("District", "区"), "subdistrict": ("Subdistrict", "街道")}[kind]
    return f"{english} {word}", f"{chinese}{word_zh}"
