"""Leaves: the canonical text of what happened, its salt, and what of them the public log holds.

An entry of the log is SHA-256("cityloom leaf v1\n" | salt | leaf), so the log can be published: it says nothing to
those who have not been given leaf and salt, and those who have can prove them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from cityloom.kernel import ids

COMMITMENT = b"cityloom leaf v1\n"
SALT_BYTES = SUBJECT_BYTES = 16
MOST_ALIKE = 256
"""Leaves that are stored in one row; a person's leaf is read without reading many others."""
_encoder = msgspec.json.Encoder(order="sorted")
_sha256 = hashlib.sha256


class Flow(NamedTuple):
    """What an auditor's table counts a leaf under."""

    day: str
    unit: str
    role: str
    purpose: str
    kind: str
    service: str
    exercise: bool


@dataclass(frozen=True)
class NewLeaf:
    """One leaf on its way into the log, or up to 256 that differ in nothing but the person.

    `facts` is the canonical JSON without the person, who belongs at byte `cut`; `hashes` are the tree's leaf hashes.
    """

    facts: bytes
    cut: int
    salts: bytes
    subjects: bytes
    hashes: tuple[bytes, ...]
    flow: Flow
    people: int

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def texts(self) -> list[bytes]:
        """The canonical JSON of each leaf."""
        return texts_of(self.facts, self.cut, self.subjects)


def leaf(kind: str, facts: dict[str, object], subject: bytes | None = None) -> NewLeaf:
    """A salted leaf; `facts` holds strings, integers and lists of strings only.

    Sorted keys without spaces are then RFC 8785's canonical form.
    """
    return _new(kind, facts, b"" if subject is None else subject)


def leaves(kind: str, facts: dict[str, object], subjects: Sequence[bytes]) -> list[NewLeaf]:
    """One leaf for each person, the facts encoded once."""
    runs = (subjects[at : at + MOST_ALIKE] for at in range(0, len(subjects), MOST_ALIKE))
    return [_new(kind, facts, b"".join(run)) for run in runs]


def texts_of(facts: bytes, cut: int, subjects: bytes) -> list[bytes]:
    """The leaves that one row stands for."""
    if not subjects:
        return [facts]
    before, after = facts[:cut] + b'"subject":"', b'",' + facts[cut:]
    return [before + who.hex().encode() + after for who in sixteens(subjects)]


def entry_of(text: bytes, salt: bytes) -> bytes:
    """What the log holds of a leaf."""
    return _sha256(COMMITMENT + salt + text).digest()


def leaf_hashes(facts: bytes, cut: int, salts: bytes, subjects: bytes) -> tuple[bytes, ...]:
    """The tree's leaf hashes of the leaves that one row stands for."""
    texts = texts_of(facts, cut, subjects)
    return tuple(
        _sha256(b"\x00" + _sha256(COMMITMENT + salt + text).digest()).digest()
        for salt, text in zip(sixteens(salts), texts, strict=True)
    )


def sixteens(run: bytes) -> list[bytes]:
    """A run of salts or pseudonyms, one by one."""
    return [run[at : at + SALT_BYTES] for at in range(0, len(run), SALT_BYTES)]


def again(facts: bytes, cut: int, salts: bytes, subjects: bytes) -> NewLeaf:
    """What was logged, from what was stored of it. Raises: ValueError where that is no leaf."""
    try:
        body = msgspec.json.decode(facts)
    except msgspec.DecodeError as error:
        raise ValueError("The stored facts are no JSON.") from error
    if not isinstance(body, dict) or "subject" in body:
        raise ValueError("The stored facts are not those of a leaf.")
    return _salted(facts, cut, salts, subjects, body)


def _new(kind: str, facts: dict[str, object], subjects: bytes) -> NewLeaf:
    body = {"version": 1, "kind": kind, **facts}
    before = _encoder.encode({name: value for name, value in body.items() if name < "subject"})[:-1] + b","
    after = _encoder.encode({name: value for name, value in body.items() if name > "subject"})[1:]
    count = len(subjects) // SUBJECT_BYTES or 1
    return _salted(before + after, len(before), ids.random_bytes(SALT_BYTES * count), subjects, body)


def _salted(facts: bytes, cut: int, salts: bytes, subjects: bytes, body: dict[str, object]) -> NewLeaf:
    hashes = leaf_hashes(facts, cut, salts, subjects)
    people = len(hashes) if subjects else body.get("people", 0)
    return NewLeaf(facts, cut, salts, subjects, hashes, _flow(body), people if isinstance(people, int) else 0)


def _flow(body: dict[str, object]) -> Flow:
    day, *names = (str(body.get(name, "")) for name in ("at", "unit", "role", "purpose", "kind", "service"))
    return Flow(day[:10], *names, bool(body.get("exercise_id")))
