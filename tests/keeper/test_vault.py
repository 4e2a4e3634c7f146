"""Keys, slots and derivation."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from cityloom.keeper import record, store, vault
from cityloom.keeper.vault import Damaged, Derivation, UnknownKey, Vault
from tests.keeper.conftest import batch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store.initialise(tmp_path / "keeper")
    return tmp_path / "keeper"


SECRET = st.binary(min_size=32, max_size=32)


@given(key=SECRET, secret=SECRET, label=st.binary(max_size=20))
def test_derivation_is_hkdf(key: bytes, secret: bytes, label: bytes) -> None:
    expected = HKDF(SHA256(), 32, salt=b"cityloom keeper v1", info=label + secret).derive(key)
    assert Derivation(key, label).derive(secret) == expected


def test_a_key_is_never_replaced_and_nobody_else_may_read_it(folder: Path) -> None:
    for name in ("key", "secrets", "tags", "traits", store.DATABASE):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    key = (folder / "key").read_bytes()
    with pytest.raises(FileExistsError):
        store.initialise(folder)
    (folder / store.DATABASE).unlink()
    with pytest.raises(FileExistsError):
        store.initialise(folder)
    assert (folder / "key").read_bytes() == key


def test_the_disk_holds_no_plaintext(folder: Path) -> None:
    people = batch(20, name="Zhuge Kongming")
    _, envelopes = Vault(folder).seal(0, people.records, people.traits)
    for content in (envelopes, *(path.read_bytes() for path in folder.iterdir())):
        assert b"Zhuge" not in content
        assert b"440305" not in content


def test_a_new_key_seals_and_the_old_one_still_opens(folder: Path) -> None:
    people = batch(1)
    (old,), first = Vault(folder).seal(0, people.records, people.traits)
    with (folder / "key").open("a") as stream:
        stream.write("2 " + "ab" * 32 + "\n")
    both = Vault(folder)
    (new,), second = both.seal(1, people.records, people.traits)
    for subject, envelope in ((old, first), (new, second)):
        assert record.read_record(both.open_envelope(int(subject), envelope), ["name"]) == ["Wang Fang 0"]
    assert (first[2], second[2]) == (1, 2)


def test_a_key_that_this_keeper_does_not_hold_opens_nothing(folder: Path) -> None:
    people = batch(1)
    held = Vault(folder)
    (subject,), envelope = held.seal(0, people.records, people.traits)
    with pytest.raises(UnknownKey):
        held.open_envelope(int(subject), envelope[:1] + b"\x00\x09" + envelope[3:])
    (folder / "key").write_text("1 " + "cd" * 32 + "\n")
    with pytest.raises(Damaged):
        Vault(folder).open_envelope(int(subject), envelope)


@pytest.mark.parametrize("text", ["", "1 abcd\n", "one two\n", "1 zz\n"])
def test_a_spoilt_key_file_is_not_read(folder: Path, text: str) -> None:
    (folder / "key").write_text(text)
    with pytest.raises(ValueError):
        vault.read_keys(folder)


def test_the_same_person_sealed_twice_looks_different(folder: Path) -> None:
    people = batch(1)
    both = Vault(folder)
    first, second = (both.seal(slot, people.records, people.traits) for slot in (0, 1))
    assert first[1][16:] != second[1][16:]
    assert first[0][0] & 0xFFFFFFFF != second[0][0] & 0xFFFFFFFF


def test_subjects_are_in_the_order_of_their_slots(folder: Path) -> None:
    people = batch(100)
    subjects, _ = Vault(folder).seal(7, people.records, people.traits)
    assert (subjects >> 32).tolist() == list(range(7, 107))
    assert (np.diff(subjects) > 0).all()


def test_a_column_that_is_too_wide_is_refused_not_cut() -> None:
    narrow = np.array([b"x"], "S1")
    with pytest.raises(ValueError, match="phone"):
        record.people_records(
            name=narrow, national_id=narrow, phone=np.array([b"1" * 17], "S17"), birth_date=narrow, need_note=narrow
        )
