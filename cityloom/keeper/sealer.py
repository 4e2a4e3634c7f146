"""A sealing process of the keeper: seals batches where they lie in the load's shared memory, when the server says so.

It ends when the server does: its socket is then at an end.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from cityloom.keeper import protocol, record, wire
from cityloom.keeper.arena import Arena
from cityloom.keeper.protocol import Sealed, Work
from cityloom.keeper.vault import Vault


def seal(vault: Vault, arena: Arena, work: Work) -> Sealed:
    """Seal one batch into the slots that the server reserved for it."""
    place = arena.place(work.number, work.count)
    place.subjects[:], place.envelopes[:] = vault.seal(work.first_slot, place.records, place.traits)
    return Sealed(work.number, vault.key_id, record.FIELD_SET)


def main(folder: str, descriptor: str, memory: str) -> None:
    """Work until the server hangs up."""
    vault, arena = Vault(Path(folder), owner=False), Arena(int(memory))
    with socket.socket(fileno=int(descriptor)) as link:
        while (body := wire.receive(link)) is not None:
            wire.send(link, seal(vault, arena, protocol.read_work(body)))


if __name__ == "__main__":
    wire.keep_memory_private()
    main(*sys.argv[1:])
