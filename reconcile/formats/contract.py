"""How a file format plugs in (ファイル形式の差し込み口).

A format is one module with one object in :data:`reconcile.formats.FORMATS`. ``identify`` looks at
content only (never at the file name). Exactly one format must claim a file: none, or two, is a
refusal that names the candidates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
