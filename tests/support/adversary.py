"""いじわるな資料: files that do everything to make an engine link the wrong money.

Out of one seed: numbers keyed in wrongly that are another bill's, equal lines that are two real
payments, files sent again under another name and with another date, files that overlap, lines in
no order, and credits whose payers have everybody's name.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from typing import NamedTuple

from equal_bills import NAMES, YEN, EqualBills, Report, Truth
from reference_rows import sample_profile

from reconcile.formats import zengin_statement

DAYS = ("2026-06-08", "2026-06-09", "2026-06-10", "2026-06-11")
MONEY = {"2026-06-08": "2026-06-15", "2026-06-09": "2026-06-15"}
MONEY_LATER = "2026-06-16"
BANK_DAY = date(2026, 6, 17)


class Sent(NamedTuple):
    """送られた資料: a file as it arrives; ``again`` when its very bytes came before."""

    name: str
    data: bytes
    again: bool = False


class Residents:
    """住民: they pay, mistype, pay twice, and take back; everything is decided by the seed."""

    def __init__(self, bills: EqualBills, seed: int) -> None:
        """Nobody has paid yet."""
        self.bills = bills
        self.random = random.Random(seed)
        self.truth = Truth(bills)

    def early(self) -> list[Report]:
        """速報: most pay their own bill once; the rest is what this is about."""
        reports: list[Report] = []
        for bill in self.random.sample(range(1, self.bills.count + 1), self.bills.count // 2):
            chance = self.random.random()
            report = self._payment(bill)
            reports.append(report)
            if chance < 0.04:  # another valid number, keyed in by mistake
                reports[-1] = report._replace(bill=self._mistyped(bill))
            elif chance < 0.05:
                reports[-1] = report._replace(bill=self.bills.count + bill)
            elif chance < 0.06:
                reports[-1] = report._replace(broken=True)
            elif chance < 0.07:
                reports[-1] = report._replace(bill=self.bills.count + bill, broken=True)
            elif chance < 0.10:  # paid twice, in two shops
                reports.append(self._payment(bill))
            elif chance < 0.12:  # paid three times, on whatever days
                reports += [self._payment(bill), self._payment(bill)]
            elif chance < 0.14:  # one press of a button too many: two lines, two payments
                reports += [report] * self.random.choice((1, 1, 2))
        return self.shuffled(reports)

    def _payment(self, bill: int) -> Report:
        """Somebody pays in some shop on some day."""
        at = f"{self.random.randrange(24):02d}{self.random.randrange(60):02d}"
        shop = f"{self.random.randrange(200):06d}"
        return Report("01", bill, self.random.choice(DAYS), at, shop)

    def _mistyped(self, bill: int) -> int:
        """A number one digit away, or with two digits exchanged, that is another bill's."""
        digits = [*f"{bill:0{len(str(self.bills.count))}d}"]
        place = self.random.randrange(len(digits))
        other = [*digits]
        if place and self.random.random() < 0.5:
            other[place - 1], other[place] = digits[place], digits[place - 1]
        else:
            other[place] = str((int(digits[place]) + self.random.choice((1, 9))) % 10)
        typed = int("".join(other))
        return typed if self.bills.exists(typed) else max(1, bill - 1)

    def hub(self) -> list[Report]:
        """Payments by the number, some for bills that a shop has been paid for."""
        some = self.random.sample(range(1, self.bills.count + 1), self.bills.count // 8)
        reports = [
            Report("1", bill, self.random.choice(DAYS), "", f"TX-{number}")
            for number, bill in enumerate(some, start=1)
        ]
        return [*reports, *reports[:2]]

    def withdrawals(self, reports: list[Report]) -> list[Report]:
        """取消 of some, and of a few that nobody has reported."""
        some = self.random.sample(reports, max(4, len(reports) // 25))
        # Where several wait for one bill, the first of them goes, and the others are looked at.
        some += [paid.report for paid in self.truth.settling if self.truth.waiting(paid) > 1]
        gone = [r._replace(kind="03" if r.is_shop else "3") for r in some]
        return [*gone, gone[0], self._payment(1)._replace(kind="03", place="999999")]

    def confirmations(self) -> list[Report]:
        """確報 of nearly all that stands, in no order, and of some that no 速報 announced."""
        late = [
            paid.report._replace(
                kind="02" if paid.report.is_shop else "2",
                remitted=MONEY.get(paid.report.paid_on, MONEY_LATER),
            )
            for paid in self.truth.paid
            if paid.stage == "provisional" and self.random.random() < 0.97
        ]
        new = self.random.sample(range(1, self.bills.count + 1), self.bills.count // 50)
        late += [self._payment(bill)._replace(kind="02", remitted=MONEY_LATER) for bill in new]
        return self.shuffled(late)

    def shuffled(self, reports: list[Report]) -> list[Report]:
        """The same in no order."""
        return self.random.sample(reports, len(reports))


class Adversary(Residents):
    """意地悪な送り手: makes the files, and says to ``truth`` what they mean."""

    def __init__(self, bills: EqualBills, seed: int) -> None:
        """All files, in the order in which they are sent."""
        super().__init__(bills, seed)
        self.sent: list[Sent] = []
        self.strangers: list[int] = []  # lines of the statement, by their number
        early = self.early()
        half = early[len(early) // 2 :]
        self._shops("sokuho-1.csv", early, "20260611")
        self.sent.append(Sent("sokuho-1(2).csv", self.sent[0].data, again=True))
        self._shops("saisou.csv", early, "20260612")
        self._shops("narabikae.csv", self.shuffled(early), "20260612")
        overlapping = self.shuffled([*half, *self.early()[: len(half)]])
        # An equal line more than before is a payment more.
        equal, there = Counter(early), Counter(overlapping)
        for report in [report for report, lines in equal.items() if lines > 1][:5]:
            overlapping += [report] * (equal[report] + 1 - there[report])
        self._shops("sokuho-2.csv", overlapping, "20260613")
        hub = self.hub()
        self._hubs("hub-1.csv", hub)
        self._hubs("hub-2.csv", self.shuffled([*hub[: len(hub) // 2], *hub[-3:]]))
        gone = self.withdrawals([*early, *overlapping, *hub])
        self._shops("torikeshi.csv", [r for r in gone if r.is_shop], "20260613")
        self._hubs("torikeshi-hub.csv", [r for r in gone if not r.is_shop])
        late = self.confirmations()
        shops = [report for report in late if report.is_shop]
        self._shops("kakuho-1.csv", shops, "20260615")
        self._shops("kakuho-2.csv", self.shuffled(shops[len(shops) // 3 :]), "20260616")
        self._hubs("kakuho-hub.csv", [r for r in late if not r.is_shop])
        gone = [report for report in self.withdrawals(early) if report.is_shop]
        self._shops("torikeshi-2.csv", gone, "20260616")
        self._statement()

    def _statement(self) -> None:
        """The credit of one group, and credits of people who are called like everybody here."""
        sums: dict[str, int] = {}
        for paid in self.truth.paid:
            if paid.stage == "confirmed" and paid.report.is_shop:
                sums[paid.remitted] = sums.get(paid.remitted, 0) + YEN
        payer = next(a.payer_code for a in sample_profile().agents if a.code == "konbini_dsk")
        moves = [zengin_statement.Movement(1, BANK_DAY, sums[min(sums)], payer_code=payer)]
        halves = [name for name in NAMES if name.isascii() or ord(name[0]) >= 0xFF00]
        for number, name in enumerate([*halves, "ｹﾝｼﾖｳ ｼﾞﾛｳ", *halves], start=2):
            moves.append(zengin_statement.Movement(number, BANK_DAY, YEN, payer_name=name))
            self.strangers.append(number + 1)
        account = sample_profile().accounts[0]
        statement = zengin_statement.Statement(
            account, "ﾐﾎﾝｼ", BANK_DAY, BANK_DAY, BANK_DAY, 1_000, moves
        )
        self.sent.append(Sent("ginkou.dat", zengin_statement.write([statement])))

    # -- the files ------------------------------------------------------------------------------

    def _shops(self, name: str, reports: list[Report], created_on: str) -> None:
        self.truth.take(name, reports)
        self.sent.append(Sent(name, self.bills.shop_file(reports, created_on)))

    def _hubs(self, name: str, reports: list[Report]) -> None:
        self.truth.take(name, reports)
        self.sent.append(Sent(name, self.bills.hub_file(reports)))


def one_day(bills: EqualBills, seed: int) -> bytes:
    """速報, 取消 and 確報 of one day in one file, in no order; a little longer than the bills."""
    residents = Residents(bills, seed)
    reports = residents.early()
    reports += residents.withdrawals(reports)
    residents.truth.take("early", reports)
    reports += residents.confirmations()
    return bills.shop_file(residents.shuffled(reports), "20260612")
