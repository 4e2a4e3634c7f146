"""How well addresses are parsed, measured against a file in which each sign is labelled by hand.

Form: one word or sign a line with its label (`B-road`, `I-road`), an empty line after each address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.address import parsed
from cityloom.registers.domain.address_parts import KINDS

Labelled = tuple[str, list[tuple[str, int, int]]]
KIND_OF_LABEL = {
    "country": "country", "prov": "province", "city": "city", "district": "district", "devZone": "zone",
    "town": "town", "community": "community", "road": "road", "roadno": "road_number", "subRoad": "side_road",
    "subroad": "side_road", "subroadno": "side_road_number", "subRoadno": "side_road_number", "poi": "compound",
    "subpoi": "sub_compound", "houseno": "building", "cellno": "unit", "floorno": "floor", "roomno": "room",
    "person": "occupant", "assist": "relation", "redundant": "other", "otherinfo": "other", "postcode": "postcode",
    "devzone": "zone", "intersection": "relation",
}  # fmt: skip


@dataclass
class Score:
    """What was labelled, what was found and what of it was right: parts (kind, begin and end) and signs."""

    addresses: int = 0
    whole: int = 0
    labelled: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    signs: Counter[str] = field(default_factory=Counter)
    signs_right: Counter[str] = field(default_factory=Counter)

    def as_figures(self) -> dict[str, Any]:
        """Precision, recall and the share of right signs, by kind and in all; nothing counted is 0."""
        return {
            "addresses": self.addresses, "whole": _share(self.whole, self.addresses), "signs": self.signs.total(),
            "signs_right": _share(self.signs_right.total(), self.signs.total()),
            "precision": _share(self.right.total(), self.found.total()),
            "recall": _share(self.right.total(), self.labelled.total()),
            "parts": {kind: self._of(kind) for kind in KINDS if self.signs[kind]},
        }  # fmt: skip

    def _of(self, kind: str) -> dict[str, float]:
        right, signs = self.right[kind], self.signs[kind]
        return {
            "labelled": self.labelled[kind], "found": self.found[kind], "right": right,
            "precision": _share(right, self.found[kind]), "recall": _share(right, self.labelled[kind]),
            "signs": signs, "signs_right": _share(self.signs_right[kind], signs),
        }  # fmt: skip


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def labelled(lines: Iterable[str]) -> Iterator[Labelled]:
    """The addresses of a labelled file, each as its text and its parts. Raises: Refused `address.truth_form`."""
    words: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            words.append(_word(line, number))
        elif words:
            yield _address(words)
            words = []
    if words:
        yield _address(words)


def _word(line: str, number: int) -> tuple[str, str]:
    word, _, label = line.rstrip("\r\n").rpartition(" ")
    start, _, name = label.strip().partition("-")
    if start not in ("B", "I", "E", "S", "O") or (name and name not in KIND_OF_LABEL) or not word:
        raise Refused("address.truth_form", "Line {value} is not a word and its label, as in `路 I-road`; each address "
                      "ends with an empty line.", value=number)  # fmt: skip
    return word, label.strip()


def _address(words: list[tuple[str, str]]) -> Labelled:
    parts: list[tuple[str, int, int]] = []
    place = 0
    for word, label in words:
        start, _, name = label.partition("-")
        kind = KIND_OF_LABEL.get(name, "other")
        end = place + len(word)
        if parts and start in ("I", "E") and parts[-1][0] == kind:
            parts[-1] = (kind, parts[-1][1], end)
        else:
            parts.append((kind, place, end))
        place = end
    return "".join(word for word, _label in words), parts


def count(score: Score, truth: list[tuple[str, int, int]], found: Iterable[tuple[str, int, int]]) -> None:
    """Add one address to a score; parts that say nothing about the place count as signs alone."""
    have = [tuple(part) for part in found]
    score.addresses += 1
    told = {part for part in truth if part[0] != "other"}
    said = {part for part in have if part[0] != "other"}
    score.whole += told == said
    score.labelled.update(part[0] for part in told)
    score.found.update(part[0] for part in said)
    score.right.update(part[0] for part in told & said)
    kinds = [kind for kind, start, end in have for _ in range(start, end)]
    for kind, start, end in truth:
        score.signs[kind] += end - start
        score.signs_right[kind] += kinds[start:end].count(kind)


def measured(lines: Iterable[str], home: str = "") -> Score:
    """How much of a labelled file is found. Raises: Refused `address.truth_form`."""
    score = Score()
    for text, truth in labelled(lines):
        count(score, truth, parsed(text, home).parts)
    return score
