"""受領予定の変更と提案: two people decide, from a day on; history proposes and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import text

from payments.domain.arrivals import ArrivalRule, days_between, is_business_day
from payments.domain.errors import InvalidValueError, NotFoundError, RefusedError
from payments.store.engine import open_engine
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.arrivals import rules
from reconcile.arrivals.belonging import assign, period, record_new
from reconcile.arrivals.learning import propose
from reconcile.report.arrivals import arrivals, board, red_channels
from reconcile.verify.everything import verify
from web.approval_effects import decide_and_do
from web.commands.setup import sample_profile
from web.days.nil_reports import enter_nil_report, withdraw_nil_report

M = "99999"
AT = datetime(2026, 6, 30, 9, tzinfo=UTC)
PROFILE = sample_profile()


@pytest.fixture
def engine(database_url):
    opened = open_engine(database_url)
    with unit_of_work(opened, M) as connection:
        save_profile(connection, PROFILE)
    yield opened
    opened.dispose()


def _put(engine, files):
    """Files as if they had been taken in: number, format, moment in Japan, date inside."""
    with unit_of_work(engine, M) as connection:
        for number, (form, at, dated) in enumerate(files, start=1):
            connection.execute(
                text(
                    "INSERT INTO source_file (municipality_code, file_id, sha256, nil_no, name, "
                    "size_bytes, format_code, channel, agent, status, received_on, taken_in_at, "
                    "created_on, count, amount_yen) VALUES (:m, :n, :sha, 0, 'f', 1, :form, "
                    "'konbini', '', 'accepted', :on, :at, :dated, 0, 0)"
                ),
                {
                    "m": M, "n": number, "sha": f"{number:064d}", "form": form,
                    "on": at.date().isoformat(), "dated": dated and dated.isoformat(),
                    "at": (at - timedelta(hours=9)).replace(tzinfo=UTC).isoformat(),
                },
            )  # fmt: skip


def _at(day, hour, minute=0):
    return datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - Japan, see _put


def _proposed(engine, months=3, today=date(2026, 6, 29)):
    with reading(engine, M) as connection:
        found = propose(
            connection, PROFILE, months=months, today=today, effective_on=date(2026, 7, 1)
        )
    return {each.source.code: each for each in found}


def test_history_proposes_days_times_and_dates_and_says_what_they_rest_on(engine):
    spring = days_between(date(2026, 4, 1), date(2026, 6, 26))
    opened = [day for day in spring if is_business_day(day)]
    before = dict(zip(opened[1:], opened, strict=False))
    files: list[Any] = [("konbini_dsk", _at(day, 7, 20 + day.day % 30), None) for day in opened[3:]]
    files += [("konbini_muf120", _at(day, 8), before[day]) for day in opened[3:] for _ in range(2)]
    files += [("konbini_mizuho120", _at(day, 15, 5), day) for day in opened if day.weekday() == 3]
    first = {day.strftime("%Y-%m"): day for day in reversed(opened)}
    files += [("debit_result", _at(opened[opened.index(day) + 4], 10), None)
              for day in first.values()]  # fmt: skip
    files += [("eltax_payment", _at(day, 9), None) for day in opened[:4]]
    _put(engine, sorted(files, key=lambda each: each[1]))
    found = _proposed(engine)
    said = {
        code: (p.proposed.days, p.proposed.cut_off, p.proposed.files, p.proposed.dated_days_before)
        for code, p in found.items()
        if p.proposed
    }
    assert said == {
        "konbini_dsk": ("business_days", "08:00", 1, 0),
        "konbini_muf120": ("business_days", "08:15", 2, 1),
        "konbini_mizuho120": ("weekdays:thu", "15:15", 1, 0),
        "debit": ("monthly:5", "10:15", 1, 0),
    }
    evidence = found["konbini_dsk"].evidence
    assert (evidence.files, evidence.hits, evidence.misses, evidence.others) == (56, 56, 0, 0)
    assert (evidence.earliest, evidence.latest, evidence.timed) == ("07:20", "07:49", 56)
    assert found["konbini_muf120"].evidence.dated == 112
    # A few days are no pattern, and that nothing is awaited is never learned.
    assert (found["eltax"].proposed, found["eltax"].evidence.days_came) == (None, 4)
    assert (found["eltax_remittance"].proposed, found["eltax_remittance"].evidence) == (None, None)
    assert found["konbini_dsk"].changes
    with reading(engine, M) as connection:
        assert rules.calendar_of(connection, PROFILE).rules == {}
        with pytest.raises(InvalidValueError, match="arrival_months"):
            propose(connection, PROFILE, months=0, today=AT.date(), effective_on=AT.date())


def _asked(engine, *asked):
    with unit_of_work(engine, M) as connection:
        return rules.ask(connection, PROFILE, asked, asked_by="kaikei", at=AT, reason="実績による")


def _decided(engine, approval, by="kanri"):
    with unit_of_work(engine, M) as connection:
        return decide_and_do(connection, PROFILE, approval.approval_id, "approved", decided_by=by)


def test_two_people_change_what_is_awaited_from_a_day_on(engine):
    rule = ArrivalRule("konbini_dsk", "weekdays:mon", effective_on="2026-07-01")
    asked = _asked(engine, rule)
    with reading(engine, M) as connection:
        assert rules.waiting(connection, M) == asked
        assert rules.calendar_of(connection, PROFILE).rules == {}  # nobody has agreed yet
    with pytest.raises(RefusedError, match="approval_waiting"):
        _asked(engine, replace(rule, files=2))
    with pytest.raises(RefusedError, match="approval_same_person"):
        _decided(engine, asked, by="kaikei")
    _decided(engine, asked)
    with reading(engine, M) as connection:
        calendar = rules.calendar_of(connection, PROFILE)
        dsk = calendar.sources[0]
        assert calendar.rule(dsk, date(2026, 6, 30)).days == "business_days"
        assert calendar.rule(dsk, date(2026, 7, 1)) == rule
        found = {a.source.code: a.state for a in arrivals(connection, PROFILE, date(2026, 7, 2))}
        assert (found["konbini_dsk"], found["konbini_muf120"]) == ("not_due", "missing")
    assert verify(engine, M) == []


def test_a_rule_cannot_be_for_nobody_nothing_or_a_day_that_is_closed(engine):
    with pytest.raises(InvalidValueError, match="arrival_rules_none"):
        _asked(engine)
    with pytest.raises(InvalidValueError, match="arrival_rule_source"):
        _asked(engine, ArrivalRule("somebody"))
    closed = (
        (
            "INSERT INTO approval (municipality_code, approval_id, kind, subject, content_json, "
            "content_sha256, reason, asked_by, asked_at, note) VALUES ('99999', 900, 'x', 'x', '{}', "
            "'x', 'x', 'k', :at, '')"
        ),
        (
            "INSERT INTO day_closure (municipality_code, closure_no, period, event, ends_on, "
            "closed_until, closed_year, journal_id, report_json, report_sha256, approval_id, "
            "asked_by, decided_by, reason, made_at) VALUES ('99999', 1, 'day', 'closed', "
            "'2026-06-30', '2026-06-30', 0, 0, '{}', 'x', 900, 'a', 'b', '', :at)"
        ),
    )
    rule = ArrivalRule("konbini_dsk", effective_on="2026-06-30")
    asked = _asked(engine, rule)
    with unit_of_work(engine, M) as connection:
        for statement in closed:
            connection.execute(text(statement), {"at": AT})
    with pytest.raises(RefusedError, match="arrival_rule_closed"):
        _decided(engine, asked)


def test_what_was_entered_for_a_day_stays_until_a_person_says_otherwise(engine):
    profile = replace(
        PROFILE,
        arrivals=(
            ArrivalRule("konbini_dsk", effective_on="2026-06-01", nil_allowed=False),
            ArrivalRule("konbini_muf120", effective_on="2026-06-01", files=2),
        ),
    )
    mon, tue = date(2026, 6, 1), date(2026, 6, 2)
    _put(engine, [("konbini_dsk", _at(tue, 8), None), ("konbini_muf120", _at(tue, 8), tue)])
    with unit_of_work(engine, M) as connection:
        entered = record_new(connection, profile, at=AT, actor="schedule")
        assert [(e.due_on, e.basis) for e in entered] == [(mon, "oldest_open"), (tue, "dated")]
        assert record_new(connection, profile, at=AT, actor="schedule") == ()
        by_hand: dict[str, Any] = {"actor": "kaikei", "at": AT, "reason": "送付元に確認"}
        moved = assign(connection, profile, 1, tue, **by_hand)
        assert (moved.due_on, moved.basis, moved.minutes_late) == (tue, "person", 0)
        with pytest.raises(NotFoundError, match="arrival_file"):
            assign(connection, profile, 99, tue, **by_hand)
        with pytest.raises(RefusedError, match="arrival_not_due"):
            assign(connection, profile, 1, date(2026, 6, 6), **by_hand)
        shown = {e.file.file_id: e.due_on for e in period(connection, profile, mon, tue).belongings}
        assert shown == {1: tue, 2: tue}
        # One of two has come: something is lacking, and a person may say that it is all.
        muf = board(connection, profile, tue, tue, AT)[tue][1]
        assert (muf.state, muf.short, muf.colour, muf.blocks) == ("partial", 1, "amber", True)
        report = arrivals(connection, profile, tue)[1]
        assert (report.state, report.short, report.red) == ("partial", 1, True)
        by_treasury = {"entered_by": "kaikei", "note": "電話"}
        with pytest.raises(RefusedError, match="nil_report_not_allowed"):
            enter_nil_report(connection, profile, "konbini_dsk", mon, **by_treasury)
        enter_nil_report(connection, profile, "konbini_muf120", tue, **by_treasury)
        muf = board(connection, profile, tue, tue, AT)[tue][1]
        assert (muf.state, muf.short, muf.colour, muf.blocks) == ("received", 0, "green", False)
        red = red_channels(connection, profile, tue, AT)
        assert {(r.source.code, r.due_on) for r in red} >= {("konbini_dsk", mon)}
        assert all(r.source.code != "konbini_muf120" or r.due_on == mon for r in red)


def test_a_nil_report_is_taken_back_and_entered_again(engine):
    """The last word stands, and all of them stay."""
    rule = ArrivalRule("konbini_dsk", effective_on="2026-06-01")
    profile = replace(PROFILE, agents=PROFILE.agents[:1], accounts=(), arrivals=(rule,))
    mon = date(2026, 6, 1)

    def stands(connection):
        arrival = arrivals(connection, profile, mon)[0]
        nil = board(connection, profile, mon, mon, AT)[mon][0].nil
        return arrival.state, arrival.red, nil and tuple(nil)

    with unit_of_work(engine, M) as connection:
        save_profile(connection, profile)
        about: tuple[Any, ...] = (connection, profile, "konbini_dsk", mon)
        with pytest.raises(NotFoundError, match="nil_report_none"):
            withdraw_nil_report(*about, withdrawn_by="shuno", reason="誤り")
        enter_nil_report(*about, entered_by="kaikei", note="電話")
        assert stands(connection) == ("nil", False, ("kaikei", "電話"))
        with pytest.raises(InvalidValueError, match="reason_missing"):
            withdraw_nil_report(*about, withdrawn_by="shuno", reason=" ")
        for _ in range(2):
            withdraw_nil_report(*about, withdrawn_by="shuno", reason="別の日だった")
            assert stands(connection) == ("missing", True, None)
            enter_nil_report(*about, entered_by="kanri", note="文書")
            assert stands(connection) == ("nil", False, ("kanri", "文書"))
        with pytest.raises(RefusedError, match="nil_report_received"):
            enter_nil_report(*about, entered_by="kanri", note="文書")
        asked = day_close.ask(
            connection, M, day_close.CLOSE, str(mon), asked_by="kaikei", reason="日次", at=AT
        )
    _decided(engine, asked)
    with unit_of_work(engine, M) as connection:
        about = (connection, profile, "konbini_dsk", mon)
        with pytest.raises(RefusedError, match="nil_report_closed"):
            withdraw_nil_report(*about, withdrawn_by="shuno", reason="誤り")
        kept = connection.execute(
            text("SELECT event, actor FROM nil_report_change ORDER BY change_no")
        ).all()
    assert [tuple(row) for row in kept] == [("withdrawn", "shuno"), ("entered", "kanri")] * 2


@pytest.mark.parametrize(
    "table", ["arrival_record", "nil_report_change", "notice_sent", "notice_event"]
)
def test_what_was_recorded_and_said_is_only_ever_added_to(engine, table):
    rows = {
        "arrival_record": "99999, 1, 1, 'a', '2026-06-01', '2026-06-01', :at, 0, 'dated', 'a', '', "
        ":at",
        "nil_report_change": "99999, 'a', '2026-06-01', 1, 'withdrawn', 'a', 'n', :at",
        "notice_sent": "99999, 1, 'k', 'k', 's', 'b', :at",
        "notice_event": "99999, 1, 'mail', 'r', 1, 'sent', '', :at",
    }
    values = rows[table].replace("99999", "'99999'", 1)
    with unit_of_work(engine, M) as connection:
        connection.execute(text(f"INSERT INTO {table} VALUES ({values})"), {"at": AT})
    for statement in (f"UPDATE {table} SET municipality_code = '1'", f"DELETE FROM {table}"):
        with (
            pytest.raises(Exception, match="append_only"),
            unit_of_work(engine, M) as connection,
        ):
            connection.execute(text(statement))


def test_a_close_enters_what_has_come_before_the_day_stops_waiting(engine):
    """Otherwise the file of the closed day would be taken for the next one's."""
    rule = ArrivalRule("konbini_dsk", dated_days_before=-1, effective_on="2026-06-01")
    profile = replace(PROFILE, agents=PROFILE.agents[:1], accounts=(), arrivals=(rule,))
    mon, tue = date(2026, 6, 1), date(2026, 6, 2)
    _put(engine, [("konbini_dsk", _at(tue, 8), None)])  # Monday's, a day late
    with unit_of_work(engine, M) as connection:
        save_profile(connection, profile)
        asked = day_close.ask(
            connection, M, day_close.CLOSE, str(mon), asked_by="kaikei", reason="日次", at=AT
        )
    for _ in range(2):
        with unit_of_work(engine, M) as connection:
            state = arrivals(connection, profile, mon)[0].state
            late = arrivals(connection, profile, tue)[0].state
        assert (state, late) == ("received", "missing")
        if not asked.decided_by:
            with time_machine.travel(AT, tick=False):
                asked = _decided(engine, asked)
