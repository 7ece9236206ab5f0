"""試験用の出来事: Hypothesis strategies for small cities and the files that reach them.

Everything is drawn from small pools so that keys, days, amounts and numbers collide: the rules of
``outcomes.md`` are about collisions. A :class:`ReferenceCity` lives along while a scenario is
drawn, for bank credits and advice that nearly always miss what is expected would test little.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from reference_author import Assess, Author, Reconcile, Register, Step, play
from reference_lines import (
    Made,
    MadeFile,
    advice_line,
    bank_line,
    debit_line,
    eltax_line,
    konbini_line,
)
from reference_rows import barcode, sample_profile

from reconcile.model import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Assess", "Reconcile", "Register", "Step", "play", "scenarios"]

# In time, on the last day, after it; and one day of a year that is closed.
PAID_ON = ("2026-06-10", "2026-06-11", "2026-07-31", "2026-08-01", "2026-03-30")
MONEY_DAYS = ("2026-06-23", "2026-06-24", "2026-07-06")
REMITTANCES = {"R1": MONEY_DAYS[0], "R2": MONEY_DAYS[1], "R3": MONEY_DAYS[2]}
HALF_WIDTH = ("ｾﾞｲﾓｸ ﾀﾛｳ", "ｾﾞｲﾓｸ ﾊﾅｺ", "ﾀﾞﾚｶ")


class Reporter(Author):
    """報告者: the files of every channel, and the statement of the bank."""

    # -- payments -------------------------------------------------------------------------------

    def amount_for(self, slip_yen: int) -> int:
        """Mostly the slip's amount."""
        if not self.seldom(4):
            return slip_yen
        return int(self.one(500, 1000, 2000, 3000, slip_yen + 100))

    def konbini(self) -> None:
        """A file of a 収納代行会社."""
        agent = self.one("konbini_dsk", "konbini_dsk", "konbini_muf120")
        self.add_file(Channel.KONBINI, self.several(lambda: self.shop_line(agent)), agent)

    def shop_line(self, agent: str) -> Made:
        """A line of a shop: a new one, or another report of one that was there."""
        known = [values for values in self.shop_lines if values["agent"] == agent]
        if known and not self.seldom(3):
            values = self.another_shop_report(self.one(*known))
        else:
            values = self.new_shop_line(agent)
        if values["kind"] in {"02", "12", "22"}:
            values.setdefault("remitted_on", self.one(*MONEY_DAYS))
        self.shop_lines.append(values)
        return konbini_line(**values)

    def new_shop_line(self, agent: str) -> dict[str, Any]:
        """A payment in a shop or at a post office."""
        payable = [slip for slip in self.slips if slip.konbini_barcode]
        slip = self.near(payable) if payable else None
        code = slip.konbini_barcode if slip else barcode("777", "0", 1000)
        values = {
            "agent": agent,
            "kind": self.one("01", "01", "01", "81", "02", "02", "12", "03"),
            "paid_on": self.one(*PAID_ON[:2], *PAID_ON),
            "paid_at": self.one("1234", "1500"),
            "code": code,
            "amount_yen": self.amount_for(slip.amount_yen if slip else 1000),
        }
        if values["kind"] == "12":
            values |= {"paid_at": "0000", "cvs": "9900"}
        if self.seldom():
            values |= self.one(
                {"code": barcode("777", "0", 1000)},
                {"code": barcode("777", "0", 1000)[:43] + _wrong_digit("777")},
                {"code": barcode("777", "0", 1000, client="00002")},
                {"paid_on": "2026-02-30", "fault": "date"},
                {"amount_yen": 0, "fault": "amount_zero"},
                {"kind": "99", "fault": "kind"},
            )
        return values

    def another_shop_report(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same again, its confirmation, its withdrawal, its correction, its contradiction."""
        values = dict(values)
        if values.get("fault"):
            return values
        if values["kind"] in {"12", "22"}:
            values["kind"] = self.one("12", "22", "22")
            if values["kind"] == "22":
                values["amount_yen"] = self.amount_for(values["amount_yen"])
            return values
        kind = self.one("", "01", "81", "02", "02", "03", "03", "amount")
        if kind == "amount":
            values["amount_yen"] = self.amount_for(values["amount_yen"])
        elif kind:
            values["kind"] = kind
        if values["kind"] != "02":
            values.pop("remitted_on", None)
        return values

    def eltax(self) -> None:
        """納付情報."""
        self.add_file(Channel.ELTAX, self.several(self.hub_line))

    def hub_line(self) -> Made:
        """A line of the hub: a new transaction, or another report of one."""
        if self.hub_lines and not self.seldom(3):
            values = self.another_hub_report(dict(self.one(*self.hub_lines)))
        else:
            values = self.new_hub_line()
        if values["kind"] == "2" and "remittance_no" not in values:
            number = self.one(*REMITTANCES)
            values |= {"remittance_no": number, "remitted_on": REMITTANCES[number]}
        self.hub_lines.append(values)
        return eltax_line(**values)

    def new_hub_line(self) -> dict[str, Any]:
        """A transaction; its number may have been used before."""
        payable = [slip for slip in self.slips if slip.collecting_body_code]
        slip = self.near(payable) if payable else None
        values = {
            "kind": self.one("1", "1", "2", "2", "3"),
            "el_key": slip.el_key if slip else f"{'9' * 5}{'7' * 26}901",
            "amount_yen": self.amount_for(slip.amount_yen if slip else 1000),
            "paid_on": self.one(*PAID_ON[:2], *PAID_ON),
            "transaction_id": f"TX-{self.number(1, 9)}",
            "channel": self.one("app", "app", "counter"),
        }
        if self.seldom():
            values |= self.one(
                {"el_key": f"{'9' * 5}{'7' * 26}901"},
                {"el_key": f"{'8' * 5}{'7' * 26}901"},
                {"paid_on": "2026-02-30", "fault": "date"},
                {"channel": "fax", "fault": "channel_list"},
                {"amount_yen": 0, "fault": "amount_zero"},
            )
        return values

    def another_hub_report(self, values: dict[str, Any]) -> dict[str, Any]:
        """The same again, its confirmation, its withdrawal, its contradiction."""
        if values.get("fault"):
            return values
        what = self.one("", "1", "2", "2", "3", "3", "amount")
        if what == "amount":
            values["amount_yen"] = self.amount_for(values["amount_yen"])
        elif what:
            values["kind"] = what
        if values["kind"] != "2":
            values.pop("remittance_no", None)
            values.pop("remitted_on", None)
        return values

    def notification(self) -> None:
        """An operator's notice of a payment that a file may report too."""
        if self.one(True, True, False):
            made, agent = self.hub_line(), "eltax"
        else:
            agent = "konbini_dsk"
            values = self.new_shop_line(agent) | {"kind": "81"}
            if values["paid_at"] == "0000":
                values |= {"paid_at": "1234", "cvs": "030"}
            self.shop_lines.append(values)
            made = konbini_line(**values)
        self.add_file(Channel.NOTIFICATION, [made], agent)

    def debit(self) -> None:
        """口座振替結果."""
        records = []
        for _ in range(self.one(1, 2, 3)):
            row = self.near([*self.assessed.values()])
            instalment = self.city.books.instalments["901", "2026", row.notice_no, row.term]
            number = self.city.books.customer_no(instalment)
            code = self.one("0", "0", "0", "0", "1", "5")
            records.append(
                debit_line(
                    customer_no=f"{'2026':0<20}" if self.seldom() else number,
                    amount_yen=self.amount_for(instalment.amount_yen or 1000),
                    debit_on=self.one("2026-06-30", "2026-07-31"),
                    code=code,
                    fault="kind" if code == "5" else None,
                )
            )
        self.add_file(Channel.DEBIT, records)

    # -- money ----------------------------------------------------------------------------------

    def bank(self) -> None:
        """入出金取引明細 or 振込入金通知."""
        source = self.one("03", "03", "03", "01")
        records = self.several(lambda: self.statement_line(source))
        if self.seldom(3):
            records += self.in_two(source)
        self.add_file(Channel.BANK, records)

    def in_two(self, source: str) -> list[Made]:
        """What a payer still owes, in two credits."""
        whole = self.expected()
        first = whole["amount_yen"] // 3
        halves = []
        for number, yen in enumerate((first, whole["amount_yen"] - first), start=21):
            values = whole | {
                "amount_yen": yen,
                "source": source,
                "booked_on": self.one(MONEY_DAYS[2], "2026-07-31"),
                "inquiry_no": f"{number:08d}",
            }
            self.bank_lines.append(values)
            halves.append(bank_line(**values))
        return halves

    def statement_line(self, source: str) -> Made:
        """A credit that nearly fits, or something else."""
        known = [values for values in self.bank_lines if values["source"] == source]
        if known and self.seldom(3):
            values = dict(self.one(*known))
            if source == "01":
                values["direction"] = "cancel"
        else:
            values = self.one(self.expected, self.expected, self.expected, self.strange)()
            values |= {
                "source": source,
                "booked_on": self.one(*MONEY_DAYS[1:], "2026-07-31"),
                "inquiry_no": f"{self.number(1, 20):08d}",
            }
        if source == "03" and self.seldom():
            values["direction"] = "debit"
        self.bank_lines.append(values)
        return bank_line(**values)

    def expected(self) -> dict[str, Any]:
        """What one or two groups of a payer still wait for, more or less."""
        agents = {agent.code: agent for agent in sample_profile().agents}
        groups = [group for group in self.city.treasury.groups.values() if group.open_yen > 0]
        if not groups:
            return {"amount_yen": 1000, "payer_code": agents["konbini_dsk"].payer_code}
        group = self.one(*groups)
        others = [g for g in groups if g is not group and g.key[0] == group.key[0]]
        amount_yen = group.open_yen
        values = {"payer_code": agents[group.key[0]].payer_code, "edi": ""}
        if others and self.one(True, False):
            amount_yen += self.one(*others).open_yen
        elif group.key[0] == "eltax" and self.one(True, True, False):
            values["edi"] = group.key[1]
        if self.seldom(4):
            values |= {"payer_code": "", "remarks": agents[group.key[0]].payer_name}
        return values | {"amount_yen": amount_yen - self.one(0, 0, 0, 11)}

    def strange(self) -> dict[str, Any]:
        """A credit of nobody we know by number."""
        open_yen = [
            i.outstanding_yen for i in self.city.books.instalments.values() if i.outstanding_yen > 0
        ]
        values = {
            "amount_yen": self.one(*open_yen, 777),
            "payer_code": self.one("", "1111111111"),
            "payer_name": self.one(*HALF_WIDTH),
        }
        return values | ({"remarks": "ｸﾐﾓﾄﾞｼ"} if self.seldom(4) else {})

    def advice(self) -> None:
        """払込明細, mostly right."""
        number = self.one(*REMITTANCES)
        group = self.city.treasury.groups.get(("eltax", number))
        confirmed: dict[tuple[str, str], list[int]] = {}
        for receipt in group.receipts if group else []:
            line = receipt.line
            parts = (line.identity.split(":")[0], (line.slip_key or "")[-3:])
            confirmed.setdefault(parts, []).append(line.amount_yen or 0)
        records = [
            advice_line(
                remittance_no=number,
                remitted_on=REMITTANCES[number],
                channel=channel,
                item_code=item_code,
                count=len(amounts) + self.one(0, 0, 0, 1),
                gross_yen=sum(amounts),
                fee_yen=self.one(0, 11),
            )
            for (channel, item_code), amounts in (confirmed or {("app", "901"): [1000]}).items()
        ]
        self.add_file(Channel.ADVICE, records)

    # -- and again ------------------------------------------------------------------------------

    def again(self) -> None:
        """A file once more: the same bytes, or the same records in another file."""
        files = [step for step in self.steps if isinstance(step, MadeFile)]
        if not files:
            return
        file = self.one(*files)
        if self.one(True, False):
            self.add(file)
        else:
            records = [*file.records, *file.records[: self.one(0, 1)]][:: self.one(1, -1)]
            self.add_file(file.channel, records, file.agent)

    def reconcile(self) -> None:
        """`kokin reconcile`, now or after the summer."""
        self.add(Reconcile(self.one(self.day, date(2026, 7, 31), date(2026, 9, 30))))


def _wrong_digit(own_key: str) -> str:
    """A C/D that does not hold."""
    return str((int(barcode(own_key, "0", 1000)[43]) + 1) % 10)


@st.composite
def scenarios(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[Step, ...]:
    """A small city and what happens in it."""
    author = Reporter(draw)
    author.found()
    steps = (
        *[author.konbini] * 5,
        *[author.eltax] * 4,
        *[author.bank] * 3,
        *[author.debit, author.notification, author.advice],
        *[author.correction, author.reissue] * 2,
        *[author.again, author.again, author.reconcile],
    )
    for _ in range(draw(st.integers(2, 14))):
        author.one(*steps)()
    author.reconcile()
    return tuple(author.steps)
