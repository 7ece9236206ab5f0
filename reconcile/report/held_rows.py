"""仮受・払込・未納の明細: the rows that a balance is made of, in the order of their keys.

Every list begins behind a key that the caller had before, so that a page costs the same however
far one reads, and a file is written with constant memory. No name of a person is read here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconcile.store.refund_tables import DECIDED_OF_RECEIPT, DECIDED_OF_SURPLUS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

AT_ONCE = 500
_OUTCOME = """COALESCE((SELECT o.outcome FROM line_outcome o WHERE o.municipality_code = :m
    AND o.file_id = {of}.file_id AND o.line_no = {of}.line_no
    ORDER BY o.revision DESC LIMIT 1), '')"""
_CASE = """(SELECT MAX(c.case_no) FROM review_case c WHERE c.municipality_code = :m
    AND c.subject
        = CAST({of}.file_id AS VARCHAR(20)) || ':' || CAST({of}.line_no AS VARCHAR(20)))"""
_OPEN_YEN = "a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen"
_OPEN = f"""SELECT i.notice_id, i.term, n.item_code, i.fiscal_year AS claim_year,
    a.amount_yen AS whole_yen, CAST(i.due_on AS VARCHAR(10)) AS since, {_OPEN_YEN} AS amount_yen
FROM instalment i CROSS JOIN instalment_account a CROSS JOIN notice n
WHERE i.municipality_code = :m AND i.fiscal_year {{which}} :year
  AND (i.fiscal_year, i.notice_id, i.term) > (:claim_year, :notice_id, :term)
  AND a.municipality_code = :m AND a.notice_id = i.notice_id AND a.term = i.term
  AND {_OPEN_YEN} > 0
  AND n.municipality_code = :m AND n.notice_id = i.notice_id AND n.item_code = :item
ORDER BY i.fiscal_year, i.notice_id, i.term LIMIT :most"""

# name → (the columns of its key, what it reads)
LISTS: dict[str, tuple[tuple[str, ...], str]] = {
    # 仮受金 of receipts; CROSS JOIN keeps SQLite at the few that hold anything.
    "suspense": (
        ("file_id", "line_no"),
        f"""SELECT r.file_id, r.line_no, {_OUTCOME.format(of="r")} AS outcome, f.channel,
            COALESCE(n.item_code, '') AS item_code, r.notice_id, r.term,
            CAST(r.paid_on AS VARCHAR(10)) AS paid_on,
            CAST(f.received_on AS VARCHAR(10)) AS since, r.amount_yen AS whole_yen,
            r.suspense_yen - {DECIDED_OF_RECEIPT} AS amount_yen, {_CASE.format(of="r")} AS case_no
        FROM receipt r CROSS JOIN source_file f
        LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
        WHERE r.municipality_code = :m AND r.suspense_yen > 0
          AND r.suspense_yen <> {DECIDED_OF_RECEIPT}
          AND (r.file_id, r.line_no) > (:file_id, :line_no)
          AND f.municipality_code = :m AND f.file_id = r.file_id
        ORDER BY r.file_id, r.line_no LIMIT :most""",
    ),
    # 更正による過納; + 0 keeps the key from leading through all balances to the few that have one.
    "surplus": (
        ("notice_id", "term"),
        f"""SELECT a.notice_id, a.term, n.item_code,
            COALESCE((SELECT CAST(MAX(f.received_on) AS VARCHAR(10)) FROM assessment_event e
                JOIN source_file f ON f.municipality_code = :m AND f.file_id = e.file_id
                WHERE e.municipality_code = :m AND e.notice_id = a.notice_id AND e.term = a.term
                  AND e.outcome = 'applied'), '') AS since,
            a.surplus_yen - {DECIDED_OF_SURPLUS} AS amount_yen
        FROM instalment_account a CROSS JOIN notice n
        WHERE a.municipality_code = :m AND a.surplus_yen > 0
          AND a.surplus_yen <> {DECIDED_OF_SURPLUS}
          AND (a.notice_id + 0, a.term) > (:notice_id, :term)
          AND n.municipality_code = :m AND n.notice_id = a.notice_id
        ORDER BY a.notice_id + 0, a.term LIMIT :most""",
    ),
    # 還付未済: what waits in 仮受金, and what is decided to go back and has not been paid.
    "refundable": (
        ("part", "first", "second"),
        f"""SELECT * FROM (
        SELECT 1 AS part, r.file_id AS first, r.line_no AS second,
            COALESCE(n.item_code, '') AS item_code, r.notice_id, r.term,
            CAST(f.received_on AS VARCHAR(10)) AS since,
            r.suspense_yen - {DECIDED_OF_RECEIPT} AS amount_yen
        FROM receipt r CROSS JOIN source_file f
        LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
        WHERE r.municipality_code = :m AND r.suspense_yen > 0
          AND r.suspense_yen <> {DECIDED_OF_RECEIPT}
          AND f.municipality_code = :m AND f.file_id = r.file_id
        UNION ALL
        SELECT 2, a.notice_id, CAST(a.term AS INTEGER), n.item_code, a.notice_id, a.term, '',
            a.surplus_yen - {DECIDED_OF_SURPLUS}
        FROM instalment_account a CROSS JOIN notice n
        WHERE a.municipality_code = :m AND a.surplus_yen > 0
          AND a.surplus_yen <> {DECIDED_OF_SURPLUS}
          AND n.municipality_code = :m AND n.notice_id = a.notice_id
        UNION ALL
        SELECT 3, x.refund_no, 0, n.item_code, x.notice_id, x.term,
            (SELECT CAST(MIN(d.happened_on) AS VARCHAR(10)) FROM refund_event d
                WHERE d.municipality_code = :m AND d.refund_no = x.refund_no), x.amount_yen
        FROM refund x JOIN notice n ON n.municipality_code = :m AND n.notice_id = x.notice_id
        WHERE x.municipality_code = :m AND (
            SELECT v.event FROM refund_event v
            WHERE v.municipality_code = :m AND v.refund_no = x.refund_no
            ORDER BY v.event_no DESC LIMIT 1) NOT IN ('paid', 'cancelled')
        ) q WHERE (part, first, second) > (:part, :first, :second)
        ORDER BY part, first, second LIMIT :most""",
    ),
    # 不明入金 and what else has found no place.
    "credits": (
        ("file_id", "line_no"),
        f"""SELECT d.file_id, d.line_no, {_OUTCOME.format(of="d")} AS outcome, d.account_key,
            d.agent, CAST(d.booked_on AS VARCHAR(10)) AS since, d.amount_yen,
            {_CASE.format(of="d")} AS case_no
        FROM deposit d
        WHERE d.municipality_code = :m AND d.state = 'open'
          AND (d.file_id, d.line_no) > (:file_id, :line_no)
        ORDER BY d.file_id, d.line_no LIMIT :most""",
    ),
    # 払込単位 of one agent with a 払込日 in a span; ``net`` is 1 where it keeps its fee back.
    "groups": (
        ("group_id",),
        """SELECT g.group_id, g.agent, g.ref, CAST(g.remitted_on AS VARCHAR(10)) AS since,
            g.confirmed_count, g.confirmed_yen, g.fee_yen, g.credited_yen,
            (SELECT MAX(c.case_no) FROM review_case c WHERE c.municipality_code = :m
                AND c.subject = 'group:' || CAST(g.group_id AS VARCHAR(20))) AS case_no,
            (SELECT MIN(s.file_id) FROM settlement s WHERE s.municipality_code = :m
                AND s.group_id = g.group_id) AS file_id,
            (SELECT MIN(s.line_no) FROM settlement s WHERE s.municipality_code = :m
                AND s.group_id = g.group_id AND s.file_id = (SELECT MIN(t.file_id)
                    FROM settlement t WHERE t.municipality_code = :m
                      AND t.group_id = g.group_id)) AS line_no
        FROM remittance_group g
        WHERE g.municipality_code = :m AND g.agent = :agent AND g.group_id > :group_id
          AND (:unpaid = 0 OR g.confirmed_yen - :net * g.fee_yen <> g.credited_yen)
          AND (:first = '' OR CAST(g.remitted_on AS VARCHAR(10)) BETWEEN :first AND :last)
        ORDER BY g.group_id LIMIT :most""",
    ),
    # 払込の収納: the payments that one 払込単位 is made of.
    "payments": (
        ("file_id", "line_no"),
        """SELECT r.file_id, r.line_no, f.channel, COALESCE(n.item_code, '') AS item_code,
            r.notice_id, r.term, r.stage, CAST(r.paid_on AS VARCHAR(10)) AS paid_on, r.amount_yen
        FROM receipt r
        JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id
        LEFT JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id
        WHERE r.municipality_code = :m AND r.group_id = :group
          AND (r.file_id, r.line_no) > (:file_id, :line_no)
        ORDER BY r.file_id, r.line_no LIMIT :most""",
    ),
    # 収入未済 as it is today, of one 会計年度 and of all before it.
    "open": (("claim_year", "notice_id", "term"), _OPEN.format(which="=")),
    "open_older": (("claim_year", "notice_id", "term"), _OPEN.format(which="<")),
    # 滞納繰越 as it was carried when the year was closed.
    "carried": (
        ("notice_id", "term"),
        """SELECT o.notice_id, o.term, o.item_code, o.claim_year, o.amount_yen
        FROM carry_over o
        WHERE o.municipality_code = :m AND o.carry_no = :carry_no AND o.item_code = :item
          AND (o.notice_id, o.term) > (:notice_id, :term)
        ORDER BY o.notice_id, o.term LIMIT :most""",
    ),
    # 確認事項 that came or went in a span of days.
    "cases": (
        ("happened_on", "event", "case_no", "event_no"),
        """SELECT CAST(e.happened_on AS VARCHAR(10)) AS happened_on, e.event, e.case_no,
            e.event_no, c.kind, c.amount_yen, CAST(c.opened_on AS VARCHAR(10)) AS since, c.state
        FROM case_event e
        JOIN review_case c ON c.municipality_code = :m AND c.case_no = e.case_no
        WHERE e.municipality_code = :m AND e.happened_on BETWEEN :first AND :last
          AND e.event IN (:one, :other) AND NOT EXISTS (SELECT 1 FROM case_event u
            WHERE u.municipality_code = :m AND u.case_no = e.case_no AND u.event = 'undone'
              AND u.note = CAST(e.event_no AS VARCHAR(20)))
          AND (e.happened_on, e.event, e.case_no, e.event_no)
            > (:happened_on, :event, :case_no, :event_no)
        ORDER BY e.happened_on, e.event, e.case_no, e.event_no LIMIT :most""",
    ),
}
# Below every key there is.
_BEFORE: dict[str, int | str] = {"term": "", "event": "", "happened_on": "1900-01-01"}


def rows(
    connection: Connection,
    municipality_code: str,
    name: str,
    *,
    after: Sequence[int | str] = (),
    **values: object,
) -> Iterator[Any]:
    """The rows of one of :data:`LISTS`, those behind the key ``after``, to the last."""
    keys, statement = LISTS[name]
    at = tuple(after) or tuple(_BEFORE.get(key, -1) for key in keys)
    while True:
        found = connection.execute(
            text(statement),
            {"m": municipality_code, **values, **dict(zip(keys, at, strict=True)),
             "most": AT_ONCE},
        ).all()  # fmt: skip
        yield from found
        if len(found) < AT_ONCE:
            return
        at = key_of(name, found[-1])


def key_of(name: str, row: Any) -> tuple[int | str, ...]:
    """The key of a row, to go on behind it."""
    return tuple(getattr(row, key) for key in LISTS[name][0])
