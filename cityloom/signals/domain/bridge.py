"""Which topics of a broker carry readings, and how messages on them become readings."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from cityloom.kernel.refused import Refused
from cityloom.signals.domain import broker_file, wire

LARGEST_MESSAGE = 1_000_000
_TOPICS_AT_HAND = 100_000
_LEVEL = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Topic:
    """One rule: messages on topics of this form carry readings."""

    template: str
    payload: str
    datastream: str = "{datastream}"
    result: str = "result"
    time: str = "phenomenonTime"
    qos: int = 1

    @property
    def filter(self) -> str:
        """What the broker is asked for."""
        return _LEVEL.sub("+", self.template)

    @cached_property
    def _form(self) -> re.Pattern[str]:
        parts = re.split(r"(\{\w+\}|\+|#)", self.template)
        return re.compile("".join(_of_part(part) for part in parts) + r"\Z")

    @cached_property
    def _known(self) -> dict[str, str | None]:
        return {}

    def named_by(self, topic: str) -> str | None:
        """The datastream that a topic names, "" where the payload does; None where it is of another form."""
        known = self._known
        if topic in known:
            return known[topic]
        if len(known) >= _TOPICS_AT_HAND:
            known.clear()
        found = self._form.match(topic)
        known[topic] = None if found is None else self._name_in(found.groupdict())
        return known[topic]

    def _name_in(self, levels: Mapping[str, str]) -> str:
        if self.payload == "lines" or "{" not in self.datastream:
            return ""
        return _LEVEL.sub(lambda found: levels[found[1]], self.datastream)


@dataclass(frozen=True)
class Bridge:
    """A broker (`mqtt://host:port`) and the rules for what it sends, the first that fits a topic holds."""

    broker: str
    client: str
    topics: tuple[Topic, ...]


class Message(NamedTuple):
    """A message as it came; `at_us` is when, in microseconds since 1970."""

    topic: str
    payload: bytes
    at_us: int


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of a bridge."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "bridge.schema.json").read_text("utf-8"))
    return found


def read(text: str) -> Bridge:
    """A bridge from its YAML.

    Raises: Refused `signals.bridge` with the place of what is wrong.
    """
    says = broker_file.read(text, schema(), _wrong)
    topics = tuple(Topic(one["topic"], **{name: one[name] for name in one if name != "topic"})
                   for one in says["topics"])  # fmt: skip
    for topic in topics:
        _check(topic)
    return Bridge(says["broker"], says.get("client", "cityloom"), topics)


def readings(messages: Sequence[Message], topics: Sequence[Topic]) -> tuple[wire.Arrived, Counter[str]]:
    """What messages say, as columns, and how many readings or messages say nothing, by reason."""
    names: list[str] = []
    values: list[float] = []
    times: list[int] = []
    lines: list[bytes] = []
    faults: Counter[str] = Counter()
    for message in messages:
        found = _of(message, topics)
        if isinstance(found, str):
            faults[found] += 1
        elif isinstance(found, tuple):
            names.append(found[0])
            values.append(found[1])
            times.append(found[2])
        else:
            lines.append(found)
    parts = list(wire.read_lines(b"\n".join(lines)))  # at once: a message of a few lines alone costs as much
    for part in parts:
        faults.update(part.faults.values())
    alone = wire.Arrived(pa.array(names, pa.string()), np.array(times, np.int64), np.array(values, np.float64))
    return wire.joined([alone, *parts]), faults


def _of(message: Message, topics: Sequence[Topic]) -> tuple[str, float, int] | bytes | str:
    """A reading, lines of readings, or why there is none."""
    if len(message.payload) > LARGEST_MESSAGE:
        return "too_long"
    for topic in topics:
        if (name := topic.named_by(message.topic)) is not None:
            return message.payload.strip() if topic.payload == "lines" else _one(message, topic, name)
    return "no_topic"


def _one(message: Message, topic: Topic, name: str) -> tuple[str, float, int] | str:
    if topic.payload == "number":
        try:
            value: Any = float(message.payload[:64])
        except ValueError:
            return "not_a_number"
        return (name, value, message.at_us) if math.isfinite(value) else "not_a_number"
    try:
        says = msgspec.json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not_readable"
    value, time = _field(says, topic.result), _field(says, topic.time)
    if type(value) not in (int, float) or not math.isfinite(value):
        return "not_a_number"
    at_us = message.at_us if time is None else wire.instant(time) if isinstance(time, str) else "no_instant"
    if isinstance(at_us, str):
        return at_us
    said = name or _field(says, topic.datastream)
    return (str(said), float(value), at_us) if type(said) in (str, int) else "unknown_sensor"


def _field(says: Any, path: str) -> Any:
    for name in path.split("."):
        says = says.get(name) if isinstance(says, dict) else None
    return says


def _of_part(part: str) -> str:
    if part == "+":
        return "[^/]*"
    if part == "#":
        return ".*"
    name = _LEVEL.fullmatch(part)
    return f"(?P<{name[1]}>[^/]+)" if name else re.escape(part)


def _check(topic: Topic) -> None:
    levels = topic.template.split("/")
    for place, level in enumerate(levels):
        whole = level in ("+", "#") or not set("+#") & set(level)
        if not whole or (level == "#" and place < len(levels) - 1):
            raise _wrong(f"{topic.template}: + stands alone in its level, and # alone in the last one")
        if ("{" in level or "}" in level) and not _LEVEL.fullmatch(level):
            raise _wrong(f"{topic.template}: a name in braces stands alone in its level")
    known = _LEVEL.findall(topic.template)
    if len(known) != len(set(known)):
        raise _wrong(f"{topic.template}: a name in braces is there twice")
    if topic.payload != "lines" and (missing := set(_LEVEL.findall(topic.datastream)) - set(known)):
        raise _wrong(f"{topic.template}: there is no level {{{min(missing)}}}")
    if topic.payload == "number" and "{" not in topic.datastream:
        raise _wrong(f"{topic.template}: a number alone does not name its datastream; put {{datastream}} in the topic")


def _wrong(what: str) -> Refused:
    return Refused("signals.bridge", "The file of the bridge does not fit: {value}. `cityloom readings schema` prints "
                   "what fits.", value=what)  # fmt: skip
