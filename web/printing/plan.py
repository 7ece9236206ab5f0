"""印刷の計画: what is frozen with a run before its first number is given out.

Commands that only tell of runs come this way, too: the PDF libraries are loaded where needed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text

from payments.domain.errors import ConflictError, InvalidValueError
from payments.print_runs import RunPlan
from payments.store.municipalities import load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from payments.print_runs import PrintRun
    from qr.proof.file_check import ReadBackChoice

PAGES_PER_FILE = 1_000
AUTO = "auto"
FULL = "full"
_SEEDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """印刷の希望: how a new run is to be printed.

    ``read_back`` is ``auto``, ``full``, or how many pages of each file are decoded from pixels.
    ``layout`` names one for all slips; without it each has that of its item. What is empty was not
    asked for.
    """

    pages_per_file: int | None = None
    read_back: str = ""
    layout: str = ""


def plan_for(
    connection: Connection,
    municipality_code: str,
    folder: Path,
    wish: Wish,
) -> RunPlan:
    """How a new run will be printed and read back.

    見本 stands on every page until the municipality is switched to live. Raises
    :class:`InvalidValueError` ``read_back`` or ``slip_layout_name``.
    """
    from web.printing.layouts import layouts_by_item  # noqa: PLC0415 - see above

    profile = load_profile(connection, municipality_code)
    return RunPlan(
        pages_per_file=wish.pages_per_file or PAGES_PER_FILE,
        read_back=_with_seed(wish.read_back or AUTO),
        sample=not is_live(connection, municipality_code),
        folder=str(folder),
        layouts=layouts_by_item(profile, wish.layout),
    )


def require_as_planned(run: PrintRun, wish: Wish) -> None:
    """計画のとおり: a run that goes on stays as it was planned.

    Raises :class:`ConflictError` ``print_plan_other`` when something else is asked for.
    """
    from web.printing.layouts import name_of  # noqa: PLC0415 - see above

    layouts = {name_of(section.layout) for section in run.sections}
    wanted = (
        ("pages-per-file", wish.pages_per_file, run.pages_per_file),
        ("read-back", wish.read_back, _without_seed(run.read_back)),
        ("layout", wish.layout, " ".join(sorted(layouts))),
    )
    for option, asked, planned in wanted:
        if asked and asked != planned:
            raise ConflictError(
                "print_plan_other",
                run_id=run.run_id,
                option=f"--{option}",
                found=asked,
                expected=planned,
            )


def is_live(connection: Connection, municipality_code: str) -> bool:
    """本番: whether slips are printed without 見本."""
    live = connection.execute(
        text("SELECT live FROM municipality WHERE municipality_code = :m"),
        {"m": municipality_code},
    ).scalar_one()
    return bool(live)


def choice_of(run: PrintRun) -> ReadBackChoice:
    """読み戻しの方法 of a run; ``auto`` is decided by its size (R12: the report says which)."""
    from qr.proof.file_check import ReadBackChoice  # noqa: PLC0415 - see above

    kind, _, seed = run.read_back.partition(":")
    if kind == AUTO:
        return ReadBackChoice.for_run(run.slips, int(seed))
    return ReadBackChoice.parse(run.read_back)


def _without_seed(read_back: str) -> str:
    """The choice as it was asked for."""
    kind, _, rest = read_back.partition(":")
    return rest.partition(":")[0] if kind == "sample" else kind


def _with_seed(read_back: str) -> str:
    """The choice as the books keep it; a sample is drawn by a seed that nobody chose."""
    from qr.proof.file_check import ReadBackChoice  # noqa: PLC0415 - see above

    seed = secrets.randbelow(_SEEDS)
    if read_back == AUTO:
        return f"{AUTO}:{seed}"
    if read_back == FULL:
        return ReadBackChoice.full().text
    if not (read_back.isascii() and read_back.isdigit()):
        raise InvalidValueError("read_back", found=read_back, expected=f"{AUTO} / {FULL} / 枚数")
    return ReadBackChoice.sample(per_file=int(read_back), seed=seed).text
