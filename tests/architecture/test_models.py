"""What the database holds: every field is classified, and no reference points up the staircase."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from django.apps import apps

from cityloom.accounts import models as accounts

ROOT = Path(__file__).resolve().parents[2]
OURS = [model for model in apps.get_models() if model.__module__.startswith("cityloom.")]
THEIRS = [model for model in apps.get_models() if model not in OURS]
STEPS = [
    "drills", "insight", "emergency", "cases", "detection", "fieldwork", "signals", "subscriptions", "alerts",
    "registers", "gate", "accounts", "audit", "bus", "ui",
]  # fmt: skip
WORDS_FOR_PERSONS = re.compile(r"name|phone|birth|national_id|email|address|text|caller", re.IGNORECASE)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_field_is_classified(model: type) -> None:
    known = importlib.import_module(model.__module__).CLASSIFICATION.get(model.__name__, {})
    fields = {field.name for field in model._meta.get_fields() if field.concrete and not field.many_to_many}
    assert set(known) == fields, f"classify {fields ^ set(known)}"
    assert set(known.values()) <= {"clear", "restricted", "sealed"}


@pytest.mark.parametrize("model", THEIRS, ids=lambda model: model._meta.label)
def test_every_field_of_a_library_is_classified(model: type) -> None:
    fields = {field.name for field in model._meta.get_fields() if field.concrete and not field.many_to_many}
    known = accounts.LIBRARIES.get(model._meta.label, {})
    assert set(known) == fields, f"classify {fields ^ set(known)}"
    assert set(known.values()) <= {"clear", "restricted"}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_no_reference_points_up_the_staircase(model: type) -> None:
    own = STEPS.index(model._meta.app_label)
    for field in model._meta.get_fields():
        target = getattr(field, "related_model", None)
        if field.concrete and target and target._meta.app_label in STEPS:
            assert STEPS.index(target._meta.app_label) >= own, f"{field.name} points up to {target.__name__}"


def test_what_is_sealed_is_bytes() -> None:
    for model in OURS:
        known = importlib.import_module(model.__module__).CLASSIFICATION[model.__name__]
        for name, grade in known.items():
            if grade == "sealed":
                assert model._meta.get_field(name).get_internal_type() == "BinaryField", f"{model.__name__}.{name}"


def test_no_package_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "helpers", "common", "manager", "service"}
    found = [path for path in (ROOT / "cityloom").rglob("*.py") if path.stem in vague or path.parent.name in vague]
    assert found == []


def test_package_doors_stay_empty() -> None:
    assert [path for path in (ROOT / "cityloom").rglob("__init__.py") if path.read_text().strip()] == []
