"""The blind index: what is found, and how little a copy of it tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.keeper import index, record, store
from cityloom.keeper.vault import Vault
from tests.keeper.conftest import batch

KEYS = {"national_id": b"n" * 32, "phone": b"p" * 32}
TEXT = st.text(st.sampled_from("0123456789+-xX ()8６\u2013Å"), max_size=12).filter(lambda it: len(it.encode()) <= 16)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    store.initialise(tmp_path / "keeper")
    return Vault(tmp_path / "keeper")


def people(national_ids: list[str], phones: list[str]) -> record.PeopleBatch:
    same = batch(len(phones))
    records = record.people_records(
        name=np.full(len(phones), b"A"), birth_date=np.full(len(phones), b"1"), need_note=np.full(len(phones), b""),
        national_id=np.array([each.encode() for each in national_ids], "S18"),
        phone=np.array([each.encode() for each in phones], "S16"),
    )  # fmt: skip
    return record.PeopleBatch(records, same.traits)


def filled(vault: Vault, count: int) -> np.ndarray:
    many = people([f"{row:017d}X" for row in range(count)], [f"+861{row:010d}" for row in range(count)])
    subjects, _ = vault.seal(0, many.records, many.traits)
    vault.settle()
    return subjects


@pytest.mark.parametrize(
    ("field", "stored", "asked"),
    [
        ("national_id", "44030519900101123X", " 440305 19900101 123x "),
        ("national_id", "44030519900101123x", "44030519900101123X"),
        ("national_id", "440305 1990010112", "4403051990010112"),
        ("phone", "+8613800001234", "138 0000 1234"),
        ("phone", "138-0000-1234", "+86 (138) 0000-1234"),
        ("phone", "008613800001234", "13800001234"),
        ("phone", "+013800001234", "013800001234"),
        ("phone", "１３８00001", "13800001"),
    ],
)
def test_a_value_is_found_however_it_is_written(vault: Vault, field: str, stored: str, asked: str) -> None:
    filled(vault, 2000)
    values = {"national_id": "1", "phone": "2"} | {field: stored}
    one = people([values["national_id"]], [values["phone"]])
    (subject,), _ = vault.seal(5000, one.records, one.traits)
    vault.settle()
    found = vault.candidates(field, asked)
    assert subject in found
    assert len(found) < 500


@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6))
def test_many_records_are_read_as_one_value_is(rows: list[tuple[str, str]]) -> None:
    blind = index.BlindIndex(KEYS)
    columns = {"national_id": [each for each, _ in rows], "phone": [each for _, each in rows]}
    records = people(columns["national_id"], columns["phone"]).records
    for field, values in columns.items():
        for value, found in zip(values, blind.tokens(field, records), strict=True):
            expected = blind.token(field, value)
            assert expected is None or expected == found


@pytest.mark.parametrize("value", ["", "   ", "+86", "-()-"])
def test_nothing_is_found_by_nothing(vault: Vault, value: str) -> None:
    filled(vault, 100)
    assert len(vault.candidates("phone", value)) == 0


def test_those_without_a_phone_do_not_look_alike(vault: Vault) -> None:
    many = people([str(row) for row in range(500)], [""] * 500)
    vault.seal(0, many.records, many.traits)
    assert len(np.unique(vault.slots.tokens["phone"][:500])) > 490


@pytest.mark.parametrize(("count", "bits"), [(1, 0), (127, 0), (128, 1), (20_000, 8), (20_000_000, 18)])
def test_so_many_people_allow_so_many_bits(count: int, bits: int) -> None:
    assert index.bits_for(count) == bits


def test_a_stored_token_is_shared_by_at_least_sixteen(vault: Vault) -> None:
    filled(vault, 20_000)
    for field in ("national_id", "phone"):
        tokens = vault.slots.tokens[field][:20_000]
        _, shared = np.unique(tokens, return_counts=True)
        assert shared.min() >= 16
        assert len(shared) == 256


def test_a_search_hides_who_was_meant_among_dozens(vault: Vault) -> None:
    subjects = filled(vault, 20_000)
    found = vault.candidates("phone", "10000000777")
    assert subjects[777] in found
    assert 16 <= len(found) < 200


def test_later_people_are_found_too_and_earlier_tokens_stay_short(vault: Vault) -> None:
    subjects = filled(vault, 300)
    assert vault.slots.tokens["phone"][:300].max() < 8  # two bits behind the leading one
    many = people([f"B{row}" for row in range(20_000)], [f"2{row:09d}" for row in range(20_000)])
    later, _ = vault.seal(300, many.records, many.traits)
    assert len(vault.candidates("phone", "2000000005")) < 300  # whole tokens are not searched before they are settled
    vault.settle()
    assert later[5] in vault.candidates("phone", "2000000005")
    assert subjects[5] in vault.candidates("phone", "10000000005")
    assert vault.slots.tokens["phone"][:300].max() < 8


def test_tokens_that_a_crash_left_whole_are_shortened_at_the_next_start(vault: Vault) -> None:
    many = people([str(row) for row in range(1000)], [str(row) for row in range(1000)])
    subjects, _ = vault.seal(0, many.records, many.traits)
    assert vault.slots.tokens["phone"].max() >= 1 << index.WHOLE_BITS
    again = Vault(vault.slots._folder)
    assert again.slots.tokens["phone"].max() < 1 << 5
    assert subjects[3] in again.candidates("phone", "3")


def test_an_erased_person_is_not_a_candidate(vault: Vault) -> None:
    subjects = filled(vault, 300)
    vault.erase(int(subjects[7]))
    assert subjects[7] not in vault.candidates("phone", "10000000007")


def test_another_keeper_s_tokens_differ() -> None:
    records = batch(1).records
    other = index.BlindIndex({"national_id": b"o" * 32, "phone": b"q" * 32})
    assert index.BlindIndex(KEYS).tokens("phone", records)[0] != other.tokens("phone", records)[0]
