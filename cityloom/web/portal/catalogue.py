"""What residents can ask for, by life event, and the search over it: read from what the capabilities declare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from cityloom.ui import registry
from cityloom.ui.domain.declared import Service
from cityloom.ui.navigation import address
from cityloom.ui.templatetags.cityloom import translated
from cityloom.web.domain.finding import Entry, Finder

EVENTS = {
    "safety": gettext_noop("Danger and emergencies"), "street": gettext_noop("Something is wrong in my street"),
    "my-data": gettext_noop("My data and my rights"), "moving": gettext_noop("Moving house"),
    "family": gettext_noop("Birth, family and children"), "school": gettext_noop("School and learning"),
    "health": gettext_noop("Health and care"), "work": gettext_noop("Work and business"),
    "housing": gettext_noop("Building and living"), "age": gettext_noop("Growing old"),
    "death": gettext_noop("When somebody has died"), "city": gettext_noop("Knowing my city"),
}  # fmt: skip
"""Life events in their order on the page; one that is not named here comes last, under its own name."""
_TITLE, _WORDS, _SUMMARY, _EVENT = 3.0, 2.5, 1.0, 0.7
_LANGUAGES = ("en", "zh-hans")


@dataclass(frozen=True)
class Offer:
    """A service in the reader's language."""

    key: str
    title: str
    summary: str
    url: str


@dataclass(frozen=True)
class Group:
    """The services of one life event."""

    event: str
    title: str
    offers: tuple[Offer, ...]


def groups() -> list[Group]:
    """Every service by life event; a life event without a service is not shown."""
    places = {event: place for place, event in enumerate(EVENTS)}
    found: dict[str, list[Service]] = {}
    for service in _services():
        found.setdefault(service.event, []).append(service)
    ordered = sorted(found, key=lambda event: (places.get(event, len(places)), event))
    return [Group(event, title_of(event), tuple(map(_offer, found[event]))) for event in ordered]


def find(query: str) -> list[Offer]:
    """What a resident may mean by a few words in either language, the likeliest first."""
    services = {service.key: service for service in _services()}
    return [_offer(services[key]) for key in _finder().find(query) if key in services]


def title_of(event: str) -> str:
    """What a life event is called."""
    return gettext(EVENTS[event]) if event in EVENTS else translated(event)


@lru_cache(maxsize=1)
def _services() -> tuple[Service, ...]:
    """The services whose page there is; a capability may declare one before its page is part of this city."""
    return tuple(service for service in registry.services() if address(service.url_name))


@lru_cache(maxsize=1)
def _finder() -> Finder:
    return Finder([_entry(service) for service in _services()])


def _entry(service: Service) -> Entry:
    titles, summaries = _in_both([service.title]), _in_both([service.summary])
    words, event = _in_both(service.words), _in_both([EVENTS.get(service.event, service.event)])
    return Entry(service.key, [
        *((_TITLE, text) for text in titles), *((_WORDS, text) for text in words),
        *((_SUMMARY, text) for text in summaries), *((_EVENT, text) for text in event),
    ])  # fmt: skip


def _in_both(texts: Iterable[str]) -> list[str]:
    """Texts as they are declared and in each language of the city."""
    found = dict.fromkeys(texts)
    for language in _LANGUAGES:
        with translation.override(language):
            found |= dict.fromkeys(gettext(text) for text in list(found) if text)
    return list(found)


def _offer(service: Service) -> Offer:
    return Offer(service.key, gettext(service.title), gettext(service.summary), address(service.url_name))

