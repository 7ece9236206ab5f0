"""説明: for any line, slip, receipt, credit or case, why it stands as it does.

What came in (bytes, file, line), what was compared and which rule decided, what was booked, who
decided, what it rests on, and what came of it later. Everything is told from records that only ever
grow: evidence, outcomes, postings, events. Nothing here writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import NotFoundError, RefusedError
from reconcile.explain.bank import BY_HAND, advice_decisions, bank_decisions
from reconcile.explain.evidence import evidence_of, line_row, others_of, reports_beside
from reconcile.explain.history import entries_about, history_of
from reconcile.explain.line import Judged
from reconcile.explain.model import Explanation, Facts, Later, LineStory
from reconcile.explain.rest import (
    approvals_about,
    bookings_of,
    cases_about,
    seals_over,
    settlement_of,
    slip_story,
)
from reconcile.find import Found, find_file, find_number, find_slip, split_place
from reconcile.placement.placed import lines_placed_on
from reconcile.placement_model import subject_of
from reconcile.rules import PLACEMENT_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reconcile.explain.model import Booking, Decision, Settlement, SlipStory

STORIES_MAX = 20
BANK, ADVICE = "bank", "advice"


def explain_line(
    connection: Connection, municipality_code: str, file_id: int, line_no: int, kind: str = "line"
) -> Explanation:
    """明細の説明; :class:`NotFoundError` ``explain_line``."""
    story = line_story(connection, municipality_code, file_id, line_no)
    subject: Facts = {
        "kind": kind,
        "name": f"{story.evidence.file_name}:{line_no}",
        "file_id": file_id,
        "line_no": line_no,
    }
    return Explanation(subject, (story,))


def explain_receipt(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> Explanation:
    """収納の説明, by the line that booked it or the 確報 that confirmed it.

    Raises :class:`NotFoundError` ``explain_line``, :class:`RefusedError` ``explain_receipt``.
    """
    line_row(connection, municipality_code, file_id, line_no)
    scope = {"m": municipality_code, "file_id": file_id, "line_no": line_no}
    place = connection.execute(
        text(
            "SELECT r.file_id, r.line_no FROM receipt r WHERE r.municipality_code = :m "
            "AND r.file_id = :file_id AND r.line_no = :line_no UNION ALL "
            "SELECT o.partner_file_id, o.partner_line_no FROM line_outcome o "
            "WHERE o.municipality_code = :m AND o.file_id = :file_id AND o.line_no = :line_no "
            "AND o.outcome = 'confirms'"
        ),
        scope,
    ).first()
    if place is None:
        raise RefusedError("explain_receipt", line_no=line_no)
    return explain_line(connection, municipality_code, place[0], place[1], "receipt")


def explain_credit(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> Explanation:
    """入金の説明.

    Raises :class:`NotFoundError` ``explain_line``, :class:`RefusedError` ``explain_credit``.
    """
    if line_row(connection, municipality_code, file_id, line_no).channel != BANK:
        raise RefusedError("explain_credit", line_no=line_no)
    return explain_line(connection, municipality_code, file_id, line_no, "credit")


def explain_slip(connection: Connection, municipality_code: str, slip_no: str) -> Explanation:
    """納付書の説明: the claim, and every payment that its number or its other way brought."""
    return _explain_place(
        connection, municipality_code, find_slip(connection, municipality_code, slip_no)
    )


def explain_claim(
    connection: Connection, municipality_code: str, notice_id: int, term: str = ""
) -> Explanation:
    """期別・通知書の説明, by its number in the books; :class:`NotFoundError` ``explain_claim``."""
    known = connection.execute(
        text("SELECT 1 FROM notice WHERE municipality_code = :m AND notice_id = :notice_id"),
        {"m": municipality_code, "notice_id": notice_id},
    ).first()
    if known is None:
        raise NotFoundError("explain_claim")
    found = Found("instalment" if term else "notice", "", notice_id=notice_id, term=term)
    return _explain_place(connection, municipality_code, found)


def explain_number(connection: Connection, municipality_code: str, number: str) -> Explanation:
    """番号の説明: whatever the number stands for (:func:`reconcile.find.find_number`)."""
    found = find_number(connection, municipality_code, number)
    if found.kind == "line":
        return explain_line(connection, municipality_code, found.file_id, found.line_no)
    return _explain_place(connection, municipality_code, found)


def explain_place(connection: Connection, municipality_code: str, place: str) -> tuple[int, int]:
    """``FILE:LINE`` → the file's number and the line; raises as :mod:`reconcile.find`."""
    name, line_no = split_place(place)
    return find_file(connection, municipality_code, name), line_no


def explain_case(connection: Connection, municipality_code: str, case_no: int) -> Explanation:
    """確認事項の説明: the line, claim or remittance it is about.

    Raises :class:`NotFoundError` ``case``.
    """
    row = connection.execute(
        text(
            "SELECT subject, file_id, line_no FROM review_case "
            "WHERE municipality_code = :m AND case_no = :case_no"
        ),
        {"m": municipality_code, "case_no": case_no},
    ).one_or_none()
    if row is None:
        raise NotFoundError("case", case_no=case_no)
    case = next(
        found
        for found in cases_about(connection, municipality_code, [row.subject])
        if found.case_no == case_no
    )
    subject: Facts = {"kind": "case", "name": str(case_no), "about": row.subject}
    stories: list[LineStory] = []
    slip = None
    bookings: tuple[Booking, ...] = ()
    notice_id, slash, term = str(row.subject).partition("/")
    if slash and notice_id.isdigit():
        slip, bookings, places = _claim(connection, municipality_code, int(notice_id), term)
    else:
        places = _places_of_case(connection, municipality_code, row)
    stories = [line_story(connection, municipality_code, *place) for place in places[:STORIES_MAX]]
    left_off = max(len(places) - STORIES_MAX, 0)
    return Explanation(subject, tuple(stories), slip, bookings, case, left_off)


def _places_of_case(
    connection: Connection, municipality_code: str, case: Any
) -> list[tuple[int, int]]:
    """The lines that a case is about: its own, or the credits of its remittance group."""
    if str(case.subject).startswith("group:"):
        group_id = int(str(case.subject).removeprefix("group:"))
        settlement = settlement_of(connection, municipality_code, group_id)
        paid_by = settlement.credits if settlement is not None else ()
        return [(int(str(c["file_id"])), int(str(c["line_no"]))) for c in paid_by]
    is_line = connection.execute(
        text(
            "SELECT 1 FROM source_line "
            "WHERE municipality_code = :m AND file_id = :file_id AND line_no = :line_no"
        ),
        {"m": municipality_code, "file_id": case.file_id, "line_no": case.line_no},
    ).first()
    return [(case.file_id, case.line_no)] if is_line else []


def _explain_place(connection: Connection, municipality_code: str, found: Found) -> Explanation:
    """A slip, instalment or notice with all payments about it."""
    slip, bookings, places = _claim(connection, municipality_code, found.notice_id, found.term)
    claim = slip.facts
    name = found.name or f"{claim['item_code']}/{claim['levy_year']}/{claim['notice_no']}"
    subject: Facts = {
        "kind": found.kind,
        "name": name,
        "notice_id": found.notice_id,
        "term": found.term,
    }
    stories = tuple(
        line_story(connection, municipality_code, *place) for place in places[:STORIES_MAX]
    )
    left_off = max(len(places) - STORIES_MAX, 0)
    return Explanation(subject, stories, slip, bookings, left_off=left_off)


def _claim(
    connection: Connection, municipality_code: str, notice_id: int, term: str
) -> tuple[SlipStory, tuple[Booking, ...], list[tuple[int, int]]]:
    """納付書・期別: its story, the postings of the claim, and the lines that paid it."""
    history = history_of(connection, municipality_code, notice_id)
    either_way = "" if not term else "AND (r.term = :term OR r.term = '00' OR :term = '00')"
    places = connection.execute(
        text(
            "SELECT r.file_id, r.line_no FROM receipt r WHERE r.municipality_code = :m "
            f"AND r.notice_id = :notice_id {either_way} ORDER BY r.file_id, r.line_no"
        ),
        {"m": municipality_code, "notice_id": notice_id} | ({"term": term} if term else {}),
    ).all()
    paid = {(row.file_id, row.line_no) for row in places}
    paid |= set(lines_placed_on(connection, municipality_code, notice_id, term))
    return (
        slip_story(connection, municipality_code, notice_id, term),
        bookings_of(connection, municipality_code, history.claims(term)),
        sorted(paid),
    )


def line_story(
    connection: Connection, municipality_code: str, file_id: int, line_no: int
) -> LineStory:
    """明細の説明 of one line; :class:`NotFoundError` ``explain_line``."""
    line = line_row(connection, municipality_code, file_id, line_no)
    beside = reports_beside(connection, municipality_code, line)
    entries = entries_about(connection, municipality_code, file_id, line_no)
    bookings = bookings_of(connection, municipality_code, entries)
    slip, place, settlement = None, None, None
    subjects = [f"{file_id}:{line_no}", subject_of(file_id, line_no)]
    claims: tuple[Booking, ...] = ()
    if line.channel == BANK:
        decisions = bank_decisions(connection, municipality_code, line)
    elif line.channel == ADVICE:
        decisions = advice_decisions(connection, municipality_code, line)
    else:
        judged = Judged(connection, municipality_code, line, beside, entries)
        decisions = judged.decisions()
        if judged.notice_id is not None:
            place = (judged.notice_id, judged.term)
            slip = slip_story(connection, municipality_code, *place)
            subjects += [str(version["slip_no"]) for version in slip.versions]
        if judged.history is not None:
            found = judged.history.claims(judged.term)
            claims = bookings_of(connection, municipality_code, found)
        group_id = judged.receipt.group_id if judged.receipt is not None else None
        settlement = settlement_of(connection, municipality_code, group_id)
    return LineStory(
        evidence=evidence_of(connection, municipality_code, line),
        decisions=decisions,
        bookings=bookings,
        slip=slip,
        settlement=settlement,
        others=others_of(connection, municipality_code, line, beside),
        cases=cases_about(connection, municipality_code, subjects[:1]),
        approvals=approvals_about(connection, municipality_code, subjects, place),
        seals=seals_over(
            connection,
            municipality_code,
            {d.journal.journal_id for d in decisions} | {b.journal.journal_id for b in bookings},
        ),
        later=_later(decisions, bookings, claims, slip, settlement),
    )


def _later(
    decisions: Sequence[Decision],
    bookings: Sequence[Booking],
    claims: Sequence[Booking],
    slip: SlipStory | None,
    settlement: Settlement | None,
) -> tuple[Later, ...]:
    """その後: what happened after the line was first decided, in order."""
    if not decisions:
        return ()
    first = decisions[0].journal
    found: list[tuple[str, Later]] = []
    for decision in decisions[1:]:
        event = "withdrawn" if decision.outcome == "withdrawn" else "decided_again"
        if decision.outcome in PLACEMENT_OUTCOMES or decision.rule in BY_HAND:
            event = "decided_by_people"
        found.append(
            (
                decision.journal.made_at,
                Later(
                    decision.journal.booked_on, event, decision.journal.journal_id,
                    {
                        "outcome": decision.outcome,
                        "rule": decision.rule,
                        "applied_yen": decision.applied_yen,
                        "suspense_yen": decision.suspense_yen,
                        "file_name": decision.journal.file_name,
                    },
                ),
            )
        )  # fmt: skip
    for booking in (*bookings, *claims):
        event = {
            "confirmed": "confirmed",
            "correction": "corrected",
            "cancellation": "corrected",
            "surplus": "surplus",
        }.get(booking.reason, "")
        if not event or (event != "confirmed" and booking.journal.journal_id <= first.journal_id):
            continue
        sign = 1 if booking.debit_account == "receivable" else -1
        facts: Facts = {
            "place": booking.place,
            "amount_yen": booking.amount_yen * (sign if event != "confirmed" else 1),
            "file_name": booking.journal.file_name,
        }
        later = Later(booking.journal.booked_on, event, booking.journal.journal_id, facts)
        found.append((booking.journal.made_at, later))
    for happening in slip.events if slip is not None else ():
        at = str(happening["happened_at"])
        if at > first.made_at:
            found.append((at, Later(at[:10], "slip_event", None, happening)))
    for credit in settlement.credits if settlement is not None else ():
        journal = Later(str(credit["booked_on"]), "settled", int(str(credit["journal_id"])), credit)
        found.append(("9", journal))  # the money comes last
    return tuple(later for _, later in sorted(found, key=lambda pair: pair[0]))
