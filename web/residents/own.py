"""本人の納付状況: what of an account its own person is told (law.md 10.1, level 2; pure).

The account of the books goes in, and out comes what may be shown: no case, no hold, no note of the
staff, nobody's name but one's own. A claim that is open is 未確認 as long as a channel may still
report it; the words 滞納 and 未納 are never used.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.slip import WHOLE_YEAR, SlipState
from web.people.late import charges_on

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from payments.domain.charging import Charges
    from payments.domain.rates import RateTable
    from reconcile.person_account import Instalment, PersonAccount, Receipt, Slip

PAID, PROVISIONAL, CHECKING = "paid", "provisional", "checking"
UNCONFIRMED, EXPIRED, NOTHING = "unconfirmed", "expired", "nothing"
SOON_DAYS = 7


class OwnSlip(NamedTuple):
    """納付書 of a claim that can be paid with today, or the last one that could."""

    slip_no: str
    valid_until: date
    valid: bool
    whole_year: bool


class OwnClaim(NamedTuple):
    """期別の一行: a claim as its person sees it."""

    notice_id: int
    term: str
    due_on: date
    amount_yen: int
    confirmed_yen: int  # what a 確報 has confirmed of it
    open_yen: int  # what nothing has confirmed or announced yet; for late charges only
    state: str
    paid_on: date | None
    direct_debit: bool
    slip: OwnSlip | None
    charge_yen: int | None = None

    @property
    def needs_slip(self) -> bool:
        """再発行の案内: whether a new slip is needed to pay it."""
        return self.state == EXPIRED


class OwnLevy(NamedTuple):
    """科目と年度: one levy of one year, with its claims."""

    item_code: str
    levy_year: int
    notice_no: str
    claims: tuple[OwnClaim, ...]

    @property
    def is_open(self) -> bool:
        """Whether anything of it is still to come."""
        return any(claim.state not in {PAID, NOTHING} for claim in self.claims)

    @property
    def confirmable(self) -> bool:
        """納付確認書: whether there is anything to confirm."""
        return any(claim.confirmed_yen for claim in self.claims)


def only_items(account: PersonAccount, shown: Collection[str]) -> PersonAccount:
    """本人に示す分: the account with the levies that a page of one's own may show, and no other.

    A payment without a notice is nobody's until people have placed it.
    """
    instalments = tuple(each for each in account.instalments if each.item_code in shown)
    notices = {each.notice_id for each in instalments}
    return replace(
        account,
        instalments=instalments,
        slips=tuple(each for each in account.slips if each.notice_id in notices),
        receipts=tuple(each for each in account.receipts if each.notice_id in notices),
    )


def own_levies(
    account: PersonAccount, today: date, charges: dict[tuple[int, str], int] | None = None
) -> list[OwnLevy]:
    """本人の納付状況 on ``today``, newest year first; with late charges where asked for."""
    paid = account.parts_of
    found: dict[tuple[int, str, str], list[OwnClaim]] = {}
    for each in account.instalments:
        place = (each.notice_id, each.term)
        parts = paid.get(place, [])
        confirmed_yen = sum(p.amount_yen for r, p in parts if r.stage == "confirmed")
        claim = OwnClaim(
            *place,
            each.due_on,
            each.amount_yen,
            min(confirmed_yen, each.amount_yen),
            max(each.open_yen, 0),
            _state(each, [r for r, _part in parts], account, today),
            max((r.paid_on for r, _part in parts if r.paid_on), default=None),
            each.direct_debit,
            _slip(each, account.slips, today),
            None if charges is None else charges.get(place),
        )
        found.setdefault((-each.levy_year, each.item_code, each.notice_no), []).append(claim)
    return [
        OwnLevy(item, -year, notice, tuple(claims))
        for (year, item, notice), claims in sorted(found.items())
    ]


def charges_for(
    account: PersonAccount, on: date, charging: Charges, rates: RateTable
) -> dict[tuple[int, str], int]:
    """延滞金の試算 of what is open, if it is paid on a day; a levy without a rule bears none.

    Raises :class:`InvalidValueError` ``rate_unknown`` for a day in a year without a rate.
    """
    by_levy: dict[str, list[Instalment]] = defaultdict(list)
    for each in account.instalments:
        rule = charging.levy(each.item_code)
        if rule is not None and each.open_yen > 0 and each.due_on < on:
            by_levy[rule.levy].append(each)
    found: dict[tuple[int, str], int] = {}
    for levy, instalments in by_levy.items():
        found |= charges_on(account, instalments, on, levy, rates)
    return found


def _state(each: Instalment, paid: list[Receipt], account: PersonAccount, today: date) -> str:
    """状態: the first that holds, from what is surest to what is least."""
    if each.open_yen <= 0 and (not each.amount_yen or each.written_off_yen):
        return NOTHING  # What was given up (不納欠損) is not called paid.
    if each.open_yen <= 0:
        return PROVISIONAL if any(r.stage == "provisional" for r in paid) else PAID
    same = {each.term, WHOLE_YEAR, ""}
    if any(
        r.suspense_yen > 0 and r.notice_id == each.notice_id and r.term in same
        for r in account.receipts
    ):
        return CHECKING
    if each.direct_debit:
        return UNCONFIRMED
    slip = _slip(each, account.slips, today)
    return EXPIRED if slip is not None and not slip.valid else UNCONFIRMED


def _slip(each: Instalment, slips: tuple[Slip, ...], today: date) -> OwnSlip | None:
    """The slip to pay with: the newest of the claim's own, else of the whole year."""
    if each.open_yen <= 0:
        return None
    mine = [
        slip
        for slip in slips
        if slip.notice_id == each.notice_id
        and slip.term in {each.term, WHOLE_YEAR}
        and slip.state == SlipState.NEW
    ]
    if not mine:
        return None
    best = max(mine, key=lambda slip: (slip.term == each.term, slip.version, slip.slip_id))
    whole = best.term == WHOLE_YEAR
    return OwnSlip(best.slip_no, best.valid_until, best.valid_until >= today, whole)
