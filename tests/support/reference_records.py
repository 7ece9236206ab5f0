"""参照モデルの同一性: which records and which payments were here before (outcomes.md 3, 5, 9)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_books import Receipt

    from reconcile.model import ReportLine


APART = ("bank", "advice", "debit")
Said = tuple[str, str | None, int | None]  # channel, slip key, amount


class Records:
    """明細の同一性: record keys with their contents, over all files so far (section 3)."""

    def __init__(self) -> None:
        """Nothing has come yet."""
        # (channel, record key) → the content that stands: the first one ever seen.
        self.standing: dict[tuple[str, str], tuple[bytes, Said]] = {}
        # (channel, record key, content) → the most equal lines that one file has held.
        self.earlier: Counter[tuple[str, str, bytes]] = Counter()

    def known(
        self, source: str, lines: Sequence[ReportLine], *, counts_equal_lines: bool
    ) -> dict[int, str]:
        """line_no → ``repeat`` or ``conflict`` for the lines of one file, in their order.

        A notification and a file line of one payment have one record key (section 5); a file has
        columns that a notification lacks, so across the two, key and amount must agree.
        """
        channel = source if source in APART else "payment"
        found = {}
        here: Counter[tuple[str, str, bytes]] = Counter()
        for line in sorted(lines, key=lambda line: line.line_no):
            record = (channel, line.record_key)
            equal = (*record, line.content)
            here[equal] += 1  # the occurrence number of this line
            said = (source, line.slip_key, line.amount_yen)
            content, first = self.standing.setdefault(record, (line.content, said))
            across = first[0] != source and first[1:] == said[1:]
            if here[equal] <= self.earlier[equal]:
                found[line.line_no] = "repeat"
            elif here[equal] > 1 and not counts_equal_lines:
                found[line.line_no] = "repeat"  # section 9: a transaction id is unique
            elif across and here[equal] == 1:
                found[line.line_no] = "repeat"
            elif line.content != content:
                found[line.line_no] = "conflict"
        self.earlier |= here  # per equal line the larger number
        return found


@dataclass(eq=False)
class Payment:
    """支払: one payment as its reports describe it (section 5, "same payment")."""

    key: str
    amount_yen: int | None
    slip_key: str | None
    state: str  # "provisional", "confirmed" or "withdrawn"
    receipt: Receipt
    # The 速報 seen by kind (01, 81, 1), for a payment may be announced by several.
    early_reports: set[str] = field(default_factory=set)

    def same_as(self, line: ReportLine) -> bool:
        """Amount and key agree."""
        return (self.amount_yen, self.slip_key) == (line.amount_yen, line.slip_key)
