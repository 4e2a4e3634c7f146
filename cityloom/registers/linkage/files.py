"""Departments' files are linked as they lie there: row numbers come out, and no value."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel.refused import Refused
from cityloom.registers import plugins
from cityloom.registers.domain import linkage, linkage_columns, linkage_config
from cityloom.registers.domain.linkage import Links, Member, Quality
from cityloom.registers.domain.linkage_config import Config
from cityloom.registers.domain.tables import Wanted
from cityloom.registers.linkage import engine
from cityloom.registers.linkage.address_parts import Addresses, Progress

_FIRST_ROW = 2
"""The number of the first row below the header, as a spreadsheet counts."""
_FEBRL = re.compile(r"(rec-\d+)-(?:org|dup-\d+)")
_MOST_ROWS = 20_000_000
_MAPPINGS = (".yaml", ".yml")


_Read = tuple[str, dict[str, list[str]], dict[str, str]]
"""A file's name, its columns by header, and what a mapping says of them."""


@dataclass(frozen=True)
class Incoming:
    """A file as columns: those that linking uses by their meaning, and all of them by their header."""

    name: str
    columns: dict[str, list[str]]
    header: dict[str, list[str]]
    meanings: dict[str, str]
    rows: int


@dataclass(frozen=True)
class Outcome:
    """What linking files gave; `quality` by least probability and `blocked` (recall of blocking) only with a truth."""

    files: tuple[Incoming, ...]
    config: Config
    links: Links
    clusters: list[linkage.Cluster]
    quality: Mapping[str, Quality]
    blocked: float | None


def link_files(
    paths: Sequence[Path], *, config: Path | None = None, register: str = "", truth: str = "", within: bool = False,
    free_of_duplicates: bool = False, progress: Progress | None = None,
) -> Outcome:  # fmt: skip
    """Link one file inside, or two with each other; nothing is changed or kept.

    Raises: Refused `linkage.no_columns`, `linkage.truth_unknown`, `linkage.config_*`, and what reading refuses.
    """
    read = [_read(path) for path in paths]
    chosen = _config(read, config, register)
    files = tuple(_meant(name, header, said, chosen) for name, header, said in read)
    tables = {f"{place} {file.name}": file.columns for place, file in enumerate(files)}
    free = frozenset(tables) if free_of_duplicates and len(files) > 1 else frozenset()
    true = _truth(files, tuple(tables), truth, inside=within or len(files) == 1) if truth else None
    addresses = Addresses(progress) if progress else Addresses()
    links = engine.link(tables, chosen, within=within or len(files) == 1, free_of_duplicates=free, addresses=addresses)
    joined = linkage.clusters(links, at_least=chosen.certain, free_of_duplicates=free)
    quality = {} if true is None else _qualities(links, chosen, joined, true)
    blocked = None if true is None else _recall_of_blocking(tables, chosen, true, addresses)
    return Outcome(files, chosen, links, joined, quality, blocked)


def _read(path: Path) -> _Read:
    """A file, or the file that a mapping names, with the meanings that the mapping gives to columns."""
    said: dict[str, str] = {}
    wanted = Wanted()
    if path.suffix.lower() in _MAPPINGS:
        path, said, wanted = _mapping(path)
    table = plugins.open_table(path, wanted)
    names = [name.strip() for name in table.header]
    columns: list[list[str]] = [[] for _name in names]
    for batch in table.batches():
        for row in batch.texts:
            for place, column in enumerate(columns):
                column.append(row[place].strip() if place < len(row) else "")
        if len(columns[0]) > _MOST_ROWS:
            raise Refused("linkage.too_many_rows", "Files of more than {limit} rows are linked in parts.",
                          limit=_MOST_ROWS)  # fmt: skip
    return path.name, dict(zip(names, columns, strict=True)), said


def _mapping(path: Path) -> tuple[Path, dict[str, str], Wanted]:
    """A small mapping (`file: {path: ...}`, `columns: {header: meaning}`), or one that a register is loaded with."""
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8-sig"))
        file = document["file"]
        columns = {str(name): says["field"] if isinstance(says, dict) else str(says)
                   for name, says in document["columns"].items()}  # fmt: skip
        how = {name: str(file[name]) for name in ("format", "encoding", "delimiter", "sheet") if file.get(name)}
        return path.parent / file["path"], columns, Wanted(**how)
    except OSError as error:
        raise Refused("registers.mapping_missing", "There is no mapping {value}; `cityloom register profile FILE` "
                      "writes one.", value=path.name) from error  # fmt: skip
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise Refused("linkage.mapping_unfit", "{value} is no mapping: it needs file.path, and under columns what each "
                      "header means, as in given_name or birth_date.", value=path.name) from error  # fmt: skip


def _config(read: Sequence[_Read], path: Path | None, register: str) -> Config:
    if path is not None:
        return read_config(path)
    shipped = {name: linkage_config.shipped(name) for name in linkage_config.SHIPPED}
    header = [said.get(name, name) for _file, columns, said in read for name in columns]
    return linkage_config.shipped(register or linkage_columns.likeliest(header, shipped))


def read_config(path: Path) -> Config:
    """A configuration from a file.

    Raises: Refused `linkage.config_missing`, `linkage.config_unreadable`, `linkage.config_unfit`.
    """
    if not path.is_file():
        raise Refused("linkage.config_missing", "There is no configuration {value}; `cityloom register link "
                      "--show-config people` prints one.", value=path.name)  # fmt: skip
    return linkage_config.read(path.read_text("utf-8-sig", errors="replace"))


def _meant(name: str, header: dict[str, list[str]], said: dict[str, str], config: Config) -> Incoming:
    proposed = linkage_columns.proposed(list(header), config)
    told = {column: meaning for column, meaning in said.items() if column in header and meaning in config.columns}
    taken = {*told.values()}
    meanings = told | {one: meaning for one, meaning in proposed.items() if one not in said and meaning not in taken}
    if not meanings:
        raise Refused("linkage.no_columns", "No column of {value} is known for linking; write a mapping that says what "
                      "each means: {limit}.", value=name, limit=", ".join(config.columns))  # fmt: skip
    columns = {meaning: header[column] for column, meaning in meanings.items()}
    return Incoming(name, columns, header, meanings, len(next(iter(header.values()), [])))


True_ = tuple[set[frozenset[Member]], set[frozenset[Member]] | None]
"""Pairs that are truly one, and all that were judged (None: every pair is)."""


def _truth(files: Sequence[Incoming], tables: Sequence[str], truth: str, *, inside: bool) -> True_:
    if Path(truth).is_file():
        return _truth_file(files, tables, Path(truth))
    if not all(truth in file.header for file in files):
        raise Refused("linkage.truth_unknown", "{value} is neither a column of each file nor a file; name what tells "
                      "which rows are truly one.", value=truth[:100])  # fmt: skip
    groups: dict[str, list[Member]] = {}
    for table, file in zip(tables, files, strict=True):
        for row, value in enumerate(file.header[truth]):
            if value:
                found = _FEBRL.fullmatch(value)
                groups.setdefault(found[1] if found else value, []).append((table, row))
    pairs = {frozenset((one, other)) for members in groups.values() for at, one in enumerate(members)
             for other in members[:at] if inside or one[0] != other[0]}  # fmt: skip
    return pairs, None


def _truth_file(files: Sequence[Incoming], tables: Sequence[str], path: Path) -> True_:
    """A CSV of judged pairs: `left_row,right_row` as a spreadsheet counts, or ids as in `unique_id_l,unique_id_r`."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = list(rows[0]) if rows else []
    score = next((name for name in names if name.endswith("score")), "")
    if {"left_row", "right_row"} <= set(names):
        places = [{str(row + _FIRST_ROW): (table, row) for row in range(file.rows)}
                  for table, file in zip(tables, files, strict=True)]  # fmt: skip
        one, other = "left_row", "right_row"
    else:
        one = next((name for name in names if name.endswith("_l") and name[:-2] in files[0].header), "")
        other = one[:-1] + "r"
        if not one or other not in names:
            raise Refused("linkage.truth_unknown", "{value} needs columns left_row and right_row, or the ids of both "
                          "rows as in id_l and id_r.", value=path.name)  # fmt: skip
        places = [{value: (table, row) for row, value in enumerate(file.header.get(one[:-2], []))}
                  for table, file in zip(tables, files, strict=True)]  # fmt: skip
    judged = {frozenset((places[0][row[one]], places[-1][row[other]])): float(row[score] or 0) if score else 1.0
              for row in rows if row[one] in places[0] and row[other] in places[-1]}  # fmt: skip
    return {pair for pair, said in judged.items() if said >= 0.5}, set(judged) if score else None


def _qualities(links: Links, config: Config, joined: list[linkage.Cluster], true: True_) -> dict[str, Quality]:
    """How good the certain links are, those that are at least to be reviewed, and what the joins mean as pairs."""
    said, judged = true
    found = {
        "certain": pairs_of(links.taken(links.probability >= config.certain)),
        "certain or to review": pairs_of(links.taken(links.probability >= config.review)),
        "joined": {frozenset((one, other)) for cluster in joined for at, one in enumerate(cluster.members)
                   for other in cluster.members[:at]},
    }  # fmt: skip
    between = {frozenset(pair) for pair in said if len({table for table, _row in pair}) == 2}
    if said and between == said:
        found["joined"] = {pair for pair in found["joined"] if len({table for table, _row in pair}) == 2}
    return {name: linkage.quality(pairs if judged is None else pairs & judged, said) for name, pairs in found.items()}


def pairs_of(links: Links) -> set[frozenset[Member]]:
    """The links as pairs of records."""
    return {frozenset((links.member("left", row), links.member("right", row))) for row in range(len(links))}


def _recall_of_blocking(
    tables: Mapping[str, Any], config: Config, true: True_, addresses: Addresses
) -> float | None:  # fmt: skip
    """The share of the true pairs that are compared at all."""
    names = list(tables)
    pairs = [sorted(pair) for pair in true[0] if len(pair) == 2]
    if not pairs:
        return None
    places = [(names.index(a), i, names.index(b), j) for (a, i), (b, j) in pairs]
    return engine.share_blocked(tables, config, places, addresses)


def write(outcome: Outcome, place: Path) -> int:
    """Write the pairs that are certain or to be reviewed: row numbers as a spreadsheet counts, and weights."""
    links = outcome.links.taken(outcome.links.probability >= outcome.config.review)
    states = links.states(outcome.config)
    entries = {member: number for number, cluster in enumerate(outcome.clusters, 1) for member in cluster.members}
    try:
        with place.open("x", encoding="utf-8", newline="") as stream:
            out = csv.writer(stream)
            parts = list(links.contributions)
            out.writerow(["left_file", "left_row", "right_file", "right_row", "state", "entry", "probability", "weight",
                          *parts])  # fmt: skip
            for row in range(len(links)):
                (left, one), (right, other) = links.member("left", row), links.member("right", row)
                bits = [f"{links.contributions[part][row]:.3f}" for part in parts]
                out.writerow([left.partition(" ")[2], one + _FIRST_ROW, right.partition(" ")[2], other + _FIRST_ROW,
                              states[row], entries.get((left, one), ""), f"{links.probability[row]:.6f}",
                              f"{links.weight[row]:.3f}", *bits])  # fmt: skip
    except FileExistsError as error:
        raise Refused("registers.file_exists", "{value} is there already; name another file with --out.",
                      value=place.name) from error  # fmt: skip
    return len(links)
