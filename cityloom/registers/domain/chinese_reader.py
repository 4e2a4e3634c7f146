"""Where the reading of a Chinese address is, and what it has found so far."""

from __future__ import annotations

from cityloom.registers.domain.address_parts import Part
from cityloom.registers.domain.divisions import Division

DEEP = frozenset({"building", "unit", "floor", "room"})
HEAD = frozenset({"", "country", "province", "city", "district", "town", "zone"})
BEFORE_TOWN = frozenset({"", "country", "province", "city", "district", "zone"})


class Reader:
    """The state of one reading: where it is, and what it has found."""

    __slots__ = ("division", "found", "home", "is_sure", "kinds", "latest", "place", "text")

    def __init__(self, text: str, home: str) -> None:
        self.text = text
        self.home = home
        self.is_sure = True
        self.place = 0
        self.found: list[Part] = []
        self.kinds: set[str] = set()
        self.division: Division | None = None
        self.latest = ""  # the kind of the part before, whatever stands between

    def add(self, kind: str, end: int) -> None:
        if end > self.place:
            self.found.append(Part(kind, self.place, end))
            if kind != "other":
                self.kinds.add(kind)
                self.latest = kind
            self.place = end

    def begin_again(self) -> None:
        """What came before says nothing: an address begins here, in another province or after a name."""
        held = next((self.text[part.start : part.end] for part in self.found if part.kind == "province"), "")
        if not held or not self.text.startswith(held[:2], self.place):
            self.found = [Part("other", part.start, part.end) for part in self.found]
            self.kinds, self.division, self.latest = set(), None, ""
