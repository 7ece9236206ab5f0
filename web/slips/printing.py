"""一枚の印刷: one slip by the same story as a whole run, read back before its PDF may leave.

Every slip of the desk is a run of its own in the books, so that paper of it is known wherever paper
is looked for. The file leaves the service only as it was recorded when it was read back.
"""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import print_runs
from payments.domain.errors import NotFoundError, RefusedError
from payments.store.municipalities import is_live
from payments.store.unit_of_work import reading
from web.printing.folder import held, sha256_of
from web.printing.plan import FULL, Wish, plan_for
from web.printing.run import Shop, begin, carry_out, take_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

FOLDER = "slip-desk"
_RUNS = """
SELECT p.run_id, r.state, r.sample, r.folder, f.name, f.sha256
FROM print_run_slip p
JOIN print_run r ON r.municipality_code = :m AND r.run_id = p.run_id
JOIN print_run_file f ON f.municipality_code = :m AND f.run_id = p.run_id
 AND f.file_no = p.file_no
WHERE p.municipality_code = :m AND p.notice_id = :notice_id AND p.term = :term
  AND p.slip_id = :slip_id AND p.page_no IS NOT NULL AND r.slips = 1
  AND r.state IN ('printed', 'released')
ORDER BY p.run_id DESC LIMIT 1"""


def print_slip(
    engine: Engine,
    municipality_code: str,
    home: Path,
    slip_no: str,
    *,
    actor: str,
    code_key: bytes = b"",
) -> int:
    """一枚の印刷と読み戻し; the number of its run, which stands ``stopped`` when it reads wrongly.

    A run of the same slip that was cut off is taken up. Raises what
    :func:`web.printing.run.begin` and :func:`web.printing.run.carry_out` raise.
    """
    shop = Shop(engine, municipality_code, actor, _quiet, code_key=code_key)
    with reading(engine, municipality_code) as connection:
        begun = [
            run
            for run in print_runs.unfinished(connection, municipality_code)
            if run.selection.get("slip_no") == slip_no
        ]
    path = home / FOLDER / f"{municipality_code}-{secrets.token_hex(8)}"
    with held(Path(begun[0].folder) if begun else path) as folder:
        if begun:
            run = take_up(shop, folder, begun[0].run_id, ended=False)
        else:
            with reading(engine, municipality_code) as connection:
                wish = Wish(read_back=FULL)
                plan = plan_for(connection, municipality_code, folder.path, wish)
            selection = print_runs.Selection(
                slip_no=slip_no, with_direct_debit=True, with_collection_hold=True
            )
            run = begin(shop, folder, selection, plan)
        carry_out(shop, folder, run)
    return run.run_id


def printed_file(
    connection: Connection, municipality_code: str, slip_id: int, notice_id: int, term: str
) -> Any:
    """印刷済みの一枚: the newest run of the desk with this slip; None when there is none."""
    return connection.execute(
        text(_RUNS),
        {"m": municipality_code, "slip_id": slip_id, "notice_id": notice_id, "term": term},
    ).one_or_none()


def pdf_to_hand_over(connection: Connection, municipality_code: str, file: Any) -> bytes:
    """手渡すPDF: the bytes as they were read back.

    Raises :class:`NotFoundError` ``slip_not_printed``, and :class:`RefusedError`
    ``release_sample`` (見本 in a body that is live) or ``release_files`` (altered, or gone).
    """
    if file is None:
        raise NotFoundError("slip_not_printed")
    if file.sample and is_live(connection, municipality_code):
        raise RefusedError("release_sample", run_id=file.run_id)
    path = Path(file.folder) / file.name
    if sha256_of(path) != file.sha256:
        raise RefusedError("release_files", run_id=file.run_id, found=file.name)
    data: bytes = path.read_bytes()
    return data


@contextlib.contextmanager
def _quiet(  # the names are those of the protocol
    label: str,  # noqa: ARG001
    total: int | None = None,  # noqa: ARG001
    *,
    begun: int = 0,  # noqa: ARG001
) -> Iterator[Callable[[int], None]]:
    """Nobody watches the progress of one page."""
    yield lambda _done: None
