"""The verifier in the browser says what the one in Python says, about good bundles and changed ones."""

from __future__ import annotations

import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cityloom.audit import views
from cityloom.drills.domain.log_mutations import mutated_bundle
from cityloom.keeper import verifier
from cityloom.keeper.verifier import WITNESS_KEY, Invalid
from cityloom.keeper.witness import Witness
from tests.audit.conftest import Book
from tests.audit.test_bundle import change, cosigned

SCRIPT = Path(views.__file__).parent / "static" / "audit" / "verify.js"
DRIVER = """
const { verifyBundle, Invalid } = require(process.argv[1]);
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
(async () => {
  const said = [];
  for (const { bundle, key, witnesses } of cases) {
    try {
      const found = await verifyBundle(bundle, key, witnesses);
      const places = found.entries.map((each) => each.index);
      said.push({ size: found.checkpoint.size, cosigned: found.cosigned, places });
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      said.push(error.code);
    }
  }
  console.log(JSON.stringify(said));
})();
"""
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node, to run the page's script")


def in_javascript(cases: list[dict[str, object]]) -> list[object]:
    """What the browser's verifier says of each case."""
    command = ["node", "-e", DRIVER, str(SCRIPT)]
    outcome = subprocess.run(command, input=json.dumps(cases), capture_output=True, text=True)
    assert outcome.returncode == 0, outcome.stderr
    return json.loads(outcome.stdout)


def in_python(case: dict[str, object]) -> object:
    """What the other verifier says, in the same words."""
    try:
        witnesses = [verifier.read_key(vkey, (WITNESS_KEY,)) for vkey in case["witnesses"]]
        report = verifier.verify_bundle(case["bundle"], verifier.read_key(case["key"]), witnesses)
    except Invalid as reason:
        return reason.code
    return {
        "size": report.checkpoint.size, "places": [each.index for each in report.entries],
        "cosigned": [{"witness": each.witness, "time": each.time_s} for each in report.cosignatures],
    }  # fmt: skip


def test_both_verifiers_agree(book: Book, other_book: Book, witness: Witness) -> None:
    book.grow(300)
    other_book.grow(3)
    key, rng = book.key.vkey, random.Random(3)
    good = book.bundle(0, 255, 256, 299, note=cosigned(book, witness))
    text = good["entries"][0]["leaf"]
    strange = [
        good | {"version": 2}, good | {"more": 1}, change(good, salt="AB" * 16), change(good, index=True),
        change(good, leaf=" " + text), change(good, leaf=text.replace("{", '{"a":1,"a":1,', 1)),
        change(good, leaf='{"a":1.0}'), change(good, leaf='{"a":9007199254740993}'), change(good, leaf='{"a":-0}'),
        change(good, leaf='{"a":"\\ud800"}'), change(good, leaf='{"a":"\\u007f"}'), change(good, leaf="null"),
        other_book.bundle(1), {}, [], "x",
    ]  # fmt: skip
    cases = [{"bundle": each, "key": key, "witnesses": [witness.vkey]} for each in (good, *strange)]
    cases += [{"bundle": mutated_bundle(good, rng), "key": key, "witnesses": [witness.vkey]} for _ in range(300)]
    cases += [{"bundle": good, "key": wrong, "witnesses": []} for wrong in ("", key[:-3], witness.vkey, key.upper())]
    cases += [{"bundle": book.bundle(1), "key": key, "witnesses": each} for each in ([], [witness.vkey], [key])]
    said = in_javascript(cases)
    assert said == [in_python(case) for case in cases]
    assert [type(each) for each in said].count(dict) == 2


def test_it_can_say_everything_in_both_languages() -> None:
    driver = "const m = require(process.argv[1]); console.log(JSON.stringify([m.SENTENCES, m.WORDS]))"
    outcome = subprocess.run(["node", "-e", driver, str(SCRIPT)], capture_output=True, text=True, check=True)
    sentences, words = json.loads(outcome.stdout)
    for english, chinese in [*sentences.values(), *words.values()]:
        assert english
        assert re.search(r"[\u4e00-\u9fff]", chinese) or chinese == "English"
        assert english.count("{n}") == chinese.count("{n}")
    codes = set(re.findall(r'Invalid\(\s*"([a-z_.]+)"', Path(verifier.__file__).read_text()))
    assert codes - set(sentences) == {"bundle.unreadable"}
