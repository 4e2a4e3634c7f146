"""Train a classifier on made-up reports or on a city's own, and write its card."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from cityloom.cases.domain.madeup.texts import Texts, texts
from cityloom.cases.domain.routing import curve
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.classifier import Classifier, predictions
from cityloom.cases.domain.routing.fitting import Told, fit, judged
from cityloom.kernel import clock

SEED = 20_261_128
MADE_UP = {"train": 24_000, "tune": 5_000, "test": 10_000}
_LIMITS = (
    "It knows English and Simplified Chinese; what is in another language goes to a person.",
    "A text about two matters is put to one of them.",
    "It reads words, not pictures; it says nothing about who wrote a text, and nothing of them is kept.",
    "It may hand a matter to a desk; it refuses nothing and sets no priority.",
)
_MADE_UP_LIMITS = (
    "All texts are synthetic: put together by a program from phrases written for this. Nobody's report is in them.",
    "Tuning and test phrases are in no training text, but there are only 56 of each a language, by one author.",
    "A city's own reports differ; measure on them before it routes anything: `cityloom cases train FILE`.",
)


def made_up(at: datetime, seed: int = SEED) -> Classifier:
    """The classifier that comes with the program: made-up texts with phrases of their own train, tune and test it."""
    parts = {part: texts(count, list(shipped()), seed, part) for part, count in MADE_UP.items()}
    about = {"name": "city-categories", "synthetic": True, "seed": seed, "limits": [*_MADE_UP_LIMITS, *_LIMITS]}
    return _trained(*(_told(parts[part]) for part in ("train", "tune", "test")), about, at)


def of_city(rows: Sequence[tuple[str, str]], at: datetime, name: str) -> Classifier:
    """A classifier of a city's own texts with categories, oldest first: the newest fifth tests, the one before tunes.

    Raises: Refused `cases.few_texts`.
    """
    ends = len(rows) * 3 // 5, len(rows) * 4 // 5
    parts = rows[: ends[0]], rows[ends[0] : ends[1]], rows[ends[1] :]
    about = {"name": name, "synthetic": False, "limits": list(_LIMITS)}
    return _trained(*(([text for text, _ in part], [key for _, key in part]) for part in parts), about, at)


def _trained(train: Told, tune: Told, test: Told, about: dict[str, Any], at: datetime) -> Classifier:
    digest = hashlib.sha256("\x1e".join(map("\x1f".join, zip(*train, strict=True))).encode()).hexdigest()
    model = fit(train, tune, about | {"trained_at": clock.to_text(at), "data_digest": digest})
    return replace(model, card=model.card | {"test": tested(model, test)})


def tested(model: Classifier, test: Told) -> dict[str, Any]:
    """What a classifier does with texts that it has not seen: accuracy, curve, and what the threshold gives."""
    found = predictions(model, test[0])
    chances = np.array([one.probability for one in found])
    is_right = np.array([one.category == told for one, told in zip(found, test[1], strict=True)])
    routed, precision = curve.coverage_at(chances, is_right, model.threshold)
    return judged(chances, is_right) | {
        "texts": len(found), "routed": round(routed, 4), "precision": round(precision, 4),
    }  # fmt: skip


def _told(made: Texts) -> Told:
    return made.texts, made.categories
