"""Conditions of gateways: comparisons of facts with literals, joined by and, or, not; read here, never run as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cityloom.cases.domain.decisions import regions, sfeel
from cityloom.cases.domain.decisions.sfeel import Token
from cityloom.cases.domain.decisions.values import BOOLEAN, Typed, Wrong
from cityloom.kernel.refused import Detail, Refused

LONGEST = 1_000
_DEEPEST = 20
_CLOSING = {"(": (")",), "[": ("]", ")", "["), "]": ("]", ")", "[")}
_BOOLEAN = Typed(BOOLEAN)
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Condition:
    """One test of a fact (`all` with no parts and a name), or several joined."""

    form: str  # test, and, or, not
    parts: tuple[Condition, ...] = ()
    fact: str = ""
    type: Typed = _BOOLEAN
    region: regions.Region = ()

    def facts(self) -> set[str]:
        """The facts that it asks for."""
        return {self.fact} - {""} | {fact for part in self.parts for fact in part.facts()}

    def holds(self, facts: Facts) -> bool:
        """Whether it is true of these facts.

        Raises: Refused `cases.process_fact` where a fact is missing or of another type.
        """
        if self.form == "test":
            return regions.contains(self.region, _inside(self, facts))
        if self.form == "not":
            return not self.parts[0].holds(facts)
        return _JOINS[self.form](part.holds(facts) for part in self.parts)


_JOINS: Mapping[str, Callable[[Any], bool]] = {"and": all, "or": any}


def _inside(test: Condition, facts: Facts) -> Any:
    if facts.get(test.fact) is None:
        raise Refused("cases.process_fact", "The process cannot go on without {value}; give it with this step.",
                      value=test.fact)  # fmt: skip
    try:
        return test.type.inside(facts[test.fact])
    except Wrong as wrong:
        raise Refused(
            "cases.process_fact", "{value} does not fit: {limit}.", value=test.fact, limit=wrong.words
        ) from wrong


def condition_of(text: str) -> Condition:
    """The condition that is written, as `area_m2 <= 6 and kind in ("food", "art")`.

    Raises: Wrong for anything else.
    """
    if len(text) > LONGEST:
        raise Wrong(Detail("it has more signs than {limit}", limit=LONGEST))
    reader = _Reader([*sfeel.tokens(text), Token("end", "")])
    found = reader.any_of(0)
    reader.end()
    return found


class _Reader:
    """A condition that is read from left to right."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def any_of(self, depth: int) -> Condition:
        """Conditions with or between."""
        return self._joined("or", self._all_of, depth)

    def end(self) -> None:
        """Refuse what stands after."""
        if self._next.kind != "end":
            raise Wrong(Detail("{value} is not understood here", self._next.text[:40]))

    def _all_of(self, depth: int) -> Condition:
        return self._joined("and", self._one, depth)

    def _joined(self, word: str, part: Callable[[int], Condition], depth: int) -> Condition:
        parts = [part(depth)]
        while self._skip(word):
            parts.append(part(depth))
        return parts[0] if len(parts) == 1 else Condition(word, tuple(parts))

    def _one(self, depth: int) -> Condition:
        if depth > _DEEPEST:
            raise Wrong(Detail("it is too deep"))
        negated = self._skip("not")
        if negated and self._next.text != "(":
            raise Wrong(Detail("{value} is missing", "("))
        if self._skip("("):
            found = self.any_of(depth + 1)
            if not self._skip(")"):
                raise Wrong(Detail("{value} is missing", ")"))
            return Condition("not", (found,)) if negated else found
        return self._test()

    def _test(self) -> Condition:
        token = self._take()
        if token.kind != "word" or token.of or token.text in ("and", "or", "in", "not"):
            raise Wrong(Detail("{value} stands where {limit} is wanted", token.text[:40] or "…", "the name of a fact"))
        if self._next.kind == "op":
            return self._compared(token.text)
        if self._skip("in"):
            return self._within(token.text)
        return Condition("test", (), token.text, _BOOLEAN, sfeel.tests_of("true", _BOOLEAN))

    def _compared(self, fact: str) -> Condition:
        operator, literal = self._take().text, self._take()
        if literal.kind not in ("literal", "word") or not literal.of:
            raise Wrong(Detail("{value} stands where {limit} is wanted", literal.text[:40] or "…", "a literal"))
        typed = Typed(literal.of)
        cell = {"=": literal.text, "!=": f"not({literal.text})"}.get(operator, f"{operator} {literal.text}")
        return Condition("test", (), fact, typed, sfeel.tests_of(cell, typed))

    def _within(self, fact: str) -> Condition:
        """A range, or tests in round brackets; their own reader finds what is wrong with them."""
        opening = self._take().text
        if opening not in _CLOSING:
            raise Wrong(Detail("{value} is missing", "("))
        inside: list[Token] = []
        while self._next.kind != "end" and not (self._next.kind == "mark" and self._next.text in _CLOSING[opening]):
            inside.append(self._take())
        closing = self._take().text
        typed = next((Typed(token.of) for token in inside if token.of), None)
        if typed is None:
            raise Wrong(Detail("{value} is missing", "a literal"))
        text = " ".join(token.text for token in inside)
        is_range = any(token.kind == "dots" for token in inside)
        cell = f"{opening}{text}{closing}" if is_range else text
        return Condition("test", (), fact, typed, sfeel.tests_of(cell, typed))

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _skip(self, text: str) -> bool:
        here = self._next.text == text and self._next.kind in ("word", "mark")
        self._at += here
        return here

    def _take(self) -> Token:
        token = self._next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token
