"""見本の事務: what the staff of the sample city would have done by now, done by two of them.

After the days of files have been taken in, late charges are booked, a debit is prepared and
released, overpayments are classed, a plan is agreed, a claim is proposed to be given up and letters
are drawn, each by the way that pages and commands take. So every page has something to show, and
some requests wait for a second person. Accounts and reasons are invented.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import text

from payments.domain.calendars import is_bank_business_day
from payments.domain.errors import RefusedError
from payments.domain.fiscal import fiscal_year
from payments.domain.plans import even_payments
from payments.domain.write_off import Ground
from payments.plans import owed_on
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.charges import planning, write_offs
from reconcile.charges.booking import book_charges
from reconcile.debit import build as debits
from reconcile.debit.release import RELEASE as DEBIT_RELEASE
from reconcile.dunning import draw, release
from reconcile.dunning.rules import LETTER_DAYS, Terms
from reconcile.formats import debit_accounts
from reconcile.formats.debit_accounts import AccountRow
from reconcile.formats.zengin_common import zengin_text
from reconcile.model import Delivery
from reconcile.refunds import appropriate, decide, payees
from reconcile.refunds.classing import Grounds, classify
from reconcile.refunds.found import overpayments
from reconcile.registers import import_debit_accounts
from web import clock, formatting
from web.accounts import staff
from web.approval_desk import decide_as
from web.debits.asking import act, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.charges import PlaceKey
    from payments.domain.profile import Profile
    from reconcile.refunds.found import Overpayment
    from web.commands.session import Session

ASKS, DECIDES = "shuno", "shonin"  # 収納担当 and 承認者 of the demo
WAIT_DAYS = 10
PLAN_PARTS, PLAN_DAY = 6, 25
PLAN_FROM_YEN, PLAN_TO_YEN = 40_000, 400_000
NO_ACCOUNT, ENDED_ACCOUNT, OTHER_BANK = 41, 59, 6  # every so many payers


class Desk(NamedTuple):
    """机: where the work is done, on which day, by whose profile."""

    session: Session
    profile: Profile
    today: date

    @property
    def code(self) -> str:
        """団体コード."""
        return self.profile.municipality_code


def work(session: Session) -> None:
    """見本の事務, step by step; a city without anything for a step goes without it."""
    with reading(session.engine, session.municipality) as connection:
        profile = load_profile(connection, session.municipality)
    desk = Desk(session, profile, clock.today())
    steps: tuple[tuple[str, Callable[[Desk], str]], ...] = (
        ("延滞金", _charges),
        ("口座振替", _debit),
        ("過誤納", _refunds),
        ("分納", _plan),
        ("不納欠損", _write_off),
        ("督促", _dunning),
    )
    said = []
    with session.progress("事務の見本", len(steps)) as progress:
        for number, (name, step) in enumerate(steps, start=1):
            said.append((name, step(desk)))
            progress(number)
    for name, words in said:
        if words:
            session.out.print(f"{name}: {words}", markup=False)


# ---- the steps ----


def _charges(desk: Desk) -> str:
    """延滞金の調定, as every night."""
    booked = book_charges(desk.session.engine, desk.code, on=desk.today, actor="demo")
    return f"調定 {formatting.count(booked.count)} {formatting.yen(booked.yen)}"


def _debit(desk: Desk) -> str:
    """口座と振替: accounts of payers, a batch of each bank; the first is released."""
    day = _first(
        desk,
        "SELECT MIN(CAST(due_on AS VARCHAR(10))) FROM instalment "
        "WHERE municipality_code = :m AND direct_debit AND due_on > :today",
    )
    debit_on = date.fromisoformat(day) if day else None
    furthest = desk.today + timedelta(days=desk.profile.debit.ahead_days_max)
    if debit_on is None or debit_on > furthest or not is_bank_business_day(debit_on):
        return ""
    data = debit_accounts.write(_accounts(desk))
    registered = import_debit_accounts(
        desk.session.engine, desk.code, Delivery("debit_accounts.csv", data),
        received_on=desk.today, actor="demo", at=clock.now(),
    )  # fmt: skip
    with unit_of_work(desk.session.engine, desk.code) as connection:
        _run, built = debits.build(connection, desk.profile, debit_on, act(ASKS))
        asked = [
            ask(
                connection, desk.profile, DEBIT_RELEASE, batch.batch_no, asked_by=ASKS,
                reason=f"{debit_on.month}月{debit_on.day}日の口座振替",
            )
            for batch in built
        ]  # fmt: skip
    _agree(desk, asked[:1])
    made = formatting.count(sum(batch.count for batch in built))
    return (
        f"口座 {formatting.count(registered.count)} {formatting.long_day(debit_on)}の依頼 {made}"
        f" {formatting.yen(sum(batch.amount_yen for batch in built))}"
    )


def _refunds(desk: Desk) -> str:
    """過誤納: one refund decided, one asked for, one proposed to be appropriated; the rest wait."""
    with reading(desk.session.engine, desk.code) as connection:
        found = overpayments(connection, desk.profile, desk.today, limit=1_000)
    sure = [each for each in found if each.stage == "confirmed" and each.paid_on]
    owing = [each for each in sure if each.due_yen][:1]
    free = _of_several_people([each for each in sure if not each.due_yen])[:2]
    for each in (*free, *owing):
        _class(desk, each)
    asked = [_ask_refund(desk, each) for each in free]
    _agree(desk, asked[:1])
    for each in owing:
        with unit_of_work(desk.session.engine, desk.code) as connection:
            appropriate.ask_appropriation(
                connection, desk.profile, each.subject, as_of=desk.today, asked_by=ASKS,
                at=clock.now(), reason="納期限の来た未納に充てる",
            )  # fmt: skip
    return f"{formatting.count(len(found))} うち認定 {formatting.count(len(free) + len(owing))}"


def _plan(desk: Desk) -> str:
    """分納: somebody who owes several instalments pays them month by month."""
    places = _places(
        desk,
        "SELECT n.obligor_no FROM notice n JOIN instalment_account a "
        "ON a.municipality_code = :m AND a.notice_id = n.notice_id "
        "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id "
        "AND i.term = a.term WHERE n.municipality_code = :m AND i.due_on < :today "
        f"AND NOT i.direct_debit AND {_QUIET} GROUP BY n.obligor_no "
        f"HAVING COUNT(*) > 1 AND SUM({_OPEN}) BETWEEN {PLAN_FROM_YEN} AND {PLAN_TO_YEN} "
        "ORDER BY n.obligor_no LIMIT 1",
    )
    if not places:
        return ""
    with unit_of_work(desk.session.engine, desk.code) as connection:
        _obligor, owed = owed_on(connection, desk.code, places)
        payments = even_payments(sum(each.open_yen for each in owed), _months(desk.today))
        asked = planning.ask_plan(
            connection, desk.profile, places, payments, asked_by=ASKS, at=clock.now(),
            reason="一度に納めることが難しいため（窓口で相談）",
        )  # fmt: skip
    _agree(desk, [asked])
    total = formatting.yen(sum(each.amount_yen for each in payments))
    return f"1件 {total}を{formatting.count(len(payments), '回')}"


def _write_off(desk: Desk) -> str:
    """不納欠損: asked for, and waiting for the second person."""
    places = _places(
        desk,
        "SELECT n.obligor_no FROM notice n JOIN instalment_account a "
        "ON a.municipality_code = :m AND a.notice_id = n.notice_id "
        "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id "
        "AND i.term = a.term WHERE n.municipality_code = :m AND i.due_on < :today "
        f"AND NOT i.direct_debit AND {_QUIET} GROUP BY n.obligor_no HAVING COUNT(*) = 1 "
        "ORDER BY n.obligor_no DESC LIMIT 1",
    )
    if not places:
        return ""
    wish = write_offs.GivingUp(tuple(places), Ground.AT_ONCE, desk.today)
    with unit_of_work(desk.session.engine, desk.code) as connection:
        asked = write_offs.ask_write_off(
            connection, desk.profile, wish, on=desk.today, asked_by=ASKS, at=clock.now(),
            reason="滞納処分の執行を停止し、徴収できないことが明らかなため",
        )  # fmt: skip
    return f"{formatting.yen(asked.content['amount_yen'])}の承認待ち"


def _dunning(desk: Desk) -> str:
    """督促: the claims that were due last, drawn over what lacks by two people; not agreed yet."""
    last = desk.today - timedelta(days=WAIT_DAYS + 1)
    day = _first(
        desk,
        "SELECT MAX(CAST(due_on AS VARCHAR(10))) FROM instalment "
        "WHERE municipality_code = :m AND due_on <= :today",
        today=last.isoformat(),
    )
    if not day:
        return ""
    due_on = date.fromisoformat(day)
    now = clock.now()
    terms = Terms(desk.today, WAIT_DAYS, due_from=due_on, due_to=due_on)
    with unit_of_work(desk.session.engine, desk.code) as connection:
        states = draw.source_states(connection, desk.profile, desk.today, now)
        lacking = draw.lacking_of(states)
        asked = [
            release.ask_despite(
                connection, desk.profile, desk.today, asked_by=ASKS, at=now,
                reason=f"納期限から{LETTER_DAYS}日以内に発するため。未着の資料の分は留保する",
            )
        ] if lacking else []  # fmt: skip
    _agree(desk, asked)
    try:
        with unit_of_work(desk.session.engine, desk.code) as connection:
            drawn = draw.draw(connection, desk.profile, terms, actor=ASKS, at=now)
            if drawn.listed_count:
                release.ask(
                    connection, desk.code, drawn.list_no, asked_by=ASKS, at=now,
                    reason=f"納期限 {formatting.long_day(due_on)} の督促",
                )  # fmt: skip
    except RefusedError as error:
        if error.error_code != "dunning_none":
            raise
        return ""
    held = formatting.count(drawn.row_count - drawn.listed_count)
    return f"リスト {formatting.count(drawn.listed_count, '通')} 留保 {held}"


# ---- parts ----

_OPEN = "(a.amount_yen - a.term_yen - a.whole_yen + a.surplus_yen)"
# Open, with no money on its way and nothing else that somebody looks at.
_QUIET = f"""{_OPEN} > 0 AND NOT EXISTS (SELECT 1 FROM receipt r JOIN notice x
    ON x.municipality_code = :m AND x.notice_id = r.notice_id
    WHERE r.municipality_code = :m AND x.obligor_no = n.obligor_no
      AND (r.stage = 'provisional' OR r.suspense_yen > 0))"""


def _agree(desk: Desk, asked: list[Approval]) -> None:
    """The second person agrees."""
    with reading(desk.session.engine, desk.code) as connection:
        person = staff.one(connection, desk.code, DECIDES)
    for approval in asked:
        decide_as(desk.session.engine, desk.code, approval.approval_id, "approved", person=person)


def _first(desk: Desk, statement: str, **values: Any) -> Any:
    """The one value that a statement gives."""
    with reading(desk.session.engine, desk.code) as connection:
        return connection.execute(
            text(statement), {"m": desk.code, "today": desk.today.isoformat()} | values
        ).scalar()


def _places(desk: Desk, whose: str) -> list[PlaceKey]:
    """What the one person whom a statement finds owes and is due; nothing where it finds nobody."""
    values = {"m": desk.code, "today": desk.today.isoformat()}
    with reading(desk.session.engine, desk.code) as connection:
        rows = connection.execute(
            text(
                "SELECT a.notice_id, a.term FROM notice n JOIN instalment_account a "
                "ON a.municipality_code = :m AND a.notice_id = n.notice_id "
                "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = a.notice_id "
                "AND i.term = a.term WHERE n.municipality_code = :m "
                f"AND n.obligor_no = ({whose}) AND i.due_on < :today AND NOT i.direct_debit "
                f"AND {_OPEN} > 0 ORDER BY a.notice_id, a.term"
            ),
            values,
        )
        return [(int(row.notice_id), str(row.term)) for row in rows]


def _months(today: date) -> list[date]:
    """The days of a plan: the 25th of the next months, or the business day after it."""
    days = []
    for number in range(1, PLAN_PARTS + 1):
        months = today.year * 12 + today.month - 1 + number
        day = date(months // 12, months % 12 + 1, PLAN_DAY)
        while not is_bank_business_day(day):
            day += timedelta(days=1)
        days.append(day)
    return days


def _accounts(desk: Desk) -> list[AccountRow]:
    """口座振替口座台帳 of everybody who pays by debit, but for a few."""
    with reading(desk.session.engine, desk.code) as connection:
        payers = connection.execute(
            text(
                "SELECT DISTINCT o.obligor_no, o.kana FROM instalment i JOIN notice n "
                "ON n.municipality_code = :m AND n.notice_id = i.notice_id "
                "JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = n.obligor_no "
                "WHERE i.municipality_code = :m AND i.direct_debit ORDER BY o.obligor_no"
            ),
            {"m": desk.code},
        ).all()
    begin = date(fiscal_year(desk.today), 4, 1).isoformat()
    rows = []
    for number, (obligor_no, kana) in enumerate(payers, start=1):
        if not number % NO_ACCOUNT:
            continue
        row = AccountRow(desk.code, obligor_no, "", "ended", begin)
        if number % ENDED_ACCOUNT:
            bank = desk.profile.debit.banks[-1 if not number % OTHER_BANK else 0]
            row = row._replace(
                event="set", bank_code=bank.bank_code, bank_name=bank.bank_name,
                branch_code=bank.branch_code, branch_name=bank.branch_name, account_type="1",
                account_no=f"{number * 7_919 % 10_000_000:07d}", holder_name=_holder(kana),
            )  # fmt: skip
        rows.append(row)
    return rows


def _of_several_people(found: list[Overpayment]) -> list[Overpayment]:
    """The first of each person."""
    first: dict[str, Overpayment] = {}
    for each in found:
        first.setdefault(each.obligor_no, each)
    return list(first.values())


def _class(desk: Desk, each: Overpayment) -> None:
    """認定, as its outcome makes likely."""
    with unit_of_work(desk.session.engine, desk.code) as connection:
        classify(
            connection, desk.profile, each.subject, Grounds(each.likely.value), by=ASKS,
            at=clock.now(), as_of=desk.today,
        )  # fmt: skip


def _ask_refund(desk: Desk, each: Overpayment) -> Approval:
    """還付の依頼, after an account came on paper and somebody else looked at it."""
    bank = desk.profile.debit.banks[0]
    at = clock.now()
    with unit_of_work(desk.session.engine, desk.code) as connection:
        payee = payees.payee_of(
            bank.bank_code, bank.branch_code, "1", f"{each.line_no:07d}",
            _kana(connection, desk.code, each.obligor_no), bank_name=bank.bank_name,
            branch_name=bank.branch_name,
        )  # fmt: skip
        number = payees.register(
            connection, desk.code, each.obligor_no, payee, source=payees.PAPER, by=ASKS,
            on=desk.today, at=at,
        )  # fmt: skip
        payees.confirm(connection, desk.code, number, by=DECIDES, at=at)
        return decide.ask_refund(
            connection, desk.profile, each.subject, as_of=desk.today, asked_by=ASKS, at=at,
            reason="二重納付などの還付",
        )  # fmt: skip


def _kana(connection: Connection, code: str, obligor_no: str) -> str:
    found = connection.execute(
        text("SELECT kana FROM obligor WHERE municipality_code = :m AND obligor_no = :obligor_no"),
        {"m": code, "obligor_no": obligor_no},
    )
    return _holder(str(found.scalar_one()))


def _holder(kana: str) -> str:
    """口座名義: as much of a name as a bank's record holds."""
    return zengin_text(kana)[: payees.NAME_BYTES]
