"""The one exception for what is anticipated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Detail:
    """Words that stand in a refusal's sentence as its value or limit, and are translated as one, like the sentence."""

    template: str
    value: object = None
    limit: object = None

    def __str__(self) -> str:
        return _filled(self.template, self.value, self.limit)


@dataclass(frozen=True)
class InLanguages:
    """Words that somebody wrote in several languages, as a value or limit: `en` always, and the reader's if known."""

    by_language: Mapping[str, str]

    def __str__(self) -> str:
        return self.by_language["en"]

    def said_in(self, language: str) -> str:
        """The words in a language."""
        return self.by_language.get(language, self.by_language["en"])


class Refused(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """Say what cannot be done, why, and what to do instead.

    `code` is stable and machine-readable (`city.file_empty`); `sentence` is shown to the person as it is, with
    `{value}` and `{limit}` as its only placeholders, so that it can be translated. No personal data in either.
    """

    def __init__(self, code: str, sentence: str, *, value: object = None, limit: object = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.template = sentence
        self.value = value
        self.limit = limit

    @property
    def sentence(self) -> str:
        """The sentence with its value and limit filled in."""
        return _filled(self.template, self.value, self.limit)

    def __str__(self) -> str:
        return self.sentence

    def as_json(self) -> dict[str, object]:
        """The form in which interfaces return it."""
        return {"code": self.code, "sentence": self.sentence, "value": _plain(self.value), "limit": _plain(self.limit)}


def _filled(template: str, value: object, limit: object) -> str:
    return template.replace("{value}", str(value)).replace("{limit}", str(limit))


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (str, int, float, bool, list)) else str(value)
