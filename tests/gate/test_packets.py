"""What people without a register entry entrust to the city: sealed, apart from residents, gone when erased."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import pytest

from cityloom.gate import actions, models, queries
from cityloom.keeper import protocol
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.gate.test_gate import COMMANDER, STEWARD, people

pytestmark = pytest.mark.django_db
PURPOSE = "problem-reports"
OFFICER = Actor("officer-1", "city", frozenset({"duty-officer"}))
OTHER = Actor("officer-2", "city", frozenset({"duty-officer"}))
PARTS = {
    "words": "井盖坏了".encode(), "contact": b"li@example.org", "photo-1": b"\xff\xd8" * 9, "photo-2": b"\xff\xd9" * 9,
}  # fmt: skip


@contextmanager
def refused(code: str) -> Iterator[None]:
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.code == code


def kept(**over: object) -> int:
    values = {"by": SYSTEM, "at": clock.now(), "purpose": PURPOSE, "parts": PARTS} | over
    packet = actions.seal_packet(**values)
    actions.keep_packets([packet])
    return packet.id


def granted(packet: int, purpose: str = PURPOSE, fields: tuple[str, ...] = ("words", "photo"), **over: object) -> str:
    values = {"by": SYSTEM, "at": clock.now(), "purpose": purpose, "subjects": [packet], "fields": fields,
              "holder": OFFICER.account, "until": clock.now() + timedelta(hours=1)} | over  # fmt: skip
    return actions.grant(**values)


def opened(packet: int, grant: str, by: Actor = OFFICER, fields: tuple[str, ...] = ("words", "photo")) -> dict:
    return actions.open_packets(by=by, at=clock.now(), grant_id=grant, packets=[packet], fields=fields)


def place(lon: float, lat: float) -> bytes:
    return json.dumps({"lon": lon, "lat": lat}).encode()


def square(lon: float, lat: float, half: float) -> bytes:
    return np.array([[lon - half, lat - half], [lon + half, lat - half], [lon + half, lat + half],
                     [lon - half, lat + half]], "<f8").tobytes()  # fmt: skip


def test_only_the_granted_fields_open_and_only_for_the_holder(keeper: actions.Running) -> None:
    packet = kept()
    grant = granted(packet)
    found = opened(packet, grant)[packet]
    assert found == {name: PARTS[name] for name in ("words", "photo-1", "photo-2")}
    with refused("gate.not_granted"):
        opened(packet, grant, fields=("contact",))
    with refused("gate.not_allowed"):
        opened(packet, grant, by=OTHER)


def test_packets_that_are_sealed_in_a_run_open_one_by_one(keeper: actions.Running) -> None:
    """As owners in a department's file are: of different lengths, and of them nothing else is ever searched for."""
    said = [b"{}", "住在海天路".encode(), b"x" * 1_000]
    whom = {"by": SYSTEM, "at": clock.now(), "purpose": "register-parties"}
    packets, sealed = actions.seal_parts(**whom, name="party", parts=said)
    assert len(set(packets)) == len(said)
    assert not any(part in bytes(whole) for part, whole in zip(said[1:], sealed[1:], strict=True))
    rows = [models.SealedPart(packet=packet, name="party", sealed=part)
            for packet, part in zip(packets, sealed, strict=True)]  # fmt: skip
    models.SealedPart.objects.bulk_create(rows)
    for packet, plain in zip(packets, said, strict=True):
        grant = granted(packet, "register-parties", ("party",), holder=STEWARD.account)
        assert opened(packet, grant, by=STEWARD, fields=("party",)) == {packet: {"party": plain}}
    actions.erase_packets(**whom, packets=packets[:1])
    with refused("gate.nobody"):
        granted(packets[0], "register-parties", ("party",), holder=STEWARD.account)


@pytest.mark.parametrize(("lengths", "parts"), [([], b""), ([3], b"ab"), ([-1, 3], b"ab"), ([1, 2], b"ab")])
def test_a_run_whose_lengths_are_not_its_parts_is_refused(
    lengths: list[int], parts: bytes, keeper: actions.Running
) -> None:  # fmt: skip
    client = queries.keeper_for()
    run = np.array(lengths, "<i4").tobytes(), parts
    with refused("gate.bad_request"):
        client.ask(protocol.SealRun(client.sign(SYSTEM), "register-parties", "party", *run), protocol.RunSealed)


def test_nothing_of_a_packet_is_readable_in_the_database(keeper: actions.Running) -> None:
    packet = kept()
    stored = b"".join(bytes(row.sealed) for row in models.SealedPart.objects.filter(packet=packet))
    assert len(stored) > len(b"".join(PARTS.values()))
    assert not any(part in stored for part in PARTS.values())


def test_a_packet_is_no_resident(keeper: actions.Running) -> None:
    packet = kept()
    with refused("gate.nobody"):
        actions.grant(by=COMMANDER, at=clock.now(), purpose=queries.EMERGENCY, subjects=[packet], fields=["name"],
                      holder="w", until=clock.now() + timedelta(hours=1), incident_id="I")  # fmt: skip
    with refused("gate.unknown_subject"):
        actions.erase(by=STEWARD, at=clock.now(), subject=packet)


def test_a_resident_is_no_packet(keeper: actions.Running) -> None:
    with actions.sealing(by=SYSTEM, at=clock.now(), workers=1) as sealer:
        resident = int(sealer.seal(people(1)).subjects[0])
    with refused("gate.nobody"):
        granted(resident)


def test_an_erased_packet_never_opens_again(keeper: actions.Running) -> None:
    packet, other = kept(words=[b"w"]), kept(words=[b"w"])
    rows = list(models.SealedPart.objects.filter(packet=packet))
    grant = granted(packet)
    actions.erase_packets(by=SYSTEM, at=clock.now(), purpose=PURPOSE, packets=[packet])
    assert not models.SealedPart.objects.filter(packet=packet).exists()
    models.SealedPart.objects.bulk_create(rows)  # a backup of the database brings the ciphertext back, not the key
    assert opened(packet, grant) == {}
    assert actions.find_packets(by=SYSTEM, at=clock.now(), purpose=PURPOSE, words=[b"w"]) == [other]


def test_a_packet_is_erased_for_its_own_purpose_only(keeper: actions.Running) -> None:
    packet = kept()
    actions.erase_packets(by=SYSTEM, at=clock.now(), purpose="place-alerts", packets=[packet])
    grant = granted(packet)
    assert opened(packet, grant) == {}  # the row is gone from the city, but the key was not touched


def test_a_packet_sealed_for_one_purpose_does_not_open_for_another(keeper: actions.Running) -> None:
    packet = kept(purpose="place-alerts", parts={"address": b"a", "place": place(114, 22)})
    grant = granted(packet)
    assert opened(packet, grant) == {}


def test_only_places_inside_the_region_open(keeper: actions.Running) -> None:
    here, away = (kept(purpose="place-alerts", parts={"address": b"a", "place": place(x, 22.5)}) for x in (114, 115))
    district = kept(purpose="place-alerts", parts={"address": b"d", "place": json.dumps({"area": "area-7"}).encode()})
    all_of_them = [here, away, district]
    grant = actions.grant(
        by=SYSTEM, at=clock.now(), purpose="place-alerts", subjects=all_of_them, fields=["address"],
        holder=SYSTEM.account, until=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    region = actions.Region([square(114, 22.5, 0.01)], ["area-7"])
    found = actions.open_packets(by=SYSTEM, at=clock.now(), grant_id=grant, packets=all_of_them, fields=["address"],
                                 region=region)  # fmt: skip
    assert found == {here: {"address": b"a"}, district: {"address": b"d"}}


def test_words_are_found_for_their_own_purpose_by_the_city_alone(keeper: actions.Running) -> None:
    packet = kept(words=[b"cell-1", b"cell-2"])
    assert actions.find_packets(by=SYSTEM, at=clock.now(), purpose=PURPOSE, words=[b"cell-2", b"x"]) == [packet]
    assert actions.find_packets(by=SYSTEM, at=clock.now(), purpose="place-alerts", words=[b"cell-2"]) == []
    with refused("gate.not_allowed"):
        actions.find_packets(by=OFFICER, at=clock.now(), purpose=PURPOSE, words=[b"cell-2"])


def test_what_is_too_large_or_of_no_field_is_not_sealed(keeper: actions.Running) -> None:
    with refused("gate.too_large"):
        kept(parts={"photo-1": b"x" * (8 * 1024 * 1024 + 1)})
    with refused("gate.not_allowed"):
        kept(parts={"address": b"not of this purpose"})
    with refused("gate.bad_request"):
        kept(parts={"Words": b""})


def test_who_stands_behind_a_register_entry_opens_for_stewards_and_case_handlers_alone(
    keeper: actions.Running,
) -> None:  # fmt: skip
    parts = {"party": '{"representative": "李雷雷"}'.encode()}
    packet = kept(purpose="register-parties", parts=parts)
    for who, may in ((STEWARD, True), (OFFICER, False)):
        grant = granted(packet, "register-parties", ("party",), holder=who.account)
        if may:
            assert opened(packet, grant, who, ("party",))[packet] == parts
        else:
            with refused("gate.not_allowed"):
                opened(packet, grant, who, ("party",))
