"""The log verifies after any appends and never after a change; many clients share one commit."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.keeper import log, store
from cityloom.keeper.log import Log, LogBroken, LogFailed, leaf, verify
from cityloom.kernel import merkle

GROUPS = st.lists(st.lists(st.text(max_size=20), max_size=5), max_size=8)


def written(folder: Path, groups: list[list[str]]) -> tuple[int, bytes]:
    """A log in a folder, with these groups of leaves appended one after another."""
    store.initialise(folder)
    book = Log(folder)
    for group in groups:
        book.append([leaf("opened", {"purpose": text}, b"p" * 16) for text in group])
    head = book.head
    book.close()
    return head


def change(folder: Path, sql: str, *values: object) -> None:
    database = sqlite3.connect(folder / store.DATABASE)
    with database:
        database.execute(sql, values)
    database.close()


@settings(max_examples=8, deadline=None)
@given(groups=GROUPS)
def test_it_verifies_after_any_appends(groups: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "keeper"
        head = written(folder, groups)
        assert head[0] == sum(map(len, groups))
        assert verify(folder) == head
        again = Log(folder)
        assert again.head == head
        again.close()


@settings(max_examples=15, deadline=None)
@given(data=st.data(), groups=GROUPS.filter(any))
def test_it_never_verifies_after_a_change(data: st.DataObject, groups: list[list[str]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "keeper"
        size, _ = written(folder, groups)
        at = data.draw(st.integers(0, size - 1))
        damage(folder, data, at, size)
        with pytest.raises(LogBroken):
            verify(folder)


def damage(folder: Path, data: st.DataObject, at: int, size: int) -> None:
    """Change one byte, drop a leaf, add one, swap two, or rewrite a leaf together with its hash."""
    database = sqlite3.connect(folder / store.DATABASE)
    entry = database.execute("SELECT entry FROM leaf WHERE i = ?", (at,)).fetchone()[0]
    database.close()
    place = data.draw(st.integers(0, len(entry) - 1))
    changed = bytes(byte ^ 1 if spot == place else byte for spot, byte in enumerate(entry))
    kind = data.draw(st.sampled_from(["byte", "drop", "add", "rewrite", "hash", "head"]))
    if kind == "byte":
        change(folder, "UPDATE leaf SET entry = ? WHERE i = ?", changed, at)
    elif kind == "drop":
        change(folder, "DELETE FROM leaf WHERE i = ?", at)
    elif kind == "add":
        added = "INSERT INTO leaf VALUES (?, ?, ?, 'opened', NULL, '', '')"
        change(folder, added, size, entry, merkle.leaf_hash(entry))
    elif kind == "rewrite":
        change(folder, "UPDATE leaf SET entry = ?, hash = ? WHERE i = ?", changed, merkle.leaf_hash(changed), at)
    elif kind == "hash":
        change(folder, "UPDATE leaf SET hash = ? WHERE i = ?", merkle.leaf_hash(changed), at)
    else:
        change(folder, "UPDATE head SET root = ?", merkle.leaf_hash(changed))


def test_a_keeper_does_not_start_on_a_changed_log(tmp_path: Path) -> None:
    written(tmp_path / "keeper", [["a", "b"]])
    change(tmp_path / "keeper", "DELETE FROM leaf WHERE i = 1")
    with pytest.raises(LogBroken):
        Log(tmp_path / "keeper")


def test_proofs_of_any_leaf_and_any_older_head_hold(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    book = Log(tmp_path / "keeper")
    entries = [leaf("opened", {"at": str(number)}) for number in range(13)]
    heads = []
    for each in entries:
        book.append([each])
        heads.append(book.head)
    size, root = book.head
    for index, each in enumerate(entries):
        proof = book.inclusion(index, size)
        assert merkle.verify_inclusion(merkle.leaf_hash(each.entry), index, size, proof, root)
    for old, old_root in heads:
        assert book.root_at(old) == old_root
        assert merkle.verify_consistency(old, size, old_root, root, book.consistency(old, size))
    with pytest.raises(ValueError, match="not that long"):
        book.inclusion(0, size + 1)
    book.close()


def test_many_threads_append_each_leaf_once(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    book = Log(tmp_path / "keeper")
    firsts: list[int] = []

    def append(number: int) -> None:
        firsts.extend(book.append([leaf("opened", {"at": f"{number}.{turn}"})]) for turn in range(20))

    threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.close()
    assert sorted(firsts) == list(range(160))
    assert verify(tmp_path / "keeper")[0] == 160


def test_a_failed_commit_leaves_the_log_as_it_was(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    book = Log(tmp_path / "keeper")
    book.append([leaf("opened", {})])
    head = book.head
    with pytest.raises(LogFailed):
        book.append([leaf("opened", {})], [("INSERT INTO no_such_table VALUES (1)", ())])
    assert book.head == head
    book.append([leaf("opened", {})])
    book.close()
    assert log.verify(tmp_path / "keeper")[0] == 2
