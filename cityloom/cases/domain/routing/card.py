"""The model card of a classifier, in Markdown."""

from __future__ import annotations

from typing import Any

from cityloom.cases.domain.routing.classifier import Classifier


def markdown(model: Classifier) -> str:
    """What somebody must know before trusting it: data, date, counts, errors, curve, limits."""
    card, test = model.card, model.card["test"]
    about = [
        ("Name", card["name"]),
        ("Data", "synthetic, made up by this program" if card["synthetic"] else "a city's own reports"),
        ("Trained at", card["trained_at"]),
        ("Digest of the training data (SHA-256)", f"`{card['data_digest']}`"),
        ("Texts to train, to tune, to test", f"{card['texts_trained']:,}, {card['texts_tuned']:,}, {test['texts']:,}"),
        ("Categories", len(model.categories)),
        ("Kind", f"linear scores of {card['buckets']:,} hashed runs of signs; a logistic on top says how sure"),
        ("Goes to a person below", f"{model.threshold:.4f}"),
        ("Accuracy without a threshold (test)", _percent(test["accuracy"])),
        ("Routed, and right where routed (test)", f"{_percent(test['routed'])}, {_percent(test['precision'])}"),
        ("Expected calibration error (test)", f"{test['calibration_error']:.4f}"),
    ]
    rows = "\n".join(f"| {name} | {value} |" for name, value in about)
    limits = "\n".join(f"* {limit}" for limit in card["limits"])
    return (f"# Model card: {card['name']}\n\n| what | value |\n|---|---|\n{rows}\n\n"
            f"## Coverage against precision (test)\n\n{_curve(test['curve'])}\n\n## Limits\n\n{limits}\n")  # fmt: skip


def _curve(points: list[dict[str, Any]]) -> str:
    rows = [f"| {point['threshold']:.3f} | {_percent(point['coverage'])} | {_percent(point['precision'])} |"
            for point in points]  # fmt: skip
    return "\n".join(["| threshold | routed | right |", "|---|---|---|", *rows])


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
