"""検索: everything that a number, an amount or a name may stand for, found by index, with limits.

Unlike :mod:`reconcile.find`, which leads to the one thing a number names, this shows all of them. A
name is compared in its folded form and only ever shown to a person (R6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, text

from payments.domain.kana import fold_name
from payments.pay_keys import konbini_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

HITS_MAX = 50
DAYS_BACK = 92  # in which an amount alone is looked for
OPERATORS_MAX = 40
NAMES_MAX = 5_000  # credits whose payer is folded here, for want of an index
_REISSUE = 29
_LAST = "\uffff"  # behind every character of a name or number


class Hit(NamedTuple):
    """見つかったもの: what it is, its name, and what leads to its page."""

    kind: str  # slip instalment line credit case file person
    name: str
    amount_yen: int | None = None
    on: date | str | None = None
    state: str = ""
    file_id: int = 0
    line_no: int = 0
    notice_id: int = 0
    term: str = ""
    slip_id: int = 0
    case_no: int = 0
    more: str = ""


@dataclass(frozen=True, slots=True)
class Books:
    """台帳の読み手: one municipality's books within a read transaction."""

    connection: Connection
    code: str

    def rows(self, statement: str, **values: object) -> Sequence[Any]:
        """Rows of a statement; lists of values go in as they are."""
        asked = text(f"{statement} LIMIT :most")
        lists: list[Any] = [
            bindparam(n, expanding=True) for n, v in values.items() if isinstance(v, list)
        ]
        given = {"m": self.code, "most": HITS_MAX, **values}
        return self.connection.execute(asked.bindparams(*lists), given).all()


_SLIP = """
SELECT s.slip_id, s.slip_no, s.amount_yen, s.valid_until, s.state, s.notice_id, s.term,
    n.item_code, n.levy_year, n.notice_no
FROM slip s JOIN notice n ON n.municipality_code = :m AND n.notice_id = s.notice_id
WHERE s.municipality_code = :m AND {which} ORDER BY s.slip_id"""
_INSTALMENT = """
SELECT i.notice_id, i.term, i.due_on, a.amount_yen, n.item_code, n.levy_year, n.notice_no
FROM notice n
JOIN instalment i ON i.municipality_code = :m AND i.notice_id = n.notice_id
JOIN instalment_account a ON a.municipality_code = :m AND a.notice_id = i.notice_id
    AND a.term = i.term
WHERE n.municipality_code = :m AND {which} ORDER BY n.notice_id, i.term"""
_LINE = """
SELECT l.file_id, l.line_no, l.amount_yen, l.paid_on, l.stage, f.name
FROM source_line l JOIN source_file f ON f.municipality_code = :m AND f.file_id = l.file_id
WHERE l.municipality_code = :m AND {which} ORDER BY l.file_id, l.line_no"""
_RECEIPT = """
SELECT r.file_id, r.line_no, r.amount_yen, r.paid_on, r.stage, f.name
FROM receipt r JOIN source_file f ON f.municipality_code = :m AND f.file_id = r.file_id
WHERE r.municipality_code = :m AND {which} ORDER BY r.paid_on DESC, r.file_id, r.line_no"""
_CREDIT = """
SELECT d.file_id, d.line_no, d.amount_yen, d.booked_on, d.state, f.name
FROM deposit d JOIN source_file f ON f.municipality_code = :m AND f.file_id = d.file_id
WHERE d.municipality_code = :m AND {which} ORDER BY d.booked_on DESC, d.file_id, d.line_no"""
_CASE = """
SELECT c.case_no, c.kind, c.amount_yen, c.opened_on, c.state FROM review_case c
WHERE c.municipality_code = :m AND {which} ORDER BY c.case_no DESC"""
_FILE = """
SELECT f.file_id, f.name, f.amount_yen, f.received_on, f.status FROM source_file f
WHERE f.municipality_code = :m AND {which} ORDER BY f.file_id DESC"""
# In the order of the index: the name itself before longer ones, and the first of thousands at once.
_PERSON = """
SELECT o.obligor_no, o.name, o.kana,
    (SELECT MIN(n.notice_id) FROM notice n WHERE n.municipality_code = :m
        AND n.obligor_no = o.obligor_no) AS notice_id
FROM obligor o WHERE o.municipality_code = :m AND {which}
ORDER BY o.kana_folded, o.obligor_no"""


# ---- slips, instalments ----


def slips_of_keys(books: Books, keys: list[str]) -> list[Hit]:
    """照合キーから: the slips and instalments that these keys pay, and reports that carry them."""
    found = books.rows(
        "SELECT slip_id, notice_id, term FROM pay_key WHERE municipality_code = :m "
        "AND pay_key IN :some",
        some=keys,
    )
    slips = sorted({row.slip_id for row in found if row.slip_id is not None})
    hits = _slips(books, "s.slip_id IN :some", some=slips) if slips else []
    for row in found:
        if row.slip_id is None:
            hits += _instalments(
                books, "n.notice_id = :id AND i.term = :term", id=row.notice_id, term=row.term
            )
    return hits


def by_el_number(books: Books, number: str) -> list[Hit]:
    """eL番号 (34)."""
    return slips_of_keys(books, [f"E{number}"])


def by_case_key(books: Books, prefix: str) -> list[Hit]:
    """案件特定キー with the body before it: the eL numbers that begin so."""
    keys = books.rows(
        "SELECT pay_key FROM pay_key WHERE municipality_code = :m "
        "AND pay_key >= :low AND pay_key < :high ORDER BY pay_key",
        low=f"E{prefix}",
        high=f"E{prefix}:",  # behind all digits
    )
    return slips_of_keys(books, [row.pay_key for row in keys]) if keys else []


def by_barcode(books: Books, digits: str) -> list[Hit]:
    """コンビニのバーコード (44)."""
    key = konbini_key(digits)
    return slips_of_keys(books, [key, f"{key}/{digits[_REISSUE : _REISSUE + 1]}"])


def by_key(books: Books, prefix: str, digits: str) -> list[Hit]:
    """自由使用欄 (``K``) or 顧客番号 (``D``) as it is."""
    return slips_of_keys(books, [prefix + digits])


def by_slip_no(books: Books, number: str) -> list[Hit]:
    """納付書番号."""
    return _slips(books, "s.slip_no = :number", number=number)


def by_notice_no(books: Books, number: str) -> list[Hit]:
    """通知書番号, also as 科目/賦課年度/番号(/期別)."""
    parts = number.split("/")
    if len(parts) not in {3, 4} or not parts[1].isdigit() or len(parts[1]) > 4:
        return _instalments(books, "n.notice_no = :number", number=number)
    which = "n.item_code = :item AND n.levy_year = :year AND n.notice_no = :number"
    values: dict[str, object] = {"item": parts[0], "year": int(parts[1]), "number": parts[2]}
    if len(parts) == 4:
        which += " AND i.term = :term"
        values["term"] = parts[3]
    return _instalments(books, which, **values)


def _slips(books: Books, which: str, **values: object) -> list[Hit]:
    return [
        Hit(
            "slip", row.slip_no, row.amount_yen, row.valid_until, row.state,
            notice_id=row.notice_id, term=row.term, slip_id=row.slip_id, more=_place(row),
        )
        for row in books.rows(_SLIP.format(which=which), **values)
    ]  # fmt: skip


def _instalments(books: Books, which: str, **values: object) -> list[Hit]:
    return [
        Hit(
            "instalment", _place(row), row.amount_yen, row.due_on,
            notice_id=row.notice_id, term=row.term,
        )
        for row in books.rows(_INSTALMENT.format(which=which), **values)
    ]  # fmt: skip


def _place(row: Any) -> str:
    return f"{row.item_code}/{row.levy_year}/{row.notice_no}/{row.term}"


# ---- reports, credits, files, cases ----


def by_transaction(books: Books, transaction: str) -> list[Hit]:
    """取引番号: payments that an operator reported under this number, whoever it was.

    Reports are indexed by channel:operator:number; the operators that there are are found by
    leaping from one to the next in the index.
    """
    if ":" in transaction:
        names = [transaction]
    else:
        names = [f"{prefix}{transaction}" for prefix in _prefixes(books)]
    return _lines(books, "l.identity IN :some", some=names) if names else []


def _prefixes(books: Books) -> list[str]:
    """channel:operator: of every operator of the joint channel that has reported anything."""
    found: list[str] = []
    low = ""
    for _leap in range(OPERATORS_MAX):
        row = books.connection.execute(
            text(
                "SELECT identity FROM source_line WHERE municipality_code = :m "
                "AND identity > :low ORDER BY identity LIMIT 1"
            ),
            {"m": books.code, "low": low},
        ).one_or_none()
        if row is None:
            break
        parts = row.identity.split(":")
        stem = ":".join(parts[:2]) if len(parts) > 2 else row.identity.partition("|")[0]
        if len(parts) > 2:
            found.append(f"{stem}:")
        low = f"{stem}:{_LAST}" if len(parts) > 2 else f"{stem}|{_LAST}"
        low = max(low, row.identity)
    return found


def by_line(books: Books, file_id: int, line_no: int) -> list[Hit]:
    """明細: a file and a line of it."""
    return _lines(
        books, "l.file_id = :file_id AND l.line_no = :line_no", file_id=file_id, line_no=line_no
    )


def _lines(books: Books, which: str, **values: object) -> list[Hit]:
    return [
        Hit(
            "line", row.name, row.amount_yen, row.paid_on, row.stage,
            file_id=row.file_id, line_no=row.line_no,
        )
        for row in books.rows(_LINE.format(which=which), **values)
    ]  # fmt: skip


def by_case_no(books: Books, case_no: int) -> list[Hit]:
    """確認事項の番号."""
    return _cases(books, "c.case_no = :case_no", case_no=case_no)


def _cases(books: Books, which: str, **values: object) -> list[Hit]:
    return [
        Hit("case", row.kind, row.amount_yen, row.opened_on, row.state, case_no=row.case_no)
        for row in books.rows(_CASE.format(which=which), **values)
    ]


def by_sha(books: Books, digits: str) -> list[Hit]:
    """資料 by the first digits of its SHA-256."""
    return _files(books, "f.sha256 >= :low AND f.sha256 < :high", low=digits, high=f"{digits}g")


def by_file_name(books: Books, name: str) -> list[Hit]:
    """資料 by its whole name; notifications have none that anybody would know."""
    return _files(books, "f.channel NOT IN ('', 'notification') AND f.name = :name", name=name)


def _files(books: Books, which: str, **values: object) -> list[Hit]:
    return [
        Hit("file", row.name, row.amount_yen, row.received_on, row.status, file_id=row.file_id)
        for row in books.rows(_FILE.format(which=which), **values)
    ]


# ---- amounts and days ----


def by_amount(books: Books, yen: int | None, first: date, last: date) -> list[Hit]:
    """金額と日: payments and credits of these days; cases that wait about this amount.

    Every day is looked up by itself, so that the index answers both conditions.
    """
    days = [
        (first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)
    ]
    values: dict[str, object] = {"days": days} | ({} if yen is None else {"yen": yen})
    same = "" if yen is None else " AND {table}.amount_yen = :yen"
    receipts = books.rows(
        _RECEIPT.format(which="r.paid_on IN :days" + same.format(table="r")), **values
    )
    credited = books.rows(
        _CREDIT.format(which="d.booked_on IN :days" + same.format(table="d")), **values
    )
    hits = [
        Hit(
            "line", row.name, row.amount_yen, row.paid_on, row.stage,
            file_id=row.file_id, line_no=row.line_no,
        )
        for row in receipts
    ]  # fmt: skip
    hits += [
        Hit(
            "credit", row.name, row.amount_yen, row.booked_on, row.state,
            file_id=row.file_id, line_no=row.line_no,
        )
        for row in credited
    ]  # fmt: skip
    if yen is not None:
        hits += _cases(
            books, "c.state IN ('open', 'acknowledged') AND c.amount_yen = :yen", yen=yen
        )
    return hits


# ---- names ----


def by_person_no(books: Books, number: str) -> list[Hit]:
    """宛名番号."""
    return _people(books, "o.obligor_no = :number", number=number)


def by_name(books: Books, name: str, today: date) -> list[Hit]:
    """氏名: people whose folded kana begins so, and credits of that payer of the last months."""
    folded = fold_name(name)
    if not folded:
        return []
    hits = _people(
        books,
        "o.kana_folded >= :low AND o.kana_folded < :high",
        low=folded,
        high=folded + _LAST,
    )
    rows = books.rows(
        _CREDIT.replace("f.name", "f.name, b.payer_name")
        .replace(
            "WHERE",
            "JOIN bank_line b ON b.municipality_code = :m AND b.file_id = d.file_id "
            "AND b.line_no = d.line_no WHERE",
        )
        .format(which="d.booked_on >= :first AND d.agent = ''"),
        first=(today - timedelta(days=DAYS_BACK)).isoformat(),
        most=NAMES_MAX,
    )
    hits += [
        Hit(
            "credit", row.name, row.amount_yen, row.booked_on, row.state,
            file_id=row.file_id, line_no=row.line_no, more=row.payer_name,
        )
        for row in rows
        if fold_name(row.payer_name).startswith(folded)
    ][:HITS_MAX]  # fmt: skip
    return hits


def _people(books: Books, which: str, **values: object) -> list[Hit]:
    return [
        Hit("person", row.name, more=row.kana, notice_id=row.notice_id or 0)
        for row in books.rows(_PERSON.format(which=which), **values)
    ]


def unique(hits: Iterable[Hit]) -> list[Hit]:
    """Each thing once, in the order in which it was found."""
    return list(dict.fromkeys(hits))
