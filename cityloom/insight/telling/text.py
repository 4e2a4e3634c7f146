"""What a study tells as a text of Markdown, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from cityloom.insight.domain.study.study import Study
from cityloom.insight.studies import kinds
from cityloom.insight.telling import parts, words
from cityloom.insight.telling.parts import Drawing, Rows, Sentence, Spots, Title

_MOST = 20
_BEFORE = {"answer": "**", "doubt": "? ", "wrong": "! "}


def written(study: Study) -> str:
    """A study in the reader's language, the answer first."""
    return "\n".join(_lines(study)).strip() + "\n"


def _lines(study: Study) -> Iterator[str]:
    kind = kinds.kind(study.kind)
    yield f"# {words.known(kind.title)}"
    yield ""
    for one in parts.told(study, kind):
        if isinstance(one, Title):
            yield from ("", f"## {one.text}")
        elif isinstance(one, Sentence):
            yield from ("", _sentence(one))
        elif isinstance(one, Rows):
            yield from _table(one)
        elif isinstance(one, (Drawing, Spots)):
            yield from _table(one.behind)
    for note in parts.notes(study, kind):
        yield from ("", f"- {_sentence(note)}")


def _sentence(one: Sentence) -> str:
    before = _BEFORE.get(one.weight, "")
    return f"{before}{one.text}{before}" if before == "**" else f"{before}{one.text}"


def _table(one: Rows) -> Iterator[str]:
    yield from ("", f"### {one.title}", "")
    yield f"| {' | '.join(_cell(head) for head in one.heads)} |"
    yield f"|{'|'.join('---:' if number else '---' for number in one.numbers)}|"
    for row in one.rows[:_MOST]:
        yield f"| {' | '.join(_cell(figure.text) for figure in row)} |"
    left = one.left_out + max(0, len(one.rows) - _MOST)
    if left:
        yield f"| … {left} more rows: see the step {one.step} |"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")
