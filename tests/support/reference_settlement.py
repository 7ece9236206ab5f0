"""参照モデルの入金: remittance groups, bank credits and remittance advice (outcomes.md 7).

Every subset of the candidate groups is tried, one after the other. That is slow, and easy to
believe.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference_books import Books, GroupKey, LineRef, Receipt

    from payments.domain.profile import Profile
    from reconcile.model import AdviceLine, BankLine

_SMALL_KANA = str.maketrans("ァィゥェォッャュョ", "アイウエオツヤユヨ")
_LEGAL_FORMS = re.compile(
    r"\([ァ-ン]{1,3}\)|\([カユメシザ]$|^[カユメシザ]\)|カブシキガイシヤ|ユウゲンガイシヤ"
)


def folded(name: str) -> str:
    """A name made comparable (files.md 1.8): a hint, never a match (design.md R6)."""
    text = unicodedata.normalize("NFKC", name).upper()
    text = re.sub("[ー‐－—―−]", "-", text)
    text = text.translate(_SMALL_KANA).strip()
    return re.sub(r"\s", "", _LEGAL_FORMS.sub("", text))


@dataclass(eq=False)
class Group:
    """振込単位: what one bank credit should contain (outcomes.md 7)."""

    key: GroupKey
    remitted_on: str
    receipts: list[Receipt] = field(default_factory=list)
    advised_yen: int = 0  # deducted before the transfer, as advised
    each_yen: int = 0  # … or as agreed, for every payment
    credited_yen: int = 0
    reopened: bool = False  # 確報, 訂正 or advice came after the money

    @property
    def confirmed_yen(self) -> int:
        """Every confirmed receipt that names the group, in suspense or not (outcomes.md 9)."""
        return sum(r.line.amount_yen or 0 for r in self.receipts if r.live)

    @property
    def fee_yen(self) -> int:
        """What the payer keeps back of it."""
        return self.advised_yen + self.each_yen * sum(r.live for r in self.receipts)

    @property
    def open_yen(self) -> int:
        """What the bank still owes."""
        return self.confirmed_yen - self.fee_yen - self.credited_yen


@dataclass(eq=False)
class Entry:
    """入出金明細: one line of a statement (03) or of the notices (01)."""

    ref: LineRef
    order: tuple[int, int]
    bank: BankLine
    amount_yen: int
    is_money: bool  # a credit of the account and kind that the profile names as the money
    outcome: str = ""
    settles: list[tuple[Group, int]] = field(default_factory=list)


@dataclass(eq=False)
class Advice:
    """払込明細: one advice line."""

    ref: LineRef
    line: AdviceLine
    outcome: str = ""


class Treasury:
    """会計: groups, credits and advice of one municipality."""

    def __init__(self, profile: Profile, books: Books) -> None:
        """Start with no money in the bank."""
        self.profile = profile
        self.books = books
        self.groups: dict[GroupKey, Group] = {}
        self.entries: list[Entry] = []
        self.advice: list[Advice] = []
        self.late: list[Group] = []  # that this file changed after their money

    def group(self, key: GroupKey, remitted_on: str) -> Group:
        """The group of this key, opened when it is new."""
        agent = self.profile.agent(key[0])
        each = agent.fee_each_yen if agent is not None else 0
        return self.groups.setdefault(key, Group(key, remitted_on, each_yen=each))

    def confirm(self, receipt: Receipt, key: GroupKey, remitted_on: str) -> None:
        """A receipt became confirmed and names its group."""
        group = self.group(key, remitted_on)
        receipt.group = key
        group.receipts.append(receipt)
        if group.credited_yen > 0:  # section 9: its money has already come
            self.late.append(group)

    def left(self, receipt: Receipt) -> None:
        """A corrected payment is no part of its group any more, whose money may have come."""
        group = self.groups.get(receipt.group) if receipt.group else None
        if group is not None and group.credited_yen > 0:
            self.late.append(group)

    def reopen_late(self) -> None:
        """Groups reopen with the difference that a file has made to them, if it made one."""
        for group in self.late:
            group.reopened = group.reopened or group.open_yen != 0
        self.late = []

    # -- advice -------------------------------------------------------------------------------

    def advise(self, ref: LineRef, line: AdviceLine) -> None:
        """An advice line: remember it and its fee."""
        group = self.group(("eltax", line.remittance_no), line.remitted_on)
        agent = self.profile.agent("eltax")
        if agent is not None and agent.fee == "advised":
            group.advised_yen += line.fee_yen
            if group.credited_yen > 0 and line.fee_yen:
                self.late.append(group)
        self.advice.append(Advice(ref, line))

    def compare_advice(self) -> None:
        """Σ confirmed of (number, channel, item) against count and gross, as it stands now."""
        for advice in self.advice:
            line = advice.line
            amounts = [
                r.line.amount_yen or 0
                for r in self.groups[("eltax", line.remittance_no)].receipts
                if r.live
                and r.line.identity.split(":")[0] == line.channel
                and (r.line.slip_key or "")[-3:] == line.item_code
            ]
            same = (len(amounts), sum(amounts)) == (line.count, line.gross_yen)
            advice.outcome = "advised" if same else "advice_difference"

    # -- bank lines -------------------------------------------------------------------------------

    def take(self, ref: LineRef, order: tuple[int, int], bank: BankLine, amount_yen: int) -> None:
        """A line of a statement, first row of section 7 that holds."""
        account = self.profile.account(bank.account_key)
        entry = Entry(ref, order, bank, amount_yen, is_money=False)
        if bank.direction == "debit":
            entry.outcome = "outgoing"
        elif bank.direction == "cancel":
            entry.outcome = self.cancel_notice(entry)
        elif account is None or account.money_kind != bank.source:
            entry.outcome = "information"
        else:
            entry.is_money = True
            if self.payer(bank) is None:
                self.decide_stranger(entry)
        self.entries.append(entry)

    def cancel_notice(self, cancelling: Entry) -> str:
        """01 with 取消区分 1: finds its notice by account, 勘定日, 照会番号 and amount (9)."""
        for entry in self.entries:
            if (
                (entry.bank.source, entry.bank.direction) == ("01", "credit")
                and entry.outcome != "withdrawn"
                and entry.bank.account_key == cancelling.bank.account_key
                and entry.bank.booked_on == cancelling.bank.booked_on
                and entry.bank.inquiry_no == cancelling.bank.inquiry_no
                and entry.amount_yen == cancelling.amount_yen
            ):
                # What the notice had settled is open again.
                for group, yen in entry.settles:
                    group.credited_yen -= yen
                entry.settles = []
                entry.outcome = "withdrawn"
                return "withdraws"
        return "withdrawal_unmatched"

    def payer(self, bank: BankLine) -> str | None:
        """Which agent a credit comes from: by payer code, pattern or remittance number."""
        for agent in self.profile.agents:
            if bank.payer_code and bank.payer_code == agent.payer_code:
                return agent.code
        if not bank.payer_code:
            for agent in self.profile.agents:
                if agent.payer_name in {bank.payer_name.strip(), bank.remarks.strip()}:
                    return agent.code
        if ("eltax", bank.edi.strip()) in self.groups:
            return "eltax"
        return None

    def candidates(self, payer: str, bank: BankLine) -> list[Group]:
        """Open groups of the payer, none dated after the 勘定日 (outcomes.md 9)."""
        number = bank.edi.strip() if payer == "eltax" else ""
        return [
            group
            for key, group in sorted(self.groups.items())
            if key[0] == payer
            and (not number or key[1] == number)
            and group.open_yen > 0
            and group.remitted_on <= bank.booked_on
        ]

    def readings(self, payer: str, entry: Entry) -> list[list[Group]]:
        """The sets of groups that a credit may be: single ones, or else several together."""
        groups = self.candidates(payer, entry.bank)
        alone = [[group] for group in groups if group.open_yen == entry.amount_yen]
        return alone or [
            list(combination)
            for size in range(2, len(groups) + 1)
            for combination in combinations(groups, size)
            if sum(group.open_yen for group in combination) == entry.amount_yen
        ]

    def waiting(self) -> list[tuple[str, Entry]]:
        """Credits of known payers that have not settled, by 勘定日, then intake."""
        open_entries = [
            entry
            for entry in sorted(self.entries, key=lambda e: (e.bank.booked_on, e.order))
            if entry.is_money and entry.outcome not in {"settled", "withdrawn"}
        ]
        named = [(self.payer(entry.bank), entry) for entry in open_entries]
        return [(payer, entry) for payer, entry in named if payer is not None]

    def settle(self) -> None:
        """Decide the credits of known payers that have not settled, until nothing moves."""
        while self.settle_some():
            pass
        for _payer, entry in self.waiting():
            entry.outcome = "settlement_difference"
        self.compare_advice()

    def settle_some(self) -> bool:
        """The certain credits of the first day that has any; single groups before several.

        What is certain on one day is certain together: none of them is read again first.
        """
        waiting = self.waiting()
        readings = {id(entry): self.readings(payer, entry) for payer, entry in waiting}
        for day in sorted({entry.bank.booked_on for _payer, entry in waiting}):
            for alone in (True, False):
                certain = [
                    entry
                    for _payer, entry in waiting
                    if entry.bank.booked_on == day
                    and len(readings[id(entry)]) == 1
                    and (len(readings[id(entry)][0]) == 1) == alone
                ]
                agreed = [
                    entry
                    for entry in certain
                    if all(
                        self.alike(entry, other, readings)
                        for other in certain
                        if set(map(id, readings[id(entry)][0]))
                        & set(map(id, readings[id(other)][0]))
                    )
                ]
                for entry in agreed:
                    if all(group.open_yen for group in readings[id(entry)][0]):  # not paid just now
                        entry.outcome = "settled"
                        self.pay(entry, [(g, g.open_yen) for g in readings[id(entry)][0]])
                if agreed:
                    return True
        return self.settle_split(waiting, readings)

    def alike(self, one: Entry, other: Entry, readings: dict[int, list[list[Group]]]) -> bool:
        """The same money for the same groups: it makes no difference which of them it was."""
        return one.amount_yen == other.amount_yen and readings[id(one)] == readings[id(other)]

    def settle_split(
        self, waiting: list[tuple[str, Entry]], readings: dict[int, list[list[Group]]]
    ) -> bool:
        """One group in two to four credits, when that is the only reading of all of them."""
        splits = [
            (group, [entry for _payer, entry in some])
            for size in (2, 3, 4)
            for some in combinations(waiting, size)
            if len({payer for payer, _entry in some}) == 1
            for group in self.candidates(some[0][0], some[0][1].bank)
            if all(group in self.candidates(payer, entry.bank) for payer, entry in some)
            and sum(entry.amount_yen for _payer, entry in some) == group.open_yen
        ]
        for group, entries in splits:
            others = [
                (other, members)
                for other, members in splits
                if other is group or any(member in entries for member in members)
            ]
            read_alone = any(readings[id(entry)] for entry in entries)
            claimed = any(group in reading for _payer, e in waiting for reading in readings[id(e)])
            if len(others) == 1 and not read_alone and not claimed:
                for entry in entries:
                    entry.outcome = "settled"
                    self.pay(entry, [(group, entry.amount_yen)])
                return True
        return False

    def pay(self, entry: Entry, shares: list[tuple[Group, int]]) -> None:
        """The credit is the money of these groups."""
        for group, yen in shares:
            entry.settles.append((group, yen))
            group.credited_yen += yen

    def decide_stranger(self, entry: Entry) -> None:
        """A credit of a payer that nobody named: rows 5 to 7 of the credit rows."""
        bank = entry.bank
        if any(
            p in bank.remarks or p in bank.payer_name for p in self.profile.refund_return_patterns
        ):
            entry.outcome = "refund_returned"
        elif self.may_be_direct(entry):
            entry.outcome = "direct_transfer"
        else:
            entry.outcome = "unidentified_deposit"

    def decide_strangers(self) -> None:
        """`kokin reconcile` decides all of them again (outcomes.md 9)."""
        for entry in self.entries:
            if entry.outcome in {"direct_transfer", "unidentified_deposit"}:
                self.decide_stranger(entry)

    def may_be_direct(self, entry: Entry) -> bool:
        """Name = kana of an obligor AND amount = outstanding instalments of that obligor."""
        name = folded(entry.bank.payer_name)
        open_of: dict[str, list[int]] = {}
        for instalment in self.books.instalments.values():
            if instalment.outstanding_yen > 0 and name and folded(instalment.obligor_kana) == name:
                open_of.setdefault(instalment.obligor_no, []).append(instalment.outstanding_yen)
        return any(
            sum(combination) == entry.amount_yen
            for amounts in open_of.values()
            for size in range(1, len(amounts) + 1)
            for combination in combinations(amounts, size)
        )
