"""What sensors and reports declare to the user interface."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, KeyFigure, Page, Service

DISPLAY = Display(
    pages=(Page("sensors", gettext_noop("Sensors"), "people", 60, is_public=True),),
    figures=(
        KeyFigure(
            key="sensors-in-service", label=gettext_noop("Sensors in service"), order=40, is_public=True,
            definition=gettext_noop("Sensors whose readings count; those that were taken out of service are not in"
                                    " it."),
            source="cityloom.signals.queries.sensors_in_service", url_name="sensors",
        ),
        KeyFigure(
            key="reports-of-a-day", label=gettext_noop("Problems reported in the last 24 hours"), order=45,
            definition=gettext_noop("Calls and reports by residents, each once, without drills. They are counted by"
                                    " place and kind, never by who reported."),
            source="cityloom.signals.queries.reports_of_a_day", is_public=True,
        ),
    ),
    services=(
        Service(
            key="sensors", url_name="sensors", event="city", order=10,
            title=gettext_noop("See which sensors stand in my street"),
            summary=gettext_noop("What each measures and what it does not, whose it is, how long readings are kept."),
            words=("sensor", "camera", "CCTV", "surveillance", "recording", "monitor", "measuring", "microphone",
                   "传感器", "摄像头", "监控", "探头", "录像", "测量"),
        ),
    ),
)  # fmt: skip
