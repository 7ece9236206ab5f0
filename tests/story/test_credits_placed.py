"""Two people answer what the bank brought to the sample city; every total still agrees."""

from __future__ import annotations

import shutil
import uuid
from datetime import UTC, date, datetime

import pytest
from reference_rows import sample_profile
from sample_folder import SampleFolder
from sqlalchemy import text

from payments import approve
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.model import Delivery
from reconcile.pipeline import reconcile_waiting, take_in
from reconcile.placement.credit_ask import CreditPlacement, ask_credit_placement
from reconcile.placement.credit_placing import carry_out
from reconcile.placement_model import Part
from reconcile.registers import import_assessments, import_slips
from reconcile.report.period import day_report
from reconcile.suggest.candidates import suggestions_for
from reconcile.suggest.rules import Level
from reconcile.verify.everything import verify
from sample_data.city import make

CODE = "99999"
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
AT = datetime(2026, 6, 5, 1, 0, tzinfo=UTC)
OPEN = """
SELECT d.file_id, d.line_no, o.outcome FROM deposit d
JOIN line_outcome o ON o.municipality_code = d.municipality_code AND o.file_id = d.file_id
 AND o.line_no = d.line_no
WHERE d.municipality_code = :m AND d.state = 'open' AND d.agent = '' AND NOT EXISTS (
    SELECT 1 FROM line_outcome n WHERE n.municipality_code = o.municipality_code
     AND n.file_id = o.file_id AND n.line_no = o.line_no AND n.revision > o.revision)
ORDER BY d.file_id, d.line_no"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("credits") / "city"
    make(out, obligors=60, days=4, seed=2, start=date(2026, 6, 1))
    return SampleFolder(out)


@pytest.fixture(params=KINDS)
def city(request, folder, tmp_path):
    """The sample city, taken in whole; gives its engine and its last day."""
    name = f"credits_{uuid.uuid4().hex}"
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / name)
        engine = open_engine(f"sqlite:///{tmp_path / name}")
    else:
        cluster = request.getfixturevalue("postgres_cluster")
        template = request.getfixturevalue("postgres_template")
        engine = open_engine(cluster.create_database(name, template=template))
    fill(engine, folder)
    yield engine, folder.days[-1][0]
    engine.dispose()
    if request.param != "sqlite":
        cluster.drop_database(name)


def fill(engine, folder):
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, sample_profile())
    first = folder.days[0][0]
    for name, importer in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (folder.path / name).read_bytes())
        importer(engine, CODE, delivery, received_on=first)
    for day, paths in folder.days:
        for path in paths:
            take_in(engine, CODE, Delivery(path.name, path.read_bytes()), received_on=day)
        reconcile_waiting(engine, CODE, as_of=day)


def decide(engine, placement, on):
    """Both people."""
    profile = sample_profile()
    with unit_of_work(engine, CODE) as connection:
        asked = ask_credit_placement(
            connection, profile, placement, asked_by="ichiro", at=AT, reason="通帳と照合"
        )
        done = approve.decide(
            connection, CODE, asked.approval_id, "approved", decided_by="jiro", at=AT
        )
        carry_out(connection, profile, done, on=on)


def all_ties(engine, on):
    """`kokin verify` finds nothing, and the checks about all books agree."""
    assert verify(engine, CODE) == []
    with reading(engine, CODE) as connection:
        report = day_report(connection, sample_profile(), on)
    assert [check.code for check in report.checks if check.scope == "all" and not check.ok] == []
    return report


def test_what_was_surely_meant_is_placed_and_taken_back_and_every_total_agrees(city):
    engine, last = city
    all_ties(engine, last)
    with reading(engine, CODE) as connection:
        waiting = connection.execute(text(OPEN), {"m": CODE}).all()
        suggested = {
            (row.file_id, row.line_no): suggestions_for(
                connection, sample_profile(), row.file_id, row.line_no
            )
            for row in waiting
        }
    assert {row.outcome for row in waiting} >= {"direct_transfer", "unidentified_deposit"}
    placed = []
    for line, found in suggested.items():
        if found and found[0].level is Level.SURE:
            parts = tuple(Part(p.notice_id, p.term, p.amount_yen) for p in found[0].parts)
            decide(engine, CreditPlacement(*line, parts, learn_alias=True), last)
            placed.append(line)
    assert placed
    report = all_ties(engine, last)
    assert sum(row.amount_yen for row in report.revenue if row.channel == "bank") > 0
    for line in placed:
        decide(engine, CreditPlacement(*line), last)
    report = all_ties(engine, last)
    assert sum(row.amount_yen for row in report.revenue if row.channel == "bank") == 0
