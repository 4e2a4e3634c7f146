"""A case as those who change it need it: its row, its type, and who is who in it."""

from __future__ import annotations

from dataclasses import dataclass

from cityloom.cases import catalogue
from cityloom.cases.domain.casetypes import table
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.casetypes.table import Standing
from cityloom.cases.listing.followed import FOLLOWER, digest_of
from cityloom.cases.models import AgreementItem, Case, CaseEvent, CaseFollower, CaseMember, ProcessWork
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

__all__ = ["FOLLOWER", "digest_of"]


@dataclass(frozen=True)
class Found:
    """A case, the version of the type that it is on, and how it stands for whoever looks at it."""

    row: Case
    casetype: CaseType
    standing: Standing
    roles: frozenset[str]

    def role(self, wanted: frozenset[str] = frozenset()) -> str:
        """The role that a deed is done in: one of those wanted, where the actor has one."""
        return next(iter(sorted(self.roles & wanted) or sorted(self.roles)), "")


def found(case_id: str, by: Actor) -> Found:
    """A case for somebody.

    Raises: Refused `cases.unknown`.
    """
    return of_row(row_of(case_id), by)


def of_row(row: Case, by: Actor) -> Found:
    """A case whose row has been read, for somebody."""
    casetype = catalogue.casetype_of(row.casetype, row.version)
    standing = _standing(row, casetype, by)
    return Found(row, casetype, standing, table.roles_of(casetype, standing, by))


def row_of(case_id: str) -> Case:
    """The row of a case. Raises: Refused `cases.unknown`."""
    row = Case.objects.filter(id=case_id).first()
    if row is None:
        raise unknown()
    return row


def unknown() -> Refused:
    """What is said where there is no such case."""
    return Refused("cases.unknown", "There is no such case; it may have been erased, or belonged to a drill.")


def follower_of(case_id: str, secret: str) -> Actor:
    """Whoever reported a matter, known by the secret alone; nobody learns whether the case or the secret is wrong.

    Raises: Refused `cases.no_follower`.
    """
    row = CaseFollower.objects.filter(case__id=case_id, digest=digest_of(secret)).first()
    if row is None:
        raise Refused("cases.no_follower", "No case is known by this number and code; look at both again.")
    return Actor(f"{FOLLOWER}{row.pk}", "", frozenset({"reporter"}))


def _standing(row: Case, casetype: CaseType, by: Actor) -> Standing:
    named: dict[str, frozenset[str]] = {}
    if any("named" in role.held_by for role in casetype.roles.values()):
        for role, account in CaseMember.objects.filter(case=row, until=None).values_list("role", "account"):
            named[role] = named.get(role, frozenset()) | {account}
    taken: dict[str, str] = {}
    if any(step.other_than for step in casetype.steps):
        taken = dict(CaseEvent.objects.filter(case=row).exclude(step="").order_by("revision")
                     .values_list("step", "account"))  # fmt: skip
    reporter = by.account if by.account.startswith(FOLLOWER) else ""
    facts = _facts(row) if any(step.needs for step in casetype.steps) else frozenset[str]()
    held = _held(row, casetype)
    return Standing(row.state, row.unit, row.handler, named, taken, reporter, row.offered_unit, facts, held)


def _facts(row: Case) -> frozenset[str]:
    """What a step may need: an agreement that is written down, and its fulfilment."""
    items = AgreementItem.objects.filter(case=row).exclude(state="dropped")
    states = set(items.values_list("state", flat=True))
    return frozenset({"agreement"} if states else ()) | ({"fulfilment"} if states == {"fulfilled"} else frozenset())


def _held(row: Case, casetype: CaseType) -> frozenset[str]:
    """Steps that wait for the process of the state, as long as it runs and has not offered them."""
    waiting = casetype.states[row.state].process_before
    if not waiting or not row.runs.filter(in_state=row.state, ended_at=None).exists():
        return frozenset()
    offered = ProcessWork.objects.filter(run__case=row, run__ended_at=None, what__startswith="offer:", outcome="done")
    return waiting - {what.partition(":")[2] for what in offered.values_list("what", flat=True)}
