"""稼働確認: is the process alive, and can it work?"""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from flask import Blueprint, Response, abort, jsonify, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from web.database import current_revision, head_revision
from web.errors import answer
from web.services import services

health = Blueprint("health", __name__)

# Any of them says that somebody further away asks.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP")


@health.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
def ready() -> Response:
    """The database is there, at the right revision, with a municipality in it."""
    if current_revision(services().engine) != head_revision():
        return answer("not_ready", 503)
    number, oldest_seconds = _waiting()
    waiting = {"waiting": number, "oldest_seconds": oldest_seconds}
    return jsonify(status="ready", notifications=waiting)


@health.get("/metrics")
def metrics() -> Response:
    """Figures for a monitoring system (Prometheus text format); nothing about anybody.

    For who shows the token of the settings; without one, for who asks on this machine.
    """
    if not _may_measure():
        abort(404)
    return Response(services().metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _may_measure() -> bool:
    """Whether the request shows the token, or comes from this machine and through no proxy."""
    token = services().settings.metrics_token
    if token:
        shown = request.headers.get("Authorization", "")
        return hmac.compare_digest(shown.encode(), f"Bearer {token}".encode())
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ip_address(request.environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _waiting() -> tuple[int, int]:
    """記帳待ち of all bodies: how many notifications, and for how many seconds the oldest."""
    found = [services().spool.waiting(body.code) for body in services().bodies]
    return sum(each.number for each in found), max(each.oldest_seconds for each in found)
