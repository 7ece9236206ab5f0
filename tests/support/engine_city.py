"""The engine with the reference model's way of being asked, so that both can be held together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from payments import approve
from payments.assess import Assessor
from payments.domain.errors import KokinError, RefusedError
from payments.enrol import Enroller
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close, flag
from reconcile.journal import open_journal
from reconcile.model import Channel, Delivery, Reading
from reconcile.pipeline import reconcile_waiting, take_in
from reconcile.placement.ask import ask_placement
from reconcile.placement.placing import carry_out
from reconcile.placement_model import Part, Placement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from reference_books import Place
    from sqlalchemy import Connection

    from payments.approve import Approval
    from payments.domain.profile import Profile
    from reconcile.model import AdviceLine, BankLine, FileReport, ReadContext, ReportLine

MOMENT = datetime(2026, 6, 20, 1, tzinfo=UTC)
FORMAT_OF = {
    Channel.ELTAX: "eltax_payment",
    Channel.NOTIFICATION: "notification",
    Channel.DEBIT: "debit_result",
    Channel.BANK: "made_up_statement",  # no bytes from which balances could be read
    Channel.ADVICE: "eltax_remittance",
}


@dataclass
class Injected:
    """A format that hands over lines which the test has made."""

    made: Reading

    code = "injected"
    label_ja = "試験"
    channel = Channel.KONBINI
    sources: tuple[str, ...] = ()

    def identify(self, _data: bytes) -> bool:
        """Always: the test says what the bytes are."""
        return True

    def read(self, _data: bytes, _context: ReadContext) -> Reading:
        """The lines the test made."""
        return self.made


class EngineCity:
    """One municipality in a migrated database."""

    def __init__(self, url: str, profile: Profile) -> None:
        """Set the municipality up."""
        self.engine = open_engine(url)
        self.profile = profile
        self.code = profile.municipality_code
        self.sha_of: dict[str, str] = {}
        with unit_of_work(self.engine, self.code) as connection:
            save_profile(connection, profile)

    def close(self) -> None:
        """Let the database go."""
        self.engine.dispose()

    def assess(self, rows: Iterable[Any]) -> None:
        """調定."""
        from datetime import date  # noqa: PLC0415

        lines = [_numbered(row, number) for number, row in enumerate(rows, start=2)]
        with unit_of_work(self.engine, self.code) as connection:
            journal = open_journal(connection, self.code, "assessments", date(2026, 6, 1), "test")
            assessor = Assessor(connection, self.profile, file_id=-journal, journal_id=journal)
            result = assessor.apply((line, repr(line).encode()[:16]) for line in lines)
            cases = [
                flag.Case("overpaid_by_correction", f"{s.notice_id}/{s.term}", s.amount_yen)
                for s in result.surpluses
            ]
            flag.open_cases(connection, self.code, cases, on="2026-06-01", actor="test")

    def register_slips(self, rows: Iterable[Any]) -> bool:
        """納付書台帳."""
        lines = [_numbered(row, number) for number, row in enumerate(rows, start=2)]
        with unit_of_work(self.engine, self.code) as connection:
            result = Enroller(connection, self.profile).apply(lines)
            if result.errors:
                connection.rollback()
        return not result.errors

    def intake(
        self,
        file_name: str,
        sha256: str,
        channel: Channel,
        lines: Sequence[ReportLine],
        *,
        bank_lines: Sequence[BankLine] = (),
        advice_lines: Sequence[AdviceLine] = (),
        counts_equal_lines: bool = True,
        received_on: date,
        agent: str = "",
    ) -> FileReport:
        """One parsed file."""
        made = Reading(
            format_code=agent if channel is Channel.KONBINI else FORMAT_OF[channel],
            channel=channel,
            lines=iter(lines),
            agent=agent,
            counts_equal_lines=counts_equal_lines,
            bank_lines=list(bank_lines),
            advice_lines=list(advice_lines),
            count=len(lines),
            amount_yen=sum(line.amount_yen or 0 for line in lines),
        )
        report = take_in(
            self.engine,
            self.code,
            Delivery(file_name, sha256.encode()),
            received_on=received_on,
            file_format=Injected(made),
        )
        self.sha_of[report.sha256] = sha256
        return report

    def reconcile(self, as_of: date) -> None:
        """再照合."""
        reconcile_waiting(self.engine, self.code, as_of=as_of)

    def place(self, ref: tuple[str, int], parts: Sequence[tuple[Place, int]], on: date) -> bool:
        """充当先の決定 by two people; False when it is refused."""
        names = {place: place_id for place_id, place in self._subjects().items()}
        lines = {line: line_id for line_id, line in self._subjects().items()}
        file_id, line_no = map(int, lines[f"{ref[0]}:{ref[1]}"].split(":"))
        named = []
        for place, yen in parts:
            notice_id, _, term = names["/".join(place)].partition("/")
            named.append(Part(int(notice_id), term, yen))
        try:
            with unit_of_work(self.engine, self.code) as connection:
                asked = ask_placement(
                    connection,
                    self.profile,
                    Placement(file_id, line_no, tuple(named)),
                    asked_by="taro",
                    at=MOMENT,
                    reason="試験",
                )
                approval = self._agreed(connection, asked)
                carry_out(connection, self.profile, approval, on=on)
        except KokinError:
            return False
        return True

    def close_day(self, day: date) -> bool:
        """締め by two people, whatever is missing; False when something else comes first."""
        return self._close("day_close", day)

    def reopen_day(self, day: date) -> bool:
        """締めの取消; False when it is not the last closed day."""
        return self._close("day_reopen", day)

    def _close(self, kind: str, day: date) -> bool:
        """締め or its 取消."""
        try:
            with unit_of_work(self.engine, self.code) as connection:
                asked = day_close.ask(
                    connection,
                    self.code,
                    kind,
                    day.isoformat(),
                    asked_by="taro",
                    reason="試験",
                    at=MOMENT,
                    despite=kind == "day_close",
                )
                day_close.carry_out(connection, self.code, self._agreed(connection, asked))
        except RefusedError:
            return False
        return True

    def _agreed(self, connection: Connection, asked: Approval) -> Approval:
        """The second person agrees."""
        return approve.decide(
            connection, self.code, asked.approval_id, "approved", decided_by="hanako", at=MOMENT
        )

    @property
    def outcomes(self) -> dict[tuple[str, int], tuple[str, int, int]]:
        """Every line's outcome as it stands now."""
        rows = self._query(
            """SELECT f.sha256, o.line_no, o.outcome, o.applied_yen, o.suspense_yen
               FROM line_outcome o
               JOIN source_file f ON f.municipality_code = :m AND f.file_id = o.file_id
               WHERE o.municipality_code = :m AND NOT EXISTS (
                   SELECT 1 FROM line_outcome n WHERE n.municipality_code = :m
                     AND n.file_id = o.file_id AND n.line_no = o.line_no
                     AND n.revision > o.revision)"""
        )
        return {
            (self.sha_of[r.sha256], r.line_no): (r.outcome, r.applied_yen, r.suspense_yen)
            for r in rows
        }

    @property
    def decided_by(self) -> dict[tuple[str, int], int]:
        """The row of outcomes.md 4 by which every line was decided last; 0 for any other rule."""
        rows = self._query(
            """SELECT f.sha256, o.line_no, o.rule FROM line_outcome o
               JOIN source_file f ON f.municipality_code = :m AND f.file_id = o.file_id
               WHERE o.municipality_code = :m ORDER BY o.file_id, o.line_no, o.revision"""
        )
        return {
            (self.sha_of[r.sha256], r.line_no): int(r.rule[1:]) if r.rule[0] == "P" else 0
            for r in rows
        }

    @property
    def balances(self) -> dict[tuple[str, str, str, str], tuple[int, int, int]]:
        """Per instalment: current amount, applied, outstanding."""
        rows = self._query(
            """SELECT n.item_code, n.levy_year, n.notice_no, a.term, a.amount_yen,
                      a.term_yen + a.whole_yen - a.surplus_yen AS applied
               FROM instalment_account a
               JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
               WHERE a.municipality_code = :m"""
        )
        return {
            (r.item_code, str(r.levy_year), r.notice_no, r.term): (
                r.amount_yen,
                r.applied,
                r.amount_yen - r.applied,
            )
            for r in rows
        }

    @property
    def suspense_yen(self) -> int:
        """仮受金 by the ledger."""
        rows = self._query(
            """SELECT COALESCE(SUM(CASE WHEN credit_account = 'suspense' THEN amount_yen
                                        WHEN debit_account = 'suspense' THEN -amount_yen
                                        ELSE 0 END), 0) AS yen
               FROM posting WHERE municipality_code = :m"""
        )
        return int(rows[0].yen)

    @property
    def groups(self) -> dict[tuple[str, str], tuple[int, int, int]]:
        """Per remittance group: confirmed, fees, credited."""
        rows = self._query(
            """SELECT agent, ref, confirmed_yen, fee_yen, credited_yen FROM remittance_group
               WHERE municipality_code = :m"""
        )
        return {(r.agent, r.ref): (r.confirmed_yen, r.fee_yen, r.credited_yen) for r in rows}

    @property
    def cases(self) -> set[tuple[str, str]]:
        """Kinds and subjects of the open cases, the subjects as the model writes them."""
        names = self._subjects()
        rows = self._query(
            """SELECT kind, subject FROM review_case
               WHERE municipality_code = :m AND state = 'open'"""
        )
        return {(r.kind, names.get(r.subject, r.subject)) for r in rows}

    def _subjects(self) -> dict[str, str]:
        """The engine's subjects → the model's."""
        names = {}
        for row in self._query(
            """SELECT l.file_id, l.line_no, f.sha256 FROM source_line l
               JOIN source_file f ON f.municipality_code = :m AND f.file_id = l.file_id
               WHERE l.municipality_code = :m"""
        ):
            names[f"{row.file_id}:{row.line_no}"] = f"{self.sha_of[row.sha256]}:{row.line_no}"
        for row in self._query(
            """SELECT a.notice_id, a.term, n.item_code, n.levy_year, n.notice_no
               FROM instalment_account a
               JOIN notice n ON n.municipality_code = :m AND n.notice_id = a.notice_id
               WHERE a.municipality_code = :m"""
        ):
            place = f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}"
            names[f"{row.notice_id}/{row.term}"] = place
        for row in self._query(
            "SELECT group_id, agent, ref FROM remittance_group WHERE municipality_code = :m"
        ):
            names[f"group:{row.group_id}"] = f"{row.agent}/{row.ref}"
        return names

    def _query(self, statement: str) -> list[Any]:
        """All rows of a statement about this municipality."""
        with reading(self.engine, self.code) as connection:
            return list(connection.execute(text(statement), {"m": self.code}))


def _numbered(row: Any, line_no: int) -> Any:
    """A register row as the readers hand it over."""
    values = {name: getattr(row, name) for name in row.__dataclass_fields__}
    values["levy_year"] = int(values["levy_year"])
    if "fiscal_year" in values:
        values["fiscal_year"] = int(values["fiscal_year"])
    # What a file of these layouts does not say (AssessmentLine).
    return SimpleNamespace(line_no=line_no, before_yen=None, change_no="", **values)
