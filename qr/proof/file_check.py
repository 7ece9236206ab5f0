"""印刷ファイルの検査: the vector check of all pages and the read-back of the chosen ones, as data.

What a print run asks of a finished file in one call: the answer is plain data that a worker process
can hand back and the report of the run can keep, with the choice of pages it rests on.
"""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from payments.domain.errors import InvalidValueError
from qr.proof.printed_file import PrintedFile
from qr.proof.read_back import read_back
from qr.proof.slip_check import check_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from qr.digits.difference import Difference
    from qr.layout.slip_page import PrintProfile, SlipPage

FULL_UP_TO = 2_000
"""Slips of a run up to which every page is rendered and read back."""

SAMPLE_PER_FILE = 20
"""Pages of a file drawn by lot in a larger run, besides its first and last page."""


@dataclass(frozen=True, slots=True)
class ReadBackChoice:
    """読み戻しの範囲: every page, or of each file the first, the last and some drawn by lot.

    The lot depends on ``seed`` and the number of the file alone, so that a run that is resumed,
    and anyone who checks the report, finds the same pages.
    """

    per_file: int | None  # None: every page
    seed: int = 0

    @classmethod
    def full(cls) -> ReadBackChoice:
        """Every page."""
        return cls(None)

    @classmethod
    def sample(cls, per_file: int = SAMPLE_PER_FILE, *, seed: int) -> ReadBackChoice:
        """The first and last page of each file and ``per_file`` others."""
        return cls(per_file, seed)

    @classmethod
    def for_run(cls, slips: int, seed: int) -> ReadBackChoice:
        """What suits a run of this many slips."""
        return cls.full() if slips <= FULL_UP_TO else cls.sample(seed=seed)

    @classmethod
    def parse(cls, text: str) -> ReadBackChoice:
        """The choice that a text says; ``InvalidValueError`` ``read_back`` if it is none."""
        kind, *numbers = text.split(":")
        if kind == "full" and not numbers:
            return cls.full()
        if kind == "sample" and len(numbers) == 2 and all(map(str.isdecimal, numbers)):
            return cls.sample(int(numbers[0]), seed=int(numbers[1]))
        raise InvalidValueError("read_back", found=text, expected="full / sample:N:SEED")

    @property
    def text(self) -> str:
        """The choice in one word for the books, as ``full`` or ``sample:20:123456``."""
        return "full" if self.per_file is None else f"sample:{self.per_file}:{self.seed}"

    def pages(self, page_count: int, file_no: int) -> tuple[int, ...]:
        """The pages, from 1 and in order, of the file of this number with so many pages."""
        if self.per_file is None or self.per_file + 2 >= page_count:
            return tuple(range(1, page_count + 1))
        lot = random.Random(f"{self.seed}/{file_no}")  # noqa: S311 - a stated sample, no secret
        drawn = lot.sample(range(2, page_count), self.per_file)
        return tuple(sorted({1, page_count, *drawn}))


@dataclass(frozen=True, slots=True)
class FileCheck:
    """検査結果: what was looked at in one file and every difference found."""

    file: str
    pages: int  # of the file
    vector_pages: int  # compared without rendering: all of them
    raster_pages: tuple[int, ...]  # rendered and decoded, from 1
    differences: tuple[Difference, ...]

    @property
    def clean(self) -> bool:
        """Whether the file may be released."""
        return not self.differences

    def as_dict(self) -> dict[str, Any]:
        """The result as one JSON object."""
        return dataclasses.asdict(self)


def check_slips(
    path: Path,
    pages: Iterable[SlipPage],
    profile: PrintProfile | None = None,
    choice: ReadBackChoice | None = None,
    file_no: int = 1,
    tick: Callable[[int], None] | None = None,
) -> FileCheck:
    """検査: compare a finished file with its slips, all pages as vectors and the chosen as pixels.

    ``pages`` is read once. ``tick`` is called with the number of pages newly done; all calls
    together make up the pages of the file, and an exception it raises ends the check. Raises
    ``InvalidValueError`` (``scan_unreadable``) for a file that is no PDF.
    """
    with PrintedFile(path) as file:
        page_count = file.page_count
    chosen = (choice or ReadBackChoice.full()).pages(page_count, file_no)
    kept: dict[int, SlipPage] = {}
    differences = check_file(path, _keeping(pages, frozenset(chosen), kept), profile)
    if tick is not None:
        tick(page_count - len(kept))
    differences += read_back(path, kept, profile, tick)
    return FileCheck(path.name, page_count, page_count, chosen, tuple(differences))


def _keeping(
    pages: Iterable[SlipPage], chosen: frozenset[int], kept: dict[int, SlipPage]
) -> Iterator[SlipPage]:
    """The pages as they come; those chosen are kept by their number."""
    for number, page in enumerate(pages, start=1):
        if number in chosen:
            kept[number] = page
        yield page
