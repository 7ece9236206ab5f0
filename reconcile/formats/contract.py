"""How a file format plugs in (ファイル形式の差し込み口).

A format is one module with one object in :data:`reconcile.formats.FORMATS`. ``identify`` looks at
content only (never at the file name). Exactly one format must claim a file: none, or two, is a
refusal that names the candidates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconcile.formats.wrapping import Wrapping
    from reconcile.model import Channel, ReadContext, Reading


class Format(Protocol):
    """ファイル形式: identify by content, then read."""

    code: str  # stable, e.g. "konbini_dsk"
    label_ja: str
    channel: Channel
    sources: tuple[str, ...]  # keys of docs/sources.md

    def identify(self, data: bytes) -> bool:
        """Whether these bytes are this format; cheap, looks at the first record only."""
        ...

    def read(self, data: bytes, context: ReadContext) -> Reading:
        """Read the file lazily; never raises for what is wrong with it."""
        ...


class Rewritable(Protocol):
    """書き戻せる形式: an accepted file, taken apart and written back, is the same bytes.

    A row is a record in its parts, by the tables that reading uses; its shape is the format's own.
    """

    def take_apart(self, data: bytes) -> tuple[Wrapping, Iterator[Any]]:
        """The wrapping and every record of an accepted file, headers and trailers included."""
        ...

    def write(self, rows: Iterable[Any], wrapping: Wrapping) -> bytes:
        """The bytes of these records."""
        ...
