"""What several sources say of many people, as the keeper's numbers: who disagrees, and who is believed, all at once.

The same rules as `survivorship.chosen` has for one person; a test holds both to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.survivorship import PEOPLE, SEALED_FIELDS, FieldRule, Rules

Ints = NDArray[np.int64]
NOBODY = -1


@dataclass(frozen=True)
class Words:
    """The last word of each source, by person and then by source: columns of equal length.

    `since` counts days; `says` are by field what the keeper tells, 0 for nothing, and the dwelling.
    """

    subject: Ints
    source: Ints
    record: Ints
    since: Ints
    says: Mapping[str, Ints]

    def __len__(self) -> int:
        return len(self.subject)

    def among(self, kept: NDArray[np.bool_]) -> Words:
        """Some of the words."""
        columns = {each.name: getattr(self, each.name)[kept] for each in fields(self) if each.name != "says"}
        return Words(**columns, says={name: told[kept] for name, told in self.says.items()})

    def several(self) -> Words:
        """The words of those of whom there is more than one."""
        _people, place, count = np.unique(self.subject, return_inverse=True, return_counts=True)
        return self.among(count[place] > 1)

    @property
    def starts(self) -> Ints:
        """Where each person's words begin."""
        return np.flatnonzero(np.diff(self.subject, prepend=NOBODY))

    @property
    def person(self) -> Ints:
        """The place of each word's person among the people."""
        return np.cumsum(np.diff(self.subject, prepend=NOBODY) != 0) - 1

    def pairs(self) -> Iterator[tuple[Ints, Ints]]:
        """Places of two words of one person, the smaller source first; each pair once."""
        for apart in range(1, len(self)):
            here = np.flatnonzero(self.subject[:-apart] == self.subject[apart:])
            if not len(here):
                return
            yield here, here + apart


def are_same(words: Words, name: str, one: Ints, other: Ints) -> NDArray[np.bool_]:
    """Whether words say the same of a field; a name in signs and one in letters that sound the same do."""
    says = words.says[name]
    same = says[one] == says[other]
    if name == "name":
        sound = words.says["sound"]
        same |= ((says[one] ^ says[other]) & 1 == 1) & (sound[one] == sound[other]) & (sound[one] != 0)
    return same


def chosen(words: Words, rules: Rules, names: Mapping[int, str]) -> dict[str, Ints]:
    """By field for each person the place of the word that is believed, `NOBODY` where none is.

    Not for people of whom a correction speaks, or a decision of a steward.
    """
    completeness = sum((words.says[name] != 0).astype(np.int64) for name in SEALED_FIELDS)
    sources, source = np.unique(words.source, return_inverse=True)
    called = [names.get(number, "") for number in sources.tolist()]
    by_name = np.argsort(np.argsort(np.array(called, str)))[source]
    out = {}
    for name in SEALED_FIELDS:
        ranks, heard = _heard(rules.of(PEOPLE, name), called)
        places = np.flatnonzero((words.says[name] != 0) & heard[source])
        order = np.lexsort((by_name[places], -completeness[places], -words.since[places], ranks[source][places],
                            words.person[places]))  # fmt: skip
        people, first = np.unique(words.person[places[order]], return_index=True)
        out[name] = np.full(len(words.starts), NOBODY, np.int64)
        out[name][people] = places[order][first]
    return out


def _heard(rule: FieldRule, called: list[str]) -> tuple[Ints, NDArray[np.bool_]]:
    """How early each source is believed, and whether it is believed at all."""
    ranks = [rule.sources.index(name) if name in rule.sources else len(rule.sources) for name in called]
    return np.array(ranks, np.int64), np.array([name not in rule.cross_checks for name in called], np.bool_)
