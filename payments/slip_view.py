"""納付書の照会: one slip with its versions, what happened to them, and what else pays the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, text

from payments.domain.slip import WHOLE_YEAR
from payments.issue import slip_place
from payments.store.lookups import rows_about
from payments.store.slip_tables import SlipEventRow
from payments.versions import as_day, places_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Row

event_table = SlipEventRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SlipHappening:
    """納付書の出来事の一行."""

    kind: str
    happened_at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class SlipPrinting:
    """印刷の一行: where the paper is."""

    run_id: int
    state: str
    file_no: int
    page_no: int


@dataclass(frozen=True, slots=True)
class SlipVersion:
    """納付書の一版 with everything that happened to it."""

    slip_id: int
    slip_no: str
    version: int
    state: str
    amount_yen: int
    due_on: date
    valid_until: date
    issued_on: date
    el_number: str | None
    konbini_barcode: str | None
    events: tuple[SlipHappening, ...]
    uploads: tuple[tuple[str, int], ...]  # new or revoked, and the upload it went out with
    printed: tuple[SlipPrinting, ...]


@dataclass(frozen=True, slots=True)
class SlipView:
    """納付書: its place, all versions (oldest first), and the slips of the other way."""

    slip_no: str
    item_code: str
    levy_year: int
    notice_no: str
    term: str
    to_pay_yen: int
    refusal: str  # why no new version could be issued now, "" when it could
    versions: tuple[SlipVersion, ...]
    alternatives: tuple[tuple[str, str, int], ...]  # number, term and amount of 全期 ↔ 期別


def slip_view(connection: Connection, municipality_code: str, slip_no: str) -> SlipView:
    """納付書の照会; :class:`NotFoundError` ``slip``."""
    slip = slip_place(connection, municipality_code, slip_no)
    key = (slip.notice_id, slip.term)
    place = places_of(connection, municipality_code, [key])[key]
    notice = connection.execute(
        text(
            "SELECT item_code, levy_year, notice_no FROM notice "
            "WHERE municipality_code = :m AND notice_id = :notice_id"
        ),
        {"m": municipality_code, "notice_id": slip.notice_id},
    ).one()
    rows = connection.execute(
        text(
            "SELECT slip_id, slip_no, term, version, state, amount_yen, due_on, valid_until, "
            "issued_on, el_number, konbini_barcode FROM slip "
            "WHERE municipality_code = :m AND notice_id = :notice_id ORDER BY term, version"
        ),
        {"m": municipality_code, "notice_id": slip.notice_id},
    ).all()
    mine = [row for row in rows if row.term == slip.term]
    return SlipView(
        slip_no=slip_no,
        item_code=notice.item_code,
        levy_year=notice.levy_year,
        notice_no=notice.notice_no,
        term=slip.term,
        to_pay_yen=place.to_pay_yen,
        refusal=place.refusal,
        versions=tuple(_versions(connection, municipality_code, mine)),
        alternatives=tuple(
            (row.slip_no, row.term, row.amount_yen)
            for row in rows
            if row.state == "new" and (row.term == WHOLE_YEAR) != (slip.term == WHOLE_YEAR)
        ),
    )


def _versions(
    connection: Connection, municipality_code: str, rows: Sequence[Row[Any]]
) -> list[SlipVersion]:
    """The versions with their events, uploads and pages."""
    ids = [row.slip_id for row in rows]
    events: dict[int, list[SlipHappening]] = {}
    found = connection.execute(
        select(event_table)
        .where(event_table.c.municipality_code == municipality_code, event_table.c.slip_id.in_(ids))
        .order_by(event_table.c.slip_id, event_table.c.event_no)
    )
    for row in found:
        happening = SlipHappening(row.kind, row.happened_at, row.actor, row.reason)
        events.setdefault(row.slip_id, []).append(happening)
    uploads: dict[int, list[tuple[str, int]]] = {}
    for row in rows_about(
        connection,
        "SELECT slip_id, state, upload_id FROM slip_upload_line "
        "WHERE municipality_code = :m AND slip_id IN :some ORDER BY upload_id, line_no",
        municipality_code,
        ids,
    ):
        uploads.setdefault(row.slip_id, []).append((row.state, row.upload_id))
    printed: dict[int, list[SlipPrinting]] = {}
    for row in rows_about(
        connection,
        "SELECT p.slip_id, p.run_id, r.state, p.file_no, p.page_no FROM slip s "
        "JOIN print_run_slip p ON p.municipality_code = s.municipality_code "
        "AND p.notice_id = s.notice_id AND p.term = s.term AND p.slip_id = s.slip_id "
        "JOIN print_run r ON r.municipality_code = p.municipality_code AND r.run_id = p.run_id "
        "WHERE s.municipality_code = :m AND s.slip_id IN :some AND p.page_no IS NOT NULL "
        "ORDER BY p.run_id",
        municipality_code,
        ids,
    ):
        page = SlipPrinting(row.run_id, row.state, row.file_no, row.page_no)
        printed.setdefault(row.slip_id, []).append(page)
    return [
        SlipVersion(
            row.slip_id, row.slip_no, row.version, row.state, row.amount_yen, as_day(row.due_on),
            as_day(row.valid_until), as_day(row.issued_on), row.el_number, row.konbini_barcode,
            tuple(events.get(row.slip_id, ())), tuple(uploads.get(row.slip_id, ())),
            tuple(printed.get(row.slip_id, ())),
        )
        for row in rows
    ]  # fmt: skip
