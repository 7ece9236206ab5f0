"""督促の説明: why a letter went out, or did not, by what was known at that moment (as-of).

Everything comes from what was frozen with the list: nothing that came later changes the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.errors import NotFoundError
from payments.versions import as_day
from reconcile.dunning.record import list_of
from reconcile.dunning.rules import LETTER_DAYS, grounds_in

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from reconcile.dunning.record import DunningList


class Source(NamedTuple):
    """資料の基準日 of one source, as the list kept it."""

    source: str
    complete_until: date
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowStory:
    """一件の説明: what was known of an instalment, and what became of its letter.

    ``seq`` is the place of its letter (None: none was made), ``pulled`` why it was taken out.
    """

    notice_id: int
    term: str
    obligor_no: str
    item_code: str
    levy_year: int
    notice_no: str
    due_on: date
    amount_yen: int
    paid_yen: int
    ground: str
    grounds: tuple[str, ...]
    evidence: tuple[tuple[str, str], ...]
    fee_yen: int
    seq: int | None
    pulled: str
    pulled_open_yen: int | None
    last_on: date | None  # 時効の満了日, where it was near or over

    @property
    def open_yen(self) -> int:
        """未納 as it was known."""
        return self.amount_yen - self.paid_yen

    @property
    def is_listed(self) -> bool:
        """督促の対象か."""
        return not self.ground


@dataclass(frozen=True, slots=True)
class Story:
    """督促の説明 of a person or an instalment in one list."""

    found: DunningList
    sources: tuple[Source, ...]
    files: int
    rows: tuple[RowStory, ...]


_ROWS = """
SELECT w.notice_id, w.term, w.obligor_no, w.item_code, n.levy_year, n.notice_no, w.due_on,
    w.amount_yen, w.paid_yen, w.ground, w.grounds, COALESCE(f.fee_yen, 0) AS fee_yen, l.seq,
    p.reason AS pulled, p.open_yen AS pulled_open_yen, x.last_on
FROM notice n CROSS JOIN dunning_row w
LEFT JOIN dunning_fee f ON f.municipality_code = :m AND f.list_no = w.list_no
    AND f.item_code = w.item_code AND f.due_on = w.due_on AND w.ground = ''
LEFT JOIN dunning_letter l ON l.municipality_code = :m AND l.notice_id = w.notice_id
    AND l.term = w.term AND l.list_no = w.list_no
LEFT JOIN dunning_pull p ON p.municipality_code = :m AND p.list_no = w.list_no
    AND p.seq = l.seq AND p.pull_no = :pull_no
LEFT JOIN dunning_limitation x ON x.municipality_code = :m AND x.list_no = w.list_no
    AND x.notice_id = w.notice_id AND x.term = w.term
WHERE n.municipality_code = :m AND {which}
  AND w.municipality_code = :m AND w.list_no = :list_no AND w.notice_id = n.notice_id{term}
ORDER BY w.notice_id, w.term"""
_EVIDENCE = """
SELECT ground, subject FROM dunning_evidence
WHERE municipality_code = :m AND list_no = :list_no AND notice_id = :notice_id AND term = :term
ORDER BY ground, subject"""
_SOURCES = """
SELECT source, complete_until, lacking FROM dunning_source
WHERE municipality_code = :m AND list_no = :list_no ORDER BY source"""
_FILES = "SELECT COUNT(*) FROM dunning_file WHERE municipality_code = :m AND list_no = :list_no"


def of_person(
    connection: Connection, municipality_code: str, list_no: int, obligor_no: str
) -> Story:
    """督促の説明 of everything of one person in a list.

    Raises :class:`NotFoundError` ``dunning_list`` or ``dunning_row``.
    """
    return _story(
        connection, municipality_code, list_no, "n.obligor_no = :obligor_no",
        {"obligor_no": obligor_no},
    )  # fmt: skip


def of_instalment(
    connection: Connection, municipality_code: str, list_no: int, notice_id: int, term: str = ""
) -> Story:
    """督促の説明 of an instalment, or with an empty term of a whole notice; raises as above."""
    return _story(
        connection, municipality_code, list_no, "n.notice_id = :notice_id",
        {"notice_id": notice_id, "term": term}, " AND w.term = :term" if term else "",
    )  # fmt: skip


def sources_of(connection: Connection, municipality_code: str, list_no: int) -> tuple[Source, ...]:
    """資料の基準日 of every source of a list."""
    return tuple(
        Source(row.source, as_day(row.complete_until), tuple(row.lacking.split()))
        for row in connection.execute(text(_SOURCES), {"m": municipality_code, "list_no": list_no})
    )


def files_of(connection: Connection, municipality_code: str, list_no: int) -> int:
    """根拠資料の数."""
    values = {"m": municipality_code, "list_no": list_no}
    return int(connection.execute(text(_FILES), values).scalar_one())


def _story(
    connection: Connection,
    municipality_code: str,
    list_no: int,
    which: str,
    values: dict[str, Any],
    term: str = "",
) -> Story:
    found = list_of(connection, municipality_code, list_no)
    last = found.last("dispatched") or found.last("pull_drawn")
    scope = {"m": municipality_code, "list_no": list_no}
    rows = connection.execute(
        text(_ROWS.format(which=which, term=term)),
        values | scope | {"pull_no": last.subject_no if last else 0},
    ).all()
    if not rows:
        raise NotFoundError("dunning_row", list_no=list_no)
    stories = []
    for row in rows:
        key = scope | {"notice_id": row.notice_id, "term": row.term}
        evidence = connection.execute(text(_EVIDENCE), key)
        stories.append(
            RowStory(
                row.notice_id, row.term, row.obligor_no, row.item_code, row.levy_year,
                row.notice_no, as_day(row.due_on), row.amount_yen, row.paid_yen, row.ground,
                grounds_in(row.grounds), tuple((e.ground, e.subject) for e in evidence),
                row.fee_yen, row.seq, row.pulled or "", row.pulled_open_yen,
                row.last_on and as_day(row.last_on),
            )
        )  # fmt: skip
    return Story(
        found,
        sources_of(connection, municipality_code, list_no),
        files_of(connection, municipality_code, list_no),
        tuple(stories),
    )


def days_over(found: DunningList, row: RowStory) -> int:
    """督促状の期限からの日数: by how many days the letter is later than 20 days after 納期限."""
    sent = found.last("dispatched")
    on = sent.happened_on if sent else found.as_of_on
    return max((on - row.due_on).days - LETTER_DAYS, 0)
