"""Charts and maps of studies: shapes, classes, what is not known, and words that could be markup."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import shapely
from django.utils import translation
from lxml import etree

from cityloom.insight.domain.study.blocks import Block, ChartOf, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Step, Study
from cityloom.insight.domain.study.tables import table
from cityloom.insight.studies import kinds
from cityloom.insight.telling import charts, maps, page, parts, words
from cityloom.insight.telling.parts import Drawing, Spots

AREAS = table("area", area=["<b>A</b>", "B", "C"], score=[1.5, np.nan, 3.0], low=[1, np.nan, 2], high=[2, np.nan, 4],
              lon=[114.0, 114.1, np.nan], lat=[22.5, 22.6, 22.7], open=[0, 1, 1], kind=["new", "", "old"])  # fmt: skip
STUDY = Study("trend", {}, {}, [Step("areas", AREAS)])


def drawn(*blocks: Block) -> list[parts.Part]:
    with translation.override("en"):
        return parts.of_blocks(STUDY, blocks)


def test_numbers_are_said_as_their_block_wants_them() -> None:
    cell = Cell("areas", ("B",), "score")
    with translation.override("en"):
        assert words.said(1234.567, Number(cell, "whole")) == "1,235"
        assert words.said(0.1234, Number(cell, "percent")) == "12.3 %"
        assert words.said(-0.04, Number(cell, unit="km")) == "0.0 km"
        assert words.said(2026.0, Shown("year", "", "word")) == "2026"
        assert words.said(float("nan"), Number(cell)) == "not known" and words.said("", Number(cell, "word")) == "–"
        assert words.said(float("inf"), Number(cell, "percent")) == "not known"
    with translation.override("zh-hans"):
        assert words.said(float("nan"), Number(cell)) == "未知"


def test_a_sentence_has_its_numbers_in_the_order_of_the_language() -> None:
    said = Says("{series}: {line} in {year}, between {low} and {high}; {slope} a year.",
                {"line": Number(Cell("areas", ("C",), "score")), "low": Number(Cell("areas", ("C",), "low")),
                 "high": Number(Cell("areas", ("C",), "high")), "slope": Number(Cell("areas", ("B",), "score"))},
                {"series": "{line} <i>", "year": "2026"}, "answer")  # fmt: skip
    sentence = drawn(said)[0]
    assert isinstance(sentence, parts.Sentence)
    assert sentence.text == "{line} <i>: 3.0 in 2026, between 2.0 and 4.0; not known a year."
    with translation.override("zh-hans"):
        turned = parts.of_blocks(STUDY, [said])[0]
        assert isinstance(turned, parts.Sentence) and turned.text.index("2026") < turned.text.index("3.0")


@pytest.mark.parametrize("form", ["line", "bar", "intervals", "scatter"])
@pytest.mark.parametrize("width", [charts.NARROW, charts.WIDE])
def test_a_chart_is_a_picture_without_markup_of_others(form: str, width: int) -> None:
    x = "score" if form == "scatter" else "area"
    one = drawn(ChartOf("<b>Scores</b>", "areas", form, x, "score", "low", "high"))[0]  # type: ignore[arg-type]
    assert isinstance(one, Drawing) and "not known" in {row[-1].text for row in one.behind.rows}
    picture = charts.draw(one, width=width, paper=True)
    tree = etree.fromstring(picture.encode())
    assert "nan" not in picture and not tree.xpath("//*[local-name()='b']")
    assert not re.search(r"style=|<script", picture)
    marks = {"line": "polyline|circle|polygon", "bar": "rect", "intervals": "circle", "scatter": "circle"}[form]
    assert re.search(f"<({marks}) ", picture)


def test_a_chart_of_nothing_known_says_so() -> None:
    one = drawn(ChartOf("Scores", "areas", "line", "area", "score", where={"area": "B"}))[0]
    assert isinstance(one, Drawing) and one.is_empty


def test_whole_numbers_have_whole_ticks() -> None:
    years = table("year", year=[1, 2, 3], value=[1.0, 2.0, 4.0])
    with translation.override("en"):
        one = parts.of_blocks(Study("trend", {}, {}, [Step("years", years)]),
                              [ChartOf("V", "years", "line", "year", "value")])[0]  # fmt: skip
    assert isinstance(one, Drawing)
    assert re.findall(r'text-anchor="middle">([^<]*)<', charts.draw(one)) == ["1", "2", "3"]


def test_a_map_has_classes_and_leaves_out_what_has_no_place() -> None:
    one, few, named = drawn(
        MapOf("Scores", "areas", "score", "lon", "lat", label="area"), MapOf("Open", "areas", "open", "lon", "lat"),
        MapOf("Kinds", "areas", "kind", "lon", "lat"),
    )  # fmt: skip
    assert isinstance(one, Spots) and isinstance(few, Spots) and isinstance(named, Spots)
    picture = maps.draw(one, {}, paper=True)
    assert picture.count("<circle class") == 2 and "&lt;b&gt;A" in picture and 'class="v0"' in picture
    etree.fromstring(picture.encode())
    assert maps.legend(few) == [("v1", "0"), ("v5", "1")] and 'class="v5"' in maps.draw(few, {})
    assert [kind for kind, _name in maps.legend(named)] == ["s1", "s2", "s3"]
    spread = replace(few, value=np.linspace(6, 6.9, 30), labels=[""] * 30)
    assert len(maps.legend(spread)) == 5 and len({text for _kind, text in maps.legend(spread)}) == 5


def test_units_of_the_city_are_drawn_where_their_outlines_are_known() -> None:
    one = drawn(MapOf("Scores", "areas", "score", area="area"))[0]
    assert isinstance(one, Spots)
    assert maps.draw(one, {}) == ""
    assert maps.draw(one, {"B": shapely.box(114, 22.5, 114.1, 22.6)}).count("<path class") == 1


def test_the_answer_stands_first_and_options_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Says("Yes.", weight="answer")
    tell = [Says("First."), answer, TableOf("Options", "areas", (Shown("area", "Area", "word"),)), answer]
    kind = replace(kinds.kind("trend"), tell=lambda _study: tell, options="areas")
    monkeypatch.setattr(kinds, "kind", lambda _name: kind)
    with translation.override("en"):
        told = page.shown(STUDY)
    assert [one["pieces"][0]["text"] for one in told["answers"]] == ["First.", "Yes."]
    assert [one["form"] for one in told["blocks"]] == ["sentence"]
    assert told["options"]["rows"]["title"] == "Options" and len(told["options"]["rows"]["rows"]) == 3
