"""A table of states as a diagram and as a page, generated: nobody draws it a second time."""

from __future__ import annotations

from collections.abc import Iterable

from cityloom.cases.domain.casetypes.casetype import CaseType


def mermaid(casetype: CaseType, language: str = "en") -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{state.title[language]}" as {_name(name)}' for name, state in casetype.states.items()]
    lines.append(f"    [*] --> {_name(casetype.first.name)}")
    for step in casetype.steps:
        lines += [f"    {_name(source)} --> {_name(step.to)}: {step.title[language]}" for source in step.sources]
    lines += [f"    {_name(name)} --> [*]" for name, state in casetype.states.items() if state.ends]
    return "\n".join(lines)


def markdown(casetypes: Iterable[CaseType]) -> str:
    """The page docs/reference/case-types.md, whole."""
    parts = [_part(casetype) for casetype in casetypes]
    return f"""# Case types that come with the program

Generated from `cityloom/cases/domain/casetypes/type_*.yaml` by `make docs`; do not edit.
How a type is written, and how a city puts its own in force, is in [cases.md](cases.md).

{"".join(parts).rstrip()}
"""


def _part(casetype: CaseType) -> str:
    states = "\n".join(f"| {name} | {state.title['zh-hans']} | {state.meaning['en']} |"
                       for name, state in casetype.states.items())  # fmt: skip
    steps = "\n".join(
        f"| {', '.join(step.sources)} | {step.name} | {', '.join(sorted(step.who))} | {step.to} | {step.reason} |"
        f" {', '.join(step.results) or '–'} |"
        for step in casetype.steps
    )
    clocks = "\n".join(
        f"| {clock.name} | {clock.limit} | {', '.join(sorted(clock.since)) or 'opening'} |"
        f" {', '.join(sorted(clock.until))} | {f'{clock.remind:.0%}' if clock.remind else '–'} |"
        f" {clock.deemed or clock.escalate_to or '–'} |"
        for clock in casetype.clocks
    )
    return f"""## {casetype.title["en"]} ({casetype.title["zh-hans"]}): `{casetype.name}`, version {casetype.version}

{casetype.about["en"] if casetype.about else ""}

```mermaid
{mermaid(casetype)}
```

| state | in Chinese | meaning |
|---|---|---|
{states}

| from | step | who | to | reason | results |
|---|---|---|---|---|---|
{steps}

| clock | limit | since | until | reminder at | when over |
|---|---|---|---|---|---|
{clocks}

"""


def _name(state: str) -> str:
    return state.replace("-", "_")
