"""納付通知のAPI: signed, each request once, idempotent, and answered with stable codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, current_app, g, json, request

from payments.domain.errors import RefusedError
from web import clock
from web.errors import answer, problem
from web.notifications import signing
from web.notifications.body import Wrong, read
from web.notifications.door import WINDOW_SECONDS, Refused, Signed
from web.notifications.key_cache import NOBODYS, KeyCache
from web.notifications.pace import Pace
from web.notifications.receive import CONFLICT, Told
from web.notifications.schemas import TRANSACTION_ID
from web.security import limiter
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from web.notifications.booking import Answer

notifications = Blueprint("notifications", __name__, url_prefix="/api/v1/payment-notifications")

BODY_BYTES_MAX = 2 * 1024 * 1024  # a batch of the longest notifications
SECRETS_COMPARED = 2  # at least, so that the time does not tell how many a key has
UNAUTHORISED, UNPROCESSABLE = 401, 422
TRANSACTION_ID_FORM = re.compile(TRANSACTION_ID)
REPLAYED = "Idempotency-Replayed"


@notifications.before_request
def check_signature() -> Response | None:
    """Nothing is looked at before the signature over the whole request holds."""
    request.max_content_length = BODY_BYTES_MAX
    key_id, timestamp, nonce, signature = (
        request.headers.get(name, "")
        for name in (
            signing.KEY_HEADER,
            signing.TIMESTAMP_HEADER,
            signing.NONCE_HEADER,
            signing.SIGNATURE_HEADER,
        )
    )
    if not (key_id and timestamp and nonce and signature):
        return _unauthorised("signature_missing")
    if signing.TIMESTAMP.fullmatch(timestamp) is None:
        return _unauthorised("timestamp_outside")
    if abs(clock.now().timestamp() - int(timestamp)) > WINDOW_SECONDS:
        return _unauthorised("timestamp_outside")
    if signing.NONCE.fullmatch(nonce) is None:
        return _unauthorised("nonce_invalid")
    key = _keys().find(key_id)
    secrets = key.in_force()
    # An unknown key is compared with secrets nobody has, so that it costs the same time.
    known = [secret for _number, secret in secrets]
    known += [NOBODYS] * (SECRETS_COMPARED - len(known))
    message = signing.canonical(timestamp, nonce, request.method, _path(), request.get_data())
    place = signing.which_signed(known, message, signature)
    if place is None or place >= len(secrets):
        current_app.logger.warning("signature refused: key %r", key_id[:40])
        return _unauthorised("signature_invalid")
    services().enter(key.municipality_code)
    g.signed = Signed(key_id, secrets[place][0], int(timestamp), nonce)
    return _too_many(key_id)


def _keys() -> KeyCache:
    """The keys that this application has just looked up."""
    found: KeyCache | None = current_app.extensions.get("kokin_keys")
    if found is None:
        found = current_app.extensions["kokin_keys"] = KeyCache(services())
    return found


def _path() -> str:
    """The path with its query, as it stands in the request line."""
    query = request.query_string.decode("latin-1")
    return f"{request.path}?{query}" if query else request.path


def _unauthorised(code: str) -> Response:
    return answer(code, UNAUTHORISED)


def _too_many(key_id: str) -> Response | None:
    """What one key may ask in a minute; only what it has signed is counted."""
    most = services().settings.notifications_per_minute
    if not (most and limiter.enabled):
        return None
    pace: Pace = current_app.extensions.setdefault("kokin_pace", Pace())
    seconds = pace.wait(key_id, most, clock.now().timestamp())
    if not seconds:
        return None
    response = answer("rate_limited", 429)
    response.headers["Retry-After"] = str(seconds)
    return response


@notifications.post("")
def notify() -> Response:
    """One notification, or a batch of them."""
    if not _is_json():
        _use_up()
        return answer("media_type", 415)
    data = request.get_data()
    found = read(data, request.headers.get("Idempotency-Key"))
    if isinstance(found, list):
        return _several(found)
    if isinstance(found, Wrong):
        _receive([], [found])
        return answer(found.code, UNPROCESSABLE, more=_errors(found))
    ((told, first),) = _receive([found], [])
    if told.status == CONFLICT:
        return answer("idempotency_conflict", CONFLICT)
    if not told.accepted:
        more = {"findings": told.members["findings"]} if "findings" in told.members else {}
        return answer(told.members["code"], told.status, more=more)
    return _good(told.members, told.status, replayed=not first)


def _several(found: Sequence[Told | Wrong]) -> Response:
    """A batch: one result each, in the order in which they were sent."""
    told = [each for each in found if isinstance(each, Told)]
    answers = iter(_receive(told, [each for each in found if isinstance(each, Wrong)]))
    results = []
    replayed = True
    for index, each in enumerate(found):
        if isinstance(each, Wrong):
            replayed = False
            more = _errors(each)
            results.append(_bad(index, each.code, UNPROCESSABLE, more))
            continue
        got, first = next(answers)
        replayed = replayed and got.accepted and not first
        if got.accepted:
            results.append({"index": index, "status": got.status, "receipt": got.members})
        else:
            findings = got.members.get("findings")
            more = {"findings": findings} if findings else {}
            results.append(_bad(index, got.members["code"], got.status, more))
    good = sum("receipt" in result for result in results)
    members = {"accepted": good, "refused": len(results) - good, "results": results}
    return _good(members, 207, replayed=replayed)


def _receive(told: list[Told], wrong: list[Wrong]) -> list[tuple[Answer, bool]]:
    """Keep everything that this request brought, with its nonce, and have it booked."""
    signed: Signed = g.signed
    refused = [Refused(signed.key_id, each.notification_id, each.code, each.body) for each in wrong]
    return services().desk.receive_many(signed.key_id, told, signed, refused)


def _use_up() -> None:
    services().desk.use_up(g.signed)


@notifications.get("")
def look_for() -> Response:
    """What became of the notifications about a transaction of one's own."""
    _use_up()
    transaction_id = request.args.get("transaction_id", "")
    if TRANSACTION_ID_FORM.fullmatch(transaction_id) is None:
        return answer("transaction_id", UNPROCESSABLE)
    found = services().desk.find(g.signed.key_id, transaction_id)
    return _good({"notifications": [each.members for each in found]}, 200)


@notifications.get("/<notification_id>")
def look_up(notification_id: str) -> Response:
    """What became of a notification of one's own."""
    _use_up()
    return _good(services().desk.show(g.signed.key_id, notification_id).members, 200)


@notifications.errorhandler(RefusedError)
def _used(error: RefusedError) -> Response:
    """The only thing that is refused here: a request that was here before."""
    return _unauthorised(error.error_code)


def _is_json() -> bool:
    """Whether the body says of itself that it is plain JSON; one that says nothing is believed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return False
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    return request.mimetype in {"", "application/json"} and charset == "utf-8"


def _errors(wrong: Wrong) -> dict[str, Any]:
    return {"errors": wrong.errors} if wrong.errors else {}


def _bad(index: int, code: str, status: int, more: Mapping[str, Any]) -> dict[str, Any]:
    """The result of a notification of a batch that was not accepted."""
    place: dict[str, Any] = {"instance": f"#/notifications/{index}"}
    return {
        "index": index,
        "status": status,
        "problem": problem(code, status, None, place | dict(more)),
    }


def _good(members: Mapping[str, Any], status: int, *, replayed: bool = False) -> Response:
    """An answer, in bytes that depend on nothing but its members."""
    body = json.dumps(members, ensure_ascii=False, sort_keys=True)
    response = Response(body, status, content_type="application/json")
    if replayed:
        response.headers[REPLAYED] = "true"
    return response
