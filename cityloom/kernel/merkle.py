"""The Merkle tree of RFC 6962: append, root, inclusion and consistency proofs, and their verification."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = hashlib.sha256(b"").digest()
_sha256 = hashlib.sha256


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry). Source: RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right). Source: RFC 6962, section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


Node = Callable[[int, int], bytes]
"""The hash of the perfect subtree of 2**level leaves that begins at leaf index * 2**level."""


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
        return root_of(self.node, self._checked(size))

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """The audit path of a leaf, from the leaf upwards."""
        return inclusion_path(self.node, index, self._checked(size))

    def consistency_proof(self, old: int, size: int | None = None) -> list[bytes]:
        """Proof that the first `old` leaves are a prefix of the tree."""
        return consistency_path(self.node, old, self._checked(size))

    def node(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree."""
        return self._levels[level][index]

    def _checked(self, size: int | None) -> int:
        size = len(self) if size is None else size
        if not 0 <= size <= len(self):
            raise ValueError("The tree is not that large.")
        return size


class Edge:
    """The right edge of an append-only tree: enough to append and to know the root, and no more.

    `partial` holds, for each tile level, the hashes of the tile that is not full yet; what is full is handed out once,
    as a tile of 256 hashes. Memory grows with the logarithm of the size. Source: C2SP tlog-tiles.
    """

    def __init__(self, size: int = 0, partial: Sequence[Sequence[bytes]] = ()) -> None:
        self.size = size
        self.partial: list[list[bytes]] = [list(tile) for tile in partial]
        self._stack = _perfect_subtrees(self.partial)
        widths = [size >> TILE_HEIGHT * level & TILE_WIDTH - 1 for level in range(len(self.partial))]
        if [len(tile) for tile in self.partial] != widths or size >> TILE_HEIGHT * len(self.partial):
            raise ValueError("The partial tiles do not belong to a tree of that size.")

    def copy(self) -> Edge:
        """An edge that grows apart from this one."""
        twin = Edge.__new__(Edge)
        twin.size, twin.partial, twin._stack = self.size, [tile[:] for tile in self.partial], self._stack[:]
        return twin

    def extend(self, hashes: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Add leaf hashes; return the tiles that became full: level, index, 8,192 bytes."""
        full: list[tuple[int, int, bytes]] = []
        at = 0
        while at < len(hashes):
            filled = self.size & TILE_WIDTH - 1
            run = hashes[at : at + TILE_WIDTH - filled]
            self._tile(0).extend(run)
            if filled + len(run) == TILE_WIDTH:
                self._close_tile(filled, full)
            else:
                self._add_leaves(run)
            at += len(run)
        return full

    def root(self) -> bytes:
        """The root of everything that was added."""
        if not self._stack:
            return EMPTY_ROOT
        node = self._stack[-1]
        for left in self._stack[-2::-1]:
            node = node_hash(left, node)
        return node

    def _add_leaves(self, run: Sequence[bytes]) -> None:
        stack, position = self._stack, self.size
        for leaf in run:
            node, carry = leaf, position
            while carry & 1:
                node = _sha256(b"\x01" + stack.pop() + node).digest()
                carry >>= 1
            stack.append(node)
            position += 1
        self.size = position

    def _close_tile(self, filled: int, full: list[tuple[int, int, bytes]]) -> None:
        """Put the full tile of level 0 in the place of the subtrees that its first leaves had made."""
        del self._stack[len(self._stack) - filled.bit_count() :]
        self.size += TILE_WIDTH - filled
        root = perfect_root(self.partial[0])
        node, carry = root, (self.size >> TILE_HEIGHT) - 1
        while carry & 1:
            node = node_hash(self._stack.pop(), node)
            carry >>= 1
        self._stack.append(node)
        self._hand_out(0, root, full)

    def _hand_out(self, level: int, root: bytes, full: list[tuple[int, int, bytes]]) -> None:
        full.append((level, (self.size >> TILE_HEIGHT * (level + 1)) - 1, b"".join(self.partial[level])))
        self.partial[level] = []
        above = self._tile(level + 1)
        above.append(root)
        if len(above) == TILE_WIDTH:
            self._hand_out(level + 1, perfect_root(above), full)

    def _tile(self, level: int) -> list[bytes]:
        while level >= len(self.partial):
            self.partial.append([])
        return self.partial[level]


def halves(hashes: Sequence[bytes]) -> list[bytes]:
    """The level above an even number of hashes."""
    each = iter(hashes)
    return [_sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = halves(hashes)
    return hashes[0]


def _perfect_subtrees(partial: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The maximal perfect subtrees that the partial tiles make up, the largest first."""
    found = []
    for tile in reversed(partial):
        at = 0
        for bit in range(TILE_HEIGHT - 1, -1, -1):
            if len(tile) & 1 << bit:
                found.append(perfect_root(tile[at : at + (1 << bit)]))
                at += 1 << bit
    return found


def root_of(node: Node, size: int) -> bytes:
    """The tree head over the first `size` leaves."""
    return _subtree(node, 0, size)


def inclusion_path(node: Node, index: int, size: int) -> list[bytes]:
    """The audit path of a leaf, from the leaf upwards. Source: RFC 6962, section 2.1.1."""
    if not 0 <= index < size:
        raise ValueError("No such leaf in a tree of that size.")
    return _path(node, index, 0, size)


def consistency_path(node: Node, old: int, size: int) -> list[bytes]:
    """Proof that the first `old` leaves are a prefix of the tree. Source: RFC 6962, section 2.1.2."""
    if not 0 < old <= size:
        raise ValueError("The older tree must be smaller and not empty.")
    return _consistency(node, old, 0, size, whole=True)


def _subtree(node: Node, start: int, end: int) -> bytes:
    count = end - start
    if count == 0:
        return EMPTY_ROOT
    if count & (count - 1) == 0 and start % count == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    split = _split(count)
    return node_hash(_subtree(node, start, start + split), _subtree(node, start + split, end))


def _path(node: Node, index: int, start: int, end: int) -> list[bytes]:
    count = end - start
    if count == 1:
        return []
    split = _split(count)
    if index < split:
        return [*_path(node, index, start, start + split), _subtree(node, start + split, end)]
    return [*_path(node, index - split, start + split, end), _subtree(node, start, start + split)]


def _consistency(node: Node, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
    count = end - start
    if old == count:
        return [] if whole else [_subtree(node, start, end)]
    split = _split(count)
    if old <= split:
        return [*_consistency(node, old, start, start + split, whole=whole), _subtree(node, start + split, end)]
    return [
        *_consistency(node, old - split, start + split, end, whole=False),
        _subtree(node, start, start + split),
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
