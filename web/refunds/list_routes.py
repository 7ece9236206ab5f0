"""過誤納の一覧: page by page, with what waits how long, and all of it as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, redirect, render_template, request, url_for

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.refunds import counting
from reconcile.refunds.ageing import BUCKETS
from reconcile.refunds.found import PAGE, SHORT, STATES, short
from reconcile.refunds.pages import START, Asked, every_overpayment, page
from web import clock
from web.csv_download import csv_download
from web.duties import Do
from web.refunds.shared import all_words, refunding
from web.security import may
from web.services import services
from web.texts.refunds import CSV_COLUMNS
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from werkzeug.wrappers import Response as BaseResponse

WARNED = 10  # warnings that are named one by one


@refunding.get("")
@may(Do.READ_REFUNDS)
def listing() -> str:
    """過誤納の一覧, oldest first, with its ages and the rights that end soon."""
    since = day_or_none(request.args.get("since", ""))
    after = (since.isoformat(), request.args.get("after", "")) if since else START
    state, age = request.args.get("state", ""), request.args.get("age", -1, int)
    today, profile = clock.today(), services().profile
    asked = Asked(state if state in STATES else "")
    if 0 <= age <= len(BUCKETS):
        asked = Asked(asked.state, *counting.bucket_days(age, today))
    with reading(services().engine, services().municipality) as connection:
        counts = counting.counts_of(connection, profile, today)
        rows = page(connection, profile, today, asked, after=after, limit=PAGE + 1)
        warned = counting.warned(connection, profile, today, WARNED)
        gone = short(connection, profile, today)
    more = rows[PAGE - 1] if len(rows) > PAGE else None
    return render_template(
        "refunds/list.html",
        rows=rows[:PAGE],
        more=more,
        first=after == START,
        state=state,
        age=age,
        counts=counts,
        states=counts.by_state(),
        ages=counts.by_age(today),
        warned=warned,
        warnings=max(counts.warnings(profile, today), len(warned)),
        warn_days=profile.refunds.warn_days,
        buckets=BUCKETS,
        gone=gone,
        today=today,
        words=all_words(),
    )


@refunding.post("/count")
@may(Do.READ_REFUNDS)
def count() -> BaseResponse:
    """数え直し of what is told as it was counted last."""
    with unit_of_work(services().engine, services().municipality) as connection:
        counting.keep(connection, services().profile, clock.today(), clock.now())
    return redirect(url_for("refunds.listing"), 303)


@refunding.get("/overpayments.csv")
@may(Do.READ_REFUNDS)
def download() -> Response:
    """過誤納の一覧 as CSV, as it comes, with the day on which the right to each ends."""
    today, profile = clock.today(), services().profile
    engine, code = services().engine, services().municipality

    def rows() -> Iterator[tuple[object, ...]]:
        with reading(engine, code) as connection:
            for row in every_overpayment(connection, profile, today):
                if row.state != SHORT:
                    yield (
                        row.subject, row.item_code, row.levy_year, row.notice_no, row.term,
                        row.waiting_yen, row.reason or "", row.state, row.arose_on,
                        (today - row.arose_on).days, row.noticed_on or "", row.expires_on,
                        _ending(row.expires_on, today, profile.refunds.warn_days),
                    )  # fmt: skip

    return csv_download(f"overpayments-{today}.csv", CSV_COLUMNS, rows())


def _ending(ends_on: date, today: date, warn_days: int) -> str:
    """時効の注意 as the file says it."""
    if ends_on < today:
        return "expired"
    return "soon" if (ends_on - today).days <= warn_days else ""
