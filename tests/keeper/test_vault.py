"""Keys and slots: what is sealed, what opens, and that nobody notices a change of keys."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.keeper import blocks, keyring, record, slots, store
from cityloom.keeper.keyring import KeySpoilt, OldKeeper
from cityloom.keeper.slots import SlotsSpoilt
from cityloom.keeper.vault import Damaged, UnknownKey, Vault
from cityloom.kernel.refused import Refused
from tests.keeper.conftest import batch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store.initialise(tmp_path / "keeper")
    return tmp_path / "keeper"


def test_a_key_is_never_replaced_and_nobody_else_may_read_it(folder: Path) -> None:
    for name in ("key", *slots.names(1), store.DATABASE):
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
    for content in (envelopes.tobytes(), *(path.read_bytes() for path in folder.iterdir())):
        assert b"Zhuge" not in content
        assert b"440305" not in content


def test_the_same_person_sealed_twice_looks_different(folder: Path) -> None:
    people = batch(1)
    both = Vault(folder)
    first, second = (both.seal(slot, people.records, people.traits) for slot in (0, 1))
    assert (first[1][0, 16:] != second[1][0, 16:]).any()
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


KEYS = st.binary(min_size=32, max_size=32)


@given(key=KEYS, rows=st.lists(st.tuples(st.integers(0, 2**63 - 1), KEYS), min_size=1, max_size=5))
def test_a_slot_is_wrapped_by_the_counter_mode(key: bytes, rows: list[tuple[int, bytes]]) -> None:
    subjects = np.array([subject for subject, _ in rows], np.int64)
    secrets = np.frombuffer(b"".join(secret for _, secret in rows), np.uint8).reshape(-1, 32)
    wrapped = blocks.SlotCipher(key).apply(subjects, secrets)
    for (subject, secret), found in zip(rows, wrapped, strict=True):
        nonce = subject.to_bytes(8, "big") + bytes(8)
        assert found.tobytes() == Cipher(algorithms.AES256(key), modes.CTR(nonce)).encryptor().update(secret)


@given(key=KEYS, messages=st.lists(KEYS, min_size=1, max_size=5))
def test_message_codes_are_cmac(key: bytes, messages: list[bytes]) -> None:
    table = np.frombuffer(b"".join(messages), np.uint8).reshape(-1, 32)
    for message, found in zip(messages, blocks.message_codes(key, table), strict=True):
        code = CMAC(algorithms.AES256(key))
        code.update(message)
        assert found.tobytes() == code.finalize()


def name_of(vault: Vault, subject: int, envelope: bytes) -> str:
    return record.read_record(vault.open_envelope(subject, envelope), ["name"])[0]


def sealed(vault: Vault, first_slot: int, people: record.PeopleBatch) -> list[tuple[int, bytes]]:
    subjects, envelopes = vault.seal(first_slot, people.records, people.traits)
    return [(int(subject), envelope.tobytes()) for subject, envelope in zip(subjects, envelopes, strict=True)]


def test_a_new_key_opens_what_the_old_one_sealed_and_the_old_one_is_gone(folder: Path) -> None:
    vault = Vault(folder)
    ((old, first),) = sealed(vault, 0, batch(1))
    before, pseudonym = keyring.read(folder), vault.pseudonym(old)
    secrets = (folder / "secrets.1").read_bytes()
    assert vault.rotate() == 2
    ((new, second),) = sealed(vault, 1, batch(1))
    assert (first[2], second[2]) == (1, 2)
    for held in (vault, Vault(folder)):
        assert [name_of(held, old, first), name_of(held, new, second)] == ["Wang Fang 0"] * 2
        assert held.pseudonym(old) == pseudonym
        assert held.keyed(b"account") == vault.keyed(b"account")
    assert not (folder / "secrets.1").exists()
    assert (folder / "secrets.2").read_bytes()[:32] != secrets[:32]
    for path in folder.iterdir():
        assert before.key.hex().encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_new_key_does_not_open_a_copy_of_the_old_slots(folder: Path) -> None:
    vault = Vault(folder)
    ((subject, envelope),) = sealed(vault, 0, batch(1))
    copy = (folder / "secrets.1").read_bytes()
    vault.rotate()
    (folder / "secrets.2").write_bytes(copy)
    with pytest.raises(Damaged):
        Vault(folder).open_envelope(subject, envelope)


def test_rotation_tells_how_far_it_is(folder: Path) -> None:
    vault, told = Vault(folder), []
    sealed(vault, 0, batch(10))
    vault.rotate(lambda done, total: told.append((done, total)))
    assert told[-1] == (len(vault.slots), len(vault.slots)) == vault.progress
    assert told == sorted(told)


def test_while_people_are_loaded_the_key_stays(folder: Path) -> None:
    vault = Vault(folder)
    with vault.loading(), pytest.raises(Refused) as refusal:
        vault.rotate()
    assert (refusal.value.code, vault.key_id) == ("gate.loading", 1)
    assert vault.rotate() == 2


def test_people_open_while_the_key_changes(folder: Path) -> None:
    vault, seen = Vault(folder), []
    people = sealed(vault, 0, batch(3))

    def open_all(done: int, total: int) -> None:
        seen.extend(name_of(vault, *each) for each in people)

    vault.rotate(open_all)
    assert seen
    assert set(seen) == {"Wang Fang 0", "Wang Fang 1", "Wang Fang 2"}


def test_an_unfinished_change_leaves_the_old_key_in_force(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(folder)
    people = sealed(vault, 0, batch(3))

    def full(*_: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="space"):
        patch.setattr(keyring, "replace", full)
        vault.rotate()
    for held in (vault, Vault(folder)):
        assert held.key_id == 1
        assert [name_of(held, *each) for each in people] == ["Wang Fang 0", "Wang Fang 1", "Wang Fang 2"]
    assert sorted(path.name for path in folder.glob("secrets.*")) == ["secrets.1"]
    assert vault.rotate() == 2


_STOPPED = """
import os, sys
from pathlib import Path
from cityloom.keeper.vault import Vault

steps = int(sys.argv[2])
vault = Vault(Path(sys.argv[1]))

def watch(event, details):
    global steps
    if event in ("open", "os.link", "os.rename", "os.remove", "os.truncate"):
        steps -= 1
        if steps == 0:
            os.kill(os.getpid(), 9)

sys.addaudithook(watch)
vault.rotate()
"""


def test_a_kill_at_any_step_of_a_change_loses_nobody(folder: Path) -> None:
    people = sealed(Vault(folder), 0, batch(3))
    pseudonyms = [Vault(folder).pseudonym(subject) for subject, _ in people]
    killed, numbers = 0, set()
    for step in range(1, 40):
        before = keyring.read(folder).number
        ended = subprocess.run([sys.executable, "-c", _STOPPED, str(folder), str(step)], check=False).returncode
        vault = Vault(folder)
        assert [name_of(vault, *each) for each in people] == ["Wang Fang 0", "Wang Fang 1", "Wang Fang 2"]
        assert [vault.pseudonym(subject) for subject, _ in people] == pseudonyms
        left = {path.name for path in folder.iterdir()}
        assert left == {"key", "log-key", *slots.names(vault.key_id), store.DATABASE}
        numbers.add(vault.key_id - before)
        killed += ended == -9
        if ended == 0:
            break
    assert ended == 0
    assert killed > 8
    assert numbers == {0, 1}  # some kills came before the one step, some after it


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["seal", "rotate", "erase", "reopen", "reseal"]), max_size=12), st.randoms())
def test_a_change_of_keys_is_invisible(acts: list[str], chance: object) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "keeper"
        store.initialise(folder)
        vault, living, gone = Vault(folder), {}, {}
        for number, act in enumerate(acts):
            if act == "seal":
                ((subject, envelope),) = sealed(vault, number, batch(1, name=f"Person {number}"))
                living[subject] = {envelope: f"Person {number} 0"}
            elif act == "rotate":
                vault.rotate()
            elif act == "reopen":
                vault = Vault(folder)
            elif living:
                subject = chance.choice(sorted(living))
                if act == "erase":
                    vault.erase(subject)
                    gone[subject] = living.pop(subject)
                else:
                    people = batch(1, name=f"Changed {number}")
                    living[subject][vault.reseal(subject, people.records, people.traits)] = f"Changed {number} 0"
        for subject, envelopes in living.items():
            run = b"".join(envelopes)
            opened = vault.open_many(np.full(len(envelopes), subject), run, ["name"])
            assert opened == [[name] for name in envelopes.values()]
        for subject, envelopes in gone.items():  # whatever copy of the database they come from
            run = b"".join(envelopes)
            assert vault.open_many(np.full(len(envelopes), subject), run, ["name"]) == [None] * len(envelopes)
            assert not vault.alive(np.array([subject])).any()


def test_many_open_like_one(folder: Path) -> None:
    vault = Vault(folder)
    people = sealed(vault, 0, batch(5))
    subjects = np.array([subject for subject, _ in people])
    envelopes = [bytearray(envelope) for _, envelope in people]
    envelopes[1][50] ^= 1
    envelopes[2][0] = 1
    envelopes[3][2] = 9
    opened = vault.open_many(subjects, b"".join(envelopes), ["phone", "name"])
    assert opened == [["+8613800000000", "Wang Fang 0"], None, None, None, ["+8613800000000", "Wang Fang 4"]]
    assert vault.open_many(subjects[::-1], b"".join(envelope for _, envelope in people), ["name"])[0] is None
    strangers = np.array([-1, 2**62, 5 << 32 | 7, 4 << 32 | 1])
    assert vault.open_many(strangers, b"".join(envelopes[:4]), ["name"]) == [None] * 4


@pytest.mark.parametrize("cut", [slice(0, 159), slice(0, 0), slice(0, 480)])
def test_a_run_that_is_not_whole_envelopes_is_refused(folder: Path, cut: slice) -> None:
    vault = Vault(folder)
    people = sealed(vault, 0, batch(4))
    run = b"".join(envelope for _, envelope in people)[cut]
    with pytest.raises(Damaged):
        vault.open_many(np.array([people[0][0]]), run, ["name"])
    with pytest.raises(Damaged):
        vault.open_envelope(people[0][0], run)


@pytest.mark.parametrize("number", [0, 2, 9, 0xFFFF])
def test_a_key_that_this_keeper_never_had_opens_nothing(folder: Path, number: int) -> None:
    vault = Vault(folder)
    ((subject, envelope),) = sealed(vault, 0, batch(1))
    with pytest.raises(UnknownKey):
        vault.open_envelope(subject, envelope[:1] + number.to_bytes(2, "big") + envelope[3:])


def test_an_envelope_is_bound_to_the_key_id_that_it_names(folder: Path) -> None:
    vault = Vault(folder)
    ((subject, envelope),) = sealed(vault, 0, batch(1))
    vault.rotate()
    with pytest.raises(Damaged):
        vault.open_envelope(subject, envelope[:2] + b"\x02" + envelope[3:])


def test_an_erased_person_is_gone_from_every_file(folder: Path) -> None:
    vault = Vault(folder)
    (subject, _), _ = sealed(vault, 0, batch(2))
    vault.erase(subject)
    for name, width in (("secrets.1", 32), ("tags", 4), ("traits", 2), ("tokens-national_id", 4), ("tokens-phone", 4)):
        content = (folder / name).read_bytes()
        assert not any(content[:width]), name
        assert any(content[width : 2 * width]), name


@pytest.mark.parametrize(
    "text", ["", "cityloom keeper 2\n", "cityloom keeper 2\n1 abcd ef\n", "cityloom keeper 3\n1 00 00\n", "\xff\n"]
)
def test_a_spoilt_key_file_is_refused(folder: Path, text: str) -> None:
    (folder / "key").write_text(text)
    with pytest.raises(KeySpoilt, match="restore"):
        Vault(folder)


def test_a_changed_key_is_refused(folder: Path) -> None:
    text = (folder / "key").read_text()
    (folder / "key").write_text(text.replace("\n1 ", "\n2 "))
    with pytest.raises(KeySpoilt):
        Vault(folder)


def test_a_keeper_of_an_earlier_version_is_refused_with_what_to_do(folder: Path) -> None:
    (folder / "key").write_text("1 " + "ab" * 32 + "\n")
    with pytest.raises(OldKeeper, match="build or import the city again"):
        Vault(folder)


@pytest.mark.parametrize("name", [name for name in slots.names(1) if not name.startswith("pairs-")])
def test_slot_files_that_are_missing_or_cut_off_are_refused(folder: Path, name: str) -> None:
    vault = Vault(folder)
    sealed(vault, 0, batch(2))
    whole = (folder / name).read_bytes()
    os.truncate(folder / name, len(whole) - 1)
    with pytest.raises(SlotsSpoilt):
        Vault(folder)
    os.truncate(folder / name, len(whole) // 2)
    with pytest.raises(SlotsSpoilt, match="shorter"):
        Vault(folder).check(len(vault.slots))
    (folder / name).unlink()
    with pytest.raises(SlotsSpoilt, match="missing"):
        Vault(folder)


def test_a_keeper_that_has_no_pairs_yet_gets_them_when_envelopes_are_gone_through(folder: Path) -> None:
    vault = Vault(folder)
    people = batch(3)
    subjects, envelopes = vault.seal(0, people.records, people.traits)
    for name in record.PAIRED:
        (folder / f"pairs-{name}").unlink()
    again = Vault(folder)
    assert len(again.alike(people.records)[0]) == 0
    assert again.follow(subjects, envelopes.tobytes()) == 3
    rows, found = again.alike(people.records)
    assert {(row, subject) for row, subject in zip(rows, found, strict=True)} >= set(enumerate(subjects))


def test_people_beyond_what_was_reserved_are_refused(folder: Path) -> None:
    vault = Vault(folder)
    sealed(vault, 0, batch(3))
    vault.check(3)
    with pytest.raises(SlotsSpoilt, match="knows nothing"):
        vault.check(2)


