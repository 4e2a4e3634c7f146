"""What is gathered from an XES file while it is read, whoever reads it: columns of events and of traces."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from cityloom.insight.domain import persons
from cityloom.insight.domain.eventlog import NONE, UNKNOWN, Codes
from cityloom.insight.eventlogs.columns import Columns
from cityloom.insight.eventlogs.instants import Times, instants
from cityloom.insight.eventlogs.tables import MISSING

_FLUSH = 200_000
OFFICES = ("org:group", "org:role", "department", "unit", "workgroup")
_STARTS = ("start_timestamp", "time:start")


class Texts:
    """A column of texts as codes, while it is read."""

    def __init__(self) -> None:
        self.codes, self.known = array("i"), dict.fromkeys(MISSING, NONE)
        self.labels: list[str] = []

    def add(self, text: str) -> None:
        """One more; one that says nothing is `NONE`."""
        self.codes.append(self.code(text))

    def code(self, text: str) -> int:
        """The code of a text, a new one where it was not there before."""
        found = self.known.get(text)
        if found is None:
            found = self.known[text] = len(self.labels)
            self.labels.append(text)
        return found

    def extend(self, codes: Codes) -> None:
        """Many more, of codes that `code` gave."""
        self.codes.frombytes(codes.astype(np.int32).tobytes())

    @property
    def column(self) -> Codes:
        """All of them."""
        return np.frombuffer(self.codes, np.int32).copy() if self.codes else np.zeros(0, np.int32)


class Instants:
    """A column of times, read by the ten thousand, so that texts do not pile up."""

    def __init__(self, zone: str, style: str) -> None:
        self.zone, self.style = zone, style
        self.waiting: list[str] = []
        self.read: list[Times] = []

    def add(self, text: str) -> None:
        """One more."""
        self.waiting.append(text)
        if len(self.waiting) >= _FLUSH:
            self.flush()

    def extend(self, texts: pa.Array) -> None:
        """Many more."""
        self.flush()
        self._take(texts)

    def flush(self) -> None:
        """Read what waits."""
        if self.waiting:
            self._take(pa.array(self.waiting, pa.string()))
            self.waiting = []

    def _take(self, texts: pa.Array) -> None:
        found = instants(texts, self.zone, self.style)
        self.style = self.style or (found.style if (found.at != UNKNOWN).any() else "")
        self.read.append(found)

    @property
    def times(self) -> Times:
        """All of them."""
        self.flush()
        offsets = {offset for one in self.read for offset in one.offsets}
        return Times(np.concatenate([one.at for one in self.read]), self.style,
                     sum(one.unreadable for one in self.read), sum(one.without_zone for one in self.read),
                     tuple(sorted(offsets)))  # fmt: skip


class Gathered:
    """Columns of events, and of traces by name; the names of what is wanted are those that were asked for, or usual."""

    def __init__(self, asked: Columns) -> None:
        self.case_name = asked.case or "concept:name"
        self.names = (asked.activity or "concept:name", asked.time or "time:timestamp",
                      asked.transition or "lifecycle:transition")  # fmt: skip
        self.starts = (asked.start,) if asked.start else _STARTS
        self.activity, self.transition = Texts(), Texts()
        self.at, self.started_at = (Instants(asked.zone, asked.style) for _ in range(2))
        self.offices = {name: Texts() for name in ((asked.office,) if asked.office else OFFICES)}
        self.case, self.case_ids = array("i"), []  # type: ignore[var-annotated]
        self.said: dict[str, list[tuple[int, str]]] = {}
        self.people: dict[str, bool] = {}
        self.wanted = frozenset({*self.names, *self.starts, *self.offices})

    def note_key(self, key: str) -> bool:
        """Remember that there is such a column; return whether it names people."""
        found = self.people.get(key)
        if found is None:
            found = self.people[key] = persons.names_persons(key)
        return found

    def say(self, key: str, traces: Sequence[int] | np.ndarray, values: Iterable[str]) -> None:
        """What traces say by themselves, but not who somebody is."""
        if not self.note_key(key):
            self.said.setdefault(key, []).extend(zip(map(int, traces), values, strict=True))

    def attribute(self, key: str) -> pa.Array:
        """One text for each trace."""
        texts = [""] * len(self.case_ids)
        for trace, value in self.said[key]:
            texts[trace] = value
        return pa.array(texts, pa.string())
