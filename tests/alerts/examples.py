"""Approved documents for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from cityloom.alerts.domain import cap
from cityloom.alerts.domain.cap import time_text
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.canonical import digest

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
BOUNDS = (113.90, 22.40, 114.10, 22.70)
SQUARE = "22.530000,113.950000 22.530000,113.952000 22.532000,113.952000 22.532000,113.950000 22.530000,113.950000"
DEMO = ["demo_crashes", "demo_refuses", "demo_works"]
WORDS = {
    "en": {
        "event": "Ground collapse",
        "headline": "EXERCISE: leave the buildings around Keyuan Road now",
        "description": "The ground has collapsed in Keyuan Road.",
        "instruction": "Take your medicine and walk to the school.",
        "area": "Keyuan Road",
    },
    "zh-Hans": {
        "event": "地面塌陷",
        "headline": "演练：请立即离开科苑路周边建筑",
        "description": "科苑路发生地面塌陷。",
        "instruction": "请携带药品，步行前往学校。",
        "area": "科苑路",
    },
}


def document(**changes: Any) -> dict[str, Any]:
    """The document of a drill's alert, with some parts changed."""
    return {
        "version": 1, "incident": "01HINCIDENT", "revision": 1, "message_type": "Alert", "references": [],
        "identifier": "cityloom.01HINCIDENT.1", "sender": "alerts@cityloom.invalid", "sent": time_text(NOW),
        "exercise": True, "synthetic_city": True, "polygons": [SQUARE], "buildings": [11, 12, 700],
        "languages": ["zh-Hans", "en"], "info": WORDS, "category": "Infra", "urgency": "Immediate",
        "severity": "Extreme", "certainty": "Observed", "response": "Evacuate",
        "expires": time_text(NOW + timedelta(hours=6)), "channels": DEMO,
    } | changes  # fmt: skip


def order(approved: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The arguments with which a document is sent."""
    return {
        "by": SYSTEM, "at": NOW, "incident_id": approved["incident"], "document": approved,
        "approved_digest": digest(approved), "channels": approved["channels"],
        "city_is_synthetic": approved["synthetic_city"], "exercise_id": "01HEXERCISE" if approved["exercise"] else "",
        "city_bounds": BOUNDS,
    } | changes  # fmt: skip


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
                 min_size=1, max_size=40)  # fmt: skip
_english = st.text("abcdefghij <>&'\"]", max_size=30).map(lambda text: f"{text} Keyuan Road")
_chinese = st.text("地面塌陷请离开\n\t", max_size=30).map(lambda text: f"{text}科苑路")
_names = st.text("abcXYZ019.-_@:/", min_size=1, max_size=30)
_corners = st.tuples(st.integers(22_400_000, 22_690_000), st.integers(113_900_000, 114_090_000))


def _rectangle(corner: tuple[int, int]) -> str:
    south, west = corner
    ring = [(south, west), (south, west + 900), (south + 800, west + 900), (south + 800, west), (south, west)]
    return " ".join(f"{lat / 1e6:.6f},{lon / 1e6:.6f}" for lat, lon in ring)


def _words(texts: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries(dict.fromkeys(("event", "headline", "description", "instruction", "area"), texts))


def documents(*, any_text: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    """Documents that can be built; with `any_text` the words hold any character that XML can carry."""
    kind = st.sampled_from(["Alert", "Update", "Cancel"])
    return st.builds(
        lambda kind, references, **parts: document(
            message_type=kind, references=[] if kind == "Alert" else references, **parts
        ),
        kind,
        st.lists(_names.map(lambda name: f"s,{name},{time_text(NOW)}"), min_size=1, max_size=3),
        incident=_names, identifier=_names, sender=_names, exercise=st.booleans(), synthetic_city=st.booleans(),
        revision=st.integers(1, 99), polygons=st.lists(_corners.map(_rectangle), min_size=1, max_size=3),
        buildings=st.lists(st.integers(1, 2**50), unique=True, max_size=5).map(sorted),
        languages=st.permutations(["zh-Hans", "en"]),
        info=st.fixed_dictionaries({
            "en": _words(_texts if any_text else _english), "zh-Hans": _words(_texts if any_text else _chinese),
        }),
        category=st.sampled_from(cap.CATEGORIES), urgency=st.sampled_from(cap.URGENCIES),
        severity=st.sampled_from(cap.SEVERITIES), certainty=st.sampled_from(cap.CERTAINTIES),
        response=st.sampled_from(cap.RESPONSES),
    )  # fmt: skip
