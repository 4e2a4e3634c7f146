"""A sealing process of the keeper: batches come from the server over an inherited socket, envelopes go back.

It ends when the server does: its socket is then at an end.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import numpy as np

from cityloom.keeper import protocol, record, wire
from cityloom.keeper.protocol import Sealed, Work
from cityloom.keeper.vault import Vault


def seal(vault: Vault, work: Work) -> Sealed:
    """Seal one batch into the slots that the server reserved for it."""
    records = np.frombuffer(work.records, np.uint8).reshape(-1, record.RECORD.itemsize)
    subjects, envelopes = vault.seal(work.first_slot, records, np.frombuffer(work.traits, "<u2"))
    return Sealed(work.number, subjects.tobytes(), envelopes, vault.key_id, record.FIELD_SET)


def main(folder: str, descriptor: str) -> None:
    """Work until the server hangs up."""
    vault = Vault(Path(folder))
    with socket.socket(fileno=int(descriptor)) as link:
        while (body := wire.receive(link)) is not None:
            wire.send(link, seal(vault, protocol.read_work(body)))


if __name__ == "__main__":
    wire.keep_memory_private()
    main(*sys.argv[1:])
