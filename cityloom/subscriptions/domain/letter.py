"""What a subscriber is told: the alert's own words, unchanged, and around them how to stop."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from cityloom.kernel.refused import Refused

PUSH_BYTES = 3000
"""Of the 3,993 that every push service takes (RFC 8030, 8291), with room for JSON's escapes."""
_LONGEST_TTL_S = 28 * 24 * 3600


class Words(Protocol):
    """`alerts.queries.PublicWords`."""

    @property
    def event(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def instruction(self) -> str: ...
    @property
    def area(self) -> str: ...


@dataclass(frozen=True)
class Letter:
    """One message to one subscriber. `key` is the same for every attempt; `headers` are a mail's own.

    `push` is what a browser shows; `topic` lets a newer message about the same matter take an older one's place.
    """

    key: str
    subject: str
    text: str
    push: Mapping[str, str]
    stop_url: str = ""
    topic: str = ""
    ttl_s: int = 24 * 3600
    is_exercise: bool = False


def in_language(words: Mapping[str, Words], language: str) -> Words:
    """What is said in a language, else in English, else in any."""
    for beginning in (language.lower()[:2], "en", ""):
        for name, said in words.items():
            if name.lower().startswith(beginning):
                return said
    raise Refused("places.no_words", "The alert says nothing in any language, so it was not sent on.")


def body(words: Words) -> str:
    """The alert's words as text, each whole."""
    return "\n\n".join(part for part in (words.headline, words.instruction, words.description, words.area) if part)


def check_says(letter: Letter, words: Words) -> None:
    """Raise Refused `places.words_differ` unless a letter says what was approved, whole and first.

    A push message is short: what is cut off its end is all that may be missing.
    """
    headline = one_line(words.headline)
    pushed = letter.push.get("body", "").removesuffix("…")
    is_whole = letter.text.startswith(body(words)) and headline in letter.subject
    if not is_whole or headline not in letter.push.get("title", "") or not pushed_words(words).startswith(pushed):
        raise _differs()


def pushed_words(words: Words) -> str:
    """What to do, where the alert says it; else what has happened."""
    return words.instruction or words.description


def shortened(text: str, most: int = 1200) -> str:
    """A text of at most so many bytes, with a mark where something is missing."""
    data = text.encode()
    return text if len(data) <= most else data[: most - 3].decode(errors="ignore") + "…"


def push_body(letter: Letter) -> bytes:
    """What travels to a browser, before it is encrypted."""
    return msgspec.json.encode(dict(letter.push))


def topic_of(*parts: str) -> str:
    """At most 32 characters of base64url. Source: RFC 8030, section 5.4."""
    return base64.urlsafe_b64encode(hashlib.sha256("\x00".join(parts).encode()).digest()[:18]).decode()


def ttl_s(until: datetime, at: datetime) -> int:
    """For how long a push service is to keep trying."""
    return max(0, min(_LONGEST_TTL_S, int((until - at).total_seconds())))


def one_line(text: str) -> str:
    """A text without line breaks, for a header."""
    return " ".join(text.split())


def _differs() -> Refused:
    return Refused("places.words_differ", "What was about to be told is not what was approved; it was stopped.")
