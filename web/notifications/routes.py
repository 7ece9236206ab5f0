"""納付通知のAPI: signed, each request once, idempotent, and answered with stable codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, Response, current_app, g, request

from payments.domain.errors import RefusedError
from web.errors import answer
from web.language_choice import choose_for_program
from web.notifications.gate import (
    BODY_BYTES_MAX,
    REPLAYED,
    UNAUTHORISED,
    UNPROCESSABLE,
    Gate,
    ProblemError,
    reply,
    take_in,
)
from web.notifications.schemas import TRANSACTION_ID
from web.services import services

if TYPE_CHECKING:
    from web.notifications.gate import Reply

PATH = "/api/v1/payment-notifications"
notifications = Blueprint("notifications", __name__, url_prefix=PATH)

TRANSACTION_ID_FORM = re.compile(TRANSACTION_ID)


@notifications.before_request
def check_signature() -> None:
    """Nothing is looked at before the signature over the whole request holds."""
    choose_for_program()
    request.max_content_length = BODY_BYTES_MAX
    municipality_code, g.signed = gate().check(request.environ, _path(), request.get_data())
    services().enter(municipality_code)


def gate() -> Gate:
    """The gate of the application that answers this request."""
    found: Gate = current_app.extensions["kokin_gate"]
    return found


def _path() -> str:
    """The path with its query, as they are signed (:mod:`web.notifications.signing`)."""
    # The server hands over the path without its percent signs, the query with them.
    path = quote(request.environ["PATH_INFO"].encode("latin-1"), safe="/")
    query = request.query_string.decode("latin-1")
    return f"{path}?{query}" if query else path


@notifications.post("")
def notify() -> Response:
    """One notification, or a batch of them."""
    if not _is_json():
        _use_up()
        raise ProblemError("media_type", 415)
    key = request.headers.get("Idempotency-Key")
    return _good(take_in(services().desk, g.signed, request.get_data(), key))


def _use_up() -> None:
    services().desk.use_up(g.signed)


@notifications.get("")
def look_for() -> Response:
    """What became of the notifications about a transaction of one's own."""
    _use_up()
    transaction_id = request.args.get("transaction_id", "")
    if TRANSACTION_ID_FORM.fullmatch(transaction_id) is None:
        raise ProblemError("transaction_id", UNPROCESSABLE)
    found = services().desk.find(g.signed.key_id, transaction_id)
    return _good(reply({"notifications": [each.members for each in found]}, 200))


@notifications.get("/<notification_id>")
def look_up(notification_id: str) -> Response:
    """What became of a notification of one's own."""
    _use_up()
    return _good(reply(services().desk.show(g.signed.key_id, notification_id).members, 200))


@notifications.errorhandler(RefusedError)
def _used(error: RefusedError) -> Response:
    """The only thing that is refused here: a request that was here before."""
    return answer(error.error_code, UNAUTHORISED)


@notifications.errorhandler(ProblemError)
def _problem(error: ProblemError) -> Response:
    response = answer(error.code, error.status, more=error.more)
    response.headers.extend(error.headers)
    return response


def _is_json() -> bool:
    """Whether the body says of itself that it is plain JSON; one that says nothing is believed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return False
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    return request.mimetype in {"", "application/json"} and charset == "utf-8"


def _good(found: Reply) -> Response:
    response = Response(found.data, found.status, content_type="application/json")
    if found.replayed:
        response.headers[REPLAYED] = "true"
    return response
