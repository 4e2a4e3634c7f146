"""Questions about accounts and units, and about who is behind a request."""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import os
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as ACCOUNT_KEY
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from cityloom.accounts.domain import identity, sessions
from cityloom.accounts.domain.identity import Provider
from cityloom.accounts.models import RESIDENT, ROLES, Account, ContractorTerm, SignedIn, Suspension, Unit
from cityloom.accounts.policies import Standing, StepUp, StepUpNeeded, check_stepped_up
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

__all__ = ["Provider", "StepUp", "StepUpNeeded"]  # for others, who see only this door
SESSION_KEY, STEP_UP_KEY = "cityloom_signed_in", "cityloom_step_up"
DEVICE_COOKIE = "cityloom_device"
_SCHEMA = Path(__file__).with_name("identity.schema.json")

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class DemoAccount:
    """A sign-in of a synthetic city."""

    account: str
    username: str
    title: str
    unit: str
    roles: tuple[str, ...]

    @property
    def actor(self) -> Actor:
        return Actor(account=self.account, unit=self.unit, roles=frozenset(self.roles))


@dataclass(frozen=True)
class SessionFacts:
    """One of someone's own sessions."""

    id: str
    agent: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class AccountFacts:
    """An account as an operator sees it."""

    id: str
    username: str
    kind: str
    unit: str
    roles: tuple[str, ...]
    is_active: bool
    suspended_for: str
    has_second_factor: bool
    is_demo: bool


@dataclass(frozen=True)
class TermFacts:
    """A contractor's account: for whom, vouched for by whom, agreed by which two, until when."""

    account: str
    username: str
    company: str
    unit: str
    roles: tuple[str, ...]
    sponsor: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    approved_by: str
    approved_at: datetime | None
    ended_at: datetime | None

    def state_at(self, at: datetime) -> str:
        """unapproved, active or over."""
        if self.ended_at is not None or at >= self.ends_at:
            return "over"
        return "active" if self.approved_at else "unapproved"


def actor_of(account_id: str) -> Actor:
    """The actor behind an account.

    Raises: Refused `accounts.unknown`.
    """
    account = _working().filter(id=account_id).first()
    if account is None:
        raise Refused("accounts.unknown", "There is no active account with that id; sign in again.")
    return as_actor(account)


def as_actor(account: Account) -> Actor:
    """The actor that an account is."""
    roles = frozenset([RESIDENT]) if account.kind == RESIDENT else frozenset(account.roles)
    return Actor(account=account.id, unit=account.unit_id or "", roles=roles)


def demo_accounts() -> list[DemoAccount]:
    """The sign-ins of a synthetic city, in the order of their making."""
    rows = Account.objects.filter(is_demo=True, is_active=True, kind="staff").order_by("username")
    return [
        DemoAccount(row.id, row.username, row.first_name, row.unit_id or "", tuple(row.roles)) for row in rows
    ]


def accounts_with(role: str) -> list[Actor]:
    """Everyone who holds a role and may use it."""
    as_text = _working().annotate(listed=Cast("roles", TextField()))  # no database-specific look into the JSON
    rows = as_text.filter(listed__contains=f'"{role}"').order_by("username")
    return [as_actor(row) for row in rows]


def unit_names(unit_id: str) -> dict[str, str]:
    """A unit's name in both languages; its id where it has none."""
    unit = Unit.objects.filter(id=unit_id).first()
    return {"en": unit.name_en, "zh-Hans": unit.name_zh} if unit else {"en": unit_id, "zh-Hans": unit_id}


def unit_names_of(unit_ids: Set[str]) -> dict[str, str]:
    """What units are called in the reader's language, by id."""
    column = "name_zh" if get_language() == "zh-hans" else "name_en"
    return dict(Unit.objects.filter(id__in=unit_ids).values_list("id", column))


def districts() -> list[tuple[str, str, str, str]]:
    """Districts, subdistricts and communities in the order of the tree: id, kind, name in English and in Chinese."""
    rows = Unit.objects.filter(kind__in=("district", "subdistrict", "community")).order_by("id")
    return list(rows.values_list("id", "kind", "name_en", "name_zh"))


def units() -> list[tuple[str, str]]:
    """All units with what they are called in the reader's language, in the order of the tree."""
    column = "name_zh" if get_language() == "zh-hans" else "name_en"
    return list(Unit.objects.order_by("id").values_list("id", column))


def accounts(*, demo: bool = False) -> list[AccountFacts]:
    """Everyone who works here, by user name; `demo` adds those of a synthetic city."""
    rows = Account.objects.exclude(kind="resident").order_by("username")
    suspended = dict(Suspension.objects.filter(ended_at=None).values_list("account_id", "reason_code"))
    secured = set(Authenticator.objects.values_list("user_id", flat=True))
    return [
        AccountFacts(
            row.id, row.username, row.kind, row.unit_id or "", tuple(row.roles), row.is_active,
            suspended.get(row.id, ""), row.id in secured, row.is_demo,
        )
        for row in rows if demo or not row.is_demo
    ]  # fmt: skip


def account_named(username: str) -> str:
    """The id of the account with a user name.

    Raises: Refused `accounts.unknown_name`.
    """
    found = Account.objects.filter(username=username).exclude(kind="resident").values_list("id", flat=True).first()
    if found is None:
        raise Refused("accounts.unknown_name", "No account has that user name; `cityloom account list` shows them all.")
    return str(found)


def contractor_terms() -> list[TermFacts]:
    """All accounts of contractors, the latest first."""
    rows = ContractorTerm.objects.select_related("account").order_by("-made_at")
    return [
        TermFacts(
            row.account_id, row.account.username, row.company, row.account.unit_id or "", tuple(row.account.roles),
            row.sponsor_id, row.made_by, row.made_at, row.ends_at, row.approved_by, row.approved_at, row.ended_at,
        )
        for row in rows
    ]  # fmt: skip


def standing_of(account: Account) -> Standing:
    """What decides whether an account may sign in."""
    suspension = Suspension.objects.filter(account=account, ended_at=None).first()
    term = ContractorTerm.objects.filter(account=account).first()
    return Standing(
        is_active=account.is_active, suspended_for=suspension.reason_code if suspension else "",
        term_ends_at=(term.ended_at or term.ends_at) if term else None,
        term_is_approved=account.kind != "contractor" or bool(term and term.approved_at),
    )  # fmt: skip


def has_second_factor(account: Account) -> bool:
    """Whether an account has a passkey or an authenticator app."""
    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    return Authenticator.objects.filter(user=account, type__in=kinds).exists()


# --- who is behind a request


def last_step_up(request: HttpRequest) -> StepUp | None:
    """When and how the person behind a request last proved anew who they are; None if not in this session.

    This is the plain value that the gate puts into what it tells the keeper.
    """
    kept = request.session.get(STEP_UP_KEY)
    return StepUp(clock.from_text(kept["at"]), kept["method"]) if kept else None


def require_step_up(request: HttpRequest) -> StepUp:
    """The step-up behind a request: at most five minutes old, with a second factor where the account has one.

    Raises: StepUpNeeded `accounts.step_up`; a page answers it by asking, and comes back.
    """
    secured = has_second_factor(request.user)  # type: ignore[arg-type]
    return check_stepped_up(last_step_up(request), has_second_factor=secured, at=clock.now())


def stepped_up(view: View) -> View:
    """Let a view be reached by POST with a fresh step-up only."""

    @functools.wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            require_step_up(request)
        return view(request, *args, **kwargs)

    return checked


def for_residents(view: View) -> View:
    """Let residents reach a view, and nobody else."""
    return _marked(view, "for_residents")


def for_everyone(view: View) -> View:
    """Let residents reach a view that is also for people who work here."""
    return _marked(view, "for_everyone")


def session_fault(session: Mapping[str, Any], *, account: str, device: str, agent: str, at: datetime) -> str:
    """Why a session does not count: `ended`, `elsewhere`, `over` or `idle`; "" if it counts."""
    row = SignedIn.objects.filter(id=session.get(SESSION_KEY, ""), account_id=account).first()
    return "ended" if row is None else _fault_of(row, device, agent, at)


@dataclass(frozen=True)
class Visitor:
    """What a request shows of who sent it: the session's key, the device's cookie and the browser's name."""

    session: str
    device: str
    agent: str


def workers_behind(visitors: Sequence[Visitor], at: datetime) -> list[Actor | None]:
    """Who works here behind each of these, None for nobody; the rules of a request, with few questions for many."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    keys = {visitor.session for visitor in visitors} - {""}
    kept = store.get_model_class().objects.filter(pk__in=keys, expire_date__gt=at)
    sessions_by_key = {key: store().decode(data) for key, data in kept.values_list("pk", "session_data")}
    accounts_by_id = _working().in_bulk({known.get(ACCOUNT_KEY, "") for known in sessions_by_key.values()})
    rows = SignedIn.objects.in_bulk({known.get(SESSION_KEY, "") for known in sessions_by_key.values()})
    return [_worker_behind(one, sessions_by_key.get(one.session, {}), accounts_by_id, rows, at) for one in visitors]


def sessions_of(account_id: str) -> list[SessionFacts]:
    """Where an account is signed in, the latest first."""
    rows = SignedIn.objects.filter(account_id=account_id).order_by("-began_at")
    return [SessionFacts(row.id, row.agent, row.began_at, row.seen_at, row.ends_at) for row in rows]


def session_bounds() -> sessions.Bounds:
    """How long sessions last, by the settings."""
    given = settings.CITYLOOM_SESSIONS
    return sessions.Bounds(given["LONGEST_S"], given["IDLE_S"], frozenset(given["IDLE_ROLES"]), given["TOUCH_S"])


# --- outside identity providers


def identity_providers(request: HttpRequest | None = None) -> list[Provider]:
    """The providers of identity.yaml, and the demo provider where a request may use it.

    Raises: Refused `accounts.identity_file`.
    """
    path = Path(settings.CITYLOOM["HOME"]) / "identity.yaml"
    found = identity.providers_from(_read(path), json.loads(_SCHEMA.read_text()), ROLES) if path.exists() else []
    offered = settings.CITYLOOM_DEMO_PROVIDER and request and import_string(settings.CITYLOOM_DEMO_PROVIDER)(request)
    return [*found, identity.read_provider(offered)] if offered else found


def client_secret(provider: Provider) -> str:
    """The secret that a provider knows this city by; never kept in the database.

    Raises: Refused `accounts.identity_secret`.
    """
    given = provider.secret_from
    try:
        if "client_secret_file" in given:
            folder = Path(settings.CITYLOOM["HOME"])
            return (folder / given["client_secret_file"]).read_text().strip()
        return given["client_secret"] if "client_secret" in given else os.environ[given["client_secret_env"]]
    except (OSError, KeyError) as error:
        sentence = "The client secret of {value} cannot be read; an operator has to put it where identity.yaml says."
        raise Refused("accounts.identity_secret", sentence, value=provider.id) from error


def providers_behind(account_id: str) -> set[str]:
    """The ids of the providers that vouch for an account."""
    return set(SocialAccount.objects.filter(user_id=account_id).values_list("provider", flat=True))


def outside_name(provider_id: str, subject: str) -> str:
    """Under which name an outside identity is kept here: a keyed digest, since the subject may name a person."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"outside identity\n{provider_id}\n{subject}".encode(), hashlib.sha256).hexdigest()


def _working() -> QuerySet[Account]:
    """Accounts that are neither closed nor suspended."""
    suspended = Suspension.objects.filter(ended_at=None).values("account_id")
    return Account.objects.filter(is_active=True).exclude(id__in=suspended)


def _worker_behind(
    visitor: Visitor, session: Mapping[str, Any], known: Mapping[str, Account], rows: Mapping[str, SignedIn],
    at: datetime,
) -> Actor | None:  # fmt: skip
    account, row = known.get(session.get(ACCOUNT_KEY, "")), rows.get(session.get(SESSION_KEY, ""))
    if account is None or account.kind == RESIDENT or row is None or row.account_id != account.pk:
        return None
    if not constant_time_compare(session.get(HASH_SESSION_KEY, ""), account.get_session_auth_hash()):
        return None
    return None if _fault_of(row, visitor.device, visitor.agent, at) else as_actor(account)


def _fault_of(row: SignedIn, device: str, agent: str, at: datetime) -> str:
    known = sessions.Session(row.device_digest, row.began_at, row.seen_at, row.ends_at, row.idle_s)
    return sessions.fault(known, sessions.device_digest(device, agent), at)


def _marked(view: View, mark: str) -> View:
    @functools.wraps(view)
    def marked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs)

    setattr(marked, mark, True)
    return marked


def _read(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        sentence = "The file identity.yaml cannot be used ({value}); correct it by docs/reference/sign-in.md."
        raise Refused("accounts.identity_file", sentence, value="it is no YAML") from error
