"""確認書: what a paper says, kept under the code printed on it, so that anybody can check it.

The code is 125 random bits behind the number of the body; only its keyed digest lies here, and what
the paper says is sealed. Whoever has the paper has the code, and is told what the paper said when
it was issued: the same levies and figures, the day of issue and the moment of the data, but not the
person's name, which they may type and have compared. A changed paper shows other figures than the
page. A code that is wrong, unknown, of another body or run out gets one answer.
"""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select

from payments.store.lookups import rows_about
from payments.versions import OPEN_YEN
from web import clock
from web.certificates.tables import ConfirmationRow
from web.notifications import sealed_secrets
from web.residents.identity import folded

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from web.config import Settings

LASTS = timedelta(days=180)  # how long a paper can be checked
BODY_DIGITS, RANDOM, GROUP = 5, 25, 5
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_READ_AS = str.maketrans("ILO", "110")
_OTHER = re.compile(r"[^0-9A-Z]+")

table = ConfirmationRow.__table__  # type: ignore[attr-defined]


class Basis(NamedTuple):
    """よりどころ: what a line of the paper rests on in the books; it is never shown."""

    notice_id: int
    term: str
    paid_yen: int


@dataclass(frozen=True, slots=True)
class Paper:
    """確認書の内容: everything it says, as texts in Japanese and in the order in which it is read.

    ``holder`` is printed, but not told to whoever checks the paper. ``as_of`` is データ基準日時.
    """

    kind: str
    title: str
    municipality: str
    holder: str
    as_of: datetime
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    basis: tuple[Basis, ...] = ()


class Issued(NamedTuple):
    """発行: the code for the paper, and until when it can be checked."""

    code: str
    issued_at: datetime
    expires_on: date


class Checked(NamedTuple):
    """検証の結果: what the paper said; ``name_fits`` is None where no name was typed.

    ``changed``: the books no longer say what it rests on.
    """

    paper: Paper
    issued_at: datetime
    expires_on: date
    name_fits: bool | None
    changed: bool


def issue(
    connection: Connection,
    settings: Settings,
    code: str,
    paper: Paper,
    *,
    issued_to: str,
    obligor_no: str = "",
) -> Issued:
    """確認書の発行: keep what the paper says; the code is told this once and kept nowhere.

    ``obligor_no`` is whose paper it is, for the person's own account.
    """
    now = clock.now().replace(microsecond=0)
    drawn = "".join(secrets.choice(ALPHABET) for _digit in range(RANDOM))
    issued = Issued(f"{code}{drawn}", now, clock.in_japan(now).date() + LASTS)
    digest = _digest(settings, issued.code)
    said = json.dumps(asdict(paper) | {"as_of": paper.as_of.isoformat()}, ensure_ascii=False)
    connection.execute(
        insert(table).values(
            municipality_code=code,
            code_digest=digest,
            kind=paper.kind,
            sealed=sealed_secrets.seal(settings, _place(code, digest), said),
            issued_to=issued_to,
            obligor_no=obligor_no,
            issued_at=now,
            expires_on=issued.expires_on,
        )
    )
    return issued


def of_person(connection: Connection, code: str, obligor_no: str) -> list[tuple[str, datetime]]:
    """その人の証明: kind and moment of every paper about a person, the newest first."""
    found = connection.execute(
        select(table.c.kind, table.c.issued_at)
        .where(table.c.municipality_code == code, table.c.obligor_no == obligor_no)
        .order_by(table.c.issued_at.desc())
    )
    return [(str(row.kind), row.issued_at) for row in found]


def check(
    connection: Connection, settings: Settings, code: str, typed: str, name: str = ""
) -> Checked | None:
    """検証: what was issued under a code as somebody typed it; None for every other text."""
    digest = _digest(settings, plain_code(typed))
    row = connection.execute(
        select(table).where(table.c.municipality_code == code, table.c.code_digest == digest)
    ).one_or_none()
    if row is None or row.expires_on < clock.today():
        return None
    paper = _paper(sealed_secrets.unseal(settings, _place(code, digest), bytes(row.sealed)))
    fits = folded(name) == folded(paper.holder) if name.strip() else None
    issued_at = clock.in_japan(row.issued_at)
    changed = _changed(connection, code, paper.basis)
    return Checked(paper, issued_at, row.expires_on, fits, changed)


def plain_code(typed: str) -> str:
    """検証番号 without what people put between and beside its letters.

    >>> plain_code("99999-abcde fghio")
    '99999ABCDEFGH10'
    """
    upper = unicodedata.normalize("NFKC", typed).upper()
    return _OTHER.sub("", upper).translate(_READ_AS)


def shown_code(code: str) -> str:
    """検証番号 as it is printed: in groups of five."""
    return "-".join(code[begin : begin + GROUP] for begin in range(0, len(code), GROUP))


def body_of(typed: str) -> str:
    """団体コード that a code begins with; another text has none that anybody serves."""
    return plain_code(typed)[:BODY_DIGITS]


def _changed(connection: Connection, code: str, basis: tuple[Basis, ...]) -> bool:
    """Whether less is paid now than the paper says."""
    rows = rows_about(connection, _PAID, code, sorted({each.notice_id for each in basis}))
    paid = {(row.notice_id, row.term): row.paid_yen for row in rows}
    return any(paid.get((each.notice_id, each.term), 0) < each.paid_yen for each in basis)


def _paper(said: str) -> Paper:
    values = json.loads(said)
    return Paper(
        **values
        | {
            "as_of": datetime.fromisoformat(values["as_of"]),
            "columns": tuple(values["columns"]),
            "rows": tuple(tuple(row) for row in values["rows"]),
            "facts": tuple((label, value) for label, value in values["facts"]),
            "notes": tuple(values["notes"]),
            "basis": tuple(Basis(*each) for each in values["basis"]),
        }
    )


def _digest(settings: Settings, code: str) -> str:
    return sealed_secrets.digest(settings, f"confirmation|{code}").hex()


def _place(code: str, digest: str) -> str:
    return f"confirmation|{code}|{digest}"


_PAID = f"""
SELECT a.notice_id, a.term, a.amount_yen - a.written_off_yen - {OPEN_YEN} AS paid_yen
FROM instalment_account a
WHERE a.municipality_code = :m AND a.notice_id IN :some"""
