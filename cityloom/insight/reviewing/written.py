"""A review as a text of Markdown, for a terminal or a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cityloom.insight.domain.follows import END, START

_MOST = 10


def written(made: dict[str, Any]) -> str:
    """The review in English."""
    return "\n".join(_lines(made)) + "\n"


def _lines(made: dict[str, Any]) -> Iterator[str]:
    figures, names = made["figures"], made["activities"]
    yield f"# {made['source']['name']}"
    yield ""
    yield (f"{figures['cases']:,} cases, {figures['events']:,} events, {figures['activities']} steps, "
           f"{figures['variants']:,} ways through. Half of the cases take at most {time_words(figures['median_s'])}, "
           f"nine in ten at most {time_words(figures['ninth_s'])}.")  # fmt: skip
    yield from _table("Findings in the data", ("what", "count", "of", "which"), (
        (one["code"].replace("_", " "), f"{one['count']:,}", f"{one['of']:,}", ", ".join(one["what"]))
        for one in made["findings"]))  # fmt: skip
    yield from _table("Ways through", ("cases", "share", "median", "steps"), (
        (f"{one['cases']:,}", share_words(one["cases"], figures["cases"]), time_words(one["median_s"]),
         " → ".join(names[step] for step in one["steps"])) for one in made["variants"]["rows"][:_MOST]))  # fmt: skip
    yield from _table("Where the time goes", ("from", "to", "hours", "share", "cases", "median", "9 in 10"), (
        (_name(names, one["source"]), _name(names, one["target"]), f"{one['hours']:,.0f}", f"{one['share']:.1%}",
         f"{one['cases']:,}", time_words(one["median_s"]), time_words(one["ninth_s"]))
        for one in made["bottlenecks"][:_MOST]))  # fmt: skip
    yield from _table("Steps done again", ("step", "cases", "times", "hours"), (
        (names[one["step"]], f"{one['cases']:,}", f"{one['times']:,}", f"{one['hours']:,.0f}")
        for one in made["rework"]["steps"][:_MOST]))  # fmt: skip
    yield from _limits(made)
    yield from _conformance(made["conformance"])
    yield from _table("What to change (at most; not to be added up)", ("what", "where", "cases", "hours"), (
        (one["kind"], " / ".join((*one["steps"], *one["offices"])), count_words(one["cases"]), f"{one['hours']:,.0f}")
        for one in made["proposals"]))  # fmt: skip
    yield from _trials(made["trials"], names)
    yield from _offices(made["comparison"])


def _trials(found: dict[str, Any] | None, names: list[str]) -> Iterator[str]:
    """What changes would have saved, with how far the model can be trusted."""
    if not found:
        return
    yield from _table(
        f"Tried on the later half ({found['cases']:,} cases; hours a case, {found['level']:.0%} interval)",
        ("what", "where", "cases", "saved, mean", "from", "to", "in the earlier half"), (
            (one["kind"], " / ".join(names[step] for step in one["steps"]), count_words(one["cases"]),
             *(f"{each:,.2f}" for each in one["mean_h"]), f"{one['learnt_h']:,.2f}")
            for one in found["rows"]))  # fmt: skip
    knows = "near enough" if found["knows_it"] else "too far off to be believed"
    yield (f"\nThe model gives a median of {time_words(found['simulated']['median_h'] * 3600)}, it was"
           f" {time_words(found['seen']['median_h'] * 3600)}: {knows}. {found['runs']} runs, seed {found['seed']}."
           f" Queues are seen at {len(found['queues'])} steps.")  # fmt: skip


def _offices(found: dict[str, Any]) -> Iterator[str]:
    """Offices after adjusting for their cases."""
    adjusted = ", ".join(found["adjusted"]) or "nothing that the log says"
    yield from _table(
        f"Offices, adjusted for {adjusted}", ("office", "cases", "mean", "expected", "observed / expected", "95 %", ""),
        ((one["office"], f"{one['cases']:,}", time_words(one["mean_h"] * 3600), time_words(one["expected_h"] * 3600),
          f"{one['ratio']:.2f}", f"{one['low']:.2f} to {one['high']:.2f}", "differs" if one["differs"] else "")
         for one in found["rows"]))  # fmt: skip


def _limits(made: dict[str, Any]) -> Iterator[str]:
    found = made["limits"]
    if found:
        late = f"{count_words(found['late'])} of {found['cases']:,} cases with a limit were over it"
        yield f"\n{late} ({', '.join(filter(None, found['words']))})."
        yield f"Half of them by at least {time_words(found['median_s'])}."


def _conformance(found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        fitting = f"{count_words(found['fitting'])} of {found['played']:,} cases"
        yield f"\n{fitting} follow the model {found['model']} to its end;"
        yield f"it allows {found['allowed']:,} of {found['steps']:,} steps where they were done."


def _table(title: str, head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    found = list(rows)
    if found:
        yield f"\n## {title}\n"
        yield f"| {' | '.join(head)} |"
        yield f"|{'---|' * len(head)}"
        yield from (f"| {' | '.join(cell.replace('|', '/').replace(chr(10), ' ') for cell in row)} |" for row in found)


def _name(names: list[str], step: int) -> str:
    return {START: "begin", END: "end"}.get(step) or names[step]


def count_words(count: int | None) -> str:
    """A count of cases."""
    return "fewer than 8" if count is None else f"{count:,}"


def share_words(part: int | None, whole: int) -> str:
    """A share in per cent."""
    return "–" if part is None or not whole else f"{part / whole:.0%}"


def time_words(found: float | None) -> str:
    """A time in its best unit."""
    if found is None:
        return "–"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if found >= length:
            return f"{found / length:.3g} {unit}"
    return f"{found:.0f} s"
