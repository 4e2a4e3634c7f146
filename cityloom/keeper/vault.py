"""Sealing, opening, searching, erasing, and changing the key. Nothing here decides who may do which.

Every person has a random envelope key. It lies in the person's slot, wrapped under the key-encryption key, so that a
change of that key goes over the slots and never over the envelopes (decision 0007).
"""

from __future__ import annotations

import dataclasses
import hmac
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from numpy.typing import NDArray

from cityloom.keeper import (
    digesting,
    index,
    keyed_numbers,
    keyring,
    packet,
    record,
    said_numbers,
    slots,
)
from cityloom.keeper.blocks import SECRET_BYTES, SlotCipher
from cityloom.keeper.record import PAIRED, SEARCHED
from cityloom.keeper.slots import Progress, Slots
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused

ENVELOPE_VERSION = 2
NOBODY_HIDDEN = 1 << 31
MOST_ALIKE = 5
_MOST_A_PAIR = 16
_HEADER = struct.Struct(">BHB")  # version, key id, field set; with the subject behind it, the associated data
_NONCE_BYTES = 12
_LINK_BYTES = _NONCE_BYTES + 8 + 16
_NONCE = slice(_HEADER.size, _HEADER.size + _NONCE_BYTES)
_SEALED = slice(_NONCE.stop, record.ENVELOPE_BYTES)
T = TypeVar("T")


class UnknownKey(Exception):  # noqa: N818 - read as a fact
    """An envelope names a key that this keeper never had."""


class Damaged(Exception):  # noqa: N818 - read as a fact
    """An envelope is not what was sealed for this person."""


def create(folder: Path) -> None:
    """Make keys and empty slot files, for their owner alone. Raises: FileExistsError; a key is never replaced."""
    slots.create(folder, keyring.create(folder).number)


@dataclass(frozen=True)
class Unlocked:
    """The envelope keys of people for one request: what the log calls them, and their envelopes, rest on the same key.

    `alive` says whose key is good; for the others it is meaningless bytes.
    """

    subjects: NDArray[np.int64]
    alive: NDArray[np.bool_]
    keys: NDArray[np.uint8] = dataclasses.field(repr=False)


class Vault:
    """Seal and open under the keeper's keys; `owner` clears away what a crash left of a change of keys.

    Raises: OldKeeper, KeySpoilt, SlotsSpoilt.
    """

    def __init__(self, folder: Path, *, owner: bool = True) -> None:
        self._folder = folder
        self._ring = keyring.read(folder)
        if owner:
            slots.add_missing(folder)
        slots.check_files(folder, self._ring.number)
        self.slots = Slots(folder, self._ring.number)
        self._ciphers = {self._ring.number: SlotCipher(self._ring.for_slots())}
        self._pseudonym_key = self._ring.lasting("pseudonyms")
        self._log_key = self._ring.lasting("log")
        self._packet_key = self._ring.lasting("packets")
        self._links = AESGCMSIV(self._ring.lasting("links"))
        self._texts_key = self._ring.lasting("texts")
        hashed, blocked = self._ring.lasting("register keys"), self._ring.lasting("register numbers")
        self._register_keys = {keyed_numbers.BY_HASH: hashed, keyed_numbers.BY_BLOCKS: blocked,
                               keyed_numbers.ALL_BY_BLOCKS: blocked}  # fmt: skip
        self._said_keys = {keyed_numbers.BY_HASH: hashed, keyed_numbers.BY_BLOCKS: hashed,
                           keyed_numbers.ALL_BY_BLOCKS: self._ring.lasting("said")}  # fmt: skip
        self.hidden_from = NOBODY_HIDDEN
        self._index = index.BlindIndex({field: self._ring.lasting(f"index {field}") for field in SEARCHED})
        self._pairs = index.PairIndex({pair: self._ring.lasting(f"pair {pair}") for pair in PAIRED})
        self._changing = threading.Lock()
        self._loads = 0
        self._lengths = dict.fromkeys(SEARCHED, range(0))
        self.progress = 0, 0
        if owner:
            self._clear_leftovers()

    @property
    def key_id(self) -> int:
        return self._ring.number

    def check(self, reserved: int) -> None:
        """Raises: SlotsSpoilt for slot files that do not fit the number of slots that were ever reserved."""
        self.slots.check(reserved)

    # Sealing.

    @property
    def is_loading(self) -> bool:
        """Whether other processes are sealing."""
        return self._loads > 0

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Keep the key as it is while other processes seal; waits for a change that is under way."""
        with self._changing:
            self._loads += 1
        try:
            yield
        finally:
            with self._changing:
                self._loads -= 1

    def seal(
        self, first_slot: int, records: NDArray[np.uint8], traits: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Fill consecutive slots; return the subjects and their envelopes, uint8 (n, 160).

        Their search tokens are whole until `settle`, and found by nobody before it.
        """
        count = len(records)
        self.slots.grow_to(first_slot + count)
        keys = np.frombuffer(ids.random_bytes(SECRET_BYTES * count), np.uint8).reshape(count, SECRET_BYTES)
        tags = np.maximum(np.frombuffer(ids.random_bytes(4 * count), "<u4"), 1)
        subjects = record.subjects_at(first_slot, tags)
        here = slice(first_slot, first_slot + count)
        with self._changing:
            envelopes = _sealed(subjects, keys, record.with_traits(records, traits), self.key_id)
            self.slots.secrets[here] = self._ciphers[self.key_id].apply(subjects, keys)
            self._describe(here, records, traits)
            self.slots.tags[here] = tags  # last: only now is anybody there
        return subjects, envelopes

    def reseal(self, subject: int, records: NDArray[np.uint8], traits: NDArray[np.uint16]) -> bytes:
        """Seal a person's changed record, uint8 (1, 128), under the same envelope key. Raises: Damaged if erased."""
        person = np.array([subject], np.int64)
        with self._changing:
            keys, alive = self._keys_of(person)
            if not alive.all():
                raise Damaged
            self._describe(slice(subject >> 32, (subject >> 32) + 1), records, traits)
            return _sealed(person, keys, record.with_traits(records, traits), self.key_id).tobytes()

    def seal_versions(
        self, subjects: NDArray[np.int64], records: NDArray[np.uint8]
    ) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Seal new versions of people, uint8 (n, 128) with their traits, under the keys that they have.

        Returns who is alive, and envelopes, uint8 (n, 160), of zeros for the others. Nothing else changes: what people
        are found and counted by follows with `follow`.
        """
        with self._changing:
            keys, alive = self._keys_of(subjects)
            envelopes = np.zeros((len(subjects), record.ENVELOPE_BYTES), np.uint8)
            if alive.any():
                envelopes[alive] = _sealed(subjects[alive], keys[alive], records[alive], self.key_id)
        return alive, envelopes

    def follow(self, subjects: NDArray[np.int64], envelopes: bytes) -> int:
        """Let tokens and traits be those of these envelopes; return how many opened."""
        here, records = self._records(subjects, envelopes)
        if not here.any():
            return 0
        fresh = {field: self._index.tokens(field, records) for field in SEARCHED}
        paired = self._pairs.tokens(records)
        with self._changing:
            bits = self._bits()
            still = self.alive(subjects[here])
            places = record.slots_of(subjects[here])[still]
            for field, tokens in fresh.items():
                index.settle(tokens, bits)
                self.slots.tokens[field][places] = tokens[still]
            for pair, (tokens, _good) in paired.items():
                self.slots.pairs[pair][places] = tokens[still]
            self.slots.traits[places] = record.traits_in(records)[still]
            self._measure()
        self.slots.sync()
        return len(places)

    def digests(self, form: int, subjects: NDArray[np.int64], envelopes: bytes) -> NDArray[np.int64]:
        """What each envelope says of `DIGESTED`, keyed with the person, int64 (n, 7); 0 for nothing.

        A name in signs has an odd number, any other an even one: what only sounds the same may be written in both.
        """
        out = np.zeros((len(subjects), len(record.DIGESTED)), np.int64)
        opened, records = self._records(subjects, envelopes)
        if opened.any():
            numbers = said_numbers.by_blocks if form == keyed_numbers.ALL_BY_BLOCKS else said_numbers.by_hash
            told = numbers(self._said_keys[form], subjects[opened], digesting.said_in(records))
            told[:, 0] = np.where(told[:, 0], told[:, 0] & ~1 | digesting.are_in_signs(records), 0)
            out[opened] = told
        return out

    def _records(self, subjects: NDArray[np.int64], envelopes: bytes) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Which envelopes open, and the records of these, uint8 (opened, 128)."""
        plains = list(self._opened(self.unlock(subjects), envelopes))
        opened = np.array([plain is not None for plain in plains], bool)
        run = b"".join(plain for plain in plains if plain)
        return opened, np.frombuffer(run, np.uint8).reshape(-1, record.RECORD.itemsize)

    def compose(
        self, subjects: NDArray[np.int64], counts: NDArray[np.int64], envelopes: bytes, choices: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:  # fmt: skip
        """Seal for each person a record made of several versions; zeros where one of them does not open."""
        opened = list(self._opened(self.unlock(np.repeat(subjects, counts)), envelopes))
        width = record.RECORD.itemsize
        records = np.frombuffer(b"".join(plain or bytes(width) for plain in opened), np.uint8).reshape(-1, width)
        begin = np.cumsum(counts) - counts
        rows = {field: begin + choices[:, at] for at, field in enumerate(record.COMPOSED)}
        _alive, sealed = self.seal_versions(subjects, record.composed(records, rows))
        is_shut = np.array([plain is None for plain in opened], bool)
        sealed[np.add.reduceat(is_shut, begin) > 0] = 0
        return sealed

    def part(
        self, reserve: Callable[[int], int], subject: int, envelopes: bytes
    ) -> tuple[int, NDArray[np.uint8]] | None:  # fmt: skip
        """Seal versions of a person for a new one, found and counted by the last; None where any does not open."""
        count = len(envelopes) // record.ENVELOPE_BYTES
        opened = list(self._opened(self.unlock(np.full(count, subject, np.int64)), envelopes))
        if None in opened:
            return None
        records = np.frombuffer(b"".join(plain for plain in opened if plain), np.uint8).reshape(count, -1)
        fresh, _last = self.seal(reserve(1), records[-1:], record.traits_in(records[-1:]))
        self.settle()
        _alive, sealed = self.seal_versions(np.repeat(fresh, count), records)
        return int(fresh[0]), sealed

    def join(self, subject: int, into: int, envelopes: bytes) -> NDArray[np.uint8] | None:
        """Seal versions of a person for another one; None where either is not there or a version does not open."""
        count = len(envelopes) // record.ENVELOPE_BYTES
        opened = list(self._opened(self.unlock(np.full(count, subject, np.int64)), envelopes))
        if None in opened:
            return None
        records = np.frombuffer(b"".join(plain for plain in opened if plain), np.uint8).reshape(count, -1)
        alive, sealed = self.seal_versions(np.full(count, into, np.int64), records)
        return sealed if alive.all() else None

    def seal_packets(
        self, first_slot: int, purpose: str, packets: Sequence[Mapping[str, bytes]]
    ) -> tuple[NDArray[np.int64], list[dict[str, bytes]]]:
        """Fill consecutive slots with packets, on the disk when it returns; return their ids and sealed parts."""

        def seal(keys: list[bytes], subjects: NDArray[np.int64]) -> list[dict[str, bytes]]:
            rows = zip(keys, subjects.tolist(), packets, strict=True)
            return [packet.sealed(key, subject, purpose, parts) for key, subject, parts in rows]

        return self._fill_packets(first_slot, len(packets), seal)

    def seal_run(
        self, first_slot: int, purpose: str, name: str, parts: Sequence[bytes]
    ) -> tuple[NDArray[np.int64], list[bytes]]:
        """The same with packets of one part each."""

        def seal(keys: list[bytes], subjects: NDArray[np.int64]) -> list[bytes]:
            return packet.sealed_run(keys, subjects, purpose, name, parts)

        return self._fill_packets(first_slot, len(parts), seal)

    def _fill_packets(
        self, first_slot: int, count: int, seal: Callable[[list[bytes], NDArray[np.int64]], list[T]]
    ) -> tuple[NDArray[np.int64], list[T]]:
        self.slots.grow_to(first_slot + count)
        keys = np.frombuffer(ids.random_bytes(SECRET_BYTES * count), np.uint8).reshape(count, SECRET_BYTES)
        tags = np.maximum(np.frombuffer(ids.random_bytes(4 * count), "<u4"), 1)
        subjects = record.subjects_at(first_slot, tags)
        here = slice(first_slot, first_slot + count)
        sealed = seal(_rows(keys), subjects)
        with self._changing:
            self.slots.secrets[here] = self._ciphers[self.key_id].apply(subjects, keys)
            self.slots.traits[here] = record.PACKET_MARK
            self.slots.tags[here] = tags  # last, as with people
        self.slots.sync()
        return subjects, sealed

    def settle(self) -> None:
        """Shorten the search tokens to what the number of people allows, and put every slot on the disk."""
        with self._changing:
            self._shorten()
        self.slots.sync()

    # Opening.

    def open_envelope(self, subject: int, envelope: bytes) -> bytes:
        """The plaintext record. Raises: UnknownKey, Damaged."""
        if len(envelope) != record.ENVELOPE_BYTES or envelope[0] != ENVELOPE_VERSION:
            raise Damaged
        _, number, _ = _HEADER.unpack_from(envelope)
        if not 0 < number <= self.key_id:
            raise UnknownKey
        plaintext = next(self._opened(self.unlock(np.array([subject], np.int64)), envelope))
        if plaintext is None:
            raise Damaged
        return plaintext

    def unlock(self, subjects: NDArray[np.int64]) -> Unlocked:
        """The keys of several people; unwrapped once, for their names in the log and for their envelopes."""
        keys, alive = self._keys_of(subjects)
        return Unlocked(subjects, alive, keys)

    def unlock_packets(self, subjects: NDArray[np.int64]) -> Unlocked:
        """The same of packets."""
        keys, held = self._keys_of(subjects, self.held)
        return Unlocked(subjects, held, keys)

    def unlock_any(self, subjects: NDArray[np.int64]) -> Unlocked:
        """The same of people and packets."""
        keys, present = self._keys_of(subjects, self.present)
        return Unlocked(subjects, present, keys)

    def open_many(
        self, subjects: NDArray[np.int64], envelopes: bytes, fields: Sequence[str]
    ) -> list[list[str] | None]:
        """The wanted fields of each person, as text; None for an envelope that does not open for its person.

        Raises: Damaged where there is not exactly one envelope for each.
        """
        return self.open_unlocked(self.unlock(subjects), envelopes, fields)

    def open_unlocked(
        self, people: Unlocked, envelopes: bytes, fields: Sequence[str]
    ) -> list[list[str] | None]:
        """The same of people whose keys are there; whoever was erased meanwhile does not open."""
        read = record.reader(fields)
        return [None if plain is None else read(plain) for plain in self._opened(people, envelopes)]

    def alive(self, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which people this keeper holds: a guessed or erased id is not one of them, nor is a packet."""
        return self._marked(subjects, 0)

    def held(self, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which packets this keeper holds; a person is none of them."""
        return self._marked(subjects, record.PACKET_MARK)

    def _marked(self, subjects: NDArray[np.int64], mark: int) -> NDArray[np.bool_]:
        present, traits = self.present(subjects), self.slots.traits
        places = np.where(present, record.slots_of(subjects), 0)
        return present & (traits[places] & record.PACKET_MARK == mark) if len(traits) else present

    def present(self, subjects: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which people and packets this keeper holds."""
        tags = self.slots.tags
        places = record.slots_of(subjects)
        inside = (places >= 0) & (places < len(tags))
        here = tags[np.where(inside, places, 0)] if len(tags) else np.zeros(len(subjects), np.uint32)
        return inside & (here != 0) & (here == record.tags_of(subjects))

    def traits(self, subjects: NDArray[np.int64]) -> NDArray[np.uint16]:
        """The traits of subjects that are alive."""
        return self.slots.traits[record.slots_of(subjects)]

    def candidates(self, field: str, value: str) -> NDArray[np.int64]:
        """The subjects whose token agrees with a value: the one who is looked for and, to hide that one, dozens more.

        Who of them it is shows only when their envelopes are opened; compare with `index.normalised`.
        """
        token = self._index.token(field, value)
        if token is None:
            return np.zeros(0, np.int64)
        found = index.places(self.slots.tokens[field], token, self._lengths[field])
        found = found[found < self.hidden_from]
        tags = self.slots.tags[found]
        return (found << 32 | tags.astype(np.int64))[tags != 0]

    def alike(self, records: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Whom each record, uint8 (n, 128), may be about: rows, and for each row at most `MOST_ALIKE` people.

        They share what the name sounds like and the day of birth, or either and the phone. What more than
        `_MOST_A_PAIR` share, as a switchboard's number, names nobody.
        """
        found = [self._met(pair, tokens, good) for pair, (tokens, good) in self._pairs.tokens(records).items()]
        both, hits = np.unique(np.concatenate(found, axis=1), axis=1, return_counts=True)
        both = both[:, np.lexsort((-hits, both[0]))]
        rows = both[0]
        place = np.arange(len(rows)) - np.searchsorted(rows, rows, "left")
        rows, slots = both[:, place < MOST_ALIKE]
        return rows, slots << 32 | self.slots.tags[slots].astype(np.int64)

    def _met(self, pair: str, tokens: NDArray[np.uint32], good: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Rows and slots that one pair names, int64 (2, n)."""
        asked = np.flatnonzero(good)
        at, slots = index.meetings(self.slots.pairs[pair], tokens[asked])
        known = (slots < self.hidden_from) & (self.slots.tags[slots] != 0)
        rows, slots = asked[at[known]], slots[known]
        often = np.bincount(rows, minlength=len(tokens))[rows] > _MOST_A_PAIR
        return np.stack([rows[~often], slots[~often]])

    def pseudonyms(self, subjects: NDArray[np.int64]) -> list[bytes]:
        """What the log calls people who are alive, 16 bytes each; never the same for two, the same for ever for one.

        Nobody can compute it any more once the person is erased.
        """
        return self.names_of(self.unlock(subjects))

    def names_of(self, people: Unlocked) -> list[bytes]:
        """The pseudonyms of those who are alive of people whose keys are there."""
        return [hmac.digest(self._pseudonym_key, key, "sha256")[:16] for key in _rows(people.keys[people.alive])]

    def pseudonym(self, subject: int) -> bytes:
        """What the log calls one person."""
        return self.pseudonyms(np.array([subject], np.int64))[0]

    def keyed(self, *parts: bytes) -> str:
        """A keyed digest for the log, in hexadecimal: equal for equal parts, meaningless to those without the key."""
        return hmac.digest(self._log_key, b"\x00".join(parts), "sha256")[:16].hex()

    def packet_token(self, *parts: bytes) -> bytes:
        """The keyed word that a packet is found by; nobody without the key can tell what it stands for."""
        return hmac.digest(self._packet_key, b"\x00".join(parts), "sha256")[:16]

    def register_tokens(self, form: int, source: str, numbers: NDArray[np.uint8]) -> NDArray[np.int64]:
        """What a register knows a source's own numbers of people by, int64; both as in `keyed_numbers`."""
        return keyed_numbers.tokens(form, self._register_keys[form], source, numbers)

    # Links of residents' accounts.

    def seal_link(self, account: str, subject: int) -> bytes:
        """To whom an account leads, so that only this keeper can read it."""
        nonce = ids.random_bytes(_NONCE_BYTES)
        return nonce + self._links.encrypt(nonce, subject.to_bytes(8, "big"), account.encode())

    def open_link(self, account: str, link: bytes) -> int:
        """What `seal_link` sealed for this account. Raises: Damaged."""
        if len(link) != _LINK_BYTES:
            raise Damaged
        try:
            subject = self._links.decrypt(link[:_NONCE_BYTES], link[_NONCE_BYTES:], account.encode())
        except InvalidTag as error:
            raise Damaged from error
        return int.from_bytes(subject, "big")

    # Free texts of matters: a key for each matter, the same after every rotation.

    def seal_text(self, matter: str, text: bytes) -> bytes:
        """A free text, so that only this keeper can read it, and only as one of this matter."""
        nonce = ids.random_bytes(_NONCE_BYTES)
        return nonce + self._cipher_of(matter).encrypt(nonce, text, matter.encode())

    def open_text(self, matter: str, sealed: bytes) -> bytes:
        """What `seal_text` sealed for this matter. Raises: Damaged."""
        try:
            return self._cipher_of(matter).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], matter.encode())
        except (InvalidTag, ValueError) as error:
            raise Damaged from error

    def _cipher_of(self, matter: str) -> AESGCMSIV:
        return AESGCMSIV(hmac.digest(self._texts_key, matter.encode(), "sha256"))

    # Erasing, and changing the key.

    def erase(self, subject: int) -> None:
        """Zero the person's slot, and put that on the disk; waits for a change of keys that is under way."""
        self.erase_many([subject])

    def erase_many(self, subjects: Sequence[int]) -> None:
        """Zero the slots of several, then put them on the disk."""
        with self._changing:
            for subject in subjects:
                self.slots.clear(subject >> 32)
            self.slots.sync()

    def clear_people(self, first: int, end: int) -> int:
        """Zero every slot of a run that holds a person, and put that on the disk; return how many they were."""
        with self._changing:
            end = min(end, len(self.slots))
            tags, traits = self.slots.tags[first:end], self.slots.traits[first:end]
            people = np.flatnonzero((tags != 0) & (traits & record.PACKET_MARK == 0)) + first
            self.slots.clear(people)
            self.slots.sync()
        return len(people)

    def rotate(self, progress: Progress | None = None) -> int:
        """Change the key-encryption key: wrap slots anew beside the old file, then switch; return the key's number.

        People are opened meanwhile. `self.progress` says how many slots are done, and how many there are.
        Raises: Refused `gate.loading`, `gate.keys_used_up`; OSError, and then the old key stays in force.
        """
        with self._changing:
            if self._loads:
                raise Refused("gate.loading", "People are being loaded; change the key when that has ended.")
            if self.key_id == keyring.MOST_KEYS:
                raise Refused("gate.keys_used_up", "The key was changed {limit} times, which is as often as can be;"
                              " build or import the city again.", limit=keyring.MOST_KEYS)  # fmt: skip
            self._rotate(self._ring.renewed(), progress)
            return self.key_id

    @contextmanager
    def still(self) -> Iterator[int]:
        """Hold erasures, sealings and changes of keys off while the files are copied; gives the key's number.

        Raises: Refused `gate.loading`.
        """
        with self._changing:
            if self._loads:
                raise Refused("gate.loading", "People are being loaded; make the backup when that has ended.")
            yield self.key_id

    def _rotate(self, ring: keyring.Keyring, progress: Progress | None) -> None:
        old, new = self._ciphers[self.key_id], SlotCipher(ring.for_slots())

        def rewrap(subjects: NDArray[np.int64], wrapped: NDArray[np.uint8]) -> NDArray[np.uint8]:
            return new.apply(subjects, old.apply(subjects, wrapped))

        def tell(done: int, total: int) -> None:
            self.progress = done, total
            if progress:
                progress(done, total)

        try:
            self.slots.rewrap(ring.number, rewrap, tell)
            keyring.replace(self._folder, ring)  # the one step: the key in force names its file of secrets
        finally:
            if keyring.read(self._folder).number == ring.number:  # whatever failed: what the disk says is in force
                self._ciphers[ring.number] = new
                self.slots.adopt(ring.number)
                self._ciphers.pop(self.key_id)
                self._ring = ring
            self._clear_leftovers()

    def _clear_leftovers(self) -> None:
        """Destroy keys and secrets that are not in force, and shorten tokens that a crash left whole."""
        keyring.destroy_old(self._folder)
        self.slots.remove_others(self.key_id)
        self._shorten()

    def _shorten(self) -> None:
        bits = self._bits()
        for tokens in self.slots.tokens.values():
            index.settle(tokens, bits)
        self._measure()

    def _bits(self) -> int:
        people = (self.slots.tags != 0) & (self.slots.traits & record.PACKET_MARK == 0)
        return index.bits_for(int(np.count_nonzero(people)))

    def _measure(self) -> None:
        self._lengths = {field: index.lengths(tokens) for field, tokens in self.slots.tokens.items()}

    def _describe(self, here: slice, records: NDArray[np.uint8], traits: NDArray[np.uint16]) -> None:
        for field in SEARCHED:
            self.slots.tokens[field][here] = self._index.tokens(field, records)
        for pair, (tokens, _good) in self._pairs.tokens(records).items():
            self.slots.pairs[pair][here] = tokens
        self.slots.traits[here] = traits

    def _in_force(self) -> tuple[SlotCipher, NDArray[np.uint8]]:
        """A cipher and the secrets that it wrapped, also while the key changes."""
        while True:
            number, secrets = self.slots.held
            if cipher := self._ciphers.get(number):
                return cipher, secrets

    def _keys_of(
        self, subjects: NDArray[np.int64], known: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Envelope keys, uint8 (n, 32), and whose are good: meaningless bytes stand for people who are not there."""
        known = known or self.alive
        alive = known(subjects)
        cipher, secrets = self._in_force()
        wrapped = np.zeros((len(subjects), SECRET_BYTES), np.uint8)
        wrapped[alive] = secrets[record.slots_of(subjects[alive])]
        alive &= known(subjects)  # the tag goes first: who is still there now was there when the secret was read
        return cipher.apply(subjects, wrapped), alive

    def _opened(self, people: Unlocked, envelopes: bytes) -> Iterator[bytes | None]:
        subjects = people.subjects
        if len(envelopes) != record.ENVELOPE_BYTES * len(subjects):
            raise Damaged
        rows = np.frombuffer(envelopes, np.uint8).reshape(-1, record.ENVELOPE_BYTES)
        numbers = rows[:, 1].astype(np.uint16) << np.uint16(8) | rows[:, 2]
        good = people.alive & self.alive(subjects)
        good &= (rows[:, 0] == ENVELOPE_VERSION) & (numbers > 0) & (numbers <= self.key_id)
        parts = (
            _rows(people.keys), _rows(rows[:, _NONCE]), _rows(rows[:, _SEALED]), _about(rows, subjects), good.tolist()
        )  # fmt: skip
        for key, nonce, sealed, about, usable in zip(*parts, strict=True):
            try:
                yield AESGCMSIV(key).decrypt(nonce, sealed, about) if usable else None
            except InvalidTag:
                yield None


def _sealed(
    subjects: NDArray[np.int64], keys: NDArray[np.uint8], records: NDArray[np.uint8], key_id: int
) -> NDArray[np.uint8]:
    count = len(subjects)
    out = np.empty((count, record.ENVELOPE_BYTES), np.uint8)
    out[:, : _HEADER.size] = np.frombuffer(_HEADER.pack(ENVELOPE_VERSION, key_id, record.FIELD_SET), np.uint8)
    out[:, _NONCE] = np.frombuffer(ids.random_bytes(_NONCE_BYTES * count), np.uint8).reshape(count, _NONCE_BYTES)
    parts = _rows(keys), _rows(out[:, _NONCE]), _rows(records), _about(out, subjects)
    sealed = [AESGCMSIV(key).encrypt(nonce, plain, about) for key, nonce, plain, about in zip(*parts, strict=True)]
    out[:, _SEALED] = np.frombuffer(b"".join(sealed), np.uint8).reshape(count, -1)
    return out


def _about(envelopes: NDArray[np.uint8], subjects: NDArray[np.int64]) -> list[bytes]:
    """What each envelope is bound to."""
    names = subjects.astype(">i8").view(np.uint8).reshape(-1, 8)
    return _rows(np.concatenate([envelopes[:, : _HEADER.size], names], axis=1))


def _rows(table: NDArray[np.uint8]) -> list[bytes]:
    """Each row as bytes."""
    return np.ascontiguousarray(table).view(f"V{table.shape[1]}").reshape(-1).tolist()
