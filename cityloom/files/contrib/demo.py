"""Scanners to try the way with: one that knows the harmless test file of the trade, and one that never answers."""

from __future__ import annotations

from cityloom.files.plugins import Scanner, ScannerAway

_TEST_FILE = (b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
"""In two pieces, so that this file is none. Source: eicar.org, "Anti Malware Testfile"."""


class DemoScanner(Scanner):
    """`demo:`: finds the EICAR test file and nothing else; it protects nobody."""

    def __init__(self, _address: str = "") -> None:
        self.name = "demo scanner"

    def found_in(self, content: bytes) -> str:
        return "EICAR-Test-File" if b"".join(_TEST_FILE) in content else ""


class AwayScanner(Scanner):
    """`demo-away:`: never answers."""

    def __init__(self, _address: str = "") -> None:
        self.name = "demo scanner that is away"

    def found_in(self, content: bytes) -> str:
        raise ScannerAway
