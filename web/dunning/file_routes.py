"""督促のファイル: the rows of a list, the letters for a printer and the pull list, to take away.

That one was taken is written down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response

from payments.store.unit_of_work import reading, unit_of_work
from reconcile.dunning import pull, record
from web import clock
from web.accounts.record import record as note
from web.csv_download import csv_answer
from web.days.paper import report_pdf
from web.dunning import exports
from web.dunning.sheets import pull_heading, pull_sheet
from web.duties import Do
from web.security import may
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

dunning_files = Blueprint("dunning_files", __name__, url_prefix="/staff/dunning")


@dunning_files.get("/<int:list_no>/rows.csv")
@may(Do.READ_DUNNING)
def take_rows(list_no: int) -> Response:
    """督促リストの全件 as CSV; that it was taken is written down."""
    return _csv(list_no, "rows", exports.rows_csv)


@dunning_files.get("/<int:list_no>/letters.csv")
@may(Do.DRAW_DUNNING)
def take_letters(list_no: int) -> Response:
    """督促状の差込みデータ as CSV, once two people agreed."""
    with reading(services().engine, services().municipality) as connection:
        found = record.list_of(connection, services().municipality, list_no)
    record.require_state(found, "approved", "pull_drawn", "pull_confirmed", "dispatched")
    return _csv(list_no, "letters", exports.letters_csv)


@dunning_files.get("/<int:list_no>/pull.csv")
@may(Do.READ_DUNNING)
def take_pull(list_no: int) -> Response:
    """引抜きリスト as CSV."""

    def pieces(connection: Connection, profile: Any, list_no: int) -> Iterator[bytes]:
        found = record.list_of(connection, profile.municipality_code, list_no)
        return exports.pull_csv(connection, profile, found, record.pull_no_of(found))

    return _csv(list_no, "pull", pieces)


@dunning_files.get("/<int:list_no>/pull.pdf")
@may(Do.READ_DUNNING)
def take_pull_paper(list_no: int) -> Response:
    """引抜きリスト as PDF, in the order of the envelopes."""
    code, profile = services().municipality, services().profile
    with unit_of_work(services().engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        record.require_state(found, "pull_drawn", "pull_confirmed", "dispatched")
        lines = pull.pull_lines(connection, code, found, record.pull_no_of(found))
        note(connection, "dunning_pull_taken", str(list_no))
    sheet = pull_sheet(lines, exports.names_of(profile))
    data = report_pdf(pull_heading(profile, found, len(lines)), (sheet,), clock.now())
    headers = {"Content-Disposition": f'attachment; filename="pull-{list_no}.pdf"'}
    return Response(data, content_type="application/pdf", headers=headers)


def _csv(
    list_no: int, name: str, pieces: Callable[[Connection, Any, int], Iterator[bytes]]
) -> Response:
    """A file of the list as it comes; that it was taken is written down."""
    engine, code, profile = services().engine, services().municipality, services().profile
    with unit_of_work(engine, code) as connection:
        record.list_of(connection, code, list_no)
        note(connection, f"dunning_{name}_taken", str(list_no))

    def streamed() -> Iterator[bytes]:
        with reading(engine, code) as connection:
            yield from pieces(connection, profile, list_no)

    return csv_answer(f"dunning-{name}-{list_no}.csv", streamed())
