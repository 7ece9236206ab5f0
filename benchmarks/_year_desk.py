"""The people of :mod:`year`: what the staff, the banks and the payers' operators do on a day.

Two people by the same ways as pages and commands; what was done already is not done again, so that
a day that was cut off can be begun once more.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.calendars import add_business_days, is_bank_business_day
from payments.domain.errors import KokinError, RefusedError
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import cases, day_close
from reconcile.debit import batches as debit_books
from reconcile.debit import build as debit_build
from reconcile.debit import release as debit_release
from reconcile.debit.acknowledge import acknowledge
from reconcile.dunning import draw, pull, record, release
from reconcile.dunning.rules import Terms
from reconcile.dunning.sent import book_sent_fees
from reconcile.formats import debit_accounts, debit_request, debit_result, zengin_statement
from reconcile.formats.zengin_common import zengin_text
from reconcile.journal import closed_books
from reconcile.model import Delivery
from reconcile.refunds import appropriate, batches
from reconcile.refunds import release as refund_release
from reconcile.refunds.found import overpayments
from reconcile.registers import (
    import_assessments,
    import_debit_accounts,
    import_slips,
    import_vehicles,
)
from sample_data.city import sample
from sample_data.city.files import ACCOUNT, OPENING_BALANCE_YEN
from sample_data.city.scenarios.ordinary import DEBIT_FAILED_SHARE, FAILURE_CODES
from web import clock
from web.commands.demo_desk import Desk, _accounts, _agree, _ask_refund, _class
from web.debits.asking import act, ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from payments.approve import Approval
    from web.commands.session import Session

ASKS, TREASURER = "shuno", "kaikei"
REGISTERS = (("assessments", import_assessments), ("slips", import_slips),
             ("vehicles", import_vehicles))  # fmt: skip
DEBIT_BUILT_BEFORE, DEBIT_RESULT_AFTER = 5, 2  # bank business days around the debit
DUNNED_AFTER, SENT_AFTER = 15, 3  # calendar days
REFUNDS_AT_ONCE = 200
RETURNED_EVERY = 25  # every so many transfers the bank sends back
CASES_AT_ONCE = 50
DESPITE_AFTER = 3  # days that a day is left open before two people close it all the same


@dataclass
class Year:
    """一年: where the work is done, and what the bank must still do."""

    session: Session
    city: Path
    rng: Random
    balance_yen: int = OPENING_BALANCE_YEN
    lines: dict[str, list[list[Any]]] = field(default_factory=dict)  # day → movements to come
    results: dict[str, list[int]] = field(default_factory=dict)  # day → batches that are answered
    dispatches: dict[str, list[int]] = field(default_factory=dict)  # day → dunning lists
    closed_until: str = ""
    transfers: int = 0

    @property
    def code(self) -> str:
        """団体コード."""
        return self.session.municipality

    def desk(self) -> Desk:
        """The desk of today as the demo knows it."""
        with reading(self.session.engine, self.code) as connection:
            profile = load_profile(connection, self.code)
        return Desk(self.session, profile, clock.today())

    def agree(self, asked: list[Approval]) -> None:
        """The second person agrees to all of them."""
        _agree(self.desk(), asked)

    def owes(self, day: date, *movement: object) -> None:
        """The bank will book this on a day: yen (negative: out), payer code, name, EDI, remarks."""
        self.lines.setdefault(day.isoformat(), []).append(list(movement))


# ---- what comes ----


def registers(year: Year, today: date) -> int:
    """調定, slips and vehicles of a day, and the accounts of those who pay by debit."""
    number = 0
    for name, importer in REGISTERS:
        path = year.city / today.isoformat() / f"{name}.csv"
        if path.exists():
            report = importer(
                year.session.engine, year.code,
                Delivery(f"{name}_{today:%Y%m%d}.csv", path.read_bytes()),
                received_on=today, actor="year",
            )  # fmt: skip
            if not report.status.is_good:
                raise RuntimeError((today, name, report.findings[:3]))
            number += report.count
    if number:
        rows = _accounts(year.desk())
        import_debit_accounts(
            year.session.engine, year.code,
            Delivery(f"accounts_{today:%Y%m%d}.csv", debit_accounts.write(rows)),
            received_on=today, actor="year", at=clock.now(),
        )  # fmt: skip
    return number


def inbox(year: Year, today: date, folder: Path) -> int:
    """Reports of the day, the results of debits and the statement appear in the inbox."""
    files = [
        (path.name, path.read_bytes())
        for path in sorted((year.city / today.isoformat()).glob("*"))
        if path.stem not in {name for name, _ in REGISTERS} and path.suffix != ".jsonl"
    ]
    files += [_debit_results(year, number) for number in year.results.pop(str(today), [])]
    files.append((f"zengin_statement_{today:%Y%m%d}.txt", _statement(year, today)))
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files:
        (folder / name).write_bytes(data)
    return len(files)


def read_credits(city: Path) -> dict[str, list[list[Any]]]:
    """入金 of the whole year as the bank will book them."""
    found: dict[str, list[list[Any]]] = {}
    with (city / "credits.csv").open(encoding="utf-8", newline="") as stream:
        for day, amount, code, name, edi in csv.reader(stream):
            found.setdefault(day, []).append([int(amount), code, name, edi, ""])
    return found


def notifications(city: Path, today: date) -> Iterator[dict[str, Any]]:
    """What operators tell on this day."""
    path = city / today.isoformat() / "notifications.jsonl"
    if path.exists():
        yield from map(json.loads, path.read_text("utf-8").splitlines())


def _statement(year: Year, today: date) -> bytes:
    """入出金取引明細 of a day."""
    movements, before = [], year.balance_yen
    for number, (yen, code, name, edi, remarks) in enumerate(
        year.lines.pop(today.isoformat(), []), start=1
    ):
        year.balance_yen += yen
        direction = zengin_statement.CREDIT if yen > 0 else zengin_statement.DEBIT
        movement = zengin_statement.Movement(
            number, today, abs(yen), direction, "14" if remarks else "11", code, name, edi=edi,
            remarks=remarks or "ﾌﾘｺﾐ",
        )  # fmt: skip
        movements.append(movement)
    statement = zengin_statement.Statement(
        ACCOUNT, sample.ACCOUNT.holder, today, today, today, before, movements
    )
    return zengin_statement.write([statement])


# ---- 口座振替 ----


def debits(year: Year, today: date) -> str:
    """Batches for the debits some days ahead: built, agreed to, sent, acknowledged."""
    debit_on = add_business_days(today, DEBIT_BUILT_BEFORE)
    desk = year.desk()
    with unit_of_work(year.session.engine, year.code) as connection:
        due = connection.execute(
            text("SELECT 1 FROM instalment WHERE municipality_code = :m AND direct_debit "
                 "AND due_on = :day LIMIT 1"),
            {"m": year.code, "day": debit_on},
        ).first()  # fmt: skip
        if due is None:
            return ""
        _run, built = debit_build.build(connection, desk.profile, debit_on, act(ASKS))
        asked = [
            ask(connection, desk.profile, debit_release.RELEASE, batch.batch_no, asked_by=ASKS,
                reason="口座振替")
            for batch in built
        ]  # fmt: skip
    year.agree(asked)
    result_on = add_business_days(debit_on, DEBIT_RESULT_AFTER).isoformat()
    for batch in built:
        with unit_of_work(year.session.engine, year.code) as connection:
            debit_release.send(connection, desk.profile, batch.batch_no, act(ASKS), reason="")
            acknowledge(
                connection, year.code, batch.batch_no, batch.count, batch.amount_yen, act(ASKS),
                note="電話",
            )  # fmt: skip
        year.results.setdefault(result_on, []).append(batch.batch_no)
    return f"debit {sum(batch.count for batch in built)}"


def _debit_results(year: Year, batch_no: int) -> tuple[str, bytes]:
    """What the bank sends back, and the credit of what it could debit."""
    with reading(year.session.engine, year.code) as connection:
        batch = debit_books.batch_of(connection, year.code, batch_no)
        (asked,) = debit_request.read(
            debit_books.bytes_of(connection, year.code, batch), batch.debit_on
        )
    answered = [
        each._replace(result_code=year.rng.choice(FAILURE_CODES))
        if year.rng.random() < DEBIT_FAILED_SHARE
        else each
        for each in asked.debits
    ]
    paid = sum(each.amount_yen for each in answered if each.result_code == debit_result.DONE)
    if paid:
        payer = sample.PAYERS[sample.DEBIT]
        year.owes(clock.today(), paid, payer.code, payer.name, "", "ｺｳｻﾞﾌﾘｶｴ")
    name = f"debit_result_{batch.debit_on:%Y%m%d}_{batch.bank_code}_{batch_no}.txt"
    return name, debit_result.write([asked._replace(debits=answered)])


# ---- 過誤納 ----


def refunds(year: Year, today: date) -> str:
    """Overpayments: classed, appropriated or decided, transferred some days later."""
    desk = year.desk()
    with reading(year.session.engine, year.code) as connection:
        found = overpayments(connection, desk.profile, today, limit=REFUNDS_AT_ONCE)
    done: Counter[str] = Counter()
    asked: list[Approval] = []
    for each in found:
        if each.stage == "provisional" or each.waiting_yen <= 0 or each.asked:
            continue
        try:
            if each.reason is None:
                _class(desk, each)
            if each.due_yen:
                with unit_of_work(year.session.engine, year.code) as connection:
                    asked += appropriate.ask_appropriation(
                        connection, desk.profile, each.subject, as_of=today, asked_by=ASKS,
                        at=clock.now(), reason="納期限の来た未納に充てる",
                    )  # fmt: skip
                done["appropriated"] += 1
            else:
                asked.append(_ask_refund(desk, each))
                done["refunded"] += 1
        except KokinError as error:
            done[f"refused {error.error_code}"] += 1
    for approval in asked:
        try:
            year.agree([approval])
        except KokinError as error:
            done[f"refused {error.error_code}"] += 1
    done["transfers"] += _transfer(year, desk, add_business_days(today, 3))
    return " ".join(f"{what} {number}" for what, number in done.items() if number)


def _transfer(year: Year, desk: Desk, on: date) -> int:
    """振込データ of what is decided, released by two people, and what the bank makes of it."""
    try:
        with unit_of_work(year.session.engine, year.code) as connection:
            built = batches.build(
                connection, desk.profile, on, by=TREASURER, at=clock.now(), today=clock.today()
            )
            asked = refund_release.ask_release(
                connection, desk.profile, built.batch_no, asked_by=TREASURER, at=clock.now(),
                reason="還付",
            )  # fmt: skip
    except RefusedError as error:
        if error.error_code != "batch_empty":
            raise
        return 0
    year.agree([asked])
    with unit_of_work(year.session.engine, year.code) as connection:
        refund_release.hand_out(connection, year.code, built.batch_no, by=TREASURER, at=clock.now())
        rows = connection.execute(
            text("SELECT l.amount_yen + l.interest_yen AS yen, o.kana FROM refund_batch_line l "
                 "JOIN refund r ON r.municipality_code = :m AND r.refund_no = l.refund_no "
                 "JOIN obligor o ON o.municipality_code = :m AND o.obligor_no = r.obligor_no "
                 "WHERE l.municipality_code = :m AND l.batch_no = :no ORDER BY l.line_no"),
            {"m": year.code, "no": built.batch_no},
        ).all()  # fmt: skip
    year.owes(on, -built.total_yen, "", "", "", "ｿｳｺﾞｳﾌﾘｺﾐ")
    for row in rows:
        year.transfers += 1
        if not year.transfers % RETURNED_EVERY:
            name = zengin_text(row.kana)[:30]
            year.owes(add_business_days(on, 2), int(row.yen), "", name, "", "ｸﾐﾓﾄﾞｼ")
    return built.count


# ---- 督促 ----


def dunning(year: Year, today: date) -> str:
    """A list for each due date that has passed some days ago; letters go a few days later."""
    said = [_dispatch(year, number, today) for number in year.dispatches.pop(str(today), [])]
    desk = year.desk()
    with reading(year.session.engine, year.code) as connection:
        due = connection.execute(
            text("SELECT MAX(CAST(due_on AS VARCHAR(10))) FROM instalment "
                 "WHERE municipality_code = :m AND due_on <= :last"),
            {"m": year.code, "last": today - timedelta(DUNNED_AFTER)},
        ).scalar_one_or_none()  # fmt: skip
        known = {found.terms.due_to for found in record.lists(connection, year.code, limit=200)}
    if not due or date.fromisoformat(due) in known:
        return " ".join(said)
    due_on = date.fromisoformat(due)
    terms = Terms(today, desk.profile.dunning.wait_days, due_from=due_on, due_to=due_on)
    try:
        with unit_of_work(year.session.engine, year.code) as connection:
            drawn = draw.draw(connection, desk.profile, terms, actor=ASKS, at=clock.now())
            asked = [
                release.ask(
                    connection, year.code, drawn.list_no, asked_by=ASKS, at=clock.now(),
                    reason="督促",
                )
            ] if drawn.listed_count else []  # fmt: skip
    except RefusedError as error:
        return f"dunning {error.error_code}"
    year.agree(asked)
    if asked:
        on = today + timedelta(SENT_AFTER)
        while not is_bank_business_day(on):
            on += timedelta(1)
        year.dispatches.setdefault(str(on), []).append(drawn.list_no)
    return " ".join([*said, f"dunned {drawn.listed_count}"])


def _dispatch(year: Year, list_no: int, today: date) -> str:
    """Second draw, envelopes taken out, letters gone, fees claimed."""
    desk = year.desk()
    with unit_of_work(year.session.engine, year.code) as connection:
        pulled = pull.second_draw(
            connection, desk.profile, list_no, on=today, actor=ASKS, at=clock.now()
        )
        pull.confirm(
            connection, year.code, list_no, on=today, actor=ASKS, at=clock.now(),
            count=len(pulled),
        )  # fmt: skip
        letters = connection.execute(
            text(
                "SELECT COUNT(*) FROM dunning_letter WHERE municipality_code = :m AND list_no = :no"
            ),
            {"m": year.code, "no": list_no},
        ).scalar_one()
        pull.dispatch(
            connection, desk.profile, list_no, on=today, actor=ASKS, at=clock.now(),
            count=letters - len(pulled),
        )  # fmt: skip
    book_sent_fees(year.session.engine, year.code, on=today, actor=ASKS)
    return f"sent {letters - len(pulled)}"


# ---- 確認事項と締め ----


def look_at_cases(year: Year) -> int:
    """Somebody looks at the cases that wait and leaves them as they are, with a note."""
    with unit_of_work(year.session.engine, year.code) as connection:
        numbers = connection.execute(
            text("SELECT case_no FROM review_case WHERE municipality_code = :m "
                 "AND state = 'open' ORDER BY case_no LIMIT :most"),
            {"m": year.code, "most": CASES_AT_ONCE},
        ).scalars().all()  # fmt: skip
        for number in numbers:
            cases.accept(
                connection, year.code, number, "確認済み", actor=TREASURER, on=clock.today()
            )
    return len(numbers)


def close_days(year: Year, today: date) -> list[str]:
    """締め of every day before today that is still open, in order; why one stays open."""
    said = []
    with reading(year.session.engine, year.code) as connection:
        until, _year = closed_books(connection, year.code)
    first = (until or date.fromisoformat(year.closed_until)) + timedelta(1)
    year.closed_until = (first - timedelta(1)).isoformat()
    while first < today:
        why = _close(year, day_close.CLOSE, first.isoformat())
        if why and (today - first).days <= DESPITE_AFTER:
            return [*said, f"{first} open: {why}"]
        if why:
            said.append(f"{first} closed despite {why}")
            _close(year, day_close.CLOSE, first.isoformat(), despite=True)
        year.closed_until = first.isoformat()
        first += timedelta(1)
    return said


def close_year(year: Year, which: int) -> str:
    """年度の締め and the carry-over; what stood in its way, or nothing."""
    return _close(year, day_close.YEAR_CLOSE, str(which))


def _close(year: Year, kind: str, subject: str, *, despite: bool = False) -> str:
    """Asked for and agreed to; why not, if not."""
    try:
        with unit_of_work(year.session.engine, year.code) as connection:
            asked = day_close.ask(
                connection, year.code, kind, subject, asked_by=TREASURER, reason="日々の締め",
                at=clock.now(), despite=despite,
            )  # fmt: skip
        year.agree([asked])
    except KokinError as error:
        return str(error)
    return ""
