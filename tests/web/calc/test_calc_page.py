"""The page of the calculators: the working line by line, every error beside its field."""

from __future__ import annotations

import csv
from pathlib import Path
from urllib.parse import urlencode

import pytest

from web.texts.calc import CALCULATORS

VECTORS = Path(__file__).parents[2] / "vectors" / "late_charge.csv"
V01 = {"amount_yen": "20000", "due": "2020-06-30", "paid": "2023-04-01"}


def _ask(client, calculator, **typed):
    answer = client.get(f"/staff/calc/{calculator}?{urlencode(typed)}")
    return answer.status_code, answer.get_data(as_text=True)


@pytest.mark.parametrize("calculator", CALCULATORS)
def test_every_calculator_has_its_form(staff, calculator):
    status, said = _ask(staff, calculator)
    assert status == 200
    assert f"<h1>{CALCULATORS[calculator]}の計算</h1>" in said
    assert 'method="get"' in said
    assert "<script" not in said.replace('<script src="/static/', "")  # no inline script
    assert "style=" not in said


@pytest.mark.parametrize("calculator", CALCULATORS)
def test_a_language_that_is_switched_to_is_no_question(staff, calculator):
    status, said = _ask(staff, calculator, lang="en")
    assert status == 200
    assert 'role="alert"' not in said
    assert _ask(staff, calculator, lang="ja")[0] == 200


def test_the_first_calculator_is_that_of_late_charges(staff):
    answer = staff.get("/staff/calc")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/calc/late-charge")
    assert staff.get("/staff/calc/horoscope").status_code == 404


def test_the_working_shows_every_step_and_its_source(staff):
    status, said = _ask(staff, "late-charge", **V01)
    assert status == 200
    assert "延滞金 4,700円" in said
    for step in ("20,000 × 8.7% × 456 ÷ 365", "2,173.8082…", '<td class="figure-cell">2,173</td>'):
        assert step in said
    for source in ("地方税法20条の4の2②", "民法143条", "地方税法附則3条の2", "地方税法20条の4の2⑤"):
        assert source in said
    assert "<dt>計算した額</dt><dd>4,723円</dd>" in said
    assert 'value="20000"' in said  # what was typed stays, to be changed


def _vectors():
    with VECTORS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("row", _vectors(), ids=lambda row: row["id"])
def test_the_page_says_what_the_vectors_say(staff, row):
    typed = {"amount_yen": row["tax_yen"], "due": row["due_on"], "paid": row["paid_on"]}
    typed |= {name: row[name] for name in ("low_tier_months", "floor_at")}
    said = _ask(staff, "late-charge", **typed)[1]
    assert f"延滞金 {int(row['charge_yen']):,}円" in said


@pytest.mark.parametrize(
    ("calculator", "typed", "expected"),
    [
        (
            "late-charge",
            {"amount_yen": "45600", "due": "2026-03-02", "paid": "2026-05-29"},
            "計算した額が1,000円未満のため、0円です。",
        ),
        (
            "late-charge",
            {"amount_yen": "1,999", "due": "2022-05-31", "paid": "2025-05-31"},
            "計算の基礎となる額が2,000円未満のため、0円です。",
        ),
        (
            "late-charge",
            {**V01, "paid": "2020-06-30"},
            "納期限までに納められているため、延滞金はありません。",
        ),
        (
            "late-charge",
            {**V01, "left_out": "2020-01-01/2023-12-31"},
            "すべての日が計算から除かれているため、0円です。",
        ),
        (
            "late-charge",
            {"amount_yen": "152500", "due": "2025-08-31", "paid": "2026-02-05"},
            "税の納期限なら2025年9月1日（月）に延びます。",
        ),
        (
            "late-charge",
            {"amount_yen": "152500", "due": "2025-08-31", "paid": "2026-02-05", "shift": "1"},
            "2025年8月31日（日）は休日のため、納期限は2025年9月1日（月）に延びます。",
        ),
        (
            "late-charge",
            {**V01, "amount_yen": "200000", "parts": "2020-12-01=198500"},
            "一部納付の残りが2,000円未満でも",
        ),
        (
            "late-charge",
            {**V01, "parts": "2020-06-30=5000"},
            "納期限に未納だった15,000円から1,000円未満を切り捨て、15,000円。",
        ),
        ("late-charge", {**V01, "low_tier_months": "throughout"}, "低い割合の期間: すべての日。"),
        ("late-charge", {**V01, "levy": "national_health_fee"}, "3か月を経過する2020年9月30日まで"),
        (
            "refund-interest",
            {"amount_yen": "300000", "reason": "mispaid", "paid_on": "2025-01-31", "decided": "2026-01-20"},
            "還付加算金 2,400円",
        ),
        (
            "refund-interest",
            {
                "amount_yen": "300000", "start": "2025-03-01", "decided": "2026-01-20",
                "notified": "2025-04-01", "claimed": "2025-06-30",
            },
            "翌日2025年5月2日から請求の日2025年6月30日まで、計算に入れません。",
        ),
        (
            "refund-interest",
            {"amount_yen": "300000", "start": "2026-01-21", "decided": "2026-01-20"},
            "加算する日がないため、還付加算金はありません。",
        ),
        (
            "refund-interest",
            {"amount_yen": "1000000", "start": "2024-06-01", "decided": "2026-02-10"},
            "2026年の割合は、告示の平均貸付割合から求めたもので",
        ),
        ("due-date", {"date": "2024-03-31"}, "2024年3月31日で決まります（令和5年度）。"),
        ("due-date", {"date": "2026-12-30", "calendar": "bank"}, "2026年12月30日（水）は開いている日です。"),
        ("instalments", {"amount_yen": "103600", "count": "4"}, "残り3,600円を加えて28,600円。"),
        ("instalments", {"amount_yen": "3900", "count": "4"}, "0円の期別には納付書を作りません。"),
        ("instalments", {"amount_yen": "3900", "count": "1"}, "合計 3,900円"),
    ],
)  # fmt: skip
def test_it_says_what_somebody_should_know(staff, calculator, typed, expected):
    status, said = _ask(staff, calculator, **typed)
    assert status == 200
    assert expected in said


@pytest.mark.parametrize(
    ("calculator", "typed", "field", "expected"),
    [
        ("late-charge", {**V01, "amount_yen": "2.5"}, "amount_yen", "値「2.5」"),
        ("late-charge", {**V01, "due": "2020-06-31"}, "due", "値「2020-06-31」"),
        ("late-charge", {**V01, "due": "20200630"}, "due", "YYYY-MM-DD"),
        ("late-charge", {**V01, "paid": ""}, "paid", "納付の日は"),
        ("late-charge", {**V01, "low_tier_months": "13"}, "low_tier_months", "1..12"),
        ("late-charge", {**V01, "floor_at": "never"}, "floor_at", "segment tier"),
        ("late-charge", {**V01, "levy": "toll"}, "levy", "低い割合の期間を月数で"),
        ("late-charge", {**V01, "parts": "2020-07-01=30000"}, "parts", "..20000"),
        ("late-charge", {**V01, "parts": "2020-07-01"}, "parts", "整数で"),
        ("late-charge", {**V01, "parts": "2020-07-01=1 " * 101}, "parts", "0..100"),
        ("late-charge", {**V01, "left_out": "2020-07-01"}, "left_out", "日付で"),
        ("late-charge", {**V01, "left_out": "2020-07-02/2020-07-01"}, "left_out", "減免"),
        ("refund-interest", {"amount_yen": "9000", "reason": "luck", "decided": "2026-01-20"}, "reason", "mispaid"),
        ("refund-interest", {"amount_yen": "9000", "decided": "2026-01-20"}, "start", "値「」"),
        (
            "refund-interest",
            {"amount_yen": "9000", "reason": "claimed", "paid_on": "2025-01-31", "decided": "2026-01-20"},
            "event",
            "請求・申告・通知の日を入れてください",
        ),
        ("due-date", {"date": "2026-12-30", "calendar": "lunar"}, "calendar", "tax bank"),
        ("instalments", {"amount_yen": "9000", "count": "100"}, "count", "1..99"),
        ("instalments", {"amount_yen": "9000", "count": "2", "unit_yen": "0"}, "unit_yen", "1..99999999999"),
    ],
)  # fmt: skip
def test_an_error_stands_beside_its_field(staff, calculator, typed, field, expected):
    status, said = _ask(staff, calculator, **typed)
    assert status == 422
    wrong = said.partition(f'id="{field}-wrong">')[2].partition("</p>")[0]
    assert expected in wrong
    assert "結果</h2>" not in said


def test_a_year_without_a_rate_is_refused_and_says_what_to_do(staff):
    status, said = _ask(staff, "late-charge", **{**V01, "paid": "2027-01-01"})
    assert status == 422
    assert (
        "2027年の割合（高い割合）は登録されていません（登録 ..2026）。推定では計算しません。"
        in said
    )
    assert "late_charge_rates.csv" in said


def test_what_is_typed_is_shown_as_text(staff):
    said = _ask(staff, "late-charge", **{**V01, "amount_yen": "<b>1</b>"})[1]
    assert "<b>1</b>" not in said
    assert "&lt;b&gt;1&lt;/b&gt;" in said


def test_the_rates_are_there_to_be_checked(staff):
    said = _ask(staff, "late-charge")[1]
    assert ">2022年〜2025年</th>" in said
    assert "延滞金特例基準割合" in said
    assert "late_charge_rates" not in _ask(staff, "instalments")[1]
