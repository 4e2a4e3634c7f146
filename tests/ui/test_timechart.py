"""Readings over time: inside their frame whatever they are, gaps stay gaps, and the table says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from cityloom.ui.charts import NARROW, WIDE
from cityloom.ui.timechart import TimeChart, draw

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def chart(values: list[float], step_s: float = 60, **more: object) -> TimeChart:
    at = [START + timedelta(seconds=turn * step_s) for turn in range(len(values))]
    until = START + timedelta(seconds=max(len(values), 1) * step_s)
    return TimeChart("Pressure", "kPa", START, until, at, values, **more)  # type: ignore[arg-type]


@given(st.lists(st.floats(), max_size=40), st.floats(1, 1e6), st.sampled_from([NARROW, WIDE]))
def test_whatever_the_values_are_the_picture_stays_inside_its_frame(values: list[float], step_s: float, width: int):
    same = [(value, value) for value in values]
    shown = chart(values, step_s, usual=[(value - 1, value + 1) for value in values],
                  spread=same, moments=[(START - timedelta(days=9), "<b>")])  # fmt: skip
    svg = draw(shown, width=width)
    root = etree.fromstring(svg)
    drawn = [*root.iter("polyline"), *root.iter("polygon")]
    places = [tuple(map(float, point.split(","))) for line in drawn for point in line.get("points").split()]
    assert all(0 <= x <= width and 0 <= y <= 220 for x, y in places)
    assert not re.search(r"\sstyle=|<style|<script|\son\w+=|href|nan|<b>", svg)


def test_a_sensor_that_was_silent_leaves_a_gap():
    at = [START + timedelta(minutes=minute) for minute in (0, 1, 2, 30, 31)]
    svg = draw(TimeChart("a", "", START, at[-1], at, [1.0, 2.0, 1.0, 2.0, 1.0]), width=WIDE)
    assert svg.count("<polyline") == 2


@pytest.mark.parametrize("value", [1013.26, 0.00042, -5.0, 0.0])
def test_values_close_to_each_other_can_be_told_apart_on_the_axis(value: float):
    size = abs(value) or 1.0
    root = etree.fromstring(draw(chart([value, value + size / 1e4]), width=WIDE))
    ticks = [text.text for text in root.iter("text") if text.get("text-anchor") == "end"]
    assert len(ticks) == len(set(ticks)) > 1


def test_behind_it_is_a_table_of_few_rows_with_extremes_and_what_was_usual():
    shown = chart([float(turn % 10) for turn in range(480)], usual=[(2.0, 7.0)] * 480, moments=[(START, "counted")])
    page = html.fromstring(Template("{% load parts %}{% time_chart chart %}").render(Context({"chart": shown})))
    cells = [[cell.text_content().strip() for cell in row] for row in page.xpath(".//tr")]
    assert len(cells) == 49
    assert cells[1][1:] == ["0.0", "4.5", "9.0", "2.0", "7.0"]
    assert "counted" in page.xpath(".//details//ul")[0].text_content()


def test_nothing_to_draw_is_said():
    page = Template("{% load parts %}{% time_chart chart %}").render(Context({"chart": chart([])}))
    assert "no readings in this time" in page
    assert "<svg" not in page
