"""Cells of decision tables: unary tests of S-FEEL, read by a parser of their own and never evaluated as code.

Source: DMN 1.3, section 9 (S-FEEL) and 7.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cityloom.cases.domain.decisions import regions
from cityloom.cases.domain.decisions.regions import AFTER, BEFORE, EVERYTHING, LEAST, MOST, Region
from cityloom.cases.domain.decisions.values import BOOLEAN, DATE, INSTANT, NUMBER, STRING, Typed, Wrong
from cityloom.kernel.refused import Detail

LONGEST_CELL = 4_000
MOST_TESTS = 500
_TOKEN = re.compile(r"""\s*(?:
    (?P<number>-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?![\w])) | (?P<string>"(?:[^"\\\n]|\\["\\nt])*") |
    (?P<call>date\ and\ time|date)\s*\(\s*(?P<arg>"[^"\\\n]{1,40}")\s*\) | @(?P<at>"[^"\\\n]{1,40}") |
    (?P<word>[^\W\d]\w*) | (?P<dots>\.\.) | (?P<op><=|>=|<|>|!=|=) | (?P<mark>[\[\](),]) | (?P<dash>-)
)""", re.VERBOSE)  # fmt: skip
_ESCAPES = {"\\n": "\n", "\\t": "\t", '\\"': '"', "\\\\": "\\"}
_FULL_WIDTH = {
    "，": ",",
    "（": "(",
    "）": ")",
    "“": '"',
    "”": '"',
    "【": "[",
    "】": "]",
    "－": "-",
    "》": ">",
    "《": "<",
}


@dataclass(frozen=True)
class Token:
    """One sign of a cell: its kind, its text, and for a literal its type and value."""

    kind: str
    text: str
    of: str = ""
    value: Any = None


def tests_of(text: str, typed: Typed) -> Region:
    """The values that a cell allows.

    Raises: Wrong for anything but unary tests over literals of the type.
    """
    if text.strip() in ("", "-"):
        return EVERYTHING
    return _Cell(text, typed).tests()


def literal_of(text: str, typed: Typed) -> Any:
    """The one value that a cell of an output is.

    Raises: Wrong for anything but a literal of the type.
    """
    if not text.strip():
        raise Wrong(Detail("it is empty"))
    cell = _Cell(text, typed)
    value = cell.literal()
    cell.end()
    return value


def literals_of(text: str, typed: Typed) -> tuple[Any, ...]:
    """The values of a list, in its order.

    Raises: Wrong for anything but literals of the type.
    """
    return tuple(_Cell(text, typed).literals())


class _Cell:
    """A cell that is read from left to right."""

    def __init__(self, text: str, typed: Typed) -> None:
        if len(text) > LONGEST_CELL:
            raise Wrong(Detail("it has more signs than {limit}", limit=LONGEST_CELL))
        self._typed = typed
        self._tokens = [*tokens(text), Token("end", "")]
        self._at = 0

    def tests(self) -> Region:
        """All of the cell."""
        if self._next.text == "not" and self._tokens[self._at + 1].text == "(":
            self._at += 2
            region = regions.complement(self._list())
            self._take(")")
        else:
            region = self._list()
        self.end()
        return regions.intersection(region, self._typed.universe)

    def end(self) -> None:
        """Refuse what stands after."""
        if self._next.kind != "end":
            raise Wrong(Detail("{value} is not understood here", self._next.text[:40]))

    def literal(self) -> Any:
        """A literal, of the type of the column."""
        token = self._take()
        if token.kind == "word" and token.of == "":
            raise Wrong(_not_a_word(token.text, self._typed))
        if token.kind not in ("literal", "word"):
            shown = token.text[:40] or "…"
            raise Wrong(Detail("{value} stands where a {limit} is wanted", shown, self._typed.name))
        if token.of != self._typed.name:
            raise Wrong(Detail("{value} is no {limit}", token.text[:40], self._typed.name))
        try:
            return self._typed.inside(token.value)
        except Wrong as wrong:
            raise Wrong(Detail("{value} is no {limit}", token.text[:40], self._typed.name)) from wrong

    def literals(self) -> list[Any]:
        """Literals with commas between."""
        found = [self.literal()]
        while self._next.text == "," and self._next.kind == "mark":
            self._at += 1
            found.append(self.literal())
        self.end()
        return found

    def _list(self) -> Region:
        found = [self._test()]
        while self._next.text == "," and self._next.kind == "mark":
            self._at += 1
            found.append(self._test())
            if len(found) > MOST_TESTS:
                raise Wrong(Detail("it has more parts than {limit}", limit=MOST_TESTS))
        return regions.union(found)

    def _test(self) -> Region:
        token = self._next
        if token.kind == "op":
            self._at += 1
            return self._compared(token.text)
        if token.text in ("[", "(", "]") and token.kind == "mark":
            self._at += 1
            return self._range(token.text)
        value = self.literal()
        if self._next.kind == "dots":
            raise Wrong(Detail("a range is written as {limit}", limit="[1..5], (1..5) or [1..5)"))
        return self._point(value)

    def _compared(self, operator: str) -> Region:
        self._check_ordered()
        value = self.literal()
        if operator in ("=", "!="):
            raise Wrong(Detail("{value} is not used in a cell; write the value alone, or not(...)", operator))
        if operator in ("<", "<="):
            return regions.between(LEAST, self._cut(value, BEFORE if operator == "<" else AFTER))
        return regions.between(self._cut(value, AFTER if operator == ">" else BEFORE), MOST)

    def _range(self, opening: str) -> Region:
        self._check_ordered()
        low = self.literal()
        if self._next.kind != "dots":
            raise Wrong(Detail("a range is written as {limit}", limit="[1..5], (1..5) or [1..5)"))
        self._at += 1
        high = self.literal()
        closing = self._take("]", ")", "[").text
        if low > high:
            raise Wrong(Detail("the range begins after it ends"))
        return regions.between(self._cut(low, BEFORE if opening == "[" else AFTER),
                               self._cut(high, AFTER if closing == "]" else BEFORE))  # fmt: skip

    def _check_ordered(self) -> None:
        if self._typed.name == BOOLEAN:
            raise Wrong(Detail("true and false have no order; write one of them"))

    def _point(self, value: Any) -> Region:
        return regions.between(self._cut(value, BEFORE), self._cut(value, AFTER))

    def _cut(self, value: Any, side: int) -> regions.Cut:
        return regions.cut(value, side, discrete=self._typed.is_discrete)

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, *wanted: str) -> Token:
        token = self._next
        if wanted and (token.text not in wanted or token.kind == "literal"):
            shown = Detail("{value} is missing", " or ".join(wanted)) if token.kind == "end" else Detail(
                "{value} stands where {limit} is wanted", token.text[:40], " or ".join(wanted))  # fmt: skip
            raise Wrong(shown)
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


def tokens(text: str) -> Iterator[Token]:
    """The signs of a cell or condition.

    Raises: Wrong.
    """
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if not found:
            sign = text[at:].strip()[0]
            if sign in _FULL_WIDTH:
                raise Wrong(Detail("{value} is a full-width sign; write {limit}", sign, _FULL_WIDTH[sign]))
            raise Wrong(Detail("{value} is not understood here", text[at:].strip()[:40]))
        at = found.end()
        yield _token(found)


def _token(found: re.Match[str]) -> Token:
    text = found[0].strip()
    if found["number"]:
        return Token("literal", text, NUMBER, re.sub(r"^(-?)\.", r"\g<1>0.", text))
    if found["string"]:
        return Token("literal", text, STRING, re.sub(r"\\.", lambda escape: _ESCAPES[escape[0]], text[1:-1]))
    if found["arg"] or found["at"]:
        inner = (found["arg"] or found["at"])[1:-1]
        instant = found["call"] == "date and time" or (not found["call"] and "T" in inner)
        return Token("literal", text, INSTANT if instant else DATE, inner)
    if found["word"] in ("true", "false"):
        return Token("literal", text, BOOLEAN, text == "true")
    kind = next(kind for kind in ("word", "dots", "op", "mark", "dash") if found[kind])
    return Token(kind, text)


def _not_a_word(word: str, typed: Typed) -> Detail:
    if typed.name == STRING:
        return Detail("{value} is a name; a text stands in quotes, as {limit}", word[:40], f'"{word[:40]}"')
    return Detail("{value} is a name; cells have literals alone", word[:40])
