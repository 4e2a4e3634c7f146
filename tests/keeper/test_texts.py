"""Free texts of a matter: sealed for it, opened for it, and for nobody who works on none."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.keeper import protocol
from tests.examples import a_third_of
from tests.keeper.conftest import CLERK, COMMANDER, RESIDENT, Office


def seal(office: Office, matter: str, *texts: bytes) -> list[bytes]:
    asked = protocol.SealTexts(office.sign(COMMANDER), matter, list(texts))
    return [text for text in office.ask(asked, protocol.TextsAre).texts if text is not None]


def unseal(office: Office, matter: str, *sealed: bytes) -> list[bytes | None]:
    return office.ask(protocol.OpenTexts(office.sign(CLERK), matter, list(sealed)), protocol.TextsAre).texts


def test_a_text_comes_back_for_its_matter_only(office: Office) -> None:
    words = "封控已完成".encode()
    sealed = seal(office, "INCIDENT-1", words, words)
    assert words not in b"".join(sealed)
    assert sealed[0] != sealed[1], "equal texts do not look equal"
    assert unseal(office, "INCIDENT-1", *sealed) == [words, words]
    assert unseal(office, "INCIDENT-2", *sealed) == [None, None]


def test_texts_of_many_matters_are_sealed_in_one_call_each_for_its_own(office: Office) -> None:
    asked = protocol.SealMatters(office.sign(COMMANDER), ["A", "B"], [b"one", b"two"])
    first, second = (text for text in office.ask(asked, protocol.TextsAre).texts if text is not None)
    assert [unseal(office, "A", first), unseal(office, "B", second)] == [[b"one"], [b"two"]]
    assert unseal(office, "A", second) == [None]
    for who, matters in ((RESIDENT, ["A"]), (COMMANDER, ["A", ""]), (COMMANDER, ["A", "B"])):
        refused = protocol.SealMatters(office.sign(who), matters, [b"x"])
        assert office.refused(refused) == "gate.not_allowed"


def test_it_comes_back_after_a_restart_and_a_change_of_the_key(office: Office) -> None:
    sealed = seal(office, "INCIDENT-1", b"cordon")
    office.desk.vault.rotate()
    office.again()
    assert unseal(office, "INCIDENT-1", *sealed) == [b"cordon"]


@settings(max_examples=a_third_of(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_text_does_not_open(office: Office, data: st.DataObject) -> None:
    (sealed,) = seal(office, "M", b"cordon")
    at = data.draw(st.integers(0, len(sealed) - 1))
    changed = bytearray(sealed)
    changed[at] ^= data.draw(st.integers(1, 255))
    cut = sealed[: data.draw(st.integers(0, len(sealed) - 1))]
    assert unseal(office, "M", bytes(changed), cut) == [None, None]


@pytest.mark.parametrize("matter", ["", "M"])
def test_residents_seal_and_open_nothing(office: Office, matter: str) -> None:
    (sealed,) = seal(office, "M", b"cordon")
    who = office.sign(RESIDENT)
    assert office.refused(protocol.SealTexts(who, matter, [b"x"])) == "gate.not_allowed"
    assert office.refused(protocol.OpenTexts(who, matter, [sealed])) == "gate.not_allowed"
