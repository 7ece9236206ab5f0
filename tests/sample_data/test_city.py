from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from datetime import date

import pytest
from reference_model import ReferenceCity
from reference_rows import AssessmentRow, SlipRow, sample_profile
from sample_folder import SampleFolder

from payments.domain.errors import InvalidValueError
from reconcile.formats import assessments, slip_register, vehicle_register
from reconcile.formats.detect import detect
from reconcile.model import Finding, ReadContext, Severity
from sample_data.city import make, sample
from sample_data.city.scenarios import SCENARIOS

# Every outcome of outcomes.md 3 to 7. (`duplicate_file` is a file's status, no line's outcome.)
OUTCOMES = {
    "repeat", "conflict",
    "malformed", "other_municipality", "invalid_key", "unknown_slip", "cancelled_assessment",
    "duplicate", "alternative_paid", "superseded_slip", "amount_mismatch", "short", "over",
    "expired_slip", "matched",
    "confirms", "withdraws", "withdrawn", "withdrawal_after_confirmation", "withdrawal_unmatched",
    "debit_failed",
    "outgoing", "settled", "settlement_difference", "refund_returned", "direct_transfer",
    "unidentified_deposit", "information", "advised", "advice_difference",
}  # fmt: skip
OBLIGORS, DAYS, SEED = 300, 5, 11


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    out = tmp_path_factory.mktemp("city") / "city"
    make(out, obligors=OBLIGORS, days=DAYS, seed=SEED)
    return SampleFolder(out)


def read(path, received_on):
    """A file as a format reads it: its reading, all lines taken, or the refusal."""
    found = detect(path.read_bytes())
    if isinstance(found, Finding):
        return found, []
    reading = found.read(path.read_bytes(), ReadContext(received_on, sample_profile()))
    return reading, list(reading.lines)


def readings(city):
    """(path, reading, lines) of every file that has lines that count."""
    statuses = city.statuses
    for received_on, paths in city.days:
        for path in paths:
            if statuses[path.name] == "accepted":
                yield path, *read(path, received_on)


def registers(city):
    """The rows of the assessment file and of the slip register."""
    for name, row in (("assessments.csv", AssessmentRow), ("slips.csv", SlipRow)):
        with (city.path / name).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))[:-1]  # without the trailer
        yield [made(row, values) for values in rows]


def made(row, values):
    """A register row; the amount is a number."""
    return row(**{**values, "amount_yen": int(values["amount_yen"])})


def test_the_same_seed_gives_the_same_bytes(city, tmp_path):
    make(tmp_path / "again", obligors=OBLIGORS, days=DAYS, seed=SEED)
    assert SampleFolder(tmp_path / "again").contents == city.contents


def test_another_seed_gives_another_city(city, tmp_path):
    make(tmp_path / "other", obligors=OBLIGORS, days=DAYS, seed=SEED + 1)
    other = SampleFolder(tmp_path / "other").contents
    assert other["assessments.csv"] != city.contents["assessments.csv"]
    assert other["truth.csv"] != city.contents["truth.csv"]


def test_every_outcome_happens_in_a_small_city(city):
    assert {ending.outcome for ending in city.truth} == OUTCOMES


def test_the_bulk_is_ordinary(tmp_path):
    summary = make(tmp_path / "large", obligors=4_000, days=DAYS, seed=SEED)
    ordinary = sum(
        summary.outcomes[outcome]
        for outcome in ("matched", "confirms", "advised", "information", "settled")
    )
    assert ordinary > 0.95 * summary.lines
    assert 3.5 < summary.instalments / summary.obligors < 4.5


def test_truth_is_in_the_order_of_intake_and_file_names_are_unique(city):
    names = [path.name for _, paths in city.days for path in paths]
    assert len(set(names)) == len(names)
    places = [(names.index(ending.file_name), ending.line_no) for ending in city.truth]
    assert places == sorted(set(places))


def test_the_csv_files_are_utf_8_with_crlf(city):
    for name in ("truth.csv", "expected_files.csv", "README.txt"):
        data = city.contents[name]
        assert data.decode("utf-8").count("\n") == data.count(b"\r\n") > 0


def test_every_line_of_every_good_file_has_a_truth_and_reads_without_findings(city):
    expected = defaultdict(list)
    for ending in city.truth:
        expected[ending.file_name].append(ending.line_no)
    read_names = set()
    for path, reading, lines in readings(city):
        assert reading.findings == [], path.name
        assert [line.line_no for line in lines] == expected[path.name], path.name
        read_names.add(path.name)
    assert set(expected) <= read_names


def test_only_malformed_lines_have_a_fault(city):
    outcomes = {(ending.file_name, ending.line_no): ending.outcome for ending in city.truth}
    faulty = {
        (path.name, line.line_no)
        for path, _, lines in readings(city)
        for line in lines
        if line.fault is not None
    }
    assert faulty == {place for place, outcome in outcomes.items() if outcome == "malformed"}


def test_faulty_files_are_stopped_as_expected(city):
    stopped = set()
    for received_on, paths in city.days:
        for path in paths:
            status = city.statuses[path.name]
            if status not in {"quarantined", "refused"}:
                continue
            found, _ = read(path, received_on)
            findings = [found] if isinstance(found, Finding) else found.findings
            refused = any(finding.severity is Severity.REFUSED for finding in findings)
            assert findings, path.name
            assert ("refused" if refused else "quarantined") == status, path.name
            stopped.add(path.name.partition("_x_")[2])
    assert len(stopped) == 19  # one kind of damage is done to two formats


def test_a_file_comes_twice_and_a_nil_report_comes_twice(city):
    by_hash = defaultdict(list)
    for name, data in city.contents.items():
        by_hash[hashlib.sha256(data).hexdigest()].append(name.rpartition("/")[2])
    twice = sorted(sorted(names) for names in by_hash.values() if len(names) > 1)
    assert [len(names) for names in twice] == [2, 2]
    statuses = city.statuses
    assert {statuses[name] for name in twice[0]} == {"accepted"}  # nil reports
    assert [statuses[name] for name in twice[1]] == ["accepted", "duplicate_file"]


def test_what_a_line_books_is_its_amount(city):
    amounts = {
        (path.name, line.line_no): line.amount_yen
        for path, _, lines in readings(city)
        for line in lines
    }
    booking = [e for e in city.truth if e.applied_yen or e.suspense_yen]
    assert len(booking) > 100
    for ending in booking:
        booked = ending.applied_yen + ending.suspense_yen
        assert booked == amounts[ending.file_name, ending.line_no], ending


def test_no_notice_is_paid_more_than_it_owes(city):
    assessed, slips = registers(city)
    owed = {}
    for row in assessed:  # a later line of an instalment is its new amount
        owed[row.item_code, row.notice_no.zfill(11), row.term] = row.amount_yen
    keys = {}
    for slip in slips:
        notice = (slip.item_code, slip.notice_no.zfill(11))
        terms = [key[2] for key in owed if key[:2] == notice and slip.term in {"00", key[2]}]
        keys[slip.el_key] = keys[slip.konbini_barcode[8:30]] = (notice, terms)
    paid: dict[tuple[str, str, str], int] = defaultdict(int)
    whole: dict[tuple[str, str], int] = defaultdict(int)
    applied = {(e.file_name, e.line_no): e.applied_yen for e in city.truth if e.applied_yen}
    for path, _, lines in readings(city):
        for line in lines:
            yen = applied.get((path.name, line.line_no), 0)
            if not yen:
                continue
            if line.key_kind == "debit":
                key = line.slip_key
                notice, terms = (key[4:7], key[7:18]), [key[18:]]
            else:
                notice, terms = keys[line.slip_key + line.reissue]
            whole[notice] += yen
            if len(terms) == 1:
                paid[*notice, terms[0]] += yen
    assert whole
    for place, yen in paid.items():
        assert yen <= owed[place], place
    for notice, yen in whole.items():
        assert yen <= sum(amount for place, amount in owed.items() if place[:2] == notice), notice


def test_the_registers_read_without_findings(city):
    context = ReadContext(city.days[0][0], sample_profile())
    for name, register in (
        ("assessments.csv", assessments),
        ("slips.csv", slip_register),
        ("vehicles.csv", vehicle_register),
    ):
        data = (city.path / name).read_bytes()
        reading = register.read(data, context)
        assert list(reading.lines), name
        assert reading.findings == [], name


def test_the_second_reading_of_the_contract_agrees_with_the_truth(city):
    """参照モデル: what the scenarios say and what the reference model makes of the files."""
    model = ReferenceCity(sample_profile())
    assessed, slips = registers(city)
    model.assess(assessed)
    assert model.register_slips(slips)
    names = {}
    for received_on, paths in city.days:
        for path in paths:
            if city.statuses[path.name] != "accepted":
                continue
            reading, lines = read(path, received_on)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            names[sha256] = path.name
            model.intake(
                path.name, sha256, reading.channel, lines,
                bank_lines=reading.bank_lines, advice_lines=reading.advice_lines,
                counts_equal_lines=reading.counts_equal_lines, received_on=received_on,
                agent=reading.agent,
            )  # fmt: skip
    model.reconcile(city.days[-1][0])
    found = {
        (names[sha256], line_no): ending[:3] for (sha256, line_no), ending in model.outcomes.items()
    }
    assert found == {(e.file_name, e.line_no): e[2:] for e in city.truth}


def test_the_numbers_are_those_of_the_sample_municipality():
    profile = sample_profile()
    assert profile.municipality_code == sample.MUNICIPALITY_CODE
    assert profile.collecting_body_code == sample.COLLECTING_BODY_CODE
    assert profile.konbini_company_code == sample.KONBINI_COMPANY_CODE
    assert profile.konbini_client_code == sample.KONBINI_CLIENT_CODE
    assert profile.debit_consignor_code == sample.DEBIT_CONSIGNOR_CODE
    assert profile.debit_prefix == sample.DEBIT_PREFIX
    payers = {agent.code: (agent.payer_code, agent.payer_name) for agent in profile.agents}
    assert payers == {code: tuple(payer) for code, payer in sample.PAYERS.items()}
    charged = {code for on in profile.charges.levies for code in (on.charge_item, on.fee_item)}
    assert [item.item_code for item in profile.items if item.item_code not in charged] == [
        levy.item_code for levy in sample.LEVIES
    ]
    assert {i.item_code for i in profile.items if not i.konbini} == {
        levy.item_code for levy in sample.LEVIES if not levy.konbini
    }
    account = sample.ACCOUNT
    parts = (account.bank_code, account.branch_code, account.account_type, account.account_no)
    assert [known.key for known in profile.accounts] == ["-".join(parts)]


@pytest.mark.parametrize("days", [1, 2, 3, 4])
def test_a_short_city_plays_what_fits(tmp_path, days):
    summary = make(tmp_path / "city", obligors=20, days=days, seed=SEED)
    played = {code for code, count in summary.scenarios.items() if count}
    assert played - {"household"} == {s.code for s in SCENARIOS if s.days <= days}
    assert len(summary.days) == days


def test_a_start_on_a_closed_day_moves_to_the_next_bank_business_day(tmp_path):
    summary = make(tmp_path / "c", obligors=5, days=2, seed=1, start=date(2026, 12, 31))
    assert summary.days == (date(2027, 1, 4), date(2027, 1, 5))


@pytest.mark.parametrize(("obligors", "days"), [(0, 5), (5, 0)])
def test_an_empty_city_is_refused(tmp_path, obligors, days):
    with pytest.raises(InvalidValueError):
        make(tmp_path / "c", obligors=obligors, days=days, seed=1)


def test_a_folder_with_an_inbox_is_left_alone(tmp_path):
    make(tmp_path, obligors=1, days=1, seed=1)
    before = SampleFolder(tmp_path).contents
    with pytest.raises(InvalidValueError):
        make(tmp_path, obligors=2, days=1, seed=2)
    assert SampleFolder(tmp_path).contents == before


def test_progress_counts_the_obligors(tmp_path):
    seen = []
    make(tmp_path / "c", obligors=7, days=1, seed=1, progress=lambda *step: seen.append(step))
    assert seen == [(n, 7) for n in range(1, 8)]


def test_every_scenario_has_a_japanese_name():
    for scenario in SCENARIOS:
        assert scenario.label_ja
        assert not scenario.label_ja.isascii()
