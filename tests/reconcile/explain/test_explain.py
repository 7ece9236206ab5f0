"""An explanation says what the engine did, from the records of that moment."""

from __future__ import annotations

import json
import shutil
import uuid
from datetime import date
from typing import Any

import pytest
from engine_city import EngineCity
from hypothesis import HealthCheck, given, settings
from reference_author import play
from reference_lines import debit_line, eltax_line, file_of, konbini_line
from reference_rows import sample_profile
from reference_strategies import scenarios
from reference_town import NOTICE, assessment, slip
from sqlalchemy import text

from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.explain.answer import (
    explain_case,
    explain_claim,
    explain_credit,
    explain_line,
    explain_number,
    explain_place,
    explain_receipt,
    explain_slip,
)
from reconcile.explain.rules import FACTS, facts_of, try_rules
from reconcile.find import find_file
from reconcile.model import Channel, Delivery
from reconcile.pipeline import reconcile_waiting, take_in
from reconcile.registers import import_assessments, import_slips
from reconcile.rules import RULES, SETTLEMENT_OUTCOMES
from sample_data.city import make

CODE = "99999"
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
OUTCOMES_EACH = 2  # lines explained per outcome and rule

# outcomes.md 3 to 6 and 9 read once more, by a person: what must be true of the facts compared.
TABLE = {
    "I1": lambda f: f["fixed"] == "repeat",
    "I2": lambda f: f["fixed"] == "conflict",
    "P01": lambda f: f["fault"],
    "D1": lambda f: f["is_debit"] and f["kind"] in set("123489"),
    "S1": lambda f: f["stage"] == "confirmed" and f["partner"] is not None,
    "S2": lambda f: f["stage"] == "withdrawal" and f["partner"] is not None,
    "S3": lambda f: f["stage"] == "withdrawal" and f["confirmed_before"],
    "S4": lambda f: f["stage"] == "withdrawal" and f["partner"] is None,
    "S5": lambda f: f["stage"] == "provisional" and f["partner"] is not None,
    "P02": lambda f: not f["is_ours"],
    "P03": lambda f: not f["known"] and not f["key_valid"],
    "P04": lambda f: not f["known"] and f["key_valid"],
    "P05": lambda f: f["known"] and f["instalment_yen"] == 0,
    "P06": lambda f: (
        f["outstanding"] == 0 and f["applied_before_yen"] > 0 and f["alternative_yen"] == 0
    ),
    "P07": lambda f: f["alternative_yen"] > 0,
    "P08": lambda f: f["superseded"] and f["alternative_yen"] == 0,
    "P09": lambda f: f["is_el"] and f["amount"] != f["slip_yen"],
    "P10": lambda f: f["amount"] < min(f["slip_yen"], f["outstanding"]),
    "P11": lambda f: f["amount"] > min(f["slip_yen"], f["outstanding"]),
    "P12": lambda f: f["amount"] == f["due"] and f["paid_on"] > f["valid_until"],
    "P13": lambda f: f["amount"] == min(f["slip_yen"], f["outstanding"]) and not f["superseded"],
    "B1": lambda f: f["direction"] == "debit",
    "B2": lambda f: f["single"] == 1,
    "B3": lambda f: f["single"] == 0 and f["combinations"] == 1,
    "B4": lambda f: f["agent"] and f["single"] != 1,
    "B5": lambda f: f["is_returned"],
    "B6": lambda f: f["suggested"],
    "B7": lambda f: not f["agent"],
    "B8": lambda f: f["direction"] == "cancel",
    "B9": lambda f: not f["is_money"],
    "V1": lambda f: (f["count"], f["gross_yen"]) == (f["confirmed_count"], f["confirmed_yen"]),
    "V2": lambda f: (f["count"], f["gross_yen"]) != (f["confirmed_count"], f["confirmed_yen"]),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("explain") / "city"
    make(out, obligors=60, days=4, seed=2, start=date(2026, 6, 1))
    return out


@pytest.fixture(scope="module", params=KINDS)
def city_engine(request, folder, tmp_path_factory):
    """The sample city, taken in whole, once per kind of database."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("explain") / "city.sqlite"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        engine = open_engine(f"sqlite:///{path}")
        _fill(engine, folder)
        yield engine
        engine.dispose()
        return
    cluster = request.getfixturevalue("postgres_cluster")
    template = request.getfixturevalue("postgres_template")
    name = f"explain_{uuid.uuid4().hex}"
    engine = open_engine(cluster.create_database(name, template=template))
    _fill(engine, folder)
    yield engine
    engine.dispose()
    cluster.drop_database(name)


@pytest.fixture
def city(city_engine):
    """A connection that reads the sample city."""
    with reading(city_engine, CODE) as connection:
        yield connection


def _fill(engine, folder):
    with unit_of_work(engine, CODE) as connection:
        save_profile(connection, sample_profile())
    days = sorted((folder / "inbox").iterdir())
    first = date.fromisoformat(days[0].name)
    for name, importer in (("assessments.csv", import_assessments), ("slips.csv", import_slips)):
        delivery = Delivery(name, (folder / name).read_bytes())
        importer(engine, CODE, delivery, received_on=first)
    for day in days:
        for path in sorted(day.iterdir()):
            delivery = Delivery(path.name, path.read_bytes())
            take_in(engine, CODE, delivery, received_on=date.fromisoformat(day.name))
        reconcile_waiting(engine, CODE, as_of=date.fromisoformat(day.name))


def _lines(connection):
    """A few lines of every outcome and rule: (file, line) → the revisions recorded."""
    rows = connection.execute(
        text(
            "SELECT file_id, line_no, revision, outcome, rule, applied_yen, suspense_yen "
            "FROM line_outcome WHERE municipality_code = :m ORDER BY file_id, line_no, revision"
        ),
        {"m": CODE},
    ).all()
    seen: dict[tuple[str, str, int], int] = {}
    lines: dict[tuple[int, int], list] = {}
    for row in rows:
        lines.setdefault((row.file_id, row.line_no), []).append(tuple(row[2:]))
    for place, revisions in list(lines.items()):
        kinds = [(outcome, rule, len(revisions)) for _, outcome, rule, _, _ in revisions]
        if all(seen.get(kind, 0) >= OUTCOMES_EACH for kind in kinds):
            del lines[place]
        for kind in kinds:
            seen[kind] = seen.get(kind, 0) + 1
    return lines


def test_every_outcome_is_explained_by_the_rule_that_the_engine_recorded(city, folder):
    rules, outcomes = set(), set()
    for (file_id, line_no), recorded in _lines(city).items():
        story = explain_line(city, CODE, file_id, line_no).stories[0]
        found = [
            (d.revision, d.outcome, d.rule, d.applied_yen, d.suspense_yen) for d in story.decisions
        ]
        assert found == recorded
        evidence = story.evidence
        data = next(folder.rglob(evidence.file_name)).read_bytes()
        record = data[evidence.byte_offset : evidence.byte_offset + evidence.byte_length]
        assert bytes.fromhex(evidence.hex) == record
        assert evidence.proof == "unproven"
        for decision in story.decisions:
            outcomes.add(decision.outcome)
            if not decision.tests:
                assert decision.outcome == "withdrawn" or decision.unknown == ("entered_first",)
                continue
            rules.add(decision.rule)
            assert decision.agrees, (evidence.file_name, line_no, decision)
            assert [test.holds for test in decision.tests[:-1]] == [False] * (
                len(decision.tests) - 1
            )
            assert decision.tests[-1].holds
            assert TABLE[decision.rule](decision.facts), decision
    assert rules == TABLE.keys()
    assert outcomes == {rule.outcome for rule in RULES} | SETTLEMENT_OUTCOMES.keys()


def test_postings_of_a_story_add_up_to_its_decision(city):
    for (file_id, line_no), recorded in _lines(city).items():
        story = explain_line(city, CODE, file_id, line_no).stories[0]
        if story.evidence.channel in {"bank", "advice"}:
            continue
        balance = {"receivable": 0, "suspense": 0}
        for booking in story.bookings:
            if booking.credit_account in balance:
                balance[booking.credit_account] += booking.amount_yen
            if booking.debit_account in balance:
                balance[booking.debit_account] -= booking.amount_yen
        assert (balance["receivable"], balance["suspense"]) == recorded[-1][3:], story.evidence
        reversals = sum(booking.reason == "reversal" for booking in story.bookings)
        assert sum(booking.reversed_in is not None for booking in story.bookings) == reversals


def test_an_explanation_is_json_and_the_same_on_every_database(city, folder):
    texts = [
        json.dumps(explain_line(city, CODE, *place).as_json(), ensure_ascii=False)
        for place in _lines(city)
    ]
    sizes = folder.with_name("explained.json")
    known = [json.loads(_timeless(text)) for text in texts]
    if sizes.exists():
        assert known == json.loads(sizes.read_text("utf-8"))
    sizes.write_text(json.dumps(known), "utf-8")


def _timeless(text):
    """Without the moments at which this test ran."""
    values = json.loads(text)

    def strip(value):
        if isinstance(value, dict):
            return {k: strip(v) for k, v in value.items() if not k.endswith("_at")}
        return [strip(v) for v in value] if isinstance(value, list) else value

    return json.dumps(strip(values))


def test_numbers_are_recognised_by_what_they_are(city):
    found = city.execute(
        text(
            "SELECT s.*, n.item_code, n.levy_year, n.notice_no, i.debit_no FROM receipt r "
            "JOIN slip s ON s.municipality_code = :m AND s.slip_id = r.slip_id "
            "JOIN notice n ON n.municipality_code = :m AND n.notice_id = s.notice_id "
            "JOIN instalment i ON i.municipality_code = :m AND i.notice_id = s.notice_id "
            "AND i.term = s.term WHERE r.municipality_code = :m AND s.el_number IS NOT NULL "
            "AND s.konbini_barcode IS NOT NULL ORDER BY r.file_id, r.line_no LIMIT 1"
        ),
        {"m": CODE},
    ).one()
    place = (found.notice_id, found.term)
    notice = f"{found.item_code}/{found.levy_year}/{found.notice_no}"
    spaced = f"{found.el_number[:5]} {found.el_number[5:25]}-{found.el_number[25:]}"
    slips = (found.slip_no, found.el_number, spaced, found.konbini_barcode)
    for number in (*slips, found.debit_no, f"{notice}/{found.term}"):
        explanation = explain_number(city, CODE, number)
        assert (explanation.subject["notice_id"], explanation.subject["term"]) == place, number
        assert explanation.stories
        assert found.slip_no in {v["slip_no"] for v in explanation.slip.versions}
    for number in (found.notice_no, notice):
        subject = explain_number(city, CODE, number).subject
        assert (subject["kind"], subject["notice_id"]) == ("notice", found.notice_id)
    by_number = explain_slip(city, CODE, found.slip_no)
    assert by_number.stories == explain_claim(city, CODE, *place).stories
    assert by_number.bookings[0].reason == "assessment"


def test_files_are_found_by_name_or_hash_and_never_guessed(city):
    row = city.execute(
        text(
            "SELECT file_id, name, sha256 FROM source_file WHERE municipality_code = :m "
            "AND channel = 'bank' AND status = 'accepted' ORDER BY file_id LIMIT 1"
        ),
        {"m": CODE},
    ).one()
    assert find_file(city, CODE, row.name) == find_file(city, CODE, row.sha256[:12]) == row.file_id
    assert explain_place(city, CODE, f"{row.name}:2") == (row.file_id, 2)
    with pytest.raises(NotFoundError, match="explain_file"):
        find_file(city, CODE, "no such file")
    with pytest.raises(InvalidValueError, match="explain_place"):
        explain_place(city, CODE, row.name)
    with pytest.raises(NotFoundError, match="explain_line"):
        explain_line(city, CODE, row.file_id, 1)  # the header
    with pytest.raises(NotFoundError, match="explain_number"):
        explain_number(city, CODE, "12345")
    with pytest.raises(NotFoundError, match="explain_claim"):
        explain_claim(city, CODE, 987_654)
    with pytest.raises(NotFoundError, match="case"):
        explain_case(city, CODE, 987_654)
    credit = _place(city, "settled")
    story = explain_credit(city, CODE, *credit).stories[0]
    assert story.decisions[-1].candidates
    assert any(group["chosen"] for group in story.decisions[-1].candidates)
    with pytest.raises(RefusedError, match="explain_receipt"):
        explain_receipt(city, CODE, *credit)
    with pytest.raises(RefusedError, match="explain_credit"):
        explain_credit(city, CODE, *_place(city, "matched"))


def _place(connection, outcome):
    row = connection.execute(
        text(
            "SELECT file_id, line_no FROM line_outcome WHERE municipality_code = :m "
            "AND outcome = :outcome ORDER BY file_id, line_no LIMIT 1"
        ),
        {"m": CODE, "outcome": outcome},
    ).one()
    return row.file_id, row.line_no


def test_a_name_that_several_carry_is_refused_with_all_of_them(town):
    received = date(2026, 6, 20)
    reports = [
        take_in(town.engine, CODE, Delivery("same.csv", data), received_on=received)
        for data in (b"one", b"another")
    ]
    town.assess([assessment("01", 5_000, item_code="902", whole_year_group="")])
    with reading(town.engine, CODE) as connection:
        with pytest.raises(RefusedError, match="explain_files") as refusal:
            find_file(connection, CODE, "same.csv")
        assert all(r.sha256[:16] in str(refusal.value.details["expected"]) for r in reports)
        assert find_file(connection, CODE, reports[1].sha256) == reports[1].file_id
        with pytest.raises(RefusedError, match="explain_notices") as refusal:
            explain_number(connection, CODE, NOTICE)
        assert refusal.value.details["expected"] == f"901/2026/{NOTICE}、902/2026/{NOTICE}"
        found = explain_number(connection, CODE, f"902/2026/{NOTICE}/01")
        assert found.slip.facts["amount_yen"] == 5_000
        with pytest.raises(NotFoundError, match="explain_number"):
            explain_number(connection, CODE, f"902/2026/{NOTICE}/04")


def test_a_confirmation_leads_to_its_receipt_and_the_money(city):
    file_id, line_no = _place(city, "confirms")
    receipt = explain_receipt(city, CODE, file_id, line_no)
    assert receipt.subject["kind"] == "receipt"
    assert (receipt.subject["file_id"], receipt.subject["line_no"]) != (file_id, line_no)
    story = receipt.stories[0]
    assert "confirmed_by" in {other.relation for other in story.others}
    assert "confirmed" in {later.event for later in story.later}
    confirming = explain_line(city, CODE, file_id, line_no).stories[0]
    assert "confirms" in {other.relation for other in confirming.others}


def test_every_case_leads_to_what_it_is_about(city):
    cases = city.execute(
        text("SELECT case_no, kind FROM review_case WHERE municipality_code = :m ORDER BY case_no"),
        {"m": CODE},
    ).all()
    first = {kind: case_no for case_no, kind in reversed(cases)}
    for kind, case_no in first.items():
        explanation = explain_case(city, CODE, case_no)
        assert explanation.case.kind == kind
        if kind not in {"remittance_overdue", "late_confirmation"}:
            assert explanation.stories or explanation.slip
        for story in explanation.stories:
            if kind == story.decisions[-1].outcome:
                assert case_no in {case.case_no for case in story.cases}
    assert len(first) > 10


def test_all_facts_of_the_rules_are_named():
    assert {fact for rule in RULES for fact in facts_of(rule.condition)} == FACTS.keys()
    assert set(TABLE) >= {rule.code for rule in RULES}


# ---- facts that have changed since ----


@pytest.fixture
def town(database_url):
    """One notice of 10,000 and 8,000 yen with slips for both and for the whole year."""
    town = EngineCity(database_url, sample_profile())
    town.assess([assessment("01", 10_000), assessment("02", 8_000)])
    town.register_slips([slip("01", 10_000), slip("02", 8_000), slip("00", 18_000)])
    yield town
    town.close()


def _pay(town, channel, *records, received="2026-06-20"):
    file = file_of(channel, records, date.fromisoformat(received))
    report = town.intake(**file.arguments)
    return report.file_id, [record.report.line_no for record in file.records]


def _shop(yen, kind="01", row=None, **other):
    code = (row or slip("01", 10_000)).konbini_barcode
    values = {"kind": kind, "paid_on": "2026-06-10", "amount_yen": yen, "code": code}
    return konbini_line(**values | other)


def _first(town, file_id, line_no):
    with reading(town.engine, CODE) as connection:
        return explain_line(connection, CODE, file_id, line_no).stories[0]


def test_a_correction_after_the_payment_does_not_change_why_it_was_taken(town):
    file_id, (line_no,) = _pay(town, Channel.KONBINI, _shop(10_000))
    town.assess([assessment("01", 6_000, "correction")])
    town.register_slips([slip("01", 6_000, 2)])
    story = _first(town, file_id, line_no)
    decision = story.decisions[0]
    assert (decision.outcome, decision.agrees) == ("matched", True)
    facts = decision.facts
    assert (facts["outstanding"], facts["due"], facts["instalment_yen"]) == (10_000, 10_000, 10_000)
    assert (facts["slip_no"], facts["slip_version"]) == (f"S{NOTICE}-01-1", 1)
    assert not facts["superseded"]
    # Today the claim is smaller, and what it no longer holds has moved to suspense.
    assert (story.slip.facts["amount_yen"], story.slip.facts["applied_yen"]) == (6_000, 6_000)
    told = [(later.event, later.facts["amount_yen"]) for later in story.later]
    assert told == [("corrected", -4_000), ("surplus", 4_000)]


def test_what_is_paid_later_does_not_change_why_an_earlier_payment_was_short(town):
    file_id, (line_no,) = _pay(town, Channel.KONBINI, _shop(4_000))
    second, (other,) = _pay(town, Channel.KONBINI, _shop(6_000, paid_at="1555"))
    _pay(town, Channel.KONBINI, _shop(10_000, paid_at="1666"))
    assert _first(town, file_id, line_no).decisions[0].facts["outstanding"] == 10_000
    facts = _first(town, second, other).decisions[0].facts
    assert (facts["outstanding"], facts["applied_before_yen"]) == (6_000, 4_000)
    assert facts["paid_by"] == f"{file_id}:{line_no}"


def test_payments_of_one_file_see_each_other_in_their_turns(town):
    lines = [_shop(10_000, paid_at=f"12{number:02d}") for number in range(3)]
    file_id, numbers = _pay(town, Channel.KONBINI, *lines)
    decisions = [_first(town, file_id, number).decisions[0] for number in numbers]
    assert [d.outcome for d in decisions] == ["matched", "duplicate", "duplicate"]
    assert [d.facts["outstanding"] for d in decisions] == [10_000, 0, 0]
    assert all(d.agrees for d in decisions)


def test_a_payment_decided_again_shows_both_moments(town):
    first, (line,) = _pay(town, Channel.KONBINI, _shop(10_000))
    second, (other,) = _pay(town, Channel.KONBINI, _shop(10_000, paid_at="1555"))
    withdrawal, (taker,) = _pay(town, Channel.KONBINI, _shop(10_000, "03"))
    story = _first(town, second, other)
    assert [(d.outcome, d.facts["outstanding"]) for d in story.decisions] == [
        ("duplicate", 0), ("matched", 10_000),
    ]  # fmt: skip
    assert all(d.agrees for d in story.decisions)
    assert [later.event for later in story.later] == ["decided_again"]
    taken = _first(town, first, line)
    assert [d.outcome for d in taken.decisions] == ["matched", "withdrawn"]
    assert [(o.relation, o.file_id, o.line_no) for o in taken.others] == [
        ("same_number", second, other), ("withdrawn_by", withdrawal, taker),
    ]  # fmt: skip
    assert [later.event for later in taken.later] == ["withdrawn"]
    assert [b.reversed_in is not None for b in taken.bookings] == [True, False]


def test_a_whole_year_payment_is_told_by_its_instalments(town):
    whole = slip("00", 18_000)
    file_id, (line_no,) = _pay(town, Channel.KONBINI, _shop(18_000, row=whole))
    story = _first(town, file_id, line_no)
    facts = story.decisions[0].facts
    assert (facts["term"], facts["outstanding"], facts["alternative_yen"]) == ("00", 18_000, 0)
    assert [(b.place[-2:], b.amount_yen) for b in story.bookings] == [("01", 10_000), ("02", 8_000)]
    later_file, (later,) = _pay(town, Channel.KONBINI, _shop(10_000))
    decision = _first(town, later_file, later).decisions[0]
    assert (decision.outcome, decision.facts["alternative_yen"]) == ("alternative_paid", 10_000)
    assert decision.facts["paid_by"] == f"{file_id}:{line_no}"


def test_the_same_transaction_confirmed_twice_with_other_words_is_a_conflict(town):
    row = slip("01", 10_000)
    made: dict[str, Any] = {
        "el_key": row.el_key, "paid_on": "2026-06-10", "amount_yen": 10_000,
    }  # fmt: skip
    confirmed: dict[str, Any] = {
        "remittance_no": "R1", "remitted_on": "2026-06-25", "transaction_id": "TX-9",
    }  # fmt: skip
    _pay(town, Channel.ELTAX, eltax_line(kind="2", **made, **confirmed))
    moved = confirmed | {"remitted_on": "2026-06-26", "remittance_no": "R2"}
    file_id, (line_no,) = _pay(town, Channel.ELTAX, eltax_line(kind="2", **made, **moved))
    story = _first(town, file_id, line_no)
    assert (story.decisions[0].rule, story.decisions[0].agrees) == ("I2", True)
    assert [(other.relation, other.outcome) for other in story.others] == [
        ("same_record", "matched")
    ]


def test_rules_are_asked_in_their_order_until_one_holds(town):
    facts = dict.fromkeys(FACTS, 0) | {"fixed": None, "fault": None, "partner": None, "kind": "2"}
    facts |= {"stage": "withdrawal", "confirmed_before": 1}
    with reading(town.engine, CODE) as connection:
        tests = try_rules(connection, facts)
    codes = [rule.code for rule in RULES]
    assert [test.code for test in tests] == codes[: codes.index("S3") + 1]
    assert [test.code for test in tests if test.holds] == ["S3"]
    assert tests[-1].facts == {"stage": "withdrawal", "confirmed_before": 1}
    assert TABLE["S3"](facts)


def test_a_debit_asks_for_what_its_instalment_was_then(town):
    number = f"2026901{NOTICE.rjust(11, '0')}01"
    line = debit_line(customer_no=number, amount_yen=10_000, code="0", debit_on="2026-06-30")
    file_id, (line_no,) = _pay(town, Channel.DEBIT, line, received="2026-07-02")
    town.assess([assessment("01", 12_000, "correction")])
    facts = _first(town, file_id, line_no).decisions[0].facts
    assert (facts["slip_yen"], facts["due"]) == (10_000, 10_000)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_invented_cities_are_explained_without_a_contradiction(sqlite_template, tmp_path, steps):
    path = tmp_path / "city.sqlite"
    shutil.copy(sqlite_template, path)
    for leftover in ("-wal", "-shm"):
        path.with_name(path.name + leftover).unlink(missing_ok=True)
    city = EngineCity(f"sqlite:///{path}", sample_profile())
    try:
        play(city, list(steps))  # type: ignore[arg-type]  # the engine is asked in the same way
        with reading(city.engine, city.code) as connection:
            places = connection.execute(text("SELECT file_id, line_no FROM source_line")).all()
            for file_id, line_no in places:
                story = explain_line(connection, city.code, file_id, line_no).stories[0]
                assert story.decisions
                assert [d for d in story.decisions if d.agrees is False] == []
    finally:
        city.close()
