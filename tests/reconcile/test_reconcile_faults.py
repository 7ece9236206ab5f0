"""悪い資料: what cannot be taken in changes nothing, says where it is wrong, and stops no other."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from fixed_samples import GOLDEN, SECOND_ACCOUNT, batch, join, patch, records, statement
from reference_rows import sample_profile
from sample_folder import SampleFolder
from sqlalchemy import text

from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import debit_result, zengin_statement
from reconcile.model import Delivery, FileStatus, Finding, Severity
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.everything import verify
from sample_data.city import make
from web.cli import main
from web.commands.session import Session
from web.config import Settings

MUNICIPALITY = "99999"
DAY = date(2026, 6, 10)
QUARANTINED, REFUSED = FileStatus.QUARANTINED, FileStatus.REFUSED
# What a file that is set aside leaves behind, besides the number it was given.
# A file that came is kept, whatever becomes of it, and entered for the next seal.
KEPT = {"source_file", "evidence", "finding", "seal_entry"}
INSTANTS = {"decided_at", "made_at", "taken_in_at", "until_at"}

STATEMENT = zengin_statement.write([statement()])
DEBITS = debit_result.write([batch()])
PAYMENTS = (GOLDEN / "eltax_payment" / "example.csv").read_bytes()
ADVICE = (GOLDEN / "eltax_remittance" / "example.csv").read_bytes()
DSK = (GOLDEN / "konbini_dsk" / "example.csv").read_bytes()
MUF = (GOLDEN / "konbini_muf120" / "two_groups.dat").read_bytes()


class Bad(NamedTuple):
    """A bad file: what is done to a good one, and the first finding that must be reported."""

    data: bytes
    status: FileStatus
    code: str
    line: int | None
    byte: int | None
    field: str = ""
    found: str = ""
    expected: str = ""

    @property
    def finding(self) -> Finding:
        """The finding as the engine reports it."""
        severity = Severity.FATAL if self.status is QUARANTINED else Severity.REFUSED
        return Finding(
            self.code, severity, self.line, self.byte, self.field, self.found, self.expected
        )


def without_end(data: bytes) -> bytes:
    """Everything but the last record."""
    return join(records(data)[:-1])


def request_of(data: bytes) -> bytes:
    """The request that this debit result answers: all codes 0, nothing split in the trailer."""
    rows = [
        row[:111] + b"0" + row[112:] if row[:1] == b"2"
        else row[:19] + b"0" * 36 + row[55:] if row[:1] == b"8"
        else row
        for row in records(data)
    ]  # fmt: skip
    return join(rows)


TRAILER = PAYMENTS.index(b"T,4,")
AMOUNT = PAYMENTS.index(b"12300")
BAD = {
    "truncated, fixed length": Bad(
        MUF[: 2 * 122 + 30], QUARANTINED, "record_length", 3, 2 * 122, found="30", expected="120"
    ),
    "truncated, delimited": Bad(
        PAYMENTS[:-30], QUARANTINED, "column_count", 5, PAYMENTS.index(b"2,99999"), "", "13", "14"
    ),
    "end record missing": Bad(
        without_end(MUF), QUARANTINED, "end_missing", 8, 7 * 122, expected="エンド"
    ),
    "wrong count in the trailer": Bad(
        PAYMENTS.replace(b"T,4,", b"T,5,"), QUARANTINED, "trailer_count", 6, TRAILER + 2, "count", "5", "4"
    ),
    "wrong total in the trailer": Bad(
        PAYMENTS.replace(b"47300", b"47301"),
        QUARANTINED, "trailer_total", 6, TRAILER + 4, "amount_yen", "47301", "47300",
    ),
    "wrong balance": Bad(
        patch(STATEMENT, 1, 116, b"00000000000001"),
        QUARANTINED, "balance_mismatch", 5, 4 * 202 + 40, "取引後残高", "1467300", "467301",
    ),
    "two formats in one file": Bad(
        PAYMENTS + ADVICE,
        REFUSED, "several_formats", 7, len(PAYMENTS), "", "eltax_remittance", "eltax_payment",
    ),
    "BOM": Bad(b"\xef\xbb\xbf" + STATEMENT, QUARANTINED, "bom", None, None, "", "EF BB BF"),
    "full-width name": Bad(
        patch(STATEMENT, 2, 82, "みほん".encode("cp932")),
        QUARANTINED, "wide_bytes", 2, 202 + 81, "振込依頼人名又は契約者番号",
        "（1文字、全角を含む）",  # a name is not quoted
    ),
    "full-width amount": Bad(
        PAYMENTS.replace(b",123456,12300,", ",123456,１２３００,".encode(), 1),
        QUARANTINED, "wide_bytes", 2, AMOUNT, "amount_yen", "１２３００", "数字1〜11桁",
    ),
    "EBCDIC flag": Bad(
        patch(STATEMENT, 1, 4, b"1"), REFUSED, "ebcdic", 1, 3, "コード区分", "1", "0"
    ),
    "negative amount": Bad(
        PAYMENTS.replace(b",12300,", b",-12300,", 1),
        QUARANTINED, "amount", 2, AMOUNT, "amount_yen", "-12300", "数字1〜11桁",
    ),
    "amount too long": Bad(
        PAYMENTS.replace(b",12300,", b",123456789012,", 1),
        QUARANTINED, "amount", 2, AMOUNT, "amount_yen", "123456789012", "数字1〜11桁",
    ),
    "request as result": Bad(
        request_of(DEBITS), REFUSED, "debit_request", 4, 3 * 122 + 19, "振替済件数", "0", "2"
    ),
    "other Zengin kind": Bad(
        patch(DEBITS, 1, 2, b"11"),
        REFUSED, "other_zengin_kind", 1, 1, "種別コード", "11 給与振込", "01, 03, 91",
    ),
    "unknown account": Bad(
        zengin_statement.write([statement(account=SECOND_ACCOUNT)]),
        REFUSED, "unknown_account", 1, 63, "口座番号", "9999-999-2-7654321", "9999-999-1-1234567",
    ),
    "time deposit": Bad(
        patch(STATEMENT, 1, 63, b"6"), REFUSED, "time_deposit", 1, 62, "預金種目", "6 定期", "1, 2, 4"
    ),
    "error answer": Bad(
        b"error:E0012 no data\r\n",
        REFUSED, "agent_error", 1, 0, "", "error:E0012 no data",
        records(DSK)[0].decode("cp932"),
    ),
    "a line after the trailer": Bad(
        PAYMENTS + b"1,99999\r\n", QUARANTINED, "after_trailer", 7, len(PAYMENTS), "", "1,99999\r\n"
    ),
    "net is not gross less fee": Bad(
        ADVICE.replace(b"12289", b"12290").replace(b"22689", b"22690"),
        QUARANTINED, "net_amount", 2, ADVICE.index(b"12289"), "net_yen", "12290", "12289",
    ),
    "a column missing": Bad(
        DSK.replace(b",0,20260520", b",20260520"), QUARANTINED, "column_count", 2, DSK.index(b"01,"), "", "12", "13"
    ),
    "a covering letter": Bad(
        "収納データを送付します。\r\n".encode("cp932"),
        REFUSED, "unknown_format", None, None, "", "収納データを送付します。\r\n",
        "zengin_statement, zengin_credit, debit_result, konbini_dsk, konbini_muf120, "
        "konbini_mizuho120, eltax_payment, eltax_remittance",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def city_books(sqlite_template, tmp_path_factory):
    """The file of a database with a small city and its first day; to be copied."""
    folder = tmp_path_factory.mktemp("faults")
    make(folder / "city", obligors=60, days=1, seed=5)
    path = folder / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    city = SampleFolder(folder / "city")
    engine = open_engine(f"sqlite:///{path}")
    with unit_of_work(engine, MUNICIPALITY) as connection:
        save_profile(connection, sample_profile())
    first, inbox = city.days[0]
    for name, import_file in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (city.path / name).read_bytes())
        import_file(engine, MUNICIPALITY, delivery, received_on=first)
    for file in inbox:
        delivery = Delivery(file.name, file.read_bytes())
        take_in(engine, MUNICIPALITY, delivery, received_on=first)
    engine.dispose()
    return path


class Books:
    """A copy of the city's books, and what can be asked of it."""

    def __init__(self, path):
        self.path = path
        self.engine = open_engine(f"sqlite:///{path}")

    def take_in(self, data, name="file"):
        delivery = Delivery(name, data)
        return take_in(self.engine, MUNICIPALITY, delivery, received_on=DAY)

    def rows(self, statement, **values):
        with reading(self.engine, MUNICIPALITY) as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]

    def outcomes(self, file_id):
        rows = self.rows(
            "SELECT line_no, outcome FROM line_outcome WHERE file_id = :file_id ORDER BY revision",
            file_id=file_id,
        )
        return dict(rows)

    def dump(self, without=frozenset()):
        """Every row of every table, instants left out."""
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: sorted(
                    repr([(k, row[k]) for k in row.keys() if k not in INSTANTS])  # noqa: SIM118
                    for row in connection.execute(f"SELECT * FROM {name}")
                    if (name, *row[1:2]) != ("number_block", "file")
                )
                for (name,) in tables.fetchall()
                if name not in without
            }


@pytest.fixture
def open_books(city_books, tmp_path):
    """Copies of the city's books."""
    opened = []

    def copy(name="kokin"):
        path = shutil.copyfile(city_books, tmp_path / f"{name}.sqlite")
        opened.append(Books(path))
        return opened[-1]

    yield copy
    for books in opened:
        books.engine.dispose()


@pytest.fixture
def books(open_books):
    return open_books()


# ---- files that are set aside ----


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_set_aside_with_its_place_and_changes_nothing(books, what):
    bad = BAD[what]
    before = books.dump(without=KEPT)
    report = books.take_in(bad.data, "warui.dat")
    assert (report.status, report.findings[0]) == (bad.status, bad.finding)
    assert books.dump(without=KEPT) == before
    assert books.rows(
        "SELECT f.status, n.code, n.line_no, n.byte_offset, n.field, n.found, n.expected "
        "FROM source_file f JOIN finding n ON n.file_id = f.file_id "
        "WHERE f.sha256 = :sha256 AND n.finding_no = 1",
        sha256=report.sha256,
    ) == [(bad.status, *bad[2:])]
    assert verify(books.engine, MUNICIPALITY) == []


def as_command(books, folder, *names):
    """``kokin intake`` on files of a folder; the exit code and what it answers."""
    settings = Settings(
        home=folder, database_url=f"sqlite:///{books.path}", municipality=MUNICIPALITY
    )
    words = ["intake", "--received-on", DAY.isoformat(), *(str(folder / name) for name in names)]
    person = CliRunner().invoke(main, words, obj=Session(settings.model_copy()))
    program = CliRunner().invoke(main, [*words, "--json"], obj=Session(settings.model_copy()))
    return person, program


@pytest.mark.parametrize("what", BAD)
def test_the_command_goes_on_with_the_other_files_and_fails(books, tmp_path, what):
    bad = BAD[what]
    (tmp_path / "yoi1.csv").write_bytes(PAYMENTS)
    (tmp_path / "warui.dat").write_bytes(bad.data)
    (tmp_path / "yoi2.dat").write_bytes(STATEMENT)
    person, program = as_command(books, tmp_path, "yoi1.csv", "warui.dat", "yoi2.dat")
    assert (person.exit_code, program.exit_code) == (1, 1)
    answers = json.loads(program.stdout)
    # The second run of the same command finds the good files taken in and the bad one as bad.
    assert [answer["status"] for answer in answers] == [
        "duplicate_file", bad.status, "duplicate_file",
    ]  # fmt: skip
    first = answers[1]["findings"][0]
    assert (first["file"], first["code"]) == ("warui.dat", bad.code)
    assert (first["line_no"], first["byte_offset"]) == (bad.line, bad.byte)
    assert (first["field"], first["found"], first["expected"]) == bad[5:]
    told = person.stdout.replace("\r\n", " ").replace("\n", " ")
    for place in (f"{bad.line}行目", f"{bad.byte}バイト目", f"「{bad.field}」"):
        assert place in told or "None" in place or place == "「」"
    lines = books.rows(
        "SELECT f.name, COUNT(*) FROM source_file f JOIN line_outcome o ON o.file_id = f.file_id "
        "WHERE f.received_on = :day AND o.revision = 1 GROUP BY f.name ORDER BY f.name",
        day=DAY.isoformat(),
    )
    assert lines == [("yoi1.csv", 4), ("yoi2.dat", 3)]


def test_a_bad_file_leaves_no_trace_among_good_ones(open_books):
    alone, among = open_books("alone"), open_books("among")
    alone.take_in(PAYMENTS, "yoi1.csv")
    alone.take_in(STATEMENT, "yoi2.dat")
    among.take_in(PAYMENTS, "yoi1.csv")
    # The bad file comes last, so that the good ones have the same numbers in both books.
    among.take_in(STATEMENT, "yoi2.dat")
    for bad in BAD.values():
        among.take_in(bad.data, "warui.dat")
    assert among.dump(without=KEPT) == alone.dump(without=KEPT)


# ---- single bad lines in a file that ties ----

HEADER = records(PAYMENTS)[0]


class Payment(NamedTuple):
    """One line of an eLTAX file about a slip of the city."""

    el_number: str
    amount_yen: int
    number: int
    body: str = "99999"
    paid_on: str = "2026-06-08"

    def row(self):
        case_key, confirmation, item = (
            self.el_number[5:25], self.el_number[25:31], self.el_number[31:],
        )  # fmt: skip
        return (
            f"1,{self.body},{item},{case_key},{confirmation},{self.amount_yen},{self.paid_on},"
            f"09:00,app,0820,テスト決済,TX-F{self.number},,"
        ).encode()


def payments_file(payments):
    total = sum(payment.amount_yen for payment in payments)
    trailer = f"T,{len(payments)},{total}".encode()
    return join([HEADER, *(payment.row() for payment in payments), trailer])


@pytest.fixture
def payments(books):
    """Three payments, each of a slip that nobody has paid yet and that is not overdue."""
    rows = books.rows(
        "SELECT MIN(s.el_number), s.amount_yen FROM slip s "
        "JOIN instalment_account a ON a.notice_id = s.notice_id AND a.term = s.term "
        "WHERE s.state = 'new' AND s.version = 1 AND s.el_number IS NOT NULL "
        "AND a.amount_yen = s.amount_yen AND s.valid_until >= '2026-06-08' "
        "AND s.notice_id NOT IN (SELECT notice_id FROM receipt WHERE notice_id IS NOT NULL) "
        "AND (SELECT COUNT(*) FROM slip o WHERE o.notice_id = s.notice_id AND o.term = s.term) = 1 "
        "GROUP BY s.notice_id ORDER BY s.notice_id LIMIT 3"
    )
    assert len(rows) == 3
    return [Payment(el, amount, number) for number, (el, amount) in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        pytest.param({}, "matched", id="nothing wrong"),
        pytest.param({"paid_on": "2026-02-30"}, "malformed", id="a day that does not exist"),
        pytest.param({"paid_on": "1026-06-08"}, "malformed", id="an absurd year"),
        pytest.param({"amount_yen": 0}, "malformed", id="amount 0"),
        pytest.param({"body": "88888"}, "other_municipality", id="another municipality"),
        pytest.param({"amount_yen": 1}, "amount_mismatch", id="another amount"),
    ],
)
def test_a_single_bad_line_is_that_lines_outcome_and_nothing_more(books, payments, change, outcome):
    payments[1] = payments[1]._replace(**change)
    report = books.take_in(payments_file(payments))
    assert report.status is FileStatus.ACCEPTED
    assert books.outcomes(report.file_id) == {2: "matched", 3: outcome, 4: "matched"}
    assert report.cases_opened == (outcome != "matched")
    assert verify(books.engine, MUNICIPALITY) == []


# ---- trying again ----


def test_a_file_is_taken_in_after_the_profile_was_corrected(books):
    bad = BAD["unknown account"]
    refused = books.take_in(bad.data)
    assert refused.status is REFUSED
    profile = sample_profile()
    with unit_of_work(books.engine, MUNICIPALITY) as connection:
        corrected = replace(profile, accounts=(*profile.accounts, SECOND_ACCOUNT))
        save_profile(connection, corrected)
    again = books.take_in(bad.data)
    assert (again.status, again.file_id) == (FileStatus.ACCEPTED, refused.file_id)
    assert again.findings == ()
    assert books.rows("SELECT 1 FROM finding WHERE file_id = :f", f=refused.file_id) == []
    assert books.take_in(bad.data).status is FileStatus.DUPLICATE
    assert verify(books.engine, MUNICIPALITY) == []


def test_a_bad_file_may_be_tried_any_number_of_times(books):
    bad = BAD["wrong total in the trailer"]
    books.take_in(bad.data)
    once = books.dump()
    assert books.take_in(bad.data).findings == (bad.finding,)
    # Each further try leaves what the file said before, so that the moment in between can be told.
    (left,) = set(books.dump().pop("former_row")) - set(once.pop("former_row"))
    assert "quarantined" in left
    assert books.dump(without={"former_row"}) == once


class PowerCutError(Exception):
    """The machine stops in the middle."""


def power_cut(*_args, **_kwargs):
    raise PowerCutError


@pytest.mark.parametrize(
    "place",
    [
        "reconcile.match.load_lines",
        "reconcile.match.decide",
        "reconcile.post.book",
        "reconcile.pipeline.join_groups",
        "reconcile.flag.open_cases",
        "reconcile.pipeline.record_file",
        "reconcile.pipeline.record_findings",
    ],
)
def test_a_crash_leaves_the_file_received_and_a_retry_completes(open_books, monkeypatch, place):
    undisturbed, books = open_books("undisturbed"), open_books("crashed")
    undisturbed.take_in(PAYMENTS)
    before = books.dump(without=KEPT)
    with monkeypatch.context() as patched:
        patched.setattr(place, power_cut)
        with pytest.raises(PowerCutError):
            books.take_in(PAYMENTS)
    status = "SELECT status FROM source_file ORDER BY file_id DESC LIMIT 1"
    assert books.rows(status) == [("received",)]
    assert books.dump(without=KEPT) == before
    assert books.take_in(PAYMENTS).status is FileStatus.ACCEPTED
    assert books.dump() == undisturbed.dump()
    assert verify(books.engine, MUNICIPALITY) == []
