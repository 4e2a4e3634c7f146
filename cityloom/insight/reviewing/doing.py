"""Reviews that wait are made, one after another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from cityloom.cases import queries as cases
from cityloom.insight.domain import stages
from cityloom.insight.domain.findings import Finding
from cityloom.insight.domain.review import review
from cityloom.insight.eventlogs.columns import Columns
from cityloom.insight.models import Review
from cityloom.insight.reviewing import keeping, kept_logs, making, own
from cityloom.insight.reviewing.making import Made, Wanted
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers


def review_what_waits(now: Callable[[], datetime] = clock.now) -> int:
    """Make reviews until nothing waits, and return how many came to an end; may be killed at any instant."""
    count = 0
    while (row := keeping.next_one(now())) is not None:
        try:
            made = _made(row)
            kept_logs.save(keeping.log_file(row.id), made.log)
        except Refused as refusal:
            keeping.end(row, stages.REFUSED, now(), {}, refusal)
        else:
            keeping.end(row, stages.DONE, now(), made.review)
        count += 1
    return count


def _made(row: Review) -> Made:
    wanted = wanted_of(row)

    def done(_: str) -> None:
        keeping.note_part(row)

    if row.form == "again":
        return _again(row, wanted, done)
    if row.form == "casetype":
        since, until = (
            date.fromisoformat(row.asked[name]) if row.asked.get(name) else None for name in ("since", "until")
        )
        return own.of_history(registers.lake_root(), cases.newest_casetype(row.name), since, until, wanted, done)
    made = making.of_file(keeping.file_of(row.id, row.name), wanted, done)
    made.review["source"]["name"] = row.name
    return made


def _again(row: Review, wanted: Wanted, done: making.Step) -> Made:
    """The kept log with other choices; what was found in its data is known from the first time."""
    base = keeping.found(row.base)
    log = kept_logs.load(keeping.log_file(row.base))
    done("read")
    findings = [Finding(one["code"], one["count"], one["of"], tuple(one["what"])) for one in base.result["findings"]]
    asked = making.asked_for(log, wanted)
    return Made(log, review(log, findings, asked, done) | {"source": base.result["source"]})


def wanted_of(row: Review) -> Wanted:
    """What was asked for, as it was kept."""
    said: dict[str, Any] = row.asked
    columns = Columns(**{name: said[name] for name in ("case", "activity", "time", "start", "office", "zone", "style")
                         if said.get(name)})  # fmt: skip
    model = keeping.model_file(row.id) if said.get("model") else None
    return Wanted(columns, said.get("object_type", ""), tuple(said.get("outside", ())), said.get("due", ""),
                  said.get("ended", ""), float(said.get("limit_days") or 0), model, said.get("model", ""))  # fmt: skip
