"""Parties of disputes with a keeper that runs: opened by the holder alone, asked about in one case alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cityloom.cases.domain.disputes import sides
from cityloom.cases.mediating.parties import PURPOSE
from cityloom.gate import actions
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

pytestmark = pytest.mark.django_db
MEDIATOR = Actor("mediator-1", "city/social", frozenset({"case-handler"}))
NUMBER = "440300199001011237"


def test_a_party_opens_for_its_mediator_and_is_known_in_its_case_alone(keeper: actions.Running) -> None:
    said, at = sides.said("one", "party", "Li Lei", "139 0000 0000", NUMBER, ""), clock.now()
    word = sides.word_in_case("CASE-1", NUMBER)
    packet = actions.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts=said.parts(), words=[word])
    actions.keep_packets([packet])
    assert not any(b"Li Lei" in bytes(part) for part in packet.sealed.values())
    grant = actions.grant(by=SYSTEM, at=at, purpose=PURPOSE, subjects=[packet.id], fields=["party"],
                          holder=MEDIATOR.account, until=at + timedelta(hours=1))  # fmt: skip

    def opened(by: Actor, fields: list[str]) -> dict[int, dict[str, bytes]]:
        return actions.open_packets(by=by, at=at, grant_id=grant, packets=[packet.id], fields=fields)

    assert sides.opened(opened(MEDIATOR, ["party"])[packet.id]).name == "Li Lei"
    for by, fields, code in (
        (MEDIATOR, ["contact"], "gate.not_granted"),
        (Actor("another", "city/social", frozenset({"case-handler"})), ["party"], "gate.not_allowed"),
    ):
        with pytest.raises(Refused) as refused:
            opened(by, fields)
        assert refused.value.code == code
    with pytest.raises(Refused):  # nobody but the city asks by a word
        actions.find_packets(by=MEDIATOR, at=at, purpose=PURPOSE, words=[word])
    found = [actions.find_packets(by=SYSTEM, at=at, purpose=PURPOSE, words=[sides.word_in_case(case, NUMBER)])
             for case in ("CASE-1", "CASE-2")]  # fmt: skip
    assert found == [[packet.id], []]
