"""収納状況の中身: what the page shows of an account, filtered and in pages (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from payments.domain.holds import HoldKind
from web.people.timeline import places_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from reconcile.person_account import Instalment, PersonAccount, SlipHappening

PARTS = ("instalments", "timeline", "receipts", "slips", "holds", "cases")
PAGE = 100

Row = TypeVar("Row")


class Wanted(NamedTuple):
    """絞り込み: empty leaves everything in."""

    item_code: str = ""
    levy_year: int = 0


class Total(NamedTuple):
    """合計 of one levy and year: 調定 = 消込 + 残."""

    item_code: str
    levy_year: int
    lines: int
    amount_yen: int
    applied_yen: int
    open_yen: int
    charge_yen: int | None  # None: the day is outside of the rates


class Claim(NamedTuple):
    """期別の一行: an instalment with its state on the day."""

    instalment: Instalment
    state: str
    held: tuple[str, ...]
    charge_yen: int | None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """一頁: some rows of a list."""

    rows: tuple[Row, ...]
    number: int
    pages: int
    total: int


def narrowed(account: PersonAccount, wanted: Wanted) -> PersonAccount:
    """絞り込んだ収納状況: only what belongs to the levy and the year."""
    if wanted == Wanted():
        return account
    instalments = tuple(
        each
        for each in account.instalments
        if wanted.item_code in {"", each.item_code} and wanted.levy_year in {0, each.levy_year}
    )
    notices = {each.notice_id for each in instalments}
    receipts = tuple(
        each
        for each in account.receipts
        if each.notice_id in notices or any(part.notice_id in notices for part in each.parts)
    )
    subjects = {f"{each.file_id}:{each.line_no}" for each in receipts}
    subjects |= {f"{each.notice_id}/{each.term}" for each in instalments}
    return type(account)(
        person=account.person,
        instalments=instalments,
        slips=tuple(each for each in account.slips if each.notice_id in notices),
        receipts=receipts,
        assessments=tuple(each for each in account.assessments if each.notice_id in notices),
        happenings=_of_slips(account, notices),
        holds=tuple(each for each in account.holds if each.notice_id in notices),
        carried=tuple(each for each in account.carried if each.notice_id in notices),
        cases=tuple(each for each in account.cases if each.subject in subjects),
    )


def claims_of(
    account: PersonAccount, on: date, charges: dict[tuple[int, str], int] | None
) -> list[Claim]:
    """期別の一覧, as it stands on the day."""
    holding: dict[tuple[int, str], list[str]] = {}
    for hold in account.holds:
        if hold.covers(on):
            holding.setdefault((hold.notice_id, hold.term), []).append(hold.kind)
    found = []
    for each in account.instalments:
        held = [*holding.get((each.notice_id, "00"), ())]
        held += holding.get((each.notice_id, each.term), ())
        flags = ((HoldKind.COLLECTION, each.collection_hold), (HoldKind.DUNNING, each.dunning_hold))
        held += [kind.value for kind, flag in flags if flag]
        charge = charges.get((each.notice_id, each.term)) if charges is not None else None
        found.append(Claim(each, state_of(each, on), tuple(dict.fromkeys(held)), charge))
    return found


def state_of(instalment: Instalment, on: date) -> str:
    """期別の状態: a code with a name in ``claim_state``."""
    if not instalment.amount_yen and not instalment.open_yen:
        return "cancelled"
    if instalment.open_yen < 0:
        return "surplus"
    if not instalment.open_yen:
        return "written_off" if instalment.written_off_yen else "paid"
    if instalment.due_on < on:
        return "overdue"
    return "part" if instalment.applied_yen else "open"


def totals_of(claims: Iterable[Claim]) -> list[Total]:
    """科目と年度ごとの合計, in the order of the rows."""
    groups: dict[tuple[str, int], list[Claim]] = {}
    for claim in claims:
        place = (claim.instalment.item_code, claim.instalment.levy_year)
        groups.setdefault(place, []).append(claim)
    return [total_of(group, *place) for place, group in groups.items()]


def total_of(claims: Sequence[Claim], item_code: str = "", levy_year: int = 0) -> Total:
    """合計 of some rows."""
    charges = [claim.charge_yen for claim in claims]
    known = [yen for yen in charges if yen is not None]
    return Total(
        item_code,
        levy_year,
        len(claims),
        sum(claim.instalment.amount_yen for claim in claims),
        sum(claim.instalment.applied_yen for claim in claims),
        sum(claim.instalment.open_yen for claim in claims),
        sum(known) if len(known) == len(charges) else None,
    )


def page_of(rows: Sequence[Row], number: int, *, everything: bool = False) -> Page[Row]:
    """一頁 of a list, or all of it; a number beyond the end is the last one."""
    if everything:
        return Page(tuple(rows), 1, 1, len(rows))
    pages = max(-(-len(rows) // PAGE), 1)
    number = min(max(number, 1), pages)
    begin = (number - 1) * PAGE
    return Page(tuple(rows[begin : begin + PAGE]), number, pages, len(rows))


def choices(account: PersonAccount) -> tuple[list[str], list[int]]:
    """絞り込みの選択肢: the levies and years of the person."""
    places = places_of(account.instalments).values()
    items = sorted({place.item_code for place in places})
    return items, sorted({place.levy_year for place in places}, reverse=True)


def _of_slips(account: PersonAccount, notices: set[int]) -> tuple[SlipHappening, ...]:
    mine = {each.slip_id for each in account.slips if each.notice_id in notices}
    return tuple(each for each in account.happenings if each.slip_id in mine)
