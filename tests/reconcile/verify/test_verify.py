"""検算: clean books verify clean, and whatever is altered behind their back is named."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from codebase import modules, tree
from engine_city import EngineCity
from hypothesis import HealthCheck, given, settings
from reference_author import play
from reference_rows import sample_profile
from reference_strategies import scenarios
from sample_folder import SampleFolder

from payments.domain.rates import know_rates, known_rates, shipped_rates
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.formats import notification, zengin_statement
from reconcile.model import Delivery, FileStatus
from reconcile.pipeline import take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.verify.claims import instalments, pay_keys
from reconcile.verify.everything import Difference, verify
from reconcile.verify.lines import LineWalk
from reconcile.verify.totals import decisions, groups, journals, ledger
from reconcile.verify.walk import Store
from reconcile.waiting import reconcile_waiting
from sample_data.city import make
from web.cli import main

MUNICIPALITY = "99999"


def take_in_city(url, city):
    """Everything of a sample city, to the last evening."""
    engine = open_engine(url)
    with unit_of_work(engine, MUNICIPALITY) as connection:
        save_profile(connection, sample_profile())
    first, last = city.days[0][0], city.days[-1][0]
    for name, import_file in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (city.path / name).read_bytes())
        import_file(engine, MUNICIPALITY, delivery, received_on=first)
    for received_on, paths in city.days:
        for path in paths:
            delivery = Delivery(path.name, path.read_bytes())
            take_in(engine, MUNICIPALITY, delivery, received_on=received_on)
    reconcile_waiting(engine, MUNICIPALITY, as_of=last)
    engine.dispose()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    out = tmp_path_factory.mktemp("city") / "city"
    make(out, obligors=150, days=5, seed=1)
    return SampleFolder(out)


@pytest.fixture(scope="module")
def taken_in(city, sqlite_template, tmp_path_factory):
    """The file of a SQLite database that holds the whole city; to be copied."""
    path = tmp_path_factory.mktemp("books") / "kokin.sqlite"
    shutil.copyfile(sqlite_template, path)
    take_in_city(f"sqlite:///{path}", city)
    return path


@pytest.fixture
def books(taken_in, tmp_path):
    """A copy of the city's books."""
    return shutil.copyfile(taken_in, tmp_path / "kokin.sqlite")


def differences(path):
    engine = open_engine(f"sqlite:///{path}")
    try:
        return verify(engine, MUNICIPALITY)
    finally:
        engine.dispose()


def alter(path, statement):
    """Change rows behind the books' back: no triggers, no constraints."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.create_function("one_byte_changed", 1, one_byte_changed)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        changed = connection.execute(statement).rowcount
        connection.commit()
    return changed


def one_byte_changed(data):
    """The same bytes but for one in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def one(table, condition, columns="file_id, line_no"):
    """A condition that holds for the first row of ``table`` that is like this."""
    return (
        f"({columns}) = (SELECT {columns} FROM {table} WHERE {condition} "
        f"ORDER BY {columns} LIMIT 1)"
    )


class Altered(NamedTuple):
    """What is done behind the books' back, and the names that verify must then give."""

    statement: str
    names: set[str]


FILE = "(SELECT file_id FROM source_file WHERE format_code = '{}' AND count > 0 LIMIT 1)"
# A 速報 that was confirmed later, wholly applied; a 確報 that came alone; a credit.
MATCHED = "outcome = 'matched' AND revision = 1"
CONFIRMED = "partner_file_id IS NULL AND " + MATCHED
NEWEST = "state = 'new' AND term <> '00' AND el_number IS NOT NULL"

ALTERED = {
    "evidence": Altered(
        "UPDATE evidence SET data = one_byte_changed(data) WHERE sha256 = (SELECT sha256 "
        "FROM source_file WHERE format_code = 'konbini_dsk' AND status = 'accepted' LIMIT 1)",
        {"evidence_hash"},
    ),
    "evidence of a quarantined file": Altered(
        "UPDATE evidence SET data = one_byte_changed(data) WHERE sha256 = (SELECT sha256 "
        "FROM source_file WHERE status = 'quarantined' LIMIT 1)",
        {"evidence_hash"},
    ),
    "evidence written over as text": Altered(
        "UPDATE evidence SET data = 'x' WHERE sha256 = (SELECT sha256 "
        "FROM source_file WHERE format_code = 'konbini_dsk' AND status = 'accepted' LIMIT 1)",
        {"evidence_hash"},
    ),
    "statement written over as text": Altered(
        "UPDATE evidence SET data = 'x' WHERE sha256 = (SELECT sha256 "
        "FROM source_file WHERE format_code = 'zengin_statement' AND status = 'accepted' LIMIT 1)",
        {"evidence_hash"},
    ),
    "evidence gone": Altered(
        "DELETE FROM evidence WHERE sha256 = (SELECT sha256 FROM source_file "
        "WHERE format_code = 'eltax_payment' AND count > 0 LIMIT 1)",
        {"evidence_hash"},
    ),
    "recorded count": Altered(
        "UPDATE source_file SET count = count + 1 WHERE file_id = " + FILE.format("debit_result"),
        {"file_totals"},
    ),
    "recorded amount": Altered(
        "UPDATE source_file SET amount_yen = amount_yen - 1 "
        "WHERE file_id = " + FILE.format("assessments"),
        {"file_totals"},
    ),
    "recorded format": Altered(
        "UPDATE source_file SET format_code = 'konbini_muf120' "
        "WHERE file_id = " + FILE.format("eltax_remittance"),
        {"file_format"},
    ),
    "line amount": Altered(
        "UPDATE source_line SET amount_yen = amount_yen + 1 WHERE "
        + one("line_outcome", MATCHED),
        {"source_line", "outcome_money", "receipt"},
    ),
    "line day": Altered(
        "UPDATE source_line SET paid_on = '2020-01-01' WHERE "
        + one("line_outcome", "outcome = 'repeat'"),
        {"source_line"},
    ),
    "line gone": Altered(
        "DELETE FROM source_line WHERE " + one("line_outcome", "outcome = 'debit_failed'"),
        {"source_line"},
    ),
    "bank line": Altered(
        "UPDATE bank_line SET payer_code = '1234567890' WHERE " + one("bank_line", "1 = 1"),
        {"bank_line"},
    ),
    "advice line": Altered(
        "UPDATE advice_line SET gross_yen = gross_yen + 1 WHERE " + one("advice_line", "1 = 1"),
        {"advice_line"},
    ),
    "assessment event": Altered(
        "UPDATE assessment_event SET flags = 'x', kind = 'correction' WHERE "
        + one("assessment_event", "kind = 'initial'"),
        {"assessment_event"},
    ),
    "slip amount": Altered(
        "UPDATE slip SET amount_yen = amount_yen + 1 WHERE " + one("slip", NEWEST, "slip_id"),
        {"slip", "pay_key"},
    ),
    "slip key": Altered(
        "UPDATE pay_key SET slip_yen = slip_yen + 1 WHERE "
        + one("pay_key", "pay_key LIKE 'K%'", "pay_key"),
        {"pay_key"},
    ),
    "slip key gone": Altered(
        "DELETE FROM pay_key WHERE " + one("pay_key", "pay_key LIKE 'E%'", "pay_key"),
        {"pay_key"},
    ),
    "debit key to another term": Altered(
        "UPDATE pay_key SET term = '09' WHERE " + one("pay_key", "pay_key LIKE 'D%'", "pay_key"),
        {"pay_key"},
    ),
    "outcome": Altered(
        "UPDATE line_outcome SET outcome = 'short' WHERE " + one("line_outcome", CONFIRMED),
        {"case_missing"},
    ),
    "outcome money": Altered(
        "UPDATE line_outcome SET suspense_yen = suspense_yen + 1 WHERE "
        + one("line_outcome", CONFIRMED),
        {"outcome_money", "receipt"},
    ),
    "outcome gone": Altered(
        "DELETE FROM line_outcome WHERE " + one("line_outcome", CONFIRMED),
        {"outcome_missing"},
    ),
    "outcome that nobody knows": Altered(
        "UPDATE line_outcome SET outcome = 'settling' WHERE " + one("line_outcome", CONFIRMED),
        {"outcome_unknown"},
    ),
    "first outcome gone": Altered(
        "DELETE FROM line_outcome WHERE revision = 1 AND "
        + one("line_outcome", "outcome = 'withdrawn' AND revision = 2"),
        {"outcome_revision", "receipt"},
    ),
    "case gone": Altered(
        "DELETE FROM review_case WHERE " + one("review_case", "kind = 'duplicate' AND state = 'open'", "case_no"),
        {"case_missing", "review_case"},
    ),
    "receipt amount": Altered(
        "UPDATE receipt SET amount_yen = amount_yen + 1 WHERE "
        + one("receipt", "stage = 'provisional'"),
        {"receipt", "receipt_decision", "posting", "reported_balance"},
    ),
    "receipt stage": Altered(
        "UPDATE receipt SET stage = 'confirmed' WHERE " + one("receipt", "stage = 'provisional'"),
        {"receipt", "posting", "reported_balance", "confirmed_due_balance"},
    ),
    "receipt group": Altered(
        "UPDATE receipt SET group_id = NULL WHERE " + one("receipt", "group_id IS NOT NULL"),
        {"group_receipts"},
    ),
    "receipt gone": Altered(
        "DELETE FROM receipt WHERE "
        + one("receipt", "suspense_yen > 0 AND notice_id > 0 AND group_id > 0"),
        {"receipt", "posting", "suspense_balance", "confirmed_due_balance", "group_receipts"},
    ),
    "posting amount": Altered(
        "UPDATE posting SET amount_yen = amount_yen + 1 WHERE reason = 'applied' AND "
        "(subject_file_id, subject_line_no) = (SELECT file_id, line_no FROM receipt "
        "WHERE stage = 'provisional' AND term <> '00' AND suspense_yen = 0 LIMIT 1)",
        {"posting", "instalment_balance", "receipt_decision", "receivable_balance",
         "reported_balance"},
    ),
    "posting account": Altered(
        "UPDATE posting SET credit_account = 'suspense' WHERE reason = 'outgoing' AND "
        "(subject_file_id, subject_line_no) = (SELECT subject_file_id, subject_line_no "
        "FROM posting WHERE reason = 'outgoing' LIMIT 1)",
        {"posting", "suspense_balance", "bank_balance"},
    ),
    "posting to nowhere": Altered(
        "UPDATE posting SET debit_account = 'elsewhere' WHERE reason = 'fee' AND "
        "(subject_file_id, subject_line_no, leg) = (SELECT subject_file_id, subject_line_no, leg "
        "FROM posting WHERE reason = 'fee' LIMIT 1)",
        {"posting", "fee_balance", "trial_balance"},
    ),
    "claim": Altered(
        "UPDATE posting SET amount_yen = amount_yen + 1 WHERE reason = 'assessment' AND "
        "(subject_file_id, subject_line_no) = (SELECT file_id, line_no FROM assessment_event "
        "LIMIT 1)",
        {"claim_posting", "receivable_balance", "assessed_balance"},
    ),
    "journal gone": Altered(
        "DELETE FROM journal WHERE journal_id = (SELECT journal_id FROM posting "
        "WHERE reason = 'settled' LIMIT 1)",
        {"journal"},
    ),
    "instalment amount": Altered(
        "UPDATE instalment_account SET amount_yen = amount_yen + 1 WHERE "
        + one("instalment_account", "amount_yen > 0", "notice_id, term"),
        {"instalment_amount", "receivable_balance", "assessed_balance"},
    ),
    "instalment balance": Altered(
        "UPDATE instalment_account SET term_yen = term_yen - 1 WHERE "
        + one("instalment_account", "term_yen > 0 AND surplus_yen = 0", "notice_id, term"),
        {"instalment_balance", "receivable_balance"},
    ),
    "group sum": Altered(
        "UPDATE remittance_group SET confirmed_yen = confirmed_yen + 1 WHERE group_id = 1",
        {"group_sum"},
    ),
    "group fee": Altered(
        "UPDATE remittance_group SET fee_yen = fee_yen + 1 WHERE "
        + one("remittance_group", "agent = 'eltax'", "group_id"),
        {"group_fee"},
    ),
    "group credited": Altered(
        "UPDATE remittance_group SET credited_yen = 0 WHERE "
        + one("remittance_group", "credited_yen > 0", "group_id"),
        {"group_credited"},
    ),
    "group part": Altered(
        "UPDATE remittance_part SET confirmed_count = confirmed_count + 1 WHERE "
        + one("remittance_part", "1 = 1", "group_id, part"),
        {"group_part"},
    ),
    "deposit": Altered(
        "UPDATE deposit SET amount_yen = amount_yen + 1 WHERE " + one("deposit", "state = 'open'"),
        {"deposit", "posting"},
    ),
    "deposit state": Altered(
        "UPDATE deposit SET state = 'settled' WHERE " + one("deposit", "state = 'open'"),
        {"deposit", "posting"},
    ),
    "settlement": Altered(
        "UPDATE settlement SET amount_yen = amount_yen - 1 WHERE " + one("settlement", "1 = 1"),
        {"settlement", "posting", "group_credited", "confirmed_due_balance"},
    ),
}  # fmt: skip


def test_a_city_verifies_clean_on_sqlite(books):
    assert differences(books) == []


def test_two_processes_find_what_one_finds(books, monkeypatch):
    assert alter(books, ALTERED["line amount"].statement) == 1
    alone = differences(books)
    monkeypatch.setattr("reconcile.verify.everything.TWO_PROCESSES_FROM", 1)
    assert differences(books) == alone
    assert {difference.name for difference in alone} == ALTERED["line amount"].names


def test_the_second_process_knows_the_rates_that_this_one_knows(books, monkeypatch):
    """An installation may add years; without them every late sum of such a year seemed altered."""
    told = []

    class Pool(ProcessPoolExecutor):
        def __init__(self, workers, context, begin, rates):
            super().__init__(workers, context, begin, rates)
            told.append((begin, *rates))

    row = replace(shipped_rates().rows[-1], from_year=2027, to_year=2027)
    table = shipped_rates().with_rows((row,))
    monkeypatch.setattr("reconcile.verify.everything.ProcessPoolExecutor", Pool)
    monkeypatch.setattr("reconcile.verify.everything.TWO_PROCESSES_FROM", 1)
    try:
        know_rates(lambda: table)
        assert differences(books) == []
        know_rates(shipped_rates)
        ((begin, rates),) = told
        begin(rates)
        assert known_rates() == table
    finally:
        know_rates(shipped_rates)


@pytest.mark.postgres
def test_a_city_verifies_clean_on_postgresql_in_one_process_and_in_two(
    city, postgres_url, monkeypatch
):
    take_in_city(postgres_url, city)
    engine = open_engine(postgres_url)
    try:
        assert verify(engine, MUNICIPALITY) == []
        monkeypatch.setattr("reconcile.verify.everything.TWO_PROCESSES_FROM", 1)
        assert verify(engine, MUNICIPALITY) == []
    finally:
        engine.dispose()


def test_verify_shares_nothing_with_the_engine():
    engine = re.compile(
        r"reconcile\.(settlement|decision|deciding|flag|intake|match|pipeline|plain|post|rules"
        r"|tally|waiting)\b"
    )
    mine = [path for path in modules() if path.match("reconcile/verify/*.py")]
    assert len(mine) >= 10
    for path in mine:
        imported = [
            node.module or "" for node in ast.walk(tree(path)) if isinstance(node, ast.ImportFrom)
        ]
        assert [name for name in imported if engine.match(name)] == [], path.name


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_named(books, what):
    statement, names = ALTERED[what]
    assert alter(books, statement) >= 1
    assert {difference.name for difference in differences(books)} == names


def test_a_difference_says_where_it_is_and_what_should_stand_there(books):
    with closing(sqlite3.connect(books)) as connection:
        file_id, line_no, amount = connection.execute(
            "SELECT file_id, line_no, amount_yen FROM source_line WHERE stage = 'provisional' "
            "ORDER BY file_id, line_no LIMIT 1"
        ).fetchone()
    alter(
        books,
        f"UPDATE source_line SET amount_yen = 7 WHERE file_id = {file_id} AND line_no = {line_no}",
    )
    assert differences(books)[0] == Difference(
        "source_line", f"{file_id}:{line_no}", f"amount_yen={amount}", "amount_yen=7"
    )


def test_a_notification_is_read_again_too(books):
    body = json.dumps(
        {
            "collecting_body_code": "99999", "item_code": "999", "case_key": "9" * 20,
            "confirmation_no": "123456", "amount_yen": 4500, "paid_on": "2026-06-05",
            "channel": "app", "operator_code": "0820", "transaction_id": "TX-9",
        }
    ).encode()  # fmt: skip
    engine = open_engine(f"sqlite:///{books}")
    report = take_in(
        engine,
        MUNICIPALITY,
        Delivery("notification.json", body),
        received_on=date(2026, 6, 5),
        file_format=notification.FORMAT,
    )
    engine.dispose()
    assert report.status is FileStatus.ACCEPTED
    assert differences(books) == []
    alter(books, f"UPDATE source_line SET operator = 'x' WHERE file_id = {report.file_id}")
    assert [difference.name for difference in differences(books)] == ["source_line"]


def statement_of(day, before_yen):
    """A statement of one day on which 1,000 yen came in."""
    movement = zengin_statement.Movement(1, day, 1_000, payer_name="ﾐﾎﾝ")
    account = sample_profile().accounts[0]
    made = zengin_statement.Statement(account, "ﾐﾎﾝｼ", day, day, day, before_yen, (movement,))
    return zengin_statement.write([made])


@pytest.mark.parametrize(
    ("openings", "gaps"),
    [
        pytest.param([5_000, 6_000, 7_000], [], id="unbroken"),
        pytest.param([5_000, 7_000, 8_000], ["2026-06-02: 6000 7000"], id="a statement missing"),
        pytest.param([5_000, 6_000, 6_500], ["2026-06-03: 7000 6500"], id="another balance"),
    ],
)
def test_a_statement_opens_with_what_the_one_before_closed_with(sqlite_url, openings, gaps):
    engine = open_engine(sqlite_url)
    with unit_of_work(engine, MUNICIPALITY) as connection:
        save_profile(connection, sample_profile())
    # They come in any order.
    for number in (3, 1, 2):
        day = date(2026, 6, number)
        data = statement_of(day, openings[number - 1])
        take_in(engine, MUNICIPALITY, Delivery(f"{day}", data), received_on=day)
    found = verify(engine, MUNICIPALITY)
    engine.dispose()
    assert {difference.name for difference in found} == ({"statement_gap"} if gaps else set())
    assert [
        f"{difference.subject[-10:]}: {difference.expected} {difference.found}"
        for difference in found
    ] == gaps


def test_progress_counts_the_records_read_again(books, monkeypatch):
    monkeypatch.setattr("reconcile.verify.files._PORTION", 1)
    engine = open_engine(f"sqlite:///{books}")
    seen = []
    verify(engine, MUNICIPALITY, seen.append)
    engine.dispose()
    assert seen == sorted(seen)
    assert len(set(seen)) > 100


def test_the_command_passes_and_fails_with_the_name(books, tmp_path, monkeypatch):
    for name in ("KOKIN_HOME", "KOKIN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KOKIN_HOME", str(tmp_path))
    monkeypatch.setenv("KOKIN_DATABASE_URL", f"sqlite:///{books}")
    assert CliRunner().invoke(main, ["verify"]).exit_code == 0
    alter(books, ALTERED["posting amount"][0])
    result = CliRunner().invoke(main, ["verify"])
    assert result.exit_code == 1
    assert "（instalment_balance）" in result.output


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_the_books_of_invented_cities_hold_together(sqlite_template, tmp_path, steps):
    # These cities are made without files: everything but the evidence itself is verified. Their
    # assessments have no file either, so that only the claim's own order is unknown.
    path = tmp_path / "invented.sqlite"
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    shutil.copyfile(sqlite_template, path)
    invented = EngineCity(f"sqlite:///{path}", sample_profile())
    play(invented, steps)  # type: ignore[arg-type]  # it is asked in the model's way
    with reading(invented.engine, MUNICIPALITY) as connection:
        store = Store(connection, sample_profile())
        walk = LineWalk(store)
        found = [
            *walk.differences(),
            *instalments(store),
            *pay_keys(store),
            *decisions(store),
            *journals(store),
            *groups(store, walk),
            *ledger(store, walk),
        ]
    invented.close()
    names = {"instalment_amount", "claim_posting"}
    assert [difference for difference in found if difference.name not in names] == []
