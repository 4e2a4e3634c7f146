"""A study: a question, the tables that it read, and steps, each of which can be looked at and worked again.

The same question, tables and seed give the same steps wherever they are worked again (to the last few bits of a number,
where libraries differ): that is what lets a number in a page or a memo be checked by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cityloom.insight.domain.study.tables import Table
from cityloom.kernel import canonical
from cityloom.kernel.refused import Refused

Told = Callable[[float, str], None]
"""Called while a study is worked, with the share that is done (0 to 1) and the name of the step at work."""
_NO_STEP = "There is no step {value} in this study; it has {limit}."


@dataclass(frozen=True)
class Step:
    """What one step of the work left: its table, what it was given, and the seed of what it drew by lot.

    `name` is short and stable (`normalise`), `given` is plain JSON. What a step drew is drawn anew from `seed` alone.
    """

    name: str
    table: Table
    given: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True)
class Cell:
    """Where a number stands: the step, the values of its table's key, the column."""

    step: str
    row: tuple[str, ...]
    column: str


@dataclass(frozen=True)
class Note:
    """What whoever reads the figures has to know: a code with its numbers; `weight` is told, doubt or wrong."""

    code: str
    value: object = None
    limit: object = None
    weight: str = "told"


@dataclass(frozen=True)
class Study:
    """`kind` says how `question` (plain JSON, checked) is worked from `inputs`; `steps` are in the work's order."""

    kind: str
    question: Mapping[str, Any]
    inputs: Mapping[str, Table]
    steps: Sequence[Step]
    notes: Sequence[Note] = ()

    def step(self, name: str) -> Step:
        """A step by its name.

        Raises: Refused `insight.no_study_step`.
        """
        for one in self.steps:
            if one.name == name:
                return one
        raise Refused("insight.no_study_step", _NO_STEP, value=name[:80],
                      limit=", ".join(one.name for one in self.steps))  # fmt: skip

    def at(self, cell: Cell) -> float | str:
        """The value that stands in a cell.

        Raises: Refused `insight.no_study_step`, `insight.no_column`, `insight.no_row`.
        """
        return self.step(cell.step).table.at(cell.row, cell.column)

    def digest(self) -> str:
        """SHA-256 over question, inputs and the outcome of every step."""
        return canonical.digest({
            "kind": self.kind, "question": dict(self.question),
            "inputs": {name: one.digest() for name, one in self.inputs.items()},
            "steps": [{"name": one.name, "given": dict(one.given), "seed": one.seed, "table": one.table.digest()}
                      for one in self.steps],
        })  # fmt: skip
