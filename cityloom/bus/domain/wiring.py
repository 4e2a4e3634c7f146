"""The shape of the table that says which event wakes which handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cityloom.kernel.envelope import type_of

Handler = Callable[..., None]
Reactions = Mapping[type, Sequence[Handler]]


@dataclass(frozen=True)
class Route:
    """An event class and the handlers that it wakes, by name."""

    event_class: type
    handlers: Mapping[str, Handler]


def routes_of(reactions: Reactions) -> dict[str, Route]:
    """Routes by event type, from the wiring table."""
    return {
        type_of(event): Route(event, {handler_name(handler): handler for handler in handlers})
        for event, handlers in reactions.items()
    }


def handler_name(handler: Any) -> str:
    """`emergency.handlers.propose` for the function in `cityloom.emergency.handlers`."""
    return f"{handler.__module__.removeprefix('cityloom.')}.{handler.__name__}"
