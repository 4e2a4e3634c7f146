"""Changes to accounts and units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import transaction

from cityloom.accounts import policies, queries
from cityloom.accounts.domain import sessions
from cityloom.accounts.models import ROLES, Account, ContractorTerm, SignedIn, Suspension, Unit
from cityloom.accounts.queries import DemoAccount, demo_accounts
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

_DEPARTMENTS = {
    "fire": ("Fire and rescue", "消防救援"), "police": ("Police", "公安"), "traffic": ("Traffic", "交通"),
    "water": ("Water", "供水"), "gas": ("Gas", "燃气"), "emergency": ("Emergency management", "应急管理"),
    "social": ("Social affairs", "民政"),
}  # fmt: skip
_DEMO_ROLES = (
    ("duty", "Duty officer", "emergency", ("duty-officer",)),
    ("commander", "Commander", "emergency", ("commander",)),
    ("approver", "Second approver for alerts", "emergency", ("alert-approver",)),
    ("fire", "Fire department desk", "fire", ("department-fire",)),
    ("police", "Police desk", "police", ("department-police",)),
    ("traffic", "Traffic desk", "traffic", ("department-traffic",)),
    ("water", "Water company desk", "water", ("department-water",)),
    ("gas", "Gas company desk", "gas", ("department-gas",)),
    ("clerk", "Case handler", "social", ("case-handler",)),
    ("supervisor", "Supervisor of cases", "social", ("supervisor",)),
    ("supervisor-2", "Second supervisor of cases", "social", ("supervisor",)),
    ("steward", "Data steward", "", ("steward",)),
    ("dpo", "Data protection officer", "", ("data-protection-officer",)),
    ("auditor", "Auditor", "", ("auditor",)),
    ("operator", "Operator", "", ("operator",)),
)


@transaction.atomic
def create_units(*, communities: Sequence[tuple[str, str, str, str]], by: Actor, at: datetime) -> None:
    """Create the city, its departments and the given `(id, name_en, name_zh, kind)`, parents before children."""
    Unit.objects.get_or_create(id="city", defaults={"name_en": "City", "name_zh": "市", "kind": "city"})
    for key, (english, chinese) in _DEPARTMENTS.items():
        _unit(f"city/{key}", english, chinese, "department")
    for unit_id, english, chinese, kind in communities:
        _unit(unit_id, english, chinese, kind)


@transaction.atomic
def create_demo_accounts(*, workers: Sequence[str], by: Actor, at: datetime) -> list[DemoAccount]:
    """Create the sign-ins of a synthetic city, and a social worker for each unit id in `workers`; once only."""
    for name, title, unit, roles in _DEMO_ROLES:
        _account(name, title, f"city/{unit}" if unit else "city", roles)
    existing = set(Account.objects.filter(is_demo=True).values_list("username", flat=True))
    Account.objects.bulk_create(
        _worker(f"worker-{number:04}", number, unit)
        for number, unit in enumerate(workers, 1)
        if f"worker-{number:04}" not in existing
    )
    return demo_accounts()


@transaction.atomic
def add_account(
    *, username: str, name: str, unit: str, roles: Sequence[str], password: str, by: Actor, at: datetime,
    kind: str = "staff",
) -> str:  # fmt: skip
    """Create an account for someone who works here and return its id; nobody can sign up alone.

    Raises: Refused `accounts.name_taken`, `.unknown_unit`, `.unknown_roles` or `.weak_password`.
    """
    if Account.objects.filter(username=username).exists():
        raise Refused("accounts.name_taken", "Another account has that user name; choose a different one.")
    _check_place(unit, roles)
    account = Account(username=username, first_name=name, unit_id=unit, roles=sorted(set(roles)), kind=kind)
    _check_password(password, account)
    account.set_password(password)
    account.save()
    return account.id


@transaction.atomic
def set_roles(*, account: str, roles: Sequence[str], by: Actor, at: datetime, unit: str = "") -> None:
    """Give an account other roles, and another unit if one is named; where they differ, its sessions end.

    Raises: Refused `accounts.unknown`, `.unknown_unit` or `.unknown_roles`.
    """
    row = _staff(account)
    wanted, place = sorted(set(roles)), unit or row.unit_id or ""
    _check_place(place, wanted)
    if (sorted(row.roles), row.unit_id) != (wanted, place):
        Account.objects.filter(id=account).update(roles=wanted, unit_id=place)
        end_sessions(account=account, by=by, at=at)


@transaction.atomic
def disable(*, account: str, by: Actor, at: datetime) -> None:
    """Close an account and end its sessions.

    Raises: Refused `accounts.unknown`.
    """
    _staff(account)
    Account.objects.filter(id=account).update(is_active=False)
    end_sessions(account=account, by=by, at=at)


@transaction.atomic
def enable(*, account: str, by: Actor, at: datetime) -> None:
    """Open a closed account again.

    Raises: Refused `accounts.unknown`.
    """
    _staff(account)
    Account.objects.filter(id=account).update(is_active=True)


@transaction.atomic
def reset_second_factor(*, account: str, by: Actor, at: datetime) -> None:
    """Take away all passkeys, authenticator apps and recovery codes of someone who has lost them.

    Raises: Refused `accounts.unknown`.
    """
    Authenticator.objects.filter(user=_staff(account)).delete()
    end_sessions(account=account, by=by, at=at)


@transaction.atomic
def suspend(*, account: str, reason_code: str, by: Actor, at: datetime) -> None:
    """Keep an account from signing in until another person lifts it; its sessions end. Once is enough.

    Raises: Refused `accounts.unknown`.
    """
    row = Account.objects.select_for_update().filter(id=account).first()
    if row is None:
        raise Refused("accounts.unknown", "There is no account with that id.")
    if not Suspension.objects.filter(account=row, ended_at=None).exists():
        Suspension.objects.create(account=row, reason_code=reason_code, by=by.account, at=at)
    end_sessions(account=account, by=by, at=at)


@transaction.atomic
def reinstate(*, account: str, by: Actor, at: datetime) -> None:
    """Lift a suspension; neither the account itself nor whoever suspended it can.

    Raises: Refused `accounts.not_suspended`, `.role` or `.same_person`.
    """
    open_one = Suspension.objects.select_for_update().filter(account_id=account, ended_at=None).first()
    if open_one is None:
        raise Refused("accounts.not_suspended", "This account is not suspended.")
    policies.check_can_reinstate(by, suspended_by=open_one.by, account=account)
    open_one.ended_by, open_one.ended_at = by.account, at
    open_one.save(update_fields=["ended_by", "ended_at"])


# --- contractors


@transaction.atomic
def make_contractor(
    *, username: str, name: str, company: str, unit: str, roles: Sequence[str], password: str, sponsor: str,
    ends_at: datetime, by: Actor, at: datetime,
) -> str:  # fmt: skip
    """Create an account for someone of a service provider; it works once a second person has approved it.

    Raises: Refused `accounts.role`, `.term_length`, `.sponsor`, and those of `add_account`.
    """
    policies.check_can_make_term(by, at=at, ends_at=ends_at)
    vouching = Account.objects.filter(id=sponsor, is_active=True).first()
    policies.check_can_sponsor(
        queries.as_actor(vouching) if vouching else Actor(""), kind=vouching.kind if vouching else ""
    )
    account = add_account(
        username=username, name=name, unit=unit, roles=roles, password=password, kind="contractor", by=by, at=at
    )
    ContractorTerm.objects.create(
        account_id=account, company=company, sponsor_id=sponsor, made_by=by.account, made_at=at, ends_at=ends_at
    )
    return account


@transaction.atomic
def approve_contractor(*, account: str, by: Actor, at: datetime) -> None:
    """Agree, as the second person, that a contractor may sign in.

    Raises: Refused `accounts.unknown`, `.role`, `.same_person` or `.term_over`.
    """
    term = _term(account)
    policies.check_can_approve_term(by, made_by=term.made_by, account=account)
    if term.ended_at is not None or at >= term.ends_at:
        raise Refused("accounts.term_over", "The time of this account is over; make a new one.")
    if term.approved_at is None:
        term.approved_by, term.approved_at = by.account, at
        term.save(update_fields=["approved_by", "approved_at"])


@transaction.atomic
def end_contractor(*, account: str, by: Actor, at: datetime) -> None:
    """End a contractor's time before its end.

    Raises: Refused `accounts.unknown`.
    """
    term = _term(account)
    term.ended_at = term.ended_at or at
    term.save(update_fields=["ended_at"])
    end_sessions(account=account, by=by, at=at)


# --- sessions


@transaction.atomic
def begin_session(*, account: Account, device: str, agent: str, at: datetime) -> str:
    """Bind a new session to the device where it begins, and return its id.

    Raises: Refused, as `policies.check_may_sign_in` does.
    """
    standing = queries.standing_of(account)
    policies.check_may_sign_in(standing, at)
    bounds = queries.session_bounds()
    ends_at = at + timedelta(seconds=bounds.longest_s)
    row = SignedIn.objects.create(
        account=account, device_digest=sessions.device_digest(device, agent), agent=sessions.agent_label(agent),
        began_at=at, seen_at=at, ends_at=min(ends_at, standing.term_ends_at or ends_at),
        idle_s=bounds.idle_for(account.kind, account.roles),
    )  # fmt: skip
    return row.id


def touch_session(*, session: str, at: datetime) -> None:
    """Note that a session is in use; at most once a minute, so that a request writes nothing as a rule."""
    since = at - timedelta(seconds=queries.session_bounds().touch_s)
    if SignedIn.objects.filter(id=session, idle_s__isnull=False, seen_at__lte=since).exists():
        SignedIn.objects.filter(id=session, seen_at__lte=since).update(seen_at=at)


def end_session(*, session: str, by: Actor, at: datetime) -> None:
    """End one of someone's own sessions."""
    SignedIn.objects.filter(id=session, account_id=by.account).delete()


def end_sessions(*, account: str, by: Actor, at: datetime) -> None:
    """End all sessions of an account, at once."""
    SignedIn.objects.filter(account_id=account).delete()


def end_what_is_over(*, at: datetime) -> None:
    """Forget sessions that have ended by themselves; the worker asks twice a second, so look before writing."""
    for rows in (SignedIn.objects.filter(ends_at__lte=at), Session.objects.filter(expire_date__lte=at)):
        if rows.exists():
            rows.delete()


# --- whom an outside provider vouches for


@transaction.atomic
def account_from_outside(
    *, provider: str, subject: str, name: str, unit: str, roles: Sequence[str], at: datetime
) -> str:  # fmt: skip
    """The account of someone who works here, made at the first sign-in; roles and unit follow the provider."""
    outside = queries.outside_name(provider, subject)
    known = SocialAccount.objects.filter(provider=provider, uid=outside).first()
    if known is not None:
        set_roles(account=known.user_id, roles=roles, unit=unit, by=SYSTEM, at=at)
        return str(known.user_id)
    _check_place(unit, roles)
    return _from_outside(provider, outside, first_name=name[:150], unit_id=unit, roles=sorted(set(roles)))


def displace_from_outside(*, provider: str, subject: str, at: datetime) -> None:
    """Take the roles from an account whose provider no longer vouches for any; its sessions end."""
    outside = queries.outside_name(provider, subject)
    known = SocialAccount.objects.filter(provider=provider, uid=outside, user__kind="staff").first()
    if known is not None:
        set_roles(account=known.user_id, roles=[], by=SYSTEM, at=at)


@transaction.atomic
def resident_from_outside(
    *, provider: str, subject: str, claim: str, link: Callable[..., None], at: datetime
) -> str:  # fmt: skip
    """The account of a resident, linked to a subject by the claim, which is handed on and kept nowhere here.

    Raises: Refused, as `link` does; then no account has been made. Refused `accounts.erased`.
    """
    outside = queries.outside_name(provider, subject)
    known = SocialAccount.objects.filter(provider=provider, uid=outside, user__kind="resident").first()
    account = str(known.user_id) if known else _from_outside(provider, outside, kind="resident")
    is_closed = known is not None and not known.user.is_active
    try:
        link(account, claim, provider, at)
    except Refused as refusal:
        if is_closed and refusal.code == "gate.no_resident":
            raise _erased() from refusal
        raise
    if is_closed:
        Account.objects.filter(id=account).update(is_active=True)
    return account


@transaction.atomic
def close_resident(*, account: str, by: Actor, at: datetime) -> None:
    """Close the account of a resident who was erased; its sessions end, and signing in again is told why."""
    Account.objects.filter(id=account, kind="resident").update(is_active=False, last_login=None)
    end_sessions(account=account, by=by, at=at)


def _erased() -> Refused:
    return Refused(
        "accounts.erased", "You were erased from the city's register, so your account here is closed and what it showed"
        " can no longer be read. If that was a mistake, ask the register's office.",
    )  # fmt: skip


def _from_outside(provider: str, outside: str, **fields: object) -> str:
    account = Account(username=f"{provider}.{outside[:20]}", **fields)
    account.set_unusable_password()
    account.save()
    SocialAccount.objects.create(user=account, provider=provider, uid=outside)
    return account.id


def _staff(account: str) -> Account:
    row = Account.objects.select_for_update().filter(id=account).exclude(kind="resident").first()
    if row is None:
        raise Refused("accounts.unknown", "There is no account with that id.")
    return row


def _term(account: str) -> ContractorTerm:
    term = ContractorTerm.objects.select_for_update().filter(account_id=account).first()
    if term is None:
        raise Refused("accounts.unknown", "There is no contractor's account with that id.")
    return term


def _check_place(unit: str, roles: Sequence[str]) -> None:
    if not Unit.objects.filter(id=unit).exists():
        raise Refused("accounts.unknown_unit", "There is no unit {value}; `cityloom city show` names them.", value=unit)
    strange = sorted(set(roles) - set(ROLES))
    if strange:
        raise Refused(
            "accounts.unknown_roles", "There is no role {value}; the roles are {limit}.", value=", ".join(strange),
            limit=", ".join(ROLES),
        )  # fmt: skip


def _check_password(password: str, account: Account) -> None:
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise Refused(
            "accounts.weak_password", "That password is too easy to guess; take at least 12 characters, not only "
            "digits, and nothing common.",
        ) from error  # fmt: skip


def _worker(username: str, number: int, unit: str) -> Account:
    return Account(
        id=ids.named_id("demo-account", username), username=username, first_name=f"Social worker {number}",
        unit_id=unit, roles=["social-worker"], is_demo=True, password="!",  # noqa: S106 - "!" marks no password
    )  # fmt: skip


def _unit(unit_id: str, english: str, chinese: str, kind: str) -> None:
    parent = unit_id.rpartition("/")[0] or None
    Unit.objects.get_or_create(
        id=unit_id, defaults={"name_en": english, "name_zh": chinese, "kind": kind, "parent_id": parent}
    )


def _account(name: str, title: str, unit: str, roles: Sequence[str]) -> None:
    Account.objects.get_or_create(
        id=ids.named_id("demo-account", name),
        defaults={
            "username": name, "first_name": title, "unit_id": unit, "roles": list(roles), "is_demo": True,
            "password": "!",
        },
    )  # fmt: skip
