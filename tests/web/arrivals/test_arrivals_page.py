"""受領予定の画面と命令: who may do what, and what is said when it cannot be done."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime

import pytest
import time_machine
from click.testing import CliRunner
from sqlalchemy import text

from payments.domain.arrivals import ArrivalRule
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock
from web.cli import main
from web.commands.session import Session
from web.commands.setup import sample_profile
from web.notices.recipients import Recipients

M = "99999"
DAY = "2026-06-02"
PASSWORD = "kaikei-no-himitsu"
NOON = datetime(2026, 6, 2, 12, 30, tzinfo=clock.JST)


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def awaiting(city):
    """The city with a written calendar; one source of the second day is missing."""
    rules = (
        ArrivalRule("konbini_dsk", cut_off="09:00", effective_on="2026-06-01"),
        ArrivalRule("konbini_muf120", cut_off="12:00", effective_on="2026-06-01",
                    nil_allowed=False),
    )  # fmt: skip
    with unit_of_work(city.engine, M) as connection:
        save_profile(connection, replace(sample_profile(), arrivals=rules))
        connection.execute(
            text("UPDATE source_file SET format_code = 'gone' WHERE received_on = :day "
                 "AND format_code IN ('konbini_dsk', 'konbini_muf120')"),
            {"day": DAY},
        )  # fmt: skip
    return city


@pytest.fixture
def run(awaiting, monkeypatch):
    monkeypatch.setenv("KOKIN_PASSWORD", PASSWORD)

    def invoke(*words):
        session = Session(awaiting.settings.model_copy())
        return CliRunner().invoke(main, ["arrivals", *map(str, words)], obj=session)

    return invoke


def _page(client, path=DAY):
    answer = client.get(f"/staff/arrivals/{path}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


@pytest.mark.usefixtures("awaiting")
def test_the_board_begins_with_today_and_leads_to_any_day(treasurer):
    assert treasurer.get("/staff/arrivals").headers["Location"].endswith(f"/{DAY}")
    chosen = treasurer.get("/staff/arrivals?day=2026-06-01").headers["Location"]
    assert chosen.endswith("/2026-06-01")
    for path in ("yesterday", "2026-13-01", "1999-01-01", "months/2026-13"):
        assert treasurer.get(f"/staff/arrivals/{path}").status_code == 404
    page = _page(treasurer)
    assert "未着（赤）" in page
    assert "締切超過・猶予中（黄）" in page
    assert "この日に送ったお知らせはありません。" in page
    assert "この日に受け取る予定の資料はありません。" in _page(treasurer, "2026-06-06")


def test_a_municipality_without_sources_is_told_what_to_do(treasurer, city):
    with unit_of_work(city.engine, M) as connection:
        save_profile(connection, replace(sample_profile(), agents=(), accounts=()))
    assert "agents と accounts に登録すると" in _page(treasurer)
    assert "資料の送付元がまだありません" in _page(treasurer, "months/2026-06")
    assert "資料の送付元がまだありません" in _page(treasurer, "rules")


def test_a_nil_report_is_entered_where_the_rule_allows_it(treasurer, awaiting):
    page = _page(treasurer)
    assert page.count("該当なしを登録") == 1  # not for the source whose rule allows none
    sent = {"agent": "konbini_dsk", "note": "電話で確認"}
    assert treasurer.post(f"/staff/arrivals/{DAY}/nil-reports", data=sent).status_code == 303
    assert "該当なし（緑）" in _page(treasurer)
    assert treasurer.post(f"/staff/arrivals/{DAY}/nil-reports", data=sent).status_code == 409
    other = {"agent": "konbini_muf120", "note": "電話で確認"}
    refused = treasurer.post(f"/staff/arrivals/{DAY}/nil-reports", data=other)
    assert refused.status_code == 409
    assert "該当なしを登録しない定めです" in refused.get_data(as_text=True)
    with reading(awaiting.engine, M) as connection:
        event = connection.execute(
            text("SELECT actor, subject FROM staff_event WHERE event = 'nil_report'")
        ).one()
    assert tuple(event) == ("kaikei", f"konbini_dsk {DAY}")


def test_a_nil_report_that_was_a_mistake_is_taken_back(treasurer, awaiting):
    sent = {"agent": "konbini_dsk", "note": "電話で確認"}
    treasurer.post(f"/staff/arrivals/{DAY}/nil-reports", data=sent)
    page = _page(treasurer)
    assert "登録を取り消す" in page
    assert "電話で確認" in page
    path = f"/staff/arrivals/{DAY}/nil-reports/withdrawal"
    assert treasurer.post(path, data={"agent": "konbini_dsk"}).status_code == 422
    why = {"agent": "konbini_dsk", "reason": "日付を誤った"}
    assert treasurer.post(path, data=why).status_code == 303
    page = _page(treasurer)
    assert "電話で確認" not in page
    assert page.count("該当なしを登録") == 1
    none = treasurer.post(path, data=why)
    assert none.status_code == 404
    assert "取り消す該当なしの登録はありません" in none.get_data(as_text=True)
    with reading(awaiting.engine, M) as connection:
        event = connection.execute(
            text("SELECT actor, subject FROM staff_event WHERE event = 'nil_report_withdrawn'")
        ).one()
    assert tuple(event) == ("kaikei", f"konbini_dsk {DAY}")


@pytest.mark.usefixtures("awaiting")
def test_an_auditor_looks_on_and_changes_nothing(auditor):
    page = _page(auditor)
    assert '<form class="inline slim" method="post"' not in page
    assert "選んだ提案の採用を依頼" not in _page(auditor, "rules")
    for path, form in (
        (f"{DAY}/nil-reports", {"agent": "konbini_dsk", "note": "x"}),
        (f"{DAY}/nil-reports/withdrawal", {"agent": "konbini_dsk", "reason": "x"}),
        ("files/1/day", {"due_on": DAY, "reason": "x"}),
        ("rules", {"effective_on": DAY, "reason": "x"}),
    ):
        assert auditor.post(f"/staff/arrivals/{path}", data=form).status_code == 403


def test_a_file_is_moved_to_another_day_with_a_reason(treasurer, awaiting):
    with reading(awaiting.engine, M) as connection:
        file_id = connection.execute(
            text("SELECT MIN(file_id) FROM source_file WHERE format_code = 'konbini_dsk' "
                 "AND status = 'accepted' AND received_on = '2026-06-01'")
        ).scalar_one()  # fmt: skip
    sent = {"due_on": DAY, "reason": "送付元に確認"}
    answer = treasurer.post(f"/staff/arrivals/files/{file_id}/day", data=sent)
    assert answer.headers["Location"].endswith(DAY)
    assert re.search(rf"資料 {file_id}</a>.*?職員が訂正", _page(treasurer), re.DOTALL)
    nobody = treasurer.post("/staff/arrivals/files/9999/day", data=sent)
    assert nobody.status_code == 404
    closed = treasurer.post(
        f"/staff/arrivals/files/{file_id}/day", data={**sent, "due_on": "2026-06-06"}
    )
    assert closed.status_code == 409


def test_a_rule_is_asked_for_by_one_and_decided_by_another(run, awaiting, treasurer):
    words = ("set", "konbini_dsk", "--days", "weekdays:thu", "--cut-off", "10:00", "--from",
             "2026-06-03", "--reason", "契約の変更", "--user")  # fmt: skip
    assert run(*words, "kansa").exit_code == 1  # an auditor asks for nothing
    assert run(*words, "kaikei").exit_code == 0
    assert "承認を待っています" in _page(treasurer, "rules")
    assert "毎週 木（休業日は翌営業日）" in treasurer.get("/staff/approvals/1").get_data(
        as_text=True
    )
    listed = treasurer.get("/staff/approvals").get_data(as_text=True)
    assert "受領予定の変更" in listed
    own = CliRunner().invoke(
        main, ["approvals", "approve", "1", "--user", "kaikei"],
        obj=Session(awaiting.settings.model_copy()),
    )  # fmt: skip
    assert own.exit_code == 1
    other = CliRunner().invoke(
        main, ["approvals", "approve", "1", "--user", "kanri"],
        obj=Session(awaiting.settings.model_copy()),
    )  # fmt: skip
    assert other.exit_code == 0, other.output
    with time_machine.travel(datetime(2026, 6, 4, 9, tzinfo=clock.JST), tick=False):
        now = {rule["source"]: rule for rule in json.loads(run("rules", "--json").stdout)}
    assert (now["konbini_dsk"]["days"], now["konbini_dsk"]["cut_off"]) == ("weekdays:thu", "10:00")
    assert (
        run("set", "konbini_dsk", "--days", "never", "--user", "kaikei", "--reason", "x").exit_code
        == 1
    )


@pytest.mark.usefixtures("awaiting")
def test_the_commands_show_and_enter_what_the_page_does(run):
    shown = run("show", DAY, "--json")
    assert shown.exit_code == 1  # something is red
    found = {row["source"]: row for row in json.loads(shown.stdout) if row["due_on"] == DAY}
    assert (found["konbini_dsk"]["state"], found["konbini_dsk"]["colour"]) == ("missing", "red")
    assert found["konbini_muf120"]["state"] == "overdue"
    assert "■ 未着" in run("show", DAY).stdout
    assert "締切前" in run("show", "--month", "2026-06").stdout
    nil = run("nil", "konbini_dsk", DAY, "--note", "電話", "--user", "kaikei")
    assert nil.exit_code == 0, nil.output
    assert run("show", DAY, "--json").exit_code == 0
    assert run("show", "2026-05-02").stdout.strip() == "受け取る予定の資料はありません。"
    file_id = json.loads(run("show", "2026-06-01", "--json").stdout)[0]["files"][0]["file_id"]
    moved = run("move", file_id, "2026-06-01", "--user", "kaikei", "--reason", "確認済")
    assert moved.exit_code == 0, moved.output
    assert "銀行営業日" in run("rules").stdout


def test_a_proposal_names_its_evidence_and_only_a_person_takes_it_over(run, awaiting, treasurer):
    with unit_of_work(awaiting.engine, M) as connection:
        for number in range(12):  # a fortnight of statements before
            day = [4, 7, 8, 11, 12, 13, 14, 15, 18, 19, 20, 21][number]
            connection.execute(
                text(
                    "INSERT INTO source_file (municipality_code, file_id, sha256, nil_no, name, "
                    "size_bytes, format_code, channel, agent, status, received_on, taken_in_at, "
                    "count, amount_yen) VALUES ('99999', :n, :sha, 0, 'f', 1, 'konbini_dsk', "
                    "'konbini', 'konbini_dsk', 'accepted', :on, :at, 0, 0)"
                ),
                {"n": 900 + number, "sha": f"{number:064d}", "on": f"2026-05-{day:02d}",
                 "at": f"2026-05-{day:02d}T00:40:00.000000+00:00"},
            )  # fmt: skip
    said = run("propose", "--months", "1")
    assert said.exit_code == 0, said.output
    assert "kokin arrivals accept" in said.stdout
    data = json.loads(run("propose", "--months", "1", "--json").stdout)
    assert {row["source"]["code"] for row in data} >= {"konbini_dsk", "debit"}
    nothing = run("accept", "debit", "--months", "1", "--user", "kaikei", "--reason", "x")
    assert (nothing.exit_code, "一つ以上選んで" in nothing.output) == (1, True)
    page = _page(treasurer, "rules?months=1")
    assert "提案できません" in page
    for months in (0, 99):
        assert treasurer.get(f"/staff/arrivals/rules?months={months}").status_code == 422
    nothing_chosen = treasurer.post(
        "/staff/arrivals/rules", data={"effective_on": "2026-06-03", "reason": "x", "months": "1"}
    )
    assert nothing_chosen.status_code == 422


def test_a_test_notice_shows_whether_the_recipients_can_be_reached(run, awaiting):
    sent = run("test-notice")
    assert (sent.exit_code, "送信済" in sent.stdout) == (0, True), sent.output
    assert len(list((awaiting.settings.home / "notices" / M).glob("*-test.txt"))) == 1
    awaiting.settings = awaiting.settings.model_copy(
        update={"notices": {M: Recipients(mail=("kaikei@example.jp",))}}
    )
    failed = run("test-notice")
    assert failed.exit_code == 1
    assert "KOKIN_SMTP_HOST" in failed.stdout
    listed = json.loads(run("notices", DAY, "--json").stdout)
    # Of the same moment it is the same notice: the file lies there already.
    assert [(row["channel"], row["state"]) for row in listed] == [
        ("file", "sent"), ("mail", "failed"),
    ]  # fmt: skip
    assert run("notices", DAY).exit_code == 1
    assert run("notices", "2026-06-01").exit_code == 0
