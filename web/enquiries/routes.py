"""納付の照会: a resident asks with what is printed on a slip (law.md 10.1).

The four parts of the eL number typed, a photograph, several numbers at once, or the code printed on
the slip. All of it travels in the body of a POST, so that it stands in no URL, history or access
log; a code in a printed address stands behind its ``#``, which no browser sends. Questions are
written down only as keyed digests. A wrong number and an unknown one get the same answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Blueprint, Response, current_app, g, redirect, render_template, request, url_for
from werkzeug.exceptions import ServiceUnavailable

from payments.domain.errors import KokinError
from payments.domain.identifiers import ElNumber
from qr.scan.limits import UPLOAD_LIMITS
from web import clock, messages
from web.enquiries import proof, slip_code, typed
from web.enquiries.answers import bases_of, question_on, refusal, shown, tail_of, wrong_words
from web.enquiries.desk import Asking, EnquiryDesk
from web.enquiries.limits import network
from web.enquiries.photos import RETRY_SECONDS, FullError
from web.language import translated
from web.language_choice import choose_for_reader
from web.security import HEADERS, limiter, source
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from werkzeug.wrappers import Response as BaseResponse

    from qr.scan.slip_reading import SlipReading
    from web.enquiries.answers import Answer
    from web.enquiries.desk import Told
    from web.enquiries.slip_code import Named
    from web.enquiries.typed import Part

UNPROCESSABLE, TOO_MANY, UNAVAILABLE = 422, 429, 503
FORM_BYTES = 64 << 10  # what a form needs beside its file
TYPED_MAX = 8_000
WHERE = "number-where"  # the question of the help that says where on a slip the numbers are
_CAMERA = HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")

enquiries = Blueprint("enquiries", __name__)


class Field(NamedTuple):
    """欄 of the form: a part of the number in words, and as the slip has it printed."""

    name: str
    label: str
    printed: str
    length: int
    value: str
    wrong: str


# ---- before and behind every page here ----


def _whose() -> str:
    """照会元 as it is counted."""
    return network(source())


@enquiries.url_value_preprocessor
def _room_for_a_photo(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Only the page that reads photographs may be sent one, and only while it has a place."""
    if endpoint == "enquiries.read_photo" and request.method == "POST":
        request.max_content_length = UPLOAD_LIMITS.bytes_max + FORM_BYTES
        desk = _desk()
        g.photo_place = desk.photos.enter(desk.digest("source", _whose()))
        if g.photo_place is None:
            raise _Full


class _Full(ServiceUnavailable):
    """No place for another photograph: said before it is received."""


@enquiries.errorhandler(_Full)
def _full(_error: _Full) -> tuple[str, int, dict[str, str]]:
    choose_for_reader()  # It is said before anything else of the request was looked at.
    said = messages.label("enquiry_problem", "photo_full")
    return _ask_page(said=said), UNAVAILABLE, {"Retry-After": str(RETRY_SECONDS)}


@enquiries.teardown_request
def _give_place_back(_error: BaseException | None) -> None:
    place = g.pop("photo_place", None)
    if place is not None:
        _desk().photos.leave(place)


@enquiries.before_request
def _know_the_bodies() -> None:
    """As they were within this second: for every question anew they cost a third of its time."""
    g.bodies = _desk().bodies()


@enquiries.after_request
def _with_camera(response: Response) -> Response:
    """The page itself may use the camera, if whoever sits before it says so."""
    response.headers["Permissions-Policy"] = _CAMERA
    return response


# ---- pages ----


@enquiries.get("/")
def ask() -> str:
    """The ways in."""
    return _ask_page()


@enquiries.post("/")
def tell() -> BaseResponse | str | tuple[str, int]:
    """The state of one slip by its number, and what the answer rests on."""
    parts = typed.typed(request.form)
    number = typed.number_of(parts)
    if number is None:
        return _ask_page(parts, tried=True), UNPROCESSABLE
    return _answered([(number, None)], "number")


@enquiries.get("/several")
def ask_several() -> str:
    """Several numbers at once: a household, a bookkeeper."""
    return _several_page()


@enquiries.post("/several")
def tell_several() -> BaseResponse | str | tuple[str, int]:
    """The states of several slips, each counted as a question of its own."""
    text = request.form.get("numbers", "")[:TYPED_MAX]
    most = _slips_max()
    numbers, wrong = typed.lines_of(text, most)
    said = ""
    if wrong:
        said = messages.label("enquiry_problem", "several_lines")
        said = said.format(lines=translated("、").join(map(str, wrong[:most])))
    elif not numbers:
        said = messages.label("enquiry_problem", "several_none")
    elif len(numbers) > most:
        said = messages.label("enquiry_problem", "several_many").format(most=most)
    if said:
        return _several_page(said, text), UNPROCESSABLE
    return _answered([(number, None) for number in numbers], "several")


@enquiries.get("/photo")
@enquiries.get("/code", endpoint="code_again")
def ask_again() -> BaseResponse:
    """Whoever comes back to the address of an answer begins again."""
    return redirect(url_for("enquiries.ask"), 303)


@enquiries.post("/photo")
@limiter.limit("10 per minute; 60 per hour", key_func=_whose)
def read_photo() -> BaseResponse | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """The slips in a photograph, read here and now; the picture is not kept."""
    brought = request.files.get("photo")
    if brought is None or not brought.filename:
        return _ask_page(said=messages.label("enquiry_problem", "photo_none")), UNPROCESSABLE
    data = brought.stream.read(UPLOAD_LIMITS.bytes_max + 1)
    try:
        readings = _desk().photos.read(data)
    except FullError:
        return _full(_Full())
    except KokinError as error:
        if error.error_code == "scan_too_slow":  # pictures are read in the time that nobody needs
            return _full(_Full())
        return _ask_page(said=messages.label("enquiry_problem", "photo_refused")), UNPROCESSABLE
    numbers = _numbers_in(readings)
    if not numbers:
        return _ask_page(said=messages.label("enquiry_problem", "photo_unread")), UNPROCESSABLE
    most = _slips_max()
    if len(numbers) > most:
        said = messages.label("enquiry_problem", "several_many").format(most=most)
        return _ask_page(said=said), UNPROCESSABLE
    return _answered([(number, None) for number in numbers], "photo")


@enquiries.post("/code")
def open_code() -> BaseResponse | str | tuple[str, int]:
    """The state of one slip by the code that is printed on it."""
    code = slip_code.typed_code(request.form.get("code", "")[:60])
    if not code:
        return _ask_page(said=messages.label("enquiry_problem", "code")), UNPROCESSABLE
    named = slip_code.slip_of(_desk().key, code) or slip_code.nobodys(code)
    return _answered([(None, named)], "code")


# ---- what they share ----


def _desk() -> EnquiryDesk:
    found = current_app.extensions.get("kokin_enquiries")
    if found is None:
        made = EnquiryDesk(services())
        found = current_app.extensions.setdefault("kokin_enquiries", made)
    desk: EnquiryDesk = found
    return desk


def _answered(
    asked: Sequence[tuple[ElNumber | None, Named | None]], way: str
) -> BaseResponse | str | tuple[str, int] | Any:
    """Each question told by itself; a single one that may not be answered is refused as a whole."""
    desk, where = _desk(), source()
    given, solution = request.form.get("task", ""), request.form.get("solution", "")
    moment = clock.now().timestamp()
    proved = proof.check(desk.key, given, solution, moment, guarded=desk.guarded())
    told: list[Told] = []
    answers: list[Answer] = []
    tail = tail_of([number for number, _named in asked if number is not None])
    for place, (number, named) in enumerate(asked):
        # One proof goes with one form, and may be used once for each slip of it.
        mine = proved._replace(name=f"{proved.name}.{place}") if proved else None
        found = desk.tell(Asking(number, named, way, where, mine), limited=limiter.enabled)
        told.append(found)
        answers.append(shown(found, number, tail))
    if len(told) == 1 and not told[0].verdict.answered:
        verdict = told[0].verdict
        status = UNAVAILABLE if verdict.rule == "busy" else TOO_MANY
        page = _ask_page(said=refusal(verdict))
        return page, status, {"Retry-After": str(verdict.wait_seconds)}
    bases = bases_of(told)
    if len(answers) == 1:
        answers = [answers[0]._replace(tail="")]  # shown where there are several
        return desk.pages.page("enquiries/answer.html", {"answers": answers, "bases": bases})
    return render_template("enquiries/answer.html", answers=answers, bases=bases)


def _numbers_in(readings: Sequence[SlipReading]) -> list[ElNumber]:
    """The eL numbers of a picture, each once; only what check digits confirm."""
    found = [slip.fields.get("el_number") for slip in readings if slip.good]
    return [ElNumber.parse(str(digits)) for digits in dict.fromkeys(found) if digits]


def _ask_page(parts: Sequence[Part] = (), said: str = "", *, tried: bool = False) -> str:
    values = {
        "parts": [_field(part) for part in parts or typed.parts_of()],
        "tried": tried,
        "said": said,
        "with_codes": _with_codes(),
        "where": question_on(WHERE),
    }
    if parts:  # What somebody typed is kept nowhere.
        return render_template("enquiries/ask.html", task=_task(), **values)
    return _desk().pages.page("enquiries/ask.html", values, task=_task())


def _several_page(said: str = "", text: str = "") -> str:
    return render_template(
        "enquiries/several.html",
        said=said,
        typed=text,
        task=_task(),
        most=_slips_max(),
        where=question_on(WHERE),
    )


def _field(part: Part) -> Field:
    printed = ElNumber.LABELS_JA[part.name]
    label = translated(printed)
    said = wrong_words(part.length, part.wrong, part.found, label) if part.wrong else ""
    beside = "" if printed in label else printed  # who reads no Japanese looks for it on the paper
    return Field(part.name, label, beside, part.length, part.value, said)


def _task() -> str:
    desk = _desk()
    return proof.task(desk.key, clock.now().timestamp(), guarded=desk.guarded())


def _slips_max() -> int:
    """一度に確認できる枚数: of the only body; where there are several, the usual number."""
    return _desk().section().slips_max


def _with_codes() -> bool:
    """Whether slips carry a code; where there are several bodies, some of them may."""
    return bool(_desk().section().address) or services().sole is None
