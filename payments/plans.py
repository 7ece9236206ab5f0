"""分納: agreed partial payments of instalments, each with a slip of its own.

A plan is kept until an event ends it: broken (a part was not paid in time), ended (everything is
paid) or cancelled. It changes no claim; its slips pay into the instalments like any other, and end
with the plan. A change is a cancellation and a new plan.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.domain.plans import Owed, PlanPart, Standing, standing
from payments.domain.reason import require_reason
from payments.domain.slip import SlipEvent, SlipState
from payments.store.bulk import take_numbers
from payments.store.charge_tables import PaymentPlanEventRow, PaymentPlanPartRow, PaymentPlanRow
from payments.store.lookups import rows_about
from payments.versions import Act, Ending, Issue, as_day, end_versions, places_of, write_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Row

    from payments.domain.profile import Profile
    from payments.versions import PlaceKey

_plans = PaymentPlanRow.__table__  # type: ignore[attr-defined]
_parts = PaymentPlanPartRow.__table__  # type: ignore[attr-defined]
_events = PaymentPlanEventRow.__table__  # type: ignore[attr-defined]
KEPT = "agreed"
ENDS = ("broken", "ended", "cancelled")


@dataclass(frozen=True, slots=True)
class Plan:
    """分納 as it stands: ``state`` is agreed, broken, ended or cancelled."""

    plan_no: int
    obligor_no: str
    agreed_on: date
    amount_yen: int
    approval_id: int | None
    actor: str
    reason: str
    state: str
    ended_on: date | None
    end_reason: str
    parts: tuple[PlanPart, ...]
    slips: tuple[int | None, ...]  # of each part


def kept_plan(alias: str = "a") -> str:
    """分納中: a condition on instalment ``alias`` for the day ``:planned_on`` (ISO text).

    True from the day on which a plan over it was agreed until the day before it was broken, ended
    or cancelled. Binds ``:m``, too.
    """
    return f"""EXISTS (SELECT 1 FROM payment_plan_part ppp
        JOIN payment_plan_event ppa ON ppa.municipality_code = :m AND ppa.plan_no = ppp.plan_no
            AND ppa.event = 'agreed' AND ppa.happened_on <= :planned_on
        WHERE ppp.municipality_code = :m AND ppp.notice_id = {alias}.notice_id
        AND ppp.term = {alias}.term
        AND NOT EXISTS (SELECT 1 FROM payment_plan_event ppe WHERE ppe.municipality_code = :m
            AND ppe.plan_no = ppp.plan_no AND ppe.event_no > 1
            AND ppe.happened_on <= :planned_on))"""


_OWED = """
SELECT a.notice_id, a.term, a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen AS open_yen,
    n.obligor_no, i.due_on,
    CASE WHEN EXISTS (SELECT 1 FROM late_charge_booking b WHERE b.municipality_code = :m
        AND b.notice_id = a.notice_id AND b.term = a.term) THEN 1 ELSE 0 END AS is_charge
FROM instalment_account a
JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id AND i.term = a.term
WHERE a.municipality_code = :m AND a.notice_id IN :some"""


def owed_on(
    connection: Connection, municipality_code: str, places: Iterable[PlaceKey]
) -> tuple[str, list[Owed]]:
    """未納 of these instalments, oldest first and the tax before its charges; whose they are.

    Raises :class:`NotFoundError` ``claim``; :class:`RefusedError` ``plan_nothing`` where nothing is
    open, ``plan_people`` for instalments of several people.
    """
    wanted = set(places)
    rows = [
        row
        for row in rows_about(connection, _OWED, municipality_code, sorted({n for n, _ in wanted}))
        if (row.notice_id, row.term) in wanted
    ]
    if not wanted or len(rows) != len(wanted):
        raise NotFoundError("claim", found="")
    if len({row.obligor_no for row in rows}) > 1:
        raise RefusedError("plan_people")
    if any(row.open_yen <= 0 for row in rows):
        raise RefusedError("plan_nothing")
    rows.sort(key=lambda r: (r.is_charge, str(r.due_on), r.notice_id, r.term))
    return str(rows[0].obligor_no), [Owed(r.notice_id, r.term, int(r.open_yen)) for r in rows]


def agree(
    connection: Connection,
    profile: Profile,
    parts: Sequence[PlanPart],
    act: Act,
    *,
    reason: str,
    approval_id: int | None = None,
) -> int:
    """分納の開始: the plan with a slip for every part; its number.

    Raises :class:`RefusedError` ``plan_stands`` where one of the instalments is in a plan already,
    and as :func:`owed_on` does; :class:`InvalidValueError` ``plan_sum`` when they do not come to
    what is open now.
    """
    code = profile.municipality_code
    places = sorted({(part.notice_id, part.term) for part in parts})
    obligor_no, owed = owed_on(connection, code, places)
    owed_yen, planned_yen = sum(o.open_yen for o in owed), sum(p.amount_yen for p in parts)
    if owed_yen != planned_yen:
        raise InvalidValueError("plan_sum", found=planned_yen, expected=owed_yen)
    standing_plans = plans_on(connection, code, places)
    if standing_plans:
        raise RefusedError("plan_stands", plan_no=standing_plans[0])
    plan_no = take_numbers(connection, code, "payment_plan", 1)
    slips = _issue(connection, profile, parts, act, reason)
    key = {"municipality_code": code, "plan_no": plan_no}
    connection.execute(
        _plans.insert().values(
            **key, obligor_no=obligor_no, agreed_on=act.issued_on, amount_yen=planned_yen,
            approval_id=approval_id, actor=act.actor, reason=require_reason(reason),
            made_at=act.at,
        )
    )  # fmt: skip
    connection.execute(
        _parts.insert(),
        [
            key | part._asdict() | {"part_no": number, "slip_id": slip_id}
            for number, (part, slip_id) in enumerate(zip(parts, slips, strict=True), start=1)
        ],
    )
    _write_event(connection, key, 1, KEPT, act.issued_on, reason, act)
    return plan_no


def _issue(
    connection: Connection, profile: Profile, parts: Sequence[PlanPart], act: Act, reason: str
) -> list[int]:
    """A slip for every part, beside whatever stands; in the order of the parts."""
    places = places_of(
        connection, profile.municipality_code, {(p.notice_id, p.term) for p in parts}
    )
    issues = []
    for part in parts:
        place = places[part.notice_id, part.term]
        own = replace(place, to_pay_yen=part.amount_yen, due_on=part.due_on, standing=[])
        issues.append(Issue(own, SlipEvent.ISSUED, reason))
        place.highest += 1
    return [issued.slip_id for issued in write_versions(connection, profile, issues, act)]


def end_plan(
    connection: Connection,
    municipality_code: str,
    plan_no: int,
    event: str,
    act: Act,
    *,
    reason: str,
) -> None:
    """分納の終了: broken, ended or cancelled from today on; the slips not paid yet end with it.

    Raises :class:`NotFoundError` ``plan``, :class:`RefusedError` ``plan_over``.
    """
    plan = plan_of(connection, municipality_code, plan_no)
    if plan.state != KEPT:
        raise RefusedError("plan_over", plan_no=plan_no, state=plan.state)
    key = {"municipality_code": municipality_code, "plan_no": plan_no}
    _write_event(connection, key, 2, event, act.issued_on, reason, act)
    wanted = [slip_id for slip_id in plan.slips if slip_id is not None]
    rows = rows_about(
        connection,
        "SELECT s.slip_id FROM slip s WHERE s.municipality_code = :m AND s.slip_id IN :some "
        f"AND s.state = '{SlipState.NEW.value}' AND NOT EXISTS (SELECT 1 FROM receipt r "
        "WHERE r.municipality_code = :m AND r.notice_id = s.notice_id AND r.slip_id = s.slip_id "
        "AND r.stage <> 'withdrawn')",
        municipality_code,
        wanted,
    )
    endings = [Ending(row.slip_id, SlipEvent.REVOKED, f"plan_{event}") for row in rows]
    end_versions(connection, municipality_code, endings, act)


def _write_event(
    connection: Connection,
    key: dict[str, Any],
    event_no: int,
    event: str,
    on: date,
    reason: str,
    act: Act,
) -> None:
    connection.execute(
        _events.insert().values(
            **key, event_no=event_no, event=event, happened_on=on, reason=require_reason(reason),
            actor=act.actor, made_at=datetime.now(UTC),
        )
    )  # fmt: skip


# ---- reading ----

_PLAN = """
SELECT p.plan_no, p.obligor_no, p.agreed_on, p.amount_yen, p.approval_id, p.actor, p.reason,
    COALESCE(e.event, 'agreed') AS state, e.happened_on AS ended_on,
    COALESCE(e.reason, '') AS end_reason
FROM payment_plan p
LEFT JOIN payment_plan_event e ON e.municipality_code = :m AND e.plan_no = p.plan_no
    AND e.event_no = 2
WHERE p.municipality_code = :m AND {which}"""
_PART = """
SELECT plan_no, due_on, notice_id, term, amount_yen, slip_id FROM payment_plan_part
WHERE municipality_code = :m AND plan_no IN :some ORDER BY plan_no, part_no"""


def plan_of(connection: Connection, municipality_code: str, plan_no: int) -> Plan:
    """分納 by its number; :class:`NotFoundError` ``plan``."""
    rows = connection.execute(
        text(_PLAN.format(which="p.plan_no = :plan_no")),
        {"m": municipality_code, "plan_no": plan_no},
    ).all()
    if not rows:
        raise NotFoundError("plan", plan_no=plan_no)
    return _with_parts(connection, municipality_code, rows)[0]


def list_plans(
    connection: Connection,
    municipality_code: str,
    *,
    state: str = "",
    below: int = 2**62,
    limit: int = 100,
) -> list[Plan]:
    """分納の一覧, newest first; of one state, or of all with ""."""
    which = "p.plan_no < :below"
    which += " AND COALESCE(e.event, 'agreed') = :state" if state else ""
    rows = connection.execute(
        text(_PLAN.format(which=which) + " ORDER BY p.plan_no DESC LIMIT :limit"),
        {"m": municipality_code, "below": below, "limit": limit}
        | ({"state": state} if state else {}),
    ).all()
    return _with_parts(connection, municipality_code, rows)


_UNDER_WAY = """ AND NOT EXISTS (SELECT 1 FROM payment_plan_event e
    WHERE e.municipality_code = :m AND e.plan_no = p.plan_no AND e.event_no = 2)"""


def plans_on(
    connection: Connection, municipality_code: str, places: Iterable[PlaceKey]
) -> list[int]:
    """分納中の番号 over any of these instalments."""
    return sorted(_over(connection, municipality_code, places, _UNDER_WAY))


def list_of_places(
    connection: Connection, municipality_code: str, places: Iterable[PlaceKey]
) -> list[Plan]:
    """分納 over any of these instalments, whatever became of them; newest first."""
    numbers = sorted(_over(connection, municipality_code, places), reverse=True)
    return [plan_of(connection, municipality_code, number) for number in numbers]


def _over(
    connection: Connection, municipality_code: str, places: Iterable[PlaceKey], only: str = ""
) -> set[int]:
    """The numbers of the plans that have a part on any of these instalments."""
    wanted = set(places)
    rows = rows_about(
        connection,
        "SELECT DISTINCT p.plan_no, p.notice_id, p.term FROM payment_plan_part p "
        f"WHERE p.municipality_code = :m AND p.notice_id IN :some{only}",
        municipality_code,
        sorted({notice_id for notice_id, _ in wanted}),
    )
    return {row.plan_no for row in rows if (row.notice_id, row.term) in wanted}


def standings(
    connection: Connection,
    municipality_code: str,
    plans: Sequence[Plan],
    on: date,
    *,
    grace_days: int,
) -> dict[int, Standing]:
    """分納の現状 by number: parts whose day is more than the grace ago should have come."""
    notice_ids = sorted({part.notice_id for plan in plans for part in plan.parts})
    open_yen = {
        (row.notice_id, row.term): int(row.open_yen)
        for row in rows_about(connection, _OWED, municipality_code, notice_ids)
    }
    found = {}
    for plan in plans:
        agreed: dict[PlaceKey, int] = defaultdict(int)
        for part in plan.parts:
            agreed[part.notice_id, part.term] += part.amount_yen
        paid = {
            place: max(yen - max(open_yen.get(place, 0), 0), 0) for place, yen in agreed.items()
        }
        until = on - timedelta(days=grace_days + 1)
        found[plan.plan_no] = standing(plan.parts, paid, until)
    return found


def _with_parts(
    connection: Connection, municipality_code: str, rows: Sequence[Row[Any]]
) -> list[Plan]:
    parts: dict[int, list[Row[Any]]] = defaultdict(list)
    numbers = [row.plan_no for row in rows]
    for row in rows_about(connection, _PART, municipality_code, numbers):
        parts[row.plan_no].append(row)
    return [
        Plan(
            row.plan_no, row.obligor_no, as_day(row.agreed_on), row.amount_yen, row.approval_id,
            row.actor, row.reason, row.state, as_day(row.ended_on) if row.ended_on else None,
            row.end_reason,
            tuple(
                PlanPart(as_day(p.due_on), p.notice_id, p.term, p.amount_yen)
                for p in parts[row.plan_no]
            ),
            tuple(p.slip_id for p in parts[row.plan_no]),
        )
        for row in rows
    ]  # fmt: skip
