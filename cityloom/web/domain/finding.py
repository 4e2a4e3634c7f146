"""Find what somebody means by a few words: in English and Chinese, with slips of the keyboard."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_QUERY = 120
_MOST_WORDS = 12
_LEAST_SHARE = 0.5
"""How much of what was asked an entry must answer to be shown."""
_WORD = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_SAYS_NOTHING = frozenset({
    "a", "an", "the", "of", "to", "on", "in", "at", "for", "and", "or", "is", "it", "my", "me", "i", "we", "our", "you",
    "do", "does", "did", "how", "what", "where", "when", "want", "need", "can", "could", "would", "like", "please",
    "get", "have", "has", "been", "there", "with", "from", "about",
})  # fmt: skip
_HAN_SAYS_NOTHING = re.compile(
    "请问|怎么办|怎么样|怎么|怎样|如何|我想|我要|想要|可以|可不可以|能不能|哪里|什么|一下|一个|这个|的|了|吗|呢|我"
)


@dataclass(frozen=True)
class Entry:
    """Something that can be found: texts by how much a word of theirs says about it, the heaviest first."""

    key: str
    texts: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class _Words:
    latin: dict[str, float]
    han: tuple[tuple[float, str], ...]


class Finder:
    """Entries, read once, to be asked again and again."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = [(entry.key, _read(entry)) for entry in entries]

    def find(self, query: str, most: int = 20) -> list[str]:
        """The keys of the entries that answer a query, the best first; all of it may be misspelt a little."""
        latin, han = _asked(query)
        if not latin and not han:
            return []
        scored = [(_score(words, latin, han), place, key) for place, (key, words) in enumerate(self._entries)]
        good = [one for one in scored if one[0] > 0]
        return [key for _, _, key in sorted(good, key=lambda one: (-one[0], one[1]))][:most]


def distance(one: str, other: str, most: int) -> int:
    """Insertions, deletions, exchanges and swaps of neighbours between two words; `most + 1` where there are more.

    Source: optimal string alignment distance (Damerau 1964).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, sign in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, second in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (sign != second))
            if i > 1 and j > 1 and sign == other[j - 2] and one[i - 2] == second:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def plain(text: str) -> str:
    """A text without case, accents and width."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFKC", "".join(sign for sign in parts if not unicodedata.combining(sign)))


def _read(entry: Entry) -> _Words:
    latin: dict[str, float] = {}
    for weight, text in entry.texts:
        for word in _latin(text):
            latin[word] = max(latin.get(word, 0.0), weight)
    return _Words(latin, tuple((weight, plain(text)) for weight, text in entry.texts if _HAN.search(text)))


def _asked(query: str) -> tuple[list[str], str]:
    text = plain(query[:LONGEST_QUERY])
    words = list(dict.fromkeys(_latin(text)))[:_MOST_WORDS]
    telling = [word for word in words if word not in _SAYS_NOTHING] or words
    han = "".join(_HAN.findall(text))
    return telling, _HAN_SAYS_NOTHING.sub("", han) or han


def _latin(text: str) -> list[str]:
    return [word for run in _WORD.findall(_HAN.sub(" ", plain(text))) for word in [run] if word]


def _score(words: _Words, latin: Sequence[str], han: str) -> float:
    parts = [_best(word, words.latin) for word in latin]
    if han:
        parts.append(max((weight * _shared(han, text) for weight, text in words.han), default=0.0))
    answered = sum(1 for part in parts if part > 0)
    return sum(parts) / len(parts) if answered >= _LEAST_SHARE * len(parts) else 0.0


def _best(word: str, known: dict[str, float]) -> float:
    return max((weight * _likeness(word, other) for other, weight in known.items()), default=0.0)


def _likeness(word: str, other: str) -> float:
    if word == other:
        return 1.0
    if len(word) >= 3 and (other.startswith(word) or (len(other) >= 4 and word.startswith(other))):
        return 0.8
    most = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
    if most and distance(word, other, most) <= most:
        return 0.6
    shortened = other[: len(word) + 1]  # a beginning with a slip in it
    return 0.4 if most and len(other) > len(word) + 1 and distance(word, shortened, 1) <= 1 else 0.0


def _shared(asked: str, text: str) -> float:
    """How much of a Chinese query stands in a text: whole, else by pairs of signs; less than half counts as nothing."""
    if asked in text:
        return 1.0
    pairs = {asked[at : at + 2] for at in range(len(asked) - 1)}
    if not pairs:
        return 0.0
    share = sum(pair in text for pair in pairs) / len(pairs)
    return 0.8 * share if share >= _LEAST_SHARE else 0.0
