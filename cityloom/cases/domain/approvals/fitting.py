"""Whether a decision table fits the category that it is to decide for: it asks what the form asks, and only grants."""

from __future__ import annotations

from cityloom.cases.domain.casetypes.casetype import CaseType, Category
from cityloom.cases.domain.decisions import analysis
from cityloom.cases.domain.decisions.tables import Column, Rule, Table
from cityloom.cases.domain.decisions.values import BOOLEAN, DATE, INSTANT, NUMBER, STRING
from cityloom.kernel.refused import Detail, Refused

AT_ONCE = "grant-at-once"
"""The step of the table of states by which the city grants what a decision table says."""
OUTCOME, CONDITIONS, MONTHS = "outcome", "conditions", "valid_months"
WITH_CONDITIONS = "granted-with-conditions"
MOST_MONTHS = 240
_OUTPUTS = {OUTCOME: STRING, CONDITIONS: STRING, MONTHS: NUMBER}
_TYPES = {"boolean": BOOLEAN, "integer": NUMBER, "number": NUMBER, "choice": STRING, "text": STRING, "date": DATE,
          "datetime": INSTANT}  # fmt: skip


def category_of(name: str, casetypes: list[CaseType]) -> tuple[CaseType, Category]:
    """What a table of this name decides for.

    Raises: Refused `cases.table_for_nothing`.
    """
    known = {category.table: (casetype, category) for casetype in casetypes
             for category in casetype.categories.values() if category.table}  # fmt: skip
    if name not in known:
        raise Refused("cases.table_for_nothing", "No category of a case type names the table {value}; give yours one "
                      "of these names: {limit}.", value=name[:60], limit=", ".join(known) or "–")  # fmt: skip
    return known[name]


def check(table: Table, casetype: CaseType, category: Category) -> analysis.Findings:
    """What is to be said of a table that may decide at once.

    Raises: Refused `cases.table_*`, with the row or column that does not fit.
    """
    _check_columns(table, casetype, category)
    step = casetype.step(AT_ONCE)
    granting = [name for name in (step.results if step else ()) if not casetype.results[name].is_against]
    analysis.check_only_grants(table, OUTCOME, granting)
    for number, rule in enumerate(table.rules, 1):
        _check_row(number, table, rule, casetype, category)
    return analysis.check(table)


def _check_columns(table: Table, casetype: CaseType, category: Category) -> None:
    asked = {each.name: each for each in casetype.fields_for(category.name)}
    for column in table.inputs:
        if column.name not in asked:
            raise _column(column, Detail("the form does not ask for it; it asks for: {limit}", limit=", ".join(asked)))
        wanted = _TYPES.get(asked[column.name].kind, "")
        if column.type.name != wanted:
            raise _column(column, Detail("the form has another type for it: {limit}", limit=wanted or "–"))
    for column in table.outputs:
        if _OUTPUTS.get(column.name) != column.type.name:
            said = Detail("a table that decides at once says no such thing; it says: {limit}",
                          limit=", ".join(f"{name} ({kind})" for name, kind in _OUTPUTS.items()))  # fmt: skip
            raise _column(column, said)


def _column(column: Column, words: Detail) -> Refused:
    where = Detail("The column {value}", column.name)
    return Refused("cases.table_column", "{value}: {limit}.", value=where, limit=words)


def _check_row(number: int, table: Table, rule: Rule, casetype: CaseType, category: Category) -> None:
    said = dict(zip((column.name for column in table.outputs), rule.outcome, strict=True))
    known = [one.name for one in casetype.conditions if one.is_for(category.name)]
    named = conditions_in(said.get(CONDITIONS, ""))
    for name in named:
        if name not in known:
            there_are = Detail("there is no condition {value} (there are: {limit})", name[:40], ", ".join(known))
            raise _row(number, there_are)
    if bool(named) != (said[OUTCOME] == WITH_CONDITIONS):
        raise _row(number, Detail("what is granted with conditions names them, and what is granted without has none"))
    months = said.get(MONTHS, 0)
    if not 0 <= months <= MOST_MONTHS or months != months.__trunc__():
        raise _row(number, Detail("it is valid for 0 to {limit} whole months, and 0 means without an end",
                                  limit=MOST_MONTHS))  # fmt: skip
    if not all(part.strip() for part in (*rule.because.split("\n"), "")[:2]) or rule.because.count("\n") != 1:
        raise _row(number, Detail("it needs its reason in English and in Chinese, as in {limit}",
                                  limit="because: {en: …, zh-hans: …}"))  # fmt: skip


def _row(number: int, words: Detail) -> Refused:
    return Refused("cases.table_row", "Row {value}: {limit}.", value=number, limit=words)


def conditions_in(text: str) -> list[str]:
    """The names in a cell of conditions."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
