"""減免の依頼と実行: two people waive a late charge, wholly, in part or for a time.

The waiver is of the instalment, whether its charge is booked already or not; the next run corrects
what was booked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from payments import approve
from payments.charges import LATE_CHARGE, charges_on
from payments.domain.accrual import LeftOut, cuts_of
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.money import require_yen
from payments.store.bulk import take_numbers
from payments.store.charge_tables import ChargeWaiverRow
from reconcile.charges.due import claims_of
from reconcile.charges.waived import waivers

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.charges import PlaceKey

KIND = "charge_waiver"
KINDS = ("whole", "part", "period", "withdraw")
_rows = ChargeWaiverRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Waiving:
    """減免の申出: ``kind`` is one of :data:`KINDS`; ``withdraw`` takes back what stands."""

    place: PlaceKey
    kind: str
    amount_yen: int = 0  # of a part
    from_on: date | None = None  # of a period
    until_on: date | None = None


def content_of(connection: Connection, municipality_code: str, wish: Waiving) -> dict[str, Any]:
    """減免の内容: what is asked for, and what is waived and booked now.

    Raises :class:`InvalidValueError` ``waiver_kind``, ``waiver_period``, ``left_out`` or the errors
    of an amount; :class:`NotFoundError` ``claim``; :class:`RefusedError` ``waiver_none``.
    """
    if wish.kind not in KINDS:
        raise InvalidValueError("waiver_kind", found=wish.kind, expected=" / ".join(KINDS))
    if not claims_of(connection, municipality_code, [wish.place]):
        raise NotFoundError("claim", found=f"{wish.place[0]}/{wish.place[1]}")
    if wish.kind == "part":
        require_yen(wish.amount_yen, "amount_yen", minimum=1)
    if wish.kind == "period":
        if wish.from_on is None or wish.until_on is None:
            raise InvalidValueError("waiver_period", field="until_on", found="", expected="日付")
        cuts_of([LeftOut(wish.from_on, wish.until_on)])
    standing = [
        each.waiver_no
        for each in waivers(connection, municipality_code, [wish.place[0]])
        if each.term == wish.place[1]
    ]
    if wish.kind == "withdraw" and not standing:
        raise RefusedError("waiver_none", place=f"{wish.place[0]}/{wish.place[1]}")
    booked = charges_on(connection, municipality_code, [wish.place]).get(wish.place, [])
    return {
        "notice_id": wish.place[0],
        "term": wish.place[1],
        "kind": wish.kind,
        "amount_yen": wish.amount_yen if wish.kind == "part" else 0,
        "from_on": wish.from_on.isoformat() if wish.kind == "period" and wish.from_on else None,
        "until_on": wish.until_on.isoformat() if wish.kind == "period" and wish.until_on else None,
        "standing": standing,
        "charge_yen": sum(each.amount_yen for each in booked if each.kind == LATE_CHARGE),
    }


def ask_waiver(
    connection: Connection, municipality_code: str, wish: Waiving, *, asked_by: str, at: datetime,
    reason: str,
) -> Approval:  # fmt: skip
    """減免の依頼; raises as :func:`content_of` and :func:`payments.approve.ask` do."""
    return approve.ask(
        connection, municipality_code, KIND, f"instalment:{wish.place[0]}/{wish.place[1]}",
        content_of(connection, municipality_code, wish), asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def wish_in(content: dict[str, Any]) -> Waiving:
    """減免の申出 as an approval says it."""
    days = {
        name: date.fromisoformat(content[name]) if content[name] else None
        for name in ("from_on", "until_on")
    }
    place = (int(content["notice_id"]), str(content["term"]))
    return Waiving(place, str(content["kind"]), int(content["amount_yen"]), **days)


def carry_out(connection: Connection, municipality_code: str, approval: Approval) -> None:
    """減免の実行; :class:`RefusedError` ``approval_stale`` when it no longer stands as it did."""
    wish = wish_in(approval.content)
    content = content_of(connection, municipality_code, wish)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    common = {
        "municipality_code": municipality_code,
        "notice_id": wish.place[0],
        "term": wish.place[1],
        "approval_id": approval.approval_id,
        "made_at": datetime.now(UTC),
    }
    if wish.kind == "withdraw":
        before = {
            each.waiver_no: each for each in waivers(connection, municipality_code, [wish.place[0]])
        }
        rows = [
            {
                "event": "withdrawn",
                "withdraws_no": number,
                "kind": before[number].kind,
                "amount_yen": before[number].amount_yen,
                "from_on": before[number].from_on,
                "until_on": before[number].until_on,
            }
            for number in content["standing"]
        ]
    else:
        rows = [
            {
                "event": "granted",
                "withdraws_no": None,
                "kind": wish.kind,
                "amount_yen": content["amount_yen"],
                "from_on": wish.from_on if wish.kind == "period" else None,
                "until_on": wish.until_on if wish.kind == "period" else None,
            }
        ]
    first = take_numbers(connection, municipality_code, "charge_waiver", len(rows))
    connection.execute(
        _rows.insert(),
        [common | row | {"waiver_no": first + place} for place, row in enumerate(rows)],
    )
