"""Read the expressions of `$filter` and `$orderby` into a tree.

Precedence, weakest first: or; and; not; comparison; add and sub; mul, div and mod; minus.
Source: OGC 18-088, 9.3.3.5 (tables 21 to 23); OData 4.01 URL conventions, 5.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import times

LONGEST = 8_000
DEEPEST = 25
LONGEST_CHAIN = 60
MOST_PARTS = 1_000
_COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
_OPERATORS = frozenset({*_COMPARISONS, "or", "and", "not", "neg", "add", "sub", "mul", "div", "mod"})
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+\- ]\d\d:?\d\d)"
    r"(?:/\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+\- ]\d\d:?\d\d))?)"
    r"|(?P<day>\d{4}-\d\d-\d\d)(?![\dT])"
    r"|(?P<clock>\d\d:\d\d:\d\d(?:\.\d{1,6})?)"
    r"|(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)(?![A-Za-z_])"
    r"|(?P<typed>geography|geometry|duration)'(?P<typedtext>(?:[^']|'')*)'"
    r"|'(?P<string>(?:[^']|'')*)'"
    r"|(?P<word>@?[A-Za-z_\u0080-\uffff][\w.\-\u0080-\uffff]*(?:/@?[A-Za-z_\u0080-\uffff][\w.\-\u0080-\uffff]*)*)"
    r"|(?P<sign>[(),\-])"
    r")"
)


@dataclass(frozen=True)
class Literal:
    """A value: `kind` is number, string, bool, null, instant, interval, day, clock, duration or place (WKT)."""

    kind: str
    value: object


@dataclass(frozen=True)
class Path:
    """A property, perhaps of a related entity, perhaps inside an object."""

    steps: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function or operator with what it works on; operators are named as they are written, `neg` is a minus."""

    name: str
    arguments: tuple[Node, ...]


Node = Literal | Path | Call


@dataclass(frozen=True)
class Order:
    """One part of `$orderby`."""

    by: Node
    descending: bool


def parse(text: str) -> Node:
    """The tree of a `$filter`. Raises: Refused `signals.sta_syntax`, `.sta_filter_long`, `.sta_filter_deep`."""
    reader = _Reader(text)
    found = reader.whole(0)
    reader.end()
    return found


def parse_order(text: str) -> list[Order]:
    """The parts of an `$orderby`. Raises: Refused as `parse`."""
    reader = _Reader(text)
    parts = [_order(reader)]
    while reader.take("sign", ","):
        parts.append(_order(reader))
    reader.end()
    if len(parts) > 10:
        raise Refused("signals.sta_order_long", "$orderby has {value} parts; use at most {limit}.",
                      value=len(parts), limit=10)  # fmt: skip
    return parts


def _order(reader: _Reader) -> Order:
    by = reader.sum_(0)
    if reader.take("word", "desc"):
        return Order(by, True)
    reader.take("word", "asc")
    return Order(by, False)


def _too_long(length: int, limit: int) -> Refused:
    return Refused("signals.sta_filter_long", "The expression has {value} signs or parts; write it with at most"
                   " {limit}.", value=length, limit=limit)  # fmt: skip


class _Reader:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise _too_long(len(text), LONGEST)
        self.text, self.at = text, 0
        self.tokens: list[tuple[str, str, int]] = []
        while self.at < len(text.rstrip()):
            self._lex()
        if len(self.tokens) > MOST_PARTS:
            raise _too_long(len(self.tokens), MOST_PARTS)
        self.at = 0

    def _lex(self) -> None:
        found = _TOKEN.match(self.text, self.at)
        if found is None:
            raise self._unread(self.at)
        kind = found.lastgroup or ""
        if kind == "typedtext":
            kind = found["typed"]
        value = found["typedtext"] if found["typed"] else found[found.lastgroup or ""]
        self.tokens.append((kind, value, found.start()))
        self.at = found.end()

    def _unread(self, position: int) -> Refused:
        return Refused("signals.sta_syntax", "The expression cannot be read from here on: “{value}”. Check"
                       " quotes, brackets and the names of operators.",
                       value=self.text[position:].strip()[:40] or "…")  # fmt: skip

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.at][:2] if self.at < len(self.tokens) else ("", "")

    def take(self, kind: str, value: str) -> bool:
        if self.peek() != (kind, value):
            return False
        self.at += 1
        return True

    def need(self, sign: str) -> None:
        if not self.take("sign", sign):
            raise self._here()

    def _here(self) -> Refused:
        return self._unread(self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text))

    def end(self) -> None:
        if self.at < len(self.tokens):
            raise self._here()

    def whole(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._too_deep()
        return self._flat("or", lambda: self._flat("and", lambda: self._not(depth)))

    def _flat(self, word: str, part: Callable[[], Node]) -> Node:
        """One node for any number of terms, so that a long list is not a deep tree."""
        terms = [part()]
        while self.take("word", word):
            terms.append(part())
        return terms[0] if len(terms) == 1 else Call(word, tuple(terms))

    def _chain(self, words: tuple[str, ...], part: Callable[[], Node]) -> Node:
        found, links = part(), 0
        while (word := self._word_of(words)) is not None:
            links += 1
            if links > LONGEST_CHAIN:
                raise self._too_deep()
            found = Call(word, (found, part()))
        return found

    def _too_deep(self) -> Refused:
        return Refused("signals.sta_filter_deep", "The expression is nested more than {limit} deep; write it flatter.",
                       limit=DEEPEST)  # fmt: skip

    def _word_of(self, words: tuple[str, ...]) -> str | None:
        kind, value = self.peek()
        if kind == "word" and value in words:
            self.at += 1
            return value
        return None

    def _not(self, depth: int) -> Node:
        turns = 0
        while self.take("word", "not"):
            turns += 1
        found = self._comparison(depth)
        return Call("not", (found,)) if turns % 2 else found

    def _comparison(self, depth: int) -> Node:
        left = self.sum_(depth)
        word = self._word_of(_COMPARISONS)
        return left if word is None else Call(word, (left, self.sum_(depth)))

    def sum_(self, depth: int) -> Node:
        return self._chain(("add", "sub"), lambda: self._chain(("mul", "div", "mod"), lambda: self._signed(depth)))

    def _signed(self, depth: int) -> Node:
        minus = False
        while self.take("sign", "-"):
            minus = not minus
        found = self._atom(depth)
        if not minus:
            return found
        if isinstance(found, Literal) and found.kind in ("number", "duration"):
            return Literal(found.kind, -found.value)  # type: ignore[operator]
        return Call("neg", (found,))

    def _atom(self, depth: int) -> Node:
        kind, value = self.peek()
        if not kind:
            raise self._here()
        if self.take("sign", "("):
            found = self.whole(depth + 1)
            self.need(")")
            return found
        if kind == "sign" or value in _OPERATORS:
            raise self._here()
        self.at += 1
        if kind != "word":
            return self._literal(kind, value)
        if self.take("sign", "("):
            return Call(value.lower(), self._arguments(depth))
        return _word(value)

    def _literal(self, kind: str, value: str) -> Literal:
        try:
            return _LITERALS[kind](value)
        except ValueError:
            self.at -= 1
            raise self._here() from None

    def _arguments(self, depth: int) -> tuple[Node, ...]:
        if self.take("sign", ")"):
            return ()
        found = [self.whole(depth + 1)]
        while self.take("sign", ","):
            found.append(self.whole(depth + 1))
        self.need(")")
        return tuple(found)


def _word(value: str) -> Node:
    if value in ("true", "false"):
        return Literal("bool", value == "true")
    if value == "null":
        return Literal("null", None)
    return Path(tuple("@iot.id" if step == "id" else step for step in value.split("/")))


def _instant(text: str) -> Literal:
    start, end = times.moment_of(text.replace(" ", "+"))
    return Literal("instant", start) if end is None else Literal("interval", (start, end))


def _place(text: str) -> Literal:
    return Literal("place", text)


_LITERALS = {
    "instant": _instant,
    "day": lambda text: Literal("day", times.day_of(text)),
    "clock": lambda text: Literal("clock", times.clock_of(text)),
    "number": lambda text: Literal("number", float(text) if set(text) & set(".eE") else int(text[:400])),
    "string": lambda text: Literal("string", text.replace("''", "'")),
    "geography": _place,
    "geometry": _place,
    "duration": lambda text: Literal("duration", times.duration_of(text)),
}
