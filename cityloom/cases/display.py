"""What cases declare to the user interface, and the words for what is in them."""

from __future__ import annotations

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from cityloom.cases import events
from cityloom.cases.domain.casetypes.casetype import Titles
from cityloom.kernel.envelope import type_of
from cityloom.ui.domain.declared import Display, KeyFigure, Outlook, Page, Service, WorkList

CASE_EVENTS = frozenset({
    "CaseOpened", "CaseMoved", "CaseCategorised", "CaseGiven", "CaseNoted", "CaseClockRang", "CaseClockChanged",
    "CaseTaskChanged",
})  # fmt: skip
WORKERS = frozenset({
    "case-handler", "supervisor", "duty-officer", "operator", "department-water", "department-gas",
    "department-traffic", "department-police", "department-fire",
})  # fmt: skip
LEVELS = {
    "open": _("open"), "internal": _("internal"), "restricted": _("for the unit"), "secret": _("for those it names"),
}  # fmt: skip
ORIGINS = {
    "web": _("the portal"), "open311": _("another program (Open311)"), "call": _("a call"),
    "official": _("an official"), "sensor": _("a sensor"), "detection": _("a detection"),
    "report": _("a report on the portal"), "permit": _("an application"), "dispute": _("a dispute"),
    "case": _("another case"),
}  # fmt: skip
HAPPENED = {
    "opened": _("Opened"), "given": _("Given to somebody"), "offered": _("Offered to another unit"),
    "taken-over": _("Taken over"), "noted": _("Note"), "linked": _("Linked"), "attached": _("Files added"),
    "released": _("Shown to everybody"), "withheld": _("Not shown to everybody any more"),
    "named": _("Somebody was named"),
    "reminded": _("Reminder: time is running out"), "overdue": _("Time is up; offered to the backstop"),
    "deemed": _("Time is up; silence decides"), "paused": _("Clock paused"), "resumed": _("Clock goes on"),
    "extended": _("More time given"), "routed": _("Routed"), "categorised": _("Another category"),
    "party": _("A party was written down"), "invited": _("A party was invited"),
    "heard": _("A party was heard"), "party-left": _("A party is none any more"),
    "planned": _("A session was planned"), "held": _("A session was held"), "failed": _("A side did not appear"),
    "postponed": _("A session was postponed"),
    "item": _("An item of the agreement was written down"), "checked": _("An item of the agreement was checked"),
    "item-reminded": _("An item of the agreement is due soon"),
    "item-overdue": _("An item of the agreement is overdue"),
    "declared": _("A mediator declared whether anything ties them to it"), "left": _("Somebody is no longer named"),
    "followed": _("The case that goes on moved"),
    "passed-on": _("Another case goes on for its matter"), "kept-apart": _("Kept apart from another case"),
    "follower-left": _("Somebody who reported it follows it no more"),
    "opened-contact": _("How to reach the reporter was opened"),
}  # fmt: skip
FILE_KINDS = {"picture": _("Photo"), "pdf": "PDF", "office": _("Document"), "text": _("Text")}
STANDINGS = {
    "running": (_("runs"), ""), "paused": (_("stands still"), "wait"), "stopped": (_("in time"), "good"),
    "breached": (_("overdue"), "bad"), "deemed-approved": (_("decided by silence"), "wait"),
}  # fmt: skip
FORMULAS = {
    "response": (_("First reaction in time"), _(
        "Cases with a first reaction within its limit, of all whose limit is over or was met. Formula 1.")),
    "resolution": (_("Said to be solved"), _(
        "Cases that are said to be solved and that nobody who reported them says are not, of all that are done or too"
        " late. One that was opened again counts as not solved until it is done. Formula 1.")),
    "satisfaction": (_("Satisfied"), _(
        "Cases whose reporters give 4 or 5 of 5 in the mean, of those who said how satisfied they are. Formula 1.")),
    "repeats": (_("Came again within 90 days"), _(
        "Done cases after which one of the same category was opened in the same cell of the map (about 50 m) within 90"
        " days, of those for which that can be said. Places are compared, never persons. Formula 1.")),
}  # fmt: skip
LINKS = {
    "detection": _("Detection"), "report": _("Report"), "repair": _("Repair asked of the field"),
    "datastream": _("Sensor"), "incident": _("Incident"), "case": _("Case"),
}  # fmt: skip


def said(titles: Titles | None) -> str:
    """Words of a case type in the reader's language."""
    if not titles:
        return ""
    return titles["zh-hans"] if get_language() == "zh-hans" else titles["en"]


def word(words: dict[str, str], key: str) -> str:
    """A word of one of the tables above; a key that has none as it is."""
    return gettext(words[key]) if key in words else key


DISPLAY = Display(
    pages=(
        Page("cases", _("Cases"), "work", 20, WORKERS, _("For those who work on cases.")),
        Page("case-figures", _("Figures of cases"), "work", 22, WORKERS, _("For those who work on cases.")),
        Page("disputes", _("Disputes"), "work", 21, frozenset({"supervisor"}), _("For supervisors of mediation.")),
        Page("report", _("Report a problem"), "people", 20, is_public=True),
        Page("my-report", _("Follow a report"), "people", 21, is_public=True),
        Page("case-types", _("Case types"), "city", 45),
        Page("case-processes", _("Processes"), "city", 46),
        Page("case-rules", _("Rules of cases"), "city", 46),
        Page("case-routing", _("Routing of cases"), "city", 47),
    ),
    figures=(
        KeyFigure("cases-in-time", _("First reaction in time"), FORMULAS["response"][1],
                  "cityloom.cases.figures.public.response", "%", 60, is_public=True, events=CASE_EVENTS),
        KeyFigure("cases-solved", _("Said to be solved"), FORMULAS["resolution"][1],
                  "cityloom.cases.figures.public.resolution", "%", 61, is_public=True, events=CASE_EVENTS),
        KeyFigure("cases-satisfied", _("Satisfied"), FORMULAS["satisfaction"][1],
                  "cityloom.cases.figures.public.satisfaction", "%", 62, is_public=True, events=CASE_EVENTS),
        KeyFigure("cases-again", _("Came again within 90 days"), FORMULAS["repeats"][1],
                  "cityloom.cases.figures.public.repeats", "%", 63, is_public=True, events=CASE_EVENTS),
    ),
    services=(
        Service(
            key="apply", url_name="apply", event="housing", order=10, title=_("Apply for a permit"),
            summary=_("Stalls, scaffolds, events, parking for residents, trees: often decided at once, with reasons."),
            words=("permit", "licence", "license", "application", "apply", "stall", "market", "scaffold", "skip",
                   "event", "street party", "parking permit", "resident parking", "fell a tree", "tree",
                   "许可", "申请", "摆摊", "占道", "脚手架", "活动", "停车证", "居民停车", "砍树", "伐木"),
        ),
        Service(
            key="report", url_name="report", event="street", order=10,
            title=_("Report a problem in the street"),
            summary=_("A hole, a leak, a smell of gas, a broken light: with a place and photos, and no account."),
            words=("pothole", "hole", "collapse", "sinkhole", "cave in", "leak", "burst pipe", "gas smell",
                   "broken light", "street lamp", "traffic light", "tree", "rubbish", "garbage", "trash",
                   "noise", "damage", "crack", "complaint", "fix my street", "坑", "塌陷", "地面塌陷", "漏水",
                   "爆管", "煤气味", "燃气泄漏", "路灯", "红绿灯", "倒树", "垃圾", "噪音", "裂缝", "报修",
                   "投诉", "举报"),
        ),
        Service(
            key="my-report", url_name="my-report", event="street", order=11,
            title=_("Follow a report"),
            summary=_("How it stands, why, and by when; say more, confirm that it is solved, or reopen it."),
            words=("status", "progress", "track", "follow up", "reference", "reopen", "withdraw", "my complaint",
                   "进度", "查询", "跟踪", "办理结果", "撤回", "重新办理", "评价"),
        ),
    ),
    outlooks=(
        Outlook("clocks", _("Clocks of cases"), "cityloom.cases.figures.outlook.risks", 30,
                _("No case is over its time, and none is due within a week.")),
    ),
    work=(
        WorkList("case-tasks", _("My tasks in cases"), "cityloom.cases.layers.tasks", 26, WORKERS, events=CASE_EVENTS),
        WorkList("cases", _("My cases"), "cityloom.cases.layers.mine", 25, WORKERS, events=CASE_EVENTS),
    ),
    moments={
        type_of(events.CaseOpened): _("A case is opened"),
        type_of(events.CaseCategorised): _("A case gets another category"),
        type_of(events.CaseMoved): _("A case comes to another state"),
        type_of(events.CaseGiven): _("A case is given or offered"),
        type_of(events.CaseClockRang): _("Time of a case runs out"),
        type_of(events.CaseTypePublished): _("A case type is published"),
    },
)  # fmt: skip
