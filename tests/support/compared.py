"""別読みの比較: every file is compared with the books as a large one is, without a process of its own.

The look-ups are those of :mod:`reconcile.before`, on a connection of their own, from the moment on
at which the engine says that it holds the books.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from reconcile import apart
from reconcile.before import EarlierLines
from reconcile.model import ColumnedLines, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.formats.contract import Format
    from reconcile.model import Columns, ReadContext


class Confused(EarlierLines):
    """All identities of a file look alike: a line too many changes nothing."""

    def _look_within(self, numbers: tuple[int, ...], marks: list[int]) -> None:
        super()._look_within(numbers, [0] * len(marks))


@dataclass
class Compared:
    """Stands for ``reconcile.apart.reading_of``; remembers how many lines were found."""

    portion: int = 2  # lines, so that a few make several portions
    kind: type[EarlierLines] = EarlierLines
    found: list[int] = field(default_factory=list)  # per file

    @contextmanager
    def reading_of(
        self, found: Format, data: bytes, context: ReadContext, books: str | None = None
    ) -> Iterator[Reading]:
        """読取 in columns, compared if there are ``books`` to compare with."""
        here = found.read(data, context)
        if books is None:
            yield here
            return
        reading = Reading(here.format_code, here.channel, lines=iter(()))
        held: list[EarlierLines] = []

        def compare() -> None:
            held.append(self.kind(books, context.profile.municipality_code))

        reading.lines = ColumnedLines(self._portions(here, reading, held), compare)
        yield reading

    def _portions(
        self, here: Reading, reading: Reading, held: list[EarlierLines]
    ) -> Iterator[Columns]:
        """What the other process would answer."""
        [earlier] = held
        lines = apart.until_failed(here)
        while portion := list(islice(lines, self.portion)):
            columns: Columns = list(zip(*portion, strict=True))
            earlier.look_for(columns)
            yield columns
        assert isinstance(reading.lines, ColumnedLines)
        before = reading.lines.before = earlier.ended()
        assert before is not None
        self.found.append(len(before.earlier) + len(before.again))
        for name, value in apart._said(here).items():
            setattr(reading, name, value)
