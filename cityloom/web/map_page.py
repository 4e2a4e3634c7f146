"""The map as a page of its own, with what is on it in words."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui import registry
from cityloom.ui.domain.declared import Layer
from cityloom.ui.words import sentence_of

_MOST = 30  # things of one layer that are named; the rest is counted
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listed:
    """A layer in words: its first features, how many there are by state, or why it cannot be told."""

    label: str
    features: Sequence[Mapping[str, Any]] = ()
    states: Sequence[tuple[str, int]] = ()
    count: int = 0
    why_not: str = ""

    @property
    def left_out(self) -> int:
        return self.count - len(self.features)


@require_safe
def city_map(request: HttpRequest) -> HttpResponse:
    """The map for those on duty."""
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    return render(request, "web/map.html", {"listed": in_words(actor)})


def in_words(actor: Actor) -> list[Listed]:
    """Every live layer in words, what is drawn last first."""
    layers = [layer for layer in registry.layers() if layer.kind == "live"]
    return [_listed(layer, actor) for layer in reversed(layers)]


def _listed(layer: Layer, actor: Actor) -> Listed:
    label = _(layer.label)
    if not registry.may_see(layer.roles, actor):
        return Listed(label, why_not=_(layer.why_not))
    try:
        found = registry.source_of(layer.source)(actor, None)["features"]
    except Refused as refused:
        return Listed(label, why_not=sentence_of(refused))
    except Exception:
        _LOG.exception("layer %s could not be read", layer.key)
        return Listed(label, why_not=_("This layer cannot be read now; an operator finds the reason in the log."))
    facts = [feature.get("properties", {}) for feature in found]
    states = Counter(str(fact["state"]) for fact in facts if fact.get("state"))
    return Listed(label, facts[:_MOST], states.most_common(), len(facts))
