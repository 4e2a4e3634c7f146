"""People made up for a city, a batch of columns at a time; none of them is, or can be taken for, a real person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel import ids
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import person_names

BATCH = 65_000
_EPOCH = np.datetime64("1880-01-01")
_CHECK_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int64)
_CHECK_DIGITS = np.frombuffer(b"10X98765432", np.uint8)
_ZERO = ord("0")


@dataclass(frozen=True)
class People:
    """A batch of people in the order of their dwellings.

    `dwelling` counts from 0 in the city's order; texts are UTF-8 bytes; `sex` is 0 for female, 1 for male; bit i of
    `needs` stands for `assumptions.NEEDS[i]`.
    """

    dwelling: NDArray[np.int64]
    name: NDArray[np.bytes_]
    national_id: NDArray[np.bytes_]
    phone: NDArray[np.bytes_]
    birth: NDArray[np.bytes_]
    need_note: NDArray[np.bytes_]
    age_band: NDArray[np.uint8]
    sex: NDArray[np.uint8]
    needs: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.dwelling)


def household_sizes(
    dwellings: int, *, seed: int, occupied_share: float, people: int | None = None
) -> NDArray[np.uint8]:
    """How many live in each dwelling, 0 where it is empty; exactly `people` in all where that is given and can be."""
    rng = ids.seeded(seed, "households")
    if people is not None and dwellings:
        occupied_share = min(1.0, people / assumed.MEAN_HOUSEHOLD / dwellings)
    edges = np.cumsum(assumed.HOUSEHOLD_SIZES)[:-1].astype(np.float32)
    sizes = (np.searchsorted(edges, rng.random(dwellings, np.float32), side="right") + 1).astype(np.uint8)
    sizes[rng.random(dwellings, np.float32) >= occupied_share] = 0
    if people is not None and sizes.any():
        _settle(sizes, people - int(sizes.sum(dtype=np.int64)), rng)
    return sizes


def _settle(sizes: NDArray[np.uint8], missing: int, rng: np.random.Generator) -> None:
    step = 1 if missing > 0 else -1
    while missing:
        open_to_change = np.flatnonzero((sizes > 0) & (sizes < 12) if step > 0 else sizes > 1)
        if not len(open_to_change) and step < 0:  # one person each, and still too many: some dwellings are empty
            open_to_change = np.flatnonzero(sizes)
        if not len(open_to_change):
            return
        chosen = rng.choice(open_to_change, min(abs(missing), len(open_to_change)), replace=False)
        sizes[chosen] = sizes[chosen] + step if step > 0 else sizes[chosen] - 1
        missing -= step * len(chosen)


def batches(sizes: NDArray[np.uint8], *, seed: int, today: date, chinese: bool, batch: int = BATCH) -> Iterator[People]:
    """Everyone who lives in the dwellings, at most `batch` people at a time; the same for the same seed."""
    upto = np.cumsum(sizes, dtype=np.int64)
    first = 0
    while first < len(sizes):
        before = int(upto[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(upto, before + batch, side="right")))
        if upto[last - 1] > before:
            yield _people(first, sizes[first:last], ids.seeded(seed, "people", first), today, chinese)
        first = last


def identities_of(
    places: NDArray[np.int64], sizes: NDArray[np.uint8], *, seed: int, today: date, chinese: bool
) -> list[tuple[str, str]]:
    """Name and national id of the people at these places in the order of their making, made up once more.

    Only the batches in which they lie are made; a place that there is not is left out.
    """
    upto = np.cumsum(sizes, dtype=np.int64)
    found: dict[int, tuple[str, str]] = {}
    wanted = sorted({place for place in places.tolist() if 0 <= place < (int(upto[-1]) if len(upto) else 0)})
    first = 0
    while first < len(sizes) and len(found) < len(wanted):
        before = int(upto[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(upto, before + BATCH, side="right")))
        here = [place for place in wanted if before <= place < upto[last - 1]]
        if here:
            batch = _people(first, sizes[first:last], ids.seeded(seed, "people", first), today, chinese)
            for place in here:
                found[place] = batch.name[place - before].decode(), batch.national_id[place - before].decode()
        first = last
    return [found[place] for place in wanted]


def _people(first: int, sizes: NDArray[np.uint8], rng: np.random.Generator, today: date, chinese: bool) -> People:
    count = int(sizes.sum(dtype=np.int64))
    dwelling = np.repeat(np.arange(first, first + len(sizes)), sizes)
    starts = np.cumsum(sizes, dtype=np.int64) - sizes
    role = np.minimum(np.arange(count) - np.repeat(starts, sizes), len(assumed.AGES_BY_ROLE) - 1)
    band = _choose(rng, np.array(assumed.AGES_BY_ROLE), role)
    sex = rng.integers(0, 2, count, np.uint8)
    birth = _births(rng, band, today)
    needs = _needs(rng, band)
    table = person_names.full_names(chinese)
    return People(
        dwelling=dwelling,
        name=table[rng.integers(0, len(table), count, np.int32)],
        national_id=_national_ids(rng, birth, sex),
        phone=_phones(rng, count),
        birth=birth,
        need_note=person_names.need_notes(chinese)[needs],
        age_band=band,
        sex=sex,
        needs=needs,
    )


def _choose(rng: np.random.Generator, shares: NDArray[np.float64], row: NDArray[np.integer]) -> NDArray[np.uint8]:
    """One column of `shares[row]` for each row, by its share."""
    edges = np.cumsum(shares, axis=1)[:, :-1].astype(np.float32)
    throw = rng.random(len(row), np.float32)
    return sum(((throw >= edges[row, k]).astype(np.uint8) for k in range(edges.shape[1])), np.zeros(len(row), np.uint8))


def _births(rng: np.random.Generator, band: NDArray[np.uint8], today: date) -> NDArray[np.bytes_]:
    edges = np.array(assumed.AGE_EDGES)
    low, high = edges[band], edges[band.astype(np.int64) + 1]
    days = (low + rng.random(len(band)) * (high - low - 0.02) + 0.01) * 365.2425
    born = (np.datetime64(today, "D") - _EPOCH).astype(np.int64) - days.astype(np.int64) - 1
    return _dates()[born]


def _dates() -> NDArray[np.bytes_]:
    if "dates" not in _tables:
        days = np.datetime_as_string(_EPOCH + np.arange(100_000))
        _tables["dates"] = np.array([day.replace("-", "") for day in days.tolist()], "S8")
    return _tables["dates"]


_tables: dict[str, NDArray[np.bytes_]] = {}


def _national_ids(rng: np.random.Generator, birth: NDArray[np.bytes_], sex: NDArray[np.uint8]) -> NDArray[np.bytes_]:
    """Numbers of 18 characters with a valid check digit and a division code of 99, which no place in China has.

    Source: GB 11643-1999 (form, ISO 7064 MOD 11-2 check digit), GB/T 2260 (divisions 11 to 82).
    """
    n = len(birth)
    digits = np.empty((n, 17), np.uint8)
    digits[:, :2] = 9
    digits[:, 2:6] = _digits(rng.integers(0, 10_000, n), 4)
    digits[:, 6:14] = birth.view(np.uint8).reshape(n, 8) - _ZERO
    digits[:, 14:] = _digits(rng.integers(0, 500, n) * 2 + sex, 3)
    text = np.empty((n, 18), np.uint8)
    text[:, :17] = digits + _ZERO
    text[:, 17] = _CHECK_DIGITS[(digits @ _CHECK_WEIGHTS) % 11]
    return text.reshape(-1).view("S18")


def _phones(rng: np.random.Generator, count: int) -> NDArray[np.bytes_]:
    """Numbers under country code 0, which is not assigned to anyone. Source: ITU-T E.164, spare codes."""
    text = np.empty((count, 13), np.uint8)
    text[:, 0], text[:, 1] = ord("+"), _ZERO
    text[:, 2:] = _digits(rng.integers(0, 10**11, count), 11) + _ZERO
    return text.reshape(-1).view("S13")


def _digits(numbers: NDArray[np.integer], width: int) -> NDArray[np.uint8]:
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (numbers[:, None] // powers % 10).astype(np.uint8)


def _needs(rng: np.random.Generator, band: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bits = np.zeros(len(band), np.uint8)
    helped = np.flatnonzero(rng.random(len(band), np.float32) < np.array(assumed.NEED_RATE, np.float32)[band])
    kinds = np.array(assumed.NEED_KINDS)
    one, more = np.uint8(1), rng.random(len(helped)) < assumed.SECOND_NEED_RATE
    bits[helped] |= one << _choose(rng, kinds, band[helped])
    bits[helped[more]] |= one << _choose(rng, kinds, band[helped[more]])
    bits[rng.random(len(band), np.float32) < assumed.LANGUAGE_RATE] |= one << np.uint8(assumed.NEEDS.index("language"))
    return bits
