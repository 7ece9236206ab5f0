"""一つの印刷ファイル: what a worker does for one file, from the books to a page that was read.

A worker opens its own connection, reads, and hands back plain data; it writes nothing but the PDF.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.errors import ConflictError
from payments.print_runs import FileDifference, PrintedFile, Refusal, slips_of_file
from payments.store.engine import open_engine
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading
from qr.draw.slip_pdf import draw_slips, raise_faults
from qr.layout.slip_page import PrintProfile, SlipFault, SlipPage
from qr.proof.file_check import ReadBackChoice, check_slips
from web.printing.folder import file_name, unwritable, whole_file
from web.printing.pages import slip_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from payments.print_runs import RunSlip
    from qr.layout.shapes import SlipLayout

# What one page takes on disk, rounded up, and what a file has besides (fonts, form).
BYTES_PER_PAGE, BYTES_PER_FILE = 3_600, 300_000


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """作業指示: what holds for every file of a run."""

    database_url: str
    municipality_code: str
    run_id: int
    folder: str
    sample: bool
    made_at: datetime  # of the run, so that a file drawn again is the same
    read_back: str  # qr.proof.file_check.ReadBackChoice as text
    layouts: tuple[SlipLayout, ...] = ()  # the municipality's own
    code_key: bytes = field(default=b"", repr=False)  # 確認コード; without one none is printed


@dataclass(frozen=True, slots=True)
class FileTask:
    """一つのファイルの作業: a file to draw.

    With ``sha256`` it was recorded before and has been lost: it must come out the same again.
    """

    file_no: int
    layout: str  # name
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class FileResult:
    """一つのファイルの結果: what the parent records."""

    file: PrintedFile
    refused: tuple[Refusal, ...]
    differences: tuple[FileDifference, ...]


def print_file(order: WorkOrder, task: FileTask, tick: Callable[[int], None]) -> FileResult:
    """一つのファイルを印刷して読み戻す.

    Raises:
        ConfigurationError: ``disk_full`` or ``output_unwritable``; nothing is left behind.
        ConflictError: ``print_file_changed``, a file recorded before would come out differently.
    """
    slips, pages = _pages(order, task)
    profile = PrintProfile(sample=order.sample, slip_layouts=order.layouts, made_at=order.made_at)
    places = {slip.slip_no: slip.seq for slip in slips}
    refused: dict[str, Refusal] = {}

    def refuse(faults: list[SlipFault]) -> None:
        first = faults[0]
        refused[first.slip_no] = Refusal(
            places[first.slip_no], first.code, first.field, first.found
        )
        tick(1)

    for slip in slips:
        if slip.fault and not task.sha256:
            refuse([SlipFault(slip.slip_no, "", slip.fault, "")])
    sound = [page for page in pages if page.slip_no not in refused]
    path = Path(order.folder) / file_name(task.file_no)
    digest, size = _draw(
        path, _watched(sound, tick), profile, task.sha256, raise_faults if task.sha256 else refuse
    )
    printed = [page for page in sound if page.slip_no not in refused]
    refusals = tuple(sorted(refused.values(), key=attrgetter("seq")))
    if not printed:
        return FileResult(PrintedFile(task.file_no, "", 0, 0, "", 0, 0), refusals, ())
    choice = ReadBackChoice.parse(order.read_back)
    check = check_slips(path, printed, profile, choice, task.file_no, tick)
    file = PrintedFile(
        task.file_no, path.name, len(printed), size, digest,
        len(check.raster_pages), check.vector_pages,
    )  # fmt: skip
    differences = tuple(
        FileDifference(d.page, d.slip_no, d.field, d.printed, d.expected) for d in check.differences
    )
    return FileResult(file, refusals, differences)


def _pages(order: WorkOrder, task: FileTask) -> tuple[list[RunSlip], list[SlipPage]]:
    """The slips of a file as the books have them now, and their pages.

    The connection is closed at once: a worker keeps no cache of the database between files.
    """
    engine = open_engine(order.database_url)
    try:
        with reading(engine, order.municipality_code) as connection:
            profile = load_profile(connection, order.municipality_code)
            slips = slips_of_file(connection, order.municipality_code, order.run_id, task.file_no)
    finally:
        engine.dispose()
    return slips, [slip_page(slip, profile, task.layout, order.code_key) for slip in slips]


def _watched(pages: Sequence[SlipPage], tick: Callable[[int], None]) -> Iterator[SlipPage]:
    """The pages one by one; between two of them a run may be stopped."""
    for page in pages:
        tick(0)
        yield page


def _draw(
    path: Path,
    pages: Iterable[SlipPage],
    profile: PrintProfile,
    expected: str,
    refuse: Callable[[list[SlipFault]], None],
) -> tuple[str, int]:
    """Draw the pages; SHA-256 and size of the finished file, which is not written without a page.

    The PDF is made in memory, a few megabytes: the library that writes it would end the process
    when the disk is full.
    """
    drawn = BytesIO()
    if not draw_slips(pages, drawn, profile, refuse):
        return "", 0
    content = drawn.getvalue()
    digest = sha256(content).hexdigest()
    if expected and digest != expected:
        raise ConflictError("print_file_changed", file=path.name, found=digest)
    with unwritable(path, len(content)), whole_file(path) as stream:
        stream.write(content)
    return digest, len(content)
