"""Studies that wait are worked, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from cityloom.insight.domain import stages
from cityloom.insight.studying import folders, keeping, working
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused


def work_what_waits(now: Callable[[], datetime] = clock.now) -> int:
    """Work studies until nothing waits, and return how many came to an end; may be killed at any instant."""
    count = 0
    while (row := keeping.next_one(now())) is not None:
        try:
            done = working.of_file(keeping.sent_for(row.id) / "question.yaml",
                                   lambda share, step, row=row: keeping.note(row, share, step))  # fmt: skip
            names = keeping.origins_sent(row.id)
            origins = {name: replace(one, file=names.get(name, one.file)) for name, one in done.origins.items()}
            folders.write(keeping.folder_of(row.id), done.study, origins)
        except Refused as refusal:
            keeping.end(row, stages.REFUSED, now(), refusal=refusal)
        else:
            keeping.end(row, stages.DONE, now(), done.study.digest())
        count += 1
    return count
