"""The key-encryption key and what stays the same when it is changed: one small file, replaced in one step.

The file names the slot file that belongs to its key by the key's number, so that replacing it switches both.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cityloom.keeper import files
from cityloom.kernel import ids

KEY_FILE = "key"
MOST_KEYS = 0xFFFF  # an envelope has two bytes for the number
_DRAFT, _OLD = "key.new", "key.old"
_FORMAT = "cityloom keeper 2"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_SALT = b"cityloom keeper v2"


class OldKeeper(ValueError):  # noqa: N818 - read as a fact
    """A keeper folder of a format that this version does not read."""

    def __init__(self) -> None:
        super().__init__("This keeper is of an earlier version of Cityloom, whose keys this one does not read; build or"
                         " import the city again.")  # fmt: skip


class KeySpoilt(ValueError):  # noqa: N818 - read as a fact
    """The key file is not whole."""

    def __init__(self) -> None:
        super().__init__("The keeper's key file is not whole; restore the keys from a backup.")


@dataclass(frozen=True)
class Keyring:
    """`key` wraps every slot and changes when keys are rotated; `identity` never does: names in the log rest on it."""

    number: int
    key: bytes
    identity: bytes

    def renewed(self) -> Keyring:
        """The same with a new key."""
        return Keyring(self.number + 1, ids.random_bytes(_KEY_BYTES), self.identity)

    def for_slots(self) -> bytes:
        """The key that wraps slots."""
        return _derived(self.key, "slots")

    def lasting(self, use: str) -> bytes:
        """A key for one use that is the same after every rotation."""
        return _derived(self.identity, use)


def create(folder: Path) -> Keyring:
    """Make the first key (mode 0600). Raises: FileExistsError; a key is never replaced by making one."""
    ring = Keyring(1, ids.random_bytes(_KEY_BYTES), ids.random_bytes(_KEY_BYTES))
    _write(folder / KEY_FILE, ring)
    return ring


def read(folder: Path) -> Keyring:
    """The keys in force. Raises: OldKeeper, KeySpoilt."""
    lines = (folder / KEY_FILE).read_text(errors="replace").splitlines()
    if not lines or lines[0] != _FORMAT:
        raise OldKeeper if lines and lines[0].split(" ")[0].isdecimal() else KeySpoilt
    try:
        number, key, wrapped = lines[1].split(" ")
        return _unwrapped(int(number), bytes.fromhex(key), bytes.fromhex(wrapped))
    except (ValueError, IndexError, InvalidTag) as error:
        raise KeySpoilt from error


def replace(folder: Path, ring: Keyring) -> None:
    """Put other keys in force in one step, on the disk when it returns; the old ones wait for `destroy_old`."""
    (folder / _DRAFT).unlink(missing_ok=True)
    _write(folder / _DRAFT, ring)
    (folder / _OLD).unlink(missing_ok=True)
    os.link(folder / KEY_FILE, folder / _OLD)
    (folder / _DRAFT).rename(folder / KEY_FILE)
    files.sync(folder)


def destroy_old(folder: Path) -> None:
    """Overwrite and remove keys that are not in force any more, also those that a crash left behind."""
    old = folder / _OLD
    if old.exists() and old.samefile(folder / KEY_FILE):
        old.unlink()  # the crash came before the new key was in force: this is the key in force
    for path in (old, folder / _DRAFT):
        files.destroy(path)
    files.sync(folder)


def _write(path: Path, ring: Keyring) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{_FORMAT}\n{ring.number} {ring.key.hex()} {_wrapped(ring).hex()}\n")
        stream.flush()
        os.fsync(stream.fileno())


def _wrapped(ring: Keyring) -> bytes:
    nonce = ids.random_bytes(_NONCE_BYTES)
    return nonce + AESGCMSIV(_derived(ring.key, "identity")).encrypt(nonce, ring.identity, _about(ring.number))


def _unwrapped(number: int, key: bytes, wrapped: bytes) -> Keyring:
    if len(key) != _KEY_BYTES or not 0 < number <= MOST_KEYS:
        raise KeySpoilt
    nonce, sealed = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    return Keyring(number, key, AESGCMSIV(_derived(key, "identity")).decrypt(nonce, sealed, _about(number)))


def _about(number: int) -> bytes:
    return f"{_FORMAT} {number}".encode()


def _derived(key: bytes, use: str) -> bytes:
    """Source: RFC 5869."""
    return HKDF(SHA256(), _KEY_BYTES, salt=_SALT, info=f"{use} v2".encode()).derive(key)
