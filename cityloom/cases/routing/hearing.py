"""What is heard in the words of a case before they are sealed: categories with how sure that is, and words of rules.

Of the words themselves nothing is kept: what is stored are a few names of categories with numbers, and which words that
stand in the routing rules, for everybody to read, stood in the text too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.marks import plain
from cityloom.cases.domain.routing.rules import CHANNELS
from cityloom.cases.routing import classifiers, versions
from cityloom.cases.routing.classifiers import ClassifierNow

KEPT = 3
_DIGITS = 4


@dataclass(frozen=True)
class Heard:
    """Categories with how sure each is, the likeliest first; the version that said so; words of rules in the text."""

    kinds: tuple[tuple[str, float], ...] = ()
    classifier: int | None = None
    words: tuple[str, ...] = ()


class Ear:
    """The classifier and the words of rules that are in force now: asked once for all texts of a batch."""

    def __init__(self) -> None:
        rules = versions.in_force()
        self._model: ClassifierNow | None = classifiers.in_force()
        self._words = sorted(rules.rules.words) if rules else []

    def hear(self, text: str) -> Heard:
        """What is heard in a text; nothing in none."""
        if not text.strip():
            return Heard()
        signs = plain(text)
        words = tuple(word for word in self._words if word in signs)
        if self._model is None:
            return Heard(words=words)
        found = self._model.model.likeliest(text, KEPT)
        kinds = tuple((one, round(sure, _DIGITS)) for one, sure in found)
        return Heard(kinds, self._model.number, words)


def is_heard(casetype: CaseType, origin: str) -> bool:
    """Whether cases of a type that come this way are classified and routed."""
    return bool(casetype.categories) and origin in CHANNELS


def words_in(casetype: CaseType, answers: Mapping[str, Any]) -> str:
    """What somebody wrote of the matter: long texts alone, since short ones hold names, numbers and addresses."""
    fields = (each.name for each in casetype.form if each.kind == "long-text")
    return "\n".join(str(answers[name]) for name in fields if answers.get(name))
