"""督促の明細の画面: a figure leads to its rows, a row to what was known of it at the draw."""

from __future__ import annotations

from flask import render_template, request

from payments.store.unit_of_work import reading
from reconcile.dunning import explain, record, rows
from reconcile.dunning.rules import GROUNDS
from web.dunning import exports
from web.dunning.shared import ROWS_SHOWN, dunning
from web.dunning.sheets import source_names
from web.duties import Do
from web.security import may
from web.services import services
from web.texts.dunning import SENTENCES
from web.typed_days import day_or_none


@dunning.get("/<int:list_no>/rows")
@may(Do.READ_DUNNING)
def show_rows(list_no: int) -> str:
    """The rows of one ground, page by page."""
    code = services().municipality
    ground = request.args.get("ground", "")
    ground = ground if ground in GROUNDS else ""
    after = (request.args.get("after", 0, int) or 0, request.args.get("term", "")[:2])
    with reading(services().engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        page = rows.rows_of(connection, code, list_no, ground, after=after, most=ROWS_SHOWN + 1)
    return render_template(
        "dunning/rows.html",
        found=found,
        ground=ground,
        rows=page[:ROWS_SHOWN],
        more=len(page) > ROWS_SHOWN,
        names=exports.names_of(services().profile),
        sentences=SENTENCES,
    )


@dunning.get("/<int:list_no>/near")
@may(Do.READ_DUNNING)
def show_near(list_no: int) -> str:
    """時効が近いもの of those who are listed, the first day first, page by page."""
    code = services().municipality
    behind = day_or_none(request.args.get("behind", ""))
    after = (
        behind.isoformat() if behind else "",
        request.args.get("after", 0, int) or 0,
        request.args.get("term", "")[:2],
    )
    with reading(services().engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        page = rows.near_rows(connection, code, list_no, after=after, most=ROWS_SHOWN + 1)
    return render_template(
        "dunning/near.html",
        found=found,
        rows=page[:ROWS_SHOWN],
        more=len(page) > ROWS_SHOWN,
        names=exports.names_of(services().profile),
    )


@dunning.get("/<int:list_no>/files")
@may(Do.READ_DUNNING)
def show_files(list_no: int) -> str:
    """根拠資料, the newest first."""
    code = services().municipality
    before = request.args.get("before", 0, int) or 2**62
    with reading(services().engine, code) as connection:
        found = record.list_of(connection, code, list_no)
        page = rows.files_page(connection, code, list_no, before=before, most=ROWS_SHOWN + 1)
    return render_template(
        "dunning/files.html", found=found, files=page[:ROWS_SHOWN], more=len(page) > ROWS_SHOWN
    )


@dunning.get("/<int:list_no>/notices/<int:notice_id>")
@may(Do.READ_DUNNING)
def explain_notice(list_no: int, notice_id: int) -> str:
    """督促の説明 of a notice: what was known, why it was listed or held back, what became of it."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        story = explain.of_instalment(connection, code, list_no, notice_id)
    return render_template(
        "dunning/explain.html",
        story=story,
        names=exports.names_of(services().profile),
        sources=source_names(services().profile),
        days_over=explain.days_over,
    )
