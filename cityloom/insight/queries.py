"""Questions about reviews of processes, and about studies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from cityloom.insight.alarms import listing, looking
from cityloom.insight.briefing import gathering
from cityloom.insight.briefing.gathering import Brief
from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.domain.hotspots.watching import Watch
from cityloom.insight.domain.study.study import Study, Told
from cityloom.insight.forecasting import publishing, showing
from cityloom.insight.indexing.frameworks import Fault, Framework, ItemFacts
from cityloom.insight.indexing.frameworks import faults_in as faults_in_framework
from cityloom.insight.indexing.frameworks import items_of as items_of_framework
from cityloom.insight.indexing.frameworks import named as framework_named
from cityloom.insight.indexing.frameworks import shipped as shipped_frameworks
from cityloom.insight.memos import checking
from cityloom.insight.models import HotspotAlarm, Review, StoredStudy
from cityloom.insight.reviewing import keeping, kept_logs, waiting
from cityloom.insight.reviewing.alone import as_page
from cityloom.insight.reviewing.written import written
from cityloom.insight.studies import kinds
from cityloom.insight.studies.kinds import Kind
from cityloom.insight.studying import describing, folders
from cityloom.insight.studying import keeping as studies
from cityloom.insight.studying.checking import Difference
from cityloom.insight.studying.working import quiet
from cityloom.insight.telling import text
from cityloom.kernel.actor import Actor
from cityloom.ui.domain.declared import WorkItem

__all__ = [
    "Brief", "Difference", "Fault", "Framework", "ItemFacts", "Study", "Told", "as_page", "described",
    "differences_in", "faults_in_framework", "folder_of_study", "framework_named", "hotspots_in_words",
    "hotspots_to_answer", "is_any_review_open", "is_any_study_open", "is_hotspot_look_due", "is_work_to_stop",
    "items_of_framework", "log_of_review", "open_hotspots_in", "published_forecast", "published_forecast_as_csv",
    "published_forecasts", "risk_brief", "risk_brief_as_json", "shipped_frameworks", "study_in", "study_kinds",
    "told_as_text", "usual_hotspot_watch", "written",
]  # fmt: skip


def is_any_review_open() -> bool:
    """Whether any review waits or is at work."""
    return waiting.is_any_open(Review)


def is_any_study_open() -> bool:
    """Whether any study waits or is at work."""
    return waiting.is_any_open(StoredStudy)


def is_work_to_stop(at: datetime) -> bool:
    """Whether the review or study at work was cancelled, or has taken too long."""
    return waiting.is_to_stop(Review, at) or waiting.is_to_stop(StoredStudy, at)


def log_of_review(review_id: str) -> EventLog:
    """The log that a review is of, for other looks at it; cases are called by their number.

    Raises: Refused `insight.log_gone`.
    """
    return kept_logs.load(keeping.log_file(review_id))


def study_kinds() -> list[Kind]:
    """The kinds of studies, in the order of their names."""
    return [kinds.kind(name) for name in sorted(kinds.MODULES)]


def described(kind: str) -> str:
    """What a kind reads and what may be asked of it, as Markdown.

    Raises: Refused `insight.no_kind`.
    """
    return describing.described(kinds.kind(kind))


def study_in(folder: Path) -> Study:
    """The study that lies in a folder, as it stands there.

    Raises: Refused `insight.no_study`, `insight.study_broken`.
    """
    return folders.read(folder).study


def folder_of_study(study_id: str) -> Path:
    """Where a study lies that the city keeps.

    Raises: Refused `insight.no_study`.
    """
    return studies.folder_of(studies.found(study_id).id)


def told_as_text(study: Study) -> str:
    """What a study tells, as Markdown in the reader's language."""
    return text.written(study)


def differences_in(path: Path, told: Told = quiet) -> list[Difference]:
    """What does not hold of a study or memo (folder or ZIP), once it is worked again from its inputs; none if all does.

    Raises: Refused, as `memos.checking.differences`.
    """
    return checking.differences(path, told)


def risk_brief(unit: str, at: datetime) -> Brief:
    """What may go wrong in the coming days and weeks in a branch of the city, as it is known now."""
    return gathering.brief_of(unit, at)


def risk_brief_as_json(brief: Brief) -> dict[str, Any]:
    """A brief as plain JSON."""
    return gathering.as_json(brief)


def is_hotspot_look_due(day: date) -> bool:
    """Whether nobody has looked for hot spots on a day."""
    return looking.is_due(day)


def hotspots_to_answer(by: Actor, at: datetime) -> list[WorkItem]:
    """Alarms of hot spots that wait for an answer of somebody's office."""
    return listing.work_of(by, at)


def usual_hotspot_watch() -> Watch:
    """How this city looks for hot spots."""
    return looking.usual_watch()


def open_hotspots_in(unit: str) -> list[HotspotAlarm]:
    """The alarms of hot spots in a branch that wait for an answer, the rarest first."""
    return listing.open_alarms_in(unit)


def hotspots_in_words(alarm_ids: Sequence[str]) -> list[str]:
    """Alarms as lines: the question, what was seen and expected, and who is asked."""
    return listing.in_words(alarm_ids)


def published_forecasts() -> list[dict[str, Any]]:
    """All forecasts that were ever published, each with its newest scorecard in short."""
    return showing.listed()


def published_forecast(forecast_id: str, series: str = "") -> dict[str, Any]:
    """A published forecast with its scorecards and vintages.

    Raises: Refused `insight.no_published`.
    """
    return showing.shown(publishing.found(forecast_id), series)


def published_forecast_as_csv(forecast_id: str) -> str:
    """A published forecast with what came.

    Raises: Refused `insight.no_published`.
    """
    return showing.as_csv(publishing.found(forecast_id))
