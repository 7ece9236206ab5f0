"""印刷の画面: the runs, how far they are, what was read back, and their release by two people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Response,
    g,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)

from payments import print_runs
from payments.domain.errors import KokinError
from payments.domain.reason import REASON_MAX, require_reason
from payments.print_plan import DISCARDABLE
from payments.release import KIND
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, unit_of_work
from web import clock, messages
from web.accounts.record import record
from web.approval_roles import duty, require_asker
from web.csv_download import csv_download
from web.duties import Do, can, holds
from web.errors import status_of
from web.printing import manifest
from web.printing.asked import file_to_take, is_ours
from web.printing.report import read_back_words, rewrite_report, selection_words
from web.printing.status import status_of as status_of_run
from web.security import may
from web.services import services
from web.slip_release import ask_release
from web.slips.runs import CHECKED_AT_ONCE, GOING_ON, progress_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response as BaseResponse

RUNS_SHOWN = 100
ROWS_SHOWN = 200

runs = Blueprint("runs", __name__, url_prefix="/staff/slips/runs")


@runs.get("")
@may(Do.READ_SLIPS)
def listing() -> str:
    """印刷の一覧, newest first."""
    code = services().municipality
    with reading(services().engine, code) as connection:
        found = print_runs.runs(connection, code, limit=RUNS_SHOWN)
    return render_template("slips/runs.html", runs=found, shown=RUNS_SHOWN)


@runs.get("/<int:run_id>")
@may(Do.READ_SLIPS)
def show(run_id: int) -> str:
    """One run: its progress while it goes on, then what was printed and read back."""
    return _page(run_id)


@runs.post("/<int:run_id>/release")
@may(Do.ISSUE_SLIPS)
def release(run_id: int) -> BaseResponse | tuple[str, int]:
    """引渡しの依頼: the first of the two people; the other decides among the approvals."""
    code, reason = services().municipality, request.form.get("reason", "")
    try:
        require_asker(g.user, KIND)
        with unit_of_work(services().engine, code) as connection:
            profile = load_profile(connection, code)
            approval = ask_release(
                connection,
                profile,
                run_id,
                asked_by=g.user.user_name,
                reason=require_reason(reason),
            )
            record(connection, "release_asked", f"run:{run_id}")
    except KokinError as error:
        if error.error_code == "print_run":
            raise
        said = messages.error(error.error_code, error.details)
        return _page(run_id, reason=reason, error=said), status_of(error)
    rewrite_report(services().engine, code, run_id)
    return redirect(url_for("approvals.show", approval_id=approval.approval_id), 303)


@runs.get("/<int:run_id>/manifest.csv")
@may(Do.READ_SLIPS)
def download_manifest(run_id: int) -> Response:
    """印刷した納付書の一覧; who took it is written down."""
    return _csv(run_id, "manifest")


@runs.get("/<int:run_id>/read-back.csv")
@may(Do.READ_SLIPS)
def download_read_back(run_id: int) -> Response:
    """読み戻しの相違と、印刷しなかった納付書の一覧."""
    return _csv(run_id, "read-back")


@runs.get("/<int:run_id>/files/<int:file_no>")
@may(Do.ISSUE_SLIPS)
def download_file(run_id: int, file_no: int) -> Response:
    """引き渡したPDF, as it was read back; who took it is written down."""
    engine, code = services().engine, services().municipality
    with unit_of_work(engine, code) as connection:
        run = print_runs.run_of(connection, code, run_id)
        path, file = file_to_take(connection, code, run, file_no)
        record(connection, "print_file_taken", f"run:{run_id} file:{file_no}")
    name = f"run-{run_id}-{file.name}"
    return send_file(path, "application/pdf", as_attachment=True, download_name=name, etag=False)


@runs.post("/<int:run_id>/discard")
@may(Do.ISSUE_SLIPS)
def discard(run_id: int) -> BaseResponse | tuple[str, int]:
    """印刷の破棄: its paper is not used; its slips keep their numbers for the next run."""
    code, reason = services().municipality, request.form.get("reason", "")
    try:
        with unit_of_work(services().engine, code) as connection:
            print_runs.discard(
                connection, code, run_id, actor=g.user.user_name, at=clock.now(),
                reason=require_reason(reason),
            )  # fmt: skip
            record(connection, "print_discarded", f"run:{run_id}")
    except KokinError as error:
        if error.error_code == "print_run":
            raise
        said = messages.error(error.error_code, error.details)
        return _page(run_id, why=reason, undone=said), status_of(error)
    return redirect(url_for("runs.show", run_id=run_id), 303)


def _page(
    run_id: int, reason: str = "", error: str = "", *, why: str = "", undone: str = ""
) -> str:
    code = services().municipality
    with reading(services().engine, code) as connection:
        run = print_runs.run_of(connection, code, run_id)
        files = print_runs.files_of_run(connection, code, run_id)
        whole = run.state not in GOING_ON and (
            run.slips <= CHECKED_AT_ONCE or request.args.get("check") == "yes" or bool(error)
        )
        status = status_of_run(connection, code, run_id) if whole else None
    return render_template(
        "slips/run.html",
        run=run,
        files=files,
        progress=progress_of(run, files, clock.now()),
        going_on=run.state in GOING_ON,
        status=status,
        selection=selection_words(status, services().profile) if status else [],
        read_back=read_back_words(status) if status else "",
        names={file.file_no: file.name for file in files},
        may_ask=holds(g.user, duty(KIND).asks),
        by_schedule=is_ours(run, services().settings.home),
        may_issue=can(g.user, Do.ISSUE_SLIPS),
        discardable=run.state in DISCARDABLE,
        reason=reason,
        error=error,
        why=why,
        undone=undone,
        reason_max=REASON_MAX,
        shown=ROWS_SHOWN,
        messages=messages,
    )


def _csv(run_id: int, name: str) -> Response:
    """A list of the run from the books, as it stands beside its files."""
    engine, code = services().engine, services().municipality
    with unit_of_work(engine, code) as connection:
        print_runs.run_of(connection, code, run_id)
        record(connection, f"{name.replace('-', '_')}_taken", f"run:{run_id}")

    def rows() -> Iterator[tuple[object, ...]]:
        with reading(engine, code) as connection:
            status = status_of_run(connection, code, run_id)
            if name == "manifest":
                yield from manifest.manifest_rows(connection, code, status)
            else:
                yield from manifest.read_back_rows(status)

    columns = manifest.COLUMNS if name == "manifest" else manifest.READ_BACK_COLUMNS
    return csv_download(f"{name}-{run_id}.csv", columns, rows())
