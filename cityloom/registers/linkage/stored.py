"""Entries of a register that several departments know under numbers of their own are linked after they were loaded."""

from __future__ import annotations

from datetime import datetime

from cityloom.kernel.actor import Actor
from cityloom.registers import policies
from cityloom.registers.domain import linkage_config
from cityloom.registers.domain.linkage import Links
from cityloom.registers.domain.linkage_config import Config
from cityloom.registers.domain.reviewing import CERTAIN, REVIEW
from cityloom.registers.linkage import engine
from cityloom.registers.models import Load, OrganisationRecord, RecordLink, Source
from cityloom.registers.trust import pairs

OWN_NUMBER = ":"
"""What stands between a source's name and its own number in a key; no credit code has it."""
_TOLD = ("name", "address", "division", "registered_on", "industry")


def link_organisations(*, by: Actor, at: datetime, config: Config | None = None) -> dict[str, int]:
    """Link what sources say now of organisations; entries that are certain to be one are joined, the rest is reviewed.

    Two entries that both have a credit code are never one. Returns how many pairs are new, by state.
    """
    policies.check_can_judge_links(by)
    config = config or linkage_config.shipped("organisations")
    names = dict(Source.objects.values_list("id", "name"))
    tables, records = _tables(names)
    if len(tables) < 2:
        return {}
    links = engine.link(tables, config, free_of_duplicates=frozenset(tables))
    links = links.taken(links.probability >= config.review)
    return pairs.found("organisations", _rows(links, records, config, at), at=at, by=by.account)


def _tables(names: dict[int, str]) -> tuple[dict[str, dict[str, list[str]]], dict[str, list[tuple[int, str, int]]]]:
    """For each source its columns, and in the same order record, key and source of each row."""
    last = Load.objects.filter(state=Load.DONE).order_by("-number").values_list("number", flat=True).first() or 0
    held = OrganisationRecord.still_said(last).order_by("id")
    tables: dict[str, dict[str, list[str]]] = {}
    records: dict[str, list[tuple[int, str, int]]] = {}
    for record, key, source, *told in held.values_list("id", "key", "source_id", *_TOLD).iterator(10_000):
        table = tables.setdefault(names[source], {name: [] for name in ("code", *_TOLD)})
        table["code"].append("" if OWN_NUMBER in key else key)
        for name, value in zip(_TOLD, told, strict=True):
            table[name].append(str(value) if value else "")
        records.setdefault(names[source], []).append((record, key, source))
    return tables, records


def _rows(
    links: Links, records: dict[str, list[tuple[int, str, int]]], config: Config, at: datetime
) -> list[RecordLink]:  # fmt: skip
    out: dict[tuple[str, str], RecordLink] = {}
    for row in range(len(links)):
        sides = [records[table][place] for table, place in (links.member("left", row), links.member("right", row))]
        left, right = sorted(sides, key=lambda side: side[1])
        if left[1] == right[1] or all(OWN_NUMBER not in side[1] for side in sides):
            continue
        probability = float(links.probability[row])
        told = links.explanation(row, config)
        parts = [[name, held, round(bits, 2)] for name, held, bits in told if held != "missing"]
        link = RecordLink(
            register="organisations", left_key=left[1], right_key=right[1], left_record=left[0], right_record=right[0],
            left_source=left[2], right_source=right[2], weight=float(links.weight[row]), probability=probability,
            parts=parts, state=CERTAIN if probability >= config.certain else REVIEW, found_at=at,
        )  # fmt: skip
        before = out.get((left[1], right[1]))
        if before is None or before.weight < link.weight:
            out[left[1], right[1]] = link
    return list(out.values())
