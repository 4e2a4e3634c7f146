"""Versions of the classifier: numbers in the database, one in force with its threshold, and back to an older one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Max

from cityloom.cases.domain.routing import classifier
from cityloom.cases.domain.routing.classifier import Classifier
from cityloom.cases.models import ClassifierVersion
from cityloom.cases.routing import force
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

SHIPPED = 0
_LEAST, _MOST = 0.5, 1.0


@dataclass(frozen=True)
class ClassifierFacts:
    """A version without its numbers."""

    number: int
    name: str
    is_synthetic: bool
    threshold: float
    put_by: str
    put_at: datetime | None


@dataclass(frozen=True)
class ClassifierNow:
    """The classifier that listens now, and how sure it has to be to go on without a person."""

    number: int
    model: Classifier
    threshold: float


def in_force() -> ClassifierNow | None:
    """The classifier in force; the shipped one until somebody says otherwise, None where none listens."""
    step = force.now(force.CLASSIFIER)
    if step is not None and step.number is None:
        return None
    number, digest = (step.number or SHIPPED, step.digest) if step else (SHIPPED, "")
    model = _read(digest) if number else shipped()
    own = step.threshold if step else None
    return ClassifierNow(number, model, model.threshold if own is None else own)


@lru_cache(maxsize=1)
def shipped() -> Classifier:
    """The classifier that comes with the program."""
    return classifier.from_bytes(classifier.SHIPPED.read_bytes())


def model_of(number: int) -> Classifier:
    """A version as it was put; 0 is the shipped one. Raises: Refused `cases.no_classifier`."""
    return shipped() if number == SHIPPED else _read(_row(number).digest)


def keep(model: Classifier, by: Actor, at: datetime) -> int:
    """Keep a classifier; return its number. The same one again is the version that it was."""
    content = classifier.to_bytes(model)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        row = ClassifierVersion.objects.filter(digest=digest).first()
        if row is None:
            last = ClassifierVersion.objects.aggregate(last=Max("number"))["last"] or SHIPPED
            row = ClassifierVersion.objects.create(
                id=ids.named_id("classifier", digest), number=last + 1, name=str(model.card["name"])[:80],
                content=content, digest=digest, card=model.card | {"threshold": model.threshold}, put_by=by.account,
                put_at=at,
            )  # fmt: skip
    return row.number


def use(number: int, threshold: float | None, by: Actor, at: datetime) -> None:
    """Let a version listen from now on; 0 is the shipped one.

    Raises: Refused `cases.no_classifier`, `cases.threshold`.
    """
    if threshold is not None and not _LEAST <= threshold <= _MOST:
        raise Refused("cases.threshold", "{value} is no threshold; it lies between {limit}.", value=threshold,
                      limit=f"{_LEAST}, {_MOST}")  # fmt: skip
    digest = _row(number).digest if number != SHIPPED else ""
    force.put(force.CLASSIFIER, number, digest, threshold, by, at)


def stop(by: Actor, at: datetime) -> None:
    """Let none listen: people say of what category everything is."""
    force.put(force.CLASSIFIER, None, "", None, by, at)


def versions() -> list[ClassifierFacts]:
    """All versions, the newest first, the shipped one last."""
    rows = ClassifierVersion.objects.order_by("-number").values_list("number", "name", "card", "put_by", "put_at")
    kept = [ClassifierFacts(number, name, bool(card.get("synthetic")), float(card["threshold"]), by, at)
            for number, name, card, by, at in rows]  # fmt: skip
    ours = shipped()
    return [*kept, ClassifierFacts(SHIPPED, str(ours.card["name"]), True, ours.threshold, "", None)]


def _row(number: int) -> ClassifierVersion:
    row = ClassifierVersion.objects.filter(number=number).defer("content").first()
    if row is None:
        known = ", ".join(str(one.number) for one in versions()[:20])
        raise Refused("cases.no_classifier", "There is no version {value} of the classifier; there are: {limit}.",
                      value=number, limit=known)  # fmt: skip
    return row


@lru_cache(maxsize=4)
def _read(digest: str) -> Classifier:
    row = ClassifierVersion.objects.values_list("content", flat=True).get(digest=digest)
    return classifier.from_bytes(bytes(row))
