"""A process that reads and checks its batches of a file, and ends with the one that started it; it knows no Django."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

from cityloom.kernel.refused import Refused
from cityloom.registers.loading import crew
from cityloom.registers.loading.reading import in_columns


def main(descriptor: str) -> None:
    """Send batch after batch; sending waits until they are wanted."""
    over = (BrokenPipeError, ConnectionResetError, crew.MemberFailed)
    with socket.socket(fileno=int(descriptor)) as link, suppress(*over):
        orders: crew.Orders = crew.receive(link)
        try:
            for batch in in_columns(orders.table, orders.checks, orders.asked, orders.key):
                crew.send(link, orders.then(batch) if orders.then else batch)
            crew.send(link, None)
        except Refused as refused:
            crew.send(link, crew.refusal(refused))


if __name__ == "__main__":
    main(sys.argv[1])
