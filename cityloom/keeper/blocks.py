"""AES-256 over many people at once: the stream that wraps slots, and the code that makes search tokens."""

from __future__ import annotations

import threading

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, algorithms, modes
from numpy.typing import NDArray

SECRET_BYTES = 32
_BLOCK = 16
_HALF = 0x87  # the field's polynomial, for the code's subkey


class SlotCipher:
    """Wraps 32-byte secrets: AES-256 in counter mode with the subject's id as the nonce (8 bytes, then 8 of counter).

    A subject's id is given out once, so no stream covers two secrets (decision 0007). Wrapping twice unwraps.
    Source: NIST SP 800-38A, section 6.5.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._local = threading.local()  # a cipher for each thread: making one costs more than a person's block

    def apply(self, subjects: NDArray[np.int64], slots: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Wrap or unwrap, uint8 (n, 32)."""
        counters = np.zeros((len(subjects), 2, 2), ">i8")
        counters[:, :, 0] = subjects[:, None]
        counters[:, 1, 1] = 1
        stream = np.frombuffer(self._cipher().update(counters.tobytes()), np.uint8)
        return stream.reshape(-1, SECRET_BYTES) ^ slots

    def _cipher(self) -> CipherContext:
        if not hasattr(self._local, "cipher"):
            self._local.cipher = _block_cipher(self._key)
        return self._local.cipher


def message_codes(key: bytes, messages: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """AES-CMAC of each row, whole blocks of 16 bytes, uint8 (n, 16 k) to (n, 16). Source: NIST SP 800-38B."""
    zero = _encrypted(key, np.zeros(_BLOCK, np.uint8))
    doubled = int.from_bytes(zero.tobytes(), "big") << 1
    subkey = (doubled & (1 << 128) - 1) ^ (_HALF if doubled >> 128 else 0)
    last = np.frombuffer(subkey.to_bytes(_BLOCK, "big"), np.uint8)
    code = np.zeros(_BLOCK, np.uint8)
    for at in range(0, messages.shape[1] - _BLOCK, _BLOCK):
        code = _encrypted(key, code ^ messages[:, at : at + _BLOCK]).reshape(-1, _BLOCK)
    return _encrypted(key, code ^ messages[:, -_BLOCK:] ^ last).reshape(-1, _BLOCK)


def _encrypted(key: bytes, blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each block by itself: the callers see to it that blocks differ, or that equal ones may look equal."""
    return np.frombuffer(_block_cipher(key).update(blocks.tobytes()), np.uint8)


def _block_cipher(key: bytes) -> CipherContext:
    return Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305 - a bare block is wanted here
