"""What is exchanged with an MQTT broker: the topics that are told, and those from which entities are made.

Source: OGC 18-088, clause 14.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.signals.domain import broker_file
from cityloom.signals.domain.sensorthings import topics
from cityloom.signals.domain.sensorthings.topics import VERSION, Template

CLIENT = "cityloom-sensorthings"
_KEY = "{key}"


@dataclass(frozen=True)
class Taking:
    """Where clients may create entities of some sets, and as whom: one key for all, or the key that the topic names."""

    prefix: str = ""
    key: str = ""
    sets: tuple[str, ...] = ("Observations",)

    @property
    def filters(self) -> list[str]:
        """What the broker is asked for."""
        before = self.prefix.replace(_KEY, "+")
        return [f"{before}{VERSION}/{way}{name}" for name in self.sets for way in ("", "+/")]

    @cached_property
    def _form(self) -> re.Pattern[str]:
        before = re.escape(self.prefix).replace(re.escape(_KEY), "(?P<key>[^/]+)")
        return re.compile(rf"{before}{re.escape(VERSION)}/(?P<path>(?:[^/]+/)?(?:{'|'.join(self.sets)}))\Z")

    def path_and_key(self, topic: str) -> tuple[str, str] | None:
        """The address below the root and the id of the key; None where the topic is of another form."""
        found = self._form.match(topic)
        return (found["path"], self.key or found["key"]) if found else None


@dataclass(frozen=True)
class Exchange:
    """A broker, what is told there, and what is taken from there."""

    broker: str
    client: str
    root: str
    tell: tuple[Template, ...]
    take: tuple[Taking, ...]
    prefix: str = ""
    listen: str = ""

    def asked_in(self, payload: bytes) -> list[Template]:
        """The forms of topics that somebody subscribes to, as the broker says in words that end with the topic."""
        _, found, topic = payload.decode(errors="replace").partition(f"{self.prefix}{VERSION}/")
        return topics.asked_for(f"{VERSION}/{topic.partition(chr(34))[0].strip()}") if found else []

    @property
    def streams(self) -> list[int]:
        """The only datastreams of whose observations anything is told; none where it is of any."""
        found = [one.steps[-2].id if len(one.steps) > 1 and one.steps[-2].entity.title == "Datastream" else None
                 for one in self.tell if one.entity.title == "Observation"]  # fmt: skip
        return sorted({one for one in found if one}) if all(found) else []

    @property
    def titles(self) -> list[str]:
        """The types of entities of which anything is told."""
        return sorted({template.entity.title for template in self.tell})


@dataclass(frozen=True)
class Sent:
    """A message that a client sent; `number` is the broker's for it, the same where it is sent again."""

    topic: str
    payload: bytes
    number: int = 0
    again: bool = False


@dataclass(frozen=True)
class Told:
    """A message for subscribers, of the change at a position."""

    position: int
    topic: str
    payload: bytes


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of an exchange."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "service.schema.json").read_text("utf-8"))
    return found


def read(text: str, root: str = "http://localhost/sta/v1.1") -> Exchange:
    """An exchange from its YAML; `root` is the address of the service where none is named.

    Raises: Refused `signals.exchange` with the place of what is wrong, `signals.sta_topic`.
    """
    says = broker_file.read(text, schema(), _wrong)
    take = tuple(Taking(one.get("prefix", ""), one.get("key", ""), tuple(one.get("sets", ("Observations",))))
                 for one in says.get("take", ()))  # fmt: skip
    for number, one in enumerate(take):
        if one.prefix.split("/").count(_KEY) != (not one.key) or "{" in one.prefix.replace(f"{_KEY}/", ""):
            raise _wrong(f"take.{number}: either a key is given, or {_KEY} is one level of the prefix")
    listen = says.get("listen", "")
    tell = tuple(map(topics.read, says["tell"])) if "tell" in says else () if listen else topics.usual()
    return Exchange(says["broker"], says.get("client", CLIENT), says.get("root", root), tell, take,
                    says.get("prefix", ""), listen)  # fmt: skip


def _wrong(what: str) -> Refused:
    return Refused("signals.exchange", "The file of the exchange does not fit: {value}. `cityloom sensor mqtt-schema` "
                   "prints what fits.", value=what)  # fmt: skip
