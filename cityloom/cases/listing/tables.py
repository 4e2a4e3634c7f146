"""Decision tables of this city: the versions that were published, and those that come with the program until one is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cityloom.cases import catalogue
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.decisions import shipped, table_yaml
from cityloom.cases.domain.decisions.tables import Table
from cityloom.cases.models import TableVersion
from cityloom.kernel.refused import Refused

IN_FORCE, EARLIER, WITHDRAWN, SHIPPED = "in force", "earlier", "withdrawn", "shipped"


@dataclass(frozen=True)
class TableFacts:
    """A version of a table; `standing` is in force, earlier, withdrawn, or shipped (in force and never published)."""

    name: str
    number: int
    casetype: str
    category: str
    standing: str
    document: str
    published_by: str = ""
    published_at: datetime | None = None
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    why: str = ""

    @property
    def table(self) -> Table:
        """The table itself."""
        return _read(self.document)


def tables() -> list[TableFacts]:
    """All versions, by name, the newest first; a shipped one stands for a name that has none."""
    rows = list(TableVersion.objects.order_by("name", "-number"))
    names = {row.name for row in rows}
    found = [_facts(row, rows) for row in rows]
    found += [one for name in shipped.texts() if name not in names and (one := _shipped(name))]
    return sorted(found, key=lambda one: (one.name, -one.number))


def table_version(name: str, number: int = 0) -> TableFacts:
    """A version of a table, also one that was withdrawn; without a number the one in force, or the newest.

    Raises: Refused `cases.no_table`.
    """
    found = [one for one in tables() if one.name == name and number in (0, one.number)]
    if not found:
        raise Refused("cases.no_table", "There is no table {value}; `cityloom cases table list` shows them.",
                      value=f"{name[:60]} {number or ''}".strip())  # fmt: skip
    return next((one for one in found if one.standing in (IN_FORCE, SHIPPED)), found[0])


def in_force(name: str) -> TableVersion | None:
    """The row of the version that decides now; None where none was published, or all were withdrawn."""
    return TableVersion.objects.filter(name=name, withdrawn_at=None).order_by("-number").first()


def is_known(name: str) -> bool:
    """Whether any version of a table was published, withdrawn or not."""
    return TableVersion.objects.filter(name=name).exists()


def read(row: TableVersion) -> Table:
    """The table of a version; a version never changes, so it is read once."""
    return _read(row.document)


def casetypes() -> list[CaseType]:
    """The types that new cases can be opened of."""
    return [catalogue.newest(name) for name in catalogue.names()]


@lru_cache(maxsize=128)
def _read(document: str) -> Table:
    return table_yaml.table_of_yaml(document)


def _facts(row: TableVersion, rows: list[TableVersion]) -> TableFacts:
    newest = next((one for one in rows if one.name == row.name and one.withdrawn_at is None), None)
    standing = WITHDRAWN if row.withdrawn_at else IN_FORCE if row is newest else EARLIER
    return TableFacts(row.name, row.number, row.casetype, row.category, standing, row.document, row.published_by,
                      row.published_at, row.withdrawn_by, row.withdrawn_at, row.withdrawn_why)  # fmt: skip


def _shipped(name: str) -> TableFacts | None:
    for casetype in casetypes():
        for category in casetype.categories.values():
            if category.table == name:
                return TableFacts(name, 1, casetype.name, category.name, SHIPPED, shipped.texts()[name])
    return None
