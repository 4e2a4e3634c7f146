"""What can be wrong with a row: each rule with its dimension of quality and a sentence without the row's values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dimension = Literal["completeness", "uniqueness", "validity", "integrity", "timeliness"]
DIMENSIONS: tuple[Dimension, ...] = ("completeness", "uniqueness", "validity", "integrity", "timeliness")


@dataclass(frozen=True)
class Rule:
    """A rule: what it is about, and what it says of a row that breaks it."""

    dimension: Dimension
    sentence: str


RULES = {
    "required": Rule("completeness", "The field is empty, and the register needs it."),
    "repeated_row": Rule("uniqueness", "The same row stands earlier in the file; that one was taken."),
    "repeated_key": Rule("uniqueness", "Several rows that differ have this key, and nothing says which one is true."),
    "ragged": Rule("validity", "The row has more or fewer columns than the header."),
    "bad_characters": Rule("validity", "The row holds bytes that are none in the file's encoding, or control signs."),
    "too_long": Rule("validity", "The value is longer than the field may be."),
    "shape": Rule("validity", "The number does not have the signs that its standard asks for."),
    "checksum": Rule("validity", "The check sign does not belong to the number: a sign was mistyped."),
    "no_such_area": Rule("validity", "No province has the first two digits."),
    "no_such_class": Rule("validity", "No class of city components has these digits."),
    "not_a_date": Rule("validity", "The value is no date in the form that the mapping names."),
    "no_such_date": Rule("validity", "The calendar has no such day."),
    "not_a_number": Rule("validity", "The value is no number."),
    "out_of_range": Rule("validity", "The number lies outside of what the field may hold."),
    "unknown_code": Rule("validity", "The mapping's code list does not have the value."),
    "not_allowed": Rule("validity", "The value is not among those that the mapping's rule allows."),
    "not_a_shape": Rule("validity", "The value is no geometry in WKT, or an empty one."),
    "wrong_shape": Rule("validity", "The geometry is of another kind than the field holds: a line, or an area."),
    "too_many_corners": Rule("validity", "The geometry has more corners than the register keeps."),
    "crosses_itself": Rule("validity", "The outline crosses itself, and it cannot be told what it encloses."),
    "repaired": Rule("validity", "The outline touched or retraced itself and was repaired; what it encloses is the "
                     "same."),
    "loop": Rule("integrity", "The segment ends where it begins."),
    "loose_end": Rule("integrity", "An end of the segment meets no other segment and no fitting."),
    "apart": Rule("integrity", "No chain of segments of the file joins it to the largest part of its network."),
    "ends_before_it_begins": Rule("validity", "The end lies before the beginning."),
    "not_as_in_number": Rule("validity", "The identity number says something else; one of the two is wrong."),
    "unknown_reference": Rule("integrity", "Neither the register nor the file has the key that is referred to."),
    "cycle": Rule("integrity", "Following the owners leads back to the same entry."),
    "future": Rule("timeliness", "The date lies in the future."),
    "too_old": Rule("timeliness", "The date is longer ago than the mapping's rule allows."),
}  # fmt: skip
