"""What a register knows people's numbers by: the same for ever, whatever the keeper that gave it was."""

from __future__ import annotations

import hashlib
import hmac

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.cmac import CMAC

from cityloom.keeper import keyed_numbers, protocol, store
from cityloom.kernel.actor import SYSTEM
from tests.keeper.conftest import Office

SECRET = bytes(range(32))
BOTH = pytest.mark.parametrize("form", [keyed_numbers.BY_HASH, keyed_numbers.BY_BLOCKS])


def tokens(form: int, *numbers: bytes, source: str = "police") -> list[int]:
    width = max(map(len, numbers), default=1)
    rows = np.array(numbers, f"S{width}").view(np.uint8).reshape(len(numbers), width)
    return keyed_numbers.tokens(form, SECRET, source, rows).tolist()


def cmac(key: bytes, message: bytes) -> int:
    code = CMAC(AES256(key))
    code.update(message)
    return int.from_bytes(code.finalize()[:8], "little", signed=True)


def test_both_forms_are_the_standard_codes() -> None:
    short, long = b"P000000001", b"x" * 200
    hashed = hmac.digest(SECRET, b"police\x00" + short, "sha256")
    assert tokens(keyed_numbers.BY_HASH, short) == [int.from_bytes(hashed[:8], "little", signed=True)]
    keys = [hmac.digest(SECRET, name + b"\x00police", "sha256") for name in (b"short", b"long")]
    assert tokens(keyed_numbers.BY_BLOCKS, short, long) == [
        cmac(keys[0], short.ljust(32, b"\x00")), cmac(keys[1], hashlib.sha256(long).digest()),
    ]  # fmt: skip


@BOTH
def test_no_two_numbers_share_a_token_whatever_company_they_come_in(form: int) -> None:
    numbers = [b"1", b"11", b"1" * 32, b"1" * 33, b"1" * 256, hashlib.sha256(b"1" * 33).digest(), b"2"]
    together = tokens(form, *numbers)
    assert len(set(together)) == len(numbers)
    assert [tokens(form, number)[0] for number in numbers] == together
    assert not set(together) & set(tokens(form, *numbers, source="school"))
    assert tokens(form) == []


def test_a_keeper_of_an_earlier_version_gives_what_it_gave(office: Office) -> None:
    def given() -> list[int]:
        reply = office.ask(protocol.RegisterTokens(office.sign(SYSTEM), "police", 2, b"P1P2"), protocol.TokensAre)
        return np.frombuffer(reply.tokens, "<i8").tolist()

    fresh = given()
    office.again()
    assert given() == fresh
    with store.connect(office.folder) as database:
        database.execute("DROP TABLE keyed_numbers")
    office.again()
    first = given()
    assert not set(first) & set(fresh)
    office.again()
    assert given() == first


@pytest.mark.parametrize(("width", "numbers"), [(2, b"P1P"), (2, b"P1\x002"), (1, b"x" * (protocol.MAX_BATCH + 1))])
def test_a_run_that_is_none_of_numbers_is_refused(office: Office, width: int, numbers: bytes) -> None:
    assert office.refused(protocol.RegisterTokens(office.sign(SYSTEM), "police", width, numbers)) == "gate.bad_request"
