"""エラーの応答: the only place that turns errors into HTTP answers.

Pages get an HTML page, the API a problem document (RFC 9457), both with the same stable code.
"""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from flask import Flask, Response, current_app, json, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from payments.domain.errors import (
    ConfigurationError,
    ConflictError,
    FormatError,
    InvalidValueError,
    KokinError,
    NotFoundError,
    RefusedError,
)
from web import messages
from web.language import translated
from web.language_choice import for_residents
from web.texts.help import NOT_SHOWN, UNSHOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.wrappers import Response as BaseResponse

STATUSES: tuple[tuple[type[KokinError], int], ...] = (
    (NotFoundError, 404),
    (RefusedError, 409),
    (ConflictError, 409),
    (InvalidValueError, 422),
    (FormatError, 422),
    (ConfigurationError, 503),
)
# Rules that say no to this person, whatever they ask for.
FORBIDDEN = frozenset(
    {
        "approval_lent",
        "approval_own_roles",
        "approval_role",
        "approval_same_person",
        "payee_same_person",
        "forbidden_role",
        "role_needed",
    }
)
HTTP_CODES = {
    400: "bad_request",
    401: "sign_in_required",
    403: "forbidden",
    404: "page_not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "rate_limited",
}

RETRY_SECONDS = "5"  # when the API is not ready

log = logging.getLogger(__name__)


def handle_errors(app: Flask) -> None:
    """Answer every kind of error."""
    app.register_error_handler(KokinError, _ours)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(Exception, _unforeseen)


def answer(
    code: str,
    status: int,
    details: Mapping[str, object] | None = None,
    more: Mapping[str, Any] | None = None,
    typed: Sequence[tuple[str, str]] = (),
) -> Response:
    """The error as a page, with what was typed; or as a problem document for the API."""
    if request.path.startswith("/api/"):
        instance = uuid.uuid4().urn
        told = problem(code, status, details, {"instance": instance} | dict(more or {}))
        log.info("problem %s: %s %s", instance, status, code)
        body = json.dumps(told, ensure_ascii=False)
        response = Response(body, status, content_type="application/problem+json; charset=utf-8")
        if status == 503:
            response.headers["Retry-After"] = RETRY_SECONDS
        return response
    if for_residents():
        again = {"Retry-After": RETRY_SECONDS} if status == 503 else None
        return Response(_for_residents(code, status, details), status, again)
    sentence = messages.error(code, details)
    page = render_template(
        "error.html", sentence=sentence, code=code, status=status, typed=typed, back=_came_from()
    )
    return Response(page, status)


def _came_from() -> str:
    """前の画面: the page of ours from which this was asked for; "" where none can be opened."""
    before = urlsplit(request.referrer or "")
    if before.netloc != request.host or (request.method, request.path) == ("GET", before.path):
        return ""
    adapter = current_app.create_url_adapter(request)
    try:
        if adapter is not None:
            adapter.match(before.path, "GET")
    except HTTPException:  # a form that was sent has no page of its own
        return ""
    return urlunsplit(("", "", before.path, before.query, ""))


def _for_residents(code: str, status: int, details: Mapping[str, object] | None) -> str:
    """In plain words what to do now, first of all not to pay twice; nothing is read for it."""
    heading, *paragraphs = UNSHOWN.get(status, (NOT_SHOWN, ""))
    return render_template(
        "public_error.html",
        heading=translated(heading),
        paragraphs=[translated(each) or messages.error(code, details) for each in paragraphs],
        code=code,
        status=status,
        bare=True,
    )


def problem(
    code: str,
    status: int,
    details: Mapping[str, object] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """問題 (RFC 9457): what the API says when it says no; ``type`` leads to the page about it."""
    return {
        "type": f"/api/v1/docs#{code}",
        "title": messages.problem_title(status),
        "status": status,
        "detail": messages.error(code, details),
        "code": code,
    } | dict(more or {})


def status_of(error: KokinError) -> int:
    """The HTTP status of an error of ours."""
    if error.error_code in FORBIDDEN:
        return 403
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def _ours(error: KokinError) -> Response:
    return answer(error.error_code, status_of(error), error.details)


def _csrf(_error: CSRFError) -> Response:
    return answer("csrf", 400, typed=_typed())


def _typed() -> list[tuple[str, str]]:
    """入力: what a person wrote, to be read and copied; it is not offered to be sent again.

    A form without its token may be somebody else's, so that nothing of it goes on with a press.
    """
    return [
        (name, said)
        for name, said in request.form.items(multi=True)
        if said and messages.label("typed", name) != name  # what has a name is what people write
    ]


def _http(error: HTTPException) -> Response | BaseResponse:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    response = answer(HTTP_CODES.get(status, "internal"), status)
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _database(error: SQLAlchemyError) -> Response:
    # The statement may carry numbers of slips: only the kind of error is logged.
    log.error("database: %s", type(error).__name__)
    return answer("not_ready", 503)


def _unforeseen(error: Exception) -> Response:
    log.error("unforeseen: %s", type(error).__name__, exc_info=error)
    return answer("internal", 500)
