"""A witness: it cosigns other logs' checkpoints, and only ones that extend what it has seen. Source: C2SP tlog-witness.

It holds one key and remembers for each log the newest checkpoint that it cosigned, on the disk before it answers. It
sees hashes only, never a leaf; it belongs on another machine, in other hands, than the log that it watches.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cityloom.keeper import signing, verifier
from cityloom.keeper.verifier import MOST_PROOF, WITNESS_KEY, Checkpoint, Invalid, Key
from cityloom.kernel.merkle import EMPTY_ROOT, verify_consistency

MOST_BODY_BYTES = verifier.MOST_NOTE_BYTES + 64 * (MOST_PROOF + 2)
PLAIN, SIZE = "text/plain; charset=utf-8", "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (
  origin TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL)
"""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str
    content_type: str = PLAIN


@dataclass(frozen=True)
class Submission:
    """What a log hands in: the size it believes was cosigned last, the proof from there, the checkpoint."""

    old: int
    proof: list[bytes]
    note: str

    def as_body(self) -> str:
        """The body of an `add-checkpoint` request."""
        lines = [f"old {self.old}", *(base64.b64encode(each).decode() for each in self.proof)]
        return "\n".join(lines) + "\n\n" + self.note


def read_submission(body: str) -> Submission:
    """Raises: Invalid."""
    head, blank, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    if not blank or not (old := _OLD.fullmatch(first)) or len(lines) > MOST_PROOF:
        raise Invalid("submission.malformed", "The body is not: old size, proof lines, an empty line, a checkpoint.")
    try:
        proof = [base64.b64decode(line, validate=True) for line in lines]
    except (binascii.Error, ValueError) as error:
        raise Invalid("submission.malformed", "A proof line is not base64.") from error
    if any(len(each) != 32 for each in proof):
        raise Invalid("submission.malformed", "A proof line is not a hash.")
    return Submission(int(old[1]), proof, note)


class Witness:
    """Cosigns for the logs that it knows. Safe in many threads."""

    def __init__(self, folder: Path, logs: Sequence[Key], name: str = "") -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / signing.KEY_FILE).exists():
            signing.create(folder, name or f"cityloom/witness/{signing.new_name().rpartition('/')[2]}", WITNESS_KEY)
        self._signer = signing.read(folder)
        self._logs = {key.name: key for key in logs}
        self._lock = threading.Lock()
        self._database = sqlite3.connect(folder / "seen.db", isolation_level=None, check_same_thread=False, timeout=10)
        self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;" + _SCHEMA)

    @property
    def vkey(self) -> str:
        """The key to give to those who rely on this witness."""
        return self._signer.key.vkey

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def add_checkpoint(self, body: str, now_s: int) -> Answer:
        """Cosign a checkpoint if it extends what was seen."""
        try:
            submission = read_submission(body)
            text, signatures = verifier.split_note(submission.note)
            checkpoint = verifier.read_checkpoint(text)
        except Invalid as reason:
            return Answer(400, f"{reason}\n")
        key = self._logs.get(checkpoint.origin)
        if key is None:
            return Answer(404, "This witness does not know that log.\n")
        try:
            verifier.open_checkpoint(submission.note, key)
        except Invalid as reason:
            return Answer(403, f"{reason}\n")
        own = [line for line, (name, raw) in zip(_lines(submission.note), signatures, strict=True)
               if name == key.name and raw[:4] == key.key_id]  # fmt: skip
        return self._decide(submission, checkpoint, text, own[0], now_s)

    def checkpoint(self, origin_hash: str) -> Answer:
        """The newest checkpoint of a log that was cosigned, for those who watch."""
        with self._lock:
            row = self._database.execute("SELECT note FROM seen WHERE hash = ?", (origin_hash,)).fetchone()
        return Answer(200, row[0]) if row else Answer(404, "Nothing was cosigned for that log.\n")

    def _decide(self, submission: Submission, checkpoint: Checkpoint, text: str, own: str, now_s: int) -> Answer:
        if submission.old > checkpoint.size:
            return Answer(400, "The old size is larger than the checkpoint's.\n")
        with self._lock:
            ask = "SELECT size, root FROM seen WHERE origin = ?"
            self._database.execute("BEGIN IMMEDIATE")  # another process may serve the same folder
            try:
                size, root = self._database.execute(ask, (checkpoint.origin,)).fetchone() or (0, EMPTY_ROOT)
                if submission.old != size:
                    return Answer(409, f"{size}\n", SIZE)
                if not _extends(size, root, checkpoint, submission.proof):
                    return Answer(422, "The checkpoint does not extend what this witness has seen.\n")
                line = self._signer.cosign(text, now_s)
                row = (checkpoint.origin, origin_hash(checkpoint.origin), checkpoint.size, checkpoint.root,
                       f"{text}\n{own}\n{line}")  # fmt: skip
                self._database.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", row)
                self._database.execute("COMMIT")
                return Answer(200, line)
            finally:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")


def origin_hash(origin: str) -> str:
    """How a log is called in a witness's addresses."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _extends(size: int, root: bytes, checkpoint: Checkpoint, proof: list[bytes]) -> bool:
    if checkpoint.size == 0:
        return not proof and checkpoint.root == EMPTY_ROOT
    if size == 0:
        return not proof
    return verify_consistency(size, checkpoint.size, root, checkpoint.root, proof)


def _lines(note: str) -> list[str]:
    return note.rpartition("\n\n")[2][:-1].split("\n")
