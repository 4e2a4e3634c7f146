"""What an Open311 client asks for: parameters read once, everything that is wrong told together."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cityloom.cases.domain.casetypes.casetype import CaseType, Field
from cityloom.cases.domain.georeport import services
from cityloom.cases.domain.georeport.faults import Faults
from cityloom.kernel.refused import Refused

MOST_DAYS = 90
MOST_FOUND = 1_000
MOST_ASKED = 200
MOST_PAGES = 1_000
LONGEST_WORDS = 4_000
_LONGEST = {"first_name": 100, "last_name": 100, "email": 200, "phone": 50, "device_id": 200, "account_id": 100,
            "address_string": 200, "address_id": 40}  # fmt: skip
_LONGEST_URL = 500
_STATUSES = frozenset({"open", "closed"})
_WEB = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?")
_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,60})\](\[\])?")
Parameters = Mapping[str, Sequence[str]]
_T = TypeVar("_T")


@dataclass(frozen=True)
class Search:
    """Which requests somebody wants to see; with `numbers` nothing else counts."""

    since: datetime
    until: datetime
    numbers: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    statuses: frozenset[str] = _STATUSES
    updated_since: datetime | None = None
    page: int = 1
    page_size: int = MOST_FOUND


@dataclass(frozen=True)
class Filing:
    """A request that somebody files: a place as degrees, an address, or an address's number; and the answers."""

    service: str
    lon: float | None = None
    lat: float | None = None
    address: str = ""
    address_id: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Update:
    """What an app says about a request that it filed; `status` in capitals, "" for none."""

    number: str
    update_id: str
    words: str
    status: str


def first(given: Parameters, name: str) -> str:
    """A parameter without blanks around it; one without a value is as one that is not there."""
    values = given.get(name) or [""]
    return values[0].strip()


def several(given: Parameters, name: str) -> tuple[str, ...]:
    """A list with commas.

    Raises: Refused `cases.too_many_asked`.
    """
    found = tuple(dict.fromkeys(part.strip() for part in first(given, name).split(",") if part.strip()))
    if len(found) > MOST_ASKED:
        raise Refused("cases.too_many_asked", "{value} were asked for at once, and at most {limit} can be; ask in"
                      " parts.", value=len(found), limit=MOST_ASKED)  # fmt: skip
    return found


def search_of(given: Parameters, now: datetime, read: Callable[[str], datetime]) -> Search:
    """What to list; without dates the last 90 days. `read` is how the city reads an instant.

    Raises: Faults. Source: GeoReport v2, "GET Service Requests".
    """
    wrong: list[Refused] = []
    numbers = _tried(wrong, lambda: several(given, "service_request_id"), ())
    if numbers:
        return Search(now, now, numbers)
    since = _tried(wrong, lambda: _instant(given, "start_date", read), None)
    until = _tried(wrong, lambda: _instant(given, "end_date", read), None)
    span = _tried(wrong, lambda: _span(since, until, now), (now, now))
    found = Search(
        *span, services=_tried(wrong, lambda: several(given, "service_code"), ()),
        statuses=_tried(wrong, lambda: _statuses(given), _STATUSES),
        updated_since=_tried(wrong, lambda: _instant(given, "updated_after", read), None),
        page=_tried(wrong, lambda: _counted(given, "page", 1, MOST_PAGES), 1),
        page_size=_tried(wrong, lambda: _counted(given, "page_size", MOST_FOUND, MOST_FOUND), 1),
    )  # fmt: skip
    if wrong:
        raise Faults(wrong)
    return found


def filing_of(given: Parameters, casetype: CaseType, read: Callable[[str], datetime]) -> Filing:
    """A request as it was filed.

    Raises: Faults. Source: GeoReport v2, "POST Service Request".
    """
    wrong: list[Refused] = []
    code = first(given, "service_code")
    if not code:
        wrong.append(Refused("cases.no_code", "Say which service it is, with `service_code`."))
    else:
        _tried(wrong, lambda: services.category_of(casetype, code), None)
    lon_lat = _tried(wrong, lambda: _place(given), None)
    answers = _tried(wrong, lambda: _own(given), {})
    if not wrong:
        answers |= _attributes(given, services.attributes_of(casetype, code), wrong, read)
    if wrong:
        raise Faults(wrong)
    lon, lat = lon_lat or (None, None)
    return Filing(code, lon, lat, first(given, "address_string"), first(given, "address_id"), answers)


def update_of(given: Parameters) -> Update:
    """What is said about a request that was filed.

    Raises: Faults. Source: mySociety's extension of Open311, "POST service request update".
    """
    wrong = [
        Refused("cases.missing", "The parameter {value} is missing.", value=name)
        for name in ("service_request_id", "update_id", "description") if not first(given, name)
    ]  # fmt: skip
    words = _tried(wrong, lambda: _limited(given, "description", LONGEST_WORDS), "")
    key = _tried(wrong, lambda: _limited(given, "update_id", 100), "")
    if wrong:
        raise Faults(wrong)
    return Update(first(given, "service_request_id"), key, words, first(given, "status").upper().replace(" ", "_"))


def _tried(wrong: list[Refused], what: Callable[[], _T], otherwise: _T) -> _T:
    try:
        return what()
    except Refused as refusal:
        wrong.append(refusal)
        return otherwise


def _instant(given: Parameters, name: str, read: Callable[[str], datetime]) -> datetime | None:
    text = first(given, name)
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise Refused("cases.no_instant", "{value} is no instant; write it as {limit}.", value=name,
                      limit="2026-11-02T08:30:00Z") from error  # fmt: skip


def _span(since: datetime | None, until: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """From when to when; where one end is not said, as far from the other as may be, and never later than now."""
    most = timedelta(days=MOST_DAYS)
    if until is None:
        until = min(now, since + most) if since else now
    earliest = datetime.min.replace(tzinfo=UTC)
    if since is None:
        since = max(until, earliest + most) - most
    if since > until:
        raise Refused("cases.span_turned", "`start_date` is later than `end_date`; turn them round.")
    if until - since > most:
        raise Refused("cases.span_long", "From `start_date` to `end_date` it may be {limit} days; ask in parts.",
                      limit=MOST_DAYS)  # fmt: skip
    return since, until


def _statuses(given: Parameters) -> frozenset[str]:
    found = frozenset(part.lower() for part in several(given, "status"))
    if strange := sorted(found - _STATUSES):
        raise Refused("cases.no_status", "{value} is no status; there are: {limit}.", value=strange[0][:40],
                      limit="open, closed")  # fmt: skip
    return found or _STATUSES


def _counted(given: Parameters, name: str, usual: int, most: int) -> int:
    text = first(given, name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= most):
        raise Refused("cases.no_count", "{value} has to be a whole number from 1 to {limit}.", value=name, limit=most)
    return int(text)


def _place(given: Parameters) -> tuple[float, float] | None:
    lat, lon = first(given, "lat"), first(given, "long") or first(given, "lon")
    if not lat and not lon:
        if not first(given, "address_string") and not first(given, "address_id"):
            raise Refused("cases.no_place", "Say where it is: `lat` and `long`, `address_string` or `address_id`.")
        return None
    try:
        place = float(lon), float(lat)
    except ValueError as error:
        raise Refused("cases.bad_place", "`lat` and `long` are both wanted, as two numbers.") from error
    if not (math.isfinite(place[0]) and math.isfinite(place[1]) and abs(place[0]) <= 180 and abs(place[1]) <= 90):
        raise Refused("cases.bad_place", "`lat` and `long` are both wanted, as two numbers.")
    return place


def _own(given: Parameters) -> dict[str, Any]:
    """What Open311 has parameters for, as answers to the form."""
    said = {name: _limited(given, name, most) for name, most in _LONGEST.items()}
    name = " ".join(part for part in (said["first_name"], said["last_name"]) if part)
    contact = ", ".join(part for part in (name, said["email"], said["phone"]) if part)
    found = {
        services.WORDS: _limited(given, "description", LONGEST_WORDS), services.WHERE: said["address_string"],
        services.CONTACT: contact, services.PICTURE: _address_of_picture(given),
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def _limited(given: Parameters, name: str, most: int) -> str:
    text = first(given, name)
    if len(text) > most:
        raise Refused("cases.parameter_long", "{value} has more than {limit} signs; shorten it.", value=name,
                      limit=most)  # fmt: skip
    return text


def _address_of_picture(given: Parameters) -> str:
    text = _limited(given, "media_url", _LONGEST_URL)
    if text and not _WEB.fullmatch(text):
        raise Refused("cases.bad_media_url", "`media_url` has to begin with http:// or https://.")
    return text


def _attributes(
    given: Parameters, asked: Sequence[Field], wrong: list[Refused], read: Callable[[str], datetime]
) -> dict[str, Any]:
    """What was answered to the attributes of a service; what is missing or not asked for goes into `wrong`."""
    known = {each.name: each for each in asked}
    found: dict[str, Any] = {}
    for name, values in given.items():
        named = _ATTRIBUTE.fullmatch(name)
        if named is None:
            continue
        kind = known.get(named[1])
        if kind is None:
            wrong.append(Refused("cases.no_attribute", "This service has no attribute {value}; it has: {limit}.",
                                 value=named[1], limit=", ".join(known) or "–"))  # fmt: skip
            continue
        given_values = [value.strip() for value in values if value.strip()][:MOST_ASKED]
        if given_values:
            found[kind.name] = _value(kind, given_values, read)
    wrong += [Refused("cases.attribute_missing", "The attribute {value} is required.", value=each.name)
              for each in asked if each.is_required and each.name not in found]  # fmt: skip
    return found


def _value(asked: Field, values: Sequence[str], read: Callable[[str], datetime]) -> Any:
    if asked.kind == "choices":
        return list(values)
    if asked.kind == "date" and len(values[0]) > len("2026-11-02"):
        try:
            return read(values[0]).date().isoformat()
        except ValueError:
            return values[0]
    return values[0]
