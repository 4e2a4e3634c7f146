"""Causes as a city writes them in YAML: what they do to sensors, how far it carries, and what people call about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cityloom.detection.domain.pack import document_of, seconds_of, unfit, where_of
from cityloom.kernel import units

_FOLDER = Path(__file__).parent
_SIZES = (4.0, 8.0, 16.0, 32.0)


@dataclass(frozen=True)
class Sign:
    """What a kind of sensor does: `moves` is +1 up, -1 down, 0 either; `least` and `usual` are in `unit`.

    With `together`, what all of the kind do at a time is taken off each; with `is_nearest`, at each place only the
    nearest counts, and it says nothing of where the cause is: as rain does. What does not fade is felt wholly up to
    where it ends, as a queue is; then `carries_m` is about how far it reaches. What `recurs` is as usual where it is as
    it has been around this time on its last days.
    """

    kind: str
    moves: int
    carries_m: float
    along: str = "network"
    least: float = 0.0
    usual: float | None = None
    unit: str = ""
    alone: float = 0.01
    together: bool = False
    is_nearest: bool = False
    fades: bool = True
    recurs: bool = False


@dataclass(frozen=True)
class Told:
    """What people call about: how many calls such a cause brings, and how many there are a day and km2 without it."""

    category: str
    carries_m: float
    told: float
    idle: float


@dataclass(frozen=True)
class Cause:
    """A physical cause; `often` is a year and km of `network` (km2 of ground where that is `none`).

    It is told when it has been as probable as `raise_at` for `lasts_s`.
    """

    name: str
    title: Mapping[str, str]
    network: str
    often: float
    within_s: float
    raise_at: float
    least_sources: int
    least_kinds: int
    sizes: tuple[float, ...]
    signs: tuple[Sign, ...]
    calls: tuple[Told, ...]
    lasts_s: float = 0.0


def shipped() -> dict[str, Path]:
    """The cause packs that come with the program."""
    return {path.stem.removeprefix("cause_"): path for path in sorted(_FOLDER.glob("cause_*.yaml"))}


def is_cause(text: str) -> bool:
    """Whether a text is about a cause, and not about rules.

    Raises: Refused `detection.pack_too_large`, `detection.pack_unreadable`.
    """
    return "cause" in document_of(text)


def cause_of(text: str) -> Cause:
    """The cause that is written.

    Raises: Refused `detection.pack_too_large`, `detection.pack_unreadable`, `detection.pack_unfit`.
    """
    document = document_of(text)
    error = best_match(_schema().iter_errors(document))
    if error is not None:
        raise unfit(where_of(error.absolute_path), error.message)
    least = document.get("least", {})
    found = Cause(
        document["cause"], document["title"], document["network"], float(document["often"]),
        seconds_of(document["within"]), float(document["raise_at"]), least.get("sources", 2), least.get("kinds", 1),
        tuple(map(float, document.get("sizes", _SIZES))),
        tuple(_sign(each, f"evidence.{at}") for at, each in enumerate(document["evidence"]) if "kind" in each),
        tuple(Told(each["call"], float(each["carries_m"]), float(each["told"]), float(each["idle"]))
              for each in document["evidence"] if "call" in each),
        seconds_of(document["lasts"]) if "lasts" in document else 0.0,
    )  # fmt: skip
    kinds = [sign.kind for sign in found.signs]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), ""):
        raise unfit("evidence", f"the kind {twice} stands there twice")
    return found


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((_FOLDER / "cause.schema.json").read_text()))


def _sign(written: Mapping[str, Any], where: str) -> Sign:
    unit = written.get("unit", "")
    if unit and not units.known(unit):
        raise unfit(where, f"{unit} is not a UCUM code this city reads")
    if ("least" in written or "usual" in written) and not unit:
        raise unfit(where, "least and usual need their unit beside them")
    usual = written.get("usual")
    return Sign(
        written["kind"], {"up": 1, "down": -1, "either": 0}[written["moves"]], float(written["carries_m"]),
        written.get("along", "network"), float(written.get("least", 0.0)), None if usual is None else float(usual),
        unit, float(written.get("alone", 0.01)), written.get("together", False), written.get("nearest", False),
        written.get("fades", True), written.get("recurs", False),
    )  # fmt: skip
