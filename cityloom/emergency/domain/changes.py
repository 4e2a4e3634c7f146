"""What differs between two revisions of a document, so that nobody has to compare two pages by eye."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

Mark = Literal["same", "removed", "added"]
PARTS = ("headline", "description", "instruction", "area")
_HANDLING = ("message_type", "urgency", "severity", "certainty", "response")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_一-鿿]+(?:['’-][^\W\d_一-鿿]+)*|\s+|.", re.DOTALL)
"""A number, a word of an alphabet, white space, or one character: Chinese is compared character by character."""
_LONGEST = 20_000


@dataclass(frozen=True)
class Piece:
    """A run of text that both revisions have, or that one of them has."""

    text: str
    mark: Mark


@dataclass(frozen=True)
class ChangedWords:
    """One part of the alert in one language, in pieces."""

    language: str
    part: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class ChangedFigure:
    """A count before and after; None where that revision does not have it."""

    key: str
    before: int | None
    after: int | None

    @property
    def difference(self) -> int:
        """How much more it is."""
        return (self.after or 0) - (self.before or 0)


@dataclass(frozen=True)
class Side:
    """A revision, as far as it is compared."""

    revision: int
    purpose: str
    document: Mapping[str, Any]
    plan: Mapping[str, Any]


@dataclass(frozen=True)
class Changes:
    """Everything in which a revision differs from an earlier one."""

    before: int
    after: int
    figures: tuple[ChangedFigure, ...]
    buildings_added: int
    buildings_removed: int
    zone_changed: bool
    words: tuple[ChangedWords, ...]
    channels_added: tuple[str, ...]
    channels_removed: tuple[str, ...]
    handling: tuple[tuple[str, str, str], ...]
    purpose: tuple[str, str] | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing that people decide on has changed."""
        return not (self.figures or self.zone_changed or self.words or self.channels_added or self.channels_removed
                    or self.handling or self.purpose)  # fmt: skip


def between(old: Side, new: Side) -> Changes:
    """What is different in `new`; the words of two purposes are not compared, since nothing in them corresponds."""
    same = old.purpose == new.purpose
    was, now = set(old.document["buildings"]), set(new.document["buildings"])
    channels = set(old.document["channels"]), set(new.document["channels"])
    return Changes(
        before=old.revision, after=new.revision,
        figures=tuple(_figures(old.plan.get("counts", {}), new.plan.get("counts", {}))) if same else (),
        buildings_added=len(now - was), buildings_removed=len(was - now),
        zone_changed=was != now or old.document["polygons"] != new.document["polygons"],
        words=tuple(_words(old.document, new.document)) if same else (),
        channels_added=tuple(sorted(channels[1] - channels[0])),
        channels_removed=tuple(sorted(channels[0] - channels[1])),
        handling=tuple(
            (key, str(old.document[key]), str(new.document[key]))
            for key in _HANDLING
            if old.document.get(key) != new.document.get(key)
        ),
        purpose=(old.purpose, new.purpose) if old.purpose != new.purpose else None,
    )  # fmt: skip


def compared(before: str, after: str) -> tuple[Piece, ...]:
    """Two texts as one run of pieces: same and removed give the first text again, same and added the second."""
    if max(len(before), len(after)) > _LONGEST:
        return _merged([Piece(before, "removed"), Piece(after, "added")])
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    pieces: list[Piece] = []
    gone, come = "", ""
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, now = "".join(old[i:j]), "".join(new[k:m])
        if kind == "equal" and not (was.isspace() and (gone or come)):
            pieces += [Piece(gone, "removed"), Piece(come, "added"), Piece(was, "same")]
            gone, come = "", ""
        else:  # the space between two changed words changes with them: one run reads better than many
            gone, come = gone + was, come + now
    return _merged([*pieces, Piece(gone, "removed"), Piece(come, "added")])


def _figures(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[ChangedFigure]:
    for key in [*new, *(key for key in old if key not in new)]:
        before, after = old.get(key), new.get(key)
        if before != after and all(value is None or isinstance(value, int) for value in (before, after)):
            yield ChangedFigure(key, before, after)


def _words(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[ChangedWords]:
    for language in new["languages"]:
        before, after = old["info"].get(language, {}), new["info"][language]
        for part in PARTS:
            if before.get(part, "") != after.get(part, ""):
                yield ChangedWords(language, part, compared(before.get(part, ""), after.get(part, "")))


def _merged(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if found and found[-1].mark == piece.mark:
            found[-1] = Piece(found[-1].text + piece.text, piece.mark)
        else:
            found.append(piece)
    return tuple(found)
