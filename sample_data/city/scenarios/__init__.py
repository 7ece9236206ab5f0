"""筋書の一覧: what happens in the sample city, and how often.

Each scenario plays in notices of its own, so that none can disturb another. It happens at least
once, and otherwise ``per_10000`` times per ten thousand obligors; everybody else is an ordinary
household. A scenario that needs more days than the city has is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sample_data.city.scenarios import debits as d
from sample_data.city.scenarios import deposits as b
from sample_data.city.scenarios import faulty_payments as p
from sample_data.city.scenarios import stages as s

if TYPE_CHECKING:
    from collections.abc import Callable

    from sample_data.city.case import Case


class Scenario(NamedTuple):
    """筋書: its function says in its docstring what happens."""

    play: Callable[[Case], None]
    per_10000: int
    days: int  # business days it takes

    @property
    def code(self) -> str:
        """Stable name."""
        return self.play.__name__

    @property
    def label_ja(self) -> str:
        """Japanese name: what the docstring begins with."""
        return (self.play.__doc__ or "").partition(":")[0].strip().removesuffix(".")

    def count(self, obligors: int) -> int:
        """How often it happens in a city of so many obligors."""
        return max(1, obligors * self.per_10000 // 10_000)


SCENARIOS = (
    # 照合表 (outcomes.md 4)
    Scenario(p.malformed_date, 1, 2),
    Scenario(p.malformed_amount, 1, 1),
    Scenario(p.malformed_eltax, 1, 1),
    Scenario(p.malformed_withdrawal, 1, 3),
    Scenario(p.other_municipality, 4, 2),
    Scenario(p.invalid_key, 3, 1),
    Scenario(p.unknown_slip, 5, 2),
    Scenario(p.cancelled_assessment, 5, 1),
    Scenario(p.duplicate_two_channels, 20, 3),
    Scenario(p.duplicate_two_transactions, 10, 3),
    Scenario(p.equal_lines_counted, 3, 2),
    Scenario(p.whole_then_term, 10, 2),
    Scenario(p.term_then_whole, 8, 3),
    Scenario(p.whole_twice, 4, 2),
    Scenario(p.whole_after_cancelled_term, 2, 2),
    Scenario(p.superseded_shared_area, 8, 3),
    Scenario(p.superseded_own_area, 6, 2),
    Scenario(p.new_version_then_old, 3, 3),
    Scenario(p.reissued_and_paid, 20, 2),
    Scenario(p.amount_mismatch, 1, 2),
    Scenario(p.short_by_misreading, 4, 2),
    Scenario(p.over_after_reduction, 6, 1),
    Scenario(p.expired_slip, 10, 1),
    # 速報・確報・取消・再送 (outcomes.md 3, 5 and 9)
    Scenario(s.withdrawn, 4, 3),
    Scenario(s.withdrawn_and_paid_again, 4, 3),
    Scenario(s.duplicate_becomes_matched, 3, 4),
    Scenario(s.whole_becomes_matched, 1, 3),
    Scenario(s.withdrawal_after_confirmation, 1, 3),
    Scenario(s.withdrawal_unmatched, 1, 2),
    Scenario(s.one_of_equal_withdrawn, 1, 3),
    Scenario(s.confirmed_without_report, 10, 2),
    Scenario(s.confirmed_after_withdrawal, 1, 3),
    Scenario(s.report_after_confirmation, 2, 2),
    Scenario(s.realtime_then_report, 10, 3),
    Scenario(s.postal_corrected, 2, 2),
    Scenario(s.conflict, 1, 3),
    Scenario(s.confirmation_differs, 1, 2),
    Scenario(s.repeated_lines, 5, 3),
    Scenario(s.repeated_equal_lines, 1, 2),
    # 口座振替 (outcomes.md 6)
    Scenario(d.debited, 10, 3),
    Scenario(d.failed, 2, 3),
    Scenario(d.unassigned_code, 1, 3),
    Scenario(d.slip_then_debit, 4, 3),
    Scenario(d.debit_then_slip, 3, 4),
    Scenario(d.corrected_after_request, 2, 3),
    Scenario(d.unknown_customer, 1, 3),
    Scenario(d.result_again, 1, 4),
    # 入金と払込 (outcomes.md 7); the first two may happen only once in a city
    Scenario(b.late_confirmation, 0, 4),
    Scenario(b.wrong_advice, 0, 2),
    Scenario(b.direct_transfer, 10, 1),
    Scenario(b.weak_suggestion, 4, 1),
)
