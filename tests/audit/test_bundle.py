"""A bundle verifies with the key from elsewhere, alone, and never after a change."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from cityloom.drills.domain.log_mutations import mutated_bundle
from cityloom.keeper import verifier
from cityloom.keeper.verifier import Invalid
from cityloom.keeper.witness import Witness
from tests.audit.conftest import FACTS, Book

MUTATIONS = 400
VERIFIER = Path(verifier.__file__)


def cosigned(book: Book, witness: Witness) -> str:
    """The log's checkpoint with a witness's signature under it."""
    answer = witness.add_checkpoint(book.submission(0), 1_800_000_000)
    assert answer.status == 200, answer
    return book.proofs.note() + answer.body


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700])
def test_any_entry_of_a_log_of_any_size_verifies(book: Book, size: int) -> None:
    book.grow(size)
    bundle = book.bundle(*{0, size // 2, size - 1})
    report = verifier.verify_bundle(json.loads(json.dumps(bundle)), book.key)
    assert report.checkpoint.size == size
    assert all(entry.leaf.items() >= FACTS.items() for entry in report.entries)


def test_it_fits_its_schema(book: Book) -> None:
    book.grow(5)
    schema = json.loads(resources.files("cityloom.audit").joinpath("bundle.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(book.bundle(0, 3), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(book.bundle(0) | {"more": 1}, schema)


def test_witnesses_that_are_named_must_have_signed(book: Book, witness: Witness, tmp_path: Path) -> None:
    book.grow(20)
    watched = verifier.read_key(witness.vkey, (verifier.WITNESS_KEY,))
    stranger = Witness(tmp_path / "stranger", [])
    other = verifier.read_key(stranger.vkey, (verifier.WITNESS_KEY,))
    stranger.close()
    note = cosigned(book, witness)
    report = verifier.verify_bundle(book.bundle(3, note=note), book.key, [watched])
    assert [(each.witness, each.time_s) for each in report.cosignatures] == [("witness.example/w1", 1_800_000_000)]
    assert verifier.verify_bundle(book.bundle(3, note=note), book.key, [watched, other], quorum=1).cosignatures
    for bundle, witnesses in ((book.bundle(3), [watched]), (book.bundle(3, note=note), [watched, other])):
        with pytest.raises(Invalid) as refusal:
            verifier.verify_bundle(bundle, book.key, witnesses)
        assert refusal.value.code == "bundle.unwitnessed"


def test_the_key_inside_the_bundle_is_not_believed(book: Book, other_book: Book) -> None:
    book.grow(3)
    other_book.grow(3)
    forged = other_book.bundle(1)
    assert verifier.verify_bundle(forged, other_book.key)
    with pytest.raises(Invalid) as refusal:
        verifier.verify_bundle(forged, book.key)
    assert refusal.value.code == "checkpoint.other_log"
    renamed = forged["checkpoint"].replace(other_book.key.name, book.key.name)
    with pytest.raises(Invalid) as refusal:
        verifier.verify_bundle(forged | {"checkpoint": renamed, "origin": book.key.name}, book.key)
    assert refusal.value.code == "checkpoint.unsigned"


def test_no_change_goes_unnoticed(book: Book, witness: Witness) -> None:
    book.grow(300)
    watched = [verifier.read_key(witness.vkey, (verifier.WITNESS_KEY,))]
    bundle = book.bundle(0, 100, 299, note=cosigned(book, witness))
    assert verifier.verify_bundle(bundle, book.key, watched)
    rng = random.Random(1)
    for number in range(MUTATIONS):
        changed = mutated_bundle(bundle, rng)
        with pytest.raises(Invalid):
            verifier.verify_bundle(changed, book.key, watched)
            pytest.fail(f"mutation {number} was not noticed")


def change(bundle: dict[str, Any], **entry: Any) -> dict[str, Any]:
    return bundle | {"entries": [bundle["entries"][0] | entry]}


def test_what_is_malformed_is_refused_with_a_sentence(book: Book) -> None:
    book.grow(4)
    good = book.bundle(1)
    text = good["entries"][0]["leaf"]
    bad: list[tuple[object, str]] = [
        ([], "bundle.malformed"), (good | {"version": 2}, "bundle.version"),
        (good | {"version": True}, "bundle.version"),
        (good | {"more": 1}, "bundle.malformed"), (good | {"entries": {}}, "bundle.malformed"),
        (good | {"notice": 3}, "bundle.malformed"), (good | {"entries": [None]}, "entry.malformed"),
        (change(good, index=True), "entry.malformed"), (change(good, index="1"), "entry.malformed"),
        (change(good, salt="AB" * 16), "entry.malformed"), (change(good, proof=["AAAA"]), "entry.malformed"),
        (change(good, proof=[good["entries"][0]["proof"][0]] * 64), "entry.malformed"),
        (change(good, index=-1), "entry.malformed"), (change(good, index=4), "entry.not_in_log"),
        (change(good, leaf=" " + text), "entry.not_canonical"), (change(good, leaf="[1]"), "entry.not_canonical"),
        (change(good, leaf=text.replace("{", '{"a":1,"a":1,', 1)), "entry.not_canonical"),
        (change(good, leaf='{"a":1.5}'), "entry.not_canonical"), (change(good, leaf="\ud800"), "entry.not_canonical"),
        (change(good, leaf="[" * 60_000), "entry.not_canonical"),
        (change(good, leaf='{"a":1e5}'), "entry.not_canonical"),
    ]  # fmt: skip
    for bundle, code in bad:
        with pytest.raises(Invalid) as refusal:
            verifier.verify_bundle(bundle, book.key)
        assert refusal.value.code == code, (refusal.value, code)
        assert str(refusal.value).endswith(".")


def test_the_one_file_needs_nothing_but_cryptography() -> None:
    found = set()
    for node in ast.walk(ast.parse(VERIFIER.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).split(".")[0])
    assert found - set(sys.stdlib_module_names) == {"cryptography"}


def test_the_one_file_runs_alone(book: Book, tmp_path: Path) -> None:
    book.grow(10)
    alone = tmp_path / "verifier.py"
    alone.write_bytes(VERIFIER.read_bytes())
    (tmp_path / "bundle.json").write_text(json.dumps(book.bundle(2, 7)))
    (tmp_path / "bad.json").write_text('{"format": "cityloom-bundle", "format": "cityloom-bundle"}')

    def run(name: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(alone), name, "--key", book.key.vkey, *more]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    words = run("bundle.json")
    assert words.returncode == 0, words.stderr
    assert "2 entries stand in the log" in words.stdout
    assert "emergency-assistance city/南山 social-worker name,phone" in words.stdout
    facts = json.loads(run("bundle.json", "--json").stdout)
    assert (facts["verifies"], facts["size"], [each["index"] for each in facts["entries"]]) == (True, 10, [2, 7])
    for name in ("bad.json", "none.json"):
        outcome = run(name)
        assert (outcome.returncode, outcome.stdout) == (1, "")
        assert "Does not verify (bundle." in outcome.stderr
