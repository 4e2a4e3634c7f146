"""Backups of the keeper: apart from the records, checked, short-lived, and never a way around an erasure."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.keeper import backup, keyring, log, manifest, protocol, store
from cityloom.keeper.backup import Restored
from cityloom.keeper.vault import Vault
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.keeper.conftest import STEWARD, Office, batch

OPERATOR = Actor("operator-1", "city", frozenset({"operator"}))


def backed_up(office: Office, place: Path) -> Path:
    reply = office.desk.answer(protocol.BackUpKeys(office.sign(OPERATOR), str(place)))
    assert isinstance(reply, protocol.BackedUp), reply
    return Path(reply.folder)


def restored(office: Office, source: Path, *, later: timedelta = timedelta(), force: bool = False) -> Restored:
    office.desk.close()
    try:
        return backup.restore(office.folder, source, now=clock.now() + later, force=force)
    finally:
        office.again()


def erase(office: Office, subject: int) -> None:
    assert office.desk.answer(protocol.Erase(office.sign(STEWARD), int(subject))) == protocol.Done(1)


def names(office: Office, subjects: np.ndarray, envelopes: bytes) -> list[list[str] | None]:
    return office.desk.vault.open_many(subjects, envelopes, ["name"])


def code_of(refusal: pytest.ExceptionInfo[Refused]) -> str:
    return refusal.value.code


def test_a_backup_is_whole_private_and_in_the_log(office: Office, tmp_path: Path) -> None:
    office.seal(batch(3))
    folder = backed_up(office, tmp_path / "keys")
    assert {path.name for path in office.folder.iterdir()} - {path.name for path in folder.iterdir()} <= {
        "keeper.db-wal", "keeper.db-shm", "lock",
    }  # fmt: skip
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent)] == [0o700, 0o700]
    assert manifest.read(tmp_path / "keys", manifest.KEYS).folder == folder
    assert len(office.leaves("backed-up")) == 1
    log.verify(folder)


def test_only_those_who_keep_keys_may_back_them_up_or_change_them(office: Office, tmp_path: Path) -> None:
    who = office.sign(STEWARD)
    for request in (protocol.BackUpKeys(who, str(tmp_path / "keys")), protocol.Rotate(who)):
        assert office.desk.answer(request).code == "gate.not_allowed"
    assert not (tmp_path / "keys").exists()
    assert office.desk.vault.key_id == 1
    reply = office.desk.answer(protocol.Rotate(office.sign(OPERATOR)))
    assert (reply.key_id, len(office.leaves("rotated"))) == (2, 1)


def test_a_restore_gives_back_what_was_lost_and_erases_again_who_was_erased_since(
    office: Office, tmp_path: Path
) -> None:
    subjects, envelopes = office.seal(batch(4))
    called = office.desk.vault.pseudonyms(subjects)
    folder = backed_up(office, tmp_path / "keys")
    erase(office, subjects[1])
    office.desk.vault.rotate()
    size, root = office.desk.log.head
    key = keyring.read(folder)
    done = restored(office, folder)
    assert (done.erased, done.log_kept, done.put_aside) == (1, True, "")
    assert names(office, subjects, envelopes) == [["Wang Fang 0"], None, ["Wang Fang 2"], ["Wang Fang 3"]]
    assert office.desk.vault.pseudonyms(subjects[[0, 2, 3]]) == [called[0], called[2], called[3]]
    assert office.desk.log.root_at(size) == root
    assert len(office.leaves("backed-up")) == 2
    assert keyring.read(office.folder).key != key.key
    assert not list(office.folder.parent.glob("keeper.re*"))
    log.verify(office.folder)


def test_a_packet_that_was_erased_since_is_erased_again(office: Office, tmp_path: Path) -> None:
    who, purpose = office.sign(SYSTEM), "place-alerts"
    parts = [{"address": b"a"}, {"address": b"b"}]
    reply = office.desk.answer(protocol.SealPackets(who, purpose, parts, [[b"word"], [b"word"]]))
    gone, stays = np.frombuffer(reply.subjects, "<i8")
    folder = backed_up(office, tmp_path / "keys")
    run = np.array([gone], "<i8").tobytes()
    assert office.desk.answer(protocol.ErasePackets(office.sign(SYSTEM), purpose, run)) == protocol.Done(1)
    assert restored(office, folder).erased == 1
    assert office.desk.vault.held(np.array([gone, stays])).tolist() == [False, True]
    found = office.desk.answer(protocol.FindPackets(office.sign(SYSTEM), purpose, [b"word"], ""))
    assert np.frombuffer(found.subjects, "<i8").tolist() == [stays]


def test_without_the_newest_log_the_backup_s_goes_on_and_the_old_folder_is_kept(office: Office, tmp_path: Path) -> None:
    subjects, envelopes = office.seal(batch(1))
    folder = backed_up(office, tmp_path / "keys")
    office.desk.close()
    for end in ("", "-wal", "-shm"):
        (office.folder / f"{store.DATABASE}{end}").unlink(missing_ok=True)
    (office.folder / store.DATABASE).write_bytes(b"not a database" * 1000)
    done = backup.restore(office.folder, folder, now=clock.now())
    office.again()
    assert (done.log_kept, Path(done.put_aside).is_dir()) == (False, True)
    assert names(office, subjects, envelopes) == [["Wang Fang 0"]]


def test_a_lost_keeper_comes_back(office: Office, tmp_path: Path) -> None:
    subjects, envelopes = office.seal(batch(1))
    folder = backed_up(office, tmp_path / "keys")
    office.desk.close()
    shutil.rmtree(office.folder)
    done = backup.restore(office.folder, folder, now=clock.now())
    office.again()
    assert (done.log_kept, done.put_aside) == (False, "")
    assert names(office, subjects, envelopes) == [["Wang Fang 0"]]
    later, sealed = office.seal(batch(1))
    assert later[0] >> 32 > subjects[0] >> 32
    assert names(office, later, sealed) == [["Wang Fang 0"]]


def test_a_restore_that_died_between_its_last_steps_is_made_good(office: Office, tmp_path: Path) -> None:
    subjects, envelopes = office.seal(batch(1))
    folder = backed_up(office, tmp_path / "keys")
    erase(office, subjects[0])
    office.desk.close()
    office.folder.rename(office.folder.with_name("keeper.replaced"))
    assert backup.restore(office.folder, folder, now=clock.now()).erased == 1
    office.again()
    assert names(office, subjects, envelopes) == [None]


def test_an_old_backup_is_refused_until_someone_insists(office: Office, tmp_path: Path) -> None:
    subjects, envelopes = office.seal(batch(1))
    folder = backed_up(office, tmp_path / "keys")
    with pytest.raises(Refused, match="31 days old") as refusal:
        restored(office, folder, later=timedelta(days=31, minutes=1))
    assert code_of(refusal) == "backup.too_old"
    restored(office, folder, later=timedelta(days=29))
    restored(office, folder, later=timedelta(days=31, minutes=1), force=True)
    assert names(office, subjects, envelopes) == [["Wang Fang 0"]]


def test_another_keeper_s_backup_is_refused(office: Office, tmp_path: Path) -> None:
    office.seal(batch(1))
    backed_up(office, tmp_path / "keys")
    store.initialise(tmp_path / "other")
    other = Office(tmp_path / "other")
    other.seal(batch(1))
    folder = backed_up(other, tmp_path / "others")
    other.desk.close()
    with pytest.raises(Refused) as refusal:
        restored(office, folder)
    assert code_of(refusal) == "backup.other_keeper"
    assert office.desk.vault.key_id == 1


def test_a_running_keeper_is_not_replaced(office: Office, tmp_path: Path) -> None:
    folder = backed_up(office, tmp_path / "keys")
    held = store.lock(office.folder)
    with pytest.raises(Refused) as refusal:
        backup.restore(office.folder, folder, now=clock.now())
    os.close(held)
    assert code_of(refusal) == "backup.in_use"


@pytest.mark.parametrize("name", ["key", "tags", "secrets.1", store.DATABASE, "manifest.json"])
def test_a_changed_backup_is_refused_and_the_keeper_stays(office: Office, tmp_path: Path, name: str) -> None:
    subjects, envelopes = office.seal(batch(1))
    folder = backed_up(office, tmp_path / "keys")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(Refused) as refusal:
        restored(office, folder)
    assert code_of(refusal) == "backup.changed"
    (folder / name).unlink()
    with pytest.raises(Refused):
        restored(office, folder)
    assert names(office, subjects, envelopes) == [["Wang Fang 0"]]


def test_keys_and_records_never_lie_together(office: Office, tmp_path: Path) -> None:
    at = clock.now()
    manifest.finish(manifest.begin(tmp_path / "both", manifest.DATABASE, at), manifest.DATABASE, at)
    for place in (tmp_path / "both", tmp_path / "both" / "keys", next((tmp_path / "both").glob("database-*"))):
        reply = office.desk.answer(protocol.BackUpKeys(office.sign(OPERATOR), str(place)))
        assert reply.code == "backup.same_folder"
    folder = backed_up(office, tmp_path / "keys")
    for place in (folder, folder.parent, folder.parent / "database"):
        with pytest.raises(Refused) as refusal:
            manifest.begin(place, manifest.DATABASE, at)
        assert code_of(refusal) == "backup.same_folder"
    with pytest.raises(Refused) as refusal:
        manifest.read(next((tmp_path / "both").glob("database-*")), manifest.KEYS)
    assert code_of(refusal) == "backup.wrong_kind"
    with pytest.raises(Refused) as refusal:
        manifest.read(tmp_path / "both", manifest.KEYS)
    assert code_of(refusal) == "backup.none"


def test_while_people_are_loaded_no_backup_is_made(office: Office, tmp_path: Path) -> None:
    with office.desk.vault.loading():
        reply = office.desk.answer(protocol.BackUpKeys(office.sign(OPERATOR), str(tmp_path / "keys")))
    assert reply.code == "gate.loading"
    assert not list((tmp_path).glob("keys/*"))


def test_a_backup_that_cannot_be_written_says_so(office: Office, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    reply = office.desk.answer(protocol.BackUpKeys(office.sign(OPERATOR), str(tmp_path / "file")))
    assert reply.code == "gate.backup_failed"


def test_old_backups_go_and_younger_ones_stay(office: Office, tmp_path: Path) -> None:
    place, now = tmp_path / "keys", clock.now()
    with clock.use(clock.DrillClock(now - timedelta(days=31))):
        manifest.finish(manifest.begin(place, manifest.KEYS, clock.now()), manifest.KEYS, clock.now())
    young = backed_up(office, place)
    (place / "notes").mkdir()
    gone = manifest.prune(place, older_than=timedelta(days=30), now=now + timedelta(minutes=1))
    assert len(gone) == 1
    assert {path.name for path in place.iterdir()} == {young.name, "notes"}
    assert manifest.prune(tmp_path / "none", older_than=timedelta(days=30), now=now) == []


def test_an_erasure_that_waits_in_the_log_is_finished_by_a_restore(office: Office, tmp_path: Path) -> None:
    subjects, envelopes = office.seal(batch(1))
    name = office.desk.vault.pseudonym(int(subjects[0]))
    office.desk.log.append([], store.erase(int(subjects[0]), name))
    folder = backed_up(office, tmp_path / "keys")
    restored(office, folder)
    assert names(office, subjects, envelopes) == [None]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["seal", "back up", "erase", "rotate", "restore"]), max_size=9), st.randoms())
def test_whatever_is_restored_the_living_open_and_the_erased_do_not(acts: list[str], chance: object) -> None:
    with tempfile.TemporaryDirectory() as place:
        store.initialise(Path(place) / "keeper")
        office, people, erased, backups = Office(Path(place) / "keeper"), {}, set(), []
        for number, act in enumerate(acts):
            living = sorted(set(people) - erased)
            if act == "seal":
                (subject,), envelope = office.seal(batch(1, name=f"Person {number}"))
                people[int(subject)] = number, envelope
            elif act == "back up":
                backups.append((backed_up(office, Path(place) / str(number)), set(people)))
            elif act == "erase" and living:
                erased.add(chosen := chance.choice(living))
                erase(office, chosen)
            elif act == "rotate":
                office.desk.vault.rotate()
            elif act == "restore" and backups:
                folder, known = chance.choice(backups)
                restored(office, folder)
                people = {subject: kept for subject, kept in people.items() if subject in known}
        for subject, (number, envelope) in people.items():  # the envelopes are those of an old copy of the records
            expected = None if subject in erased else [f"Person {number} 0"]
            assert names(office, np.array([subject]), envelope) == [expected]
        office.desk.close()
        log.verify(Path(place) / "keeper")


def test_the_process_that_restores_tells_what_it_did(office: Office, tmp_path: Path) -> None:
    folder = backed_up(office, tmp_path / "keys")
    office.desk.close()
    assert backup.main(["--dir", str(office.folder), "--from", str(folder)]) == manifest.RESTORED
    assert backup.main(["--dir", str(office.folder), "--from", str(tmp_path)]) == manifest.REFUSED
    office.again()
    assert Vault(office.folder).key_id == 2
