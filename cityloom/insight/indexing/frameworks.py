"""Frameworks for whoever writes or reads them: which are shipped, what one says, what is wrong with a file."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cityloom.insight.domain.indicators import reading
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.reading import Fault
from cityloom.kernel.refused import Refused

_NO_FILE = "There is no file {value}; name the file of a framework."
_NO_TABLE = "The framework {value} comes without a synthetic table; there are tables of {limit}."


@dataclass(frozen=True)
class ItemFacts:
    """An item as it is listed: how deep it stands, and its share in the index (of a profile: 0)."""

    code: str
    depth: int
    title: str
    direction: str
    share: float
    made_by: str


def shipped() -> list[Framework]:
    """The frameworks that come with the program."""
    return [reading.framework_of(reading.shipped_document(name)) for name in reading.shipped()]


def named(name: str) -> Framework:
    """A shipped framework by its name, or the one of a file.

    Raises: Refused `insight.no_framework`, and as `reading.document_of` and `reading.framework_of`.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return reading.framework_of(reading.document_of(_text(path)).says)
    return reading.framework_of(reading.shipped_document(name))


def faults_in(path: Path) -> list[Fault]:
    """All that is wrong with a file, each with its line; what cannot be read at all is one of them.

    Raises: Refused `insight.no_framework_file`.
    """
    text = _text(path)
    try:
        document = reading.document_of(text)
    except Refused as refusal:
        line = refusal.limit if refusal.code == "insight.framework_unreadable" else 1
        return [Fault(refusal, "-", int(str(line)))]
    return reading.faults_of(document.says, document)


def items_of(framework: Framework, language: str = "en") -> list[ItemFacts]:
    """The items of a framework from the top, each after the one that it stands below."""
    tree = framework.tree
    shares = tree.effective(framework.given_weights) if framework.purpose == "index" else tree.level * 0.0
    ways = dict(zip(tree.aggregates, framework.ways, strict=True)) if framework.purpose == "index" else {}
    below: dict[str, list[str]] = {}
    for item in framework.items:
        below.setdefault(item.parent, []).append(item.code)
    found: list[ItemFacts] = []

    def walk(code: str, depth: int) -> None:
        item = framework.by_code[code]
        is_end = code not in below
        direction = ("down" if item.direction < 0 else "up") if is_end else ""
        found.append(ItemFacts(code, depth, item.title.get(language, item.title["en"]), direction,
                               float(shares[tree.place[code]]), ways.get(code, "")))  # fmt: skip
        for one in below.get(code, ()):
            walk(one, depth + 1)

    for top in below[""]:
        walk(top, 0)
    return found


def write_example(name: str, folder: Path) -> Path:
    """Write a question of a shipped framework with its synthetic table; return the question's file.

    Raises: Refused `insight.no_framework`, `insight.no_framework_table`.
    """
    reading.shipped_document(name)
    tables = examples()
    if name not in tables:
        raise Refused("insight.no_framework_table", _NO_TABLE, value=name, limit=", ".join(tables))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(reading.FOLDER / "examples" / f"{name}.csv", folder / "units.csv")
    path = folder / f"{name}.yaml"
    path.write_text("# The figures are synthetic: no place and no organisation is meant.\n"
                    f"kind: index\nquestion:\n  framework: {name}\ninputs:\n  units: units.csv\n", "utf-8")  # fmt: skip
    return path


def examples() -> Sequence[str]:
    """The shipped frameworks that come with a synthetic table."""
    return [path.stem for path in sorted((reading.FOLDER / "examples").glob("*.csv"))]


def _text(path: Path) -> str:
    if not path.is_file():
        raise Refused("insight.no_framework_file", _NO_FILE, value=path.name[:120])
    return path.read_bytes()[: reading.LARGEST_BYTES + 1].decode("utf-8-sig", "replace")
