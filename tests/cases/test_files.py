"""Photos and documents of a case: looked through, sealed, opened one at a time, shown to everybody only on purpose."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from cityloom.accounts.models import Account
from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.models import Case, CaseEvent, CaseFile, ReleasedPhoto
from cityloom.gate.models import SealedPart
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.files.test_pictures import picture
from tests.files.test_safe import docx, pdf
from tests.gate.conftest import keeper as real_keeper  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("real_keeper")]
SECRET = "a word that only the reporter has"


def opened(files: Any = (), **more: Any) -> str:
    asked = Asked("request", "street-light", {"danger": "no"}, files=files, secret=SECRET, key="one", **more)
    return actions.open_case(asked, by=SYSTEM, at=clock.now())


def refusal(act: Any, **given: Any) -> str:
    with pytest.raises(Refused) as caught:
        act(at=clock.now(), **given)
    return caught.value.code


@pytest.fixture
def clerk(officials: dict[str, Actor]) -> Actor:
    return officials["clerk"]


def test_a_case_comes_with_its_files_once(clerk: Actor) -> None:
    sent = [("my lamp.png", picture("PNG")), ("letter.docx", docx(), "evidence")]
    case_id = opened(sent)
    assert opened(sent) == case_id
    photo, letter = queries.files_of(case_id)
    assert (photo.kind, photo.media_type, letter.field, letter.kind) == ("picture", "image/jpeg", "evidence", "office")
    assert "my lamp" not in json.dumps(list(CaseEvent.objects.values("data")))
    assert not SealedPart.objects.filter(sealed__contains=b"my lamp").exists()
    seen = actions.open_file(case_id=case_id, file_id=photo.id, by=clerk, at=clock.now())
    assert (seen.name, seen.content[:3]) == ("my lamp.jpg", b"\xff\xd8\xff")


def test_a_bad_file_opens_nothing_and_adds_nothing() -> None:
    assert refusal(lambda at: opened([("ok.jpg", picture()), ("virus.exe", b"MZ\x90\x00")])) == "files.kind"
    assert not Case.objects.exists()
    case_id = opened()
    many = [(f"{number}.txt", b"x") for number in range(10_000)]
    assert refusal(actions.attach_as_reporter, case_id=case_id, secret=SECRET, files=many) == "cases.many_files"
    large = [(f"{number}.txt", b"x" * 6_500_000) for number in range(10)]
    assert refusal(actions.attach_as_reporter, case_id=case_id, secret=SECRET, files=large) == "cases.many_bytes"
    assert refusal(actions.attach_as_reporter, case_id=case_id, secret="guess", files=[]) == "cases.no_follower"
    assert not CaseFile.objects.exists() and not SealedPart.objects.exists()


def test_the_reporter_adds_and_only_who_works_on_it_opens(officials: dict[str, Actor]) -> None:
    case_id = opened()
    for _ in range(2):
        added = actions.attach_as_reporter(
            case_id=case_id, secret=SECRET, files=[("plan.pdf", pdf())], at=clock.now(), command="click"
        )
    assert [one.id for one in queries.files_of(case_id)] == added
    assert queries.files_of(case_id)[0].role == "reporter"
    outsider = Actor("somebody", "city/other", frozenset({"case-handler"}))
    one = {"case_id": case_id, "file_id": added[0]}
    assert refusal(actions.open_file, by=outsider, **one) in ("cases.not_yours", "cases.no_role")
    assert refusal(actions.open_file, by=officials["clerk"], case_id=case_id, file_id="none") == "cases.no_file"
    assert refusal(actions.release_photo, by=officials["clerk"], **one) == "cases.no_photo"


def test_what_is_erased_cannot_be_opened_from_any_copy(clerk: Actor) -> None:
    case_id = opened([("lamp.jpg", picture())], exercise_id="drill-1")
    kept = list(SealedPart.objects.values("packet", "name", "sealed"))
    file_id = queries.files_of(case_id)[0].id
    copy = CaseFile.objects.get(id=file_id)
    assert actions.forget(exercise_id="drill-1", by=SYSTEM, at=clock.now()) == 1
    assert not SealedPart.objects.exists()
    case_id = opened(exercise_id="drill-1")
    copy.case = Case.objects.get(id=case_id)  # as from a backup of the city's database
    copy.save(force_insert=True)
    SealedPart.objects.bulk_create([SealedPart(**part) for part in kept])
    assert refusal(actions.open_file, case_id=case_id, file_id=file_id, by=clerk) == "gate.nobody"


def signed_in() -> Client:
    client = Client()
    client.post("/sign-in/demo/", {"account": Account.objects.get(username="clerk").pk})
    return client


def test_the_page_adds_shows_saves_and_releases(clerk: Actor) -> None:
    case_id, client = opened([("lamp.jpg", picture())]), signed_in()
    here = f"/cases/{case_id}/"
    assert "Photos and documents" in client.get(here).content.decode()
    wrong = client.post(f"{here}files/", {"file": SimpleUploadedFile("a.pdf", b"MZ\x90\x00\xff")})
    assert wrong.status_code in (409, 422, 400) and "no file of a kind" in wrong.content.decode()
    done = client.post(f"{here}files/", {"file": SimpleUploadedFile("pläne.pdf", pdf())}, follow=True)
    assert "1 file added." in done.content.decode()
    photo, plan = (one.id for one in queries.files_of(case_id))
    saved = client.post(f"{here}files/{plan}/")
    assert (saved["Content-Type"], saved.content) == ("application/pdf", pdf()) or saved.content.startswith(b"%PDF")
    assert saved["Content-Disposition"].startswith("attachment") and "sandbox" in saved["Content-Security-Policy"]
    shown = client.post(f"{here}files/{photo}/").content.decode()
    assert "data:image/jpeg;base64," in shown and "there is nobody in it" in shown
    public = f"/released/{photo}.jpg"
    assert Client().get(public).status_code == 404
    assert "Look at the photo first" in client.post(f"{here}files/{photo}/release/", {}).content.decode()
    client.post(f"{here}files/{photo}/release/", {"looked": "1"})
    found = Client().get(public)
    assert (found.status_code, found["Content-Type"], found.content[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    number = queries.facts_of(case_id).spoken
    told = json.loads(Client().get(f"/open311/v2/requests/{number}.json").content)[0]
    assert told["media_url"] == f"http://testserver{public}"
    client.post(f"{here}files/{photo}/release/", {"withhold": "1"})
    assert not ReleasedPhoto.objects.exists() and Client().get(public).status_code == 404


def test_a_client_of_open311_sends_a_photo(officials: dict[str, Actor]) -> None:
    key = actions.make_key(owner="An app", by=SYSTEM, at=clock.now())
    lamp = {"service_code": "street-light", "lat": "22.54", "long": "114.05", "api_key": key}

    def sent(*files: SimpleUploadedFile) -> tuple[int, Any]:
        answer = Client().post("/open311/v2/requests.json", lamp | {"media": list(files)})
        return answer.status_code, json.loads(answer.content)

    status, found = sent(SimpleUploadedFile("x.png", picture("PNG"), "image/png"))
    assert status == 201
    case = queries.case_numbered(officials["clerk"], found[0]["service_request_id"])
    assert [one.kind for one in queries.files_of(case.id)] == ["picture"]
    for bad in ([SimpleUploadedFile("x.png", pdf())], [SimpleUploadedFile("x.png", b"no picture at all\xff")],
                [SimpleUploadedFile(f"{n}.png", picture("PNG")) for n in range(4)]):  # fmt: skip
        status, found = sent(*bad)
        assert status == 400 and found[0]["code"] == 400 and found[0]["description"]
    assert Case.objects.count() == 1
