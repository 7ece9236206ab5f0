"""留保の証拠: which payment, case or hold each ground rested on, frozen with the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from reconcile.dunning.grounds import HOLD_IN_FORCE, RELEASED
from reconcile.dunning.rules import BITS
from reconcile.store.case_conditions import ABOUT_INSTALMENT, NOTICE_OF_CASE, OPEN_CASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

_RECEIPT = "'receipt:' || CAST(r.file_id AS VARCHAR(20)) || ':' || CAST(r.line_no AS VARCHAR(20))"
_CASE = "'case:' || CAST(c.case_no AS VARCHAR(20))"
_PAID = "dunning_row a JOIN receipt r ON r.municipality_code = :m AND r.notice_id = a.notice_id"
_OF_RECEIPT = """review_case c JOIN receipt r ON r.municipality_code = :m
    AND r.file_id = c.file_id AND r.line_no = c.line_no
    JOIN dunning_row a ON a.notice_id = r.notice_id"""
_OF_INSTALMENT = f"review_case c JOIN dunning_row a ON a.notice_id = {NOTICE_OF_CASE}"
_CASES = f"c.municipality_code = :m AND {OPEN_CASE}"
_SUSPECTED = "c.kind = 'wrong_instalment_suspected'"


class _Source(NamedTuple):
    """What a ground names, where from, and under which condition; ``a`` is a row of the list."""

    subject: str
    rows: str
    condition: str = "1 = 1"


_SOURCES: Mapping[str, tuple[_Source, ...]] = {
    "prescribed": (
        _Source(
            "'limitation:' || CAST(x.last_on AS VARCHAR(10))",
            "dunning_row a JOIN dunning_limitation x ON x.municipality_code = :m "
            "AND x.list_no = a.list_no AND x.notice_id = a.notice_id AND x.term = a.term",
        ),
    ),
    "held": (
        _Source(
            "'hold:' || CAST(h.hold_no AS VARCHAR(20))",
            f"dunning_row a JOIN hold_event h ON {HOLD_IN_FORCE}",
        ),
    ),
    "plan": (
        _Source(
            "'plan:' || CAST(p.plan_no AS VARCHAR(20))",
            "dunning_row a JOIN payment_plan_part p ON p.municipality_code = :m "
            "AND p.notice_id = a.notice_id AND p.term = a.term",
        ),
    ),
    "provisional": (
        _Source(_RECEIPT, _PAID, "r.term IN (a.term, '00') AND r.stage = 'provisional'"),
    ),
    "debit_out": (
        _Source(
            "'batch:' || CAST(b.batch_no AS VARCHAR(20))",
            "dunning_row a JOIN debit_row w ON w.municipality_code = :m "
            "AND w.notice_id = a.notice_id AND w.term = a.term "
            "JOIN debit_batch b ON b.municipality_code = :m AND b.batch_no = w.batch_no",
            f"b.in_force AND b.debit_on >= :debits_from AND {RELEASED}",
        ),
    ),
    "case_open": (
        _Source(_CASE, _OF_RECEIPT, _CASES),
        _Source(_CASE, _OF_INSTALMENT, f"{_CASES} AND {ABOUT_INSTALMENT} AND NOT {_SUSPECTED}"),
    ),
    "wrong_instalment": (
        _Source(_CASE, _OF_INSTALMENT, f"{_CASES} AND {ABOUT_INSTALMENT} AND {_SUSPECTED}"),
    ),
    "alternative_paid": (_Source(_RECEIPT, _PAID, "r.term = '00' AND r.suspense_yen > 0"),),
    "money_waiting": (
        _Source(
            _RECEIPT,
            "receipt r JOIN notice n ON n.municipality_code = :m AND n.notice_id = r.notice_id "
            "JOIN dunning_row a ON a.obligor_no = n.obligor_no",
            "r.municipality_code = :m AND r.suspense_yen > 0",
        ),
    ),
    "other_list": (
        _Source(
            "'list:' || CAST(w.list_no AS VARCHAR(20))",
            "dunning_row a JOIN dunning_row w ON w.municipality_code = :m "
            "AND w.notice_id = a.notice_id AND w.term = a.term AND w.list_no < a.list_no "
            "AND w.ground = ''",
            "NOT EXISTS (SELECT 1 FROM dunning_event z WHERE z.municipality_code = :m "
            "AND z.list_no = w.list_no AND z.event IN ('dispatched', 'dropped'))",
        ),
    ),
}


def freeze_evidence(connection: Connection, list_no: int, values: Mapping[str, Any]) -> None:
    """証拠の固定: name what each ground of a list's rows rested on."""
    for ground, sources in _SOURCES.items():
        for source in sources:
            connection.execute(
                text(
                    f"""INSERT INTO dunning_evidence
                        (municipality_code, list_no, notice_id, term, ground, subject)
                    SELECT DISTINCT a.municipality_code, a.list_no, a.notice_id, a.term,
                        '{ground}', {source.subject}
                    FROM {source.rows}
                    WHERE {source.condition} AND a.municipality_code = :m AND a.list_no = :list_no
                      AND (a.grounds & {BITS[ground]}) <> 0
                    ON CONFLICT DO NOTHING"""
                ),
                {**values, "list_no": list_no},
            )
