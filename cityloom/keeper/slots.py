"""The slot files: one place for each person in dense, memory-mapped files; no keys, no decisions.

`secrets.N` (32 bytes, wrapped under key N), `tags` (uint32, the random half of the subject id; 0 = empty or erased),
`traits` (uint16), two files of search tokens (uint32; 0 = empty or erased) and three of pairs of what people are
compared by (uint32; 0 = empty or erased).
"""

from __future__ import annotations

import mmap
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import record
from cityloom.keeper.blocks import SECRET_BYTES

_GROWTH = 1 << 18  # slots by which the files grow
_STEP = 1 << 16  # slots that are wrapped anew at a time
_SECRET = np.dtype(("u1", (SECRET_BYTES,)))
_TOKENS = {f"tokens-{field}": np.dtype("<u4") for field in record.SEARCHED}
_PAIRS = {f"pairs-{name}": np.dtype("<u4") for name in record.PAIRED}
_FILES = {"tags": np.dtype("<u4"), "traits": np.dtype("<u2")} | _TOKENS | _PAIRS
Progress = Callable[[int, int], None]
"""Called with how many slots are done, and how many there are."""
Rewrap = Callable[[NDArray[np.int64], NDArray[np.uint8]], NDArray[np.uint8]]


class SlotsSpoilt(ValueError):  # noqa: N818 - read as a fact
    """The slot files do not fit each other or the keeper's database."""


def create(folder: Path, number: int) -> None:
    """Make empty files (mode 0600). Raises: FileExistsError."""
    for name in (secrets_file(number), *_FILES):
        os.close(os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def add_missing(folder: Path) -> None:
    """Give files of an earlier version the pairs that they lack: empty, until people's envelopes are gone through."""
    tags = folder / "tags"
    missing = [folder / name for name in _PAIRS if not (folder / name).exists()]
    for path in missing if tags.exists() else ():
        fresh = path.with_suffix(".part")
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600))
        if size := tags.stat().st_size:
            _lengthen(fresh, size)
        fresh.rename(path)


def names(number: int) -> list[str]:
    """The files that belong to a key."""
    return [secrets_file(number), *_FILES]


def secrets_file(number: int) -> str:
    """The file of the secrets that are wrapped under a key."""
    return f"secrets.{number}"


class Slots:
    """The files, mapped; safe to read in any thread, written by one owner a slot."""

    def __init__(self, folder: Path, number: int) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._map(number)

    def __len__(self) -> int:
        return len(self.tags)

    @property
    def secrets(self) -> NDArray[np.uint8]:
        return self.held[1]

    def grow_to(self, slots: int) -> None:
        """Make room, and map files that another process has grown. Raises: OSError when the disk is full."""
        with self._lock:
            if slots > len(self):
                for path, dtype in self._paths(self.held[0]):
                    if path.stat().st_size < slots * dtype.itemsize:
                        _lengthen(path, -(-slots // _GROWTH) * _GROWTH * dtype.itemsize)
                self._map(self.held[0])

    def sync(self) -> None:
        """Put every slot on the disk, whichever process wrote it."""
        for path, _ in self._paths(self.held[0]):
            with path.open("r+b") as stream:
                os.fsync(stream.fileno())

    def clear(self, slot: int | NDArray[np.int64]) -> None:
        """Zero one slot, or several; the tag first: a reader who still finds it has read what was there before."""
        self.tags[slot] = 0
        self.held[1][slot] = 0
        self.traits[slot] = 0
        for tokens in (*self.tokens.values(), *self.pairs.values()):
            tokens[slot] = 0

    def subjects(self, slots: slice) -> NDArray[np.int64]:
        """The subject ids of a run of slots, 32 bits of zero where the slot is empty."""
        return record.subjects_at(slots.start, self.tags[slots])

    def rewrap(self, number: int, rewrap: Rewrap, progress: Progress) -> None:
        """Write the secrets anew beside the old file, on the disk when it returns; empty slots stay empty."""
        path, total = self._folder / secrets_file(number), len(self)
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            for first in range(0, total, _STEP):
                run = slice(first, min(first + _STEP, total))
                fresh = rewrap(self.subjects(run), self.secrets[run])
                fresh[self.tags[run] == 0] = 0
                stream.write(fresh.tobytes())
                progress(run.stop, total)
            stream.flush()
            os.fsync(stream.fileno())

    def adopt(self, number: int) -> None:
        """Read secrets from another key's file from now on."""
        with self._lock:
            self._map(number)

    def remove_others(self, number: int) -> None:
        """Remove the secrets of every other key."""
        for path in self._folder.glob("secrets.*"):
            if path.name != secrets_file(number):
                path.unlink()

    def check(self, reserved: int) -> None:
        """Raises: SlotsSpoilt for files that are shorter, or hold people further on, than was ever reserved."""
        if len(self) < reserved:
            raise SlotsSpoilt("The keeper's slot files are shorter than its database says; restore the keys from a"
                              " backup.")  # fmt: skip
        if self.tags[reserved:].any():
            raise SlotsSpoilt("The keeper's slot files hold people of whom its database knows nothing; restore both"
                              " from one backup.")  # fmt: skip

    def _paths(self, number: int) -> list[tuple[Path, np.dtype]]:
        return [(self._folder / name, dtype) for name, dtype in {secrets_file(number): _SECRET, **_FILES}.items()]

    def _map(self, number: int) -> None:
        maps = [_mapped(path, dtype) for path, dtype in self._paths(number)]
        shortest = min(len(each) for each in maps)  # another process may be growing them at this moment
        secrets, _tags, self.traits, *tokens = (each[:shortest] for each in maps)
        self.tokens = dict(zip(record.SEARCHED, tokens, strict=False))
        self.pairs = dict(zip(record.PAIRED, tokens[len(record.SEARCHED) :], strict=True))
        self.held = number, secrets  # one assignment: a reader never mixes a key with another's file
        self.tags = maps[1][:shortest]


def _lengthen(path: Path, size: int) -> None:
    """Make a file longer, with room on the disk for all of it: writing to a map without room is the process's death."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(handle, 0, size)
    finally:
        os.close(handle)


def check_files(folder: Path, number: int) -> None:
    """Raises: SlotsSpoilt for files that are missing or cut off inside a slot; `Slots.check` finds the other cuts."""
    for name, dtype in {secrets_file(number): _SECRET, **_FILES}.items():
        path = folder / name
        if not path.exists() or path.stat().st_size % dtype.itemsize:
            raise SlotsSpoilt("The keeper's slot files are missing or cut off; restore the keys from a backup.")


def _mapped(path: Path, dtype: np.dtype) -> NDArray:
    shape = dtype.shape
    count = path.stat().st_size // dtype.itemsize
    if count == 0:
        return np.zeros((0, *shape), dtype=dtype.base)
    with path.open("r+b") as stream:
        memory = mmap.mmap(stream.fileno(), count * dtype.itemsize)
    return np.frombuffer(memory, dtype=dtype.base).reshape(count, *shape)
