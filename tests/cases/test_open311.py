"""Open311 as its clients meet it: every method in XML and JSON, every row of errors, and a foreign client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import Client
from georeport import GeoReport
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cityloom.cases import actions
from cityloom.cases.actions import Asked
from cityloom.cases.domain.georeport.writing import Listed, written
from cityloom.cases.models import Case, CaseEvent
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
ROOT = "/open311/v2/"
LAMP = {"service_code": "street-light", "lat": "22.54", "long": "114.05", "description": "It is <b>dark</b>"}


@pytest.fixture(autouse=True)
def _at_work(keeper: OpenKeeper, officials: Officials) -> Iterator[None]:
    with clock.use(clock.DrillClock(NOW)):
        yield


@pytest.fixture
def key() -> str:
    return actions.make_key(owner="An app", by=SYSTEM, at=NOW)


def get(path: str, **given: str) -> Any:
    return Client().get(ROOT + path, given)


def read(path: str, **given: str) -> Any:
    answer = get(path, **given)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def post(path: str, **given: Any) -> Any:
    return Client().post(ROOT + path, given)


def filed(key: str, **more: Any) -> str:
    answer = Client().post(ROOT + "requests.json", LAMP | {"api_key": key} | more)
    assert answer.status_code == 201, answer.content
    return json.loads(answer.content)[0]["service_request_id"]


def errors(answer: Any) -> tuple[int, list[tuple[int, str]]]:
    return answer.status_code, [(one["code"], one["description"]) for one in json.loads(answer.content)]


def test_the_discovery_names_the_endpoint_in_both_forms() -> None:
    for place in ("/open311/discovery", "/open311/v2/discovery"):
        answer = Client().get(f"{place}.xml")
        assert answer["Content-Type"] == "text/xml; charset=utf-8"
        assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
        found = etree.fromstring(answer.content)
        assert [part.tag for part in found] == ["changeset", "contact", "key_service", "endpoints"]
        assert found.findtext("endpoints/endpoint/url") == "http://testserver/open311/v2"
        assert [one.text for one in found.findall("endpoints/endpoint/formats/format")] == [
            "text/xml", "application/json"]  # fmt: skip
        said = json.loads(Client().get(f"{place}.json").content)
        assert said["endpoints"][0]["type"] == "production"


def test_services_and_their_attributes_are_the_form_of_the_case_type() -> None:
    listed = read("services.json")
    lamp = next(one for one in listed if one["service_code"] == "street-light")
    assert set(lamp) == {"service_code", "service_name", "description", "metadata", "type", "keywords", "group"}
    assert (lamp["metadata"], lamp["type"]) == (True, "realtime")
    definition = read("services/street-light.json")
    assert definition["service_code"] == "street-light"
    asked = {one["code"]: one for one in definition["attributes"]}
    assert "words" not in asked and "contact" not in asked
    assert [one["order"] for one in definition["attributes"]] == list(range(1, len(asked) + 1))
    assert asked["danger"]["datatype"] == "singlevaluelist"
    assert {one["key"] for one in asked["danger"]["values"]} == {"no", "perhaps"}
    as_xml = etree.fromstring(get("services/street-light.xml").content)
    assert as_xml.tag == "service_definition"
    assert {one.text for one in as_xml.findall("attributes/attribute/code")} == set(asked)
    assert as_xml.findtext("attributes/attribute/required") in ("true", "false")


def test_a_request_is_filed_listed_and_its_words_and_contact_stay_sealed(key: str, keeper: OpenKeeper) -> None:
    number = filed(key, email="a@example.org", first_name="Ann", **{"attribute[danger]": "no"})
    [found] = read(f"requests/{number}.json")
    assert found["service_request_id"] == number and isinstance(number, str)
    assert (found["status"], found["service_code"], found["lat"], found["long"]) == (
        "open", "street-light", 22.54, 114.05)  # fmt: skip
    assert found["requested_datetime"] == "2026-11-02T01:00:00.000Z"
    assert found["expected_datetime"] and found["description"] is None
    assert len(found) == 17
    words = json.loads(next(text for _, text in keeper.sealed if "dark" in text))
    assert words["words"] == LAMP["description"] and words["contact"] == "Ann, a@example.org"
    assert "example.org" not in str(Case.objects.values()) + str(CaseEvent.objects.values())
    as_xml = etree.fromstring(get("requests.xml").content)
    assert [one.text for one in as_xml.findall("request/service_request_id")] == [number]
    assert list(read("requests.json", extensions="true")[0]["attributes"].items()) == [("danger", "no")]


def test_words_are_shown_once_an_official_released_them(key: str, officials: Officials) -> None:
    number = filed(key)
    case = Case.objects.get()
    actions.release_words(case_id=case.id, words="The lamp is dark", by=officials["clerk"], at=NOW)
    assert read(f"requests/{number}.json")[0]["description"] == "The lamp is dark"
    actions.release_words(case_id=case.id, words="", by=officials["clerk"], at=NOW)
    assert read(f"requests/{number}.json")[0]["description"] is None
    with pytest.raises(Refused, match="no role"):
        actions.release_words(case_id=case.id, words="x", by=officials["dpo"], at=NOW)


@pytest.mark.parametrize("form", ["xml", "json"])
def test_everything_wrong_with_a_request_is_told_at_once_with_its_status(form: str, key: str) -> None:
    rows: list[tuple[int, Any]] = [
        (403, post(f"requests.{form}", **LAMP)),
        (403, post(f"requests.{form}", **LAMP, api_key="clo_wrong")),
        (404, post(f"requests.{form}", **(LAMP | {"service_code": "ufo"}), api_key=key)),
        (400, post(f"requests.{form}", **(LAMP | {"service_code": ""}), api_key=key)),
        (400, post(f"requests.{form}", service_code="street-light", api_key=key)),
        (400, post(f"requests.{form}", **(LAMP | {"lat": "north"}), api_key=key)),
        (400, post(f"requests.{form}", **(LAMP | {"lat": "nan"}), api_key=key)),
        (400, post(f"requests.{form}", **(LAMP | {"description": "x" * 4_001}), api_key=key)),
        (400, post(f"requests.{form}", **LAMP, media_url="javascript:alert(1)", api_key=key)),
        (400, post(f"requests.{form}", **LAMP, **{"attribute[colour]": "red"}, api_key=key)),
        (400, post(f"requests.{form}", **LAMP, **{"attribute[danger]": "maybe"}, api_key=key)),
        (404, post(f"requests.{form}", **LAMP, jurisdiction_id="elsewhere", api_key=key)),
        (404, get(f"services.{form}", jurisdiction_id="elsewhere")),
        (404, get(f"services/ufo.{form}")),
        (404, get(f"requests/17-0.{form}")),
        (404, get(f"requests/1042-7.{form}")),
        (404, get(f"requests.{form}", service_request_id="1042-7,abc")),
        (404, get(f"tokens/none.{form}")),
        (404, get(f"nothing.{form}")),
        (400, get(f"requests.{form}", start_date="yesterday")),
        (400, get(f"requests.{form}", start_date="2026-01-01T00:00:00Z", end_date="2026-11-01T00:00:00Z")),
        (400, get(f"requests.{form}", start_date="2026-11-01T00:00:00Z", end_date="2026-10-01T00:00:00Z")),
        (400, get(f"requests.{form}", status="lost")),
        (400, get(f"requests.{form}", page_size="5000")),
        (400, Client().put(ROOT + f"requests.{form}")),
        (400, Client().post(ROOT + f"requests.{form}", "{}", content_type="application/json")),
    ]  # fmt: skip
    for wanted, answer in rows:
        assert answer.status_code == wanted, answer.content
        if form == "xml":
            found = etree.fromstring(answer.content)
            assert found.tag == "errors" and found.findtext("error/code") == str(wanted)
            assert found.findtext("error/description")
        else:
            assert errors(answer)[1][0][0] == wanted and errors(answer)[1][0][1]
    assert not Case.objects.exists()


def test_more_parameters_than_a_form_has_are_not_read(key: str) -> None:
    many = {f"attribute[{number}]": "1" for number in range(2_000)}
    assert post("requests.xml", **LAMP, api_key=key, **many).status_code == 400
    assert not Case.objects.exists()


def test_several_faults_come_together(key: str) -> None:
    status, found = errors(post("requests.json", api_key=key, service_code="ufo", lat="x", media_url="y"))
    assert status == 400 and [code for code, _ in found] == [404, 400, 400]


def test_without_a_form_in_the_address_the_errors_are_xml() -> None:
    assert etree.fromstring(get("requests").content).findtext("error/code") == "404"


def test_of_several_jurisdictions_one_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CITYLOOM_JURISDICTIONS", ("a.example", "b.example"))
    assert errors(get("services.json"))[0] == 400
    assert get("services.json", jurisdiction_id="a.example").status_code == 200


def test_lists_are_by_date_service_status_and_page_and_numbers_override_them(key: str, officials: Officials) -> None:
    numbers = [filed(key) for _ in range(3)] + [filed(key, service_code="noise")]
    clerk, noisy = officials["clerk"], Case.objects.get(category="noise")
    actions.take_step(case_id=noisy.id, step="accept", by=clerk, at=NOW)
    actions.take_step(case_id=noisy.id, step="decline", by=clerk, at=NOW, reason="Not ours", result="not-the-citys")
    listed = [one["service_request_id"] for one in read("requests.json")]
    assert listed == numbers[::-1]
    assert [one["service_request_id"] for one in read("requests.json", page_size="2", page="2")] == listed[2:]
    [closed] = read("requests.json", status="closed")
    assert closed["service_code"] == "noise" and closed["status_notes"] == "declined: not a matter of the city"
    assert len(read("requests.json", service_code="noise,rubbish")) == 1
    assert read("requests.json", start_date="2026-09-01T00:00:00Z", end_date="2026-10-01T00:00:00Z") == []
    both = read("requests.json", service_request_id=",".join(numbers[:2]), status="closed", start_date="rubbish")
    assert len(both) == 2


def test_restricted_cases_and_those_of_drills_are_never_shown(officials: Officials) -> None:
    for more in ({"confidentiality": "restricted"}, {"exercise_id": "0" * 26}):
        actions.open_case(Asked("request", "noise", origin="web", **more), by=officials["clerk"], at=NOW)
    assert read("requests.json") == []


def test_the_same_filing_again_is_the_same_request(key: str) -> None:
    with_key = {"HTTP_IDEMPOTENCY_KEY": "once"}
    first, again = (Client().post(ROOT + "requests.json", LAMP | {"api_key": key}, **with_key) for _ in range(2))
    assert first.content == again.content and Case.objects.count() == 1


def test_the_app_that_filed_says_more_confirms_and_reopens(key: str, officials: Officials) -> None:
    number, clerk = filed(key), officials["clerk"]
    case = Case.objects.get()
    said = {"api_key": key, "service_request_id": number, "update_id": "u1", "description": "Still dark"}
    first = json.loads(post("servicerequestupdates.json", **said, status="OPEN").content)
    assert json.loads(post("servicerequestupdates.json", **said, status="OPEN").content) == first
    actions.take_step(case_id=case.id, step="accept", by=clerk, at=NOW + timedelta(hours=1))
    actions.take_step(case_id=case.id, step="finish", by=clerk, at=NOW + timedelta(hours=2), reason="A new bulb",
                      result="solved")  # fmt: skip
    post("servicerequestupdates.xml", **(said | {"update_id": "u2"}), status="FIXED")
    case.refresh_from_db()
    assert case.state == "closed"
    later = {"start_date": "2026-11-02T00:00:00Z", "end_date": "2026-11-03T00:00:00Z"}
    found = read("servicerequestupdates.json", **later)
    assert [one["status"] for one in found] == ["IN_PROGRESS", "FIXED", "CLOSED"]
    assert {one["service_request_id"] for one in found} == {number}
    tree = etree.fromstring(get("servicerequestupdates.xml", **later).content)
    assert len(tree.findall("request_update/update_id")) == 3
    other = actions.make_key(owner="Another app", by=SYSTEM, at=NOW)
    assert post("servicerequestupdates.json", **(said | {"api_key": other, "update_id": "u3"})).status_code == 404


def test_a_key_that_was_ended_files_nothing_more(key: str) -> None:
    from cityloom.cases import queries

    actions.end_key(key_id=queries.program_keys()[0].id, by=SYSTEM, at=NOW)
    assert post("requests.json", **LAMP, api_key=key).status_code == 403
    with pytest.raises(Refused, match="operators"):
        actions.make_key(owner="x", by=Actor("someone", "", frozenset({"clerk"})), at=NOW)


class _ToDjango(requests.adapters.BaseAdapter):
    """Lets a library that speaks HTTP meet the city without a socket."""

    def send(self, request: requests.PreparedRequest, **_: object) -> requests.Response:
        answer, found = Client().get(request.url.removeprefix("http://testserver")), requests.Response()
        found.status_code, found._content = answer.status_code, answer.content
        found.headers.update(answer.headers)
        return found

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("form", ["xml", "json"])
def test_a_foreign_client_reads_what_there_is(form: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests.Session, "get_adapter", lambda *_, **__: _ToDjango())
    number = filed(key)
    city = GeoReport("http://testserver/open311/v2", output_format=form)
    assert "street-light" in str(city.get_service_list())
    assert "danger" in str(city.get_service_definition("street-light"))
    assert number in str(city.get_service_request(number))
    assert number in str(city.get_service_requests())


@given(st.text(), st.text())
def test_any_text_becomes_xml_and_json_that_can_be_read(one: str, other: str) -> None:
    content = Listed("request", [{"description": one, "status_notes": other}])
    found = etree.fromstring(written("service_requests", content, "xml"))
    assert len(found) == 1
    one = one.encode("utf-8", "replace").decode()
    with_surrogates = Listed("request", [{"description": one}])
    assert json.loads(written("service_requests", with_surrogates, "json"))[0]["description"] == one
