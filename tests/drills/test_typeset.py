"""Reports as a page and as a PDF."""

from __future__ import annotations

import base64
import copy
import html.parser
import json
import re
from pathlib import Path

import pytest
import typst

from cityloom.drills.contrib import typesetting as typeset
from cityloom.drills.domain import report_layout

SVG = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20" fill="#ddd"/>'
       '<text x="2" y="10" font-size="4">Lotus Street 莲花街</text></svg>')  # fmt: skip
REPORT = {
    "exercise_id": "01JD5W3Z9Q7V1K0000000000AB", "scenario": "sinkhole", "outcome": "safe",
    "title": {"en": "Ground collapse", "zh-Hans": "地面塌陷"},
    "city": {"name": "Weaverton", "kind": "synthetic", "is_synthetic": True, "people": 200_123, "buildings": 14_321,
             "attribution": "(c) OpenStreetMap contributors",
             "synthesised": {"dwellings": {"count": 9_196, "rule": "gross floor area x 0.8 / 85 m2"}}},
    "timeline": [{"t_s": 0.0, "wall_ms": None, "step": "First signal", "decided": "pressure falls"},
                 {"t_s": 42.5, "wall_ms": 12.34, "step": "Detection raised", "decided": "ground-collapse"}],
    "figures": [{"label": "Households", "value": "712", "note": "58 buildings"}],
    "rings": [{"phase": 1, "to_m": 60, "buildings": 14}],
    "shelters": [{"name": "Nanhu School", "distance_m": 412, "placed": 600, "places": 620, "made_up": False},
                 {"name": "Lotus Hall", "distance_m": 538, "placed": 112, "places": 1_500, "made_up": True}],
    "unplaced_households": 14,
    "alerts": [{"identifier": "cityloom.1", "status": "Exercise", "digest": "3f" * 32,
                "info": {"en": {"headline": "EXERCISE: leave now", "description": "The ground gave way.",
                                "instruction": "Walk to your shelter.", "area": "Shennan Road"},
                         "zh-Hans": {"headline": "演练：请立即离开", "description": "地面塌陷。",
                                     "instruction": "请步行前往避难所。", "area": "深南路"}},
                "channels": [{"name": "demo_crashes", "state": "failed", "attempts": 4}]}],
    "notices": [{"department": "gas", "asks": "Shut GV-201", "sent_s": 104.6, "acknowledged_s": None,
                 "escalated": True}],
    "openings": [{"purpose": "emergency-assistance", "basis": "article 49", "unit": "city", "role": "social-worker",
                  "count": 96}],
    "checks": [{"name": "No route enters the hazard", "passed": True, "detail": "712 routes"}],
    "phones": {"inside": 1_420, "overshoot": 310}, "words": ["Approvals ran on the drill's own clock."],
}  # fmt: skip
HOSTILE = '<script>alert(1)</script><img src=x onerror=y>"\'&#panic("typst") $x$ *b* \\ {{ settings.SECRET_KEY }} `raw`'


class Page(html.parser.HTMLParser):
    """The tags, addresses and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "srcset", "action", "data"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


def _hostile(value):
    """The report with every text in it replaced."""
    if isinstance(value, dict):
        return {key: _hostile(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_hostile(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


@pytest.fixture
def no_fonts(monkeypatch):
    """A computer on which nobody installed a font."""
    bare = typst.Fonts
    monkeypatch.setattr(typeset.typst, "Fonts", lambda font_paths: bare(include_system_fonts=False))


def test_the_page_tells_the_whole_report_in_both_languages():
    text = Page(typeset.html(REPORT, SVG)).text
    for words in ("Ground collapse", "地面塌陷", "EXERCISE", "演练", "Synthetic city", "42.5", "12.3", "pressure falls",
                  "712", "Nanhu School", "1,500 (assumed)", "EXERCISE: leave now", "演练：请立即离开", "3f" * 32,
                  "demo_crashes", "Shut GV-201", "article 49", "96", "No route enters the hazard", "passed", "1,420",
                  "(c) OpenStreetMap contributors", "gross floor area", "Approvals ran"):  # fmt: skip
        assert words in text


def test_the_page_runs_nothing_and_asks_nobody():
    page = Page(typeset.html(REPORT, SVG))
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(page.tags)
    assert not page.handlers
    assert [address.split(",")[0] for address in page.addresses] == ["data:image/svg+xml;base64"]
    assert not re.search(r"@import|url\(", typeset.html(REPORT, SVG))


def test_the_map_is_in_the_page_as_it_was_drawn():
    (address,) = Page(typeset.html(REPORT, SVG)).addresses
    assert base64.b64decode(address.split(",")[1]).decode() == SVG
    assert "img" not in Page(typeset.html(REPORT, "")).tags


def test_texts_stay_texts_on_the_page():
    page = Page(typeset.html(_hostile(REPORT), SVG))
    assert not {"script"} & set(page.tags) and page.tags.count("img") == 1 and not page.handlers
    assert "{{ settings.SECRET_KEY }}" in page.text


def test_a_failed_check_and_households_without_a_place_stand_out():
    report = copy.deepcopy(REPORT) | {"outcome": "unsafe"}
    report["checks"][0]["passed"] = False
    page = typeset.html(report, SVG)
    assert "A safety check failed" in page and "Every safety check passed" not in page
    assert re.search(r'class="bad">.*?FAILED', page)
    sections = {section.key: section for section in report_layout.layout(report).before_alerts}
    last = sections["shelters"].rows[-1]
    assert (last[0].words["en"], last[0].tone, last[2].words["en"]) == (
        "Households without a place in a shelter", "bad", "14",
    )  # fmt: skip


def test_a_report_of_almost_nothing_is_still_a_report(tmp_path):
    bare = {"title": {"en": "Nothing"}, "outcome": "unsafe", "city": {"name": "X"}}
    assert "Nothing" in Page(typeset.html(bare, "")).text
    typeset.pdf(bare, "", tmp_path / "bare.pdf")
    assert (tmp_path / "bare.pdf").read_bytes().startswith(b"%PDF-")


def test_without_a_chinese_font_the_pdf_is_english_and_says_so(tmp_path, no_fonts):
    outcome = typeset.pdf(REPORT, SVG, tmp_path / "report.pdf")
    assert outcome.languages == ("en",)
    assert "no font with Chinese characters" in outcome.note
    content = typeset._content(report_layout.layout(REPORT), outcome)
    assert content["note"] == outcome.note
    assert [text["language"] for text in content["alerts"][0]["texts"]] == ["en"]
    assert not re.search("[\u4e00-\u9fff]", json.dumps(content, ensure_ascii=False))


def test_with_a_chinese_font_the_pdf_has_both_languages(tmp_path, monkeypatch):
    monkeypatch.setattr(typeset, "_chinese_families", lambda fonts: ["Noto Sans CJK SC"])
    outcome = typeset.pdf(REPORT, SVG, tmp_path / "report.pdf")
    assert outcome == typeset.PdfOutcome(("en", "zh-Hans"))
    content = typeset._content(report_layout.layout(REPORT), outcome)
    assert content["title"] == "Ground collapse\n地面塌陷"
    assert [text["language"] for text in content["alerts"][0]["texts"]] == ["en", "zh-Hans"]


@pytest.mark.parametrize(
    ("family", "has_chinese"),
    [("Noto Sans CJK SC", True), ("Noto Serif SC", True), ("WenQuanYi Micro Hei", True), ("SimSun", True),
     ("Microsoft YaHei", True), ("PingFang SC", True), ("DejaVu Sans", False), ("Libertinus Serif", False),
     ("Noto Sans", False), ("Liberation Mono", False)],
)  # fmt: skip
def test_which_fonts_have_chinese(family, has_chinese):
    assert bool(typeset._CHINESE_FONTS.search(family)) is has_chinese


def test_texts_stay_texts_in_the_pdf(tmp_path):
    typeset.pdf(_hostile(REPORT), SVG, tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def test_the_same_report_makes_the_same_pdf(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        typeset.pdf(REPORT, SVG, tmp_path / name)
    assert Path(tmp_path / "a.pdf").read_bytes() == Path(tmp_path / "b.pdf").read_bytes()
