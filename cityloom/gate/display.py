"""What the gate's words are called on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import get_language, gettext_noop
from django.utils.translation import gettext as _

from cityloom.gate import policies
from cityloom.gate.domain import reasons
from cityloom.ui.domain.declared import Display, KeyFigure, Page, Service, Watch, WorkList

FIELDS = {
    "name": gettext_noop("Name"), "national_id": gettext_noop("National id"), "phone": gettext_noop("Phone"),
    "birth_date": gettext_noop("Date of birth"), "need_note": gettext_noop("What is needed"),
    "address": gettext_noop("how to reach the person"), "place": gettext_noop("the place"),
    "words": gettext_noop("what was written"), "contact": gettext_noop("how the person wants to be reached"),
    "photo": gettext_noop("photos"),
}  # fmt: skip
QUESTIONS = {
    "age-at-least": gettext_noop("Is the person at least this old? (years)"),
    "age-under": gettext_noop("Is the person younger than this? (years)"),
    "is": gettext_noop("Is a field what somebody says it is? (field=value, as in birth_date=19900101)"),
    "lives-in": gettext_noop("Is the person registered in one of these dwellings? (dwelling numbers)"),
    "same-household": gettext_noop("Are all of them registered in one dwelling?"),
}
WORDS = {
    "life-in-danger": gettext_noop("A life is in danger"), "missing-person": gettext_noop("Somebody is missing"),
    "medical": gettext_noop("A medical emergency"), "building-unsafe": gettext_noop("A building is unsafe"),
    "justified": gettext_noop("It was justified"), "not-justified": gettext_noop("It was not justified"),
    "referred": gettext_noop("Referred to the supervisory authority"),
    "unexpected": gettext_noop("I did not expect it"), "no-such-case": gettext_noop("I have no such matter"),
    "wrong-purpose": gettext_noop("The purpose is wrong"), "too-much": gettext_noop("Too much was opened"),
    "other": gettext_noop("Another reason"), "access-block": gettext_noop("Access is blocked"),
    "health-code-red": gettext_noop("Red health code"), "benefit-hold": gettext_noop("A benefit is held back"),
    "alarm": gettext_noop("An alarm"), "objection": gettext_noop("A resident's objection"),
    "glass-review": gettext_noop("A review of broken glass"), "court-order": gettext_noop("An order of a court"),
    "budget": gettext_noop("A budget was used up"), "honey": gettext_noop("A honey resident was opened"),
    "glass": gettext_noop("The glass was broken"), "rescue": gettext_noop("A rescue began"),
    "no-matter": gettext_noop("The matter is not there"),
    "not-assigned": gettext_noop("The matter is somebody else's"),
    "status": gettext_noop("A status without evidence"), "active": gettext_noop("in force"),
    "proposed": gettext_noop("proposed"), "retired": gettext_noop("retired"), "withdrawn": gettext_noop("withdrawn"),
    "opened": gettext_noop("opened"), "listed": gettext_noop("named as needing help"),
    "searched": gettext_noop("found by a search"), "asked": gettext_noop("asked yes or no"),
    "probed": gettext_noop("searched for"), "granted": gettext_noop("granted"), "refused": gettext_noop("refused"),
    "keyed": gettext_noop("numbers of a department's file were keyed"),
    "resealed": gettext_noop("sealed anew"),
    "followed": gettext_noop("what people are found by was brought up to date"),
    "compared": gettext_noop("a department's file was compared with people who are there"),
    "sought": gettext_noop("people were looked for who may be those of a department's file"),
    "weighed": gettext_noop("opened to be compared with a department's file"),
    "joined": gettext_noop("two entries were found to be one person"),
    "corrected": gettext_noop("a correction that a resident asked for was sealed"),
    "parted": gettext_noop("two people who were taken for one were parted"),
    "revealed": gettext_noop("a department's file became known"),
    "taken-back": gettext_noop("people of an unfinished file were destroyed"),
    "counted": gettext_noop("counted"), "loaded": gettext_noop("sealed at loading"),
    "erased": gettext_noop("erased"), "revoked": gettext_noop("grant ended"), "damaged": gettext_noop("damaged"),
    "seconded": gettext_noop("grant approved by a second person"), "linked": gettext_noop("linked to a resident"),
    "contested": gettext_noop("contested"), "glass-broken": gettext_noop("The glass was broken"),
    "glass-reviewed": gettext_noop("broken glass reviewed"), "unmasked": gettext_noop("pseudonym lifted"),
    "honey-set": gettext_noop("honey residents set"), "breaker-reset": gettext_noop("stopped system let go on"),
    "status-proposed": gettext_noop("status proposed"), "status-set": gettext_noop("status set"),
    "status-ended": gettext_noop("status ended"), "status-withdrawn": gettext_noop("status withdrawn"),
    "purpose-proposed": gettext_noop("purpose proposed"), "purpose-approved": gettext_noop("purpose approved"),
    "purpose-withdrawn": gettext_noop("purpose withdrawn"), "rotated": gettext_noop("key changed"),
    "backed-up": gettext_noop("keys backed up"), "sealed": gettext_noop("sealed as it came"),
    "matched": gettext_noop("places looked up for a warning"),
}  # fmt: skip
_NO_LIMIT = 50_000_000
"""What the keeper's shipped purposes say where they set no limit."""
DOCUMENT = {
    "purpose": gettext_noop("Name of the purpose"), "basis": gettext_noop("Short name of the legal basis"),
    "statute": gettext_noop("Statute"), "article": gettext_noop("Article"), "fields": gettext_noop("Fields"),
    "units": gettext_noop("Units that may use it"), "roles": gettext_noop("Roles that open"),
    "granters": gettext_noop("Roles that grant"), "approvers": gettext_noop("Roles that approve as a second person"),
    "valid_until": gettext_noop("Valid until"), "most_a_request": gettext_noop("Most people in one request"),
    "most_a_day": gettext_noop("Most people in a day"),
    "most_a_day_each": gettext_noop("Most people in a day for one account"),
    "second_person_above": gettext_noop("A second person is needed above"),
    "retention_days": gettext_noop("Days that the result may be kept"),
    "predicates": gettext_noop("Yes-or-no questions"), "search": gettext_noop("Fields that may be searched"),
    "services": gettext_noop("Calling systems and their people a day"), "title": gettext_noop("Title"),
    "policy": gettext_noop("Policy (Cedar)"),
}  # fmt: skip


PLAIN = {
    "emergency-assistance": gettext_noop(
        "When two people have approved an evacuation, helpers who were given a task open the details of those who need"
        " help to leave, and of nobody else. The permission ends with the task."
    ),
    "register-maintenance": gettext_noop(
        "A data steward corrects the register, with permission of the data protection officer, a few people at a time."
    ),
    "case-handling": gettext_noop(
        "The official who handles your matter opens what the matter needs. A supervisor names whose data, and until"
        " when."
    ),
    "resident-access": gettext_noop("You look at your own entries; nobody else can use this purpose."),
    "break-glass": gettext_noop(
        "In an emergency a commander may look before anybody has agreed. It rings at the data protection officer's at"
        " once, and another person reviews every case within 72 hours."
    ),
    "adverse-status": gettext_noop(
        "A burden on a person, such as a blocked access, needs a decision, evidence for that person, a second official,"
        " and an end. You are told, and can appeal."
    ),
    "place-alerts": gettext_noop(
        "You asked to be warned about a place. When there is a warning the keeper compares the place with its area, and"
        " only if it lies inside is your address opened to write to you. No official sees either."
    ),
    "problem-reports": gettext_noop(
        "You reported a problem. Those who deal with it read your words and see your photos; they are erased after 180"
        " days."
    ),
    "register-parties": gettext_noop(
        "A department's register names you as somebody who represents an organisation or owns a dwelling. Your name and"
        " number are sealed; stewards and case handlers open one entry at a time."
    ),
    "register-corrections": gettext_noop(
        "You asked to have an entry of a register corrected. The steward who decides reads what you wrote; it is erased"
        " 180 days after the decision."
    ),
    "case-documents": gettext_noop(
        "You sent photos or documents with a report or an application. Those who work on it open one at a time; they"
        " are erased with the case."
    ),
    "dispute-parties": gettext_noop(
        "You are a party of a dispute. The mediator and the clerk whom the case names open your name and how to reach"
        " you, and nobody else; nobody can look for disputes by person."
    ),
    "oversight": gettext_noop("Those who watch over the others count what was opened. They open nobody."),
}
"""What happens for each purpose that a new city has, for residents."""


def plain(name: str) -> str:
    """What happens for a purpose in a sentence; nothing where the city has made the purpose itself."""
    return _(PLAIN[name]) if name in PLAIN else ""


def limited(number: int) -> int | None:
    """A limit, or None where none is set."""
    return number if number < _NO_LIMIT else None


def word(key: str) -> str:
    """What a word from a list is called; the word itself where it has no other name."""
    return _(WORDS[key]) if key in WORDS else key


def limit(number: int) -> str:
    """A limit in words."""
    return str(number) if number < _NO_LIMIT else _("no limit")


def choices(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Reasons and outcomes to choose from."""
    return [(key, word(key)) for key in keys]


def fields(names: Iterable[str]) -> list[tuple[str, str]]:
    """Fields of a person with their labels, in the usual order."""
    wanted = set(names)
    return [(name, _(label)) for name, label in FIELDS.items() if name in wanted]


def title(words: Mapping[str, str], name: str) -> str:
    """A purpose's title in the reader's language, else in English, else its name."""
    return words.get("zh-Hans" if get_language() == "zh-hans" else "en") or words.get("en") or name


def questions(names: Iterable[str]) -> list[tuple[str, str]]:
    """Questions to choose from."""
    return [(name, _(QUESTIONS[name])) for name in names if name in QUESTIONS]


LISTS = (
    reasons.GLASS, reasons.GLASS_OUTCOMES, reasons.CONTEST, reasons.CONTEST_OUTCOMES, reasons.STATUSES, reasons.UNMASK
)
"""Every list of words that a page offers; each has a name here."""


_ONE_WHO_ASSIGNS = gettext_noop("For those who open people for a matter, and for their supervisors.")
DISPLAY = Display(
    pages=(
        Page("gate", gettext_noop("Grants"), "people", 10, frozenset({"case-handler", "supervisor", "social-worker"}),
             _ONE_WHO_ASSIGNS),
        Page("statuses", gettext_noop("Statuses"), "people", 20,
             frozenset({"case-handler", "supervisor", *policies.REVIEWERS}),
             gettext_noop("For case handlers, their supervisors and the data protection officer.")),
        Page("glass", gettext_noop("Break the glass"), "people", 30, frozenset({"commander"}),
             gettext_noop("For commanders, when a life is in danger and no grant is there.")),
        Page("oversight", gettext_noop("Oversight of openings"), "oversight", 10, frozenset(policies.REVIEWERS),
             gettext_noop("For the data protection officer.")),
        Page("gate-audit", gettext_noop("Audit"), "oversight", 20, frozenset(policies.WATCHERS),
             gettext_noop("For auditors, data stewards, operators and the data protection officer.")),
        Page("purposes", gettext_noop("Purposes"), "oversight", 30, frozenset(policies.WATCHERS),
             gettext_noop("For auditors, data stewards, operators and the data protection officer.")),
        Page("me", gettext_noop("Who looked at my data"), "people", 40, frozenset({"resident"}),
             gettext_noop("For residents who are signed in."), is_public=True),
    ),
    figures=(
        KeyFigure(
            key="log-entries", label=gettext_noop("Lines in the log of openings"), order=80, is_public=True,
            definition=gettext_noop("Every opening, search and change of a rule leaves a line that cannot be taken out"
                                    " unseen. Drills are in it, as their openings are real."),
            source="cityloom.gate.queries.lines_of_the_log", url_name="verify",
        ),
        KeyFigure(
            key="objections", label=gettext_noop("Objections of residents in the last 30 days"), order=82,
            definition=gettext_noop("Entries of the log that a resident has contested. One person may have contested"
                                    " several."),
            source="cityloom.gate.queries.objections_of_a_month", is_public=True, counts_people=True,
        ),
        KeyFigure(
            key="statuses", label=gettext_noop("People who bear a burden by a status"), order=84,
            definition=gettext_noop("Statuses such as a blocked access that are in force now, each by a named decision"
                                    " of two officials and with an end."),
            source="cityloom.gate.queries.statuses_in_force", is_public=True, counts_people=True,
        ),
    ),
    work=(
        WorkList("grants", gettext_noop("Grants for a second person"), "cityloom.gate.queries.work_grants", 40,
                 frozenset({"supervisor", "case-handler", "social-worker"})),
        WorkList("statuses", gettext_noop("Statuses for a second person"), "cityloom.gate.queries.work_statuses", 45,
                 frozenset({"supervisor", "case-handler"}), frozenset({"StatusSet"})),
        WorkList("alarms", gettext_noop("Alarms of the keeper"), "cityloom.gate.queries.work_alarms", 50,
                 frozenset(policies.REVIEWERS), frozenset({"GateAlarmRaised"})),
        WorkList("reviews", gettext_noop("Broken glass to review"), "cityloom.gate.queries.work_reviews", 55,
                 frozenset(policies.REVIEWERS), frozenset({"GlassBroken", "GlassReviewed"})),
        WorkList("objections", gettext_noop("Objections to answer"), "cityloom.gate.queries.work_objections", 60,
                 frozenset(policies.REVIEWERS), frozenset({"OpeningContested", "ContestAnswered"})),
    ),
    watches=(
        Watch("keeper", gettext_noop("Keeper and budgets"), "cityloom.gate.queries.keeper_faults", 40,
              gettext_noop("The keeper answers, and no purpose runs out of its budget today.")),
        Watch("breakers", gettext_noop("Calling systems"), "cityloom.gate.queries.stopped_systems", 45,
              gettext_noop("The keeper has stopped none.")),
    ),
    services=(
        Service(
            key="who-looked", url_name="me", event="my-data", order=10,
            title=gettext_noop("See who looked at my data"),
            summary=gettext_noop("Every look at your data by somebody of the city: when, who, why, by which law."),
            words=("access", "opened", "privacy", "snooping", "spying", "log", "who saw", "who read", "file", "record",
                   "personal data", "right of access", "谁看过", "谁查过", "查询记录", "调阅", "偷看", "隐私", "档案",
                   "个人信息查阅", "知情权"),
        ),
        Service(
            key="contest", url_name="me", event="my-data", order=15,
            title=gettext_noop("Object to a look at my data, or to a status"),
            summary=gettext_noop("With one click at the entry; another person reviews it and must answer in time."),
            words=("contest", "complain", "complaint", "appeal", "objection", "dispute", "red code", "blocked",
                   "health code", "benefit", "异议", "申诉", "投诉", "复核", "红码", "限制", "冻结", "补贴"),
        ),
    ),
)  # fmt: skip
