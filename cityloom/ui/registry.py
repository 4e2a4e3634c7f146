"""What the capabilities have declared to the user interface, gathered from `display.DISPLAY` of each installed app."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from django.apps import apps
from django.utils.module_loading import import_string

from cityloom.kernel.actor import Actor
from cityloom.ui.domain.declared import (
    SECTIONS,
    Display,
    KeyFigure,
    Layer,
    Outlook,
    Page,
    Search,
    Service,
    Watch,
    WorkList,
)  # fmt: skip

Ordered = TypeVar("Ordered", Layer, Search, KeyFigure, WorkList, Watch, Outlook, Service)


@lru_cache(maxsize=1)
def displays() -> dict[str, Display]:
    """The declarations by the label of their app, in the order of the installed apps."""
    found = {}
    for config in apps.get_app_configs():
        if config.name.startswith("cityloom.") and find_spec(f"{config.name}.display"):
            declared = getattr(import_module(f"{config.name}.display"), "DISPLAY", None)
            if declared is not None:
                found[config.label] = declared
    return found


def pages() -> list[Page]:
    """The navigation's entries in the order of their sections."""
    every = [page for display in displays().values() for page in display.pages]
    return sorted(every, key=lambda page: (SECTIONS.index(page.section), page.order, page.label))


def layers() -> list[Layer]:
    """The map's layers, the lowest first."""
    return _in_order(layer for display in displays().values() for layer in display.layers)


def layer(key: str) -> Layer | None:
    """The layer of that key."""
    return next((found for found in layers() if found.key == key), None)


def searches() -> list[Search]:
    """The sources of the search."""
    return _in_order(search for display in displays().values() for search in display.searches)


def figures() -> list[KeyFigure]:
    """The key figures."""
    return _in_order(figure for display in displays().values() for figure in display.figures)


def work_lists() -> list[WorkList]:
    """The work lists."""
    return _in_order(work for display in displays().values() for work in display.work)


def watches() -> list[Watch]:
    """The lines of the system's health."""
    return _in_order(watch for display in displays().values() for watch in display.watches)


def outlooks() -> list[Outlook]:
    """The parts of the risk brief."""
    return _in_order(outlook for display in displays().values() for outlook in display.outlooks)


def moments() -> dict[str, str]:
    """What each type of event is called on the timeline of the overview."""
    return {kind: words for display in displays().values() for kind, words in display.moments.items()}


def services() -> list[Service]:
    """What residents can ask for."""
    return _in_order(service for display in displays().values() for service in display.services)


def may_see(roles: frozenset[str], actor: Actor) -> bool:
    """Whether a declaration's roles let an actor see it; no roles mean everyone."""
    return not roles or bool(roles & actor.roles)


def source_of(dotted: str) -> Callable[..., Any]:
    """The callable that a declaration names."""
    return import_string(dotted)  # type: ignore[no-any-return]


def _in_order(declared: Iterable[Ordered]) -> list[Ordered]:
    return sorted(declared, key=lambda one: (one.order, one.key))
