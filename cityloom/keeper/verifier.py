"""Check a bundle of log entries: that the city logged them, at these places, in a log that witnesses have seen.

Needs Python 3.11 and the `cryptography` library, nothing else, and no network; take this one file anywhere:

    python verifier.py bundle.json --key VKEY [--witness VKEY ...] [--quorum N] [--json]

VKEY is the log's verifier key. Take it from a place that is not the server that gave you the bundle (a notice board, a
newspaper, a neighbouring city); the key inside the bundle proves nothing and is not used.
Formats: C2SP signed-note, tlog-checkpoint, tlog-cosignature (Ed25519); RFC 6962 and RFC 9162 for the tree.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

COMMITMENT = b"cityloom leaf v1\n"
LOG_KEY, WITNESS_KEY = 1, 4
MOST_ENTRIES = 100_000
MOST_FILE_BYTES = 256 * 1024 * 1024
MOST_NOTE_BYTES = 64 * 1024
MOST_SIGNATURES = 64
MOST_LEAF_BYTES = 64 * 1024
MOST_PROOF = 63
_DASH = "\u2014 "
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_HEX_ID = re.compile(r"[0-9a-f]{8}")
_SALT = re.compile(r"[0-9a-f]{32}")
_BUNDLE = {"format", "version", "origin", "key", "checkpoint", "entries", "made_at", "notice"}
_ENTRY = {"index", "leaf", "salt", "proof"}


class Invalid(Exception):  # noqa: N818 - read as a fact
    """Say in one sentence what does not verify; `code` is stable."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Key:
    """A verifier key: who signs (`name`), which kind of signature, and the Ed25519 public key."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @property
    def vkey(self) -> str:
        """The key as C2SP signed-note writes it."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries, and the root of their tree."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class Cosignature:
    """A witness has seen this checkpoint, and nothing that contradicts it, by this time (seconds since 1970)."""

    witness: str
    time_s: int


@dataclass(frozen=True)
class Proved:
    """An entry that was proved: where it stands, and what it says."""

    index: int
    leaf: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What a bundle proves."""

    checkpoint: Checkpoint
    cosignatures: list[Cosignature]
    entries: list[Proved]


def key_id_of(name: str, kind: int, public: bytes) -> bytes:
    """The four bytes that, with the name, say which key signed. Source: C2SP signed-note."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def read_key(vkey: str, kinds: Sequence[int] = (LOG_KEY,)) -> Key:
    """Read a verifier key of one of these kinds. Raises: Invalid."""
    name, _, rest = vkey.strip().partition("+")
    key_id, _, material = rest.partition("+")
    raw = _unbase64(material, "key.malformed", "The key is not a verifier key: its last part is not base64.")
    if not _is_name(name) or not _HEX_ID.fullmatch(key_id) or len(raw) != 33:
        raise Invalid("key.malformed", "The key is not a verifier key of the form name+id+key; copy it whole.")
    if raw[0] not in kinds:
        raise Invalid("key.wrong_kind", "The key is of another kind: a log's begins with 1, a witness's with 4.")
    key = Key(name, bytes.fromhex(key_id), raw[0], raw[1:])
    if key_id_of(name, key.kind, key.public) != key.key_id:
        raise Invalid("key.mistyped", "The key's three parts do not belong together; copy it again.")
    return key


def split_note(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A signed note's text and its signatures (name, bytes). Raises: Invalid. Source: C2SP signed-note."""
    if len(note) > MOST_NOTE_BYTES or len(note.encode(errors="replace")) > MOST_NOTE_BYTES:
        raise Invalid("note.too_large", f"The checkpoint is longer than {MOST_NOTE_BYTES} bytes.")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n") or any(ord(sign) < 32 and sign != "\n" for sign in note):
        raise Invalid("note.malformed", "The checkpoint is not a signed note: text, an empty line, signatures.")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise Invalid("note.too_many", f"The checkpoint has more than {MOST_SIGNATURES} signatures.")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes]:
    name, space, coded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not _is_name(name):
        raise Invalid("note.malformed", "A signature line of the checkpoint is malformed.")
    raw = _unbase64(coded, "note.malformed", "A signature of the checkpoint is not base64.")
    if len(raw) < 5:
        raise Invalid("note.malformed", "A signature of the checkpoint is too short.")
    return name, raw


def signed_by(note: str, key: Key) -> int | None:
    """Whether a key signed a note: None if not, else the time of a cosignature, 0 for a log's signature.

    Raises: Invalid where a line claims to be this key's and is not: such a note is to be thrown away.
    """
    text, signatures = split_note(note)
    found = None
    for name, raw in signatures:
        if name == key.name and raw[:4] == key.key_id:
            found = _check(text, raw[4:], key)
    return found


def _check(text: str, signature: bytes, key: Key) -> int:
    message, time_s = text.encode(), 0
    if key.kind == WITNESS_KEY:
        time_s, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = cosigned_message(text, time_s)
        if not 0 < time_s < 1 << 63:
            raise Invalid("note.bad_signature", f"The signature of {key.name} carries no time.")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError) as error:
        raise Invalid("note.bad_signature", f"The signature of {key.name} does not fit the checkpoint.") from error
    return time_s


def cosigned_message(text: str, time_s: int) -> bytes:
    """What a witness signs. Source: C2SP tlog-cosignature, Ed25519."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def read_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's text. Raises: Invalid. Source: C2SP tlog-checkpoint."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _SIZE.fullmatch(lines[1]):
        raise Invalid("checkpoint.malformed", "The checkpoint does not have the lines origin, size and root.")
    root = _unbase64(lines[2], "checkpoint.malformed", "The checkpoint's root is not base64.")
    if len(root) != 32 or int(lines[1]) >= 1 << 63:
        raise Invalid("checkpoint.malformed", "The checkpoint's root is not 32 bytes long, or its size is too large.")
    return Checkpoint(lines[0], int(lines[1]), root)


def open_checkpoint(note: str, key: Key) -> Checkpoint:
    """The checkpoint that a log has signed. Raises: Invalid, for one of another log too."""
    checkpoint = read_checkpoint(split_note(note)[0])
    if checkpoint.origin != key.name:
        raise Invalid("checkpoint.other_log", "The checkpoint is of another log than the key that you gave.")
    if signed_by(note, key) is None:
        raise Invalid("checkpoint.unsigned", "The checkpoint is not signed by the key that you gave.")
    return checkpoint


def cosignatures_of(note: str, witnesses: Sequence[Key]) -> list[Cosignature]:
    """Which of these witnesses have cosigned, and when. Raises: Invalid for a false signature of one of them."""
    times = {key.name: signed_by(note, key) for key in witnesses}
    return [Cosignature(name, time_s) for name, time_s in times.items() if time_s is not None]


def entry_of(leaf: bytes, salt: bytes) -> bytes:
    """What the log holds of a leaf."""
    return hashlib.sha256(COMMITMENT + salt + leaf).digest()


def root_from(entry: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to, None if it is no proof. Source: RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return None
    place, last, node = index, size - 1, hashlib.sha256(b"\x00" + entry).digest()
    for sibling in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            node = hashlib.sha256(b"\x01" + sibling + node).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + sibling).digest()
        place, last = place >> 1, last >> 1
    return node if last == 0 else None


def verify_bundle(bundle: object, key: Key, witnesses: Sequence[Key] = (), quorum: int | None = None) -> Report:
    """What a bundle proves, under a key that came from elsewhere.

    `quorum` of the witnesses must have cosigned; by default all that are given. Raises: Invalid.
    """
    if not isinstance(bundle, dict) or bundle.get("format") != "cityloom-bundle":
        raise Invalid("bundle.malformed", "The file is not a bundle of Cityloom's log.")
    if bundle.get("version") != 1 or isinstance(bundle["version"], bool):
        raise Invalid("bundle.version", "The bundle is of a version that this verifier does not know; get a newer one.")
    if set(bundle) != _BUNDLE or not all(isinstance(bundle[name], str) for name in _BUNDLE - {"version", "entries"}):
        raise Invalid("bundle.malformed", "The bundle does not have exactly the parts that its version asks for.")
    checkpoint = open_checkpoint(bundle["checkpoint"], key)
    if bundle["origin"] != checkpoint.origin:
        raise Invalid("bundle.other_log", "The bundle names another log than its checkpoint.")
    cosignatures = cosignatures_of(bundle["checkpoint"], witnesses)
    if len(cosignatures) < (needed := len(set(witnesses)) if quorum is None else quorum):
        raise Invalid("bundle.unwitnessed", f"{len(cosignatures)} of the witnesses that you gave have cosigned the "
                      f"checkpoint; {needed} are needed.")  # fmt: skip
    return Report(checkpoint, cosignatures, _entries(bundle["entries"], checkpoint))


def _entries(entries: object, checkpoint: Checkpoint) -> list[Proved]:
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise Invalid("bundle.malformed", f"The bundle's entries are not a list of at most {MOST_ENTRIES}.")
    proved = [_entry(number, entry, checkpoint) for number, entry in enumerate(entries, 1)]
    if len({entry.index for entry in proved}) < len(proved):
        raise Invalid("bundle.twice", "The bundle names a place in the log twice.")
    return proved


def _entry(number: int, entry: object, checkpoint: Checkpoint) -> Proved:
    malformed = Invalid("entry.malformed", f"Entry {number} of the bundle is malformed.")
    if not isinstance(entry, dict) or set(entry) != _ENTRY or not isinstance(entry["proof"], list):
        raise malformed
    index, text, salt = entry["index"], entry["leaf"], entry["salt"]
    if type(index) is not int or not 0 <= index < 1 << 53 or not isinstance(text, str):
        raise malformed
    if not isinstance(salt, str) or not _SALT.fullmatch(salt):
        raise malformed
    proof = [_unbase64(each, malformed.code, str(malformed)) for each in entry["proof"][: MOST_PROOF + 1]]
    if len(proof) > MOST_PROOF or any(len(each) != 32 for each in proof):
        raise malformed
    leaf = _leaf(text, number)
    if root_from(entry_of(text.encode(), bytes.fromhex(salt)), index, checkpoint.size, proof) != checkpoint.root:
        raise Invalid("entry.not_in_log", f"Entry {number} of the bundle is not what the log holds at {index}.")
    return Proved(index, leaf)


def _leaf(text: str, number: int) -> dict[str, Any]:
    """A leaf in the one form that may be logged, so that nobody can read two things out of the same bytes."""
    try:
        body = json.loads(text, parse_float=_whole, parse_int=_whole) if len(text) <= MOST_LEAF_BYTES else None
        canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (ValueError, RecursionError):
        body = canonical = None
    if not isinstance(body, dict) or canonical != text:
        raise Invalid("entry.not_canonical", f"The text of entry {number} is not in canonical form.")
    return body


def _whole(text: str) -> int:
    """A number that every reader of JSON reads alike."""
    number = int(text) if len(text) <= 17 else 1 << 53
    if abs(number) >= 1 << 53:
        raise ValueError("not a number for a leaf")
    return number


def _unbase64(text: object, code: str, sentence: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True) if isinstance(text, str) and text.isascii() else None
    except binascii.Error:
        raw = None
    if raw is None or base64.b64encode(raw).decode() != text:
        raise Invalid(code, sentence)
    return raw


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(sign.isspace() for sign in name) and len(name) <= 255


def read_bundle(path: Path) -> object:
    """A bundle's JSON. Raises: Invalid."""
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise Invalid("bundle.too_large", f"The file is larger than {MOST_FILE_BYTES} bytes.")
        return json.loads(path.read_bytes(), object_pairs_hook=_once)
    except OSError as error:
        raise Invalid("bundle.unreadable", "The file cannot be read; is its name right?") from error
    except (ValueError, RecursionError) as error:
        raise Invalid("bundle.malformed", "The file is not a bundle: it is not JSON.") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a bundle and say what it proves; 0 if it verifies, 1 if not, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        key = read_key(options.key)
        witnesses = [read_key(vkey, (WITNESS_KEY,)) for vkey in options.witness]
        report = verify_bundle(read_bundle(options.bundle), key, witnesses, options.quorum)
    except Invalid as reason:
        said = json.dumps({"verifies": False, "code": reason.code, "sentence": str(reason)})
        sys.stderr.write(f"{said}\n" if options.json else f"Does not verify ({reason.code}). {reason}\n")
        return 1
    sys.stdout.write(as_json(report) if options.json else as_words(report))
    return 0


def as_json(report: Report) -> str:
    """A report for machines."""
    checkpoint = report.checkpoint
    facts = {
        "verifies": True, "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex(),
        "cosigned": [{"witness": each.witness, "at": _instant(each.time_s)} for each in report.cosignatures],
        "entries": [{"index": each.index, "leaf": each.leaf} for each in report.entries],
    }  # fmt: skip
    return json.dumps(facts, ensure_ascii=False) + "\n"


def as_words(report: Report) -> str:
    """A report for people."""
    checkpoint = report.checkpoint
    lines = [f"Verifies: {len(report.entries)} entries stand in the log {checkpoint.origin},",
             f"which had {checkpoint.size} entries and the root {checkpoint.root.hex()}."]  # fmt: skip
    lines += [f"Cosigned by {each.witness} at {_instant(each.time_s)}." for each in report.cosignatures]
    if not report.cosignatures:
        lines.append("No witness was named, so the city may have shown others another log; ask for --witness keys.")
    for each in report.entries:
        said = " ".join(str(each.leaf.get(name, "")) for name in ("at", "kind", "purpose", "unit", "role"))
        lines.append(f"{each.index}: {said} {','.join(map(str, each.leaf.get('fields', [])))}".rstrip())
    return "\n".join(lines) + "\n"


def _instant(time_s: int) -> str:
    try:
        return datetime.fromtimestamp(time_s, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(time_s)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Check a bundle of log entries, offline.")
    parser.add_argument("bundle", type=Path, help="bundle.json")
    parser.add_argument("--key", required=True, help="the log's verifier key, from a place that is not the server's")
    parser.add_argument("--witness", action="append", default=[], help="a witness's verifier key; may be repeated")
    parser.add_argument("--quorum", type=int, help="how many of the witnesses must have cosigned (default: all)")
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser


if __name__ == "__main__":
    sys.exit(main())
