"""資料の画面: the files that came, one of them, its bytes; bringing files, trying one again."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from payments.domain.errors import NotFoundError
from payments.store.unit_of_work import reading, unit_of_work
from reconcile.file_lines import findings_of, lines_of
from reconcile.file_view import Wanted, list_files, show_file
from reconcile.model import Channel, FileStatus
from reconcile.store.evidence import evidence_part
from web import clock, messages
from web.accounts import staff
from web.csv_download import csv_download
from web.duties import Do, can
from web.files.places import ROW, place_of, stretch_of
from web.files.upload import Brought, bring
from web.inbox import deliveries
from web.inbox.folders import CLAIMS
from web.inbox.reception import original, retry
from web.inbox.sheets import what_to_do
from web.security import NUMBER_MAX, may, source
from web.services import services
from web.texts.outcomes import OUTCOMES
from web.typed_days import day_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconcile.file_view import FileView

PAGE = 50
LINES = 100  # of one file on a page
NAME_MAX = 100
FINDING_COLUMNS = ("重さ", "行", "バイト", "項目", "内容", "コード", "値", "正")
STATES = ("accepted", "quarantined", "refused", "stopped", "received")
CHANNELS = tuple(str(channel) for channel in Channel)
WHOLE_BYTES, WINDOW_BYTES = 4 << 20, 8 << 10
FORM_BYTES = 256 << 10  # what a form needs beside the files themselves

files = Blueprint("files", __name__, url_prefix="/staff/files")


@files.url_value_preprocessor
def _room_for_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Only the page that takes files may be sent more than a form; they go to the disk."""
    if endpoint == "files.receive":
        request.max_content_length = services().settings.file_bytes_max + FORM_BYTES


@files.get("")
def listing() -> str:
    """Every file that came, by state and channel."""
    status, channel = request.args.get("status", ""), request.args.get("channel", "")
    status = status if status in STATES else ""
    channel = channel if channel in CHANNELS else ""
    number = max(request.args.get("page", 1, type=int) or 1, 1)
    name = request.args.get("name", "").strip()[:NAME_MAX]
    since, until = (day_or_none(request.args.get(each, "")) for each in ("since", "until"))
    wanted = Wanted(status, channel, name, since, until)
    code = services().municipality
    with reading(services().engine, code) as connection:
        page = list_files(connection, code, wanted, limit=PAGE, offset=(number - 1) * PAGE)
    return render_template(
        "files/list.html",
        page=page,
        status=status,
        channel=channel,
        name=name,
        since=since,
        until=until,
        states=STATES,
        channels=CHANNELS,
        number=number,
        pages=max(-(-page.total // PAGE), 1),
        may_bring=can(g.user, Do.BRING_FILES),
    )


@files.get("/upload")
@may(Do.BRING_FILES)
def upload() -> str:
    """Where files are chosen."""
    return render_template("files/upload.html", **_upload_words(), results=None)


@files.post("/upload")
@may(Do.BRING_FILES)
def receive() -> str:
    """取込 of every file that was chosen; each has its own result."""
    claim = request.form.get("claim", "")
    with ExitStack() as opened:
        chosen = [
            Brought(each.filename, opened.enter_context(closing(each.stream)))
            for each in request.files.getlist("files")
            if each.filename
        ]
        results = bring(
            services().settings,
            services().engine,
            services().municipality,
            chosen,
            claim=claim if claim in CLAIMS else "",
            actor=g.user.user_name,
        )
    for result in results:
        _record("file_uploaded", f"file:{result.file_id or ''}")
    return render_template(
        "files/upload.html",
        **_upload_words(),
        results=results,
        messages=messages,
        what_to_do=what_to_do,
    )


@files.get("/<int:file_id>")
def show(file_id: int) -> str:
    """Status, findings with their places, and outcomes of one file."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        view = show_file(connection, code, file_id)
        came = deliveries.of_file(connection, code, file_id)
    return render_template(
        "files/show.html",
        view=view,
        came=came,
        messages=messages,
        what_to_do=what_to_do,
        may_read=can(g.user, Do.READ_FILES),
        may_retry=can(g.user, Do.BRING_FILES) and view.status != FileStatus.ACCEPTED,
    )


@files.get("/<int:file_id>/lines")
@may(Do.READ_FILES)
def lines(file_id: int) -> str:
    """明細 of one file in its own order, of one outcome or all of them; who looked is recorded."""
    outcome = request.args.get("outcome", "")
    outcome = outcome if outcome in OUTCOMES else ""
    after = max(request.args.get("after", 0, type=int) or 0, 0)
    code = services().municipality
    with reading(services().engine, code) as connection:
        view = show_file(connection, code, file_id)
        found = lines_of(
            connection,
            code,
            file_id,
            outcome=outcome,
            after=min(after, NUMBER_MAX),
            limit=LINES + 1,
        )
    _record("file_lines_viewed", f"file:{file_id}")
    return render_template(
        "files/lines.html",
        view=view,
        lines=found[:LINES],
        more=len(found) > LINES,
        outcome=outcome,
        after=after,
        messages=messages,
    )


@files.get("/<int:file_id>/bytes")
@may(Do.READ_FILES)
def show_bytes(file_id: int) -> str:
    """バイト列 of a file from an offset on; those of one record are marked; recorded."""
    offset, length = (max(request.args.get(name, 0, type=int) or 0, 0) for name in ("at", "length"))
    code = services().municipality
    with reading(services().engine, code) as connection:
        view = show_file(connection, code, file_id)
    data, base = _window(view, min(offset, view.size_bytes))
    _record("file_bytes_viewed", f"file:{file_id}")
    return render_template(
        "files/bytes.html",
        view=view,
        at=min(offset, view.size_bytes),
        stretch=stretch_of(data, offset, offset, length, base=base, size=view.size_bytes),
        in_part=len(data) < view.size_bytes,
    )


@files.get("/<int:file_id>/findings.csv")
@may(Do.READ_FILES)
def download_findings(file_id: int) -> Response:
    """指摘 of a file as CSV, all of them, as they come from the database."""
    code, engine = services().municipality, services().engine
    with reading(engine, code) as connection:
        show_file(connection, code, file_id)
    _record("file_findings_exported", f"file:{file_id}")

    def rows() -> Iterator[tuple[object, ...]]:
        with reading(engine, code) as connection:
            for one in findings_of(connection, code, file_id):
                yield (
                    messages.label("severity", one.severity), one.line_no, one.byte_offset,
                    one.field, messages.finding(one.code), one.code, one.found, one.expected,
                )  # fmt: skip

    return csv_download(f"findings-{file_id}.csv", FINDING_COLUMNS, rows())


@files.post("/<int:file_id>/retry")
@may(Do.BRING_FILES)
def again(file_id: int) -> Response:
    """もう一度取り込む: as it stands in the evidence, after a person has looked."""
    _record("file_retried", f"file:{file_id}")
    retry(
        services().settings,
        services().engine,
        services().municipality,
        file_id,
        actor=g.user.user_name,
        received_on=clock.today(),
    )
    return redirect(url_for("files.show", file_id=file_id, tried=1), 303)


@files.get("/<int:file_id>/original")
@may(Do.READ_FILES)
def download(file_id: int) -> Response:
    """原本: the bytes as they came; who took them is written down."""
    found = original(services().engine, services().municipality, file_id)
    _record("file_downloaded", f"file:{file_id}")
    answer = Response(found.pieces, mimetype="application/octet-stream")
    answer.content_length = found.size_bytes
    answer.headers.set("Content-Disposition", "attachment", filename=found.name)
    return answer


@files.get("/<int:file_id>/findings/<int:finding_no>")
@may(Do.READ_FILES)
def place(file_id: int, finding_no: int) -> str:
    """指摘の箇所: the bytes around one finding; who looked is written down."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        view = show_file(connection, code, file_id)
    if not 1 <= finding_no <= len(view.findings):
        raise NotFoundError("finding", file_id=file_id, finding_no=finding_no)
    finding = view.findings[finding_no - 1]
    if finding.byte_offset is None:
        raise NotFoundError("finding", file_id=file_id, finding_no=finding_no)
    data, base = _window(view, finding.byte_offset)
    _record("file_bytes_viewed", f"file:{file_id}")
    return render_template(
        "files/place.html",
        view=view,
        finding=finding,
        place=place_of(data, finding.byte_offset, finding.found, base=base),
        in_part=len(data) < view.size_bytes,
        messages=messages,
    )


def _window(view: FileView, offset: int) -> tuple[bytes, int]:
    """The bytes around an offset and the offset of the first; a small file whole, and checked.

    A large one would have to be read from end to end for its hash: of it the pages say that they
    have not looked.
    """
    code = services().municipality
    if view.size_bytes <= WHOLE_BYTES:
        return b"".join(original(services().engine, code, view.file_id).pieces), 0
    base = max(offset - WINDOW_BYTES, 0) // ROW * ROW
    with reading(services().engine, code) as connection:
        return evidence_part(connection, code, view.sha256, base, 2 * WINDOW_BYTES), base


def _upload_words() -> dict[str, Any]:
    return {"claims": CLAIMS, "most": services().settings.file_bytes_max}


def _record(event: str, subject: str) -> None:
    """操作記録: who did what with a file."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        staff.record(connection, code, g.user.user_name, event, subject, source())
