"""報告の画面: every report with its files, the rows behind each figure, and the figures page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for

from payments.domain.calendars import FIRST_YEAR, LAST_YEAR
from payments.domain.errors import NotFoundError
from payments.domain.fiscal import fiscal_year
from payments.store.unit_of_work import reading
from reconcile.explain.rest import settlement_of
from reconcile.report.period import latest_day
from reconcile.report.rows import days
from web import clock, formatting, messages
from web.days.exports import MEDIA_TYPES
from web.duties import Do
from web.language import JAPANESE, speaking
from web.reports.asked import Asked
from web.reports.catalogue import REPORTS, make, report_of
from web.reports.files import document_file, rows_csv, rows_xlsx
from web.reports.ledgers import item_text
from web.reports.lists import LISTINGS, figure_of, key_from, page_of
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from web.reports.document import Document
    from web.reports.line import Line
    from web.reports.lists import Listing

# What an address may say about rows; anything else in it is not looked at.
WORDS = (
    "what", "item", "year", "carried", "channel", "month", "booked", "day", "kind", "agent",
    "account", "unpaid", "group",
)  # fmt: skip
WORD_MAX = 60
reporting = Blueprint("reports", __name__, url_prefix="/staff")


@reporting.get("/reports")
def index() -> str:
    """All reports."""
    today = clock.today()
    with reading(services().engine, services().municipality) as connection:
        latest = latest_day(connection, services().municipality) or today
    return render_template(
        "reports/index.html", reports=REPORTS.values(), latest=latest, year=fiscal_year(latest)
    )


@reporting.get("/figures")
def figures() -> BaseResponse:
    """経営の数字 of the year in hand."""
    return redirect(url_for("reports.show_year", report="figures", year=_this_year()), 303)


@reporting.get("/reports/<report>")
def show(report: str) -> BaseResponse | str:
    """A report of how things stand now; one of a year is that of the year in hand."""
    asked = request.args.get("year", "")
    if report_of(report).by_year:
        year = int(asked) if asked.isdecimal() and len(asked) == 4 else _this_year()
        return redirect(url_for("reports.show_year", report=report, year=year), 303)
    return _page(_document(report, _this_year()))


@reporting.get("/reports/<report>/<int:year>")
def show_year(report: str, year: int) -> str:
    """A report of one 会計年度."""
    return _page(_document(report, _year(report, year)))


@reporting.get("/reports/<report>/report.<form>")
def download(report: str, form: str) -> Response:
    """A report of how things stand now, as a file."""
    if report_of(report).by_year:
        abort(404)
    return _file(report, _this_year(), form, clock.today().isoformat())


@reporting.get("/reports/<report>/<int:year>/report.<form>")
def download_year(report: str, year: int, form: str) -> Response:
    """A report of one 会計年度, as a file."""
    return _file(report, _year(report, year), form, str(year))


@reporting.get("/reports/ledger")
def ledger() -> str:
    """会計日 on which a figure of the ledger was booked; each opens its postings."""
    asked = _asked("postings")
    figure = figure_of(asked)
    profile = services().profile
    with reading(services().engine, services().municipality) as connection:
        found = days(connection, services().municipality, figure)
    return render_template(
        "reports/ledger.html",
        figure=figure,
        item=item_text(profile, figure.item_code) if figure.item_code else "",
        days=found,
        words={name: value for name, value in asked.words.items() if name != "day"},
    )


@reporting.get("/reports/rows/<listing>")
@may(Do.READ_DETAILS)
def rows(listing: str) -> str:
    """A page of the rows that a figure is made of."""
    asked, profile = _asked(listing), services().profile
    key = key_from(listing, request.args.get("after", "")[:WORD_MAX])
    with reading(services().engine, services().municipality) as connection:
        chosen = _chosen(asked) | _remittance(connection, asked)
        lines, after = page_of(connection, profile, asked, key)
    return render_template(
        "reports/rows.html",
        listing=LISTINGS[listing],
        code=listing,
        lines=lines,
        begun=bool(key),
        after=",".join(map(str, after)) if after else "",
        words=dict(asked.words),
        chosen=chosen,
    )


@reporting.get("/reports/rows/<listing>/rows.<form>")
@may(Do.READ_DETAILS)
def rows_file(listing: str, form: str) -> Response:
    """All rows that a figure is made of, as CSV or XLSX, as they are read."""
    if form not in {"csv", "xlsx"}:
        abort(404)
    asked = _asked(listing)
    known: Listing = LISTINGS[listing]
    profile, engine = services().profile, services().engine

    def lines() -> Iterator[Line]:
        with reading(engine, profile.municipality_code) as connection:
            yield from known.lines(connection, profile, asked, ())

    def pieces() -> Iterator[bytes]:
        with speaking(JAPANESE):
            if form == "csv":
                yield from rows_csv(known.columns, lines())
            else:
                yield from rows_xlsx(known.title, known.columns, lines())

    with reading(engine, profile.municipality_code) as connection:
        page_of(connection, profile, asked, ())  # refuses what cannot be before anything is sent
    answer = Response(pieces(), content_type=MEDIA_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{listing}.{form}"'
    return answer


def _asked(listing: str) -> Asked:
    """What the address asks for; an unknown list is not found."""
    if listing not in LISTINGS:
        abort(404)
    given = {name: request.args.get(name, "")[:WORD_MAX] for name in WORDS}
    return Asked(listing, {name: value for name, value in given.items() if value})


def _chosen(asked: Asked) -> dict[str, str]:
    """絞り込み, in words: only what a person would want to read."""
    return {name: value for name, value in asked.words.items() if name in {"year", "month", "day"}}


def _remittance(connection: Connection, asked: Asked) -> dict[str, str]:
    """払込単位 in words, of a list of its payments; one that is not there is not found."""
    if asked.listing != "payments":
        return {}
    group = asked.key("group")
    found = settlement_of(connection, services().municipality, group)
    if found is None:
        raise NotFoundError("report_rows", found=str(group))
    facts = found.group
    return {
        "agent": messages.label("agent", str(facts["agent"])),
        "ref": str(facts["ref"]).replace("|", " / "),
        "confirmed": formatting.yen(int(str(facts["confirmed_yen"]))),
    }


def _document(report: str, year: int) -> Document:
    today, profile = clock.today(), services().profile
    report_of(report)
    with reading(services().engine, services().municipality) as connection:
        return make(connection, profile, report, year=year, as_of=today)


def _page(document: Document) -> str:
    return render_template(
        "reports/show.html", document=document, report=REPORTS[document.code], today=clock.today()
    )


def _file(report: str, year: int, form: str, name: str) -> Response:
    if form not in MEDIA_TYPES:
        abort(404)
    with speaking(JAPANESE):
        data = document_file(_document(report, year), form)
    answer = Response(data, content_type=MEDIA_TYPES[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="{report}-{name}.{form}"'
    return answer


def _year(report: str, year: int) -> int:
    """A year that the report can be about; anything else is not found."""
    if not report_of(report).by_year or not FIRST_YEAR < year < LAST_YEAR:
        abort(404)
    return year


def _this_year() -> int:
    """The 会計年度 of the last day on which anything came."""
    with reading(services().engine, services().municipality) as connection:
        latest = latest_day(connection, services().municipality)
    return fiscal_year(latest or clock.today())
