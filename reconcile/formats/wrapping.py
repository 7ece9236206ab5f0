"""ファイルの外形: how the records of one file are held together, byte for byte.

What stands between and around the records says nothing about payments, but a file that is parsed
and written back must be the very bytes that were delivered. So it is remembered apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BOM = b"\xef\xbb\xbf"
END_OF_FILE = b"\x1a"


@dataclass(frozen=True)
class Wrapping:
    """ファイルの外形: what stands before, between and behind the records."""

    newline: bytes = b"\r\n"
    closed: bool = True  # the last record has its line end too
    end_of_file: bool = False  # a final 0x1A (files.md 1.6)
    bom: bool = False  # EF BB BF in front (files.md 3.1)

    def join(self, rows: Iterable[bytes]) -> bytes:
        """The whole file from its records."""
        body = self.newline.join(rows)
        closing = self.newline if body and self.closed else b""
        opening = BOM if self.bom else b""
        return opening + body + closing + (END_OF_FILE if self.end_of_file else b"")
