"""納付書の窓口の画面: what a paper says and what its slip is; reissue, revoke, print; print runs.

Numbers come by POST; addresses hold the books' own numbers. Every look at a slip is recorded, for
it shows whose it is (地方税法22条).
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, redirect, render_template, request, send_file, url_for

from payments import issue
from payments.domain.errors import KokinError, NotFoundError
from payments.domain.reason import REASON_MAX
from payments.release import not_accepted
from payments.store.municipalities import load_profile
from payments.store.unit_of_work import reading, side_work, unit_of_work
from payments.versions import Act
from qr.layout.slip_page import SlipFaultsError
from qr.scan.limits import UPLOAD_LIMITS
from qr.scan.read import read_slips
from reconcile.find import find_number
from web import clock, messages, stale
from web.accounts.record import record
from web.duties import Do
from web.errors import status_of
from web.inbox.names import safe_name
from web.security import HEADERS, limiter, may
from web.services import services
from web.slips.compare import Held, compare, scanned, slip_id_of
from web.slips.desk import desk_slip, draft_picture, picture
from web.slips.printing import pdf_to_hand_over, print_slip, printed_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from werkzeug.wrappers import Response as BaseResponse

    from payments.domain.profile import Profile
    from qr.scan.slip_reading import SlipReading

FORM_BYTES = 64 << 10  # what a form needs beside its file
NUMBER_MAX = 1_000  # both symbols of a slip, as a hand scanner types them

_CAMERA = HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")

slips = Blueprint("slips", __name__, url_prefix="/staff/slips")


@slips.url_value_preprocessor
def _room_for_a_picture(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Only the page that reads papers may be sent more than a form."""
    if endpoint == "slips.read":
        request.max_content_length = UPLOAD_LIMITS.bytes_max + FORM_BYTES


@slips.after_request
def _with_camera(response: Response) -> Response:
    """The desk may use the camera of its machine, if whoever sits before it says so."""
    response.headers["Permissions-Policy"] = _CAMERA
    return response


@slips.get("")
@may(Do.READ_SLIPS)
def desk() -> str:
    """The desk: bring a picture, scan a symbol, or type a number."""
    return _desk()


@slips.post("/read")
@may(Do.READ_SLIPS)
@limiter.limit("30 per minute")
def read() -> str | tuple[str, int]:
    """What the papers in a picture or PDF say, beside the books; the file is not kept."""
    brought = request.files.get("paper")
    if brought is None or not brought.filename:
        return _desk(error=messages.error("slip_paper_none")), 422
    try:
        data = brought.stream.read(UPLOAD_LIMITS.bytes_max + 1)
        readings = read_slips(data, safe_name(brought.filename), UPLOAD_LIMITS)
    except KokinError as error:
        return _desk(error=messages.error(error.error_code, error.details)), status_of(error)
    if not readings:
        said = messages.error("symbol_none", {"file": safe_name(brought.filename)})
        return _desk(error=said), 422
    return _compared(readings)


@slips.post("/find")
@may(Do.READ_SLIPS)
def find() -> BaseResponse | str | tuple[str, int]:
    """A number as it was typed, or symbols as a hand scanner typed them."""
    number = request.form.get("number", "").strip()[:NUMBER_MAX]
    reading_of = scanned(number)
    if reading_of is not None:
        return _compared([reading_of], number)
    code = services().municipality
    try:
        with reading(services().engine, code) as connection:
            found = find_number(connection, code, number)
            if found.kind != "slip":
                raise NotFoundError("slip", slip_no=number)
            slip_id = slip_id_of(connection, code, found.name)
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _desk(number=number, error=said), status_of(error)
    return redirect(url_for("slips.show", slip_id=slip_id), 303)


@slips.get("/<int:slip_id>")
@may(Do.READ_SLIPS)
def show(slip_id: int) -> str:
    """One slip: its standing, its versions, and what may be done with it."""
    return _page(slip_id)


@slips.get("/<int:slip_id>/slip.png")
@may(Do.READ_SLIPS)
def image(slip_id: int) -> Response:
    """納付書の画像 of this version; it shows whose it is, so that somebody saw it is recorded."""
    answer = _png(lambda connection, profile: picture(connection, profile, slip_id))
    with side_work(services().engine, services().municipality) as connection:
        record(connection, "slip_seen", f"slip:{slip_id}")
    return answer


@slips.get("/<int:slip_id>/preview.png")
@may(Do.ISSUE_SLIPS)
def preview(slip_id: int) -> Response:
    """再発行の下見 as a picture, with 見本 on it."""

    def draw(connection: Connection, profile: Profile) -> bytes:
        shown = desk_slip(connection, profile, slip_id, _act())
        if shown.draft is None:
            raise NotFoundError("slip", slip_no=slip_id)
        return draft_picture(connection, profile, slip_id, shown.draft)

    return _png(draw)


@slips.post("/<int:slip_id>/reissue")
@may(Do.ISSUE_SLIPS)
def reissue(slip_id: int) -> BaseResponse | tuple[str, int]:
    """再発行 of what the page had shown."""

    def do(connection: Connection, profile: Profile, slip_no: str, reason: str) -> int:
        issued = issue.reissue(connection, profile, slip_no, _act(), reason=reason)
        record(connection, "slip_reissued", f"slip:{slip_id}>{issued.slip_id}")
        return issued.slip_id

    return _change(slip_id, "reissue", do)


@slips.post("/<int:slip_id>/revoke")
@may(Do.ISSUE_SLIPS)
def revoke(slip_id: int) -> BaseResponse | tuple[str, int]:
    """失効 of what the page had shown."""

    def do(connection: Connection, profile: Profile, slip_no: str, reason: str) -> int:
        issue.revoke(connection, profile, slip_no, _act(), reason=reason)
        record(connection, "slip_revoked", f"slip:{slip_id}")
        return slip_id

    return _change(slip_id, "revoke", do)


@slips.post("/<int:slip_id>/print")
@may(Do.ISSUE_SLIPS)
def print_one(slip_id: int) -> BaseResponse | tuple[str, int]:
    """一枚の印刷: printed and read back, here and now."""
    engine, code = services().engine, services().municipality
    try:
        with reading(engine, code) as connection:
            shown = desk_slip(connection, load_profile(connection, code), slip_id, _act())
        home, slip_no = services().settings.home, shown.version.slip_no
        key = services().settings.secret().encode()
        run_id = print_slip(engine, code, home, slip_no, actor=g.user.user_name, code_key=key)
        with unit_of_work(engine, code) as connection:
            record(connection, "slip_printed", f"slip:{slip_id} run:{run_id}")
    except KokinError as error:
        said = messages.error(error.error_code, error.details)
        return _page(slip_id, errors={"print": said}), status_of(error)
    return redirect(url_for("slips.show", slip_id=slip_id) + "#print", 303)


@slips.get("/<int:slip_id>/slip.pdf")
@may(Do.ISSUE_SLIPS)
def hand_over(slip_id: int) -> Response:
    """手渡すPDF; who took it is written down."""
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        shown = desk_slip(connection, load_profile(connection, code), slip_id, _act())
        file = printed_file(connection, code, slip_id, shown.notice_id, shown.view.term)
        data = pdf_to_hand_over(connection, code, file)
        record(connection, "slip_handed_over", f"slip:{slip_id} run:{file.run_id}")
    name = f"slip-{shown.version.slip_no}.pdf"
    return send_file(
        BytesIO(data), "application/pdf", as_attachment=True, download_name=name, etag=False
    )


# ---- parts ----


def _act() -> Act:
    return Act(g.user.user_name, clock.now(), clock.today())


def _desk(**shown: Any) -> str:
    words = {"number": "", "error": "", "results": None} | shown
    return render_template(
        "slips/desk.html",
        **words,
        messages=messages,
        most=UPLOAD_LIMITS.bytes_max // 1_000_000,
        pages=UPLOAD_LIMITS.pages_max,
    )


def _compared(readings: list[SlipReading], number: str = "") -> str:
    """The papers beside the books; that somebody looked is recorded."""
    code = services().municipality
    results: list[tuple[Held, Any]] = []
    with unit_of_work(services().engine, code) as connection:
        profile = load_profile(connection, code)
        for one in readings:
            held = compare(connection, profile, one)
            shown = None
            if held.slip_id is not None:
                shown = desk_slip(connection, profile, held.slip_id, _act())
                record(connection, "slip_read", f"slip:{held.slip_id}")
            results.append((held, shown))
    return _desk(results=results, number=number)


def _change(
    slip_id: int, name: str, do: Callable[[Connection, Profile, str, str], int]
) -> BaseResponse | tuple[str, int]:
    """A change of what the page had shown; else the page again, with what was typed."""
    code, reason = services().municipality, request.form.get("reason", "")
    try:
        with unit_of_work(services().engine, code) as connection:
            profile = load_profile(connection, code)
            shown = desk_slip(connection, profile, slip_id, _act())
            stale.require_shown(shown.shown)
            after = do(connection, profile, shown.version.slip_no, reason)
    except KokinError as error:
        if isinstance(error, NotFoundError):
            raise
        said = messages.error(error.error_code, error.details)
        return _page(slip_id, errors={name: said}, reasons={name: reason}), status_of(error)
    return redirect(url_for("slips.show", slip_id=after), 303)


def _page(
    slip_id: int, errors: dict[str, str] | None = None, reasons: dict[str, str] | None = None
) -> str:
    code = services().municipality
    with unit_of_work(services().engine, code) as connection:
        profile = load_profile(connection, code)
        shown = desk_slip(connection, profile, slip_id, _act())
        file = printed_file(connection, code, slip_id, shown.notice_id, shown.view.term)
        waiting = not_accepted(connection, profile, file.run_id) if file is not None else 0
        record(connection, "slip_shown", f"slip:{slip_id}")
    return render_template(
        "slips/show.html",
        slip=shown,
        item=profile.item(shown.view.item_code).name,
        file=file,
        waiting=waiting,
        errors=errors or {},
        reasons=reasons or {},
        reason_max=REASON_MAX,
        today=clock.today(),
        field=stale.FIELD,
        messages=messages,
    )


def _png(draw: Callable[[Connection, Profile], bytes]) -> Response:
    code = services().municipality
    try:
        with reading(services().engine, code) as connection:
            data = draw(connection, load_profile(connection, code))
    except SlipFaultsError as error:
        raise NotFoundError("slip_picture") from error
    return Response(data, content_type="image/png")
