"""Proposals in words: what to change, on which evidence, and what it would save at most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from cityloom.insight.reviewing import words

Say = Callable[[Mapping[str, Any], Sequence[str]], tuple[str, str]]


def told(found: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """The proposals of a review, each with its title, evidence, cases and hours."""
    known = dict(zip(found["activities"], names, strict=True))
    return [
        {"title": title, "why": why, "cases": words.count(one["cases"]), "of": words.number(one["of"]),
         "hours": words.hours(one["hours"]), "days": words.duration(one["hours"] * 3_600), "kind": one["kind"],
         "a_case": words.duration(one["hours"] * 3_600 / one["cases"]) if one["cases"] else ""}
        for one in found["proposals"] if one["kind"] in SAYINGS
        for title, why in [SAYINGS[one["kind"]](one, [known.get(step, step) for step in one["steps"]])]
    ]  # fmt: skip


def _merge(one: Mapping[str, Any], steps: Sequence[str]) -> tuple[str, str]:
    said = one["evidence"]
    return (
        _("Do “{first}” and “{second}” in one go").format(first=steps[0], second=steps[1]),
        _("{first_share} of the first are directly followed by the second, and {second_share} of the second come "
          "directly after the first: they are one piece of work in two visits. What lies between them would be "
          "saved.").format(first_share=words.share(said["first_share"], 1),
                           second_share=words.share(said["second_share"], 1)),
    )  # fmt: skip


def _drop(one: Mapping[str, Any], steps: Sequence[str]) -> tuple[str, str]:
    said = one["evidence"]
    return (
        _("Ask whether “{step}” is needed").format(step=steps[0]),
        _("It never changes anything: {share} of the {times} times “{after}” follows, whatever it finds, and {without} "
          "times the process went there without it. The time until it is done would be saved.").format(
            share=words.share(said["next_share"], 1), times=words.number(said["times"]), after=steps[1],
            without=words.number(said["without"])),
    )  # fmt: skip


def _loop(one: Mapping[str, Any], steps: Sequence[str]) -> tuple[str, str]:
    said = one["evidence"]
    return (
        _("Get “{step}” right the first time").format(step=steps[0]),
        _("It is done again {times} times in these cases; half of the repeats come within {median}. Look at what was "
          "missing or wrong, and check that at the beginning. The time between the two would be saved.").format(
            times=words.number(said["times"]), median=words.duration(said["median_s"])),
    )  # fmt: skip


def _return(one: Mapping[str, Any], _steps: Sequence[str]) -> tuple[str, str]:
    said, offices = one["evidence"], one["offices"]
    return (
        _("Let {first} settle what it sends to {second} and gets back").format(first=offices[0], second=offices[1]),
        _("Cases went there and came directly back {times} times; half of them within {median}. Give the first office "
          "what it asks for, or the right to do it itself.").format(
            times=words.number(said["times"]), median=words.duration(said["median_s"])),
    )  # fmt: skip


def _queue(one: Mapping[str, Any], steps: Sequence[str]) -> tuple[str, str]:
    said = one["evidence"]
    return (
        _("Shorten the longest waits for “{step}”").format(step=steps[0]),
        _(
            "{share} of all the time of cases is spent waiting for it. Three in four have it done within {usual}; "
            "the others wait far longer. If nobody waited longer than that, by a deputy, a reminder or, where "
            "there is a line, a second counter, the rest would be saved."
        ).format(share=words.share(said["queue_share"], 1), usual=words.duration(said["usual_s"])),
    )


SAYINGS: Mapping[str, Say] = {"merge": _merge, "drop": _drop, "loop": _loop, "return": _return, "queue": _queue}
"""How each kind of proposal is said; a kind that is not here is not shown."""
