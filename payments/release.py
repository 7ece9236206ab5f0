"""引渡し: a printed run leaves the building, once, and only when nothing about it is open.

Printed and read back without a difference, its files on the disk as they were recorded, and the
hub has taken the data of every eL slip in it (B-06 and T9 of law.md: uploaded before mailing). Two
people release (R10): what the first asked for must still be so when the second agrees.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import RefusedError
from payments.domain.slip import WHOLE_YEAR
from payments.print_plan import change_run
from payments.print_runs import PrintRun, files_of_run, run_of
from payments.store.municipalities import is_live
from payments.uploads import ACCEPTED, ISSUED_HERE
from payments.versions import OPEN_YEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

KIND = "slips_release"
SHOWN_MAX = 20
AMOUNT_CHANGED = "amount_changed"


@dataclass(frozen=True, slots=True)
class PulledPage:
    """抜取り: a printed page that must not be mailed any more.

    ``state`` is that of its slip, or ``amount_changed`` where the slip stands but asks for another
    amount than is left to pay: a correction came in, or it has been paid.
    """

    file_no: int
    page_no: int
    slip_no: str
    state: str


def subject_of(run_id: int) -> str:
    """承認の対象 of a run."""
    return f"print_run:{run_id}"


def release_content(
    connection: Connection,
    profile: Profile,
    run_id: int,
    *,
    changed_files: Callable[[PrintRun], Sequence[str]],
) -> dict[str, Any]:
    """引渡の内容: exactly what will leave the building, once everything about it holds.

    ``changed_files`` looks at the disk: what there is no longer as it was printed and read back.

    Raises :class:`RefusedError` ``print_run_state`` (not printed to the end without a difference,
    or released already), ``release_sample`` (見本 in a city that is live), ``release_files`` or
    ``release_upload``.
    """
    code = profile.municipality_code
    run = run_of(connection, code, run_id)
    if run.state != "printed":
        raise RefusedError("print_run_state", run_id=run_id, state=run.state)
    if run.sample and is_live(connection, code):
        raise RefusedError("release_sample", run_id=run_id)
    if changed := changed_files(run):
        raise RefusedError("release_files", run_id=run_id, found=", ".join(changed[:SHOWN_MAX]))
    missing = not_accepted(connection, profile, run_id)
    if missing:
        raise RefusedError("release_upload", run_id=run_id, found=missing)
    files = files_of_run(connection, code, run_id)
    return {
        "run_id": run_id,
        "sample": run.sample,
        "pages": sum(file.pages for file in files),
        "amount_yen": _amount(connection, code, run_id),
        "read_back": run.read_back,
        "files": [{"name": file.name, "sha256": file.sha256} for file in files],
        "pull": [asdict(page) for page in pages_to_pull(connection, code, run_id)],
    }


def release(
    connection: Connection, municipality_code: str, run_id: int, *, at: datetime
) -> PrintRun:
    """引渡し: the run is released; call it when :func:`release_content` is what was approved."""
    change_run(connection, municipality_code, run_id, state="released", ended_at=at)
    return run_of(connection, municipality_code, run_id)


def not_accepted(connection: Connection, profile: Profile, run_id: int) -> int:
    """未受付: pages of the run with an eL number that the hub has not said it took.

    Slips that ended after printing are not mailed (:func:`pages_to_pull`), so they need not be
    there either.
    """
    ours = "1 = 1" if profile.upload_registered_slips else ISSUED_HERE
    return int(
        connection.execute(
            text(
                f"""SELECT COUNT(*) FROM print_run_slip p
                    JOIN slip s ON s.municipality_code = p.municipality_code
                     AND s.slip_id = p.slip_id
                    WHERE p.municipality_code = :m AND p.run_id = :run_id AND p.page_no IS NOT NULL
                      AND s.state = 'new' AND s.el_number IS NOT NULL AND {ours}
                      AND NOT EXISTS (SELECT 1 FROM slip_upload_line l
                          WHERE l.municipality_code = :m AND l.slip_id = s.slip_id
                            AND l.state = 'new' AND l.upload_id IN ({ACCEPTED}))"""
            ),
            {"m": profile.municipality_code, "run_id": run_id},
        ).scalar_one()
    )


def pages_to_pull(connection: Connection, municipality_code: str, run_id: int) -> list[PulledPage]:
    """抜取りの一覧: pages to take out by hand before mailing, in their order.

    Amounts are compared until the run is released; what is paid after that was mailed rightly.
    """
    rows = connection.execute(
        text(
            f"""SELECT file_no, page_no, slip_no,
                       CASE WHEN state = 'new' THEN '{AMOUNT_CHANGED}' ELSE state END
                FROM (SELECT p.seq, p.file_no, p.page_no, s.slip_no, s.state, s.amount_yen,
                             CASE WHEN r.state = 'released' THEN s.amount_yen ELSE (
                                 SELECT COALESCE(SUM({OPEN_YEN}), 0) FROM instalment_account a
                                 WHERE a.municipality_code = :m AND a.notice_id = s.notice_id
                                   AND (a.term = s.term
                                        OR (s.term = '{WHOLE_YEAR}' AND a.in_group))
                             ) END AS open_yen
                      FROM print_run r
                      JOIN print_run_slip p ON p.municipality_code = r.municipality_code
                       AND p.run_id = r.run_id
                      JOIN slip s ON s.municipality_code = p.municipality_code
                       AND s.slip_id = p.slip_id
                      WHERE r.municipality_code = :m AND r.run_id = :run_id
                        AND p.page_no IS NOT NULL) q
                WHERE state <> 'new' OR open_yen <> amount_yen ORDER BY seq"""
        ),
        {"m": municipality_code, "run_id": run_id},
    )
    return [PulledPage(*row) for row in rows]


def _amount(connection: Connection, municipality_code: str, run_id: int) -> int:
    """Σ of the amounts printed, in yen."""
    return int(
        connection.execute(
            text(
                """SELECT COALESCE(SUM(s.amount_yen), 0) FROM print_run_slip p
                   JOIN slip s ON s.municipality_code = p.municipality_code
                    AND s.slip_id = p.slip_id
                   WHERE p.municipality_code = :m AND p.run_id = :run_id
                     AND p.page_no IS NOT NULL"""
            ),
            {"m": municipality_code, "run_id": run_id},
        ).scalar_one()
    )
