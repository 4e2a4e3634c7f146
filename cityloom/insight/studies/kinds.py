"""The kinds of studies, each with the tables that it reads, the work and the words.

A kind is a module of this room with a `KIND`. It is found by its name, and loaded when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from cityloom.insight.domain.study.blocks import Block
from cityloom.insight.domain.study.foreseen import Foreseen
from cityloom.insight.domain.study.study import Note, Step, Study, Told
from cityloom.insight.domain.study.tables import Key, Table
from cityloom.kernel.refused import Refused

_NO_KIND = "There is no kind of study that is called {value}; there are {limit}."


@dataclass(frozen=True)
class InputSpec:
    """A table that a kind reads: what it is, the columns that name its rows, whether it may be left out.

    `columns` are the ones that it must have beside the key, each with what it holds (with its unit); `optional` may be
    there. Others are kept as they are. Those named in `words` hold words, the others of `columns` and `optional`
    numbers: whole ones where no value is missing or has a point, else with nan for what is not known. A key is of whole
    numbers where all of it is (and it is not in `words`), else of words. `also` are names under which other tools write
    a column.
    """

    name: str
    title: str
    key: Key
    columns: Mapping[str, str]
    optional: Mapping[str, str]
    needed: bool = True
    words: frozenset[str] = frozenset()
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Worked:
    """What the work of a kind gives: its steps in order, and what readers must know."""

    steps: Sequence[Step]
    notes: Sequence[Note] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of study.

    `schema` is the JSON Schema of its question. `work(question, inputs, told)` raises Refused where the data or the
    question do not allow it; it is quiet (no database, network or clock), and gives the same for the same seed.
    `tell(study)` gives the parts of its page, the answer first; `check(question)` refuses what a schema cannot.
    """

    name: str
    title: str
    about: str
    inputs: tuple[InputSpec, ...]
    schema: Mapping[str, Any]
    work: Callable[[Mapping[str, Any], Mapping[str, Table], Told], Worked]
    tell: Callable[[Study], Sequence[Block]]
    check: Callable[[Mapping[str, Any]], None] = lambda _question: None
    notes: Mapping[str, str] = field(default_factory=dict)
    """The sentence of each note's code, with {value} and {limit}."""
    example: Callable[[], tuple[Mapping[str, Any], Mapping[str, Table]]] | None = None
    """A small question with made-up tables that shows what the kind does; it works in a second or two."""
    options: str = ""
    """The step whose rows are what one may choose between, where there is such a step; a memo lists them."""
    foresee: Callable[[Study], Sequence[Foreseen]] = lambda _study: ()
    """What runs short, by the study; the worst first, and few."""


MODULES: dict[str, str] = {
    "demand-chain": "chain",
    "forecast": "forecast",
    "health": "health",
    "access": "access",
    "siting": "siting",
    "hotspots": "hotspots",
    "index": "index",
    "index-audit": "index_audit",
    "index-robustness": "index_robustness",
    "people": "people",
    "queue": "queue",
    "schools": "schools",
    "trend": "trend",
}
"""The name of each kind, and its module in this room."""


def kind(name: str) -> Kind:
    """A kind by its name.

    Raises: Refused `insight.no_kind`.
    """
    if name not in MODULES:
        raise Refused("insight.no_kind", _NO_KIND, value=name[:80], limit=", ".join(sorted(MODULES)))
    return import_module(f"{__package__}.{MODULES[name]}").KIND  # type: ignore[no-any-return]


def worked(name: str, question: Mapping[str, Any], inputs: Mapping[str, Table],
           told: Told = lambda _share, _step: None) -> Study:  # fmt: skip
    """Work a question of a kind; both question and tables have been checked.

    Raises: Refused, as the kind's own work.
    """
    done = kind(name).work(question, inputs, told)
    return Study(name, question, inputs, done.steps, done.notes)
