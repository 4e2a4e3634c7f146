"""Rows of one file that are the same person are found before anybody is sealed: in memory, and nowhere else.

Rows that share two of three (what the name sounds like, the day of birth, the telephone) or an identity number are
weighed by the linkage engine, as the people of the register are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import linkage_config, within
from cityloom.registers.domain.checks import Checks
from cityloom.registers.domain.linkage import Links, Model
from cityloom.registers.domain.linkage_config import Config
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.reviewing import CERTAIN, REVIEW
from cityloom.registers.domain.tables import Table
from cityloom.registers.domain.within import Codes, Ints, TwoRows, Within
from cityloom.registers.linkage import engine
from cityloom.registers.loading.reading import checked, some
from cityloom.registers.loading.sealable import to_seal
from cityloom.registers.loading.survey import Survey
from cityloom.registers.models import Load, PersonRecord, RecordLink
from cityloom.registers.trust import pairs as book

REGISTER = "people"
MOST_ROWS = 1_000_000
"""Larger files are not compared with themselves: 200 bytes a row are held until all have been read."""
MOST_ASKED = 1_000
"""Pairs of one file that wait for somebody's look; of more only the heaviest."""
_TWICE = 0.02
"""How many of a file's people stand in it twice, before anything is compared."""
_FEWEST = 10_000
_RARE = 20
"""Rows of a file with a name that sounds the same: so few hardly share a birthday by chance."""
_AT_ONCE = 500
_COMPARED = ("name", "national_id", "birth_date", "sex", "phone")
_FIELDS = gate.WEIGHED_FIELDS
_WHOLE_NUMBER = 18


def look_within(table: Table, mapping: FileMapping, today: date, survey: Survey) -> Within:
    """Compare a file's good rows with each other.

    Raises: Refused `registers.too_many_within` where the mapping asks for it and the file is too large.
    """
    rows = survey.rows
    if mapping.compare_within is False or rows < 2:
        return Within()
    if rows > MOST_ROWS:
        if mapping.compare_within:
            raise Refused("registers.too_many_within", "The mapping asks to compare the rows of the file with each "
                          "other, and it has {value}; {limit} fit into memory. Have it sent in parts, or leave "
                          "compare_within out.", value=rows, limit=MOST_ROWS)  # fmt: skip
        return Within(not_compared=rows)
    return _compared(*_read(table, Checks(mapping, table.header, today, survey.verdict), today, survey.doubtful))


def _read(table: Table, checks: Checks, today: date, doubtful: Ints | None) -> tuple[Ints, gate.PeopleBatch]:
    """The numbers of the good rows, and their people as they will be sealed."""
    numbers, batches = [np.zeros(0, np.int64)], []
    for batch, found in checked(table, checks, only=_COMPARED, doubtful=doubtful):
        if found.good:
            numbers.append(np.array(some(batch.numbers, found.good), np.int64))
            values = {name: some(column, found.good) for name, column in found.values.items() if name in _COMPARED}
            batches.append(to_seal(values, len(found.good), today).records)
    records = np.concatenate(batches) if batches else np.zeros((0, 128), np.uint8)
    return np.concatenate(numbers), gate.PeopleBatch(records, np.zeros(len(records), np.uint16))


def _compared(numbers: Ints, people: gate.PeopleBatch) -> Within:
    sounds = gate.name_sounds(people.records)
    left, right = within.candidates(_blocks(people, sounds))
    if not len(left):
        return Within()
    read = gate.reader(_FIELDS)
    said = {place: read(people.records[place].tobytes()) for place in np.union1d(left, right).tolist()}
    is_apart = np.array([_differ(said[one], said[other]) for one, other in zip(left.tolist(), right.tolist(),
                                                                               strict=True)], bool)  # fmt: skip
    apart = list(zip(numbers[left[is_apart]].tolist(), numbers[right[is_apart]].tolist(), strict=True))
    left, right = left[~is_apart], right[~is_apart]
    if not len(left):
        return Within()
    config = linkage_config.shipped(REGISTER)
    at = np.union1d(left, right)
    links = _weighed(config, said, at, (left, right), len(people))
    _sounds, inverse, often = np.unique(sounds, return_inverse=True, return_counts=True)
    rare = set(np.flatnonzero(often[inverse] <= _RARE).tolist())
    return _grouped(_judged(config, links, at, _Rows(said, numbers, rare)), apart)


@dataclass(frozen=True)
class _Rows:
    """The rows that are weighed, by place: what they say, their numbers, and whose name is rare in the file."""

    said: dict[int, list[str]] = field(repr=False)
    numbers: Ints
    rare: set[int]


def _blocks(people: gate.PeopleBatch, sound: Codes) -> list[Codes]:
    """What is shared by rows that are compared: two of sound, birth and telephone, or the number."""
    born, phone, number = (_code(people, name) for name in ("birth_date", "phone", "national_id"))
    return [within.both(sound, born), within.both(sound, phone), within.both(born, phone), number]


def _code(people: gate.PeopleBatch, name: str) -> Codes:
    """A number for each value, 0 for none; a telephone's last nine digits, so that a country's code does not count."""
    texts = gate.people_column(people.records, name).tolist()
    tail = 9 if name == "phone" else _WHOLE_NUMBER
    return np.fromiter((hash(text[-tail:]) if text else 0 for text in texts), np.int64, len(texts)).view(np.uint64)


def _weighed(config: Config, said: dict[int, list[str]], at: Ints, pairs: tuple[Ints, Ints], rows: int) -> Links:
    model = replace(Model.default(config), prior=_TWICE / max(rows, _FEWEST))
    columns = {name: [said[place][field] for place in at.tolist()] for field, name in enumerate(_FIELDS)}
    places = [np.searchsorted(at, side).tolist() for side in pairs]
    return engine.score(model, config, columns, columns, (places[0], places[1]))


def _judged(config: Config, links: Links, at: Ints, rows: _Rows) -> list[TwoRows]:
    """The pairs that are certain or to be reviewed, the heaviest first."""
    out, last = [], {one.name: len(one.levels) - 1 for one in config.comparisons}
    for place in np.flatnonzero(links.probability >= config.review).tolist():
        one, other = int(at[links.left_row[place]]), int(at[links.right_row[place]])
        level = {name: int(held[place]) for name, held in links.levels.items()}
        agree = {name for name, held in level.items() if 0 <= held < last[name]}
        is_rare = one in rows.rare and level.get("birth_date") == 0 and level.get("phone", -1) < 0
        is_sure = _is_sure(agree, rows.said[one], rows.said[other], is_rare=is_rare)
        parts = [[name, held, round(bits, 2)] for name, held, bits in links.explanation(place, config)
                 if held != "missing"]  # fmt: skip
        state = CERTAIN if links.probability[place] >= config.certain and is_sure else REVIEW
        out.append(TwoRows(int(rows.numbers[one]), int(rows.numbers[other]), state, float(links.weight[place]),
                           float(links.probability[place]), parts))  # fmt: skip
    return sorted(out, key=lambda pair: (-pair.weight, pair.first, pair.second))


def _is_sure(agree: set[str], one: Sequence[str], other: Sequence[str], *, is_rare: bool) -> bool:
    """Whether both names agree, and the number or both the birthday and the telephone; of a rare name the birthday.

    Twins share all but the given name; a common name and a birthday are shared by strangers.
    """
    if not {"surname", "given_name"} <= agree:
        return False
    return _number(one) == _number(other) != "" or {"birth_date", "phone"} <= agree or is_rare


def _number(says: Sequence[str]) -> str:
    return says[_FIELDS.index("national_id")]


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both have a whole identity number, and not the same: then they are two people, and nobody is asked."""
    return all(len(_number(says)) == _WHOLE_NUMBER for says in (one, other)) and _number(one) != _number(other)


def _grouped(found: list[TwoRows], apart: list[tuple[int, int]]) -> Within:
    certain = [pair for pair in found if pair.state == CERTAIN]
    leader, left_out = within.leaders([(pair.first, pair.second) for pair in certain], apart)
    doubted = {id(certain[place]) for place in left_out}
    pairs = [replace(pair, state=REVIEW) if id(pair) in doubted else pair for pair in found]
    asked = [pair for pair in pairs if pair.state == REVIEW]
    asked = [pair for pair in asked if leader.get(pair.first, pair.first) != leader.get(pair.second, pair.second)]
    sure = [pair for pair in pairs if pair.state == CERTAIN]
    return Within(leader, sure + asked[:MOST_ASKED], not_asked=max(0, len(asked) - MOST_ASKED))


def note_within(found: Within, load: Load, leads: Mapping[int, int]) -> int:
    """Keep the pairs of a load's rows that are written; return how many new ones wait for somebody's look.

    `leads` are the tokens of rows that others follow: what is unchanged since an earlier load has its record there.
    """
    if not found.pairs:
        return 0
    records = _records({row for pair in found.pairs for row in (pair.first, pair.second)}, load, leads)
    at, links = clock.now(), []
    for pair in found.pairs:
        one, other = records.get(pair.first), records.get(pair.second)
        if one and other and one[0] != other[0] and (one[2] == other[2]) is (pair.state == CERTAIN):
            left, right = sorted([one, other])
            links.append(RecordLink(
                register=REGISTER, left_key=left[0], right_key=right[0], left_record=left[1], right_record=right[1],
                left_source=load.source_id, right_source=load.source_id, weight=pair.weight,
                probability=pair.probability, parts=pair.parts, state=pair.state, found_at=at,
            ))  # fmt: skip
    return book.found(REGISTER, links, at=at, by=SYSTEM.account).get(REVIEW, 0)


_Record = tuple[str, int, int]


def _records(rows: set[int], load: Load, leads: Mapping[int, int]) -> dict[int, _Record]:
    """By row its record: key, number and subject."""
    start, found = load.number << 32, dict[int, _Record]()
    wanted = sorted(rows)
    for first in range(0, len(wanted), _AT_ONCE):
        held = PersonRecord.objects.filter(id__in=[start | row for row in wanted[first : first + _AT_ONCE]])
        for record, key, subject in held.values_list("id", "key", "subject"):
            found[record & 0xFFFF_FFFF] = str(key), record, subject
    by_token = {leads[row]: row for row in wanted if row in leads and row not in found}
    said = PersonRecord.still_said(load.number - 1).filter(source_id=load.source_id, key__in=list(by_token))
    for record, key, subject in said.values_list("id", "key", "subject") if by_token else ():
        found[by_token[key]] = str(key), record, subject
    return found
