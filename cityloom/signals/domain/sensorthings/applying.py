"""Read `$apply`: observations summed up by spans of time and by datastream.

A part of OData's data aggregation: `[filter(…)/]groupby((phenomenonTime/day,Datastream),aggregate(result with average
as mean,$count as many))`, or `aggregate(…)` alone.
Source: OData Extension for Data Aggregation 4.0, clauses 3.1 and 3.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.expressions import Node, parse

UNITS = ("year", "month", "week", "day", "hour", "minute")
METHODS = ("average", "min", "max", "sum", "count")
_MOST_ITEMS = 10
_MOST_EVERY = {"hour": 24, "minute": 1440}
_SPAN = re.compile(r"(?:phenomenonTime|time)/([a-z]+)(?:\((\d{1,4})\))?\Z")
_ITEM = re.compile(r"result\s+with\s+([a-z]+)\s+as\s+([A-Za-z_]\w{0,39})\Z", re.ASCII)
_COUNT = re.compile(r"\$count\s+as\s+([A-Za-z_]\w{0,39})\Z", re.ASCII)
_TAKEN = ("phenomenonTime", "Datastream")


@dataclass(frozen=True)
class Applied:
    """What is summed up: which observations, by a span of time (`unit`, every so many; "": none), by datastream or all
    together; and what is said of each sum, as method and name."""

    filter: Node | None
    unit: str
    every: int
    by_stream: bool
    items: tuple[tuple[str, str], ...]


def read(text: str) -> Applied:
    """What an `$apply` asks for. Raises: Refused `signals.sta_apply` and those of a `$filter`."""
    condition, rest = _filter(text.strip())
    if rest.startswith("aggregate(") and rest.endswith(")"):
        return Applied(condition, "", 1, False, _items(rest[len("aggregate(") : -1]))
    if not rest.startswith("groupby((") or not rest.endswith(")"):
        raise _bad(rest)
    end = _closing(rest, len("groupby("))
    keys, last = rest[len("groupby((") : end], rest[end + 1 : -1]
    if last and not (last.startswith(",aggregate(") and last.endswith(")")):
        raise _bad(last)
    items = _items(last[len(",aggregate(") : -1]) if last else ()
    return _grouped(condition, [one.strip() for one in keys.split(",")], items)


def _grouped(condition: Node | None, keys: list[str], items: tuple[tuple[str, str], ...]) -> Applied:
    unit, every, by_stream = "", 1, False
    for key in keys:
        if key in ("Datastream", "Datastream/id", "Datastream/@iot.id") and not by_stream:
            by_stream = True
        elif not unit:
            unit, every = _span(key)
        else:
            raise _bad(key)
    return Applied(condition, unit, every, by_stream, items)


def _span(key: str) -> tuple[str, int]:
    found = _SPAN.match(key)
    if found is None or found[1] not in UNITS:
        raise _bad(key)
    every = int(found[2] or 1)
    if not 1 <= every <= _MOST_EVERY.get(found[1], 1):
        raise _bad(key)
    return found[1], every


def _items(text: str) -> tuple[tuple[str, str], ...]:
    found = []
    for one in text.split(","):
        if counted := _COUNT.match(one.strip()):
            found.append(("count", counted[1]))
        elif (item := _ITEM.match(one.strip())) and item[1] in METHODS:
            found.append((item[1], item[2]))
        else:
            raise _bad(one)
    names = [name for _, name in found]
    if len(found) > _MOST_ITEMS or len(set(names)) < len(names) or set(names) & set(_TAKEN):
        raise _bad(text)
    return tuple(found)


def _filter(text: str) -> tuple[Node | None, str]:
    """The condition in front, if there is one, and what stands behind it."""
    if not text.startswith("filter("):
        return None, text
    end = _closing(text, len("filter"))
    if text[end + 1 : end + 2] != "/":
        raise _bad(text[end:])
    return parse(text[len("filter(") : end]), text[end + 2 :]


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that opens at `start`."""
    depth, quoted = 0, False
    for at in range(start, len(text)):
        quoted ^= text[at] == "'"
        depth += 0 if quoted else (text[at] == "(") - (text[at] == ")")
        if depth == 0 and not quoted:
            return at
    raise _bad(text[start:])


def _bad(text: str) -> Refused:
    return Refused("signals.sta_apply", "$apply cannot be read at “{value}”; write it as in {limit}.", value=text[:40],
                   limit="groupby((phenomenonTime/day),aggregate(result with average as mean))")  # fmt: skip
