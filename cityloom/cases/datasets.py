"""What the lake keeps of cases: kinds, states, units and times; nobody who reported, handled or decided."""

from __future__ import annotations

from cityloom.cases import events
from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "case_history", "Cases, their steps and their limits",
        (events.CaseOpened, events.CaseCategorised, events.CaseMoved, events.CaseGiven, events.CaseNoted,
         events.CaseClockRang, events.CaseClockChanged),
        ("case_id",),
        (
            Column("casetype", "text", source="all"), Column("version", "integer", unit="version", source="CaseOpened"),
            Column("category", "text", source="CaseOpened, CaseCategorised, CaseMoved"),
            Column("step", "text", source="CaseMoved"),
            Column("before", "text", source="CaseCategorised, CaseMoved"), Column("after", "text", source="CaseMoved"),
            Column("state", "text", source="CaseOpened"), Column("result", "text", source="CaseMoved"),
            Column("unit", "text", source="CaseOpened, CaseCategorised, CaseMoved, CaseGiven, CaseClockRang"),
            Column("origin", "text", source="CaseOpened"),
            Column("clock", "text", source="CaseClockRang, CaseClockChanged"),
            Column("what", "text", source="CaseNoted, CaseClockRang"),
            Column("how", "text", source="CaseCategorised, CaseGiven, CaseClockChanged"),
        ),
    ),
    Published(
        "case_tasks", "Tasks of processes in cases, and what came of them", (events.CaseTaskChanged,), ("case_id",),
        (
            Column("casetype", "text", source="CaseTaskChanged"), Column("task", "text", source="CaseTaskChanged"),
            Column("how", "text", source="CaseTaskChanged"), Column("answer", "text", source="CaseTaskChanged"),
            Column("unit", "text", source="CaseTaskChanged"),
        ),
    ),
    Published(
        "case_types", "Versions of case types that were published", (events.CaseTypePublished,), ("casetype",),
        (
            Column("version", "integer", unit="version", source="CaseTypePublished"),
            Column("digest", "text", source="CaseTypePublished"),
        ),
    ),
    Published(
        "case_decisions", "Decisions on applications: by a table or a person, never by whom",
        (events.ApplicationDecided,), ("case_id",),
        (
            Column("casetype", "text", source="ApplicationDecided"),
            Column("category", "text", source="ApplicationDecided"),
            Column("how", "text", source="ApplicationDecided"), Column("result", "text", source="ApplicationDecided"),
            Column("decision_table", "text", source="ApplicationDecided"),
            Column("table_version", "integer", unit="version", source="ApplicationDecided"),
            Column("unit", "text", source="ApplicationDecided"),
        ),
    ),
    Published(
        "decision_tables", "Versions of decision tables, published and withdrawn",
        (events.DecisionTablePublished, events.DecisionTableWithdrawn), ("decision_table",),
        (
            Column("version", "integer", unit="version", source="all"), Column("casetype", "text", source="all"),
            Column("category", "text", source="all"), Column("digest", "text", source="DecisionTablePublished"),
        ),
    ),
)  # fmt: skip
