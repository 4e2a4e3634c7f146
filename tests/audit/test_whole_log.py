"""The whole log is checked from what it publishes, and no change of that goes unnoticed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.audit.domain import whole_log
from cityloom.audit.domain.whole_log import Checked
from cityloom.drills.domain.log_mutations import Files, mutated_files
from cityloom.keeper import verifier
from cityloom.keeper.log import leaves
from cityloom.keeper.verifier import Checkpoint, Invalid
from cityloom.kernel.merkle import Edge, Tree
from tests.audit.conftest import Book

MUTATIONS = 400


def check(files: Files, book: Book, older: Checkpoint | None = None) -> Checked:
    return whole_log.check(lambda path, most: files.get(path), book.key, older=older)


def signed(book: Book) -> Checkpoint:
    return verifier.open_checkpoint(book.proofs.note(), book.key)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 66_000])
def test_a_log_of_any_size_verifies(book: Book, size: int) -> None:
    book.log.append([])
    if size:
        book.log.append(leaves("opened", {"at": "2026"}, [number.to_bytes(16) for number in range(size)]))
    files = book.files()
    found = check(files, book)
    assert found.checkpoint == signed(book)
    assert found.tiles == sum(name.startswith("tile/") and "entries" not in name for name in files)


def test_partial_tiles_may_have_become_full(book: Book) -> None:
    book.grow(300)
    early = {name: run for name, run in book.files().items() if name in ("checkpoint", "tile/1/000.p/1")}
    book.grow(400)
    assert check(book.files() | early, book).checkpoint.size == 300


def test_no_change_goes_unnoticed(book: Book) -> None:
    book.grow(600)
    files = book.files()
    assert check(files, book)
    rng = random.Random(2)
    for number in range(MUTATIONS):
        changed = mutated_files(files, rng)
        with pytest.raises(Invalid):
            check(changed, book)
            pytest.fail(f"mutation {number} was not noticed")


def test_an_older_checkpoint_holds_it_to_its_word(book: Book, other_book: Book) -> None:
    book.grow(100)
    early = signed(book)
    book.grow(500)
    files = book.files()
    assert check(files, book, early)
    assert check(files, book, signed(book))
    assert check(files, book, Checkpoint(early.origin, 0, Edge().root()))
    other_book.grow(100)
    for older, code in (
        (Checkpoint(early.origin, 100, bytes(32)), "log.rewritten"),
        (Checkpoint(early.origin, 512, early.root), "log.rewritten"),
        (Checkpoint(early.origin, 601, early.root), "log.rolled_back"), (signed(other_book), "log.rolled_back"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refusal:
            check(files, book, older)
        assert refusal.value.code == code


def test_a_log_that_serves_another_logs_checkpoint_is_refused(book: Book, other_book: Book) -> None:
    book.grow(3)
    other_book.grow(3)
    with pytest.raises(Invalid) as refusal:
        check(book.files() | {"checkpoint": other_book.files()["checkpoint"]}, book)
    assert refusal.value.code == "checkpoint.other_log"


def test_what_is_missing_or_no_text_is_refused(book: Book) -> None:
    book.grow(3)
    for files in ({}, book.files() | {"checkpoint": b"\xff\xfe"}):
        with pytest.raises(Invalid) as refusal:
            check(files, book)
        assert refusal.value.code == "log.no_checkpoint"


@settings(max_examples=30)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_the_right_edge_knows_the_root_and_hands_out_every_full_tile(steps: list[int]) -> None:
    tree, edge, tiles, count = Tree(), Edge(), {}, 0
    for step in steps:
        hashes = [number.to_bytes(32) for number in range(count, count + step)]
        count += step
        for hashed in hashes:
            tree.append(hashed)
        for level, index, run in edge.extend(hashes):
            assert (level, index) not in tiles
            tiles[level, index] = run
        assert edge.root() == tree.root()
        assert Edge(edge.size, edge.partial).root() == tree.root()
    assert len(tiles) == count // 256 + count // 65536
    for (level, index), run in tiles.items():
        assert run == b"".join(tree.node(8 * level, 256 * index + at) for at in range(256))
