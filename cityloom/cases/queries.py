"""Questions about cases and their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cityloom.cases import catalogue
from cityloom.cases.domain.approvals import fitting
from cityloom.cases.domain.casetypes import drawing, reading
from cityloom.cases.domain.casetypes.casetype import CaseType, Category
from cityloom.cases.domain.decisions import analysis, deciding, table_xml, table_yaml
from cityloom.cases.domain.decisions.tables import Table
from cityloom.cases.domain.processes import reading as processes
from cityloom.cases.domain.processes import sketching
from cityloom.cases.domain.processes.process import Process
from cityloom.cases.figures import counting as figures
from cityloom.cases.figures.disputes import figures_of as dispute_figures
from cityloom.cases.figures.places import PlaceCounts, counts_by_place
from cityloom.cases.figures.telling import as_json as case_figures_as_json
from cityloom.cases.figures.telling import as_rows as case_figures_as_rows
from cityloom.cases.listing import programs
from cityloom.cases.listing import tables as stored
from cityloom.cases.listing.cases import (
    CaseFacts,
    ClockFacts,
    EventFacts,
    Words,
    case_for,
    case_numbered,
    cases_for,
    cases_linked_with,
    clocks_of,
    facts_of,
    history_of,
    id_numbered,
    known_matters,
    links_of,
    rights,
    shown_to_asked,
    unit_names,
    words_of,
)  # fmt: skip
from cityloom.cases.listing.decisions import DecisionFacts, Opened, decisions_of, opened, question_of, sealed_answers
from cityloom.cases.listing.documents import FileFacts, files_of
from cityloom.cases.listing.followed import Followed, end_of, followed, reporters_of, reviews_followed
from cityloom.cases.listing.nearmatters import NearMatter, near
from cityloom.cases.listing.page import CasePage, CaseRow, Wanted, cursor_of
from cityloom.cases.listing.processes import ProcessFacts, RunFacts, process_named, run_of, runs_of, versions_of_process
from cityloom.cases.listing.processes import processes as processes_of_city
from cityloom.cases.listing.tables import TableFacts, table_version, tables
from cityloom.cases.listing.tasks import TaskFacts, asked_task, task_for, tasks_for, tasks_of

__all__ = [
    "CaseFacts", "CasePage", "CaseRow", "ClockFacts", "DecisionFacts", "EventFacts", "FileFacts", "Followed",
    "NearMatter", "Opened", "PlaceCounts", "ProcessFacts", "RunFacts", "TableFacts", "TaskFacts", "Wanted", "Words",
    "asked_task", "case_figures_as_json", "case_figures_as_rows", "case_for", "case_numbered", "cases_for",
    "cases_linked_with", "clocks_of", "counts_by_place", "cursor_of", "decisions_of", "dispute_figures", "end_of",
    "facts_of", "files_of", "followed", "history_of", "id_numbered", "known_matters", "links_of", "opened",
    "process_named", "processes_of_city", "question_of", "reporters_of", "reviews_followed", "rights", "run_of",
    "runs_of", "sealed_answers", "shown_to_asked", "table_version", "tables", "task_for", "tasks_for", "tasks_of",
    "unit_names", "versions_of_process", "words_of",
]  # fmt: skip
from cityloom.cases.domain.duplicates import forest, measuring, pairs, stream
from cityloom.cases.domain.routing import card, classifier, conflicts, rules
from cityloom.cases.domain.routing.classifier import Classifier
from cityloom.cases.routing import classifiers, counting, force, telling, trying, versions
from cityloom.cases.routing.trying import Tried


def casetype_of(text: str) -> CaseType:
    """The case type that somebody wrote.

    Raises: Refused `cases.type_too_large`, `cases.type_unreadable`, `cases.type_unfit`, each with the line.
    """
    return reading.casetype_of(text)


def shipped_type_files() -> dict[str, Path]:
    """The files of the types that come with the program, by name."""
    return reading.shipped()


def casetype_names() -> list[str]:
    """All types that cases can be opened of."""
    return catalogue.names()


def newest_casetype(name: str) -> CaseType:
    """The version of a type that new cases get.

    Raises: Refused `cases.no_such_type`.
    """
    return catalogue.newest(name)


def casetype(name: str, version: int) -> CaseType:
    """A published version of a type.

    Raises: Refused `cases.no_such_type`.
    """
    return catalogue.casetype_of(name, version)


def versions_of_type(name: str) -> list[tuple[int, datetime]]:
    """The published versions of a type, the newest first, with when that was."""
    return catalogue.versions(name)


def diagram_of(casetype: CaseType, language: str = "en") -> str:
    """The table of states of a type as a Mermaid diagram."""
    return drawing.mermaid(casetype, language)


def decision_table_of(data: bytes) -> Table:
    """The decision table of a file: DMN, or YAML.

    Raises: Refused `cases.xml_*`, `cases.table_*`, with the row and column of a cell.
    """
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return table_xml.table_of_xml(data)
    return table_yaml.table_of_yaml(data.decode("utf-8", "replace"))


def table_findings(table: Table) -> analysis.Findings:
    """What is to be said of a table that may be used: its gaps, the rules that never have a say.

    Raises: Refused `cases.table_overlaps`, `cases.table_contradicts`, `cases.table_idle`, with the rows.
    """
    return analysis.check(table)


def check_only_grants(table: Table, output: str, granting: Sequence[str]) -> None:
    """A table that decides at once may grant, and never refuse.

    Raises: Refused `cases.table_refuses` with the row, `cases.table_no_outcome`.
    """
    analysis.check_only_grants(table, output, granting)


def table_fits(table: Table) -> tuple[CaseType, Category]:
    """The category that a table may decide at once for, if it fits.

    Raises: Refused `cases.table_for_nothing`, `cases.table_*`, with the row or column.
    """
    casetype, category = fitting.category_of(table.name, stored.casetypes())
    fitting.check(table, casetype, category)
    return casetype, category


def table_as(table: Table, form: str) -> str:
    """A table as `xml` (DMN 1.3) or `yaml`."""
    return table_xml.xml_of(table).decode() if form == "xml" else table_yaml.yaml_of(table)


def decide(table: Table, facts: Mapping[str, Any]) -> deciding.Decided:
    """What a table says of these facts, and by which rows.

    Raises: Refused `cases.input_wrong`, `cases.table_overlaps`, `cases.table_contradicts`.
    """
    return deciding.decide(table, facts)


def ways_to(
    table: Table, facts: Mapping[str, Any], wanted: Callable[[deciding.Outcome], bool] = lambda _outcome: True
) -> list[deciding.Way]:
    """What would have had to be different for what is wanted, with the fewest inputs; any result, if nothing is said.

    Raises: Refused `cases.input_wrong`.
    """
    return deciding.ways_to(table, facts, wanted)


def process_of(data: bytes) -> Process:
    """The process of a BPMN file, if all of it can be run.

    Raises: Refused `cases.xml_*`, `cases.process_*`, with the name, id and line of what is wrong.
    """
    return processes.process_of(data)


def shipped_process_names() -> list[str]:
    """The processes that come with the program."""
    return list(processes.shipped())


def check_processes_known(casetype: CaseType) -> None:
    """Refuse a type that names a process that neither this city nor the program has.

    Raises: Refused `cases.no_process`.
    """
    for state in casetype.states.values():
        if state.process:
            name, _, number = state.process.partition("@")
            process_named(name, int(number) if number not in ("", "1") else 0)


def process_sketch(data: bytes) -> Process | None:
    """A BPMN file as it is drawn, though it may not be run; None where nothing can be drawn."""
    return sketching.sketch_of(data)


def classifier_of(content: bytes) -> Classifier:
    """The classifier in a file.

    Raises: Refused `cases.classifier_broken`.
    """
    return classifier.from_bytes(content)


def shipped_classifier() -> Classifier:
    """The classifier that comes with the program, trained on made-up reports."""
    return classifiers.shipped()


def card_of(model: Classifier) -> str:
    """The model card of a classifier, in Markdown."""
    return card.markdown(model)


def trained(rows: Sequence[tuple[str, str]] | None, name: str, at: datetime) -> Classifier:
    """A classifier of a city's texts with their categories, oldest first, or (None) of made-up ones.

    Raises: Refused `cases.few_texts`.
    """
    from cityloom.cases.domain.routing import training  # takes a while to import

    return training.made_up(at) if rows is None else training.of_city(rows, at, name)


def classifier_file(model: Classifier) -> bytes:
    """A classifier as a file: numbers and its card, no code."""
    return classifier.to_bytes(model)


def routing_rules_of(text: str) -> rules.Rules:
    """The routing rules that somebody wrote.

    Raises: Refused `cases.rules_too_large`, `cases.rules_unreadable`, `cases.rules_unfit`, each with the line.
    """
    return rules.rules_of(text)


def routing_findings(found: rules.Rules, areas: Sequence[str] = ()) -> conflicts.Findings:
    """Which routing rules overlap, which never fire, which cases nobody gets.

    Raises: Refused `cases.rules_too_many`.
    """
    return conflicts.check(found, areas)


def city_rules_of(text: str) -> rules.Rules:
    """Routing rules that somebody wrote for this city: categories of its case types may be named.

    Raises: as `routing_rules_of`, and Refused `cases.no_such_type`.
    """
    return versions.read(text)


def city_rules_findings(found: rules.Rules) -> conflicts.Findings:
    """As `routing_findings`, over the communities of this city.

    Raises: Refused `cases.rules_too_many`.
    """
    return versions.findings(found)


def check_city_rules(found: rules.Rules, findings: conflicts.Findings) -> None:
    """Raises: Refused `cases.rules_unit`, `cases.rules_clash`, `cases.rules_idle`, `cases.rules_gap`."""
    versions.check(found, findings)


def rules_in_force() -> versions.InForceNow | None:
    """The routing rules in force; None where there are none, and the unit of its category gets a case."""
    return versions.in_force()


def rules_versions() -> list[versions.VersionFacts]:
    """All versions of the routing rules, the newest first."""
    return versions.versions()


def rules_text(number: int) -> str:
    """A version of the routing rules as it was written. Raises: Refused `cases.no_rules_version`."""
    return versions.text_of(number)


def rules_history() -> list[force.Step]:
    """Which version of the rules came into force when, by whom, the newest first."""
    return force.steps(force.ROUTING)


def try_routing(asked: Tried) -> trying.Outcome:
    """Who would get a case with these facts, and by which rule; nothing is kept.

    Raises: Refused `cases.no_category`.
    """
    return trying.tried(asked)


def heard_of(case_id: str) -> telling.HeardFacts | None:
    """What was heard in the words of a case; None where nobody listened."""
    return telling.heard_of(case_id)


def classifier_in_force() -> classifiers.ClassifierNow | None:
    """The classifier that listens to new cases; None where none does."""
    return classifiers.in_force()


def classifier_versions() -> list[classifiers.ClassifierFacts]:
    """All versions of the classifier, the newest first, the shipped one last."""
    return classifiers.versions()


def classifier_version(number: int) -> Classifier:
    """A version of the classifier; 0 is the shipped one. Raises: Refused `cases.no_classifier`."""
    return classifiers.model_of(number)


def classifier_counted(number: int) -> counting.Counted:
    """What became of the newest cases that a version of the classifier heard."""
    return counting.counted(number)


def classifier_history() -> list[force.Step]:
    """Which version of the classifier came into force when, by whom, the newest first."""
    return force.steps(force.CLASSIFIER)


def example_routing() -> Path:
    """An example of routing rules."""
    return rules.EXAMPLE


def duplicates_measured(rows: Sequence[Mapping[str, str]]) -> list[measuring.Judged]:
    """How well duplicates are found in a city's own reports, beside the rule of 50 m and category.

    Raises: Refused `cases.report_row`.
    """
    known = stream.stream_of(rows, shipped_classifier().idf)
    ours = [measuring.judged(known, pairs.weights(), forest.shipped(), one) for one in measuring.SHOWN]
    return [*ours, measuring.judged_near(known)]


def near_matters(lon: float, lat: float, category: str, at: datetime) -> list[NearMatter]:
    """The open public matters of a category ("" for any) near a place, the nearest first; eight at most."""
    return near(lon, lat, category, at)


def program_keys() -> list[programs.KeyFacts]:
    """The keys of programs that file requests through Open311, the newest first."""
    return programs.keys()


def case_figures(casetype: str, unit: str, since: str, until: str, at: datetime) -> figures.CaseFigures:
    """The figures of cases of a type in a branch of the tree; days as `2026-11-02`, the last year where none is said.

    Raises: Refused `cases.no_such_type`, `cases.day`, `cases.figures_span`.
    """
    catalogue.newest(casetype)
    return figures.figures_of(figures.branch_scope(casetype, unit), figures.span_of(since, until, at), at)
