"""参照モデルの帳簿: what is owed, which slip names it, and the decision table (outcomes.md 1, 4).

Plain objects, plain lists, one line at a time: this module is meant to be read beside
``outcomes.md``. It shares no code with the engine that it checks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from reconcile.model import KeyKind, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from payments.domain.profile import Profile
    from reconcile.model import ReportLine

WHOLE_YEAR = "00"  # the term of a 全期 slip (outcomes.md 1)

LineRef = tuple[str, int]  # (sha256 of the file, line_no)
Place = tuple[str, str, str, str]  # (item_code, levy_year, notice_no, term)
GroupKey = tuple[str, str]  # (agent, 振込日 | remittance number | batch and bank)


@dataclass(eq=False)
class Instalment:
    """期別: one instalment with its money.

    ``whole_yen`` and ``single_yen`` are gross: every yen that receipts applied here, through the
    全期 slip or through the instalment's own slip. ``surplus_yen`` is the part of them that a
    correction moved to suspense (outcomes.md 9, row 1).
    """

    place: Place
    amount_yen: int
    due_on: str
    whole_year_group: str
    obligor_no: str
    obligor_kana: str
    whole_yen: int = 0
    single_yen: int = 0
    surplus_yen: int = 0

    @property
    def gross_yen(self) -> int:
        """All that receipts have applied here."""
        return self.whole_yen + self.single_yen

    @property
    def applied_yen(self) -> int:
        """充当済額: what counts against the amount owed."""
        return self.gross_yen - self.surplus_yen

    @property
    def outstanding_yen(self) -> int:
        """未納額 (outcomes.md 1)."""
        return self.amount_yen - self.applied_yen

    @property
    def cancelled(self) -> bool:
        """賦課取消: nothing is owed any more (outcomes.md 4, row 5)."""
        return self.amount_yen == 0

    @property
    def settled(self) -> bool:
        """完納: outstanding is 0 and money has been applied (outcomes.md 1)."""
        return self.outstanding_yen == 0 and self.gross_yen > 0


@dataclass(eq=False)
class Slip:
    """納付書: one version, as the register says."""

    slip_no: str
    place: Place
    version: int
    el_key: str | None  # 34 digits: body 5, case 20, confirmation 6, item 3
    free_area: str | None  # digits 9-29 of the barcode
    reissue: str  # digit 30
    amount_yen: int
    valid_until: str
    state: str  # "new", "superseded" or "revoked"

    @property
    def whole_year(self) -> bool:
        """全期: does it cover all instalments of the group?"""
        return self.place[3] == WHOLE_YEAR


class Decision(NamedTuple):
    """判定: one row of outcomes.md section 4."""

    row: int
    outcome: str
    applied_yen: int


@dataclass(eq=False)
class Receipt:
    """収納: one payment that a line booked, with its money's whereabouts."""

    ref: LineRef
    order: tuple[int, int, int]  # file, stage, line: the order of intake (outcomes.md 2)
    line: ReportLine
    stage: str
    slip: Slip | None = None
    slip_state: str = ""  # as it stood at intake (outcomes.md 9)
    instalment: Instalment | None = None  # named directly by a 顧客番号
    group: GroupKey | None = None
    live: bool = True  # False once withdrawn
    row: int = 0
    outcome: str = ""
    suspense_yen: int = 0
    postings: list[tuple[Instalment, int]] = field(default_factory=list)
    placed: bool = False  # people have decided where the money goes

    @property
    def applied_yen(self) -> int:
        """What this receipt has paid off."""
        return sum(yen for _, yen in self.postings)

    @property
    def whole_year(self) -> bool:
        """Whether the money came through a 全期 slip. A debit counts as a payment of the
        instalment's own slip (outcomes.md 9), and so does what people have placed.
        """
        return self.slip is not None and self.slip.whole_year and not self.placed


class Books:
    """帳簿: claims, slips and receipts of one municipality."""

    def __init__(self, profile: Profile) -> None:
        """Start with nothing owed and nothing paid."""
        self.profile = profile
        self.instalments: dict[Place, Instalment] = {}
        self.slips: dict[str, Slip] = {}
        self.receipts: list[Receipt] = []

    # -- 調定 and 納付書 (files.md 3.5, 3.6) ------------------------------------------------

    def assess(self, line: Any) -> Instalment | None:
        """One line of 調定; the instalment whose surplus grew, or None.

        An ``initial`` for a known key is a repeat or an error, a correction without an initial an
        error: neither changes anything (files.md 3.5).
        """
        place = (line.item_code, str(line.levy_year), line.notice_no, line.term)
        known = self.instalments.get(place)
        if (line.kind == "initial") == (known is not None):
            return None
        if known is None:
            known = Instalment(place, 0, "", "", "", "")
            self.instalments[place] = known
        known.amount_yen = 0 if line.kind == "cancellation" else line.amount_yen
        known.due_on = str(line.due_on_statutory)
        known.whole_year_group = line.whole_year_group or ""
        known.obligor_no = line.obligor_no
        known.obligor_kana = line.obligor_kana or ""
        # Section 9, row 1: lowered below what has been applied, the surplus goes to suspense.
        # Raised again, the surplus stays where it is and the rest is outstanding again.
        if known.applied_yen > known.amount_yen:
            known.surplus_yen = known.gross_yen - known.amount_yen
            return known
        return None

    def register(self, line: Any) -> None:
        """One line of the slip register: a new slip, or another state of a known one."""
        known = self.slips.get(line.slip_no)
        if known is not None:
            # A later line may change the state only, and `new` never comes back (files.md 3.6).
            if known.state == "new":
                known.state = str(line.state)
            return
        body, barcode = line.collecting_body_code, line.konbini_barcode
        self.slips[line.slip_no] = Slip(
            slip_no=line.slip_no,
            place=(line.item_code, str(line.levy_year), line.notice_no, line.term),
            version=int(line.version),
            el_key=body + line.case_key + line.confirmation_no + line.item_code if body else None,
            free_area=barcode[8:29] if barcode else None,
            reissue=barcode[29] if barcode else "",
            amount_yen=line.amount_yen,
            valid_until=str(line.valid_until),
            state=str(line.state),
        )

    def state_of(self, slip: Slip) -> str:
        """The slip's state now: a higher version in state `new` supersedes it (outcomes.md 9)."""
        if slip.state == "new" and any(
            other.place == slip.place and other.version > slip.version and other.state == "new"
            for other in self.slips.values()
        ):
            return "superseded"
        return slip.state

    # -- the key of a line (outcomes.md 1) ------------------------------------------------

    def slip_of(self, line: ReportLine) -> Slip | None:
        """The slip that the line's key names, or None."""
        if line.key_kind == KeyKind.EL:
            found = [s for s in self.slips.values() if s.el_key == line.slip_key]
        elif line.key_kind == KeyKind.KONBINI:
            found = [s for s in self.slips.values() if s.free_area == line.slip_key]
            if len(found) > 1:  # where several slips share a free area, 再発行区分 joins the key
                found = [s for s in found if s.reissue == line.reissue]
        else:
            return None
        return found[0] if len(found) == 1 and line.slip_key else None

    def instalment_of(self, line: ReportLine) -> Instalment | None:
        """The instalment that a 顧客番号 names, or None (files.md 3.7)."""
        if line.key_kind != KeyKind.DEBIT:
            return None
        found = [i for i in self.instalments.values() if self.customer_no(i) == line.slip_key]
        return found[0] if len(found) == 1 else None

    def customer_no(self, instalment: Instalment) -> str:
        """顧客番号: prefix, item, last 11 digits of the notice number, term."""
        item, _, notice, term = instalment.place
        return f"{self.profile.debit_prefix}{item}{notice[-11:].rjust(11, '0')}{term}"

    def covered(self, receipt: Receipt) -> list[Instalment]:
        """The instalments that the receipt's key covers, in term order."""
        if receipt.instalment is not None:
            return [receipt.instalment]
        slip = receipt.slip
        if slip is None:
            return []
        if not slip.whole_year:
            return [self.instalments[slip.place]]
        of_group = [
            instalment
            for place, instalment in self.instalments.items()
            if place[:3] == slip.place[:3] and instalment.whole_year_group
        ]
        return sorted(of_group, key=lambda instalment: instalment.place[3])

    # -- booking --------------------------------------------------------------------------

    def book(self, receipt: Receipt) -> None:
        """A new receipt: find what it names, then decide it."""
        receipt.slip = self.slip_of(receipt.line)
        receipt.slip_state = self.state_of(receipt.slip) if receipt.slip else ""
        receipt.instalment = self.instalment_of(receipt.line)
        self.receipts.append(receipt)
        self.apply(receipt)

    def apply(self, receipt: Receipt) -> None:
        """Decide by the table and post: in term order, what is left goes to suspense."""
        decision = self.decide(receipt)
        receipt.row, receipt.outcome = decision.row, decision.outcome
        left_yen = decision.applied_yen
        for instalment in self.covered(receipt):
            yen = min(left_yen, instalment.outstanding_yen)
            if yen == 0:
                continue
            if receipt.whole_year:
                instalment.whole_yen += yen
            else:
                instalment.single_yen += yen
            receipt.postings.append((instalment, yen))
            left_yen -= yen
        receipt.suspense_yen = (receipt.line.amount_yen or 0) - decision.applied_yen

    def reverse(self, receipt: Receipt) -> list[Instalment]:
        """Take the receipt's postings back; the instalments that lost money."""
        lost = []
        for instalment, yen in receipt.postings:
            if receipt.whole_year:
                instalment.whole_yen -= yen
            else:
                instalment.single_yen -= yen
            # The surplus of a correction shrinks with the money that made it.
            over_yen = max(0, instalment.gross_yen - instalment.amount_yen)
            instalment.surplus_yen = min(instalment.surplus_yen, over_yen)
            lost.append(instalment)
        receipt.postings = []
        receipt.suspense_yen = 0
        return lost

    def withdraw(self, receipt: Receipt) -> list[Instalment]:
        """The receipt is void: postings reversed, line `withdrawn` (outcomes.md 5)."""
        lost = self.reverse(receipt)
        receipt.live = False
        receipt.row, receipt.outcome = 0, "withdrawn"
        return lost

    # -- what people decide (充当先の決定) ------------------------------------------------------

    def may_place(self, receipt: Receipt, parts: list[tuple[Instalment, int]]) -> bool:
        """Whether the parts are another place than now, and no more than came or is open there."""
        if not receipt.live or sum(yen for _, yen in parts) > (receipt.line.amount_yen or 0):
            return False
        if {(i.place, yen) for i, yen in parts} == {(i.place, yen) for i, yen in receipt.postings}:
            return False
        return all(0 < yen <= self.room_yen(receipt, instalment) for instalment, yen in parts)

    def room_yen(self, receipt: Receipt, instalment: Instalment) -> int:
        """What is open at an instalment once the receipt's own money has been taken back."""
        mine_yen = sum(yen for other, yen in receipt.postings if other is instalment)
        gross_yen = instalment.gross_yen - mine_yen
        kept_yen = min(instalment.surplus_yen, max(0, gross_yen - instalment.amount_yen))
        surplus_yen = kept_yen if mine_yen else instalment.surplus_yen
        return instalment.amount_yen - gross_yen + surplus_yen

    def place(self, receipt: Receipt, parts: list[tuple[Instalment, int]]) -> None:
        """The money goes where people say, the rest waits; no rule decides about it again.

        Whatever they open lets others be decided again (outcomes.md 5); what they fill does not.
        """
        lost = self.reverse(receipt)
        receipt.placed, receipt.row = True, 0
        receipt.outcome = "placed" if parts else "unlinked"
        for instalment, yen in parts:
            instalment.single_yen += yen
            receipt.postings.append((instalment, yen))
        receipt.suspense_yen = (receipt.line.amount_yen or 0) - receipt.applied_yen
        self.decide_waiting_again(i for i in lost if i.outstanding_yen > 0)

    def decide_waiting_again(self, opened: Iterable[Instalment]) -> None:
        """Money in suspense on instalments that a withdrawal opened (outcomes.md 5 and 9).

        One receipt after the other, by ``paid_on``, then intake; each from scratch. A receipt
        decided again may itself let go of an instalment, so the circle of opened instalments can
        grow; no receipt is decided twice for one withdrawal.
        """
        circle = list(opened)
        done: list[Receipt] = []
        while True:
            waiting = [
                receipt
                for receipt in self.receipts
                if receipt.live
                and receipt.suspense_yen > 0
                and not receipt.placed
                and receipt not in done
                and any(i in circle for i in self.covered(receipt))
            ]
            if not waiting:
                return
            receipt = min(waiting, key=lambda r: (r.line.paid_on or "", r.order))
            circle += [i for i in self.reverse(receipt) if i not in circle]
            self.apply(receipt)
            done.append(receipt)

    # -- section 4: the first row that holds, from the top ----------------------------------

    def decide(self, receipt: Receipt) -> Decision:
        """The decision table, in the order of sections 4 and 9 together."""
        line = receipt.line
        covered = self.covered(receipt)
        if line.fault is not None:
            return Decision(1, "malformed", 0)
        if not line.is_ours:
            return Decision(2, "other_municipality", 0)
        if not covered and not line.key_valid:
            return Decision(3, "invalid_key", 0)
        if not covered:
            return Decision(4, "unknown_slip", 0)
        # Section 9: a 全期 slip covers the instalments that are not cancelled.
        owed = [instalment for instalment in covered if not instalment.cancelled]
        if not owed:
            return Decision(5, "cancelled_assessment", 0)
        return self.decide_money(receipt, owed)

    def decide_money(self, receipt: Receipt, owed: list[Instalment]) -> Decision:
        """Rows 6 to 13: somebody owes this, so the money and the dates decide."""
        line = receipt.line
        amount_yen = line.amount_yen or 0
        outstanding_yen = sum(instalment.outstanding_yen for instalment in owed)
        # A debit has no printed amount: its slip amount is the instalment's current amount.
        slip_yen = receipt.slip.amount_yen if receipt.slip else owed[0].amount_yen
        due_yen = min(slip_yen, outstanding_yen)
        alternative = any((i.single_yen if receipt.whole_year else i.whole_yen) > 0 for i in owed)

        # Section 9: row 7 as soon as any money came through the alternative slip, row 6 when all
        # covered instalments are settled otherwise.
        if all(instalment.settled for instalment in owed) and not alternative:
            return Decision(6, "duplicate", 0)
        # Section 9: the slip's own amount comes before rows 7 and 8.
        if line.key_kind == KeyKind.EL and amount_yen != slip_yen:
            return Decision(9, "amount_mismatch", 0)
        if alternative:
            return Decision(7, "alternative_paid", min(amount_yen, outstanding_yen))
        if receipt.slip_state in {"superseded", "revoked"}:
            return Decision(8, "superseded_slip", min(amount_yen, outstanding_yen))
        if amount_yen < due_yen:
            return Decision(10, "short", amount_yen)
        if amount_yen > due_yen:
            return Decision(11, "over", due_yen)
        if receipt.slip and (line.paid_on or "") > receipt.slip.valid_until:
            return Decision(12, "expired_slip", amount_yen)
        return Decision(13, "matched", amount_yen)

    # -- totals -----------------------------------------------------------------------------

    @property
    def suspense_yen(self) -> int:
        """仮受金: receipts waiting, and the surplus of corrections."""
        return sum(r.suspense_yen for r in self.receipts if r.live) + sum(
            i.surplus_yen for i in self.instalments.values()
        )


def stage_rank(line: ReportLine) -> int:
    """Order inside a file: 速報, then 取消, then 確報 (outcomes.md 2); the rest stands in line."""
    ranks = {Stage.PROVISIONAL: 0, Stage.WITHDRAWAL: 1, Stage.CONFIRMED: 2}
    return ranks.get(Stage(line.stage), 2)
