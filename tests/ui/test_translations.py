"""Every page speaks Chinese: all texts are translated, with the same placeholders, and the compiled file is fresh."""

from __future__ import annotations

import io
import itertools
import re

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils import translation

from cityloom.accounts import actions as accounts
from cityloom.accounts.models import ROLES
from cityloom.alerts.models import Alert, Delivery
from cityloom.emergency import policies
from cityloom.emergency.domain import states
from cityloom.emergency.models import Notice
from cityloom.fieldwork.domain import states as task_states
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of
from tests.ui import messages

FOLDER = messages.PACKAGE / "locale" / "zh_Hans" / "LC_MESSAGES"
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}")
REFUSING = (
    "accounts", "audit", "bus", "drills", "emergency", "fieldwork", "gate", "keeper", "signals", "subscriptions", "web",
    "cases/domain", "registers/browsing", "registers/trust", "registers/views", "registers/zones",
)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with (FOLDER / "django.po").open("rb") as file:
        return read_po(file, locale="zh_Hans")


@pytest.fixture(scope="module")
def translated(catalog: Catalog) -> set[str]:
    """Message ids with a translation, plural forms included."""
    done: set[str] = set()
    for message in catalog:
        if message.id and message.string and all(message.string if message.pluralizable else [message.string]):
            done |= set(message.id) if message.pluralizable else {message.id}
    return done


def test_every_text_of_a_page_is_translated(translated: set[str]) -> None:
    found = messages.of_templates() | messages.of_python()
    assert len(found) > 100
    assert found - translated == set()


def test_every_refusal_that_a_page_can_show_is_translated(translated: set[str]) -> None:
    assert messages.of_refusals(*REFUSING) - translated == set()


def test_every_word_from_a_table_is_translated(translated: set[str]) -> None:
    words = {*states.STATES, *states.STATES.values(), *states.PURPOSES, *task_states.STATES}
    words |= {*Alert.State.values, *Delivery.State.values}
    words |= {state for state, _ in Notice.STATES}
    words |= {title for _, title, _, _ in accounts._DEMO_ROLES}
    words |= {*ROLES, "unapproved", "active", "over"}
    assert words - translated == set()


def test_every_reason_on_a_disabled_button_is_translated(translated: set[str]) -> None:
    roles = ("duty-officer", "commander", "alert-approver", "social-worker")
    given = ({}, {"commander": "me"})
    standings = [policies.Standing(state, "me", approvals) for state in states.STATES for approvals in given]
    for action, role, standing in itertools.product(states.ACTIONS, roles, standings):
        try:
            policies.check_can(action, standing, Actor("me", roles=frozenset({role})))
        except Refused as refusal:
            assert refusal.template in translated
            with translation.override("zh-hans"):
                assert not re.search(r"[a-z]{3,}", sentence_of(refusal)), sentence_of(refusal)


def test_a_translation_keeps_its_placeholders(catalog: Catalog) -> None:
    for message in catalog:
        for string in message.string if message.pluralizable else [message.string]:
            source = message.id[-1] if message.pluralizable else message.id
            if source:
                assert set(PLACEHOLDER.findall(source)) == set(PLACEHOLDER.findall(string)), source


def test_the_compiled_file_is_fresh(catalog: Catalog) -> None:
    compiled = read_mo(io.BytesIO((FOLDER / "django.mo").read_bytes()))
    assert texts(compiled) == texts(catalog), "compile with: pybabel compile -D django -d cityloom/locale"


def texts(found: Catalog) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Every message with its translations, as tuples."""
    some = [message for message in found if message.id]
    return {tuple(aslist(message.id)): tuple(aslist(message.string)) for message in some}


def aslist(texts: str | tuple[str, ...] | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)
