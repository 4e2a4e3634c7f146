"""Who asks for a page, and why they may not do what it offers."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

from cityloom.accounts import queries as accounts
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of


def actor_of(request: HttpRequest) -> Actor:
    """Whoever is signed in."""
    return accounts.as_actor(request.user)  # type: ignore[arg-type]


def why_not(check: Callable[..., object], *facts: object) -> str:
    """The sentence with which a policy refuses; "" where it does not."""
    try:
        check(*facts)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""
