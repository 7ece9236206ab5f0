"""時系列: everything of an account in one list, the newest first, each entry with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconcile.person_letters import DUNNING
from web import clock, messages
from web.language import translate as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from reconcile.person_account import Instalment, PersonAccount
    from reconcile.person_letters import Letter

ASSESSMENT, SLIP, RECEIPT, HOLD, CARRIED, CASE, LETTER, PAPER = (
    "assessment", "slip", "receipt", "hold", "carried", "case", "letter", "paper",
)  # fmt: skip
WHOLE = ("", "00")


@dataclass(frozen=True, slots=True)
class Place:
    """対象: of which claim an entry is; empty where it is of none."""

    item_code: str = ""
    levy_year: int = 0
    notice_no: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """時系列の一件: ``endpoint`` and ``values`` lead to its evidence; "" where a person has it."""

    on: date
    kind: str
    place: Place
    term: str
    amount_yen: int | None
    said: str
    endpoint: str
    values: dict[str, str | int]


def timeline(
    account: PersonAccount,
    letters: Iterable[Letter],
    papers: Iterable[tuple[str, datetime]] = (),
) -> list[Entry]:
    """時系列, newest first; on one day payments stand above what they answer.

    ``papers`` are the certificates about the person: their kind, and when they were issued.
    """
    places = places_of(account.instalments)
    order = (CASE, RECEIPT, CARRIED, HOLD, PAPER, LETTER, SLIP, ASSESSMENT)
    entries = [*_claims(account, places), *_slips(account, places), *_money(account, places)]
    entries += [*_holds(account, places), *_cases(account, places), *_letters(letters, places)]
    entries += _papers(papers)
    return sorted(entries, key=lambda e: (-e.on.toordinal(), order.index(e.kind)))


def places_of(instalments: tuple[Instalment, ...]) -> dict[int, Place]:
    """通知書 → 科目, 賦課年度, 番号."""
    return {
        each.notice_id: Place(each.item_code, each.levy_year, each.notice_no)
        for each in instalments
    }


def _claims(account: PersonAccount, places: dict[int, Place]) -> Iterator[Entry]:
    for each in account.assessments:
        said = messages.label("assessment_kind", each.kind)
        place = places.get(each.notice_id, Place())
        yield Entry(
            each.received_on, ASSESSMENT, place, each.term, each.amount_yen, said,
            "explain.claim", {"notice_id": each.notice_id, "term": each.term},
        )  # fmt: skip
    for one in account.carried:
        said = _("{year}年度へ滞納繰越", year=one.to_year)
        if one.event == "reversed":
            said = _("{year}年度への滞納繰越の取消", year=one.to_year)
        yield Entry(
            one.booked_on, CARRIED, places.get(one.notice_id, Place()), one.term, one.amount_yen,
            said, "explain.claim", {"notice_id": one.notice_id, "term": one.term},
        )  # fmt: skip


def _slips(account: PersonAccount, places: dict[int, Place]) -> Iterator[Entry]:
    """Slips as they were issued and ended; one of a register has only its day of issue."""
    told = {each.slip_id for each in account.happenings}
    by_id = {each.slip_id: each for each in account.slips}
    for slip in account.slips:
        if slip.slip_id not in told:
            said = _("納付書 {number} 発行", number=slip.slip_no)
            yield Entry(
                slip.issued_on, SLIP, places.get(slip.notice_id, Place()), slip.term,
                slip.amount_yen, said, "slips.show", {"slip_id": slip.slip_id},
            )  # fmt: skip
    for event in account.happenings:
        slip = by_id[event.slip_id]
        what = messages.label("slip_event", event.kind)
        reason = messages.label("slip_reason", event.reason) if event.reason else ""
        said = _("納付書 {number} {what}", number=slip.slip_no, what=what)
        yield Entry(
            clock.in_japan(event.happened_at).date(), SLIP, places.get(slip.notice_id, Place()),
            slip.term, slip.amount_yen, f"{said} {reason}".strip(), "slips.show",
            {"slip_id": slip.slip_id},
        )  # fmt: skip


def _money(account: PersonAccount, places: dict[int, Place]) -> Iterator[Entry]:
    for each in account.receipts:
        stage = messages.label("stage", each.stage)
        channel = messages.label("channel", each.channel)
        notice_id = each.notice_id
        if notice_id not in places:
            notice_id = next((p.notice_id for p in each.parts if p.notice_id in places), None)
        yield Entry(
            each.paid_on or each.received_on, RECEIPT, places.get(notice_id or 0, Place()),
            each.term, each.amount_yen, f"{channel} {stage}", "explain.line",
            {"file_id": each.file_id, "line_no": each.line_no},
        )  # fmt: skip


def _holds(account: PersonAccount, places: dict[int, Place]) -> Iterator[Entry]:
    for each in account.holds:
        what = messages.label("hold_kind", each.kind)
        place = places.get(each.notice_id, Place())
        values: dict[str, str | int] = {"notice_id": each.notice_id}
        said = f"{what}: {each.reason}"
        yield Entry(each.from_on, HOLD, place, each.term, None, said, "explain.notice", values)
        if each.lifted_on is not None:
            said = _("{what}を解除", what=what)
            yield Entry(
                each.lifted_on, HOLD, place, each.term, None, said, "explain.notice", values
            )


def _cases(account: PersonAccount, places: dict[int, Place]) -> Iterator[Entry]:
    for each in account.cases:
        notice_id, slash, term = each.subject.partition("/")
        known = slash and notice_id.isdigit()
        place = places.get(int(notice_id), Place()) if known else Place()
        state = messages.label("case_state", each.state)
        said = _("確認事項 {kind}（{state}）", kind=messages.case(each.kind).label, state=state)
        yield Entry(
            each.opened_on, CASE, place, term if known else "", each.amount_yen, said,
            "cases.show", {"case_no": each.case_no},
        )  # fmt: skip


def _letters(letters: Iterable[Letter], places: dict[int, Place]) -> Iterator[Entry]:
    """Letters about the claims that are shown, and what the person was told about money back."""
    for each in letters:
        if each.kind != DUNNING:
            said = messages.label("refund_notice_kind", each.kind)
            yield Entry(
                each.on, LETTER, Place(), "", None, said, "refunds.show", {"subject": each.subject}
            )
        elif each.notice_id in places:
            said = _("督促状（督促リスト {number}）", number=each.number)
            yield Entry(
                each.on, LETTER, places[each.notice_id], each.term, each.amount_yen, said,
                "dunning.explain_notice", {"list_no": each.number, "notice_id": each.notice_id},
            )  # fmt: skip


def _papers(papers: Iterable[tuple[str, datetime]]) -> Iterator[Entry]:
    """Certificates: what they said is sealed, and stands on the paper in the person's hand."""
    for kind, issued_at in papers:
        said = _("{paper}を発行", paper=messages.label("issued_paper", kind))
        on = clock.in_japan(issued_at).date()
        yield Entry(on, PAPER, Place(), "", None, said, "", {})
