"""不納欠損: one person asks that claims be given up, another decides, and the books say so.

A claim that is written off is settled without money (written_off / receivable). It is no more: what
is paid for it afterwards waits in suspense as 誤納金 and must not be kept (law.md 3). Where money
turns out to have been paid before the claim ended, two people take it up again, and what waits for
it is decided once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import approve
from payments.charges import charges_on
from payments.domain.errors import InvalidValueError, RefusedError
from payments.domain.slip import WHOLE_YEAR, SlipEvent
from payments.domain.write_off import Ground
from payments.limitation import limitations_of
from payments.store.lookups import rows_about
from payments.versions import Act, Ending, end_versions, places_of
from payments.write_off import WriteOff, take_up_again, write_down, write_offs_of
from reconcile.deciding import decide_again
from reconcile.journal import open_journal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.charges import PlaceKey
    from payments.domain.profile import Profile

KIND, REVERSAL_KIND = "write_off", "write_off_reversal"
PLACES_MAX = 200


@dataclass(frozen=True, slots=True)
class GivingUp:
    """不納欠損の申出: which instalments, on which ground, and from when on they are no more.

    With ``and_charges`` the late charges and fees on them, as far as they are open, go with them.
    """

    places: tuple[PlaceKey, ...]
    ground: Ground
    extinguished_on: date
    and_charges: bool = True


_OPEN = """
SELECT a.notice_id, a.term, n.item_code, n.levy_year, n.notice_no,
    a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen
FROM instalment_account a
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
WHERE a.municipality_code = :m AND a.notice_id IN :some ORDER BY a.notice_id, a.term"""


def content_of(
    connection: Connection, profile: Profile, wish: GivingUp, on: date
) -> dict[str, Any]:
    """不納欠損の内容: what would be given up now, instalment by instalment.

    Raises :class:`InvalidValueError` ``write_off_places``; :class:`RefusedError`
    ``write_off_nothing`` for an instalment of which nothing is open, ``write_off_later`` for a day
    to come, and ``write_off_not_prescribed`` where the time is not over.
    """
    code = profile.municipality_code
    wanted = set(wish.places)
    if not 0 < len(wanted) <= PLACES_MAX:
        raise InvalidValueError("write_off_places", found=len(wanted), expected=f"1..{PLACES_MAX}")
    if wish.extinguished_on > on:
        raise RefusedError("write_off_later", on=wish.extinguished_on.isoformat())
    principals = frozenset(wanted)
    if wish.and_charges:
        for charges in charges_on(connection, code, wanted).values():
            wanted |= {charge.place for charge in charges if charge.open_yen > 0}
    rows = {
        (row.notice_id, row.term): row
        for row in rows_about(connection, _OPEN, code, sorted({n for n, _ in wanted}))
    }
    parts = []
    for place in sorted(wanted):
        row = rows.get(place)
        if row is None or row.open_yen <= 0:
            raise RefusedError("write_off_nothing", place=_name(row) if row else str(place))
        parts.append(
            {
                "notice_id": row.notice_id,
                "term": row.term,
                "place": _name(row),
                "amount_yen": int(row.open_yen),
            }
        )
    if wish.ground.by_time:
        _require_over(connection, profile, principals, wish.extinguished_on)
    return {
        "places": [list(place) for place in sorted(wish.places)],
        "and_charges": wish.and_charges,
        "ground": wish.ground.value,
        "extinguished_on": wish.extinguished_on.isoformat(),
        "parts": parts,
        "amount_yen": sum(part["amount_yen"] for part in parts),
    }


def _name(row: Any) -> str:
    return f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}"


def _require_over(
    connection: Connection, profile: Profile, places: Iterable[PlaceKey], extinguished_on: date
) -> None:
    """Nothing is given up by time whose time is not over."""
    wanted = set(places)
    periods = limitations_of(connection, profile, sorted({notice_id for notice_id, _ in wanted}))
    for place in sorted(wanted & periods.keys()):
        over_on = periods[place].limitation.extinguished_on
        if over_on > extinguished_on:
            raise RefusedError(
                "write_off_not_prescribed",
                place=f"{periods[place].notice_no}/{place[1]}",
                on=over_on.isoformat(),
            )


def ask_write_off(
    connection: Connection, profile: Profile, wish: GivingUp, *, on: date, asked_by: str,
    at: datetime, reason: str,
) -> Approval:  # fmt: skip
    """不納欠損の依頼; raises as :func:`content_of` and :func:`payments.approve.ask` do."""
    content = content_of(connection, profile, wish, on)
    return approve.ask(
        connection, profile.municipality_code, KIND, subject_of(wish.places), content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def subject_of(places: Sequence[PlaceKey]) -> str:
    """承認の対象: the first instalment."""
    notice_id, term = min(places)
    return f"instalment:{notice_id}/{term}"


def wish_in(content: dict[str, Any]) -> GivingUp:
    """不納欠損の申出 as an approval says it."""
    return GivingUp(
        tuple((int(notice_id), str(term)) for notice_id, term in content["places"]),
        Ground(content["ground"]),
        date.fromisoformat(content["extinguished_on"]),
        bool(content["and_charges"]),
    )


_POST = """
INSERT INTO posting (municipality_code, journal_id, subject_file_id, subject_line_no, leg,
    debit_account, credit_account, amount_yen, reason, notice_id, term)
VALUES (:m, :journal_id, 0, 0, :leg, :debit, :credit, :yen, :reason, :notice_id, :term)"""
_BALANCE = """
UPDATE instalment_account SET term_yen = term_yen + :yen, written_off_yen = written_off_yen + :yen
WHERE municipality_code = :m AND notice_id = :notice_id AND term = :term"""


def carry_out(connection: Connection, profile: Profile, approval: Approval, *, on: date) -> None:
    """不納欠損の実行, on ``on`` or the next day whose books are open.

    The slips of what is given up end, so that the hub takes no payment on them. Raises
    :class:`RefusedError` ``approval_stale`` when it no longer stands as it did.
    """
    code = profile.municipality_code
    wish = wish_in(approval.content)
    content = content_of(connection, profile, wish, on)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    journal_id = open_journal(
        connection, code, KIND, on, str(approval.decided_by), reason=approval.reason
    )
    parts = [(part["notice_id"], part["term"], part["amount_yen"]) for part in content["parts"]]
    values = [
        {
            "m": code, "journal_id": journal_id, "leg": leg, "debit": "written_off",
            "credit": "receivable", "yen": yen, "reason": "written_off", "notice_id": notice_id,
            "term": term,
        }
        for leg, (notice_id, term, yen) in enumerate(parts, start=1)
    ]  # fmt: skip
    connection.execute(text(_POST), values)
    balances = [{name: v[name] for name in ("m", "yen", "notice_id", "term")} for v in values]
    connection.execute(text(_BALANCE), balances)
    write_down(
        connection, code, parts, wish.ground, wish.extinguished_on,
        approval_id=approval.approval_id, journal_id=journal_id,
    )  # fmt: skip
    _end_slips(connection, code, parts, approval, on)


def _end_slips(
    connection: Connection, code: str, parts: Sequence[tuple[int, str, int]], approval: Approval,
    on: date,
) -> None:  # fmt: skip
    """What nobody has to pay any more has no slip that stands."""
    wanted = {(notice_id, term) for notice_id, term, _ in parts}
    wanted |= {(notice_id, WHOLE_YEAR) for notice_id, _ in wanted}
    endings = []
    for place in places_of(connection, code, wanted).values():
        if place.to_pay_yen <= 0:
            endings += [
                Ending(version.slip_id, SlipEvent.REVOKED, "written_off")
                for version in place.standing
            ]
    at = approval.decided_at or approval.asked_at
    end_versions(connection, code, endings, Act(str(approval.decided_by), at, on))


# ---- taken up again ----


def reversal_content(
    connection: Connection, municipality_code: str, place: PlaceKey
) -> dict[str, Any]:
    """不納欠損の取消の内容; :class:`RefusedError` ``write_off_none`` where nothing is given up."""
    standing = _standing(connection, municipality_code, place)
    if not standing:
        raise RefusedError("write_off_none", place=f"{place[0]}/{place[1]}")
    return {
        "notice_id": place[0],
        "term": place[1],
        "write_offs": [each.write_off_no for each in standing],
        "amount_yen": sum(each.standing_yen for each in standing),
    }


def _standing(connection: Connection, municipality_code: str, place: PlaceKey) -> list[WriteOff]:
    return [
        each
        for each in write_offs_of(connection, municipality_code, [place[0]])
        if each.term == place[1] and each.standing_yen > 0
    ]


def ask_reversal(
    connection: Connection, municipality_code: str, place: PlaceKey, *, asked_by: str,
    at: datetime, reason: str,
) -> Approval:  # fmt: skip
    """不納欠損の取消の依頼: e.g. because the money had been paid before the claim ended."""
    content = reversal_content(connection, municipality_code, place)
    return approve.ask(
        connection, municipality_code, REVERSAL_KIND, subject_of([place]), content,
        asked_by=asked_by, at=at, reason=reason,
    )  # fmt: skip


def carry_out_reversal(
    connection: Connection, municipality_code: str, approval: Approval, *, on: date
) -> None:
    """不納欠損の取消の実行: the claim is owed again, and payments that wait for it are decided.

    Raises :class:`RefusedError` ``approval_stale`` when it no longer stands as it did.
    """
    place = (int(approval.content["notice_id"]), str(approval.content["term"]))
    content = reversal_content(connection, municipality_code, place)
    if approve.canonical(content) != approve.canonical(approval.content):
        raise RefusedError("approval_stale", approval_id=approval.approval_id)
    actor, yen = str(approval.decided_by), content["amount_yen"]
    journal_id = open_journal(
        connection, municipality_code, REVERSAL_KIND, on, actor, reason=approval.reason
    )
    values = {
        "m": municipality_code, "journal_id": journal_id, "leg": 1, "debit": "receivable",
        "credit": "written_off", "yen": yen, "reason": "write_off_reversal",
        "notice_id": place[0], "term": place[1],
    }  # fmt: skip
    connection.execute(text(_POST), values)
    connection.execute(
        text(_BALANCE),
        {"m": municipality_code, "yen": -yen, "notice_id": place[0], "term": place[1]},
    )
    take_up_again(
        connection, municipality_code, [(*place, yen)],
        journal_id=journal_id, approval_id=approval.approval_id, leg=1,
    )  # fmt: skip
    decide_again(connection, municipality_code, place, journal_id, actor=actor, on=on)
