"""Tables of the life of a slip: events, print runs, uploads (納付書の出来事・印刷・納付書情報の表).

As in :mod:`payments.store.tables`, rows do not validate and ``municipality_code`` leads every key.
Marked append-only tables refuse UPDATE and DELETE in the database; what changes later (a slip's
state, a run's progress) is a row of its own or a column that the guards name.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlmodel import BigInteger, Field, SQLModel

from payments.store.tables import CLUSTERED


class SlipEventRow(SQLModel, table=True):
    """納付書の出来事: who did what to a slip and why, append-only.

    A slip issued here begins with ``issued``, ``reissued`` or ``corrected``; a slip of a register
    from elsewhere has no such row. ``superseded`` and ``revoked`` end it. ``other_slip_id`` is the
    version before (of a beginning) or after (of ``superseded``).
    """

    __tablename__ = "slip_event"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "slip_id"], ["slip.municipality_code", "slip.slip_id"]
        ),
        CheckConstraint("kind IN ('issued', 'reissued', 'corrected', 'superseded', 'revoked')"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    slip_id: int = Field(primary_key=True, sa_type=BigInteger)
    event_no: int = Field(primary_key=True)  # 1, 2, … of this slip
    kind: str = Field(max_length=10)
    happened_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    reason: str
    other_slip_id: int | None = Field(default=None, sa_type=BigInteger)


class PrintRunRow(SQLModel, table=True):
    """印刷: one planned list of slips and how far it has come.

    ``numbered_seq`` is how many of its ``slips`` have been given their slip, in order of ``seq``:
    a run that was cut off goes on behind it.
    """

    __tablename__ = "print_run"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "state IN ('planned', 'printing', 'printed', 'released', 'stopped', 'discarded')"
        ),
        CheckConstraint("pages_per_file > 0 AND numbered_seq BETWEEN 0 AND slips"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    selection_json: str
    slips: int
    pages_per_file: int
    read_back: str = Field(max_length=60)  # 読み戻しの方法, as chosen when it was planned
    sample: bool  # True prints 見本 on every page
    # 様式: one section after the other, each [name-version-hash, how many slips]; files do not
    # reach over their ends.
    sections_json: str
    folder: str  # where its files are written
    state: str = Field(max_length=10)
    numbered_seq: int = 0
    ended_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    note: str = ""  # why it was stopped or discarded


class PrintRunSlipRow(SQLModel, table=True):
    """印刷する納付書: the frozen order of a run; ``slip_id`` comes with the number.

    ``page_no`` is set when the page has been printed and read; ``refusal`` says why there is no
    page. A place (notice, term) stands in a run once.
    """

    __tablename__ = "print_run_slip"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "run_id"], ["print_run.municipality_code", "print_run.run_id"]
        ),
        UniqueConstraint("municipality_code", "notice_id", "term", "run_id"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    seq: int = Field(primary_key=True)  # 1, 2, … without gaps
    notice_id: int = Field(sa_type=BigInteger)
    term: str = Field(max_length=2)
    slip_id: int | None = Field(default=None, sa_type=BigInteger)
    file_no: int
    page_no: int | None = None
    refusal: str = Field(default="", max_length=40)  # a stable code, "" for none
    refusal_field: str = Field(default="", max_length=40)
    refusal_found: str = ""


class PrintRunFileRow(SQLModel, table=True):
    """印刷ファイル: one finished PDF of a run, with what was read back of it."""

    __tablename__ = "print_run_file"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "run_id"], ["print_run.municipality_code", "print_run.run_id"]
        ),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    file_no: int = Field(primary_key=True)
    name: str = Field(max_length=200)
    pages: int
    bytes: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    raster_pages: int  # pages whose symbols were decoded from pixels
    vector_pages: int  # pages whose drawing instructions were compared
    differences: int
    done_at: datetime = Field(sa_type=DateTime(timezone=True))


class PrintRunDifferenceRow(SQLModel, table=True):
    """読み戻しの相違: a place on paper that says something else than the books, append-only."""

    __tablename__ = "print_run_difference"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    run_id: int = Field(primary_key=True, sa_type=BigInteger)
    file_no: int = Field(primary_key=True)
    difference_no: int = Field(primary_key=True)
    page: int
    slip_no: str = Field(max_length=30)
    field: str = Field(max_length=40)
    printed: str
    expected: str


class VehicleEntryRow(SQLModel, table=True):
    """車両, append-only: which vehicle a notice is for; the latest entry of a notice counts."""

    __tablename__ = "vehicle_entry"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "notice_id"], ["notice.municipality_code", "notice.notice_id"]
        ),
        Index("vehicle_entry_by_vehicle", "municipality_code", "vehicle_no"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    notice_id: int = Field(primary_key=True, sa_type=BigInteger)
    entry_no: int = Field(primary_key=True)  # 1, 2, … of this notice
    vehicle_no: str = Field(max_length=30)  # 標識番号
    certificate_until: date | None = None  # 証明書の有効期限, None where there is no certificate
    file_id: int = Field(sa_type=BigInteger)
    line_no: int


class SlipUploadRow(SQLModel, table=True):
    """納付書情報: one file of slip data for the payment hub, append-only."""

    __tablename__ = "slip_upload"
    __table_args__: ClassVar[Any] = (CLUSTERED,)
    municipality_code: str = Field(primary_key=True, max_length=5)
    upload_id: int = Field(primary_key=True, sa_type=BigInteger)
    made_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)
    name: str = Field(max_length=200)
    lines: int
    total_yen: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)


class SlipUploadLineRow(SQLModel, table=True):
    """納付書情報の明細, append-only: a slip goes out once as ``new`` and once as ``revoked``."""

    __tablename__ = "slip_upload_line"
    __table_args__: ClassVar[Any] = (
        UniqueConstraint("municipality_code", "slip_id", "state"),
        CheckConstraint("state IN ('new', 'revoked')"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    upload_id: int = Field(primary_key=True, sa_type=BigInteger)
    line_no: int = Field(primary_key=True)
    slip_id: int = Field(sa_type=BigInteger)
    state: str = Field(max_length=7)


class SlipUploadAnswerRow(SQLModel, table=True):
    """納付書情報の受付結果, append-only: what the hub said it took; the latest answer counts."""

    __tablename__ = "slip_upload_answer"
    __table_args__: ClassVar[Any] = (
        ForeignKeyConstraint(
            ["municipality_code", "upload_id"],
            ["slip_upload.municipality_code", "slip_upload.upload_id"],
        ),
        CheckConstraint("accepted_count >= 0"),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    upload_id: int = Field(primary_key=True, sa_type=BigInteger)
    answer_no: int = Field(primary_key=True)
    accepted_count: int
    accepted_yen: int | None = Field(default=None, sa_type=BigInteger)  # None: not told
    accepted_at: datetime = Field(sa_type=DateTime(timezone=True))
    actor: str = Field(max_length=60)


class ApprovalRow(SQLModel, table=True):
    """承認: what one person asks for and another decides (R10); a decision never changes.

    ``content_json`` says exactly what will be done; ``content_sha256`` is its hash.
    """

    __tablename__ = "approval"
    __table_args__: ClassVar[Any] = (
        CheckConstraint(
            "(decided_by = asked_by) = (decision = 'recalled')", name="approval_two_people"
        ),
        CheckConstraint("decision IN ('approved', 'rejected', 'recalled')"),
        CheckConstraint(
            "(decision IS NULL) = (decided_by IS NULL) "
            "AND (decision IS NULL) = (decided_at IS NULL)"
        ),
        Index("approval_by_subject", "municipality_code", "kind", "subject"),
        Index(
            "approval_waiting",
            "municipality_code",
            "approval_id",
            sqlite_where=text("decision IS NULL"),
            postgresql_where=text("decision IS NULL"),
        ),
        CLUSTERED,
    )
    municipality_code: str = Field(primary_key=True, max_length=5)
    approval_id: int = Field(primary_key=True, sa_type=BigInteger)
    kind: str = Field(max_length=40)
    subject: str = Field(max_length=80)
    content_json: str
    content_sha256: str = Field(max_length=64)
    reason: str
    asked_by: str = Field(max_length=60)
    asked_at: datetime = Field(sa_type=DateTime(timezone=True))
    decided_by: str | None = Field(default=None, max_length=60)
    decided_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    decision: str | None = Field(default=None, max_length=8)
    note: str = ""  # why it was rejected or recalled
