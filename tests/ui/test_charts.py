"""Charts: complete, safe to embed, and never the only way to a value."""

from __future__ import annotations

import math
import re

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from cityloom.ui.charts import NARROW, WIDE, Chart, Series, draw, number, sparkline, ticks_for

values = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=40)


@given(values, st.sampled_from(["bar", "line", "stacked"]), st.sampled_from([NARROW, WIDE]))
def test_whatever_the_values_are_the_picture_stays_inside_its_frame(found, kind: str, width: int) -> None:
    if kind == "stacked":
        found = [abs(value) if value is not None else None for value in found]
    chart = Chart("Rain", [str(at) for at in range(len(found))], [Series("a", found), Series("b", found)], kind)
    svg = draw(chart, width=width)
    root = etree.fromstring(svg)
    points = [point for line in root.iter("polyline") for point in line.get("points").split()]
    places = [tuple(map(float, point.split(","))) for point in points]
    places += [(float(shape.get("x")), float(shape.get("y"))) for shape in root.iter("rect")]
    assert all(0 <= x <= width and -1 <= y <= 241 for x, y in places)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|href", svg)


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_ticks_are_round_few_and_reach_both_ends(low: float, span: float) -> None:
    ticks = ticks_for(low, low + span)
    assert 2 <= len(ticks) <= 8
    room = 1e-6 * max(abs(low), span, 1)
    assert ticks[0] <= low + room
    assert ticks[-1] >= low + span - room


def test_words_are_escaped() -> None:
    svg = draw(Chart('"<b>', ["<i>"], [Series("<u>", [1])]))
    etree.fromstring(svg)
    assert "<i>" not in svg


def test_a_gap_in_a_line_stays_a_gap() -> None:
    svg = draw(Chart("a", list("abcde"), [Series("x", [1, 2, None, 3, 4])], "line"))
    assert svg.count("<polyline") == 2


def test_what_is_not_a_number_is_not_drawn() -> None:
    assert sparkline([1, math.nan, math.inf, None]) == ""
    assert "nan" not in draw(Chart("a", ["b", "c"], [Series("x", [math.nan, 1])], "line")).lower()


@pytest.mark.parametrize("value, words", [
    (None, "–"), (0, "0"), (1234567, "1,234,567"), (0.25, "0.25"), (12.04, "12"), (12.34, "12.3"), (99.96, "100"),
])  # fmt: skip
def test_values_have_as_many_digits_as_matter(value: float | None, words: str) -> None:
    assert number(value) == words


def test_behind_each_chart_is_a_table_with_every_value() -> None:
    chart = Chart("Rain", ["Mon", "Tue"], [Series("North", [1, None]), Series("South", [2, 3])], "line", "mm", "Day")
    page = html.fromstring(Template("{% load parts %}{% chart chart %}").render(Context({"chart": chart})))
    cells = [[cell.text_content() for cell in row] for row in page.xpath(".//tr")]
    assert cells == [["Day", "North", "South"], ["Mon", "1", "2"], ["Tue", "–", "3"]]
    assert page.xpath(".//ul[@class='legend']/li")
