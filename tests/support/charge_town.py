"""延滞金の町: notices of years ago, paid late, in a town that books what that costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from placing_town import NOTICES, YEN, M, PlacingTown, row
from reference_rows import sample_profile
from reference_town import assessment

from payments.domain.charging import Charges, FeeRule, LevyCharges
from payments.domain.profile import Item
from reconcile.charges.booking import Booked, FeeLetter, book_charges, book_fees

if TYPE_CHECKING:
    from payments.domain.profile import Profile

DUE_ON = date(2023, 6, 30)
CHARGE_ITEM, FEE_ITEM = "971", "981"
ON = date(2026, 6, 20)
CHARGES = Charges(
    levies=(LevyCharges("901", "tax", CHARGE_ITEM, FEE_ITEM),),
    fees=(FeeRule("901", "2020-04-01", 100), FeeRule("901", "2026-04-01", 0)),
)


def charging_profile(**changes: Any) -> Profile:
    """The sample municipality with a 科目 for late charges and one for dunning fees."""
    plain = sample_profile()
    ours = tuple(item for item in plain.items if item.item_code not in {CHARGE_ITEM, FEE_ITEM})
    items = (
        *ours,
        Item(CHARGE_ITEM, "延滞金（市県民税）", "tax"),
        Item(FEE_ITEM, "督促手数料（市県民税）", "tax"),
    )
    return replace(plain, items=items, charges=replace(CHARGES, **changes))


class ChargeTown(PlacingTown):
    """町: the notices of :class:`PlacingTown`, due in 2023 and never paid since."""

    def __init__(self, url: str, profile: Profile | None = None) -> None:
        """Assess, and correct the due dates to those of years ago."""
        super().__init__(url, profile or charging_profile())
        self.assess(
            *(
                assessment(
                    term, yen, "correction", notice_no=notice,
                    due_on_statutory=DUE_ON.isoformat(), whole_year_group=f"G{notice}",
                )
                for notice in NOTICES
                for term, yen in YEN.items()
            ),
            name="due.csv",
        )  # fmt: skip

    def pay(self, notice: int, term: str = "01", kind: str = "02", **other: Any) -> None:
        """A payment by itself in a file of its own."""
        self.shop(f"pay{len(self.files)}.csv", row(notice, term, kind, **other))

    def book(self, **how: Any) -> Booked:
        """延滞金の調定."""
        return book_charges(self.engine, M, **dict[str, Any](on=ON, actor="schedule") | how)

    def letter(self, notice: int, term: str = "01", letter_on: date = DUE_ON) -> Booked:
        """督促手数料の調定."""
        letters = [FeeLetter(self.notice[NOTICES[notice - 1]], term, letter_on)]
        return book_fees(self.engine, M, letters, on=ON, actor="schedule")

    def charge_yen(self, notice: int, term: str = "01", item: str = CHARGE_ITEM) -> int | None:
        """調定額 of the charge; None where none was ever booked."""
        found = self.rows(
            "SELECT a.amount_yen FROM notice n JOIN instalment_account a "
            "ON a.notice_id = n.notice_id WHERE n.item_code = :item AND n.notice_no = :number "
            "AND a.term = :term",
            item=item, number=NOTICES[notice - 1], term=term,
        )  # fmt: skip
        return int(found[0][0]) if found else None

    def conserve(self) -> None:
        """調定 = applied + outstanding + 不納欠損, by the accounts, the receipts and the ledger."""
        claims = self.rows(
            "SELECT SUM(amount_yen) AS assessed, SUM(term_yen + whole_yen) AS settled, "
            "SUM(amount_yen - term_yen - whole_yen + surplus_yen) AS open, "
            "SUM(surplus_yen) AS surplus, SUM(written_off_yen) AS given_up FROM instalment_account"
        )[0]
        received = self.rows(
            "SELECT COALESCE(SUM(amount_yen), 0) AS came, COALESCE(SUM(applied_yen), 0) AS applied, "
            "COALESCE(SUM(suspense_yen), 0) AS suspense FROM receipt WHERE stage <> 'withdrawn'"
        )[0]
        assert received.came == received.applied + received.suspense
        assert claims.settled == received.applied + claims.given_up
        assert claims.assessed == (
            received.applied - claims.surplus + claims.open + claims.given_up
        )
        assert self.balance("written_off") == claims.given_up
        assert self.balance("receivable") == claims.open
        assert -self.balance("assessed") == claims.assessed
        assert -self.balance("suspense") == received.suspense + claims.surplus
