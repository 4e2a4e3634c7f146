"""What every page of the gate shares: who asks, and where a refusal is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from cityloom.accounts import queries as accounts
from cityloom.gate import display, policies, queries
from cityloom.gate.domain import documents
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

INCOMPLETE = 422
_MOST_DIGITS = 15
Page = Callable[..., HttpResponse]


def posted(to: str) -> Callable[[Page], Page]:
    """Let an address be posted to, each page once; who comes back by a link, as after a step-up, goes to its page."""

    def guarded(view: Page) -> Page:
        sent = only_once(view)

        @functools.wraps(view)
        def checked(request: HttpRequest, **kwargs: str) -> HttpResponse:
            if request.method == "POST":
                return sent(request, **kwargs)
            return redirect(to, **(kwargs if to == "grant" else {}))

        return checked

    return guarded


def unit_name(unit: str) -> str:
    """What a unit is called in the reader's language, else its id."""
    return accounts.unit_names_of({unit}).get(unit, unit)


def purpose_titles() -> Mapping[str, str]:
    """What the purposes in force are called in the reader's language, by their names."""
    return {
        name: display.title(documents.as_written(stored).get("title", {}), name)
        for name, stored in queries.live_purposes().items()
    }


def number_in(text: str) -> int:
    """A version or another number of a hidden field; 0, which nothing has, for whatever is no such number."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else 0


def actor_of(request: HttpRequest) -> Actor:
    """Who asks."""
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def why_not(*checks: Callable[[], None]) -> str:
    """The sentence beside a button that may not be pressed; empty where it may."""
    refusal = policies.refusal_of(*checks)
    return sentence_of(refusal) if refusal else ""


def shown(
    request: HttpRequest, template: str, context: Mapping[str, Any], refusal: Refused | None = None, status: int = 200
) -> HttpResponse:
    """A page, with the refusal on it that it answers."""
    said = {"refusal": sentence_of(refusal)} if refusal else {}
    return render(request, template, {**context, **said}, status=status_of(refusal) if refusal else status)


def carry_out(request: HttpRequest, act: Callable[[], object], said: str, *, to: str, page: Page) -> HttpResponse:
    """Do it and go on, or show the page again with the refusal on it."""
    try:
        act()
    except Refused as refusal:
        return page(request, refusal=refusal)
    messages.success(request, said)
    return redirect(to)
