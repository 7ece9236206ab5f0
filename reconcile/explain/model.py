"""説明の形: what an explanation holds, as plain values that a page shows and JSON carries.

Nothing here knows a database. Dates and instants are ISO text, amounts integer yen, codes are the
stable codes of the engine; whoever shows them adds the words.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Value = str | int | bool | None
Facts = dict[str, Value]

INTACT, ALTERED, MISSING, UNPROVEN = "intact", "altered", "missing", "unproven"


@dataclass(frozen=True, slots=True)
class Evidence:
    """届いたもの: the bytes of one record, where they lie, and whether they are still the same.

    ``proof`` says what reading the whole file has shown (:func:`reconcile.explain.proof.proven`):
    ``intact``, ``altered``, ``missing`` (not in the evidence), or ``unproven``: not read yet.
    """

    file_id: int
    file_name: str
    sha256: str
    size_bytes: int
    format_code: str
    channel: str
    agent: str
    status: str
    received_on: str
    taken_in_at: str
    line_no: int
    byte_offset: int
    byte_length: int
    hex: str
    text: str
    proof: str
    read: Facts  # what the record was read as


@dataclass(frozen=True, slots=True)
class Journal:
    """仕訳帳: the booking occasion of something: when, by whom, through which file."""

    journal_id: int
    kind: str
    booked_on: str
    made_at: str
    actor: str
    reason: str
    file_id: int | None
    file_name: str


@dataclass(frozen=True, slots=True)
class RuleTest:
    """規則の当否: one rule of the ordered list, the values that it looked at, and whether it held.

    The first rule that holds decides; those behind it are not tested any more.
    """

    code: str
    outcome: str
    label_ja: str
    condition: str
    facts: Facts
    holds: bool


@dataclass(frozen=True, slots=True)
class Other:
    """関わる報告: another line that this one speaks about, repeats or contradicts."""

    relation: str  # partner, earlier, withdrawn_by, confirmed_by, other_report
    file_id: int
    file_name: str
    line_no: int
    stage: str
    kind: str
    amount_yen: int | None
    paid_on: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Decision:
    """判定: one revision of a line's outcome, with the facts as they were at that moment.

    ``agrees`` says whether the rules, applied once more to the restored facts, give the recorded
    rule; None where there is nothing to apply them to. ``unknown`` names what the records no longer
    tell.
    """

    revision: int
    outcome: str
    rule: str
    applied_yen: int
    suspense_yen: int
    journal: Journal
    facts: Facts
    tests: tuple[RuleTest, ...]
    agrees: bool | None
    others: tuple[Other, ...] = ()
    candidates: tuple[Facts, ...] = ()  # remittance groups that a credit was compared with
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Booking:
    """仕訳: one posting, and whether a later one took it back."""

    journal: Journal
    leg: int
    file_id: int
    line_no: int
    debit_account: str
    credit_account: str
    amount_yen: int
    reason: str
    place: str  # item/levy year/notice/term, "" where it is about no instalment
    group_ref: str
    reversed_in: int | None = None  # the journal that took it back
    notice_id: int | None = None
    term: str = ""
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class CaseStory:
    """確認事項 that the subject opened, with everything a person did about it."""

    case_no: int
    kind: str
    state: str
    amount_yen: int
    opened_on: str
    owner: str
    events: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class ApprovalStory:
    """承認: who asked for what about the subject, and who decided."""

    approval_id: int
    kind: str
    subject: str
    reason: str
    asked_by: str
    asked_at: str
    decision: str
    decided_by: str
    decided_at: str
    note: str


@dataclass(frozen=True, slots=True)
class SlipStory:
    """納付書 or 期別: what the claim says, and all that happened to it."""

    facts: Facts
    versions: tuple[Facts, ...]
    events: tuple[Facts, ...]  # of all versions, in order
    assessments: tuple[Facts, ...]  # 調定異動 of what the slip covers, in order
    holds: tuple[Facts, ...] = ()  # 猶予・停止, by people and by files
    carried: tuple[Facts, ...] = ()  # 滞納繰越, and what was taken back


@dataclass(frozen=True, slots=True)
class Settlement:
    """資金化: the remittance group of a payment, and the credits that paid it."""

    group: Facts
    credits: tuple[Facts, ...]


@dataclass(frozen=True, slots=True)
class SealStory:
    """封印 over a journal: seal 0 where none covers it yet.

    Whether it holds is the business of ``kokin verify``.
    """

    journal_id: int
    seal_no: int
    made_at: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Later:
    """その後: one thing that happened after the first decision."""

    on: str
    # decided_again, decided_by_people, confirmed, withdrawn, settled, corrected, slip_event,
    # surplus
    event: str
    journal_id: int | None
    facts: Facts


@dataclass(frozen=True, slots=True)
class LineStory:
    """明細の説明: one line from its bytes to what came of it."""

    evidence: Evidence
    decisions: tuple[Decision, ...]
    bookings: tuple[Booking, ...]
    slip: SlipStory | None
    settlement: Settlement | None
    others: tuple[Other, ...]
    cases: tuple[CaseStory, ...]
    approvals: tuple[ApprovalStory, ...]
    seals: tuple[SealStory, ...]
    later: tuple[Later, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """説明: the answer to "why?" about a line, slip, receipt, credit or case.

    ``subject`` is what was asked about; ``stories`` are the lines that speak about it, in order of
    arrival; ``slip`` is set where a slip was asked about, ``case`` where a case was.
    """

    subject: Facts
    stories: tuple[LineStory, ...]
    slip: SlipStory | None = None
    bookings: tuple[Booking, ...] = ()  # of the claim itself: assessments and corrections
    case: CaseStory | None = None
    left_off: int = 0  # further lines about it that are not told

    def as_json(self) -> dict[str, Any]:
        """The whole explanation as values that JSON carries."""
        return asdict(self)
