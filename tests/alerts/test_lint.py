"""The linter, one fault at a time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cityloom.alerts import queries
from cityloom.alerts.domain.cap import time_text
from cityloom.kernel.refused import Refused
from tests import realdata
from tests.alerts import examples
from tests.alerts.examples import BOUNDS, NOW, SQUARE


def _codes(**changes: Any) -> set[str]:
    findings = queries.lint_document(examples.document(**changes), at=NOW, bounds=BOUNDS)
    assert all("{" not in finding.sentence for finding in findings)
    return {finding.code.removeprefix("alerts.") for finding in findings}


def _words(language: str, **words: str) -> dict[str, Any]:
    return {"info": examples.WORDS | {language: examples.WORDS[language] | words}}


def _swapped(text: str) -> str:
    return " ".join(",".join(reversed(pair.split(","))) for pair in text.split())


PORTO = "41.150000,-8.620000 41.150000,-8.618000 41.152000,-8.618000 41.152000,-8.620000 41.150000,-8.620000"
LONG = " ".join([*(f"22.{530000 + n},113.9{50000 + n * n:05}" for n in range(101)), "22.530000,113.950000"])
EARLIER = f"alerts@cityloom.invalid,cityloom.1,{time_text(NOW)}"


def test_a_good_alert_has_no_findings() -> None:
    assert _codes() == set()


@pytest.mark.parametrize(("text", "code"), [
    ("22.53,113.95 22.53,113.952 22.532,113.952 22.532,113.95", "ring_open"),
    ("22.53,113.95 22.532,113.952 22.53,113.952 22.532,113.95 22.53,113.95", "ring_crossing"),
    ("22.53,113.95 22.53,113.951 22.53,113.952 22.53,113.95", "ring_flat"),
    ("22.53,113.95 22.53,113.951 22.53,113.95", "ring_short"),
    (_swapped(SQUARE), "axis_order"),
    ("22.53,190 22.53,191 22.54,191 22.53,190", "out_of_range"),
    (PORTO, "outside_city"),
    ("here", "polygon_text"), ("22.53 113.95", "polygon_text"), ("nan,1 2,3 4,5 nan,1", "polygon_text"),
])  # fmt: skip
def test_a_polygon_that_reaches_the_wrong_people(text: str, code: str) -> None:
    assert _codes(polygons=[SQUARE, text]) == {code}


def test_too_many_points() -> None:
    assert "ring_long" in _codes(polygons=[LONG])


def test_swapped_axes_are_seen_where_both_orders_are_possible() -> None:
    findings = queries.lint_document(examples.document(polygons=[_swapped(PORTO)]), at=NOW,
                                     bounds=(-8.70, 41.10, -8.55, 41.20))  # fmt: skip
    assert [finding.code for finding in findings] == ["alerts.axis_order"] * 2


def test_the_finding_says_where() -> None:
    findings = queries.lint_document(examples.document(polygons=[SQUARE, "here"]), at=NOW)
    assert [finding.where for finding in findings] == ["info[zh-Hans]/polygon[2]", "info[en]/polygon[2]"]


@pytest.mark.parametrize(("hours", "codes"), [
    (-1, {"expires_past"}), (0, {"expires_past"}), (24, set()), (24.1, {"expires_late"}),
])  # fmt: skip
def test_the_expiry(hours: float, codes: set[str]) -> None:
    assert _codes(expires=time_text(NOW + timedelta(hours=hours))) == codes


@pytest.mark.parametrize(("changes", "codes"), [
    (_words("en", instruction="请步行前往学校"), {"language_wrong"}),
    (_words("zh-Hans", instruction="Walk to the school."), {"language_wrong"}),
    (_words("en", instruction="Walk to the school (学校) in the park."), {"language_mixed"}),
    (_words("zh-Hans", instruction="请前往 Shenzhen Bay 学校"), set()),
    (_words("en", area="Nanhai Avenue"), {"no_place"}),
    (_words("zh-Hans", area="南海大道"), {"no_place"}),
    (_words("en", area="Nanshan; Keyuan Road"), set()),
])  # fmt: skip
def test_the_words(changes: dict[str, Any], codes: set[str]) -> None:
    assert _codes(**changes) == codes


@pytest.mark.parametrize("bad", ["a b", "a,b", "a<b", "a&b", "a\tb"])
def test_characters_that_cap_forbids(bad: str) -> None:
    assert _codes(identifier=bad) == {"identifier_characters"}
    assert _codes(sender=bad) == {"identifier_characters"}


@pytest.mark.parametrize(("kind", "references", "codes"), [
    ("Update", [], {"references_missing"}), ("Cancel", [], {"references_missing"}), ("Update", [EARLIER], set()),
    ("Cancel", ["cityloom.1"], {"reference_form"}), ("Cancel", ["a,b,2026-11-22T08:00:00Z"], {"reference_form"}),
    ("Alert", [EARLIER], {"references_unexpected"}),
])  # fmt: skip
def test_references(kind: str, references: list[str], codes: set[str]) -> None:
    assert _codes(message_type=kind, references=references) == codes


def test_utc_as_cap_writes_it() -> None:
    assert _codes(sent="2026-11-22T08:00:00+00:00") == {"time_offset"}


@pytest.mark.parametrize("part", ["urgency", "severity", "certainty", "category", "response", "sent", "expires"])
def test_words_and_times_outside_the_vocabulary(part: str) -> None:
    with pytest.raises(Refused) as refusal:
        queries.lint_document(examples.document(**{part: "Soon"}), at=NOW)
    assert refusal.value.code == "alerts.value_unknown"


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "code"), [
    ("invalid.cap", "alerts.element_missing"), ("xee.cap", "alerts.doctype"),
    ("cap_amber_alert_example.xml", "alerts.expires_missing"), ("australia.cap", "alerts.expires_past"),
    ("canada.cap", "alerts.expires_past"),
])  # fmt: skip
def test_published_alerts(name: str, code: str) -> None:
    findings = queries.lint_file(realdata.path(f"standards/cap/{name}"), at=NOW)
    assert code in {finding.code for finding in findings}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.cap", "alerts.file_missing"), (tmp_path, "alerts.file_unreadable"),
                       ("a\x00b", "alerts.file_unreadable")):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            queries.lint_file(path, at=NOW)
        assert refusal.value.code == code


@pytest.mark.parametrize(("data", "code"), [(b"", "alerts.empty"), (b"<alert", "alerts.not_xml"),
                                            (b" " * 300_000 + b"<a/>", "alerts.too_large")])  # fmt: skip
def test_files_that_are_no_alert(tmp_path: Path, data: bytes, code: str) -> None:
    (tmp_path / "a.cap").write_bytes(data)
    assert [finding.code for finding in queries.lint_file(tmp_path / "a.cap", at=NOW)] == [code]
