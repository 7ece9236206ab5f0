"""過誤納の認定: why money must go back, by a person, with the day from which it bears interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from payments.domain.errors import InvalidValueError
from payments.domain.overpayment import OverpaymentReason, interest_from
from payments.domain.reason import REASON_MAX
from payments.store.bulk import take_numbers
from reconcile.refunds.found import overpayment
from reconcile.store.refund_tables import OverpaymentRow

if TYPE_CHECKING:
    from datetime import date, datetime
    from typing import Any

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

table: Any = OverpaymentRow.__table__  # type: ignore[attr-defined]


class Grounds(NamedTuple):
    """認定の内容: the reason, and the days that it asks for.

    ``event_on`` is the day of the claim (更正の請求) or of the notice about the income tax,
    ``corrected_on`` that of the correction where it is not the day on which the file came,
    ``paid_on`` that of the payment where the report named none.
    """

    reason: str
    event_on: date | None = None
    corrected_on: date | None = None
    paid_on: date | None = None
    note: str = ""


def classify(
    connection: Connection,
    profile: Profile,
    subject: str,
    grounds: Grounds,
    *,
    by: str,
    at: datetime,
    as_of: date,
) -> int:
    """認定: class an overpayment; returns the number of the record. The last one counts.

    Raises :class:`NotFoundError` ``overpayment``;
    :class:`InvalidValueError` ``overpayment_reason``, ``refund_event`` (a day that the reason
    needs), ``reason_long``.
    """
    found = overpayment(connection, profile, subject, as_of)
    if grounds.reason not in set(OverpaymentReason):
        expected = " / ".join(OverpaymentReason)
        raise InvalidValueError("overpayment_reason", found=grounds.reason, expected=expected)
    if len(grounds.note) > REASON_MAX:
        raise InvalidValueError("reason_long", found=len(grounds.note), expected=REASON_MAX)
    why = OverpaymentReason(grounds.reason)
    paid = grounds.paid_on or found.paid_on
    if paid is None:
        raise InvalidValueError("refund_event", field="paid_on", found="", expected="YYYY-MM-DD")
    corrected = grounds.corrected_on or (found.arose_on if why.is_overpaid else None)
    begins = interest_from(why, paid, event_on=grounds.event_on, corrected_on=corrected)
    number = take_numbers(connection, profile.municipality_code, "overpayment", 1)
    connection.execute(
        table.insert().values(
            municipality_code=profile.municipality_code,
            overpayment_no=number,
            subject=subject,
            file_id=found.file_id,
            line_no=found.line_no,
            notice_id=found.notice_id,
            term=found.term,
            obligor_no=found.obligor_no,
            reason=why.value,
            paid_on=paid,
            # 過納 arises with the correction, 誤納 with the payment (施行令6条の14).
            arose_on=(corrected if why.is_overpaid else paid) or paid,
            event_on=grounds.event_on,
            corrected_on=corrected,
            interest_from_on=begins,
            note=grounds.note.strip(),
            actor=by,
            made_at=at,
        )
    )
    return number
