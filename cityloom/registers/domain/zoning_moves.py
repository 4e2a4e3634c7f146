"""Cells change zones, one at a time, until loads are even and borders short: simulated annealing in a piece.

Source: Kirkpatrick, Gelatt and Vecchi, "Optimization by Simulated Annealing", Science 220 (1983).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Floats, Ints

BAND = 0.1
"""A zone is even where its load is within this share of the mean of its subdistrict."""
_AIM = 0.09
_LEAST_TRIES = 200


@dataclass(frozen=True)
class Terms:
    """What a division costs: uneven loads (the square, and what is beyond the band), borders, cells away from home."""

    square: float = 40.0
    over: float = 60.0
    border: float = 0.25
    moved: float = 0.0


@dataclass
class Piece:
    """A connected piece of a subdistrict in plain lists: `near` once around each cell, -1 for what is outside.

    `zone` has one more entry, -1, which is what an outside neighbour reads. Loads are in shares of the mean; `home` is
    where each cell was last year, and at most `most_moved` may be elsewhere.
    """

    near: list[list[int]]
    border: list[list[float]]
    load: list[float]
    zone: list[int]
    total: list[float]
    home: list[int]
    most_moved: int
    moved: int = 0

    @classmethod
    def of(cls, near: NDArray[np.int32], border: Floats, share: Floats, zone: Ints, most_moved: int) -> Piece:
        """A piece from arrays; `share` is each cell's load in shares of the mean; zones are 0, 1, ..."""
        return cls(
            near.tolist(), border.tolist(), share.tolist(), [*zone.tolist(), -1], np.bincount(zone, share).tolist(),
            zone.tolist(), most_moved,
        )  # fmt: skip

    def uneven(self) -> list[int]:
        """The zones whose load is outside the band."""
        return [zone for zone, total in enumerate(self.total) if abs(total - 1) > BAND]

    def beyond(self) -> float:
        """How much load is outside the band in all."""
        return sum(max(0.0, abs(total - 1) - BAND) for total in self.total)

    def around(self, zones: list[int], hops: int) -> Ints:
        """The cells of some zones and of those within so many steps from them."""
        near, zone = np.array(self.near, np.int32), np.array(self.zone, np.int32)
        chosen = np.zeros(len(self.total) + 1, bool)
        chosen[zones] = True
        for _ in range(hops):
            chosen[zone[near[chosen[zone[:-1]]]]] = True
            chosen[-1] = False
        return np.flatnonzero(chosen[zone[:-1]])


def anneal(
    piece: Piece, terms: Terms, heat: tuple[float, float], tries: int, rng: np.random.Generator,
    cells: Ints | None = None,
) -> None:  # fmt: skip
    """Propose so many moves of a cell (of `cells`) into a neighbour's zone, from the first heat down to the second."""
    near = np.array(piece.near, np.int32)
    cells = np.arange(len(near)) if cells is None else cells
    each = max(_LEAST_TRIES, len(cells) // 2)
    batches = max(1, math.ceil(tries / each))
    for number in range(batches):
        share = number / max(batches - 1, 1)
        chosen = _proposals(piece, near, cells[rng.integers(len(cells), size=each)], rng)
        _batch(piece, terms, rng, chosen, heat[0] * (heat[1] / heat[0]) ** share)


def _proposals(
    piece: Piece, near: NDArray[np.int32], cell: Ints, rng: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Sides drawn at random for these cells, as far as another zone lies on that side now."""
    side = rng.integers(6, size=len(cell))
    zone = np.array(piece.zone, np.int32)
    there = zone[near[cell, side]]
    different = (there >= 0) & (there != zone[cell])
    return cell[different].tolist(), side[different].tolist()


def _batch(  # noqa: PLR0912 - the hot loop: a call for each step would take most of its time
    piece: Piece, terms: Terms, rng: np.random.Generator, proposals: tuple[list[int], list[int]], heat: float
) -> None:
    """Take each proposal that makes the division cheaper, or dearer by no more than chance allows at this heat.

    A cell may leave if the neighbours that it leaves behind lie side by side around it: then they stay together.
    """
    near, border, load, zone, total, home = (
        piece.near, piece.border, piece.load, piece.zone, piece.total, piece.home
    )  # fmt: skip
    square, over, per_border, per_move = terms.square, terms.over, terms.border, terms.moved
    moved, most_moved, step = piece.moved, piece.most_moved, 0
    limits = (rng.exponential(size=len(proposals[0])) * heat).tolist()
    for c, side, limit in zip(*proposals, limits):  # noqa: B905 - they are of one length
        a = zone[c]
        around = near[c]
        b = zone[around[side]]
        if a == b:
            continue
        x = load[c]
        was_a, was_b = total[a] - 1.0, total[b] - 1.0
        is_a, is_b = was_a - x, was_b + x
        change = square * (is_a * is_a + is_b * is_b - was_a * was_a - was_b * was_b)
        if is_a < -_AIM or is_a > _AIM:
            change += over * (abs(is_a) - _AIM)
        if is_b < -_AIM or is_b > _AIM:
            change += over * (abs(is_b) - _AIM)
        if was_a < -_AIM or was_a > _AIM:
            change -= over * (abs(was_a) - _AIM)
        if was_b < -_AIM or was_b > _AIM:
            change -= over * (abs(was_b) - _AIM)
        if change > limit + 6 * per_border + per_move:
            continue
        costs = border[c]
        cut, arcs, before = 0.0, 0, zone[around[5]]
        for k in range(6):
            z = zone[around[k]]
            if z == a:
                cut += costs[k]
                if before != a:
                    arcs += 1
            elif z == b:
                cut -= costs[k]
            before = z
        if arcs != 1:
            continue
        change += per_border * cut
        if per_move:
            step = (home[c] == a) - (home[c] == b)
            if step > 0 and moved >= most_moved:
                continue
            change += per_move * step
        if change > limit:
            continue
        zone[c] = b
        total[a] -= x
        total[b] += x
        moved += step
    piece.moved = moved


def polish(piece: Piece, terms: Terms, rng: np.random.Generator, rounds: int) -> None:
    """Try again around the zones that are still uneven, with fresh heat and in wider surroundings; keep what is better.

    Zones whose heaviest cell alone is too much are left alone.
    """
    for number in range(rounds):
        hopeless = {zone for zone, load in zip(piece.zone, piece.load, strict=False) if load > 1 + BAND}
        uneven = [zone for zone in piece.uneven() if zone not in hopeless]
        if not uneven:
            return
        cells = piece.around(uneven, hops=_HOPS[number % len(_HOPS)])
        before = piece.zone[:], piece.total[:], piece.moved, piece.beyond()
        anneal(piece, terms, _POLISH_HEAT, min(_POLISH_A_CELL * len(cells), _POLISH_MOST), rng, cells)
        if piece.beyond() > before[3]:
            piece.zone, piece.total, piece.moved = before[:3]


_HOPS = (1, 2, 1, 2, 3)
_POLISH_A_CELL, _POLISH_MOST, _POLISH_HEAT = 250, 60_000, (0.8, 0.02)
