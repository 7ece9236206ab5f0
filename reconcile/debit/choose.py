"""振替の対象: which instalments a debit on a day is for, and why others are left out.

An instalment is debited on its due date and never before it (I18); nobody who has paid, or whose
payment is on its way, or whose claim is held back, is debited.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from payments.domain.holds import HoldKind
from payments.plans import kept_plan
from payments.store.hold_tables import held_by_people
from payments.versions import OPEN_YEN
from reconcile.debit.accounts import ENDED, IN_FORCE, differing
from reconcile.debit.batches import FIRST, Row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from sqlalchemy import Connection

# Why an instalment with the flag is left out; the first ground counts.
GROUNDS = (
    "provisional", "paid", "flag_off", "held", "planned", "in_batch", "number_missing",
    "account_missing", "account_ended", "bank_changed",
)  # fmt: skip
# A letter that is held back is no reason not to debit.
_HELD = " OR ".join(
    [
        "i.collection_hold",
        *(held_by_people(kind.value) for kind in HoldKind if kind is not HoldKind.DUNNING),
    ]
)
_CANDIDATES = f"""
SELECT c.notice_id, c.term, c.obligor_no, c.item_code, c.debit_no, c.open_yen, c.ground,
    c.entry_no, d.event, d.bank_code
FROM (
    SELECT a.notice_id, a.term, n.obligor_no, n.item_code, i.debit_no, {OPEN_YEN} AS open_yen,
        CASE
            WHEN EXISTS (SELECT 1 FROM receipt r WHERE r.municipality_code = :m
                AND r.notice_id = a.notice_id AND r.term IN (a.term, '00')
                AND r.stage = 'provisional') THEN 'provisional'
            WHEN {OPEN_YEN} <= 0 THEN 'paid'
            WHEN NOT i.direct_debit THEN 'flag_off'
            WHEN {_HELD} THEN 'held'
            WHEN {kept_plan("a")} THEN 'planned'
            WHEN EXISTS (SELECT 1 FROM debit_row w JOIN debit_batch b
                ON b.municipality_code = :m AND b.batch_no = w.batch_no AND b.in_force
                WHERE w.municipality_code = :m AND w.notice_id = a.notice_id AND w.term = a.term
                AND b.round >= :round AND b.batch_no <> :besides) THEN 'in_batch'
            WHEN NOT EXISTS (SELECT 1 FROM pay_key k WHERE k.municipality_code = :m
                AND k.pay_key = 'D' || i.debit_no AND k.notice_id = a.notice_id
                AND k.term = a.term) THEN 'number_missing'
            ELSE ''
        END AS ground,
        {IN_FORCE.format(payer="n.obligor_no", item="n.item_code")} AS entry_no
    FROM instalment i
    JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = i.notice_id
        AND a.term = i.term
    JOIN notice n ON n.municipality_code = :m AND n.notice_id = i.notice_id
    WHERE i.municipality_code = :m AND {{which}}
) c
LEFT JOIN debit_account d ON d.municipality_code = :m AND d.entry_no = c.entry_no
ORDER BY c.notice_id, c.term"""
# By the index of due dates, whatever the 会計年度: what is levied late (随時) is of one before.
_DUE = "i.direct_debit AND i.due_on BETWEEN :due_from AND :debit_on"
# What a second debit may take up: the rows of the first.
_OF_FIRST = (
    "EXISTS (SELECT 1 FROM debit_row f WHERE f.municipality_code = :m "
    "AND f.batch_no = :first_batch_no AND f.notice_id = i.notice_id AND f.term = i.term)"
)
# The latest entry by which a payer was debited for an item before, batch by batch.
_BEFORE = """
SELECT n.obligor_no, n.item_code, MAX(w.entry_no) AS entry_no
FROM debit_row w
JOIN debit_batch b ON b.municipality_code = :m AND b.batch_no = w.batch_no AND b.in_force
JOIN notice n ON n.municipality_code = :m AND n.notice_id = w.notice_id
WHERE w.municipality_code = :m AND w.batch_no <> :besides
GROUP BY n.obligor_no, n.item_code"""


class Candidate(NamedTuple):
    """候補: an instalment with the flag; ``ground`` says why it is left out ("" when it is not)."""

    notice_id: int
    term: str
    obligor_no: str
    item_code: str
    customer_no: str
    open_yen: int
    ground: str
    entry_no: int | None
    bank_code: str


@dataclass(frozen=True, slots=True)
class Choice:
    """選択: what goes into the batch of a bank, and what is left out."""

    rows: tuple[Row, ...]
    left: dict[str, list[int]]  # ground → count and yen

    @property
    def amount_yen(self) -> int:
        """Σ of the rows."""
        return sum(row.amount_yen for row in self.rows)


@dataclass(frozen=True, slots=True)
class Asked:
    """対象の条件: what a batch is asked for."""

    debit_on: date
    due_from_on: date
    round: int = FIRST
    first_batch_no: int = 0
    besides: int = 0  # the batch that is in force, when it is looked at once more


def candidates(connection: Connection, municipality_code: str, asked: Asked) -> list[Candidate]:
    """候補: every instalment with the flag that is due, or that the first batch had."""
    rows = connection.execute(
        text(_CANDIDATES.format(which=_OF_FIRST if asked.first_batch_no else _DUE)),
        {
            "m": municipality_code,
            "due_from": asked.due_from_on.isoformat(),
            "debit_on": asked.debit_on.isoformat(),
            "account_on": asked.debit_on.isoformat(),
            "held_on": asked.debit_on.isoformat(),
            "planned_on": asked.debit_on.isoformat(),
            "round": asked.round,
            "besides": asked.besides,
            "first_batch_no": asked.first_batch_no,
        },
    )
    found = []
    for row in rows:
        ground = row.ground
        if not ground and row.entry_no is None:
            ground = "account_missing"
        elif not ground and row.event == ENDED:
            ground = "account_ended"
        found.append(
            Candidate(
                row.notice_id, row.term, row.obligor_no, row.item_code, row.debit_no, row.open_yen,
                ground, row.entry_no, row.bank_code or "",
            )
        )  # fmt: skip
    return found


def chosen(
    connection: Connection,
    municipality_code: str,
    found: Iterable[Candidate],
    bank_code: str,
    *,
    besides: int = 0,
    coded: bool = True,
) -> Choice:
    """選択 for one bank, in the order of the notices; 新規コード by the account debited before.

    Without ``coded`` everything is as if nobody had been debited before: for counts alone.
    """
    debited = (
        connection.execute(text(_BEFORE), {"m": municipality_code, "besides": besides})
        if coded
        else ()
    )
    before = {(row.obligor_no, row.item_code): int(row.entry_no) for row in debited}
    here = [each for each in found if each.bank_code == bank_code]
    moved = differing(connection, municipality_code, _entries(here, before))
    rows: list[Row] = []
    counts: Counter[str] = Counter()
    yen: Counter[str] = Counter()
    for each in here:
        if each.ground:
            counts[each.ground] += 1
            yen[each.ground] += max(each.open_yen, 0)
            continue
        entry_no = int(each.entry_no or 0)
        last = before.get((each.obligor_no, each.item_code))
        new_code = "1" if last is None else "2" if (last, entry_no) in moved else "0"
        before[each.obligor_no, each.item_code] = entry_no
        rows.append(
            Row(
                len(rows) + 1, each.notice_id, each.term, each.open_yen, each.customer_no,
                entry_no, new_code,
            )
        )  # fmt: skip
    return Choice(tuple(rows), {g: [counts[g], yen[g]] for g in GROUNDS if counts[g]})


def _entries(
    found: Iterable[Candidate], before: dict[tuple[str, str], int]
) -> Iterator[tuple[int, int]]:
    """The entry that a payer was debited by last, and the one by which he is now."""
    for each in found:
        last = before.get((each.obligor_no, each.item_code))
        if last is not None and not each.ground:
            yield last, int(each.entry_no or 0)
