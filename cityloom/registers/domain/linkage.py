"""Links between records: how much speaks for each pair, and which records are one entry."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.linkage_config import Config

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Member = tuple[str, int]
"""A table's name and a row in it."""
START = "start"
"""What speaks for any two records before they are compared."""
CERTAIN, REVIEW, DIFFERENT = "certain", "review", "different"


@dataclass(frozen=True)
class Links:
    """Pairs of records, one row each; no value of any record is in here.

    `left_table` and `right_table` are places in `tables`, rows count from 0. `weight` is in bits: the start and the sum
    of `contributions`. `levels` tells for each comparison which level held, -1 where a side has no value.
    """

    tables: tuple[str, ...]
    left_table: Ints
    left_row: Ints
    right_table: Ints
    right_row: Ints
    weight: Floats
    probability: Floats
    contributions: Mapping[str, Floats]
    levels: Mapping[str, Ints]
    lost: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.weight)

    def taken(self, rows: Ints | NDArray[np.bool_]) -> Links:
        """The same columns at some rows."""
        columns = {name: getattr(self, name)[rows] for name in (
            "left_table", "left_row", "right_table", "right_row", "weight", "probability")}  # fmt: skip
        return replace(self, **columns, contributions={name: bits[rows] for name, bits in self.contributions.items()},
                       levels={name: level[rows] for name, level in self.levels.items()})  # fmt: skip

    def states(self, config: Config) -> NDArray[np.str_]:
        """For each pair: certain, review or different."""
        sure, ask = self.probability >= config.certain, self.probability >= config.review
        return np.select([sure, ask], [CERTAIN, REVIEW], DIFFERENT)

    def explanation(self, row: int, config: Config) -> list[tuple[str, str, float]]:
        """Comparison, what held and the bits that it added, of one pair; values are not told."""
        told = [(START, "", float(self.contributions[START][row]))]
        for comparison in config.comparisons:
            if comparison.name in self.levels:
                level = int(self.levels[comparison.name][row])
                told.append((comparison.name, comparison.words(level), float(self.contributions[comparison.name][row])))
        return told

    def member(self, side: str, row: int) -> Member:
        """The record on one side (left or right) of a pair."""
        table, at = (self.left_table, self.left_row) if side == "left" else (self.right_table, self.right_row)
        return self.tables[int(table[row])], int(at[row])


def probabilities(weights: Floats) -> Floats:
    """What weights in bits mean as probabilities."""
    return 1.0 / (1.0 + np.exp2(-np.clip(weights, -500, 500)))


@dataclass(frozen=True)
class Model:
    """What was learnt: how often each level holds for records of one entry (m) and for any two (u).

    `prior` is the probability that two records taken at random are one entry. No value of any record is in it.
    """

    config: str
    prior: float
    chances: Mapping[str, tuple[tuple[float, float], ...]]

    @staticmethod
    def default(config: Config) -> Model:
        """What the configuration itself says: works with no training at all."""
        chances = {one.name: tuple((level.m, level.u) for level in one.levels) for one in config.comparisons}
        return Model(config.digest, config.prior, chances)

    def to_json(self) -> str:
        """The model as a file holds it."""
        return json.dumps({"cityloom": 1, "config": self.config, "prior": self.prior,
                           "chances": {name: list(map(list, said)) for name, said in self.chances.items()}},
                          indent=1)  # fmt: skip

    @staticmethod
    def from_json(text: str, config: Config) -> Model:
        """Read a model that was learnt under a configuration.

        Raises: Refused `linkage.model_unreadable`, `linkage.model_other`.
        """
        try:
            document = json.loads(text)
            chances = {str(name): tuple((float(m), float(u)) for m, u in said)
                       for name, said in document["chances"].items()}  # fmt: skip
            model = Model(str(document["config"]), float(document["prior"]), chances)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused("linkage.model_unreadable", "This file holds no model; learn it anew.") from error
        if model.config != config.digest:
            raise Refused("linkage.model_other", "The model was learnt under another configuration; learn it anew.")
        return model


@dataclass(frozen=True)
class Cluster:
    """Records that are one entry; `edges` are the rows of the links that join them, `left_out` those that may not."""

    members: tuple[Member, ...]
    edges: tuple[int, ...]
    weakest: float
    left_out: tuple[int, ...] = ()


def clusters(links: Links, *, at_least: float, free_of_duplicates: frozenset[str] = frozenset()) -> list[Cluster]:
    """Join records over links of at least a probability, the heaviest first.

    Never two records of a table that is free of duplicates: such a link is left out. Without one of its edges a cluster
    falls apart again, so every join can be taken back.
    """
    joined = _Joined(links, free_of_duplicates)
    rows = np.flatnonzero(links.probability >= at_least)
    order = np.lexsort((links.right_row[rows], links.left_row[rows], -links.weight[rows]))
    for row in rows[order].tolist():
        joined.join(row)
    return list(joined.clusters())


class _Joined:
    """A forest of records that grows by links."""

    def __init__(self, links: Links, free: frozenset[str]) -> None:
        self._links, self._free = links, free
        self._parent: dict[Member, Member] = {}
        self._members: dict[Member, list[Member]] = {}
        self._edges: dict[Member, list[int]] = {}
        self._left_out: list[int] = []

    def join(self, row: int) -> None:
        """Join both sides of a link, unless that would put two records of a table free of duplicates into one."""
        left, right = (self._root(self._links.member(side, row)) for side in ("left", "right"))
        if left == right:
            self._edges[left].append(row)
        elif self._tables(left) & self._tables(right):
            self._left_out.append(row)
        else:
            self._parent[right] = left
            self._members[left] += self._members.pop(right)
            self._edges[left] += [row, *self._edges.pop(right)]

    def _root(self, member: Member) -> Member:
        if member not in self._parent:
            self._parent[member], self._members[member], self._edges[member] = member, [member], []
        while self._parent[member] != member:
            self._parent[member] = member = self._parent[self._parent[member]]
        return member

    def _tables(self, root: Member) -> set[str]:
        return {table for table, _row in self._members[root]} & self._free

    def clusters(self) -> Iterator[Cluster]:
        """What was joined, in the order of the members."""
        out: dict[Member, list[int]] = {}
        for row in self._left_out:
            for side in ("left", "right"):
                out.setdefault(self._root(self._links.member(side, row)), []).append(row)
        for root, members in sorted(self._members.items(), key=lambda item: min(item[1])):
            if len(members) > 1:
                edges = tuple(sorted(self._edges[root]))
                weakest = float(self._links.probability[list(edges)].min())
                yield Cluster(tuple(sorted(members)), edges, weakest, tuple(sorted(set(out.get(root, ())))))


def one_partner(links: Links, free: frozenset[str]) -> Links:
    """Keep of the links into a table that is free of duplicates only the heaviest of each record on the other side.

    A link stays where it is the best of its left record and of its right record, as far as each must have one partner.
    """
    wanted = _partners(links, free)
    kept = np.zeros(len(links), bool)
    left = np.argsort(-links.weight, kind="stable")
    while len(left):
        seats = wanted[left].ravel()
        _seat, first, which = np.unique(seats, return_index=True, return_inverse=True)
        is_first = (first[which] // 2 == np.arange(len(seats)) // 2) | (seats < 0)
        chosen = is_first.reshape(-1, 2).all(1)
        kept[left[chosen]] = True
        taken = np.zeros(len(first), bool)
        taken[which[np.repeat(chosen, 2) & (seats >= 0)]] = True
        left = left[~chosen & ~taken[which].reshape(-1, 2).any(1)]
    return links.taken(kept)


def _partners(links: Links, free: frozenset[str]) -> Ints:
    """For each link the seats that its left and its right record take in the other's table; -1 where many may sit."""
    is_free = np.array([name in free for name in links.tables])
    count = len(links.tables)
    left = (links.left_row * count + links.left_table) * count + links.right_table
    right = (links.right_row * count + links.right_table) * count + links.left_table
    return np.stack([np.where(is_free[links.right_table], left, -1), np.where(is_free[links.left_table], right, -1)], 1)


def quality(found: Sequence[tuple[Member, Member]] | set[frozenset[Member]], true: set[frozenset[Member]]) -> Quality:
    """Compare pairs that were linked with those that are truly one."""
    pairs = {frozenset(pair) for pair in found}
    return Quality(len(pairs & true), len(pairs), len(true))


@dataclass(frozen=True)
class Quality:
    """How many links are right, were made, and would be true."""

    right: int
    made: int
    true: int

    @property
    def precision(self) -> float:
        """The share of the links made that are right; 1 where none was made."""
        return self.right / self.made if self.made else 1.0

    @property
    def recall(self) -> float:
        """The share of the true links that were made; 1 where there are none."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0
