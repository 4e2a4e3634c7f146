"""Who says of what category a report is, when it is left to a person, and what its card claims."""

import io
import pickle
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.cases import queries
from cityloom.cases.domain.madeup.texts import texts
from cityloom.cases.domain.madeup.wordings import LANGUAGES, vocabulary
from cityloom.cases.domain.routing import classifier, curve, fitting, training
from cityloom.cases.domain.routing.categories import apart, shipped
from cityloom.kernel.refused import Refused

FEW = ["street-lamp", "no-water", "rats"]


@pytest.mark.parametrize(("text", "category"), [
    ("The street lamp outside number 12 does not come on at night", "street-lamp"),
    ("建设路12号门口的路灯不亮", "street-lamp"),
    ("our lift got stuck betwen floors agian", "lift-broken"),
    ("小区里有很多老鼠，需要消杀", "rats"),
])  # fmt: skip
def test_a_plain_report_gets_its_category(text: str, category: str) -> None:
    model = queries.shipped_classifier()
    said = model.predict(text)
    assert said.category == category
    assert model.routes(said)


@pytest.mark.parametrize("text", ["", "please do something", "这里到底归谁管", "1234", "\u0000\ufffd", "Quid est hoc"])
def test_what_says_nothing_is_left_to_a_person(text: str) -> None:
    model = queries.shipped_classifier()
    assert not model.routes(model.predict(text))


def test_the_card_keeps_its_word_on_texts_that_nobody_has_seen() -> None:
    model = queries.shipped_classifier()
    fresh = texts(800, list(shipped()), 99, "test")
    found = training.tested(model, (fresh.texts, fresh.categories))
    assert found["routed"] >= 0.8
    assert found["precision"] >= 0.95
    assert found["calibration_error"] <= 0.05
    assert model.card["test"]["routed"] >= 0.8
    assert model.card["test"]["precision"] >= 0.97
    assert model.card["test"]["calibration_error"] <= 0.03
    assert model.card["synthetic"] is True


def test_the_printed_card_is_that_of_the_classifier() -> None:
    printed = Path("docs/reference/model-card-routing.md").read_text(encoding="utf-8")
    assert printed == queries.card_of(queries.shipped_classifier())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_wording_is_in_two_parts(language: str) -> None:
    parts = [vocabulary(language, part) for part in ("train", "tune", "test")]
    for category in shipped():
        for words in ("things", "troubles"):
            said = [one for part in parts for one in getattr(part, words)[category]]
            assert len(said) == len(set(said)), (category, words)
    for around in ("frames", "places", "streets", "vague"):
        said = [one for part in parts for one in part.around[around]]
        assert len(said) == len(set(said))


def test_predicting_does_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    model = classifier.from_bytes(classifier.SHIPPED.read_bytes())
    assert model.predict("水管爆了").category == "water-burst"


def test_the_same_texts_make_the_same_file() -> None:
    made = texts(600, FEW, 1, "train")
    again = [fitting.fit((made.texts[:450], made.categories[:450]), (made.texts[450:], made.categories[450:]), {})
             for _ in range(2)]  # fmt: skip
    first, second = map(classifier.to_bytes, again)
    assert first == second
    assert classifier.from_bytes(first).predict(made.texts[0]) == again[0].predict(made.texts[0])


def test_too_few_texts_are_refused_with_the_number_that_is_wanted() -> None:
    with pytest.raises(Refused) as refused:
        queries.trained([("no light", "street-lamp"), ("no water", "no-water")] * 20, "small", training.clock.now())
    assert refused.value.code == "cases.few_texts"
    assert refused.value.limit == 200


def test_a_file_with_code_in_it_is_refused_and_not_run() -> None:
    arrays, held = io.BytesIO(), io.BytesIO()
    np.savez(arrays, idf=np.array([pickle.dumps, None], dtype=object))
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("card.json", "{}")
        file.writestr("arrays.npz", arrays.getvalue())
    with pytest.raises(Refused) as refused:
        queries.classifier_of(held.getvalue())
    assert refused.value.code == "cases.classifier_broken"


@given(st.integers(0, 480_000), st.binary(min_size=1, max_size=40))
def test_a_damaged_file_is_refused_or_the_same(at: int, damage: bytes) -> None:
    whole = classifier.SHIPPED.read_bytes()
    try:
        model = queries.classifier_of(whole[:at] + damage + whole[at + len(damage) :])
    except Refused as refusal:
        assert refusal.code == "cases.classifier_broken"
    else:
        assert np.array_equal(model.weights, queries.shipped_classifier().weights)


def test_the_calibration_error_is_that_of_the_definition() -> None:
    said, right = np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, False, False])
    assert curve.calibration_error(said, right, bins=10) == pytest.approx(0.5 * 0.4 + 0.5 * 0.1)
    assert curve.threshold_for(said, right, 0.5) == 0.9


def test_categories_know_their_kin() -> None:
    assert [apart("pothole", other) for other in ("pothole", "manhole-cover", "street-lamp", "rats", "none")] == [
        0, 1, 2, 3, 3]  # fmt: skip
