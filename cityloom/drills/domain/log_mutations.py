"""Changes to a published log or a bundle, each of which an outside verifier has to notice."""

from __future__ import annotations

import base64
import copy
import random
from collections.abc import Callable
from typing import Any

Files = dict[str, bytes]


def mutated_files(files: Files, rng: random.Random) -> Files:
    """The same log with one thing wrong: a byte, a part cut off, grown, missing, or another's in its place."""
    changed = dict(files)
    name = rng.choice(sorted(files))
    run = files[name]
    way = rng.randrange(5)
    if way == 0:
        changed[name] = flipped(run, rng)
    elif way == 1:
        changed[name] = run[: rng.randrange(len(run))]
    elif way == 2:
        changed[name] = run + rng.randbytes(rng.randint(1, 40))
    elif way == 3:
        del changed[name]
    else:
        others = [other for other in sorted(files) if files[other] != run]
        changed[name] = files[rng.choice(others)]
    return changed


def mutated_bundle(bundle: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The same bundle with one thing wrong that matters."""
    changed = copy.deepcopy(bundle)
    entry = rng.choice(changed["entries"])
    rng.choice(_WAYS)(changed, entry, rng)
    return changed


def flipped(run: bytes, rng: random.Random) -> bytes:
    """The same bytes with one bit changed."""
    at = rng.randrange(len(run))
    return run[:at] + bytes([run[at] ^ 1 << rng.randrange(8)]) + run[at + 1 :]


def _leaf(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    text = entry["leaf"]
    at = rng.randrange(len(text))
    entry["leaf"] = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]


def _salt(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    entry["salt"] = flipped(bytes.fromhex(entry["salt"]), rng).hex()


def _index(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    entry["index"] += rng.choice([-1, 1, 256, 1 << 40])


def _proof(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    at = rng.randrange(len(entry["proof"]))
    entry["proof"][at] = base64.b64encode(flipped(base64.b64decode(entry["proof"][at]), rng)).decode()


def _proof_length(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    if rng.random() < 0.5:
        entry["proof"].pop(rng.randrange(len(entry["proof"])))
    else:
        entry["proof"].insert(rng.randrange(len(entry["proof"]) + 1), base64.b64encode(rng.randbytes(32)).decode())


def _checkpoint(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    note = bundle["checkpoint"]
    at = rng.randrange(len(note))
    bundle["checkpoint"] = note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :]


def _twice(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    bundle["entries"].append(copy.deepcopy(entry))


def _other_log(bundle: dict[str, Any], entry: dict[str, Any], rng: random.Random) -> None:
    bundle["origin"] += "x"


_WAYS: list[Callable[[dict[str, Any], dict[str, Any], random.Random], None]] = [
    _leaf, _salt, _index, _proof, _proof_length, _checkpoint, _twice, _other_log,
]  # fmt: skip
