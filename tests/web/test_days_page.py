from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import text

from payments.domain.ledger import Account
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.report.period import day_report
from web.commands.setup import sample_profile
from web.texts.labels import LABELS


def _report(city, day):
    with reading(city.engine, "99999") as connection:
        return day_report(connection, sample_profile(), day)


@pytest.mark.parametrize("day", [date(2026, 6, 1), date(2026, 6, 2)])
def test_the_day_ties_but_for_the_faults_of_the_city(city, day):
    report = _report(city, day)
    # T3 compares confirmed groups with the bank; the city holds payers whose money is short.
    assert {check.code for check in report.differing} <= {"T3"}
    assert {check.code for check in report.checks} >= {"T1", "T2", "T3", "T5", "T6", "T7", "T11"}
    assert all(line.ties for line in report.cash)
    assert sum(m.closing_yen for m in report.movements) == 0


def test_the_totals_of_the_outcomes_are_those_of_the_lines(city):
    report = _report(city, city.day)
    with reading(city.engine, "99999") as connection:
        found = connection.execute(
            text(
                "SELECT COUNT(*), SUM(COALESCE(l.amount_yen, 0)) FROM source_line l "
                "JOIN source_file f ON f.municipality_code = l.municipality_code "
                "AND f.file_id = l.file_id WHERE f.received_on = '2026-06-01'"
            )
        ).one()
    assert (
        sum(o.count for o in report.outcomes),
        sum(o.amount_yen for o in report.outcomes),
    ) == tuple(found)


def test_tomorrows_opening_figures_are_todays_closing_figures(city):
    today, tomorrow = _report(city, date(2026, 6, 1)), _report(city, date(2026, 6, 2))
    key = ("fund", "fiscal_year", "item_code", "carried", "channel")

    def figures(report, *names):
        return {
            tuple(getattr(line, name) for name in key): tuple(getattr(line, n) for n in names)
            for line in report.revenue
        }.items()

    assert figures(today, "total_count", "total_yen") <= figures(
        tomorrow, "before_count", "before_yen"
    )
    assert today.collected_before_yen + today.collected_yen == tomorrow.collected_before_yen
    assert tomorrow.previous_day == today.day
    assert today.next_day == tomorrow.day


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        ("UPDATE receipt SET stage = 'provisional' WHERE stage = 'confirmed'", "T6"),
        ("UPDATE instalment_account SET amount_yen = amount_yen + 1", "T7 receivable"),
        (
            "UPDATE instalment_account SET term_yen = term_yen + 1, surplus_yen = surplus_yen + 1",
            "T7",
        ),
        ("UPDATE source_file SET count = count + 1 WHERE format_code = 'konbini_dsk'", "T1"),
        (
            (
                "UPDATE receipt SET amount_yen = amount_yen + 1, suspense_yen = suspense_yen + 1 "
                "WHERE stage = 'provisional'"
            ),
            "T5 T6",
        ),
        (
            (
                "UPDATE source_line SET amount_yen = amount_yen + 1 WHERE (file_id, line_no) IN "
                "(SELECT file_id, line_no FROM bank_line WHERE source = '03' AND direction = 'debit')"
            ),
            "T1 cash",
        ),
        (
            (
                "UPDATE source_line SET amount_yen = amount_yen + 1 WHERE (file_id, line_no) IN "
                "(SELECT file_id, line_no FROM line_outcome WHERE outcome = 'unidentified_deposit')"
            ),
            "T1 T11 cash",
        ),
        ("DELETE FROM deposit", ""),
    ],
)
def test_a_figure_that_was_altered_breaks_its_own_check(city, damage, codes):
    before = {check.code for check in _report(city, city.day).differing}
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(text(damage))
    after = {check.code for check in _report(city, city.day).differing}
    assert after - before == set(codes.split())


def test_a_file_that_did_not_come_is_red_until_somebody_reports_nothing(treasurer, city):
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text(
                "UPDATE source_file SET received_on = '2026-06-10' WHERE format_code = 'konbini_dsk'"
            )
        )
    assert [a.source.code for a in _report(city, city.day).missing] == ["konbini_dsk"]
    page = treasurer.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "未着" in page
    sent = {"agent": "konbini_dsk", "note": "電話で確認"}
    assert treasurer.post("/staff/days/2026-06-01/nil-reports", data=sent).status_code == 303
    report = _report(city, city.day)
    assert report.missing == ()
    assert "T2" not in {check.code for check in report.differing}
    assert treasurer.post("/staff/days/2026-06-01/nil-reports", data=sent).status_code == 409
    unknown = {"agent": "nobody", "note": "?"}
    assert treasurer.post("/staff/days/2026-06-01/nil-reports", data=unknown).status_code == 404


def test_nothing_is_awaited_when_banks_are_closed(city):
    report = _report(city, date(2026, 6, 6))
    assert not report.business_day
    assert report.missing == ()
    assert report.empty


def test_the_staff_start_at_the_last_day(treasurer):
    assert treasurer.get("/staff/days/latest").headers["Location"] == "/staff/days/2026-06-02"
    assert (
        treasurer.get("/staff/days?day=2026-06-01").headers["Location"] == "/staff/days/2026-06-01"
    )


@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_a_day_that_cannot_be_is_not_found(treasurer, day):
    assert treasurer.get(f"/staff/days/{day}").status_code == 404


def test_a_day_without_anything_says_so(treasurer):
    page = treasurer.get("/staff/days/2026-05-02").get_data(as_text=True)
    assert "この日には、資料も記帳もありません。" in page


def test_what_is_compared_leads_to_what_it_is_made_of(treasurer, city):
    """From T3 to the remittances, and from a remittance to its payments."""
    report = _report(city, city.day)
    page = treasurer.get(f"/staff/days/{city.day}").get_data(as_text=True)
    for place in ("arrivals", "cash", "files", "groups", "outcomes", "revenue"):
        assert f'id="{place}"' in page
        assert re.search(f'<th scope="row" class="name-cell"><a href="#{place}">', page), place
    assert '<a href="/staff/today/credits">' in page  # T11
    assert report.groups
    for group in report.groups:
        rows = f"/staff/reports/rows/payments?group={group.group_id}"
        assert f'<a href="{rows}">{group.ref.replace("|", " / ")}</a>' in page
    assert treasurer.get(rows).status_code == 200


def test_before_the_first_file_the_page_says_what_to_do(books):
    from web.accounts import staff  # noqa: PLC0415
    from web.app import create_app  # noqa: PLC0415

    with unit_of_work(books.engine, "99999") as connection:
        staff.add(
            connection,
            "99999",
            "kaikei",
            roles=("treasury",),
            display_name="k",
            password="kaikei-no-himitsu",
        )
    client = create_app(books.settings, books.engine, WTF_CSRF_ENABLED=False).test_client()
    client.post("/staff/sign-in", data={"user_name": "kaikei", "password": "kaikei-no-himitsu"})
    assert "まだ資料がありません" in client.get("/staff/days/latest").get_data(as_text=True)
    assert client.get("/staff/cases").status_code == 200
    assert client.get("/staff/days/2026-06-01").status_code == 200


def test_a_quarantined_file_shows_where_it_fails(treasurer, city):
    with reading(city.engine, "99999") as connection:
        file_id, code = connection.execute(
            text(
                "SELECT f.file_id, d.code FROM source_file f JOIN finding d "
                "ON d.municipality_code = f.municipality_code AND d.file_id = f.file_id "
                "WHERE f.status = 'quarantined' AND d.line_no IS NOT NULL LIMIT 1"
            )
        ).one()
    page = treasurer.get(f"/staff/files/{file_id}").get_data(as_text=True)
    assert "保留" in page
    assert code in page
    assert treasurer.get("/staff/files/999999").status_code == 404


@pytest.mark.parametrize("path", ["days/2026-06-01", "months/2026-06", "years/2026"])
@pytest.mark.parametrize(
    ("form", "media_type"),
    [("pdf", "application/pdf"), ("csv", "text/csv"), ("json", "application/json")],
)
def test_a_report_is_handed_out_as_a_file(treasurer, path, form, media_type):
    assert treasurer.get(f"/staff/{path}").status_code == 200
    answer = treasurer.get(f"/staff/{path}/report.{form}")
    assert (answer.status_code, answer.mimetype) == (200, media_type)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert treasurer.get(f"/staff/{path}/report.exe").status_code == 404


@pytest.mark.parametrize("path", ["months/2026-13", "months/soon", "years/1999", "years/2050"])
def test_a_period_that_cannot_be_is_not_found(treasurer, path):
    assert treasurer.get(f"/staff/{path}").status_code == 404


def test_every_account_of_the_books_has_its_words():
    assert {account.value for account in Account} == LABELS["account"].keys()


def test_what_must_agree_is_said_in_the_language_of_the_reader(treasurer):
    page = treasurer.get("/staff/years/2026?lang=en", follow_redirects=True).text
    cells = re.findall(r'<td class="figure-cell">([^<]*)', page)
    assert any(cell.startswith("¥") for cell in cells)
    assert not [cell for cell in cells if "円" in cell or "件" in cell]


def test_every_check_has_its_words_and_says_why_it_has_nothing_to_compare(city):
    checks = _report(city, city.day).checks
    assert {f"T{number}" for number in range(1, 12)} <= {check.code for check in checks}
    assert {check.code for check in checks} <= LABELS["check"].keys()
    assert {check.code for check in checks if not check.applies} == LABELS["check_absent"].keys()
