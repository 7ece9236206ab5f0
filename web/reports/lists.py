"""明細の一覧: the rows that a figure is made of, a page of them or all of them as a file.

What may be asked for stands in :data:`LISTINGS`: each knows its columns, which words of the
address choose among its rows, and how a row is written. No name, address or 宛名番号 is in any.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Any

from payments.domain.errors import NotFoundError
from reconcile import carry_over
from reconcile.report import held_rows
from reconcile.report.held import OVERPAID
from reconcile.report.rows import Figure, postings
from web import messages
from web.days.sheet import Column, columns_of
from web.language import translate as _
from web.reports.asked import Asked
from web.reports.claim_names import with_names
from web.reports.document import Target
from web.reports.ledgers import end_of, item_text
from web.reports.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from payments.domain.profile import Profile

PAGE = 100


@dataclass(frozen=True, slots=True)
class Listing:
    """一覧の種類."""

    title: str
    columns: tuple[Column, ...]
    read: Callable[[Connection, Profile, Asked, Sequence[int | str]], Iterator[Line]]
    note: str = ""

    def lines(
        self, connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
    ) -> Iterator[Line]:
        """明細, each instalment under the name that stands on its notice."""
        found = self.read(connection, profile, asked, after)
        return with_names(connection, profile.municipality_code, found, PAGE + 1)


def figure_of(asked: Asked) -> Figure:
    """数字の範囲 of the address. Raises :class:`NotFoundError` ``report_rows``."""
    what, carried = asked.text("what"), asked.number("carried")
    first, last = _span(asked)
    if what not in {"collected", "assessed"}:
        raise NotFoundError("report_rows", found=what[:20])
    return Figure(
        what=what,
        item_code=asked.text("item"),
        year=asked.number("year"),
        carried=None if carried is None else bool(carried),
        channel=asked.text("channel") or None,
        first=first,
        last=last,
    )


def _span(asked: Asked) -> tuple[str, str]:
    """First and last day of the month or of the 会計年度 that is asked for; "" without one."""
    month, booked = asked.month("month"), asked.number("booked")
    if month:
        return f"{month}-01", end_of(month).isoformat()
    return (f"{booked:04d}-04-01", f"{booked + 1:04d}-03-31") if booked else ("", "")


def page_of(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> tuple[list[Line], tuple[int | str, ...] | None]:
    """One page of lines, and the key behind which the next begins (None: this is the last)."""
    listing = LISTINGS[asked.listing]
    found = list(islice(listing.lines(connection, profile, asked, after), PAGE + 1))
    return found[:PAGE], found[PAGE - 1].key if len(found) > PAGE else None


def key_from(listing: str, text: str) -> tuple[int | str, ...]:
    """The key of ``after=``. Raises :class:`NotFoundError` ``report_rows`` for what is none."""
    if not text:
        return ()
    names = _KEYS.get(listing) or held_rows.LISTS[listing][0]
    parts = text.split(",")
    if len(parts) != len(names):
        raise NotFoundError("report_rows", found=text[:20])
    found: list[int | str] = []
    for name, part in zip(names, parts, strict=True):
        if name == "happened_on":
            found.append(Asked(listing, {name: part}).day(name).isoformat())
        elif name in {"term", "event"}:
            found.append(part[:20])
        elif part.isdecimal() and len(part) < 19:
            found.append(int(part))
        else:
            raise NotFoundError("report_rows", found=text[:20])
    return tuple(found)


# ---- the lists ----


def _posted(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    key = tuple(int(part) for part in after)
    figure = figure_of(asked)
    for row in postings(connection, profile.municipality_code, figure, asked.day("day"), after=key):
        targets = {0: _claim(row.notice_id, row.term)}
        if row.file_id is not None and row.line_no is not None:
            targets[6] = _evidence(row.file_id, row.line_no)
        yield Line(
            (
                f"{row.notice_id}/{row.term}", item_text(profile, row.item_code), row.claim_year,
                messages.label("channel", row.channel),
                messages.label("posting_reason", row.reason), row.paid_on,
                f"{row.file_id}:{row.line_no}" if row.file_id is not None else None,
                row.amount_yen,
            ),
            targets,
            row.key,
        )  # fmt: skip


def _suspense(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    kind, channel, item = asked.text("kind"), asked.text("channel"), asked.text("item")
    for row in held_rows.rows(connection, profile.municipality_code, "suspense", after=after):
        wanted = (
            (not kind or row.outcome == kind or (kind == "overpaid" and row.outcome in OVERPAID))
            and (not channel or row.channel == channel)
            and (not item or row.item_code == ("" if item == "-" else item))
        )
        if wanted:
            targets = {0: _evidence(row.file_id, row.line_no)}
            if row.notice_id is not None:
                targets[3] = _claim(row.notice_id, row.term)
            if row.case_no is not None:
                targets[8] = Target("cases.show", {"case_no": row.case_no})
            yield Line(
                (
                    f"{row.file_id}:{row.line_no}", messages.outcome(row.outcome).label,
                    messages.label("channel", row.channel), item_text(profile, row.item_code),
                    row.paid_on, row.since, row.whole_yen, row.amount_yen, row.case_no,
                ),
                targets,
                held_rows.key_of("suspense", row),
            )  # fmt: skip


def _surplus(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    item = asked.text("item")
    for row in held_rows.rows(connection, profile.municipality_code, "surplus", after=after):
        if not item or row.item_code == item:
            yield Line(
                (f"{row.notice_id}/{row.term}", item_text(profile, row.item_code),
                 row.since or None, row.amount_yen),
                {0: _claim(row.notice_id, row.term)},
                held_rows.key_of("surplus", row),
            )  # fmt: skip


def _refundable(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    item = asked.text("item")
    kinds = (_("仮受金"), _("更正による過納"), _("還付決定済（未払）"))
    for row in held_rows.rows(connection, profile.municipality_code, "refundable", after=after):
        if not item or row.item_code == item:
            claim = None if row.notice_id is None else f"{row.notice_id}/{row.term}"
            targets = {1: _claim(row.notice_id, row.term)} if claim else {}
            if row.part == 1:
                targets[0] = _evidence(row.first, row.second)
            yield Line(
                (kinds[row.part - 1], claim, item_text(profile, row.item_code),
                 row.since or None, row.amount_yen),
                targets,
                held_rows.key_of("refundable", row),
            )  # fmt: skip


def _credits(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    kind, agent, account = asked.text("kind"), asked.text("agent"), asked.text("account")
    for row in held_rows.rows(connection, profile.municipality_code, "credits", after=after):
        wanted = (
            (not kind or row.outcome == kind)
            and (not agent or row.agent == agent)
            and (not account or row.account_key == account)
        )
        if wanted:
            targets = {0: _evidence(row.file_id, row.line_no)}
            if row.case_no is not None:
                targets[6] = Target("cases.show", {"case_no": row.case_no})
            yield Line(
                (
                    f"{row.file_id}:{row.line_no}", messages.outcome(row.outcome).label,
                    messages.label("agent", row.agent), row.account_key, row.since,
                    row.amount_yen, row.case_no,
                ),
                targets,
                held_rows.key_of("credits", row),
            )  # fmt: skip


def _groups(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    agent = asked.text("agent")
    terms = profile.agent(agent)
    net = terms is not None and terms.is_net
    first, last = _span(asked)
    for row in held_rows.rows(
        connection,
        profile.municipality_code,
        "groups",
        after=after,
        agent=agent,
        first=first,
        last=last,
        unpaid=asked.number("unpaid") or 0,
        net=int(net),
    ):
        fee = row.fee_yen if net else 0
        targets = {1: Target("reports.rows", {"listing": "payments", "group": row.group_id})}
        if row.file_id is not None:
            targets[6] = _evidence(row.file_id, row.line_no)
        if row.case_no is not None:
            targets[8] = Target("cases.show", {"case_no": row.case_no})
        yield Line(
            (
                messages.label("agent", row.agent), row.ref.replace("|", " / "), row.since,
                row.confirmed_count, row.confirmed_yen, fee, row.credited_yen,
                row.credited_yen - (row.confirmed_yen - fee), row.case_no,
            ),
            targets,
            held_rows.key_of("groups", row),
        )  # fmt: skip


def _payments(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    for row in held_rows.rows(
        connection,
        profile.municipality_code,
        "payments",
        after=after,
        group=asked.key("group"),
    ):
        targets = {0: _evidence(row.file_id, row.line_no)}
        if row.notice_id is not None:
            targets[2] = _claim(row.notice_id, row.term)
        yield Line(
            (
                f"{row.file_id}:{row.line_no}", messages.label("channel", row.channel),
                f"{row.notice_id}/{row.term}" if row.notice_id is not None else None,
                item_text(profile, row.item_code), row.paid_on,
                messages.label("stage", row.stage), row.amount_yen,
            ),
            targets,
            held_rows.key_of("payments", row),
        )  # fmt: skip


def _open(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    """What is open today; of 滞繰 all older years one behind the other, named in the key."""
    year = asked.number("year") or 0
    for row in held_rows.rows(
        connection,
        profile.municipality_code,
        "open_older" if asked.number("carried") else "open",
        after=after,
        year=year,
        item=asked.text("item"),
    ):
        yield Line(
            (f"{row.notice_id}/{row.term}", item_text(profile, row.item_code), row.claim_year,
             row.since, row.whole_yen, row.amount_yen),
            {0: _claim(row.notice_id, row.term)},
            held_rows.key_of("open", row),
        )  # fmt: skip


def _carried(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    year, carried = asked.number("year") or 0, asked.number("carried")
    run = carry_over.run_of(connection, profile.municipality_code, year)
    if run is None:
        return
    for row in held_rows.rows(
        connection,
        profile.municipality_code,
        "carried",
        after=after,
        carry_no=run.carry_no,
        item=asked.text("item"),
    ):
        if carried is None or (row.claim_year < year) == bool(carried):
            yield Line(
                (f"{row.notice_id}/{row.term}", item_text(profile, row.item_code),
                 row.claim_year, row.amount_yen),
                {0: _claim(row.notice_id, row.term)},
                held_rows.key_of("carried", row),
            )  # fmt: skip


def _cases(
    connection: Connection, profile: Profile, asked: Asked, after: Sequence[int | str]
) -> Iterator[Line]:
    month = asked.month("month")
    if not month:
        raise NotFoundError("report_rows", found="")
    came = asked.text("what") != "closed"
    events = ("opened", "reopened") if came else ("resolved", "accepted")
    for row in held_rows.rows(
        connection,
        profile.municipality_code,
        "cases",
        after=after,
        first=f"{month}-01",
        last=end_of(month).isoformat(),
        one=events[0],
        other=events[1],
    ):
        days = (date.fromisoformat(row.happened_on) - date.fromisoformat(row.since)).days
        yield Line(
            (
                row.case_no, messages.case(row.kind).label, row.happened_on,
                messages.label("case_event", row.event), days, row.amount_yen,
            ),
            {0: Target("cases.show", {"case_no": row.case_no})},
            held_rows.key_of("cases", row),
        )  # fmt: skip


def _evidence(file_id: int, line_no: int) -> Target:
    return Target("explain.line", {"file_id": file_id, "line_no": line_no})


def _claim(notice_id: Any, term: Any) -> Target:
    if not term:
        return Target("explain.notice", {"notice_id": notice_id})
    return Target("explain.claim", {"notice_id": notice_id, "term": term})


_KEYS = {"postings": ("journal_id", "file_id", "line_no", "leg")}
_CLAIM, _LINE = "期別", "資料・行"
LISTINGS: dict[str, Listing] = {
    "postings": Listing(
        "仕訳の明細",
        columns_of(
            _CLAIM, "科目", "会計年度:word", "チャネル:word", "理由:word", "領収日:word", _LINE,
            "金額:yen",
        ),
        _posted,
    ),
    "suspense": Listing(
        "仮受金の明細",
        columns_of(
            _LINE, "内容", "チャネル:word", "科目", "領収日:word", "受付日:word", "納付額:yen",
            "仮受額:yen", "確認事項:word",
        ),
        _suspense,
    ),
    "surplus": Listing(
        "更正による過納の明細",
        columns_of(_CLAIM, "科目", "更正の受付日:word", "過納額:yen"),
        _surplus,
    ),
    "refundable": Listing(
        "還付未済の明細",
        columns_of("内容:word", _CLAIM, "科目", "日:word", "金額:yen"),
        _refundable,
        "今日の還付未済です。還付済になると、ここから消えます。",
    ),
    "credits": Listing(
        "未照合の入金の明細",
        columns_of(
            _LINE, "内容", "払込元", "口座", "勘定日:word", "入金額:yen", "確認事項:word"
        ),
        _credits,
    ),
    "groups": Listing(
        "払込の明細",
        columns_of(
            "払込元", "番号", "払込日:word", "件数:count", "総額:yen", "差引手数料:yen",
            "入金額:yen", "差:yen", "確認事項:word",
        ),
        _groups,
    ),
    "payments": Listing(
        "払込の収納の明細",
        columns_of(
            _LINE, "チャネル:word", _CLAIM, "科目", "領収日:word", "段階:word", "納付額:yen"
        ),
        _payments,
    ),
    "open": Listing(
        "収入未済の明細",
        columns_of(_CLAIM, "科目", "会計年度:word", "納期限:word", "調定額:yen", "未納額:yen"),
        _open,
        "今日の未納です。出納閉鎖の後に納められた額は、その年度の収入未済額から引かれていません。",
    ),
    "carried": Listing(
        "滞納繰越の明細",
        columns_of(_CLAIM, "科目", "会計年度:word", "繰越額:yen"),
        _carried,
        "年度の締めで翌年度へ繰り越した額です。締める前は空です。",
    ),
    "cases": Listing(
        "確認事項の明細",
        columns_of("確認事項:word", "種類", "日:word", "経過:word", "日数:count", "金額:yen"),
        _cases,
    ),
}  # fmt: skip
