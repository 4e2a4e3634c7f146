"""How records are linked, as a steward writes it: columns, blocks, comparisons with levels, and what is certain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import linkage_addresses

Key = tuple[str, ...]
LARGEST_BYTES = 256 * 1024
SHIPPED = ("people", "organisations")
PARTS: dict[str, tuple[str, ...]] = {
    "full-name": (), "name": ("", "sound", "start", "other", "han"),
    "organisation": ("", "core", "start", "end", "sound", "rare", "words"),
    "day": ("", "year", "monthday", "digits"), "number": ("",), "phone": ("",), "email": ("", "user"), "word": ("",),
    "address": ("", "numbers", "words"),
}  # fmt: skip
"""What is made of a column of each kind; the empty word is the cleaned value itself."""
_CONDITIONS = ("same", "sound", "start", "alike", "shared", "edits", "reordered", "swapped", "reaches")


@dataclass(frozen=True)
class Condition:
    """What has to hold between two records; `limit` is the least likeness or the most edits."""

    kind: str
    parts: Key
    limit: float = 0.0

    @property
    def words(self) -> str:
        """What holds, in words that are translated."""
        if self.kind == "reaches":
            return linkage_addresses.REACHED[self.parts[0].partition(".")[2]]
        return _WORDS[self.kind]


@dataclass(frozen=True)
class Level:
    """A level of a comparison: all of its conditions hold, and none of the level before; without one it is the rest."""

    conditions: tuple[Condition, ...]
    m: float
    u: float
    by_frequency: bool = False

    @property
    def words(self) -> str:
        """What held, in words that are translated."""
        return " and ".join(one.words for one in self.conditions) or "differs"


_WORDS = {
    "same": "the same", "sound": "sounds the same", "start": "begins the same", "alike": "nearly the same",
    "shared": "shares words", "edits": "mistyped", "reordered": "day and month swapped", "swapped": "names swapped",
}  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """What is compared between two records, from the level that speaks most for one entry to the rest."""

    name: str
    levels: tuple[Level, ...]

    @property
    def parts(self) -> frozenset[str]:
        """Every part of a column that it looks at."""
        return frozenset(part for level in self.levels for one in level.conditions for part in one.parts)

    @property
    def reaching(self) -> str:
        """The column of addresses of which it is compared how far they are the same, or ""."""
        found = (one.parts[0] for level in self.levels for one in level.conditions if one.kind == "reaches")
        return next(found, "").partition(".")[0]

    def words(self, level: int) -> str:
        """What a level means."""
        return "missing" if level < 0 else self.levels[level].words


@dataclass(frozen=True)
class Parsing:
    """Which columns of addresses are taken apart; `home` as in `address.parsed`, `at_most` different texts of each."""

    columns: Key = ()
    home: str = ""
    at_most: int = 500_000


@dataclass(frozen=True)
class Config:
    """How records of a register are linked; `digest` tells whether a model was learnt under it."""

    register: str
    columns: Mapping[str, str]
    blocks: tuple[Key, ...]
    comparisons: tuple[Comparison, ...]
    certain: float
    review: float
    train: tuple[Key, ...] = ()
    most_in_block: int = 100
    prior: float = 1e-6
    all_pairs_up_to: int = 0
    digest: str = ""
    parsed: Parsing = Parsing()


@cache
def shipped(register: str) -> Config:
    """The configuration that comes with Cityloom.

    Raises: Refused `linkage.register_unknown`.
    """
    if register not in SHIPPED:
        raise Refused("linkage.register_unknown", "There is no way to link {value}; there is one for {limit}.",
                      value=register, limit=" and ".join(SHIPPED))  # fmt: skip
    return read(shipped_text(register))


def shipped_text(register: str) -> str:
    """The configuration that comes with Cityloom, as it is written: what a city copies and changes."""
    return Path(__file__).with_name(f"linkage_{register}.yaml").read_text("utf-8")


@cache
def schema() -> Mapping[str, Any]:
    """The JSON Schema of configurations."""
    return json.loads(Path(__file__).with_name("linkage.schema.json").read_text("utf-8"))


def read(text: str) -> Config:
    """A configuration, checked against its schema and in itself.

    Raises: Refused `linkage.config_unreadable`, `linkage.config_unfit`.
    """
    document = _document(text)
    _check_schema(document)
    columns = document["columns"]
    comparisons = tuple(_comparison(name, levels) for name, levels in document["comparisons"].items())
    config = Config(
        document["register"], columns, _keys(document["blocks"]), comparisons, document["thresholds"]["certain"],
        document["thresholds"]["review"], _keys(document.get("train", ())), document.get("blocks_at_most", 100),
        document.get("prior", 1e-6), document.get("all_pairs_up_to", 0),
        hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16],
        _parsing(document.get("parsed", {})),
    )  # fmt: skip
    _check_parts(config)
    if config.review > config.certain:
        raise _unfit("thresholds", "review lies above certain, so that nothing would be asked")
    return config


def _keys(said: Any) -> tuple[Key, ...]:
    return tuple(tuple(key) for key in said)


def _parsing(says: Mapping[str, Any]) -> Parsing:
    return Parsing(tuple(says.get("columns", ())), says.get("home", ""), says.get("at_most", Parsing.at_most))


def _document(text: str) -> dict[str, Any]:
    if len(text) > LARGEST_BYTES:
        raise Refused("linkage.config_unreadable", "A configuration has at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise Refused("linkage.config_unreadable", "The configuration is no YAML; `cityloom register link "
                      "--show-config` prints one that is.") from error  # fmt: skip
    if not isinstance(document, dict):
        raise _unfit("document", "it holds no fields")
    return document


def _check_schema(document: Mapping[str, Any]) -> None:
    import jsonschema

    validator = jsonschema.Draft202012Validator(schema())
    for error in sorted(validator.iter_errors(document), key=lambda one: list(map(str, one.absolute_path))):
        raise _unfit(".".join(map(str, error.absolute_path)) or "document", error.message[:200])


def _unfit(place: str, words: str) -> Refused:
    return Refused("linkage.config_unfit", "The configuration does not fit at {value}: {limit}.", value=place[:100],
                   limit=words)  # fmt: skip


def _comparison(name: str, levels: list[dict[str, Any]]) -> Comparison:
    read_levels = tuple(_level(name, says) for says in levels)
    if read_levels[-1].conditions or any(not level.conditions for level in read_levels[:-1]):
        raise _unfit(f"comparisons.{name}", "its last level, and no other, has to be without a condition")
    return Comparison(name, read_levels)


def _level(name: str, says: dict[str, Any]) -> Level:
    conditions = says.get("all") or [says]
    read_ones = tuple(one for condition in conditions for one in _conditions(name, condition))
    return Level(read_ones, says["m"], says["u"], says.get("frequency", False))


def _conditions(name: str, says: Mapping[str, Any]) -> Iterator[Condition]:
    for kind in _CONDITIONS:
        if kind not in says:
            continue
        parts = tuple(says[kind]) if isinstance(says[kind], list) else (says[kind],)
        limit = says.get("at_least") if kind in ("alike", "shared") else says.get("at_most") if kind == "edits" else 0
        if limit is None:
            raise _unfit(f"comparisons.{name}", f"{kind} needs a limit")
        yield Condition(kind, parts, float(limit))


def _check_parts(config: Config) -> None:
    """Every part that is named has to be one of a column of the configuration."""
    for name in config.parsed.columns:
        if config.columns.get(name) != "address":
            raise _unfit("parsed.columns", f"{name} is no column of kind address; only such are taken apart")
    for where, keys in (("blocks", config.blocks), ("train", config.train)):
        for part in {part for key in keys for part in key}:
            if part != "names":
                _check_part(config, where, part)
    for comparison in config.comparisons:
        for part in comparison.parts:
            _check_part(config, f"comparisons.{comparison.name}", part)
        _check_reaches(comparison)


def _check_reaches(comparison: Comparison) -> None:
    ones = [one.parts[0] for level in comparison.levels for one in level.conditions if one.kind == "reaches"]
    for part in ones:
        column, _dot, reached = part.partition(".")
        if reached not in linkage_addresses.REACHED or column != comparison.reaching:
            raise _unfit(f"comparisons.{comparison.name}", "reaches names one column of addresses and how far, as in "
                         f"address.number; how far is {', '.join(linkage_addresses.REACHED)}")  # fmt: skip


def _check_part(config: Config, where: str, part: str) -> None:
    column, _dot, rest = part.partition(".")
    if column not in config.columns:
        raise _unfit(where, f"there is no column {column}; there are {', '.join(config.columns)}")
    known = PARTS[config.columns[column]] + (linkage_addresses.PARTS if column in config.parsed.columns else ())
    if rest not in known:
        kinds = ", ".join(filter(None, known)) or "none"
        raise _unfit(where, f"{column} has no part {rest or 'of its own'}; its parts are {kinds}")
