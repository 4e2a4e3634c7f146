"""Open311 GeoReport v2 at /open311/v2, in XML and JSON.

Reading is open to everyone. Filing needs an `api_key` and never a session, so no page of another site can file through
a reader's browser.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt

from cityloom.cases import catalogue
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.georeport import asked, requests, services
from cityloom.cases.domain.georeport.asked import Parameters
from cityloom.cases.domain.georeport.faults import BAD, NOT_FOUND, Faults, status_of
from cityloom.cases.domain.georeport.writing import JSON, TYPES, XML, Listed, written
from cityloom.cases.georeport import filing, keys, shown
from cityloom.cases.listing import documents
from cityloom.files.domain.pictures import MOST_PHOTOS
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.words import sentence_of

ROOT = "/open311/v2"
_CHANGED_ON = "2026-11-28T00:00:00Z"
"""When this interface last changed: the `changeset` of the discovery."""
_FORMS = (XML, JSON)
_PARTS_OF_A_PATH = 2
_POSTED = ("application/x-www-form-urlencoded", "multipart/form-data", "")


@dataclass(frozen=True)
class Answer:
    """A document with its outermost name; `status` as in HTTP."""

    root: str
    content: Listed | Mapping[str, Any]
    status: int = HTTPStatus.OK


@dataclass(frozen=True)
class Asked:
    """A request to the interface: its parameters from address and body, and from where it was reached."""

    given: Parameters
    root: str
    once: str
    files: tuple[tuple[str, bytes], ...] = ()

    @property
    def language(self) -> str:
        """What the reader's headers ask for."""
        return get_language() or "en"

    @property
    def now(self) -> datetime:
        """The instant on the city's clock."""
        return clock.now()

    @property
    def casetype(self) -> CaseType:
        """The type whose categories are the services."""
        return catalogue.newest(shown.CASETYPE)


@csrf_exempt
@login_not_required
def service(request: HttpRequest, path: str) -> HttpResponse:
    """Answer one request."""
    name, form = _parted(path)
    try:
        if form not in _FORMS:
            raise Refused("cases.no_format", "Add .xml or .json to the address, as in requests.xml.")
        answering = _answering(request.method or "", name)
        once = request.headers.get("Idempotency-Key", "")
        given = Asked(_parameters(request), request.build_absolute_uri(ROOT), once, _files(request, name))
        if name != ("discovery",):
            _check_jurisdiction(given.given)
        answer = answering(given)
    except Refused as refusal:
        answer = _wrong([refusal])
    except Faults as faults:
        answer = _wrong(faults.refusals)
    return _response(answer, form if form in _FORMS else XML)


def _parted(path: str) -> tuple[tuple[str, ...], str]:
    """The parts of a path and its form: `requests.xml`, and `requests/json`, as some clients ask."""
    path = path.strip("/")
    name, _, form = path.rpartition(".")
    if form.lower() not in _FORMS:
        name, _, form = path.rpartition("/")
    return tuple(name.split("/")), form.lower()


def _answering(method: str, name: tuple[str, ...]) -> Callable[[Asked], Answer]:
    if name in _POSTS and method == "POST":
        return _POSTS[name]
    found = _GETS.get(name) or (len(name) == _PARTS_OF_A_PATH and _one(name[0], name[1])) or None
    if found is None:
        raise Refused("cases.no_format", "There is nothing at this address; the documentation lists what there is.")
    if method not in ("GET", "HEAD"):
        raise Refused("cases.no_method", "This address answers GET, and requests and servicerequestupdates POST, too.")
    return found


def _one(name: str, key: str) -> Callable[[Asked], Answer] | None:
    of_one = {"services": _definition, "requests": _request, "tokens": _token}.get(name)
    return (lambda given: of_one(given, key)) if of_one else None


def _parameters(request: HttpRequest) -> Parameters:
    """What came in the address and the body, by name; what is in the body goes before.

    Raises: Refused `cases.bad_body`.
    """
    given = dict(request.GET.lists())
    if request.method == "POST":
        if request.content_type not in _POSTED:
            raise Refused("cases.bad_body", "Send the parameters as application/x-www-form-urlencoded; {value} is not"
                          " read here.", value=(request.content_type or "")[:60])  # fmt: skip
        try:
            given |= dict(request.POST.lists())
        except (SuspiciousOperation, RequestDataTooBig, MultiPartParserError) as error:
            raise Refused("cases.bad_body", "What was sent cannot be read, or is too much at once.") from error
    return {name: [value.replace("\x00", "") for value in values] for name, values in given.items()}


def _files(request: HttpRequest, name: tuple[str, ...]) -> tuple[tuple[str, bytes], ...]:
    """The photos of a request, as `media` in a body of several parts, which some cities take.

    Raises: Refused `cases.many_media`, `cases.no_files`.
    """
    if request.method != "POST":
        return ()
    sent = [one for _, several in request.FILES.lists() for one in several]
    if sent and name != ("requests",):
        raise Refused("cases.no_files", "Pictures are sent with the request itself, as `media`; they are not read"
                      " here.")  # fmt: skip
    if len(sent) > MOST_PHOTOS:
        raise Refused("cases.many_media", "A request may come with {limit} photos, and these are {value}; send those"
                      " that show it best.", value=len(sent), limit=MOST_PHOTOS)  # fmt: skip
    return tuple((one.name or "", one.read()) for one in sent)


def _check_jurisdiction(given: Parameters) -> None:
    """Raises: Refused `cases.no_jurisdiction`, `cases.which_jurisdiction`."""
    known, named = settings.CITYLOOM_JURISDICTIONS, asked.first(given, "jurisdiction_id")
    if named and named not in known:
        raise Refused("cases.no_jurisdiction", "There is no jurisdiction {value} here; there are: {limit}.",
                      value=named[:60], limit=", ".join(known) or "–")  # fmt: skip
    if not named and len(known) > 1:
        raise Refused("cases.which_jurisdiction", "Say which jurisdiction is meant, with `jurisdiction_id`: {limit}.",
                      limit=", ".join(known))  # fmt: skip


def _read(text: str) -> datetime:
    return clock.asked_for(text, registers.time_zone())


def _discovery(given: Asked) -> Answer:
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2", "url": given.root, "changeset": _CHANGED_ON,
        "type": "production", "formats": Listed("format", [kind.partition(";")[0] for kind in TYPES.values()]),
    }  # fmt: skip
    site = given.root.removesuffix(ROOT)
    return Answer("discovery", {
        "changeset": _CHANGED_ON, "contact": f"{site}/report/", "key_service": f"{site}/help/",
        "endpoints": Listed("endpoint", [endpoint]),
    })  # fmt: skip


def _services(given: Asked) -> Answer:
    return Answer("services", services.services_of(given.casetype, given.language))


def _definition(given: Asked, code: str) -> Answer:
    return Answer("service_definition", services.definition_of(given.casetype, code, given.language))


def _requests(given: Asked) -> Answer:
    search = asked.search_of(given.given, given.now, _read)
    return _listed(given, shown.requests(search))


def _request(given: Asked, number: str) -> Answer:
    return _listed(given, [shown.request(number)])


def _listed(given: Asked, found: shown.Found) -> Answer:
    extended = asked.first(given.given, "extensions") == "true"
    photos = documents.first_released([case.number for case, _ in found])
    site = given.root.removesuffix(ROOT)
    entries = [
        requests.request_of(case, kind, given.language, is_extended=extended, photo=_photo(site, photos, case.number))
        for case, kind in found
    ]
    return Answer("service_requests", Listed("request", entries))


def _token(given: Asked, token: str) -> Answer:
    entry = {"service_request_id": shown.number_of_token(token), "token": token}
    return Answer("service_requests", Listed("request", [entry]))


def _photo(site: str, photos: Mapping[int, str], number: int) -> str:
    return site + reverse("released-photo", args=[photos[number]]) if number in photos else ""


def _file(given: Asked) -> Answer:
    key_id = keys.holder_of(asked.first(given.given, "api_key"))
    wanted = asked.filing_of(given.given, given.casetype, _read)
    number = filing.file(wanted, key_id=key_id, once=given.once[:200], at=given.now, files=given.files)
    account = asked.first(given.given, "account_id")[:100] or None
    entry = {"service_request_id": number, "service_notice": None, "account_id": account}
    return Answer("service_requests", Listed("request", [entry]), HTTPStatus.CREATED)


def _updates(given: Asked) -> Answer:
    search = asked.search_of(given.given, given.now, _read)
    found = shown.changes(search.since, search.until, search.numbers)
    entries = [requests.update_of(change, casetype, given.language) for change, casetype in found]
    return Answer("service_request_updates", Listed("request_update", entries))


def _update(given: Asked) -> Answer:
    key_id = keys.holder_of(asked.first(given.given, "api_key"))
    made = filing.update(asked.update_of(given.given), key_id=key_id, at=given.now)
    return Answer("service_request_updates", Listed("request_update", [{"update_id": made}]), HTTPStatus.CREATED)


_GETS = {
    ("discovery",): _discovery, ("services",): _services, ("requests",): _requests,
    ("servicerequestupdates",): _updates,
}  # fmt: skip
_POSTS = {("requests",): _file, ("servicerequestupdates",): _update}


def _wrong(refusals: Any) -> Answer:
    statuses = [status_of(one) for one in refusals]
    entries = [{"code": status_of(one), "description": sentence_of(one)} for one in refusals]
    first = NOT_FOUND if set(statuses) == {NOT_FOUND} else BAD if len(statuses) > 1 else statuses[0]
    return Answer("errors", Listed("error", entries), first)


def _response(answer: Answer, form: str) -> HttpResponse:
    response = HttpResponse(written(answer.root, answer.content, form), status=answer.status, content_type=TYPES[form])
    response["Access-Control-Allow-Origin"] = "*"  # nothing here knows who asks, but for the key in the request
    response["Cache-Control"] = "no-store"
    return response
