"""The log as the city serves it to anybody: signed, cacheable, and nothing but hashes."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from lxml import html

from cityloom.audit import actions, queries, views
from cityloom.audit.domain.bundle import LoggedLeaf
from cityloom.keeper import client, protocol, verifier
from cityloom.keeper.leaf import COMMITMENT
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

pytestmark = pytest.mark.django_db
STRANGER = Actor("stranger", "city", frozenset({"nobody"}))


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[client.Running]:
    from django.conf import settings

    place = tmp_path_factory.mktemp("audit")
    (place / "assertion").write_text("a key for tests")
    before = dict(settings.CITYLOOM)
    settings.CITYLOOM.update(KEEPER_SOCKET=place / "socket", ASSERTION_KEY_FILE=place / "assertion", HOME=place)
    running = client.start(place / "keeper", place / "socket", place / "assertion")
    yield running
    running.stop()
    settings.CITYLOOM.update(before)


@pytest.fixture
def refusals(keeper: client.Running) -> int:
    """Some leaves: refusals, which anybody can cause."""
    ask = queries.keeper_for()
    for _ in range(3):
        with pytest.raises(Refused):
            ask.ask(protocol.Erase(ask.sign(STRANGER), 1), protocol.Done)
    return verifier.read_checkpoint(verifier.split_note(queries.checkpoint_note())[0]).size


def test_the_log_is_served_to_anybody(refusals: int) -> None:
    browser = Client()
    answer = browser.get("/log/checkpoint")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; charset=utf-8")
    key = verifier.read_key(queries.log_key())
    assert verifier.open_checkpoint(answer.content.decode(), key).size == refusals
    for path, unit in ((f"0/000.p/{refusals}", 32), (f"entries/000.p/{refusals}", 34), ("0/000.p/1", 32)):
        part = browser.get(f"/log/tile/{path}")
        width = int(path.rpartition("/")[2])
        assert (part.status_code, part["Content-Type"]) == (200, "application/octet-stream")
        assert len(part.content) == unit * width
        assert "immutable" in part["Cache-Control"]
        assert part["Access-Control-Allow-Origin"] == "*"
    for nothing in ("0/000", f"0/000.p/{refusals + 1}", "1/000.p/1", "0/001", "9/000", "0/0", "x/000", "0/x999/000"):
        assert browser.get(f"/log/tile/{nothing}").status_code == 404, nothing
    assert browser.post("/log/checkpoint").status_code == 405


def test_the_whole_log_verifies_over_these_addresses(refusals: int, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client()

    def fetch(path: str, most: int) -> bytes | None:
        answer = browser.get(f"/log/{path}")
        return answer.content if answer.status_code == 200 else None

    monkeypatch.setattr(queries, "_from_address", lambda address: fetch)
    for source in ("https://city.example/log", "local"):
        found = queries.check_log(source, key=queries.log_key())
        assert found.checkpoint.size == refusals
    other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    for source, key, code in (("local", other, "audit.does_not_verify"), ("/no/such/folder", other, "audit.no_log")):
        with pytest.raises(Refused) as refusal:
            queries.check_log(source, key=key)
        assert refusal.value.code == code


def test_a_bundle_of_leaves_that_somebody_may_read_verifies(refusals: int, keeper: client.Running) -> None:
    """Whoever has leaf and salt can prove them; here they are read from the disk, else the keeper hands them out."""
    from cityloom.keeper import store
    from cityloom.keeper.leaf import texts_of

    database = store.connect(keeper.address.parent / "keeper")
    rows = database.execute("SELECT first, facts, cut, salts FROM leaves ORDER BY first").fetchall()
    database.close()
    leaves = [LoggedLeaf(first, texts_of(facts.encode(), cut, b"")[0], salt) for first, facts, cut, salt in rows]
    made = queries.bundle_of(leaves, at=clock.now())
    report = verifier.verify_bundle(made, verifier.read_key(queries.log_key()))
    assert [entry.leaf["kind"] for entry in report.entries] == ["refused"] * refusals
    entry = hashlib.sha256(COMMITMENT + leaves[0].salt + leaves[0].text).digest()
    assert Client().get("/log/tile/entries/000.p/1").content == b"\x00\x20" + entry


def test_the_page_that_checks_a_bundle_keeps_to_itself(refusals: int) -> None:
    page = Client().get("/verify/")
    assert page.status_code == 200
    tree = html.fromstring(page.content.decode())
    assert tree.xpath("//*[@id='verify']")
    assert all(script.get("src") and not script.text for script in tree.xpath("//script"))
    alone = Client().get("/verify/alone.html")
    assert "attachment" in alone["Content-Disposition"]
    text = alone.content.decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert "default-src 'none'" in policy[1]
    for tag in ("script", "style"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert body
        assert base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode() in policy[1]
    assert not re.search(r"(src|href)=\"http|fetch\(|XMLHttpRequest|innerHTML", text)
    assert "Content-Security-Policy" in page
    assert views.alone() == text


def test_the_schema_is_served(refusals: int) -> None:
    assert Client().get("/log/bundle.schema.json").json()["properties"]["version"] == {"const": 1}


def test_witnesses_are_kept_in_a_file(refusals: int, tmp_path: Path) -> None:
    witness = actions.open_witness()
    vkey = witness.vkey
    witness.close()
    actions.add_witness(vkey=vkey, url="https://w.example/")
    actions.add_witness(vkey=vkey, url="https://w2.example/")
    actions.add_log(vkey=queries.log_key())
    found = queries.watching()
    assert [each.url for each in found.witnesses] == ["https://w2.example"]
    assert [key.vkey for key in found.logs] == [queries.log_key()]
    again = actions.open_witness()
    assert again.vkey == vkey
    assert again.add_checkpoint(f"old 0\n\n{queries.checkpoint_note()}", 1_800_000_000).status == 200
    again.close()
    with pytest.raises(Refused) as refusal:
        actions.add_log(vkey=vkey)
    assert refusal.value.code == "audit.bad_key"
    queries.watching_file().write_text("witnesses: [")
    with pytest.raises(Refused) as refusal:
        queries.watching()
    assert refusal.value.code == "audit.bad_witnesses"
    queries.watching_file().unlink()
