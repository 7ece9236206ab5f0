"""試験用の小さな町と銀行: the town of :mod:`reference_town` in a real database, with transfers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from engine_city import EngineCity
from reference_lines import bank_line
from reference_rows import sample_profile
from reference_town import TERMS, Town, assessment, slip
from sqlalchemy import text

from payments.store.unit_of_work import reading
from reconcile.model import Channel
from reconcile.suggest.candidates import suggestions_for
from reconcile.verify.everything import books
from reconcile.verify.walk import Store

if TYPE_CHECKING:
    from payments.domain.profile import Profile
    from reconcile.suggest.rules import Suggestion

TRANSFER_DAY = "2026-07-06"
DSK = "9000000001"
Line = tuple[int, int]


class CreditTown(Town):
    """銀行のある町: 10,000 yen in term 01 and 8,000 in term 02, owed by ゼイモク タロウ."""

    def __init__(self, url: str, profile: Profile | None = None) -> None:
        """Assess, and print the first slips, in the database."""
        self._open(url, profile or sample_profile())
        self.city.assess([assessment("01", 10_000), assessment("02", 8_000)])
        self.slips = {term: slip(term, yen) for term, yen in TERMS.items()}
        self.city.register_slips(self.slips.values())
        self.numbers = 0

    @classmethod
    def opened(cls, url: str) -> CreditTown:
        """A town that was founded before."""
        town = cls.__new__(cls)
        town._open(url, sample_profile())
        return town

    def _open(self, url: str, profile: Profile) -> None:
        self.url = url
        self.profile = profile
        self.engine_city = EngineCity(url, profile)
        self.city = self.engine_city  # asked in the same way as the model
        self.engine, self.code = self.engine_city.engine, self.engine_city.code

    def also_owes(
        self, number: int, amount_yen: int, *, kana: str = "ゼイモク タロウ", person: int = 123
    ) -> None:
        """Another notice of one instalment, of the same person or of somebody else."""
        notice_no = f"{number:010d}"
        own = {"notice_no": notice_no, "obligor_no": f"{person:012d}", "obligor_kana": kana}
        self.city.assess([assessment("01", amount_yen, whole_year_group=f"G{notice_no}", **own)])
        row = slip("01", amount_yen, notice_no=notice_no, slip_no=f"S{notice_no}-01-1",
                   case_key=f"{number}".rjust(20, "0"), konbini_barcode="")  # fmt: skip
        self.city.register_slips([row])

    def credited(
        self,
        amount_yen: int,
        name: str = "ｾﾞｲﾓｸ ﾀﾛｳ",
        *,
        payer_code: str = "",
        booked_on: str = TRANSFER_DAY,
        received: str = TRANSFER_DAY,
        **other: Any,
    ) -> Line:
        """A statement with one credit; gives its file and line."""
        self.numbers += 1
        made = bank_line(
            amount_yen=amount_yen,
            booked_on=booked_on,
            inquiry_no=f"{self.numbers:08d}",
            payer_code=payer_code,
            payer_name=name,
            **other,
        )
        self.take(Channel.BANK, made, received=received)
        return self.last_line()

    def last_line(self, number: int = 0) -> Line:
        """The file and line of a record of the last file."""
        sha256, line_no = self.refs(self.last)[number]
        known = {mine: theirs for theirs, mine in self.engine_city.sha_of.items()}
        file_id = self.ask("SELECT file_id FROM source_file WHERE sha256 = :s", s=known[sha256])
        return int(file_id), line_no

    def outcome(self, line: Line) -> tuple[str, str]:
        """The outcome and the rule in force."""
        with reading(self.engine, self.code) as connection:
            row = connection.execute(
                text(
                    "SELECT outcome, rule FROM line_outcome WHERE file_id = :file_id "
                    "AND line_no = :line_no ORDER BY revision DESC LIMIT 1"
                ),
                {"file_id": line[0], "line_no": line[1]},
            ).one()
        return row.outcome, row.rule

    def suggested(self, line: Line) -> list[Suggestion]:
        """候補."""
        with reading(self.engine, self.code) as connection:
            return suggestions_for(connection, self.profile, *line)

    def ask(self, statement: str, **values: Any) -> Any:
        """The first value of a statement."""
        with reading(self.engine, self.code) as connection:
            return connection.execute(text(statement), values).scalar_one_or_none()

    def differences(self) -> list[str]:
        """What `kokin verify` says about the books; the bytes of injected files are none."""
        with (
            reading(self.engine, self.code) as connection,
            patch("reconcile.verify.everything.statement_chain", lambda _store: iter(())),
        ):
            store = Store(connection, self.profile)
            found = list(books(store))
            store.close()
        # Assessments injected without a file have no last event; seals wait for the clock.
        return [
            f"{d.name} {d.subject}: {d.expected} / {d.found}"
            for d in found
            if d.name not in {"claim_posting", "instalment_amount", "unsealed"}
        ]


def short(suggestions: list[Suggestion]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Level and parts, as one reads them."""
    return [
        (str(one.level), [(part.place, part.amount_yen) for part in one.parts])
        for one in suggestions
    ]


def day(text_: str) -> date:
    """A date from its text."""
    return date.fromisoformat(text_)
