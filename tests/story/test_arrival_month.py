"""C-03, I6, I7: a month of files that come, come late, come twice, in part, or not at all.

Every morning at half past ten the page is looked at as the treasury sees it, and every evening at
five the day is to be closed. Three sources: of コンビニA the date in its files is not looked at, of
コンビニB and the bank it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import time_machine
from argon2 import PasswordHasher
from delimited_samples import barcode
from fixed_samples import ACCOUNT
from sqlalchemy import text

from payments.domain.arrivals import ArrivalRule, is_business_day
from payments.domain.errors import RefusedError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile import day_close
from reconcile.formats import konbini_dsk, konbini_muf120, zengin_statement
from reconcile.formats.konbini_fixed import Collected, CollectedGroup
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.report.arrivals import red_channels
from reconcile.verify.everything import verify
from web import clock
from web.accounts import staff
from web.app import create_app
from web.approval_effects import decide_and_do
from web.commands.session import Session
from web.commands.setup import enter, sample_profile
from web.config import Settings
from web.jobs.arrivals import arrivals
from web.jobs.contract import JobContext, JobState

M = "99999"
BANK = f"bank:{ACCOUNT.key}"
NAMES = {"konbini_dsk": "A", "konbini_muf120": "B", BANK: "銀行"}
PASSWORD = "kaikei-no-himitsu"

# Each morning: what the page shows for the day, and what the treasury was told since the morning
# before. Each evening: how the close of the day went. ● 緑 ▲ 黄 ■ 赤 － nothing due.
MONTH = """
05-01 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着なし                           | 締め
05-02 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-03 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-04 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-05 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-06 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-07 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着なし                           | 締め
05-08 | A ■未着     | B ●受領済   | 銀行 ●受領済 | 朝:未着なし 赤:A/05-08                | 不可 A
05-09 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-10 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-11 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 着:A/05-08 朝:未着なし                | 締め
05-12 | A ●受領済   | B ■未着     | 銀行 ●受領済 | 朝:未着なし 赤:B/05-12                | 不可 B
05-13 | A ●該当なし | B ●受領済   | 銀行 ●受領済 | 朝:未着 1件                           | 締め
05-14 | A ●受領済   | B ▲保留中   | 銀行 ●受領済 | 保留:B 朝:未着 1件                    | 不可 B
05-15 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着 1件                           | 締め
05-16 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-17 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-18 | A ■未着     | B ●受領済   | 銀行 ●受領済 | 朝:未着 1件 赤:A/05-18                | 締め
05-19 | A ■未着     | B ●受領済   | 銀行 ●受領済 | 着:A/05-18 他団体:A 朝:未着 1件 赤:A/05-19 | 締め
05-20 | A ●受領済   | B ■未着     | 銀行 ●受領済 | 着:A/05-19 朝:未着 1件 赤:B/05-20     | 不可 B
05-21 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着 2件                           | 締め
05-22 | A ■未着     | B ●受領済   | 銀行 ●受領済 | 朝:未着 2件 赤:A/05-22                | 不可 A
05-23 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-24 | A －予定なし | B －予定なし | 銀行 －予定なし |                                    |
05-25 | A ■未着     | B ●受領済   | 銀行 ●受領済 | 着:A/05-22 朝:未着 2件 赤:A/05-25     | 不可 A
05-26 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着 3件                           | 締め
05-27 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着 3件                           | 締め
05-28 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着 3件                           | 締め
05-29 | A ●受領済   | B ●受領済   | 銀行 ●受領済 | 朝:未着 3件                           | 締め
"""


def _profile():
    rules = (
        ArrivalRule(
            "konbini_dsk", cut_off="09:00", dated_days_before=-1, effective_on="2026-05-01"
        ),
        ArrivalRule("konbini_muf120", cut_off="09:00", effective_on="2026-05-01"),
        ArrivalRule(BANK, cut_off="08:30", grace_minutes=30, effective_on="2026-05-01"),
    )
    sample = sample_profile()
    agents = tuple(a for a in sample.agents if a.code in NAMES)
    return replace(sample, agents=agents, arrivals=rules)


class Office:
    """会計課: files, mornings and evenings of one municipality."""

    def __init__(self, url, home):
        self.settings = Settings(
            home=home, database_url=url, secret_key="a secret of the tests, long enough",
            municipality=M, summary_at="08:40",
        )  # fmt: skip
        self.session = Session(self.settings)
        self.profile = _profile()
        enter(self.session, self.profile)
        self.engine = self.session.engine
        with unit_of_work(self.engine, M) as connection:
            for name, role in (("kaikei", "treasury"), ("kanri", "approver")):
                staff.add(connection, M, name, roles=(role,), display_name=name, password=PASSWORD)
        self.app = create_app(self.settings, self.engine, TESTING=True, WTF_CSRF_ENABLED=False)
        self.client = self.app.test_client()
        self.numbers = 0
        self.kept = {}
        self.told = 0

    # ---- files ----

    def dsk(self, day, *, client="00001", created=None):
        self.numbers += 1
        n = self.numbers
        row = konbini_dsk.DskRow(
            "01", f"{day:%Y%m%d}", f"{n // 60:02d}{n % 60:02d}", barcode(client=client), 12_300,
            "010", "テスト", "000001", "0", f"{created or day:%Y%m%d}",
        )  # fmt: skip
        return konbini_dsk.write([row])

    def muf(self, day):
        self.numbers += 1
        row = Collected(
            kind="01", barcode=barcode(), paid_on=day, paid_at=f"10{self.numbers % 60:02d}"
        )
        return konbini_muf120.write([CollectedGroup(day, [row])])

    def bank(self, day):
        made = zengin_statement.Statement(ACCOUNT, "ﾐﾎﾝｼ", day, day, day, 1_000, [])
        return zengin_statement.write([made])

    def give(self, data, name="file", status="accepted"):
        report = take_in(
            self.engine, M, Delivery(name, data), received_on=clock.today(), actor="test"
        )
        assert report.status == status, report
        return data

    # ---- a morning, an evening ----

    def watch(self, *, again=False):
        """The job; a second run finds nothing to do any more."""
        context = JobContext(self.settings, self.engine, M, clock.now(), "schedule", _silent)
        assert arrivals(context).state is JobState.OK
        if again:
            totals = arrivals(context).totals
            assert (totals["told"], totals["entered"], totals["unsent"]) == (0, 0, 0)

    def sign_in(self):
        form = {"user_name": "kaikei", "password": PASSWORD}
        assert self.client.post("/staff/sign-in", data=form).status_code == 303

    def page(self, day):
        """What the page shows for a day: source → shape and word, whose colour says the same."""
        self.sign_in()
        answer = self.client.get(f"/staff/arrivals/{day}")
        assert answer.status_code == 200
        part = answer.get_data(as_text=True).partition('id="sources"')[2].partition("</section>")[0]
        rows = re.findall(
            r'<th scope="row" class="name-cell">(.+?)<br>.*?<span class="badge (\w+)">'
            r'<span aria-hidden="true">(.)</span> ([^（<]+)',
            part,
            re.DOTALL,
        )
        colours = {"●": "good", "▲": "wait", "■": "bad", "○": "plain", "－": "plain"}
        assert all(colours[shape] == colour for _name, colour, shape, _word in rows)
        return {
            name: f"{shape}{word.strip()}"
            for name, (_, _, shape, word) in zip(NAMES.values(), rows, strict=True)
        }

    def news(self):
        """The notices since the last time somebody asked; each lies in the folder exactly once."""
        with reading(self.engine, M) as connection:
            rows = connection.execute(
                text("SELECT notice_no, notice_key, subject FROM notice_sent ORDER BY notice_no")
            ).all()
        files = list((self.settings.home / "notices" / M).glob("*.txt"))
        assert len(files) == len(rows)
        found = [_short(row.notice_key, row.subject) for row in rows[self.told :]]
        self.told = len(rows)
        return found

    def nil(self, day, source, note="電話で確認"):
        self.sign_in()
        answer = self.client.post(
            f"/staff/arrivals/{day}/nil-reports", data={"agent": source, "note": note}
        )
        assert answer.status_code == 303

    def close(self, day, *, despite=False):
        """締め by two people; the sources that stop it, "" when it is closed."""
        try:
            with unit_of_work(self.engine, M) as connection:
                asked = day_close.ask(
                    connection, M, day_close.CLOSE, str(day), asked_by="kaikei", reason="日次",
                    at=clock.now(), despite=despite,
                )  # fmt: skip
        except RefusedError as error:  # "close_blocked", the only one that names what stops it
            return [NAMES[code] for code in str(error.details["blockers"]).split(", ")]
        with unit_of_work(self.engine, M) as connection:
            decide_and_do(
                connection, self.profile, asked.approval_id, "approved", decided_by="kanri"
            )
        return []

    def rows(self, statement):
        with reading(self.engine, M) as connection:
            return [tuple(row) for row in connection.execute(text(statement))]


def _silent(_line):
    pass


def _short(key, subject):
    kind, *rest = key.split(":")
    if kind in {"arrival_red", "arrival_came"}:
        name = NAMES[":".join(rest[:-1])]
        return f"{'赤' if kind == 'arrival_red' else '着'}:{name}/{rest[-1][5:]}"
    if kind == "arrival_summary":
        return f"朝:{subject.rpartition(': ')[2]}"
    name = "A" if "DSK" in subject else "B"
    return f"{'保留' if kind == 'file_aside' else '他団体'}:{name}"


@pytest.fixture
def office(database_url, tmp_path, monkeypatch):
    # The treasurer signs in every morning; what a password costs is tested elsewhere.
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(staff, "_hasher", cheap)
    with time_machine.travel(_at(date(2026, 5, 1), "06:00"), tick=False):
        made = Office(database_url, tmp_path)
    yield made
    made.app.extensions["kokin"].close()
    made.session.close()


def _at(day, hour):
    hours, minutes = map(int, hour.split(":"))
    return datetime(day.year, day.month, day.day, hours, minutes, tzinfo=clock.JST)


# ---- what happens on which day; a day without an entry is an ordinary one ----


def _early(office, day):
    """Files between half past seven and nine; what comes instead of the ordinary three."""
    dsk, muf, bank = office.dsk, office.muf, office.bank
    usual = {"A": dsk, "B": muf, "銀行": bank}
    left_out = {"05-08": "A", "05-12": "B", "05-13": "A", "05-14": "B", "05-18": "A",
                "05-19": "A", "05-20": "B", "05-22": "A", "05-25": "A", "05-26": "銀行"}  # fmt: skip
    today = f"{day:%m-%d}"
    if today == "05-11":
        office.give(dsk(day - timedelta(days=3)))  # Friday's, and it does not say so
    if today == "05-14":
        office.give(muf(day)[:-130], status="quarantined")
    if today == "05-15":
        office.give(muf(day - timedelta(days=1)))  # yesterday's, whole this time
    if today == "05-18":  # Friday's once more, written on another day
        office.give(office.kept["05-15"].replace(b"20260515\r\n", b"20260518\r\n"))
    if today == "05-19":
        office.give(dsk(day, client="00002"))
    if today == "05-25":
        office.give(dsk(day - timedelta(days=3)))  # Friday's; today's will not come
    for name, write in usual.items():
        if left_out.get(today) != name:
            data = office.give(write(day))
            if name == "A":
                office.kept[today] = data
    if today == "05-15":
        office.give(office.kept[today], status="duplicate_file")
        office.give(office.bank(day))  # a statement without movements may come again


def _in_the_morning(office, day):
    """What people do before the page is looked at."""
    today = f"{day:%m-%d}"
    if today == "05-13":
        office.nil(day, "konbini_dsk")
    if today == "05-15":  # nobody but a person knows whether the broken file was the other half
        assert office.page(date(2026, 5, 14))["B"] == "▲一部受領"
        office.nil(date(2026, 5, 14), "konbini_muf120", "壊れた資料は差し替えられた")
    if today == "05-26":
        assert office.page(day)["銀行"] == "▲締切超過・猶予中"
        office.give(office.bank(day))


def _afternoon(office, day):
    if f"{day:%m-%d}" in {"05-18", "05-19"}:
        office.give(office.dsk(day))


def _evening(office, day):
    """The days that are to be closed this evening, and what came of the day's own close."""
    if f"{day:%m-%d}" in {"05-11", "05-25"}:
        assert office.close(day - timedelta(days=3)) == []  # Friday's file has come meanwhile
    if f"{day:%m-%d}" == "05-15":
        assert office.close(day - timedelta(days=1)) == []
    stopped = office.close(day)
    # Friday's and Thursday's may still come; the others are closed by two people all the same.
    if stopped and f"{day:%m-%d}" not in {"05-08", "05-14", "05-22"}:
        assert office.close(day, despite=True) == []
    return f"不可 {'・'.join(stopped)}" if stopped else "締め"


def _live(office, day):
    """One day; the line of the table that it makes."""
    works = is_business_day(day)
    with time_machine.travel(_at(day, "07:00"), tick=False) as traveller:
        if day == date(2026, 5, 1):  # before the cut-off nothing may be closed either
            assert office.close(day) == list(NAMES.values())
        traveller.move_to(_at(day, "08:00"))
        if works:
            _early(office, day)
        traveller.move_to(_at(day, "08:45"))
        _in_the_morning(office, day)
        if works:
            office.watch()
        traveller.move_to(_at(day, "10:30"))
        office.watch(again=True)
        shown, news = office.page(day), office.news()
        traveller.move_to(_at(day, "14:00"))
        _afternoon(office, day)
        traveller.move_to(_at(day, "17:00"))
        if works:
            office.watch()
        closed = _evening(office, day) if works else ""
    cells = [f"{name} {state}" for name, state in shown.items()]
    return [f"{day:%m-%d}", *cells, " ".join(news), closed]


def test_what_the_treasury_sees_every_morning_of_a_month(office):
    expected = [[cell.strip() for cell in line.split("|")] for line in MONTH.strip().splitlines()]
    found = [_live(office, date(2026, 5, number)) for number in range(1, 30)]
    assert found == expected
    # Which file came when for which day, and how late: the files that were late, and no other.
    late = office.rows(
        "SELECT CAST(due_on AS VARCHAR(10)), CAST(received_on AS VARCHAR(10)), source, basis, "
        "minutes_late FROM arrival_record WHERE minutes_late > 0 ORDER BY due_on"
    )
    day = 24 * 60
    assert late == [
        ("2026-05-08", "2026-05-11", "konbini_dsk", "oldest_open", 3 * day - 60),
        ("2026-05-14", "2026-05-15", "konbini_muf120", "dated", day - 60),
        ("2026-05-18", "2026-05-18", "konbini_dsk", "oldest_open", 5 * 60),
        ("2026-05-19", "2026-05-19", "konbini_dsk", "oldest_open", 5 * 60),
        ("2026-05-22", "2026-05-25", "konbini_dsk", "oldest_open", 3 * day - 60),
    ]
    # The file that says nothing new stays with the day of the first one.
    assert office.rows(
        "SELECT CAST(due_on AS VARCHAR(10)), CAST(received_on AS VARCHAR(10)) "
        "FROM arrival_record WHERE basis = 'resent'"
    ) == [("2026-05-15", "2026-05-18")]
    # What a list of unpaid may not be drawn over: the three that never came.
    with time_machine.travel(_at(date(2026, 5, 29), "17:30"), tick=False):
        with reading(office.engine, M) as connection:
            red = red_channels(connection, office.profile, date(2026, 5, 29), clock.now())
        assert [(NAMES[r.source.code], str(r.due_on), r.colour) for r in red] == [
            ("B", "2026-05-12", "red"), ("B", "2026-05-20", "red"), ("A", "2026-05-25", "red"),
        ]  # fmt: skip
        office.sign_in()
        month = office.client.get("/staff/arrivals/months/2026-05").get_data(as_text=True)
        assert month.count("■</span> 未着</span>") == 3
        assert month.count("遅れて受領</span>") == 5
        assert month.count("時間0分</td>") == 5  # … and by how much
        assert verify(office.engine, M) == []
