"""The log verifies after any appends and never after a change; many clients share one commit."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.keeper import finder, log, store
from cityloom.keeper.log import Log, LogBroken, LogFailed, leaf, leaves, verify
from cityloom.kernel import canonical, ids, merkle

GROUPS = st.lists(st.lists(st.text(max_size=20), max_size=5), max_size=8)


def written(folder: Path, groups: list[list[str]]) -> tuple[int, bytes]:
    """A log in a folder, with these groups of leaves appended one after another."""
    store.initialise(folder)
    book = Log(folder)
    for group in groups:
        book.append([leaf("opened", {"purpose": text}, b"p" * 16) for text in group])
        book.append(leaves("opened", {"purpose": "bulk"}, [number.to_bytes(16) for number in range(len(group) * 60)]))
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
        assert head[0] == sum(map(len, groups)) * 61
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
    """Change one byte of a leaf or its salt, drop a row, add one, or touch what was derived from the leaves."""
    database = sqlite3.connect(folder / store.DATABASE)
    ask = "SELECT first, count, facts, cut, salts, subjects FROM leaves WHERE first <= ? ORDER BY first DESC"
    first, _, facts, _, salts, subjects = database.execute(ask, (at,)).fetchone()
    database.close()
    kinds = ["facts", "salt", "person", "cut", "drop", "add", "flow", "tile", "head", "count"]
    kind = data.draw(st.sampled_from(kinds))
    if kind == "facts":
        changed = facts.replace('"kind":"opened"', '"kind":"listed"')
        change(folder, "UPDATE leaves SET facts = ? WHERE first = ?", changed, first)
    elif kind == "salt":
        change(folder, "UPDATE leaves SET salts = ? WHERE first = ?", flipped(data, salts), first)
    elif kind == "person":
        change(folder, "UPDATE leaves SET subjects = ? WHERE first = ?", flipped(data, subjects), first)
    elif kind == "cut":
        change(folder, "UPDATE leaves SET cut = cut - 1 WHERE first = ?", first)
    elif kind == "count":
        change(folder, "UPDATE leaves SET count = count + 1 WHERE first = ?", first)
    elif kind == "drop":
        change(folder, "DELETE FROM leaves WHERE first = ?", first)
    elif kind == "add":
        change(folder, "INSERT INTO leaves VALUES (?, 1, ?, 1, ?, '')", size, facts, salts[:16])
    elif kind == "flow":
        change(folder, "UPDATE flow SET leaves = leaves + 1")
    elif kind == "tile":
        change(folder, "INSERT OR REPLACE INTO tile VALUES (?, ?)", data.draw(st.integers(0, 3)), bytes(8192))
    else:
        change(folder, "UPDATE head SET root = ?", bytes(32))


def flipped(data: st.DataObject, run: bytes) -> bytes:
    place = data.draw(st.integers(0, len(run) - 1))
    return bytes(byte ^ 1 if spot == place else byte for spot, byte in enumerate(run))


def test_a_keeper_does_not_start_on_a_changed_log(tmp_path: Path) -> None:
    written(tmp_path / "keeper", [["a", "b"]])
    change(tmp_path / "keeper", "DELETE FROM leaves WHERE first = 0")
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
    for index in range(len(entries)):
        proof = book.inclusion(index, size)
        assert merkle.verify_inclusion(merkle.leaf_hash(book.read(index).entry), index, size, proof, root)
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


VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.integers(-(2**40), 2**40)
NAMES = st.sampled_from(["at", "purpose", "subjects", "subjecs", "zone", "unit", "action", "vault"])


@given(facts=st.dictionaries(NAMES, VALUES | st.lists(VALUES.filter(lambda one: isinstance(one, str)), max_size=3)))
def test_a_leaf_built_in_bulk_is_canonical_and_what_the_single_one_is(facts: dict[str, object]) -> None:
    people = [bytes([number]) * 16 for number in range(3)]
    (bulk,) = leaves("opened", facts, people)
    for who, text in zip(people, bulk.texts, strict=True):
        body = {"version": 1, "kind": "opened", "subject": who.hex(), **facts}
        assert text == canonical.canonical_bytes(body)
        assert leaf("opened", facts, who).texts == [text]
    assert leaf("opened", facts).texts == [canonical.canonical_bytes({"version": 1, "kind": "opened", **facts})]


def test_the_same_leaf_twice_gives_two_entries(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    book = Log(tmp_path / "keeper")
    book.append([leaf("opened", {"at": "now"}, b"p" * 16) for _ in range(2)])
    assert book.read(0).text == book.read(1).text
    assert book.read(0).entry != book.read(1).entry
    book.close()


def test_everything_about_a_person_is_found_newest_first_also_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "_RUN", 40)  # sorted runs and eras as in a log of millions
    monkeypatch.setattr(finder, "_ERA_SHIFT", 6)
    store.initialise(tmp_path / "keeper")
    book = Log(tmp_path / "keeper")
    wanted: list[int] = []
    for turn in range(60):
        people = [bytes([number]) * 16 for number in range(turn % 7)]
        first = book.append([*leaves("opened", {"at": str(turn)}, people), leaf("counted", {"people": 3})])
        wanted += [first] if people else []
    for _ in range(2):
        found = book.about([bytes(16)], limit=1000)
        assert [each.index for each in found] == wanted[::-1]
        assert [each.index for each in book.about([bytes(16)], before=wanted[30], limit=5)] == wanted[29:24:-1]
        assert book.about([b"nobody here ever"]) == []
        book.close()
        verify(tmp_path / "keeper")
        book = Log(tmp_path / "keeper")
    book.close()


def test_the_sorted_list_of_people_is_checked_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "_RUN", 1)
    written(tmp_path / "keeper", [["a"], ["b"], ["c"]])
    verify(tmp_path / "keeper")
    change(tmp_path / "keeper", "UPDATE about SET subject = ? WHERE i = 0", b"x" * 16)
    with pytest.raises(LogBroken, match="whom the leaves are about"):
        verify(tmp_path / "keeper")


def test_tiles_entries_and_flows_are_those_of_the_leaves(tmp_path: Path) -> None:
    store.initialise(tmp_path / "keeper")
    book = Log(tmp_path / "keeper")
    facts = {"at": "2026-01-02T03:04:05.000Z", "unit": "city", "purpose": "care"}
    for _ in range(3):
        book.append(leaves("opened", facts, [ids.random_bytes(16) for _ in range(250)]))
    book.append([leaf("counted", facts | {"people": 40, "exercise_id": "E"})])
    size, root = book.head
    entries = [entry for tile in range(2) for entry in book.entries(tile)] + book.entries(2, 239)
    tree = merkle.Tree([merkle.leaf_hash(entry) for entry in entries])
    assert (len(tree), tree.root()) == (size, root) == (751, root)
    assert book.tile(0, 1) == b"".join(tree.node(0, at) for at in range(256, 512))
    assert book.tile(0, 2, 200) == b"".join(tree.node(0, at) for at in range(512, 712))
    assert book.tile(1, 0, 2) == tree.node(8, 0) + tree.node(8, 1)
    for asked in ((0, 2, 240), (1, 0, 3), (2, 0, 1), (0, 3, 1), (0, 0, 257)):
        with pytest.raises(ValueError, match=r"tile|long"):
            book.tile(*asked)
    book.close()
    database = store.connect(tmp_path / "keeper")
    flows = database.execute("SELECT day, kind, exercise, leaves, people FROM flow ORDER BY kind").fetchall()
    database.close()
    assert flows == [("2026-01-02", "counted", 1, 1, 40), ("2026-01-02", "opened", 0, 750, 750)]


def test_starting_reads_no_more_than_the_edge(tmp_path: Path) -> None:
    """A full tile that was changed is found by `verify`, not by a start: starting is for logs of billions."""
    written(tmp_path / "keeper", [["a"] * 10])
    change(tmp_path / "keeper", "UPDATE tile SET hashes = zeroblob(8192) WHERE id = 0")
    Log(tmp_path / "keeper").close()
    with pytest.raises(LogBroken, match="Tile 0 of level 0"):
        verify(tmp_path / "keeper")
