"""何の明細か: the words of an address that choose rows, checked before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

YEAR_DIGITS = 4
KEY_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Asked:
    """何の明細か: the words of the address, checked."""

    listing: str
    words: Mapping[str, str]

    def text(self, name: str) -> str:
        """A word, "" where it is not there."""
        return self.words.get(name, "")

    def number(self, name: str) -> int | None:
        """A whole number, or None. Raises :class:`NotFoundError` ``report_rows``."""
        value = self.words.get(name, "")
        if not value:
            return None
        if not value.isdecimal() or len(value) > YEAR_DIGITS:
            raise NotFoundError("report_rows", found=value[:20])
        return int(value)

    def key(self, name: str) -> int:
        """A number of the books. Raises :class:`NotFoundError` ``report_rows``."""
        value = self.words.get(name, "")
        if not value.isdecimal() or len(value) > KEY_DIGITS:
            raise NotFoundError("report_rows", found=value[:20])
        return int(value)

    def day(self, name: str) -> date:
        """A day. Raises :class:`NotFoundError` ``report_rows``."""
        try:
            return date.fromisoformat(self.words.get(name, ""))
        except ValueError:
            raise NotFoundError("report_rows", found=self.words.get(name, "")[:20]) from None

    def month(self, name: str) -> str:
        """A month, "" where none is asked for. Raises :class:`NotFoundError` ``report_rows``."""
        value = self.words.get(name, "")
        if value:
            try:
                date.fromisoformat(f"{value}-01")
            except ValueError:
                raise NotFoundError("report_rows", found=value[:20]) from None
        return value
