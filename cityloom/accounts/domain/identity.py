"""Outside identity providers: what identity.yaml says of them, and what their claims mean here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class Provider:
    """An OpenID provider; `audience` is `staff` or `residents`."""

    id: str
    name: str
    audience: str
    issuer: str
    client_id: str
    secret_from: Mapping[str, str]
    scopes: tuple[str, ...]
    claims: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where the claims put someone: a unit, roles, and the names of claims that held something unknown."""

    unit: str
    roles: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def is_matched(self) -> bool:
        """Whether an account may come of it."""
        return bool(self.unit and self.roles)


def providers_from(document: Any, schema: Mapping[str, Any], roles: Iterable[str]) -> list[Provider]:
    """Read what identity.yaml holds.

    Raises: Refused `accounts.identity_file`.
    """
    from jsonschema import Draft202012Validator  # every process starts faster without it

    fault = next(iter(sorted(Draft202012Validator(schema).iter_errors(document), key=str)), None)
    if fault is not None:
        where = "/".join(str(part) for part in fault.absolute_path) or "the file"
        raise _unusable(f"{where}: {fault.validator}")  # never the message: it quotes the value, which may be a secret
    found = [read_provider(entry) for entry in document["providers"]]
    names = [one.id for one in found]
    if len(names) != len(set(names)):
        raise _unusable("providers: two have the same id")
    unknown = {role for one in found for some in one.roles.values() for role in some} - set(roles)
    if unknown:
        raise _unusable(f"roles: {', '.join(sorted(unknown))}")
    return found


def place_of(provider: Provider, claims: Mapping[str, Any]) -> Place:
    """The unit and roles that a provider's claims stand for; what is not in its tables gives nothing."""
    units = _values(claims.get(provider.claims.get("unit", "")))
    roles = _values(claims.get(provider.claims.get("roles", "")))
    unit = next((provider.units[value] for value in units if value in provider.units), "")
    granted = {role for value in roles for role in provider.roles.get(value, ())}
    unknown = [name for name, values, table in (("unit", units, provider.units), ("roles", roles, provider.roles))
               if not values or any(value not in table for value in values)]  # fmt: skip
    return Place(unit, tuple(sorted(granted)), tuple(unknown))


def identity_claim(provider: Provider, claims: Mapping[str, Any]) -> str:
    """The claim by which the keeper knows a resident; "" where the provider sent none."""
    value = claims.get(provider.claims.get("identity", ""))
    return value.strip() if isinstance(value, str) else ""


def read_provider(entry: Mapping[str, Any]) -> Provider:
    """Read one provider, in the form of identity.yaml."""
    secret = {name: entry[name] for name in ("client_secret_file", "client_secret_env", "client_secret")
              if name in entry}  # fmt: skip
    return Provider(
        id=entry["id"], name=entry["name"], audience=entry["for"], issuer=entry["issuer"],
        client_id=entry["client_id"], secret_from=secret, scopes=tuple(entry.get("scopes", ("openid",))),
        claims=entry["claims"], units=entry.get("units", {}),
        roles={name: tuple(roles) for name, roles in entry.get("roles", {}).items()},
    )  # fmt: skip


def _values(claim: Any) -> list[str]:
    found = claim if isinstance(claim, list) else [claim]
    return [value for value in found if isinstance(value, str)]


def _unusable(what: str) -> Refused:
    sentence = "The file identity.yaml cannot be used ({value}); correct it by docs/reference/sign-in.md."
    return Refused("accounts.identity_file", sentence, value=what)
