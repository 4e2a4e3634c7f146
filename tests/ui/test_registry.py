"""What capabilities declare to the user interface can be shown: keys are their own, names lead somewhere."""

from __future__ import annotations

from collections import Counter

import pytest
from django.urls import NoReverseMatch, reverse

from cityloom.ui import registry
from cityloom.ui.domain.declared import SECTIONS

KINDS = {
    "layers": registry.layers, "searches": registry.searches, "figures": registry.figures,
    "work": registry.work_lists, "watches": registry.watches, "services": registry.services,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_declarations_share_a_key(kind: str) -> None:
    assert [key for key, times in Counter(one.key for one in KINDS[kind]()).items() if times > 1] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "services"])
def test_every_named_callable_is_there(kind: str) -> None:
    for one in KINDS[kind]():
        assert callable(registry.source_of(one.source)), one.key
        if getattr(one, "card", ""):
            assert callable(registry.source_of(one.card)), one.key


def test_pages_stand_in_the_order_of_their_sections_and_have_an_address() -> None:
    order = [SECTIONS.index(page.section) for page in registry.pages()]
    assert order == sorted(order)
    for page in registry.pages():
        try:
            reverse(page.url_name)
        except NoReverseMatch:
            pytest.fail(f"{page.url_name} has no address")
        assert page.why_not or not page.roles, f"{page.url_name} does not say why a role may not open it"
