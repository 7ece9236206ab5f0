"""締め: two people, in order, with reasons; what is closed stays exactly as it was signed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

import sample_data
from payments.domain.errors import InvalidValueError, RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import carry_over, closures, day_close, day_totals
from reconcile.journal import open_journal
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.report.data import canonical_json, report_as_data, report_from_data, sha256
from reconcile.report.lines import lines
from reconcile.report.period import day_report, year_report
from reconcile.verify.everything import verify
from reconcile.waiting import reconcile_waiting
from web.approval_effects import decide_and_do
from web.commands.setup import sample_profile
from web.days.exports import export
from web.days.sheets import heading

M = "99999"
FIRST, SECOND = date(2026, 6, 1), date(2026, 6, 2)
AT = datetime(2026, 6, 3, 9, tzinfo=UTC)
PASSWORD = "kaikei-no-himitsu"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either_city(request):
    """The small city on both kinds of database."""
    return request.getfixturevalue("city" if request.param == "sqlite" else "postgres_city")


def _ask(city, kind=day_close.CLOSE, subject=FIRST, by="kaikei", reason="日次", **more):
    with unit_of_work(city.engine, M) as connection:
        return day_close.ask(
            connection, M, kind, str(subject), asked_by=by, reason=reason, at=AT, **more
        )


def _decide(city, approval_id, by="kanri", decision="approved", note=""):
    """Approved or rejected; the record of the closure, when there is one."""
    with unit_of_work(city.engine, M) as connection:
        approval = decide_and_do(
            connection, sample_profile(), approval_id, decision, decided_by=by, note=note
        )
        number = closures.last_no(connection, M)
        return (
            closures.before(connection, M, number + 1) if approval.decision == "approved" else None
        )


def _close(city, subject=FIRST, kind=day_close.CLOSE, **more):
    return _decide(city, _ask(city, kind, subject, **more).approval_id)


def _shown(city, day=FIRST):
    with reading(city.engine, M) as connection:
        return day_close.shown_day(connection, sample_profile(), day)


def _state(city, day=FIRST):
    with reading(city.engine, M) as connection:
        return day_close.day_state(connection, M, day)


def _suspense(report):
    return next(m.closing_yen for m in report.movements if m.account == "suspense")


def _late(city, day=FIRST):
    """A file that comes late; what it brings to suspense."""
    name = "konbini_dsk/example.csv"
    data = (Path(sample_data.__file__).parent / "golden" / name).read_bytes()
    report = take_in(city.engine, M, Delivery(name, data), received_on=day)
    return sum(total.suspense_yen for total in report.outcomes.values())


def test_a_closed_day_is_shown_as_it_was_signed_whatever_comes_after(either_city):
    city = either_city
    live, none = _shown(city)
    assert none is None
    closure = _close(city)
    signed, shown = _shown(city)
    assert shown == closure
    assert (closure.asked_by, closure.decided_by, closure.event) == ("kaikei", "kanri", "closed")
    assert sha256(canonical_json(report_as_data(signed))) == closure.report_sha256
    assert signed.revenue == live.revenue
    # Something late comes for the closed day: it is booked on the next open business day.
    before = _shown(city, SECOND)[0]
    late_yen = _late(city)
    reconcile_waiting(city.engine, M, as_of=FIRST)
    assert late_yen > 0
    assert _shown(city)[0] == signed
    assert _suspense(_shown(city, SECOND)[0]) - _suspense(before) == -late_yen
    with reading(city.engine, M) as connection:
        behind = connection.execute(
            text(
                "SELECT COUNT(*) FROM journal WHERE booked_on <= '2026-06-01' AND journal_id > "
                "(SELECT journal_id FROM day_closure)"
            )
        ).scalar_one()
        again = day_report(connection, sample_profile(), FIRST)
    assert behind == 0
    assert (again.revenue, again.movements, again.cash) == (
        signed.revenue,
        signed.movements,
        signed.cash,
    )
    assert before.collected_before_yen == signed.collected_yen


def test_a_posting_without_its_receipt_stops_the_next_close(city):
    _close(city)
    before = _shown(city, SECOND)[0]
    with unit_of_work(city.engine, M) as connection:  # dated on the closed day
        number = open_journal(connection, M, "correction", FIRST, "kaikei", reason="test")
        notice = connection.execute(text("SELECT * FROM instalment LIMIT 1")).one()
        connection.execute(
            text(
                "INSERT INTO posting (municipality_code, journal_id, subject_file_id, "
                "subject_line_no, leg, debit_account, credit_account, amount_yen, reason, "
                "notice_id, term) VALUES (:m, :j, 1, 99999, 1, 'reported', 'receivable', 700, "
                "'applied', :notice, :term)"
            ),
            {"m": M, "j": number, "notice": notice.notice_id, "term": notice.term},
        )
    after = _shown(city, SECOND)[0]
    assert after.collected_yen - before.collected_yen == 700
    assert all(check.ok for check in after.checks if check.code == "T10")
    with pytest.raises(RefusedError, match="close_blocked") as caught:
        _ask(city, subject=SECOND)
    assert caught.value.details["blockers"] == "T3, T6, receivable"


def test_the_same_person_cannot_close_alone(either_city):
    asked = _ask(either_city)
    with pytest.raises(RefusedError, match="approval_same_person"):
        _decide(either_city, asked.approval_id, by="kaikei")
    assert _state(either_city).closed is None
    assert _state(either_city).asked == asked
    assert _decide(either_city, asked.approval_id).event == "closed"


def test_a_rejected_request_closes_nothing_and_may_be_asked_again(city):
    asked = _ask(city)
    with pytest.raises(RefusedError, match="approval_waiting"):
        _ask(city)
    assert _decide(city, asked.approval_id, decision="rejected", note="確認中") is None
    assert _state(city).closed is None
    assert _close(city).closure_no == 1


def test_a_difference_stops_the_close_until_two_people_say_otherwise(city):
    _close(city)
    with pytest.raises(RefusedError, match="close_blocked") as caught:
        _ask(city, subject=SECOND)
    assert caught.value.details == {"subject": "2026-06-02", "blockers": "T3"}
    closure = _close(city, SECOND, reason="手数料の差額を照会中", despite=True)
    assert closure.reason == "手数料の差額を照会中"
    assert _shown(city, SECOND)[0].blockers == ("T3",)


def test_a_red_source_stops_the_close(city):
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text("UPDATE source_file SET received_on = '2026-06-09' WHERE format_code = :f"),
            {"f": "konbini_dsk"},
        )
    with pytest.raises(RefusedError, match="close_blocked") as caught:
        _ask(city)
    assert "konbini_dsk" in str(caught.value.details["blockers"])


def test_the_second_person_signs_exactly_what_was_asked(city):
    asked = _ask(city)
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text("UPDATE receipt SET stage = 'provisional' WHERE stage = 'confirmed'")
        )
    with pytest.raises(RefusedError, match="close_blocked"):  # T6 does not hold any more
        _decide(city, asked.approval_id)
    assert _state(city).asked is not None


def test_figures_that_moved_since_the_request_are_not_signed(city):
    asked = _ask(city)
    with unit_of_work(city.engine, M) as connection:
        # A booking of another moment on the same day: the request is about other figures.
        connection.execute(
            text(
                "INSERT INTO journal SELECT municipality_code, journal_id + 100000, kind, file_id, "
                "booked_on, made_at, actor, reason FROM journal WHERE journal_id = 1"
            )
        )
        for debit, credit in (("bank", "unidentified"), ("unidentified", "bank")):
            connection.execute(
                text(
                    "INSERT INTO posting (municipality_code, journal_id, subject_file_id, "
                    "subject_line_no, leg, debit_account, credit_account, amount_yen, reason) "
                    "VALUES (:m, 100001, 0, 0, :leg, :debit, :credit, 5, 'reversal')"
                ),
                {"m": M, "leg": len(debit), "debit": debit, "credit": credit},
            )
    with pytest.raises(RefusedError, match="close_figures_changed"):
        _decide(city, asked.approval_id)


def test_days_are_closed_in_their_order_and_reopened_from_the_last(city):
    _close(city)
    with pytest.raises(RefusedError, match="close_order"):
        _ask(city, subject=FIRST)  # closed already
    with pytest.raises(RefusedError, match="close_order"):
        _ask(city, subject=date(2026, 6, 3), despite=True)  # the second day comes first
    _close(city, SECOND, despite=True)
    with pytest.raises(RefusedError, match="close_order"):
        _ask(city, day_close.REOPEN, FIRST)
    earlier, closure = _shown(city, date(2026, 5, 31))  # never closed by itself
    assert heading(earlier, closure).state.startswith("締め済の期間")
    with pytest.raises(InvalidValueError, match="reason_missing"):
        _ask(city, day_close.REOPEN, SECOND, reason=" ")
    reopened = _close(city, SECOND, day_close.REOPEN, reason="資料の差替え")
    assert (reopened.event, reopened.closed_until) == ("reopened", FIRST)
    assert _shown(city, SECOND)[1] is None
    assert _close(city, FIRST, day_close.REOPEN, reason="資料の差替え").closed_until is None
    again = _close(city)
    assert (again.closure_no, again.closed_until) == (5, FIRST)
    assert [c.event for c in _state(city).history] == ["closed", "reopened", "closed"]


def test_a_signed_figure_that_does_not_follow_from_the_books_is_found(city):
    _close(city)
    assert all(c.ok for c in _shown(city, SECOND)[0].checks if c.code == "T10")
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text("UPDATE day_total SET amount_yen = amount_yen + 1 WHERE credit_account = :a "
                 "AND debit_account <> 'assessed'"), {"a": "receivable"},
        )  # fmt: skip
    assert any(c.code == "T10" and not c.ok for c in _shown(city, SECOND)[0].checks)


def test_a_year_is_closed_after_its_last_day_and_takes_no_more_money(either_city):
    city = either_city
    with pytest.raises(RefusedError, match="close_order"):
        _ask(city, day_close.YEAR_CLOSE, "2025")
    _close(city, date(2026, 5, 29), despite=True, reason="検証")
    with pytest.raises(RefusedError, match="close_order"):  # the books are open before 31 May
        _ask(city, day_close.YEAR_CLOSE, "2025")
    _close(city, date(2026, 5, 31), despite=True, reason="検証")
    closure = _close(city, "2025", day_close.YEAR_CLOSE)
    assert (closure.period, closure.closed_year, closure.closed_until) == (
        "year",
        2025,
        date(2026, 5, 31),
    )
    with pytest.raises(RefusedError, match="close_order"):  # a closed year holds its last day
        _ask(city, day_close.REOPEN, date(2026, 5, 31))
    with reading(city.engine, M) as connection:
        report, signed = day_close.shown_year(connection, sample_profile(), 2025)
        assert signed == closure
        assert report.fiscal_year == 2025
    reopened = _close(city, "2025", day_close.YEAR_REOPEN, reason="差替え")
    assert (reopened.closed_year, reopened.closed_until) == (0, date(2026, 5, 31))


def test_the_figures_are_the_same_with_and_without_the_summary(either_city):
    city = either_city
    live = _shown(city, SECOND)[0]
    assert day_totals.summarise(city.engine, M)
    assert not day_totals.summarise(city.engine, M)
    assert _shown(city, SECOND)[0] == live
    with reading(city.engine, M) as connection:
        assert year_report(connection, sample_profile(), 2026).collected_yen == sum(
            yen for _day, _n, yen in year_report(connection, sample_profile(), 2026).days
        )
        for report in (live, year_report(connection, sample_profile(), 2026)):
            data = json.loads(canonical_json(report_as_data(report)))
            assert report_from_data(data) == report


def _names(city):
    return {difference.name for difference in verify(city.engine, M)}


def test_lines_are_summed_up_by_file_as_they_stand(either_city):
    def same():
        with reading(either_city.engine, M) as connection:
            for day in (FIRST, SECOND):
                counted = lines(connection, M, day, day, again=True)
                assert counted
                assert lines(connection, M, day, day) == counted

    same()  # Nothing is summed up.
    day_totals.summarise(either_city.engine, M)
    same()
    _late(either_city)
    reconcile_waiting(either_city.engine, M, as_of=SECOND)
    same()  # The late file is not summed up, and what it changed no longer holds.
    day_totals.summarise(either_city.engine, M)
    same()
    assert _names(either_city) == set()


def test_closed_books_verify_clean(either_city):
    _close(either_city)
    _close(either_city, SECOND, despite=True)
    _close(either_city, SECOND, day_close.REOPEN, reason="差替え")
    _late(either_city)
    _close(either_city, SECOND, despite=True)
    assert _names(either_city) == set()


@pytest.mark.parametrize(
    ("damage", "names"),
    [
        ("UPDATE day_total SET count = count + 1 WHERE reason = 'applied'", {"day_total"}),
        ("UPDATE delay_total SET count = count + 1", {"day_total"}),
        ("UPDATE file_total SET accounted_yen = accounted_yen + 1", {"day_total"}),
        ("DELETE FROM day_total WHERE reason = 'applied'", {"day_total"}),
        ("UPDATE day_closure SET report_json = REPLACE(report_json, 'みほん', 'みせん')", {"closure_hash"}),
        ("UPDATE day_closure SET closure_no = 9 WHERE closure_no = 2", {"closure"}),
        (("UPDATE journal SET booked_on = '2026-06-01' WHERE journal_id = "
         "(SELECT MAX(journal_id) FROM journal)"), {"closed_day"}),
        (("UPDATE journal SET booked_on = '2026-06-05' WHERE journal_id = "
         "(SELECT MIN(journal_id) FROM posting WHERE reason = 'applied')"),
         {"closure_figures", "day_total", "seal_row"}),
    ],
)  # fmt: skip
def test_what_was_altered_behind_a_close_is_named(city, damage, names):
    _close(city)
    _close(city, SECOND, despite=True)
    reconcile_waiting(city.engine, M, as_of=SECOND)
    with unit_of_work(city.engine, M) as connection:
        guards = connection.execute(
            text("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        ).scalars()
        for guard in guards.all():
            connection.execute(text(f"DROP TRIGGER {guard}"))
        connection.execute(text(damage))
    assert names <= _names(city)  # other checks may speak of the same row


def _client(app, name):
    client = app.test_client()
    client.post("/staff/sign-in", data={"user_name": name, "password": PASSWORD})
    return client


def test_two_people_close_and_reopen_on_the_page(app, city, treasurer):
    admin, auditor = _client(app, "kanri"), _client(app, "kansa")
    path = "/staff/closings/day_close/2026-06-01"
    assert auditor.post(path).status_code == 403
    looked_at = auditor.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "締めの承認を依頼できるのは、会計の職員です。" in looked_at  # not: in the order of days
    assert treasurer.post(path).headers["Location"].endswith("/staff/days/2026-06-01#closing")
    page = treasurer.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "別の職員（会計・承認者）の承認を待っています。" in page
    assert treasurer.post(f"{path}/1", data={"decision": "approved"}).status_code == 403
    assert "承認する" in admin.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert admin.post(f"{path}/1", data={"decision": "approved"}).status_code == 303
    page = auditor.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "締めたときのまま" in page
    blocked = "/staff/closings/day_close/2026-06-02"
    assert treasurer.post(blocked).status_code == 409
    assert "差異があっても締める理由" in treasurer.get("/staff/days/2026-06-02").get_data(
        as_text=True
    )
    reopen = "/staff/closings/day_reopen/2026-06-01"
    assert treasurer.post(reopen).status_code == 422
    assert treasurer.post(reopen, data={"reason": "差替え"}).status_code == 303
    assert admin.post(f"{reopen}/2", data={"decision": "approved"}).status_code == 303
    assert _state(city).closed is None
    kept = "/staff/days/2026-06-01/report.json?closure="
    assert auditor.get(f"{kept}1").json["closure"]["closure_no"] == 1
    assert auditor.get(f"{kept}2").status_code == 404
    with reading(city.engine, M) as connection:
        events = connection.execute(text("SELECT event FROM staff_event")).scalars().all()
    done = {"day_close", "day_reopen", "approval_approved"}
    assert done <= set(events)


@pytest.mark.parametrize(
    ("before", "back"),
    [
        ("http://localhost/staff/days/2026-06-01?x=1", "/staff/days/2026-06-01?x=1"),
        ("http://localhost/staff/closings/day_reopen/2026-06-01", ""),  # a form, not a page
        ("http://localhost//elsewhere.example/staff/days/2026-06-01", ""),
        ("http://elsewhere.example/staff/days/2026-06-01", ""),
        ("", ""),
    ],
)
def test_a_refusal_leads_back_to_the_page_it_came_from(treasurer, before, back):
    path = "/staff/closings/day_reopen/2026-06-01"
    refused = treasurer.post(path, data={"reason": "差替え"}, headers={"Referer": before})
    assert refused.status_code == 409  # it was never closed
    page = refused.get_data(as_text=True)
    assert ("前の画面に戻る" in page) == bool(back)
    assert f'<a href="{back}">前の画面に戻る</a>' in page or not back


def test_who_asked_for_a_closing_and_who_agreed_stand_there_by_name(app, city, treasurer):
    with unit_of_work(city.engine, M) as connection:
        connection.execute(
            text("UPDATE staff_user SET display_name = '会計 花子' WHERE user_name = 'kaikei'")
        )
    path = "/staff/closings/day_close/2026-06-01"
    treasurer.post(path)
    page = treasurer.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "締めの承認を 会計 花子（kaikei） が依頼しています" in page
    _client(app, "kanri").post(f"{path}/1", data={"decision": "approved"})
    page = treasurer.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "作成 会計 花子（kaikei）、確認 kanri" in page
    assert "会計 花子（kaikei） → kanri" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/staff/closings/nothing/2026-06-01", 404),
        ("/staff/closings/day_close/yesterday", 404),
        ("/staff/closings/year_close/soon", 404),
        ("/staff/closings/year_close/2026", 409),
        ("/staff/closings/day_close/2050-06-01", 404),
        ("/staff/closings/day_close/2026-06-01/77", 404),
    ],
)
def test_a_closing_that_cannot_be_is_refused(treasurer, path, status):
    assert treasurer.post(path, data={"decision": "approved"}).status_code == status


def test_the_page_of_a_closed_year_says_what_was_carried_and_lists_it(city, treasurer):
    page = "/staff/years/2025"
    assert treasurer.get(f"{page}/carried.csv").status_code == 404
    with unit_of_work(city.engine, M) as connection:  # half of the claims are those of 2025
        connection.execute(text("UPDATE instalment SET fiscal_year = 2025 WHERE notice_id % 2 = 0"))
        connection.execute(text("DROP TRIGGER journal_refuses_update"))
        connection.execute(text("UPDATE journal SET booked_on = '2026-05-29'"))
    _close(city, date(2026, 5, 29), despite=True, reason="検証")
    _close(city, date(2026, 5, 31), despite=True, reason="検証")
    _close(city, "2025", day_close.YEAR_CLOSE, despite=True, reason="検証")
    with reading(city.engine, M) as connection:
        run = carry_over.run_of(connection, M, 2025)
    shown = treasurer.get(page).get_data(as_text=True)
    assert f"2026年度へ {run.count:,}件 {run.amount_yen:,}円を繰り越しました" in shown
    answer = treasurer.get(f"{page}/carried.csv")
    rows = answer.get_data(as_text=True).split("\r\n")[1:-1]
    assert len(rows) == run.count
    assert sum(int(row.rsplit(",", 1)[1]) for row in rows) == run.amount_yen
    day = treasurer.get("/staff/days/2026-06-01").get_data(as_text=True)
    assert "滞納繰越（調定替え）" in day


def test_a_closed_day_is_printed_with_the_moment_of_its_closing(either_city):
    closed = _close(either_city)
    with reading(either_city.engine, M) as connection:
        report, closure = day_close.shown_day(connection, sample_profile(), FIRST)
    assert closure.closure_no == closed.closure_no
    paper = export(report, closure, "pdf")
    assert paper.startswith(b"%PDF-")
    assert export(report, closure, "pdf") == paper
