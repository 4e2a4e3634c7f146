"""What the keeper and its clients say to each other: MessagePack messages behind a four-byte length.

Subjects travel as the bytes of a little-endian int64 array, envelopes as one run of 160-byte records. The people of a
load do not travel: they lie in memory that both sides share (`arena`).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, Union

import msgspec

from cityloom.kernel.refused import Refused

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

    size: Place | None = None


class Leaf(msgspec.Struct, frozen=True, tag="leaf"):
    """One entry of the log and its inclusion proof in the tree of `size` leaves."""

    index: Place
    size: Place


class Consistency(msgspec.Struct, frozen=True, tag="consistency"):
    """Proof that the first `old` leaves are a prefix of the first `size`."""

    old: Place
    size: Place


EXIT_UNFIT, EXIT_FULL = 4, 6
"""The exit statuses of a keeper whose files do not fit, and of one that found no room on its disk."""


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


class CountPeople(msgspec.Struct, frozen=True, tag="count_people"):
    """Count people by sex and age band, each in one group a month; `groups` is as long as `subjects`, int64 both."""

    who: Signed
    subjects: bytes
    groups: bytes


class ListNeedingHelp(msgspec.Struct, frozen=True, tag="list_needing_help"):
    """Name the people of an emergency grant who need help to leave."""

    who: Signed
    id: Name


class Erase(msgspec.Struct, frozen=True, tag="erase"):
    """Zero a person's slot."""

    who: Signed
    subject: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Summarise(msgspec.Struct, frozen=True, tag="summarise"):
    """Counts of what was opened for an incident or an exercise."""

    incident_id: Name = ""
    exercise_id: Name = ""


class BeginLoad(msgspec.Struct, frozen=True, tag="begin_load"):
    """Start sealing people on this connection, on `workers` processes; with `hidden` nobody finds them before `Reveal`.

    One that is not hidden begins a city anew: whoever is hidden then is forgotten.
    """

    who: Signed
    workers: Annotated[int, msgspec.Meta(ge=0, le=1024)]
    hidden: bool = False


class Seal(msgspec.Struct, frozen=True, tag="seal"):
    """So many people lie in the batch's place of the shared memory; batches are numbered from 0."""

    number: int
    count: int


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


class Authentic(msgspec.Struct, frozen=True, tag="authentic"):
    """A request whose bytes were made by a holder of the assertion key, once: an HMAC over nonce and body."""

    body: bytes
    nonce: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    mac: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


Stated = Annotated[str, msgspec.Meta(max_length=200)]
"""What a person is compared with or looked for by: never logged."""
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Page = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Second(msgspec.Struct, frozen=True, tag="second"):
    """Agree, as another person, to a grant that needs one."""

    who: Signed
    id: Name


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Answer yes or no about people under a grant, and show nothing.

    `argument` is an age, or `field=value`; `places` is a dwelling for each subject, `wanted` the dwellings in question,
    int64 both.
    """

    who: Signed
    id: Name
    question: Name
    argument: Stated
    subjects: bytes
    envelopes: bytes
    places: bytes = b""
    wanted: bytes = b""


class Search(msgspec.Struct, frozen=True, tag="search"):
    """Who might have this value: the answer is many; `Match` finds the one."""

    who: Signed
    purpose: Name
    field: Name
    value: Stated
    incident_id: Name = ""


class LinkSearch(msgspec.Struct, frozen=True, tag="link_search"):
    """Who might be behind this identity claim of an account that signs in."""

    who: Signed
    account: Name
    field: Name
    value: Stated


class Match(msgspec.Struct, frozen=True, tag="match"):
    """The envelopes of those whom a search named; those who truly match are logged, then named or linked."""

    who: Signed
    ticket: Name
    envelopes: bytes


class ReadOwn(msgspec.Struct, frozen=True, tag="read_own"):
    """A resident's own entries of the log, below index `before`, newest first."""

    who: Signed
    link: bytes
    before: Place | None = None
    limit: Page = 50


class Question(msgspec.Struct, frozen=True):
    """A yes-or-no question about one person; `argument` as in `Ask`."""

    question: Name
    argument: Stated = ""


class AskOwn(msgspec.Struct, frozen=True, tag="ask_own"):
    """What a resident lets the register say of themselves for an application; answered with a ticket and who it is."""

    who: Signed
    link: bytes
    fields: Names = []
    questions: Annotated[list[Question], msgspec.Meta(max_length=8)] = []


class TellOwn(msgspec.Struct, frozen=True, tag="tell_own"):
    """The envelope of whom an `AskOwn` was about; `lives_there` is what the city knows of the home in question."""

    who: Signed
    ticket: Name
    envelope: bytes
    lives_there: bool | None = None


class Contest(msgspec.Struct, frozen=True, tag="contest"):
    """Log that a resident contests the own entry at an index."""

    who: Signed
    link: bytes
    index: Place


class Unlink(msgspec.Struct, frozen=True, tag="unlink"):
    """Forget to whom a link leads."""

    who: Signed
    handle: Name


class News(msgspec.Struct, frozen=True, tag="news"):
    """Entries from index `since` on that are about residents who have a link."""

    who: Signed
    since: Place
    limit: Page = 1000


class Rotate(msgspec.Struct, frozen=True, tag="rotate"):
    """Change the key-encryption key; the answer comes when it is done."""

    who: Signed


class RotationAt(msgspec.Struct, frozen=True, tag="rotation_at"):
    """How far a change of keys is."""


class BackUpKeys(msgspec.Struct, frozen=True, tag="back_up_keys"):
    """Copy the keeper into a new folder of `place`, an absolute path."""

    who: Signed
    place: Annotated[str, msgspec.Meta(max_length=4096)]


class Watch(msgspec.Struct, frozen=True, tag="watch"):
    """Alarms with a higher number than `after`."""

    who: Signed
    after: Place
    limit: Page = 500


class Flows(msgspec.Struct, frozen=True, tag="flows"):
    """How much was opened by whom for what, from one day to another (both in it)."""

    who: Signed
    first: Name
    last: Name


class ReadPurposes(msgspec.Struct, frozen=True, tag="purposes"):
    """Every version of every purpose, and how much of today's budget is used."""

    who: Signed


class ProposePurpose(msgspec.Struct, frozen=True, tag="propose_purpose"):
    """A new version of a purpose, which another person must approve."""

    who: Signed
    document: Annotated[bytes, msgspec.Meta(max_length=40_000)]


class DecidePurpose(msgspec.Struct, frozen=True, tag="decide_purpose"):
    """Put a proposed version into force, or withdraw a version."""

    who: Signed
    purpose: Name
    version: Place
    approve: bool


class SetHoney(msgspec.Struct, frozen=True, tag="set_honey"):
    """People whose opening rings an alarm, because nobody has a reason to open them."""

    who: Signed
    subjects: bytes


class ResetBreaker(msgspec.Struct, frozen=True, tag="reset_breaker"):
    """Let a calling system open for a purpose again."""

    who: Signed
    purpose: Name
    service: Name


class ReadBreakers(msgspec.Struct, frozen=True, tag="read_breakers"):
    """Which calling systems were stopped for which purposes."""

    who: Signed


class ReadEntry(msgspec.Struct, frozen=True, tag="read_entry"):
    """What an entry of the log says, for whoever reviews it; not whom it is about."""

    who: Signed
    index: Place


class Unmask(msgspec.Struct, frozen=True, tag="unmask"):
    """What the log calls each of these accounts."""

    who: Signed
    accounts: Annotated[list[Name], msgspec.Meta(max_length=20_000)]
    reason: Name


class BreakGlass(msgspec.Struct, frozen=True, tag="break_glass"):
    """Open at once without a granter: a grant to oneself, an alarm, and a review that must follow."""

    who: Signed
    id: Name
    incident_id: Name
    fields: Names
    subjects: bytes
    reason: Digest


class ReviewGlass(msgspec.Struct, frozen=True, tag="review_glass"):
    """Say, as another person, whether breaking the glass was right."""

    who: Signed
    id: Name
    outcome: Name


class ReadGlass(msgspec.Struct, frozen=True, tag="read_glass"):
    """Every breaking of the glass that is not reviewed."""

    who: Signed


class ProposeStatus(msgspec.Struct, frozen=True, tag="propose_status"):
    """A status that burdens people: the digests of the decision and of the evidence for each person."""

    who: Signed
    id: Name
    kind: Name
    decision: Digest
    subjects: bytes
    evidence: Annotated[list[Digest], msgspec.Meta(max_length=20_000)]
    until: Name
    appeal_until: Name
    emergency: bool = False


class ApproveStatus(msgspec.Struct, frozen=True, tag="approve_status"):
    """Set a proposed status, as another person; one leaf for each of those whom it burdens."""

    who: Signed
    id: Name


class EndStatus(msgspec.Struct, frozen=True, tag="end_status"):
    """End a status, or withdraw one that was only proposed."""

    who: Signed
    id: Name


MAX_PACKETS = 4096
SEALED_MORE = 29
"""So many bytes longer than its plaintext is a sealed part: a version, a nonce, and what proves it."""
MAX_WORD_BYTES = 64
Part = Annotated[str, msgspec.Meta(max_length=20)]
Parts = Annotated[dict[Part, bytes], msgspec.Meta(max_length=16)]
Word = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_WORD_BYTES)]


class Region(msgspec.Struct, frozen=True, array_like=True):
    """Where something happens: rings as runs of float64 longitudes and latitudes, and ids of areas."""

    polygons: Annotated[list[bytes], msgspec.Meta(max_length=1000)]
    areas: Annotated[list[Name], msgspec.Meta(max_length=10_000)] = []


class SealPackets(msgspec.Struct, frozen=True, tag="seal_packets"):
    """Seal packets of named parts for a purpose; `words` are what each can be found by."""

    who: Signed
    purpose: Name
    packets: Annotated[list[Parts], msgspec.Meta(max_length=MAX_PACKETS)]
    words: Annotated[list[Annotated[list[Word], msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=MAX_PACKETS)]


class SealRun(msgspec.Struct, frozen=True, tag="seal_run"):
    """Seal packets of one part each, which no word finds: the parts one behind another, and their lengths (int32)."""

    who: Signed
    purpose: Name
    name: Name
    lengths: bytes
    parts: bytes


class FindPackets(msgspec.Struct, frozen=True, tag="find_packets"):
    """Which packets of a purpose have any of these words?"""

    who: Signed
    purpose: Name
    words: Annotated[list[Word], msgspec.Meta(max_length=200_000)]
    incident_id: Name = ""


class OpenPackets(msgspec.Struct, frozen=True, tag="open_packets"):
    """Open fields of packets under a grant; with a region only those whose place lies in it."""

    who: Signed
    id: Name
    fields: Names
    subjects: bytes
    packets: Annotated[list[Parts], msgspec.Meta(max_length=MAX_PACKETS)]
    region: Region | None = None


class ErasePackets(msgspec.Struct, frozen=True, tag="erase_packets"):
    """Zero the slots of packets of a purpose, and forget their words."""

    who: Signed
    purpose: Name
    subjects: bytes
Words = Annotated[bytes, msgspec.Meta(max_length=16_384)]
"""A text of one matter: UTF-8, or sealed."""
MAX_MATTERS = 1_000
ManyWords = Annotated[list[Words], msgspec.Meta(max_length=500)]


class SealTexts(msgspec.Struct, frozen=True, tag="seal_texts"):
    """Seal free texts of one matter."""

    who: Signed
    matter: Name
    texts: ManyWords


class SealMatters(msgspec.Struct, frozen=True, tag="seal_matters"):
    """Seal one free text for each of many matters, in their order."""

    who: Signed
    matters: Annotated[list[Name], msgspec.Meta(max_length=MAX_MATTERS)]
    texts: Annotated[list[Words], msgspec.Meta(max_length=MAX_MATTERS)]


class OpenTexts(msgspec.Struct, frozen=True, tag="open_texts"):
    """Open free texts of one matter."""

    who: Signed
    matter: Name
    texts: ManyWords


class RegisterTokens(msgspec.Struct, frozen=True, tag="register_tokens"):
    """What the register knows a source's own numbers of people by; they stand in one run, padded with zeros."""

    who: Signed
    source: Name
    width: Annotated[int, msgspec.Meta(ge=1, le=256)]
    numbers: bytes


class SealVersions(msgspec.Struct, frozen=True, tag="seal_versions"):
    """Seal changed records of 128 bytes, their traits inside, for people who are there."""

    who: Signed
    subjects: bytes
    records: bytes


class Follow(msgspec.Struct, frozen=True, tag="follow"):
    """Let what people are found and counted by be that of these envelopes."""

    who: Signed
    subjects: bytes
    envelopes: bytes


class Compare(msgspec.Struct, frozen=True, tag="compare"):
    """Say of each envelope whether it says the same name and identity number as a record of 128 bytes."""

    who: Signed
    subjects: bytes
    envelopes: bytes
    records: bytes


class TellSame(msgspec.Struct, frozen=True, tag="tell_same"):
    """What each envelope says of each field as a keyed number, which means nothing beside another person's."""

    who: Signed
    subjects: bytes
    envelopes: bytes


class Compose(msgspec.Struct, frozen=True, tag="compose"):
    """Seal for each person a record whose fields come from several of the versions; `counts` int64, one a person.

    `choices` is uint8, a row of `COMPOSED` for each person: the place of a version among the person's own.
    """

    who: Signed
    subjects: bytes
    counts: bytes
    envelopes: bytes
    choices: bytes


class SealOwn(msgspec.Struct, frozen=True, tag="seal_own"):
    """Seal a correction, a record of 128 bytes with what was asked for alone, for whom an account's link means."""

    who: Signed
    account: Name
    link: bytes
    record: bytes


class Seek(msgspec.Struct, frozen=True, tag="seek"):
    """Name who may be meant by new records of 128 bytes: those who share two of sound of name, birth and phone."""

    who: Signed
    records: bytes


class Weigh(msgspec.Struct, frozen=True, tag="weigh"):
    """Open those whom `Seek` named, or some of them, each once, to be compared with the records."""

    who: Signed
    ticket: Name
    subjects: bytes
    envelopes: bytes


class Join(msgspec.Struct, frozen=True, tag="join"):
    """Give versions of a person to another one, who is the same."""

    who: Signed
    subject: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
    into: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
    envelopes: bytes


class Part(msgspec.Struct, frozen=True, tag="part"):
    """Give versions of a person, the last one in force, a person of their own."""

    who: Signed
    subject: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
    envelopes: bytes


class Reveal(msgspec.Struct, frozen=True, tag="reveal"):
    """Let those who were sealed hidden be found."""

    who: Signed


class TakeBack(msgspec.Struct, frozen=True, tag="take_back"):
    """Zero the people who are hidden in slots from `first` on."""

    who: Signed
    first: Place


Request = Union[  # noqa: UP007 - msgspec reads the union at run time
    Ping, Head, Leaf, Consistency, ReadBasis, Grant, Revoke, RevokeAll, Open, Count, CountPeople, ListNeedingHelp,
    Erase, Summarise,
    BeginLoad, Seal, EndLoad, LogKey, Checkpoint, Tile, Entries, Inclusions, AddCosignatures,
    Authentic, Second, Ask, Search, LinkSearch, Match, ReadOwn, AskOwn, TellOwn, Contest, Unlink, News, Watch, Flows,
    ReadPurposes,
    ProposePurpose, DecidePurpose, SetHoney, ResetBreaker, ReadBreakers, Unmask, BreakGlass, ReviewGlass, ReadGlass,
    ProposeStatus, ApproveStatus, EndStatus, Rotate, RotationAt, BackUpKeys,
    ReadEntry, SealPackets, SealRun, FindPackets, OpenPackets, ErasePackets, SealTexts, SealMatters, OpenTexts,
    RegisterTokens, SealVersions, Follow, Compare, TellSame, Compose, Seek, Weigh, Join, Part, Reveal, TakeBack,
    SealOwn,
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
    """The grant stands, for so many people, on this legal basis; it may wait for a second person."""

    people: int
    basis: str
    needs_second: bool = False


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
    version: int
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


class PeopleCounted(msgspec.Struct, frozen=True, tag="people_counted"):
    """`groups` and `counts` are int64; counts: all people, then women, men, others by AGE_BANDS, a column a group."""

    groups: bytes
    counts: bytes
    unknown: int


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
    """The batch's subjects and envelopes lie in its place."""

    number: int
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


class Answered(msgspec.Struct, frozen=True, tag="answered"):
    """Yes, no, or None where it cannot be told, in the order asked."""

    answers: list[bool | None]


class OwnTold(msgspec.Struct, frozen=True, tag="own_told"):
    """The fields that were asked for, in alphabetical order, and the answers in the order of the questions."""

    fields: list[str]
    answers: list[bool | None]


class DigestsAre(msgspec.Struct, frozen=True, tag="digests_are"):
    """int64, a row of `DIGESTED` for each envelope; 0 where it says nothing or does not open."""

    digests: bytes


class Candidates(msgspec.Struct, frozen=True, tag="candidates"):
    ticket: str
    subjects: bytes


class Sought(msgspec.Struct, frozen=True, tag="sought"):
    """Pairs of a record's place and somebody who may be meant, both int64."""

    ticket: str
    rows: bytes
    subjects: bytes


class Linked(msgspec.Struct, frozen=True, tag="linked"):
    """A link that only this keeper can read, and the handle by which news of it are told."""

    link: bytes
    handle: str


class OwnEntries(msgspec.Struct, frozen=True, tag="own_entries"):
    """Leaves with their salts, newest first, their proofs in the tree of the checkpoint, and the checkpoint.

    `titles` holds what each purpose is called, by language, under `purpose/version`; `statuses` the ids of what burdens
    the resident now, with the first page only.
    """

    leaves: list[LoggedLeaf]
    proofs: list[list[bytes]]
    checkpoint: str
    vkey: str
    titles: dict[str, dict[str, str]] = {}
    statuses: list[str] = []


class NewsItem(msgspec.Struct, frozen=True, array_like=True):
    handle: str
    index: int
    at: str
    kind: str


class NewsIs(msgspec.Struct, frozen=True, tag="news_is"):
    """What is new; ask again from `next` on."""

    items: list[NewsItem]
    next: int


class AlarmRow(msgspec.Struct, frozen=True, array_like=True):
    number: int
    at: str
    kind: str
    purpose: str
    actor: str
    unit: str
    service: str
    about: str
    people: int
    exercise_id: str


class Alarms(msgspec.Struct, frozen=True, tag="alarms"):
    rows: list[AlarmRow]


class FlowRow(msgspec.Struct, frozen=True, array_like=True):
    day: str
    unit: str
    role: str
    purpose: str
    kind: str
    service: str
    exercise: bool
    leaves: int
    people: int


class FlowsAre(msgspec.Struct, frozen=True, tag="flows_are"):
    rows: list[FlowRow]


class PurposeRow(msgspec.Struct, frozen=True, array_like=True):
    """A version of a purpose: its state, its document as JSON, who proposed and decided it, and today's use."""

    purpose: str
    version: int
    state: str
    document: str
    proposed_by: str
    proposed_at: str
    decided_by: str
    decided_at: str
    spent_today: int


class PurposesAre(msgspec.Struct, frozen=True, tag="purposes_are"):
    rows: list[PurposeRow]


class EntryIs(msgspec.Struct, frozen=True, tag="entry_is"):
    """The facts of an entry as JSON, without the person."""

    facts: bytes


class BreakersAre(msgspec.Struct, frozen=True, tag="breakers_are"):
    """Purpose, service, and since when."""

    rows: list[tuple[str, str, str]]


class Unmasked(msgspec.Struct, frozen=True, tag="unmasked"):
    names: list[str]


class GlassRow(msgspec.Struct, frozen=True, array_like=True):
    id: str
    actor: str
    unit: str
    broken_at: str
    due_at: str
    exercise_id: str


class GlassIs(msgspec.Struct, frozen=True, tag="glass_is"):
    rows: list[GlassRow]


class PacketsSealed(msgspec.Struct, frozen=True, tag="packets_sealed"):
    """The ids of the packets (int64), and their sealed parts, in the order asked."""

    subjects: bytes
    packets: list[dict[str, bytes]]


class RunSealed(msgspec.Struct, frozen=True, tag="run_sealed"):
    """The ids of the packets (int64), and their sealed parts one behind another, in the order asked."""

    subjects: bytes
    parts: bytes


class PacketsOpened(msgspec.Struct, frozen=True, tag="packets_opened"):
    """The parts of each packet, None where it was not opened; `inside` says which lie in the region asked for."""

    packets: list[dict[str, bytes] | None]
    inside: list[bool]


class Rotated(msgspec.Struct, frozen=True, tag="rotated"):
    """The key in force is number `key_id`, and wraps so many slots."""

    key_id: int
    slots: int


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    done: int
    total: int


class BackedUp(msgspec.Struct, frozen=True, tag="backed_up"):
    folder: str


class TextsAre(msgspec.Struct, frozen=True, tag="texts_are"):
    """Texts in the order of the request; None for one that is not of this matter."""

    texts: list[bytes | None]


class TokensAre(msgspec.Struct, frozen=True, tag="tokens_are"):
    """Tokens in the order of the request, int64."""

    tokens: bytes


class Parted(msgspec.Struct, frozen=True, tag="parted"):
    """The new person, and the versions sealed for that one, in the order of the request."""

    subject: int
    envelopes: bytes
    key_id: int
    field_set: int


class OwnSealed(msgspec.Struct, frozen=True, tag="own_sealed"):
    """Whom the link meant, and the correction sealed for that person."""

    subject: int
    envelope: bytes
    key_id: int
    field_set: int


class VersionsSealed(msgspec.Struct, frozen=True, tag="versions_sealed"):
    """Envelopes in the order of the request, of zeros for who is not there any more."""

    envelopes: bytes
    key_id: int
    field_set: int


Reply = Union[  # noqa: UP007 - msgspec reads the union at run time
    Done, Denied, Granted, HeadIs, LeafIs, ProofIs, BasisIs, Opened, Counted, PeopleCounted, Named, Summaries, Sealed,
    LogKeyIs, CheckpointIs, TileIs, EntriesAre, InclusionsAre, Answered, OwnTold, DigestsAre, Candidates, Sought,
    Linked,
    OwnEntries, NewsIs, Alarms, FlowsAre, PurposesAre, BreakersAre, Unmasked, GlassIs, Rotated, Progress, BackedUp,
    EntryIs, PacketsSealed, RunSealed, PacketsOpened, TextsAre, TokensAre, VersionsSealed, Parted,
    OwnSealed,
]  # fmt: skip


class Work(msgspec.Struct, frozen=True):
    """A batch that one of the server's sealing processes is to seal into the slots from `first_slot`."""

    number: int
    first_slot: int
    count: int


UNSEALED = (Ping, RotationAt, Head, Leaf, Consistency, LogKey, Checkpoint, Tile, Entries, Inclusions)
"""What anybody who reaches the keeper may ask: nothing in it is about anybody."""
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)
_work = msgspec.msgpack.Decoder(Work)
encode = msgspec.msgpack.Encoder().encode


def cut(run: bytes, lengths: Sequence[int]) -> list[bytes]:
    """A run of bytes in pieces of these lengths."""
    ends = accumulate(lengths)
    return [run[last - length : last] for length, last in zip(lengths, ends, strict=True)]


def frame(message: Request | Reply | Work) -> bytes:
    """A message with its length in front. Raises: FrameTooLarge."""
    body = encode(message)
    checked_length(len(body))
    return HEADER.pack(len(body)) + body


def checked_length(length: int) -> int:
    """The length of a message that may be read. Raises: FrameTooLarge."""
    if not 0 < length <= MAX_FRAME_BYTES:
        raise FrameTooLarge(f"A message of {length} bytes; the limit is {MAX_FRAME_BYTES}.")
    return length


def malformed() -> Refused:
    """What is said of a message that says nothing."""
    return Refused("gate.bad_request", "The message to the keeper is malformed; nothing was opened.")


def name_of(request: Request) -> str:
    """What a kind of message is called in the protocol, and in the leaf of one that was refused."""
    return str(request.__struct_config__.tag)


def read_request(body: bytes | bytearray) -> Request:
    """Raises: msgspec.DecodeError or msgspec.ValidationError for anything that is not a request."""
    return _requests.decode(body)


def read_reply(body: bytes | bytearray) -> Reply:
    """Raises: msgspec.DecodeError or msgspec.ValidationError for anything that is not a reply."""
    return _replies.decode(body)


def read_work(body: bytes | bytearray) -> Work:
    """Raises: msgspec.DecodeError or msgspec.ValidationError for anything that is not work."""
    return _work.decode(body)
