"""What others have insight do: review a process from its log, work a study; at once or by the worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cityloom.cases import queries as cases
from cityloom.insight import policies
from cityloom.insight.alarms import answering, looking
from cityloom.insight.alarms.looking import Looked
from cityloom.insight.alarms.words import question_of
from cityloom.insight.domain.hotspots.watching import Watch
from cityloom.insight.domain.study.study import Study, Told
from cityloom.insight.eventlogs.columns import Columns
from cityloom.insight.forecasting import publishing, scoring
from cityloom.insight.indexing import collecting, frameworks
from cityloom.insight.memos import making as memos
from cityloom.insight.memos.making import Memo
from cityloom.insight.reviewing import doing, keeping, making, own
from cityloom.insight.reviewing.keeping import Source
from cityloom.insight.reviewing.making import Made, Wanted
from cityloom.insight.studying import briefed, collected_people, collected_roads, folders, working
from cityloom.insight.studying import doing as studying
from cityloom.insight.studying import keeping as studies
from cityloom.insight.studying.collected_people import Collected
from cityloom.insight.studying.collected_roads import CollectedRoads
from cityloom.insight.studying.keeping import Sent
from cityloom.insight.studying.working import quiet
from cityloom.insight.telling import areas, page
from cityloom.kernel.actor import Actor
from cityloom.registers import queries as registers

__all__ = [
    "Collected", "CollectedRoads", "Columns", "Looked", "Made", "Memo", "Sent", "Source", "Wanted", "Watch",
    "answer_hotspot", "ask_for_review", "ask_for_study", "cancel_review", "cancel_study", "collect_people",
    "collect_public_service", "collect_roads", "deliver_actuals", "do_reviews", "do_studies", "look_for_hotspots",
    "make_memo", "publish_forecast", "put_into_brief", "review_casetype", "review_file", "take_from_brief",
    "withdraw_forecast", "work_study", "write_example", "write_framework_example",
]  # fmt: skip


def collect_people(*, folder: Path, by: Actor) -> Collected:
    """Write people by district, sex and age from the registers into a folder, as the gate gives them.

    Raises: Refused `city.none`, `insight.no_residents`, `insight.district_large`, `gate.counted_already`.
    """
    return collected_people.collect(folder, by=by)


def collect_roads(*, folder: Path, kinds: Sequence[str], mode: str, by: Actor) -> CollectedRoads:
    """Write the road graph, districts and facilities of the registers into a folder, as tables for studies.

    Raises: Refused `city.none`, `insight.no_roads`, `registers.graph_large`, and as `collect_people`.
    """
    return collected_roads.collect(folder, kinds, mode, by=by)


def review_file(*, path: Path, wanted: Wanted) -> Made:
    """Review the process of a file, at once; nothing is kept.

    Raises: Refused, as `making.of_file`.
    """
    return making.of_file(path, wanted)


def review_casetype(*, casetype: str, since: date | None, until: date | None, wanted: Wanted) -> Made:
    """Review the city's own cases of a type, at once; nothing is kept.

    Raises: Refused `cases.no_such_type`, and as `own.of_history`.
    """
    return own.of_history(registers.lake_root(), cases.newest_casetype(casetype), since, until, wanted)


def ask_for_review(*, source: Source, asked: Mapping[str, Any], by: Actor, at: datetime) -> str:
    """Have a process reviewed by the worker; return the review's id.

    Raises: Refused `insight.role`, and as `keeping.ask`.
    """
    policies.check_can_review(by)
    return keeping.ask(source, asked, by, at)


def cancel_review(*, review_id: str, by: Actor, at: datetime) -> None:
    """End a review that nobody needs.

    Raises: Refused `insight.role`, `insight.no_review`.
    """
    policies.check_can_review(by)
    keeping.cancel(review_id, at)


def do_reviews(*, by: Actor) -> int:
    """Make all reviews that wait; return how many came to an end."""
    policies.check_can_review(by)
    return doing.review_what_waits()


def work_study(*, path: Path, folder: Path, told: Told = quiet) -> Study:
    """Work the question of a file, at once, and keep the study in a folder.

    Raises: Refused, as `working.of_file` and `folders.write`.
    """
    folders.check_free(folder)
    done = working.of_file(path, told)
    folders.write(folder, done.study, done.origins)
    return done.study


def write_example(*, kind: str, folder: Path) -> Path:
    """Write a small question of a kind with made-up tables; return the question's file.

    Raises: Refused `insight.no_kind`, `insight.no_example`.
    """
    return working.write_example(kind, folder)


def ask_for_study(*, sent: Sent, by: Actor, at: datetime) -> str:
    """Have a question worked by the worker; return the study's id.

    Raises: Refused `insight.role`, and as `keeping.ask`.
    """
    policies.check_can_study(by)
    return studies.ask(sent, by, at)


def cancel_study(*, study_id: str, by: Actor, at: datetime) -> None:
    """End a study that nobody needs.

    Raises: Refused `insight.role`, `insight.no_study`.
    """
    policies.check_can_study(by)
    studies.cancel(study_id, at)


def do_studies(*, by: Actor) -> int:
    """Work all studies that wait; return how many came to an end."""
    policies.check_can_study(by)
    return studying.work_what_waits()


def put_into_brief(*, study_id: str, by: Actor, at: datetime) -> int:
    """Have the risk brief tell what a study foresees to run short; return how many things that are.

    Raises: Refused `insight.not_allowed`, `insight.no_study`, `insight.study_open`, `insight.foresees_nothing`.
    """
    policies.check_can_lead(by)
    return briefed.put(study_id, by, at)


def take_from_brief(*, study_id: str, by: Actor, at: datetime) -> None:
    """Have the risk brief tell it no more.

    Raises: Refused `insight.not_allowed`.
    """
    policies.check_can_lead(by)
    briefed.take(study_id, at)


def make_memo(*, study: Path, question: str, out: Path, language: str = "en", in_city: bool = False) -> Memo:
    """Make a memo of the study in a folder; a ZIP where `out` ends with .zip.

    `in_city`: a city is open, whose units its maps may show. Raises: Refused, as `making.make`.
    """
    codes = page.areas_of(folders.read(study).study) if in_city else set()
    return memos.make(study, question, out, language, areas.outlines(codes))


def write_framework_example(*, framework: str, folder: Path) -> Path:
    """Write a question of a shipped framework with its synthetic table; return the question's file.

    Raises: Refused `insight.no_framework`, `insight.no_framework_table`.
    """
    return frameworks.write_example(framework, folder)


def collect_public_service(*, casetype: str, unit: str, since: str, until: str, at: datetime, path: Path) -> int:
    """Write how units served residents, from the city's own cases without small counts; return how many units.

    Raises: Refused `cases.no_such_type`, `cases.day`, `cases.figures_span`.
    """
    rows = collecting.rows_of(casetype, unit, since, until, at)
    collecting.write(path, rows)
    return len(rows) - 1


def look_for_hotspots(*, by: Actor, at: datetime, watch: Watch | None = None) -> Looked:
    """Look for hot spots in the city's own cases up to yesterday, and tell the offices that answer for them.

    Raises: Refused `insight.role`, `insight.scan_*`.
    """
    policies.check_can_review(by)
    return looking.look(at, watch or looking.usual_watch())


def answer_hotspot(*, alarm_id: str, answer: str, reason: str, by: Actor, at: datetime) -> str:
    """Say what an alarm was; return the id of the case that was opened for it, "" for none.

    Raises: Refused, as `answering.answer`.
    """
    question = question_of(answering.found(alarm_id, by))
    return answering.answer(alarm_id, answer, reason, question, by, at)


def publish_forecast(*, study: str, subject: str, title: str = "", by: Actor, at: datetime) -> str:
    """Freeze the forecast of the study in a folder, or of a stored one by its id; return the forecast's id.

    Raises: Refused `insight.role`, and as `publishing.publish`.
    """
    policies.check_can_publish(by)
    return publishing.publish(publishing.Wanted(study, subject, title), by, at).pk


def withdraw_forecast(*, forecast_id: str, reason: str, by: Actor, at: datetime) -> None:
    """Say that a published forecast does not hold any more; it stays, with its scorecard and the reason.

    Raises: Refused `insight.role`, and as `publishing.withdraw`.
    """
    policies.check_can_publish(by)
    publishing.withdraw(forecast_id, reason, by, at)


def deliver_actuals(*, source: str, subject: str, by: Actor, at: datetime) -> dict[str, int]:
    """Keep what came of a subject, and score all its forecasts by it; return how many outcomes each has by its id.

    Raises: Refused `insight.role`, and as `scoring.deliver`.
    """
    policies.check_can_publish(by)
    return {row.forecast_id: row.known for row in scoring.deliver(source, subject, by, at)}
