"""The Merkle tree of RFC 6962: append, root, inclusion and consistency proofs, and their verification."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry). Source: RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right). Source: RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """An append-only tree in memory: every complete level is kept, so that proofs cost logarithmic work."""

    def __init__(self, leaf_hashes: Sequence[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        for leaf in leaf_hashes:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> int:
        """Add a leaf hash; return its index."""
        levels, index, node = self._levels, len(self._levels[0]), leaf
        levels[0].append(node)
        position, level = index, 0
        while position & 1:
            node = node_hash(levels[level][position - 1], node)
            position >>= 1
            level += 1
            if level == len(levels):
                levels.append([])
            levels[level].append(node)
        return index

    def root(self, size: int | None = None) -> bytes:
        """The tree head over the first `size` leaves (all of them by default)."""
        return self._subtree(0, self._checked(size))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of a leaf, from the leaf upwards. Source: RFC 6962, section 2.1.1."""
        size = self._checked(size)
        if not 0 <= index < size:
            raise ValueError("No such leaf in a tree of that size.")
        return self._path(index, 0, size)

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """Proof that the first `old` leaves are a prefix of the tree. Source: RFC 6962, section 2.1.2."""
        size = self._checked(size)
        if not 0 < old <= size:
            raise ValueError("The older tree must be smaller and not empty.")
        return self._consistency(old, 0, size, whole=True)

    def _checked(self, size: int | None) -> int:
        size = len(self) if size is None else size
        if not 0 <= size <= len(self):
            raise ValueError("The tree is not that large.")
        return size

    def _subtree(self, start: int, end: int) -> bytes:
        count = end - start
        if count == 0:
            return EMPTY_ROOT
        if count & (count - 1) == 0 and start % count == 0:
            level = count.bit_length() - 1
            return self._levels[level][start >> level]
        split = _split(count)
        return node_hash(self._subtree(start, start + split), self._subtree(start + split, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        count = end - start
        if count == 1:
            return []
        split = _split(count)
        if index < split:
            return [*self._path(index, start, start + split), self._subtree(start + split, end)]
        return [*self._path(index - split, start + split, end), self._subtree(start, start + split)]

    def _consistency(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        count = end - start
        if old == count:
            return [] if whole else [self._subtree(start, end)]
        split = _split(count)
        if old <= split:
            return [*self._consistency(old, start, start + split, whole=whole), self._subtree(start + split, end)]
        return [
            *self._consistency(old - split, start + split, end, whole=False),
            self._subtree(start, start + split),
        ]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf hash stands at `index` of the tree with that root. Source: RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and node == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the older tree is a prefix of the newer. Source: RFC 9162, section 2.1.4.2."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or (not proof and old & (old - 1)):
        return False
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    if not path:
        return False
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1
