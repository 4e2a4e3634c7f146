"""XES read element by element, whatever it is like: comments, inner values, any order of attributes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from cityloom.insight.eventlogs.limits import check_events
from cityloom.insight.eventlogs.tables import opened
from cityloom.insight.eventlogs.xes_gathered import Gathered
from cityloom.kernel.refused import Refused

_BLOCK = 1 << 20
_DEEPEST = 12
_EVENT = 4  # the depth at which attributes of events stand
_BROKEN = "The file cannot be read as XES; it goes wrong at line {value}. Write it anew, or send it as CSV."
_DOCTYPE = "The file has a document type, which is not read; take its DOCTYPE away."


class _TooDeep(Exception):  # noqa: N818 - raised and caught here
    pass


class _Walk:
    """What the parser tells, element by element; attributes lie as name, value, name, value."""

    def __init__(self, gathered: Gathered) -> None:
        self.to, self.depth = gathered, 0
        self.event: dict[str, str] | None = None
        self.trace: dict[str, str] | None = None

    def start(self, name: str, said: list[str]) -> None:
        self.depth += 1
        if self.depth == _EVENT and self.event is not None and len(said) == 4:
            key, value = (said[1], said[3]) if said[0] == "key" else (said[3], said[1])
            if key in self.to.wanted:
                self.event[key] = value
            else:
                self.to.note_key(key)
        elif self.depth == 3 and self.trace is not None:
            if name.endswith("event"):
                self.event = {}
            elif len(said) == 4:
                key, value = (said[1], said[3]) if said[0] == "key" else (said[3], said[1])
                self.trace[key] = value
        elif self.depth == 2 and name.endswith("trace"):
            self.trace = {}
        elif self.depth > _DEEPEST:
            raise _TooDeep

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.depth == 2 and self.event is not None:
            self._take(self.event)
            self.event = None
        elif self.depth == 1 and self.trace is not None:
            self._take_trace(self.trace)
            self.trace = None

    def _take(self, event: dict[str, str]) -> None:
        get, to = event.get, self.to
        to.case.append(len(to.case_ids))
        to.activity.add(get(to.names[0], ""))
        to.at.add(get(to.names[1], ""))
        to.transition.add(get(to.names[2], ""))
        to.started_at.add(next((event[one] for one in to.starts if one in event), ""))
        for name, texts in to.offices.items():
            texts.add(get(name, ""))

    def _take_trace(self, trace: dict[str, str]) -> None:
        check_events(len(self.to.case))
        number = len(self.to.case_ids)
        self.to.case_ids.append(trace.pop(self.to.case_name, "") or f"#{number + 1}")
        for key, value in trace.items():
            self.to.say(key, (number,), (value,))


def walk(path: Path, gathered: Gathered) -> None:
    """Read a file.

    Raises: Refused `insight.xes_unreadable`, `insight.xes_doctype`, `insight.too_many_events`.
    """
    told = _Walk(gathered)
    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler, parser.EndElementHandler = told.start, told.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with opened(path) as file:
            for block in _blocks(file):
                parser.Parse(block, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, _TooDeep, EOFError, OSError) as error:
        raise Refused("insight.xes_unreadable", _BROKEN, value=parser.CurrentLineNumber) from error


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _refuse_doctype(*_: object) -> None:
    raise Refused("insight.xes_doctype", _DOCTYPE)
