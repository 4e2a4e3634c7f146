"""A memo: a study's question, answer, pictures, options, method and sources, in a folder that proves itself."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import shapely
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from cityloom.insight.domain.study.blocks import Says
from cityloom.insight.domain.study.study import Cell
from cityloom.insight.memos.writing import HEAD, HTML, LANGUAGES, STUDY, packed, put_in_place, set_with
from cityloom.insight.studies import kinds
from cityloom.insight.studying import folders
from cityloom.insight.studying.folders import Kept
from cityloom.insight.studying.working import SYNTHETIC
from cityloom.insight.telling import page, paper, words
from cityloom.insight.telling.parts import Figure
from cityloom.kernel import canonical
from cityloom.ui import typeset

FORM = "cityloom-memo/1"
_PACKAGE = Path(__file__).resolve().parents[2]
_SHEETS = ("ui/static/ui/cityloom.css", "insight/static/insight/study.css")
Outlines = Mapping[str, shapely.Geometry]


@dataclass(frozen=True)
class Memo:
    """What a memo was made as, and what it lacks: languages of which this computer has no font."""

    numbers: int
    without: tuple[str, ...]


def make(study: Path, question: str, out: Path, first: str = "en", outlines: Outlines | None = None) -> Memo:
    """Make a memo of the study in a folder, as a folder, or as a ZIP where `out` ends with .zip.

    `first` is the language that comes first in the page. Raises: Refused, as `folders.read`, `insight.folder_taken`.
    """
    kept = folders.read(study)
    order = sorted(LANGUAGES, key=lambda one: one != first)
    with put_in_place(out) as folder:
        shutil.copytree(study, folder / STUDY)
        pages = {one: told(kept, one, outlines or {}) for one in order}
        without = _write_pdfs(folder, kept, question, pages)
        (folder / HTML).write_text(_html(kept, question, pages), "utf-8")
        head = {"form": FORM, "question": question, "kind": kept.study.kind, "study": kept.study.digest(),
                "languages": order, "numbers": numbers(pages),
                "sentences": {language: sentences(one) for language, one in pages.items()},
                "told_with": told_with(kept), "set_with": set_with()}  # fmt: skip
        head["files"] = {one.name: hashlib.sha256(one.read_bytes()).hexdigest()
                         for one in sorted(folder.iterdir()) if one.is_file()}  # fmt: skip
        (folder / HEAD).write_text(json.dumps(head, ensure_ascii=False, indent=1) + "\n", "utf-8")
        if out.suffix == ".zip":
            packed(folder, out)
    return Memo(len(head["numbers"]), tuple(without))


def sheet(kept: Kept, question: str, told: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A memo as it is set, in a language."""
    with translation.override(language):
        marks = paper.Marks()
        sections = [
            (_("Question"), [_sentence(question)]),
            (_("Answer"), [paper.part(one, marks) for one in told["answers"]]),
            (_("What it shows"), [paper.part(one, marks) for one in told["blocks"]]),
            (_("Options"), [paper.part(told["options"], marks)] if told["options"] else []),
            (_("What to know"), [paper.part(one, marks) | {"form": "item"} for one in told["notes"]]),
            (_("Method"), [_sentence(told["about"]), *map(_item, method(kept))]),
            (_("Sources"), [*map(_item, sources(kept))]),
            (_("Where each number is from (step, row, column)"), marks.told()),
        ]
        return {
            "lang": language[:2], "kind": told["title"], "title": question, "synthetic": synthetic(kept),
            "footer": _("Study {digest}").format(digest=kept.study.digest()[:16]),
            "sections": [{"title": title, "parts": parts} for title, parts in sections if parts],
        }  # fmt: skip


def method(kept: Kept) -> list[str]:
    """What was asked and done: the question's choices, then the steps with the seeds of what was drawn by lot."""
    said = [f"{key}: {json.dumps(value, ensure_ascii=False)[:300]}" for key, value in kept.study.question.items()]
    for one in kept.study.steps:
        seed = _(", seed {seed}").format(seed=one.seed) if one.seed is not None else ""
        said.append(_("Step {name}: {rows} rows{seed}, SHA-256 {digest}").format(
            name=one.name, rows=one.table.rows, seed=seed, digest=one.table.digest()[:16]))  # fmt: skip
    return said


def sources(kept: Kept) -> list[str]:
    """The tables that were read, with the file that each is from."""
    titles = {one.name: words.known(one.title) for one in kinds.kind(kept.study.kind).inputs}
    said = []
    for name, table in kept.study.inputs.items():
        origin = kept.origins.get(name)
        file = _(", file {file} (SHA-256 {digest})").format(file=origin.file, digest=origin.sha256) if origin else ""
        said.append(f"{titles.get(name, name)}: " + _("{rows} rows").format(rows=table.rows) + file)
    return said


def synthetic(kept: Kept) -> str:
    """The words for a study of made-up tables; "" for another."""
    made_up = any(one.file.startswith(SYNTHETIC) for one in kept.origins.values())
    return _("An example with made-up figures; no place and nobody is meant.") if made_up else ""


def addresses(kept: Kept) -> page.Address:
    """Where in a memo's folder the cells of its study are."""
    files = {one.name: f"{STUDY}/steps/{at:02d}-{one.name}.csv" for at, one in enumerate(kept.study.steps, 1)}

    def address(cell: Cell) -> str:
        return f"{files[cell.step]}#{urlencode([*(('row', part) for part in cell.row), ('column', cell.column)])}"

    return address


def told_with(kept: Kept) -> str:
    """The digest of the sentences that a study's numbers are put into, in all languages."""
    blocks = [one.words for one in kinds.kind(kept.study.kind).tell(kept.study) if isinstance(one, Says)]
    said = []
    for language in LANGUAGES:
        with translation.override(language):
            said.append([words.known(one) for one in blocks])
    return canonical.digest(said)


def sentences(told: Mapping[str, Any]) -> list[str]:
    """The sentences of a page in its order."""
    return ["".join(piece["text"] for piece in one["pieces"]) for one in (*told["answers"], *told["blocks"])
            if one["form"] == "sentence"]  # fmt: skip


def told(kept: Kept, language: str, outlines: Outlines) -> dict[str, Any]:
    """The parts of a memo's page in a language; each number leads to its cell."""
    with translation.override(language):
        return page.shown(kept.study, addresses(kept), outlines)


def _write_pdfs(folder: Path, kept: Kept, question: str, told: Mapping[str, Any]) -> list[str]:
    """The memo as PDFs; return the languages that this computer has no font for."""
    without = []
    for language, one in told.items():
        said = sheet(kept, question, one, language)
        if typeset.can_set(said):
            (folder / f"memo.{language}.pdf").write_bytes(paper.pdf(said))
        else:
            without.append(language)
    return without


def _html(kept: Kept, question: str, told: Mapping[str, Any]) -> str:
    """The page of a memo in all its languages, with its sheets in it."""
    parts = []
    for language, one in told.items():
        with translation.override(language):
            parts.append(render_to_string("insight/memo_part.html", {
                "told": one, "question": question, "language": language, "method": method(kept),
                "sources": sources(kept), "synthetic": synthetic(kept)}))  # fmt: skip
    style = "\n".join((_PACKAGE / one).read_text("utf-8") for one in _SHEETS)
    return render_to_string("insight/memo_alone.html", {
        "parts": [mark_safe(one) for one in parts], "question": question, "language": next(iter(told)),  # noqa: S308
        "sheet": mark_safe(style)})  # fmt: skip  # noqa: S308 - our own


def numbers(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every number in the order of the page, with its cell, its form, and its words and sentence in each language."""
    listed = {language: list(figures(one)) for language, one in told.items()}
    found = []
    for same in zip(*listed.values(), strict=True):
        figure = same[0][0]
        found.append({
            "step": figure.cell.step, "row": list(figure.cell.row), "column": figure.cell.column, "form": figure.form,
            "places": figure.places, "unit": figure.unit,
            "text": {language: one[0].text for language, one in zip(listed, same, strict=True)},
            "sentence": {language: one[1] for language, one in zip(listed, same, strict=True)},
        })  # fmt: skip
    return found


def figures(told: Mapping[str, Any]) -> Iterator[tuple[Figure, str]]:
    """The numbers of a page, sentence by sentence, each with the sentence or row that it stands in."""
    for one in (*told["answers"], *told["blocks"], *([told["options"]] if told["options"] else [])):
        if one["form"] == "sentence":
            text = "".join(piece["text"] for piece in one["pieces"])
            held = [piece["figure"] for piece in one["pieces"] if piece.get("url")]
            yield from ((figure, text) for figure in sorted(held, key=_order))  # languages differ in their order
        elif "rows" in one:
            for row in one["rows"]["rows"]:
                text = f"{one['rows']['title']}: {' | '.join(cell['text'] for cell in row)}"
                yield from ((cell["figure"], text) for cell in row[1:] if cell["url"])


def _order(figure: Figure) -> tuple[object, ...]:
    cell = figure.cell or Cell("", (), "")
    return cell.step, cell.row, cell.column, figure.form, figure.places


def _sentence(text: str) -> dict[str, Any]:
    return {"form": "sentence", "look": "", "pieces": [{"text": text, "mark": ""}]}


def _item(text: str) -> dict[str, Any]:
    return {"form": "item", "pieces": [{"text": text, "mark": ""}]}
