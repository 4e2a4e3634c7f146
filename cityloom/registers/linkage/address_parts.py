"""Addresses of a linkage are taken apart, each different text once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.linkage_addresses import PARTS, Parts, parts_of
from cityloom.registers.domain.linkage_config import Parsing

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it, and how much there is."""
_SAID_EVERY = 20_000


def _silent(_what: str, _done: int, _all: int) -> None:
    """Say nothing."""


class Addresses:
    """The parts of each text that was met in a linkage, kept until the linkage ends."""

    def __init__(self, progress: Progress = _silent) -> None:
        self._progress = progress
        self._known: dict[tuple[str, str], Parts] = {}

    def table(self, texts: Sequence[str], how: Parsing) -> Any:
        """The texts (`raw`) beside their parts.

        Raises: Refused `linkage.addresses_too_many`.
        """
        import pyarrow as pa

        if len(texts) > how.at_most:
            raise Refused("linkage.addresses_too_many", "{value} different addresses are more than the {limit} that "
                          "the configuration takes apart; raise parsed.at_most, or link in parts.",
                          value=len(texts), limit=how.at_most)  # fmt: skip
        self._read([text for text in texts if (how.home, text) not in self._known], how.home)
        columns = list(zip(*(self._known[how.home, text] for text in texts), strict=True)) or [()] * len(PARTS)
        parts = {name: pa.array(values, pa.string()) for name, values in zip(PARTS, columns, strict=True)}
        return pa.table({"raw": pa.array(texts, pa.string()), **parts})

    def _read(self, texts: Sequence[str], home: str) -> None:
        for done, text in enumerate(texts, 1):
            self._known[home, text] = parts_of(text, home)
            if done % _SAID_EVERY == 0 or done == len(texts):
                self._progress("addresses", done, len(texts))
