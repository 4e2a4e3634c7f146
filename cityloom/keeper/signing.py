"""Keys that sign: the log's, which never leaves the keeper's folder, and a witness's."""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityloom.keeper.verifier import LOG_KEY, WITNESS_KEY, Checkpoint, Key, cosigned_message, key_id_of
from cityloom.kernel import ids

KEY_FILE = "log-key"


@dataclass(frozen=True)
class Signer:
    """A private key, its name and its kind."""

    key: Key
    private: Ed25519PrivateKey

    def sign(self, text: str) -> str:
        """A log's signature line for a note's text."""
        return self._line(self.private.sign(text.encode()))

    def cosign(self, text: str, time_s: int) -> str:
        """A witness's signature line for a checkpoint's text, at a time in seconds since 1970."""
        return self._line(time_s.to_bytes(8, "big") + self.private.sign(cosigned_message(text, time_s)))

    def _line(self, signature: bytes) -> str:
        return f"\u2014 {self.key.name} {base64.b64encode(self.key.key_id + signature).decode()}\n"


def new_name() -> str:
    """A name for a log that no other log has."""
    return f"cityloom/log/{ids.new_ulid().lower()}"


def create(folder: Path, name: str, kind: int = LOG_KEY) -> None:
    """Make a key file (mode 0600). Raises: FileExistsError; a key is never replaced."""
    handle = os.open(folder / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(f"{kind} {name} {ids.random_bytes(32).hex()}\n")
        stream.flush()
        os.fsync(stream.fileno())


def read(folder: Path) -> Signer:
    """The key of a folder. Raises: ValueError for a file that is not a key file."""
    kind, name, seed = (folder / KEY_FILE).read_text().split()
    if int(kind) not in (LOG_KEY, WITNESS_KEY):
        raise ValueError("The key file is of no kind that is known.")
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    public = private.public_key().public_bytes_raw()
    return Signer(Key(name, key_id_of(name, int(kind), public), int(kind), public), private)


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """A checkpoint's text. Source: C2SP tlog-checkpoint."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{base64.b64encode(checkpoint.root).decode()}\n"
