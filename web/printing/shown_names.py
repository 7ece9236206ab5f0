"""印字できない文字: what paper shows for a character that no font of the installation has.

Only where the municipality says so (``[characters]`` of its settings); what was replaced stands in
the run's report, with its code points. Without that the slip is refused, as ever.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.characters import fallback, in_jis
from payments.store.personal import open_address
from qr.layout.fonts import FALLBACK, REGULAR, load_face

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from payments.domain.characters import Shown
    from payments.domain.profile import Profile

_OF_RUN = """
SELECT s.slip_no, o.obligor_no, o.name, o.address
FROM slip s
JOIN notice n ON n.municipality_code = :m AND n.notice_id = s.notice_id
JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no
WHERE s.municipality_code = :m AND s.slip_id IN (
    SELECT p.slip_id FROM print_run_slip p WHERE p.municipality_code = :m AND p.run_id = :run_id
) ORDER BY s.slip_no"""


class Replaced(NamedTuple):
    """置換え: a slip of a run, a field on it, and one character that stands for another."""

    slip_no: str
    field: str
    shown: Shown


def shown(written: str, profile: Profile) -> str:
    """The text as paper shows it: the very text, unless a font lacks one of its characters."""
    return written if _usual(written) else _shown(written, profile)[0]


def replaced(connection: Connection, profile: Profile, run_id: int) -> Iterator[Replaced]:
    """Every character of a run's names and addresses for which another stands on paper."""
    code = profile.municipality_code
    if not profile.characters.fallback:
        return
    for row in connection.execute(text(_OF_RUN), {"m": code, "run_id": run_id}):
        address = open_address(connection, code, row.obligor_no, row.address)
        for field, written in (("obligor_name", row.name), ("obligor_address", address)):
            if not _usual(written):
                for each in _shown(written, profile)[1]:
                    yield Replaced(row.slip_no, field, each)


def unprintable(written: str, profile: Profile) -> list[Shown]:
    """The characters of a text that no font has, and what would stand for each."""
    return [] if _usual(written) else fallback(written, printable, profile.characters.table)[1]


@lru_cache(maxsize=65_536)
def printable(character: str) -> bool:
    """Whether the faces of the shipped layouts have a character, its selector included."""
    if len(character) > 2:
        return all(map(printable, character))
    return any(load_face(file).glyph(character) is not None for file in (REGULAR, FALLBACK))


def _shown(written: str, profile: Profile) -> tuple[str, list[Shown]]:
    if not profile.characters.fallback:
        return written, []
    return fallback(written, printable, profile.characters.table)


def _usual(written: str) -> bool:
    """Quick, and right for nearly everybody: the fonts have all of JIS X 0213."""
    return written.isascii() or in_jis(written)
