"""照合の流れ: one file from bytes to report, exactly once. Read it top to bottom.

取込 intake → 正規化 normalise → 照合 match → 消込 post → 入金照合 settle → 要確認 flag →
集計 report.
The bytes are kept and committed first; from there on a file is one transaction: all of it, or
nothing but its evidence and its findings.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments.domain.errors import RefusedError
from payments.store.bulk import insert_rows
from payments.store.municipalities import load_profile
from payments.store.phases import phase
from payments.store.statistics import count_afresh, count_filled
from payments.store.unit_of_work import reading as read_only
from payments.store.unit_of_work import unit_of_work
from reconcile import file_cases, flag, match, plain, post
from reconcile.announce import announce_payments
from reconcile.apart import reading_of, until_failed
from reconcile.deciding import decide_waiting
from reconcile.formats.detect import detect
from reconcile.intake import (
    decided_meanwhile,
    keep_evidence,
    record_file,
    record_findings,
    status_of,
)
from reconcile.journal import open_journal
from reconcile.model import (
    AdviceLine,
    BankLine,
    Channel,
    ColumnedLines,
    FileReport,
    FileStatus,
    Finding,
    ReadContext,
    Severity,
)
from reconcile.settlement.advice import compare_advice, take_in_advice
from reconcile.settlement.deposits import Books
from reconcile.settlement.remittances import enter_groups, join_groups
from reconcile.store.lines import groups_named, write_lines
from reconcile.store.staging import clear_staging
from reconcile.store.write_back import written_back
from reconcile.tally import tally
from reconcile.waiting import reconcile_waiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from sqlalchemy import Connection, Engine

    from payments.domain.profile import Profile
    from reconcile.formats.contract import Format
    from reconcile.intake import Kept
    from reconcile.model import Columns, Delivery, Reading


__all__ = ["reconcile_waiting", "take_in"]


# What a large file fills, and by what its later lines and the end of the run look it up.
_READ = {"source_line": match.LINE}
_BOOKED = {
    "line_outcome": (*match.LINE, "revision"),
    "posting": ("journal_id", "subject_file_id", "subject_line_no"),
    "receipt": (*match.LINE, "notice_id"),
}


class UnusableFileError(Exception):
    """The file fails its own checks: roll back, keep the findings."""

    def __init__(self, found: Reading) -> None:
        """``found`` carries the findings."""
        super().__init__(found.format_code)
        self.found = found


def take_in(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    *,
    received_on: date,
    actor: str = "system",
    progress: Callable[[int], None] | None = None,
    file_format: Format | None = None,
) -> FileReport:
    """取込: take one payment, bank or advice file into the books.

    ``received_on`` resolves dates without a year; ``file_format`` skips identification (a
    notification is what its endpoint says it is). Never raises for what is wrong with the file.
    """
    with phase("intake", body=municipality_code) as say:
        report = _take_in(
            engine, municipality_code, delivery, received_on, actor, progress, file_format
        )
        say(format=report.format_code, status=str(report.status), count=report.count)
    return report


def _take_in(
    engine: Engine,
    municipality_code: str,
    delivery: Delivery,
    received_on: date,
    actor: str,
    progress: Callable[[int], None] | None,
    file_format: Format | None,
) -> FileReport:
    """The same within its phase."""
    with phase("intake.keep"):
        kept = keep_evidence(engine, municipality_code, delivery, received_on=received_on)
    if kept.is_duplicate:
        return duplicate(delivery, kept)
    with read_only(engine, municipality_code) as connection:
        profile = load_profile(connection, municipality_code)
    with phase("intake.detect"):
        found = file_format or detect(delivery.data, profile)
    if isinstance(found, Finding):
        return set_aside(engine, profile, delivery, kept, [found], None)
    context = ReadContext(received_on, profile)
    try:
        with (
            reading_of(found, delivery.data, context, _books_of(engine, found)) as reading,
            unit_of_work(engine, municipality_code) as connection,
            written_back(connection),
        ):
            if decided_meanwhile(connection, municipality_code, kept):
                return duplicate(delivery, kept)
            run = FileRun(connection, profile, kept.file_id, received_on, actor)
            report = run.reconcile(reading, delivery, kept, progress)
    except UnusableFileError as stop:
        report = set_aside(engine, profile, delivery, kept, stop.found.findings, stop.found)
    except RefusedError as stop:
        cases, most = (str(stop.details.get(name, "")) for name in ("cases", "expected"))
        findings = [Finding(stop.error_code, Severity.FATAL, found=cases, expected=most)]
        report = set_aside(
            engine, profile, delivery, kept, findings, None, status=FileStatus.STOPPED
        )
    return replace(report, label_ja=found.label_ja)


def _books_of(engine: Engine, found: Format) -> str | None:
    """The file of the books that another process may look into; None where there is none."""
    file = engine.url.database
    if engine.dialect.name != "sqlite" or found.channel not in plain.CHANNELS:
        return None
    return file if file and not file.startswith((":", "file:")) else None


def duplicate(delivery: Delivery, kept: Kept) -> FileReport:
    """重複: the same bytes were accepted before, and nothing happens (outcomes.md 3)."""
    return FileReport(delivery.name, kept.sha256, FileStatus.DUPLICATE, kept.file_id)


def set_aside(
    engine: Engine,
    profile: Profile,
    delivery: Delivery,
    kept: Kept,
    findings: list[Finding],
    found: Reading | None,
    *,
    status: FileStatus | None = None,
) -> FileReport:
    """保留・取込対象外・中止: keep the file as evidence with its findings; nothing else changes."""
    status = status or status_of(findings)
    with unit_of_work(engine, profile.municipality_code) as connection:
        if decided_meanwhile(connection, profile.municipality_code, kept):
            return duplicate(delivery, kept)
        record_file(connection, profile.municipality_code, kept.file_id, status, found)
        record_findings(connection, profile.municipality_code, kept.file_id, findings)
    return FileReport(
        delivery.name,
        kept.sha256,
        status,
        kept.file_id,
        found.format_code if found else "",
        count=found.count if found else 0,
        amount_yen=found.amount_yen if found else 0,
        findings=tuple(findings),
    )


class FileRun:
    """One file in one transaction."""

    def __init__(
        self,
        connection: Connection,
        profile: Profile,
        file_id: int,
        received_on: date,
        actor: str,
    ) -> None:
        """The run books into a journal of its own."""
        self.connection = connection
        self.profile = profile
        self.received_on = received_on
        self.actor = actor
        self.code = profile.municipality_code
        self.journal_id = open_journal(
            connection, self.code, "intake", received_on, actor, file_id=file_id
        )
        self.scope: dict[str, Any] = {
            "m": self.code,
            "file_id": file_id,
            "journal_id": self.journal_id,
            "leg": 0,
        }
        self.refs: dict[str, str | None] = {}  # remittance groups that confirmed lines name
        self.again_turn = match.AGAIN_FROM
        self.revived: list[tuple[int, int]] = []  # 確報 after a 取消: line, yen
        self.details: dict[str, str] = {}  # case subject → JSON of what was compared

    def reconcile(
        self,
        found: Reading,
        delivery: Delivery,
        kept: Kept,
        progress: Callable[[int], None] | None,
    ) -> FileReport:
        """The story of one file."""
        clear_staging(self.connection, self.code)
        with phase("intake.normalise"):
            self._normalise(found, progress)
        self._name(found)
        cases: list[flag.Case] = []
        with phase("intake.match"):
            if found.channel is Channel.BANK:
                match.load_lines(self.connection, self.scope)
                self._settle_statement()
            elif found.channel is Channel.ADVICE:
                match.load_lines(self.connection, self.scope)
                cases = self._settle_advice()
            else:
                cases = self._match_and_post()
        with phase("intake.flag"):
            opened = self._flag(cases, found.count)
            announce_payments(self.connection, self.code, self.journal_id)
        record_file(self.connection, self.code, kept.file_id, FileStatus.ACCEPTED, found)
        record_findings(self.connection, self.code, kept.file_id, found.findings)
        with phase("intake.tally"):
            outcomes = tally(self.connection, self.scope)
        clear_staging(self.connection, self.code)
        return FileReport(
            delivery.name,
            kept.sha256,
            FileStatus.ACCEPTED,
            kept.file_id,
            found.format_code,
            "",
            str(found.channel),
            found.count,
            found.amount_yen,
            opened,
            outcomes,
            tuple(found.findings),
        )

    # ---- 正規化 ----

    def _normalise(self, found: Reading, progress: Callable[[int], None] | None) -> None:
        """Every record of the file as one line; a file that does not tie stops here (R4)."""
        read = 0

        def look(columns: Columns) -> None:
            nonlocal read
            for ref, remitted_on in groups_named(columns).items():
                self.refs.setdefault(ref, remitted_on)
            read += len(columns[0])
            if progress is not None:
                progress(read)

        lines = until_failed(found)
        columned = lines if isinstance(lines, ColumnedLines) else None
        if columned is not None:
            columned.compare()  # this transaction holds the books
        write_lines(self.connection, self.code, self.scope["file_id"], lines, look)
        if found.failed:
            raise UnusableFileError(found)
        if columned is not None and columned.before is not None:
            plain.state_before(self.connection, self.scope, columned.before)
        if found.bank_lines or found.advice_lines:  # each is checked against its line
            count_filled(self.connection, _READ, found.count)
        head = ("municipality_code", "file_id")
        constants = (self.code, self.scope["file_id"])
        insert_rows(
            self.connection, "bank_line", (*head, *BankLine._fields), found.bank_lines,
            constants=constants,
        )  # fmt: skip
        insert_rows(
            self.connection, "advice_line", (*head, *AdviceLine._fields), found.advice_lines,
            constants=constants,
        )  # fmt: skip

    # ---- 照合 ----

    def _name(self, found: Reading) -> None:
        """What the statements over all lines must know about the file."""
        agent = found.format_code
        if found.channel is Channel.NOTIFICATION:
            agent = found.agent  # of a payment by barcode the agent in whose file it comes, too
        elif found.channel is Channel.ELTAX:
            agent = "eltax"
        elif found.channel is Channel.DEBIT:
            agent = "debit"
        self.scope |= {
            "agent": agent,
            "channel": str(found.channel),
            "counted": int(found.counts_equal_lines),
            "transactions": int(found.channel in {Channel.ELTAX, Channel.NOTIFICATION}),
            "is_debit": int(found.channel is Channel.DEBIT),
            "lines": found.count,
        }

    # ---- 消込 ----

    def _match_and_post(self) -> list[flag.Case]:
        """Decide and book the plain lines, the others turn by turn, then settle what moved."""
        agent = self.scope["agent"]
        enter_groups(self.connection, self.code, agent, self.refs)
        before = (
            file_cases.open_after_money(self.connection, self.profile, agent) if self.refs else {}
        )
        turns = match.load_lines(self.connection, self.scope)
        self.scope["leg"] += post.LEGS_PER_TURN
        post.book(self.connection, self.scope, again=False)
        count_filled(self.connection, _BOOKED, self.scope["lines"])
        for turn in range(1, turns + 1):
            self._turn(turn)
        for table, sought in (("line_outcome", "revision"), ("receipt", "notice_id")):
            count_afresh(self.connection, self.scope["lines"], table, *match.LINE, sought)
        cases = file_cases.revived_payments(self.scope["file_id"], self.revived)
        if self.refs:
            terms = self.profile.agent(agent)
            fee = terms.fee_each_yen if terms is not None else 0
            join_groups(self.connection, self.scope, list(self.refs), fee_each_yen=fee)
            cases += file_cases.changed_after_money(self.connection, self.profile, agent, before)
        self._settle_again(list(self.refs))
        return cases + file_cases.closed_years(self.connection, self.scope, self.received_on)

    def _turn(self, turn: int) -> None:
        """One turn: find partners, take back what is withdrawn, decide, book, decide again."""
        self.scope["leg"] += post.LEGS_PER_TURN
        match.find_partners(self.connection, self.scope, turn)
        self.connection.execute(
            text("DELETE FROM reopened WHERE municipality_code = :m"), self.scope
        )
        reopened = post.withdraw(self.connection, self.scope, match.turn_is("match_work", turn))
        match.decide(self.connection, self.scope, turn, moved=reopened)
        self.revived += post.book(self.connection, self.scope, again=False)
        if reopened:
            self.again_turn = decide_waiting(self.connection, self.scope, self.again_turn)

    # ---- 入金照合 ----

    def _books(self) -> Books:
        """The deposits' side of this run."""
        return Books(self.connection, self.profile, self.code, self.journal_id)

    def _settle_statement(self) -> None:
        """Statement lines: money on the account, settled against the groups it names."""
        books = self._books()
        books.take_in_statement(self.scope["file_id"])
        if books.reopened:
            self.again_turn = decide_waiting(self.connection, self.scope, self.again_turn)
        self.details = books.details

    def _settle_advice(self) -> list[flag.Case]:
        """Advice lines: counts and sums per remittance, and the fees deducted."""
        before = file_cases.open_after_money(self.connection, self.profile, "eltax")
        books = self._books()
        refs = take_in_advice(books, self.scope["file_id"])
        enter_groups(self.connection, self.code, "eltax", refs)
        compare_advice(books, refs)
        cases = file_cases.changed_after_money(self.connection, self.profile, "eltax", before)
        books.decide_open_deposits(["eltax"])
        self.details = books.details
        return cases

    def _settle_again(self, refs: list[str]) -> None:
        """Credits and advice that wait for these groups are looked at once more."""
        books = self._books()
        if self.scope["agent"] == "eltax":
            compare_advice(books, refs)
        if refs:
            books.decide_open_deposits([self.scope["agent"]])
        self.details = books.details

    # ---- 要確認 ----

    def _flag(self, cases: list[flag.Case], lines: int) -> int:
        """Open the cases of this file and end those that its lines resolved."""
        mine = flag.line_cases(self.connection, self.scope)
        changed, subjects = flag.changed_lines(self.connection, self.scope)
        flag.refuse_absurd(self.profile, len(mine) + len(cases), lines)
        everything = [
            case._replace(details=self.details.get(case.subject, ""))
            for case in (*mine, *changed, *cases)
        ]
        on = self.received_on.isoformat()
        flag.close_cases(self.connection, self.code, subjects, keep=everything, on=on)
        if self.again_turn > match.AGAIN_FROM:
            flag.end_returned_surpluses(self.connection, self.code, on=on)
        return flag.open_cases(self.connection, self.code, everything, on=on, actor=self.actor)
