"""見本市の資料: lines become files of every format, and each record its true outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from payments.domain.profile import Account
from reconcile.formats import (
    debit_result,
    eltax_payment,
    eltax_remittance,
    konbini_dsk,
    konbini_mizuho120,
    konbini_muf120,
    zengin_credit,
    zengin_statement,
)
from reconcile.formats.konbini_fixed import Collected, CollectedGroup
from sample_data.city import bank, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from sample_data.city.model import Advice, Entry, Line
    from sample_data.city.plan import City

ACCOUNT = Account(
    sample.ACCOUNT.bank_code,
    sample.ACCOUNT.bank_name,
    sample.ACCOUNT.branch_code,
    sample.ACCOUNT.branch_name,
    sample.ACCOUNT.account_type,
    sample.ACCOUNT.account_no,
    "03",
)
OPENING_BALANCE_YEN = 250_000_000
FIRST_RECORD = 2  # every format has one header record before the first data record


class Truth(NamedTuple):
    """正解 of one record."""

    line_no: int
    outcome: str
    applied_yen: int = 0
    suspense_yen: int = 0


class Written(NamedTuple):
    """書き上がった資料: the bytes and the right outcome of each record that counts."""

    data: bytes
    truth: list[Truth]


@dataclass(frozen=True)
class File:
    """資料: where it goes, how it is written, and the status it must get."""

    day: int
    name: str
    write: Callable[[], Written]
    status: str = "accepted"


def planned(city: City) -> list[File]:
    """Every good file of the city; writing one can be repeated."""
    return [*reported(city), *_BankFiles(city).files()]


def reported(city: City) -> list[File]:
    """What agents and the hub send: payments and 払込明細, without the files of the bank."""
    files = [
        File(day, _line_file_name(city, day, stream, part), _line_writer(city, day, stream, lines))
        for (day, stream, part), lines in city.files.items()
    ]
    return [*files, *_advice_files(city)]


def _line_file_name(city: City, day: int, stream: str, part: str) -> str:
    """A name that no other file of the city has; its order decides the order of intake."""
    made_on = f"{city.dates[day]:%Y%m%d}"
    suffix = f"_{part}" if part else ""
    if stream == sample.ELTAX:
        return f"eltax_payment_{made_on}{suffix}.csv"
    if stream == sample.DEBIT:
        return f"debit_result_{made_on}{suffix}.txt"
    return f"{stream}_{made_on}{suffix}.{'csv' if stream == sample.DSK else 'txt'}"


def _line_writer(city: City, day: int, stream: str, lines: list[Line]) -> Callable[[], Written]:
    """How the lines of one file are put in order and written."""
    writers: dict[str, Callable[[date, Sequence[Line]], bytes]] = {
        sample.DSK: _dsk,
        sample.MUF: _muf,
        sample.MIZUHO: _mizuho,
        sample.ELTAX: _eltax,
        sample.DEBIT: _debit,
    }

    def write() -> Written:
        # The sort is stable: equal lines keep the order in which their scenario put them down.
        ordered = sorted(lines, key=lambda line: (line.paid_on, line.paid_at))
        truth = [
            Truth(number, line.outcome, line.applied_yen, line.suspense_yen)
            for number, line in enumerate(ordered, FIRST_RECORD)
        ]
        return Written(writers[stream](city.dates[day], ordered), truth)

    return write


def _dsk(made_on: date, lines: Sequence[Line]) -> bytes:
    return konbini_dsk.write(
        konbini_dsk.DskRow(
            line.kind,
            line.paid_on.replace("-", ""),
            line.paid_at,
            line.key,
            line.amount_yen,
            line.operator,
            sample.SHOP_NAMES[line.operator],
            line.place,
            f"{line.funds_on:%Y%m%d}" if line.funds_on and line.is_confirmed else "0",
            f"{made_on:%Y%m%d}",
        )
        for line in lines
    )


def _collected(made_on: date, line: Line) -> Collected:
    """A row of a 120-byte file; 客層 is filled with something that no two days share."""
    raw = {"paid_on": line.paid_on.replace("-", "")}
    if line.stream == sample.MIZUHO:
        raw["customer_type"] = f"{made_on:%d}"
    return Collected(
        line.kind,
        line.key,
        line.acquired_on,
        line.paid_at,
        line.place,
        line.operator,
        received_on=line.acquired_on,
        remitted_on=line.funds_on if line.is_confirmed else None,
        accounted_on=line.acquired_on,
        raw=raw,
    )


def _muf(made_on: date, lines: Sequence[Line]) -> bytes:
    rows = [_collected(made_on, line) for line in lines]
    return konbini_muf120.write(
        [CollectedGroup(made_on, rows)],
        company_code=sample.MUF_COMPANY_CODE,
        client_code=sample.KONBINI_CLIENT_CODE,
        client_name=sample.ACCOUNT.holder,
    )


def _mizuho(made_on: date, lines: Sequence[Line]) -> bytes:
    return konbini_mizuho120.write(
        [CollectedGroup(made_on, [_collected(made_on, line) for line in lines])]
    )


def _eltax(made_on: date, lines: Sequence[Line]) -> bytes:  # noqa: ARG001 - as the others
    return eltax_payment.write(_payment(line) for line in lines)


def _payment(line: Line) -> eltax_payment.PaymentRow:
    channel, _, operator = line.operator.partition(":")
    return eltax_payment.PaymentRow(
        line.kind,
        line.key[:5],
        line.key[31:],
        line.key[5:25],
        line.key[25:31],
        line.amount_yen,
        line.paid_on,
        f"{line.paid_at[:2]}:{line.paid_at[2:]}" if line.paid_at else "",
        channel,
        operator,
        sample.OPERATOR_NAMES[operator],
        line.place,
        line.funds_on.isoformat() if line.funds_on and line.is_confirmed else "",
        line.funds_ref,
    )


def _debit(made_on: date, lines: Sequence[Line]) -> bytes:  # noqa: ARG001 - as the others
    account = sample.ACCOUNT
    return debit_result.write(
        [
            debit_result.Batch(
                sample.DEBIT_CONSIGNOR_CODE,
                account.holder,
                lines[0].funds_on or lines[0].acquired_on,
                account.bank_code,
                account.bank_name,
                account.branch_code,
                account.branch_name,
                account.account_type,
                account.account_no,
                [
                    debit_result.Debit(
                        line.key,
                        line.amount_yen,
                        line.kind,
                        bank_name=account.bank_name,
                        branch_name=account.branch_name,
                        account_no=line.key[-9:-2],
                        holder_name=line.place,
                    )
                    for line in lines
                ],
            )
        ]
    )


def _advice_files(city: City) -> Iterable[File]:
    """払込明細: one file per day of transfer; the third day's is sent a second time, with more."""
    by_day: dict[int, list[Advice]] = {}
    for entry in city.advice:
        by_day.setdefault(entry.day, []).append(entry)
    for day, entries in by_day.items():
        again = by_day.get(day - 1, [])[:1] if day == city.days - 1 else []
        name = f"eltax_remittance_{city.dates[day]:%Y%m%d}.csv"
        yield File(day, name, _advice_writer(city, entries, again))


def _advice_writer(city: City, entries: list[Advice], again: list[Advice]) -> Callable[[], Written]:
    def write() -> Written:
        rows = [
            eltax_remittance.RemittanceRow(
                entry.number,
                city.dates[entry.day].isoformat(),
                entry.channel,
                entry.item_code,
                entry.payments,
                entry.gross_yen,
                entry.fee_yen,
                entry.gross_yen - entry.fee_yen,
            )
            for entry in (*entries, *again)
        ]
        outcomes = [*(entry.outcome for entry in entries), *("repeat" for _ in again)]
        truth = [Truth(n, outcome) for n, outcome in enumerate(outcomes, FIRST_RECORD)]
        return Written(eltax_remittance.write(rows), truth)

    return write


@dataclass
class _BankFiles:
    """口座の資料: the statement of each day (03) and the notice of its transfers (01)."""

    city: City
    by_day: list[list[Entry]] = field(init=False)
    balances: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Sort the movements into their days; each day opens with the balance before it."""
        self.by_day = [[] for _ in range(self.city.days)]
        for entry in self.city.entries:
            self.by_day[entry.day].append(entry)
        self.balances = [OPENING_BALANCE_YEN]
        for entries in self.by_day:
            moved = sum(e.amount_yen if e.credit else -e.amount_yen for e in entries)
            self.balances.append(self.balances[-1] + moved)

    def files(self) -> Iterable[File]:
        """One of each per day, and a statement that comes again on the last day."""
        for day in range(self.city.days):
            made_on = f"{self.city.dates[day]:%Y%m%d}"
            yield File(day, f"zengin_statement_{made_on}.txt", self._statement(day))
            yield File(day, f"zengin_credit_{made_on}.txt", self._notices(day))
        if self.city.days > 1:
            last = self.city.days - 1
            name = f"zengin_statement_{self.city.dates[last]:%Y%m%d}_again.txt"
            yield File(last, name, self._statement_again(last))

    def movements(self, day: int) -> list[zengin_statement.Movement]:
        """The rows of one day, numbered from 1."""
        return [
            zengin_statement.Movement(
                number,
                self.city.dates[day],
                entry.amount_yen,
                zengin_statement.CREDIT if entry.credit else zengin_statement.DEBIT,
                "11" if entry.transfer else "14",
                entry.payer_code,
                entry.payer_name,
                sample.ACCOUNT.bank_name if entry.transfer else "",
                sample.ACCOUNT.branch_name if entry.transfer else "",
                entry.remarks or ("ﾌﾘｺﾐ" if entry.transfer else ""),
                entry.edi,
            )
            for number, entry in enumerate(self.by_day[day], 1)
        ]

    def _statement(self, day: int) -> Callable[[], Written]:
        def write() -> Written:
            truth = [Truth(n, e.outcome) for n, e in enumerate(self.by_day[day], FIRST_RECORD)]
            return Written(self.write_statement(day, day, self.movements(day)), truth)

        return write

    def write_statement(
        self, day: int, made: int, rows: Sequence[zengin_statement.Movement]
    ) -> bytes:
        """The statement of ``day`` as written on the day ``made``."""
        booked_on = self.city.dates[day]
        statement = zengin_statement.Statement(
            ACCOUNT, sample.ACCOUNT.holder, self.city.dates[made], booked_on, booked_on,
            self.balances[day], rows,
        )  # fmt: skip
        return zengin_statement.write([statement])

    def _statement_again(self, last: int) -> Callable[[], Written]:
        """The day before once more: all repeats, but one record says something else."""

        def write() -> Written:
            rows = self.movements(last - 1)
            rows[-1] = rows[-1]._replace(remarks="ﾍﾝｺｳｺﾞ")
            outcomes = ["repeat"] * (len(rows) - 1) + ["conflict"]
            truth = [Truth(n, outcome) for n, outcome in enumerate(outcomes, FIRST_RECORD)]
            return Written(self.write_statement(last - 1, last, rows), truth)

        return write

    def _notices(self, day: int) -> Callable[[], Written]:
        """振込入金通知: information only, as the statement of this account is the money.

        On the first day it also tells of a transfer that was a mistake of the bank; on the second
        the bank cancels it, and another one that it never told of.
        """

        def write() -> Written:
            booked_on = self.city.dates[day]
            credits_ = [e for e in self.by_day[day] if e.credit and e.transfer]
            rows = [
                zengin_credit.Notice(
                    number,
                    booked_on,
                    entry.amount_yen,
                    payer_code=entry.payer_code,
                    payer_name=entry.payer_name,
                    from_bank=sample.ACCOUNT.bank_name,
                    from_branch=sample.ACCOUNT.branch_name,
                    edi=entry.edi,
                )
                for number, entry in enumerate(credits_, 1)
            ]
            outcomes = ["information"] * len(rows)
            mistake = zengin_credit.Notice(
                900_001, self.city.dates[0], 55_500, payer_name=bank.UNKNOWN_NAME
            )
            if day == 0:
                rows.append(mistake)
                outcomes.append("withdrawn" if self.city.days > 1 else "information")
            if day == 1:
                rows += [
                    mistake._replace(cancels=True),
                    mistake._replace(cancels=True, inquiry_no=900_002, amount_yen=44_400),
                ]
                outcomes += ["withdraws", "withdrawal_unmatched"]
            group = zengin_credit.NoticeGroup(
                ACCOUNT, sample.ACCOUNT.holder, booked_on, self.city.dates[max(day - 1, 0)],
                booked_on, rows,
            )  # fmt: skip
            truth = [Truth(n, outcome) for n, outcome in enumerate(outcomes, FIRST_RECORD)]
            return Written(zengin_credit.write([group], format_b=day % 2 == 1), truth)

        return write
