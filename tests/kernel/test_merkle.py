"""The log's tree: it proves what it holds, and nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel import merkle

entries = st.lists(st.binary(max_size=40), min_size=1, max_size=130)


def tree_of(items: list[bytes]) -> merkle.Tree:
    return merkle.Tree([merkle.leaf_hash(item) for item in items])


def naive_root(hashes: list[bytes]) -> bytes:
    """The definition of RFC 6962, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(hashes[:k]) + naive_root(hashes[k:])).digest()


@given(entries)
def test_the_root_is_the_one_that_the_standard_defines(items: list[bytes]) -> None:
    assert tree_of(items).root() == naive_root([merkle.leaf_hash(item) for item in items])


@given(entries, st.data())
def test_every_entry_is_proved_at_its_place_and_a_changed_one_is_not(items: list[bytes], data: st.DataObject) -> None:
    tree, index = tree_of(items), data.draw(st.integers(0, len(items) - 1))
    proof = tree.inclusion_proof(index)
    leaf = merkle.leaf_hash(items[index])
    assert merkle.verify_inclusion(leaf, index, len(items), proof, tree.root())
    assert not merkle.verify_inclusion(merkle.leaf_hash(items[index] + b"x"), index, len(items), proof, tree.root())
    assert not merkle.verify_inclusion(leaf, index, len(items), [*proof, leaf], tree.root())


@given(entries, st.data())
def test_an_older_tree_is_proved_to_be_a_prefix_and_a_rewritten_one_is_not(
    items: list[bytes], data: st.DataObject
) -> None:
    tree, old = tree_of(items), data.draw(st.integers(1, len(items)))
    proof = tree.consistency_proof(old)
    assert merkle.verify_consistency(old, len(items), tree.root(old), tree.root(), proof)
    changed = tree_of([b"\x00changed" + items[0], *items[1:]])
    if old < len(items):
        assert not merkle.verify_consistency(old, len(items), changed.root(old), tree.root(), proof)


def test_published_roots() -> None:
    """Test vectors of the Certificate Transparency reference implementation."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = tree_of([bytes.fromhex(leaf) for leaf in leaves])
    assert tree.root(0).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tree.root(1).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert tree.root(8).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_a_tree_refuses_what_it_does_not_hold() -> None:
    tree = tree_of([b"a", b"b"])
    for call in (lambda: tree.inclusion_proof(2), lambda: tree.consistency_proof(0), lambda: tree.root(3)):
        with pytest.raises(ValueError, match="tree"):
            call()
