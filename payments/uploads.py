"""納付書情報: which slips the payment hub must still be told of, what it was told, what it took.

A slip with an eL number goes out once as ``new`` and, when it ends after that, once as ``revoked``.
A slip that ended before it went out is never mentioned: nobody can pay it. Slips of a register were
handed in by the system that issued them, unless the profile says that they are ours to hand in.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select, text

from payments.domain.errors import InvalidValueError, NotFoundError
from payments.store.bulk import take_numbers
from payments.store.charge_tables import is_plan_slip
from payments.store.slip_tables import SlipUploadAnswerRow, SlipUploadRow
from payments.store.statistics import count_afresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select

    from payments.domain.profile import Profile

_ROWS_AT_ONCE = 5_000
upload_table = SlipUploadRow.__table__  # type: ignore[attr-defined]
answer_table = SlipUploadAnswerRow.__table__  # type: ignore[attr-defined]

# Whether slip ``s`` was issued here; a register from elsewhere leaves no such event.
ISSUED_HERE = (
    "EXISTS (SELECT 1 FROM slip_event e WHERE e.municipality_code = s.municipality_code "
    "AND e.slip_id = s.slip_id AND e.kind IN ('issued', 'reissued', 'corrected'))"
)
_NEWER = (
    f"NOT {is_plan_slip('s')} "
    "AND EXISTS (SELECT 1 FROM slip v WHERE v.municipality_code = s.municipality_code "
    "AND v.notice_id = s.notice_id AND v.term = s.term AND v.state = 'new' "
    f"AND v.version > s.version AND NOT {is_plan_slip('v')})"
)
_TOLD = (
    "EXISTS (SELECT 1 FROM slip_upload_line l WHERE l.municipality_code = s.municipality_code "
    "AND l.slip_id = s.slip_id AND l.state = '{}')"
)
# Uploads whose latest answer is just what was sent.
ACCEPTED = (
    "SELECT u.upload_id FROM slip_upload u JOIN slip_upload_answer w "
    "ON w.municipality_code = u.municipality_code AND w.upload_id = u.upload_id "
    "WHERE u.municipality_code = :m AND w.answer_no = (SELECT MAX(x.answer_no) "
    "FROM slip_upload_answer x WHERE x.municipality_code = w.municipality_code "
    "AND x.upload_id = w.upload_id) AND w.accepted_count = u.lines "
    "AND COALESCE(w.accepted_yen, u.total_yen) = u.total_yen"
)


class UploadLine(NamedTuple):
    """納付書情報の一行, as the books say it; dates ISO text."""

    el_number: str
    amount_yen: int
    levy_year: int
    term: str
    due_on: str
    valid_until: str
    slip_no: str
    state: str


@dataclass(frozen=True, slots=True)
class WrittenUpload:
    """納付書情報 as written to its file."""

    upload_id: int
    name: str
    lines: int
    total_yen: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Upload:
    """納付書情報: one file and the hub's latest answer."""

    upload_id: int
    made_at: datetime
    actor: str
    name: str
    lines: int
    total_yen: int
    sha256: str
    accepted_count: int | None
    accepted_yen: int | None  # None: the hub did not say
    accepted_at: datetime | None

    @property
    def state(self) -> str:
        """状態: ``waiting``, ``accepted`` or ``differs``."""
        if self.accepted_count is None:
            return "waiting"
        agrees = self.accepted_count == self.lines and self.accepted_yen in {None, self.total_yen}
        return "accepted" if agrees else "differs"


def begin_upload(connection: Connection, profile: Profile) -> tuple[int, int]:
    """納付書情報の作成: put everything the hub has not been told into a new upload.

    Gives its number and how many lines it has; with 0 lines nothing was begun. Endings come before
    beginnings, each in the order of issue.
    """
    code = profile.municipality_code
    ours = "1 = 1" if profile.upload_registered_slips else ISSUED_HERE
    for table in ("slip", "slip_event", "slip_upload_line"):
        count_afresh(connection, _ROWS_AT_ONCE, table)
    upload_id = take_numbers(connection, code, "slip_upload", 1)
    lines = connection.execute(
        text(
            f"""INSERT INTO slip_upload_line
                    (municipality_code, upload_id, line_no, slip_id, state)
                SELECT CAST(:m AS VARCHAR), {upload_id},
                       ROW_NUMBER() OVER (ORDER BY q.turn, q.slip_id), q.slip_id, q.state
                FROM (SELECT 1 AS turn, s.slip_id, 'revoked' AS state FROM slip s
                      WHERE s.municipality_code = :m AND s.state <> 'new'
                        AND {_TOLD.format("new")} AND NOT {_TOLD.format("revoked")}
                      UNION ALL
                      SELECT 2, s.slip_id, 'new' FROM slip s
                      WHERE s.municipality_code = :m AND s.state = 'new'
                        AND s.el_number IS NOT NULL AND NOT ({_NEWER})
                        AND NOT {_TOLD.format("new")} AND {ours}) q"""
        ),
        {"m": code},
    ).rowcount
    return upload_id, lines


def upload_lines(
    connection: Connection, municipality_code: str, upload_id: int
) -> Iterator[UploadLine]:
    """納付書情報の明細: in the order of the file, the same every time: nothing of it changes."""
    rows = connection.execute(
        text(
            """SELECT s.el_number, s.amount_yen, n.levy_year, s.term, s.due_on, s.valid_until,
                      s.slip_no, l.state
               FROM slip_upload_line l
               JOIN slip s ON s.municipality_code = l.municipality_code AND s.slip_id = l.slip_id
               JOIN notice n ON n.municipality_code = s.municipality_code
                AND n.notice_id = s.notice_id
               WHERE l.municipality_code = :m AND l.upload_id = :upload_id ORDER BY l.line_no"""
        ),
        {"m": municipality_code, "upload_id": upload_id},
        execution_options={"yield_per": _ROWS_AT_ONCE},
    )
    for row in rows:
        yield UploadLine(
            row.el_number, row.amount_yen, row.levy_year, row.term, str(row.due_on),
            str(row.valid_until), row.slip_no, row.state,
        )  # fmt: skip


def record_upload(
    connection: Connection,
    municipality_code: str,
    written: WrittenUpload,
    *,
    actor: str,
    at: datetime,
) -> None:
    """納付書情報の記録: what became of :func:`begin_upload`, in the same transaction."""
    connection.execute(
        upload_table.insert().values(
            municipality_code=municipality_code, made_at=at, actor=actor, **asdict(written)
        )
    )


def record_answer(
    connection: Connection,
    municipality_code: str,
    upload_id: int,
    *,
    count: int,
    amount_yen: int | None = None,
    actor: str,
    at: datetime,
) -> Upload:
    """受付結果: what the hub says it took. A later answer stands beside the earlier ones.

    A count or an amount that differs is recorded, too: :attr:`Upload.state` is ``differs`` then
    and T9 stays red. Raises :class:`NotFoundError` ``slip_upload`` and :class:`InvalidValueError`
    ``upload_count``.
    """
    upload_of(connection, municipality_code, upload_id)
    if count < 0 or (amount_yen is not None and amount_yen < 0):
        raise InvalidValueError("upload_count", found=count)
    of_upload = (
        answer_table.c.municipality_code == municipality_code,
        answer_table.c.upload_id == upload_id,
    )
    earlier = connection.execute(select(answer_table.c.answer_no).where(*of_upload)).all()
    connection.execute(
        answer_table.insert().values(
            municipality_code=municipality_code,
            upload_id=upload_id,
            answer_no=len(earlier) + 1,
            accepted_count=count,
            accepted_yen=amount_yen,
            accepted_at=at,
            actor=actor,
        )
    )
    return upload_of(connection, municipality_code, upload_id)


def upload_of(connection: Connection, municipality_code: str, upload_id: int) -> Upload:
    """納付書情報 by its number; :class:`NotFoundError` ``slip_upload``."""
    row = connection.execute(
        _with_answer(municipality_code).where(upload_table.c.upload_id == upload_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("slip_upload", upload_id=upload_id)
    return _upload(row)


def uploads(connection: Connection, municipality_code: str, *, limit: int = 100) -> list[Upload]:
    """納付書情報の一覧, newest first."""
    newest_first = upload_table.c.upload_id.desc()
    rows = connection.execute(_with_answer(municipality_code).order_by(newest_first).limit(limit))
    return [_upload(row) for row in rows]


def _with_answer(municipality_code: str) -> Select[Any]:
    """Uploads with their latest answer."""
    later = answer_table.alias()
    of_upload = (answer_table.c.municipality_code == upload_table.c.municipality_code) & (
        answer_table.c.upload_id == upload_table.c.upload_id
    )
    latest = (
        select(func.max(later.c.answer_no))
        .where(
            later.c.municipality_code == upload_table.c.municipality_code,
            later.c.upload_id == upload_table.c.upload_id,
        )
        .scalar_subquery()
    )
    return (
        select(
            upload_table,
            answer_table.c.accepted_count,
            answer_table.c.accepted_yen,
            answer_table.c.accepted_at,
        )
        .select_from(
            upload_table.outerjoin(answer_table, of_upload & (answer_table.c.answer_no == latest))
        )
        .where(upload_table.c.municipality_code == municipality_code)
    )


def _upload(row: Row[Any]) -> Upload:
    """An upload from its row."""
    return Upload(
        row.upload_id, row.made_at, row.actor, row.name, row.lines, row.total_yen, row.sha256,
        row.accepted_count, row.accepted_yen, row.accepted_at,
    )  # fmt: skip
