"""A folder that fills up: what is complete in it is loaded by the mapping that fits, and goes to `done` or `refused`.

A file is first moved into `work`, which only one process can do: what arrives under its name afterwards is another
file. What is killed stays in `work` and is taken up again; a file that was loaded already changes nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cityloom.kernel import disk, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers.domain.arrivals import MARKER, REASON, Arrival, FolderFacts, fitting, is_passed_over, safe_name
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.loading import run
from cityloom.registers.loading.book import Incoming

log = logging.getLogger(__name__)
WORK, DONE, REFUSED, MAPPINGS = "work", "done", "refused", "mappings"
_LATER = frozenset({
    "registers.load_running", "registers.file_changed", "registers.disk_full", "gate.keeper_down", "gate.keeper_busy",
})  # fmt: skip
"""Refusals that are not the file's fault: it waits."""
_MOST_LISTED = 200
_LONGEST_REASON = 4_000
Told = Callable[[str, str], None]
"""Called with a file's name and what became of it."""


@dataclass
class Taken:
    """What became of the files of one look: numbers of loads, names that were refused, and names that wait."""

    loads: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def take_in(folder: Path, *, by: Actor, at: datetime, settled_s: float, tell: Told) -> Taken:
    """Load every complete file of a folder, the oldest first; one that fails holds up no other.

    Raises: Refused `registers.no_folder`, `registers.folder_watched`.
    """
    _made(folder)
    taken = Taken()
    with _alone(folder):
        mappings, broken = _mappings(folder)
        look = _Look(folder, mappings, bool(broken), by, at, settled_s, tell, taken)
        for path in _files(folder / WORK):
            look.work_off(path)
        for path in _files(folder):
            if claimed := look.claim(path):
                look.work_off(claimed)
    return taken


def _made(folder: Path) -> None:
    if not folder.is_dir():
        raise Refused("registers.no_folder", "There is no folder {value}; make it, and put mappings into its folder "
                      "{limit}.", value=folder.name, limit=MAPPINGS)  # fmt: skip
    for name in (WORK, DONE, REFUSED, MAPPINGS):
        (folder / name).mkdir(mode=0o700, exist_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Refused("registers.folder_watched", "Another process works on {value} just now; it takes care of "
                          "what arrives.", value=folder.name) from error  # fmt: skip
        yield


def _mappings(folder: Path) -> tuple[dict[str, FileMapping], list[tuple[str, str]]]:
    """The mappings that can be read, by name, and the others with what is wrong."""
    found, broken = {}, []
    for path in sorted((folder / MAPPINGS).glob("*.y*ml")):
        try:
            found[path.name] = run.read_mapping(path)
        except Refused as refusal:
            broken.append((path.name, refusal.sentence))
    return found, broken


def _files(folder: Path) -> list[Path]:
    """What lies in a folder and is no folder, the oldest first."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not is_passed_over(entry.name) and not entry.is_dir(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
    return [folder / name for _since, name in sorted(found)]


@dataclass
class _Look:
    """One look at a folder."""

    folder: Path
    mappings: dict[str, FileMapping]
    is_any_broken: bool
    by: Actor
    at: datetime
    settled_s: float
    tell: Told
    taken: Taken

    def claim(self, path: Path) -> Path | None:
        """Move a complete file into `work`; None for one that is not complete, or that somebody took away."""
        with suppress(FileNotFoundError):
            facts = path.lstat()
            if not stat.S_ISREG(facts.st_mode):
                self._refuse(path, "This is no file but a link, a pipe or a device; put the file itself here.")
                return None
            marker = path.with_name(path.name + MARKER)
            if not marker.is_file() and not _has_settled(facts, self.at, self.settled_s):
                self._wait(path, "")
                return None
            place = self.folder / WORK / safe_name(path.name)
            if place.exists():
                self._wait(path, "A file of this name is still being worked on.")
                return None
            path.rename(place)
            marker.unlink(missing_ok=True)
            return place
        return None

    def work_off(self, path: Path) -> None:
        """Load one file of `work`, and put it where it belongs."""
        try:
            mapping = self._mapping_for(path)
            if mapping is not None:
                self._load(path, mapping)
        except Refused as refusal:
            later = refusal.code in _LATER
            (self._wait if later else self._refuse)(path, refusal.sentence)
        except Exception as error:
            if disk.is_full(error):
                self._wait(path, "The disk is full; it is loaded as soon as there is space.")
                return
            reference = ids.new_ulid()
            log.exception("a file of a folder could not be loaded; reference %s", reference)
            self._refuse(path, f"A defect stopped the load; its reference in the log is {reference}.")

    def _mapping_for(self, path: Path) -> FileMapping | None:
        patterns = [(name, mapping.pattern) for name, mapping in self.mappings.items()]
        found = fitting(path.name, patterns)
        if len(found) > 1:
            raise Refused("registers.folder_two_mappings", "The patterns of {value} both fit the name; make one of "
                          "them narrower.", value=" and ".join(found))  # fmt: skip
        if found:
            return self.mappings[found[0]]
        if self.is_any_broken:
            self._wait(path, "No mapping fits the name, and one of the mappings cannot be read; mend it.")
            return None
        raise Refused("registers.folder_no_mapping", "No mapping's file.pattern fits the name; write one into {value}.",
                      value=MAPPINGS)  # fmt: skip

    def _load(self, path: Path, mapping: FileMapping) -> None:
        before = Incoming.at(path)
        outcome = run.load(mapping, path, by=self.by, at=self.at, tell=lambda _step, _rows: None)
        if not before.is_unchanged():
            self._wait(path, "It was written on after it was loaded; it is loaded again.")
            return
        self._move(path, DONE, f"{outcome.load:06d}-{path.name}")
        _reason_of(path).unlink(missing_ok=True)
        self.taken.loads.append(outcome.load)
        self.tell(path.name, f"load {outcome.load}" if outcome.is_new else f"the same as load {outcome.load}")

    def _refuse(self, path: Path, sentence: str) -> None:
        place = self._move(path, REFUSED, safe_name(path.name))
        _reason_of(path).unlink(missing_ok=True)
        _reason_of(place).write_text(sentence + "\n", "utf-8")
        self.taken.refused.append(place.name)
        self.tell(safe_name(path.name), sentence)

    def _wait(self, path: Path, sentence: str) -> None:
        if sentence and path.parent.name == WORK:
            _reason_of(path).write_text(sentence + "\n", "utf-8")
        self.taken.waiting.append(safe_name(path.name))

    def _move(self, path: Path, to: str, name: str) -> Path:
        """Move a file where no other has its name."""
        place, number = self.folder / to / name, 1
        while place.is_symlink() or place.exists():
            number += 1
            place = self.folder / to / f"{number}-{name}"
        path.rename(place)
        return place


def _reason_of(path: Path) -> Path:
    return path.with_name(path.name + REASON)


def _has_settled(facts: os.stat_result, at: datetime, settled_s: float) -> bool:
    """Whether nothing was written or renamed for a while: other times a copy may bring along, `ctime` not."""
    return at.timestamp() - facts.st_ctime >= settled_s


def is_anything_due(folder: Path, at: datetime, settled_s: float) -> bool:
    """Whether a look is worth it: something is complete, or was left over."""
    if not folder.is_dir():
        return False
    work = folder / WORK
    if work.is_dir() and _files(work):
        return True
    return any(_seems_complete(path, at, settled_s) for path in _files(folder))


def _seems_complete(path: Path, at: datetime, settled_s: float) -> bool:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return False
    is_told = not stat.S_ISREG(facts.st_mode) or path.with_name(path.name + MARKER).exists()
    return is_told or _has_settled(facts, at, settled_s)


def state_of(folder: Path) -> FolderFacts:
    """What is in a folder, the newest first, and what was wrong with what was refused."""
    if not folder.is_dir():
        return FolderFacts(str(folder), (), {}, (), ())
    mappings, broken = _mappings(folder) if (folder / MAPPINGS).is_dir() else ({}, [])
    arrivals, counts = [], {}
    for state in ("waiting", WORK, REFUSED, DONE):
        place = folder if state == "waiting" else folder / state
        paths = _files(place) if place.is_dir() else []
        counts[state] = len(paths)
        arrivals += [_arrival(path, state) for path in reversed(paths[-_MOST_LISTED:])]
    names = [(name, mapping.pattern) for name, mapping in mappings.items()]
    return FolderFacts(str(folder), [one for one in arrivals if one], counts, names, broken)


def _arrival(path: Path, state: str) -> Arrival | None:
    try:
        facts, reason = path.lstat(), ""
        if (beside := _reason_of(path)).is_file():
            reason = beside.read_text("utf-8", "replace")[:_LONGEST_REASON].strip()
    except OSError:
        return None
    return Arrival(safe_name(path.name), facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC), state, reason)
