"""XES as nearly every program writes it, read in columns: flat traces and events, each value an element of its own.

Nothing is taken for granted: a file in which anything else is found (comments, inner values, references, other orders)
is not read here, and `xes_walk` reads it from its beginning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from cityloom.insight.eventlogs.limits import check_events
from cityloom.insight.eventlogs.tables import opened
from cityloom.insight.eventlogs.xes_gathered import Gathered

_BLOCK = 16 << 20
_TRACE, _END = b"<trace>", b"</trace>"
_TAIL = re.compile(rb"\s*</log>\s*")
_ENCODING = re.compile(rb"""^<\?xml[^>]*encoding=["']([\w-]+)["']""")
_KINDS = (b"string", b"date", b"int", b"float", b"boolean", b"id")
_LONGEST_KEY = 32
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
_QUOTE, _OPEN, _BEGIN_TRACE, _BEGIN_EVENT, _SLASH, _SPACE = b'"<te/ '
_REFERENCES = (b"&amp;", b"&lt;", b"&gt;", b"&quot;", b"&apos;")


class NotFlat(Exception):  # noqa: N818 - a finding, not an error
    """The file is not as this reader wants it."""


def read_flat(path: Path, gathered: Gathered) -> None:
    """Read a file into columns.

    Raises: `NotFlat` at the first thing that is otherwise; Refused `insight.log_too_large`, `insight.too_many_events`.
    """
    try:
        with opened(path) as file:
            left, is_head = b"", True
            while block := file.read(_BLOCK):
                left += block
                if is_head:
                    left, is_head = _without_head(left), False
                cut = left.rfind(_END) + len(_END)
                if cut > len(_END):
                    _take(_Block(left[:cut]), gathered)
                    left = left[cut:]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise NotFlat from error
    if not _TAIL.fullmatch(left):
        raise NotFlat


def _without_head(first: bytes) -> bytes:
    """What follows from the first trace on; the head has to be plain."""
    encoding = _ENCODING.match(first.lstrip(b"\xef\xbb\xbf \r\n\t"))
    at = first.find(_TRACE)
    if at < 0 or b"<!DOCTYPE" in first[:at] or (encoding and encoding[1].lower() != b"utf-8"):
        raise NotFlat
    return first[at:]


@dataclass(frozen=True)
class _Block:
    """Whole traces as bytes."""

    data: bytes

    @cached_property
    def bytes_(self) -> np.ndarray:
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def quotes(self) -> np.ndarray:
        """Where the quotes of each value stand: before and after the key, before and after the value."""
        found = np.flatnonzero(self.bytes_ == _QUOTE)
        if len(found) % 4:
            raise NotFlat
        return found.reshape(-1, 4)

    def check(self) -> None:
        """Whether there is nothing but flat traces.

        Raises: `NotFlat`.
        """
        inside = np.bitwise_xor.accumulate((self.bytes_ == _QUOTE).view(np.uint8)).view(bool)
        odd = (self.bytes_ < _SPACE) | (self.bytes_ == _OPEN)
        references = self.data.count(b"&")
        if (inside & odd).any() or (references and references != sum(map(self.data.count, _REFERENCES))):
            raise NotFlat
        bare = self.bytes_[~inside].tobytes().translate(None, b" \r\n\t")
        for kind in _KINDS:
            bare = bare.replace(b"<" + kind + b'key="value="/>', b".")
        for token in (_TRACE, _END, b"<event>", b"</event>"):
            bare = bare.replace(token, b".")
        if bare.strip(b"."):
            raise NotFlat

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray, int, int]:
        """For each value the number of its trace and of its event (-1 for none); how many of both there are.

        Raises: `NotFlat` where they do not lie within each other.
        """
        opens = np.flatnonzero(self.bytes_ == _OPEN)
        first, second = self.bytes_[opens + 1], self.bytes_[opens + 2]
        ends = first == _SLASH
        begins_trace, begins_event = first == _BEGIN_TRACE, first == _BEGIN_EVENT
        ends_trace, ends_event = ends & (second == _BEGIN_TRACE), ends & (second == _BEGIN_EVENT)
        in_trace = np.cumsum(begins_trace.astype(np.int64) - ends_trace)
        in_event = np.cumsum(begins_event.astype(np.int64) - ends_event)
        values = ~(begins_trace | begins_event | ends)
        outside = (in_trace[values | begins_event | ends_event] != 1).any() or in_trace[-1]
        apart = (in_event[begins_trace | ends_trace] != 0).any() or (in_event < 0).any() or (in_event > 1).any()
        if outside or apart or (in_trace > 1).any() or values.sum() != len(self.quotes):
            raise NotFlat
        traces, events = np.cumsum(begins_trace), np.cumsum(begins_event)
        self.__dict__["case_of_event"] = traces[begins_event] - 1
        of_event = np.where(in_event[values] == 1, events[values] - 1, -1)
        return traces[values] - 1, of_event, int(traces[-1]), int(events[-1])

    @cached_property
    def keys(self) -> tuple[np.ndarray, list[str]]:
        """For each value the number of its key, and the keys."""
        begin, end = self.quotes[:, 0] + 1, self.quotes[:, 1]
        size = end - begin
        if (size > _LONGEST_KEY).any():
            raise NotFlat
        padded = np.concatenate([self.bytes_, np.zeros(_LONGEST_KEY, np.uint8)])
        window = np.lib.stride_tricks.sliding_window_view(padded, _LONGEST_KEY)[begin]
        window = np.where(np.arange(_LONGEST_KEY) < size[:, None], window, 0)
        mixed = (np.ascontiguousarray(window).view(np.uint64) * _ODD).sum(axis=1, dtype=np.uint64)
        _, first, codes = np.unique(mixed, return_index=True, return_inverse=True)
        return codes.reshape(-1), [self.data[begin[one] : end[one]].decode() for one in first]

    def values(self, which: np.ndarray) -> list[bytes]:
        """The values of some of the elements."""
        begin, end = (self.quotes[which, 2] + 1).tolist(), self.quotes[which, 3].tolist()
        return [self.data[one:other] for one, other in zip(begin, end, strict=True)]


def _take(block: _Block, to: Gathered) -> None:
    block.check()
    trace, event, traces, events = block.places
    codes, keys = block.keys
    first = len(to.case_ids)
    of_event = {key: np.flatnonzero((codes == code) & (event >= 0)) for code, key in enumerate(keys)}
    of_trace = {key: np.flatnonzero((codes == code) & (event < 0)) for code, key in enumerate(keys)}
    to.case.frombytes((block.__dict__["case_of_event"] + first).astype(np.int32).tobytes())
    check_events(len(to.case))
    texts = (
        (to.activity, to.names[0]),
        (to.transition, to.names[2]),
        *((one, name) for name, one in to.offices.items()),
    )
    for column, key in texts:
        column.extend(_coded(block, of_event.get(key), event, events, column.code))
    to.at.extend(_texts(block, [of_event[to.names[1]]] if to.names[1] in of_event else [], event, events))
    starts = [of_event[one] for one in reversed(to.starts) if one in of_event]
    to.started_at.extend(_texts(block, starts, event, events))
    for key in (key for key, rows in of_event.items() if len(rows) and key not in to.wanted):
        to.note_key(key)
    ids = [""] * traces
    for key, rows in of_trace.items():
        if key == to.case_name:
            for one, value in zip(trace[rows].tolist(), block.values(rows), strict=True):
                ids[one] = _plain(value)
        elif len(rows) and not to.note_key(key):
            to.say(key, trace[rows] + first, map(_plain, block.values(rows)))
    to.case_ids.extend(one or f"#{first + at + 1}" for at, one in enumerate(ids))


def _coded(block: _Block, rows: np.ndarray | None, event: np.ndarray, events: int, code: object) -> np.ndarray:
    """The codes of a column of texts; -1 where an event does not have it."""
    found = np.full(events, -1, np.int32)
    if rows is not None and len(rows):
        values = block.values(rows)
        known = {one: code(_plain(one)) for one in dict.fromkeys(values)}  # type: ignore[operator]
        found[event[rows]] = list(map(known.__getitem__, values))
    return found


def _texts(block: _Block, columns: list[np.ndarray], event: np.ndarray, events: int) -> pa.Array:
    """A column of texts; of several the last one goes before."""
    found: list[bytes] = [b""] * events
    for rows in columns:
        for at, value in zip(event[rows].tolist(), block.values(rows), strict=True):
            found[at] = value
    return pa.array(found, pa.binary()).cast(pa.string())


def _plain(value: bytes) -> str:
    if b"&" not in value:
        return value.decode()
    found = value.decode()
    for written, meant in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        found = found.replace(written, meant)
    return found
