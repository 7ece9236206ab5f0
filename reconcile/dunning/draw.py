"""督促リストの抽出: who would be dunned, who is held back and why, frozen with what it rests on.

Set-based: one statement writes every instalment past its due date that is not paid, with what was
known of it (:mod:`reconcile.dunning.grounds`). Over a channel of which a file is missing nothing is
drawn unless two people have decided so for just these files (law.md L-01, L-02, incidents I2–I8).
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments import approve
from payments.domain.errors import RefusedError
from payments.store.bulk import take_numbers
from payments.store.dunning_tables import DunningListRow
from payments.store.statistics import count_afresh
from reconcile.dunning.evidence import freeze_evidence
from reconcile.dunning.grounds import (
    FIRST_GROUND,
    NEXT_TERM,
    NOT_DUNNED,
    WITH_PROVISIONAL,
    looked_at,
    values_of,
)
from reconcile.dunning.limits import freeze_limits
from reconcile.dunning.record import Happening, append
from reconcile.dunning.rules import BITS, require_terms
from reconcile.report.arrivals import LOOKED_BACK, board
from reconcile.report.dunning import complete_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.domain.profile import Profile
    from reconcile.dunning.rules import Terms

DESPITE = "dunning_despite"  # 承認: over a channel that lacks a file
_AT_ONCE = 20_000
_FILES_FOR = timedelta(days=366)
_FILES_KEPT = "channel NOT IN ('', 'notification') AND received_on >= :files_from"
_table = DunningListRow.__table__  # type: ignore[attr-defined]

_COLUMNS = f"""a.notice_id, a.term, {NEXT_TERM},
    a.amount_yen, i.due_on, i.collection_hold, i.dunning_hold,
    a.term_yen + a.whole_yen - a.surplus_yen AS paid_yen, a.term_yen + a.whole_yen AS came_yen"""
_OPEN = "a.amount_yen > a.term_yen + a.whole_yen - a.surplus_yen"
_FROM = f"""FROM instalment_account a
    CROSS JOIN instalment i
    WHERE a.municipality_code = :m AND a.amount_yen > 0 AND {{which}}
      AND i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
      AND i.due_on < :as_of{{narrowed}} AND {NOT_DUNNED}"""
_ROWS = f"""
INSERT INTO dunning_row (municipality_code, list_no, notice_id, term, obligor_no, item_code, due_on,
    amount_yen, paid_yen, ground, grounds)
WITH {{looked}}
SELECT CAST(:m AS VARCHAR), {{list_no}}, notice_id, term, obligor_no, item_code, due_on, amount_yen,
    paid_yen, {FIRST_GROUND}, grounds
FROM looked WHERE amount_yen > paid_yen OR (grounds & {BITS["provisional"]}) <> 0"""
_SUMS = """
SELECT COUNT(*) AS number, SUM(CASE WHEN ground = '' THEN 1 ELSE 0 END) AS listed,
    SUM(CASE WHEN ground = '' THEN amount_yen - paid_yen ELSE 0 END) AS yen
FROM dunning_row WHERE municipality_code = :m AND list_no = :list_no"""
# One text for each row: putting nine columns together costs Python more than the hash itself.
_ROWS_IN_ORDER = """
SELECT CAST(notice_id AS VARCHAR(20)) || ',' || term || ',' || obligor_no || ',' || item_code
    || ',' || CAST(due_on AS VARCHAR(10)) || ',' || CAST(amount_yen AS VARCHAR(20))
    || ',' || CAST(paid_yen AS VARCHAR(20)) || ',' || ground
    || ',' || CAST(grounds AS VARCHAR(20))
FROM dunning_row WHERE municipality_code = :m AND list_no = :list_no ORDER BY notice_id, term"""
_FILES_IN_ORDER = """
SELECT CAST(file_id AS VARCHAR(20)) || ',' || sha256 || ',' || status FROM dunning_file
WHERE municipality_code = :m AND list_no = :list_no ORDER BY file_id"""
_LAST = """
SELECT (SELECT COALESCE(MAX(journal_id), 0) FROM journal WHERE municipality_code = :m)
    AS journal_id,
    (SELECT COALESCE(MAX(file_id), 0) FROM source_file WHERE municipality_code = :m)
    AS file_id"""


class SourceState(NamedTuple):
    """資料の状況 of one source: complete up to a day, and the due days that lack a file."""

    source: str
    complete_until: date
    lacking: tuple[str, ...]


class Drawn(NamedTuple):
    """抽出の結果."""

    list_no: int
    row_count: int
    listed_count: int
    listed_yen: int


def source_states(
    connection: Connection, profile: Profile, as_of: date, at: datetime
) -> list[SourceState]:
    """資料の状況 of every source on the day of a draw; what stands aside lacks, too."""
    complete = complete_until(connection, profile, as_of, at)
    lacking: dict[str, list[str]] = {}
    days = board(connection, profile, as_of - LOOKED_BACK, as_of, at)
    for day in sorted(days):
        for each in days[day]:
            if each.blocks or each.state == "partial":
                lacking.setdefault(each.source.code, []).append(day.isoformat())
    return [
        SourceState(code, until, tuple(lacking.get(code, ())))
        for code, until in sorted(complete.items())
    ]


def lacking_of(states: Iterable[SourceState]) -> list[str]:
    """足りない資料: ``source day`` of every due day that lacks a file."""
    return [f"{state.source} {day}" for state in states for day in state.lacking]


def require_files(
    connection: Connection, municipality_code: str, states: Iterable[SourceState], as_of: date
) -> int | None:
    """資料がそろっているか: None, or the decision of two people that covers all that is lacking.

    Raises :class:`RefusedError` ``dunning_blocked`` with what is lacking.
    """
    lacking = lacking_of(states)
    if not lacking:
        return None
    decided = approve.of_subject(connection, municipality_code, DESPITE, as_of.isoformat())
    for approval in reversed(decided):
        if approval.decision == "approved" and set(lacking) <= set(approval.content["lacking"]):
            return approval.approval_id
    raise blocked(lacking, as_of)


def blocked(lacking: Sequence[str], as_of: date) -> RefusedError:
    """資料の不足による拒否: ``dunning_blocked`` with what is lacking."""
    return RefusedError("dunning_blocked", as_of=as_of.isoformat(), lacking=", ".join(lacking))


def draw(
    connection: Connection, profile: Profile, terms: Terms, *, actor: str, at: datetime
) -> Drawn:
    """督促リストの抽出; the list is frozen and its number is new.

    Raises :class:`InvalidValueError` ``dunning_terms`` and :class:`RefusedError`
    ``dunning_blocked``, ``dunning_none`` (no instalment is past its due date and unpaid).
    """
    code = profile.municipality_code
    require_terms(terms)
    states = source_states(connection, profile, terms.as_of, at)
    despite_id = require_files(connection, code, states, terms.as_of)
    cut_off = min([terms.as_of, *(state.complete_until for state in states)])
    list_no = take_numbers(connection, code, "dunning_list", 1)
    freeze_limits(connection, profile, terms, list_no)
    values = values_of(connection, code, terms, cut_off, list_no)
    last = connection.execute(text(_LAST), {"m": code}).one()
    _write_rows(connection, terms, list_no, values)
    sums = connection.execute(text(_SUMS), {"m": code, "list_no": list_no}).one()
    if not sums.number:
        raise RefusedError("dunning_none", as_of=terms.as_of.isoformat())
    freeze_evidence(connection, list_no, values)
    _write_sources(connection, code, list_no, states)
    _write_files(connection, code, list_no, terms)
    _write_fees(connection, profile, list_no, terms.as_of)
    drawn = Drawn(list_no, int(sums.number), int(sums.listed), int(sums.yen))
    connection.execute(
        _table.insert().values(
            municipality_code=code,
            list_no=list_no,
            as_of_on=terms.as_of,
            cut_off_on=cut_off,
            terms_json=terms.as_json(),
            journal_id=last.journal_id,
            file_id=last.file_id,
            row_count=drawn.row_count,
            listed_count=drawn.listed_count,
            listed_yen=drawn.listed_yen,
            rows_sha256=rows_digest(connection, code, list_no),
            files_sha256=files_digest(connection, code, list_no),
            despite_id=despite_id,
            actor=actor,
            made_at=at,
        )
    )
    drew = Happening("drawn", terms.as_of, actor, at, drawn.listed_count)
    append(connection, code, list_no, drew)
    return drawn


def _write_rows(connection: Connection, terms: Terms, list_no: int, values: dict[str, Any]) -> None:
    """Every instalment past its due date that is open, or that a 速報 alone has paid."""
    narrowed = ""
    if terms.due_from:
        narrowed += " AND i.due_on >= :due_from"
        values["due_from"] = terms.due_from.isoformat()
    if terms.due_to:
        narrowed += " AND i.due_on <= :due_to"
        values["due_to"] = terms.due_to.isoformat()
    if terms.item_code:
        narrowed += (
            " AND EXISTS (SELECT 1 FROM notice x WHERE x.municipality_code = :m "
            "AND x.notice_id = a.notice_id AND x.item_code = :item_code)"
        )
        values["item_code"] = terms.item_code
    still_open = _FROM.format(which=_OPEN, narrowed=narrowed)
    by_report = _FROM.format(
        which=f"NOT {_OPEN} AND a.notice_id IN (SELECT p.notice_id FROM provisional p)",
        narrowed=narrowed,
    )
    past = f"SELECT {_COLUMNS} {still_open} UNION ALL SELECT {_COLUMNS} {by_report}"
    for table in ("instalment", "instalment_account", "notice", "receipt", "review_case"):
        count_afresh(connection, _AT_ONCE, table)
    on_postgresql = connection.dialect.name == "postgresql"
    if on_postgresql:
        past = _set_apart(connection, past, values)
    looked = looked_at(past, is_table=on_postgresql)
    statement = text(_ROWS.format(looked=looked, list_no=list_no))
    connection.execute(statement.bindparams(bindparam("named", expanding=True)), values)
    count_afresh(connection, _AT_ONCE, "dunning_row")


def _set_apart(connection: Connection, past: str, values: dict[str, Any]) -> str:
    """The instalments past their due date as a table of their own; a SELECT of them.

    PostgreSQL fills it with several processes, and knows what is in it when it plans the rest.
    """
    connection.execute(text("SET LOCAL work_mem = '256MB'"))
    connection.execute(text("DROP TABLE IF EXISTS pg_temp.dunning_past"))
    connection.execute(
        text(f"CREATE TEMP TABLE dunning_past ON COMMIT DROP AS WITH {WITH_PROVISIONAL} {past}"),
        values,
    )
    connection.execute(text("ANALYZE dunning_past"))
    return "SELECT * FROM dunning_past"


def _write_sources(
    connection: Connection, code: str, list_no: int, states: Iterable[SourceState]
) -> None:
    rows = [
        {
            "m": code,
            "list_no": list_no,
            "source": state.source,
            "complete_until": state.complete_until.isoformat(),
            "lacking": " ".join(state.lacking),
        }
        for state in states
    ]
    if rows:
        connection.execute(
            text(
                "INSERT INTO dunning_source (municipality_code, list_no, source, complete_until, "
                "lacking) VALUES (:m, :list_no, :source, :complete_until, :lacking)"
            ),
            rows,
        )


def _write_files(connection: Connection, code: str, list_no: int, terms: Terms) -> None:
    """The files of the last year; what came before stands under the position of the list."""
    connection.execute(
        text(
            "INSERT INTO dunning_file (municipality_code, list_no, file_id, sha256, status) "
            f"SELECT municipality_code, {list_no}, file_id, sha256, status FROM source_file "
            f"WHERE municipality_code = :m AND {_FILES_KEPT}"
        ),
        {
            "m": code,
            "files_from": (terms.as_of - _FILES_FOR).isoformat(),
        },
    )


def _write_fees(connection: Connection, profile: Profile, list_no: int, letter_on: date) -> None:
    """督促手数料 by 科目 and 納期限, as the profile says for letters of this day."""
    rows = connection.execute(
        text(
            "SELECT DISTINCT item_code, CAST(due_on AS VARCHAR(10)) AS due_on FROM dunning_row "
            "WHERE municipality_code = :m AND list_no = :list_no AND ground = ''"
        ),
        {"m": profile.municipality_code, "list_no": list_no},
    ).all()
    fees = [
        {
            "m": profile.municipality_code,
            "list_no": list_no,
            "item_code": row.item_code,
            "due_on": row.due_on,
            "fee_yen": profile.charges.fee_yen(
                row.item_code, letter_on=letter_on, due_on=date.fromisoformat(row.due_on)
            ),
        }
        for row in rows
    ]
    if fees:
        connection.execute(
            text(
                "INSERT INTO dunning_fee (municipality_code, list_no, item_code, due_on, fee_yen) "
                "VALUES (:m, :list_no, :item_code, :due_on, :fee_yen)"
            ),
            fees,
        )


def rows_digest(connection: Connection, municipality_code: str, list_no: int) -> str:
    """明細のハッシュ: SHA-256 over the rows in order, columns with commas and a line feed."""
    return _digest(connection, _ROWS_IN_ORDER, {"m": municipality_code, "list_no": list_no})


def files_digest(connection: Connection, municipality_code: str, list_no: int) -> str:
    """根拠資料のハッシュ: the same over number, hash and status of each file."""
    return _digest(connection, _FILES_IN_ORDER, {"m": municipality_code, "list_no": list_no})


def _digest(connection: Connection, statement: str, values: Mapping[str, Any]) -> str:
    digest = sha256()
    found = connection.execute(text(statement), values, execution_options={"yield_per": _AT_ONCE})
    for portion in found.scalars().partitions(_AT_ONCE):
        lines = "\n".join(portion)
        digest.update(f"{lines}\n".encode())
    return digest.hexdigest()
