"""What people are compared by inside the keeper: what counts as the same, and numbers that say nothing else."""

from __future__ import annotations

import hmac
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from cityloom.keeper import blocks, digesting, index, keyed_numbers, record, said_numbers, store
from cityloom.keeper.vault import Vault

SECRET = bytes(range(32))
NAMES = st.text(st.sampled_from("aZ09 -'·ÅßﬁＡ\u3007张偉买提\u4dc0\u9fff"), max_size=14)
PHONES = st.text(st.sampled_from("0123456789+-xX ()8６"), max_size=5)


def people(names: list[str], phone: str = "", traits: int = 0) -> np.ndarray:
    count = len(names)
    records = record.people_records(
        name=np.array([name.encode() for name in names], "S48"), national_id=np.full(count, b""),
        phone=np.full(count, phone.encode()), birth_date=np.full(count, b"19700101"), need_note=np.full(count, b""),
    )  # fmt: skip
    return record.with_traits(records, np.full(count, traits, np.uint16))


def letters(name: str) -> bytes:
    text = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in text if sign.isalnum()).encode()


def texts(rows: np.ndarray) -> list[bytes]:
    return [row.tobytes().rstrip(b"\x00") for row in rows]


@given(st.lists(NAMES.filter(lambda name: len(name.encode()) <= 48), min_size=1, max_size=6), PHONES)
def test_names_and_telephones_are_compared_without_what_makes_no_difference(names: list[str], phone: str) -> None:
    said = digesting.said_in(people(names, phone))
    assert texts(said["name"]) == [letters(name) for name in names]
    assert set(texts(said["phone"])) == {index.normalised("phone", phone)}
    signs = [any("\u3400" <= sign <= "\u9fff" for sign in name) for name in names]
    assert digesting.are_in_signs(people(names)).tolist() == signs


def test_every_usual_sign_stands_for_itself() -> None:
    signs = [chr(code) for code in range(0x4E00, 0xA000)]
    assert texts(digesting.said_in(people(signs))["name"]) == [letters(sign) for sign in signs]


@pytest.mark.parametrize("blocks_of_16", [1, 2, 4])
def test_the_code_of_many_blocks_is_the_standard_one(blocks_of_16: int) -> None:
    message = bytes(range(16 * blocks_of_16))
    code = CMAC(AES256(SECRET))
    code.update(message)
    made = blocks.message_codes(SECRET, np.frombuffer(message, np.uint8).reshape(1, -1))
    assert made.tobytes() == code.finalize()


def test_a_keeper_of_an_earlier_form_tells_the_numbers_that_decisions_rest_on() -> None:
    subject, needs = 7 << 32 | 5, 1 << 8
    said = digesting.said_in(people(["张伟"], "+86 138", needs))
    told = dict(zip(said, said_numbers.by_hash(SECRET, np.array([subject]), said)[0].tolist(), strict=True))
    for field, value in (("name", "张伟".encode()), ("phone", b"138"), ("needs", needs.to_bytes(8, "big"))):
        words = (b"said", subject.to_bytes(8, "big"), field.encode(), value)
        code = hmac.digest(SECRET, b"\x00".join(words), "sha256")[:8]
        assert told[field] == int.from_bytes(code, "big", signed=True)
    assert told["national_id"] == told["sex"] == 0


def test_numbers_differ_by_person_field_and_word_and_are_nothing_where_nothing_is_said() -> None:
    long = "ﷺ" * 16  # 48 bytes, which become many more letters
    said = digesting.said_in(people(["张伟", "张伟", "", long, long[:-1]], "138"))
    numbers = said_numbers.by_blocks(SECRET, np.array([1, 2, 1, 1, 1]), said)
    assert numbers[2, 0] == 0
    assert len(set(numbers[:, 0].tolist())) == 5
    assert len({*numbers[0].tolist()}) == 1 + (numbers[0] != 0).sum()
    assert numbers[0, 2] == numbers[2, 2] != numbers[1, 2]


def test_a_vault_tells_nothing_of_what_is_not_that_persons(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    vault = Vault(tmp_path / "keeper")
    records = people(["张伟", "Zhang Wei"], "138")
    subjects, envelopes = vault.seal(0, records, np.zeros(2, np.uint16))
    for form in (keyed_numbers.BY_HASH, keyed_numbers.ALL_BY_BLOCKS):
        told = vault.digests(form, subjects, envelopes.tobytes())
        assert told[:, 0].tolist() == [told[0, 0] | 1, told[1, 0] & ~1]
        assert (told[:, 2] != 0).all()
        assert not vault.digests(form, subjects[::-1], envelopes.tobytes()).any()
