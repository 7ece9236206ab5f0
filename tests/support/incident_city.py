"""事例の町: ten people who owe since 30 June, and what goes wrong with the files about them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from dunning_town import AT, ON, DunningTown, M, quiet
from reference_rows import barcode, sample_profile
from years_town import claim

from payments.domain.errors import RefusedError
from payments.store.municipalities import save_profile
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning import pull
from reconcile.formats import konbini_dsk, konbini_muf120, zengin_statement
from reconcile.formats.konbini_fixed import Collected, CollectedGroup
from reconcile.model import Delivery
from reconcile.pipeline import take_in
from reconcile.report.arrivals import board
from reconcile.report.period import day_report

if TYPE_CHECKING:
    from reconcile.dunning.pull import Pulled
    from reconcile.model import FileReport

PEOPLE = range(1, 11)
YEN = 10_000
SHOPS = "9000000001"  # コンビニA as payer of what was collected
SENT = date(2026, 7, 24)


class IncidentCity(DunningTown):
    """町: no file is awaited unless a story says so."""

    def __init__(self, url: str) -> None:
        """Open it; a file gets another number than those of the settling."""
        super().__init__(url)
        self.numbers = count(1_000)

    def settle(self) -> IncidentCity:
        """Assess, and print."""
        self.assess(*(claim(number, 2026, YEN) for number in PEOPLE), on="2026-04-10")
        return self

    def await_files(self, **days: str) -> None:
        """From now on these sources owe a file on these days."""
        self.profile = quiet(sample_profile(), **days)
        with unit_of_work(self.engine, M) as connection:
            save_profile(connection, self.profile)

    # ---- what comes ----

    def take(self, name: str, data: bytes, on: date) -> FileReport:
        """A file, taken in."""
        return take_in(self.engine, M, Delivery(name, data), received_on=on)

    def shop(
        self, *people: int, dated: date, on: date | None = None, kind: str = "02", yen: int = YEN,
        read_yen: int | None = None, number: str = "", remitted: date | None = None,
    ) -> FileReport:  # fmt: skip
        """コンビニA: these people paid; ``read_yen`` and ``number`` are what was misread."""
        rows = []
        for person in people:
            serial = next(self.numbers)
            code = barcode(number or f"{person:010d}01", "0", yen)
            final = f"{remitted or dated:%Y%m%d}" if kind == "02" else "0"
            rows.append(
                konbini_dsk.DskRow(
                    kind, "20260629", f"{serial // 60 % 24:02d}{serial % 60:02d}", code,
                    yen if read_yen is None else read_yen, "030", "ﾐﾎﾝﾏｰﾄ", "000001", final,
                    f"{dated:%Y%m%d}",
                )
            )  # fmt: skip
        return self.take(f"dsk-{next(self.numbers)}.csv", konbini_dsk.write(rows), on or dated)

    def other_shop(self, *people: int, on: date) -> bytes:
        """コンビニB: a file whose end says that it is whole."""
        rows = [
            Collected("02", barcode(f"{p:010d}01", "0", YEN), date(2026, 6, 29), remitted_on=on)
            for p in people
        ]
        return konbini_muf120.write([CollectedGroup(on, rows)])

    def credited(self, yen: int, on: date, payer: str = SHOPS) -> FileReport:
        """銀行: one credit on the statement of the day."""
        row = zengin_statement.Movement(1, on, yen, payer_code=payer)
        account = self.profile.accounts[0]
        made = zengin_statement.Statement(account, "ﾐﾎﾝｼ", on, on, on, 1_000_000, [row])
        return self.take(f"bank-{on}.txt", zengin_statement.write([made]), on)

    # ---- what people see ----

    def signals(self, day: date, at: datetime | None = None) -> dict[str, str]:
        """受領状況 of a day on its evening: what was due from whom, by its colour."""
        evening = at or datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        with reading(self.engine, M) as connection:
            found = board(connection, self.profile, day, day, evening)[day]
        return {each.source.code: each.colour for each in found if each.state != "not_due"}

    def differing(self, day: date) -> set[str]:
        """突合 of the day that do not agree."""
        with reading(self.engine, M) as connection:
            found = day_report(connection, self.profile, day).checks
        return {check.code for check in found if not check.ok}

    def cases(self) -> list[str]:
        """確認事項 that wait for a person, by kind."""
        rows = self.rows(
            "SELECT kind FROM review_case WHERE municipality_code = :m AND state = 'open' "
            "ORDER BY kind"
        )
        return [row.kind for row in rows]

    def letters(self, list_no: int) -> set[int]:
        """Who would get one."""
        return {person for (person, _), ground in self.grounds(list_no).items() if not ground}

    def why_not(self, list_no: int) -> dict[str, set[int]]:
        """留保: ground → people."""
        found: dict[str, set[int]] = {}
        for (person, _), ground in self.grounds(list_no).items():
            if ground:
                found.setdefault(ground, set()).add(person)
        return found

    def lacking(self, on: date = ON, at: datetime = AT) -> str:
        """What a list cannot be drawn without; "" when it was drawn."""
        try:
            self.draw(on, at=at)
        except RefusedError as error:
            return str(error.details["lacking"])  # of dunning_blocked, and of no other refusal
        return ""

    # ---- the post ----

    def pull(self, list_no: int, on: date = SENT) -> dict[int, str]:
        """引抜き: who must be taken out just before dispatch, and why."""
        with unit_of_work(self.engine, M) as connection:
            found: list[Pulled] = pull.second_draw(
                connection, self.profile, list_no, on=on, actor="abe", at=AT + timedelta(days=3)
            )
            lines = pull.pull_lines(connection, M, self.list(list_no), 1) if found else []
        return {int(line.notice_no): line.reason for line in lines}

    def send(self, list_no: int, pulled: int, sent: int) -> None:
        """Take out so many, and send the rest."""
        with unit_of_work(self.engine, M) as connection:
            pull.confirm(connection, M, list_no, on=SENT, actor="ito", at=AT, count=pulled)
            pull.dispatch(
                connection, self.profile, list_no, on=SENT, actor="ito", at=AT, count=sent
            )


__all__ = ["AT", "ON", "PEOPLE", "SENT", "YEN", "IncidentCity", "M"]
