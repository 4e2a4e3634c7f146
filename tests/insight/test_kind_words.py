"""Every kind of study: its example works, twice alike, from files too; all that it says has its Chinese, and no nan."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from django.utils import translation

from cityloom.insight.domain.study.blocks import ChartOf, Heading, MapOf, Says, TableOf
from cityloom.insight.domain.study.study import Study
from cityloom.insight.studies import kinds
from cityloom.insight.studying import questions, working
from cityloom.insight.telling import page, parts

NAMES = sorted(kinds.MODULES)
HELD = re.compile(r"\{\w+\}")
BAD = re.compile(r"\b(nan|inf|NaN)\b|^None$")
OF_ANY_LANGUAGE = re.compile(r"[^A-Za-z]*|[A-Z]{1,6}[0-9]*|[a-z_0-9/ %²³.]{1,12}")
"""Numbers, abbreviations and units, which stay as they are."""


@cache
def example(name: str) -> Study:
    kind = kinds.kind(name)
    assert kind.example is not None, f"{name} has no example"
    question, inputs = kind.example()
    return kinds.worked(name, questions.checked(kind, question), inputs)


def said(name: str) -> set[str]:
    """The sentences and titles of a kind and of what its example tells."""
    kind, study = kinds.kind(name), example(name)
    found = {kind.title, kind.about, *kind.notes.values()}
    for spec in kind.inputs:
        found |= {spec.title, *spec.columns.values(), *spec.optional.values()}
    for block in kind.tell(study):
        if isinstance(block, (Heading, Says)):
            found.add(block.words)
        else:
            found.add(block.title)
        if isinstance(block, Says):
            found |= {one.unit for one in block.numbers.values()}
        if isinstance(block, TableOf):
            found |= {one.title for one in block.columns} | {one.unit for one in block.columns}
        if isinstance(block, ChartOf):
            found |= {block.x_title, block.y_title}
    return {one for one in found if one and not OF_ANY_LANGUAGE.fullmatch(one)}


@pytest.mark.parametrize("name", NAMES)
def test_each_word_of_a_kind_has_its_chinese(name: str) -> None:
    with translation.override("zh-hans"):
        told = {one: translation.gettext(one) for one in said(name)}
    assert sorted(one for one, words in told.items() if words == one) == []
    assert [one for one, words in told.items() if set(HELD.findall(one)) != set(HELD.findall(words))] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_told_has_an_answer_and_no_number_that_is_none(name: str) -> None:
    study, kind = example(name), kinds.kind(name)
    blocks = kind.tell(study)
    assert any(isinstance(one, Says) and one.weight == "answer" for one in blocks), "no sentence is the answer"
    assert all(note.code in kind.notes for note in study.notes), "a note has no sentence"
    with translation.override("en"):
        told = page.shown(study)
        pictures = [text for one in told["blocks"] for text in _drawn(one)]
        shown = [one.text for one in parts.notes(study, kind)]
    for one in (*told["answers"], *told["blocks"]):
        shown += [piece["text"] for piece in one.get("pieces", ())]
        shown += [cell["text"] for row in one.get("rows", {}).get("rows", ()) for cell in row]
    assert [one for one in shown if BAD.search(one)] == []
    assert [one[:200] for one in pictures if re.search(r'"-?(nan|inf)|>(nan|inf)<|nan,|,nan', one)] == []
    for one in blocks:
        if isinstance(one, (ChartOf, MapOf, TableOf)):
            study.step(one.step)


def _drawn(one: dict[str, object]) -> list[str]:
    if one["form"] == "chart":
        return [picture for _name, picture in one["pictures"]]  # type: ignore[attr-defined]
    return [str(one["picture"])] if one["form"] == "map" else []


@pytest.mark.parametrize("name", NAMES)
def test_an_example_from_its_files_is_the_same_each_time(name: str, tmp_path: Path) -> None:
    """From files whole columns of numbers may become whole numbers, which changes digests of inputs, not of steps."""
    path = working.write_example(name, tmp_path)
    study, first = working.of_file(path).study, example(name)
    assert len(study.digest()) == 64
    specs = {spec.name: spec for spec in kinds.kind(name).inputs}
    for key, table in first.inputs.items():
        named = {*specs[key].columns, *specs[key].optional, *specs[key].key}
        words = {one for one in named & set(table.columns) if table[one].dtype == object}
        lacking = {one for one in words - specs[key].words if not (
            one in specs[key].key and not all(re.fullmatch(r"-?(0|[1-9]\d*)", str(part)) for part in table[one]))}
        assert lacking == set(), f"{key}: these columns hold words; name them in `words`"
    for one, other in zip(first.steps, study.steps, strict=True):
        assert (one.name, one.seed, one.table.rows) == (other.name, other.seed, other.table.rows)
        for column in one.table.columns:
            mine, theirs = one.table[column], other.table[column]
            if mine.dtype == object:
                assert mine.tolist() == theirs.tolist(), (one.name, column)
            else:
                close = np.isclose(mine, theirs, rtol=1e-9, atol=1e-12, equal_nan=True)
                assert close.all(), (one.name, column)
