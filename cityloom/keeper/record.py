"""How a person looks inside the keeper: the plaintext record, the traits, the subject id. Arrays only, no keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIELD_SET = 2
FIELDS = ("name", "national_id", "phone", "birth_date", "need_note")
SEARCHED = ("national_id", "phone")
"""Fields that a person can be found by."""
PAIRED = ("sound-birth", "sound-phone", "birth-phone")
"""What people are compared by who may be the same: what the name sounds like, the day of birth and the phone."""
_WIDTHS = (48, 18, 16, 8, 36)
_TRAITS = "traits"
RECORD = np.dtype([*((field, f"S{width}") for field, width in zip(FIELDS, _WIDTHS, strict=True)), (_TRAITS, "<u2")])
"""The plaintext, 128 bytes: UTF-8 padded with zeros, `birth_date` as YYYYMMDD; what is counted of it at the end."""
COMPOSED = ("name", "national_id", "phone", "birth_date", "sex", "needs")
"""What can be taken from different versions of a person."""
DIGESTED = (*COMPOSED, "sound")
_places = {field: slice(RECORD.fields[field][1], RECORD.fields[field][1] + RECORD[field].itemsize) for field in FIELDS}
ENVELOPE_BYTES = 160

AGE_BANDS = ("0-17", "18-59", "60-79", "80+")
SEXES = ("unknown", "female", "male", "other")
NEEDS = ("mobility", "bedridden", "hearing", "sight", "cognitive", "device", "language")
"""What a person may need, in the order of their bits; `device` is oxygen or another device that needs electricity."""
_NEED_SHIFT = 4
EMPTIED = ("phone", "needs")
"""What a correction can say that there is none of; nothing said says nothing else (decision 0050)."""
_EMPTIED_SHIFT = 11
_EMPTIED_MASK = ((1 << len(EMPTIED)) - 1) << _EMPTIED_SHIFT
PACKET_MARK = 1 << 15
"""In the traits of a slot that holds a packet and no person."""
_LEAVING = ("mobility", "bedridden", "hearing", "sight", "cognitive", "device")
NEEDS_HELP_MASK = sum(1 << (_NEED_SHIFT + NEEDS.index(need)) for need in _LEAVING)
"""Any of these bits: the person needs help to leave. Age alone and language alone do not."""


@dataclass(frozen=True)
class PeopleBatch:
    """People to be sealed: `records` uint8 (n, 128) from `people_records`, `traits` uint16 (n,) from `traits_of`."""

    records: NDArray[np.uint8]
    traits: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.traits)


@dataclass(frozen=True)
class SealedBatch:
    """The same people, sealed: `subjects` int64 (n,), `envelopes` uint8 (n, 160)."""

    subjects: NDArray[np.int64]
    envelopes: NDArray[np.uint8]
    field_set: int
    key_id: int

    def __len__(self) -> int:
        return len(self.subjects)


def people_records(
    *, name: NDArray[np.bytes_], national_id: NDArray[np.bytes_], phone: NDArray[np.bytes_],
    birth_date: NDArray[np.bytes_], need_note: NDArray[np.bytes_],
) -> NDArray[np.uint8]:  # fmt: skip
    """Lay columns of UTF-8 bytes out as records, uint8 (n, 128).

    Raises: ValueError for a column whose dtype is wider than its place; nothing is cut off in silence.
    """
    columns = dict(zip(FIELDS, (name, national_id, phone, birth_date, need_note), strict=True))
    records = np.zeros(len(name), dtype=RECORD)
    for field, values in columns.items():
        if values.dtype.kind != "S" or values.dtype.itemsize > RECORD[field].itemsize:
            raise ValueError(f"The column {field} must be bytes of at most {RECORD[field].itemsize}.")
        records[field] = values
    return records.view(np.uint8).reshape(len(records), RECORD.itemsize)


def read_record(plaintext: bytes, fields: Sequence[str]) -> list[str]:
    """The wanted fields of one record, as text."""
    return reader(fields)(plaintext)


def reader(fields: Sequence[str]) -> Callable[[bytes], list[str]]:
    """What reads the wanted fields of many records. Raises: KeyError for a field that there is not."""
    places = [_places[field] for field in fields]
    return lambda plaintext: [plaintext[place].rstrip(b"\x00").decode("utf-8", "replace") for place in places]


def column(records: NDArray[np.uint8], field: str) -> NDArray[np.uint8]:
    """One field's bytes of records, uint8 (n, its width)."""
    return records[:, _places[field]]


def with_traits(records: NDArray[np.uint8], traits: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """The records with what may be counted inside, so that a sealed version is whole."""
    rows = np.ascontiguousarray(records).copy()
    rows.view(RECORD).reshape(-1)[_TRAITS] = traits
    return rows


def traits_in(records: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """What may be counted of opened records; never the mark of a packet, nor what is said to be none."""
    return records.view(RECORD).reshape(-1)[_TRAITS] & np.uint16((PACKET_MARK - 1) & ~_EMPTIED_MASK)


def emptied(field: str) -> np.uint16:
    """The trait that says of a field that there is none of it. Raises: ValueError for a field that cannot be so."""
    return np.uint16(1 << (_EMPTIED_SHIFT + EMPTIED.index(field)))


def are_emptied(records: NDArray[np.uint8], field: str) -> NDArray[np.bool_]:
    """Which records say of a field that there is none of it."""
    return records.view(RECORD).reshape(-1)[_TRAITS] & emptied(field) != 0


def traits_of(
    *, age: NDArray[np.integer], sex: NDArray[np.integer], needs: dict[str, NDArray[np.bool_]]
) -> NDArray[np.uint16]:
    """Pack what may be counted, uint16 (n,): `age` in years, `sex` as an index of SEXES, `needs` by name."""
    packed = np.searchsorted(np.array([18, 60, 80]), age, side="right").astype(np.uint16)
    packed |= np.asarray(sex).astype(np.uint16) << np.uint16(2)
    for need, has in needs.items():
        packed |= has.astype(np.uint16) << np.uint16(_NEED_SHIFT + NEEDS.index(need))
    return packed


def of_needs(traits: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The needs alone, as bits."""
    return traits & np.uint16(((1 << len(NEEDS)) - 1) << _NEED_SHIFT)


def of_sex(traits: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The sex alone, 0 for unknown."""
    return traits & np.uint16(3 << 2)


def composed(records: NDArray[np.uint8], rows: dict[str, NDArray[np.int64]]) -> NDArray[np.uint8]:
    """Records of which each field of COMPOSED comes from a row of others; an age is that of the day of birth."""
    held = np.ascontiguousarray(records).view(RECORD).reshape(-1)
    out = np.zeros(len(rows["name"]), RECORD)
    for field in ("name", "national_id", "phone", "birth_date"):
        out[field] = held[field][rows[field]]
    out["need_note"] = held["need_note"][rows["needs"]]
    traits = held[_TRAITS]
    out[_TRAITS] = ((traits[rows["birth_date"]] & np.uint16(3)) | of_sex(traits[rows["sex"]])
                    | of_needs(traits[rows["needs"]]))  # fmt: skip
    for field in EMPTIED:
        out[_TRAITS] |= traits[rows[field]] & emptied(field)
    return out.view(np.uint8).reshape(len(out), RECORD.itemsize)


def need_columns(traits: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """One row for each of: needs help, then NEEDS, then AGE_BANDS; one column for each person."""
    rows = [(traits & NEEDS_HELP_MASK) != 0]
    rows += [(traits >> (_NEED_SHIFT + bit)) & 1 == 1 for bit in range(len(NEEDS))]
    rows += [(traits & 3) == band for band in range(len(AGE_BANDS))]
    return np.stack(rows)


def subjects_at(first_slot: int, tags: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Subject ids of consecutive slots: slot << 32 | tag."""
    slots = np.arange(first_slot, first_slot + len(tags), dtype=np.int64)
    return slots << 32 | tags.astype(np.int64)


def slots_of(subjects: NDArray[np.int64]) -> NDArray[np.int64]:
    """The slot of each subject id; negative for an id that cannot exist."""
    return subjects >> 32


def tags_of(subjects: NDArray[np.int64]) -> NDArray[np.uint32]:
    """The random half of each subject id."""
    return (subjects & 0xFFFFFFFF).astype(np.uint32)
