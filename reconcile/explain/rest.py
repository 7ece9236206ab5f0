"""説明の拠り所: the claim, the money and the people behind a line.

The slip with its versions and its 調定異動, the postings, the remittance group with the credits
that paid it, cases and approvals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, text

from reconcile.explain.claim import assessments_of, carried_about, holds_about
from reconcile.explain.evidence import instant, journals_of, plain
from reconcile.explain.history import reversals_of
from reconcile.explain.model import (
    ApprovalStory,
    Booking,
    CaseStory,
    Facts,
    SealStory,
    Settlement,
    SlipStory,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from reconcile.explain.history import Entry


def bookings_of(
    connection: Connection, municipality_code: str, entries: Sequence[Entry]
) -> tuple[Booking, ...]:
    """仕訳 with their occasions, and which of them were taken back."""
    journals = journals_of(connection, municipality_code, (e.journal_id for e in entries))
    places = _names(
        connection, municipality_code, "notice", "notice_id",
        "item_code || '/' || CAST(levy_year AS VARCHAR(4)) || '/' || notice_no",
        {e.notice_id for e in entries},
    )  # fmt: skip
    groups = _names(
        connection, municipality_code, "remittance_group", "group_id", "ref",
        {e.group_id for e in entries},
    )  # fmt: skip
    taken = reversals_of(entries)
    return tuple(
        Booking(
            journals[e.journal_id], e.leg, e.file_id, e.line_no, e.debit_account,
            e.credit_account, e.amount_yen, e.reason,
            f"{places[e.notice_id]}/{e.term}" if e.notice_id in places else "",
            groups.get(e.group_id, ""), taken.get((e.journal_id, e.leg)), e.notice_id,
            e.term or "", e.group_id,
        )
        for e in entries
    )  # fmt: skip


def _names(
    connection: Connection,
    municipality_code: str,
    table: str,
    key: str,
    name: str,
    wanted: set[int | None],
) -> dict[int | None, str]:
    """Numbers → what people call them."""
    some = sorted(number for number in wanted if number is not None)
    if not some:
        return {}
    rows = connection.execute(
        text(
            f"SELECT {key}, {name} FROM {table} WHERE municipality_code = :m AND {key} IN :some"
        ).bindparams(bindparam("some", expanding=True)),
        {"m": municipality_code, "some": some},
    )
    return {row[0]: str(row[1]) for row in rows}


def slip_story(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> SlipStory:
    """納付書・期別の経過: what is claimed there, every version, every 調定異動, holds, 滞納繰越.

    ``term`` is 00 for the 全期 slip, and "" for everything that the notice claims.
    """
    scope = {"m": municipality_code, "notice_id": notice_id, "term": term}
    notice = connection.execute(
        text(
            "SELECT item_code, levy_year, notice_no FROM notice "
            "WHERE municipality_code = :m AND notice_id = :notice_id"
        ),
        scope,
    ).one()
    covered = {"00": "a.in_group", "": "1 = 1"}.get(term, "a.term = :term")
    slips = "1 = 1" if term == "" else "s.term = :term"
    today = connection.execute(
        text(
            "SELECT COALESCE(SUM(a.amount_yen), 0) AS amount_yen, "
            "COALESCE(SUM(a.term_yen + a.whole_yen - a.surplus_yen), 0) AS applied_yen, "
            "COALESCE(SUM(a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen), 0) "
            "AS outstanding_yen, MIN(i.due_on) AS due_on FROM instalment_account a "
            "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id "
            "AND i.term = a.term "
            f"WHERE a.municipality_code = :m AND a.notice_id = :notice_id AND {covered}"
        ),
        scope,
    ).one()
    facts = _row(notice) | {"term": term} | _row(today)
    return SlipStory(
        facts=facts,
        versions=_rows(connection, _VERSIONS.format(slips=slips), scope),
        events=_rows(connection, _SLIP_EVENTS.format(slips=slips), scope),
        assessments=assessments_of(connection, municipality_code, notice_id, term),
        holds=holds_about(connection, municipality_code, notice_id, term),
        carried=carried_about(connection, municipality_code, notice_id, term),
    )


_VERSIONS = """
SELECT s.slip_id, s.slip_no, s.term, s.version, s.state, s.amount_yen, s.due_on, s.valid_until,
    s.issued_on, s.el_number, s.konbini_barcode FROM slip s
WHERE s.municipality_code = :m AND s.notice_id = :notice_id AND {slips}
ORDER BY s.term, s.version, s.slip_id"""
_SLIP_EVENTS = """
SELECT s.slip_no, s.version, e.kind, e.happened_at, e.actor, e.reason
FROM slip s
JOIN slip_event e ON e.municipality_code = :m AND e.slip_id = s.slip_id
WHERE s.municipality_code = :m AND s.notice_id = :notice_id AND {slips}
ORDER BY e.happened_at, s.slip_id, e.event_no"""
_GROUP = """
SELECT group_id, agent, ref, remitted_on, confirmed_count, confirmed_yen, fee_yen, credited_yen
FROM remittance_group WHERE municipality_code = :m AND group_id = :group_id"""
_CREDITS = """
SELECT s.file_id, f.name AS file_name, s.line_no, s.amount_yen, s.fee_yen, s.journal_id,
    d.booked_on, d.amount_yen AS credit_yen, d.account_key, d.state
FROM settlement s
JOIN deposit d ON d.municipality_code = :m AND d.file_id = s.file_id AND d.line_no = s.line_no
JOIN source_file f ON f.municipality_code = :m AND f.file_id = s.file_id
WHERE s.municipality_code = :m AND s.group_id = :group_id
ORDER BY s.file_id, s.line_no"""


def settlement_of(
    connection: Connection, municipality_code: str, group_id: int | None
) -> Settlement | None:
    """資金化: the remittance group of a confirmed payment and the credits that paid it."""
    if group_id is None:
        return None
    scope = {"m": municipality_code, "group_id": group_id}
    groups = _rows(connection, _GROUP, scope)
    return Settlement(groups[0], _rows(connection, _CREDITS, scope)) if groups else None


def cases_about(
    connection: Connection, municipality_code: str, subjects: Iterable[str]
) -> tuple[CaseStory, ...]:
    """確認事項 about these subjects, with all that was done about them."""
    rows = connection.execute(
        text(
            "SELECT case_no, kind, state, amount_yen, opened_on, owner FROM review_case "
            "WHERE municipality_code = :m AND subject IN :some ORDER BY case_no"
        ).bindparams(bindparam("some", expanding=True)),
        {"m": municipality_code, "some": sorted(set(subjects))},
    ).all()
    return tuple(
        CaseStory(
            row.case_no, row.kind, row.state, row.amount_yen, str(row.opened_on), row.owner,
            _rows(connection, _CASE_EVENTS, {"m": municipality_code, "case_no": row.case_no}),
        )
        for row in rows
    )  # fmt: skip


_CASE_EVENTS = """
SELECT event_no, happened_on, actor, event, note FROM case_event
WHERE municipality_code = :m AND case_no = :case_no ORDER BY event_no"""
_RUNS = """
SELECT DISTINCT p.run_id FROM slip s
JOIN print_run_slip p ON p.municipality_code = :m AND p.notice_id = s.notice_id
 AND p.term = s.term AND p.slip_id = s.slip_id
WHERE s.municipality_code = :m AND s.notice_id = :notice_id AND (:term = '' OR s.term = :term)
ORDER BY p.run_id"""


def approvals_about(
    connection: Connection,
    municipality_code: str,
    subjects: Iterable[str],
    place: tuple[int, str] | None = None,
) -> tuple[ApprovalStory, ...]:
    """承認 about these subjects, and of the print runs that the slips of the place were in."""
    runs: list[str] = []
    if place is not None:
        scope = {"m": municipality_code, "notice_id": place[0], "term": place[1]}
        runs = [str(run) for run in connection.execute(text(_RUNS), scope).scalars()]
    rows = connection.execute(
        text(
            "SELECT approval_id, kind, subject, reason, asked_by, asked_at, decision, decided_by, "
            "decided_at, note FROM approval WHERE municipality_code = :m "
            "AND (subject IN :some OR (kind = 'slips_release' AND subject IN :runs)) "
            "ORDER BY approval_id"
        ).bindparams(bindparam("some", expanding=True), bindparam("runs", expanding=True)),
        {"m": municipality_code, "some": sorted(set(subjects)), "runs": runs or [""]},
    )
    return tuple(
        ApprovalStory(
            row.approval_id, row.kind, row.subject, row.reason, row.asked_by,
            instant(row.asked_at), row.decision or "", row.decided_by or "",
            instant(row.decided_at), row.note,
        )
        for row in rows
    )  # fmt: skip


def seals_over(
    connection: Connection, municipality_code: str, journal_ids: Iterable[int]
) -> tuple[SealStory, ...]:
    """封印: for each journal the seal that covers it; it begins where the one before ended."""
    return tuple(
        SealStory(journal_id, row.seal_no, instant(row.made_utc), row.sha256)
        if (row := _seal(connection, municipality_code, journal_id)) is not None
        else SealStory(journal_id, 0, "", "")
        for journal_id in sorted(set(journal_ids))
    )


def _seal(connection: Connection, municipality_code: str, journal_id: int) -> Any:
    return connection.execute(
        text(
            "SELECT seal_no, made_utc, sha256 FROM seal "
            "WHERE municipality_code = :m AND journal_id >= :journal_id ORDER BY seal_no LIMIT 1"
        ),
        {"m": municipality_code, "journal_id": journal_id},
    ).one_or_none()


def _rows(connection: Connection, statement: str, scope: dict[str, Any]) -> tuple[Facts, ...]:
    return tuple(_row(row) for row in connection.execute(text(statement), scope))


def _row(row: Any) -> Facts:
    return {
        name: instant(value) if name in _INSTANTS else plain(value)
        for name, value in row._mapping.items()  # noqa: SLF001 - SQLAlchemy's public name
    }


_INSTANTS = {"happened_at"}
