"""納付通知のAPI: signed, idempotent, and answered with stable codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, current_app, g, jsonify, request

from payments.store.unit_of_work import reading
from web import clock
from web.errors import answer
from web.notifications import keys
from web.notifications.openapi import DOCUMENT
from web.notifications.receive import identifier
from web.security import limiter
from web.services import services

if TYPE_CHECKING:
    from web.notifications.booking import Answer

notifications = Blueprint("notifications", __name__, url_prefix="/api/v1/payment-notifications")
api_documents = Blueprint("api_documents", __name__, url_prefix="/api/v1")

ACCEPTED = 202  # kept, and not yet booked


@notifications.before_request
@limiter.limit("6000 per minute")
def check_signature() -> Response | None:
    """Nothing is looked at before the signature over time and body holds."""
    key_id = request.headers.get("X-Kokin-Key", "")
    timestamp = request.headers.get("X-Kokin-Timestamp", "")
    signature = request.headers.get("X-Kokin-Signature", "")
    if not (key_id and timestamp and signature):
        return answer("signature_missing", 401)
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return answer("timestamp_outside", 401)
    if abs(clock.now().timestamp() - int(timestamp)) > keys.WINDOW_SECONDS:
        return answer("timestamp_outside", 401)
    with reading(services().engine, services().municipality) as connection:
        secret = keys.secret_of(connection, services().settings, services().municipality, key_id)
    body = request.get_data()
    # An unknown key is compared with a secret nobody has, so that it costs the same time.
    known = secret or keys.derive(services().settings, key_id, "nobody")
    if not keys.signature_holds(known, timestamp, body, signature) or secret is None:
        current_app.logger.warning("signature refused: key %r", key_id[:40])
        return answer("signature_invalid", 401)
    g.key_id = key_id
    return None


@notifications.post("")
def notify() -> Response:
    """One payment."""
    body = request.get_data()
    notification_id = identifier(request.headers.get("Idempotency-Key"), body)
    found, first = services().desk.receive(g.key_id, notification_id, body)
    return _response(found, found.status if first or found.status == ACCEPTED else 200)


@notifications.get("/<notification_id>")
def look_up(notification_id: str) -> Response:
    """What became of a notification of one's own."""
    found = services().desk.show(g.key_id, notification_id)
    return _response(found, 200)


@api_documents.get("/openapi.json")
def describe() -> Response:
    """The interface as data."""
    return jsonify(DOCUMENT)


def _response(found: Answer, good: int) -> Response:
    """The answer as JSON, a refusal as a problem document."""
    if not found.accepted:
        more = {name: value for name, value in found.members.items() if name != "status"}
        return answer(found.members["code"], found.status, more=more)
    response = jsonify(found.members)
    response.status_code = good
    return response
