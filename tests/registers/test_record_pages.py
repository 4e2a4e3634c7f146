"""What officials see of departments' files; who represents an organisation stays closed until somebody opens it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from cityloom.gate import actions as gate
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from tests.registers.test_department_files import BOSS, HEADER, Desk, at, code, desk  # noqa: F401

pytestmark = pytest.mark.django_db


def client(*roles: str) -> Client:
    from cityloom.accounts.actions import add_account, create_units
    from cityloom.kernel import clock

    name = "-".join(roles)
    create_units(communities=[], by=SYSTEM, at=clock.now())
    add_account(username=name, name=name, unit="city", roles=roles, password="a long pass phrase", by=SYSTEM,
                at=clock.now())  # fmt: skip
    there = Client(HTTP_USER_AGENT="a browser")
    answer = there.post("/sign-in/", {"login": name, "password": "a long pass phrase"})
    assert answer.status_code == 302, answer.content.decode()
    return there


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hashing that is slow on purpose would take most of the time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def loaded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: F811
    sealed: dict[int, bytes] = {}

    def seal(*, parts: list[bytes], **_: object) -> tuple[list[int], list[bytes]]:
        made = [len(sealed) + place for place in range(1, len(parts) + 1)]
        sealed.update(zip(made, parts, strict=True))
        return made, [b"#"] * len(parts)

    monkeypatch.setattr(gate, "seal_parts", seal)
    monkeypatch.setattr(gate, "grant", lambda **_: "grant")
    monkeypatch.setattr(gate, "open_packets", lambda *, packets, **_: {one: {"party": sealed[one]} for one in packets})
    desk.load(desk.file((code(1), "First name", "", "", "李雷雷"), header=HEADER), more=BOSS)
    desk.load(desk.file((code(1), "Second name", "", "", "李雷雷"), header=HEADER), more=BOSS, as_of="2026-11-05")
    return code(1)


def test_an_organisation_is_shown_with_its_history_and_sources(loaded: str) -> None:
    page = client("duty-officer").get(f"/organisations/{loaded}/").content.decode()
    for words in ("Second name", "First name", "market", "row 2", "2026-11-05"):
        assert words in page
    assert "李雷雷" not in page
    assert "Open who represents it" not in page


def test_a_day_before_anything_was_known_shows_nothing(loaded: str) -> None:
    page = client("duty-officer").get(f"/organisations/{loaded}/", {"known": "2020-01-01"}).content.decode()
    assert "Second name" not in page
    assert "Nothing was known" in page


def test_whoever_may_opens_who_represents_it_and_nobody_else(loaded: str) -> None:
    record = queries.facts_of("organisations", loaded)[0].record
    address = f"/organisations/{loaded}/people/{record}/"
    assert "李雷雷" in client("steward").post(address).content.decode()
    refused = client("duty-officer").post(address)
    assert refused.status_code == 403
    assert "李雷雷" not in refused.content.decode()
    assert client("steward", "case-handler").get(address).status_code == 405


def test_the_page_itself_leads_to_the_opening(loaded: str) -> None:
    record = queries.facts_of("organisations", loaded)[0].record
    address = f"/registers/organisations/people/{record}/{loaded}/"
    there = client("steward")
    assert f'action="{address}"' in there.get(f"/organisations/{loaded}/").content.decode()
    assert "李雷雷" in there.post(address).content.decode()
    assert client("duty-officer").post(address).status_code == 403
    assert there.post(f"/registers/people/people/{record}/{loaded}/").status_code == 404


def test_files_and_names_are_found_by_those_who_work_here_alone(loaded: str) -> None:
    there = client("steward")
    page = there.get("/registers/", {"q": "second"}).content.decode()
    assert "Second name" in page
    assert there.get("/organisations/nobody/").status_code == 404
    assert there.get(f"/organisations/{loaded}/", {"known": "yesterday"}).status_code == 409
    stranger = Client()
    for address in ("/registers/", f"/organisations/{loaded}/"):
        assert stranger.get(address).status_code in (302, 403)


def test_the_mapping_that_is_published_is_the_one_that_checks() -> None:
    place = Path(__file__).resolve().parents[2] / "docs" / "reference" / "register-mapping.schema.json"
    assert json.loads(place.read_text()) == queries.mapping_schema()
    assert actions.told([["name", "required"]]).startswith("name: ")
