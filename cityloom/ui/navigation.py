"""The navigation that whoever is signed in sees, made of what the capabilities have declared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_noop

from cityloom.kernel.actor import Actor
from cityloom.ui import registry
from cityloom.ui.domain.declared import Page

TITLES = {
    "now": gettext_noop("Now"), "work": gettext_noop("Work"), "people": gettext_noop("Personal data"),
    "oversight": gettext_noop("Oversight"), "city": gettext_noop("City"), "system": gettext_noop("System"),
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A page in the navigation; `here` is the value of `aria-current`: "page", "true" for a page below it, or ""."""

    label: str
    url: str
    here: str = ""
    why_not: str = ""


@dataclass(frozen=True)
class Section:
    """Pages that belong together."""

    title: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class Navigation:
    """The sections with what may be opened, and the pages that are not for the reader's roles."""

    sections: Sequence[Section]
    closed: Sequence[Entry]


def for_staff(request: HttpRequest) -> Navigation:
    """The cockpit's navigation."""
    actor = reader(request)
    pages = [page for page in registry.pages() if not page.is_public]
    may = [page for page in pages if registry.may_see(page.roles, actor)]
    entries = dict(zip(may, _entries(may, request.path), strict=True))
    sections = [
        Section(TITLES[section], [entries[page] for page in group])
        for section, group in groupby(may, key=lambda page: page.section)
    ]
    closed = [Entry(page.label, "", why_not=page.why_not) for page in pages if page not in entries]
    return Navigation(sections, closed)


def for_residents(request: HttpRequest) -> Sequence[Entry]:
    """The entries at the head of the portal; what asks for signing in leads there."""
    return _entries([page for page in registry.pages() if page.is_public], request.path)


def reader(request: HttpRequest) -> Actor:
    """Whoever asks, as far as the navigation must know them."""
    user = request.user
    if not user.is_authenticated:
        return Actor(account="")
    roles = ["resident"] if user.kind == "resident" else user.roles
    return Actor(account=str(user.pk), unit=user.unit_id or "", roles=frozenset(roles))


def address(url_name: str) -> str:
    """The address of a page, "" where this city has none of that name."""
    try:
        return reverse(url_name)
    except NoReverseMatch:
        return ""


def _entries(pages: Iterable[Page], path: str) -> list[Entry]:
    found = [(page, reverse(page.url_name)) for page in pages]
    above = [url for _, url in found if url != "/" and path.startswith(url)]
    nearest = max(above, key=len, default="")
    return [
        Entry(page.label, url, "page" if url == path else "true" if url == nearest else "") for page, url in found
    ]
