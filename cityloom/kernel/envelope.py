"""The envelope in which every fact travels: CloudEvents 1.0, structured JSON."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from cityloom.kernel import clock

SPEC_VERSION = "1.0"
E = TypeVar("E")


@dataclass(frozen=True)
class Envelope:
    """One event on the road: `type` names the fact and its version, `data` is the fact as plain JSON.

    Source: CloudEvents specification 1.0.2, with the extension attributes `exerciseid` and `causationid`.
    """

    id: str
    type: str
    source: str
    time: datetime
    data: dict[str, Any]
    exercise_id: str = ""
    caused_by: str = ""

    def to_json(self) -> str:
        """Structured-mode JSON."""
        body = {
            "specversion": SPEC_VERSION, "id": self.id, "type": self.type, "source": self.source,
            "time": clock.to_text(self.time), "datacontenttype": "application/json", "data": self.data,
        }  # fmt: skip
        extensions = {"exerciseid": self.exercise_id, "causationid": self.caused_by}
        return json.dumps(body | {k: v for k, v in extensions.items() if v}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str | bytes) -> Envelope:
        """Read structured-mode JSON; raise ValueError for anything else."""
        body = json.loads(text)
        if not isinstance(body, dict) or body.get("specversion") != SPEC_VERSION:
            raise ValueError("Not a CloudEvents 1.0 envelope.")
        return Envelope(
            id=body["id"], type=body["type"], source=body["source"], time=clock.from_text(body["time"]),
            data=body["data"], exercise_id=body.get("exerciseid", ""), caused_by=body.get("causationid", ""),
        )  # fmt: skip


def type_of(event_class: type) -> str:
    """`cityloom.signals.SignalsRecorded.v1` for `cityloom.signals.events.SignalsRecorded`."""
    package = event_class.__module__.removesuffix(".events")
    return f"{package}.{event_class.__name__}.v{getattr(event_class, 'VERSION', 1)}"


def data_of(event: object) -> dict[str, Any]:
    """A frozen event as plain JSON values."""
    return {f.name: _plain(getattr(event, f.name)) for f in dataclasses.fields(event)}  # type: ignore[arg-type]


def event_from(event_class: type[E], data: dict[str, Any]) -> E:
    """The event again, from what `data_of` gave."""
    hints = typing.get_type_hints(event_class)
    known = {f.name for f in dataclasses.fields(event_class)}  # type: ignore[arg-type]
    return event_class(**{name: _typed(hints[name], value) for name, value in data.items() if name in known})


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return clock.to_text(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _typed(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [arm for arm in typing.get_args(hint) if arm is not type(None)]
        return None if value is None else _typed(inner[0], value)
    if hint is datetime:
        return clock.from_text(value)
    if origin is tuple:
        return tuple(_typed(typing.get_args(hint)[0], item) for item in value)
    return value
