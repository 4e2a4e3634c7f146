"""Keys and slots: the key-encryption key, each person's secret, tag and traits, sealing and opening.

Three dense files, memory-mapped, one place a slot: `secrets` (32 bytes), `tags` (uint32, the random half of the subject
id; 0 = empty or erased) and `traits` (uint16). Nothing here decides who may open what.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import os
import struct
import threading
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from numpy.typing import NDArray

from cityloom.keeper import record
from cityloom.kernel import ids

KEY_FILE = "key"
ENVELOPE_VERSION = 1
_SECRET_BYTES = 32
_HEADER = struct.Struct(">BHB")  # version, key id, field set
_BOUND = struct.Struct(">BHBq")  # the same and the subject: the associated data
_NONCE_BYTES = 12
_BLOCK_BYTES = _SECRET_BYTES + 1  # a secret and HKDF's counter
_GROWTH = 1 << 18  # slots by which the files grow
_SALT = b"cityloom keeper v1"
_FILES = (("secrets", np.dtype(("u1", (_SECRET_BYTES,)))), ("tags", np.dtype("<u4")), ("traits", np.dtype("<u2")))


class UnknownKey(Exception):  # noqa: N818 - read as a fact
    """An envelope names a key that this keeper does not hold."""


class Damaged(Exception):  # noqa: N818 - read as a fact
    """An envelope is not what was sealed for this person."""


def create(folder: Path) -> None:
    """Make a key file (mode 0600) and empty slot files. Raises: FileExistsError; a key is never replaced."""
    handle = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(f"1 {ids.random_bytes(32).hex()}\n")
        stream.flush()
        os.fsync(stream.fileno())
    for name, _ in _FILES:
        os.close(os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def read_keys(folder: Path) -> dict[int, bytes]:
    """The key-encryption keys by their number. Raises: ValueError for a file that is not a key file."""
    keys = {}
    for line in (folder / KEY_FILE).read_text().splitlines():
        number, _, text = line.partition(" ")
        keys[int(number)] = bytes.fromhex(text)
    if not keys or any(len(key) != 32 for key in keys.values()):
        raise ValueError("The key file holds no key of 32 bytes.")
    return keys


class Derivation:
    """HKDF-SHA256 for many secrets under one key: extract once, expand once a secret, with the secret in the info.

    Equal to HKDF(key, salt, info=label | secret, 32 bytes); the hash states are kept because this runs once a person.
    Source: RFC 5869.
    """

    def __init__(self, key: bytes, label: bytes) -> None:
        pseudorandom = hmac.digest(_SALT, key, "sha256").ljust(64, b"\x00")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in pseudorandom) + label)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in pseudorandom))

    def derive(self, secret: bytes) -> bytes:
        """32 bytes for a secret."""
        return self.expand(secret + b"\x01")

    def expand(self, block: bytes) -> bytes:
        """32 bytes for a secret that already has HKDF's counter byte behind it."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(block)
        outer.update(inner.digest())
        return outer.digest()


class Slots:
    """The three files, mapped; safe to read in any thread, written by one owner a slot."""

    def __init__(self, folder: Path) -> None:
        self._paths = [(folder / name, dtype) for name, dtype in _FILES]
        self._lock = threading.Lock()
        self._map()

    def __len__(self) -> int:
        return len(self.tags)

    def grow_to(self, slots: int) -> None:
        """Make room, and map files that another process has grown. Raises: OSError when the disk is full."""
        with self._lock:
            if slots > len(self):
                for path, dtype in self._paths:
                    if path.stat().st_size < slots * dtype.itemsize:
                        _lengthen(path, -(-slots // _GROWTH) * _GROWTH * dtype.itemsize)
                self._map()

    def sync(self) -> None:
        """Put every slot on the disk, whichever process wrote it."""
        for path, _ in self._paths:
            handle = os.open(path, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _map(self) -> None:
        self.secrets, self.tags, self.traits = (_mapped(path, dtype) for path, dtype in self._paths)


def _lengthen(path: Path, size: int) -> None:
    """Make a file longer, with room on the disk for all of it: writing to a map without room is the process's death."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(handle, 0, size)
    finally:
        os.close(handle)


def _mapped(path: Path, dtype: np.dtype) -> NDArray:
    shape = dtype.shape
    count = path.stat().st_size // dtype.itemsize
    if count == 0:
        return np.zeros((0, *shape), dtype=dtype.base)
    with path.open("r+b") as stream:
        memory = mmap.mmap(stream.fileno(), count * dtype.itemsize)
    return np.frombuffer(memory, dtype=dtype.base).reshape(count, *shape)


class Vault:
    """Seal and open under the keeper's keys."""

    def __init__(self, folder: Path) -> None:
        keys = read_keys(folder)
        self.key_id = max(keys)
        self.slots = Slots(folder)
        self._envelope_keys = {number: Derivation(key, b"envelope v1|") for number, key in keys.items()}
        first = keys[min(keys)]  # pseudonyms must stay the same when a newer key takes over
        self._pseudonyms = Derivation(first, b"pseudonym v1|")
        self._log_key = Derivation(first, b"log v1|").derive(b"")

    def seal(
        self, first_slot: int, records: NDArray[np.uint8], traits: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], bytes]:
        """Fill consecutive slots; return the subjects and their envelopes, 160 bytes each."""
        count = len(records)
        self.slots.grow_to(first_slot + count)
        secrets = np.frombuffer(ids.random_bytes(_SECRET_BYTES * count), np.uint8).reshape(count, _SECRET_BYTES)
        tags = np.maximum(np.frombuffer(ids.random_bytes(4 * count), "<u4"), 1)
        subjects = record.subjects_at(first_slot, tags)
        envelopes = self._envelopes(subjects, secrets, records)
        here = slice(first_slot, first_slot + count)
        self.slots.secrets[here], self.slots.traits[here], self.slots.tags[here] = secrets, traits, tags
        return subjects, envelopes

    def open_envelope(self, subject: int, envelope: bytes) -> bytes:
        """The plaintext record. Raises: UnknownKey, Damaged."""
        if len(envelope) != record.ENVELOPE_BYTES or envelope[0] != ENVELOPE_VERSION:
            raise Damaged
        version, key_id, field_set = _HEADER.unpack_from(envelope)
        if key_id not in self._envelope_keys:
            raise UnknownKey
        key = self._envelope_keys[key_id].derive(self._secret(subject))
        nonce, sealed = envelope[_HEADER.size : _HEADER.size + _NONCE_BYTES], envelope[_HEADER.size + _NONCE_BYTES :]
        try:
            return AESGCMSIV(key).decrypt(nonce, sealed, _BOUND.pack(version, key_id, field_set, subject))
        except InvalidTag as error:
            raise Damaged from error

    def alive(self, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which subjects this keeper holds: a guessed or erased id is not one of them."""
        slots = record.slots_of(subjects)
        inside = (slots >= 0) & (slots < len(self.slots))
        tags = self.slots.tags[np.where(inside, slots, 0)] if len(self.slots) else np.zeros(len(subjects), np.uint32)
        return inside & (tags != 0) & (tags == record.tags_of(subjects))

    def traits(self, subjects: NDArray[np.int64]) -> NDArray[np.uint16]:
        """The traits of subjects that are alive."""
        return self.slots.traits[record.slots_of(subjects)]

    def pseudonym(self, subject: int) -> bytes:
        """What the log calls a person, 16 bytes; nobody can compute it any more once the person is erased."""
        return self._pseudonyms.derive(self._secret(subject))[:16]

    def keyed(self, *parts: bytes) -> str:
        """A keyed digest for the log, in hexadecimal: equal for equal parts, meaningless to those without the key."""
        return hmac.digest(self._log_key, b"\x00".join(parts), "sha256")[:16].hex()

    def erase(self, subject: int) -> None:
        """Zero the person's slot, and put that on the disk."""
        slot = subject >> 32
        self.slots.tags[slot] = 0
        self.slots.secrets[slot] = 0
        self.slots.traits[slot] = 0
        self.slots.sync()

    def _secret(self, subject: int) -> bytes:
        return self.slots.secrets[subject >> 32].tobytes()

    def _envelopes(self, subjects: NDArray[np.int64], secrets: NDArray[np.uint8], records: NDArray[np.uint8]) -> bytes:
        count, expand = len(subjects), self._envelope_keys[self.key_id].expand
        size = record.RECORD.itemsize
        blocks = np.concatenate([secrets, np.ones((count, 1), np.uint8)], axis=1).tobytes()
        plain, nonces = records.tobytes(), ids.random_bytes(_NONCE_BYTES * count)
        header = _HEADER.pack(ENVELOPE_VERSION, self.key_id, record.FIELD_SET)
        bound = [header + subject for subject in _eights(subjects.astype(">i8").tobytes())]
        out = []
        for at, about in enumerate(bound):
            key = expand(blocks[at * _BLOCK_BYTES : (at + 1) * _BLOCK_BYTES])
            nonce = nonces[at * _NONCE_BYTES : (at + 1) * _NONCE_BYTES]
            out += (header, nonce, AESGCMSIV(key).encrypt(nonce, plain[at * size : (at + 1) * size], about))
        return b"".join(out)


def _eights(run: bytes) -> list[bytes]:
    return [run[at : at + 8] for at in range(0, len(run), 8)]
