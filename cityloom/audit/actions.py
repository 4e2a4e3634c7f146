"""Get the log witnessed, and witness others' logs."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import yaml
from django.conf import settings

from cityloom.audit import queries
from cityloom.audit.domain.witnesses import MOST, OutsideWitness, Watching, as_document, checked_url
from cityloom.keeper import protocol, verifier
from cityloom.keeper.verifier import LOG_KEY, WITNESS_KEY, Checkpoint, Invalid, Key
from cityloom.keeper.witness import Submission, Witness
from cityloom.keeper.witness_server import WitnessServer
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=30)
_TIMEOUT_S = 10.0
_MOST_ANSWER = 64 * 1024


def ask_witnesses(*, at: datetime) -> None:
    """Hand the newest checkpoint to the configured witnesses, now and then, without waiting for them."""
    _submitter.ask(at)


def ask_witnesses_now() -> dict[str, str]:
    """Hand the newest checkpoint to every configured witness and wait; what became of it, by their names."""
    return Submitter().ask_now(queries.watching().witnesses)


def add_witness(*, vkey: str, url: str) -> None:
    """Let somebody outside cosign this city's log from now on. Raises: Refused."""
    key, now = _key(vkey, WITNESS_KEY), queries.watching()
    others = tuple(each for each in now.witnesses if each.key != key)
    _write(replace(now, witnesses=(*others, OutsideWitness(key, checked_url(url)))))


def add_log(*, vkey: str) -> None:
    """Let our own witness cosign somebody's log from now on; a new key of a known log takes the old one's place.

    Raises: Refused.
    """
    key, now = _key(vkey, LOG_KEY), queries.watching()
    _write(replace(now, logs=(*(each for each in now.logs if each.name != key.name), key)))


def open_witness() -> Witness:
    """Our own witness, made at first use."""
    return Witness(Path(settings.CITYLOOM["HOME"]) / "witness", queries.watching().logs)


def serve_witness(*, host: str, port: int) -> None:
    """Serve our own witness until the process is told to stop. Raises: Refused `audit.no_address`."""
    witness = open_witness()
    try:
        server = WitnessServer((host, port), witness)
    except OSError as error:
        raise Refused("audit.no_address", "The witness cannot listen at {value}; is another program there?",
                      value=f"{host}:{port}") from error  # fmt: skip
    try:
        server.serve_forever()
    finally:
        server.server_close()
        witness.close()


def _write(watching: Watching) -> None:
    if max(len(watching.witnesses), len(watching.logs)) > MOST:
        raise Refused("audit.too_many", "At most {limit} can be named; remove one first.", limit=MOST)
    path = queries.watching_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(yaml.safe_dump(as_document(watching), allow_unicode=True, sort_keys=False))
    fresh.replace(path)


def _key(vkey: str, kind: int) -> Key:
    try:
        return verifier.read_key(vkey, (kind,))
    except Invalid as reason:
        raise Refused("audit.bad_key", "That key cannot be used: {value}", value=str(reason)) from reason


class Submitter:
    """Asks every witness now and then, in a thread of its own: one that is slow must not hold up the worker."""

    def __init__(self) -> None:
        self._last: datetime | None = None
        self._thread: threading.Thread | None = None
        self._seen: dict[str, int] = {}

    def ask(self, at: datetime) -> None:
        """Ask, if it is time and nobody is being asked."""
        busy = self._thread is not None and self._thread.is_alive()
        if busy or (self._last is not None and at < self._last + EVERY):
            return
        self._last = at
        witnesses = queries.watching().witnesses
        if witnesses:
            self._thread = threading.Thread(target=self.ask_now, args=(witnesses,), name="witnesses", daemon=True)
            self._thread.start()

    def ask_now(self, witnesses: tuple[OutsideWitness, ...]) -> dict[str, str]:
        """Ask these witnesses; return what became of it, by their names: "cosigned", or why not."""
        note = queries.checkpoint_note()
        checkpoint = verifier.read_checkpoint(verifier.split_note(note)[0])
        outcome = {}
        for witness in witnesses:
            try:
                outcome[witness.key.name] = self._ask_one(witness, note, checkpoint)
            except (httpx.HTTPError, Invalid, Refused, UnicodeDecodeError) as error:
                outcome[witness.key.name] = str(error) or type(error).__name__
                log.warning("the witness %s did not cosign: %s", witness.key.name, type(error).__name__)
        return outcome

    def _ask_one(self, witness: OutsideWitness, note: str, checkpoint: Checkpoint) -> str:
        for _ in range(2):  # a witness that has seen more or less than we think says so
            old = self._seen.get(witness.key.vkey, 0)
            if old > checkpoint.size:
                log.error("the witness %s has seen a longer log than this one", witness.key.name)
                return "has seen a longer log: this log was rolled back"
            if old == checkpoint.size and verifier.cosignatures_of(note, [witness.key]):
                return "cosigned"
            answer = self._post(witness, Submission(old, _proof(old, checkpoint.size), note))
            if answer.status_code != httpx.codes.CONFLICT:
                break
            self._seen[witness.key.vkey] = _size(answer.text)
        if answer.status_code != httpx.codes.OK:
            return f"refused with status {answer.status_code}"
        return self._keep(witness, note, checkpoint, answer.text)

    def _keep(self, witness: OutsideWitness, note: str, checkpoint: Checkpoint, answer: str) -> str:
        """Store the lines that are this witness's; any others are not what we asked for."""
        text, _ = verifier.split_note(note)
        for line in answer.splitlines(keepends=True)[: verifier.MOST_SIGNATURES]:
            if verifier.signed_by(f"{text}\n{line}", witness.key):
                queries.keeper_for().ask(protocol.AddCosignatures(checkpoint.size, [line]), protocol.Done)
                self._seen[witness.key.vkey] = checkpoint.size
                return "cosigned"
        return "answered without a signature of its own"

    @staticmethod
    def _post(witness: OutsideWitness, submission: Submission) -> httpx.Response:
        answer = httpx.post(f"{witness.url}/add-checkpoint", content=submission.as_body(), timeout=_TIMEOUT_S)
        if len(answer.content) > _MOST_ANSWER:
            raise Invalid("witness.too_large", "The witness's answer is too large.")
        return answer


def _proof(old: int, size: int) -> list[bytes]:
    if old in (0, size):
        return []
    return queries.keeper_for().ask(protocol.Consistency(old, size), protocol.ProofIs).proof


def _size(text: str) -> int:
    body = text.strip()
    if not (body.isascii() and body.isdigit() and len(body) < 20):
        raise Invalid("witness.malformed", "The witness's answer is malformed.")
    return int(body)


_submitter = Submitter()
