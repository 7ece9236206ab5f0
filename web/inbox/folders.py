"""受信フォルダ: where the files of a municipality appear, and what a folder claims about them.

``inbox/CODE/`` with ``konbini/``, ``eltax/``, ``debit/``, ``bank/`` and ``advice/`` below it, all
of them optional: a folder is what the sender claims, the content decides. Where the installation
serves one municipality, its files may also lie in the inbox itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import ConfigurationError
from reconcile.model import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from web.config import Settings

CLAIMS = tuple(
    str(channel)
    for channel in (Channel.KONBINI, Channel.ELTAX, Channel.DEBIT, Channel.BANK, Channel.ADVICE)
)
TOP = "."  # the folder itself, in KOKIN_INBOX_MARKERS
EVERY = "*"


class Place(NamedTuple):
    """置き場: one folder, the channel it claims ("" claims nothing), and its done-marker."""

    folder: Path
    claim: str
    marker: str  # ".done": NAME counts when NAME.done is there; "": no marker is waited for


def inbox_of(settings: Settings, municipality_code: str) -> Path:
    """受信フォルダ of one municipality."""
    return settings.inbox_folder / municipality_code


def places(settings: Settings, municipality_code: str, *, alone: bool) -> list[Place]:
    """Every folder to look into; with ``alone`` the inbox itself belongs to this municipality.

    Raises :class:`ConfigurationError` ``inbox_markers``.
    """
    markers = markers_of(settings)
    roots = [inbox_of(settings, municipality_code)]
    if alone:
        roots.insert(0, settings.inbox_folder)
    return [
        Place(
            root / claim if claim else root,
            claim,
            markers.get(claim or TOP, markers.get(EVERY, "")),
        )
        for root in roots
        for claim in ("", *CLAIMS)
    ]


def make_folders(settings: Settings, municipality_code: str) -> None:
    """受信フォルダを作る: the folder of a municipality and those of its channels.

    Raises :class:`ConfigurationError` ``home``.
    """
    root = inbox_of(settings, municipality_code)
    try:
        for claim in CLAIMS:
            (root / claim).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError("home", found=str(error), path=str(root)) from error


def markers_of(settings: Settings) -> dict[str, str]:
    """終了印 by folder: ``konbini:.done,debit:.end``; ``.`` is the inbox itself, ``*`` all others.

    Raises :class:`ConfigurationError` ``inbox_markers``.
    """
    found: dict[str, str] = {}
    for part in filter(None, (text.strip() for text in settings.inbox_markers.split(","))):
        folder, separator, marker = part.partition(":")
        if folder not in {*CLAIMS, TOP, EVERY} or not separator or not marker.startswith("."):
            raise ConfigurationError("inbox_markers", found=part)
        found[folder] = marker
    return found
