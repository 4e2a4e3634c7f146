"""A witness cosigns what extends what it saw, on the disk first, and refuses a rollback, a fork and nonsense."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cityloom.audit import actions
from cityloom.audit.domain.witnesses import OutsideWitness, read_watching
from cityloom.keeper import protocol, signing, verifier
from cityloom.keeper.verifier import WITNESS_KEY, Checkpoint, Key
from cityloom.keeper.witness import Submission, Witness, origin_hash
from cityloom.keeper.witness_server import WitnessServer
from cityloom.kernel.refused import Refused
from tests.audit.conftest import Book

NOW = 1_800_000_000


def signed(book: Book, size: int, root: bytes) -> str:
    """A checkpoint with a root of our choice, signed with the log's own key: what a dishonest log could do."""
    signer = signing.read(book.folder)
    text = signing.checkpoint_text(Checkpoint(signer.key.name, size, root))
    return f"{text}\n{signer.sign(text)}"


def key_of(witness: Witness) -> Key:
    return verifier.read_key(witness.vkey, (WITNESS_KEY,))


def test_it_cosigns_a_log_as_it_grows(book: Book, witness: Witness) -> None:
    seen = 0
    for _ in range(4):
        book.grow(90)
        answer = witness.add_checkpoint(book.submission(seen), NOW)
        assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8")
        note = book.proofs.note() + answer.body
        assert [each.time_s for each in verifier.cosignatures_of(note, [key_of(witness)])] == [NOW]
        seen = book.log.head[0]
    assert witness.add_checkpoint(book.submission(seen), NOW).status == 200  # the same again, with a newer time
    served = witness.checkpoint(origin_hash(book.key.name)).body
    assert verifier.open_checkpoint(served, book.key).size == seen
    assert verifier.cosignatures_of(served, [key_of(witness)])


def test_it_refuses_a_rollback_and_a_fork_also_after_a_restart(book: Book, witness: Witness, tmp_path: Path) -> None:
    book.grow(50)
    earlier = book.proofs.note()
    book.grow(50)
    assert witness.add_checkpoint(book.submission(0), NOW).status == 200
    size = book.log.head[0]
    witness.close()
    again = Witness(tmp_path / "witness", [book.key])
    assert again.vkey == witness.vkey
    back = again.add_checkpoint(Submission(50, [], earlier).as_body(), NOW)
    assert (back.status, back.body, back.content_type) == (409, f"{size}\n", "text/x.tlog.size")
    fork = signed(book, size, bytes(32))
    assert again.add_checkpoint(Submission(size, [], fork).as_body(), NOW).status == 422
    longer = signed(book, size + 1, bytes(32))
    assert again.add_checkpoint(Submission(size, [bytes(32)], longer).as_body(), NOW).status == 422
    assert again.add_checkpoint(Submission(size + 9, [], longer).as_body(), NOW).status == 400
    book.grow(10)
    assert again.add_checkpoint(book.submission(size), NOW).status == 200
    again.close()


def test_it_refuses_what_it_should_not_sign(book: Book, other_book: Book, witness: Witness) -> None:
    book.grow(5)
    other_book.grow(5)
    good = book.submission(0)
    tampered = book.proofs.note().replace("\n5\n", "\n6\n")
    bad = {
        404: [other_book.submission(0)],
        403: [Submission(0, [], tampered).as_body()],
        422: [Submission(0, [bytes(32)], book.proofs.note()).as_body(),
              Submission(0, [], signed(book, 0, bytes(32))).as_body()],
        400: ["", "old\n\n", good.replace("old 0", "old 00"), good.replace("old 0", "old -1"), "old 0\nAA==" + good[5:],
              "old 0\n" + "A" * 43 + "=\n" * 64 + good[5:], good[:-30], good.replace("old 0", "old 9")],
    }  # fmt: skip
    for status, bodies in bad.items():
        for body in bodies:
            answer = witness.add_checkpoint(body, NOW)
            assert (answer.status, answer.body[-1:]) == (status, "\n"), body
    assert witness.checkpoint(origin_hash(book.key.name)).status == 404
    assert witness.add_checkpoint(good, NOW).status == 200


def test_many_at_once_never_make_it_sign_two_histories(book: Book, witness: Witness) -> None:
    book.grow(40)
    bodies = [Submission(0, [], signed(book, 40, bytes([number]) * 32)).as_body() for number in range(8)]
    answers: list[int] = []
    threads = [threading.Thread(target=lambda b=body: answers.append(witness.add_checkpoint(b, NOW).status))
               for body in bodies]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7


@pytest.fixture
def served(witness: Witness) -> Iterator[tuple[str, int]]:
    server = WitnessServer(("127.0.0.1", 0), witness)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address
    server.shutdown()
    server.server_close()
    thread.join()


def test_over_http(book: Book, served: tuple[str, int]) -> None:
    book.grow(5)
    link = http.client.HTTPConnection(*served, timeout=5)

    def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        link.request(method, path, body, headers)
        answer = link.getresponse()
        return answer.status, answer.read()

    status, line = ask("POST", "/add-checkpoint", book.submission(0).encode())
    assert (status, line[:4]) == (200, "\u2014 ".encode())
    assert ask("POST", "/add-checkpoint", book.submission(0).encode()) == (409, b"5\n")
    assert ask("GET", f"/{origin_hash(book.key.name)}/checkpoint")[0] == 200
    assert ask("GET", f"/{'0' * 64}/checkpoint")[0] == ask("GET", "/etc")[0] == ask("POST", "/x", b"")[0] == 404
    assert ask("POST", "/add-checkpoint", b"\xff")[0] == 400
    assert ask("POST", "/add-checkpoint", b"", **{"Content-Length": "999999"})[0] == 413


class Keeper:
    """What the audit asks of the keeper, answered by a log in this process."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def ask(self, request: object, expected: type) -> object:
        if isinstance(request, protocol.Consistency):
            return protocol.ProofIs(self.book.log.consistency(request.old, request.size))
        return self.book.proofs.answers[type(request)](request)


def test_our_log_gets_cosigned_and_keeps_the_signature(
    book: Book, witness: Witness, served: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.audit.queries.keeper_for", lambda: Keeper(book))
    outside = (OutsideWitness(key_of(witness), f"http://{served[0]}:{served[1]}"),)
    submitter = actions.Submitter()
    for _ in range(3):
        book.grow(60)
        assert submitter.ask_now(outside) == {"witness.example/w1": "cosigned"}
        assert verifier.cosignatures_of(book.proofs.note(), [key_of(witness)])
    fresh = actions.Submitter()  # as in a new process, which asks how far the witness is
    assert fresh.ask_now(outside) == {"witness.example/w1": "cosigned"}
    book.grow(1)
    assert not verifier.cosignatures_of(book.proofs.note(), [key_of(witness)])
    assert actions.Submitter().ask_now(outside) == {"witness.example/w1": "cosigned"}


def test_a_witness_that_lies_or_is_away_is_reported_and_not_kept(
    book: Book, witness: Witness, served: tuple[str, int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("cityloom.audit.queries.keeper_for", lambda: Keeper(book))
    book.grow(3)
    other = Witness(tmp_path / "other-witness", [], "witness.example/w2")
    liar = OutsideWitness(key_of(other), f"http://{served[0]}:{served[1]}")
    away = OutsideWitness(Key("w3", bytes(4), WITNESS_KEY, bytes(32)), "http://127.0.0.1:1")
    other.close()
    outcome = actions.Submitter().ask_now((liar, away))
    assert "signature of its own" in outcome["witness.example/w2"]
    assert outcome["w3"] != "cosigned"
    assert len(verifier.split_note(book.proofs.note())[1]) == 1


def test_the_keeper_keeps_only_what_looks_like_a_signature(book: Book) -> None:
    book.grow(3)
    keeper, good = Keeper(book), book.proofs.note().splitlines(keepends=True)[-1]
    assert keeper.ask(protocol.AddCosignatures(2, [good.replace("cityloom", "elsewhere")]), protocol.Done).count == 1
    assert "elsewhere" in book.proofs.note(2)
    assert "elsewhere" not in book.proofs.note()
    for size, lines in ((3, ["x\n"]), (3, [good[:-1]]), (3, ["\n" + good]), (3, [good + good]), (4, [good])):
        with pytest.raises(Refused):
            keeper.ask(protocol.AddCosignatures(size, lines), protocol.Done)


def test_the_file_of_witnesses_is_read_strictly(witness: Witness, book: Book) -> None:
    good = {"witnesses": [{"key": witness.vkey, "url": "https://w.example/x/"}], "logs": [book.key.vkey]}
    found = read_watching(good)
    assert (found.witnesses[0].url, found.logs[0].name) == ("https://w.example/x", book.key.name)
    assert read_watching(None).logs == ()
    for bad in (
        [], {"more": 1}, {"logs": "x"}, {"logs": ["x"]}, {"logs": [witness.vkey]}, {"logs": [book.key.vkey] * 2},
        {"witnesses": [{"key": witness.vkey}]}, {"witnesses": [{"key": book.key.vkey, "url": "https://w.example"}]},
        {"witnesses": [{"key": witness.vkey, "url": "file:///etc/passwd"}]},
        {"logs": [book.key.vkey] * 17},
    ):  # fmt: skip
        with pytest.raises(Refused) as refusal:
            read_watching(bad)
        assert refusal.value.code == "audit.bad_witnesses"
