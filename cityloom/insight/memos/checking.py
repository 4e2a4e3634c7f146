"""A memo is checked: its study is worked again, and every number that it shows is compared with what comes out."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
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
from cityloom.insight.studying.folders import Kept
from cityloom.insight.studying.working import quiet, worked
from cityloom.insight.telling import page, paper, words
from cityloom.kernel.refused import Refused
from cityloom.ui import typeset

LARGEST_HEAD = 64 << 20
_BROKEN = "The memo {value} cannot be read ({limit}); make it anew from its study."
_CELL = re.compile(r'<a class="cell" href="([^"]*)">([^<]*)</a>')
_SENTENCE = re.compile(r'<p class="(?:study-answer|study-says|message (?:warning|error) told)">(.*?)</p>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
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
        for name, kind in (("numbers", list), ("files", dict), ("languages", list), ("question", str), ("study", str),
                           ("sentences", dict)):
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
    yield from _of_sentences(head, replace(kept, study=again))
    yield from _of_page(folder, head, kept)
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


def _of_page(folder: Path, head: Mapping[str, Any], kept: Kept) -> Iterator[Difference]:
    """The numbers of the page, each with the address of its cell, and its sentences are those of the memo."""
    path, address = folder / HTML, making.addresses(kept)
    whole = path.read_text("utf-8") if path.is_file() else ""
    shown = dict(_PART.findall(whole))
    for language in head["languages"]:
        part = shown.get(language, "")
        found = Counter((html.unescape(link), html.unescape(text)) for link, text in _CELL.findall(part))
        due = Counter(_due(number, language, address) for number in head["numbers"])
        missing = dict(list(due - found))
        for link, text in found - due:
            yield Difference(f"{HTML}, {language}, {link[len(STUDY) + 1:][:200]}", text, missing.pop(link, "nothing"))
        yield from (Difference(f"{HTML}, {language}, {link[:200]}", "nothing", text) for link, text in missing.items())
        said = [html.unescape(_TAG.sub("", one)) for one in _SENTENCE.findall(part)]
        if said != head["sentences"][language]:
            yield from _unlike(f"{HTML}, {language}, sentence", said, head["sentences"][language])


def _due(number: Mapping[str, Any], language: str, address: page.Address) -> tuple[str, str]:
    try:
        link = address(Cell(number["step"], tuple(number["row"]), number["column"]))
    except (KeyError, TypeError):
        link = ""
    return link, str(number.get("text", {}).get(language, ""))


def _of_sentences(head: Mapping[str, Any], again: Kept) -> Iterator[Difference]:
    """The sentences are those that the study tells, where this Cityloom tells it in the same words."""
    if head.get("told_with") != making.told_with(again):
        return
    told = {language: making.told(again, language, {}) for language in head["languages"]}
    for language, one in told.items():
        yield from _unlike(f"{HEAD}, {language}, sentence", head["sentences"][language], making.sentences(one))
    for at, (kept, due) in enumerate(zip_longest(head["numbers"], making.numbers(told), fillvalue={}), 1):
        if kept.get("sentence") != due.get("sentence"):
            yield Difference(f"{HEAD}, number {at}", str(kept.get("sentence"))[:200], str(due.get("sentence"))[:200])


def _unlike(where: str, kept: Sequence[str], due: Sequence[str]) -> Iterator[Difference]:
    for at, (one, other) in enumerate(zip_longest(kept, due, fillvalue=""), 1):
        if one != other:
            yield Difference(f"{where} {at}", one, other)


def _of_files(folder: Path, head: Mapping[str, Any], kept: Kept) -> Iterator[Difference]:
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
