"""A memo is checked: its study is worked again, and every number that it shows is compared with what comes out."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.utils import translation

from cityloom.insight.domain.study.blocks import Number
from cityloom.insight.domain.study.study import Cell, Study, Told
from cityloom.insight.memos import making, writing
from cityloom.insight.memos.writing import HEAD, HTML, STUDY
from cityloom.insight.studies import kinds
from cityloom.insight.studying import checking, folders
from cityloom.insight.studying.checking import Difference
from cityloom.insight.studying.working import quiet, worked
from cityloom.insight.telling import page, paper, words
from cityloom.kernel.refused import Refused
from cityloom.ui import typeset

LARGEST_HEAD = 64 << 20
_BROKEN = "The memo {value} cannot be read ({limit}); make it anew from its study."
_CELL = re.compile(r'<a class="cell" href="([^"]*)">([^<]*)</a>')
_PART = re.compile(r'<article lang="([a-z-]+)"[^>]*>(.*?)</article>', re.DOTALL)


def differences(path: Path, told: Told = quiet, most: int = 20) -> list[Difference]:
    """What does not hold of a memo, or of a study, in a folder or ZIP; none where all does.

    Raises: Refused `insight.memo_form`, `insight.memo_broken`, and as `folders.read`.
    """
    with writing.opened(path) as folder:
        if not (folder / HEAD).is_file():
            return checking.differences(folders.read(folder), told, most)
        found = []
        for one in _all(folder, _head(folder), told):
            found.append(one)
            if len(found) >= most:
                break
        return found


def _head(folder: Path) -> dict[str, Any]:
    path = folder / HEAD
    try:
        if path.stat().st_size > LARGEST_HEAD:
            raise ValueError("too large")
        head: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if head["form"] != making.FORM:
            raise ValueError(str(head["form"]))
        for name, kind in (("numbers", list), ("files", dict), ("languages", list), ("question", str), ("study", str)):
            if not isinstance(head[name], kind):
                raise TypeError(name)
    except (ValueError, KeyError, TypeError) as error:
        raise Refused("insight.memo_broken", _BROKEN, value=HEAD, limit=str(error)[:120]) from error
    return head


def _all(folder: Path, head: Mapping[str, Any], told: Told) -> Iterator[Difference]:
    kept = folders.read(folder / STUDY)
    try:
        again = worked(kinds.kind(kept.study.kind), kept.study.question, kept.study.inputs, told)
    except Refused as refusal:
        yield Difference(f"{STUDY}, question", "", refusal.sentence)
        return
    for at, number in enumerate(head["numbers"], 1):
        yield from _of_number(at, number, again)
    yield from checking.differences(kept)
    if head["study"] != kept.study.digest():
        yield Difference(f"{HEAD}, study", head["study"][:16], kept.study.digest()[:16])
    yield from _of_page(folder, head)
    yield from _of_files(folder, head, kept)


def _of_number(at: int, number: Mapping[str, Any], again: Study) -> Iterator[Difference]:
    """A number's words in each language, from the cell that it names."""
    try:
        value = again.at(Cell(number["step"], tuple(number["row"]), number["column"]))
        for language, text in number["text"].items():
            with translation.override(language):
                due = _said(value, number)
            sentence = number["sentence"][language]
            if text != due or text not in sentence:
                yield Difference(f"number {at} in “{sentence[:200]}”", text, due)
    except Refused as refusal:
        yield Difference(f"number {at}", str(number.get("text")), refusal.sentence)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield Difference(f"number {at}", str(number)[:200], str(error)[:120])


def _said(value: float | str, number: Mapping[str, Any]) -> str:
    if number["form"] == "rough":
        return words.roughly(value)
    return words.said(value, Number(Cell("", (), ""), number["form"], int(number["places"]), number["unit"]))


def _of_page(folder: Path, head: Mapping[str, Any]) -> Iterator[Difference]:
    """The numbers of the page are those of the memo, in its order."""
    path = folder / HTML
    shown = {language: _CELL.findall(part) for language, part in _PART.findall(path.read_text("utf-8"))} if (
        path.is_file()) else {}  # fmt: skip
    for language in head["languages"]:
        cells = shown.get(language, [])
        if len(cells) != len(head["numbers"]):
            yield Difference(f"{HTML}, {language}", f"{len(cells)} numbers", f"{len(head['numbers'])} numbers")
            continue
        for (_address, text), number in zip(cells, head["numbers"], strict=True):
            due, sentence = number["text"].get(language, ""), number["sentence"].get(language, "")
            if html.unescape(text) != due:
                yield Difference(f"{HTML}, {language}, “{sentence[:200]}”", html.unescape(text), due)


def _of_files(folder: Path, head: Mapping[str, Any], kept: folders.Kept) -> Iterator[Difference]:
    """Page and papers are as they were written; papers are set anew where this computer sets as that one did."""
    for name, digest in head["files"].items():
        path = folder / Path(str(name)).name
        due = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "nothing"
        if due != digest:
            yield Difference(str(name), f"SHA-256 {str(digest)[:16]}…", f"{due[:16]}…")
    if head.get("set_with") != writing.set_with():
        return
    for language in writing.LANGUAGES:
        path = folder / f"memo.{language}.pdf"
        with translation.override(language):
            said = making.sheet(kept, head["question"], page.shown(kept.study), language)
        if path.is_file() and not page.areas_of(kept.study) and typeset.can_set(said):
            due = paper.pdf(said)
            if due != path.read_bytes():
                yield Difference(path.name, "the paper as it lies there", "the paper as it is set from the study")
