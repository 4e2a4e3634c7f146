"""Say of what category a text is, how sure that is, and when a person has to say it.

Linear scores of hashed runs of signs (`marks`), one row of weights a category; how sure the highest is comes from its
height, its lead over the second and how much of the text was known at all, by a logistic fitted on texts whose wordings
the weights had not seen.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.marks import marks_of
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Marks = NDArray[np.uint32]
SHIPPED = Path(__file__).parent / "made_up.classifier"
LARGEST_BYTES = 64 * 1024 * 1024
_ARRAYS = {"idf": "f", "weights": "i", "scale": "f", "bias": "f", "sure": "f"}
_FORMAT = 1
_STEEP = 3.0  # how fast a category falls behind with its score, where several are shown to a person
_SIDES = 4  # numbers that say how sure the highest score is
_BROKEN = "This is no classifier that cityloom wrote: {value}. Train one with `cityloom cases train`."


@dataclass(frozen=True)
class Prediction:
    """The likeliest category, the probability that it is right, and the second one."""

    category: str
    probability: float
    second: str


@dataclass(frozen=True)
class Classifier:
    """Weights: int8, shape (marks, categories), times `scale`; a category below `threshold` is left to a person."""

    categories: tuple[str, ...]
    idf: NDArray[np.float32]
    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    sure: Floats
    threshold: float
    card: dict[str, Any]

    def scores(self, marks: Marks) -> tuple[Floats, float]:
        """The score of each category, and the share of the marks' weight that training had seen."""
        buckets, counts = np.unique(marks % len(self.idf), return_counts=True)
        heard = np.sqrt(counts) * self.idf[buckets]
        length = float(np.sqrt((heard**2).sum())) or 1.0
        known = float((self.idf[buckets] > 0).sum()) / max(len(buckets), 1)
        rows = self.weights[buckets].astype(np.float32)
        return (heard / length) @ rows * self.scale + self.bias, known

    def predict(self, text: str) -> Prediction:
        """The category of a text."""
        return self.predict_marks(marks_of(text))

    def predict_marks(self, marks: Marks) -> Prediction:
        """The category of what has these marks."""
        scores, known = self.scores(marks)
        second, first = np.argsort(scores)[-2:].tolist()
        sides = sides_of(scores[None, :], np.array([known]), np.array([len(marks)]))
        return Prediction(self.categories[first], float(probability(sides, self.sure)[0]), self.categories[second])

    def likeliest(self, text: str, count: int) -> list[tuple[str, float]]:
        """The likeliest categories of a text, each with how sure it is; only the first probability is fitted.

        The others share what is left of it by how far their scores stay behind, and none says more than the first.
        """
        marks = marks_of(text)
        scores, known = self.scores(marks)
        order = np.argsort(-scores, kind="stable")[: count + 1]
        sides = sides_of(scores[None, :], np.array([known]), np.array([len(marks)]))
        sure = float(probability(sides, self.sure)[0])
        behind = np.exp(_STEEP * (scores[order[1:]] - scores[order[0]]))
        shares = (1.0 - sure) * behind / max(float(behind.sum()), 1e-9)
        rest = [(self.categories[one], min(float(share), sure))
                for one, share in zip(order[1:count].tolist(), shares, strict=False)]  # fmt: skip
        return [(self.categories[int(order[0])], sure), *rest]

    def routes(self, prediction: Prediction) -> bool:
        """Whether the category is sure enough to go on without a person."""
        return prediction.probability >= self.threshold


def sides_of(scores: Floats, known: Floats, counts: NDArray[np.int64]) -> Floats:
    """What says how sure the highest score is, shape (n, 4): height, lead, share of marks known, length."""
    ordered = np.sort(scores, axis=1)
    return np.column_stack([ordered[:, -1], ordered[:, -1] - ordered[:, -2], known, np.log1p(np.minimum(counts, 400))])


def probability(sides: Floats, sure: Floats) -> Floats:
    """The probability that the highest is right; `sure` has a weight for each side and the constant last."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(sides @ sure[:-1] + sure[-1], -30, 30))), dtype=float)


def to_bytes(model: Classifier) -> bytes:
    """The file of a classifier: a zip with `card.json` and the arrays in `arrays.npz`, no code."""
    held, arrays = io.BytesIO(), io.BytesIO()
    np.savez_compressed(arrays, **{name: getattr(model, name) for name in _ARRAYS})
    about = {"format": _FORMAT, "categories": model.categories, "threshold": model.threshold, "card": model.card}
    with zipfile.ZipFile(held, "w") as file:
        for name, content in (("card.json", json.dumps(about, ensure_ascii=False, indent=1).encode()),
                              ("arrays.npz", arrays.getvalue())):  # fmt: skip
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return held.getvalue()


def from_bytes(content: bytes) -> Classifier:
    """The classifier in a file, whose arrays are numbers of the right shapes.

    Raises: Refused `cases.classifier_broken`.
    """
    if len(content) > LARGEST_BYTES:
        raise Refused("cases.classifier_broken", _BROKEN, value=f"{len(content)} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            _check_sizes(file)
            about = json.loads(file.read("card.json"))
            packed = file.read("arrays.npz")
        with zipfile.ZipFile(io.BytesIO(packed)) as inner:
            _check_sizes(inner)
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            held = {name: arrays[name] for name in _ARRAYS}
        return _checked(about, held)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, EOFError) as error:
        raise Refused("cases.classifier_broken", _BROKEN, value=type(error).__name__) from error


def _check_sizes(file: zipfile.ZipFile) -> None:
    if sum(part.file_size for part in file.infolist()) > 4 * LARGEST_BYTES:
        raise ValueError("too large when unpacked")


def _checked(about: dict[str, Any], held: dict[str, NDArray[Any]]) -> Classifier:
    categories = tuple(str(one) for one in about["categories"])
    marks, count = len(held["idf"]), len(categories)
    shapes = {"idf": (marks,), "weights": (marks, count), "scale": (count,), "bias": (count,), "sure": (_SIDES + 1,)}
    for name, shape in shapes.items():
        array = held[name]
        if array.shape != shape or array.dtype.kind != _ARRAYS[name] or not np.isfinite(array).all():
            raise ValueError(name)
    if about["format"] != _FORMAT or count < 2 or marks < 1 or not 0.0 <= float(about["threshold"]) <= 1.0:
        raise ValueError("format")
    return Classifier(categories, **held, threshold=float(about["threshold"]), card=dict(about["card"]))


def predictions(model: Classifier, texts: Sequence[str]) -> list[Prediction]:
    """The categories of many texts, in their order."""
    return [model.predict(text) for text in texts]
