"""延滞金・督促手数料・分納の設定: what is charged on which claim, and when it is booked.

A section of the profile. A levy without a line bears no charge here; without a 科目 of its own for
the charge, the charge can be worked out but not booked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from payments.domain.errors import InvalidValueError
from payments.domain.late_charge_levies import shipped_levies

if TYPE_CHECKING:
    from collections.abc import Collection

BOOKED = ("on_full_payment", "on_receipt")
TRIGGERS = ("letter", "due")
FEE_SLIPS = ("after", "enclosed")
YEARS_MAX = 10
FEE_YEN_MAX = 10_000
DAYS_MAX = 60


@dataclass(frozen=True, slots=True)
class LevyCharges:
    """科目ごとの定め: the 科目 of the charges on a levy, and after how long it is prescribed.

    A 科目 of a charge belongs to one levy only: the charge's notice bears the number of the levy's.
    """

    item_code: str  # of the levy
    levy: str = "tax"  # whose rules it follows (payments.domain.late_charge_levies)
    charge_item: str = ""  # 延滞金の科目
    fee_item: str = ""  # 督促手数料の科目
    prescription_years: int = 5  # 時効: 税 5, 保険料 2 (law.md 3)


@dataclass(frozen=True, slots=True)
class FeeRule:
    """督促手数料の定め: so much for letters (or dues) from a day on; 0 where it was abolished."""

    item_code: str  # of the levy
    from_on: str
    fee_yen: int
    trigger: str = "letter"  # the day that decides: of the letter, or the 納期限


@dataclass(frozen=True, slots=True)
class Charges:
    """延滞金等の設定 of a body."""

    booked: str = "on_full_payment"  # 調定の時期 (law.md 1.1 row 18)
    due_days: int = 14  # 納期限 of a charge: so many days after it was booked
    plans_by_two: bool = True  # 分納 needs a second person
    plan_grace_days: int = 5  # days for which a part that was not seen yet breaks no plan
    # 督促手数料の納付書: made after dispatch, or enclosed with the letter, which then says so
    fee_slip: str = "after"
    levies: tuple[LevyCharges, ...] = field(default_factory=tuple)
    fees: tuple[FeeRule, ...] = field(default_factory=tuple)

    def levy(self, item_code: str) -> LevyCharges | None:
        """科目の定め, None where there is none."""
        return next((each for each in self.levies if each.item_code == item_code), None)

    def fee_yen(self, item_code: str, *, letter_on: date, due_on: date) -> int:
        """督促手数料 of a letter in yen: the latest rule whose day had come (law.md 3)."""
        days = {"letter": letter_on, "due": due_on}
        begun = [
            rule
            for rule in self.fees
            if rule.item_code == item_code
            and date.fromisoformat(rule.from_on) <= days[rule.trigger]
        ]
        return max(begun, key=lambda rule: rule.from_on).fee_yen if begun else 0


def require_charges(charges: Charges, items: Collection[str]) -> None:
    """Refuse what cannot be booked.

    Raises :class:`InvalidValueError` ``profile_charges`` with the field and what was found.
    """
    faults = [
        ("booked", charges.booked, charges.booked in BOOKED, " / ".join(BOOKED)),
        ("fee_slip", charges.fee_slip, charges.fee_slip in FEE_SLIPS, " / ".join(FEE_SLIPS)),
        ("plans_by_two", charges.plans_by_two, charges.plans_by_two in {True, False}, _TRUTH),
        _whole("due_days", charges.due_days, 0, DAYS_MAX),
        _whole("plan_grace_days", charges.plan_grace_days, 0, DAYS_MAX),
    ]
    taken: set[str] = {each.item_code for each in charges.levies}
    if len(taken) < len(charges.levies):
        faults.append(("levies.item_code", "", False, "一つの科目に一行"))
    for each in charges.levies:
        faults += _levy_faults(each, items, taken)
    for rule in charges.fees:
        levy = charges.levy(rule.item_code)
        bears = levy is not None and bool(levy.fee_item)
        faults += [
            ("fees.trigger", rule.trigger, rule.trigger in TRIGGERS, " / ".join(TRIGGERS)),
            _whole("fees.fee_yen", rule.fee_yen, 0, FEE_YEN_MAX),
            ("fees.from_on", rule.from_on, _is_day(rule.from_on), "YYYY-MM-DD"),
            ("fees.item_code", rule.item_code, bears, "督促手数料の科目のある税目"),
        ]
    for name, found, sound, expected in faults:
        if not sound:
            raise InvalidValueError(
                "profile_charges", field=f"charges.{name}", found=str(found), expected=expected
            )


_Fault = tuple[str, object, bool, str]  # field, what was found, whether it is sound, expected
_TRUTH = "true / false"


def _levy_faults(each: LevyCharges, items: Collection[str], taken: set[str]) -> list[_Fault]:
    """What may be wrong with the line of a levy; the 科目 of its charges are taken by it."""
    levies = shipped_levies().names
    faults = [
        ("levies.item_code", each.item_code, each.item_code in items, "団体設定の科目"),
        ("levies.levy", each.levy, each.levy in levies, " / ".join(levies)),
        _whole("levies.prescription_years", each.prescription_years, 1, YEARS_MAX),
    ]
    for name, code in (("charge_item", each.charge_item), ("fee_item", each.fee_item)):
        if code:
            sound = code in items and code not in taken
            faults.append((f"levies.{name}", code, sound, "団体設定の科目、一つの税目に一つ"))
            taken.add(code)
    return faults


def _whole(name: str, value: object, least: int, most: int) -> _Fault:
    """A whole number in its range; a truth value is none."""
    sound = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return name, value, sound, f"{least}..{most}"


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
