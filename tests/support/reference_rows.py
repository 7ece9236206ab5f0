"""試験用の調定と納付書: assessments, slips and barcodes of the sample municipality."""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from payments.domain.profile import profile_from_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from payments.domain.profile import Profile


@cache
def sample_profile() -> Profile:
    """The sample municipality."""
    path = Path(__file__).parents[2] / "web" / "profiles" / "99999.toml"
    return profile_from_mapping(tomllib.loads(path.read_text("utf-8")))


@dataclass(frozen=True)
class AssessmentRow:
    """調定: one line of `assessments-1` (files.md 3.5), columns in order."""

    municipality_code: str
    item_code: str
    fiscal_year: str
    levy_year: str
    notice_no: str
    term: str
    obligor_no: str
    obligor_name: str
    obligor_kana: str
    postal_code: str
    address: str
    amount_yen: int
    due_on_statutory: str
    kind: str
    whole_year_group: str
    flags: str


@dataclass(frozen=True)
class SlipRow:
    """納付書: one line of `slip-register-1` (files.md 3.6), columns in order."""

    municipality_code: str
    item_code: str
    levy_year: str
    notice_no: str
    term: str
    slip_no: str
    version: int
    collecting_body_code: str
    case_key: str
    confirmation_no: str
    konbini_barcode: str
    amount_yen: int
    due_on: str
    valid_until: str
    issued_on: str
    state: str

    @property
    def el_key(self) -> str:
        """The 34 digits that name this slip."""
        return self.collecting_body_code + self.case_key + self.confirmation_no + self.item_code


def csv_bytes(rows: Sequence[AssessmentRow | SlipRow]) -> bytes:
    """The rows as `assessments-1` or `slip-register-1` (files.md 3.1)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(asdict(rows[0]))
    writer.writerows(asdict(row).values() for row in rows)
    writer.writerow(["T", len(rows), sum(row.amount_yen for row in rows)])
    return text.getvalue().encode()


def barcode(
    own_key: str, reissue: str, amount_yen: int, *, due: str = "999999", client: str = ""
) -> str:
    """44 digits: 91, company 6, free area 21, reissue, due date 6, stamp, amount 6, C/D."""
    profile = sample_profile()
    free = (client or profile.konbini_client_code) + own_key.rjust(16, "0")
    body = f"91{profile.konbini_company_code}{free}{reissue}{due}0{amount_yen:06d}"
    return body + check_digit(body)


def check_digit(body: str) -> str:
    """GS1 modulus 10, weights 3 and 1 from the right."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(body)))
    return str(-total % 10)
