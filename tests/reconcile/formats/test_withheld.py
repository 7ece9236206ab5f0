"""What a finding quotes: codes, dates and amounts, but nobody's account, name, address or line."""

from __future__ import annotations

import pytest
from debit_town import AT, DebitTown
from sqlalchemy import text

from payments.store.unit_of_work import reading
from reconcile.formats.debit_accounts import AccountRow, write
from reconcile.formats.withheld import quoted
from reconcile.model import Delivery
from reconcile.registers import import_debit_accounts


@pytest.mark.parametrize(
    ("code", "field", "found", "said"),
    [
        ("account_form", "account_no", "123456", "（6文字、数字）"),
        ("account_form", "holder_name", "ｾﾞｲﾓｸ 太郎", "（8文字、全角を含む）"),
        ("wide_bytes", "住所→address", "東京都千代田区1-1", "（10文字、全角を含む）"),
        ("not_text", "payer_name", "ｾﾞｲﾓｸ ﾀﾛｳ", "（9文字、半角カナ）"),
        ("quoting", "", '9,"見本 太郎', "（8文字、全角を含む）"),
        ("truncated", "", "1-2-3 Chiyoda", "（13文字、英数字・記号）"),
        ("header", "", "00001,見本 太郎", "（11文字、全角を含む）"),
        ("account_form", "bank_code", "99", "99"),
        ("date", "from_on", "2026-13-01", "2026-13-01"),
        ("not_digits", "amount", "1 000", "1 000"),
        ("header", "", "税目,氏名", "税目,氏名"),
        ("undecodable", "address", "83 65", "83 65"),
        ("newline", "", "0x0A", "0x0A"),
        ("unknown_account", "account_no", "9998-001-1-1234567", "9998-001-1-1234567"),
        ("account_form", "account_no", "", ""),
    ],
)
def test_it_says_length_and_kind_of_what_is_about_a_person(code, field, found, said):
    assert quoted(code, field, found) == said


def test_lines_of_files_about_nobody_are_quoted():
    assert quoted("truncated", "", ",au PAY,000000", of_people=False) == ",au PAY,000000"


def test_no_account_of_a_payer_stands_in_the_books_for_a_file_that_is_refused(database_url):
    town = DebitTown(database_url)
    wrong = ("set", "2026-04-01", "9999", "ﾃｽﾄ", "001", "ﾎﾝﾃﾝ", "1", "0000009", "見本 太郎")
    data = write([AccountRow(town.code, f"{1:012d}", "", *wrong)]).replace(b"0000009", b"7654321x")
    report = import_debit_accounts(
        town.engine, town.code, Delivery("a.csv", data), at=AT, received_on=AT.date()
    )
    with reading(town.engine, town.code) as connection:
        kept = connection.execute(text("SELECT found, expected FROM finding")).all()
    said = str(kept) + str(report.findings)
    assert "（8文字、英数字・記号）" in said
    for secret in ("7654321", "見本", "太郎"):
        assert secret not in said
    town.engine.dispose()
