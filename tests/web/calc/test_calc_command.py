"""``kokin calc``: every given vector through the command line, and its refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from web.cli import main
from web.commands.session import Session
from web.config import Settings

VECTORS = Path(__file__).parents[2] / "vectors"
HEAD = "from_year,to_year,regime,low_percent,high_percent,refund_percent,late_mark,refund_mark,source\n"
V01 = ("--amount-yen", "20000", "--due", "2020-06-30", "--paid", "2023-04-01")


def _vectors(name):
    with (VECTORS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(tmp_path):
    """The command in a home folder without a database: none is needed."""
    session = Session(Settings(home=tmp_path, secret_key="x" * 32))

    def run(*words):
        answer = CliRunner().invoke(main, ["calc", *words], obj=session)
        return answer.exit_code, answer.stdout, answer.stderr

    return run


def _json(run, *words):
    full = ("--full",) if words[0] in {"late-charge", "refund-interest"} else ()
    code, said, _err = run(*words, "--json", *full)
    assert code == 0
    return json.loads(said)


def test_json_has_just_the_stated_shape(run):
    said = json.loads(run("late-charge", *V01, "--json")[1])
    assert list(said) == ["segments", "sum_yen", "charge_yen"]
    each = ["from", "to", "days", "rate_percent", "yen"]
    assert {tuple(segment) for segment in said["segments"]} == {tuple(each)}
    words = ("--amount-yen", "1000000", "--start", "2024-06-01", "--decided", "2026-02-10")
    said = json.loads(run("refund-interest", *words, "--json")[1])
    assert list(said) == ["segments", "sum_yen", "interest_yen"]
    assert {tuple(segment) for segment in said["segments"]} == {tuple(each)}
    assert list(_json(run, "due-date", "2026-01-31")) == ["date"]
    assert list(_json(run, "instalments", "--amount-yen", "9000", "--count", "2")) == [
        "amounts_yen"
    ]


def _segments(told):
    return ";".join(f"{s['days']}@{s['rate_percent']}={s['yen']}" for s in told["segments"])


@pytest.mark.parametrize("row", _vectors("late_charge.csv"), ids=lambda row: row["id"])
def test_late_charge_vectors(run, row):
    told = _json(
        run, "late-charge", "--amount-yen", row["tax_yen"], "--due", row["due_on"],
        "--paid", row["paid_on"], "--low-tier-months", row["low_tier_months"],
        "--floor-at", row["floor_at"],
    )  # fmt: skip
    assert _segments(told) == row["segments"]
    assert (told["sum_yen"], told["charge_yen"]) == (int(row["sum_yen"]), int(row["charge_yen"]))
    assert told["base_yen"] == int(row["base_yen"])


@pytest.mark.parametrize("row", _vectors("refund_interest.csv"), ids=lambda row: row["id"])
def test_refund_interest_vectors(run, row):
    start, decided = (row[name] or "2025-06-01" for name in ("starts_on", "ends_on"))
    words = ("refund-interest", "--amount-yen", row["amount_yen"], "--decided", decided)
    told = _json(run, *words, "--start", start)
    assert _segments(told) == row["segments"]
    found = (told["sum_yen"], told["interest_yen"])
    assert found == (int(row["sum_yen"]), int(row["interest_yen"]))
    if row["paid_on"]:
        reason = {"過納": "reassessed", "誤納": "mispaid"}[row["refund_class"]]
        again = _json(run, *words, "--reason", reason, "--paid-on", row["paid_on"])
        assert again == told


@pytest.mark.parametrize("row", _vectors("due_dates.csv"), ids=lambda row: row["nominal_on"])
def test_due_date_vectors(run, row):
    for calendar, column in (("tax", "tax_due_on"), ("bank", "bank_business_day")):
        told = _json(run, "due-date", row["nominal_on"], "--calendar", calendar)
        assert told == {"date": row[column]}


@pytest.mark.parametrize("row", _vectors("instalments.csv"), ids=lambda row: row["total_yen"])
def test_instalment_vectors(run, row):
    words = ("--amount-yen", row["total_yen"], "--count", row["instalments"])
    told = _json(run, "instalments", *words)
    assert told == {"amounts_yen": [int(part) for part in row["parts_yen"].split(";")]}
    assert _json(run, "instalments", *words, "--unit-yen", row["unit_yen"]) == told


def test_a_segment_says_from_when_to_when_at_which_rate(run):
    told = _json(run, "late-charge", *V01)
    assert told["segments"][0] == {
        "from": "2020-07-01",
        "to": "2020-07-31",
        "days": 31,
        "rate_percent": 2.6,
        "yen": 44,
        "tier": "low",
        "base_yen": 20_000,
        "left_out_percent": 0,
    }
    assert told["nothing_due"] is None
    assert _json(run, "late-charge", *V01[:5], "2020-06-30")["nothing_due"] == "in_time"


def test_a_person_reads_the_working_in_japanese(run):
    code, said, _err = run("late-charge", *V01)
    assert code == 0
    assert said.startswith("延滞金: 4,700円\n計算した額: 4,723円\n")
    for part in ("〔地方税法20条の4の2②〕", "20,000 × 8.7% × 456 ÷ 365", "2,173.8082…"):
        assert part in said
    code, said, _err = run("late-charge", *V01, "--floor-at", "tier")
    assert "割合の区分ごとの合計" in said
    assert "期限の日: 2027年（令和9年）1月4日（月）" in run("due-date", "2026-12-31")[1]
    assert "第4期" in run("instalments", "--amount-yen", "103600", "--count", "4")[1]
    words = ("--amount-yen", "300000", "--start", "2025-03-01", "--decided", "2025-12-31")
    assert "還付加算金: 2,200円" in run("refund-interest", *words)[1]


def test_partial_payments_and_waivers_may_be_given_several_times(run):
    words = ("--part", "2020-12-01=5000", "--part", "2021-12-01=5000")
    told = _json(run, "late-charge", *V01, *words, "--left-out", "2022-01-01/2022-12-31=50")
    assert [s["base_yen"] for s in told["segments"]] == [
        20_000,
        20_000,
        15_000,
        15_000,
        *[10_000] * 3,
    ]
    assert [s["left_out_percent"] for s in told["segments"]][-2:] == [50, 0]


def test_a_due_date_on_a_holiday_moves_when_asked_to(run):
    words = ("--amount-yen", "152500", "--due", "2025-08-31", "--paid", "2026-02-05")
    shifted = _json(run, "late-charge", *words, "--shift")
    assert shifted["segments"][0]["from"] == "2025-09-02"
    assert _json(run, "late-charge", *words)["segments"][0]["from"] == "2025-09-01"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("late-charge", *V01[:-1], "2027-01-01"), "rate_unknown"),
        (("late-charge", *V01[:-1], "2023-02-29"), "not_a_day"),
        (("late-charge", "--amount-yen", "-1", *V01[2:]), "not_whole"),
        (("late-charge", "--amount-yen", "100000000000", *V01[2:]), "not_whole"),
        (("late-charge", *V01, "--low-tier-months", "0"), "low_tier_months"),
        (("late-charge", *V01, "--floor-at", "never"), "not_one_of"),
        (("late-charge", *V01, "--levy", "toll"), "late_charge_levy"),
        (("refund-interest", "--amount-yen", "1", "--decided", "2025-01-01"), "not_a_day"),
        (("refund-interest", "--amount-yen", "9000", "--start", "1999-01-01", "--decided", "2025-01-01"), "rate_unknown"),
        (("due-date", "2051-01-01"), "year_unknown"),
        (("due-date", "2026-12-31", "--calendar", "lunar"), "not_one_of"),
        (("instalments", "--amount-yen", "9000", "--count", "0"), "instalments"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(run, words, code):
    exit_code, said, err = run(*words, "--json")
    assert (exit_code, said) == (1, "")
    assert f"（{code}）" in err


def test_the_rates_are_told_with_how_certain_they_are(run):
    told = _json(run, "rates")
    assert [row["to_year"] for row in told] == [
        int(r["to_year"]) for r in _vectors("late_charge_rates.csv")
    ]
    last = told[-1]
    assert (last["low_percent"], last["high_percent"], last["refund_percent"]) == (2.8, 9.1, 1.3)
    assert (last["late_mark"], last["refund_mark"]) == ("confirmed", "inferred")
    assert told[0]["refund_percent"] is None
    code, said, _err = run("rates")
    assert code == 0
    assert "2022年〜2025年" in said
    assert "推定" in said


# ---- years that an installation adds ----


def test_a_year_can_be_added_without_a_new_version(run, tmp_path):
    line = "2027,2027,延滞金特例基準割合,3.0,9.3,,confirmed,unknown,告示\n"
    (tmp_path / "late_charge_rates.csv").write_text("\ufeff" + HEAD + line, encoding="utf-8")
    told = _json(
        run, "late-charge", "--amount-yen", "100000", "--due", "2026-12-25", "--paid", "2027-03-31"
    )
    assert _segments(told) == "6@2.8=46;25@3.0=205;65@9.3=1656"
    words = ("--amount-yen", "9000", "--start", "2027-01-01", "--decided", "2027-02-01")
    code, _said, err = run("refund-interest", *words)
    assert code == 1
    assert "rate_unknown" in err


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ((HEAD + "2026,2026,x,2.4,8.7,,c,c,s\n").encode(), "rate_rows"),
        ((HEAD + "2027,2027,x,2.4%,8.7,,c,c,s\n").encode(), "rate_rows"),
        ((HEAD + "2027,2027,割合,2.4,8.7,,c,c,s\n").encode("cp932"), "rates_file"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(run, tmp_path, data, code):
    (tmp_path / "late_charge_rates.csv").write_bytes(data)
    exit_code, _said, err = run("late-charge", *V01)
    assert exit_code == 1
    assert f"（{code}）" in err
