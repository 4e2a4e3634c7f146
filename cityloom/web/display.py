"""What the pages that show several capabilities together declare."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from cityloom.ui.domain.declared import Display, Page, Service, Watch, WorkList

DISPLAY = Display(
    pages=(
        Page("front", gettext_noop("Overview"), "now", 10),
        Page("map", gettext_noop("Map"), "now", 20),
        Page("health", gettext_noop("Health"), "system", 10),
        Page("dead-letters", gettext_noop("Dead letters"), "system", 20, frozenset({"operator"}),
             gettext_noop("For operators, who mend what did not arrive.")),
        Page("lake", gettext_noop("Lake"), "system", 30, frozenset({"operator", "steward"}),
             gettext_noop("For data stewards and operators, who know what the columns mean.")),
        Page("services", gettext_noop("Services"), "people", 10, is_public=True),
        Page("offline", gettext_noop("Warnings"), "people", 50, is_public=True),
        Page("figures", gettext_noop("Figures"), "people", 70, is_public=True),
        Page("how", gettext_noop("How data are used"), "people", 80, is_public=True),
    ),
    work=(
        WorkList("dead-letters", gettext_noop("Dead letters"), "cityloom.web.overview.dead_letters_to_mend", 90,
                 frozenset({"operator"})),
    ),
    watches=(
        Watch("processes", gettext_noop("Processes"), "cityloom.web.overview.process_faults", 10,
              gettext_noop("All of them run.")),
        Watch("events", gettext_noop("Events"), "cityloom.web.overview.delivery_faults", 20,
              gettext_noop("Everything that happened has reached those who react to it.")),
    ),
    services=(
        Service(
            key="how-your-data-are-used", url_name="how", event="my-data", order=30,
            title=gettext_noop("See how this city uses your data"),
            summary=gettext_noop("For what, by which law, which details, for how long: and what the city will not do."),
            words=("privacy", "personal information", "purposes", "law", "legal basis", "data protection", "GDPR",
                   "PIPL", "surveillance", "AI", "隐私", "个人信息", "个人信息保护法", "法律依据", "数据保护", "监控",
                   "用途"),
        ),
        Service(
            key="figures", url_name="figures", event="city", order=20,
            title=gettext_noop("Read the city's open figures"),
            summary=gettext_noop("With what is counted and what is not; to be downloaded as CSV or JSON."),
            words=("statistics", "numbers", "open data", "download", "population", "CSV", "统计", "数据", "开放数据",
                   "数字", "人口", "下载"),
        ),
        Service(
            key="alerts-now", url_name="offline", event="safety", order=10,
            title=gettext_noop("Read the warnings that are in force"),
            summary=gettext_noop("What is dangerous now, where, and what to do. Once opened, it can be read offline."),
            words=("alert", "warning", "evacuation", "siren", "emergency", "disaster", "danger", "sinkhole", "fire",
                   "flood", "typhoon", "预警", "警报", "疏散", "撤离", "紧急", "灾害", "塌陷", "火灾", "洪水", "台风"),
        ),
    ),
)  # fmt: skip
