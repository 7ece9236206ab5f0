"""今日の画面: its figures are those of the day report, and each leads to the rows it is made of."""

from __future__ import annotations

import csv
import io
import itertools
import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.cases import waiting_kinds
from reconcile.day_totals import summarise
from reconcile.journal import open_journal
from reconcile.report import open_items, trend
from reconcile.report.period import day_report, year_report
from reconcile.report.steps import START, StepRow, step_rows
from reconcile.report.trend import STEPS, Figure
from web import clock
from web.accounts import staff
from web.app import create_app
from web.commands.setup import sample_profile
from web.jobs import history
from web.jobs.contract import JobContext, JobResult, JobState
from web.jobs.due import due
from web.jobs.limitation import limitation
from web.jobs.locks import noting
from web.jobs.timing import Slot
from web.today.figures import Kept, figures

CODE = "99999"
PASSWORD = "kaikei-no-himitsu"
DAYS = (date(2026, 6, 1), date(2026, 6, 2))
MORNING = datetime(2026, 6, 2, 23, 30, tzinfo=UTC)  # 8:30 of June 3 in Japan
PROFILE = sample_profile()
_NUMBER = re.compile(r"[−-]?[\d,]+")


@pytest.fixture
def morning():
    """The morning after the two days of the city."""
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.mark.parametrize("summarised", [False, True])
def test_the_figures_are_those_of_the_day_report(city, summarised):
    if summarised:
        summarise(city.engine, CODE)
    with reading(city.engine, CODE) as connection:
        for day in DAYS:
            found, report = figures(connection, CODE, day), day_report(connection, PROFILE, day)
            yen = {each.step: each.today.amount_yen for each in found.compared}
            grew = {m.account: m.debit_yen - m.credit_yen for m in report.movements}
            assert yen["collected"] == report.collected_yen
            assert yen["received"] - yen["confirmed"] == grew["reported"]
            assert yen["confirmed"] - yen["settled"] == grew["confirmed_due"]
            assert yen["received"] - yen["collected"] == -grew["suspense"]
            assert dict(found.by_day)[day] == {
                channel: found.by_channel["collected", channel].amount_yen
                for channel in found.channels
                if found.by_channel["collected", channel].amount_yen
            }


def test_both_databases_say_the_same(city, postgres_city):
    summarise(postgres_city.engine, CODE)
    with (
        reading(city.engine, CODE) as one,
        reading(postgres_city.engine, CODE) as other,
    ):
        assert figures(one, CODE, DAYS[1]) == figures(other, CODE, DAYS[1])
        assert open_items.ages(one, CODE, DAYS[1]) == open_items.ages(other, CODE, DAYS[1])
        assert open_items.open_credits(one, CODE) == open_items.open_credits(other, CODE)
        for step in STEPS:
            rows = step_rows(one, CODE, step, DAYS[1], channel="eltax", limit=30)
            assert rows == step_rows(other, CODE, step, DAYS[1], channel="eltax", limit=30)
            if rows:
                half = len(rows) // 2
                after = rows[half].place
                found = step_rows(
                    other, CODE, step, DAYS[1], channel="eltax", after=after, limit=len(rows)
                )
                assert found[: len(rows) - half - 1] == rows[half + 1 :]


def test_a_channel_has_its_rows_of_the_day_page_by_page(city):
    """Stepping from file to file leaves nothing out, and finds nothing twice."""
    with reading(city.engine, CODE) as connection:
        for step in STEPS:
            whole = step_rows(connection, CODE, step, DAYS[1], limit=10**6)
            for channel in {row.channel for row in whole} | {"", "nobody"}:
                found: list[StepRow] = []
                while page := step_rows(
                    connection, CODE, step, DAYS[1], channel=channel, limit=97,
                    after=found[-1].place if found else START,
                ):  # fmt: skip
                    found += page
                assert found == [row for row in whole if row.channel == channel]


def test_a_step_that_a_day_has_nothing_of_reads_no_posting(city, monkeypatch):
    """The summaries know it; a large day has millions of other postings to go through."""

    def read(*_wanted: object, **_more: object) -> None:
        raise AssertionError

    with reading(city.engine, CODE) as connection:
        assert step_rows(connection, CODE, "collected", DAYS[1], limit=5)
        monkeypatch.setattr("reconcile.report.steps.stretches", read)
        for step in STEPS:
            assert step_rows(connection, CODE, step, DAYS[1], item_code="000") == ()
            assert step_rows(connection, CODE, step, DAYS[1], channel="nobody") == ()
            assert step_rows(connection, CODE, step, date(2026, 5, 1)) == ()


def test_kept_figures_are_never_older_than_the_books(city):
    kept = Kept()
    with reading(city.engine, CODE) as connection:
        before = kept.figures(connection, CODE, DAYS[1])
        assert kept.figures(connection, CODE, DAYS[1]) is before
        other = kept.figures(connection, CODE, DAYS[0])
    assert other.day == DAYS[0]
    with unit_of_work(city.engine, CODE) as connection:
        journal_id = open_journal(connection, CODE, "reconcile", DAYS[1], "test")
        connection.execute(
            text(
                "INSERT INTO posting (municipality_code, journal_id, subject_file_id, "
                "subject_line_no, leg, debit_account, credit_account, amount_yen, reason) "
                "VALUES (:m, :journal_id, 0, 0, 1, 'reported', 'suspense', 777, 'suspense')"
            ),
            {"m": CODE, "journal_id": journal_id},
        )
    with reading(city.engine, CODE) as connection:
        after = kept.figures(connection, CODE, DAYS[1])
    assert after.way.received_yen == before.way.received_yen + 777


def test_the_year_before_is_shown_beside_this_one(city, treasurer):
    rows = (("2025-06-01", 400), ("2025-06-03", 30), ("2026-01-15", 7))
    with unit_of_work(city.engine, CODE) as connection:
        for booked_on, yen in rows:
            connection.execute(
                text(
                    "INSERT INTO day_total (municipality_code, booked_on, item_code, claim_year, "
                    "open_year, channel, debit_account, credit_account, reason, count, amount_yen) "
                    "VALUES (:m, :day, '901', 2025, 2025, 'konbini', 'reported', 'receivable', "
                    "'applied', 1, :yen)"
                ),
                {"m": CODE, "day": booked_on, "yen": yen},
            )
    with reading(city.engine, CODE) as connection:
        found = figures(connection, CODE, DAYS[1])
    # The same weekday a year ago was June 3; the same number of days after April 1 was June 2.
    assert {each.step: each.year_ago for each in found.compared} == {
        "received": Figure(1, 30), "collected": Figure(1, 30), "confirmed": None, "settled": None,
    }  # fmt: skip
    levy = next(each for each in found.progress.levies if each.item_code == "901")
    assert (levy.collected_before_yen, levy.series_before[-1]) == (400, 437)
    assert found.progress.collected(found.progress.known - 1)[1] == 400
    assert found.progress.collected(len(found.progress.days) - 1) == (None, 437)
    page = treasurer.get(f"/staff/today/{DAYS[1]}").get_data(as_text=True)
    assert "令和7年度" in page
    assert "前年度の同じ時期は400円です。" in page


def test_only_so_many_figures_are_kept(city, monkeypatch):
    monkeypatch.setattr("web.today.figures.KEPT", 1)
    kept = Kept()
    with reading(city.engine, CODE) as connection:
        first = kept.figures(connection, CODE, DAYS[0])
        kept.figures(connection, CODE, DAYS[1])
        assert kept.figures(connection, CODE, DAYS[0]) is not first


def test_the_way_of_the_money_ends_at_the_balances_of_the_accounts(city):
    with reading(city.engine, CODE) as connection:
        way = figures(connection, CODE, DAYS[1]).way
        report = day_report(connection, PROFILE, DAYS[1])
    balance = {m.account: m.closing_yen for m in report.movements}
    assert way.to_collect_yen == -balance["assessed"]
    assert way.to_collect_yen - way.collected_yen == balance["receivable"]
    assert way.received_yen - way.collected_yen == -balance["suspense"]
    assert way.received_yen - way.confirmed_yen == balance["reported"]
    assert way.confirmed_yen - way.settled_yen == balance["confirmed_due"]


def test_the_progress_of_the_year_is_that_of_the_account_of_the_year(city):
    with reading(city.engine, CODE) as connection:
        progress = figures(connection, CODE, DAYS[1]).progress
        lines = year_report(connection, PROFILE, 2026).year_lines
    assert {
        levy.item_code: (levy.assessed_yen, levy.collected_yen) for levy in progress.levies
    } == {
        line.item_code: (line.assessed_yen, line.collected_yen)
        for line in lines
        if not line.carried
    }
    assert progress.days[progress.known - 1] == DAYS[1]
    assert progress.collected(progress.known - 1)[0] == sum(
        line.collected_yen for line in lines if not line.carried
    )


def test_the_cases_by_age_are_all_that_wait(city):
    with reading(city.engine, CODE) as connection:
        waiting = waiting_kinds(connection, CODE)
        for later in (0, 5, 200):
            day = DAYS[0].fromordinal(DAYS[0].toordinal() + later)
            ages = open_items.ages(connection, CODE, day)
            assert sum(age.count for age in ages) == sum(number for _k, number, _y in waiting)
            assert sum(age.amount_yen for age in ages) == sum(yen for _k, _n, yen in waiting)
    assert ages[-1].count == sum(age.count for age in ages)


def _event(connection, case_no, day, event, note="", state=None):
    key = {"m": CODE, "case_no": case_no}
    last = (
        "SELECT MAX(event_no) FROM case_event WHERE municipality_code = :m AND case_no = :case_no"
    )
    number = connection.execute(text(last), key).scalar_one() + 1
    connection.execute(
        text(
            "INSERT INTO case_event VALUES (:m, :case_no, :n, :day, 'kaikei', :event, :note, NULL)"
        ),
        {**key, "n": number, "day": day.isoformat(), "event": event, "note": note},
    )
    if state:
        connection.execute(
            text(
                "UPDATE review_case SET state = :state "
                "WHERE municipality_code = :m AND case_no = :case_no"
            ),
            {"m": CODE, "case_no": case_no, "state": state},
        )
    return number


def _waited(connection, day):
    ages = open_items.ages_then(connection, CODE, day)
    return sum(age.count for age in ages), sum(age.amount_yen for age in ages)


@pytest.mark.parametrize("books", ["city", "postgres_city"])
def test_a_day_that_is_over_shows_the_cases_that_waited_then(request, books):
    engine = request.getfixturevalue(books).engine
    day = DAYS[1]
    later = [date(2026, 6, number) for number in range(3, 8)]
    with unit_of_work(engine, CODE) as connection:
        case_no, yen = connection.execute(
            text(
                "SELECT case_no, amount_yen FROM review_case WHERE municipality_code = :m "
                "AND state = 'open' AND opened_on <= :day ORDER BY amount_yen DESC, case_no"
            ),
            {"m": CODE, "day": day.isoformat()},
        ).all()[0]
        number, whole = _waited(connection, later[-1])
        assert (number, whole) == _waited(connection, day)
        assert _waited(connection, DAYS[0]) < (number, whole)
        accepted = _event(connection, case_no, later[0], "accepted", "誤り", "accepted")
        without = (number - 1, whole - yen)
        assert [_waited(connection, each) for each in (day, later[0])] == [(number, whole), without]
        _event(connection, case_no, later[1], "undone", str(accepted), "open")
        _event(connection, case_no, later[2], "resolved", "", "resolved")
        _event(connection, case_no, later[3], "reopened", "", "open")
        assert [_waited(connection, each) for each in (day, *later)] == [
            (number, whole), without, (number, whole), without, (number, whole), (number, whole),
        ]  # fmt: skip


@pytest.mark.usefixtures("morning")
def test_a_day_that_is_over_says_what_is_of_it_and_what_is_of_now(treasurer):
    page = treasurer.get(f"/staff/today/{DAYS[1]}").get_data(as_text=True)
    assert "2026年6月2日（火）の終わりに未対応だった確認事項" in page
    assert "この日のもの" in page
    assert "/staff/cases?" not in page
    now = treasurer.get("/staff/").get_data(as_text=True)
    assert "終わりに未対応だった" not in now
    assert "この日のもの" not in now
    assert "消込のうち前年度までの分は0円です。" in now
    assert "/staff/cases?" in now


def test_the_way_of_april_tells_the_year_before_apart(city):
    rows = (("2026-04-10", 2025, 2025, 700), ("2026-04-10", 2026, 2026, 50),
            ("2026-04-10", 2024, 2026, 8), ("2026-04-11", 0, 0, 4))  # fmt: skip
    with unit_of_work(city.engine, CODE) as connection:
        before = figures(connection, CODE, date(2026, 4, 30)).way
        for booked_on, claim_year, open_year, yen in rows:
            connection.execute(
                text(
                    "INSERT INTO day_total (municipality_code, booked_on, item_code, claim_year, "
                    "open_year, channel, debit_account, credit_account, reason, count, amount_yen) "
                    "VALUES (:m, :day, '901', :claim_year, :open_year, 'konbini', 'reported', "
                    "'receivable', 'applied', 1, :yen)"
                ),
                {"m": CODE, "day": booked_on, "claim_year": claim_year, "open_year": open_year,
                 "yen": yen},
            )  # fmt: skip
        way = figures(connection, CODE, date(2026, 4, 30)).way
        june = figures(connection, CODE, date(2026, 6, 2)).way
    assert way.collected_yen - before.collected_yen == 762
    # Arrears of 2024 that were carried into 2026 are revenue of this year.
    assert (way.earlier_yen, june.earlier_yen) == (700, 700)


@pytest.mark.parametrize("step", STEPS)
def test_every_figure_opens_the_rows_it_is_made_of(treasurer, city, step):
    with reading(city.engine, CODE) as connection:
        rows = trend.moved(connection, CODE, DAYS[1], DAYS[1])
    expected = trend.total(rows, step)
    address = f"/staff/today/rows/{step}"
    days = f"{address}?first={DAYS[1]}&last={DAYS[1]}"
    by_day = _table(treasurer.get(f"{days}&form=csv"))
    assert sum(int(row["金額"]) for row in by_day) == expected.amount_yen
    assert sum(int(row["件数"]) for row in by_day) == expected.count
    assert f"{expected.amount_yen:,}円" in treasurer.get(days).get_data(as_text=True)
    each = _table(treasurer.get(f"{address}/{DAYS[1]}?form=csv"))
    assert sum(int(row["金額"]) for row in each) == expected.amount_yen
    # Page by page it is the same, and every row leads to its line or its file.
    place, seen = f"{address}/{DAYS[1]}", 0
    while place:
        page = treasurer.get(place).get_data(as_text=True)
        body = page.partition("<tbody>")[2].partition("</tbody>")[0]
        links = re.findall(r'<th scope="row"><a href="([^"]+)"', body)
        assert len(links) == body.count("<tr>")
        seen += len(links)
        assert treasurer.get(links[0]).status_code == 200 if links else True
        following = re.search(r'<a href="([^"]+)">次のページ</a>', page)
        place = following[1].replace("&amp;", "&") if following else ""
    assert seen == len(each)


def test_rows_of_one_channel_and_levy_are_a_part_of_all(treasurer):
    rows = _table(
        treasurer.get(f"/staff/today/rows/collected?first={DAYS[0]}&last={DAYS[1]}&form=csv")
    )
    codes = {"コンビニ": "konbini", "共通納税": "eltax", "口座振替": "debit"}
    row = next(row for row in rows if row["チャネル"] in codes)
    query = f"channel={codes[row['チャネル']]}&item={row['科目コード']}&form=csv"
    part = _table(treasurer.get(f"/staff/today/rows/collected/{row['会計日']}?{query}"))
    assert sum(int(each["金額"]) for each in part) == int(row["金額"])
    of_channel = _table(
        treasurer.get(
            f"/staff/today/rows/collected?first={DAYS[0]}&last={DAYS[1]}&channel={codes[row['チャネル']]}&form=csv"
        )
    )
    assert of_channel == [each for each in rows if each["チャネル"] == row["チャネル"]]


def test_the_open_credits_are_listed_with_their_lines(treasurer, city):
    with reading(city.engine, CODE) as connection:
        total = open_items.credits_open(connection, CODE)
    rows = _table(treasurer.get("/staff/today/credits?form=csv"))
    assert (len(rows), sum(int(row["金額"]) for row in rows)) == total[:2]
    page = treasurer.get("/staff/today/credits").get_data(as_text=True)
    assert f"{total.amount_yen:,}円" in page
    link = re.search(r'href="(/staff/explain/lines/[^"]+)"', page)
    assert link
    assert treasurer.get(link[1]).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "today/yesterday", "today/0001-01-01", "today/rows/nothing?first=2026-06-01&last=2026-06-01",
        "today/rows/collected?first=x", "today/rows/collected/2026-06-01?after=1-2", "today/credits?after=x",
        "today/credits?after=1-9999999999999999999", "today?day=x",
    ],
)  # fmt: skip
def test_what_cannot_be_is_not_found(treasurer, address):
    assert treasurer.get(f"/staff/{address}").status_code == 404


@pytest.mark.usefixtures("morning")
def test_the_page_says_what_is_the_matter(treasurer, city):
    page = treasurer.get("/staff/").get_data(as_text=True)
    with reading(city.engine, CODE) as connection:
        report = day_report(connection, PROFILE, DAYS[1])
    assert "数字は直近の 2026年6月2日（火） のもの" in page
    assert "要対応" in page
    for check in report.differing:
        assert f"{check.left:,}{check.unit} ≠ {check.right:,}{check.unit}" in page
    for number in range(1, 12):
        assert f'<span class="light-code">T{number}</span>' in page
    assert f"{report.collected_yen:,}円" in page
    assert "あなたの承認待ち" in page
    assert len(page.encode()) < 300_000
    assert "<script" not in page.partition("<main")[2].partition("</main>")[0]
    assert "style=" not in page


def test_another_day_is_chosen_by_its_date(treasurer):
    assert (
        treasurer.get("/staff/today?day=2026-06-01").headers["Location"]
        == "/staff/today/2026-06-01"
    )
    page = treasurer.get("/staff/today/2026-06-01").get_data(as_text=True)
    assert "2026年（令和8年）6月1日（月）の状況" in page


def test_a_holiday_awaits_nothing_and_shows_the_last_day(treasurer):
    page = treasurer.get("/staff/today/2026-06-06").get_data(as_text=True)
    assert "この日に受け取る予定の資料はありません。" in page
    assert "数字は直近の 2026年6月2日（火） のもの" in page


def test_before_the_first_file_there_are_no_figures(treasurer):
    page = treasurer.get("/staff/today/2026-05-29").get_data(as_text=True)
    assert "まだ資料がありません" in page
    assert "比べる数字がまだありません。" in page
    assert "お金の動き" not in page


@pytest.mark.usefixtures("morning")
def test_an_auditor_sees_all_of_it_but_no_decisions(auditor):
    page = auditor.get("/staff/").get_data(as_text=True)
    assert "あなたの承認待ち" not in page
    assert "未照合の入金" in page
    assert auditor.get(f"/staff/today/rows/collected/{DAYS[1]}").status_code == 200


@pytest.mark.usefixtures("morning")
def test_who_may_not_read_details_sees_sums_only(app, city):
    clerk = _signed_in(app, city, "shisutemu", "admin")
    page = clerk.get("/staff/").get_data(as_text=True)
    assert "/staff/today/credits" not in page
    days = f"/staff/today/rows/collected?first={DAYS[1]}&last={DAYS[1]}"
    assert f"/staff/today/rows/collected/{DAYS[1]}" not in clerk.get(days).get_data(as_text=True)
    assert clerk.get(f"/staff/today/rows/collected/{DAYS[1]}").status_code == 403
    assert clerk.get("/staff/today/credits").status_code == 403


@pytest.mark.usefixtures("morning")
def test_what_waits_for_me_is_what_somebody_else_asked_for(app, treasurer, city):
    asked = treasurer.post(
        f"/staff/closings/day_close/{DAYS[0]}", data={"reason": "確認済み", "despite": "yes"}
    )
    assert asked.status_code == 303
    assert "あなたの決定を待つものはありません。" in treasurer.get("/staff/").get_data(as_text=True)
    colleague = _signed_in(app, city, "douryou", "treasury")
    page = colleague.get("/staff/").get_data(as_text=True)
    assert re.search(r'<a href="#mine">あなたの承認待ち</a>\s*<strong>1件</strong>', page)
    assert "/staff/approvals/1" in page


def test_a_new_body_is_told_what_to_do_first(books):
    with unit_of_work(books.engine, CODE) as connection:
        staff.add(
            connection, CODE, "kaikei", roles=("treasury",), display_name="k", password=PASSWORD
        )
    app = create_app(books.settings, books.engine, TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": "kaikei", "password": PASSWORD})
    page = client.get("/staff/").get_data(as_text=True)
    assert "まだ資料がありません" in page
    assert "kokin assessments import" in page
    assert "未対応の確認事項はありません。" in page
    assert "定時処理はまだ一度も動いていません。" in page


def _signed_in(app, city, name, role):
    with unit_of_work(city.engine, CODE) as connection:
        staff.add(connection, CODE, name, roles=(role,), display_name=name, password=PASSWORD)
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    return client


def _table(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


_slots = itertools.count()


def _counted(city, result, job="limitation"):
    """A run of a job that counts for this page, as it stands in the history."""
    with noting(city.engine, CODE) as connection:
        run = history.begin(
            connection, CODE, job, Slot(clock.now() - timedelta(hours=next(_slots)), 1), "host/1/x",
            as_of_on=clock.today(),
        )  # fmt: skip
        history.end(connection, CODE, run, result)


def test_what_is_prescribed_soon_is_counted_as_the_list_has_it(city):
    def counted(now):
        return limitation(
            JobContext(city.settings, city.engine, CODE, now, "schedule", said.append)
        ).totals

    said: list[str] = []
    early = counted(datetime(2026, 6, 3, 5, tzinfo=clock.JST))
    assert early == {"prescribing": 0, "prescribing_yen": 0, "prescribed": 0,
                     "prescribed_yen": 0, "within_days": 90}  # fmt: skip
    with reading(city.engine, CODE) as connection:
        left = connection.execute(
            text(
                "SELECT COUNT(*) AS number, SUM(amount_yen - term_yen - whole_yen + surplus_yen) "
                "AS yen FROM instalment_account WHERE municipality_code = :m "
                "AND amount_yen - term_yen - whole_yen + surplus_yen > 0"
            ),
            {"m": CODE},
        ).one()
    late = counted(datetime(2041, 6, 3, 5, tzinfo=clock.JST))
    assert (late["prescribed"], late["prescribed_yen"]) == (left.number, left.yen)
    assert late["prescribing"] == left.number > 0
    assert len(said) == 2


@pytest.mark.usefixtures("morning")
def test_the_first_page_says_what_is_prescribed_soon(city, treasurer):
    assert "時効が近い未納" not in treasurer.get("/staff/").get_data(as_text=True)
    totals = {"prescribing": 41, "prescribing_yen": 912_300, "prescribed": 3,
              "prescribed_yen": 500, "within_days": 90}  # fmt: skip
    _counted(city, JobResult(totals=totals))
    page = " ".join(treasurer.get("/staff/").get_data(as_text=True).split())
    link = "/staff/charges?part=prescribing&amp;within=90"
    assert f'<a href="{link}">時効が近い未納</a> <strong>41件</strong> 912,300円' in page
    assert "完成 3件" in page
    assert treasurer.get(link.replace("&amp;", "&")).status_code == 200
    _counted(city, JobResult(totals=totals | {"prescribing": 0, "prescribing_yen": 0,
                                              "prescribed": 0}))  # fmt: skip
    page = treasurer.get("/staff/").get_data(as_text=True)
    assert "90日のうちに時効となる未納はありません。" in page
    _counted(city, JobResult(JobState.FAILED))  # the count before it stands, with its moment
    assert "90日のうちに時効となる未納" in treasurer.get("/staff/").get_data(as_text=True)


@pytest.mark.parametrize("books", ["city", "postgres_city"])
def test_what_fell_due_is_counted_by_levy(request, books):
    city = request.getfixturevalue(books)
    context = JobContext(
        city.settings, city.engine, CODE, datetime(2026, 7, 1, 5, tzinfo=clock.JST), "schedule",
        lambda _said: None,
    )  # fmt: skip
    totals = due(context).totals
    with reading(city.engine, CODE) as connection:
        rows = connection.execute(
            text(
                "SELECT n.item_code, CAST(i.due_on AS VARCHAR(10)) AS due_on, a.amount_yen, "
                "a.term_yen + a.whole_yen - a.surplus_yen AS paid_yen FROM instalment i "
                "JOIN instalment_account a ON a.notice_id = i.notice_id AND a.term = i.term "
                "JOIN notice n ON n.notice_id = i.notice_id WHERE i.fiscal_year = 2026"
            )
        ).all()
    gone = [row for row in rows if row.due_on < "2026-07-01"]
    assert 0 < len(gone) < len(rows)
    assert totals["due"] == len(gone)
    assert totals["due_yen"] == sum(row.amount_yen for row in gone)
    for item in {row.item_code for row in gone}:
        of = [row for row in gone if row.item_code == item]
        assert totals[f"{item}:due_yen"] == sum(row.amount_yen for row in of)
        assert totals[f"{item}:paid_yen"] == sum(row.paid_yen for row in of)


@pytest.mark.usefixtures("morning")
def test_the_rate_of_what_fell_due_stands_beside_the_rate_of_the_year(city, treasurer):
    assert "納期到来分の収納率" not in treasurer.get("/staff/").get_data(as_text=True)
    totals = {"due": 3, "due_yen": 1000, "due_paid_yen": 987, "fiscal_year": 2026,
              "901:due_yen": 1000, "901:paid_yen": 987}  # fmt: skip
    _counted(city, JobResult(totals=totals), "due")
    page = treasurer.get("/staff/").get_data(as_text=True)
    assert "98.7%" in page
    assert "調定 1,000円" in page
    jobs = treasurer.get("/staff/jobs").get_data(as_text=True)
    assert "納期到来分の調定 1,000円" in jobs
    assert "901:" not in jobs
    assert "納期到来分の収納率" not in treasurer.get("/staff/today/2026-06-02").get_data(
        as_text=True
    )
