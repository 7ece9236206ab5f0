"""充当先の決定の記録: what every decision about the place of money leaves behind.

Whether the money came as a payment (:mod:`reconcile.placement.placing`) or as a bank credit
(:mod:`reconcile.placement.credit_placing`): the placement with its parts, the links that no rule
makes again, and the cases that it answers or opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.store.bulk import take_numbers
from reconcile import flag
from reconcile.rules import CASE_OUTCOMES
from reconcile.store.placement_tables import LinkBlockRow, PlacementPartRow, PlacementRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from payments.approve import Approval
    from reconcile.placement_model import Part

# Cases that the decision about a payment's place answers, beside those of its outcome.
ANSWERED = CASE_OUTCOMES | {
    "closed_year",
    "confirmed_after_withdrawal",
    "overpaid_by_correction",
    "wrong_instalment_suspected",
}

placement_table = PlacementRow.__table__  # type: ignore[attr-defined]
part_table = PlacementPartRow.__table__  # type: ignore[attr-defined]
block_table = LinkBlockRow.__table__  # type: ignore[attr-defined]


def record(
    connection: Connection,
    municipality_code: str,
    approval: Approval,
    line: tuple[int, int],
    journal_id: int,
    parts: Sequence[Part],
    ended: Sequence[Mapping[str, Any]],
) -> None:
    """The placement of the money of ``line`` (file, line), and the links that it ends.

    ``ended`` are the blocks: ``notice_id`` and ``term``, or ``group_id``, None for the others.
    """
    whose = {
        "municipality_code": municipality_code,
        "approval_id": approval.approval_id,
        "made_at": approval.decided_at,
        "file_id": line[0],
        "line_no": line[1],
    }
    number = take_numbers(connection, municipality_code, "placement", 1)
    connection.execute(
        placement_table.insert().values(**whose, placement_no=number, journal_id=journal_id)
    )
    rows = [
        {"municipality_code": municipality_code, "placement_no": number, "part_no": part_no}
        | part._asdict()
        for part_no, part in enumerate(parts, start=1)
    ]
    if rows:
        connection.execute(part_table.insert(), rows)
    if ended:
        first = take_numbers(connection, municipality_code, "link_block", len(ended))
        connection.execute(
            block_table.insert(),
            [
                {"notice_id": None, "term": None, "group_id": None, **whose, **one}
                | {"block_no": block_no}
                for block_no, one in enumerate(ended, start=first)
            ],
        )


def answer(
    connection: Connection,
    municipality_code: str,
    approval: Approval,
    journal_id: int,
    *,
    on: date,
    subject: str,
    waiting: flag.Case | None,
    details: Mapping[str, str],
) -> None:
    """Cases that the decision answers end; ``waiting`` money, and changed outcomes, open some.

    ``subject`` is that of the line itself; ``details`` say by subject what was compared. The case
    from which it was asked for is answered as well.
    """
    day, actor = on.isoformat(), str(approval.decided_by)
    changed, subjects = flag.changed_lines(
        connection, {"m": municipality_code, "journal_id": journal_id}
    )
    cases = [
        case._replace(details=details.get(case.subject, ""))
        for case in changed
        if case.subject != subject
    ]
    others = [one for one in subjects if one != subject]
    flag.close_cases(connection, municipality_code, others, keep=cases, on=day)
    if waiting is not None:
        cases.append(waiting)
    answered, case_no = [subject], approval.content["case_no"]
    if case_no is not None:
        answered.append(_subject_of(connection, municipality_code, case_no))
    flag.close_cases(
        connection, municipality_code, answered, keep=cases, kinds=ANSWERED, on=day, actor=actor,
        note=approval.reason,
    )  # fmt: skip
    flag.open_cases(connection, municipality_code, cases, on=day, actor=actor)
    flag.end_returned_surpluses(connection, municipality_code, on=day)


def _subject_of(connection: Connection, municipality_code: str, case_no: int) -> str:
    found = connection.execute(
        text("SELECT subject FROM review_case WHERE municipality_code = :m AND case_no = :case_no"),
        {"m": municipality_code, "case_no": case_no},
    )
    return str(found.scalar_one())
