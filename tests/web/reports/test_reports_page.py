from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.day_totals import ledger
from web.accounts import staff
from web.reports.catalogue import REPORTS

YEAR = 2026
PAGES = [f"{code}/{YEAR}" if report.by_year else code for code, report in REPORTS.items()]


def _balance(city, account):
    with reading(city.engine, "99999") as connection:
        rows = ledger(connection, "99999", city.day, city.day)
    return sum(row.amount_yen * ((row.debit == account) - (row.credit == account)) for row in rows)


def _csv(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))


def _links(page):
    return {unescape(link) for link in re.findall(r'href="(/staff/reports/[^"]+)"', page)}


@pytest.mark.parametrize("page", PAGES)
def test_every_report_is_a_page_and_four_kinds_of_file(treasurer, page):
    answer = treasurer.get(f"/staff/reports/{page}")
    assert answer.status_code == 200
    assert len(answer.data) < 300_000
    assert b"style=" not in answer.data
    heads = {"json": b"{", "csv": b"\xef\xbb\xbf", "xlsx": b"PK", "pdf": b"%PDF"}
    for form, head in heads.items():
        made = treasurer.get(f"/staff/reports/{page}/report.{form}")
        assert made.status_code == 200
        assert made.data.startswith(head)
        assert "attachment" in made.headers["Content-Disposition"]


def test_every_figure_opens_its_rows_and_every_row_its_evidence(treasurer):
    seen = set()
    evidence = set()
    for page in PAGES:
        links = _links(treasurer.get(f"/staff/reports/{page}").get_data(as_text=True))
        seen |= {link for link in links if "/ledger?" in link or "/rows/" in link}
    assert len(seen) > 30
    ledgers = sorted(link for link in seen if "/ledger?" in link)
    for link in [*ledgers[::6], *(link for link in sorted(seen) if link not in ledgers)]:
        answer = treasurer.get(link)
        assert answer.status_code == 200, link
        shown = answer.get_data(as_text=True)
        days = [day for day in sorted(_links(shown)) if "/rows/postings" in day]
        for day in days[:1]:
            shown += treasurer.get(day).get_data(as_text=True)
        evidence |= set(re.findall(r'href="(/staff/(?:explain|cases)/[^"]+)"', shown)[:1])
    assert len(evidence) > 3
    for link in sorted(evidence)[:3]:
        assert treasurer.get(link).status_code == 200


def test_the_days_and_postings_of_a_figure_add_up_to_it(treasurer):
    data = treasurer.get(f"/staff/reports/year/{YEAR}/report.json").json
    columns = [column["name"] for column in data["tables"][0]["columns"]]
    row = max(data["tables"][0]["rows"], key=lambda row: row[columns.index("収入済額")])
    item = row[1].split(" ")[0]
    carried = int(row[2] == "滞繰")
    words = f"what=collected&item={item}&year={YEAR}&carried={carried}"
    page = treasurer.get(f"/staff/reports/ledger?{words}").get_data(as_text=True)
    collected = row[columns.index("収入済額")]
    assert f"{collected:,}円</td></tr></tfoot>" in page
    booked = 0
    for day in sorted(set(re.findall(r"day=(\d{4}-\d\d-\d\d)", page))):
        rows = _csv(treasurer, f"/staff/reports/rows/postings/rows.csv?{words}&day={day}")
        booked += sum(int(line[-1]) for line in rows[1:])
        # Each is named as on its notice, not by a number of the books.
        assert {line[0][:9] for line in rows[1:]} <= {f"{item}/{line[2]}/" for line in rows[1:]}
    assert booked == collected
    shown = treasurer.get(f"/staff/reports/rows/postings?{words}&day={day}").text
    assert f">{rows[1][0]}</a>" in shown


def test_money_that_waits_is_the_balance_of_its_account(treasurer, city):
    balances = {
        row[0]: row[1:]
        for row in treasurer.get("/staff/reports/suspense/report.json").json["tables"][0]["rows"]
    }
    assert balances["仮受金"][0] == -_balance(city, "suspense") > 0
    assert balances["不明入金（歳計外）"][0] == -_balance(city, "unidentified") > 0
    assert {row[3] for row in balances.values()} == {"一致", "—"}
    for listing, column, account in (("suspense", 7, "suspense"), ("credits", 5, "unidentified")):
        rows = _csv(treasurer, f"/staff/reports/rows/{listing}/rows.csv")
        found = sum(int(row[column]) for row in rows[1:])
        surplus = _csv(treasurer, "/staff/reports/rows/surplus/rows.csv")
        more = sum(int(row[3]) for row in surplus[1:]) if listing == "suspense" else 0
        assert found + more == -_balance(city, account)


def test_lists_of_overpayments_name_nobody(treasurer, city):
    from sqlalchemy import text  # noqa: PLC0415

    with reading(city.engine, "99999") as connection:
        people = connection.execute(text("SELECT obligor_no, name, address FROM obligor")).all()
    shown = "".join(
        treasurer.get(path).get_data(as_text=True)
        for path in (
            "/staff/reports/overpaid",
            "/staff/reports/rows/suspense?kind=overpaid",
            "/staff/reports/rows/suspense",
            "/staff/reports/rows/credits",
        )
    )
    for person in people:
        assert not any(str(value) in shown for value in person)


def test_a_list_goes_on_behind_its_last_key(treasurer, monkeypatch):
    from web.reports import lists  # noqa: PLC0415

    whole = _csv(treasurer, "/staff/reports/rows/suspense/rows.csv")[1:]
    monkeypatch.setattr(lists, "PAGE", 3)
    found, path = [], "/staff/reports/rows/suspense"
    while path:
        page = treasurer.get(path).get_data(as_text=True)
        found += re.findall(r'<th scope="row"><a href="/staff/explain/lines/(\d+)/(\d+)"', page)
        more = re.search(r'rel="next" href="([^"]+)"', page)
        path = unescape(more[1]) if more else ""
    assert [":".join(pair) for pair in found] == [row[0] for row in whole]
    assert len(found) > 3


@pytest.mark.parametrize(
    "path",
    [
        "nothing", "year/1999", "suspense/2026", "year/report.csv", "suspense/report.doc",
        "rows/nothing", "rows/postings", "rows/postings?what=collected&day=2026-02-31",
        "rows/postings?what=all&day=2026-06-01", "rows/suspense?after=1", "rows/open?year=x",
        "rows/suspense?after=1,x", "rows/cases", "rows/cases?month=2026-13", "ledger",
        "rows/cases?month=2026-06&after=x,opened,1,1", "rows/suspense/rows.pdf",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_not_found(treasurer, path):
    assert treasurer.get(f"/staff/reports/{path}").status_code == 404


def test_who_sees_no_claims_sees_figures_but_no_rows(app, city):
    password = "kikai-no-himitsu"
    with unit_of_work(city.engine, "99999") as connection:
        staff.add(
            connection, "99999", "kikai", roles=("admin",), display_name="機械", password=password
        )
    admin = app.test_client()
    admin.post("/staff/sign-in", data={"user_name": "kikai", "password": password})
    page = admin.get(f"/staff/reports/year/{YEAR}")
    assert page.status_code == 200
    assert "/reports/rows/" not in page.get_data(as_text=True)
    assert admin.get("/staff/reports/rows/suspense").status_code == 403
    assert admin.get("/staff/reports/rows/suspense/rows.csv").status_code == 403


def test_the_index_and_the_figures_of_the_year_in_hand(treasurer):
    page = treasurer.get("/staff/reports").get_data(as_text=True)
    assert all(f"/staff/reports/{path}" in page for path in PAGES)
    assert treasurer.get("/staff/figures").headers["Location"].endswith("/reports/figures/2026")
    assert treasurer.get("/staff/reports/year?year=2025").headers["Location"].endswith("/2025")


def test_what_an_agent_collected_in_a_year_opens_the_remittances_of_that_year_only(treasurer, city):
    with unit_of_work(city.engine, "99999") as connection:
        connection.execute(
            text(
                "UPDATE remittance_group SET remitted_on = '2025-05-01' WHERE group_id = "
                "(SELECT MIN(group_id) FROM remittance_group WHERE agent = "
                "(SELECT agent FROM remittance_group GROUP BY agent HAVING COUNT(*) > 1 LIMIT 1))"
            )
        )
    tables = treasurer.get(f"/staff/reports/fees/{YEAR}/report.json").json["tables"]
    (agents,) = (table for table in tables if table["code"] == "fee_agents")
    page = treasurer.get(f"/staff/reports/fees/{YEAR}").get_data(as_text=True)
    links = [link for link in _links(page) if "/rows/groups" in link and "month=" not in link]
    sums = []
    for link in links:
        head, *rows = _csv(treasurer, link.replace("/groups?", "/groups/rows.csv?"))
        sums.append(sum(int(row[head.index("総額")]) for row in rows))
    assert sorted(sums) == sorted(row[2] for row in agents["rows"])


def test_the_figures_say_what_paper_saved_waits_for(treasurer):
    page = treasurer.get("/staff/reports/figures/2026").get_data(as_text=True)
    assert '<h2 id="paper">減った紙</h2>' in page
    assert '<a href="/staff/admin#costs">団体設定</a>' in page
    assert 'id="costs"' in treasurer.get("/staff/admin").get_data(as_text=True)
