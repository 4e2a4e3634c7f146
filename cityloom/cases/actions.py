"""Changes to cases: open, step, give, pause, extend, note, link; each with its event in one transaction.

Every action may be called again with the same `command` (or `key`) and then changes nothing more. With `seen`, the
revision that somebody decided on, whoever is second to change a case is told so instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from cityloom.accounts import queries as accounts
from cityloom.bus import actions as bus
from cityloom.cases import catalogue, events, policies, queries
from cityloom.cases.approving import applying, asking, deciding, registered, reviewing, tables
from cityloom.cases.approving.applying import Applied
from cityloom.cases.approving.deciding import Ruling
from cityloom.cases.attaching import adding, showing
from cityloom.cases.attaching.showing import OpenedFile
from cityloom.cases.domain.casetypes import reading
from cityloom.cases.domain.clocks.running import What
from cityloom.cases.domain.routing.classifier import Classifier
from cityloom.cases.domain.verdicts import Follows
from cityloom.cases.following import contacts, reporting, saying, verdicts
from cityloom.cases.following.reporting import Reported, Taken
from cityloom.cases.georeport import keys, releasing
from cityloom.cases.intake import correcting, taking
from cityloom.cases.listing import telling
from cityloom.cases.listing.toldfollowers import FOR_REPORTER
from cityloom.cases.matters import parting, settling, sharing
from cityloom.cases.matters.uniting import PART
from cityloom.cases.mediating import agreement, naming, parties
from cityloom.cases.mediating.deeds import (
    add_party,
    check_item,
    declare,
    end_member,
    end_session,
    mark_party,
    open_parties,
    plan_session,
    write_item,
)
from cityloom.cases.models import Case, CaseFollower, CaseLink, ProcessRun, ProcessWork
from cityloom.cases.processes import running, services, states, tasks, versions
from cityloom.cases.routing import classifiers
from cityloom.cases.routing import versions as routing
from cityloom.cases.working import exporting, finding, giving, moving, opening, recording, ringing
from cityloom.cases.working.opening import Asked
from cityloom.cases.working.recording import Deed
from cityloom.kernel import disk, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

__all__ = [
    "Applied", "Asked", "OpenedFile", "Reported", "Ruling", "Taken", "add_party", "check_item", "declare", "end_member",
    "end_session", "mark_party", "open_parties", "plan_session", "write_item",
]  # fmt: skip
_ERASED_AT_ONCE = 200


def publish_type(*, text: str, by: Actor, at: datetime) -> tuple[str, int]:
    """Publish a version of a case type; return its name and number. The same text again changes nothing.

    Raises: Refused `cases.may_not_publish`, `cases.version_taken`, and what does not fit in the text.
    """
    policies.check_can_publish(by)
    document = reading.document_of(text)
    name, version = document["casetype"], document["version"]
    with transaction.atomic():
        versions.check_known(reading.casetype_from(document))
        row, is_new = catalogue.keep(document, by.account, at)
        if row.digest != catalogue.digest_of(document):
            raise Refused("cases.version_taken", "Version {limit} of {value} was published with other words, and stays "
                          "as it is; give yours the next number.", value=name, limit=version)  # fmt: skip
        if is_new:
            bus.publish(events.CaseTypePublished(name, version, row.digest, at), at=at, event_id=row.id)
    return name, version


def open_case(asked: Asked, *, by: Actor, at: datetime) -> str:
    """Open a case and return its id; the same `key` is the same case.

    Raises: Refused `cases.no_such_type`, `cases.may_not_open`, `cases.no_category`, what the form refuses
    (`cases.unanswered`, `cases.answer`, ...), `files.*`, and `gate.keeper_down` where sealed answers cannot be sealed.
    """
    return adding.open_with_files(asked, by, at)


def open_cases(asked: Sequence[Asked], *, by: Actor, at: datetime) -> list[str | Refused]:
    """Open many cases at once, as an import does; return for each its id, or why it was refused.

    One call seals them all and one transaction keeps them; the same `key` is the same case. Give at most a few hundred.
    Raises: Refused `gate.keeper_down`, and from the gate: then none is kept.
    """
    found = opening.open_many([one for one in asked if not one.files], by, at)
    return [_with_files(one, by, at) if one.files else found.pop(0) for one in asked]


def _with_files(asked: Asked, by: Actor, at: datetime) -> str | Refused:
    """Open one of many that has files; what is wrong with it concerns no other."""
    try:
        return adding.open_with_files(asked, by, at)
    except Refused as refusal:
        return refusal


def attach(*, case_id: str, files: adding.Sent, by: Actor, at: datetime, command: str = "") -> list[str]:
    """Add photos and documents, `(name, content)` or `(name, content, field)`, to a case; return their ids.

    They are looked through (by content, whatever they are called; photos are written anew, without notes) and sealed.
    Raises: Refused `cases.no_role`, `cases.many_files`, `cases.many_bytes`, `files.*`, and from the gate.
    """
    policies.check_can_work(finding.found(case_id, by).roles, by)
    return adding.add(case_id, files, command or ids.new_ulid(), by, at)


def attach_as_reporter(
    *, case_id: str, secret: str, files: adding.Sent, at: datetime, command: str = ""
) -> list[str]:  # fmt: skip
    """Add photos and documents as whoever reported the matter and holds its secret.

    Raises: Refused `cases.no_follower`, and as `attach`.
    """
    by = finding.follower_of(case_id, secret)
    return adding.add(case_id, files, command or ids.new_ulid(), by, at)


def open_file(*, case_id: str, file_id: str, by: Actor, at: datetime) -> OpenedFile:
    """Open one file for somebody who works on the case; each opening is a leaf of the log.

    Raises: Refused `cases.unknown`, `cases.not_yours`, `cases.no_role`, `cases.no_file`, `cases.file_erased`, `gate.*`.
    """
    return showing.open_file(case_id, file_id, by, at)


def release_photo(*, case_id: str, file_id: str, by: Actor, at: datetime, command: str = "") -> int:
    """Let everybody see a photo in which there is nobody: whoever releases it has looked. Returns the revision.

    Raises: Refused `cases.no_photo`, `cases.not_public`, and as `open_file`.
    """
    return showing.release_photo(case_id, file_id, command or ids.new_ulid(), by, at)


def withhold_photo(*, case_id: str, file_id: str, by: Actor, at: datetime, command: str = "") -> int:
    """Take a released photo back. Raises: Refused `cases.no_role`."""
    return showing.withhold_photo(case_id, file_id, command or ids.new_ulid(), by, at)


def put_routing(*, text: str, by: Actor, at: datetime) -> int:
    """Keep routing rules as the next version and let them route from now on; return its number.

    Raises: Refused `cases.may_not_rule`, `cases.rules_*`: what does not fit, clashes, never fires, or has no unit.
    """
    policies.check_can_rule(by)
    return routing.put(text, by, at)


def withdraw_routing(*, by: Actor, at: datetime) -> None:
    """Let no rules route any more: the unit of its category gets a case.

    Raises: Refused `cases.may_not_rule`, `cases.no_rules`.
    """
    policies.check_can_rule(by)
    routing.withdraw(by, at)


def keep_classifier(*, model: Classifier, by: Actor, at: datetime) -> int:
    """Keep a classifier as the next version, without using it; return its number.

    Raises: Refused `cases.may_not_rule`.
    """
    policies.check_can_rule(by)
    return classifiers.keep(model, by, at)


def use_classifier(*, number: int, by: Actor, at: datetime, threshold: float | None = None) -> None:
    """Let a version listen to new cases; 0 is the one that comes with the program.

    Raises: Refused `cases.may_not_rule`, `cases.no_classifier`, `cases.threshold`.
    """
    policies.check_can_rule(by)
    classifiers.use(number, threshold, by, at)


def stop_classifier(*, by: Actor, at: datetime) -> None:
    """Let none listen: people say of what category each case is.

    Raises: Refused `cases.may_not_rule`.
    """
    policies.check_can_rule(by)
    classifiers.stop(by, at)


def take_in(*, case_id: str, at: datetime) -> int:
    """Classify, route and join a new case, with others that wait; return how many. Again changes nothing."""
    return taking.take_in(case_id, at)


def take_step(
    *, case_id: str, step: str, by: Actor, at: datetime, reason: str = "", result: str = "", seen: int = 0,
    command: str = "", about: Sequence[tuple[str, str, str]] = (),
) -> int:  # fmt: skip
    """Take a step of the table of states; return the revision of the case after it.

    Raises: Refused `cases.unknown`, `cases.changed`, `cases.no_step`, `cases.state`, `cases.role`, `cases.handled`,
    `cases.other_person`, `cases.result`, `cases.reason`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_not_changed(found.row.revision, seen)
    policies.check_is_no_ruling(found.casetype, step)
    if step == PART and found.row.matter != found.row.id:
        parting.part(found, reason, command, by, at)
        return finding.row_of(case_id).revision
    return moving.move(found, moving.Move(step, reason, result, command, about), by, at)


def apply(asked: Asked, *, by: Actor, at: datetime, vouched: Mapping[str, Any] | None = None) -> Applied:
    """Open the case of an application, and grant it at once where a published table says so; a person decides the rest.

    `vouched` are answers that a register has given (`vouched_for`). The same `key` is the same application.
    Raises: Refused `cases.no_application`, `cases.no_evidence`, and as `open_case`.
    """
    return applying.apply(asked, vouched or {}, by, at)


def fill_in(casetype: str, category: str, given: Mapping[str, Any], *, by: Actor, at: datetime) -> tuple[dict, str]:
    """Let registers say of the resident who is signed in what an application asks; return it, and a proof for `apply`.

    They have agreed by a button; each look is a leaf that they see. Raises: Refused `cases.no_area`,
    `cases.nothing_known`, `gate.no_link`, `gate.keeper_down`.
    """
    known = catalogue.newest(casetype)
    found = asking.filled_in(known, category, given, by, at)
    return found, asking.signed(by, known, category, given, found)


def vouched_for(proof: str, casetype: str, category: str, given: Mapping[str, Any], *, by: Actor) -> dict[str, Any]:
    """What a register has said for this account and application, by a proof of `fill_in`; nothing for another one."""
    return asking.vouched(proof, by, catalogue.newest(casetype), category, given)


def is_registered(code: str) -> bool:
    """Whether the city's register of organisations knows this code."""
    return registered.is_registered(code)


def decide_application(
    *, case_id: str, ruling: Ruling, by: Actor, at: datetime, seen: int = 0, command: str = ""
) -> int:  # fmt: skip
    """Decide an application in one's own name; return the revision of its case. Whoever is second is told.

    Raises: Refused `cases.changed`, `cases.role`, `cases.handled`, `cases.other_person`, `cases.result`,
    `cases.condition`, `cases.ground`, `cases.reason`, `cases.valid_until`.
    """
    return deciding.decide(case_id, ruling, seen, command, by, at)


def ask_review(*, case_id: str, words: str, at: datetime, secret: str = "", by: Actor | None = None) -> str:
    """Ask that a person reviews the decision on an application; return the review's id. It stands until then.

    Whoever holds the code of the application asks with it as `secret`; an official asks on behalf.
    Raises: Refused `cases.no_follower`, `cases.no_role`, `cases.nothing_decided`, `cases.review_late`, `cases.reason`.
    """
    if by is None:
        finding.follower_of(case_id, secret)
    else:
        policies.check_can_work(finding.found(case_id, by).roles, by)
    return reviewing.ask(case_id, words, secret, at)


def follow_review(*, review_id: str, result: str, command: str, at: datetime) -> None:
    """Take up again what a review has found to be wrong, to be decided anew by another person."""
    reviewing.reviewed(review_id, result, command, at)


def publish_table(*, data: bytes, by: Actor, at: datetime) -> tuple[str, int]:
    """Put a decision table (DMN, or YAML) in force for the category that names it; return its name and version.

    Raises: Refused `cases.may_not_publish`, `cases.table_*`, with the row and column that does not fit.
    """
    row = tables.publish(queries.decision_table_of(data), by, at)
    return row.name, row.number


def withdraw_table(*, name: str, why: str, by: Actor, at: datetime, number: int = 0) -> int:
    """Take a version of a decision table out of force (the one in force, if none is named); return its number.

    Raises: Refused `cases.may_not_publish`, `cases.no_table`, `cases.table_withdrawn`, `cases.reason`.
    """
    return tables.withdraw(name, number, why, by, at).number


def take_step_as_reporter(
    *, case_id: str, secret: str, step: str, at: datetime, reason: str = "", result: str = "", seen: int = 0,
    command: str = "",
) -> int:  # fmt: skip
    """Take a step as whoever reported the matter and holds its secret, as to confirm, answer or reopen.

    Where the case is joined with another one, the step is taken in the one that goes on.

    Raises: Refused `cases.no_follower`, and as `take_step`.
    """
    by = finding.follower_of(case_id, secret)
    lead = sharing.lead_of(case_id)
    return take_step(case_id=lead, step=step, by=by, at=at, reason=reason, result=result, seen=seen, command=command)


def give(*, case_id: str, handler: str, by: Actor, at: datetime, reason: str = "", command: str = "") -> int:
    """Give a case to somebody of the responsible unit's branch; return its revision.

    Raises: Refused `cases.no_role`, `cases.not_of_unit`, and `accounts.unknown`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_can_work(found.roles, by)
    return giving.give(found, accounts.actor_of(handler), reason, command, by, at)


def set_category(
    *, case_id: str, category: str, by: Actor, at: datetime, kind: str = "", reason: str = "", seen: int = 0,
    command: str = "",
) -> int:  # fmt: skip
    """Say of what category a case is; it goes to the unit that gets such cases. Returns its revision.

    Raises: Refused `cases.no_role`, `cases.no_category`, `cases.category_over`, `cases.category_fixed`,
    `cases.changed`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_not_changed(found.row.revision, seen)
    policies.check_can_work(found.roles, by)
    return correcting.correct(found, correcting.Wanted(category, kind, reason, command), by, at)


def offer(*, case_id: str, unit: str, by: Actor, at: datetime, reason: str, command: str = "") -> int:
    """Offer a case to another unit; the one that has it leads until the other accepts. Returns its revision.

    Raises: Refused `cases.no_role`, `cases.no_unit`, `cases.reason`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_can_work(found.roles, by)
    return giving.offer(found, unit, policies.needed_reason(reason), command, by, at)


def accept_offer(*, case_id: str, by: Actor, at: datetime, seen: int = 0, command: str = "") -> int:
    """Take a case over that was offered to one's unit; it leads from now on. Returns its revision.

    Raises: Refused `cases.no_offer`, `cases.changed`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_not_changed(found.row.revision, seen)
    return giving.accept(found, command, by, at)


def extend(*, case_id: str, clock: str, by: Actor, at: datetime, reason: str, seen: int = 0, command: str = "") -> int:
    """Give a clock the time more that its type allows, for a reason; return the revision of the case.

    Raises: Refused `cases.no_role`, `cases.no_clock`, `cases.reason`, `cases.clock_not_extended`, `cases.clock_late`.
    """
    return _turn(What.EXTENDED, case_id, clock, reason, by, at, seen, command)


def pause(*, case_id: str, clock: str, by: Actor, at: datetime, reason: str, seen: int = 0, command: str = "") -> int:
    """Let a clock stand still for a reason; return the revision of the case.

    Raises: Refused `cases.no_role`, `cases.no_clock`, `cases.reason`, `cases.clock_paused`, `cases.clock_late`.
    """
    return _turn(What.PAUSED, case_id, clock, reason, by, at, seen, command)


def resume(
    *, case_id: str, clock: str, by: Actor, at: datetime, reason: str = "", seen: int = 0, command: str = ""
) -> int:
    """Let a clock that stands still go on; return the revision of the case.

    Raises: Refused `cases.no_role`, `cases.no_clock`, `cases.clock_runs`.
    """
    return _turn(What.RESUMED, case_id, clock, reason, by, at, seen, command)


def note(
    *, case_id: str, text: str, by: Actor, at: datetime, command: str = "",
    about: Sequence[tuple[str, str, str]] = (), for_reporter: bool = False,
) -> int:  # fmt: skip
    """Write something down in a case, sealed for it; return its revision. `for_reporter`: who reported it reads it.

    Raises: Refused `cases.no_role`, `cases.reason`, `cases.text_long`, and `gate.keeper_down`: then nothing was kept.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_can_work(found.roles, by)
    deed = Deed("noted", by, at, command, found.role(), text=policies.needed_reason(text), about=about,
                data=FOR_REPORTER if for_reporter else {})  # fmt: skip
    recording.change(found.row, deed, {}, [events.CaseNoted(found.row.id, found.row.casetype, "note", at)])
    return found.row.revision


def link(
    *, case_id: str, kind: str, other: str, by: Actor, at: datetime, command: str = "",
) -> int:  # fmt: skip
    """Say what else a case belongs to; return its revision. The same link again changes nothing."""
    found = finding.found(case_id, by)
    command = command or ids.named_id("link", kind, other)
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_can_work(found.roles, by)
    deed = Deed("linked", by, at, command, found.role(), data={"kind": kind}, about=[(kind, other, "link")])
    with transaction.atomic():
        CaseLink.objects.get_or_create(case=found.row, kind=kind, other=other, defaults={"at": at})
        recording.change(found.row, deed, {}, [events.CaseNoted(found.row.id, found.row.casetype, kind, at)])
    return found.row.revision


def name_member(*, case_id: str, role: str, account: str, by: Actor, at: datetime, command: str = "") -> int:
    """Name an account for a role that the type says is `named`, as a mediator; return the revision.

    In a dispute the supervisor of the unit may, and whoever stands too near to the matter cannot be its mediator.
    Raises: Refused `cases.no_role`, `cases.no_such_role`, `accounts.unknown`, `cases.may_not_name`,
    `cases.named_oneself`, `cases.cannot_mediate`, `cases.too_near`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    if found.casetype.is_mediated:
        return naming.name(found, role, accounts.actor_of(account), command, by, at)
    policies.check_can_work(found.roles, by)
    return giving.name_member(found, role, accounts.actor_of(account), command, by, at)


def follow(*, case_id: str, secret: str, at: datetime) -> None:
    """Let one more person follow a case with a secret of their own: they have the same matter.

    Raises: Refused `cases.unknown`.
    """
    row = finding.row_of(case_id)
    CaseFollower.objects.get_or_create(case=row, digest=finding.digest_of(secret), defaults={"since": at})


def answer_whether_solved(
    *, secret: str, solved: str, at: datetime, satisfaction: int | None = None, reason: str = ""
) -> Follows:
    """Take what whoever holds a secret says of the end of their matter: yes, partly or no; return what follows of it.

    Raises: Refused `cases.no_report`, `cases.not_asked`, `cases.verdict_late`, `cases.verdict_given`, `cases.verdict`,
    `cases.satisfaction`, `cases.reason`.
    """
    return verdicts.give(queries.followed(secret), verdicts.Answer(solved, satisfaction, reason), at)


def report_problem(reported: Reported, *, by: Actor, at: datetime) -> Taken:
    """Take what a resident reports, or a caller tells an official: urgent things for those on duty, others as a case.

    Raises: Refused `signals.too_many`, `signals.too_busy`, `signals.role`, and as `open_case`. What cannot be sealed
    now is not kept, and the report counts all the same.
    """
    return reporting.take(reported, by, at)


def new_code(token: str) -> str:
    """A code with which somebody follows a matter: the same for the same form."""
    return reporting.code_for(token)


def open_contact(*, case_id: str, reason: str, by: Actor, at: datetime, command: str = "") -> str:
    """Open how a reporter may be reached who gave it in confidence, for a reason; never to be stored.

    Raises: Refused `cases.no_role`, `cases.reason`, `cases.no_contact`, `gate.not_allowed`.
    """
    return contacts.opened(case_id, reason, command or ids.new_ulid(), by, at)


def say_me_too(*, case_id: str, secret: str, at: datetime) -> None:
    """Add one more whom an open public matter concerns, with a secret to follow it, at most once for each secret.

    Raises: Refused `cases.unknown`, `cases.matter_settled`, `cases.no_code`.
    """
    sharing.say_me_too(case_id, secret, at)


def join_matters(*, case_id: str, other: str, by: Actor, at: datetime, reason: str = "", command: str = "") -> str:
    """Let the matters of two cases be one; return the id of the case that goes on, the one that came first.

    Raises: Refused `cases.no_role`, `cases.matter_itself`, `cases.matter_types`, `cases.matter_over`,
    `cases.matter_full`, `cases.matter_moved`, `cases.state`.
    """
    found = _to_decide(case_id, by)
    return parting.join(found, other, policies.cleaned(reason), by, at)


def part_from_matter(*, case_id: str, by: Actor, at: datetime, reason: str, command: str = "") -> None:
    """Take a report out of its matter again; it stays out. Where it led, the next one goes on.

    Raises: Refused `cases.no_role`, `cases.matter_alone`, `cases.matter_moved`, `cases.reason`, `cases.state`.
    """
    command = command or ids.new_ulid()
    found = _to_decide(case_id, by)
    if not recording.is_done(found.row, command):
        parting.part(found, reason, command, by, at)


def let_lead(*, case_id: str, by: Actor, at: datetime, reason: str, command: str = "") -> None:
    """Let a joined report go on in place of the one that leads, which joins it.

    Raises: Refused `cases.no_role`, `cases.matter_alone`, `cases.matter_moved`, `cases.reason`, `cases.state`.
    """
    command = command or ids.new_ulid()
    found = _to_decide(case_id, by)
    if not recording.is_done(found.row, command):
        parting.let_lead(found, reason, command, by, at)


def keep_apart(*, case_id: str, other: str, by: Actor, at: datetime, command: str = "") -> None:
    """Note that two reports are not about the same; nothing joins or suggests them again.

    Raises: Refused `cases.no_role`, `cases.unknown`.
    """
    command = command or ids.new_ulid()
    found = _to_decide(case_id, by)
    if not recording.is_done(found.row, command):
        parting.keep_apart(found, other, command, by, at)


def follow_lead(moved: events.CaseMoved, *, event_id: str, at: datetime) -> int:
    """Say in each case that is joined with one that moved what became of it; return how many there are."""
    return settling.follow(moved, event_id, at)


def say_more(
    *, secret: str, text: str, at: datetime, files: Sequence[tuple[str, bytes]] = (), command: str = ""
) -> None:  # fmt: skip
    """Add something to a matter that one follows, or answer what was asked; sealed for the case.

    Raises: Refused `cases.no_report`, `cases.over`, `cases.too_much_said`, `cases.reason`, `cases.text_long`,
    `cases.many_files`, `files.*`.
    """
    saying.say_more(queries.followed(secret), text, files, command or ids.new_ulid(), at)


def withdraw_report(*, secret: str, at: datetime, reason: str = "", command: str = "") -> bool:
    """Withdraw what one reported; False where others follow the matter too, which then goes on without this one.

    Raises: Refused `cases.no_report`, `cases.cannot_withdraw`, `cases.state`.
    """
    return saying.withdraw(queries.followed(secret), reason, command or ids.new_ulid(), at)


def reopen_as_reporter(*, secret: str, reason: str, at: datetime, command: str = "") -> None:
    """Let a matter go on that one has called solved before: once, within the time to answer.

    Raises: Refused `cases.no_report`, `cases.not_asked`, `cases.verdict_late`, `cases.reopened_once`, `cases.reason`.
    """
    saying.reopen(queries.followed(secret), reason, command or ids.new_ulid(), at)


def ask_for_another_look(*, secret: str, reason: str, at: datetime) -> str:
    """Ask that a supervisor looks again at how one's matter ended; return the id of the review, one for each end.

    Raises: Refused `cases.no_report`, `cases.no_review`, `cases.reason`, `cases.text_long`.
    """
    return saying.ask_for_another_look(queries.followed(secret), secret, reason, at)


def release_words(*, case_id: str, words: str, by: Actor, at: datetime, command: str = "") -> int:
    """Show these words of a case to everybody, instead of those before; empty ones take them back.

    Whoever releases has looked through them: they name nobody. Returns the revision of the case.
    Raises: Refused `cases.no_role`, `cases.text_long`.
    """
    return releasing.release(case_id, words, command or ids.new_ulid(), by, at)


def make_key(*, owner: str, by: Actor, at: datetime) -> str:
    """Make a key with which a program files requests through Open311; return it, for the only time.

    Raises: Refused `cases.may_not_make_key`, `cases.key_owner`.
    """
    return keys.make(owner=owner, by=by, at=at)


def end_key(*, key_id: str, by: Actor, at: datetime) -> None:
    """End a key at once. Raises: Refused `cases.may_not_make_key`, `cases.no_key`."""
    keys.end(key_id=key_id, by=by, at=at)


def ring_due(*, at: datetime, exercise_id: str = "") -> int:
    """Ring the clocks whose time has come: remind, escalate, decide by silence; return how many rang.

    Each rings once for each, wherever the process is killed; so do items of agreements whose day comes.
    """
    return ringing.ring_due(at, exercise_id) + agreement.ring(at, exercise_id)


def upload_process(*, data: bytes, by: Actor, at: datetime) -> tuple[str, int]:
    """Keep a BPMN file as the next version of its process; return its name and number. Runs stay on theirs.

    Raises: Refused `cases.may_not_publish`, `cases.xml_*`, `cases.process_*`, `cases.no_process`.
    """
    policies.check_can_publish(by)
    with transaction.atomic():
        row = versions.upload(data, by, at)
    return row.name, row.number


def start_process(
    *, process: str, by: Actor, at: datetime, case_id: str = "", facts: Mapping[str, Any] | None = None, key: str = ""
) -> str:
    """Start `name` or `name@version`, in a case or by itself; return the run's id. The same `key` is the same run.

    Raises: Refused `cases.no_process`, `cases.unknown`, `cases.no_role`, `cases.process_fact`.
    """
    case = finding.found(case_id, by) if case_id else None
    if case is not None and by != SYSTEM:
        policies.check_can_work(case.roles, by)
    row = versions.version_of(process)
    return running.start(row, case.row if case else None, facts or {}, key or ids.new_ulid(), at).id


def finish_task(
    *, task_id: str, by: Actor, at: datetime, facts: Mapping[str, Any] | None = None, outcome: str = "", note: str = ""
) -> None:  # fmt: skip
    """Finish a person's task of a process with one of its outcomes; the note is sealed in the case's history.

    Raises: Refused `cases.no_work`, `cases.not_your_task`, `cases.not_asked`, `cases.task_given`, `cases.task_outcome`,
    `cases.task_note`, `cases.task_field`, `cases.no_unit`, `cases.process_moved_on`, `cases.process_fact`.
    """
    tasks.finish(task_id, outcome, note, facts or {}, by, at)


def give_task(*, task_id: str, account: str, by: Actor, at: datetime, command: str = "") -> None:
    """Give a task to an account that may do it.

    Raises: Refused `cases.not_your_task`, `cases.not_asked`, `cases.process_moved_on`, `accounts.unknown`.
    """
    tasks.give(task_id, accounts.actor_of(account), command or ids.new_ulid(), by, at)


def withdraw_task(*, task_id: str, by: Actor, at: datetime, reason: str = "") -> None:
    """Ask a unit no more.

    Raises: Refused `cases.asks_nobody`, `cases.no_role`, `cases.process_moved_on`.
    """
    tasks.withdraw(task_id, policies.cleaned(reason), by, at)


def ask_also(*, task_id: str, unit: str, by: Actor, at: datetime, command: str = "") -> None:
    """Ask one more unit for what others are being asked by this task.

    Raises: Refused `cases.no_unit`, `cases.asks_nobody`, `cases.no_role`, `cases.process_moved_on`.
    """
    tasks.ask_also(task_id, unit, command or ids.new_ulid(), by, at)


def tell_process(*, run_id: str, message: str, by: Actor, at: datetime) -> int:
    """Let a message come to a run; return how many of its tasks waited for it.

    Raises: Refused `cases.no_run`, `cases.no_role`, `cases.may_not_publish`.
    """
    return tasks.tell_process(run_id, message, by, at)


def try_run_again(*, run_id: str, by: Actor, at: datetime) -> None:
    """Let what a run is stuck at be tried again: its beginning, its services, the step at its end.

    Raises: Refused `cases.may_not_publish`, and what it is stuck at.
    """
    policies.check_can_publish(by)
    states.try_again(run_id, at)
    held = ProcessWork.objects.filter(run_id=run_id, done_at=None).exclude(refusal="")
    for work_id in held.values_list("id", flat=True):
        running.try_again(work_id)
    exercise = ProcessRun.objects.filter(id=run_id).values_list("case__exercise_id", flat=True).first()
    running.work_due(services.SERVICES, at, exercise or "")


def deliver_message(
    *, message: str, runs: Sequence[str], by: Actor, at: datetime, facts: Mapping[str, Any] | None = None
) -> int:
    """Let a message come to the runs that wait for it; return how many did."""
    return running.deliver(list(runs), message, facts or {}, by, at)


def work_processes(*, at: datetime, exercise_id: str = "") -> int:
    """Let timers of processes fire, services work and tasks ring; return how many did. Each once, wherever killed.

    Runs of an exercise go on by its own time alone, as its clocks ring.
    """
    return running.work_due(services.SERVICES, at, exercise_id) + tasks.ring_due(at, exercise_id)


def try_task_again(*, task_id: str, by: Actor, at: datetime) -> None:
    """Let a service task that was refused be tried again.

    Raises: Refused `cases.may_not_publish`.
    """
    policies.check_can_publish(by)
    running.try_again(task_id)


def erase_old(*, by: Actor, at: datetime) -> int:
    """Erase cases that are past the time for which they may be kept, history and all; return how many."""
    old = list(Case.objects.filter(keep_until__lt=at.date()).values_list("number", flat=True)[:_ERASED_AT_ONCE])
    showing.erase_files(old, SYSTEM, at)
    parties.erase(old, at)
    contacts.erase(old, SYSTEM, at)
    with transaction.atomic():
        return Case.objects.filter(number__in=old).delete()[1].get("cases.Case", 0)


def forget(*, exercise_id: str, by: Actor, at: datetime) -> int:
    """Erase the cases of an exercise; return how many there were.

    Raises: Refused `cases.not_an_exercise`.
    """
    if not exercise_id:
        raise Refused("cases.not_an_exercise", "Only the cases of an exercise can be erased; name one.")
    showing.erase_files(showing.numbers_of(exercise_id), SYSTEM, at)
    parties.erase(list(Case.objects.filter(exercise_id=exercise_id).values_list("number", flat=True)), at)
    return Case.objects.filter(exercise_id=exercise_id).delete()[1].get("cases.Case", 0)


def export(
    *, path: Path, by: Actor, at: datetime, since: datetime | None = None, until: datetime | None = None,
    casetype: str = "",
) -> int:  # fmt: skip
    """Write cases that were opened in a span as an event log; return how many. The file's ending says the format.

    `.json` and `.sqlite` are OCEL 2.0, `.xes` is XES. Nobody is in it, nor any secret case.
    Raises: Refused `cases.export_format`, `cases.export_place`.
    """
    form = exporting.FORMATS.get(path.suffix)
    if form is None:
        raise Refused("cases.export_format", "{value} is no ending of an event log; end the file in {limit}.",
                      value=path.suffix[:12] or "–", limit=" or ".join(exporting.FORMATS))  # fmt: skip
    try:
        return exporting.write(path, form, telling.told_between(since, until, casetype))
    except OSError as error:
        if disk.is_full(error):
            raise
        raise Refused("cases.export_place", "The event log cannot be written to {value}; choose another folder.",
                      value=str(path.parent)) from error  # fmt: skip


def check_may_decide(*, case_id: str, by: Actor) -> None:
    """Whoever joins or parts a report has a role in it. Raises: Refused `cases.no_role`, `cases.unknown`."""
    _to_decide(case_id, by)


def _to_decide(case_id: str, by: Actor) -> finding.Found:
    found = finding.found(case_id, by)
    policies.check_can_work(found.roles, by)
    return found


def _turn(what: What, case_id: str, clock: str, reason: str, by: Actor, at: datetime, seen: int, command: str) -> int:
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if recording.is_done(found.row, command):
        return found.row.revision
    policies.check_not_changed(found.row.revision, seen)
    policies.check_can_work(found.roles, by)
    words = policies.cleaned(reason) if what is What.RESUMED else policies.needed_reason(reason)
    return moving.turn(found, what, clock, words, command, by, at)
