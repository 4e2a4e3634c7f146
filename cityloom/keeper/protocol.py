"""What the keeper and its clients say to each other: MessagePack messages behind a four-byte length.

Subjects travel as the bytes of a little-endian int64 array, envelopes as one run of 160-byte records.
"""

from __future__ import annotations

import struct
from typing import Annotated, Union

import msgspec

MAX_FRAME_BYTES = 32 * 1024 * 1024
MAX_COUNTED = 1_000_000
MAX_OPENED = 20_000
MAX_BATCH = 65_536
SEAL_WINDOW = 8
"""Batches of one load that may be on their way at the same time."""
HEADER = struct.Struct("!I")


Name = Annotated[str, msgspec.Meta(max_length=64)]
"""An id, a purpose, an instant: never a text."""
Names = Annotated[list[Name], msgspec.Meta(max_length=16)]


Place = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
"""An index of the log or of a tile, or a size."""
Width = Annotated[int, msgspec.Meta(ge=1, le=256)]


class FrameTooLarge(ValueError):  # noqa: N818 - read as a fact
    """A message is longer than the protocol allows."""


class Signed(msgspec.Struct, frozen=True, array_like=True):
    """Claims about who acts, and their HMAC."""

    claims: bytes
    mac: bytes


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Are you there?"""


class Head(msgspec.Struct, frozen=True, tag="head"):
    """The log's size and root; with `size` the root of that older tree."""

    size: int | None = None


class Leaf(msgspec.Struct, frozen=True, tag="leaf"):
    """One entry of the log and its inclusion proof in the tree of `size` leaves."""

    index: int
    size: int


class Consistency(msgspec.Struct, frozen=True, tag="consistency"):
    """Proof that the first `old` leaves are a prefix of the first `size`."""

    old: int
    size: int


EXIT_FULL = 6
"""The exit status of a keeper that found no room on its disk."""


class ReadBasis(msgspec.Struct, frozen=True, tag="basis"):
    """The legal basis of a purpose."""

    purpose: Name


class Grant(msgspec.Struct, frozen=True, tag="grant"):
    """Store a grant; instants are RFC 3339."""

    who: Signed
    id: Name
    purpose: Name
    basis: Name
    fields: Names
    holder: Name
    until: Name
    subjects: bytes
    incident_id: Name = ""
    zone_digest: Name = ""


class Revoke(msgspec.Struct, frozen=True, tag="revoke"):
    """End a grant."""

    who: Signed
    id: Name


class RevokeAll(msgspec.Struct, frozen=True, tag="revoke_all"):
    """End the emergency grants of an incident; with no incident, those of the exercise in the claims.

    Those that were made for the zone with the digest `but_zone` go on.
    """

    who: Signed
    incident_id: Name
    but_zone: Name = ""


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Open fields of people under a grant."""

    who: Signed
    id: Name
    fields: Names
    subjects: bytes
    envelopes: bytes


class Count(msgspec.Struct, frozen=True, tag="count"):
    """Count needs by group; `groups` is empty or as long as `subjects`, int64 both."""

    who: Signed
    subjects: bytes
    groups: bytes = b""
    purpose: Name = ""
    incident_id: Name = ""


class ListNeedingHelp(msgspec.Struct, frozen=True, tag="list_needing_help"):
    """Name the people of an emergency grant who need help to leave."""

    who: Signed
    id: Name


class Erase(msgspec.Struct, frozen=True, tag="erase"):
    """Zero a person's slot."""

    who: Signed
    subject: int


class Summarise(msgspec.Struct, frozen=True, tag="summarise"):
    """Counts of what was opened for an incident or an exercise."""

    incident_id: Name = ""
    exercise_id: Name = ""


class BeginLoad(msgspec.Struct, frozen=True, tag="begin_load"):
    """Start sealing people on this connection, on `workers` processes."""

    who: Signed
    workers: int


class Seal(msgspec.Struct, frozen=True, tag="seal"):
    """One batch: n records of 128 bytes, n uint16 traits."""

    number: int
    records: bytes
    traits: bytes


class EndLoad(msgspec.Struct, frozen=True, tag="end_load"):
    """Make the load durable and log it."""


class LogKey(msgspec.Struct, frozen=True, tag="log_key"):
    """The log's verifier key."""


class Checkpoint(msgspec.Struct, frozen=True, tag="checkpoint"):
    """A signed checkpoint: of the log as it is, of its first `size` leaves, or the newest that a witness cosigned."""

    size: Place | None = None
    witnessed: bool = False


class Tile(msgspec.Struct, frozen=True, tag="tile"):
    """The first `width` hashes of a tile of the log's tree."""

    level: Annotated[int, msgspec.Meta(ge=0, le=7)]
    index: Place
    width: Width = 256


class Entries(msgspec.Struct, frozen=True, tag="entries"):
    """The first `width` entries under a tile of level 0."""

    index: Place
    width: Width = 256


class Inclusions(msgspec.Struct, frozen=True, tag="inclusions"):
    """Inclusion proofs of several leaves in the tree of `size` leaves."""

    indices: Annotated[list[Place], msgspec.Meta(max_length=1000)]
    size: Place


class AddCosignatures(msgspec.Struct, frozen=True, tag="add_cosignatures"):
    """Keep what witnesses have signed under the checkpoint of `size` leaves."""

    size: Place
    lines: Annotated[list[Annotated[str, msgspec.Meta(max_length=512)]], msgspec.Meta(max_length=16)]


class LeavesOf(msgspec.Struct, frozen=True, tag="leaves_of"):
    """The newest leaves about a person, below index `before`, with their salts."""

    who: Signed
    subject: int
    before: Place | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


Request = Union[  # noqa: UP007 - msgspec reads the union at run time
    Ping, Head, Leaf, Consistency, ReadBasis, Grant, Revoke, RevokeAll, Open, Count, ListNeedingHelp, Erase, Summarise,
    BeginLoad, Seal, EndLoad, LogKey, Checkpoint, Tile, Entries, Inclusions, AddCosignatures, LeavesOf,
]  # fmt: skip


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is done; `count` says how many."""

    count: int = 0


class Denied(msgspec.Struct, frozen=True, tag="denied"):
    """It is refused: a stable code, a sentence for the person, its value and limit."""

    code: str
    sentence: str
    value: str | int | None = None
    limit: str | int | None = None


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """The grant stands, for so many people, on this legal basis."""

    people: int
    basis: str


class HeadIs(msgspec.Struct, frozen=True, tag="head_is"):
    size: int
    root: bytes


class LeafIs(msgspec.Struct, frozen=True, tag="leaf_is"):
    entry: bytes
    proof: list[bytes]


class ProofIs(msgspec.Struct, frozen=True, tag="proof_is"):
    proof: list[bytes]


class BasisIs(msgspec.Struct, frozen=True, tag="basis_is"):
    purpose: str
    id: str
    article: str
    fields: list[str]
    units: list[str]
    roles: list[str]
    valid_until: str
    max_subjects: int


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The fields of each person in the order asked; None where the envelope is damaged."""

    people: list[list[str] | None]


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """`groups` and `counts` are int64; counts: a row for people, needs help, NEEDS and AGE_BANDS, a column a group."""

    groups: bytes
    counts: bytes
    unknown: int
    exact: bool


class Named(msgspec.Struct, frozen=True, tag="named"):
    subjects: bytes


class Summary(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    purpose: str
    basis: str
    article: str
    unit: str
    role: str
    people: int
    first_at: str
    last_at: str


class Summaries(msgspec.Struct, frozen=True, tag="summaries"):
    rows: list[Summary]


class Sealed(msgspec.Struct, frozen=True, tag="sealed"):
    number: int
    subjects: bytes
    envelopes: bytes
    key_id: int
    field_set: int


class LogKeyIs(msgspec.Struct, frozen=True, tag="log_key_is"):
    vkey: str


class CheckpointIs(msgspec.Struct, frozen=True, tag="checkpoint_is"):
    note: str


class TileIs(msgspec.Struct, frozen=True, tag="tile_is"):
    hashes: bytes


class EntriesAre(msgspec.Struct, frozen=True, tag="entries_are"):
    """Entries of 32 bytes, one run."""

    entries: bytes


class InclusionsAre(msgspec.Struct, frozen=True, tag="inclusions_are"):
    proofs: list[list[bytes]]


class LoggedLeaf(msgspec.Struct, frozen=True, array_like=True):
    index: int
    text: bytes
    salt: bytes


class LeavesAre(msgspec.Struct, frozen=True, tag="leaves_are"):
    """Leaves, newest first."""

    leaves: list[LoggedLeaf]


Reply = Union[  # noqa: UP007 - msgspec reads the union at run time
    Done, Denied, Granted, HeadIs, LeafIs, ProofIs, BasisIs, Opened, Counted, Named, Summaries, Sealed,
    LogKeyIs, CheckpointIs, TileIs, EntriesAre, InclusionsAre, LeavesAre,
]  # fmt: skip


class Work(msgspec.Struct, frozen=True):
    """A batch on its way from the server to one of its sealing processes."""

    number: int
    first_slot: int
    records: bytes
    traits: bytes


_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)
_work = msgspec.msgpack.Decoder(Work)
_encode = msgspec.msgpack.Encoder().encode


def frame(message: Request | Reply | Work) -> bytes:
    """A message with its length in front. Raises: FrameTooLarge."""
    body = _encode(message)
    checked_length(len(body))
    return HEADER.pack(len(body)) + body


def checked_length(length: int) -> int:
    """The length of a message that may be read. Raises: FrameTooLarge."""
    if not 0 < length <= MAX_FRAME_BYTES:
        raise FrameTooLarge(f"A message of {length} bytes; the limit is {MAX_FRAME_BYTES}.")
    return length


def read_request(body: bytes | bytearray) -> Request:
    """Raises: msgspec.DecodeError or msgspec.ValidationError for anything that is not a request."""
    return _requests.decode(body)


def read_reply(body: bytes | bytearray) -> Reply:
    """Raises: msgspec.DecodeError or msgspec.ValidationError for anything that is not a reply."""
    return _replies.decode(body)


def read_work(body: bytes | bytearray) -> Work:
    """Raises: msgspec.DecodeError or msgspec.ValidationError for anything that is not work."""
    return _work.decode(body)
